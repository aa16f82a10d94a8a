/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dice.h - what a seed throws: equal seeds, equal throws (splitmix64).
 */
#ifndef TESTS_SIM_DICE_H
#define TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t x;
};

uint64_t dice_draw(struct dice *d, uint64_t n); /* below n */
bool dice_one_in(struct dice *d, uint64_t n);
double dice_share(struct dice *d); /* from 0 to below 1 */
/* Evenly over the logarithm. */
uint64_t dice_span(struct dice *d, uint64_t least_ms, uint64_t most_ms);

#endif
