/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Millionths of a request as integers (thousandths a second times milliseconds): a
 * double that is added to every millisecond for a year drifts.
 *
 * After throttling a fine answer takes back one doubling and not all of them: a bucket
 * that is nearly empty answers some and refuses some, and going back to full speed at
 * the first answer would keep it empty for everybody.
 */
#include "steering/zone/budget.h"

#include <assert.h>

#define REQUEST UINT64_C(1000000) /* in millionths */

void
budget_init(
    struct budget *b, double per_s, uint32_t burst, uint64_t seed, uint64_t now_ms)
{
	assert(per_s > 0 && burst >= 1);
	*b = (struct budget){
	    .per_s_milli = (uint64_t)(per_s * 1000.0 + 0.5),
	    .burst_micro = burst * REQUEST,
	    .level_micro = burst * REQUEST,
	    .filled_ms = now_ms,
	    .chance = seed,
	};
	if (b->per_s_milli == 0)
		b->per_s_milli = 1;
}

/* splitmix64, of its published description. */
static uint64_t
chance(struct budget *b)
{
	uint64_t z = b->chance += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* first, doubled n times, at most max; of that between a half and the whole. */
static uint64_t
rest_ms(struct budget *b, uint64_t first_ms, uint64_t max_ms, uint32_t n)
{
	uint64_t ms = first_ms;

	while (n-- > 0 && ms < max_ms)
		ms *= 2;
	if (ms > max_ms)
		ms = max_ms;
	return ms - chance(b) % (ms / 2 + 1);
}

static void
fill(struct budget *b, uint64_t now_ms)
{
	uint64_t gone_ms;

	if (now_ms <= b->filled_ms)
		return;
	gone_ms = now_ms - b->filled_ms;
	b->filled_ms = now_ms;
	/* Longer than the whole bucket takes: no product to overflow. */
	if (gone_ms > b->burst_micro / b->per_s_milli + 1)
		gone_ms = b->burst_micro / b->per_s_milli + 1;
	b->level_micro += gone_ms * b->per_s_milli;
	if (b->level_micro > b->burst_micro)
		b->level_micro = b->burst_micro;
}

static uint64_t
needed_micro(const struct budget *b, enum budget_kind kind)
{
	uint64_t spare = kind == BUDGET_POLL ? b->burst_micro / 2
	    : kind == BUDGET_READ            ? REQUEST
					     : 0;

	return spare + REQUEST <= b->burst_micro ? spare + REQUEST : REQUEST;
}

uint64_t
budget_due_ms(struct budget *b, enum budget_kind kind, uint64_t now_ms)
{
	uint64_t due_ms = now_ms, needed = needed_micro(b, kind);

	fill(b, now_ms);
	if (b->level_micro < needed)
		due_ms = b->filled_ms +
		    (needed - b->level_micro + b->per_s_milli - 1) / b->per_s_milli;
	if (b->rest_until_ms > due_ms)
		due_ms = b->rest_until_ms;
	if (kind == BUDGET_CHANGE && b->change_rest_until_ms > due_ms)
		due_ms = b->change_rest_until_ms;
	return due_ms;
}

void
budget_take(struct budget *b, enum budget_kind kind, uint64_t now_ms)
{
	assert(budget_due_ms(b, kind, now_ms) <= now_ms);
	b->level_micro -= REQUEST;
}

void
budget_feed(
    struct budget *b, enum budget_kind kind, enum budget_news news, uint64_t now_ms)
{
	uint64_t until_ms;

	switch (news) {
	case BUDGET_FINE:
		if (b->throttled > 0)
			b->throttled--;
		if (kind == BUDGET_CHANGE)
			b->prior = 0;
		break;
	case BUDGET_THROTTLED:
		until_ms = now_ms +
		    rest_ms(b, BUDGET_THROTTLE_FIRST_MS, BUDGET_THROTTLE_MAX_MS,
			b->throttled);
		if (b->throttled < 16)
			b->throttled++;
		if (until_ms > b->rest_until_ms)
			b->rest_until_ms = until_ms;
		break;
	case BUDGET_PRIOR:
		until_ms = now_ms +
		    rest_ms(b, BUDGET_PRIOR_FIRST_MS, BUDGET_PRIOR_MAX_MS, b->prior);
		if (b->prior < 16)
			b->prior++;
		if (until_ms > b->change_rest_until_ms)
			b->change_rest_until_ms = until_ms;
		break;
	}
}

uint64_t
budget_retry_ms(struct budget *b, uint32_t attempt)
{
	assert(attempt >= 1);
	return rest_ms(b, BUDGET_RETRY_FIRST_MS, BUDGET_RETRY_MAX_MS, attempt - 1);
}
