/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's side of the runner: with a real one (this program again), and with ones
 * that misbehave, which are scripts with the socket at descriptor 3.
 */
#include "steering/agent/jobs.h"

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_S 30

struct seen {
	struct event_base *base;
	struct jobs *jobs;
	uint32_t ended, runners_ended, stop_at_runners, stop_at;
	struct runner_event last;
	char why[200];
};

static void
on_runner_ended(const char *why, void *arg)
{
	struct seen *s = arg;

	(void)snprintf(s->why, sizeof s->why, "%s", why);
	if (++s->runners_ended == s->stop_at_runners)
		(void)event_base_loopbreak(s->base);
}

static void
on_job(const struct runner_event *ev, void *arg)
{
	struct seen *s = arg;

	s->last = *ev;
	if (++s->ended == s->stop_at)
		(void)event_base_loopbreak(s->base);
}

static void
never(const struct runner_event *ev, void *arg)
{
	(void)ev;
	(void)arg;
	ck_abort_msg("a job that was forgotten has called");
}

static void
begin(struct seen *s, const char *path)
{
	struct jobs_calls calls = {
	    .ended = on_runner_ended, .trouble = on_runner_ended, .arg = s};
	struct err e = {""};

	memset(s, 0, sizeof *s);
	s->base = event_base_new();
	s->jobs = jobs_new(path, &e);
	ck_assert_msg(s->jobs != NULL, "%s", e.text);
	ck_assert_msg(jobs_begin(s->jobs, s->base, &calls, &e), "%s", e.text);
}

static void
end(struct seen *s)
{
	jobs_free(s->jobs);
	event_base_free(s->base);
}

static void
go_on(struct seen *s)
{
	struct timeval deadline = {.tv_sec = PATIENCE_S};

	(void)event_base_loopexit(s->base, &deadline);
	(void)event_base_dispatch(s->base);
}

static void
wait_until_alive(struct seen *s)
{
	for (int i = 0; i < PATIENCE_S * 1000 && !jobs_alive(s->jobs); i++) {
		(void)event_base_loop(s->base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	ck_assert(jobs_alive(s->jobs));
}

static uint64_t
start(struct seen *s, const char *script, jobs_cb cb)
{
	struct runner_msg m = {.kind = RUNNER_START, .timeout_ms = PATIENCE_S * 1000};
	struct err e = {""};

	ck_assert(runner_add_arg(&m, "/bin/sh"));
	ck_assert(runner_add_arg(&m, "-c"));
	ck_assert(runner_add_arg(&m, script));
	return jobs_start(s->jobs, &m, cb, s, &e);
}

START_TEST(jobs_end_once_each)
{
	struct seen s;

	begin(&s, NULL);
	ck_assert_uint_eq(start(&s, "exit 0", never), 0); /* it is not ready yet */
	wait_until_alive(&s);
	/* More than the socket takes at once; none more than there are places. */
	for (s.stop_at = 0; s.stop_at < JOBS_MAX; s.stop_at++)
		ck_assert_uint_ne(start(&s, "read x </dev/null; exit 4", on_job), 0);
	ck_assert_uint_eq(start(&s, "exit 0", never), 0);
	ck_assert_uint_eq(jobs_running(s.jobs), JOBS_MAX);
	go_on(&s);
	ck_assert_uint_eq(s.ended, JOBS_MAX);
	ck_assert_uint_eq(s.last.end, RUNNER_EXIT);
	ck_assert_int_eq(s.last.status, 4);
	ck_assert_uint_eq(jobs_running(s.jobs), 0);
	end(&s);
}
END_TEST

START_TEST(kills_and_forgets)
{
	struct seen s;

	begin(&s, NULL);
	wait_until_alive(&s);
	for (int i = 0; i < JOBS_MAX / 2; i++)
		jobs_forget(s.jobs, start(&s, "exec sleep 1000", never));
	s.stop_at = 1;
	uint64_t job = start(&s, "exec sleep 1000", on_job);
	jobs_kill(s.jobs, job);
	jobs_kill(s.jobs, job + 1000);
	go_on(&s);
	ck_assert_uint_eq(s.last.end, RUNNER_KILLED);
	ck_assert_uint_eq(s.last.job, job);
	end(&s); /* with some that may still run */
}
END_TEST

START_TEST(jobs_are_lost_with_their_runner)
{
	struct seen s;

	begin(&s, NULL);
	wait_until_alive(&s);
	s.stop_at = 1;
	/* The program's parent is its minder, and the minder's is the runner. */
	ck_assert_uint_ne(
	    start(&s, "kill -9 $(ps -o ppid= -p $PPID); exec sleep 1000", on_job), 0);
	jobs_forget(s.jobs, start(&s, "exec sleep 1000", never));
	go_on(&s);
	ck_assert_uint_eq(s.last.end, RUNNER_LOST);
	ck_assert_ptr_nonnull(strstr(s.why, "died by signal 9"));
	ck_assert_uint_eq(jobs_restarts(s.jobs), 1);
	wait_until_alive(&s);
	s.stop_at = 2;
	ck_assert_uint_ne(start(&s, "exit 0", on_job), 0);
	go_on(&s);
	ck_assert_uint_eq(s.last.end, RUNNER_EXIT);
	end(&s);
}
END_TEST

static void
live_with(const char *body, uint32_t deaths, struct seen *s)
{
	char folder[] = "/tmp/jobs-XXXXXX", path[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/runner", folder);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "#!/bin/sh\n%s\n", body);
	(void)fclose(f);
	ck_assert_int_eq(chmod(path, 0755), 0);
	begin(s, path);
	s->stop_at_runners = deaths;
	go_on(s);
	ck_assert_uint_eq(s->runners_ended, deaths);
	ck_assert(!jobs_alive(s->jobs));
	end(s);
	(void)unlink(path);
	(void)rmdir(folder);
}

START_TEST(one_that_dies_is_started_again)
{
	struct seen s;

	live_with("exit 1", 3, &s);
	ck_assert_ptr_nonnull(strstr(s.why, "ended with status 1"));
	ck_assert_ptr_nonnull(strstr(s.why, "could not drop its privileges"));
}
END_TEST

START_TEST(one_that_speaks_out_of_turn_is_killed)
{
	struct seen s;

	live_with("printf x >&3; exec sleep 1000", 2, &s);
	ck_assert_ptr_nonnull(strstr(s.why, "spoke out of turn and was killed"));
}
END_TEST

START_TEST(what_cannot_be_started_is_named)
{
	struct err e = {""};

	ck_assert_ptr_null(jobs_new("/nowhere/runner", &e));
	ck_assert_ptr_nonnull(strstr(e.text, "cannot start a runner: /nowhere/runner"));
}
END_TEST

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "runner") == 0)
		return runner_main(atoi(argv[2]));
	Suite *suite = suite_create("jobs");
	TCase *t = tcase_create("jobs");

	tcase_set_timeout(t, 2 * PATIENCE_S);
	tcase_add_test(t, jobs_end_once_each);
	tcase_add_test(t, kills_and_forgets);
	tcase_add_test(t, jobs_are_lost_with_their_runner);
	tcase_add_test(t, one_that_dies_is_started_again);
	tcase_add_test(t, one_that_speaks_out_of_turn_is_killed);
	tcase_add_test(t, what_cannot_be_started_is_named);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
