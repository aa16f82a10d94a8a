/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each request takes one way through: control path or outage, signature, throttle,
 * faults, API, journal, answer. Faults are spent here, so the API stays honest.
 */
#include "tests/lab/visit.h"
#include "tests/lab/control.h"
#include "tests/lab/heap.h"
#include "tests/lab/journal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>

/* One request on its way through. */
struct visit {
	struct front *front;
	struct evhttp_request *req;
	char *target; /* owned; path and query point into it */
	const char *method, *path, *query;
	struct evkeyvalq settings; /* the query, decoded */
	struct api_call call;
	const char *fault; /* what was done to it on purpose */
};

/* What is kept of a request whose answer, or whose work, waits. */
struct waiting {
	struct front *front;
	struct evbuffer *body; /* an answer; NULL: a late change */
	int status;
	char request_id[REQUEST_ID_BYTES];
	char *path;                   /* of a late change */
	bool answer;                  /* a late change's client, if it still waits */
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
visit_open(struct visit *v, struct front *front, struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);

	memset(v, 0, sizeof *v);
	v->front = front;
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

	journal_write(v->front->lab->log, &entry);
}

static void
send_answer(const struct front *front, struct evhttp_request *req, int status,
    const char *type, const char *request_id, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	time_t now = (time_t)(lab_wall_ms(front->lab) / 1000);
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

	if (!held_add(&v->front->held, v->front->base, v->req, &plan))
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
		send_answer(
		    w->front, req, w->status, "text/xml", w->request_id, w->body);
	waiting_free(w);
	return HELD_LEAVE;
}

static void
deliver(struct visit *v, struct api_reply *r)
{
	struct held_plan plan = {
	    .wait_ms = v->front->lab->faults.slow_ms,
	    .done = send_slowly,
	    .drop = waiting_free,
	};
	struct waiting *w;

	if (r->location[0] != '\0')
		evhttp_add_header(
		    evhttp_request_get_output_headers(v->req), "Location", r->location);
	if (plan.wait_ms > 0) {
		w = heap_zero(sizeof *w);
		w->front = v->front;
		w->body = evbuffer_new();
		w->status = r->status;
		memcpy(w->request_id, v->call.request_id, sizeof w->request_id);
		if (w->body == NULL)
			abort();
		evbuffer_add_buffer(w->body, r->body);
		plan.arg = w;
		if (held_add(&v->front->held, v->front->base, v->req, &plan))
			return;
		evbuffer_add_buffer(r->body, w->body);
		waiting_free(w);
	}
	send_answer(
	    v->front, v->req, r->status, "text/xml", v->call.request_id, r->body);
}

static enum held_end
apply_late(void *arg, struct evhttp_request *req)
{
	struct waiting *w = arg;
	struct visit v = {
	    .front = w->front,
	    .method = "POST",
	    .path = w->path,
	    .call = w->call,
	    .fault = "late-applied",
	};
	struct api_reply r;

	bool answered = w->answer && req != NULL;

	api_reply_init(&r);
	api_run(w->front->lab, &w->call, &r);
	record(&v, &r, r.status);
	if (answered)
		send_answer(
		    w->front, req, r.status, "text/xml", w->call.request_id, r.body);
	api_reply_fini(&r);
	waiting_free(w);
	return answered ? HELD_LEAVE : HELD_CLOSE;
}

static void
hold_change(struct visit *v)
{
	struct held_plan plan = {
	    .wait_ms = v->front->lab->faults.late_ms,
	    .done = apply_late,
	    .drop = waiting_free,
	};
	struct waiting *w = heap_zero(sizeof *w);

	w->front = v->front;
	w->path = heap_string(v->path);
	w->answer = v->front->lab->faults.late_answer;
	w->call = v->call;
	TAILQ_INIT(&w->no_settings);
	w->call.query = &w->no_settings;
	w->call.content_type = NULL;
	w->call.body = heap_copy(v->call.body, v->call.body_bytes);
	plan.arg = w;
	if (v->front->lab->faults.late_close) {
		/* Two holds of one request would watch one connection: this one has none. */
		if (held_add(&v->front->held, v->front->base, NULL, &plan))
			drop_connection(v, HELD_CLOSE);
		else
			waiting_free(w);
		return;
	}
	if (!held_add(&v->front->held, v->front->base, v->req, &plan)) {
		waiting_free(w);
		evhttp_send_error(v->req, 503, "lab: too much is held");
	}
}

static void
run_and_lose(struct visit *v, struct api_reply *r)
{
	api_run(v->front->lab, &v->call, r);
	record(v, r, 0);
	drop_connection(v, HELD_CLOSE);
}

/* The signature, then the rate. False: r is the refusal. */
static bool
let_in(struct visit *v, struct api_reply *r)
{
	struct lab *lab = v->front->lab;
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
	struct faults *f = &v->front->lab->faults;
	bool is_change = v->call.op == API_CHANGE;

	if (faults_spend_error(f, is_change)) {
		v->fault = f->error_applied ? "error-applied" : "error";
		if (f->error_applied)
			api_run(v->front->lab, &v->call, r);
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
	struct faults *f = &v->front->lab->faults;
	struct api_reply r;

	v->front->lab->counters.requests++;
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
		api_run(v->front->lab, &v->call, &r);
	}
	record(v, &r, r.status);
	deliver(v, &r);
	api_reply_fini(&r);
}

/* By loopback, or from the very address that we were reached at: nobody else has it. */
static bool
is_from_this_host(struct evhttp_request *req)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(connection);
	struct sockaddr_storage own;
	socklen_t own_bytes = sizeof own;
	char *peer = NULL, text[NI_MAXHOST];
	uint16_t port = 0;

	evhttp_connection_get_peer(connection, &peer, &port);
	if (peer == NULL ||
	    getsockname(bufferevent_getfd(bev), (struct sockaddr *)&own, &own_bytes) !=
		0 ||
	    getnameinfo((struct sockaddr *)&own, own_bytes, text, sizeof text, NULL, 0,
		NI_NUMERICHOST) != 0)
		return false;
	return strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0 ||
	    strcmp(peer, text) == 0;
}

static void
serve_control(struct visit *v)
{
	struct lab *lab = v->front->lab;
	struct api_reply r;
	char *form;

	if (!is_from_this_host(v->req)) {
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
	send_answer(
	    v->front, v->req, r.status, "text/plain", v->call.request_id, r.body);
	api_reply_fini(&r);
}

void
visit_serve(struct front *front, struct evhttp_request *req)
{
	struct visit v;

	visit_open(&v, front, req);
	if (strncmp(v.path, "/lab/", 5) == 0) {
		serve_control(&v);
	} else if (faults_is_out(&front->lab->faults, lab_now_ms())) {
		v.fault = "outage";
		record(&v, NULL, 0);
		drop_connection(&v, HELD_RESET);
	} else {
		serve_api(&v);
	}
	visit_close(&v);
}
