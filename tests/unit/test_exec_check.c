/* SPDX-License-Identifier: Apache-2.0 */
/* An exec check's job and its sample: what is filled in, and how each end is judged. */
#include "steering/agent/exec_check.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "probe/result.h"

static const char *arg[] = {"/bin/own", "{site}{service}{member}", "{host}:{port}",
    "[{address}]", "{{site}} {nobody} { {site", "{\"a\":{port}}", ""};
static struct config_exec exec = {.args = sizeof arg / sizeof arg[0], .arg = arg};
static struct check_spec check = {
    .name = "own", .kind = CHECK_EXEC, .timeout_ms = 1500, .slow_ms = 800};
static struct config_service service;
static struct config config = {
    .checks = 1, .check = &check, .exec = &exec, .services = 1, .service = &service};

static void
begin(uint16_t port)
{
	struct config_endpoint *at = &service.member[0].endpoint[0];

	strcpy(service.rule.name, "www");
	strcpy(service.rule.member[0].name, "fra");
	service.rule.members = 1;
	service.member[0].endpoints = 1;
	strcpy(at->host, "lb.example.net");
	at->port = port;
}

static void
is_next(const char **at, const char *text)
{
	ck_assert_str_eq(*at, text);
	*at += strlen(*at) + 1;
}

START_TEST(words_are_filled_in_once)
{
	struct runner_msg m;
	const char *at = m.text;
	struct err e;

	begin(8080);
	ck_assert_msg(exec_fill(&config, 0, 0, 0, "2001:db8::1", &m, &e), "%s", e.text);
	ck_assert_uint_eq(m.kind, RUNNER_START);
	ck_assert_uint_eq(m.timeout_ms, 1500);
	ck_assert_uint_eq(m.args, 7);
	is_next(&at, "/bin/own");
	is_next(&at, "frawwwfra");
	is_next(&at, "lb.example.net:8080");
	is_next(&at, "[2001:db8::1]");
	is_next(&at, "{fra} {nobody} { {site");
	is_next(&at, "{\"a\":8080}");
	is_next(&at, "");
	is_next(&at, "PATH=" EXEC_PATH);
	is_next(&at, "LANG=C");
	is_next(&at, "POINTSMAN_CHECK=own");
	is_next(&at, "POINTSMAN_SITE=fra");
	is_next(&at, "POINTSMAN_SERVICE=www");
	is_next(&at, "POINTSMAN_MEMBER=fra");
	is_next(&at, "POINTSMAN_HOST=lb.example.net");
	is_next(&at, "POINTSMAN_ADDRESS=2001:db8::1");
	is_next(&at, "POINTSMAN_PORT=8080");
	ck_assert_uint_eq(m.envs, 9);
	ck_assert_ptr_eq(at, m.text + m.used);
	begin(0);
	ck_assert(exec_fill(&config, 0, 0, 0, "192.0.2.1", &m, &e));
	ck_assert_uint_eq(m.envs, 8);
}
END_TEST

/* The address is a worker's word, and workers parse what strangers send. */
START_TEST(only_an_address_is_an_address)
{
	static const char *const bad[] = {
	    "", "--help", "192.0.2.1; id", "lb.example.net", "169.254.169.254", "::"};
	struct runner_msg m;
	struct err e;

	begin(0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(
		    !exec_fill(&config, 0, 0, 0, bad[i], &m, &e), "%s", bad[i]);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
	static const char *many[RUNNER_ARGS_MAX];
	static struct config_exec big = {.args = RUNNER_ARGS_MAX, .arg = many};
	static char text[EXEC_ARG_BYTES];
	struct config other = config;
	struct runner_msg m;
	struct err e;

	begin(0);
	memset(text, 'x', sizeof text - 1);
	for (size_t i = 0; i < RUNNER_ARGS_MAX; i++)
		many[i] = text;
	other.exec = &big;
	ck_assert(!exec_fill(&other, 0, 0, 0, "192.0.2.1", &m, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "longer than"));
}
END_TEST

static void
judged(enum runner_end end, int32_t status, uint64_t took_ms, const char *output,
    enum outcome outcome, enum probe_reason reason, const char *text)
{
	struct runner_event ev = {.kind = RUNNER_ENDED,
	    .end = end,
	    .status = status,
	    .took_us = took_ms * 1000,
	    .tail_bytes = (uint32_t)strlen(output)};
	struct probe_event sample = {.id = 7, .slot = 3};

	memcpy(ev.tail, output, ev.tail_bytes);
	exec_judge(&ev, &check, &sample);
	ck_assert_str_eq(sample.text, text);
	ck_assert_uint_eq(sample.kind, PROBE_SAMPLE);
	ck_assert_uint_eq(sample.outcome, outcome);
	ck_assert_uint_eq(sample.reason, reason);
	ck_assert_uint_eq(sample.id, 7);
	ck_assert_uint_eq(sample.slot, 3);
	ck_assert_uint_eq(sample.latency_us, took_ms * 1000);
}

START_TEST(each_end_is_judged)
{
	judged(RUNNER_EXIT, 0, 100, "noise\n", OUTCOME_PASS, PROBE_OK, "");
	judged(RUNNER_EXIT, 0, 900, "", OUTCOME_FAIL, PROBE_SLOW,
	    "took 900 ms, more than 800");
	judged(RUNNER_EXIT, 2, 900, "", OUTCOME_FAIL, PROBE_EXIT, "exit status 2");
	judged(RUNNER_EXIT, 2, 1, "a\nb\x1b[1m\x80.\n\n \n", OUTCOME_FAIL, PROBE_EXIT,
	    "exit status 2: b?[1m?.");
	judged(RUNNER_EXIT, 2, 1, "\n \n", OUTCOME_FAIL, PROBE_EXIT, "exit status 2");
	judged(RUNNER_SIGNAL, 9, 1, "x", OUTCOME_FAIL, PROBE_SIGNAL,
	    "ended by signal 9: x");
	judged(RUNNER_DEADLINE, 0, 1510, "stuck here\n", OUTCOME_FAIL, PROBE_TIMEOUT,
	    "did not end within 1500 ms: stuck here");
	/* A machine that slept says nothing about the site. */
	judged(RUNNER_DEADLINE, 0, 9500, "", OUTCOME_UNKNOWN, PROBE_LOCAL,
	    "the runner was held up for 8000 ms");
	judged(RUNNER_EXIT, 1, 9500, "", OUTCOME_UNKNOWN, PROBE_LOCAL,
	    "the runner was held up for 8000 ms");
	judged(RUNNER_NOT_STARTED, ENOENT, 0, "", OUTCOME_UNKNOWN, PROBE_NOT_STARTED,
	    "cannot be started: No such file or directory");
	judged(RUNNER_BUSY, 0, 0, "", OUTCOME_UNKNOWN, PROBE_LOCAL,
	    "64 programs run already");
	judged(RUNNER_LOST, 0, 0, "", OUTCOME_UNKNOWN, PROBE_LOCAL, "the runner died");
	judged(RUNNER_KILLED, 0, 0, "", OUTCOME_UNKNOWN, PROBE_LOCAL,
	    "it was killed before it had ended");
}
END_TEST

/* A flood without a line's end, and one that fills the tail to the brim. */
START_TEST(a_long_line_is_cut)
{
	struct runner_event ev = {
	    .end = RUNNER_EXIT, .status = 1, .tail_bytes = RUNNER_TAIL_BYTES};
	struct probe_event sample = {0};

	memset(ev.tail, 'y', sizeof ev.tail);
	exec_judge(&ev, &check, &sample);
	ck_assert_uint_lt(strlen(sample.text), 120);
	ck_assert_ptr_nonnull(strstr(sample.text, "exit status 1: yyyy"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("exec_check");
	TCase *t = tcase_create("exec_check");

	tcase_add_test(t, words_are_filled_in_once);
	tcase_add_test(t, only_an_address_is_an_address);
	tcase_add_test(t, what_does_not_fit_is_refused);
	tcase_add_test(t, each_end_is_judged);
	tcase_add_test(t, a_long_line_is_cut);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
