/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side. One question a connection: no session state, nothing to resync.
 *
 * Who may ask is decided by the kernel twice: the socket's mode, and SO_PEERCRED for
 * the day that somebody loosens the directory. The mode is set between bind and
 * listen, so that there is no moment in which others can connect.
 */
#include "steering/agent/control.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "steering/agent/door.h"

#define CALLS_MAX 32
#define ASK_S 5
#define BACKLOG 16

struct control_call {
	struct control *control;
	struct bufferevent *peer;
	uid_t uid;
	bool asked, answered;
	void (*gone)(void *arg);
	void *gone_arg;
	struct control_call *next, **back;
};

struct control {
	struct event_base *base;
	struct evconnlistener *listener;
	struct door *door;
	control_handler handler;
	void *arg;
	struct control_call *calls;
	unsigned count, count_max;
	char path[108];
};

static void
call_free(struct control_call *call)
{
	if (call->next != NULL)
		call->next->back = call->back;
	*call->back = call->next;
	call->control->count--;
	bufferevent_free(call->peer);
	free(call);
}

static void
call_lost(struct control_call *call)
{
	if (call->asked && !call->answered && call->gone != NULL)
		call->gone(call->gone_arg);
	call_free(call);
}

void
control_on_gone(struct control_call *call, void (*gone)(void *arg), void *arg)
{
	call->gone = gone;
	call->gone_arg = arg;
}

/* ---- the answer ---- */

static void
on_written(struct bufferevent *peer, void *arg)
{
	struct control_call *call = arg;

	(void)peer;
	if (call->answered)
		call_free(call);
}

void
control_answer(struct control_call *call, struct json *answer)
{
	struct timeval patience = {.tv_sec = ASK_S};
	char *text = json_write(answer, false);

	assert(!call->answered);
	call->answered = true;
	json_free(answer);
	(void)bufferevent_set_timeouts(call->peer, NULL, &patience);
	(void)bufferevent_write(call->peer, text, strlen(text));
	(void)bufferevent_write(call->peer, "\n", 1);
	free(text);
}

void
control_answer_text(struct control_call *call, bool ok, const char *text)
{
	struct json *answer = json_map_new();

	json_put_bool(answer, "ok", ok);
	json_put_text(answer, "text", text);
	control_answer(call, answer);
}

/* ---- the question ---- */

/* False: too long, or no string. Absent is "". */
static bool
take_text(const struct json *q, const char *key, char *out, size_t out_bytes)
{
	const char *text = json_text(q, key, NULL);

	out[0] = '\0';
	if (text == NULL)
		return json_get(q, key) == NULL;
	if (strlen(text) >= out_bytes)
		return false;
	(void)snprintf(out, out_bytes, "%s", text);
	return true;
}

static bool
take_request(const struct json *q, struct control_request *r, struct err *e)
{
	int64_t for_s = json_int(q, "for_s", 0);

	if (!json_is_map(q) ||
	    !take_text(q, "command", r->command, sizeof r->command) ||
	    r->command[0] == '\0')
		return err_set(e, "a question is an object with a \"command\"");
	if (!take_text(q, "service", r->service, sizeof r->service) ||
	    !take_text(q, "member", r->member, sizeof r->member) ||
	    !take_text(q, "scenario", r->scenario, sizeof r->scenario) ||
	    !take_text(q, "step", r->step, sizeof r->step))
		return err_set(e, "names are strings shorter than %d", WORD_MAX);
	if (!take_text(q, "reason", r->reason, sizeof r->reason))
		return err_set(
		    e, "the reason is a string shorter than %d", CONTROL_REASON_MAX);
	if (for_s < 0 || (for_s == 0 && json_get(q, "for_s") != NULL))
		return err_set(e, "for_s is a number of seconds above 0");
	r->for_s = (uint64_t)for_s;
	r->planned = json_flag(q, "planned");
	r->drill = json_flag(q, "drill");
	return true;
}

static void
take_question(struct control_call *call, const char *line, size_t n)
{
	struct control_request request = {.uid = call->uid};
	struct err e;
	struct json *q = json_read(line, n, &e);

	call->asked = true;
	if (q != NULL && take_request(q, &request, &e))
		call->control->handler(call, &request, call->control->arg);
	else
		control_answer_text(call, false, e.text);
	json_free(q);
}

static void
on_read(struct bufferevent *peer, void *arg)
{
	struct control_call *call = arg;
	struct evbuffer *in = bufferevent_get_input(peer);
	size_t n;

	if (call->asked) {
		(void)evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	char *line = evbuffer_readln(in, &n, EVBUFFER_EOL_LF);
	if (line != NULL) {
		(void)bufferevent_set_timeouts(peer, NULL, NULL);
		take_question(call, line, n);
	} else if (evbuffer_get_length(in) >= CONTROL_QUESTION_MAX) {
		call->asked = true;
		control_answer_text(call, false, "the question is longer than 4 KiB");
	}
	free(line);
}

static void
on_event(struct bufferevent *peer, short what, void *arg)
{
	struct control_call *call = arg;

	(void)peer;
	/* Who has asked may close its writing half and still wait. */
	if ((what & BEV_EVENT_EOF) != 0 && call->asked) {
		(void)bufferevent_disable(peer, EV_READ);
		return;
	}
	call_lost(call);
}

static bool
may_ask(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0)
		return false;
	*uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
    int from_bytes, void *arg)
{
	struct control *c = arg;
	struct timeval patience = {.tv_sec = ASK_S};
	uid_t uid;

	(void)listener;
	(void)from;
	(void)from_bytes;
	door_entered(c->door);
	if (c->count >= c->count_max || !may_ask(fd, &uid)) {
		(void)close(fd);
		return;
	}
	struct control_call *call = calloc(1, sizeof *call);
	if (call == NULL)
		abort();
	call->peer = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (call->peer == NULL)
		abort();
	call->control = c;
	call->uid = uid;
	call->next = c->calls;
	call->back = &c->calls;
	if (c->calls != NULL)
		c->calls->back = &call->next;
	c->calls = call;
	c->count++;
	bufferevent_setcb(call->peer, on_read, on_written, on_event, call);
	bufferevent_setwatermark(call->peer, EV_READ, 0, CONTROL_QUESTION_MAX);
	(void)bufferevent_set_timeouts(call->peer, &patience, NULL);
	(void)bufferevent_enable(call->peer, EV_READ | EV_WRITE);
}

static void
on_error(struct evconnlistener *listener, void *arg)
{
	const struct control *c = arg;

	(void)listener;
	door_failed(c->door, errno);
}

/* ---- begin and end ---- */

/* A socket that nobody listens on is left over from a kill: it goes. */
static bool
clear_path(const struct sockaddr_un *at, struct err *e)
{
	struct stat st;

	if (lstat(at->sun_path, &st) != 0)
		return errno == ENOENT ? true : err_set(e, "%s", strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "stands there already and is no socket");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(e, "%s", strerror(errno));
	bool refused = connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 &&
	    errno == ECONNREFUSED;
	(void)close(fd);
	if (!refused)
		return err_set(e, "another agent listens there: stop it first");
	if (unlink(at->sun_path) != 0 && errno != ENOENT)
		return err_set(e, "%s", strerror(errno));
	return true;
}

static int
listen_at(const char *path, struct err *e)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof at.sun_path) {
		(void)err_set(e, "the path is longer than %zu", sizeof at.sun_path - 1);
		return -1;
	}
	(void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	if (!clear_path(&at, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
	    chmod(path, 0600) != 0 || listen(fd, BACKLOG) != 0) {
		(void)err_set(e, "%s", strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	return fd;
}

struct control *
control_new(struct event_base *base, const char *path, control_handler handler,
    void *arg, struct facts *facts, struct err *e)
{
	int fd = listen_at(path, e);

	if (fd < 0) {
		char where[140];
		(void)snprintf(where, sizeof where, "control socket %s", path);
		(void)err_wrap(e, where);
		return NULL;
	}
	struct control *c = calloc(1, sizeof *c);
	if (c == NULL)
		abort();
	c->base = base;
	c->handler = handler;
	c->arg = arg;
	c->count_max = door_bound(CALLS_MAX);
	(void)snprintf(c->path, sizeof c->path, "%s", path);
	c->listener = evconnlistener_new(
	    base, on_accept, c, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (c->listener == NULL)
		abort();
	c->door = door_new(base, c->listener, facts, "the control socket");
	evconnlistener_set_error_cb(c->listener, on_error);
	return c;
}

void
control_free(struct control *c)
{
	if (c == NULL)
		return;
	while (c->calls != NULL)
		call_lost(c->calls);
	door_free(c->door);
	evconnlistener_free(c->listener);
	(void)unlink(c->path);
	free(c);
}
