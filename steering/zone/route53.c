/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of jobs and one timer. Each turn of the pump sends what the budget allows,
 * changes first, or ends one job with its callback as the very last act: a callback
 * may free the provider, so nothing is touched after it. Jobs are signed when they
 * leave, not when they come.
 *
 * A change waits at most ROUTE53_CHANGE_WAIT_MS in the queue: it was decided for this moment,
 * and the one who decided can decide again. It is sent once; only a refusal of its
 * signature (which nobody applied) is answered by signing with the server's clock.
 */
#include "steering/zone/route53_parts.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "steering/zone/budget.h"
#include "steering/zone/http.h"
#include "steering/zone/ledger_spelling.h"
#include "steering/zone/partition.h"
#include "steering/zone/route53_xml.h"
#include "steering/zone/text.h"

#define TOTAL_MS 10000
#define READ_WAIT_MS 30000
#define WAIT_LOOK_MS 500 /* for credentials: their files may be mended meanwhile */
#define CARRIED_MIN 3    /* reads that wait, for one to carry them */
#define FLIGHTS_MAX 8
#define REQUEST_MAX (256 * 1024)

static struct route53 *
of(struct provider *p)
{
	return (struct route53 *)p;
}

void
route53_wake_in(struct route53 *r, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(r->wake, &t) != 0)
		abort(); /* only when memory is gone for good */
}

/* ---- the end of a job ---- */

void
route53_carry_no_more(struct job *j)
{
	for (struct job *o = j->r->jobs; o != NULL; o = o->next) {
		if (o->carrier != j)
			continue;
		o->carrier = NULL;
		o->was_carried = true;
		route53_wake_in(j->r, 0);
	}
}

static void
free_job(struct job *j)
{
	struct job **link = &j->r->jobs;

	while (*link != j)
		link = &(*link)->next;
	*link = j->next;
	route53_carry_no_more(j);
	if (j->call != NULL)
		http_call_cancel(j->call);
	walk_free(j->walk);
	text_fini(&j->body);
	free(j);
}

/* The last thing that is done in a turn: the callback may free the provider. */
static void
deliver(struct job *j)
{
	struct zone_answer answer = j->answer;
	zone_answer_cb cb = j->cb;
	void *arg = j->arg;

	route53_wake_in(j->r, 0);
	free_job(j);
	cb(&answer, arg);
}

void
route53_decide(struct job *j, enum zone_result result)
{
	assert(!j->decided);
	j->decided = true;
	j->answer.result = result;
	if (j->answer.done_ms == 0)
		j->answer.done_ms = now_boot_ms();
	route53_wake_in(j->r, 0);
}

/* ---- requests ---- */

enum route53_ask
route53_ask_of(const struct job *j)
{
	static const enum route53_ask ask[] = {ROUTE53_LIST, ROUTE53_CHANGE,
	    ROUTE53_GET_CHANGE, ROUTE53_LIST, ROUTE53_LIST_CHECKS,
	    ROUTE53_CREATE_CHECK};

	return ask[j->kind];
}

enum budget_kind
route53_budget_of(const struct job *j)
{
	return j->kind == JOB_CHANGE ? BUDGET_CHANGE
	    : j->kind == JOB_POLL    ? BUDGET_POLL
				     : BUDGET_READ;
}

static void
what_to_ask(struct route53_what *what, const struct job *j)
{
	*what = (struct route53_what){.ask = route53_ask_of(j)};
	switch (j->kind) {
	case JOB_CHANGE:
	case JOB_MAKE:
		what->body = &j->body;
		break;
	case JOB_FIND:
		what->marker = j->checks.marker;
		break;
	case JOB_POLL:
		what->change_id = j->key;
		break;
	case JOB_READ: {
		bool more = walk_next(j->walk, &what->cursor);

		assert(more);
		break;
	}
	case JOB_NAMESERVERS:
		memcpy(what->cursor.name, j->r->apex, sizeof what->cursor.name);
		memcpy(what->cursor.type, "NS", 3);
		what->cursor.items_max = 1;
		break;
	}
}

static bool
may_be_carried(const struct job *j)
{
	return j->kind == JOB_READ && !j->decided && j->call == NULL &&
	    j->carrier == NULL && !j->was_carried && j->tries == 0 &&
	    !walk_begun(j->walk);
}

/* It is about to ask for its first page: are there many that wait for theirs? */
static void
carry_others(struct job *j)
{
	uint32_t waiting = 0;

	if (!may_be_carried(j))
		return;
	for (const struct job *o = j->r->jobs; o != NULL; o = o->next)
		waiting += o != j && may_be_carried(o);
	if (waiting < CARRIED_MIN)
		return;
	for (struct job *o = j->r->jobs; o != NULL; o = o->next)
		if (o != j && may_be_carried(o))
			o->carrier = j;
	walk_widen(j->walk);
}

/* False: nothing was sent; the job is decided, or waits for credentials. */
static bool
send_job(struct job *j)
{
	struct route53 *r = j->r;
	const struct credentials *who;
	struct route53_request request;
	struct route53_what what;

	switch (credentials_get(r->credentials, &who, &j->answer.err)) {
	case CREDENTIALS_READY:
		break;
	case CREDENTIALS_WAIT:
		j->answer.result = ZONE_OUT; /* should patience end first */
		return false;
	case CREDENTIALS_CANNOT:
		route53_decide(j, ZONE_OUT);
		return false;
	}
	carry_others(j);
	what_to_ask(&what, j);
	if (route53_request_init(&request, &r->where, &what, who,
		(int64_t)time(NULL) + r->skew_s, &j->answer.err))
		j->call = http_call_start(
		    r->http, &request.http, route53_answered, j, &j->answer.err);
	route53_request_fini(&request);
	if (j->call == NULL) {
		route53_carry_no_more(j);
		route53_decide(j, ZONE_OUT);
		return false;
	}
	budget_take(&r->budget, route53_budget_of(j), now_boot_ms());
	if (j->answer.sent_ms == 0)
		j->answer.sent_ms = now_boot_ms();
	j->tries++;
	return true;
}

/* ---- the pump ---- */

/* Waited too long: with what the last try said, or because none was allowed. */
static void
give_up(struct job *j, uint64_t now_ms)
{
	uint64_t rest_ms =
	    budget_due_ms(&j->r->budget, route53_budget_of(j), now_ms) - now_ms;
	const char *undone =
	    j->kind == JOB_CHANGE ? "the change was not sent" : "nothing was read";
	enum zone_result result = j->answer.result;

	if (result == ZONE_OK && rest_ms > 0) {
		result = ZONE_BUSY;
		(void)err_set(&j->answer.err,
		    "zone %s: the API budget rests for %llu ms more: %s",
		    j->r->where.zone_id, (unsigned long long)rest_ms, undone);
	} else if (result == ZONE_OK) {
		result = ZONE_BUSY;
		(void)err_set(&j->answer.err,
		    "zone %s: earlier requests are still under way: %s",
		    j->r->where.zone_id, undone);
	}
	route53_decide(j, result);
}

static bool
waits_for_another(const struct job *j)
{
	if (j->carrier != NULL)
		return true;
	for (const struct job *o = j->r->jobs; o != j; o = o->next)
		if (o->kind == j->kind && strcmp(o->key, j->key) == 0)
			return true;
	return false;
}

/* Sends the job when it may go; else lowers *next_ms to when to look again. */
static void
try_job(struct job *j, uint64_t now_ms, uint64_t *next_ms, unsigned *flights)
{
	uint64_t due_ms;

	/* Reads that hang must not keep a change from leaving. */
	if (waits_for_another(j) ||
	    (*flights >= FLIGHTS_MAX && j->kind != JOB_CHANGE)) {
		if (now_ms >= j->give_up_ms)
			give_up(j, now_ms);
		else if (j->give_up_ms < *next_ms)
			*next_ms = j->give_up_ms;
		return;
	}
	due_ms = budget_due_ms(&j->r->budget, route53_budget_of(j), now_ms);
	if (j->not_before_ms > due_ms)
		due_ms = j->not_before_ms;
	if (due_ms > j->give_up_ms || now_ms >= j->give_up_ms) {
		give_up(j, now_ms);
	} else if (due_ms > now_ms) {
		if (due_ms < *next_ms)
			*next_ms = due_ms;
	} else if (send_job(j)) {
		*flights += 1;
	} else if (!j->decided && now_ms + WAIT_LOOK_MS < *next_ms) {
		*next_ms = now_ms + WAIT_LOOK_MS;
	}
}

static void
pump(evutil_socket_t fd, short what, void *arg)
{
	struct route53 *r = arg;
	uint64_t now_ms = now_boot_ms(), next_ms = UINT64_MAX;
	unsigned flights = 0;

	(void)fd, (void)what;
	for (struct job *j = r->jobs; j != NULL; j = j->next)
		flights += j->call != NULL;
	for (int turn = 0; turn < 2; turn++)
		for (struct job *j = r->jobs; j != NULL; j = j->next)
			if (!j->decided && j->call == NULL &&
			    (j->kind == JOB_CHANGE) == (turn == 0))
				try_job(j, now_ms, &next_ms, &flights);
	for (struct job *j = r->jobs; j != NULL; j = j->next) {
		if (j->decided) {
			deliver(j);
			return;
		}
	}
	if (next_ms != UINT64_MAX)
		route53_wake_in(r, next_ms - now_ms);
}

static void
on_credentials(void *arg)
{
	route53_wake_in(arg, 0);
}

/* ---- provider.h ---- */

static struct job *
new_job(struct route53 *r, enum job_kind kind, const char *key, zone_answer_cb cb,
    void *arg)
{
	struct job *j = calloc(1, sizeof *j), **link = &r->jobs;

	if (j == NULL || strlen(key) >= sizeof j->key)
		abort(); /* out of memory, or a caller that passes what is no name */
	j->r = r;
	j->kind = kind;
	j->cb = cb;
	j->arg = arg;
	j->body = TEXT_INIT(REQUEST_MAX);
	j->give_up_ms = now_boot_ms() +
	    (kind == JOB_CHANGE ? ROUTE53_CHANGE_WAIT_MS : READ_WAIT_MS);
	memcpy(j->key, key, strlen(key) + 1);
	while (*link != NULL)
		link = &(*link)->next;
	*link = j;
	route53_wake_in(r, 0);
	return j;
}

static void
route53_read(struct provider *p, const char *ledger_name,
    const char (*names)[DNS_NAME_MAX], size_t n, zone_answer_cb cb, void *arg)
{
	struct job *j = new_job(of(p), JOB_READ, ledger_name, cb, arg);

	j->walk = walk_new(ledger_name, names, n);
	if (j->walk == NULL) {
		(void)err_set(
		    &j->answer.err, "reading %s: memory is short", ledger_name);
		route53_decide(j, ZONE_OUT);
	}
}

static void
route53_change(
    struct provider *p, const struct zone_change *c, zone_answer_cb cb, void *arg)
{
	struct job *j = new_job(of(p), JOB_CHANGE, c->ledger_name, cb, arg);

	if (!route53_format_change(&j->body, c,
		ledger_spelling_find(of(p)->spelling, c->ledger_name, c->ledger_old),
		&j->answer.err))
		route53_decide(j, ZONE_REFUSED);
}

static void
route53_poll(struct provider *p, const char *change_id, zone_answer_cb cb, void *arg)
{
	(void)new_job(of(p), JOB_POLL, change_id, cb, arg);
}

static void
route53_nameservers(struct provider *p, zone_answer_cb cb, void *arg)
{
	(void)new_job(of(p), JOB_NAMESERVERS, "", cb, arg);
}

static void
route53_check_find(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg)
{
	(void)new_job(of(p), JOB_FIND, reference, cb, arg);
}

static void
route53_check_make(
    struct provider *p, const char *reference, zone_answer_cb cb, void *arg)
{
	struct job *j = new_job(of(p), JOB_MAKE, reference, cb, arg);

	route53_format_check(&j->body, reference);
}

static const char *
route53_warning(const struct provider *p)
{
	return credentials_warning(((const struct route53 *)p)->credentials);
}

static const char *
route53_identity(const struct provider *p)
{
	return credentials_identity(((const struct route53 *)p)->credentials);
}

static void
route53_free(struct provider *p)
{
	struct route53 *r = of(p);

	while (r->jobs != NULL)
		free_job(r->jobs);
	ledger_spelling_free(&r->spelling);
	http_free(r->http);
	credentials_free(r->credentials);
	if (r->wake != NULL)
		event_free(r->wake);
	free(r);
}

static const struct provider_ops ops = {
    .read = route53_read,
    .change = route53_change,
    .poll = route53_poll,
    .nameservers = route53_nameservers,
    .check_find = route53_check_find,
    .check_make = route53_check_make,
    .warning = route53_warning,
    .identity = route53_identity,
    .free = route53_free,
};

struct provider *
route53_new(struct event_base *base, const struct route53_spec *spec, uint64_t seed,
    struct err *e)
{
	struct credentials_spec who = {.profile = spec->profile,
	    .role_arn = spec->role_arn,
	    .external_id = spec->external_id,
	    .region = spec->region};
	struct route53 *r;

	if (!partition_check(spec, e))
		return NULL;
	r = calloc(1, sizeof *r);
	if (r == NULL) {
		(void)err_set(e, "zone %s: memory is short", spec->zone_id);
		return NULL;
	}
	r->provider.ops = &ops;
	r->base = base;
	memcpy(r->apex, spec->apex, sizeof r->apex);
	memcpy(r->where.zone_id, spec->zone_id, sizeof r->where.zone_id);
	r->where.total_ms = spec->timeout_ms ? spec->timeout_ms : TOTAL_MS;
	budget_init(
	    &r->budget, spec->budget_per_s, spec->budget_burst, seed, now_boot_ms());
	r->wake = evtimer_new(base, pump, r);
	if (r->wake == NULL)
		(void)err_set(e, "zone %s: memory is short", spec->zone_id);
	if (r->wake == NULL || !partition_find(&r->where.place, spec, e) ||
	    (r->credentials = credentials_new(base, &who, on_credentials, r, e)) ==
		NULL ||
	    (r->http = http_new(base, e)) == NULL) {
		route53_free(&r->provider);
		return NULL;
	}
	return &r->provider;
}
