/* SPDX-License-Identifier: Apache-2.0 */
/* A line of the log is one line, whatever a fact carries. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/logfmt.h"

#define WALL_MS INT64_C(1795514400123) /* 2026-11-24T10:00:00.123Z */

static struct fact
verdict(void)
{
	struct fact f = {.kind = FACT_VERDICT,
	    .level = FACT_INFO,
	    .epoch = 17,
	    .nonce = UINT64_C(0x00ab),
	    .value = "DOWN",
	    .text = "site fra DOWN (2 of 3 agents: http 503)"};

	return f;
}

static const char *
format(const struct fact *f, int64_t at_wall_ms, uint64_t repeated)
{
	static char line[LOGFMT_LINE_MAX];
	struct logfmt_line l = {.wall_ms = WALL_MS,
	    .at_wall_ms = at_wall_ms,
	    .service = "www",
	    .member = "fra",
	    .fact = f,
	    .repeated = repeated};
	size_t n = logfmt_format(&l, line);

	ck_assert_uint_eq(n, strlen(line));
	ck_assert_uint_lt(n, LOGFMT_LINE_MAX);
	ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
	return line;
}

START_TEST(whole_line)
{
	struct fact f = verdict();

	ck_assert_str_eq(format(&f, WALL_MS, 0),
	    "time=2026-11-24T10:00:00.123Z level=info fact=verdict service=www member=fra "
	    "value=DOWN epoch=17 nonce=00000000000000ab "
	    "text=\"site fra DOWN (2 of 3 agents: http 503)\"\n");
}
END_TEST

START_TEST(at_and_repeats)
{
	struct fact f = verdict();
	const char *line = format(&f, WALL_MS - 2123, 41);

	ck_assert_ptr_nonnull(strstr(line, " at=2026-11-24T09:59:58.000Z "));
	ck_assert_ptr_nonnull(strstr(line, " repeated=41 "));
}
END_TEST

START_TEST(absent_words_are_left_out)
{
	struct fact f = {.kind = FACT_STARTED, .level = FACT_WARN};
	struct logfmt_line l = {.wall_ms = WALL_MS, .at_wall_ms = WALL_MS, .fact = &f};
	char line[LOGFMT_LINE_MAX];

	(void)logfmt_format(&l, line);
	ck_assert_str_eq(
	    line, "time=2026-11-24T10:00:00.123Z level=warn fact=started\n");
}
END_TEST

START_TEST(hostile_bytes_stay_in_quotes)
{
	struct fact f = verdict();

	(void)snprintf(f.text, sizeof f.text, "a\nlevel=error \"b\" \\c\t\x01\x7f");
	ck_assert_ptr_nonnull(strstr(format(&f, WALL_MS, 0),
	    "text=\"a\\nlevel=error \\\"b\\\" \\\\c\\t\\x01\\x7f\"\n"));
	(void)snprintf(f.value, sizeof f.value, "x y=z");
	ck_assert_ptr_nonnull(strstr(format(&f, WALL_MS, 0), "value=\"x y=z\""));
}
END_TEST

/* Every byte of every text is one that grows when it is escaped. */
START_TEST(the_longest_still_ends)
{
	struct fact f = verdict();
	const char *line;

	memset(f.text, 1, sizeof f.text - 1);
	f.text[sizeof f.text - 1] = '\0';
	memset(f.address, 2, sizeof f.address - 1);
	memset(f.value, 3, sizeof f.value - 1);
	line = format(&f, 0, UINT64_MAX);
	ck_assert_str_eq(line + strlen(line) - 5, "x01\"\n");
}
END_TEST

START_TEST(times)
{
	char text[LOGFMT_TIME_MAX];

	ck_assert_str_eq(logfmt_time(0, text), "1970-01-01T00:00:00.000Z");
	ck_assert_str_eq(logfmt_time(-1, text), "1969-12-31T23:59:59.999Z");
	ck_assert_str_eq(logfmt_time(INT64_MAX, text), "0000-00-00T00:00:00.000Z");
	ck_assert_str_eq(logfmt_time(INT64_MIN, text), "0000-00-00T00:00:00.000Z");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("logfmt");
	TCase *c = tcase_create("line");
	SRunner *r = srunner_create(s);

	tcase_add_test(c, whole_line);
	tcase_add_test(c, at_and_repeats);
	tcase_add_test(c, absent_words_are_left_out);
	tcase_add_test(c, hostile_bytes_stay_in_quotes);
	tcase_add_test(c, the_longest_still_ends);
	tcase_add_test(c, times);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
