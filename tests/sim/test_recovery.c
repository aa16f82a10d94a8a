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
#include <string.h>
#include <time.h>

#include "tests/sim/codec/codec.h"
#include "tests/sim/plan.h"

/* One seed in so many sends its reports as agents do. */
#define THROUGH_CODEC 10

static struct plan plan;

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

static bool
run_seed(uint64_t seed, uint64_t hours, struct plan_score *score)
{
	char why[400];

	plan_draw_recovery(&plan, seed, hours);
	world_carry = seed % THROUGH_CODEC == 0 ? codec_carry : NULL;
	if (world_tracing()) {
		plan_describe(&plan, stdout);
		plan_play(&plan, false, score);
		return true;
	}
	world_hush(true);
	bool holds = plan_holds(&plan, score, why, sizeof why);
	world_hush(false);
	if (holds)
		return true;
	printf("seed %llu, %llu h: %s\n", (unsigned long long)seed,
	    (unsigned long long)hours, why);
	fflush(stdout);
	if (getenv("QUICK") != NULL)
		return false;
	plan_shrink(&plan, why);
	plan_describe(&plan, stdout);
	(void)plan_holds(&plan, NULL, why, sizeof why);
	world_tail(stdout);
	printf("shrunk: %s\n", why);
	return false;
}

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
	uint64_t from = number_of("FROM", 1), n = number_of("SEEDS", many ? 500 : 200);
	uint64_t hours = number_of("HOURS", 2);
	struct plan_score score = {0};
	uint64_t broken = 0;
	clock_t began = clock();

	if (world_one_seed()) {
		from = world_seed(0);
		n = 1;
	}
	for (uint64_t i = 0; i < n; i++)
		broken += !run_seed(from + i, hours, &score);
	tell(n, hours, &score, (double)(clock() - began) / CLOCKS_PER_SEC);
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
	FILE *list = fopen(SOURCE_DIR "/tests/sim/recovery_seeds.txt", "r");
	struct plan_score score = {0};
	uint64_t broken = 0, n = 0;
	clock_t began = clock();
	char line[400];

	ck_assert_ptr_nonnull(list);
	while (!world_one_seed() && fgets(line, sizeof line, list) != NULL) {
		unsigned long long seed, hours;

		if (line[0] == '#' || sscanf(line, "%llu %llu ", &seed, &hours) != 2)
			continue;
		n++;
		broken += !run_seed(seed, hours, &score);
	}
	(void)fclose(list);
	printf("kept seeds: %llu in %.1f CPU s, %llu runs\n", (unsigned long long)n,
	    (double)(clock() - began) / CLOCKS_PER_SEC, (unsigned long long)score.runs);
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
