/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder as others ask it: metrics, the page's table, the schedule of drills. */
#include "steering/agent/incidents_parts.h"

#include <string.h>

#define DAY_MS INT64_C(86400000)

uint32_t
incidents_open(const struct incidents *x, const char *service)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < x->count; k++)
		n += incident_open(x->kept[k]) &&
		    strcmp(x->kept[k]->service, service) == 0;
	return n;
}

/* The newest of a scenario: drills, or what was none; whole: that came to its end. */
static const struct incident *
newest(const struct incidents *x, const char *scenario, bool drill, bool whole)
{
	for (uint32_t k = x->count; k-- > 0;) {
		const struct incident *i = x->kept[k];
		bool forth = i->way == RUN_FAILOVER || i->way == RUN_SWITCHOVER;

		if (strcmp(i->scenario, scenario) == 0 &&
		    (drill ? i->way == RUN_DRILL : forth) &&
		    (!whole || i->state == INCIDENT_OVER ||
			i->state == INCIDENT_REACHED))
			return i;
	}
	return NULL;
}

bool
incidents_last_drill(
    const struct incidents *x, const char *scenario, struct incident_brief *out)
{
	const struct incident *i = newest(x, scenario, true, true);

	*out = (struct incident_brief){0};
	if (i == NULL)
		return false;
	(void)incident_name(i, out->name);
	out->id = i->id;
	out->began_wall_ms = i->mark_wall_ms[MARK_DECIDED];
	out->whole = true;
	out->met = incident_judge(i, now_wall_ms()) == 0;
	return true;
}

bool
incidents_drill_warning(const struct incidents *x, uint32_t scenario, char text[224])
{
	const char *name = x->agent->config->scenario[scenario].name;
	struct incident_brief last;

	if (!incidents_last_drill(x, name, &last)) {
		(void)snprintf(text, 224,
		    "scenario %s: no drill of it is known here: whether it works is not "
		    "known either: pointsman drill %s",
		    name, name);
		return true;
	}
	int64_t days = (now_wall_ms() - last.began_wall_ms) / DAY_MS;
	if (days < DRILL_DAYS)
		return false;
	(void)snprintf(text, 224,
	    "scenario %s was not drilled for %lld days (%s was the last): pointsman "
	    "drill %s",
	    name, (long long)days, last.name, name);
	return true;
}

void
incidents_table(const struct incidents *x, uint32_t n, FILE *out)
{
	char line[INCIDENT_LINE_MAX];

	if (x->count == 0) {
		(void)fputs("no incident is known here\n", out);
		return;
	}
	(void)fprintf(out, "%s\n", incident_line(NULL, 0, line));
	for (uint32_t k = x->count; k-- > 0 && n > 0; n--)
		(void)fprintf(
		    out, "%s\n", incident_line(x->kept[k], now_wall_ms(), line));
}

/* ---- metrics: names and values of a configuration need no escapes ---- */

static void
family(FILE *out, const char *name, const char *help)
{
	(void)fprintf(out, "# HELP pointsman_%s %s\n# TYPE pointsman_%s gauge\n", name,
	    help, name);
}

enum of_incident { OF_RTO = 0, OF_RPO, OF_MET };

static bool
value_of(const struct incident *i, enum of_incident what, double *value)
{
	struct incident_sums s;

	incident_sum(i, now_wall_ms(), &s);
	*value = what == OF_RTO ? (double)s.rto_ms / 1000
	    : what == OF_RPO    ? (double)i->lag_ms / 1000
				: incident_judge(i, now_wall_ms()) == 0;
	return what == OF_MET || (what == OF_RTO ? s.rto_known : i->lag_known);
}

static void
write_last(const struct incidents *x, FILE *out, enum of_incident what,
    const char *name, const char *help)
{
	const struct config *c = x->agent->config;

	family(out, name, help);
	for (uint32_t n = 0; n < c->scenarios; n++)
		for (int drill = 0; drill < 2; drill++) {
			const struct incident *i =
			    newest(x, c->scenario[n].name, drill != 0, true);
			double value;

			if (i == NULL || !value_of(i, what, &value))
				continue;
			(void)fprintf(out,
			    "pointsman_%s{scenario=\"%s\",kind=\"%s\"} %.15g\n", name,
			    c->scenario[n].name, drill != 0 ? "drill" : "incident",
			    value);
		}
}

static void
write_scenarios(const struct incidents *x, FILE *out)
{
	const struct config *c = x->agent->config;

	family(out, "rto_seconds", "Recovery time that a scenario aims at.");
	for (uint32_t n = 0; n < c->scenarios; n++)
		if (c->scenario[n].rto_ms != 0)
			(void)fprintf(out,
			    "pointsman_rto_seconds{scenario=\"%s\"} %.15g\n",
			    c->scenario[n].name, (double)c->scenario[n].rto_ms / 1000);
	family(out, "drill_timestamp_seconds",
	    "When the last drill that went through began, Unix time; 0: none is known.");
	for (uint32_t n = 0; n < c->scenarios; n++) {
		struct incident_brief last;

		(void)incidents_last_drill(x, c->scenario[n].name, &last);
		(void)fprintf(out,
		    "pointsman_drill_timestamp_seconds{scenario=\"%s\"} %lld\n",
		    c->scenario[n].name, (long long)(last.began_wall_ms / 1000));
	}
}

/* Of a run in hand: one word is 1. Without a run all are 0. */
static void
write_states(const struct incidents *x, FILE *out)
{
	const struct agent *a = x->agent;

	family(out, "scenario_run_state",
	    "1 for the state of the step in hand of a run that is under way.");
	for (uint32_t n = 0; n < a->services; n++) {
		const struct agent_service *s = a->service[n];
		const struct ledger_run *run = &s->engine->ledger.run;
		int32_t scenario = incidents_scenario(a, s->conf->rule.name);
		bool runs = s->engine->has_ledger && run->id != 0;

		if (scenario < 0)
			continue;
		for (int state = 0; state < RUN_STATES; state++)
			(void)fprintf(out,
			    "pointsman_scenario_run_state{scenario=\"%s\",service=\"%s\","
			    "state=\"%s\"} %d\n",
			    a->config->scenario[scenario].name, s->conf->rule.name,
			    run_state_word((enum run_state)state),
			    runs && run->state == (enum run_state)state);
	}
}

void
incidents_metrics(const struct incidents *x, FILE *out)
{
	const struct agent *a = x->agent;

	family(out, "incidents_open",
	    "Incidents under way, or away from where the service belongs.");
	for (uint32_t n = 0; n < a->services; n++)
		(void)fprintf(out, "pointsman_incidents_open{service=\"%s\"} %u\n",
		    a->service[n]->conf->rule.name,
		    (unsigned)incidents_open(x, a->service[n]->conf->rule.name));
	if (a->config->scenarios == 0)
		return;
	write_last(x, out, OF_RTO, "incident_rto_seconds",
	    "Recovery time of the scenario's last incident and of its last drill.");
	write_last(x, out, OF_RPO, "incident_rpo_seconds",
	    "What was, or would have been, lost in them; absent: not measured.");
	write_last(x, out, OF_MET, "incident_met",
	    "1 while the last incident, or drill, met its targets.");
	write_scenarios(x, out);
	write_states(x, out);
}
