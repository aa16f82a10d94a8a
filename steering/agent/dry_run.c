/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same plan that the machine follows (scenario_plan()), and the same words that an
 * act is given (act_fill()): what is shown here is what would be done. Fences rise with
 * every attempt; the one that is shown is the next.
 */
#include "steering/agent/dry_run.h"

#include <string.h>

#include "steering/agent/act.h"

struct dry {
	const struct config *config;
	const struct config_scenario *x;
	const struct rule_service *rule;
	const struct json *now; /* of the scenario, as the agent says; NULL */
	enum run_way way;
	struct scenario_plan plan;
	uint32_t at; /* the step */
};

static const char *
site(const struct dry *d, uint32_t m)
{
	return d->rule->member[m].name;
}

static void
span(uint64_t ms, char *text, size_t text_bytes)
{
	static const struct unit {
		uint64_t ms;
		const char *word;
	} unit[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}};

	for (size_t i = 0; i < sizeof unit / sizeof *unit; i++)
		if (ms >= unit[i].ms && ms % unit[i].ms == 0) {
			(void)snprintf(text, text_bytes, "%llu%s",
			    (unsigned long long)(ms / unit[i].ms), unit[i].word);
			return;
		}
	(void)snprintf(text, text_bytes, "%llums", (unsigned long long)ms);
}

/* ---- what a step does ---- */

static void
describe_act(const struct dry *d, enum slot s, char *text, size_t text_bytes)
{
	const struct config_act *act = &d->x->act[s];
	struct act_words words = {
	    .from = site(d, d->plan.from),
	    .to = site(d, d->plan.to),
	    .site = site(d, scenario_site(&d->plan, s)),
	    .service = d->rule->name,
	    .scenario = d->x->name,
	    .incident = (uint64_t)json_int(d->now, "next_fence", 0),
	    .fence = (uint64_t)json_int(d->now, "next_fence", 0) + d->at,
	    .backup_id = json_text(d->now, "backup_id", "{backup.id}"),
	    .backup_started_at =
		json_text(d->now, "backup_started_at", "{backup.started_at}"),
	    .backup_completed_at =
		json_text(d->now, "backup_completed_at", "{backup.completed_at}"),
	};
	struct err e;

	if (act->dry_run == NULL || act->dry_run[0] == '\0' ||
	    !act_fill(act->dry_run, &words, text, text_bytes, &e))
		act_describe(act, &words, text, text_bytes);
}

static void
describe_built_in(const struct dry *d, enum slot s, char *text, size_t text_bytes)
{
	const char *from = site(d, d->plan.from), *to = site(d, d->plan.to);
	bool back = d->at == d->plan.back;

	if (s == SLOT_REPOINT)
		(void)snprintf(text, text_bytes, "the records of %s move from %s to %s",
		    d->rule->name, back ? to : from, back ? from : to);
	else if (s == SLOT_REWEIGHT)
		(void)snprintf(
		    text, text_bytes, "steering takes %s out of the records", from);
	else if (s == SLOT_CAUGHT_UP || s == SLOT_CAUGHT_UP_FULLY)
		(void)snprintf(
		    text, text_bytes, "waits until %s has all that %s has", to, from);
	else if (s == SLOT_READY)
		(void)snprintf(text, text_bytes, "waits until %s is UP by quorum", to);
	else
		(void)snprintf(text, text_bytes, "asks an operator whether to begin");
}

static void
describe(const struct dry *d, enum slot s, char *text, size_t text_bytes)
{
	const struct rule_step *step = &d->rule->plan.step[s];
	const char *question = d->x->act[s].question;
	char time[24];

	span(step->wait_ms, time, sizeof time);
	switch (step->fill) {
	case FILL_EMPTY:
	case FILL_NOTHING:
		describe_built_in(d, s, text, text_bytes);
		break;
	case FILL_ACT:
		describe_act(d, s, text, text_bytes);
		break;
	case FILL_HEALTHY:
		(void)snprintf(text, text_bytes, "waits until %s is UP by quorum",
		    site(d, scenario_site(&d->plan, s)));
		break;
	case FILL_LAG:
		(void)snprintf(
		    text, text_bytes, "waits until the lag is at most %s", time);
		break;
	case FILL_TIME:
		(void)snprintf(text, text_bytes, "waits for %s", time);
		break;
	case FILL_APPROVE:
		(void)snprintf(text, text_bytes, "asks: %s",
		    question != NULL && question[0] != '\0' ? question : slot_word(s));
		break;
	}
}

/* What must hold before it; "" nothing but its turn. */
static void
describe_gate(const struct dry *d, enum slot s, char *text, size_t text_bytes)
{
	const char *from = site(d, d->plan.from), *to = site(d, d->plan.to);
	char limit[24];

	text[0] = '\0';
	span(d->rule->plan.catch_up_ms, limit, sizeof limit);
	if (scenario_opens(s))
		(void)snprintf(text, text_bytes,
		    "%s is closed, or an operator approves that both sides may be open",
		    from);
	else if (s == SLOT_REPOINT || s == SLOT_READY)
		(void)snprintf(text, text_bytes, "%s is UP by quorum",
		    d->at == d->plan.back ? from : to);
	else if (s == SLOT_REWEIGHT)
		(void)snprintf(text, text_bytes, "%s is out", from);
	else if (s == SLOT_CAUGHT_UP && !d->rule->plan.has_lag)
		(void)snprintf(
		    text, text_bytes, "an operator's approval: no lag is configured");
	else if (s == SLOT_CAUGHT_UP)
		(void)snprintf(text, text_bytes, "the lag is at most %s", limit);
	else if (s == SLOT_CAUGHT_UP_FULLY)
		(void)snprintf(text, text_bytes,
		    "the lag is 0 in a sample that began after the freeze");
	else if (s == SLOT_BEGIN || d->rule->plan.step[s].fill == FILL_APPROVE)
		(void)snprintf(text, text_bytes, "an operator's approval");
}

static struct json *
step_json(const struct dry *d, enum slot s)
{
	const struct rule_step *step = &d->rule->plan.step[s];
	struct json *j = json_map_new();
	char text[1024], gate[160];

	describe(d, s, text, sizeof text);
	describe_gate(d, s, gate, sizeof gate);
	json_put_int(j, "number", d->at + 1);
	json_put_text(j, "step", slot_word(s));
	json_put_text(j, "site", site(d, scenario_site(&d->plan, s)));
	json_put_text(j, "does", text);
	json_put_text(j, "gate", gate);
	json_put_int(j, "timeout_s", (int64_t)(step->timeout_ms / 1000));
	json_put_int(j, "retries", step->retries);
	json_put_text(j, "on_failure", step->go_on ? "continue" : "stop");
	json_put_bool(j, "fenced", step->fenced);
	json_put_bool(j, "idempotent", !step->once);
	json_put_text(j, "abort_leaves", scenario_abort_leaves(s));
	return j;
}

/* ---- the whole ---- */

/* Filled slots that this way does not pass, and those that are empty on purpose. */
static void
put_left_out(struct json *j, const struct dry *d)
{
	struct json *list = json_list_new();

	for (int s = SLOT_FENCE; s < SLOTS; s++) {
		const char *none = d->x->act[s].none;
		bool in = memchr(d->plan.slot, s, d->plan.steps) != NULL;
		struct json *one;

		if (in || d->rule->plan.step[s].fill == FILL_EMPTY ||
		    (d->rule->plan.step[s].fill != FILL_NOTHING && d->way != RUN_DRILL))
			continue;
		one = json_map_new();
		json_put_text(one, "step", slot_word((enum slot)s));
		json_put_text(one, "why",
		    none != NULL && none[0] != '\0'
			? none
			: "not in a drill: it opens or closes a side, or says so");
		json_add(list, one);
	}
	json_put(j, "left_out", list);
}

static const struct json *
now_of(const struct json *status, const char *name)
{
	const struct json *list = json_get(status, "scenarios");

	for (size_t i = 0; i < json_count(list); i++)
		if (strcmp(json_text(json_at(list, i), "name", ""), name) == 0)
			return json_at(list, i);
	return NULL;
}

struct json *
dry_run_of(const struct config *c, const struct config_scenario *x, enum run_way way,
    const struct json *now)
{
	uint32_t service = way == RUN_DRILL ? (uint32_t)x->shadow : x->service;
	struct dry d = {.config = c,
	    .x = x,
	    .rule = &c->service[service].rule,
	    .now = now_of(now, x->name),
	    .way = way};
	struct ledger_run run = {.id = 1, .way = way};
	struct json *j = json_map_new(), *steps = json_list_new();

	scenario_plan(&d.rule->plan, &run, &d.plan);
	json_put_bool(j, "ok", true);
	json_put_text(j, "scenario", x->name);
	json_put_text(j, "service", d.rule->name);
	json_put_text(j, "kind", scenario_kind_word(d.rule->plan.kind));
	json_put_text(j, "way", run_way_word(way));
	json_put_text(j, "from", site(&d, d.plan.from));
	json_put_text(j, "to", site(&d, d.plan.to));
	json_put_bool(j, "agent_answers", d.now != NULL);
	json_put_text(j, "exposure", json_text(d.now, "exposure_text", ""));
	for (d.at = 0; d.at < d.plan.steps; d.at++)
		json_add(steps, step_json(&d, (enum slot)d.plan.slot[d.at]));
	json_put(j, "steps", steps);
	put_left_out(j, &d);
	return j;
}

static void
print_step(const struct json *s, FILE *out)
{
	const char *gate = json_text(s, "gate", "");
	int64_t timeout_s = json_int(s, "timeout_s", 0);
	int64_t retries = json_int(s, "retries", 0);
	char limit[24];

	span((uint64_t)timeout_s * 1000, limit, sizeof limit);
	(void)fprintf(out, "%2lld %-15s %-8s %s\n", (long long)json_int(s, "number", 0),
	    json_text(s, "step", "?"), json_text(s, "site", "?"),
	    json_text(s, "does", ""));
	if (gate[0] != '\0')
		(void)fprintf(out, "     gate: %s\n", gate);
	(void)fprintf(out, "     timeout %s", timeout_s != 0 ? limit : "none");
	if (retries > 0)
		(void)fprintf(out, ", retries %lld", (long long)retries);
	(void)fprintf(out, ", on failure %s%s\n     an abort here: %s\n",
	    json_text(s, "on_failure", "stop"),
	    json_flag(s, "idempotent") ? "" : ", not idempotent: you are asked",
	    json_text(s, "abort_leaves", ""));
}

void
dry_run_print(const struct json *plan, FILE *out)
{
	const struct json *steps = json_get(plan, "steps");
	const struct json *left_out = json_get(plan, "left_out");
	const char *exposure = json_text(plan, "exposure", "");

	(void)fprintf(out, "%s: %s of %s (%s), from %s to %s; nothing is done\n",
	    json_text(plan, "scenario", "?"), json_text(plan, "way", "?"),
	    json_text(plan, "service", "?"), json_text(plan, "kind", "?"),
	    json_text(plan, "from", "?"), json_text(plan, "to", "?"));
	if (!json_flag(plan, "agent_answers"))
		(void)fprintf(out,
		    "no agent answers here: fence and incident are shown from 0, and no "
		    "backup is known\n");
	if (exposure[0] != '\0')
		(void)fprintf(out, "%s\n", exposure);
	for (size_t i = 0; i < json_count(steps); i++)
		print_step(json_at(steps, i), out);
	for (size_t i = 0; i < json_count(left_out); i++)
		(void)fprintf(out, "left out: %s: %s\n",
		    json_text(json_at(left_out, i), "step", "?"),
		    json_text(json_at(left_out, i), "why", ""));
}
