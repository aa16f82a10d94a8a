/* SPDX-License-Identifier: Apache-2.0 */
/* hold: a row is a word, one letter a second (U D and . undecided), and what is held. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/hold.h"

static enum verdict
verdict_of(char c)
{
	return c == 'U' ? VERDICT_UP : c == 'D' ? VERDICT_DOWN : VERDICT_UNDECIDED;
}

static const struct row {
	const char *word;
	uint64_t need_s;
	uint64_t up_s, down_s; /* held at the last letter */
} rows[] = {
    {"D", 3, 0, 0},
    {"DDDD", 3, 0, 3},
    {"UUUU", 120, 3, 0},
    {"....", 3, 0, 0},
    /* the opposite verdict resets, short or long */
    {"DDDU", 3, 0, 0},
    {"DDDUU", 60, 1, 0},
    {"UUUUDU", 120, 0, 0},
    /* UNDECIDED resets a hold under 10 s … */
    {"DDD.DD", 3, 0, 1},
    {"DDD.DD", 9, 0, 1},
    /* … and pauses a longer one */
    {"DDD.DD", 10, 0, 4}, /* the second that ended undecided was DOWN's */
    {"DDD...DD", 60, 0, 4},
    {"UUU....UU", 120, 4, 0},
    {"DDD.", 60, 0, 3},
    {"DDD...", 60, 0, 3},
    {"DDD.", 3, 0, 0},
    /* paused, then the opposite */
    {"DDD..UU", 60, 1, 0},
};

START_TEST(words)
{
	const struct row *r = &rows[_i];
	struct hold h = {0};
	uint64_t now_ms = 5000;

	for (const char *c = r->word; *c != '\0'; c++, now_ms += 1000)
		(void)hold_step(&h, verdict_of(*c), r->need_s * 1000, now_ms);
	now_ms -= 1000;
	ck_assert_msg(hold_ms(&h, VERDICT_DOWN, now_ms) == r->down_s * 1000,
	    "%s: down %llu", r->word,
	    (unsigned long long)hold_ms(&h, VERDICT_DOWN, now_ms));
	ck_assert_msg(hold_ms(&h, VERDICT_UP, now_ms) == r->up_s * 1000, "%s: up %llu",
	    r->word, (unsigned long long)hold_ms(&h, VERDICT_UP, now_ms));
	ck_assert_uint_eq(hold_ms(&h, VERDICT_UNDECIDED, now_ms), 0);
}
END_TEST

START_TEST(acts)
{
	struct hold h = {0};

	ck_assert_int_eq(hold_step(&h, VERDICT_UNDECIDED, 3000, 1), HOLD_SAME);
	ck_assert_int_eq(hold_step(&h, VERDICT_DOWN, 3000, 2), HOLD_BEGAN);
	ck_assert_uint_eq(h.began_ms, 2);
	ck_assert_int_eq(hold_step(&h, VERDICT_DOWN, 3000, 3), HOLD_SAME);
	ck_assert_int_eq(hold_step(&h, VERDICT_UP, 3000, 4), HOLD_ENDED);
	ck_assert_int_eq(h.verdict, VERDICT_UP);
	ck_assert_int_eq(hold_step(&h, VERDICT_UNDECIDED, 3000, 5), HOLD_ENDED);
	ck_assert_int_eq(h.verdict, VERDICT_UNDECIDED);
	ck_assert_int_eq(hold_step(&h, VERDICT_UP, 60000, 6), HOLD_BEGAN);
	ck_assert_int_eq(hold_step(&h, VERDICT_UNDECIDED, 60000, 7), HOLD_SAME);
	ck_assert_int_eq(h.verdict, VERDICT_UP);
	ck_assert(!h.running);
}
END_TEST

START_TEST(runs_between_steps)
{
	struct hold h = {0};

	(void)hold_step(&h, VERDICT_DOWN, 60000, 1000);
	ck_assert_uint_eq(hold_ms(&h, VERDICT_DOWN, 4000), 3000);
	(void)hold_step(&h, VERDICT_UNDECIDED, 60000, 4000);
	ck_assert_uint_eq(hold_ms(&h, VERDICT_DOWN, 9000), 3000);
	ck_assert_uint_eq(hold_ms(&h, VERDICT_DOWN, 500), 3000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hold");
	TCase *t = tcase_create("hold");

	tcase_add_loop_test(t, words, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, acts);
	tcase_add_test(t, runs_between_steps);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
