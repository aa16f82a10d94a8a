/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner itself only hands on: a START becomes a forked minder (job.c) with a
 * socket of its own, what comes back goes to the agent. It never reads what programs
 * print and never waits for one, so that a KILL is heard whatever they do.
 *
 * One poll() over 65 descriptors and no event library: forked minders share this
 * image, and there is nothing in it that must not be forked. What the agent has not
 * read yet stays in its job's place; when none is free, the answer to one START more is
 * kept and nothing is read until it has gone: memory does not depend on anybody.
 */
#include "probe/runner.h"

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

#include "probe/clock.h"
#include "probe/job.h"
#include "probe/sandbox.h"

#define BEAT_MS 1000
#define END_WAIT_MS 3000

struct place {                  /* of one job */
	pid_t minder;           /* 0: none */
	int fd;                 /* to it; -1: none */
	uint64_t job;           /* while it is used */
	bool used, told, ended; /* ended: `event` is whole; told: the agent has it */
	struct runner_event event;
};

struct runner {
	int fd;
	bool greeted;
	bool ready_due, beat_due, refusal_due;
	bool adopted; /* there may be children that are no minders */
	uint64_t beat_ms;
	struct runner_event refusal;
	struct place place[RUNNER_JOBS_MAX];
	struct runner_msg msg;
};

/* ---- to the agent ---- */

static bool
tell(const struct runner *r, const struct runner_event *ev)
{
	ssize_t n;

	do
		n = send(r->fd, ev, sizeof *ev, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *ev;
}

/* True: the socket took everything. */
static bool
tell_all(struct runner *r)
{
	static const struct runner_event ready = {.kind = RUNNER_READY};
	static const struct runner_event beat = {.kind = RUNNER_BEAT};

	r->ready_due = r->ready_due && !tell(r, &ready);
	if (r->ready_due)
		return false;
	for (size_t i = 0; i < RUNNER_JOBS_MAX; i++) {
		struct place *p = &r->place[i];

		if (!p->used || !p->ended || p->told)
			continue;
		if (!tell(r, &p->event))
			return false;
		p->told = true;
		p->used = p->fd >= 0;
	}
	r->refusal_due = r->refusal_due && !tell(r, &r->refusal);
	r->beat_due = r->beat_due && !tell(r, &beat);
	return !r->refusal_due && !r->beat_due;
}

/* ---- jobs ---- */

static bool
is_whole(const struct runner_msg *m)
{
	uint32_t strings = 0;

	if (m->args < 1 || m->args > RUNNER_ARGS_MAX || m->envs > RUNNER_ENVS_MAX ||
	    m->used > sizeof m->text || m->timeout_ms < 1 ||
	    m->timeout_ms > RUNNER_TIMEOUT_MS_MAX)
		return false;
	for (uint32_t i = 0; i < m->used; i++)
		strings += m->text[i] == '\0';
	return strings == m->args + m->envs && m->used > 0 &&
	    m->text[m->used - 1] == '\0';
}

static void
not_started(struct runner_event *ev, uint64_t job, enum runner_end end, int error)
{
	*ev = (struct runner_event){.kind = RUNNER_ENDED,
	    .job = job,
	    .end = end,
	    .status = error,
	    .start_ms = now_boot_ms()};
}

static void
mind(struct runner *r, struct place *p)
{
	int pair[2] = {-1, -1};

	p->minder = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		p->minder = fork();
		if (p->minder == 0)
			job_mind(pair[1], &r->msg);
	}
	if (pair[0] < 0 || p->minder < 0) {
		not_started(&p->event, p->job, RUNNER_NOT_STARTED, errno);
		p->ended = true;
		p->minder = 0;
		if (pair[0] >= 0)
			(void)close(pair[0]);
		pair[0] = -1;
	}
	if (pair[1] >= 0)
		(void)close(pair[1]);
	p->fd = pair[0];
}

static void
start(struct runner *r)
{
	for (size_t i = 0; i < RUNNER_JOBS_MAX; i++) {
		struct place *p = &r->place[i];

		if (p->used)
			continue;
		memset(p, 0, sizeof *p);
		p->used = true;
		p->job = r->msg.job;
		mind(r, p);
		return;
	}
	not_started(&r->refusal, r->msg.job, RUNNER_BUSY, 0);
	r->refusal_due = true;
}

static void
stop(struct runner *r)
{
	for (size_t i = 0; i < RUNNER_JOBS_MAX; i++) {
		const struct place *p = &r->place[i];

		if (p->used && p->fd >= 0 && !p->ended && p->job == r->msg.job)
			(void)send(
			    p->fd, &r->msg, sizeof r->msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

/* A minder tells once and exits; one that was killed does not tell. */
static void
hear_minder(struct runner *r, struct place *p)
{
	struct runner_event ev;
	ssize_t n = recv(p->fd, &ev, sizeof ev, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == (ssize_t)sizeof ev && !p->ended) {
		p->event = ev;
		p->ended = true;
		return;
	}
	(void)close(p->fd);
	p->fd = -1;
	(void)kill(p->minder, SIGKILL);
	while (waitpid(p->minder, NULL, 0) < 0 && errno == EINTR)
		;
	p->minder = 0;
	r->adopted = true; /* perhaps it left some */
	if (!p->ended) {
		not_started(&p->event, p->job, RUNNER_LOST, 0);
		p->ended = true;
	}
	p->used = !p->told;
}

/* What a minder left is this process's child now (it is a subreaper too). */
static void
end_adopted(struct runner *r)
{
	pid_t minder[RUNNER_JOBS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < RUNNER_JOBS_MAX; i++)
		if (r->place[i].used && r->place[i].minder > 0)
			minder[n++] = r->place[i].minder;
	r->adopted = job_kill_children(minder, n) > 0;
}

/* ---- the agent's word ---- */

/* Returns an exit status, or -1 to go on. */
static int
obey(struct runner *r)
{
	switch ((enum runner_msg_kind)r->msg.kind) {
	case RUNNER_HELLO:
		if (r->greeted || r->msg.protocol != RUNNER_PROTOCOL)
			return RUNNER_EXIT_PROTOCOL;
		r->greeted = r->ready_due = true;
		return -1;
	case RUNNER_START:
		if (!r->greeted || !is_whole(&r->msg))
			return RUNNER_EXIT_PROTOCOL;
		start(r);
		return -1;
	case RUNNER_KILL:
		stop(r);
		return -1;
	}
	return RUNNER_EXIT_PROTOCOL;
}

static int
hear(struct runner *r)
{
	ssize_t n = recv(r->fd, &r->msg, sizeof r->msg, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -1;
	if (n <= 0)
		return RUNNER_EXIT_CLOSED;
	return n == (ssize_t)sizeof r->msg ? obey(r) : RUNNER_EXIT_PROTOCOL;
}

static void
beat(struct runner *r)
{
	uint64_t now = now_boot_ms();

	if (!r->greeted || now - r->beat_ms < BEAT_MS)
		return;
	r->beat_ms = now;
	r->beat_due = true;
}

static int
serve(struct runner *r)
{
	for (;;) {
		struct pollfd p[1 + RUNNER_JOBS_MAX];
		bool all = tell_all(r);
		int status = -1;

		p[0] = (struct pollfd){.fd = r->fd, .events = POLLIN};
		if (!all)
			p[0].events = r->refusal_due ? POLLOUT : POLLIN | POLLOUT;
		for (size_t i = 0; i < RUNNER_JOBS_MAX; i++)
			p[1 + i] = (struct pollfd){
			    .fd = r->place[i].used ? r->place[i].fd : -1,
			    .events = POLLIN};
		(void)poll(p, 1 + RUNNER_JOBS_MAX, r->adopted ? 10 : BEAT_MS);
		for (size_t i = 0; i < RUNNER_JOBS_MAX; i++)
			if (p[1 + i].fd >= 0 && p[1 + i].revents != 0)
				hear_minder(r, &r->place[i]);
		if ((p[0].revents & POLLIN) != 0)
			status = hear(r);
		else if ((p[0].revents & (POLLHUP | POLLERR)) != 0)
			status = RUNNER_EXIT_CLOSED;
		if (status >= 0)
			return status;
		if (r->adopted)
			end_adopted(r);
		beat(r);
	}
}

/* Their sockets' end tells the minders to kill what they mind; a while is given to
 * them, so that nothing runs any more when the agent has waited for this process. */
static void
end_jobs(struct runner *r)
{
	uint64_t until_ms = now_boot_ms() + END_WAIT_MS;
	struct timespec t = {.tv_nsec = 1000000};

	for (size_t i = 0; i < RUNNER_JOBS_MAX; i++)
		if (r->place[i].used && r->place[i].fd >= 0)
			(void)close(r->place[i].fd);
	while (waitpid(-1, NULL, WNOHANG) >= 0 && now_boot_ms() < until_ms) {
		end_adopted(r);
		(void)nanosleep(&t, NULL);
	}
	(void)job_kill_children(NULL, 0);
}

static bool
add(struct runner_msg *m, const char *name, const char *value)
{
	size_t room = sizeof m->text - m->used;
	int n = snprintf(m->text + m->used, room, "%s%s", name, value);

	if (n < 0 || (size_t)n >= room)
		return false;
	m->used += (uint32_t)n + 1;
	return true;
}

bool
runner_add_arg(struct runner_msg *m, const char *arg)
{
	if (m->args >= RUNNER_ARGS_MAX || m->envs > 0 || !add(m, arg, ""))
		return false;
	m->args++;
	return true;
}

bool
runner_add_env(struct runner_msg *m, const char *name, const char *value)
{
	char head[80];
	int n = snprintf(head, sizeof head, "%s=", name);

	if (m->envs >= RUNNER_ENVS_MAX || n >= (int)sizeof head || !add(m, head, value))
		return false;
	m->envs++;
	return true;
}

int
runner_main(int fd)
{
	struct runner *r;
	struct err e;
	int status;

	if (!sandbox_enter_runner(&e))
		return RUNNER_EXIT_SANDBOX;
	/* SIGCHLD must leave the dead to be waited for. */
	(void)signal(SIGCHLD, SIG_DFL);
	r = calloc(1, sizeof *r);
	if (r == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return RUNNER_EXIT_START;
	r->fd = fd;
	status = serve(r);
	end_jobs(r);
	free(r);
	return status;
}
