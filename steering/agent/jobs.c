/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for a full socket waits in its job's own place: bounded, and a KILL cannot
 * overtake the START that it is about. Messages of different jobs may pass each other.
 */
#include "steering/agent/jobs.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/clock.h"
#include "steering/agent/child.h"

#define WATCH_MS 1000
#define END_WAIT_MS 4000
#define EVENTS_A_WAKE 128

struct job {
	uint64_t id; /* 0: the place is free */
	jobs_cb cb;  /* NULL: forgotten */
	void *arg;
	struct runner_msg *unsent; /* its START; NULL: sent */
	bool kill_due;
};

struct jobs {
	const char *path;
	struct jobs_calls calls;
	struct event_base *base;
	struct event *watch, *again, *readable, *writable;
	uint64_t watched_ms;
	pid_t pid; /* 0: none runs */
	int fd;    /* -1: none */
	bool ready;
	uint64_t spawned_ms, heard_ms;
	uint32_t deaths; /* in a row */
	uint64_t restarts, ids;
	struct job job[JOBS_MAX];
};

static struct job *
find(struct jobs *all, uint64_t id)
{
	for (uint32_t i = 0; id != 0 && i < JOBS_MAX; i++)
		if (all->job[i].id == id)
			return &all->job[i];
	return NULL;
}

static void
clear(struct job *x)
{
	free(x->unsent);
	*x = (struct job){0};
}

/* ---- to the runner ---- */

static bool
tell(struct jobs *all, const struct runner_msg *m)
{
	ssize_t n;

	do
		n = send(all->fd, m, sizeof *m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof *m)
		return true;
	/* Full: when it is writable again. Broken: its end is read. */
	if (errno == EAGAIN && all->writable != NULL)
		(void)event_add(all->writable, NULL);
	return false;
}

static void
tell_kill(struct jobs *all, struct job *x)
{
	struct runner_msg m = {.kind = RUNNER_KILL, .job = x->id};

	x->kill_due = all->ready && (x->unsent != NULL || !tell(all, &m));
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *all = arg;

	(void)fd;
	(void)what;
	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		struct job *x = &all->job[i];

		if (x->unsent != NULL) {
			if (!tell(all, x->unsent))
				return;
			free(x->unsent);
			x->unsent = NULL;
		}
		if (x->kill_due) {
			tell_kill(all, x);
			if (x->kill_due)
				return;
		}
	}
}

/* ---- birth and death ---- */

static void on_readable(evutil_socket_t fd, short what, void *arg);

static bool
listen_to(struct jobs *all, struct err *e)
{
	all->readable =
	    event_new(all->base, all->fd, EV_READ | EV_PERSIST, on_readable, all);
	all->writable = event_new(all->base, all->fd, EV_WRITE, on_writable, all);
	return (all->readable != NULL && all->writable != NULL &&
		   event_add(all->readable, NULL) == 0) ||
	    err_set(e, "cannot watch the runner: out of memory");
}

static bool
spawn(struct jobs *all, struct err *e)
{
	struct runner_msg hello = {.kind = RUNNER_HELLO, .protocol = RUNNER_PROTOCOL};

	if (!runner_spawn(all->path, &all->fd, &all->pid, e)) {
		all->fd = -1;
		all->pid = 0;
		return false;
	}
	all->ready = false;
	all->spawned_ms = all->heard_ms = now_boot_ms();
	(void)tell(all, &hello); /* into an empty socket */
	return all->base == NULL || listen_to(all, e);
}

static void
close_socket(struct jobs *all)
{
	if (all->readable != NULL)
		event_free(all->readable);
	if (all->writable != NULL)
		event_free(all->writable);
	all->readable = all->writable = NULL;
	if (all->fd >= 0)
		(void)close(all->fd);
	all->fd = -1;
	all->ready = false;
}

static void
try_later(struct jobs *all)
{
	uint64_t ms = child_rest_ms(all->deaths);
	struct timeval t = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(all->again, &t);
}

static const char *
exit_word(int status)
{
	switch ((enum runner_exit)status) {
	case RUNNER_EXIT_CLOSED:
		return "its socket closed";
	case RUNNER_EXIT_SANDBOX:
		return "it could not drop its privileges";
	case RUNNER_EXIT_PROTOCOL:
		return "it is of another build than the agent: restart the agent";
	case RUNNER_EXIT_START:
		return "out of memory";
	}
	return "no status of its own";
}

static void
lose_jobs(struct jobs *all)
{
	for (uint32_t i = 0; i < JOBS_MAX; i++) {
		struct job x = all->job[i];
		struct runner_event ev = {
		    .kind = RUNNER_ENDED, .end = RUNNER_LOST, .job = x.id};

		clear(&all->job[i]);
		if (x.cb != NULL)
			x.cb(&ev, x.arg);
	}
}

static void
end(struct jobs *all, const char *why)
{
	char text[160];
	pid_t pid = all->pid;
	/* Its socket closes an instant before it can be waited for. */
	int status = child_reap(pid, CHILD_KILLED_MS);

	if (why != NULL)
		(void)snprintf(
		    text, sizeof text, "the runner (pid %d) %s", (int)pid, why);
	else if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof text,
		    "the runner (pid %d) died by signal %d", (int)pid,
		    WTERMSIG(status));
	else
		(void)snprintf(text, sizeof text,
		    "the runner (pid %d) ended with status %d (%s)", (int)pid,
		    WEXITSTATUS(status), exit_word(WEXITSTATUS(status)));
	if (now_boot_ms() - all->spawned_ms >= CHILD_SETTLED_MS)
		all->deaths = 0;
	all->deaths++;
	all->restarts++;
	all->pid = 0;
	close_socket(all);
	try_later(all);
	all->calls.ended(text, all->calls.arg);
	lose_jobs(all);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *all = arg;
	struct err e;

	(void)fd;
	(void)what;
	if (spawn(all, &e))
		return;
	if (all->pid != 0)
		(void)child_reap(all->pid, 0);
	all->pid = 0;
	close_socket(all);
	all->deaths++;
	try_later(all);
	all->calls.trouble(e.text, all->calls.arg);
}

/* ---- what it says ---- */

static void
hear(struct jobs *all, const struct runner_event *ev)
{
	struct job *x = find(all, ev->job), was;

	all->heard_ms = now_boot_ms();
	if (ev->kind == RUNNER_READY)
		all->ready = true;
	if (ev->kind != RUNNER_ENDED || x == NULL || ev->end >= RUNNER_ENDS ||
	    ev->tail_bytes > sizeof ev->tail ||
	    ev->stdout_bytes > sizeof ev->stdout_tail)
		return;
	was = *x;
	clear(x);
	if (was.cb != NULL)
		was.cb(ev, was.arg);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *all = arg;
	struct runner_event ev;

	(void)what;
	for (unsigned i = 0; i < EVENTS_A_WAKE && all->fd == fd; i++) {
		ssize_t n = recv(fd, &ev, sizeof ev, MSG_DONTWAIT);

		/* ECONNRESET: it ended and left ours unread. Said once, and before
		 * what it wrote, which is read next. */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (n <= 0) {
			end(all, NULL);
			return;
		}
		if ((size_t)n != sizeof ev) {
			end(all, "spoke out of turn and was killed");
			return;
		}
		hear(all, &ev);
	}
}

/* As for the workers: a gap in our own watching is ours, not its. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct jobs *all = arg;
	uint64_t now = now_boot_ms();

	(void)fd;
	(void)what;
	if (now - all->watched_ms > 2 * (uint64_t)WATCH_MS)
		all->heard_ms = now;
	all->watched_ms = now;
	if (all->fd < 0 || now - all->heard_ms < CHILD_STUCK_MS)
		return;
	(void)kill(all->pid, SIGKILL);
	end(all, "was silent for 5 s and was killed");
}

/* ---- for others ---- */

struct jobs *
jobs_new(const char *path, struct err *e)
{
	struct jobs *all = calloc(1, sizeof *all);

	if (all == NULL) {
		(void)err_set(e, "cannot start the runner: out of memory");
		return NULL;
	}
	all->path = path;
	all->fd = -1;
	if (spawn(all, e))
		return all;
	jobs_free(all);
	return NULL;
}

bool
jobs_begin(struct jobs *all, struct event_base *base, const struct jobs_calls *calls,
    struct err *e)
{
	struct timeval t = {.tv_sec = WATCH_MS / 1000};

	all->base = base;
	all->calls = *calls;
	all->watched_ms = all->heard_ms = now_boot_ms();
	all->watch = event_new(base, -1, EV_PERSIST, on_watch, all);
	all->again = event_new(base, -1, 0, on_again, all);
	if (all->watch == NULL || all->again == NULL || event_add(all->watch, &t) != 0)
		return err_set(e, "cannot watch the runner: out of memory");
	return listen_to(all, e);
}

void
jobs_free(struct jobs *all)
{
	if (all == NULL)
		return;
	close_socket(all);
	if (all->pid != 0)
		(void)child_reap(all->pid, END_WAIT_MS);
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		clear(&all->job[i]);
	if (all->watch != NULL)
		event_free(all->watch);
	if (all->again != NULL)
		event_free(all->again);
	free(all);
}

uint64_t
jobs_start(struct jobs *all, struct runner_msg *m, jobs_cb cb, void *arg, struct err *e)
{
	struct job *x = all->job;

	assert(m->kind == RUNNER_START && m->args > 0);
	if (!all->ready) {
		(void)err_set(e, "the runner is not there: it is being started");
		return 0;
	}
	while (x < all->job + JOBS_MAX && x->id != 0)
		x++;
	if (x == all->job + JOBS_MAX) {
		(void)err_set(
		    e, "%d programs run already: start fewer, or slower", JOBS_MAX);
		return 0;
	}
	m->job = ++all->ids;
	if (!tell(all, m)) {
		x->unsent = malloc(sizeof *m);
		if (x->unsent == NULL)
			abort();
		*x->unsent = *m;
	}
	x->id = m->job;
	x->cb = cb;
	x->arg = arg;
	return x->id;
}

void
jobs_kill(struct jobs *all, uint64_t job)
{
	struct job *x = find(all, job);

	if (x != NULL)
		tell_kill(all, x);
}

void
jobs_forget(struct jobs *all, uint64_t job)
{
	struct job *x = find(all, job);

	if (x == NULL)
		return;
	x->cb = NULL;
	tell_kill(all, x);
}

bool
jobs_alive(const struct jobs *all)
{
	return all->ready;
}

uint32_t
jobs_running(const struct jobs *all)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < JOBS_MAX; i++)
		n += all->job[i].id != 0;
	return n;
}

uint64_t
jobs_restarts(const struct jobs *all)
{
	return all->restarts;
}
