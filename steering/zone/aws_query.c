/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is the Query protocol's own: the body, the budget, the answer. How a request is
 * signed, sent and waited for is aws_flight.c's.
 */
#include "steering/zone/aws_query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/zone/aws_flight.h"
#include "steering/zone/budget.h"
#include "steering/zone/sign.h"

#define BODY_MAX (64 * 1024)
#define TYPE "application/x-www-form-urlencoded; charset=utf-8"

_Static_assert(
    AWS_PARAMS_MAX + 2 <= SIGN_PAIRS_MAX, "a call's parameters can be sorted");

struct aws_query {
	struct aws_line line; /* first */
	struct budget budget;
	char service[64], version[16];
};

struct aws_call {
	struct aws_flight flight; /* first */
	char action[64];
	struct text body;
	bool change;
	uint64_t sent_ms; /* 0: it never left */
	aws_query_cb cb;
	void *arg;
};

static struct aws_call *
call_of(struct aws_flight *f)
{
	return (struct aws_call *)f;
}

static struct aws_query *
query_of(const struct aws_flight *f)
{
	return (struct aws_query *)f->line;
}

static enum budget_kind
budget_of(const struct aws_call *c)
{
	return c->change ? BUDGET_CHANGE : BUDGET_READ;
}

static void
drop(struct aws_flight *f)
{
	struct aws_call *c = call_of(f);

	aws_flight_fini(f);
	text_fini(&c->body);
	free(c);
}

/* ---- on its way ---- */

/* For the budget; should that rest longer than patience lasts, it is over. */
static bool
held(struct aws_flight *f, uint64_t now_ms)
{
	struct aws_query *q = query_of(f);
	uint64_t due_ms = budget_due_ms(&q->budget, budget_of(call_of(f)), now_ms);

	if (now_ms < f->give_up_ms && due_ms < f->give_up_ms) {
		if (due_ms > now_ms)
			aws_flight_wake_in(f, due_ms - now_ms);
		return due_ms > now_ms;
	}
	if (f->result != AWS_OK) { /* credentials, or a refused signature */
		aws_flight_decide(f, f->result);
		return true;
	}
	(void)err_set(&f->err,
	    "%.60s was not asked: the API budget of %.60s rests for %llu ms more",
	    call_of(f)->action, q->service,
	    (unsigned long long)(due_ms > now_ms ? due_ms - now_ms : 0));
	aws_flight_decide(f, AWS_BUSY);
	return true;
}

static void
send_call(struct aws_flight *f, const struct credentials *who, uint64_t now_ms)
{
	struct aws_call *c = call_of(f);
	struct aws_query *q = query_of(f);
	struct text url = TEXT_INIT(HTTP_HEADER_MAX);

	text_addf(&url, "%s/", q->line.place.endpoint);
	const struct aws_request r = {.method = "POST",
	    .url = text_str(&url),
	    .path = "/",
	    .header = {"Content-Type", TYPE},
	    .body = text_str(&c->body),
	    .body_bytes = c->body.n,
	    .once = c->change};
	if (aws_flight_send(f, &r, who, now_ms)) {
		budget_take(&q->budget, budget_of(c), now_ms);
		if (c->sent_ms == 0)
			c->sent_ms = now_ms;
	}
	text_fini(&url);
}

static void
judge(struct aws_flight *f, const struct http_response *response, struct aws_verdict *v)
{
	struct aws_query *q = query_of(f);

	aws_judge(v, q->service, call_of(f)->action, response);
	budget_feed(&q->budget, budget_of(call_of(f)),
	    v->result == AWS_BUSY ? BUDGET_THROTTLED : BUDGET_FINE, now_boot_ms());
}

/* ---- its end ---- */

static void
deliver(struct aws_flight *f, const struct aws_answer *answer)
{
	aws_query_cb cb = call_of(f)->cb;
	void *arg = call_of(f)->arg;

	drop(f);
	cb(answer, arg);
}

static void
told(struct aws_flight *f)
{
	struct aws_answer answer = {.result = f->result,
	    .err = f->err,
	    .sent_ms = call_of(f)->sent_ms,
	    .done_ms = now_boot_ms(),
	    .body = ""};

	deliver(f, &answer);
}

static void
answered(struct aws_flight *f, const struct http_response *response,
    const struct aws_verdict *v)
{
	struct aws_answer answer = {.result = v->result,
	    .err = v->err,
	    .date_wall_s = response->date_wall_s,
	    .done_ms = response->done_ms,
	    .body = v->result == AWS_OK ? response->body : "",
	    .body_bytes = v->result == AWS_OK ? response->body_bytes : 0};

	memcpy(answer.code, v->code, sizeof answer.code);
	/* A call that left, and whose connection then never came about, did not. */
	if (v->result != AWS_OUT)
		answer.sent_ms = call_of(f)->sent_ms;
	deliver(f, &answer);
}

static const struct aws_flight_does does = {
    .held = held,
    .send = send_call,
    .judge = judge,
    .answered = answered,
    .told = told,
    .drop = drop,
};

/* ---- aws_query.h ---- */

static void
put_body(struct aws_call *c, const struct aws_query *q, const struct aws_query_ask *ask)
{
	struct text_pair all[AWS_PARAMS_MAX + 2];
	size_t n = 0;

	assert(ask->params <= AWS_PARAMS_MAX);
	all[n++] = (struct text_pair){"Action", ask->action};
	all[n++] = (struct text_pair){"Version", q->version};
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

	if (c == NULL)
		abort();
	c->cb = cb;
	c->arg = arg;
	c->change = ask->change;
	(void)snprintf(c->action, sizeof c->action, "%s", ask->action);
	put_body(c, q, ask);
	aws_flight_begin(&c->flight, &q->line, ask->patience_ms);
	if (!text_ok(&c->body)) {
		(void)err_set(
		    &c->flight.err, "%.60s: its parameters do not fit", c->action);
		aws_flight_decide(&c->flight, AWS_OUT);
	}
	return c;
}

void
aws_query_cancel(struct aws_call *call)
{
	drop(&call->flight);
}

bool
aws_query_is_busy(const struct aws_query *q)
{
	return q->line.flights != NULL;
}

const char *
aws_query_warning(const struct aws_query *q)
{
	return credentials_warning(q->line.credentials);
}

const char *
aws_query_identity(const struct aws_query *q)
{
	return credentials_identity(q->line.credentials);
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
	(void)snprintf(q->service, sizeof q->service, "%s", spec->service);
	(void)snprintf(q->version, sizeof q->version, "%s", spec->version);
	q->line.does = &does;
	q->line.service = q->service;
	budget_init(&q->budget, spec->budget_per_s, spec->budget_burst, spec->seed,
	    now_boot_ms());
	if (partition_service(&q->line.place, spec->service, or_empty(spec->region),
		or_empty(spec->endpoint), e) &&
	    aws_line_init(&q->line, base, &who, e))
		return q;
	aws_query_free(q);
	return NULL;
}

void
aws_query_free(struct aws_query *q)
{
	if (q == NULL)
		return;
	aws_line_fini(&q->line);
	free(q);
}
