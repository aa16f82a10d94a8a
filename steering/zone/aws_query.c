/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each call has a timer that carries it through its waits: for the budget, for
 * credentials that are being fetched, to its end. There is no queue: calls are few, and
 * the budget gives each its turn. Repeating is left to whoever asked, who knows whether
 * the question still matters.
 */
#include "steering/zone/aws_query.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe/clock.h"
#include "steering/zone/budget.h"
#include "steering/zone/credentials.h"
#include "steering/zone/partition.h"
#include "steering/zone/sign.h"

#define BODY_MAX (64 * 1024)
#define CONNECT_MS 3000
#define LOOK_MS 500 /* for credentials: their files may be mended meanwhile */
#define HEADERS_MAX 6
#define TYPE "application/x-www-form-urlencoded; charset=utf-8"

_Static_assert(
    AWS_PARAMS_MAX + 2 <= SIGN_PAIRS_MAX, "a call's parameters can be sorted");

struct aws_query {
	struct event_base *base;
	struct http *http;
	struct credentials_chain *credentials;
	struct budget budget;
	struct partition_place place;
	char service[64], version[16];
	int64_t skew_s; /* theirs minus ours, once a signature was refused */
	struct aws_call *calls;
};

struct aws_call {
	struct aws_query *q;
	struct aws_call *next, **link;
	struct event *timer;
	struct http_call *http; /* in flight */
	char action[64];
	struct text body;
	uint64_t give_up_ms;
	bool change, resigned, decided;
	struct aws_answer answer;
	aws_query_cb cb;
	void *arg;
};

static void
wake_in(struct aws_call *c, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(c->timer, &t) != 0)
		abort(); /* only when memory is gone for good */
}

static void
free_call(struct aws_call *c)
{
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	if (c->http != NULL)
		http_call_cancel(c->http);
	if (c->timer != NULL)
		event_free(c->timer);
	text_fini(&c->body);
	free(c);
}

static enum budget_kind
budget_of(const struct aws_call *c)
{
	return c->change ? BUDGET_CHANGE : BUDGET_READ;
}

/* It is told by the timer, never from within the call that began it. */
static void
decide(struct aws_call *c, enum aws_result result)
{
	c->decided = true;
	c->answer.result = result;
	c->answer.done_ms = now_boot_ms();
	wake_in(c, 0);
}

/* ---- the request ---- */

struct request {
	struct text authorization, url;
	char date[SIGN_DATE_MAX];
	struct text_pair header[HEADERS_MAX];
	struct http_request http;
};

static bool
make_request(struct request *m, struct aws_call *c, const struct credentials *who)
{
	struct aws_query *q = c->q;
	struct sign_key key = {
	    who->access_key, who->secret_key, q->place.region, q->service};
	struct sign_request sign = {.method = "POST",
	    .path = "/",
	    .header = m->header,
	    .body = text_str(&c->body),
	    .body_bytes = c->body.n};
	size_t n = 0;

	m->authorization = m->url = TEXT_INIT(HTTP_HEADER_MAX);
	text_addf(&m->url, "%s/", q->place.endpoint);
	sign_date(m->date, (int64_t)time(NULL) + q->skew_s);
	m->header[n++] = (struct text_pair){"Host", q->place.host};
	m->header[n++] = (struct text_pair){"X-Amz-Date", m->date};
	m->header[n++] = (struct text_pair){"Content-Type", TYPE};
	if (who->session_token[0] != '\0')
		m->header[n++] =
		    (struct text_pair){"X-Amz-Security-Token", who->session_token};
	sign.headers = n;
	if (!sign_authorization(
		&m->authorization, &sign, &key, m->date, &c->answer.err))
		return false;
	m->header[n++] =
	    (struct text_pair){"Authorization", text_str(&m->authorization)};
	m->http = (struct http_request){.method = "POST",
	    .url = text_str(&m->url),
	    .header = m->header,
	    .headers = n,
	    .body = text_str(&c->body),
	    .body_bytes = c->body.n,
	    .once = c->change};
	return true;
}

static void on_answer(const struct http_response *response, void *arg);

static void
send_call(struct aws_call *c, const struct credentials *who, uint64_t now_ms)
{
	struct aws_query *q = c->q;
	struct request m = {0};

	if (make_request(&m, c, who)) {
		m.http.total_ms = c->give_up_ms - now_ms;
		m.http.connect_ms =
		    m.http.total_ms < CONNECT_MS ? m.http.total_ms : CONNECT_MS;
		c->http =
		    http_call_start(q->http, &m.http, on_answer, c, &c->answer.err);
	}
	text_fini(&m.authorization);
	text_fini(&m.url);
	if (c->http == NULL) {
		decide(c, AWS_OUT);
		return;
	}
	budget_take(&q->budget, budget_of(c), now_ms);
	if (c->answer.sent_ms == 0)
		c->answer.sent_ms = now_ms;
}

/* ---- the answer ---- */

static void
deliver(struct aws_call *c, struct aws_answer *answer)
{
	aws_query_cb cb = c->cb;
	void *arg = c->arg;

	free_call(c);
	cb(answer, arg);
}

static void
on_answer(const struct http_response *response, void *arg)
{
	struct aws_call *c = arg;
	struct aws_query *q = c->q;
	struct aws_answer answer;
	struct aws_verdict v;

	c->http = NULL;
	aws_judge(&v, q->service, c->action, response);
	if (v.rejected)
		credentials_reject(q->credentials);
	budget_feed(&q->budget, budget_of(c),
	    v.result == AWS_BUSY ? BUDGET_THROTTLED : BUDGET_FINE, now_boot_ms());
	if (v.resign && !c->resigned && response->date_wall_s != 0 &&
	    now_boot_ms() < c->give_up_ms) {
		c->resigned = true;
		q->skew_s = response->date_wall_s - (int64_t)time(NULL);
		c->answer.err = v.err; /* should patience end first */
		c->answer.result = v.result;
		wake_in(c, 0);
		return;
	}
	answer = c->answer;
	answer.result = v.result;
	answer.err = v.err;
	answer.date_wall_s = response->date_wall_s;
	answer.done_ms = response->done_ms;
	memcpy(answer.code, v.code, sizeof answer.code);
	answer.body = v.result == AWS_OK ? response->body : "";
	answer.body_bytes = v.result == AWS_OK ? response->body_bytes : 0;
	/* A call that left, and whose connection then never came about, did not. */
	if (v.result == AWS_OUT)
		answer.sent_ms = 0;
	deliver(c, &answer);
}

/* ---- waiting ---- */

static void
give_up(struct aws_call *c, uint64_t due_ms, uint64_t now_ms)
{
	if (c->answer.result != AWS_OK) { /* credentials, or a refused signature */
		decide(c, c->answer.result);
		return;
	}
	(void)err_set(&c->answer.err,
	    "%.60s was not asked: the API budget of %.60s rests for %llu ms more",
	    c->action, c->q->service,
	    (unsigned long long)(due_ms > now_ms ? due_ms - now_ms : 0));
	decide(c, AWS_BUSY);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct aws_call *c = arg;
	uint64_t now_ms = now_boot_ms(), due_ms;
	const struct credentials *who;

	(void)fd;
	(void)what;
	if (c->decided) {
		struct aws_answer answer = c->answer;

		answer.body = "";
		deliver(c, &answer);
		return;
	}
	if (c->http != NULL)
		return;
	due_ms = budget_due_ms(&c->q->budget, budget_of(c), now_ms);
	if (now_ms >= c->give_up_ms || due_ms >= c->give_up_ms) {
		give_up(c, due_ms, now_ms);
		return;
	}
	if (due_ms > now_ms) {
		wake_in(c, due_ms - now_ms);
		return;
	}
	switch (credentials_get(c->q->credentials, &who, &c->answer.err)) {
	case CREDENTIALS_READY:
		send_call(c, who, now_ms);
		return;
	case CREDENTIALS_WAIT:
		c->answer.result = AWS_OUT; /* should patience end first */
		wake_in(c,
		    c->give_up_ms - now_ms < LOOK_MS ? c->give_up_ms - now_ms
						     : LOOK_MS);
		return;
	case CREDENTIALS_CANNOT:
		decide(c, AWS_OUT);
		return;
	}
}

static void
on_credentials(void *arg)
{
	struct aws_query *q = arg;

	for (struct aws_call *c = q->calls; c != NULL; c = c->next)
		if (c->http == NULL)
			wake_in(c, 0);
}

/* ---- aws_query.h ---- */

static void
put_body(struct aws_call *c, const struct aws_query_ask *ask)
{
	struct text_pair all[AWS_PARAMS_MAX + 2];
	size_t n = 0;

	assert(ask->params <= AWS_PARAMS_MAX);
	all[n++] = (struct text_pair){"Action", ask->action};
	all[n++] = (struct text_pair){"Version", c->q->version};
	for (size_t i = 0; i < ask->params; i++)
		all[n++] = ask->param[i];
	c->body = TEXT_INIT(BODY_MAX);
	sign_query(&c->body, all, n);
}

struct aws_call *
aws_query_start(
    struct aws_query *q, const struct aws_query_ask *ask, aws_query_cb cb, void *arg)
{
	struct aws_call *c = calloc(1, sizeof *c);

	assert(ask->patience_ms > 0);
	if (c == NULL || (c->timer = evtimer_new(q->base, on_timer, c)) == NULL)
		abort();
	c->q = q;
	c->cb = cb;
	c->arg = arg;
	c->change = ask->change;
	c->give_up_ms = now_boot_ms() + ask->patience_ms;
	(void)snprintf(c->action, sizeof c->action, "%s", ask->action);
	c->next = q->calls;
	c->link = &q->calls;
	if (q->calls != NULL)
		q->calls->link = &c->next;
	q->calls = c;
	put_body(c, ask);
	if (text_ok(&c->body)) {
		wake_in(c, 0);
	} else {
		(void)err_set(
		    &c->answer.err, "%.60s: its parameters do not fit", c->action);
		decide(c, AWS_OUT);
	}
	return c;
}

void
aws_query_cancel(struct aws_call *call)
{
	free_call(call);
}

bool
aws_query_is_busy(const struct aws_query *q)
{
	return q->calls != NULL;
}

const char *
aws_query_warning(const struct aws_query *q)
{
	return credentials_warning(q->credentials);
}

const char *
aws_query_identity(const struct aws_query *q)
{
	return credentials_identity(q->credentials);
}

const char *
aws_query_version(const char *service)
{
	static const char *const known[][2] = {
	    {"elasticloadbalancing", "2015-12-01"},
	    {"autoscaling", "2011-01-01"},
	    {"ec2", "2016-11-15"},
	    {"rds", "2014-10-31"},
	    {"monitoring", "2010-08-01"},
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i][0], service) == 0)
			return known[i][1];
	return "";
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

struct aws_query *
aws_query_new(struct event_base *base, const struct aws_query_spec *spec, struct err *e)
{
	struct credentials_spec who = {.profile = spec->profile,
	    .role_arn = spec->role_arn,
	    .region = spec->region};
	struct aws_query *q = calloc(1, sizeof *q);

	if (q == NULL) {
		(void)err_set(e, "%.60s: memory is short", spec->service);
		return NULL;
	}
	q->base = base;
	(void)snprintf(q->service, sizeof q->service, "%s", spec->service);
	(void)snprintf(q->version, sizeof q->version, "%s", spec->version);
	budget_init(&q->budget, spec->budget_per_s, spec->budget_burst, spec->seed,
	    now_boot_ms());
	if (partition_service(&q->place, spec->service, or_empty(spec->region),
		or_empty(spec->endpoint), e) &&
	    (q->credentials = credentials_new(base, &who, on_credentials, q, e)) !=
		NULL &&
	    (q->http = http_new(base, e)) != NULL)
		return q;
	aws_query_free(q);
	return NULL;
}

void
aws_query_free(struct aws_query *q)
{
	if (q == NULL)
		return;
	while (q->calls != NULL)
		free_call(q->calls);
	if (q->http != NULL)
		http_free(q->http);
	if (q->credentials != NULL)
		credentials_free(q->credentials);
	free(q);
}
