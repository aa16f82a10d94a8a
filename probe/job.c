/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each job has a process of its own to mind it, forked from the runner, for one reason:
 * to know which processes came of which job. The minder is their subreaper (prctl(2)),
 * so that whatever loses its parent, a daemon with a session of its own too, becomes
 * the minder's child and of nobody else: to end a job is to kill children until there
 * are none. A process group alone lets daemons go; cgroups would need privileges; one
 * subreaper for all jobs could not tell whose daemon it has adopted.
 *
 * What the minder is worth otherwise: it reads a flood of output without making others
 * wait, and it outlives the runner by the moment that it takes to kill what it minds.
 *
 * A group is killed only while its leader is not reaped, and children by pid likewise:
 * a pid that is still ours cannot be another's.
 */
#include "probe/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MINDER_FD 3
#define PURGE_US UINT64_C(2000000) /* what even SIGKILL does not end waits for a disk */
#define AGAIN_MS 5
#define PIECE_BYTES 65536

struct tail {
	char *text;
	size_t room, used;
};

struct job {
	const struct runner_msg *msg;
	struct runner_event ended;
	struct tail all, out; /* into `ended` */
	pid_t leader;
	int output[2]; /* read ends of stdout and stderr; -1: closed */
	int report;    /* what execve() said, if it came back */
	bool stopping, killed;
	uint64_t start_us, deadline_us, kill_us;
};

static uint64_t
now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- children ---- */

static bool
is_among(pid_t pid, const pid_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == pid)
			return true;
	return false;
}

int
job_kill_children(const pid_t *but, size_t n)
{
	char text[4096], *at = text, *end;
	int left = 0, fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		(void)close(fd);
	if (got < 0)
		return -1;
	/* A list that is cut in a number is read on in the next call. */
	while (got > 0 && text[got - 1] != ' ' && got == (ssize_t)sizeof text - 1)
		got--;
	text[got] = '\0';
	for (;; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return left;
		if (is_among(pid, but, n))
			continue;
		(void)kill(pid, SIGKILL);
		if (waitpid(pid, NULL, WNOHANG) == 0)
			left++;
	}
}

static void
rest_a_little(void)
{
	struct timespec t = {.tv_nsec = 500000};

	(void)nanosleep(&t, NULL);
}

/* Nothing of the job runs after this. */
static void
purge(struct job *j)
{
	uint64_t until_us = now_us() + PURGE_US;

	if (j->leader <= 0)
		return;
	(void)kill(-j->leader, SIGKILL);
	for (;;) {
		int left = job_kill_children(NULL, 0);

		/* No list: then the group was all that could be reached. */
		if (left < 0)
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
		if (left == 0 || waitpid(-1, NULL, WNOHANG) < 0 || now_us() >= until_us)
			return;
		rest_a_little();
	}
}

/* ---- the program ---- */

static void
become(pid_t minder, const int to[3], char *const *argv, char *const *envs)
{
	sigset_t none;
	int error;

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (getppid() != minder || dup2(to[0], 1) < 0 || dup2(to[1], 2) < 0 ||
	    close_range(MINDER_FD, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(127);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(argv[0], argv, envs);
	error = errno;
	if (write(to[2], &error, sizeof error) < 0)
		_exit(126);
	_exit(127);
}

static void
split(const struct runner_msg *m, char **argv, char **envs)
{
	char *at = (char *)(uintptr_t)m->text;

	for (uint32_t i = 0; i < m->args; i++, at += strlen(at) + 1)
		argv[i] = at;
	argv[m->args] = NULL;
	for (uint32_t i = 0; i < m->envs; i++, at += strlen(at) + 1)
		envs[i] = at;
	envs[m->envs] = NULL;
}

/* False: errno says why. */
static bool
start(struct job *j)
{
	char *argv[RUNNER_ARGS_MAX + 1], *envs[RUNNER_ENVS_MAX + 1];
	int from[3], to[3];
	pid_t minder = getpid();

	for (int i = 0; i < 3; i++) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0)
			return false;
		from[i] = pair[0];
		to[i] = pair[1];
		if (fcntl(from[i], F_SETFL, O_NONBLOCK) < 0)
			return false;
	}
	split(j->msg, argv, envs);
	j->start_us = now_us();
	j->ended.start_ms = j->start_us / 1000;
	j->deadline_us = j->start_us + j->msg->timeout_ms * 1000;
	j->leader = fork();
	if (j->leader == 0)
		become(minder, to, argv, envs);
	if (j->leader < 0)
		return false;
	for (int i = 0; i < 3; i++)
		(void)close(to[i]);
	j->output[0] = from[0];
	j->output[1] = from[1];
	j->report = from[2];
	return true;
}

/* ---- what it prints ---- */

static void
tail_put(struct tail *t, const char *piece, size_t n)
{
	if (n >= t->room) {
		memcpy(t->text, piece + n - t->room, t->room);
		t->used = t->room;
		return;
	}
	if (t->used + n > t->room) {
		size_t drop = t->used + n - t->room;

		memmove(t->text, t->text + drop, t->used - drop);
		t->used -= drop;
	}
	memcpy(t->text + t->used, piece, n);
	t->used += n;
}

/* Takes what is there, at most one piece. True: there may be more. */
static bool
take_output(struct job *j, int which)
{
	static char piece[PIECE_BYTES];
	ssize_t n;

	if (j->output[which] < 0)
		return false;
	n = read(j->output[which], piece, sizeof piece);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		(void)close(j->output[which]);
		j->output[which] = -1;
		return false;
	}
	j->ended.output_bytes += (uint64_t)n;
	tail_put(&j->all, piece, (size_t)n);
	if (which == 0)
		tail_put(&j->out, piece, (size_t)n);
	return true;
}

/* ---- its life ---- */

/* Adopted ones that have died meanwhile are reaped; the leader is not. */
static bool
is_over(struct job *j)
{
	for (;;) {
		siginfo_t s = {0};

		if (waitid(P_ALL, 0, &s, WEXITED | WNOHANG | WNOWAIT) < 0)
			return errno != EINTR;
		if (s.si_pid == 0)
			return false;
		if (s.si_pid != j->leader) {
			(void)waitpid(s.si_pid, NULL, WNOHANG);
			continue;
		}
		if (!j->stopping) {
			j->ended.end =
			    s.si_code == CLD_EXITED ? RUNNER_EXIT : RUNNER_SIGNAL;
			j->ended.took_us = now_us() - j->start_us;
			j->ended.status = s.si_status;
		}
		return true;
	}
}

static void
stop(struct job *j, enum runner_end why)
{
	uint64_t now = now_us();

	if (j->stopping)
		return;
	j->stopping = true;
	j->ended.end = why;
	j->ended.took_us = now - j->start_us;
	j->kill_us = now + (uint64_t)j->msg->grace_ms * 1000;
	/* It may not have made its group yet. A stopped one must wake up to end. */
	(void)kill(j->leader, SIGTERM);
	(void)kill(-j->leader, SIGTERM);
	(void)kill(-j->leader, SIGCONT);
}

/* False: the runner is gone. */
static bool
hear(struct job *j)
{
	static struct runner_msg m;
	ssize_t n = recv(MINDER_FD, &m, sizeof m, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == (ssize_t)sizeof m && m.kind == RUNNER_KILL)
		stop(j, RUNNER_KILLED);
	return n != 0;
}

static bool
wait_for_news(struct job *j, const sigset_t *awake)
{
	struct pollfd p[3] = {{.fd = MINDER_FD, .events = POLLIN},
	    {.fd = j->output[0], .events = POLLIN},
	    {.fd = j->output[1], .events = POLLIN}};
	uint64_t now = now_us(), due = j->stopping ? j->kill_us : j->deadline_us;
	struct timespec t = {.tv_nsec = AGAIN_MS * 1000000};

	if (!j->killed) {
		due = due > now ? due - now : 0;
		t.tv_sec = (time_t)(due / 1000000);
		t.tv_nsec = (long)(due % 1000000) * 1000;
	}
	if (ppoll(p, 3, &t, awake) <= 0)
		return true;
	if (p[1].revents != 0)
		(void)take_output(j, 0);
	if (p[2].revents != 0)
		(void)take_output(j, 1);
	return p[0].revents == 0 || hear(j);
}

static void
mind(struct job *j, const sigset_t *awake)
{
	while (!is_over(j)) {
		uint64_t now = now_us();

		if (!j->stopping && now >= j->deadline_us)
			stop(j, RUNNER_DEADLINE);
		if (j->stopping && !j->killed && now >= j->kill_us) {
			j->killed = true;
			(void)kill(j->leader, SIGKILL);
			(void)kill(-j->leader, SIGKILL);
		}
		if (!wait_for_news(j, awake)) {
			purge(j);
			_exit(0);
		}
	}
	purge(j);
	for (int which = 0; which < 2; which++)
		while (take_output(j, which))
			;
	int error;
	if (j->ended.end == RUNNER_EXIT &&
	    read(j->report, &error, sizeof error) == (ssize_t)sizeof error) {
		j->ended.end = RUNNER_NOT_STARTED;
		j->ended.status = error;
	}
}

static void
on_child(int s)
{
	(void)s; /* it wakes ppoll() */
}

void
job_mind(int fd, const struct runner_msg *m)
{
	static struct job j;
	struct sigaction act = {.sa_handler = on_child};
	sigset_t child, awake;

	j.msg = m;
	j.output[0] = j.output[1] = j.report = -1;
	j.ended.kind = RUNNER_ENDED;
	j.ended.job = m->job;
	j.all = (struct tail){.text = j.ended.tail, .room = sizeof j.ended.tail};
	j.out = (struct tail){
	    .text = j.ended.stdout_tail, .room = sizeof j.ended.stdout_tail};
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, &awake);
	(void)sigaction(SIGCHLD, &act, NULL);
	if ((fd != MINDER_FD && dup2(fd, MINDER_FD) < 0) ||
	    close_range(MINDER_FD + 1, ~0U, 0) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || !start(&j)) {
		j.ended.end = RUNNER_NOT_STARTED;
		j.ended.status = errno;
	} else {
		mind(&j, &awake);
	}
	j.ended.tail_bytes = (uint32_t)j.all.used;
	j.ended.stdout_bytes = (uint32_t)j.out.used;
	(void)send(MINDER_FD, &j.ended, sizeof j.ended, MSG_NOSIGNAL);
	_exit(0);
}
