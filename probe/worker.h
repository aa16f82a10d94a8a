/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - the parts of one prober worker, and how they call each other.
 *
 * prober.c reads the agent's messages and owns the worker; target.c keeps targets and
 * the addresses (slots) that they have now; flight.c carries one probe from its start
 * to its sample.
 */
#ifndef PROBE_WORKER_H
#define PROBE_WORKER_H

#include "probe/http.h"
#include "probe/loop.h"
#include "probe/names.h"
#include "probe/outbox.h"
#include "probe/plan.h"
#include "probe/schedule.h"

struct flight;
struct target;

struct slot { /* one address of one target */
	struct beat beat;
	struct target *target;
	struct flight *flight; /* NULL: no probe in flight */
	struct outbox_entry *queued;
	const char *forbidden; /* why it is never probed; NULL: it is */
	struct address address;
	uint8_t number;  /* below ADDRESSES_MAX */
	bool failing;    /* the last probe failed */
	uint64_t ticket; /* of the PROBE_DUE without a result; 0: none */
};

struct target {
	uint32_t id;
	uint16_t port;
	bool families[FAMILIES];
	bool numeric;
	bool crowded; /* told */
	struct plan *plan;
	struct worker *worker;
	struct name_user user; /* unless numeric */
	struct slot **slot;    /* NULL where free */
	uint32_t slots;
	struct target *next_same, *next, **back; /* in the bucket; in order of coming */
	char *host;
};

#define TARGET_BUCKETS 4096
struct targets {
	struct target *bucket[TARGET_BUCKETS];
	struct target *first, **end;
};

struct worker {
	struct loop loop;
	struct outbox outbox;
	struct schedule schedule;
	struct timer due; /* of the schedule */
	struct plans plans;
	struct targets targets;
	struct resolver *resolver;
	struct names *names;
	struct http_tools http;
	struct tls_system authorities;
	struct event *messages;
	struct event *heartbeat;
	struct event *more; /* to start: they were too many for one go */
	bool behind;        /* more is to come */
	uint64_t beat_us;   /* when the last heartbeat came */
	uint64_t tickets;   /* given so far */
	int fd;
	bool greeted, going, over;
	enum prober_exit exit;
};

/* target.c. A target that comes with an id in use replaces the old one; what has not
 * changed keeps its addresses. False: out of memory. */
bool target_put(struct worker *w, const struct prober_msg *m) MUST_CHECK;
void
target_drop(struct worker *w, uint32_t id); /* nothing happens for an unknown one */
/* How a program ended, if its slot still waits for that. */
void target_result(struct worker *w, const struct prober_msg *m);
void targets_go(struct worker *w); /* schedules what has come so far */
void targets_drop_all(struct worker *w);

/* flight.c */
void flight_start(struct worker *w, struct slot *s); /* its beat is running */
void flight_result(struct worker *w, struct slot *s, enum outcome outcome);
void flight_cancel(struct flight *f); /* no sample; the beat is left as it is */

/* prober.c: the schedule's earliest beat may have changed. */
void worker_reschedule(struct worker *w);

#endif
