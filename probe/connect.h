/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.h - one TCP connection being opened, without ever waiting.
 */
#ifndef PROBE_CONNECT_H
#define PROBE_CONNECT_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "probe/address.h"
#include "probe/result.h"

struct connect_from { /* a check's source address, parsed once */
	bool any;     /* no source: the system chooses */
	struct address address;
};

/* error 0: connected; else an errno. The fd belongs to whoever is called, unless the
 * connection stays. */
typedef void connect_done_fn(void *arg, int fd, int error);
typedef void connect_ready_fn(void *arg, short what);

struct connect { /* in the caller's storage; may not move while open */
	struct event ev;
	int fd;      /* -1: not open */
	bool stays;  /* set before the start: stays open and watched after done */
	bool speaks; /* set before the start: we are the first to say something */
	bool up;
	bool readable; /* has been, since it was opened */
	connect_done_fn *done;
	connect_ready_fn *ready;
	void *arg, *ready_arg;
};

/* Binds a new socket to the source, if there is one; false: *r says why not. */
bool connect_bind(int fd, const struct connect_from *from, uint8_t family,
    struct probe_result *r) MUST_CHECK;

/* Starts; false: it failed at once and *r says how. done is called once, later, unless
 * connect_cancel() comes first. The socket is non-blocking and close-on-exec, and its
 * close resets the connection (see connect.c). */
bool connect_start(struct connect *c, struct event_base *base, const struct address *to,
    uint16_t port, const struct connect_from *from, connect_done_fn *done, void *arg,
    struct probe_result *r) MUST_CHECK;
/* For one that stays, before done returns: who is told of EV_READ and EV_WRITE. What is
 * ready is told once, when it has become so (edge-triggered) … */
void connect_tell(struct connect *c, connect_ready_fn *ready, void *arg);
/* … until somebody asks for `what` (0: nothing) and is told again and again. */
void connect_watch(struct connect *c, short what);
/* Closes; nothing happens when it is not open. */
void connect_cancel(struct connect *c);

#endif
