/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random runs, held against every invariant of DESIGN.md §10 but the sixteenth.
 *
 *   sim_test_world                     300 seeds of an hour (POINTSMAN_ALL=1: 2,000 of
 *                                      six), and every seed of seeds.txt
 *   sim_test_world --seed N --trace    one run, aloud
 *   FROM=n SEEDS=n HOURS=n             other runs; QUICK=1: nothing is shrunk
 *
 * A seed that breaks a law is shrunk, told with its faults and last facts, and belongs
 * in seeds.txt, with a word why.
 */
#include <string.h>
#include <time.h>

#include "tests/sim/plan.h"

static struct plan plan;

static uint64_t
number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

/* Plays one; shrinks and tells when it breaks. */
static bool
run_seed(uint64_t seed, uint64_t hours, struct plan_score *score)
{
	char why[400];

	plan_draw(&plan, seed, hours);
	if (world_tracing()) {
		plan_describe(&plan, stdout);
		plan_play(&plan, false, score);
		return true;
	}
	world_hush(true);
	bool holds = plan_holds(&plan, why, sizeof why);
	world_hush(false);
	if (holds)
		return true;
	printf("seed %llu, %llu h: %s\n", (unsigned long long)seed,
	    (unsigned long long)hours, why);
	if (getenv("QUICK") != NULL) {
		fflush(stdout);
		return false;
	}
	plan_shrink(&plan, why);
	plan_describe(&plan, stdout);
	(void)plan_holds(&plan, why, sizeof why);
	printf("shrunk: %s\n", why);
	world_tail(stdout);
	return false;
}

static double
cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

START_TEST(seeds)
{
	const char *all = getenv("POINTSMAN_ALL");
	bool many = all != NULL && *all != '\0';
	uint64_t from = number_of("FROM", 1), n = number_of("SEEDS", many ? 2000 : 300);
	uint64_t hours = number_of("HOURS", many ? 6 : 1);
	struct plan_score score = {0};
	uint64_t broken = 0;
	double began_s = cpu_s();

	(void)score;
	if (world_one_seed()) {
		from = world_seed(0);
		n = 1;
	}
	for (uint64_t i = 0; i < n; i++) {
		broken += !run_seed(from + i, hours, &score);
		if (i % 1000 == 999)
			printf("… %llu seeds, %llu broken, %.0f CPU s\n",
			    (unsigned long long)(i + 1), (unsigned long long)broken,
			    cpu_s() - began_s);
	}
	double took_s = cpu_s() - began_s;
	printf("%llu seeds of %llu h in %.1f CPU s\n", (unsigned long long)n,
	    (unsigned long long)hours, took_s);
	ck_assert_uint_eq(broken, 0);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("world");
	TCase *t = tcase_create("world");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, seeds);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
