/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers that misbehave: each is a script in place of the prober, with the socket at
 * descriptor 3 as a real one has it.
 */
#include "steering/agent/workers.h"

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
	struct event_base *base;
	uint32_t events, started, ended, stop_at;
	char why[200];
};

static bool
fill(uint32_t id, struct prober_msg *msg, void *arg)
{
	(void)id;
	(void)msg;
	(void)arg;
	return true;
}

static void
on_event(const struct probe_event *ev, void *arg)
{
	struct seen *s = arg;

	ck_assert_uint_lt(ev->slot, ADDRESSES_MAX);
	ck_assert_uint_ge(ev->kind, PROBE_READY);
	ck_assert_uint_le(ev->kind, PROBE_LAG);
	s->events++;
}

static void
on_started(uint32_t worker, void *arg)
{
	struct seen *s = arg;

	ck_assert_uint_eq(worker, 0);
	s->started++;
}

static void
on_ended(uint32_t worker, const char *why, void *arg)
{
	struct seen *s = arg;

	ck_assert_uint_eq(worker, 0);
	(void)snprintf(s->why, sizeof s->why, "%s", why);
	if (++s->ended == s->stop_at)
		(void)event_base_loopbreak(s->base);
}

static void
write_script(const char *path, const char *body)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", body);
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

/* Runs the script as a worker until it has ended so many times. */
static struct seen
live_with(const char *body, uint32_t deaths)
{
	char folder[] = "/tmp/workers-XXXXXX", path[64];
	struct seen seen = {.stop_at = deaths};
	struct workers_calls calls = {.fill = fill,
	    .event = on_event,
	    .started = on_started,
	    .ended = on_ended,
	    .trouble = on_ended,
	    .arg = &seen};
	struct workers_options options = {.count = 1, .path = path};
	struct timeval deadline = {.tv_sec = 20};
	struct err e = {""};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/prober", folder);
	write_script(path, body);
	seen.base = event_base_new();
	struct workers *w = workers_new(&options, &e);
	ck_assert_msg(w != NULL, "%s", e.text);
	/* It may well have ended before anybody reads: its words must not be lost. */
	(void)usleep(100000);
	ck_assert_msg(workers_start(w, seen.base, &calls, &e), "%s", e.text);
	(void)event_base_loopexit(seen.base, &deadline);
	(void)event_base_dispatch(seen.base);
	ck_assert_uint_eq(seen.ended, deaths);
	ck_assert_uint_eq(workers_alive(w), 0);
	ck_assert_uint_eq(workers_count(w), 1);
	workers_free(w);
	event_base_free(seen.base);
	(void)unlink(path);
	(void)rmdir(folder);
	return seen;
}

START_TEST(is_started_again_after_each_death)
{
	struct seen s = live_with("exit 3", 3);

	ck_assert_ptr_nonnull(strstr(s.why, "ended with status 3"));
	ck_assert_uint_eq(s.started, 0);
	ck_assert_uint_eq(s.events, 0);
}
END_TEST

START_TEST(says_by_which_signal_it_died)
{
	struct seen s = live_with("kill -11 $$", 1);

	ck_assert_ptr_nonnull(strstr(s.why, "died by signal 11"));
}
END_TEST

START_TEST(kills_one_that_speaks_out_of_turn)
{
	struct seen s = live_with("printf x >&3; exec sleep 1000", 2);

	ck_assert_ptr_nonnull(strstr(s.why, "spoke out of turn and was killed"));
	ck_assert_uint_eq(s.events, 0);
}
END_TEST

/* Messages of the right size that say anything at all: none gets through that would
 * index out of a table (on_event looks), and none stops the agent. */
START_TEST(believes_no_number_of_a_liar)
{
	char body[160];

	(void)snprintf(body, sizeof body,
	    "for i in 1 2 3 4 5 6 7 8 9; do head -c %zu /dev/urandom >&3; done; exit 0",
	    sizeof(struct probe_event));
	struct seen s = live_with(body, 1);
	ck_assert_uint_eq(s.started, 0);
	/* … also when only the slot is wrong: RETIRED, of target 0 */
	static const char retired[] =
	    "printf '\\003\\0\\0\\0\\0\\0\\0\\0\\%s\\0\\0\\0%%*s' %zu '' >&3; exit 0";
	(void)snprintf(
	    body, sizeof body, retired, "077", sizeof(struct probe_event) - 12);
	ck_assert_uint_eq(live_with(body, 1).events, 1);
	(void)snprintf(
	    body, sizeof body, retired, "100", sizeof(struct probe_event) - 12);
	ck_assert_uint_eq(live_with(body, 1).events, 0);
}
END_TEST

START_TEST(names_what_cannot_be_started)
{
	struct workers_options options = {.count = 2, .path = "/nowhere/prober"};
	struct err e = {""};
	struct workers *w = workers_new(&options, &e);

	ck_assert_ptr_null(w);
	ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/prober"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("workers");
	TCase *t = tcase_create("workers");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, is_started_again_after_each_death);
	tcase_add_test(t, says_by_which_signal_it_died);
	tcase_add_test(t, kills_one_that_speaks_out_of_turn);
	tcase_add_test(t, believes_no_number_of_a_liar);
	tcase_add_test(t, names_what_cannot_be_started);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
