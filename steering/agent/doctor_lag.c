/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What measures what would be lost: one sample of each scenario, as the agent takes it,
 * on a loop and with a runner of its own, all at once, each within its check's timeout.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/agent/agent.h"
#include "steering/agent/doctor.h"
#include "steering/agent/jobs.h"
#include "steering/agent/lag_say.h"
#include "steering/agent/lag_source.h"
#include "steering/zone/http.h"

#define WARNINGS_MAX 8
#define RUNNER_MS 5000

struct look {
	const struct config_scenario *plan;
	struct lag_source *source;
	struct lag_reading reading;
	char identity[256];
	uint32_t *open; /* samples under way, of all */
};

static void
on_reading(const struct lag_reading *r, void *arg)
{
	struct look *l = arg;

	l->reading = *r;
	(void)snprintf(
	    l->identity, sizeof l->identity, "%s", lag_source_identity(l->source));
	--*l->open;
}

static void
begin(struct look *l, const struct config *c, const struct lag_place *place)
{
	const struct config_service *s = &c->service[l->plan->service];
	const struct rule_scenario *plan = &s->rule.plan;
	struct lag_ask ask = {.from = s->rule.member[plan->primary].name,
	    .to = s->rule.member[plan->recovery].name,
	    .service = s->rule.name,
	    .scenario = l->plan->name,
	    .now_wall_ms = now_wall_ms()};
	struct err e;

	l->source = lag_source_new(place, c, (uint32_t)l->plan->lag, &e);
	if (l->source == NULL) {
		(void)snprintf(
		    l->reading.text, sizeof l->reading.text, "%.223s", e.text);
		return;
	}
	++*l->open;
	lag_source_start(l->source, &ask, on_reading, l);
}

static const char *
cure(const struct check_spec *check)
{
	switch (check->kind) {
	case CHECK_EXEC:
		return "run it by hand as the user who runs programs: it must print one "
		       "number of seconds and end with status 0";
	case CHECK_HTTP:
		return "ask the url by hand, and compare json with what it answers";
	case CHECK_CLOUDWATCH:
		return "look at namespace, metric, dimensions, region and credentials";
	case CHECK_BACKUP:
		return "look at what makes the backups and writes their manifests";
	case CHECK_TCP:
	case CHECK_DNS:
	case CHECK_ELB:
	case CHECK_KINDS:
		break;
	}
	return "name a check that measures";
}

static void
tell(struct doctor *d, const struct look *l)
{
	const struct config *c = d->config;
	const struct check_spec *check = &c->check[l->plan->lag];
	const struct rule_service *s = &c->service[l->plan->service].rule;
	struct lag_view v = {.scenario = l->plan->name,
	    .check = check->name,
	    .from = s->member[s->plan.primary].name,
	    .lag = &c->lag[l->plan->lag],
	    .rpo_ms = l->plan->rpo_ms,
	    .every_ms = check->every_ms,
	    .backups = check->kind == CHECK_BACKUP,
	    .turn = lag_turn_of(&l->reading, l->plan->rpo_ms),
	    .reading = l->reading,
	    .now_ms = now_boot_ms(),
	    .now_wall_ms = now_wall_ms()};
	char what[WORD_MAX + 8], text[WARNINGS_MAX][LAG_TEXT], line[LAG_TEXT * 2];
	uint32_t n;

	(void)snprintf(what, sizeof what, "lag of %s", l->plan->name);
	if (!l->reading.known) {
		doctor_say(d, DOCTOR_WRONG, what, "check %s: %s: %s", check->name,
		    l->reading.text, cure(check));
		return;
	}
	lag_say_line(&v, line, sizeof line);
	if (l->identity[0] != '\0')
		doctor_say(d, DOCTOR_GOOD, what, "%s (%s)", line, l->identity);
	else
		doctor_say(d, DOCTOR_GOOD, what, "%s", line);
	n = lag_say_warnings(&v, text, WARNINGS_MAX);
	for (uint32_t i = 0; i < n; i++)
		doctor_say(d, DOCTOR_WARN, what, "%s", text[i]);
}

/* Whose end is told by each sample that needs it. */
static void
on_runner(const char *why, void *arg)
{
	(void)why;
	(void)arg;
}

static bool
open_place(struct lag_place *p, struct err *e)
{
	const struct jobs_calls calls = {.ended = on_runner, .trouble = on_runner};
	uint64_t begun_ms = now_boot_ms();

	p->base = event_base_new();
	if (p->base == NULL)
		abort();
	p->http = http_new(p->base, e);
	p->jobs = p->http != NULL ? jobs_new(NULL, e) : NULL;
	if (p->jobs == NULL || !jobs_begin(p->jobs, p->base, &calls, e))
		return false;
	/* It beats every second, so that this turns. */
	while (!jobs_alive(p->jobs) && now_boot_ms() - begun_ms < RUNNER_MS)
		(void)event_base_loop(p->base, EVLOOP_ONCE);
	return true;
}

static void
close_place(struct lag_place *p)
{
	jobs_free(p->jobs);
	if (p->http != NULL)
		http_free(p->http);
	event_base_free(p->base);
}

static bool
votes(const struct doctor *d, const struct config_scenario *plan)
{
	const struct rule_service *s = &d->config->service[plan->service].rule;

	for (uint32_t i = 0; i < s->agents; i++)
		if (strcmp(s->agent[i].name, d->config->agent[d->self].name) == 0)
			return true;
	return false;
}

void
doctor_lags(struct doctor *d)
{
	const struct config *c = d->config;
	struct look *look = calloc(SCENARIOS_MAX, sizeof *look);
	struct lag_place place = {0};
	uint32_t n = 0, open = 0;
	struct err e;

	if (look == NULL)
		abort();
	for (uint32_t i = 0; i < c->scenarios; i++)
		if (lag_source_is(c, c->scenario[i].lag) && votes(d, &c->scenario[i]))
			look[n++] =
			    (struct look){.plan = &c->scenario[i], .open = &open};
	if (n > 0 && !open_place(&place, &e)) {
		doctor_say(d, DOCTOR_WRONG, "lags", "%s", e.text);
	} else if (n > 0) {
		for (uint32_t i = 0; i < n; i++)
			begin(&look[i], c, &place);
		while (open > 0)
			(void)event_base_loop(place.base, EVLOOP_ONCE);
		for (uint32_t i = 0; i < n; i++)
			tell(d, &look[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		lag_source_free(look[i].source);
	if (n > 0)
		close_place(&place);
	free(look);
}
