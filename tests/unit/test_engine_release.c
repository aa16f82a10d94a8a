/* SPDX-License-Identifier: Apache-2.0 */
/* The order to release: the ledger goes, and nothing is done until an adoption. */
#include "tests/unit/engine_bench.h"

static struct bench b;

static void
stands_still(void)
{
	uint32_t changes = b.changes;

	b.health[1] = 'F';
	bench_run(&b, 120 * 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_ADOPT);
	ck_assert_uint_eq(b.changes, changes);
	ck_assert(!b.present);
	b.health[1] = 'P';
	bench_run(&b, 120 * 1000);
	ck_assert_uint_eq(b.changes, changes);
}

START_TEST(released_until_adopted)
{
	bench_ready(&b, 3, 1);
	uint64_t epoch = b.ledger.epoch;
	bench_order(&b, ORDER_RELEASE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done && !b.order_refused);
	ck_assert(!b.present && b.g->released && !b.g->believed);
	ck_assert_uint_eq(b.sets, 3);
	stands_still();
	bench_order(&b, ORDER_RELEASE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done && b.present && !b.g->released);
	ck_assert_uint_gt(b.ledger.epoch, epoch);
	b.health[1] = 'F';
	bench_run(&b, 60 * 1000);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* Its answer never came, and the next read shows that it was applied. */
START_TEST(an_unknown_release_is_closed_by_the_absence)
{
	bench_ready(&b, 3, 1);
	b.mute_change = true;
	bench_order(&b, ORDER_RELEASE, 0, 0);
	bench_run(&b, 500);
	ck_assert(b.writing);
	b.present = false;
	b.swallow = true;
	b.change_result = CHANGE_UNKNOWN;
	bench_answer_change(&b);
	b.swallow = b.mute_change = false;
	bench_run(&b, 2000);
	ck_assert(b.order_done && b.g->released);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
	stands_still();
}
END_TEST

START_TEST(a_frozen_service_can_be_released)
{
	bench_ready(&b, 3, 1);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_EDITED);
	bench_order(&b, ORDER_RELEASE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done && !b.present);
	ck_assert_int_eq(b.weight[1], 7);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
}
END_TEST

/* What was read before the release must not bring the ledger back. */
START_TEST(a_read_from_before_is_not_believed)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_RELEASE, 0, 0);
	b.mute_read = true;
	bench_run(&b, 1000);
	if (b.reading)
		bench_answer_read(&b);
	b.mute_read = false;
	bench_run(&b, 5000);
	ck_assert(b.order_done && !b.present && !b.g->believed);
	stands_still();
}
END_TEST

START_TEST(with_a_quorum_the_others_stand_too)
{
	bench_ready(&b, 3, 3);
	bench_order(&b, ORDER_RELEASE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done && !b.present);
}
END_TEST

static void
unmake(void)
{
	bench_free(&b);
}

int
main(void)
{
	Suite *s = suite_create("release");
	TCase *t = tcase_create("release");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(t, NULL, unmake);
	tcase_add_test(t, released_until_adopted);
	tcase_add_test(t, an_unknown_release_is_closed_by_the_absence);
	tcase_add_test(t, a_frozen_service_can_be_released);
	tcase_add_test(t, a_read_from_before_is_not_believed);
	tcase_add_test(t, with_a_quorum_the_others_stand_too);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
