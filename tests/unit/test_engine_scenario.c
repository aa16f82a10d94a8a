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

int
main(void)
{
	Suite *s = suite_create("engine scenario");
	TCase *t = tcase_create("engine scenario");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, an_ordered_failover);
	tcase_add_test(t, and_the_way_back);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
