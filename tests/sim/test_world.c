/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random runs, held against every invariant of DESIGN.md §10 but the sixteenth, which
 * is test_recovery.c's.
 *
 *   sim_test_world                     300 seeds of an hour (POINTSMAN_ALL=1: 2,000 of
 *                                      six), and every seed of seeds.txt
 *   sim_test_world --seed N --trace    one run, aloud
 *   FROM=n SEEDS=n HOURS=n             other runs; QUICK=1: nothing is shrunk;
 *   PART=k PARTS=n                     every n-th of them from the k-th
 *
 * A seed that breaks a law is shrunk, told with its faults and last facts, and belongs
 * in seeds.txt, with a word why.
 */
#include <string.h>
#include <time.h>

#include "tests/sim/codec/codec.h"
#include "tests/sim/plan.h"

/* One seed in so many sends its reports as agents do. */
#define THROUGH_CODEC 50

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

static double
cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void
tell(const char *what, uint64_t n, uint64_t hours, const struct plan_score *s,
    double took_s)
{
	double agent_h = (double)s->agent_ms / HOUR;

	printf(
	    "%s: %llu seeds of %llu h in %.1f CPU s, %.0f agent-hours a CPU second\n",
	    what, (unsigned long long)n, (unsigned long long)hours, took_s,
	    agent_h / (took_s > 0 ? took_s : 1));
	printf(
	    "  %llu commits, %llu drains, %llu returns, %llu swaps, %llu steps; most "
	    "turns of a member in an hour %u; %u runs needed an operator to agree\n",
	    (unsigned long long)s->commits, (unsigned long long)s->drains,
	    (unsigned long long)s->returns, (unsigned long long)s->swaps,
	    (unsigned long long)s->steps, (unsigned)s->worst_hour,
	    (unsigned)plan_helped());
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

	uint64_t part = number_of("PART", 0), parts = number_of("PARTS", 1);
	if (world_one_seed()) {
		from = world_seed(0);
		n = 1;
	}
	for (uint64_t i = part; i < n; i += parts) {
		broken += !run_seed(from + i, hours, &score);
		if (i % 1000 == 999)
			printf("... %llu seeds, %llu broken, %.0f CPU s\n",
			    (unsigned long long)(i + 1), (unsigned long long)broken,
			    cpu_s() - began_s);
	}
	tell("random runs", n / parts, hours, &score, cpu_s() - began_s);
	printf("  %llu reports went through the messages of agents\n",
	    (unsigned long long)codec_carried());
	ck_assert(n < THROUGH_CODEC || parts > 1 || codec_carried() > 0);
	ck_assert_uint_eq(broken, 0);
}
END_TEST

START_TEST(kept_seeds)
{
	FILE *list = fopen(SOURCE_DIR "/tests/sim/seeds.txt", "r");
	struct plan_score score = {0};
	char line[400];
	uint64_t broken = 0, n = 0;
	double began_s = cpu_s();

	ck_assert_ptr_nonnull(list);
	while (!world_one_seed() && fgets(line, sizeof line, list) != NULL) {
		unsigned long long seed, hours;

		if (line[0] == '#' || sscanf(line, "%llu %llu ", &seed, &hours) != 2)
			continue;
		n++;
		broken += !run_seed(seed, hours, &score);
	}
	(void)fclose(list);
	tell("kept seeds", n, 0, &score, cpu_s() - began_s);
	ck_assert_uint_eq(broken, 0);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("world");
	TCase *t = tcase_create("world");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, kept_seeds);
	tcase_add_test(t, seeds);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
