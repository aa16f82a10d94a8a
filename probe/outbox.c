/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent may be stopped, swapped out or busy; the prober goes on probing on time and
 * its memory stays bounded by the number of addresses. Old samples are what may be
 * lost: the detector wants to know how things are, and a late failure is worth less
 * than a fresh one. Addresses that come and go may not be lost, because slots would
 * stand for the wrong thing; they are few, and who does not read thousands of them has
 * gone away (the worker then ends, and the agent starts another).
 *
 * Passes travel together because a message costs, sender and receiver, as much as a
 * connection does, and because no decision waits for a pass.
 */
#include "probe/outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

struct outbox_entry {
	struct outbox_entry *next;
	struct outbox_entry **owner; /* of a sample; NULL: an event, or dropped */
	bool sample, dropped;
	struct probe_event ev;
};

enum sent { SENT, SENT_LATER, SENT_NEVER };

static enum sent
try_send(const struct outbox *o, const struct probe_event *ev, uint32_t n)
{
	for (;;) {
		if (send(o->fd, ev, n * sizeof *ev, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return SENT;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			return SENT_LATER;
		if (errno != EINTR)
			return SENT_NEVER;
	}
}

static void
unlink_first(struct outbox *o)
{
	struct outbox_entry *x = o->first;

	o->first = x->next;
	if (o->first == NULL)
		o->end = &o->first;
	if (x->owner != NULL)
		*x->owner = NULL;
	if (!x->sample)
		o->events--;
	free(x);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct outbox *o = arg;

	(void)fd;
	(void)what;
	while (o->first != NULL) {
		enum sent sent =
		    o->first->dropped ? SENT : try_send(o, &o->first->ev, 1);

		if (sent == SENT_NEVER)
			o->deaf = true;
		if (sent != SENT)
			break;
		unlink_first(o);
	}
	if (o->first == NULL || o->deaf)
		(void)event_del(o->writable);
}

void
outbox_fini(struct outbox *o)
{
	loop_unset(o->loop, &o->soon);
	while (o->first != NULL)
		unlink_first(o);
	event_free(o->writable);
}

static struct outbox_entry *
append(struct outbox *o, const struct probe_event *ev)
{
	struct outbox_entry *x = calloc(1, sizeof *x);

	if (x == NULL) {
		o->deaf = true;
		return NULL;
	}
	x->ev = *ev;
	if (o->first == NULL)
		(void)event_add(o->writable, NULL);
	*o->end = x;
	o->end = &x->next;
	return x;
}

static void
queue_sample(
    struct outbox *o, const struct probe_event *ev, struct outbox_entry **queued)
{
	struct outbox_entry *x;

	if (queued != NULL && *queued != NULL) {
		(*queued)->ev = *ev;
		return;
	}
	x = append(o, ev);
	if (x == NULL)
		return;
	x->sample = true;
	x->owner = queued;
	if (queued != NULL)
		*queued = x;
}

static void
queue_event(struct outbox *o, const struct probe_event *ev)
{
	if (o->events >= OUTBOX_EVENTS_MAX)
		o->deaf = true;
	else if (append(o, ev) != NULL)
		o->events++;
}

/* There is a batch only while nothing queues. */
static void
flush(struct outbox *o)
{
	enum sent sent = o->batched == 0 ? SENT : try_send(o, o->batch, o->batched);

	loop_unset(o->loop, &o->soon);
	if (sent == SENT_NEVER)
		o->deaf = true;
	for (uint32_t i = 0; i < o->batched && sent == SENT_LATER; i++) {
		if (o->batch[i].kind == PROBE_SAMPLE)
			queue_sample(o, &o->batch[i], o->owner[i]);
		else
			queue_event(o, &o->batch[i]);
	}
	o->batched = 0;
}

static void
on_soon(struct timer *t, uint64_t now_us)
{
	(void)now_us;
	flush(heap_entry(t, struct outbox, soon));
}

static void
batch(struct outbox *o, const struct probe_event *ev, struct outbox_entry **owner,
    bool waits)
{
	o->owner[o->batched] = owner;
	o->batch[o->batched++] = *ev;
	if (!waits || o->batched == PROBE_EVENTS_MAX)
		flush(o);
	else if (o->batched == 1)
		loop_set(o->loop, &o->soon, loop_now_us());
}

bool
outbox_init(struct outbox *o, struct loop *l, int fd, struct err *e)
{
	*o = (struct outbox){.fd = fd, .loop = l, .soon = {.fire = on_soon}};
	o->end = &o->first;
	o->writable = event_new(l->base, fd, EV_WRITE | EV_PERSIST, on_writable, o);
	return o->writable != NULL || err_set(e, "out of memory");
}

void
outbox_tell(struct outbox *o, const struct probe_event *ev)
{
	if (o->deaf)
		return;
	if (o->first == NULL)
		batch(o, ev, NULL, false);
	else
		queue_event(o, ev);
}

void
outbox_sample(
    struct outbox *o, const struct probe_event *ev, struct outbox_entry **queued)
{
	if (o->deaf)
		return;
	if (o->first == NULL)
		batch(o, ev, queued, ev->outcome == OUTCOME_PASS);
	else
		queue_sample(o, ev, queued);
}

void
outbox_forget(struct outbox *o, struct outbox_entry **queued)
{
	for (uint32_t i = 0; i < o->batched; i++) {
		if (o->owner[i] == queued)
			o->owner[i] = NULL;
	}
	if (*queued == NULL)
		return;
	assert((*queued)->owner == queued);
	(*queued)->owner = NULL;
	(*queued)->dropped = true;
	*queued = NULL;
}
