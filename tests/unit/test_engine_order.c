/* SPDX-License-Identifier: Apache-2.0 */
/* engine: the operator's word, a reload under it, and mode: observe. */
#include "tests/unit/engine_bench.h"

static struct bench b;

/* ---- orders ---- */

START_TEST(operator_drain_bypasses_hold_and_budget_not_the_floor)
{
	bench_ready(&b, 2, 1);
	bench_order(&b, ORDER_DRAIN, 1, 600);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	ck_assert(b.ledger.member[1].out && b.ledger.member[1].by_order);
	ck_assert_uint_eq(b.ledger.member[1].drain.id, 76);
	ck_assert_uint_eq(b.ledger.member[1].drains, 0); /* not an automatic one */
	bench_order(&b, ORDER_DRAIN, 0, 600);
	bench_run(&b, 500);
	ck_assert(b.order_refused);
	ck_assert(!b.ledger.member[0].out);
	/* it expires, and returns through the limiter */
	bench_run(&b, 590 * 1000);
	ck_assert(b.ledger.member[1].out);
	bench_run(&b, 12000);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_uint_eq(b.ledger.member[1].returns, 1);
	ck_assert_int_eq(b.weight[1], 10);
}
END_TEST

START_TEST(undrain)
{
	bench_ready(&b, 2, 1);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* it is in */
	bench_order(&b, ORDER_DRAIN, 1, 6000);
	bench_run(&b, 500);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_int_eq(b.weight[1], 10);
	/* not well yet: the limiter returns it when it is, also under `manual` */
	bench_free(&b);
	bench_ready(&b, 2, 1);
	b.rule.failback_auto = false;
	b.health[1] = 'F';
	bench_run(&b, 8000);
	ck_assert(b.ledger.member[1].out);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_done && b.ledger.member[1].out);
	b.health[1] = 'P';
	bench_run(&b, 130000);
	ck_assert(!b.ledger.member[1].out);
}
END_TEST

START_TEST(freeze_works_at_once)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT; /* with or without the API */
	b.health[1] = 'F';
	bench_run(&b, 3000);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	ck_assert(b.g->local_freeze);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_int_eq(b.g->limiter.block[1], BLOCK_FROZEN);
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

START_TEST(unfreeze_takes_back_a_freeze_on_its_way)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 1000);
	ck_assert(b.g->local_freeze);
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	ck_assert(!b.g->local_freeze);
	ck_assert_int_eq(b.g->order.kind, ORDER_NONE);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.ledger.freeze.id, 0);
	ck_assert_uint_eq(b.changes, 1);
}
END_TEST

/* A simulated world's seed 35114: it stood in the way of the adopt that alone would have
 * let it into the ledger, for ever. */
START_TEST(a_freeze_ends_in_time_without_the_zone)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_FREEZE, 0, 60);
	bench_run(&b, 40000);
	ck_assert(b.g->local_freeze);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 77);
	ck_assert_uint_le(engine_report(b.g)->freeze_for_s, 21);
	bench_run(&b, 19000);
	ck_assert(b.g->local_freeze && !b.order_refused);
	bench_run(&b, 2000);
	ck_assert(!b.g->local_freeze && b.order_refused);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 0);
	ck_assert_uint_eq(engine_report(b.g)->thawed, 77);
	bench_order(&b, ORDER_ADOPT, 0, 0);
	ck_assert_int_eq(b.g->order.kind, ORDER_ADOPT);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.freeze.id, 0);
}
END_TEST

/* Its time runs from when the operator gave it. */
START_TEST(a_freeze_that_comes_late_is_no_longer)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	int64_t until_s = BENCH_WALL + (int64_t)(b.now_ms / 1000) + 600;
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 300000);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert_int_ge(b.ledger.freeze.expiry_wall_s, until_s - 1);
	ck_assert_int_le(b.ledger.freeze.expiry_wall_s, until_s + 1);
}
END_TEST

/* A simulated world's seed 83: it wrote a first ledger without a member in it. */
START_TEST(unfreeze_makes_no_ledger)
{
	bench_make(&b, 3, 1);
	bench_begin(&b);
	bench_run(&b, 100);
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	bench_run(&b, 30000);
	ck_assert(b.order_refused);
	ck_assert(b.present);
	ck_assert_uint_eq(b.ledger.members, 3);
}
END_TEST

START_TEST(no_order_overrides_doubt_or_loneliness)
{
	bench_ready(&b, 3, 3);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	b.doubt = DOUBT_CANARIES;
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, 1);
	b.doubt = DOUBT_NOT;
	b.peer[1][0] = b.peer[2][0] = '\0';
	bench_run(&b, 100);
	bench_free(&b);
	bench_ready(&b, 3, 3);
	b.peer[1][0] = b.peer[2][0] = '\0';
	bench_run(&b, 16000);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, 1);
	b.peer[1][0] = 'U';
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
}
END_TEST

START_TEST(freeze_stands_still_records_too)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 1000);
	uint64_t answers = b.answers;
	b.conf_answers = 1; /* the file's answers changed; same policy hash */
	struct engine *scratch = malloc(sizeof *scratch);
	engine_reload(b.g, &b.rule, 0, scratch);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.answers, answers);
	bench_run(&b, 600 * 1000);
	ck_assert_uint_eq(b.answers, 1);
	free(scratch);
}
END_TEST

START_TEST(pin_unpin_ack)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_PIN, 1, 3600);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	b.health[1] = 'F';
	bench_run(&b, 60000);
	ck_assert(!b.ledger.member[1].out);
	bench_order(&b, ORDER_UNPIN, 1, 0);
	bench_run(&b, 1000);
	ck_assert(b.ledger.member[1].out);
	bench_order(&b, ORDER_ACK, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* not latched */
	bench_order(&b, ORDER_PIN, 1, 3600);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* out */
}
END_TEST

START_TEST(a_long_order_keeps_the_ledger_readable)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_PIN, 1, _i ? UINT64_MAX : UINT64_C(1) << 40);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_int_gt(b.ledger.member[1].pin.expiry_wall_s, BENCH_WALL + 86400);
	struct ledger back;
	struct err e;
	ck_assert_int_eq(ledger_parse(b.text, &back, &e), LEDGER_OK);
	bench_run(&b, 600000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
}
END_TEST

START_TEST(one_order_at_a_time)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_PIN, 1, 600);
	ck_assert(!b.order_refused);
	bench_order(&b, ORDER_PIN, 2, 600);
	ck_assert(b.order_refused);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert_uint_eq(b.ledger.member[1].pin.id, 77);
	ck_assert_uint_eq(b.ledger.member[2].pin.id, 0);
}
END_TEST

/* Nothing of ours can delete it: adopt says so, instead of losing for ever. */
START_TEST(adopt_is_refused_over_an_odd_ledger)
{
	bench_ready(&b, 3, 1);
	b.odd = true; /* a second value was added by hand */
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_GARBLED);
	uint32_t changes = b.changes;
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 2000);
	ck_assert(b.order_refused);
	ck_assert_uint_eq(b.changes, changes);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_ORDER_REFUSED, "adopt")->text, "by hand"));
	b.odd = false; /* and it was mended */
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 2000);
	ck_assert(b.order_done);
}
END_TEST

/* But a freeze waits for nothing, or an order that cannot be written would keep it off. */
START_TEST(a_freeze_comes_before_an_order_that_waits)
{
	bench_ready(&b, 3, 1);
	if (_i == 0) {
		b.read_result = CHANGE_OUT;
		bench_order(&b, ORDER_DRAIN, 1, 600);
	} else { /* its change is under way, without an answer */
		b.mute_change = true;
		bench_order(&b, ORDER_DRAIN, 1, 600);
		ck_assert(b.writing);
	}
	bench_order(&b, ORDER_FREEZE, 0, 600);
	ck_assert(!b.order_refused && b.g->local_freeze);
	b.health[2] = 'F';
	bench_run(&b, 6000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.read_result = CHANGE_OK;
	b.mute_change = false;
	if (_i == 1)
		bench_answer_change(&b); /* the drain's: the freeze is not done by it */
	bench_run(&b, 31000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert_int_eq(b.ledger.member[1].out, _i == 1);
	ck_assert(!b.ledger.member[2].out);
}
END_TEST

/* Adopt takes the records as they are; it is no word on what others ordered. */
START_TEST(adopt_keeps_a_freeze_and_the_spacing)
{
	bench_ready(&b, 4, 1);
	b.health[3] = 'F';
	bench_run(&b, 8000);
	ck_assert_str_eq(b.ledger.spaced, b.ledger.member[3].name);
	bench_order(&b, ORDER_FREEZE, 0, 3600);
	bench_run(&b, 1000);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_EDITED);
	b.health[0] = 'F';
	bench_run(&b, 60000);
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert_str_eq(b.ledger.spaced, b.ledger.member[3].name);
	ck_assert(!b.ledger.member[0].out);
}
END_TEST

START_TEST(an_order_that_the_zone_refuses_is_over)
{
	bench_ready(&b, 3, 1);
	b.swallow = true;
	b.change_result = CHANGE_REFUSED;
	uint32_t changes = b.changes;
	bench_order(&b, ORDER_PIN, 1, 600);
	bench_run(&b, 60000);
	ck_assert(b.order_refused);
	ck_assert_uint_eq(b.changes, changes + 1);
	bench_order(&b, ORDER_FREEZE, 0, 600); /* it stands here, refused or not */
	bench_run(&b, 60000);
	ck_assert(!b.order_refused && b.g->local_freeze);
	b.swallow = false;
	bench_run(&b, 31000);
	ck_assert(b.order_done);
}
END_TEST

/* What cannot be written now is refused, and does not stand in the way of adopt. */
/* What cannot be done is not said to be decided; it is once it can. */
START_TEST(nothing_is_decided_while_frozen)
{
	bench_ready(&b, 3, 1);
	b.weight[2] = 55;
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_EDITED);
	b.health[1] = 'F';
	bench_run(&b, 20000);
	ck_assert_int_eq(b.g->limiter.action.kind, ACTION_DRAIN);
	ck_assert_ptr_null(bench_fact(&b, FACT_DECIDED, "drain"));
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	bench_run(&b, 20000);
	ck_assert(b.ledger.member[1].out);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_DECIDED, "drain"));
}
END_TEST

START_TEST(an_order_while_frozen_does_not_bar_adopt)
{
	bench_ready(&b, 3, 1);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_EDITED);
	bench_order(&b, ORDER_DRAIN, 2, 600);
	bench_run(&b, 2000);
	ck_assert(b.order_refused);
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 2000);
	ck_assert(b.order_done);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
	ck_assert_uint_eq(b.ledger.root, b.ledger.epoch);
}
END_TEST

START_TEST(a_reload_keeps_the_pending_order)
{
	struct engine *scratch = malloc(sizeof *scratch);

	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_FREEZE, 0, 600);
	engine_reload(b.g, &b.rule, 0, scratch);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert(b.order_done);
	free(scratch);
}
END_TEST

/* ---- observe ---- */

START_TEST(observe_pretends_and_never_writes)
{
	bench_make(&b, 3, 1);
	b.rule.observe = true;
	bench_begin(&b);
	bench_run(&b, 10000);
	ck_assert(b.g->believed);
	b.health[1] = 'F';
	bench_run(&b, 10000);
	ck_assert(b.g->ledger.member[1].out);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_DECIDED, "drain"));
	bench_order(&b, ORDER_ADOPT, 0, 0);
	ck_assert(b.order_refused);
	bench_run(&b, 600000);
	ck_assert_uint_eq(b.changes, 0); /* bench_step asserts it too */
	ck_assert(!b.present);
}
END_TEST

/* What it pretended for minutes is forgotten, and the service's life begins. */
START_TEST(from_observing_to_steering_by_a_reload)
{
	struct engine *scratch = malloc(sizeof *scratch);

	ck_assert_ptr_nonnull(scratch);
	bench_make(&b, 3, 1);
	struct rule_service watching = b.rule;
	watching.observe = true;
	watching.policy_hash = b.rule.policy_hash + 1;
	b.rule.observe = true;
	b.rule.policy_hash = watching.policy_hash;
	bench_begin(&b);
	b.health[1] = 'F';
	bench_run(&b, 20000);
	ck_assert(b.g->ledger.member[1].out);
	b.health[1] = 'P';
	bench_run(&b, 60000);
	b.g->rule = &watching;
	b.rule.observe = false;
	b.rule.policy_hash--;
	engine_reload(b.g, &b.rule, 0, scratch);
	bench_run(&b, 10000);
	ck_assert(b.present);
	ck_assert_uint_eq(b.ledger.epoch, 1);
	ck_assert(!b.ledger.member[1].out);
	free(scratch);
}
END_TEST

static void
teardown(void)
{
	bench_free(&b);
	memset(&b, 0, sizeof b);
}

int
main(void)
{
	Suite *s = suite_create("engine, orders");
	TCase *t = tcase_create("engine");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, operator_drain_bypasses_hold_and_budget_not_the_floor);
	tcase_add_test(t, undrain);
	tcase_add_test(t, freeze_works_at_once);
	tcase_add_test(t, unfreeze_takes_back_a_freeze_on_its_way);
	tcase_add_test(t, a_freeze_ends_in_time_without_the_zone);
	tcase_add_test(t, a_freeze_that_comes_late_is_no_longer);
	tcase_add_test(t, unfreeze_makes_no_ledger);
	tcase_add_test(t, no_order_overrides_doubt_or_loneliness);
	tcase_add_test(t, freeze_stands_still_records_too);
	tcase_add_test(t, pin_unpin_ack);
	tcase_add_loop_test(t, a_long_order_keeps_the_ledger_readable, 0, 2);
	tcase_add_test(t, one_order_at_a_time);
	tcase_add_test(t, adopt_is_refused_over_an_odd_ledger);
	tcase_add_loop_test(t, a_freeze_comes_before_an_order_that_waits, 0, 2);
	tcase_add_test(t, adopt_keeps_a_freeze_and_the_spacing);
	tcase_add_test(t, an_order_that_the_zone_refuses_is_over);
	tcase_add_test(t, nothing_is_decided_while_frozen);
	tcase_add_test(t, an_order_while_frozen_does_not_bar_adopt);
	tcase_add_test(t, a_reload_keeps_the_pending_order);
	tcase_add_test(t, observe_pretends_and_never_writes);
	tcase_add_test(t, from_observing_to_steering_by_a_reload);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
