/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run in words. Every agent tells each turn of it from one version of the ledger to the
 * next, so that all their timelines have them; who runs it adds how its act ended and what
 * it waits for.
 */
#include "steering/core/engine_parts.h"

#include <assert.h>

struct tale { /* of one version and the next */
	struct engine *g;
	const struct ledger *was, *is;
	struct scenario_plan plan; /* of the older run; of the newer where it begins */
	struct engine_out *out;
	uint64_t now_ms;
};

static const char *
agent_name(const struct engine *g, uint32_t number)
{
	for (uint32_t a = 0; a < g->rule->agents; a++)
		if (g->rule->agent[a].number == number)
			return g->rule->agent[a].name;
	return number == 0 ? "no agent yet" : "an agent that is not of this file";
}

static const char *
member_name(const struct tale *t, uint32_t m)
{
	return t->g->rule->member[m].name;
}

static struct fact *
say_run(const struct tale *t, enum fact_level level, const struct ledger_run *r,
    const char *state)
{
	struct fact *f = say(t->out, FACT_RUN, level, -1, t->now_ms);

	f->epoch = t->is->fence;
	f->nonce = r->id;
	say_value(f, run_way_word(r->way));
	(void)snprintf(f->address, sizeof f->address, "%s", state);
	return f;
}

/* The step in hand of `run`, whose plan is t->plan. */
static struct fact *
say_step(const struct tale *t, enum fact_level level, const struct ledger_run *run,
    const char *state)
{
	enum slot s = (enum slot)t->plan.slot[run->step];
	struct fact *f = say(
	    t->out, FACT_STEP, level, (int32_t)scenario_site(&t->plan, s), t->now_ms);

	f->epoch = t->is->fence;
	f->nonce = run->id;
	say_value(f, slot_word(s));
	(void)snprintf(f->address, sizeof f->address, "%s", state);
	return f;
}

#define step_text(t, f, fmt, ...)                                                     \
	say_text(f, "%s %s: " fmt, (f)->value, member_name(t, (uint32_t)(f)->member), \
	    __VA_ARGS__)

/* How our act ended, where it was ours. */
static const char *
acted_text(const struct tale *t)
{
	return t->g->hand.acted_fence == t->was->fence && t->was->fence != 0
	    ? t->g->hand.acted_text
	    : "";
}

/* Is there no version between them? Else how a step went is not known here. */
static bool
adjacent(const struct tale *t)
{
	return t->is->epoch == t->was->epoch + 1;
}

static bool
is_gate(const struct tale *t, enum slot s)
{
	enum slot_fill fill = t->g->rule->plan.step[s].fill;

	return s == SLOT_READY || s == SLOT_REWEIGHT || s == SLOT_CAUGHT_UP ||
	    s == SLOT_CAUGHT_UP_FULLY || fill == FILL_HEALTHY || fill == FILL_LAG ||
	    fill == FILL_TIME;
}

/* The older version's step is behind the newer. */
static void
tell_passed(const struct tale *t)
{
	const struct ledger_run *r = &t->was->run;
	enum slot s = (enum slot)t->plan.slot[r->step];
	const char *end = acted_text(t);
	struct fact *f;

	if (!adjacent(t)) {
		f = say_step(t, FACT_INFO, r, "over");
		step_text(t, f, "%s", "is over; how it went was not seen here");
	} else if (r->state == RUN_STARTED) {
		f = say_step(t, FACT_INFO, r, "done");
		step_text(t, f, "done%s%.120s", end[0] != '\0' ? ": " : "", end);
	} else if (r->state == RUN_FAILED) {
		f = say_step(t, FACT_WARN, r, "passed over");
		step_text(t, f, "%s", "failed, and passed over");
	} else if (r->state == RUN_APPROVED) {
		f = say_step(t, FACT_INFO, r, "done");
		step_text(t, f, "%s",
		    s == SLOT_BEGIN ? "approved" : "an operator says that it is done");
	} else if (s == SLOT_REPOINT ||
	    (s == SLOT_REWEIGHT && t->is->fence != t->was->fence)) {
		f = say_step(t, FACT_INFO, r, "done");
		step_text(t, f, "the records move in this change (fence %llu)",
		    (unsigned long long)t->is->fence);
	} else if (r->state == RUN_GATE && is_gate(t, s)) {
		f = say_step(t, FACT_INFO, r, "done");
		step_text(t, f, "%s", "passed");
	} else {
		f = say_step(t, FACT_WARN, r, "skipped");
		step_text(t, f, "%s", "skipped by an operator");
	}
}

static void
tell_failed(const struct tale *t, const struct ledger_run *r)
{
	const char *name = t->g->rule->plan.name, *end = acted_text(t);
	bool goes_on = t->g->rule->plan.step[t->plan.slot[r->step]].go_on;
	struct fact *f = say_step(t, goes_on ? FACT_WARN : FACT_ERROR, r, "failed");

	if (r->tries == 0)
		step_text(t, f,
		    "was not passed in its time; say: pointsman retry, skip or abort %s",
		    name);
	else
		step_text(t, f, "failed after %u attempts%s%.80s; %s%s",
		    (unsigned)r->tries, end[0] != '\0' ? ": " : "", end,
		    goes_on ? "on_failure: continue"
			    : "say: pointsman retry, skip or abort ",
		    goes_on ? "" : name);
}

/* The state that the newer version's step is in. */
static void
tell_state(const struct tale *t)
{
	const struct ledger_run *r = &t->is->run, *was = &t->was->run;
	const char *end = acted_text(t);
	char question[160];
	struct fact *f;

	switch (r->state) {
	case RUN_GATE:
		if (r->step != was->step || r->id != was->id)
			return; /* its turn */
		f = say_step(t, FACT_WARN, r, "again");
		if (was->state == RUN_STARTED && end[0] != '\0')
			step_text(t, f, "attempt %u failed (%.100s): is tried again",
			    (unsigned)r->tries, end);
		else
			step_text(t, f, "%s", "is tried again");
		return;
	case RUN_ASKS:
		scenario_question(t->g->rule, t->is, question, sizeof question);
		f = say_step(t, FACT_WARN, r, "asks");
		step_text(t, f, "asks: %s", question);
		return;
	case RUN_APPROVED:
		f = say_step(t, FACT_INFO, r, "approved");
		step_text(t, f, "%s",
		    was->state == RUN_FAILED ? "is tried again, as an operator says"
					     : "approved by an operator");
		return;
	case RUN_STARTED:
		f = say_step(t, FACT_INFO, r, "started");
		step_text(t, f, "started (attempt %u, fence %llu)", (unsigned)r->tries,
		    (unsigned long long)t->is->fence);
		return;
	case RUN_UNKNOWN:
		f = say_step(t, FACT_WARN, r, "unknown");
		step_text(t, f, "nobody knows how attempt %u ended%s%.100s",
		    (unsigned)r->tries, end[0] != '\0' ? ": " : "", end);
		return;
	case RUN_FAILED:
		tell_failed(t, r);
		return;
	case RUN_STATES:
		break;
	}
}

static void
tell_begun(struct tale *t)
{
	const struct ledger_run *r = &t->is->run;
	struct fact *f = say_run(t, FACT_WARN, r, "begun");

	scenario_plan(&t->g->rule->plan, r, &t->plan);
	say_text(f, "%s/%llu: %s from %s to %s begun: %s runs it",
	    t->g->rule->plan.name, (unsigned long long)r->id, run_way_word(r->way),
	    member_name(t, t->plan.from), member_name(t, t->plan.to),
	    agent_name(t->g, t->is->lock_holder));
	if (r->state != RUN_GATE && r->step < t->plan.steps)
		tell_state(t);
}

/* What an end without a word says: where the service is now is where it was to go? */
static bool
got_there(const struct tale *t, enum run_way way)
{
	bool over = scenario_is_over(t->g->rule, t->is);

	return way == RUN_DRILL || over == (way != RUN_FAILBACK);
}

static void
tell_ended(const struct tale *t)
{
	const struct ledger_run *r = &t->was->run;
	const struct rule_scenario *rule = &t->g->rule->plan;
	const char *way = run_way_word(r->way), *state = "ended", *at = "";
	bool any = r->step < t->plan.steps, last = r->step + 1 >= t->plan.steps;
	bool asks = any && t->plan.slot[r->step] == SLOT_BEGIN;
	const char *answers = member_name(
	    t, t->is->member[rule->primary].out ? rule->recovery : rule->primary);

	if (any && !asks && (last || !adjacent(t)))
		tell_passed(t);
	if (r->aborting || (!adjacent(t) && !got_there(t, r->way)))
		state = "aborted";
	else if (adjacent(t) && !last)
		state = "withdrawn";
	if (strcmp(state, "withdrawn") == 0 && !asks)
		at = slot_word((enum slot)t->plan.slot[r->step]);
	struct fact *f =
	    say_run(t, strcmp(state, "ended") == 0 ? FACT_INFO : FACT_WARN, r, state);
	say_text(f, "%s/%llu: %s %s%s%s: %s %s", rule->name, (unsigned long long)r->id,
	    way, state, at[0] != '\0' ? " at " : "", at,
	    strcmp(state, "withdrawn") == 0 ? member_name(t, rule->primary) : answers,
	    strcmp(state, "withdrawn") == 0 ? "is UP again" : "answers");
}

static void
tell_turn(const struct tale *t)
{
	const struct ledger_run *r = &t->is->run, *was = &t->was->run;
	const char *name = t->g->rule->plan.name;
	struct fact *f;

	if (t->is->lock_holder != t->was->lock_holder) {
		f = say_run(t, FACT_WARN, r, "taken");
		say_text(f, "%s/%llu: %s runs it now, after %s", name,
		    (unsigned long long)r->id, agent_name(t->g, t->is->lock_holder),
		    agent_name(t->g, t->was->lock_holder));
	}
	if (r->aborting != was->aborting) {
		enum slot s = (enum slot)t->plan.slot[was->step];
		struct tale undo = *t;

		f = say_run(t, FACT_WARN, r, "aborting");
		say_text(f, "%s/%llu: an operator aborts it at %s: %s", name,
		    (unsigned long long)r->id, slot_word(s), scenario_abort_leaves(s));
		scenario_plan(&t->g->rule->plan, r, &undo.plan);
		if (r->state != RUN_GATE)
			tell_state(&undo);
		return;
	}
	if (r->step != was->step)
		tell_passed(t);
	if (r->step < t->plan.steps &&
	    (r->step != was->step || r->state != was->state || r->tries != was->tries))
		tell_state(t);
}

void
run_say(struct engine *g, const struct ledger *next, struct engine_out *out,
    uint64_t now_ms)
{
	struct tale t = {
	    .g = g, .was = &g->ledger, .is = next, .out = out, .now_ms = now_ms};
	const struct ledger_run *was = &t.was->run, *is = &next->run;

	if (!g->has_ledger) { /* what was before is not known here */
		if (is->id != 0) {
			struct fact *f = say_run(&t, FACT_INFO, is, "seen");
			say_text(f, "%s/%llu: a %s is under way: %s runs it",
			    g->rule->plan.name, (unsigned long long)is->id,
			    run_way_word(is->way), agent_name(g, next->lock_holder));
		}
		return;
	}
	scenario_plan(&g->rule->plan, was, &t.plan);
	if (was->id != 0 && is->id == was->id)
		tell_turn(&t);
	else if (was->id != 0)
		tell_ended(&t);
	if (is->id != 0 && is->id != was->id)
		tell_begun(&t);
}

/* ---- waiting ---- */

static bool
is_said(enum scenario_wait w)
{
	return w != WAIT_NOTHING && w != WAIT_HOLDER && w != WAIT_REST &&
	    w != WAIT_ACT && w != WAIT_OLD_ACT && w != WAIT_OPERATOR;
}

void
run_say_wait(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	const struct ledger_run *r = &g->ledger.run;
	enum scenario_wait w = g->move.wait;
	struct tale t = {
	    .g = g, .was = &g->ledger, .is = &g->ledger, .out = out, .now_ms = now_ms};
	uint64_t key = (uint64_t)w | (uint64_t)r->step << 8 | r->id << 16;
	struct fact *f;

	if (g->move.what != SCENARIO_WAIT || !is_said(w) || g->hand.said == key) {
		if (w == WAIT_NOTHING)
			g->hand.said = 0;
		return;
	}
	g->hand.said = key;
	scenario_plan(&g->rule->plan, r, &t.plan);
	if (r->id != 0 && r->step < t.plan.steps) {
		f = say_step(
		    &t, w == WAIT_NO_HOLDER ? FACT_ERROR : FACT_INFO, r, "waits");
		step_text(&t, f, "%s", g->move.text);
		return;
	}
	f = say(out, FACT_BLOCKED, w == WAIT_BARRED ? FACT_INFO : FACT_ERROR,
	    (int32_t)g->rule->plan.primary, now_ms);
	say_value(f, "scenario");
	say_text(f, "%s: %s", g->rule->plan.name, g->move.text);
}

/* ---- for people ---- */

static void
view_steps(struct engine_run_view *v)
{
	for (uint32_t i = 0; i < v->plan.steps; i++) {
		v->step[i].slot = (enum slot)v->plan.slot[i];
		v->step[i].site = i == v->plan.back
		    ? v->plan.from
		    : scenario_site(&v->plan, v->step[i].slot);
		v->step[i].where = i < v->run.step ? STEP_PASSED
		    : i == v->run.step             ? STEP_IN_HAND
						   : STEP_AHEAD;
		v->step[i].state = i == v->run.step ? v->run.state : RUN_GATE;
	}
}

void
engine_run(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct engine_run_view *v)
{
	struct scenario_move move;
	struct scenario_in in;

	memset(v, 0, sizeof *v);
	v->holder = -1;
	v->is = scenario_is(g->rule);
	if (!v->is || !g->has_ledger)
		return;
	v->running = g->ledger.run.id != 0;
	v->over = scenario_is_over(g->rule, &g->ledger);
	v->sides = ledger_sides(&g->ledger);
	v->run = g->ledger.run;
	v->fence = g->ledger.fence;
	scenario_plan(&g->rule->plan, &v->run, &v->plan);
	view_steps(v);
	for (uint32_t a = 0; a < g->rule->agents && g->ledger.lock_holder != 0; a++)
		if (g->rule->agent[a].number == g->ledger.lock_holder)
			v->holder = (int32_t)a;
	v->ours = v->holder == (int32_t)g->self;
	if (now_wall_s == 0)
		return;
	run_in(g, now_wall_s, now_ms, &in);
	/* Who does not run it says what it sees of the gate all the same. */
	if (v->running && v->holder >= 0)
		in.self = g->ledger.lock_holder;
	if (v->running && !v->ours && v->run.state == RUN_STARTED)
		in.acting = v->fence;
	scenario_decide(&in, &move);
	if (move.what == SCENARIO_WAIT)
		(void)snprintf(v->waits, sizeof v->waits, "%s", move.text);
}
