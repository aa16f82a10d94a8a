/* SPDX-License-Identifier: Apache-2.0 */
/* limiter: every sentence of §4 about drain, return, swap, floor, ramp and orders. */
#include "tests/unit/limiter_bench.h"

START_TEST(steady_world)
{
	world(3);
	EXPECT(ACTION_NONE, 0);
	for (int m = 0; m < 3; m++)
		ck_assert_int_eq(out.block[m], BLOCK_NONE);
}
END_TEST

START_TEST(drain_after_the_hold)
{
	world(3);
	verdict(1, VERDICT_DOWN, 2999);
	EXPECT_BLOCK(1, BLOCK_HOLD);
	verdict(1, VERDICT_DOWN, 3000);
	EXPECT(ACTION_DRAIN, 1);
	/* stateful: the configuration gives 60 s */
	rule.hold_ms = 60000;
	EXPECT_BLOCK(1, BLOCK_HOLD);
	verdict(1, VERDICT_DOWN, 60000);
	EXPECT(ACTION_DRAIN, 1);
	/* UNDECIDED drains nothing, however long it was DOWN before */
	verdict(1, VERDICT_DOWN, LONG_MS);
	in.member[1].verdict = VERDICT_UNDECIDED;
	EXPECT(ACTION_NONE, 0);
}
END_TEST

START_TEST(tenfold_hold)
{
	static const struct {
		uint32_t members, out;
		uint64_t hold_ms;
	} rows[] = {
	    {2, 0, 3000},  /* one of two left: half */
	    {3, 0, 3000},  /* two of three */
	    {3, 1, 30000}, /* one of three: fewer than half */
	    {4, 1, 3000},  /* two of four: half */
	    {4, 2, 30000}, /* one of four */
	    {5, 1, 3000},
	    {5, 2, 30000},
	    {6, 2, 3000},
	    {6, 3, 30000},
	    {12, 5, 3000},
	    {12, 6, 30000},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world(rows[i].members);
		for (uint32_t m = 0; m < rows[i].out; m++) {
			take_out(1 + m);
			verdict(1 + m, VERDICT_DOWN, LONG_MS);
		}
		ck_assert_msg(limiter_drain_hold_ms(&in, 0) == rows[i].hold_ms,
		    "%u members, %u out: %llu", rows[i].members, rows[i].out,
		    (unsigned long long)limiter_drain_hold_ms(&in, 0));
		verdict(0, VERDICT_DOWN, rows[i].hold_ms - 1);
		EXPECT_BLOCK(0, BLOCK_HOLD);
		verdict(0, VERDICT_DOWN, rows[i].hold_ms);
		EXPECT(ACTION_DRAIN, 0);
	}
}
END_TEST

START_TEST(drain_needs_evidence_at_the_moment)
{
	world(3);
	verdict(1, VERDICT_DOWN, LONG_MS);
	in.member[1].evidence = false;
	EXPECT_BLOCK(1, BLOCK_EVIDENCE);
	in.member[1].evidence = true;
	EXPECT(ACTION_DRAIN, 1);
}
END_TEST

START_TEST(drain_is_never_limited_by_a_budget)
{
	world(3);
	for (int i = 0; i < 8; i++) {
		ledger_note_drain(&l.member[1], NOW - 60);
		ledger_note_return(&l.member[1], NOW - 60);
		ledger_note_swap(&l.member[1], NOW - 60);
	}
	verdict(1, VERDICT_DOWN, 3000);
	EXPECT(ACTION_DRAIN, 1);
}
END_TEST

START_TEST(spacing)
{
	world(4);
	(void)snprintf(l.spaced, sizeof l.spaced, "c");
	in.spaced = true;
	in.spaced_ms = 29999;
	verdict(1, VERDICT_DOWN, LONG_MS);
	EXPECT_BLOCK(1, BLOCK_SPACING);
	in.spaced_ms = 30000;
	EXPECT(ACTION_DRAIN, 1);
	/* the same site does not wait for itself */
	in.spaced_ms = 0;
	(void)snprintf(l.spaced, sizeof l.spaced, "b");
	EXPECT(ACTION_DRAIN, 1);
	/* an idle failover member moves no answer: it neither waits nor counts */
	rule.policy = POLICY_FAILOVER;
	policy_weigh(&rule, &l);
	(void)snprintf(l.spaced, sizeof l.spaced, "c");
	EXPECT(ACTION_DRAIN, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert_str_eq(l.spaced, "c");
	/* the one that answers waits, and counts */
	verdict(0, VERDICT_DOWN, LONG_MS);
	EXPECT_BLOCK(0, BLOCK_SPACING);
	in.spaced_ms = 30000;
	EXPECT(ACTION_DRAIN, 0);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert_str_eq(l.spaced, "a");
	ck_assert_int_eq(l.spaced_wall_s, NOW);
}
END_TEST

START_TEST(floor_keeps_one_that_is_not_down)
{
	world(3);
	rule.max_out = 3;
	verdict(0, VERDICT_DOWN, LONG_MS);
	verdict(1, VERDICT_UP, 1);
	verdict(2, VERDICT_UP, 1);
	take_out(1);
	take_out(2);
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	ck_assert_int_eq(limiter_floor(&in, 0), BLOCK_FLOOR);
	/* one that is in but DOWN holds no floor; UNDECIDED does */
	limiter_in_member(&rule, &l, 2);
	verdict(2, VERDICT_DOWN, 0);
	verdict(1, VERDICT_UP, 1);
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	verdict(2, VERDICT_UNDECIDED, 0);
	EXPECT(ACTION_DRAIN, 0);
	/* a weight of 0 answers nobody */
	rule.member[2].weight = 0;
	EXPECT_BLOCK(0, BLOCK_FLOOR);
}
END_TEST

START_TEST(all_down_or_undecided_leaves_dns_alone)
{
	world(3);
	for (uint32_t m = 0; m < 3; m++)
		verdict(m, VERDICT_DOWN, LONG_MS);
	EXPECT_BLOCK(0, BLOCK_ALL_DOWN);
	EXPECT_BLOCK(1, BLOCK_ALL_DOWN);
	EXPECT_BLOCK(2, BLOCK_ALL_DOWN);
	verdict(1, VERDICT_UNDECIDED, 0);
	verdict(2, VERDICT_UNDECIDED, 0);
	EXPECT_BLOCK(0, BLOCK_ALL_DOWN);
	verdict(2, VERDICT_UP, 0);
	EXPECT(ACTION_DRAIN, 0);
}
END_TEST

START_TEST(max_out_and_capacity)
{
	world(4);
	rule.max_out = 1;
	take_out(3);
	verdict(3, VERDICT_DOWN, 0);
	verdict(0, VERDICT_DOWN, LONG_MS);
	EXPECT_BLOCK(0, BLOCK_MAX_OUT);
	ck_assert(!out.ledger_allows[0]);
	rule.max_out = 2;
	EXPECT(ACTION_DRAIN, 0);
	ck_assert(out.ledger_allows[0]);
	rule.min_capacity_pct = 51;
	EXPECT_BLOCK(0, BLOCK_CAPACITY);
	rule.min_capacity_pct = 50;
	EXPECT(ACTION_DRAIN, 0);
	/* of full weights, not of those on a ramp */
	l.member[1].ramp = 0;
	policy_weigh(&rule, &l);
	in.member[1].ramp_ms = 0;
	EXPECT(ACTION_DRAIN, 0);
	rule.member[0].weight = 200; /* 100 + 100 of 500 would be left */
	EXPECT_BLOCK(0, BLOCK_CAPACITY);
}
END_TEST

START_TEST(return_after_its_hold)
{
	static const struct {
		uint32_t drains;
		uint64_t hold_s;
	} rows[] = {{0, 120}, {1, 120}, {2, 240}, {3, 480}, {4, 960}, {5, 1800},
	    {6, 1800}, {8, 1800}};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		world(3);
		take_out(1);
		for (uint32_t k = 0; k < rows[i].drains; k++)
			ledger_note_drain(&l.member[1], NOW - 3600 * (int64_t)(8 - k));
		ck_assert_uint_eq(limiter_return_hold_ms(&rule, &l.member[1], NOW),
		    rows[i].hold_s * 1000);
		verdict(1, VERDICT_UP, rows[i].hold_s * 1000 - 1);
		EXPECT_BLOCK(1, BLOCK_HOLD);
		verdict(1, VERDICT_UP, rows[i].hold_s * 1000);
		EXPECT(ACTION_RETURN, 1);
	}
	/* what is more than a day and five minutes old no longer counts */
	world(3);
	take_out(1);
	for (int k = 0; k < 4; k++)
		ledger_note_drain(&l.member[1], NOW - WINDOW_DAY_S - 1);
	ck_assert_uint_eq(limiter_return_hold_ms(&rule, &l.member[1], NOW), 120000);
	l.member[1].drain_wall_s[3] = l.member[1].drain_wall_s[2] = NOW - WINDOW_DAY_S;
	ck_assert_uint_eq(limiter_return_hold_ms(&rule, &l.member[1], NOW), 240000);
}
END_TEST

START_TEST(return_budget)
{
	world(3);
	take_out(1);
	ledger_note_return(&l.member[1], NOW - 3900);
	EXPECT(ACTION_RETURN, 1);
	ledger_note_return(&l.member[1], NOW - 100);
	EXPECT_BLOCK(1, BLOCK_BUDGET); /* 65 minutes are still the hour */
	ck_assert(!out.ledger_allows[1]);
	in.now_wall_s = NOW + 1;
	EXPECT(ACTION_RETURN, 1);
	/* counts are per member */
	in.now_wall_s = NOW;
	take_out(2);
	EXPECT(ACTION_RETURN, 2);
}
END_TEST

START_TEST(latch)
{
	world(3);
	for (int k = 1; k <= 6; k++) {
		struct action drain = {ACTION_DRAIN, 1, 1};
		struct action back = {ACTION_RETURN, 1, 1};

		limiter_apply(&rule, &l, &drain, NOW - 70000 + k * 10000);
		ck_assert_msg(l.member[1].latched == (k == 6), "drain %d", k);
		if (k < 6)
			limiter_apply(&rule, &l, &back, NOW - 70000 + k * 10000 + 5000);
	}
	EXPECT_BLOCK(1, BLOCK_LATCHED);
	in.now_wall_s = NOW + 10 * 86400; /* until acknowledged, however long */
	EXPECT_BLOCK(1, BLOCK_LATCHED);
	l.member[1].latched = false;
	EXPECT(ACTION_RETURN, 1);
	/* six in more than a day are not six in a day */
	world(3);
	for (int k = 1; k <= 6; k++) {
		struct action drain = {ACTION_DRAIN, 1, 1};

		limiter_apply(&rule, &l, &drain, NOW + k * 18000);
		ck_assert_msg(!l.member[1].latched, "drain %d", k);
	}
}
END_TEST

START_TEST(manual_failback)
{
	world(3);
	rule.failback_auto = false;
	take_out(1);
	EXPECT_BLOCK(1, BLOCK_MANUAL);
	/* an expired drain is the operator's word: manual does not hold it */
	l.member[1].by_order = true;
	l.member[1].drain = (struct ledger_order){1, 1, NOW + 1};
	EXPECT_BLOCK(1, BLOCK_ORDER);
	l.member[1].drain.expiry_wall_s = NOW;
	EXPECT(ACTION_RETURN, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert(!l.member[1].by_order && l.member[1].drain.id == 0);
	/* … through the limiter: hold and budget are its own */
	take_out(1);
	l.member[1].by_order = true;
	verdict(1, VERDICT_UP, 119999);
	EXPECT_BLOCK(1, BLOCK_HOLD);
	ledger_note_return(&l.member[1], NOW);
	EXPECT_BLOCK(1, BLOCK_BUDGET);
}
END_TEST

START_TEST(swap)
{
	world(2); /* max_out 1: b is out, now a dies */
	take_out(1);
	ledger_note_drain(&l.member[1], NOW - 100);
	verdict(0, VERDICT_DOWN, 30000);
	verdict(1, VERDICT_UP, 29999);
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	verdict(1, VERDICT_UP, 30000);
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_SWAP);
	ck_assert_uint_eq(out.action.member, 0);
	ck_assert_uint_eq(out.action.other, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert(l.member[0].out && !l.member[1].out);
	ck_assert_uint_eq(l.member[0].weight, 0);
	ck_assert_uint_eq(l.member[1].weight, 10); /* on its ramp */
	ck_assert_uint_eq(l.member[1].swaps, 1);
	ck_assert_uint_eq(l.member[0].drains, 1);
	ck_assert_str_eq(l.spaced, "a");
	/* and back? `a` has its own budget */
	in.spaced = true;
	in.spaced_ms = 30000;
	verdict(1, VERDICT_DOWN, LONG_MS);
	verdict(0, VERDICT_UP, 30000);
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_SWAP);
	limiter_apply(&rule, &l, &out.action, NOW + 40);
	/* b was swapped in within the hour: not again (E = 1) */
	in.now_wall_s = NOW + WINDOW_HOUR_S;
	verdict(0, VERDICT_DOWN, LONG_MS);
	verdict(1, VERDICT_UP, 30000);
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	in.now_wall_s = NOW + WINDOW_HOUR_S + 1;
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_SWAP);
}
END_TEST

START_TEST(swap_bars)
{
	world(2);
	take_out(1);
	verdict(0, VERDICT_DOWN, LONG_MS);
	/* a latch does not bar it, nor does a spent return budget, nor `manual` */
	l.member[1].latched = true;
	rule.failback_auto = false;
	ledger_note_return(&l.member[1], NOW);
	ledger_note_return(&l.member[1], NOW);
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_SWAP);
	/* an operator who holds it out does */
	l.member[1].drain = (struct ledger_order){1, 1, NOW + 1};
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	l.member[1].drain = (struct ledger_order){0};
	/* stateful services are never swapped */
	rule.stateful = true;
	EXPECT_BLOCK(0, BLOCK_FLOOR);
	rule.stateful = false;
	/* not UP: no */
	verdict(1, VERDICT_UNDECIDED, 0);
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_NONE);
	/* the drain's own rules bind the swap: hold, evidence, spacing, pin */
	verdict(1, VERDICT_UP, LONG_MS);
	in.member[0].evidence = false;
	EXPECT_BLOCK(0, BLOCK_EVIDENCE);
	verdict(0, VERDICT_DOWN, 29999); /* tenfold: none would be left */
	EXPECT_BLOCK(0, BLOCK_HOLD);
	verdict(0, VERDICT_DOWN, LONG_MS);
	l.member[0].pin = (struct ledger_order){1, 1, NOW + 1};
	EXPECT_BLOCK(0, BLOCK_PINNED);
	/* no swap without need: a drain that the floor allows is a drain */
	world(3);
	take_out(1);
	l.member[1].latched = true;
	verdict(0, VERDICT_DOWN, LONG_MS);
	EXPECT(ACTION_DRAIN, 0);
	/* max_out forbids: the swap keeps the count */
	rule.max_out = 1;
	judge();
	ck_assert_int_eq(out.action.kind, ACTION_SWAP);
	ck_assert_uint_eq(out.action.other, 1);
}
END_TEST

START_TEST(ramp)
{
	static const uint8_t weight[] = {10, 25, 50, 100};
	struct action back = {ACTION_RETURN, 1, 1};

	world(3);
	take_out(1);
	limiter_apply(&rule, &l, &back, NOW);
	for (int step = 0; step < 4; step++) {
		ck_assert_uint_eq(l.member[1].weight, weight[step]);
		in.member[1].ramp_ms = 59999;
		EXPECT(ACTION_NONE, 0);
		in.member[1].ramp_ms = 60000;
		in.member[1].verdict = VERDICT_UNDECIDED; /* only while UP */
		EXPECT(ACTION_NONE, 0);
		in.member[1].verdict = VERDICT_UP;
		if (step == 3)
			break;
		EXPECT(ACTION_RAMP, 1);
		limiter_apply(&rule, &l, &out.action, NOW);
	}
	EXPECT(ACTION_NONE, 0);
}
END_TEST

START_TEST(ramp_abort)
{
	world(3);
	l.member[1].ramp = 1;
	policy_weigh(&rule, &l);
	/* DOWN: to nothing without the hold … */
	verdict(1, VERDICT_DOWN, 0);
	EXPECT(ACTION_DRAIN, 1);
	/* … but on evidence … */
	in.member[1].evidence = false;
	EXPECT_BLOCK(1, BLOCK_EVIDENCE);
	in.member[1].evidence = true;
	/* … and never past the floor */
	take_out(0);
	take_out(2);
	verdict(0, VERDICT_UP, 1);
	verdict(2, VERDICT_UP, 1);
	EXPECT_BLOCK(1, BLOCK_FLOOR);
	/* failover knows no ramp: the hold counts */
	world(3);
	rule.policy = POLICY_FAILOVER;
	l.member[1].ramp = 1;
	verdict(1, VERDICT_DOWN, 0);
	EXPECT_BLOCK(1, BLOCK_HOLD);
}
END_TEST

START_TEST(orders_and_modes)
{
	world(3);
	verdict(1, VERDICT_DOWN, LONG_MS);
	take_out(2);
	l.member[2].by_order = true;
	rule.max_out = 2;
	l.freeze = (struct ledger_order){1, 1, NOW + 1};
	EXPECT_BLOCK(1, BLOCK_FROZEN);
	EXPECT_BLOCK(2, BLOCK_FROZEN);
	ck_assert(!out.ledger_allows[1] && !out.ledger_allows[2]);
	in.now_wall_s = NOW + 1; /* an expiry thaws by itself */
	EXPECT(ACTION_DRAIN, 1);
	l.member[1].pin = (struct ledger_order){1, 1, NOW + 2};
	EXPECT_BLOCK(1, BLOCK_PINNED);
	in.now_wall_s = NOW + 2;
	EXPECT(ACTION_DRAIN, 1);
	in.now_wall_s = 0; /* an order stands without a clock */
	EXPECT_BLOCK(1, BLOCK_FROZEN);
	l.freeze = (struct ledger_order){0};
	/* without the provider's clock nothing is decided */
	EXPECT_BLOCK(1, BLOCK_CLOCK);
	in.now_wall_s = NOW;
	rule.scenario = true;
	EXPECT_BLOCK(1, BLOCK_SCENARIO);
	EXPECT_BLOCK(2, BLOCK_SCENARIO);
}
END_TEST

START_TEST(last_resort)
{
	world(3);
	rule.policy = POLICY_FAILOVER;
	rule.member[2].last_resort = true;
	verdict(2, VERDICT_UNDECIDED, 0); /* not probed */
	policy_weigh(&rule, &l);
	/* it answers when every other is DOWN, and so it holds the floor */
	verdict(1, VERDICT_DOWN, LONG_MS);
	EXPECT(ACTION_DRAIN, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	verdict(0, VERDICT_DOWN, LONG_MS);
	EXPECT(ACTION_DRAIN, 0);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert_uint_eq(l.member[2].weight, 100);
	/* and is itself never drained */
	EXPECT(ACTION_NONE, 0);
	ck_assert_int_eq(out.block[2], BLOCK_NONE);
	verdict(0, VERDICT_UP, LONG_MS);
	EXPECT(ACTION_RETURN, 0);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert_uint_eq(l.member[0].weight, 100);
	ck_assert_uint_eq(l.member[2].weight, 0);
}
END_TEST

START_TEST(cold_members_are_left_alone)
{
	world(3);
	in.cold[2] = true;
	take_out(2);
	verdict(2, VERDICT_UP, LONG_MS);
	EXPECT_BLOCK(2, BLOCK_SCENARIO);
	/* neither down nor out: one of two is left, the hold is the short one */
	verdict(0, VERDICT_DOWN, 3000);
	rule.max_out = 1;
	EXPECT(ACTION_DRAIN, 0);
}
END_TEST

START_TEST(drain_comes_first)
{
	world(4);
	take_out(1);
	verdict(3, VERDICT_DOWN, LONG_MS);
	l.member[2].ramp = 0;
	policy_weigh(&rule, &l);
	EXPECT(ACTION_DRAIN, 3);
	limiter_apply(&rule, &l, &out.action, NOW);
	EXPECT(ACTION_RETURN, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	in.member[1].ramp_ms = 0;
	EXPECT(ACTION_RAMP, 2);
}
END_TEST

START_TEST(the_next_in_line_never_answers_dead)
{
	world(3);
	rule.policy = POLICY_FAILOVER;
	policy_weigh(&rule, &l);
	verdict(0, VERDICT_DOWN, LONG_MS);
	verdict(1, VERDICT_DOWN, LONG_MS);
	EXPECT(ACTION_DRAIN, 1);
	limiter_apply(&rule, &l, &out.action, NOW);
	EXPECT(ACTION_DRAIN, 0);
	limiter_apply(&rule, &l, &out.action, NOW);
	ck_assert_int_eq(policy_chosen(&rule, &l), 2);

	/* no room for both: the one that answers goes */
	world(3);
	rule.policy = POLICY_FAILOVER;
	rule.max_out = 1;
	policy_weigh(&rule, &l);
	verdict(0, VERDICT_DOWN, LONG_MS);
	verdict(1, VERDICT_DOWN, LONG_MS);
	EXPECT(ACTION_DRAIN, 0);
}
END_TEST

START_TEST(words)
{
	for (int b = 0; b < BLOCKS; b++) {
		ck_assert_uint_gt(strlen(block_word((enum block)b)), 0);
		ck_assert_uint_lt(strlen(block_word((enum block)b)), WORD_MAX);
		ck_assert_uint_gt(strlen(block_sentence((enum block)b)), 10);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("limiter");
	TCase *t = tcase_create("limiter");

	tcase_add_test(t, steady_world);
	tcase_add_test(t, drain_after_the_hold);
	tcase_add_test(t, tenfold_hold);
	tcase_add_test(t, drain_needs_evidence_at_the_moment);
	tcase_add_test(t, drain_is_never_limited_by_a_budget);
	tcase_add_test(t, spacing);
	tcase_add_test(t, floor_keeps_one_that_is_not_down);
	tcase_add_test(t, all_down_or_undecided_leaves_dns_alone);
	tcase_add_test(t, max_out_and_capacity);
	tcase_add_test(t, return_after_its_hold);
	tcase_add_test(t, return_budget);
	tcase_add_test(t, latch);
	tcase_add_test(t, manual_failback);
	tcase_add_test(t, swap);
	tcase_add_test(t, swap_bars);
	tcase_add_test(t, ramp);
	tcase_add_test(t, ramp_abort);
	tcase_add_test(t, orders_and_modes);
	tcase_add_test(t, last_resort);
	tcase_add_test(t, cold_members_are_left_alone);
	tcase_add_test(t, drain_comes_first);
	tcase_add_test(t, the_next_in_line_never_answers_dead);
	tcase_add_test(t, words);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
