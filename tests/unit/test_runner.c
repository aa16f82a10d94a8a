/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner itself: this program is the runner again (argv[1] "runner"), and its jobs
 * are small shell scripts. Nothing here waits for a time: each waits for a word, with a
 * generous deadline.
 */
#include "probe/runner.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define LONG_MS (3600 * 1000)

static int fd = -1;
static pid_t pid;
static uint64_t jobs;
static char folder[] = "/tmp/test-runner-XXXXXX";

static void
rest(void)
{
	struct timespec t = {.tv_nsec = 2000000};

	(void)nanosleep(&t, NULL);
}

/* The next event that is no heartbeat. False: the runner's socket has closed. */
static bool
hear(struct runner_event *ev)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
		ssize_t n = recv(fd, ev, sizeof *ev, 0);
		if (n <= 0)
			return false;
		ck_assert_int_eq(n, sizeof *ev);
		if (ev->kind != RUNNER_BEAT)
			return true;
	}
}

static void
say(const struct runner_msg *m)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	while (send(fd, m, sizeof *m, MSG_NOSIGNAL) < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
	}
}

static void
begin(void)
{
	struct runner_msg hello = {.kind = RUNNER_HELLO, .protocol = RUNNER_PROTOCOL};
	struct runner_event ev;
	struct err e;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0777), 0);
	ck_assert_msg(runner_spawn(NULL, &fd, &pid, &e), "%s", e.text);
	say(&hello);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.kind, RUNNER_READY);
}

static int
end(void)
{
	char command[128];
	int status = 0;

	(void)close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
	return status;
}

static void
finish(void)
{
	ck_assert_int_eq(end(), 0);
}

static struct runner_msg
job_of(const char *script, uint64_t timeout_ms, uint32_t grace_ms)
{
	struct runner_msg m = {.kind = RUNNER_START,
	    .job = ++jobs,
	    .timeout_ms = timeout_ms,
	    .grace_ms = grace_ms};

	ck_assert(runner_add_arg(&m, "/bin/sh"));
	ck_assert(runner_add_arg(&m, "-c"));
	ck_assert(runner_add_arg(&m, script));
	ck_assert(runner_add_arg(&m, "sh"));
	ck_assert(runner_add_arg(&m, folder));
	ck_assert(runner_add_env(&m, "PATH", "/usr/bin:/bin"));
	return m;
}

static struct runner_event
run(const char *script, uint64_t timeout_ms, uint32_t grace_ms)
{
	struct runner_msg m = job_of(script, timeout_ms, grace_ms);
	struct runner_event ev;

	say(&m);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.kind, RUNNER_ENDED);
	ck_assert_uint_eq(ev.job, m.job);
	return ev;
}

static void
printed(const struct runner_event *ev, const char *text)
{
	ck_assert_msg(ev->tail_bytes == strlen(text) &&
		memcmp(ev->tail, text, ev->tail_bytes) == 0,
	    "printed \"%.*s\", not \"%s\"", (int)ev->tail_bytes, ev->tail, text);
}

/* Waits until the script has written its pid to the folder's file, and reads it. */
static pid_t
pid_in(const char *name)
{
	char path[128], text[32] = "";

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	for (int i = 0; i < PATIENCE_MS / 2; i++, rest()) {
		int file = open(path, O_RDONLY);
		ssize_t n = file < 0 ? -1 : read(file, text, sizeof text - 1);

		if (file >= 0)
			(void)close(file);
		if (n > 0 && text[n - 1] == '\n')
			return atoi(text);
	}
	ck_abort_msg("%s was never written", path);
	return 0;
}

/* A dead process that its new parent has not reaped yet runs no more. */
static bool
runs(pid_t p)
{
	char path[64], text[256] = "";
	int file;

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)p);
	file = open(path, O_RDONLY);
	if (file < 0)
		return false;
	ssize_t n = read(file, text, sizeof text - 1);
	(void)close(file);
	const char *state = n > 0 ? strrchr(text, ')') : NULL;
	return state != NULL && state[2] != 'Z' && state[2] != 'X';
}

static void
ends(pid_t p)
{
	for (int i = 0; runs(p); i++, rest())
		ck_assert_msg(i < PATIENCE_MS / 2, "pid %d still runs", (int)p);
}

/* ---- what a program is given ---- */

START_TEST(arguments_and_environment_are_exact)
{
	struct runner_msg m = {
	    .kind = RUNNER_START, .job = 7, .timeout_ms = PATIENCE_MS};
	struct runner_event ev;

	ck_assert(runner_add_arg(&m, "/usr/bin/printf"));
	ck_assert(runner_add_arg(&m, "<%s>\n"));
	ck_assert(runner_add_arg(&m, "two words"));
	ck_assert(runner_add_arg(&m, "$HOME `id` \"*"));
	ck_assert(runner_add_arg(&m, ""));
	say(&m);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.job, 7);
	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_int_eq(ev.status, 0);
	printed(&ev, "<two words>\n<$HOME `id` \"*>\n<>\n");
	ck_assert_uint_eq(ev.stdout_bytes, ev.tail_bytes);

	m = (struct runner_msg){
	    .kind = RUNNER_START, .job = 8, .timeout_ms = PATIENCE_MS};
	ck_assert(runner_add_arg(&m, "/usr/bin/env"));
	ck_assert(runner_add_env(&m, "PATH", "/usr/bin:/bin"));
	ck_assert(runner_add_env(&m, "POINTSMAN_SITE", "fra  = x"));
	ck_assert(!runner_add_arg(&m, "late"));
	say(&m);
	ck_assert(hear(&ev));
	printed(&ev, "PATH=/usr/bin:/bin\nPOINTSMAN_SITE=fra  = x\n");
	m.envs = m.args = m.used = 0;
	ck_assert(runner_add_arg(&m, "/usr/bin/env"));
	say(&m);
	ck_assert(hear(&ev));
	printed(&ev, "");
}
END_TEST

START_TEST(no_descriptor_leaks)
{
	int planted = open("/dev/null", O_RDONLY); /* without close-on-exec */
	struct runner_event ev = run("exec ls -1 /proc/self/fd", PATIENCE_MS, 0);

	/* 3 is ls's own, on the directory. */
	printed(&ev, "0\n1\n2\n3\n");
	ev = run("cat; readlink /proc/self/fd/0", PATIENCE_MS, 0);
	printed(&ev, "/dev/null\n");
	(void)close(planted);
}
END_TEST

START_TEST(is_confined)
{
	struct runner_event ev = run(
	    "grep -E '^(NoNewPrivs|CapEff|SigIgn|SigBlk)' /proc/self/status; ulimit -c; "
	    "ulimit -n; umask; pwd",
	    PATIENCE_MS, 0);
	char text[400];

	(void)snprintf(text, sizeof text, "%.*s", (int)ev.tail_bytes, ev.tail);
	ck_assert_ptr_nonnull(strstr(text, "NoNewPrivs:\t1"));
	ck_assert_ptr_nonnull(strstr(text, "CapEff:\t0000000000000000"));
	/* 32 and 33 are the C library's own: posix_spawn() leaves them ignored. */
	ck_assert(strstr(text, "SigIgn:\t0000000180000000") != NULL ||
	    strstr(text, "SigIgn:\t0000000000000000") != NULL);
	ck_assert_ptr_nonnull(strstr(text, "SigBlk:\t0000000000000000"));
	ck_assert_ptr_nonnull(strstr(text, "\n0\n1024\n0077\n/\n"));
	ev = run("[ $(ps -o sid= -p $$) = $$ ] && [ $(ps -o pgid= -p $$) = $$ ]",
	    PATIENCE_MS, 0);
	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_int_eq(ev.status, 0);
}
END_TEST

/* ---- how it ends ---- */

START_TEST(tells_how_it_ended)
{
	struct runner_event ev = run("echo out; echo err >&2; exit 3", PATIENCE_MS, 0);
	struct runner_msg m = {.kind = RUNNER_START, .timeout_ms = PATIENCE_MS};

	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_int_eq(ev.status, 3);
	ck_assert_uint_eq(ev.output_bytes, 8);
	ck_assert_uint_eq(ev.tail_bytes, 8);
	ck_assert_uint_eq(ev.stdout_bytes, 4);
	ck_assert_int_eq(memcmp(ev.stdout_tail, "out\n", 4), 0);
	ck_assert_uint_gt(ev.took_us, 0);
	ck_assert_uint_gt(ev.start_ms, 0);
	ev = run("kill -11 $$", PATIENCE_MS, 0);
	ck_assert_uint_eq(ev.end, RUNNER_SIGNAL);
	ck_assert_int_eq(ev.status, 11);

	m.job = ++jobs;
	ck_assert(runner_add_arg(&m, "/nowhere/program"));
	say(&m);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.end, RUNNER_NOT_STARTED);
	ck_assert_int_eq(ev.status, ENOENT);
	/* … and an exit status of 127 is the program's own. */
	ev = run("exit 127", PATIENCE_MS, 0);
	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_int_eq(ev.status, 127);

	m = (struct runner_msg){
	    .kind = RUNNER_START, .job = ++jobs, .timeout_ms = PATIENCE_MS};
	ck_assert(runner_add_arg(&m, "/etc/passwd"));
	say(&m);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.end, RUNNER_NOT_STARTED);
	ck_assert_int_eq(ev.status, EACCES);
}
END_TEST

static uint64_t
memory_kb(pid_t of)
{
	char path[64], line[128];
	unsigned long long kb = 0;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)of);
	FILE *f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof line, f) != NULL)
		(void)sscanf(line, "VmHWM: %llu", &kb);
	(void)fclose(f);
	return kb;
}

START_TEST(a_flood_is_bounded)
{
	uint64_t before_kb = memory_kb(pid);
	struct runner_event ev =
	    run("head -c 104857600 /dev/zero | tr '\\0' x; echo; echo the last line",
		4 * PATIENCE_MS, 0);

	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_uint_eq(ev.output_bytes, 104857600 + 1 + 14);
	ck_assert_uint_eq(ev.tail_bytes, RUNNER_TAIL_BYTES);
	ck_assert_uint_eq(ev.stdout_bytes, RUNNER_STDOUT_BYTES);
	ck_assert_int_eq(
	    memcmp(ev.tail + RUNNER_TAIL_BYTES - 17, "xx\nthe last line\n", 17), 0);
	ck_assert_uint_lt(memory_kb(pid), before_kb + 2048);
	/* An endless one ends at the deadline. */
	ev = run("exec yes", 300, 0);
	ck_assert_uint_eq(ev.end, RUNNER_DEADLINE);
	ck_assert_uint_ge(ev.took_us, 300000);
}
END_TEST

START_TEST(the_deadline_ends_everything_that_came_of_it)
{
	struct runner_event ev;
	/* One in the group that ignores SIGTERM; one that left the group and its parents. */
	static const char script[] =
	    "trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $! >$1/inner\n"
	    "setsid sh -c 'trap \"\" TERM; (sh -c \"echo \\$\\$ >$0/daemon; while :; do "
	    "sleep 1; done\" &)' $1\n"
	    "while [ ! -s $1/daemon ]; do :; done; while :; do sleep 1; done";
	struct runner_msg m = job_of(script, 1500, 50);

	say(&m);
	pid_t inner = pid_in("inner"), daemon_pid = pid_in("daemon");
	ck_assert(runs(inner) && runs(daemon_pid));
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.end, RUNNER_DEADLINE);
	/* At once: when it is told, nothing runs any more. */
	ck_assert(!runs(inner));
	ck_assert(!runs(daemon_pid));
}
END_TEST

START_TEST(term_comes_before_kill)
{
	struct runner_event ev = run(
	    "trap 'echo tidy; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
	    300, PATIENCE_MS);

	ck_assert_uint_eq(ev.end, RUNNER_DEADLINE);
	ck_assert_uint_lt(ev.tail_bytes, 100);
	ev.tail[ev.tail_bytes] = '\0'; /* the shell may say more */
	ck_assert_msg(
	    strstr(ev.tail, "ready\n") != NULL && strstr(ev.tail, "tidy\n") != NULL,
	    "%s", ev.tail);
}
END_TEST

START_TEST(what_outlives_the_program_is_killed)
{
	/* It holds stdout too: an end of file would never come. */
	struct runner_event ev =
	    run("sleep 1000 & echo $! >$1/left; exit 0", PATIENCE_MS, 0);

	ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	ck_assert_int_eq(ev.status, 0);
	ck_assert(!runs(pid_in("left")));
}
END_TEST

START_TEST(is_killed_on_request)
{
	struct runner_msg m = job_of("echo $$ >$1/it; exec sleep 1000", LONG_MS, 0);
	struct runner_msg other = job_of("exec sleep 1000", LONG_MS, 0);
	struct runner_msg stop = {.kind = RUNNER_KILL, .job = m.job};
	struct runner_event ev;

	say(&other);
	say(&m);
	pid_t it = pid_in("it");
	say(&stop);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.job, m.job);
	ck_assert_uint_eq(ev.end, RUNNER_KILLED);
	ck_assert(!runs(it));
	say(&stop); /* again: nobody is meant */
	ck_assert_int_eq(run("exit 5", PATIENCE_MS, 0).status, 5);
}
END_TEST

/* ---- bounds ---- */

START_TEST(so_many_at_once_and_one_more_is_refused)
{
	struct runner_event ev;

	for (int i = 0; i < RUNNER_JOBS_MAX; i++) {
		struct runner_msg m = job_of("exec sleep 1000", LONG_MS, 0);

		say(&m);
	}
	ev = run("exit 0", PATIENCE_MS, 0);
	ck_assert_uint_eq(ev.end, RUNNER_BUSY);
	for (uint64_t j = 1; j <= RUNNER_JOBS_MAX; j++) {
		struct runner_msg m = {.kind = RUNNER_KILL, .job = j};

		say(&m);
		ck_assert(hear(&ev));
		ck_assert_uint_eq(ev.job, j);
		ck_assert_uint_eq(ev.end, RUNNER_KILLED);
	}
}
END_TEST

static unsigned
children_of(pid_t of)
{
	char path[64], text[4096];
	unsigned n = 0;

	(void)snprintf(
	    path, sizeof path, "/proc/%d/task/%d/children", (int)of, (int)of);
	int file = open(path, O_RDONLY);
	ck_assert_int_ge(file, 0);
	ssize_t got = read(file, text, sizeof text);
	(void)close(file);
	for (ssize_t i = 0; i < got; i++)
		n += text[i] == ' ';
	return n;
}

/* Nobody reads for a while; nothing is lost, and no child is left, dead or alive. */
START_TEST(nothing_is_left_behind)
{
	struct runner_event ev;
	uint32_t n = 0;

	for (int i = 0; i < 300; i++) {
		struct runner_msg m =
		    job_of("(sleep 1000 &) ; exec true", PATIENCE_MS, 0);

		say(&m);
		while (n + RUNNER_JOBS_MAX / 2 < (uint32_t)i && hear(&ev)) {
			ck_assert_uint_eq(ev.end, RUNNER_EXIT);
			n++;
		}
	}
	for (; n < 300; n++) {
		ck_assert(hear(&ev));
		ck_assert_uint_eq(ev.end, RUNNER_EXIT);
	}
	for (int i = 0; children_of(pid) > 0; i++, rest())
		ck_assert_int_lt(i, PATIENCE_MS / 2);
}
END_TEST

START_TEST(no_program_outlives_its_minder)
{
	struct runner_msg m = job_of(
	    "setsid sh -c '(sh -c \"echo \\$\\$ >$0/daemon; exec sleep 1000\" &)' $1; "
	    "echo $PPID >$1/minder; exec sleep 1000",
	    LONG_MS, 0);
	struct runner_event ev;

	say(&m);
	pid_t minder = pid_in("minder"), left = pid_in("daemon");
	ck_assert_int_eq(kill(minder, SIGKILL), 0);
	ck_assert(hear(&ev));
	ck_assert_uint_eq(ev.end, RUNNER_LOST);
	ends(left);
	ck_assert_int_eq(run("exit 0", PATIENCE_MS, 0).end, RUNNER_EXIT);
}
END_TEST

/* ---- its own end ---- */

START_TEST(no_job_outlives_its_socket)
{
	struct runner_msg m =
	    job_of("trap '' TERM; echo $$ >$1/it; while :; do sleep 1; done", LONG_MS,
		LONG_MS);

	say(&m);
	pid_t it = pid_in("it");
	int status = end();
	ck_assert_int_eq(status, 0);
	ck_assert(!runs(it));
}
END_TEST

START_TEST(no_job_outlives_its_runner)
{
	struct runner_msg m =
	    job_of("(setsid sh -c 'echo $$ >'$1'/daemon; exec sleep 1000' &)\n"
		   "echo $$ >$1/it; exec sleep 1000",
		LONG_MS, LONG_MS);
	struct runner_event ev;

	say(&m);
	pid_t it = pid_in("it"), left = pid_in("daemon");
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert(!hear(&ev));
	ends(it);
	ends(left);
	ck_assert(WIFSIGNALED(end()));
}
END_TEST

START_TEST(refuses_what_it_does_not_understand)
{
	struct runner_msg m = job_of("exit 0", PATIENCE_MS, 0);
	struct runner_event ev;

	m.used--; /* an argument without its end */
	say(&m);
	ck_assert(!hear(&ev));
	int status = end();
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), RUNNER_EXIT_PROTOCOL);
}
END_TEST

static void
add(Suite *suite, const char *name, const TTest *test, void (*after)(void))
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 4 * PATIENCE_MS / 1000);
	tcase_add_checked_fixture(t, begin, after);
	tcase_add_test(t, test);
	suite_add_tcase(suite, t);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "runner") == 0)
		return runner_main(atoi(argv[2]));
	Suite *suite = suite_create("runner");
#define ADD(test) add(suite, #test, test, finish)
	ADD(arguments_and_environment_are_exact);
	ADD(no_descriptor_leaks);
	ADD(is_confined);
	ADD(tells_how_it_ended);
	ADD(a_flood_is_bounded);
	ADD(the_deadline_ends_everything_that_came_of_it);
	ADD(term_comes_before_kill);
	ADD(what_outlives_the_program_is_killed);
	ADD(is_killed_on_request);
	ADD(so_many_at_once_and_one_more_is_refused);
	ADD(nothing_is_left_behind);
	ADD(no_program_outlives_its_minder);
	add(suite, "no_job_outlives_its_socket", no_job_outlives_its_socket, NULL);
	add(suite, "no_job_outlives_its_runner", no_job_outlives_its_runner, NULL);
	add(suite, "refuses_what_it_does_not_understand",
	    refuses_what_it_does_not_understand, NULL);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
