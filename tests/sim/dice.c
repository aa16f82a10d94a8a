/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Durations are thrown by their logarithm, so that seconds are as likely as hours and
 * each hold, window and deadline of the rules is met from both sides.
 */
#include "tests/sim/dice.h"

#include <math.h>

uint64_t
dice_draw(struct dice *d, uint64_t n)
{
	d->x += 0x9e3779b97f4a7c15u;
	uint64_t z = d->x;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return z % n;
}

bool
dice_one_in(struct dice *d, uint64_t n)
{
	return dice_draw(d, n) == 0;
}

double
dice_share(struct dice *d)
{
	return (double)dice_draw(d, 1u << 20) / (1u << 20);
}

uint64_t
dice_span(struct dice *d, uint64_t least_ms, uint64_t most_ms)
{
	double span = log((double)most_ms / (double)least_ms);

	return (uint64_t)((double)least_ms * exp(span * dice_share(d)));
}
