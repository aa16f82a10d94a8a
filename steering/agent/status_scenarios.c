/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has done stands in the ledger, so every agent shows it; what a step printed
 * stands in the journal of the agent that ran it, and is shown there.
 */
#include "steering/agent/status_scenarios.h"

#include <string.h>

#include "steering/agent/incidents.h"
#include "steering/agent/lag.h"
#include "steering/agent/logfmt.h"
#include "steering/agent/scenarios.h"
#include "steering/agent/store.h"

#define WARNINGS_MAX 8

const char *
status_tail(const char *text, unsigned lines)
{
	size_t n = strlen(text);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	while (n > 0 && (text[n - 1] != '\n' || --lines > 0))
		n--;
	return text + n;
}

/* ---- the run ---- */

static const char *
step_word(const struct engine_run_step *s)
{
	switch (s->where) {
	case STEP_PASSED:
		return "done";
	case STEP_AHEAD:
		return "ahead";
	case STEP_IN_HAND:
		break;
	}
	return run_state_word(s->state);
}

static void
add_tail(struct json *j, const char *tail)
{
	struct json *lines = json_list_new();
	const char *at = status_tail(tail, STATUS_TAIL_LINES);
	char line[256];

	while (*at != '\0') {
		size_t n = strcspn(at, "\n");

		(void)snprintf(line, sizeof line, "%.*s", (int)n, at);
		json_add_text(lines, line);
		at += n + (at[n] == '\n');
	}
	json_put(j, "output", lines);
}

static struct json *
step_json(const struct agent_service *s, const struct engine_run_view *v, uint32_t i)
{
	const struct engine_run_step *step = &v->step[i];
	struct json *j = json_map_new();
	struct store_step row = {.text = ""};
	bool known = s->agent->store != NULL && step->where != STEP_AHEAD &&
	    store_find_step(
		s->agent->store, s->conf->rule.name, v->run.id, step->slot, &row);

	json_put_int(j, "number", i + 1);
	json_put_text(j, "step", slot_word(step->slot));
	json_put_text(j, "site", s->conf->rule.member[step->site].name);
	json_put_text(j, "state", step_word(step));
	json_put_int(j, "tries", known ? row.tries : 0);
	json_put_int(j, "fence", known ? (int64_t)row.fence : 0);
	json_put_text(j, "outcome", known && row.over ? acted_word(row.acted) : "");
	json_put_text(j, "text", row.text);
	add_tail(j, row.tail);
	return j;
}

static void
put_time(struct json *j, const char *key, int64_t wall_s)
{
	char text[LOGFMT_TIME_MAX];

	if (wall_s != 0)
		json_put_text(j, key, logfmt_time(wall_s * 1000, text));
	else
		json_put_null(j, key);
}

static void
add_command(struct json *list, const struct agent *a, const char *command,
    const char *scenario, bool reason)
{
	char text[700];

	(void)snprintf(text, sizeof text, "pointsman %s -c %s %s%s", command,
	    a->config->path, scenario, reason ? " --reason \"…\"" : "");
	json_add_text(list, text);
}

/* What an operator may say now. */
static void
put_commands(struct json *j, const struct agent *a, const char *name,
    const struct engine_run_view *v)
{
	struct json *list = json_list_new();

	if (v->running && v->run.state == RUN_ASKS)
		add_command(list, a, "approve", name, true);
	if (v->running && v->run.state == RUN_FAILED) {
		add_command(list, a, "retry", name, true);
		add_command(list, a, "skip", name, true);
	}
	if (v->running && !v->run.aborting &&
	    (v->run.state == RUN_ASKS || v->run.state == RUN_FAILED))
		add_command(list, a, "abort", name, true);
	if (!v->running && v->over)
		add_command(list, a, "failback", name, false);
	if (!v->running && !v->over && v->waits[0] != '\0')
		add_command(list, a, "failover", name, false);
	json_put(j, "commands", list);
}

static void
put_run(struct json *j, const struct agent_service *s, const char *name,
    const struct engine_run_view *v)
{
	const struct rule_service *rule = &s->conf->rule;
	struct json *steps = json_list_new();
	const struct engine_run_step *in_hand = NULL;
	struct store_step row = {.text = ""};

	for (uint32_t i = 0; v->running && i < v->plan.steps; i++) {
		json_add(steps, step_json(s, v, i));
		if (v->step[i].where == STEP_IN_HAND)
			in_hand = &v->step[i];
	}
	if (in_hand != NULL && s->agent->store != NULL)
		(void)store_find_step(
		    s->agent->store, rule->name, v->run.id, in_hand->slot, &row);
	json_put_text(j, "way", run_way_word(v->running ? v->run.way : RUN_NONE));
	json_put_int(j, "incident", v->running ? (int64_t)v->run.id : 0);
	json_put_text(j, "from", v->running ? rule->member[v->plan.from].name : "");
	json_put_text(j, "to", v->running ? rule->member[v->plan.to].name : "");
	json_put_text(j, "step", in_hand != NULL ? slot_word(in_hand->slot) : "");
	json_put_text(j, "state", v->running ? run_state_word(v->run.state) : "");
	json_put_int(j, "tries", v->running ? v->run.tries : 0);
	json_put_bool(j, "aborting", v->running && v->run.aborting);
	json_put_text(j, "runner",
	    v->running && v->holder >= 0 ? rule->agent[v->holder].name : "");
	put_time(j, "begun", v->running ? v->run.begun_wall_s : 0);
	put_time(j, "since", v->running ? v->run.since_wall_s : 0);
	json_put_int(j, "fence", (int64_t)v->fence);
	json_put_text(j, "text", v->waits);
	json_put_text(j, "tail", status_tail(row.tail, STATUS_TAIL_LINES));
	json_put(j, "steps", steps);
	put_commands(j, s->agent, name, v);
}

/* ---- the scenario ---- */

static void
look(const struct agent_service *s, struct engine_run_view *v)
{
	engine_run(s->engine, agent_now_wall_s(s->agent), now_boot_ms(), v);
}

static void
put_sides(
    struct json *j, const struct agent_service *s, const struct engine_run_view *v)
{
	const struct rule_service *rule = &s->conf->rule;
	const struct ledger *l = &s->engine->ledger;
	struct json *open = json_list_new(), *serves = json_list_new();

	if ((v->sides & SIDE_PRIMARY) != 0)
		json_add_text(open, rule->member[rule->plan.primary].name);
	if ((v->sides & SIDE_RECOVERY) != 0)
		json_add_text(open, rule->member[rule->plan.recovery].name);
	for (uint32_t m = 0; s->engine->has_ledger && m < rule->members; m++)
		if (!l->member[m].out && l->member[m].weight > 0)
			json_add_text(serves, rule->member[m].name);
	json_put(j, "open", open);
	json_put(j, "serves", serves);
}

static void
put_lag(struct json *j, const struct agent *a, uint32_t scenario)
{
	const struct lag_sample *lag =
	    a->lag != NULL ? lag_last(a->lag, scenario) : NULL;
	char warning[WARNINGS_MAX][224], line[256] = "";
	struct json *list = json_list_new();
	uint64_t lag_ms;
	uint32_t n = 0;

	if (a->lag != NULL) {
		lag_line(a->lag, scenario, line, sizeof line);
		n = lag_warnings(a->lag, scenario, warning, WARNINGS_MAX);
	}
	if (a->lag != NULL && lag_now(a->lag, scenario, &lag_ms))
		json_put_int(j, "exposure_ms", (int64_t)lag_ms);
	else
		json_put_null(j, "exposure_ms");
	json_put_text(j, "exposure_text", line);
	if (lag != NULL && lag->backup_id[0] != '\0') {
		json_put_text(j, "backup_id", lag->backup_id);
		json_put_text(j, "backup_started_at", lag->backup_started_at);
		json_put_text(j, "backup_completed_at", lag->backup_completed_at);
	}
	if (n < WARNINGS_MAX &&
	    incidents_drill_warning(a->incidents, scenario, warning[n]))
		n++;
	for (uint32_t i = 0; i < n; i++)
		json_add_text(list, warning[i]);
	json_put(j, "warnings", list);
}

static struct json *
scenario_json(const struct agent *a, uint32_t i, const struct agent_service *s)
{
	const struct config_scenario *c = &a->config->scenario[i];
	const struct rule_scenario *plan = &s->conf->rule.plan;
	const struct agent_service *shadow = scenarios_service(a, c, true);
	struct engine_run_view v, drill;
	struct json *j = json_map_new();

	look(s, &v);
	json_put_text(j, "name", c->name);
	json_put_text(j, "service", s->conf->rule.name);
	json_put_text(j, "kind", scenario_kind_word(plan->kind));
	json_put_text(j, "primary", s->conf->rule.member[plan->primary].name);
	json_put_text(j, "recovery", s->conf->rule.member[plan->recovery].name);
	json_put_int(j, "rto_s", (int64_t)(c->rto_ms / 1000));
	json_put_int(j, "rpo_s", (int64_t)(c->rpo_ms / 1000));
	json_put_bool(j, "over", v.over);
	json_put_int(j, "next_fence",
	    s->engine->has_ledger ? (int64_t)scenario_next_fence(&s->engine->ledger)
				  : 0);
	put_sides(j, s, &v);
	put_lag(j, a, i);
	if (shadow != NULL)
		look(shadow, &drill);
	bool drills = shadow != NULL && drill.running;
	if (drills && v.running) {
		struct json *other = json_map_new();

		put_run(other, shadow, c->name, &drill);
		json_put(j, "drill", other);
	}
	if (drills && !v.running)
		put_run(j, shadow, c->name, &drill);
	else
		put_run(j, s, c->name, &v);
	return j;
}

void
status_put_scenarios(struct json *j, const struct agent *a, const char *service)
{
	struct json *list = json_list_new();

	for (uint32_t i = 0; i < a->config->scenarios; i++) {
		const struct agent_service *s =
		    scenarios_service(a, &a->config->scenario[i], false);

		if (s != NULL &&
		    (service[0] == '\0' || strcmp(s->conf->rule.name, service) == 0))
			json_add(list, scenario_json(a, i, s));
	}
	json_put(j, "scenarios", list);
}

void
status_scenarios_brief(const struct agent *a, FILE *out)
{
	struct engine_run_view v;

	for (uint32_t i = 0; i < a->services; i++) {
		const struct agent_service *s = a->service[i];
		int32_t c = s->conf->rule.scenario ? scenarios_index(a, s) : -1;

		if (c < 0)
			continue;
		look(s, &v);
		if (!v.running && v.waits[0] == '\0')
			continue;
		(void)fprintf(out, "%s%s: ", a->config->scenario[c].name,
		    s->conf->shadow_of >= 0 ? "-drill" : "");
		if (v.running)
			(void)fprintf(out, "%s %llu, step %s: %s",
			    run_way_word(v.run.way), (unsigned long long)v.run.id,
			    v.run.step < v.plan.steps
				? slot_word((enum slot)v.plan.slot[v.run.step])
				: "none",
			    run_state_word(v.run.state));
		(void)fprintf(out, "%s%s\n",
		    v.running && v.waits[0] != '\0' ? ": " : "", v.waits);
	}
}
