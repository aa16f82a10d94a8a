/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - requests that are not answered at once, or never.
 *
 * A request may outlive its client and a client its request: the connection is watched
 * from here, and whichever ends first lets go of the other.
 */
#ifndef LAB_HELD_H
#define LAB_HELD_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct evhttp_request;
struct held;

struct held_list { /* all zero is empty */
	struct held *first;
	unsigned n;
};

enum { HELD_MAX = 256 };

enum held_end {
	HELD_LEAVE = 0, /* the callback answered, or nothing is to be done */
	HELD_CLOSE,     /* close the connection without an answer */
	HELD_RESET,     /* the same with a TCP reset */
};

/*
 * After wait_ms, calls done(arg, req); req is NULL if its client has gone. done says
 * what becomes of the connection, and frees arg; drop(arg) frees it when the list is
 * emptied before that. Either may be NULL: then the end given here is taken.
 */
struct held_plan {
	uint64_t wait_ms;
	enum held_end end;
	enum held_end (*done)(void *arg, struct evhttp_request *req);
	void (*drop)(void *arg);
	void *arg;
};

/* False: HELD_MAX are held already; nothing was done. */
bool held_add(struct held_list *list, struct event_base *base,
    struct evhttp_request *req, const struct held_plan *plan);

/* Forgets all of them; their connections stay as they are. */
void held_clear(struct held_list *list);

#endif
