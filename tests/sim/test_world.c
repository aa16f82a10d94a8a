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
#include "tests/sim/codec/codec.h"
#include "tests/sim/seeds.h"

/* One seed in so many sends its reports as agents do. */
#define THROUGH_CODEC 50

static const struct seeds worlds = {plan_draw, codec_carry, THROUGH_CODEC};

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
	uint64_t from = seeds_number("FROM", 1),
		 n = seeds_number("SEEDS", many ? 2000 : 300);
	uint64_t hours = seeds_number("HOURS", many ? 6 : 1);
	struct plan_score score = {0};
	uint64_t broken = 0;
	double began_s = seeds_cpu_s();

	uint64_t part = seeds_number("PART", 0), parts = seeds_number("PARTS", 1);
	if (world_one_seed()) {
		from = world_seed(0);
		n = 1;
	}
	for (uint64_t i = part; i < n; i += parts) {
		broken += !seeds_play(&worlds, from + i, hours, &score);
		if (i % 1000 == 999)
			printf("... %llu seeds, %llu broken, %.0f CPU s\n",
			    (unsigned long long)(i + 1), (unsigned long long)broken,
			    seeds_cpu_s() - began_s);
	}
	tell("random runs", n / parts, hours, &score, seeds_cpu_s() - began_s);
	printf("  %llu reports went through the messages of agents\n",
	    (unsigned long long)codec_carried());
	ck_assert(n < THROUGH_CODEC || parts > 1 || codec_carried() > 0);
	ck_assert_uint_eq(broken, 0);
}
END_TEST

START_TEST(kept_seeds)
{
	struct plan_score score = {0};
	double began_s = seeds_cpu_s();
	uint64_t broken;
	uint64_t n =
	    seeds_kept(&worlds, SOURCE_DIR "/tests/sim/seeds.txt", &score, &broken);

	tell("kept seeds", n, 0, &score, seeds_cpu_s() - began_s);
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
