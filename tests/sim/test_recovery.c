/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random runs of services with a scenario, held against every invariant of DESIGN.md
 * §10, the sixteenth above all; and the storms that a recovery must live through.
 *
 *   sim_test_recovery                  200 seeds of two hours (POINTSMAN_ALL=1: 500), and
 *                                      every seed of recovery_seeds.txt
 *   sim_test_recovery --seed N --trace one run, aloud
 *   FROM=n SEEDS=n HOURS=n             other runs; QUICK=1: nothing is shrunk
 *
 * A seed that breaks a law belongs in recovery_seeds.txt, with a word why.
 */
#include "tests/sim/codec/codec.h"
#include "tests/sim/seeds.h"

/* One seed in so many sends its reports as agents do. */
#define THROUGH_CODEC 10

static const struct seeds worlds = {plan_draw_recovery, codec_carry, THROUGH_CODEC};

static void
tell(uint64_t n, uint64_t hours, const struct plan_score *s, double took_s)
{
	printf(
	    "%llu seeds of %llu h in %.1f CPU s: %llu runs (%llu aborted, %llu drills), "
	    "%llu acts, %llu repoints, %llu taken over, %llu agents died of an act, "
	    "%llu late copies refused, %llu approvals, %llu skips\n",
	    (unsigned long long)n, (unsigned long long)hours, took_s,
	    (unsigned long long)s->runs, (unsigned long long)s->aborted,
	    (unsigned long long)s->drills, (unsigned long long)s->acts,
	    (unsigned long long)s->repoints, (unsigned long long)s->taken_over,
	    (unsigned long long)s->deaths, (unsigned long long)s->refused,
	    (unsigned long long)s->approvals, (unsigned long long)s->skips);
}

START_TEST(seeds)
{
	const char *all = getenv("POINTSMAN_ALL");
	bool many = all != NULL && *all != '\0';
	uint64_t from = seeds_number("FROM", 1),
		 n = seeds_number("SEEDS", many ? 500 : 200);
	uint64_t hours = seeds_number("HOURS", 2);
	struct plan_score score = {0};
	uint64_t broken = 0;
	double began_s = seeds_cpu_s();

	if (world_one_seed()) {
		from = world_seed(0);
		n = 1;
	}
	for (uint64_t i = 0; i < n; i++)
		broken += !seeds_play(&worlds, from + i, hours, &score);
	tell(n, hours, &score, seeds_cpu_s() - began_s);
	ck_assert_uint_eq(broken, 0);
	if (world_one_seed() || n < 100)
		return;
	/* they did what they are for */
	ck_assert_uint_gt(score.runs, n / 2);
	ck_assert_uint_gt(score.repoints, n / 4);
	ck_assert_uint_gt(score.taken_over, 0);
	ck_assert_uint_gt(score.refused, 0);
	ck_assert_uint_gt(score.deaths, 0);
	ck_assert_uint_gt(codec_carried(), 0);
}
END_TEST

START_TEST(kept_seeds)
{
	struct plan_score score = {0};
	double began_s = seeds_cpu_s();
	uint64_t broken;
	uint64_t n = seeds_kept(
	    &worlds, SOURCE_DIR "/tests/sim/recovery_seeds.txt", &score, &broken);

	printf("kept seeds: %llu in %.1f CPU s, %llu runs\n", (unsigned long long)n,
	    seeds_cpu_s() - began_s, (unsigned long long)score.runs);
	ck_assert_uint_eq(broken, 0);
	ck_assert(n > 0 || world_one_seed());
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("recovery");
	TCase *t = tcase_create("recovery");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, kept_seeds);
	tcase_add_test(t, seeds);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
