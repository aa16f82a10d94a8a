/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - events on their way to the agent, never waited for.
 *
 * An event is sent at once if the socket takes it. Otherwise it queues: samples at most
 * one an address (a newer one takes the older one's place in the line), everything else
 * in full up to OUTBOX_EVENTS_MAX. An agent that is further behind is deaf.
 */
#ifndef PROBE_OUTBOX_H
#define PROBE_OUTBOX_H

#include <event2/event.h>

#include "probe/prober.h"

#define OUTBOX_EVENTS_MAX 16384

struct outbox_entry;

struct outbox {
	int fd;
	struct event *writable;
	struct outbox_entry *first, **end;
	uint32_t events; /* queued, samples not counted */
	bool deaf;       /* the queue overflowed, or the socket is broken */
};

bool outbox_init(
    struct outbox *o, struct event_base *base, int fd, struct err *e) MUST_CHECK;
void outbox_fini(struct outbox *o);
void outbox_tell(struct outbox *o, const struct probe_event *ev);
/* *queued is the address's own, NULL at first; it points at its sample while that
 * waits. Before it goes away: outbox_forget(), which drops that sample. */
void outbox_sample(
    struct outbox *o, const struct probe_event *ev, struct outbox_entry **queued);
void outbox_forget(struct outbox_entry **queued);

#endif
