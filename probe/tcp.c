/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that says no more than a port sends nothing and reads nothing: a service that
 * greets slowly is no worse for it. curl's CONNECT_ONLY does the same for twice the
 * processor time.
 *
 * The conversation is one loop over what can be done now, over the socket or over TLS,
 * whose every operation may want the socket readable or writable. `expect` may cross
 * the pieces in which an answer comes, and may hold any byte but zero.
 */
#include "probe/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum tcp_phase { TCP_CONNECTING = 0, TCP_HANDSHAKE, TCP_SENDING, TCP_READING };

struct tcp_try {
	const struct tcp_plan *plan;
	struct event_base *base;
	struct connect connect;
	enum tcp_phase phase;
	int fd; /* -1: none */
	struct event ev;
	bool watched;
	struct tls_stream *tls; /* NULL: none */
	size_t sent, heard;
	char *answer; /* NULL: none yet */
	tcp_done_fn *done;
	void *arg;
};

static void
try_free(struct tcp_try *t)
{
	connect_cancel(&t->connect);
	if (t->watched)
		(void)event_del(&t->ev);
	tls_stream_free(t->tls);
	if (t->fd >= 0)
		(void)close(t->fd);
	free(t->answer);
	free(t);
}

static void
finish(struct tcp_try *t, const struct probe_result *r)
{
	tcp_done_fn *done = t->done;
	void *arg = t->arg;

	try_free(t);
	done(arg, r);
}

static enum tls_step
step_of(ssize_t n)
{
	if (n > 0)
		return TLS_DONE;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return TLS_WANTS_READ;
	return TLS_CLOSED;
}

static enum tls_step
send_some(struct tcp_try *t)
{
	const char *from = t->plan->check->send + t->sent;
	size_t left = strlen(from), n = 0;
	enum tls_step step = TLS_DONE;

	if (left == 0) {
		t->phase = TCP_READING;
		return TLS_DONE;
	}
	if (t->tls != NULL) {
		step = tls_stream_write(t->tls, from, left, &n);
	} else {
		ssize_t sent = send(t->fd, from, left, MSG_NOSIGNAL);

		step = step_of(sent);
		n = sent > 0 ? (size_t)sent : 0;
		if (step == TLS_WANTS_READ)
			step = TLS_WANTS_WRITE;
	}
	t->sent += n;
	return step;
}

static enum tls_step
read_some(struct tcp_try *t)
{
	size_t room = CHECK_BODY_BYTES - t->heard, n = 0;
	char *to = t->answer + t->heard;
	enum tls_step step;

	if (t->tls != NULL) {
		step = tls_stream_read(t->tls, to, room, &n);
	} else {
		ssize_t got = recv(t->fd, to, room, 0);

		step = step_of(got);
		n = got > 0 ? (size_t)got : 0;
	}
	t->heard += n;
	return step;
}

/* True: *r is the verdict. */
static bool
judge(struct tcp_try *t, bool over, struct probe_result *r)
{
	const struct check_tcp *check = t->plan->check;
	const char *expect = check->expect;

	if (memmem(t->answer, t->heard, expect, strlen(expect)) != NULL)
		result_pass(r);
	else if (over && t->heard == 0)
		result_fail(r, PROBE_RESET, "closed without an answer");
	else if (over || t->heard == CHECK_BODY_BYTES)
		result_fail(r, PROBE_BODY, "\"%.80s\" is not in the answer (%zu bytes)",
		    expect, t->heard);
	else
		return false;
	return true;
}

static bool
read_on(struct tcp_try *t, enum tls_step *step, struct probe_result *r)
{
	if (t->plan->check->expect[0] == '\0') {
		result_pass(r);
		return true;
	}
	if (t->answer == NULL)
		t->answer = malloc(CHECK_BODY_BYTES);
	if (t->answer == NULL) {
		result_local(r, "cannot probe from here: out of memory");
		return true;
	}
	*step = read_some(t);
	return *step != TLS_FAILED && judge(t, *step == TLS_CLOSED, r);
}

static bool
shake_hands(struct tcp_try *t, enum tls_step *step, struct probe_result *r)
{
	*step = tls_stream_shake_hands(t->tls);
	if (*step != TLS_DONE)
		return false;
	t->phase = TCP_SENDING;
	return !tls_stream_has_days(t->tls, t->plan->check->min_days, r);
}

/* As far as it goes now. True: *r is the verdict; else *step is what it waits for. */
static bool
converse(struct tcp_try *t, enum tls_step *step, struct probe_result *r)
{
	bool over = false;

	do {
		if (t->phase == TCP_HANDSHAKE)
			over = shake_hands(t, step, r);
		else if (t->phase == TCP_SENDING)
			*step = send_some(t);
		else
			over = read_on(t, step, r);
	} while (!over && *step == TLS_DONE);
	if (over)
		return true;
	if (*step == TLS_FAILED)
		tls_stream_blame(t->tls, t->plan->check->server_name, r);
	else if (*step == TLS_CLOSED)
		result_fail(r, t->phase == TCP_HANDSHAKE ? PROBE_TLS : PROBE_RESET,
		    "closed %s",
		    t->phase == TCP_HANDSHAKE ? "in the TLS handshake"
					      : "while we were sending");
	return *step == TLS_FAILED || *step == TLS_CLOSED;
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_try *t = arg;
	struct probe_result r = {0};
	enum tls_step step = TLS_DONE;

	(void)what;
	t->watched = false;
	if (!converse(t, &step, &r)) {
		(void)event_assign(&t->ev, t->base, fd,
		    step == TLS_WANTS_WRITE ? EV_WRITE : EV_READ, on_ready, t);
		t->watched = event_add(&t->ev, NULL) == 0;
		if (t->watched)
			return;
		result_local(&r, "cannot watch a socket: out of memory");
	}
	finish(t, &r);
}

static void
on_connect(void *arg, int fd, int error)
{
	struct tcp_try *t = arg;
	const struct tcp_plan *p = t->plan;
	struct probe_result r = {0};

	t->fd = fd;
	if (error != 0) {
		result_from_connect(&r, error, false);
	} else if (p->client == NULL) {
		t->phase = TCP_SENDING;
		on_ready(fd, EV_WRITE, t);
		return;
	} else {
		t->phase = TCP_HANDSHAKE;
		t->tls = tls_stream_new(p->client, fd, p->check->server_name);
		if (t->tls != NULL) {
			on_ready(fd, EV_WRITE, t);
			return;
		}
		result_local(&r, "cannot probe from here: out of memory");
	}
	finish(t, &r);
}

bool
tcp_plan_init(struct tcp_plan *p, const struct check_tcp *check, uint16_t port,
    const struct connect_from *from, const struct prober_file file[PROBER_FILES],
    struct tls_system *system, struct err *e)
{
	const struct tls_trust *trust = NULL;

	*p = (struct tcp_plan){.check = check, .from = from, .port = port};
	if (!check->tls)
		return true;
	if (check->verify) {
		trust =
		    tls_trust_choose(check->ca, &file[PROBER_CA], system, &p->trust, e);
		if (trust == NULL)
			return false;
	}
	p->client = tls_client_new(trust);
	if (p->client != NULL)
		return true;
	tcp_plan_fini(p);
	return err_set(e, "out of memory");
}

void
tcp_plan_fini(struct tcp_plan *p)
{
	tls_client_free(p->client);
	tls_trust_free(p->trust);
	*p = (struct tcp_plan){0};
}

struct tcp_try *
tcp_start(struct event_base *base, const struct tcp_plan *plan,
    const struct address *to, tcp_done_fn *done, void *arg, struct probe_result *r)
{
	struct tcp_try *t = calloc(1, sizeof *t);

	if (t == NULL) {
		result_local(r, "cannot probe from here: out of memory");
		return NULL;
	}
	t->plan = plan;
	t->base = base;
	t->fd = -1;
	t->connect.speaks = plan->client != NULL || plan->check->send[0] != '\0';
	t->done = done;
	t->arg = arg;
	if (connect_start(
		&t->connect, base, to, plan->port, plan->from, on_connect, t, r))
		return t;
	free(t);
	return NULL;
}

void
tcp_cancel(struct tcp_try *t)
{
	try_free(t);
}

const char *
tcp_phase(const struct tcp_try *t)
{
	static const char *const words[] = {
	    [TCP_CONNECTING] = "connecting",
	    [TCP_HANDSHAKE] = "in the TLS handshake",
	    [TCP_SENDING] = "sending",
	    [TCP_READING] = "waiting for what is expected",
	};

	return words[t->phase];
}

bool
tcp_is_silent(const struct tcp_try *t)
{
	return t->heard == 0;
}
