/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - for how long has this agent itself seen a verdict?
 *
 * Runs on the agent's boot-time clock. The opposite verdict or a restart resets it;
 * UNDECIDED resets a hold that needs less than 10 s and pauses a longer one.
 * All zero: nothing held.
 */
#ifndef STEERING_CORE_HOLD_H
#define STEERING_CORE_HOLD_H

#include "steering/core/quorum.h"

#define HOLD_SHORT_MS 10000

struct hold {
	uint8_t verdict;  /* enum verdict that is held; UNDECIDED: none */
	bool running;     /* false while paused */
	uint64_t held_ms; /* up to mark_ms */
	uint64_t mark_ms;
	uint64_t began_ms; /* when the hold began */
};

enum hold_act { HOLD_SAME = 0, HOLD_BEGAN, HOLD_ENDED };

/* need_ms: how long a hold of the verdict in *h must last. HOLD_ENDED: what was held
 * is over (another may have begun in the same step: look at h->verdict). */
enum hold_act
hold_step(struct hold *h, enum verdict v, uint64_t need_ms, uint64_t now_ms);
uint64_t hold_ms(const struct hold *h, enum verdict v, uint64_t now_ms);

#endif
