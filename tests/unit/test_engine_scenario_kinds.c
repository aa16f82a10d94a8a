/* SPDX-License-Identifier: Apache-2.0 */
/* engine and scenario: backup and restore, planned switch-over, multi-site, drills. */
#include "tests/unit/scenario_bench.h"

static struct bench b;

static void
make(enum scenario_kind kind, enum trigger trigger)
{
	scenario_make(&b, kind, trigger, 1);
	scenario_begin(&b);
}

/* ---- the other kinds ---- */

START_TEST(backup_and_restore_there_and_back)
{
	scenario_make(&b, SCENARIO_BACKUP_RESTORE, TRIGGER_AUTOMATIC, 1);
	site(&b, 1, 'D');
	scenario_begin(&b);
	site(&b, 0, 'D');
	does(&b, SLOT_FENCE);
	does(&b, SLOT_RESTORE);
	site(&b, 1, 'U');
	does(&b, SLOT_PROVISION);
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert(b.ledger.member[0].out);
	order(&b, ORDER_FAILBACK);
	does(&b, SLOT_FREEZE);
	does(&b, SLOT_BACKUP);
	does(&b, SLOT_RESTORE);
	bench_run(&b, 10000);
	ck_assert_int_eq(slot_now(&b), SLOT_READY);
	ck_assert_int_eq(b.weight[1], 100);
	site(&b, 0, 'U');
	does(&b, SLOT_UNFREEZE);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert(b.ledger.member[1].out); /* cold again */
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
}
END_TEST

START_TEST(a_planned_switchover_loses_nothing)
{
	make(SCENARIO_PILOT_LIGHT, TRIGGER_COMMAND);
	lag_ms(&b, 60000);
	order(&b, ORDER_SWITCHOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	lag_ms(&b, 500);
	order(&b, ORDER_SWITCHOVER);
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.starts, 0);
	lag_ms(&b, 500);
	does(&b, SLOT_FREEZE);
	ck_assert_uint_eq(b.act.site, 0);
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.starts, 1);
	lag_ms(&b, 0);
	does(&b, SLOT_PROMOTE);
	does(&b, SLOT_PROVISION);
	does(&b, SLOT_ATTACH);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_uint_eq(b.ledger.open, SIDE_RECOVERY);
}
END_TEST

/* Steering drains the site, the scenario cuts the writer over; then steering is still. */
START_TEST(multi_site)
{
	make(SCENARIO_MULTI_SITE, TRIGGER_AUTOMATIC);
	b.rule.return_hold_ms = 5000;
	b.rule.failback_auto = true;
	ck_assert_int_eq(b.weight[1], 100);
	site(&b, 0, 'D');
	await_act(&b, SLOT_SCALE_OUT);
	ck_assert_int_eq(b.weight[0], 0);
	acted(&b, ACTED_DONE);
	does(&b, SLOT_FENCE);
	does(&b, SLOT_PROMOTE);
	bench_run(&b, 1000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.open, SIDE_RECOVERY);
	site(&b, 0, 'U');
	bench_run(&b, 600000);
	ck_assert_int_eq(b.weight[0], 0); /* its writer is closed: not returned */
	order(&b, ORDER_FAILBACK);
	does(&b, SLOT_REVERSE);
	bench_run(&b, 1000);
	lag_ms(&b, 0);
	does(&b, SLOT_FREEZE);
	bench_run(&b, 1000);
	lag_ms(&b, 0);
	does(&b, SLOT_UNFREEZE);
	does(&b, SLOT_SCALE_IN);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_int_eq(b.weight[1], 100);
	site(&b, 1, 'D'); /* steering moves it again */
	bench_run(&b, 60000);
	ck_assert_int_eq(b.weight[1], 0);
}
END_TEST

START_TEST(multi_site_that_comes_back_before_anything_was_closed)
{
	make(SCENARIO_MULTI_SITE, TRIGGER_AUTOMATIC);
	b.rule.return_hold_ms = 5000;
	b.rule.failback_auto = true;
	site(&b, 0, 'D');
	await_act(&b, SLOT_SCALE_OUT);
	site(&b, 0, 'U');
	bench_run(&b, 20000);
	ck_assert_int_gt(b.weight[0], 0);
	acted(&b, ACTED_DONE);
	bench_run(&b, 5000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.starts, 1);
	ck_assert_uint_eq(ledger_sides(&b.ledger), SIDE_PRIMARY);
}
END_TEST

/* With a fence alone, the other writer is taken to open by itself; there is a way back. */
START_TEST(multi_site_with_a_fence_alone)
{
	scenario_make(&b, SCENARIO_MULTI_SITE, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_PROMOTE].fill = FILL_EMPTY;
	scenario_begin(&b);
	site(&b, 0, 'D');
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_FENCE);
	bench_run(&b, 1000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.open, SIDE_RECOVERY);
	site(&b, 0, 'U');
	bench_run(&b, 10000);
	order(&b, ORDER_FAILBACK);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
}
END_TEST

/* By order it takes a healthy site out itself, and holds it out; a fail-back ends that. */
START_TEST(multi_site_by_order)
{
	scenario_make(&b, SCENARIO_MULTI_SITE, TRIGGER_COMMAND, 1);
	memset(b.rule.plan.step, 0, sizeof b.rule.plan.step);
	b.rule.plan.has_lag = false;
	b.rule.return_hold_ms = 5000;
	b.rule.failback_auto = true;
	scenario_begin(&b);
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 120000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_int_eq(b.weight[0], 0);
	ck_assert_int_eq(b.weight[1], 100);
	order(&b, ORDER_FAILBACK);
	bench_run(&b, 5000);
	ck_assert(b.order_done);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_int_eq(b.weight[1], 100);
}
END_TEST

START_TEST(a_drill_points_there_and_back)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.shadow = true;
	scenario_begin(&b);
	order(&b, ORDER_FAILOVER);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	order(&b, ORDER_DRILL);
	does(&b, SLOT_SCALE_OUT);
	site(&b, 1, 'D');
	does(&b, SLOT_SCALE_UP);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.weight[0], 100);
	site(&b, 1, 'U');
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert(!b.ledger.member[1].out);
	uint32_t moves = 0;
	for (uint32_t i = 0; i < b.facts; i++)
		moves += b.fact[i].kind == FACT_STEP &&
		    strcmp(b.fact[i].value, "repoint") == 0 &&
		    strcmp(b.fact[i].address, "done") == 0;
	ck_assert_uint_eq(moves, 2);
	site(&b, 0, 'D'); /* nothing begins by itself on a shadow */
	bench_run(&b, 300000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine scenario, kinds");
	TCase *t = tcase_create("engine scenario, kinds");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, backup_and_restore_there_and_back);
	tcase_add_test(t, a_planned_switchover_loses_nothing);
	tcase_add_test(t, multi_site);
	tcase_add_test(t, multi_site_that_comes_back_before_anything_was_closed);
	tcase_add_test(t, multi_site_with_a_fence_alone);
	tcase_add_test(t, multi_site_by_order);
	tcase_add_test(t, a_drill_points_there_and_back);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
