/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's life: confine, greet, serve, end with the socket.
 *
 * The agent is trusted, but its build may be another one: a message of the wrong size
 * or order ends the worker with a status that says so, and nothing is guessed.
 */
#include "probe/prober.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/sandbox.h"
#include "probe/worker.h"

#define MESSAGES_AT_ONCE 64 /* then the probes have their turn */
#define STARTS_AT_ONCE 16
#define STARTS_A_TICK 100 /* whatever else there is to do: 10,000 a second */
#define HEARTBEAT_US UINT64_C(1000000)

static void
end(struct worker *w, enum prober_exit why)
{
	w->over = true;
	w->exit = why;
	(void)event_base_loopbreak(w->loop.base);
}

void
worker_reschedule(struct worker *w)
{
	uint64_t next_us = schedule_next_us(&w->schedule);

	if (next_us == UINT64_MAX || w->behind)
		return;
	if (w->due.node.place == 0 || w->due.node.due_us > next_us)
		loop_set(&w->loop, &w->due, next_us);
}

/* A few at a time. The rest is started when no socket has anything to say, so that with
 * more to do than can be done what is under way ends first, and stays little; yet
 * some at each tick, because somebody may talk without an end. */
static void
start_due(struct worker *w, uint64_t now_us, int most)
{
	static const struct timeval next_turn = {0};
	struct beat *b = NULL;
	int n = 0;

	w->behind = false;
	while (n++ < most && (b = schedule_due(&w->schedule, now_us)) != NULL)
		flight_start(w, heap_entry(b, struct slot, beat));
	w->behind = b != NULL;
	if (w->behind) {
		(void)evtimer_add(w->more, &next_turn);
		loop_set(&w->loop, &w->due, now_us + LOOP_TICK_US);
	} else {
		worker_reschedule(w);
	}
	if (w->outbox.deaf)
		end(w, PROBER_EXIT_DEAF);
}

static void
on_due(struct timer *t, uint64_t now_us)
{
	struct worker *w = heap_entry(t, struct worker, due);

	start_due(w, now_us, w->behind ? STARTS_A_TICK : STARTS_AT_ONCE);
}

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	start_due(arg, loop_now_us(), STARTS_AT_ONCE);
}

static void
on_heartbeat(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t now_us = loop_now_us(), late_us = loop_take_late_us(&w->loop);
	uint64_t probes_us = schedule_take_late_us(&w->schedule);
	uint64_t own_us = now_us - w->beat_us;
	struct probe_event ev = {.kind = PROBE_LAG, .start_ms = now_us / 1000};

	(void)fd;
	(void)what;
	own_us = own_us > HEARTBEAT_US ? own_us - HEARTBEAT_US : 0;
	if (late_us < own_us)
		late_us = own_us;
	if (late_us < probes_us)
		late_us = probes_us;
	ev.latency_us = late_us < UINT32_MAX ? (uint32_t)late_us : UINT32_MAX;
	w->beat_us = now_us;
	outbox_tell(&w->outbox, &ev);
	if (w->outbox.deaf)
		end(w, PROBER_EXIT_DEAF);
}

static bool
greet(struct worker *w, const struct prober_msg *m)
{
	struct probe_event ready = {.kind = PROBE_READY};
	struct timeval second = {.tv_sec = HEARTBEAT_US / 1000000};
	struct err e;

	if (m->protocol != PROBER_PROTOCOL) {
		end(w, PROBER_EXIT_PROTOCOL);
		return false;
	}
	schedule_init(&w->schedule, m->seed, m->once);
	w->greeted = true;
	w->http.base = w->loop.base;
	w->resolver = w->http.resolver = resolver_new(w->loop.base, m->nameservers, &e);
	if (w->resolver == NULL)
		return false;
	w->http.web = web_new(w->loop.base, m->user_agent, &e);
	tls_system_init(&w->authorities, web_authorities());
	w->names = names_new(&w->loop, w->resolver);
	if (w->http.web == NULL || w->names == NULL)
		return false;
	if (!sandbox_close(&e)) {
		end(w, PROBER_EXIT_SANDBOX);
		return false;
	}
	if (SANDBOX_RELAXED)
		(void)snprintf(ready.text, sizeof ready.text,
		    "a sanitizer's build: workers have no system-call filter");
	outbox_tell(&w->outbox, &ready);
	w->beat_us = loop_now_us();
	return event_add(w->heartbeat, &second) == 0;
}

static void
obey(struct worker *w, const struct prober_msg *m)
{
	if (w->greeted != (m->kind != PROBER_HELLO)) {
		end(w, PROBER_EXIT_PROTOCOL);
		return;
	}
	switch ((enum prober_msg_kind)m->kind) {
	case PROBER_HELLO:
		if (!greet(w, m) && !w->over)
			end(w, PROBER_EXIT_START);
		return;
	case PROBER_TARGET:
		if (!target_put(w, m))
			end(w, PROBER_EXIT_START);
		return;
	case PROBER_DROP:
		target_drop(w, m->id);
		return;
	case PROBER_GO:
		if (!w->going)
			targets_go(w);
		return;
	case PROBER_RESULT:
		target_result(w, m);
		return;
	}
	end(w, PROBER_EXIT_PROTOCOL);
}

static void
close_texts(struct prober_msg *m)
{
#define CLOSE(text) (text)[sizeof(text) - 1] = '\0'
	CLOSE(m->user_agent);
	CLOSE(m->nameservers);
	CLOSE(m->host);
	CLOSE(m->check.name);
	CLOSE(m->check.source);
	CLOSE(m->check.http.method);
	CLOSE(m->check.http.path);
	CLOSE(m->check.http.host);
	CLOSE(m->check.http.headers);
	CLOSE(m->check.http.contains);
	CLOSE(m->check.http.matches);
	CLOSE(m->check.http.ca);
	CLOSE(m->check.http.cert);
	CLOSE(m->check.http.key);
	CLOSE(m->check.tcp.send);
	CLOSE(m->check.tcp.expect);
	CLOSE(m->check.tcp.server_name);
	CLOSE(m->check.tcp.ca);
	CLOSE(m->check.dns.name);
	CLOSE(m->check.dns.contains);
	for (unsigned i = 0; i < CHECK_ANSWERS_MAX; i++)
		CLOSE(m->check.dns.answer[i]);
#undef CLOSE
}

/* Descriptors come in the order of their kinds, where the message says that they do. */
static void
take_files(struct prober_msg *m, const struct msghdr *head)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(head);
	int fd[PROBER_FILES];
	size_t fds = 0, used = 0;

	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
		fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof fd[0];
		memcpy(fd, CMSG_DATA(c), fds * sizeof fd[0]);
	}
	for (unsigned i = 0; i < PROBER_FILES; i++) {
		bool attached = m->file[i].fd >= 0 && used < fds;

		m->file[i].fd = attached ? fd[used++] : -1;
	}
	while (used < fds)
		(void)close(fd[used++]);
}

static ssize_t
receive(int fd, struct prober_msg *m)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(PROBER_FILES * sizeof(int))];
	struct iovec piece = {.iov_base = m, .iov_len = sizeof *m};
	struct msghdr head = {.msg_iov = &piece,
	    .msg_iovlen = 1,
	    .msg_control = room,
	    .msg_controllen = sizeof room};
	ssize_t n = recvmsg(fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n == sizeof *m)
		take_files(m, &head);
	return n;
}

static void
close_files(const struct prober_msg *m)
{
	for (unsigned i = 0; i < PROBER_FILES; i++) {
		if (m->file[i].fd >= 0)
			(void)close(m->file[i].fd);
	}
}

static void
on_message(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct prober_msg m;

	(void)what;
	for (int i = 0; i < MESSAGES_AT_ONCE && !w->over; i++) {
		ssize_t n = receive(fd, &m);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			end(w, PROBER_EXIT_CLOSED);
			return;
		}
		if ((size_t)n != sizeof m) {
			end(w, PROBER_EXIT_PROTOCOL);
			return;
		}
		close_texts(&m);
		obey(w, &m);
		close_files(&m);
	}
}

static bool
open_worker(struct worker *w, int fd)
{
	struct err e;

	w->fd = fd;
	w->due.fire = on_due;
	w->targets.end = &w->targets.first;
	if (!loop_init(&w->loop, &e))
		return false;
	if (!outbox_init(&w->outbox, &w->loop, fd, &e)) {
		loop_fini(&w->loop);
		return false;
	}
	w->messages = event_new(w->loop.base, fd, EV_READ | EV_PERSIST, on_message, w);
	w->heartbeat = event_new(w->loop.base, -1, EV_PERSIST, on_heartbeat, w);
	w->more = event_new(w->loop.base, -1, 0, on_more, w);
	return w->messages != NULL && w->heartbeat != NULL && w->more != NULL &&
	    event_priority_set(w->more, LOOP_PRIORITY_LAST) == 0 &&
	    event_add(w->messages, NULL) == 0;
}

static void
close_worker(struct worker *w)
{
	if (w->names != NULL)
		targets_drop_all(w);
	names_free(w->names);
	web_free(w->http.web);
	if (w->http.web != NULL)
		tls_system_fini(&w->authorities);
	resolver_free(w->resolver);
	schedule_fini(&w->schedule);
	event_free(w->messages);
	event_free(w->heartbeat);
	event_free(w->more);
	outbox_fini(&w->outbox);
	loop_fini(&w->loop);
}

int
prober_main(int fd)
{
	struct worker *w;
	struct err e;
	enum prober_exit why;

	if (!sandbox_enter(&e))
		return PROBER_EXIT_SANDBOX;
	tls_use_pool();
	w = calloc(1, sizeof *w);
	if (w == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || !open_worker(w, fd))
		return PROBER_EXIT_START;
	(void)event_base_dispatch(w->loop.base);
	why = w->exit;
	close_worker(w);
	free(w);
	return (int)why;
}
