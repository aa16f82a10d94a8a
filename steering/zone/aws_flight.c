/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each flight has a timer that carries it through its waits: for what holds it up, for
 * credentials that are being fetched, to its end. There is no queue: flights are few.
 * Repeating is left to whoever asked, who knows whether the question still matters.
 */
#include "steering/zone/aws_flight.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

#include "probe/clock.h"
#include "steering/zone/sign.h"

#define CONNECT_MS 3000
#define LOOK_MS 500 /* for credentials: their files may be mended meanwhile */
#define HEADERS_MAX 5

void
aws_flight_wake_in(struct aws_flight *f, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(f->timer, &t) != 0)
		abort(); /* only when memory is gone for good */
}

void
aws_flight_decide(struct aws_flight *f, enum aws_result result)
{
	f->decided = true;
	f->result = result;
	aws_flight_wake_in(f, 0);
}

/* ---- the answer ---- */

static void
on_answer(const struct http_response *response, void *arg)
{
	struct aws_flight *f = arg;
	struct aws_line *l = f->line;
	struct aws_verdict v;

	f->http = NULL;
	l->does->judge(f, response, &v);
	if (v.rejected)
		credentials_reject(l->credentials);
	if (v.resign && !f->resigned && response->date_wall_s != 0 &&
	    now_boot_ms() < f->give_up_ms) {
		f->resigned = true;
		l->skew_s = response->date_wall_s - (int64_t)time(NULL);
		f->err = v.err; /* should patience end first */
		f->result = v.result;
		aws_flight_wake_in(f, 0);
		return;
	}
	l->does->answered(f, response, &v);
}

/* ---- the request ---- */

struct envelope {
	struct text authorization;
	char date[SIGN_DATE_MAX];
	struct text_pair header[HEADERS_MAX];
	size_t headers;
};

static void
put(struct envelope *m, const char *name, const char *value)
{
	assert(m->headers < HEADERS_MAX);
	m->header[m->headers++] = (struct text_pair){name, value};
}

static bool
sign(struct envelope *m, struct aws_flight *f, const struct aws_request *r,
    const struct credentials *who)
{
	struct aws_line *l = f->line;
	struct sign_key key = {
	    who->access_key, who->secret_key, l->place.region, l->service};
	struct sign_request what = {.method = r->method,
	    .path = r->path,
	    .path_as_is = r->path_as_is,
	    .query = r->query,
	    .queries = r->queries,
	    .header = m->header,
	    .body = r->body,
	    .body_bytes = r->body_bytes};

	m->authorization = TEXT_INIT(HTTP_HEADER_MAX);
	sign_date(m->date, (int64_t)time(NULL) + l->skew_s);
	put(m, "Host", l->place.host);
	put(m, "X-Amz-Date", m->date);
	put(m, r->header.name, r->header.value);
	if (who->session_token[0] != '\0')
		put(m, "X-Amz-Security-Token", who->session_token);
	what.headers = m->headers;
	if (!sign_authorization(&m->authorization, &what, &key, m->date, &f->err))
		return false;
	put(m, "Authorization", text_str(&m->authorization));
	return true;
}

bool
aws_flight_send(struct aws_flight *f, const struct aws_request *r,
    const struct credentials *who, uint64_t now_ms)
{
	uint64_t left_ms = f->give_up_ms - now_ms;
	struct envelope m = {0};

	if (sign(&m, f, r, who)) {
		struct http_request http = {.method = r->method,
		    .url = r->url,
		    .header = m.header,
		    .headers = m.headers,
		    .body = r->body,
		    .body_bytes = r->body_bytes,
		    .once = r->once,
		    .answer_max = r->answer_max,
		    .total_ms = left_ms,
		    .connect_ms = left_ms < CONNECT_MS ? left_ms : CONNECT_MS};

		f->http = http_call_start(f->line->http, &http, on_answer, f, &f->err);
	}
	text_fini(&m.authorization);
	if (f->http == NULL)
		aws_flight_decide(f, AWS_OUT);
	return f->http != NULL;
}

/* ---- waiting ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct aws_flight *f = arg;
	const struct aws_flight_does *does = f->line->does;
	uint64_t now_ms = now_boot_ms();
	const struct credentials *who;

	(void)fd;
	(void)what;
	if (f->decided) {
		does->told(f);
		return;
	}
	if (f->http != NULL || (does->held != NULL && does->held(f, now_ms)))
		return;
	if (now_ms >= f->give_up_ms) {
		aws_flight_decide(f, f->result != AWS_OK ? f->result : AWS_OUT);
		return;
	}
	switch (credentials_get(f->line->credentials, &who, &f->err)) {
	case CREDENTIALS_READY:
		does->send(f, who, now_ms);
		return;
	case CREDENTIALS_WAIT:
		f->result = AWS_OUT; /* should patience end first */
		aws_flight_wake_in(f,
		    f->give_up_ms - now_ms < LOOK_MS ? f->give_up_ms - now_ms
						     : LOOK_MS);
		return;
	case CREDENTIALS_CANNOT:
		aws_flight_decide(f, AWS_OUT);
		return;
	}
}

static void
on_credentials(void *arg)
{
	struct aws_line *l = arg;

	for (struct aws_flight *f = l->flights; f != NULL; f = f->next)
		if (f->http == NULL)
			aws_flight_wake_in(f, 0);
}

/* ---- beginning and end ---- */

void
aws_flight_begin(struct aws_flight *f, struct aws_line *l, uint64_t patience_ms)
{
	assert(patience_ms > 0);
	if ((f->timer = evtimer_new(l->base, on_timer, f)) == NULL)
		abort();
	f->line = l;
	f->give_up_ms = now_boot_ms() + patience_ms;
	f->next = l->flights;
	f->link = &l->flights;
	if (l->flights != NULL)
		l->flights->link = &f->next;
	l->flights = f;
	aws_flight_wake_in(f, 0);
}

void
aws_flight_fini(struct aws_flight *f)
{
	*f->link = f->next;
	if (f->next != NULL)
		f->next->link = f->link;
	if (f->http != NULL)
		http_call_cancel(f->http);
	event_free(f->timer);
}

bool
aws_line_init(struct aws_line *l, struct event_base *base,
    const struct credentials_spec *who, struct err *e)
{
	l->base = base;
	return (l->credentials = credentials_new(base, who, on_credentials, l, e)) !=
	    NULL &&
	    (l->http = http_new(base, e)) != NULL;
}

void
aws_line_fini(struct aws_line *l)
{
	while (l->flights != NULL)
		l->does->drop(l->flights);
	if (l->http != NULL)
		http_free(l->http);
	if (l->credentials != NULL)
		credentials_free(l->credentials);
}
