/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One deadline for the whole sample, whatever it is made of: the timer that ends it also
 * cancels what is under way, so that nothing of an old sample answers into a new one.
 */
#include "steering/agent/lag_source.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>

#include "probe/clock.h"
#include "steering/agent/exec_check.h"
#include "steering/agent/jobs.h"
#include "steering/agent/lag_source_parts.h"
#include "steering/zone/measure.h"

#define LATE_MS 250 /* what is asked has its own deadline, and says more */
#define ANSWER_BYTES_MAX (64 * 1024)
#define CONNECT_MS 3000
#define URL_BYTES 2048
#define HEADERS_MAX 16

/* ---- the end of a sample ---- */

static void
end(struct lag_source *s)
{
	lag_source_cb cb = s->cb;

	s->busy = s->decided = false;
	(void)event_del(s->timer);
	s->kind->cancel(s);
	cb(&s->r, s->arg);
}

void
lag_source_known(struct lag_source *s, uint64_t lag_ms, uint64_t began_ms)
{
	s->r.known = true;
	s->r.lag_ms = lag_ms;
	s->r.began_ms = began_ms;
	s->r.text[0] = '\0';
	end(s);
}

void
lag_source_unknown(struct lag_source *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(s->r.text, sizeof s->r.text, format, ap);
	va_end(ap);
	s->r.known = s->r.is_backup = false;
	end(s);
}

void
lag_source_backup(struct lag_source *s, const struct manifest *m)
{
	int64_t age_ms = s->now_wall_ms - m->started_wall_ms;

	s->r.is_backup = true;
	s->r.backup = *m;
	/* Its clock may be a little ahead: that nothing is lost, it cannot say. */
	lag_source_known(s, age_ms > 0 ? (uint64_t)age_ms : 1, s->r.began_ms);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct lag_source *s = arg;

	(void)fd;
	(void)what;
	if (s->decided)
		end(s);
	else
		lag_source_unknown(s, "no answer within %llu ms",
		    (unsigned long long)s->check->timeout_ms);
}

/* ---- its beginning ---- */

static void
wake_in(struct lag_source *s, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(s->timer, &t) != 0)
		abort();
}

void
lag_source_start(
    struct lag_source *s, const struct lag_ask *ask, lag_source_cb cb, void *arg)
{
	struct err e;

	assert(!s->busy);
	s->busy = true;
	s->cb = cb;
	s->arg = arg;
	s->now_wall_ms = ask->now_wall_ms;
	s->r = (struct lag_reading){.began_ms = now_boot_ms()};
	s->give_up_ms = s->r.began_ms + s->check->timeout_ms;
	if (s->kind->start(s, ask, &e)) {
		wake_in(s, s->check->timeout_ms + LATE_MS);
		return;
	}
	(void)snprintf(s->r.text, sizeof s->r.text, "%.223s", e.text);
	s->decided = true;
	wake_in(s, 0);
}

uint64_t
lag_source_left_ms(const struct lag_source *s)
{
	uint64_t now = now_boot_ms();

	return s->give_up_ms > now ? s->give_up_ms - now : 1;
}

bool
lag_source_fill(
    const struct lag_ask *ask, const char *template, char *out, size_t out_bytes)
{
	const struct exec_word word[] = {{"from", ask->from}, {"to", ask->to},
	    {"site", ask->to}, {"service", ask->service}, {"scenario", ask->scenario}};

	return exec_fill_in(
	    word, sizeof word / sizeof word[0], template, out, out_bytes);
}

/* ---- programs ---- */

static bool
fill_environment(
    struct runner_msg *m, const struct lag_source *s, const struct lag_ask *ask)
{
	return runner_add_env(m, "PATH", EXEC_PATH) && runner_add_env(m, "LANG", "C") &&
	    runner_add_env(m, "POINTSMAN_CHECK", s->check->name) &&
	    runner_add_env(m, "POINTSMAN_SCENARIO", ask->scenario) &&
	    runner_add_env(m, "POINTSMAN_SERVICE", ask->service) &&
	    runner_add_env(m, "POINTSMAN_FROM", ask->from) &&
	    runner_add_env(m, "POINTSMAN_TO", ask->to) &&
	    runner_add_env(m, "POINTSMAN_SITE", ask->to);
}

bool
lag_source_run(struct lag_source *s, const struct lag_ask *ask, const char *const *arg,
    uint32_t args, void (*cb)(const struct runner_event *, void *), struct err *e)
{
	struct runner_msg m = {.kind = RUNNER_START,
	    .timeout_ms = s->check->timeout_ms,
	    .grace_ms = EXEC_GRACE_MS};
	char filled[RUNNER_TEXT_BYTES];
	bool fits = true;

	for (uint32_t i = 0; i < args && fits; i++)
		fits = lag_source_fill(ask, arg[i], filled, sizeof filled) &&
		    runner_add_arg(&m, filled);
	if (!fits || !fill_environment(&m, s, ask))
		return err_set(e, "its arguments are longer than %d characters",
		    RUNNER_TEXT_BYTES);
	s->job = jobs_start(s->place.jobs, &m, cb, s, e);
	return s->job != 0;
}

static void
on_program(const struct runner_event *ev, void *arg)
{
	struct lag_source *s = arg;
	struct probe_result r = {0};
	struct err e;
	uint64_t ms;

	s->job = 0;
	exec_result(ev, s->check, &r);
	if (r.outcome != OUTCOME_PASS)
		lag_source_unknown(s, "%s", r.text);
	else if (ev->stdout_bytes >= RUNNER_STDOUT_BYTES)
		lag_source_unknown(s, "it printed more than one number");
	else if (!measure_read(ev->stdout_tail, ev->stdout_bytes, 1, &ms, &e))
		lag_source_unknown(s, "on stdout %.200s", e.text);
	else
		lag_source_known(s, ms, s->r.began_ms);
}

static bool
exec_make(struct lag_source *s, struct err *e)
{
	return s->exec->args > 0 || err_set(e, "it has no program");
}

static bool
exec_start(struct lag_source *s, const struct lag_ask *ask, struct err *e)
{
	return lag_source_run(s, ask, s->exec->arg, s->exec->args, on_program, e);
}

static void
exec_cancel(struct lag_source *s)
{
	if (s->job != 0)
		jobs_forget(s->place.jobs, s->job);
	s->job = 0;
}

const struct lag_source_kind lag_source_exec = {exec_make, exec_start, exec_cancel};

/* ---- a field of JSON ---- */

/* "Name: value\n" lines, cut up in place. */
static size_t
split_headers(char *text, struct text_pair header[HEADERS_MAX])
{
	size_t n = 0;
	char *rest = text, *line;

	while (n < HEADERS_MAX && (line = strsep(&rest, "\n")) != NULL) {
		char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		*colon++ = '\0';
		header[n++] = (struct text_pair){line, colon + strspn(colon, " \t")};
	}
	return n;
}

bool
lag_source_get(
    struct lag_source *s, const char *url, size_t answer_max, http_cb cb, struct err *e)
{
	char headers[CHECK_HEADERS_BYTES];
	struct text_pair header[HEADERS_MAX];
	struct http_request q = {.method = "GET",
	    .url = url,
	    .header = header,
	    .total_ms = lag_source_left_ms(s),
	    .answer_max = answer_max};

	q.connect_ms = q.total_ms < CONNECT_MS ? q.total_ms : CONNECT_MS;
	_Static_assert(sizeof headers == sizeof s->check->http.headers, "a copy fits");
	memcpy(headers, s->check->http.headers, sizeof headers);
	q.headers = split_headers(headers, header);
	s->http = http_call_start(s->place.http, &q, cb, s, e);
	return s->http != NULL;
}

static bool
status_is_good(const struct check_http *c, long status)
{
	for (uint32_t i = 0; i < c->statuses; i++)
		if (status >= c->status[i].low && status <= c->status[i].high)
			return true;
	return c->statuses == 0 && status >= 200 && status <= 299;
}

static void
on_json(const struct http_response *response, void *arg)
{
	struct lag_source *s = arg;
	struct err e;
	uint64_t ms;

	s->http = NULL;
	if (response->fate != HTTP_ANSWERED)
		lag_source_unknown(s, "%.220s", response->err.text);
	else if (!status_is_good(&s->check->http, response->status))
		lag_source_unknown(s, "it answered with status %ld", response->status);
	else if (!measure_json(
		     response->body, response->body_bytes, s->lag->json, &ms, &e))
		lag_source_unknown(s, "%.220s", e.text);
	else
		lag_source_known(s, ms, s->r.began_ms);
}

static bool
http_make(struct lag_source *s, struct err *e)
{
	return (s->lag->url[0] != '\0' && s->lag->json[0] != '\0') ||
	    err_set(e, "it has no url, or no json");
}

static bool
http_start(struct lag_source *s, const struct lag_ask *ask, struct err *e)
{
	char url[URL_BYTES];

	if (!lag_source_fill(ask, s->lag->url, url, sizeof url))
		return err_set(e, "its url is longer than %d characters", URL_BYTES);
	return lag_source_get(s, url, ANSWER_BYTES_MAX, on_json, e);
}

static void
http_cancel(struct lag_source *s)
{
	if (s->http != NULL)
		http_call_cancel(s->http);
	s->http = NULL;
}

const struct lag_source_kind lag_source_http = {http_make, http_start, http_cancel};

/* ---- lag_source.h ---- */

bool
lag_source_is(const struct config *c, int32_t check)
{
	return check >= 0 && c->lag != NULL && c->lag[check].measures;
}

static const struct lag_source_kind *
kind_of(const struct check_spec *check, const struct config_lag *lag)
{
	switch (check->kind) {
	case CHECK_EXEC:
		return &lag_source_exec;
	case CHECK_HTTP:
		return &lag_source_http;
	case CHECK_CLOUDWATCH:
		return &lag_source_metric;
	case CHECK_BACKUP:
		return lag->bucket[0] != '\0' ? &lag_source_bucket
					      : &lag_source_manifest;
	case CHECK_TCP:
	case CHECK_DNS:
	case CHECK_ELB:
	case CHECK_KINDS:
		break;
	}
	return NULL;
}

struct lag_source *
lag_source_new(const struct lag_place *place, const struct config *c, uint32_t check,
    struct err *e)
{
	struct lag_source *s = calloc(1, sizeof *s);

	if (s == NULL || (s->keys = calloc(1, sizeof *s->keys)) == NULL ||
	    (s->timer = evtimer_new(place->base, on_timer, s)) == NULL)
		abort();
	s->place = *place;
	s->check = &c->check[check];
	s->lag = &c->lag[check];
	s->exec = &c->exec[check];
	s->kind = kind_of(s->check, s->lag);
	if (s->kind == NULL)
		(void)err_set(e, "it measures nothing");
	else if (s->kind->make(s, e))
		return s;
	lag_source_free(s);
	return NULL;
}

void
lag_source_free(struct lag_source *s)
{
	if (s == NULL)
		return;
	if (s->busy)
		s->kind->cancel(s);
	aws_query_free(s->query);
	s3_free(s->s3);
	event_free(s->timer);
	free(s->keys);
	free(s);
}

bool
lag_source_is_busy(const struct lag_source *s)
{
	return s->busy;
}

bool
lag_source_is_ready(const struct lag_source *s)
{
	bool runs = s->kind == &lag_source_exec ||
	    (s->kind == &lag_source_manifest && s->lag->manifest[0] == '/');

	return !runs || jobs_alive(s->place.jobs);
}

const char *
lag_source_identity(const struct lag_source *s)
{
	if (s->query != NULL)
		return aws_query_identity(s->query);
	return s->s3 != NULL ? s3_identity(s->s3) : "";
}
