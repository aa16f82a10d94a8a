/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's end is seen on its socket. A worker that is alive but says nothing for
 * CHILD_STUCK_MS (it reports its lateness every second) is killed: probes that are not
 * made look like nothing at all, and nothing must not look like health.
 *
 * Messages wait as (kind, id) pairs while the socket is full and are filled when they
 * go: ten thousand targets cost a worker's queue 240 kB, not 40 MB. Rejected: keeping
 * each target's message for the next restart.
 */
#include "steering/agent/workers.h"

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
#define MESSAGES_A_WAKE 32
#define END_WAIT_MS 1000

struct note {
	uint32_t kind, id;
	uint64_t ticket; /* this and below: of a PROBER_RESULT */
	uint8_t slot, outcome;
};

struct worker {
	struct workers *all;
	uint32_t index;
	pid_t pid;        /* 0: none runs */
	int fd;           /* -1: none */
	bool ready, gone; /* told PROBE_READY; go was sent */
	uint64_t spawned_ms, heard_ms;
	uint64_t late_us;
	uint32_t deaths; /* in a row */
	struct event *readable, *writable, *again;
	struct note *queue;
	size_t first, count, room;
};

struct workers {
	struct workers_options options;
	struct workers_calls calls;
	struct event_base *base;
	struct event *watch;
	uint64_t watched_ms;
	struct worker worker[WORKERS_MAX];
};

/* ---- what waits to be sent ---- */

static void
queue_note(struct worker *w, const struct note *note)
{
	if (w->first + w->count == w->room) {
		if (w->first > w->room / 2) {
			memmove(
			    w->queue, w->queue + w->first, w->count * sizeof *w->queue);
			w->first = 0;
		} else {
			size_t room = w->room == 0 ? 64 : w->room * 2;
			struct note *queue = realloc(w->queue, room * sizeof *queue);

			if (queue == NULL)
				abort();
			w->queue = queue;
			w->room = room;
		}
	}
	w->queue[w->first + w->count++] = *note;
}

static void
queue_put(struct worker *w, uint32_t kind, uint32_t id)
{
	struct note note = {.kind = kind, .id = id};

	queue_note(w, &note);
}

static bool
fill(struct worker *w, const struct note *n, struct prober_msg *msg)
{
	const struct workers_options *o = &w->all->options;

	memset(msg, 0, sizeof *msg);
	msg->kind = n->kind;
	msg->id = n->id;
	switch ((enum prober_msg_kind)n->kind) {
	case PROBER_HELLO:
		msg->protocol = PROBER_PROTOCOL;
		msg->seed = o->seed + w->index * UINT64_C(0x9e3779b97f4a7c15);
		memcpy(msg->user_agent, o->user_agent, sizeof msg->user_agent);
		return true;
	case PROBER_TARGET:
		return w->all->calls.fill(n->id, msg, w->all->calls.arg);
	case PROBER_RESULT:
		msg->ticket = n->ticket;
		msg->slot = n->slot;
		msg->outcome = n->outcome;
		return true;
	case PROBER_DROP:
	case PROBER_GO:
		return true;
	}
	return false;
}

static void
flush(struct worker *w)
{
	while (w->fd >= 0 && w->count > 0) {
		struct prober_msg msg;

		if (fill(w, &w->queue[w->first], &msg) && !prober_send(w->fd, &msg)) {
			if (errno == EINTR)
				continue;
			/* Full: when it is writable again. Broken: its end is read. */
			if (errno == EAGAIN && w->writable != NULL)
				(void)event_add(w->writable, NULL);
			return;
		}
		w->first++;
		w->count--;
	}
	w->first = 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* ---- birth and death ---- */

static void on_readable(evutil_socket_t fd, short what, void *arg);

static bool
listen_to(struct worker *w, struct err *e)
{
	w->readable =
	    event_new(w->all->base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	w->writable = event_new(w->all->base, w->fd, EV_WRITE, on_writable, w);
	if (w->readable == NULL || w->writable == NULL ||
	    event_add(w->readable, NULL) != 0)
		return err_set(e, "cannot watch prober worker %u: out of memory",
		    (unsigned)w->index);
	flush(w);
	return true;
}

static bool
spawn(struct worker *w, struct err *e)
{
	if (!prober_spawn(w->all->options.path, &w->fd, &w->pid, e)) {
		w->fd = -1;
		w->pid = 0;
		return false;
	}
	w->ready = w->gone = false;
	w->late_us = 0;
	w->spawned_ms = w->heard_ms = now_boot_ms();
	w->first = w->count = 0;
	queue_put(w, PROBER_HELLO, 0);
	flush(w);
	return w->all->base == NULL || listen_to(w, e);
}

static void
close_socket(struct worker *w)
{
	if (w->readable != NULL)
		event_free(w->readable);
	if (w->writable != NULL)
		event_free(w->writable);
	w->readable = w->writable = NULL;
	if (w->fd >= 0)
		(void)close(w->fd);
	w->fd = -1;
	w->ready = false;
	w->late_us = 0;
	w->first = w->count = 0;
}

static void
try_later(struct worker *w)
{
	uint64_t ms = child_rest_ms(w->deaths);
	struct timeval t = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	(void)event_add(w->again, &t);
}

static const char *
exit_word(int status)
{
	switch ((enum prober_exit)status) {
	case PROBER_EXIT_CLOSED:
		return "its socket closed";
	case PROBER_EXIT_SANDBOX:
		return "it could not confine itself: privileges, or no seccomp";
	case PROBER_EXIT_PROTOCOL:
		return "it is of another build than the agent: restart the agent";
	case PROBER_EXIT_START:
		return "out of memory, or name servers that are none";
	case PROBER_EXIT_DEAF:
		return "the agent did not read its events";
	}
	return "no status of its own";
}

static void
end(struct worker *w, const char *why)
{
	char text[160];
	pid_t pid = w->pid;
	/* Its socket closes an instant before it can be waited for. */
	int status = child_reap(pid, CHILD_KILLED_MS);

	if (why != NULL)
		(void)snprintf(text, sizeof text, "prober worker %u (pid %d) %s",
		    (unsigned)w->index, (int)pid, why);
	else if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof text,
		    "prober worker %u (pid %d) died by signal %d", (unsigned)w->index,
		    (int)pid, WTERMSIG(status));
	else
		(void)snprintf(text, sizeof text,
		    "prober worker %u (pid %d) ended with status %d (%s)",
		    (unsigned)w->index, (int)pid, WEXITSTATUS(status),
		    exit_word(WEXITSTATUS(status)));
	if (now_boot_ms() - w->spawned_ms >= CHILD_SETTLED_MS)
		w->deaths = 0;
	w->deaths++;
	w->pid = 0;
	close_socket(w);
	try_later(w);
	w->all->calls.ended(w->index, text, w->all->calls.arg);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct err e;

	(void)fd;
	(void)what;
	if (spawn(w, &e))
		return;
	(void)err_wrap(&e, "cannot be started");
	if (w->pid != 0)
		(void)child_reap(w->pid, 0);
	w->pid = 0;
	close_socket(w);
	w->deaths++;
	try_later(w);
	w->all->calls.trouble(w->index, e.text, w->all->calls.arg);
}

/* ---- what it says ---- */

static void
hear(struct worker *w, struct probe_event *ev)
{
	struct workers_calls *calls = &w->all->calls;

	w->heard_ms = now_boot_ms();
	ev->address[sizeof ev->address - 1] = '\0';
	ev->text[sizeof ev->text - 1] = '\0';
	switch ((enum probe_event_kind)ev->kind) {
	case PROBE_READY:
		if (w->ready)
			return;
		w->ready = true;
		if (ev->text[0] != '\0')
			calls->trouble(w->index, ev->text, calls->arg);
		calls->started(w->index, calls->arg);
		queue_put(w, PROBER_GO, 0);
		w->gone = true;
		flush(w);
		return;
	case PROBE_LAG:
		w->late_us = ev->latency_us;
		return;
	case PROBE_SAMPLE:
		if (ev->outcome > OUTCOME_FAIL || ev->reason >= PROBE_REASONS)
			return;
		break;
	case PROBE_ADDRESS:
		if (ev->family >= FAMILIES)
			return;
		break;
	case PROBE_RETIRED:
	case PROBE_RESOLVED:
	case PROBE_UNRESOLVED:
	case PROBE_CROWDED:
	case PROBE_DUE:
		break;
	}
	/* It parses hostile bytes: what it says is checked like any input. */
	if (ev->kind < PROBE_READY || ev->kind > PROBE_LAG ||
	    ev->slot >= ADDRESSES_MAX || ev->id % w->all->options.count != w->index)
		return;
	calls->event(ev, calls->arg);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)what;
	for (unsigned i = 0; i < MESSAGES_A_WAKE && w->fd == fd; i++) {
		struct probe_event ev[PROBE_EVENTS_MAX];
		int n = prober_receive(fd, ev);

		if (n < 0 && errno == EBADMSG) {
			end(w, "spoke out of turn and was killed");
			return;
		}
		/* ECONNRESET: it ended and left ours unread. Said once, and before
		 * what it wrote, which is read next. */
		if (n < 0 && errno == ECONNRESET)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(w, NULL);
			return;
		}
		for (int j = 0; j < n && w->fd == fd; j++)
			hear(w, &ev[j]);
	}
}

/* A gap in our own watching is ours, not theirs: a paused machine pauses them too. */
static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct workers *all = arg;
	uint64_t now = now_boot_ms();
	bool gap = now - all->watched_ms > 2 * (uint64_t)WATCH_MS;

	(void)fd;
	(void)what;
	all->watched_ms = now;
	for (uint32_t i = 0; i < all->options.count; i++) {
		struct worker *w = &all->worker[i];

		if (gap)
			w->heard_ms = now;
		if (w->fd < 0 || now - w->heard_ms < CHILD_STUCK_MS)
			continue;
		(void)kill(w->pid, SIGKILL);
		end(w, "was silent for 5 s and was killed");
	}
}

struct workers *
workers_new(const struct workers_options *o, struct err *e)
{
	struct workers *all = calloc(1, sizeof *all);

	assert(o->count >= 1 && o->count <= WORKERS_MAX);
	if (all == NULL) {
		(void)err_set(e, "cannot start prober workers: out of memory");
		return NULL;
	}
	all->options = *o;
	for (uint32_t i = 0; i < o->count; i++) {
		all->worker[i].all = all;
		all->worker[i].index = i;
		all->worker[i].fd = -1;
	}
	for (uint32_t i = 0; i < o->count; i++) {
		if (spawn(&all->worker[i], e))
			continue;
		workers_free(all);
		return NULL;
	}
	return all;
}

bool
workers_start(struct workers *all, struct event_base *base,
    const struct workers_calls *calls, struct err *e)
{
	struct timeval t = {.tv_sec = WATCH_MS / 1000};

	all->base = base;
	all->calls = *calls;
	all->watched_ms = now_boot_ms();
	all->watch = event_new(base, -1, EV_PERSIST, on_watch, all);
	if (all->watch == NULL || event_add(all->watch, &t) != 0)
		return err_set(e, "cannot watch the prober workers: out of memory");
	for (uint32_t i = 0; i < all->options.count; i++) {
		struct worker *w = &all->worker[i];

		w->heard_ms = now_boot_ms();
		w->again = event_new(base, -1, 0, on_again, w);
		if (w->again == NULL)
			return err_set(
			    e, "cannot watch the prober workers: out of memory");
		if (!listen_to(w, e))
			return false;
	}
	return true;
}

static struct worker *
worker_of(struct workers *all, uint32_t id)
{
	return &all->worker[id % all->options.count];
}

/* One that is not ready yet is told by `started`. */
void
workers_target(struct workers *all, uint32_t id)
{
	struct worker *w = worker_of(all, id);

	if (!w->ready)
		return;
	queue_put(w, PROBER_TARGET, id);
	if (w->gone)
		flush(w);
}

void
workers_drop(struct workers *all, uint32_t id)
{
	struct worker *w = worker_of(all, id);

	if (!w->ready)
		return;
	queue_put(w, PROBER_DROP, id);
	flush(w);
}

void
workers_result(struct workers *all, uint32_t id, uint32_t slot, uint64_t ticket,
    enum outcome outcome)
{
	struct worker *w = worker_of(all, id);
	struct note note = {.kind = PROBER_RESULT,
	    .id = id,
	    .ticket = ticket,
	    .slot = (uint8_t)slot,
	    .outcome = (uint8_t)outcome};

	if (!w->ready)
		return;
	queue_note(w, &note);
	flush(w);
}

uint32_t
workers_count(const struct workers *all)
{
	return all->options.count;
}

uint32_t
workers_alive(const struct workers *all)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < all->options.count; i++)
		n += all->worker[i].ready;
	return n;
}

uint64_t
workers_late_ms(const struct workers *all)
{
	uint64_t late_us = 0;

	for (uint32_t i = 0; i < all->options.count; i++)
		if (all->worker[i].late_us > late_us)
			late_us = all->worker[i].late_us;
	return late_us / 1000;
}

void
workers_free(struct workers *all)
{
	if (all == NULL)
		return;
	for (uint32_t i = 0; i < all->options.count; i++)
		close_socket(&all->worker[i]);
	uint64_t until_ms = now_boot_ms() + END_WAIT_MS;
	for (uint32_t i = 0; i < all->options.count; i++) {
		struct worker *w = &all->worker[i];
		uint64_t now = now_boot_ms();

		if (w->pid != 0)
			(void)child_reap(w->pid, now < until_ms ? until_ms - now : 0);
		if (w->again != NULL)
			event_free(w->again);
		free(w->queue);
	}
	if (all->watch != NULL)
		event_free(all->watch);
	free(all);
}
