/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A meter is one scenario that measures, with a source, a timer and a memory. Scenarios
 * are not pooled by their check: {from} and {to} are each one's own, and there are few.
 *
 * Over a reload a meter of the same name that measures the same thing keeps its memory and
 * what it has said; its source is made anew, because it points into the configuration.
 */
#include "steering/agent/lag.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/lag_ring.h"
#include "steering/agent/lag_say.h"
#include "steering/agent/lag_source.h"
#include "steering/agent/service.h"
#include "steering/zone/http.h"
#include "steering/zone/metric_data.h"
#include "steering/zone/stamp.h"

#define RUNNER_MS 5000 /* so long may the runner take when the agent begins */

struct meter {
	struct lag *owner;
	char scenario[WORD_MAX], service[WORD_MAX];
	uint32_t index; /* of the scenario in the configuration in force */
	struct lag_source *source;
	struct event *timer;
	bool sampled;
	uint64_t asked_ms, unknown_ms; /* unknown: since when; 0 it is known */
	enum lag_turn said;
	struct lag_reading reading;
	struct lag_sample sample; /* the same, for others */
	struct lag_hour hour;
	struct lag_ring ring;
};

struct lag {
	struct agent *agent;
	struct http *http;
	struct meter *meter[SCENARIOS_MAX]; /* by index of the scenario; NULL none */
	uint64_t chance;
};

/* ---- who follows whom ---- */

static const struct config_scenario *
scenario_of(const struct meter *w)
{
	return &w->owner->agent->config->scenario[w->index];
}

static const struct check_spec *
check_of(const struct meter *w)
{
	return &w->owner->agent->config->check[scenario_of(w)->lag];
}

static void
sides(const struct agent_service *s, const char **from, const char **to)
{
	const struct rule_scenario *plan = &s->conf->rule.plan;
	const char *primary = s->conf->rule.member[plan->primary].name;
	const char *recovery = s->conf->rule.member[plan->recovery].name;
	bool moved = s->engine->has_ledger && lag_recovery_serves(&s->engine->ledger);

	*from = moved ? recovery : primary;
	*to = moved ? primary : recovery;
}

static int64_t
wall_ms(const struct agent *a)
{
	int64_t s = agent_now_wall_s(a);

	return s != 0 ? s * 1000 : now_wall_ms();
}

/* ---- a sample ---- */

static void
look(const struct meter *w, struct lag_view *v)
{
	const struct agent *a = w->owner->agent;
	const struct agent_service *s = agent_find_service(a, w->service);
	const char *to;

	*v = (struct lag_view){.scenario = w->scenario,
	    .check = check_of(w)->name,
	    .from = "it",
	    .lag = &a->config->lag[scenario_of(w)->lag],
	    .rpo_ms = scenario_of(w)->rpo_ms,
	    .every_ms = check_of(w)->every_ms,
	    .backups = check_of(w)->kind == CHECK_BACKUP,
	    .turn = w->sampled ? lag_turn_of(&w->reading, scenario_of(w)->rpo_ms)
			       : LAG_NEVER,
	    .reading = w->reading,
	    .sampled_ms = w->sampled ? w->asked_ms : 0,
	    .unknown_ms = w->unknown_ms,
	    .now_ms = now_boot_ms(),
	    .now_wall_ms = wall_ms(a)};
	if (s != NULL)
		sides(s, &v->from, &to);
}

/* The backup that was known last stays: where it was written down may be lost in the very
 * disaster that it is for. */
static void
fill_sample(struct lag_sample *out, const struct lag_reading *r)
{
	out->known = r->known;
	out->lag_ms = r->lag_ms;
	out->began_ms = r->began_ms;
	memcpy(out->text, r->text, sizeof out->text);
	if (!r->known || !r->is_backup)
		return;
	_Static_assert(sizeof out->backup_id == sizeof r->backup.id, "an id fits");
	memcpy(out->backup_id, r->backup.id, sizeof out->backup_id);
	stamp_format(out->backup_started_at, r->backup.started_wall_ms);
	stamp_format(out->backup_completed_at, r->backup.completed_wall_ms);
	out->backup_started_wall_s = r->backup.started_wall_ms / 1000;
}

static void
say(const struct meter *w, enum fact_level level, const char *value, const char *text)
{
	struct fact f = {
	    .kind = FACT_LAG, .level = level, .member = -1, .at_ms = now_boot_ms()};

	(void)snprintf(f.value, sizeof f.value, "%s", value);
	(void)snprintf(f.text, sizeof f.text, "%s", text);
	facts_emit(w->owner->agent->facts, w->service, NULL, &f);
}

static void
say_turn(struct meter *w)
{
	struct lag_view v;
	char text[LAG_TEXT];
	enum lag_turn before = w->said;

	look(w, &v);
	if (v.turn != before) {
		w->said = v.turn;
		lag_say_turn(&v, before, text);
		say(w, v.turn == LAG_WITHIN ? FACT_INFO : FACT_WARN,
		    lag_turn_word(v.turn), text);
	}
	if (lag_hour_note(&w->hour, &w->reading, v.now_ms, v.rpo_ms, w->scenario, text))
		say(w, FACT_INFO, "hour", text);
}

static void
feed(struct meter *w, int32_t service)
{
	struct agent *a = w->owner->agent;
	struct agent_service *s = service >= 0
	    ? agent_find_service(a, a->config->service[service].rule.name)
	    : NULL;
	struct engine_lag lag = {.known = w->reading.known,
	    .lag_ms = w->reading.lag_ms,
	    .began_ms = w->reading.began_ms};
	struct engine_in in = {.event = ENGINE_LAG, .lag = &lag};

	if (s != NULL)
		service_step(s, &in);
}

static void
ask_in(struct meter *w, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(w->timer, &t) != 0)
		abort();
}

/* Give or take a tenth, so that agents that began together do not ask together. */
static uint64_t
jitter_ms(struct lag *x, uint64_t ms)
{
	x->chance = x->chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return ms - ms / 10 + (x->chance >> 33) % (ms / 5 + 1);
}

static void
on_reading(const struct lag_reading *r, void *arg)
{
	struct meter *w = arg;
	struct lag_point p = {.began_ms = r->began_ms,
	    .lag_ms = r->lag_ms,
	    .known = r->known,
	    .grows = r->is_backup};
	uint64_t every_ms = check_of(w)->every_ms,
		 took_ms = now_boot_ms() - w->asked_ms;
	uint64_t next_ms = jitter_ms(w->owner, every_ms);

	w->reading = *r;
	w->sampled = true;
	if (r->known)
		w->unknown_ms = 0;
	else if (w->unknown_ms == 0)
		w->unknown_ms = r->began_ms;
	fill_sample(&w->sample, r);
	lag_ring_put(&w->ring, &p);
	ask_in(w, next_ms > took_ms ? next_ms - took_ms : 1);
	say_turn(w);
	feed(w, (int32_t)scenario_of(w)->service);
	feed(w, scenario_of(w)->shadow);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct meter *w = arg;
	struct agent *a = w->owner->agent;
	const struct agent_service *s = agent_find_service(a, w->service);
	struct lag_ask ask = {.service = w->service, .scenario = w->scenario};

	(void)fd;
	(void)what;
	if (s == NULL || a->stopping || lag_source_is_busy(w->source))
		return;
	if (!lag_source_is_ready(w->source) &&
	    now_boot_ms() - a->start_ms < RUNNER_MS) {
		ask_in(w, AGENT_TICK_MS);
		return;
	}
	sides(s, &ask.from, &ask.to);
	ask.now_wall_ms = wall_ms(a);
	w->asked_ms = now_boot_ms();
	lag_source_start(w->source, &ask, on_reading, w);
}

/* ---- what is sampled ---- */

static void
meter_free(struct meter *w)
{
	if (w == NULL)
		return;
	lag_source_free(w->source);
	event_free(w->timer);
	free(w);
}

static struct meter *
meter_new(struct lag *x, const struct config *c, uint32_t index)
{
	const struct config_scenario *plan = &c->scenario[index];
	struct meter *w = calloc(1, sizeof *w);

	if (w == NULL || (w->timer = evtimer_new(x->agent->base, on_timer, w)) == NULL)
		abort();
	w->owner = x;
	(void)snprintf(w->scenario, sizeof w->scenario, "%s", plan->name);
	(void)snprintf(
	    w->service, sizeof w->service, "%s", c->service[plan->service].rule.name);
	w->unknown_ms = now_boot_ms();
	return w;
}

static void
begin(struct meter *w)
{
	const struct agent *a = w->owner->agent;
	struct lag_place place = {a->base, a->jobs, w->owner->http};
	struct err e;

	w->source =
	    lag_source_new(&place, a->config, (uint32_t)scenario_of(w)->lag, &e);
	if (w->source != NULL) {
		ask_in(w, 0);
		return;
	}
	/* It stays so until the file is mended: said once, and in every status. */
	(void)snprintf(w->reading.text, sizeof w->reading.text, "%.223s", e.text);
	w->reading.began_ms = now_boot_ms();
	w->sampled = true;
	fill_sample(&w->sample, &w->reading);
	say_turn(w);
}

void
lag_add(struct lag *x)
{
	const struct config *c = x->agent->config;

	for (uint32_t i = 0; i < c->scenarios; i++) {
		const struct config_scenario *plan = &c->scenario[i];
		const char *service = c->service[plan->service].rule.name;

		if (!lag_source_is(c, plan->lag) ||
		    agent_find_service(x->agent, service) == NULL)
			continue;
		if (x->meter[i] == NULL)
			x->meter[i] = meter_new(x, c, i);
		x->meter[i]->index = i;
		if (x->meter[i]->source == NULL)
			begin(x->meter[i]);
	}
}

/* ---- a reload ---- */

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
same_program(const struct config_exec *a, const struct config_exec *b)
{
	if (a->args != b->args)
		return false;
	for (uint32_t i = 0; i < a->args; i++)
		if (strcmp(a->arg[i], b->arg[i]) != 0)
			return false;
	return true;
}

static bool
same_lag(const struct config_lag *a, const struct config_lag *b)
{
	if (a->dimensions != b->dimensions || a->unit_s < b->unit_s ||
	    a->unit_s > b->unit_s)
		return false;
	for (uint32_t i = 0; i < a->dimensions; i++)
		if (strcmp(a->dimension[i].key, b->dimension[i].key) != 0 ||
		    strcmp(a->dimension[i].value, b->dimension[i].value) != 0)
			return false;
	return same_text(a->url, b->url) && same_text(a->json, b->json) &&
	    same_text(a->region, b->region) &&
	    same_text(a->name_space, b->name_space) &&
	    same_text(a->metric, b->metric) && same_text(a->statistic, b->statistic) &&
	    same_text(a->endpoint, b->endpoint) && same_text(a->profile, b->profile) &&
	    same_text(a->manifest, b->manifest) && same_text(a->bucket, b->bucket) &&
	    same_text(a->prefix, b->prefix);
}

static bool
same_sites(const struct config_service *a, const struct config_service *b)
{
	const struct rule_scenario *p = &a->rule.plan, *q = &b->rule.plan;

	return strcmp(a->rule.name, b->rule.name) == 0 &&
	    strcmp(a->rule.member[p->primary].name, b->rule.member[q->primary].name) ==
	    0 &&
	    strcmp(a->rule.member[p->recovery].name,
		b->rule.member[q->recovery].name) == 0;
}

/* Index of the scenario in `next` that measures the same; -1 there is none. */
static int32_t
find_again(const struct meter *w, const struct config *next)
{
	const struct config *was = w->owner->agent->config;
	const struct config_scenario *p = scenario_of(w);

	for (uint32_t i = 0; i < next->scenarios; i++) {
		const struct config_scenario *q = &next->scenario[i];

		if (strcmp(p->name, q->name) == 0 && lag_source_is(next, q->lag) &&
		    same_sites(&was->service[p->service], &next->service[q->service]) &&
		    was->check[p->lag].kind == next->check[q->lag].kind &&
		    same_program(&was->exec[p->lag], &next->exec[q->lag]) &&
		    same_lag(&was->lag[p->lag], &next->lag[q->lag]))
			return (int32_t)i;
	}
	return -1;
}

void
lag_keep(struct lag *x, const struct config *next)
{
	struct meter *kept[SCENARIOS_MAX] = {NULL};

	for (uint32_t i = 0; i < SCENARIOS_MAX; i++) {
		struct meter *w = x->meter[i];
		int32_t at = w != NULL ? find_again(w, next) : -1;

		if (at < 0) {
			meter_free(w);
			continue;
		}
		lag_source_free(w->source);
		w->source = NULL;
		(void)event_del(w->timer);
		kept[at] = w;
	}
	memcpy(x->meter, kept, sizeof kept);
	for (uint32_t i = 0; i < SCENARIOS_MAX; i++)
		if (x->meter[i] != NULL)
			x->meter[i]->index = i;
}

/* ---- life ---- */

struct lag *
lag_new(struct agent *a, struct err *e)
{
	struct lag *x = calloc(1, sizeof *x);

	if (x == NULL) {
		(void)err_set(e, "cannot measure lags: out of memory");
		return NULL;
	}
	x->agent = a;
	x->chance = a->seed != 0 ? a->seed : now_boot_ms() * 2654435761u;
	x->http = http_new(a->base, e);
	if (x->http != NULL)
		return x;
	free(x);
	return NULL;
}

void
lag_free(struct lag *x)
{
	if (x == NULL)
		return;
	for (uint32_t i = 0; i < SCENARIOS_MAX; i++)
		meter_free(x->meter[i]);
	http_free(x->http);
	free(x);
}

/* ---- what others ask ---- */

static const struct meter *
meter_of(const struct lag *x, uint32_t scenario)
{
	return x != NULL && scenario < SCENARIOS_MAX ? x->meter[scenario] : NULL;
}

const struct lag_sample *
lag_last(const struct lag *x, uint32_t scenario)
{
	const struct meter *w = meter_of(x, scenario);

	return w != NULL && w->sampled ? &w->sample : NULL;
}

bool
lag_now(const struct lag *x, uint32_t scenario, uint64_t *lag_ms)
{
	const struct meter *w = meter_of(x, scenario);
	struct lag_view v;

	if (w == NULL || !w->sampled || !w->reading.known)
		return false;
	look(w, &v);
	*lag_ms = lag_view_exposure_ms(&v);
	return true;
}

bool
lag_at(const struct lag *x, uint32_t scenario, uint64_t at_ms, uint64_t *lag_ms)
{
	const struct meter *w = meter_of(x, scenario);

	if (w == NULL)
		return false;
	const struct check_spec *check = check_of(w);
	uint64_t since_ms = 3 * check->every_ms + check->timeout_ms;
	if (check->kind == CHECK_CLOUDWATCH)
		since_ms += METRIC_STALE_MS(METRIC_PERIOD_S);
	return lag_ring_at(&w->ring, at_ms, since_ms, lag_ms);
}

uint32_t
lag_warnings(
    const struct lag *x, uint32_t scenario, char text[][224], uint32_t text_max)
{
	const struct meter *w = meter_of(x, scenario);
	struct lag_view v;

	_Static_assert(LAG_TEXT == 224, "as lag.h says");
	if (w == NULL)
		return 0;
	look(w, &v);
	return lag_say_warnings(&v, text, text_max);
}

void
lag_line(const struct lag *x, uint32_t scenario, char *text, size_t text_bytes)
{
	const struct meter *w = meter_of(x, scenario);
	struct lag_view v;

	if (w == NULL) {
		(void)snprintf(text, text_bytes,
		    "what would be lost now is not measured: no lag is configured");
		return;
	}
	look(w, &v);
	lag_say_line(&v, text, text_bytes);
}
