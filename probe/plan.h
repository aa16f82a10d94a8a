/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - checks made ready, each kept once however many targets use it.
 *
 * A check is 3 KB; ten thousand targets have a few dozen different ones.
 */
#ifndef PROBE_PLAN_H
#define PROBE_PLAN_H

#include "probe/dns.h"
#include "probe/http.h"
#include "probe/tcp.h"

struct plan {
	struct check_spec check;
	uint64_t stamp[PROBER_FILES]; /* of its files */
	uint16_t port;                /* in force: the check's own, else the target's */
	struct connect_from from;
	struct http_plan *http; /* CHECK_HTTP */
	struct tcp_plan tcp;    /* CHECK_TCP */
	struct dns_plan dns;    /* CHECK_DNS */
	char trouble[120];      /* why it cannot be carried out; "" it can */
	uint32_t users;
	uint64_t hash;
	struct plan *next;
};

#define PLAN_BUCKETS 256
struct plans {
	struct plan *bucket[PLAN_BUCKETS];
};

/* The plan for a message's check, port and files, which are read here. system: whom
 * checks without authorities of their own trust. NULL: out of memory. */
struct plan *
plan_take(struct plans *all, const struct prober_msg *m, struct tls_system *system);
void plan_give_back(struct plans *all, struct plan *p);

#endif
