/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what a load balancer says of its targets, beside the probes and alone. */
#include "tests/unit/engine_bench.h"

#define SLOT (ADDRESSES_MAX - 1)

static struct bench b;

static void
teardown(void)
{
	bench_free(&b);
}

static void
make(uint32_t members)
{
	bench_make(&b, members, 1);
	for (uint32_t m = 0; m < members; m++)
		b.rule.member[m].targets = (struct rule_detector){
		    .fall = 2, .clear = 2, .rise = 2, .stale_ms = 33000};
}

static void
targets(uint32_t member)
{
	struct engine_in in = bench_in(&b, ENGINE_ADDRESS);

	in.member = member;
	in.slot = SLOT;
	in.family = FAMILY_TARGETS;
	in.address = "targetgroup/web";
	bench_step(&b, &in);
}

static void
say(uint32_t member, enum outcome outcome)
{
	struct engine_in in = bench_in(&b, ENGINE_SAMPLE);

	in.member = member;
	in.slot = SLOT;
	in.outcome = outcome;
	in.start_ms = b.now_ms - 10;
	in.address = "targetgroup/web";
	bench_step(&b, &in);
}

START_TEST(a_slow_answer_holds_up_no_start)
{
	make(2);
	bench_begin(&b);
	targets(0);
	bench_run(&b, 3400); /* six probes, as without */
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_int_eq(b.weight[0], 100);
}
END_TEST

START_TEST(alone_it_is_waited_for)
{
	make(2);
	b.health[0] = b.health[1] = '-';
	engine_init(b.g, &b.rule, 0, bench_digest, &b, b.now_ms);
	targets(0);
	targets(1);
	bench_run(&b, 10000);
	say(0, OUTCOME_PASS);
	say(1, OUTCOME_PASS);
	bench_run(&b, 10000);
	ck_assert_int_eq(b.g->doubt, DOUBT_STARTING);
	ck_assert_uint_eq(b.changes, 0);
	say(0, OUTCOME_PASS);
	say(1, OUTCOME_PASS);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.g->doubt, DOUBT_NOT);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_int_eq(b.weight[1], 100);
}
END_TEST

/* By its own thresholds: two of its answers, and not three of a probe. */
START_TEST(drains_a_member_whose_nodes_answer)
{
	make(2);
	bench_begin(&b);
	targets(0);
	bench_run(&b, 10000);
	say(0, OUTCOME_PASS);
	say(0, OUTCOME_PASS);
	bench_run(&b, 10000);
	say(0, OUTCOME_FAIL);
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.changes, 1);
	say(0, OUTCOME_FAIL);
	ck_assert_int_eq(b.g->quorum[0].verdict, VERDICT_DOWN);
	bench_run(&b, 3500);
	ck_assert_uint_eq(b.changes, 2);
	ck_assert(b.ledger.member[0].out);
}
END_TEST

START_TEST(unknown_leaves_the_nodes_to_speak)
{
	make(2);
	bench_begin(&b);
	targets(0);
	bench_run(&b, 10000);
	say(0, OUTCOME_FAIL);
	say(0, OUTCOME_UNKNOWN);
	ck_assert_int_eq(b.g->vote[0].vote, VOTE_UP);
	say(0, OUTCOME_FAIL);
	ck_assert_int_eq(b.g->vote[0].vote, VOTE_DOWN);
	say(0, OUTCOME_UNKNOWN);
	ck_assert_int_eq(b.g->vote[0].vote, VOTE_UP);
	/* Nobody answers any more: what was said grows old, at its own pace. */
	say(0, OUTCOME_FAIL);
	bench_run(&b, 32900);
	ck_assert_int_eq(b.g->vote[0].vote, VOTE_DOWN);
	bench_run(&b, 200);
	ck_assert_int_eq(b.g->vote[0].vote, VOTE_UP);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine_targets");
	TCase *t = tcase_create("engine_targets");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_slow_answer_holds_up_no_start);
	tcase_add_test(t, alone_it_is_waited_for);
	tcase_add_test(t, drains_a_member_whose_nodes_answer);
	tcase_add_test(t, unknown_leaves_the_nodes_to_speak);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
