/* SPDX-License-Identifier: Apache-2.0 */
/* Every fact is counted, most are said, and the log never holds the loop up. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steering/agent/facts.h"
#include "steering/agent/store.h"

static int pipes[2];
static struct facts *facts;

static void
begin(void)
{
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	facts = facts_new(pipes[1], FACT_INFO, NULL);
}

static void
end(void)
{
	facts_free(facts);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

/* What was said since the last call. */
static const char *
said(void)
{
	static char text[256 * 1024];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof text - 1 &&
	    (got = read(pipes[0], text + n, sizeof text - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	return text;
}

static unsigned
lines(const char *text)
{
	unsigned n = 0;

	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

START_TEST(one_line_each)
{
	facts_say(facts, FACT_STARTED, FACT_INFO, NULL, NULL, "agent %s", "one");
	facts_say(facts, FACT_VERDICT, FACT_WARN, "www", "fra", "DOWN");
	const char *text = said();

	ck_assert_uint_eq(lines(text), 2);
	ck_assert_ptr_nonnull(
	    strstr(text, " level=info fact=started text=\"agent one\"\n"));
	ck_assert_ptr_nonnull(strstr(
	    text, " level=warn fact=verdict service=www member=fra text=DOWN\n"));
}
END_TEST

START_TEST(quiet_ones_are_counted)
{
	facts_say(facts, FACT_VOTE, FACT_DEBUG, "www", "fra", "UP");
	ck_assert_str_eq(said(), "");
	ck_assert_uint_eq(facts_count(facts, "www", FACT_VOTE), 1);
	ck_assert_uint_eq(facts_count(facts, "", FACT_VOTE), 0);
	ck_assert_uint_eq(facts_count(facts, "api", FACT_VOTE), 0);
}
END_TEST

START_TEST(repeats_are_folded)
{
	for (int i = 0; i < 500; i++)
		facts_say(facts, FACT_READ_FAILED, FACT_WARN, "www", NULL, "no route");
	facts_say(facts, FACT_READ_FAILED, FACT_WARN, "www", NULL, "throttled");
	facts_say(facts, FACT_READ_FAILED, FACT_WARN, "api", NULL, "no route");
	ck_assert_uint_eq(lines(said()), 3);
	ck_assert_uint_eq(facts_count(facts, "www", FACT_READ_FAILED), 501);
	/* How many there were is said once, here at the end. */
	facts_free(facts);
	const char *text = said();
	ck_assert_uint_eq(lines(text), 1);
	ck_assert_ptr_nonnull(strstr(text, " repeated=499 "));
	facts = facts_new(pipes[1], FACT_INFO, NULL);
}
END_TEST

START_TEST(marks_are_never_folded)
{
	for (int i = 0; i < 20; i++) {
		facts_say(facts, FACT_FAULT, FACT_INFO, "www", "fra", "refused");
		facts_say(facts, FACT_COMMITTED, FACT_INFO, "www", "fra", "drain");
	}
	ck_assert_uint_eq(lines(said()), 40);
}
END_TEST

/* More kinds of trouble than are remembered: each is still said. */
START_TEST(a_storm_of_different_ones)
{
	for (int i = 0; i < 600; i++) {
		facts_say(facts, FACT_TROUBLE, FACT_WARN, NULL, NULL, "trouble %d", i);
		if (i % 100 == 99)
			ck_assert_uint_eq(lines(said()), 100);
	}
}
END_TEST

START_TEST(a_full_log_is_not_waited_for)
{
	unsigned sent = 3000;

	for (unsigned i = 0; i < sent; i++)
		facts_say(facts, FACT_FAULT, FACT_INFO, "www", "fra", "line %u", i);
	uint64_t lost = facts_lines_lost(facts);
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_eq(lines(said()) + lost, sent);
	facts_tick(facts);
	const char *text = said();
	char expected[64];
	(void)snprintf(expected, sizeof expected, "the log did not take %llu lines",
	    (unsigned long long)lost);
	ck_assert_ptr_nonnull(strstr(text, expected));
	facts_tick(facts);
	ck_assert_str_eq(said(), "");
}
END_TEST

START_TEST(the_stores_troubles_are_said)
{
	struct store *s = store_new("/dev/null/state", NULL);
	struct facts *f = facts_new(pipes[1], FACT_INFO, s);

	facts_tick(f);
	ck_assert_ptr_nonnull(
	    strstr(said(), "level=error fact=trouble text=\"store: "));
	facts_free(f);
	store_free(s);
}
END_TEST

static void
add_up(const char *service, enum fact_kind kind, uint64_t count, void *arg)
{
	(void)service;
	(void)kind;
	*(uint64_t *)arg += count;
}

START_TEST(counts_of_all_services)
{
	uint64_t sum = 0;
	char name[WORD_MAX];

	/* More services than a configuration can have: over many reloads. */
	for (int i = 0; i < 2 * SERVICES_MAX; i++) {
		(void)snprintf(name, sizeof name, "s%d", i);
		facts_say(facts, FACT_VOTE, FACT_DEBUG, name, NULL, "x");
	}
	facts_each(facts, add_up, &sum);
	ck_assert_uint_eq(sum, 2 * SERVICES_MAX);
	ck_assert_uint_eq(facts_count(facts, "s7", FACT_VOTE), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("facts");
	TCase *c = tcase_create("facts");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, one_line_each);
	tcase_add_test(c, quiet_ones_are_counted);
	tcase_add_test(c, repeats_are_folded);
	tcase_add_test(c, marks_are_never_folded);
	tcase_add_test(c, a_storm_of_different_ones);
	tcase_add_test(c, a_full_log_is_not_waited_for);
	tcase_add_test(c, the_stores_troubles_are_said);
	tcase_add_test(c, counts_of_all_services);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
