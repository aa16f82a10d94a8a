/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evhttp reads the requests; what it does not bound is bounded here. It makes its own
 * connection around the bufferevent that it is given and tells nobody of it, so a
 * connection is ended by shutdown() of its socket, which evhttp sees as the end of
 * the stream, and is known to be gone when its SSL is freed. Rejected: a handshake of
 * our own before evhttp, which has no way to take a connected socket over; to answer
 * NULL for "no room", on which evhttp would go on without TLS.
 *
 * Who floods the door with handshakes pushes out the oldest unfinished one: a peer's
 * handshake takes a few round trips, a loiterer's three seconds.
 */
#include "steering/agent/peer_serve.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "steering/agent/agent.h"
#include "steering/agent/door.h"
#include "steering/agent/facts.h"

#define BACKLOG 64
#define SHAKING_MAX 64
#define OF_A_PEER_MAX 4
#define HEADERS_MAX 16384
#define REFUSALS_SAID_MAX 20 /* in a minute */

struct visit {
	struct peer_serve *serve; /* NULL: it is gone, or wants no more of this */
	struct bufferevent *peer;
	struct event *deadline;
	char address[INET6_ADDRSTRLEN]; /* for the log; "" not known */
	int32_t agent;                  /* -1 in handshake */
	bool ending;
	struct visit *next, **link;
};

struct peer_serve {
	struct event_base *base;
	struct peer_wire_conf conf;
	struct peer_tls *tls;
	struct peer_wire_calls calls;
	struct facts *facts;
	struct evhttp *http;
	struct evhttp_bound_socket *bound;
	struct door *door;
	uint16_t port;
	struct visit *visits; /* newest first */
	unsigned shaking, shaking_max;
	struct peer_cert cert[AGENTS_MAX];
	uint64_t minute_ms; /* since when refusals are counted */
	unsigned refusals;
	struct peer_serve *next; /* of all */
};

/* A listener has one argument for both its callbacks, and it is evhttp's: here the
 * error's finds its server (a process has one; tests have several). */
static struct peer_serve *all;

static struct timeval
timeval_of(uint32_t ms)
{
	return (struct timeval){ms / 1000, (suseconds_t)(ms % 1000) * 1000};
}

/* ---- connections ---- */

static void
end_visit(struct visit *v)
{
	if (v->ending || bufferevent_getfd(v->peer) < 0)
		return;
	v->ending = true;
	(void)shutdown(bufferevent_getfd(v->peer), SHUT_RDWR);
}

static void
end_oldest(struct peer_serve *s, int32_t agent)
{
	struct visit *oldest = NULL;

	for (struct visit *v = s->visits; v != NULL; v = v->next)
		if (v->agent == agent && !v->ending)
			oldest = v;
	if (oldest != NULL)
		end_visit(oldest);
}

static void
await(struct visit *v, uint32_t ms)
{
	struct timeval t = timeval_of(ms);

	(void)event_add(v->deadline, &t);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	end_visit(arg);
}

/* ---- strangers ---- */

static void
take_address(struct visit *v)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof at;

	if (getpeername(bufferevent_getfd(v->peer), (struct sockaddr *)&at, &n) == 0)
		(void)inet_ntop(at.ss_family,
		    at.ss_family == AF_INET6
			? (const void *)&((struct sockaddr_in6 *)&at)->sin6_addr
			: (const void *)&((struct sockaddr_in *)&at)->sin_addr,
		    v->address, sizeof v->address);
}

/* Anybody can cause these: the log takes so many a minute. */
static void
say_refused(struct peer_serve *s, const struct visit *v, const char *why)
{
	uint64_t now = now_boot_ms();

	if (now - s->minute_ms >= 60000) {
		s->minute_ms = now;
		s->refusals = 0;
	}
	if (s->facts == NULL || s->refusals >= REFUSALS_SAID_MAX ||
	    v->address[0] == '\0') /* it went at once: there was nobody to refuse */
		return;
	s->refusals++;
	facts_say(s->facts, FACT_PEER, FACT_WARN, NULL, NULL,
	    "peers: no connection for %s: %s%s", v->address, why,
	    s->refusals == REFUSALS_SAID_MAX ? " (further ones not said for a minute)"
					     : "");
}

static void
shaken(struct peer_serve *s, struct visit *v, const struct peer_shown *shown)
{
	unsigned same = 0;

	assert(shown->agent >= 0);
	v->agent = shown->agent;
	s->shaking--;
	s->cert[v->agent] = shown->cert;
	await(v, s->conf.idle_ms);
	for (const struct visit *o = s->visits; o != NULL; o = o->next)
		same += o->agent == v->agent && !o->ending;
	if (same > OF_A_PEER_MAX)
		end_oldest(s, v->agent);
}

static void
let_in(struct peer_serve *s)
{
	if (s->bound != NULL && s->shaking < s->shaking_max && !door_rests(s->door))
		(void)evconnlistener_enable(evhttp_bound_socket_get_listener(s->bound));
}

static void
gone(struct visit *v)
{
	struct peer_serve *s = v->serve;

	if (s != NULL) {
		*v->link = v->next;
		if (v->next != NULL)
			v->next->link = v->link;
		s->shaking -= v->agent < 0;
		let_in(s);
	}
	event_free(v->deadline);
	free(v);
}

/* From within OpenSSL. */
static void
on_tls(enum peer_tls_event what, const struct peer_shown *shown, void *arg)
{
	struct visit *v = arg;

	switch (what) {
	case PEER_TLS_BEGUN:
		take_address(v);
		return;
	case PEER_TLS_SHAKEN:
		if (v->serve != NULL && !v->ending)
			shaken(v->serve, v, shown);
		return;
	case PEER_TLS_REFUSED:
		if (v->serve != NULL && !v->ending)
			say_refused(v->serve, v, shown->why);
		return;
	case PEER_TLS_GONE:
		gone(v);
		return;
	}
}

/* evhttp has accepted somebody and asks for what shall carry the bytes. */
static struct bufferevent *
on_accept(struct event_base *base, void *arg)
{
	struct peer_serve *s = arg;
	struct visit *v = calloc(1, sizeof *v);

	if (v == NULL)
		abort();
	door_entered(s->door);
	v->serve = s;
	v->agent = -1;
	v->deadline = evtimer_new(base, on_deadline, v);
	if (v->deadline == NULL)
		abort();
	v->peer = peer_tls_accept(s->tls, base, on_tls, v);
	v->next = s->visits;
	v->link = &s->visits;
	if (s->visits != NULL)
		s->visits->link = &v->next;
	s->visits = v;
	await(v, s->conf.handshake_ms);
	if (++s->shaking >= s->shaking_max) {
		end_oldest(s, -1);
		(void)evconnlistener_disable(
		    evhttp_bound_socket_get_listener(s->bound));
	}
	return v->peer;
}

static void
on_error(struct evconnlistener *listener, void *evhttp)
{
	int error = errno;

	(void)listener;
	for (const struct peer_serve *s = all; s != NULL; s = s->next)
		if (s->http == evhttp)
			door_failed(s->door, error);
}

/* ---- requests ---- */

static void
answer(struct evhttp_request *request, int status, const char *type, const char *body,
    size_t n)
{
	struct evbuffer *out = evbuffer_new();
	struct evkeyvalq *head = evhttp_request_get_output_headers(request);
	static const struct {
		int status;
		const char *words;
	} words[] = {{200, "OK"}, {204, "No Content"}, {400, "Bad Request"},
	    {404, "Not Found"}, {405, "Method Not Allowed"}, {409, "Conflict"},
	    {503, "Service Unavailable"}};
	const char *say = "Answer";

	if (out == NULL || evbuffer_add(out, body, n) != 0)
		abort();
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].status == status)
			say = words[i].words;
	if (n > 0)
		(void)evhttp_add_header(head, "Content-Type", type);
	evhttp_send_reply(request, status, say, out);
	evbuffer_free(out);
}

static void
answer_text(struct evhttp_request *request, int status, const char *allow)
{
	static const char text[] = "here are POST /v1/report and GET /v1/hello\n";

	if (allow != NULL)
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Allow", allow);
	answer(request, status, "text/plain", text, sizeof text - 1);
}

static void
answer_hello(struct peer_serve *s, struct evhttp_request *request)
{
	char text[200];
	int n = snprintf(text, sizeof text,
	    "{\"agent\":\"%s\",\"pointsman\":\"%s\",\"protocol\":%d,"
	    "\"protocol_oldest\":%d}\n",
	    s->conf.agent[s->conf.self].name, POINTSMAN_VERSION, PEER_PROTOCOL,
	    PEER_PROTOCOL_OLDEST);

	assert(n > 0 && (size_t)n < sizeof text);
	answer(request, 200, "application/json", text, (size_t)n);
}

static void
answer_report(
    struct peer_serve *s, const struct visit *v, struct evhttp_request *request)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(in);
	struct peer_reply reply = {.status = 204};
	char *body = malloc(n + 1);

	if (body == NULL)
		abort();
	(void)evbuffer_remove(in, body, n);
	body[n] = '\0';
	s->calls.on_message((uint32_t)v->agent, body, n, &reply, s->calls.arg);
	free(body);
	assert(reply.body_bytes <= PEER_BODY_MAX);
	answer(request, (int)reply.status, "application/json", reply.body,
	    reply.body != NULL ? reply.body_bytes : 0);
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct peer_serve *s = arg;
	struct visit *v = peer_tls_arg(
	    evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (v->agent < 0 || v->ending) { /* ended in the middle of its request */
		answer(request, 503, "", "", 0);
		return;
	}
	await(v, s->conf.idle_ms);
	if (path != NULL && strcmp(path, "/v1/report") == 0) {
		if (method == EVHTTP_REQ_POST)
			answer_report(s, v, request);
		else
			answer_text(request, 405, "POST");
	} else if (path != NULL && strcmp(path, "/v1/hello") == 0) {
		if (method == EVHTTP_REQ_GET)
			answer_hello(s, request);
		else
			answer_text(request, 405, "GET");
	} else
		answer_text(request, 404, NULL);
}

/* ---- begin and end ---- */

/* A name is looked up only at the start, where waiting does no harm. */
static struct evconnlistener *
listen_at(struct event_base *base, const struct peer_wire_conf *conf, bool names,
    struct err *e)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_PASSIVE | AI_NUMERICSERV | (names ? 0 : AI_NUMERICHOST)};
	struct addrinfo *found = NULL;
	struct evconnlistener *l = NULL;
	char port[8];
	int rc;

	(void)snprintf(port, sizeof port, "%u", conf->listen_port);
	rc = getaddrinfo(conf->listen_host, port, &hints, &found);
	if (rc != 0) {
		(void)err_set(e, "peers: %.200s: %s: say listen: IP:PORT%s",
		    conf->listen_host,
		    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc),
		    names ? "" : ", or restart");
		return NULL;
	}
	for (const struct addrinfo *a = found; a != NULL && l == NULL; a = a->ai_next)
		l = evconnlistener_new_bind(base, NULL, NULL,
		    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
		    BACKLOG, a->ai_addr, (int)a->ai_addrlen);
	if (l == NULL)
		(void)err_set(e,
		    "peers: cannot listen on %.200s port %s: %s: it must be an address of "
		    "this machine (else say listen:), and free",
		    conf->listen_host, port, strerror(errno));
	freeaddrinfo(found);
	return l;
}

static uint16_t
port_of(struct evconnlistener *l)
{
	struct sockaddr_storage at;
	socklen_t n = sizeof at;

	if (getsockname(evconnlistener_get_fd(l), (struct sockaddr *)&at, &n) != 0)
		return 0;
	return ntohs(at.ss_family == AF_INET6
		? ((const struct sockaddr_in6 *)&at)->sin6_port
		: ((const struct sockaddr_in *)&at)->sin_port);
}

static void
open_door(struct peer_serve *s, struct evconnlistener *l)
{
	s->port = port_of(l);
	s->bound = evhttp_bind_listener(s->http, l);
	s->door = door_new(s->base, l, s->facts, "the peers' door");
	if (s->bound == NULL)
		abort();
	evconnlistener_set_error_cb(l, on_error);
}

struct peer_serve *
peer_serve_new(struct event_base *base, const struct peer_wire_conf *conf,
    struct peer_tls *tls, const struct peer_wire_calls *calls, struct facts *facts,
    struct err *e)
{
	struct evconnlistener *l = listen_at(base, conf, true, e);
	struct timeval patience = timeval_of(conf->idle_ms);
	struct peer_serve *s;

	if (l == NULL)
		return NULL;
	s = calloc(1, sizeof *s);
	if (s == NULL || (s->http = evhttp_new(base)) == NULL)
		abort();
	s->base = base;
	s->conf = *conf;
	s->tls = tls;
	s->calls = *calls;
	s->facts = facts;
	s->shaking_max = door_bound(SHAKING_MAX);
	evhttp_set_bevcb(s->http, on_accept, s);
	evhttp_set_gencb(s->http, on_request, s);
	evhttp_set_timeout_tv(s->http, &patience);
	evhttp_set_max_headers_size(s->http, HEADERS_MAX);
	evhttp_set_max_body_size(s->http, PEER_BODY_MAX);
	evhttp_set_default_content_type(s->http, NULL);
	evhttp_set_allowed_methods(s->http, /* the others get their 405 from us */
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
		EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	open_door(s, l);
	s->next = all;
	all = s;
	return s;
}

void
peer_serve_free(struct peer_serve *s)
{
	if (s == NULL)
		return;
	for (struct visit *v = s->visits; v != NULL; v = v->next) {
		v->serve = NULL; /* freed when the loop lets go of it */
		(void)event_del(v->deadline);
	}
	for (struct peer_serve **p = &all; *p != NULL; p = &(*p)->next)
		if (*p == s) {
			*p = s->next;
			break;
		}
	door_free(s->door);
	evhttp_free(s->http);
	free(s);
}

bool
peer_serve_renew(struct peer_serve *s, const struct peer_wire_conf *conf,
    struct peer_tls *tls, struct err *e)
{
	if (strcmp(s->conf.listen_host, conf->listen_host) != 0 ||
	    s->conf.listen_port != conf->listen_port) {
		struct evconnlistener *l = listen_at(s->base, conf, false, e);

		if (l == NULL)
			return false;
		door_free(s->door);
		evhttp_del_accept_socket(s->http, s->bound);
		open_door(s, l);
	}
	s->conf = *conf;
	s->tls = tls;
	memset(s->cert, 0, sizeof s->cert);
	for (struct visit *v = s->visits; v != NULL; v = v->next)
		end_visit(v);
	return true;
}

uint16_t
peer_serve_port(const struct peer_serve *s)
{
	return s->port;
}

struct peer_cert
peer_serve_cert(const struct peer_serve *s, uint32_t agent)
{
	return s->cert[agent];
}
