/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent may be stopped, swapped out or busy; the prober goes on probing on time and
 * its memory stays bounded by the number of addresses. Old samples are what may be
 * lost: the detector wants to know how things are, and a late failure is worth less
 * than a fresh one. Addresses that come and go may not be lost, because slots would
 * stand for the wrong thing; they are few, and who does not read thousands of them has
 * gone away (the worker then ends, and the agent starts another).
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
try_send(const struct outbox *o, const struct probe_event *ev)
{
	for (;;) {
		if (send(o->fd, ev, sizeof *ev, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
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
		enum sent sent = o->first->dropped ? SENT : try_send(o, &o->first->ev);

		if (sent == SENT_NEVER)
			o->deaf = true;
		if (sent != SENT)
			break;
		unlink_first(o);
	}
	if (o->first == NULL || o->deaf)
		(void)event_del(o->writable);
}

bool
outbox_init(struct outbox *o, struct event_base *base, int fd, struct err *e)
{
	*o = (struct outbox){.fd = fd};
	o->end = &o->first;
	o->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, o);
	return o->writable != NULL || err_set(e, "out of memory");
}

void
outbox_fini(struct outbox *o)
{
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

static bool
goes_at_once(struct outbox *o, const struct probe_event *ev)
{
	enum sent sent = o->first == NULL ? try_send(o, ev) : SENT_LATER;

	if (sent == SENT_NEVER)
		o->deaf = true;
	return sent != SENT_LATER;
}

void
outbox_tell(struct outbox *o, const struct probe_event *ev)
{
	if (o->deaf || goes_at_once(o, ev))
		return;
	if (o->events >= OUTBOX_EVENTS_MAX) {
		o->deaf = true;
		return;
	}
	if (append(o, ev) != NULL)
		o->events++;
}

void
outbox_sample(
    struct outbox *o, const struct probe_event *ev, struct outbox_entry **queued)
{
	struct outbox_entry *x;

	if (*queued != NULL) {
		(*queued)->ev = *ev;
		return;
	}
	if (o->deaf || goes_at_once(o, ev))
		return;
	x = append(o, ev);
	if (x == NULL)
		return;
	x->sample = true;
	x->owner = queued;
	*queued = x;
}

void
outbox_forget(struct outbox_entry **queued)
{
	if (*queued == NULL)
		return;
	assert((*queued)->owner == queued);
	(*queued)->owner = NULL;
	(*queued)->dropped = true;
	*queued = NULL;
}
