/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stopwatch that a verdict winds up and its opposite throws away. Time that was
 * spent undecided is never counted.
 */
#include "steering/core/hold.h"

#include "steering/core/needed.h"

static void
account(struct hold *h, uint64_t now_ms)
{
	if (h->running && now_ms > h->mark_ms)
		h->held_ms += now_ms - h->mark_ms;
	h->mark_ms = now_ms;
}

enum hold_act
hold_step(struct hold *h, enum verdict v, uint64_t need_ms, uint64_t now_ms)
{
	enum verdict was = (enum verdict)h->verdict;

	account(h, now_ms);
	if (v == was) {
		h->running = v != VERDICT_UNDECIDED;
		return HOLD_SAME;
	}
	bool over = NEEDED(short_hold_resets, need_ms < HOLD_SHORT_MS);
	if (v == VERDICT_UNDECIDED && NEEDED(long_hold_pauses, !over)) {
		h->running = false;
		return HOLD_SAME;
	}
	if (NEEDED(opposite_resets, v != was))
		h->held_ms = 0;
	h->verdict = (uint8_t)v;
	h->running = v != VERDICT_UNDECIDED;
	h->mark_ms = h->began_ms = now_ms;
	return was == VERDICT_UNDECIDED ? HOLD_BEGAN : HOLD_ENDED;
}

uint64_t
hold_ms(const struct hold *h, enum verdict v, uint64_t now_ms)
{
	if (v == VERDICT_UNDECIDED || h->verdict != v)
		return 0;
	if (h->running && now_ms > h->mark_ms)
		return h->held_ms + (now_ms - h->mark_ms);
	return h->held_ms;
}
