/* SPDX-License-Identifier: Apache-2.0 */
/* detector: a row is a word of samples (P pass, F fail, U unknown) and what it makes. */
#include <check.h>
#include <stdlib.h>

#include "steering/core/detector.h"

static const struct rule_detector rule = {
    .fall = 3, .clear = 4, .rise = 6, .stale_ms = 10000};

static void
feed(struct detector *d, const char *samples)
{
	uint64_t now_ms = 1000 + d->sample_ms;

	for (const char *s = samples; *s != '\0'; s++, now_ms += 1000)
		(void)detector_feed(d, &rule,
		    *s == 'P'       ? OUTCOME_PASS
			: *s == 'F' ? OUTCOME_FAIL
				    : OUTCOME_UNKNOWN,
		    now_ms - 100, now_ms);
}

static const struct row {
	const char *samples;
	enum detector_state state, now;
	bool recovering;
} rows[] = {
    {"", DETECTOR_UNKNOWN, DETECTOR_UNKNOWN, false},
    /* rise: 6 passes in a row */
    {"PPPPP", DETECTOR_UNKNOWN, DETECTOR_UNKNOWN, false},
    {"PPPPPP", DETECTOR_UP, DETECTOR_UP, false},
    {"PPPPPFPPPPP", DETECTOR_UNKNOWN, DETECTOR_UNKNOWN, false},
    /* fall: 3 failures */
    {"FF", DETECTOR_UNKNOWN, DETECTOR_UNKNOWN, false},
    {"FFF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    {"PPPPPPFF", DETECTOR_UP, DETECTOR_UP, false},
    {"PPPPPPFFF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    /* failures add up across interleaved passes … */
    {"PPPPPPFPFPF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    {"PPPPPPFPPPFPPPF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    /* … and 4 passes in a row wipe them */
    {"PPPPPPFPPPPFPPPPFPPPPF", DETECTOR_UP, DETECTOR_UP, false},
    {"PPPPPPFFPPPPFF", DETECTOR_UP, DETECTOR_UP, false},
    /* down until `rise`, however many failures were wiped */
    {"FFFPPPPP", DETECTOR_DOWN, DETECTOR_DOWN, true},
    {"FFFPPPPPP", DETECTOR_UP, DETECTOR_UP, false},
    {"FFFPPPPPFPPPPPP", DETECTOR_UP, DETECTOR_UP, false},
    {"FFFPPPPPPF", DETECTOR_UP, DETECTOR_UP, false},
    /* recovering: down, and the last two probes passed */
    {"FFFP", DETECTOR_DOWN, DETECTOR_DOWN, false},
    {"FFFPP", DETECTOR_DOWN, DETECTOR_DOWN, true},
    {"FFFPPF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    {"PPPPPPFPPF", DETECTOR_UP, DETECTOR_UP, false},
    /* UNKNOWN moves no counter, and makes it unknown for the vote */
    {"PPPUUUPPP", DETECTOR_UP, DETECTOR_UP, false},
    {"PPPPPPU", DETECTOR_UP, DETECTOR_UNKNOWN, false},
    {"FUFUF", DETECTOR_DOWN, DETECTOR_DOWN, false},
    {"FFFU", DETECTOR_DOWN, DETECTOR_UNKNOWN, false},
    {"FFFPPU", DETECTOR_DOWN, DETECTOR_UNKNOWN, false},
    {"UUUUUUUUU", DETECTOR_UNKNOWN, DETECTOR_UNKNOWN, false},
};

START_TEST(words_of_samples)
{
	const struct row *r = &rows[_i];
	struct detector d;

	detector_init(&d, FAMILY_V4);
	feed(&d, r->samples);
	ck_assert_msg(d.state == r->state, "%s: state %d", r->samples, (int)d.state);
	ck_assert_msg(detector_now(&d, &rule, d.sample_ms) == r->now, "%s: now %d",
	    r->samples, (int)detector_now(&d, &rule, d.sample_ms));
	ck_assert_msg(detector_recovering(&d) == r->recovering, "%s", r->samples);
}
END_TEST

START_TEST(silence_makes_unknown)
{
	struct detector d;

	detector_init(&d, FAMILY_V6);
	feed(&d, "PPPPPP");
	ck_assert_int_eq(detector_now(&d, &rule, d.sample_ms + 10000), DETECTOR_UP);
	ck_assert_int_eq(
	    detector_now(&d, &rule, d.sample_ms + 10001), DETECTOR_UNKNOWN);
	/* a step back of the clock is no silence */
	ck_assert_int_eq(detector_now(&d, &rule, d.sample_ms - 1), DETECTOR_UP);
}
END_TEST

START_TEST(forgetting_keeps_the_address)
{
	struct detector d;

	detector_init(&d, FAMILY_V6);
	feed(&d, "FFF");
	detector_forget(&d);
	ck_assert(d.present);
	ck_assert_int_eq(d.family, FAMILY_V6);
	ck_assert_int_eq(d.state, DETECTOR_UNKNOWN);
	feed(&d, "FF");
	ck_assert_int_eq(d.state, DETECTOR_UNKNOWN);

	struct detector none = {0};
	detector_forget(&none);
	ck_assert(!none.present);
}
END_TEST

START_TEST(fault_is_the_start_of_the_first_failure)
{
	struct detector d;

	detector_init(&d, FAMILY_V4);
	feed(&d, "PPPPPP");
	ck_assert_uint_eq(d.fault_ms, 0);
	(void)detector_feed(&d, &rule, OUTCOME_FAIL, 50000, 51500);
	(void)detector_feed(&d, &rule, OUTCOME_PASS, 52000, 52001);
	(void)detector_feed(&d, &rule, OUTCOME_FAIL, 54000, 55500);
	ck_assert_uint_eq(d.fault_ms, 50000);
	(void)detector_feed(&d, &rule, OUTCOME_FAIL, 56000, 57500);
	ck_assert_int_eq(d.state, DETECTOR_DOWN);
	feed(&d, "PPPPP");
	ck_assert_uint_eq(d.fault_ms, 50000); /* down still: the same fault */
	feed(&d, "P");
	ck_assert_uint_eq(d.fault_ms, 0);
}
END_TEST

START_TEST(change_is_told_once)
{
	struct detector d;

	detector_init(&d, FAMILY_V4);
	feed(&d, "FF");
	ck_assert(detector_feed(&d, &rule, OUTCOME_FAIL, 1, 2));
	ck_assert(!detector_feed(&d, &rule, OUTCOME_FAIL, 3, 4));
	feed(&d, "PPPPP");
	ck_assert(detector_feed(&d, &rule, OUTCOME_PASS, 5, 6));
	ck_assert(!detector_feed(&d, &rule, OUTCOME_PASS, 7, 8));
	ck_assert(!detector_feed(&d, &rule, OUTCOME_UNKNOWN, 9, 10));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("detector");
	TCase *t = tcase_create("detector");

	tcase_add_loop_test(t, words_of_samples, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, silence_makes_unknown);
	tcase_add_test(t, forgetting_keeps_the_address);
	tcase_add_test(t, fault_is_the_start_of_the_first_failure);
	tcase_add_test(t, change_is_told_once);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
