/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - events on their way to the agent, never waited for.
 *
 * An event is sent at once if the socket takes it; only a pass waits for company, a tick
 * of the loop at most. What the socket does not take queues: samples at most one an
 * address (a newer one takes the older one's place in the line), everything else in full
 * up to OUTBOX_EVENTS_MAX. An agent that is further behind is deaf.
 */
#ifndef PROBE_OUTBOX_H
#define PROBE_OUTBOX_H

#include "probe/loop.h"
#include "probe/prober.h"

#define OUTBOX_EVENTS_MAX 16384

struct outbox_entry;

struct outbox {
	int fd;
	struct loop *loop;
	struct timer soon; /* the batch goes */
	struct probe_event batch[PROBE_EVENTS_MAX];
	struct outbox_entry **owner[PROBE_EVENTS_MAX]; /* of a sample; NULL: none */
	uint32_t batched;
	struct event *writable;
	struct outbox_entry *first, **end;
	uint32_t events; /* queued, samples not counted */
	bool deaf;       /* the queue overflowed, or the socket is broken */
};

bool outbox_init(struct outbox *o, struct loop *l, int fd, struct err *e) MUST_CHECK;
void outbox_fini(struct outbox *o);
void outbox_tell(struct outbox *o, const struct probe_event *ev);
/* *queued is the address's own, NULL at first; it points at its sample while that
 * queues. Before it goes away: outbox_forget(), which drops that sample. */
void outbox_sample(
    struct outbox *o, const struct probe_event *ev, struct outbox_entry **queued);
void outbox_forget(struct outbox *o, struct outbox_entry **queued);

#endif
