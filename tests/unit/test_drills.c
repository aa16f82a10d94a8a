/* SPDX-License-Identifier: Apache-2.0 */
/* When a drill by schedule is due. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "steering/agent/drills.h"

#define DAY_MS INT64_C(86400000)

/* A week after the last, a twentieth more or less, and not always the same. */
START_TEST(drifts_around_its_time)
{
	int64_t least = INT64_MAX, most = 0;

	for (int64_t last = DAY_MS; last < 400 * DAY_MS; last += DAY_MS) {
		int64_t after =
		    drill_due_wall_ms("shop-dr", 7 * DAY_MS, last, 5) - last;

		least = after < least ? after : least;
		most = after > most ? after : most;
		ck_assert_int_ge(after, 7 * DAY_MS * 95 / 100);
		ck_assert_int_le(after, 7 * DAY_MS * 105 / 100);
	}
	ck_assert_int_lt(least, 7 * DAY_MS * 97 / 100);
	ck_assert_int_gt(most, 7 * DAY_MS * 103 / 100);
}
END_TEST

/* Every agent counts the same; one that knows of none waits a few hours at most. */
START_TEST(is_the_same_everywhere)
{
	int64_t start = 1000 * DAY_MS;

	ck_assert_int_eq(drill_due_wall_ms("shop-dr", 7 * DAY_MS, DAY_MS, start),
	    drill_due_wall_ms("shop-dr", 7 * DAY_MS, DAY_MS, start + 77));
	ck_assert_int_ge(drill_due_wall_ms("shop-dr", 7 * DAY_MS, 0, start), start);
	ck_assert_int_le(
	    drill_due_wall_ms("shop-dr", 7 * DAY_MS, 0, start), start + DAY_MS / 4);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("drills");
	TCase *c = tcase_create("drills");
	SRunner *r = srunner_create(s);

	tcase_add_test(c, drifts_around_its_time);
	tcase_add_test(c, is_the_same_everywhere);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
