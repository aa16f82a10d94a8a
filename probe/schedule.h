/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - when to probe which address.
 *
 * Pure but for the heap's memory: no clock, no I/O; the caller gives the time, in
 * microseconds of one clock that never steps back. One beat stands for one address.
 *
 * - Starts are spread evenly over `every`, however many beats there are and whenever
 *   they come.
 * - A beat keeps its own grid: jitter moves each probe within ± 5 % of `every` around
 *   it, so that two starts are `every` ± 10 % apart and nothing drifts.
 * - After a failure the next probe is `recheck` after the failure was known; the first
 *   that does not fail goes back to the grid.
 * - A beat taken by schedule_due() is running and does not come again before
 *   schedule_done(): never two probes of one address. Grid points that pass while it
 *   runs are left out, not made up for.
 */
#ifndef PROBE_SCHEDULE_H
#define PROBE_SCHEDULE_H

#include "probe/heap.h"

struct schedule {
	struct heap heap;
	uint64_t state;   /* of the generator behind stagger and jitter */
	uint64_t added;   /* beats ever added: the place in the stagger */
	uint64_t late_us; /* worst lateness of a start since last taken */
	uint64_t missed;  /* grid points left out because of lateness */
	bool once;
};

struct beat { /* in the caller's storage; all zero before add */
	struct heap_node node;
	uint64_t every_us, recheck_us;
	uint64_t grid_us; /* the grid point last aimed at */
	bool running;
};

enum beat_next { BEAT_GRID = 0, BEAT_RECHECK }; /* what follows a probe */

/* once: each beat comes a single time, soon, and never again. */
void schedule_init(struct schedule *s, uint64_t seed, bool once);
void schedule_fini(struct schedule *s);
/* every_us > 0. */
void schedule_add(struct schedule *s, struct beat *b, uint64_t every_us,
    uint64_t recheck_us, uint64_t now_us);
/* Takes a beat out, running or not. */
void schedule_remove(struct schedule *s, struct beat *b);
/* The next beat that is due by now, marked as running; NULL when there is none. */
struct beat *schedule_due(struct schedule *s, uint64_t now_us);
/* A running beat's probe is over. */
void
schedule_done(struct schedule *s, struct beat *b, enum beat_next next, uint64_t now_us);
/* When schedule_due() has something next; UINT64_MAX: never. */
uint64_t schedule_next_us(const struct schedule *s);
/* The worst lateness since the last call. */
uint64_t schedule_take_late_us(struct schedule *s);

#endif
