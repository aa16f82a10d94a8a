/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_once.h - one probe of each address from here, for `check` and `plan`.
 *
 * Blocking. A prober worker of its own does the work, and a runner that of programs, so
 * what is seen is what the agent's would see: same process limits, same resolver, same
 * rules. AWS is asked about targets when the addresses are done.
 */
#ifndef STEERING_AGENT_PROBE_ONCE_H
#define STEERING_AGENT_PROBE_ONCE_H

#include "config/model.h"
#include "probe/prober.h"

struct once_row { /* one address, or an endpoint that has none */
	/* Indices into the configuration; of FAMILY_TARGETS there is no such endpoint. */
	uint32_t service, member, endpoint;
	uint32_t slot;
	char address[64]; /* "" while, or because, the name does not resolve */
	bool due, runs;   /* a program: it waits to be run, it runs */
	bool done;        /* the rest holds */
	enum family family;
	enum outcome outcome;
	enum probe_reason reason;
	uint32_t http_status, latency_us;
	char text[160];
};

struct once {
	uint32_t rows;
	struct once_row *row; /* sorted by service, member, endpoint, slot */
};

/* service -1: all of them. changed (may be NULL) is called when rows came or moved; the
 * rows are whole only after the return. False: no probing at all, and why. */
bool probe_once(const struct config *c, int32_t service, struct once *out,
    void (*changed)(const struct once *out, void *arg), void *arg,
    struct err *e) MUST_CHECK;
void once_free(struct once *o);

#endif
