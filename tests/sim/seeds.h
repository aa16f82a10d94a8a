/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seeds.h - playing many random runs, for the tests that draw them.
 *
 * A seed that breaks a law is told, and shrunk unless QUICK is in the environment.
 */
#ifndef TESTS_SIM_SEEDS_H
#define TESTS_SIM_SEEDS_H

#include "tests/sim/plan.h"

struct seeds {
	void (*draw)(struct plan *p, uint64_t seed, uint64_t hours);
	world_carry_fn *carry; /* how one seed in so many sends its reports */
	uint64_t carry_one_in;
};

/* Of the environment. */
uint64_t seeds_number(const char *name, uint64_t otherwise);
/* True: it holds. With --trace it is played aloud and not judged. */
bool seeds_play(
    const struct seeds *s, uint64_t seed, uint64_t hours, struct plan_score *score);
/* The lines "SEED HOURS WHY" of a file, unless one seed is asked for: how many were
 * played, and how many of them broke. */
uint64_t seeds_kept(const struct seeds *s, const char *path, struct plan_score *score,
    uint64_t *broken);
double seeds_cpu_s(void);

#endif
