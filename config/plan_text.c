/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_text.c - what a scenario will do, in sentences for `validate`.
 *
 * Told from the same plan that the machine walks through, so that it cannot say one thing
 * and do another: what a fail-over does in which order, where it will stop and ask, how
 * it comes back, and what a drill leaves out.
 */
#include "config/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/value.h"
#include "steering/core/scenario.h"

struct out {
	char *text;
	size_t bytes, used;
};

__attribute__((format(printf, 2, 3))) static void
say(struct out *o, const char *format, ...)
{
	va_list args;

	if (o->used >= o->bytes)
		return;
	va_start(args, format);
	int n = vsnprintf(o->text + o->used, o->bytes - o->used, format, args);
	va_end(args);
	o->used += n > 0 ? (size_t)n : 0;
}

static struct scenario_plan
plan_of(const struct rule_scenario *rule, enum run_way way)
{
	struct ledger_run run = {.way = way};
	struct scenario_plan plan;

	scenario_plan(rule, &run, &plan);
	return plan;
}

static bool
has(const struct scenario_plan *plan, enum slot s)
{
	return memchr(plan->slot, (int)s, plan->steps) != NULL;
}

static void
say_slot(struct out *o, const struct rule_scenario *rule, enum slot s)
{
	char lag[32];

	switch ((unsigned)s) {
	case SLOT_REPOINT:
		say(o, "the records move");
		return;
	case SLOT_REWEIGHT:
		say(o, "steering has taken it out");
		return;
	case SLOT_CAUGHT_UP:
		value_duration_format(rule->catch_up_ms, lag, sizeof lag);
		say(o, "lag at most %s", lag);
		return;
	case SLOT_CAUGHT_UP_FULLY:
		say(o, "lag 0");
		return;
	default:
		say(o, "%s", slot_word(s));
	}
}

static void
say_steps(
    struct out *o, const struct rule_scenario *rule, const struct scenario_plan *plan)
{
	const char *between = "";

	for (uint32_t i = 0; i < plan->steps; i++) {
		if (plan->slot[i] == SLOT_BEGIN)
			continue;
		say(o, "%s", between);
		say_slot(o, rule, (enum slot)plan->slot[i]);
		between = ", ";
	}
}

static void
say_begin(struct out *o, const struct rule_service *r)
{
	const char *from = r->member[r->plan.primary].name;

	switch (r->plan.trigger) {
	case TRIGGER_AUTOMATIC:
		say(o, "when %s is DOWN", from);
		return;
	case TRIGGER_APPROVAL:
		say(o, "when %s is DOWN and an operator says yes", from);
		return;
	case TRIGGER_COMMAND:
		say(o, "on an operator's command");
		return;
	}
}

/* Why a run stops at a slot and asks; false: it does not. */
static bool
say_question(struct out *o, const struct rule_scenario *rule,
    const struct scenario_plan *plan, enum slot slot, const struct config_scenario *s)
{
	bool closed = has(plan, SLOT_FENCE) || has(plan, SLOT_FREEZE);

	if (slot == SLOT_BEGIN)
		say(o, "to begin");
	else if (scenario_opens(slot) && !closed)
		say(o, "before %s (nothing closed the other side)", slot_word(slot));
	else if (slot == SLOT_CAUGHT_UP && !rule->has_lag)
		say(o, "before freeze (no lag is measured)");
	else if (rule->step[slot].fill == FILL_APPROVE)
		say(o, "at %s (%.100s)", slot_word(slot), s->act[slot].question);
	else
		return false;
	return true;
}

static void
say_approvals(struct out *o, const struct rule_scenario *rule,
    const struct scenario_plan *plan, const struct config_scenario *s)
{
	const char *before = "; it asks for approval ";
	char text[256];

	for (uint32_t i = 0; i < plan->steps; i++) {
		struct out one = {text, sizeof text, 0};

		if (!say_question(&one, rule, plan, (enum slot)plan->slot[i], s))
			continue;
		say(o, "%s%s", before, text);
		before = ", ";
	}
	if (*before == ';')
		say(o, "; it asks for no approval");
}

static void
say_drill(struct out *o, const struct config *c, const struct rule_scenario *rule,
    const struct scenario_plan *over, const struct config_scenario *s)
{
	struct scenario_plan drill = plan_of(rule, RUN_DRILL);
	const char *between = "";
	char every[32];

	if (s->shadow < 0) {
		say(o, "; never drilled");
		return;
	}
	say(o, ". A drill on %s (", c->service[s->shadow].name[0]);
	value_duration_format(s->drill_ms, every, sizeof every);
	if (s->drill_ms == 0)
		say(o, "on command");
	else
		say(o, "every %s", every);
	say(o, ") leaves out ");
	for (uint32_t i = 0; i < over->steps; i++) {
		enum slot slot = (enum slot)over->slot[i];

		if (slot == SLOT_BEGIN || has(&drill, slot))
			continue;
		say(o, "%s%s", between, slot_word(slot));
		between = ", ";
	}
	if (*between == '\0')
		say(o, "nothing");
}

void
config_plan_text(
    const struct config *c, uint32_t scenario, char *text, size_t text_bytes)
{
	const struct config_scenario *s = &c->scenario[scenario];
	const struct rule_service *r = &c->service[s->service].rule;
	const struct rule_scenario *rule = &r->plan;
	struct scenario_plan over = plan_of(rule, RUN_FAILOVER);
	struct scenario_plan back = plan_of(rule, RUN_FAILBACK);
	struct out o = {text, text_bytes, 0};

	say(&o, "%s (%s of %s, %s to %s): ", s->name, scenario_kind_word(rule->kind),
	    r->name, r->member[rule->primary].name, r->member[rule->recovery].name);
	say_begin(&o, r);
	say(&o, ": ");
	say_steps(&o, rule, &over);
	say_approvals(&o, rule, &over, s);
	say(&o, ". Back, on command: ");
	say_steps(&o, rule, &back);
	say_approvals(&o, rule, &back, s);
	say_drill(&o, c, rule, &over, s);
}
