/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop.h - the worker's event loop: one clock, and timers that are cheap by the
 * thousand.
 *
 * All timers share one libevent timer that fires on a grid of LOOP_TICK_US: a timer is
 * up to one tick late by design and never early.
 */
#ifndef PROBE_LOOP_H
#define PROBE_LOOP_H

#include <event2/event.h>

#include "probe/heap.h"
#include "steering/core/err.h"

#define LOOP_TICK_US 10000
#define LOOP_PRIORITY_LAST 2 /* of three; events have the middle one unless told */

struct timer { /* in the caller's storage; all zero: not set */
	struct heap_node node;
	void (*fire)(struct timer *t, uint64_t now_us);
};

struct loop {
	struct event_base *base;
	struct event *tick;
	struct heap timers;
	uint64_t armed_us; /* when the tick is to come; UINT64_MAX: not armed */
	uint64_t late_us;  /* the worst lateness of a tick since last taken */
};

bool loop_init(struct loop *l, struct err *e) MUST_CHECK;
void loop_fini(struct loop *l);
/* CLOCK_BOOTTIME: it counts a suspended machine's sleep, and so shows it as lateness. */
uint64_t loop_now_us(void);
/* Sets or moves; fires once. */
void loop_set(struct loop *l, struct timer *t, uint64_t due_us);
void loop_unset(struct loop *l, struct timer *t);
uint64_t loop_take_late_us(struct loop *l);

#endif
