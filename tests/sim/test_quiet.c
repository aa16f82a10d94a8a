/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Skipping quiet time changes nothing: the same runs, once as ever, once with every
 * probe, every report and a tick of each agent every 100 ms as an event. Every fact of
 * every agent comes at the same millisecond.
 *
 * A difference is a moment that world_quiet.c forgot, or a report that was made up for
 * wrongly: play both with --seed N --trace (PLOD=1 for the second) and compare.
 */
#include "tests/sim/plan.h"

static struct plan plan;

static void
compare(uint64_t seed, uint64_t hours, uint64_t *steps, uint64_t *plodded)
{
	struct plan_score quick = {0}, slow = {0};

	plan_draw(&plan, seed, hours);
	if (world_tracing()) {
		plan_play(&plan, getenv("PLOD") != NULL, &quick);
		return;
	}
	plan_play(&plan, false, &quick);
	plan_play(&plan, true, &slow);
	*steps += quick.steps;
	*plodded += slow.steps;
	for (int k = 0; k < FACT_KINDS; k++)
		if (quick.fact_count[k] != slow.fact_count[k])
			printf("seed %llu: %llu facts %s, plodding %llu\n",
			    (unsigned long long)seed,
			    (unsigned long long)quick.fact_count[k],
			    fact_word((enum fact_kind)k),
			    (unsigned long long)slow.fact_count[k]);
	if (quick.digest != slow.digest || quick.commits != slow.commits)
		ck_abort_msg("seed %llu is another run when nothing is skipped",
		    (unsigned long long)seed);
}

START_TEST(both_ways)
{
	uint64_t steps = 0, plodded = 0;
	uint32_t n = world_one_seed() ? 1 : getenv("POINTSMAN_ALL") != NULL ? 24 : 8;
	const char *text = getenv("SEEDS");

	if (text != NULL)
		n = (uint32_t)strtoul(text, NULL, 0);
	world_hush(!world_tracing());
	for (uint32_t i = 1; i <= n; i++)
		compare(world_seed(i), 1, &steps, &plodded);
	printf("%u seeds of 1 h: %llu steps instead of %llu\n", (unsigned)n,
	    (unsigned long long)steps, (unsigned long long)plodded);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("quiet");
	TCase *t = tcase_create("quiet");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, both_ways);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
