/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - how many may come in, and what happens when the process is out of files.
 *
 * The control socket, the page and what peers connect to are the doors of an agent. Main thread only.
 */
#ifndef STEERING_AGENT_DOOR_H
#define STEERING_AGENT_DOOR_H

#include <stdbool.h>

#define DOOR_FILES_LOW 256 /* fewer open files than this are too few */

struct door;
struct event_base;
struct evconnlistener;
struct facts;

/* `most`, or an eighth of the open files that this process may have; at least 2. */
unsigned door_bound(unsigned most);
/* The soft limit of open files. */
unsigned long door_files(void);

/* Watches over a listener. name: for the fact; a literal. facts may be NULL. The
 * listener stays the caller's. */
struct door *door_new(struct event_base *base, struct evconnlistener *listener,
    struct facts *facts, const char *name);
/* accept() failed with this errno: the listener rests for a second, and a fact says so,
 * once until one has come in again. */
void door_failed(struct door *d, int error);
void door_entered(struct door *d);
/* Does it rest just now? Then nobody else may enable the listener. */
bool door_rests(const struct door *d);
/* Before its listener is freed. NULL is nothing. */
void door_free(struct door *d);

#endif
