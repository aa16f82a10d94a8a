/* SPDX-License-Identifier: Apache-2.0 */
/* engine and scenario: one agent on a bench carries runs out; others order and approve. */
#include "tests/unit/scenario_bench.h"

static struct bench b;

static void
ready_to_go(enum scenario_kind kind, enum trigger trigger)
{
	scenario_make(&b, kind, trigger, 1);
	scenario_begin(&b);
}

/* ---- there, and back ---- */

/* A warm standby that has failed over, by order. */
static void
failed_over(void)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 120000);
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	does(&b, SLOT_FENCE);
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_SCALE_UP);
	does(&b, SLOT_PROMOTE);
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_int_eq(b.weight[1], 100);
	site(&b, 0, 'U');
	bench_run(&b, 60000);
}

START_TEST(an_ordered_failover)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 120000);
	ck_assert_uint_eq(b.ledger.run.id, 0); /* by command alone, and it says so */
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_BLOCKED, "scenario")->text, "failover shop-dr"));
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.lock_holder, b.rule.agent[0].number);
	await_act(&b, SLOT_FENCE);
	ck_assert_uint_eq(b.act.site, 0);
	ck_assert_uint_eq(b.act.fence, b.ledger.epoch);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	acted(&b, ACTED_DONE);
	ck_assert_uint_eq(b.ledger.open, 0);
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_SCALE_UP);
	await_act(&b, SLOT_PROMOTE);
	ck_assert_uint_eq(b.ledger.open, SIDE_RECOVERY);
	ck_assert_int_eq(b.weight[0], 100);
	acted(&b, ACTED_DONE);
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.lock_holder, 0);
	ck_assert_int_eq(b.weight[0], 0);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_uint_eq(b.ledger.open, SIDE_RECOVERY);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_RUN, "failover")->text, "b answers"));
	ck_assert(bench_fact(&b, FACT_LOST, NULL) == NULL);
}
END_TEST

START_TEST(and_the_way_back)
{
	failed_over();
	bench_run(&b, 600000);
	ck_assert_int_eq(b.weight[1], 100); /* nothing goes back by itself */
	order(&b, ORDER_FAILBACK);
	does(&b, SLOT_REVERSE);
	ck_assert_uint_eq(b.act.site, 0);
	bench_run(&b, 20000);
	ck_assert_int_eq(slot_now(&b), SLOT_CAUGHT_UP);
	lag_ms(&b, 93000);
	bench_run(&b, 2000);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "caught_up")->text, "93.000 s"));
	ck_assert_int_eq(slot_now(&b), SLOT_CAUGHT_UP);
	lag_ms(&b, 10000);
	await_act(&b, SLOT_FREEZE);
	ck_assert_uint_eq(b.act.site, 1);
	lag_ms(&b, 0); /* before the freeze was done: says nothing of after it */
	acted(&b, ACTED_DONE);
	ck_assert_uint_eq(b.ledger.open, 0);
	bench_run(&b, 5000);
	ck_assert_int_eq(slot_now(&b), SLOT_CAUGHT_UP_FULLY);
	lag_ms(&b, 1);
	bench_run(&b, 5000);
	ck_assert_int_eq(slot_now(&b), SLOT_CAUGHT_UP_FULLY);
	lag_ms(&b, 0);
	await_act(&b, SLOT_UNFREEZE);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_int_eq(b.weight[1], 0);
	ck_assert(!b.ledger.member[1].out); /* a warm standby stays in */
	acted(&b, ACTED_DONE);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	does(&b, SLOT_SCALE_IN);
	bench_run(&b, 1000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert(bench_fact(&b, FACT_LOST, NULL) == NULL);
}
END_TEST

/* ---- beginning by itself ---- */

START_TEST(automatic_after_the_hold)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	bench_run(&b, 2500);
	ck_assert_int_eq(b.g->quorum[0].verdict, VERDICT_DOWN);
	bench_run(&b, b.rule.hold_ms - 3000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	await_act(&b, SLOT_FENCE);
	ck_assert_uint_eq(b.ledger.run.id, b.ledger.epoch - 1);
}
END_TEST

/* As no drain begins: pinned, frozen, or on the word of probes that pass again. */
START_TEST(automatic_is_barred_as_a_drain_is)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	bench_order(&b, ORDER_PIN, 0, 300);
	bench_run(&b, 1000);
	site(&b, 0, 'D');
	bench_run(&b, 120000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_BLOCKED, "scenario")->text, "pinned"));
	site(&b, 0, 'd'); /* down, but their last probes pass */
	bench_run(&b, 400000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	site(&b, 0, 'D');
	bench_run(&b, 3000);
	ck_assert_uint_ne(b.ledger.run.id, 0);
}
END_TEST

START_TEST(nowhere_to_go_when_both_are_down)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	site(&b, 1, 'D');
	bench_run(&b, 300000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_BLOCKED, "scenario")->text, "b too"));
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
}
END_TEST

START_TEST(a_cold_site_is_down_and_gone_to_all_the_same)
{
	scenario_make(&b, SCENARIO_PILOT_LIGHT, TRIGGER_AUTOMATIC, 1);
	site(&b, 1, 'D');
	scenario_begin(&b);
	ck_assert(b.ledger.member[1].out);
	site(&b, 0, 'D');
	bench_run(&b, b.rule.hold_ms + 5000); /* not tenfold: it is none of two */
	does(&b, SLOT_FENCE);
	does(&b, SLOT_PROMOTE);
	does(&b, SLOT_PROVISION);
	does(&b, SLOT_ATTACH);
	bench_run(&b, 30000);
	ck_assert_int_eq(slot_now(&b), SLOT_READY);
	ck_assert_int_eq(b.weight[0], 100); /* never before it is ready */
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "ready")->text, "waits until b is UP"));
	site(&b, 1, 'U');
	bench_run(&b, 10000);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_uint_eq(b.ledger.run.id, 0);
}
END_TEST

START_TEST(never_at_the_failed_site)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 0);
	scenario_begin(&b);
	site(&b, 0, 'D');
	bench_run(&b, 300000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	order(&b, ORDER_FAILOVER); /* what it hears it writes, for another to run */
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_uint_ne(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.lock_holder, 0);
	ck_assert_uint_eq(b.starts, 0);
}
END_TEST

START_TEST(an_approval_is_asked_and_given)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_APPROVAL);
	site(&b, 0, 'D');
	bench_run(&b, 70000);
	ck_assert_int_eq(slot_now(&b), SLOT_BEGIN);
	ck_assert_int_eq(b.ledger.run.state, RUN_ASKS);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "begin")->text, "approve shop-dr"));
	bench_run(&b, 300000);
	ck_assert_uint_eq(b.starts, 0);
	order(&b, ORDER_APPROVE);
	await_act(&b, SLOT_FENCE);
}
END_TEST

START_TEST(an_approval_is_withdrawn_when_it_is_well_again)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_APPROVAL);
	site(&b, 0, 'D');
	bench_run(&b, 70000);
	ck_assert_int_eq(b.ledger.run.state, RUN_ASKS);
	site(&b, 0, 'U');
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.lock_holder, 0);
	ck_assert_str_eq(bench_fact(&b, FACT_RUN, NULL)->address, "withdrawn");
	ck_assert(!b.ledger.rests);
	order(&b, ORDER_APPROVE);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
}
END_TEST

/* ---- what goes wrong ---- */

/* A warm standby whose fail-over is at this slot, its act under way. */
static void
going_over(enum slot at)
{
	static const enum slot row[] = {
	    SLOT_FENCE, SLOT_SCALE_OUT, SLOT_SCALE_UP, SLOT_PROMOTE};

	site(&b, 0, 'D');
	bench_run(&b, 70000);
	for (size_t i = 0; i < 4; i++) {
		if (b.rule.plan.step[row[i]].fill != FILL_ACT)
			continue;
		await_act(&b, row[i]);
		if (row[i] == at)
			return;
		acted(&b, ACTED_DONE);
	}
}

START_TEST(a_failure_is_tried_again_and_then_asked_about)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_SCALE_UP].retries = 2;
	scenario_begin(&b);
	going_over(SLOT_SCALE_UP);
	for (uint32_t k = 1; k <= 3; k++) {
		ck_assert_uint_eq(b.act.tries, k);
		acted(&b, ACTED_FAILED);
		if (k < 3)
			await_act(&b, SLOT_SCALE_UP);
	}
	bench_run(&b, 60000);
	ck_assert_int_eq(b.ledger.run.state, RUN_FAILED);
	ck_assert_ptr_nonnull(strstr(bench_fact(&b, FACT_STEP, "scale_up")->text,
	    "retry, skip or abort shop-dr"));
	order(&b, ORDER_APPROVE);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	order(&b, ORDER_RETRY);
	await_act(&b, SLOT_SCALE_UP);
	acted(&b, ACTED_FAILED);
	bench_run(&b, 1000);
	order(&b, ORDER_SKIP);
	await_act(&b, SLOT_PROMOTE);
}
END_TEST

START_TEST(on_failure_continue_goes_on)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_SCALE_OUT].go_on = true;
	scenario_begin(&b);
	going_over(SLOT_SCALE_OUT);
	acted(&b, ACTED_FAILED);
	await_act(&b, SLOT_SCALE_UP);
	ck_assert_str_eq(
	    bench_fact(&b, FACT_STEP, "scale_out")->address, "passed over");
	ck_assert_int_eq(bench_fact(&b, FACT_STEP, "scale_out")->level, FACT_WARN);
}
END_TEST

START_TEST(without_a_fence_opening_is_asked_about)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_FENCE].fill = FILL_NOTHING;
	scenario_begin(&b);
	going_over(SLOT_SCALE_UP);
	acted(&b, ACTED_DONE);
	bench_run(&b, 300000);
	ck_assert_int_eq(slot_now(&b), SLOT_PROMOTE);
	ck_assert_int_eq(b.ledger.run.state, RUN_ASKS);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	ck_assert_ptr_nonnull(strstr(
	    bench_fact(&b, FACT_STEP, "promote")->text, "both sides may be open"));
	order(&b, ORDER_APPROVE);
	await_act(&b, SLOT_PROMOTE);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY | SIDE_RECOVERY);
	acted(&b, ACTED_FAILED); /* approved is approved, also for what comes after */
	bench_run(&b, 1000);
	order(&b, ORDER_RETRY);
	await_act(&b, SLOT_PROMOTE);
	ck_assert_uint_eq(b.act.tries, 2);
}
END_TEST

START_TEST(an_unknown_outcome_with_a_fence_is_repeated_at_once)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	going_over(SLOT_PROMOTE);
	uint64_t fence = b.act.fence;
	acted(&b, ACTED_UNKNOWN);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.act.slot, SLOT_PROMOTE);
	ck_assert_uint_gt(b.act.fence, fence);
	ck_assert_uint_eq(b.act.tries, 2);
}
END_TEST

START_TEST(an_unknown_call_of_aws_waits_for_its_signature_to_end)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_PROMOTE].fenced = false;
	b.rule.plan.step[SLOT_PROMOTE].aws = true;
	scenario_begin(&b);
	going_over(SLOT_PROMOTE);
	acted(&b, ACTED_UNKNOWN);
	uint32_t starts = b.starts;
	bench_run(&b, 298000);
	ck_assert_uint_eq(b.starts, starts);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "promote")->text, "a late copy"));
	order(&b, ORDER_SKIP);
	bench_run(&b, 100);
	ck_assert(b.order_refused); /* never passed */
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.starts, starts + 1);
}
END_TEST

START_TEST(an_unknown_opening_without_a_fence_is_asked_about)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_PROMOTE].fenced = false;
	scenario_begin(&b);
	going_over(SLOT_PROMOTE);
	acted(&b, ACTED_UNKNOWN);
	bench_run(&b, 600000);
	ck_assert_int_eq(b.ledger.run.state, RUN_ASKS);
	order(&b, ORDER_SKIP);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	order(&b, ORDER_APPROVE);
	await_act(&b, SLOT_PROMOTE);
	ck_assert_uint_eq(b.act.tries, 2);
}
END_TEST

START_TEST(what_is_not_idempotent_is_not_repeated)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_SCALE_UP].once = true;
	scenario_begin(&b);
	going_over(SLOT_SCALE_UP);
	acted(&b, ACTED_UNKNOWN);
	bench_run(&b, 60000);
	ck_assert_int_eq(b.ledger.run.state, RUN_FAILED);
	ck_assert_int_eq(slot_now(&b), SLOT_SCALE_UP);
}
END_TEST

START_TEST(an_unknown_freeze_is_repeated_for_ever)
{
	failed_over();
	b.rule.plan.step[SLOT_FREEZE].once = true;
	order(&b, ORDER_FAILBACK);
	does(&b, SLOT_REVERSE);
	bench_run(&b, 1000);
	lag_ms(&b, 0);
	for (int k = 0; k < 12; k++) {
		await_act(&b, SLOT_FREEZE);
		acted(&b, ACTED_UNKNOWN);
		bench_run(&b, 100);
	}
	ck_assert_uint_eq(b.act.tries, 12);
	order(&b, ORDER_SKIP);
	bench_run(&b, 100);
	ck_assert(b.order_refused);
}
END_TEST

START_TEST(a_failback_that_lags_is_refused_with_the_number)
{
	failed_over();
	b.rule.plan.step[SLOT_REVERSE].fill = FILL_NOTHING;
	lag_ms(&b, 42500);
	order(&b, ORDER_FAILBACK);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_ORDER_REFUSED, "failback")->text,
		"42.500 s, the limit 10.000 s"));
	ck_assert_uint_eq(b.ledger.run.id, 0);
	lag_ms(&b, 9000);
	order(&b, ORDER_FAILBACK);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
}
END_TEST

START_TEST(an_operator_holds_the_recovery_site_out)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	bench_order(&b, ORDER_DRAIN, 1, 600);
	bench_run(&b, 1000);
	ck_assert(b.ledger.member[1].out);
	site(&b, 0, 'D');
	bench_run(&b, 90000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_BLOCKED, "scenario")->text, "holds b out"));
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 1000);
	await_act(&b, SLOT_FENCE);
}
END_TEST

/* Of a failover the first member that is in answers; the target is to be that one. */
START_TEST(whoever_stands_before_the_target)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_COMMAND, 0);
	memset(b.rule.plan.step, 0, sizeof b.rule.plan.step);
	b.rule.plan.has_lag = false;
	b.rule.plan.primary = 1;
	b.rule.plan.recovery = 0;
	scenario_begin(&b);
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.weight[0], 100);
	order(&b, ORDER_FAILBACK);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.weight[0], 0);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_uint_eq(b.ledger.run.id, 0);
}
END_TEST

START_TEST(the_primary_comes_back_in_the_middle)
{
	ready_to_go(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	going_over(SLOT_SCALE_OUT);
	site(&b, 0, 'U');
	bench_run(&b, 60000);
	acted(&b, ACTED_DONE); /* it is fenced: it goes on */
	does(&b, SLOT_SCALE_UP);
	does(&b, SLOT_PROMOTE);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.weight[1], 100);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine scenario");
	TCase *t = tcase_create("engine scenario");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_ordered_failover);
	tcase_add_test(t, and_the_way_back);
	tcase_add_test(t, automatic_after_the_hold);
	tcase_add_test(t, automatic_is_barred_as_a_drain_is);
	tcase_add_test(t, nowhere_to_go_when_both_are_down);
	tcase_add_test(t, a_cold_site_is_down_and_gone_to_all_the_same);
	tcase_add_test(t, never_at_the_failed_site);
	tcase_add_test(t, an_approval_is_asked_and_given);
	tcase_add_test(t, an_approval_is_withdrawn_when_it_is_well_again);
	tcase_add_test(t, a_failure_is_tried_again_and_then_asked_about);
	tcase_add_test(t, on_failure_continue_goes_on);
	tcase_add_test(t, without_a_fence_opening_is_asked_about);
	tcase_add_test(t, an_unknown_outcome_with_a_fence_is_repeated_at_once);
	tcase_add_test(t, an_unknown_call_of_aws_waits_for_its_signature_to_end);
	tcase_add_test(t, an_unknown_opening_without_a_fence_is_asked_about);
	tcase_add_test(t, what_is_not_idempotent_is_not_repeated);
	tcase_add_test(t, an_unknown_freeze_is_repeated_for_ever);
	tcase_add_test(t, a_failback_that_lags_is_refused_with_the_number);
	tcase_add_test(t, an_operator_holds_the_recovery_site_out);
	tcase_add_test(t, whoever_stands_before_the_target);
	tcase_add_test(t, the_primary_comes_back_in_the_middle);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
