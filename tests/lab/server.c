/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each request takes one way through: control path or outage, signature, throttle,
 * faults, API, journal, answer. Faults are spent here, so the API stays honest.
 *
 * Bounded: headers 16 kB, bodies 1 MiB, 30 s of silence; the process's limit on open
 * files bounds connections, and when it is reached accepting pauses for a moment.
 */
#include "tests/lab/server.h"
#include "tests/lab/address.h"
#include "tests/lab/control.h"
#include "tests/lab/held.h"
#include "tests/lab/journal.h"
#include "tests/lab/heap.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

enum {
	HEADERS_BYTES = 16 * 1024,
	BODY_BYTES = 1024 * 1024,
	IDLE_S = 30,
	ACCEPT_PAUSE_MS = 100,
};

struct server {
	struct lab *lab;
	struct event_base *base;
	struct evhttp *http;
	struct evhttp_bound_socket *bound; /* NULL while connections are refused */
	struct event *listen_timer;
	struct held_list held;
	char host[ADDRESS_BYTES];
	uint16_t port;
	char address[ADDRESS_BYTES];
};

/* One request on its way through. */
struct visit {
	struct server *s;
	struct evhttp_request *req;
	char *target; /* owned; path and query point into it */
	const char *method, *path, *query;
	struct evkeyvalq settings; /* the query, decoded */
	struct api_call call;
	const char *fault; /* what was done to it on purpose */
};

/* What is kept of a request whose answer, or whose work, waits. */
struct waiting {
	struct server *s;
	struct evbuffer *body; /* an answer; NULL: a late change */
	int status;
	char request_id[REQUEST_ID_BYTES];
	char *path;                   /* of a late change */
	struct api_call call;         /* its body is a copy */
	struct evkeyvalq no_settings; /* an empty query for it */
};

static const char *
method_name(enum evhttp_cmd_type type)
{
	switch (type) {
	case EVHTTP_REQ_GET:
		return "GET";
	case EVHTTP_REQ_POST:
		return "POST";
	case EVHTTP_REQ_HEAD:
		return "HEAD";
	case EVHTTP_REQ_PUT:
		return "PUT";
	case EVHTTP_REQ_DELETE:
		return "DELETE";
	default:
		return "OTHER";
	}
}

static void
new_request_id(char id[REQUEST_ID_BYTES])
{
	uint8_t b[16];

	arc4random_buf(b, sizeof b);
	snprintf(id, REQUEST_ID_BYTES,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
	    b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
	    b[12], b[13], b[14], b[15]);
}

/* By hand: libevent takes the beginning of "//a" for a host, and signatures differ. */
static void
split_target(struct visit *v, const char *target)
{
	char *mark;

	if (strncmp(target, "http://", 7) == 0)
		target += 7 + strcspn(target + 7, "/?");
	v->target = heap_string(target);
	v->path = v->target;
	mark = strchr(v->target, '?');
	if (mark != NULL) {
		*mark = '\0';
		v->query = mark + 1;
	}
}

static void
visit_open(struct visit *v, struct server *s, struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);

	memset(v, 0, sizeof *v);
	v->s = s;
	v->req = req;
	v->fault = "";
	v->method = method_name(evhttp_request_get_command(req));
	split_target(v, evhttp_request_get_uri(req));
	TAILQ_INIT(&v->settings);
	if (v->query != NULL && *v->query != '\0')
		(void)evhttp_parse_query_str(v->query, &v->settings);
	v->call.query = &v->settings;
	v->call.content_type =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Content-Type");
	v->call.body_bytes = evbuffer_get_length(in);
	v->call.body = evbuffer_pullup(in, -1);
	new_request_id(v->call.request_id);
	api_route(&v->call, v->method, v->path);
}

static void
visit_close(struct visit *v)
{
	evhttp_clear_headers(&v->settings);
	free(v->target);
}

static void
record(const struct visit *v, const struct api_reply *r, int status)
{
	struct journal_entry entry = {
	    .method = v->method,
	    .path = v->path,
	    .query = v->query,
	    .request_id = v->call.request_id,
	    .batch = r != NULL && v->call.op == API_CHANGE ? &r->batch : NULL,
	    .status = status,
	    .code = r != NULL ? r->code : "",
	    .fault = v->fault,
	};

	journal_write(v->s->lab->log, &entry);
}

static void
send_answer(const struct server *s, struct evhttp_request *req, int status,
    const char *type, const char *request_id, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	time_t now = (time_t)(lab_wall_ms(s->lab) / 1000);
	char date[64];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	evhttp_add_header(headers, "Date", date);
	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "x-amzn-RequestId", request_id);
	evhttp_send_reply(req, status, NULL, body);
}

static void
drop_connection(struct visit *v, enum held_end end)
{
	struct held_plan plan = {.end = end};

	if (!held_add(&v->s->held, v->s->base, v->req, &plan))
		evhttp_send_error(v->req, 503, "lab: too much is held");
}

static void
waiting_free(void *arg)
{
	struct waiting *w = arg;

	if (w->body != NULL)
		evbuffer_free(w->body);
	free((void *)(uintptr_t)w->call.body);
	free(w->path);
	free(w);
}

static enum held_end
send_slowly(void *arg, struct evhttp_request *req)
{
	struct waiting *w = arg;

	if (req != NULL)
		send_answer(w->s, req, w->status, "text/xml", w->request_id, w->body);
	waiting_free(w);
	return HELD_LEAVE;
}

static void
deliver(struct visit *v, struct api_reply *r)
{
	struct held_plan plan = {
	    .wait_ms = v->s->lab->faults.slow_ms,
	    .done = send_slowly,
	    .drop = waiting_free,
	};
	struct waiting *w;

	if (plan.wait_ms > 0) {
		w = heap_zero(sizeof *w);
		w->s = v->s;
		w->body = evbuffer_new();
		w->status = r->status;
		memcpy(w->request_id, v->call.request_id, sizeof w->request_id);
		if (w->body == NULL)
			abort();
		evbuffer_add_buffer(w->body, r->body);
		plan.arg = w;
		if (held_add(&v->s->held, v->s->base, v->req, &plan))
			return;
		evbuffer_add_buffer(r->body, w->body);
		waiting_free(w);
	}
	send_answer(v->s, v->req, r->status, "text/xml", v->call.request_id, r->body);
}

static enum held_end
apply_late(void *arg, struct evhttp_request *req)
{
	struct waiting *w = arg;
	struct visit v = {
	    .s = w->s,
	    .method = "POST",
	    .path = w->path,
	    .call = w->call,
	    .fault = "late-applied",
	};
	struct api_reply r;

	(void)req;
	api_reply_init(&r);
	api_run(w->s->lab, &w->call, &r);
	record(&v, &r, r.status);
	api_reply_fini(&r);
	waiting_free(w);
	return HELD_CLOSE;
}

static void
hold_change(struct visit *v)
{
	struct held_plan plan = {
	    .wait_ms = v->s->lab->faults.late_ms,
	    .done = apply_late,
	    .drop = waiting_free,
	};
	struct waiting *w = heap_zero(sizeof *w);

	w->s = v->s;
	w->path = heap_string(v->path);
	w->call = v->call;
	TAILQ_INIT(&w->no_settings);
	w->call.query = &w->no_settings;
	w->call.content_type = NULL;
	w->call.body = heap_copy(v->call.body, v->call.body_bytes);
	plan.arg = w;
	if (v->s->lab->faults.late_close) {
		/* Two holds of one request would watch one connection: this one has none. */
		if (held_add(&v->s->held, v->s->base, NULL, &plan))
			drop_connection(v, HELD_CLOSE);
		else
			waiting_free(w);
		return;
	}
	if (!held_add(&v->s->held, v->s->base, v->req, &plan)) {
		waiting_free(w);
		evhttp_send_error(v->req, 503, "lab: too much is held");
	}
}

static void
run_and_lose(struct visit *v, struct api_reply *r)
{
	api_run(v->s->lab, &v->call, r);
	record(v, r, 0);
	drop_connection(v, HELD_CLOSE);
}

/* The signature, then the rate. False: r is the refusal. */
static bool
let_in(struct visit *v, struct api_reply *r)
{
	struct lab *lab = v->s->lab;
	struct sigv4_request signed_part = {
	    .method = v->method,
	    .path = v->path,
	    .query = v->query,
	    .headers = evhttp_request_get_input_headers(v->req),
	    .body = v->call.body,
	    .body_bytes = v->call.body_bytes,
	};
	struct auth_refusal no;

	if (!auth_check(&lab->auth, &signed_part, lab_wall_ms(lab) / 1000, &no)) {
		lab->counters.denied++;
		api_reply_error(r, &v->call, no.status, no.code, no.message);
		return false;
	}
	bool hit = faults_spend(&lab->faults.throttle);
	if (hit || !bucket_take(&lab->bucket, lab_now_ms())) {
		v->fault = hit ? "throttle" : "";
		lab->counters.throttled++;
		api_reply_error(r, &v->call, 400, "Throttling", "Rate exceeded");
		return false;
	}
	return true;
}

/* Faults that answer instead of the API; true: r is filled in. */
static bool
answer_by_fault(struct visit *v, struct api_reply *r)
{
	struct faults *f = &v->s->lab->faults;
	bool is_change = v->call.op == API_CHANGE;

	if (faults_spend_error(f, is_change)) {
		v->fault = f->error_applied ? "error-applied" : "error";
		if (f->error_applied)
			api_run(v->s->lab, &v->call, r);
		api_reply_error(r, &v->call, f->error_status,
		    f->error_status == 503 ? "ServiceUnavailable" : "InternalFailure",
		    "The request processing has failed because of an unknown error.");
		return true;
	}
	if (is_change && faults_spend(&f->prior)) {
		v->fault = "prior";
		api_reply_error(r, &v->call, 400, "PriorRequestNotComplete",
		    "The request was rejected because Route 53 was still processing a "
		    "prior request.");
		return true;
	}
	return false;
}

static void
serve_api(struct visit *v)
{
	struct faults *f = &v->s->lab->faults;
	struct api_reply r;

	v->s->lab->counters.requests++;
	api_reply_init(&r);
	if (let_in(v, &r) && !answer_by_fault(v, &r)) {
		if (v->call.op == API_CHANGE && faults_spend(&f->late_count)) {
			v->fault = "late";
			record(v, NULL, 0);
			hold_change(v);
			api_reply_fini(&r);
			return;
		}
		if (v->call.op == API_CHANGE && faults_spend(&f->lose_answers)) {
			v->fault = "lose-answer";
			run_and_lose(v, &r);
			api_reply_fini(&r);
			return;
		}
		api_run(v->s->lab, &v->call, &r);
	}
	record(v, &r, r.status);
	deliver(v, &r);
	api_reply_fini(&r);
}

static bool
is_from_loopback(struct evhttp_request *req)
{
	char *peer = NULL;
	uint16_t port = 0;

	evhttp_connection_get_peer(evhttp_request_get_connection(req), &peer, &port);
	return peer != NULL &&
	    (strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0);
}

static void listen_again(evutil_socket_t fd, short what, void *arg);

/* Stops listening for a while; what is connected already meets an outage. */
static void
begin_refusing(struct server *s)
{
	uint64_t ms = s->lab->faults.refuse_ms;
	struct timeval wait = {
	    .tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	s->lab->faults.refuse_ms = 0;
	if (s->bound != NULL)
		evhttp_del_accept_socket(s->http, s->bound);
	s->bound = NULL;
	s->lab->faults.outage = true;
	s->lab->faults.outage_until_ms = lab_now_ms() + ms;
	event_add(s->listen_timer, &wait);
}

static void
serve_control(struct visit *v)
{
	struct lab *lab = v->s->lab;
	struct api_reply r;
	char *form;

	if (!is_from_loopback(v->req)) {
		evhttp_send_error(
		    v->req, 403, "the control path is for this host alone");
		return;
	}
	if (TAILQ_EMPTY(&v->settings) && strcmp(v->path, "/lab/edit") != 0 &&
	    v->call.body_bytes > 0) {
		form = heap_zero(v->call.body_bytes + 1);
		memcpy(form, v->call.body, v->call.body_bytes);
		(void)evhttp_parse_query_str(form, &v->settings);
		free(form);
	}
	api_reply_init(&r);
	control_run(lab, &v->call, v->method, v->path, &r);
	send_answer(v->s, v->req, r.status, "text/plain", v->call.request_id, r.body);
	api_reply_fini(&r);
	if (lab->faults.refuse_ms > 0)
		begin_refusing(v->s);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct server *s = arg;
	struct visit v;

	visit_open(&v, s, req);
	if (strncmp(v.path, "/lab/", 5) == 0) {
		serve_control(&v);
	} else if (faults_is_out(&s->lab->faults, lab_now_ms())) {
		v.fault = "outage";
		record(&v, NULL, 0);
		drop_connection(&v, HELD_RESET);
	} else {
		serve_api(&v);
	}
	visit_close(&v);
}

static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct timeval wait = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct server *s = arg;

	evconnlistener_disable(listener); /* out of file descriptors, most likely */
	event_add(s->listen_timer, &wait);
}

/* False: the port cannot be bound. */
static bool
start_listening(struct server *s)
{
	struct evconnlistener *listener;

	s->bound = evhttp_bind_socket_with_handle(s->http, s->host, s->port);
	if (s->bound == NULL)
		return false;
	listener = evhttp_bound_socket_get_listener(s->bound);
	evconnlistener_set_error_cb(listener, on_accept_error);
	return true;
}

static void
listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct timeval wait = {.tv_usec = ACCEPT_PAUSE_MS * 1000};
	struct server *s = arg;

	(void)fd, (void)what;
	if (s->bound != NULL)
		evconnlistener_enable(evhttp_bound_socket_get_listener(s->bound));
	else if (!start_listening(s))
		event_add(
		    s->listen_timer, &wait); /* somebody took the port: try again */
}

/* Keeps the port that was picked, so that refusing can come back to it. */
static void
note_port(struct server *s)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;

	if (getsockname(evhttp_bound_socket_get_fd(s->bound), (struct sockaddr *)&at,
		&len) != 0)
		abort();
	s->port = address_port(&at);
	address_format(&at, s->address);
}

struct server *
server_new(struct event_base *base, struct lab *lab, const char *address,
    char why[SERVER_WHY_BYTES])
{
	struct server *s = heap_zero(sizeof *s);
	struct sockaddr_storage at;
	socklen_t len;

	s->lab = lab;
	s->base = base;
	if (!address_parse(address, &at, &len)) {
		snprintf(why, SERVER_WHY_BYTES, "\"%.60s\" is not an address and port",
		    address);
		free(s);
		return NULL;
	}
	address_host(&at, s->host);
	s->port = address_port(&at);
	s->http = evhttp_new(base);
	s->listen_timer = evtimer_new(base, listen_again, s);
	if (s->http == NULL || s->listen_timer == NULL)
		abort();
	evhttp_set_max_headers_size(s->http, HEADERS_BYTES);
	evhttp_set_max_body_size(s->http, BODY_BYTES);
	evhttp_set_timeout(s->http, IDLE_S);
	evhttp_set_gencb(s->http, on_request, s);
	if (!start_listening(s)) {
		snprintf(why, SERVER_WHY_BYTES, "cannot bind %.60s: %s", address,
		    strerror(errno));
		server_free(s);
		return NULL;
	}
	note_port(s);
	return s;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	held_clear(&s->held);
	evhttp_free(s->http);
	event_free(s->listen_timer);
	free(s);
}

const char *
server_address(const struct server *s)
{
	return s->address;
}
