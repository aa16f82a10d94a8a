/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag_ring.h - what would have been lost at a moment that has passed.
 *
 * Pure, and bounded: the last LAG_RING_FINE samples as they were, and of older ones the
 * last of each minute, for 25 hours. Samples come in the order of their beginning.
 */
#ifndef STEERING_AGENT_LAG_RING_H
#define STEERING_AGENT_LAG_RING_H

#include <stdbool.h>
#include <stdint.h>

#define LAG_RING_FINE 2048
#define LAG_RING_COARSE 1500 /* minutes */

struct lag_point {
	uint64_t began_ms;
	uint64_t lag_ms;
	bool known, grows; /* grows: a backup's, by the time that passes */
};

struct lag_ring {              /* all zero is empty */
	uint64_t fine, coarse; /* how many were ever put in */
	struct lag_point fine_at[LAG_RING_FINE], coarse_at[LAG_RING_COARSE];
};

/* A metric's datapoint began minutes before it was read, and is read more than once: one
 * that began with the newest, or before what was not known, replaces it; one that began
 * before the newest known one says nothing new. */
void lag_ring_put(struct lag_ring *r, const struct lag_point *p);

/* The last sample that began at that moment or before. Where it is not known, the last
 * known one is taken, with all that could have been written since: more may be told than
 * was lost, never less. False: that cannot be said, or the sample is older than since_ms
 * (a backup may be). */
bool lag_ring_at(
    const struct lag_ring *r, uint64_t at_ms, uint64_t since_ms, uint64_t *lag_ms);

#endif
