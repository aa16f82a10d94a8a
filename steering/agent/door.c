/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that accept() cannot take stays in the backlog, and the listener is
 * readable again at once: without a rest the loop would spin on it. Rejected: a spare
 * descriptor that is closed to accept and refuse; the probers would race for it.
 */
#include "steering/agent/door.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "steering/agent/facts.h"

#define REST_S 1

struct door {
	struct evconnlistener *listener;
	struct event *rested;
	struct facts *facts;
	const char *name;
	bool said;
};

unsigned long
door_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return DOOR_FILES_LOW;
	return (unsigned long)files.rlim_cur;
}

unsigned
door_bound(unsigned most)
{
	unsigned long share = door_files() / 8;

	if (share < 2)
		share = 2;
	return share < most ? (unsigned)share : most;
}

static void
on_rested(evutil_socket_t fd, short what, void *arg)
{
	struct door *d = arg;

	(void)fd;
	(void)what;
	(void)evconnlistener_enable(d->listener);
}

struct door *
door_new(struct event_base *base, struct evconnlistener *listener, struct facts *facts,
    const char *name)
{
	struct door *d = calloc(1, sizeof *d);

	if (d == NULL)
		abort();
	d->listener = listener;
	d->facts = facts;
	d->name = name;
	d->rested = evtimer_new(base, on_rested, d);
	if (d->rested == NULL)
		abort();
	return d;
}

void
door_failed(struct door *d, int error)
{
	struct timeval rest = {.tv_sec = REST_S};

	(void)evconnlistener_disable(d->listener);
	(void)event_add(d->rested, &rest);
	if (!d->said && d->facts != NULL)
		facts_say(d->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "%s cannot take a connection: %s (at most %lu may be open): raise "
		    "LimitNOFILE",
		    d->name, strerror(error), door_files());
	d->said = true;
}

void
door_entered(struct door *d)
{
	d->said = false;
}

bool
door_rests(const struct door *d)
{
	return evtimer_pending(d->rested, NULL) != 0;
}

void
door_free(struct door *d)
{
	if (d == NULL)
		return;
	event_free(d->rested);
	free(d);
}
