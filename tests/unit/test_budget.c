/* SPDX-License-Identifier: Apache-2.0 */
/* budget.c: the bucket, the rests, the reserve for changes. */
#include <check.h>
#include <stdlib.h>

#include "steering/zone/budget.h"

static struct budget b;

static unsigned
take_all(enum budget_kind kind, uint64_t now_ms)
{
	unsigned n = 0;

	while (budget_due_ms(&b, kind, now_ms) <= now_ms) {
		budget_take(&b, kind, now_ms);
		n++;
	}
	return n;
}

START_TEST(burst_then_rate)
{
	budget_init(&b, 2, 5, 1, 1000);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 1000), 5);
	ck_assert_uint_eq(budget_due_ms(&b, BUDGET_CHANGE, 1000), 1500);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 1499), 0);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 1500), 1);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 3500), 4);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 9999999), 5);
}
END_TEST

START_TEST(reads_leave_one_for_changes)
{
	budget_init(&b, 1, 3, 1, 0);
	ck_assert_uint_eq(take_all(BUDGET_READ, 0), 2);
	ck_assert_uint_eq(budget_due_ms(&b, BUDGET_READ, 0), 1000);
	ck_assert_uint_eq(budget_due_ms(&b, BUDGET_CHANGE, 0), 0);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 0), 1);
	budget_init(&b, 1, 1, 1, 0); /* no room for a reserve: reads go all the same */
	ck_assert_uint_eq(take_all(BUDGET_READ, 0), 1);
}
END_TEST

START_TEST(polls_leave_half)
{
	budget_init(&b, 1, 10, 1, 0);
	ck_assert_uint_eq(take_all(BUDGET_POLL, 0), 5);
	ck_assert_uint_eq(budget_due_ms(&b, BUDGET_POLL, 0), 1000);
	ck_assert_uint_eq(take_all(BUDGET_READ, 0), 4);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 0), 1);
	budget_init(&b, 1, 1, 1, 0);
	ck_assert_uint_eq(take_all(BUDGET_POLL, 0), 1);
}
END_TEST

/* Asked every millisecond for an hour, an odd rate gives exactly what it should. */
START_TEST(no_drift)
{
	uint64_t n = 0;

	budget_init(&b, 1.7, 2, 1, 0);
	(void)take_all(BUDGET_CHANGE, 0);
	for (uint64_t ms = 1; ms <= 3600000; ms++)
		n += take_all(BUDGET_CHANGE, ms);
	ck_assert_uint_eq(n, 6120);
}
END_TEST

/* A machine that slept for years, and the largest of everything. */
START_TEST(no_overflow)
{
	budget_init(&b, 1000000, UINT32_MAX, 1, 0);
	ck_assert_uint_eq(
	    budget_due_ms(&b, BUDGET_READ, UINT64_MAX / 2), UINT64_MAX / 2);
	budget_init(&b, 0.0000001, 1, 1, 0);
	ck_assert_uint_eq(take_all(BUDGET_CHANGE, 0), 1);
	ck_assert_uint_eq(budget_due_ms(&b, BUDGET_CHANGE, 0), 1000000);
}
END_TEST

START_TEST(throttling_rests_everything_and_grows)
{
	uint64_t now_ms = 1000, last_ms = 0, rest_ms;

	budget_init(&b, 100, 100, 42, now_ms);
	for (int i = 0; i < 12; i++) {
		uint64_t whole_ms = (uint64_t)BUDGET_THROTTLE_FIRST_MS << i;

		if (whole_ms > BUDGET_THROTTLE_MAX_MS)
			whole_ms = BUDGET_THROTTLE_MAX_MS;
		budget_feed(&b, BUDGET_READ, BUDGET_THROTTLED, now_ms);
		rest_ms = budget_due_ms(&b, BUDGET_CHANGE, now_ms) - now_ms;
		ck_assert_uint_eq(
		    rest_ms, budget_due_ms(&b, BUDGET_READ, now_ms) - now_ms);
		ck_assert_uint_ge(rest_ms, whole_ms / 2);
		ck_assert_uint_le(rest_ms, whole_ms);
		if (whole_ms < BUDGET_THROTTLE_MAX_MS)
			ck_assert_uint_ge(rest_ms, last_ms / 2);
		last_ms = rest_ms;
		now_ms += rest_ms;
	}
	/* Fine answers take back one doubling each. */
	for (int i = 0; i < 16; i++)
		budget_feed(&b, BUDGET_READ, BUDGET_FINE, now_ms);
	budget_feed(&b, BUDGET_READ, BUDGET_THROTTLED, now_ms);
	ck_assert_uint_le(
	    budget_due_ms(&b, BUDGET_READ, now_ms) - now_ms, BUDGET_THROTTLE_FIRST_MS);
}
END_TEST

START_TEST(prior_rests_changes_alone)
{
	uint64_t now_ms = 0, rest_ms = 0;

	budget_init(&b, 100, 100, 42, 0);
	for (int i = 0; i < 10; i++) {
		budget_feed(&b, BUDGET_CHANGE, BUDGET_PRIOR, now_ms);
		ck_assert_uint_eq(budget_due_ms(&b, BUDGET_READ, now_ms), now_ms);
		rest_ms = budget_due_ms(&b, BUDGET_CHANGE, now_ms) - now_ms;
		ck_assert_uint_gt(rest_ms, 0);
		ck_assert_uint_le(rest_ms, BUDGET_PRIOR_MAX_MS);
		now_ms += rest_ms;
	}
	ck_assert_uint_ge(rest_ms, BUDGET_PRIOR_MAX_MS / 2);
	budget_feed(&b, BUDGET_READ, BUDGET_FINE, now_ms); /* says nothing of changes */
	budget_feed(&b, BUDGET_CHANGE, BUDGET_PRIOR, now_ms);
	ck_assert_uint_ge(
	    budget_due_ms(&b, BUDGET_CHANGE, now_ms) - now_ms, BUDGET_PRIOR_MAX_MS / 2);
	now_ms = budget_due_ms(&b, BUDGET_CHANGE, now_ms);
	budget_feed(&b, BUDGET_CHANGE, BUDGET_FINE, now_ms);
	budget_feed(&b, BUDGET_CHANGE, BUDGET_PRIOR, now_ms);
	ck_assert_uint_le(
	    budget_due_ms(&b, BUDGET_CHANGE, now_ms) - now_ms, BUDGET_PRIOR_FIRST_MS);
}
END_TEST

/* Same seed, same rests; other seeds, other rests, spread over their half. */
START_TEST(jitter)
{
	uint64_t least = UINT64_MAX, most = 0;

	for (uint64_t seed = 0; seed < 200; seed++) {
		uint64_t ms, again;

		budget_init(&b, 1, 1, seed, 0);
		ms = budget_retry_ms(&b, 1);
		budget_init(&b, 1, 1, seed, 0);
		again = budget_retry_ms(&b, 1);
		ck_assert_uint_eq(ms, again);
		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	ck_assert_uint_ge(least, BUDGET_RETRY_FIRST_MS / 2);
	ck_assert_uint_le(most, BUDGET_RETRY_FIRST_MS);
	ck_assert_uint_gt(most - least, BUDGET_RETRY_FIRST_MS / 3);
	ck_assert_uint_le(budget_retry_ms(&b, 40), BUDGET_RETRY_MAX_MS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("budget");
	TCase *t = tcase_create("budget");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_test(t, burst_then_rate);
	tcase_add_test(t, reads_leave_one_for_changes);
	tcase_add_test(t, polls_leave_half);
	tcase_add_test(t, no_drift);
	tcase_add_test(t, no_overflow);
	tcase_add_test(t, throttling_rests_everything_and_grows);
	tcase_add_test(t, prior_rests_changes_alone);
	tcase_add_test(t, jitter);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
