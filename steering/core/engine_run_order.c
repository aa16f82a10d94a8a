/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's word on a scenario. Whoever hears it writes it; who holds the lock reads
 * it there. A run that is begun here is run by the first of the agents that may: this one
 * only where it is.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

struct asked { /* what every order is judged on */
	const struct engine *g;
	const struct rule_scenario *rule;
	const struct ledger_run *run;
	struct scenario_plan plan;
	enum slot slot;
	int64_t now_wall_s;
	uint64_t now_ms;
	struct err *why;
};

static const char *
member_name(const struct asked *k, uint32_t m)
{
	return k->g->rule->member[m].name;
}

/* ---- beginning ---- */

static bool
lag_holds(const struct asked *k, const struct ledger_run *run)
{
	const struct engine_lag *lag = &k->g->hand.lag;
	struct scenario_plan plan;
	bool first = false;

	scenario_plan(k->rule, run, &plan);
	first = plan.steps > 0 && plan.slot[0] == SLOT_CAUGHT_UP;
	if (!first || !k->rule->has_lag || !lag->known ||
	    !NEEDED(gate_lag, lag->lag_ms > k->rule->catch_up_ms))
		return true;
	return err_set(k->why,
	    "%s is behind: the lag is %llu.%03llu s, the limit %llu.%03llu s; wait until it "
	    "has caught up",
	    member_name(k, plan.to), (unsigned long long)lag->lag_ms / 1000,
	    (unsigned long long)lag->lag_ms % 1000,
	    (unsigned long long)k->rule->catch_up_ms / 1000,
	    (unsigned long long)k->rule->catch_up_ms % 1000);
}

static bool
may_go_over(const struct asked *k, enum run_way way)
{
	const struct ledger *l = &k->g->ledger;
	uint32_t primary = k->rule->primary, recovery = k->rule->recovery;

	if (way != RUN_DRILL && l->member[primary].out &&
	    scenario_is_over(k->g->rule, l))
		return err_set(k->why, "%s has failed over already: %s answers",
		    k->rule->name, member_name(k, recovery));
	if (k->g->quorum[recovery].verdict == VERDICT_DOWN &&
	    !scenario_cold(k->g->rule, l, recovery))
		return err_set(k->why, "%s is DOWN: it cannot take over from %s",
		    member_name(k, recovery), member_name(k, primary));
	if (scenario_held_out(k->g->rule, l, k->now_wall_s))
		return err_set(k->why, "an operator holds %s out: undrain it first",
		    member_name(k, recovery));
	if (way == RUN_SWITCHOVER && k->g->quorum[primary].verdict == VERDICT_DOWN)
		return err_set(k->why,
		    "%s is DOWN: nothing can be planned there any more; say: pointsman "
		    "failover %s",
		    member_name(k, primary), k->rule->name);
	return true;
}

static bool
may_begin(const struct asked *k, enum run_way way)
{
	if (k->run->id != 0)
		return err_set(k->why,
		    "a %s of %s runs already (at %s): wait for it, or abort it",
		    run_way_word(k->run->way), k->rule->name, slot_word(k->slot));
	if (k->rule->shadow != (way == RUN_DRILL))
		return err_set(k->why, "%s",
		    k->rule->shadow
			? "this service is the shadow that drills run on: nothing else does"
			: "drills run on the scenario's shadow service alone");
	if (way != RUN_FAILBACK)
		return may_go_over(k, way);
	/* A multi-site that holds the primary out by order, whatever its sides are. */
	const struct ledger_member *p = &k->g->ledger.member[k->rule->primary];
	if (!(p->out && p->by_order) && !scenario_is_over(k->g->rule, &k->g->ledger))
		return err_set(k->why, "%s has not failed over: %s answers",
		    k->rule->name, member_name(k, k->rule->primary));
	return true;
}

static bool
begin(const struct asked *k, enum run_way way, struct ledger *next)
{
	const struct engine *g = k->g;
	const struct rule_agent *self = &g->rule->agent[g->self];
	struct ledger_run run = {
	    .id = g->ledger.epoch + 1,
	    .way = way,
	    .begun_wall_s = k->now_wall_s,
	    .since_wall_s = k->now_wall_s,
	};
	bool failed = way == RUN_FAILOVER && self->member == (int32_t)k->rule->primary;
	struct scenario_plan plan;

	if (way == RUN_FAILOVER && k->run->id != 0 && k->slot == SLOT_BEGIN &&
	    k->run->state == RUN_ASKS) {
		next->run.state = RUN_APPROVED; /* the order is the approval */
		next->run.since_wall_s = k->now_wall_s;
		return true;
	}
	if (!may_begin(k, way) || !lag_holds(k, &run))
		return false;
	scenario_plan(k->rule, &run, &plan);
	if (plan.steps == 0)
		return err_set(k->why, "%s has nothing to do for a %s", k->rule->name,
		    run_way_word(way));
	run.step = plan.slot[0] == SLOT_BEGIN;
	next->run = run;
	next->rests = false;
	next->lock_holder = failed ||
		turn_ahead(g, way == RUN_FAILOVER ? (int32_t)k->rule->primary : -1,
		    k->now_ms) > 0
	    ? 0
	    : self->number;
	return true;
}

/* ---- on the step in hand ---- */

static void
set_state(const struct asked *k, struct ledger *next, enum run_state state)
{
	next->run.state = state;
	next->run.since_wall_s = k->now_wall_s;
}

static bool
approve(const struct asked *k, struct ledger *next)
{
	if (k->run->state != RUN_ASKS)
		return err_set(k->why,
		    "%s does not ask for an approval: it is at %s (%s)", k->rule->name,
		    slot_word(k->slot), run_state_word(k->run->state));
	set_state(k, next, RUN_APPROVED);
	return true;
}

/* An act is made again at once; a gate is waited for anew. */
static bool
retry(const struct asked *k, struct ledger *next)
{
	if (k->run->state != RUN_FAILED)
		return err_set(k->why, "%s has not failed: it is %s",
		    slot_word(k->slot), run_state_word(k->run->state));
	set_state(k, next, k->run->tries > 0 ? RUN_APPROVED : RUN_GATE);
	return true;
}

static bool
may_skip(const struct asked *k)
{
	enum run_state s = k->run->state;
	bool unsure = s == RUN_UNKNOWN || (s == RUN_ASKS && k->run->tries > 0);

	if (k->slot == SLOT_BEGIN || k->slot == SLOT_REPOINT ||
	    k->slot == SLOT_REWEIGHT || k->slot == SLOT_CAUGHT_UP ||
	    k->slot == SLOT_CAUGHT_UP_FULLY)
		return err_set(k->why,
		    "%s cannot be skipped: it is what makes the rest safe; wait, or abort",
		    slot_word(k->slot));
	if (s == RUN_STARTED || s == RUN_APPROVED)
		return err_set(k->why,
		    "%s is under way: wait until it ends or its time is over, or abort",
		    slot_word(k->slot));
	if (unsure && (scenario_opens(k->slot) || scenario_closes(k->slot)))
		return err_set(k->why,
		    "the outcome of %s is unknown: it is repeated, never passed; approve it "
		    "where it asks, or abort",
		    slot_word(k->slot));
	return true;
}

static bool
skip(const struct asked *k, struct ledger *next)
{
	if (!may_skip(k))
		return false;
	/* It may have been opened by hand; nobody says that it was not. */
	if (scenario_opens(k->slot)) {
		next->open = ledger_sides(next) |
		    (k->plan.to == k->rule->primary ? SIDE_PRIMARY : SIDE_RECOVERY);
		next->fence = scenario_next_fence(next);
	}
	set_state(k, next, RUN_GATE);
	next->run.tries = 0;
	next->run.step++;
	/* Past the last: who holds the lock ends the run. */
	return true;
}

/* ---- abort ---- */

static bool
begun(const struct asked *k)
{
	bool by_hand = k->rule->step[k->slot].fill == FILL_APPROVE &&
	    (k->run->state == RUN_ASKS || k->run->state == RUN_APPROVED);

	return k->run->tries > 0 || by_hand;
}

/* May a call that opens a side still arrive, with nothing to refuse it by? */
static bool
is_late(const struct asked *k)
{
	return scenario_opens(k->slot) && !k->rule->step[k->slot].fenced &&
	    k->run->tries > 0 && k->run->state != RUN_GATE;
}

static bool
is_pointed(const struct asked *k)
{
	for (uint32_t i = 0; i < k->plan.steps && i < k->run->step; i++)
		if (k->plan.slot[i] == SLOT_REPOINT)
			return true;
	return false;
}

/* The records point to {to}: is whatever opens it still ahead, or under way? That the
 * ledger says it may be open is not that it is. */
static bool
is_shut(const struct asked *k)
{
	for (uint32_t i = 0; i < k->plan.steps; i++)
		if (scenario_opens((enum slot)k->plan.slot[i]))
			return i >= k->run->step;
	return false;
}

/* Who holds the lock undoes what was begun, and ends it; after the records have moved
 * nothing is undone: the side that answers stays. */
static bool
abort_run(const struct asked *k, struct ledger *next)
{
	struct ledger_run *r = &next->run;
	bool late = is_late(k);
	bool pointed = k->run->way != RUN_DRILL && is_pointed(k);

	if (k->run->aborting)
		return err_set(k->why, "%s is being aborted already: it is at %s (%s)",
		    k->rule->name, slot_word(k->slot), run_state_word(k->run->state));
	if (pointed && is_shut(k))
		return err_set(k->why,
		    "the records point to %s already and it is still closed: let %s open it "
		    "(retry), or open it by hand and skip",
		    member_name(k, k->plan.to), slot_word(k->slot));
	r->aborting = true;
	r->aborted = pointed ? 0 : k->run->step + (begun(k) ? 1 : 0);
	r->step = r->tries = 0;
	if (!late || k->run->state == RUN_STARTED)
		r->since_wall_s = k->now_wall_s;
	r->state = late ? RUN_UNKNOWN : RUN_GATE;
	return true;
}

/* ---- */

static bool
is_meant(const struct asked *k)
{
	const struct order *o = &k->g->order;

	if (k->run->id == 0)
		return err_set(k->why, "no run of %s is under way", k->rule->name);
	if (o->run != 0 && o->run != k->run->id)
		return err_set(k->why, "run %llu of %s is over: now it is run %llu",
		    (unsigned long long)o->run, k->rule->name,
		    (unsigned long long)k->run->id);
	if (o->step != UINT32_MAX && o->step != k->run->step)
		return err_set(k->why, "%s has moved on: it is at %s (%s) now",
		    k->rule->name, slot_word(k->slot), run_state_word(k->run->state));
	return true;
}

bool
run_order(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct ledger *next, bool *records, struct err *why)
{
	struct asked k = {
	    .g = g,
	    .rule = &g->rule->plan,
	    .run = &g->ledger.run,
	    .now_wall_s = now_wall_s,
	    .now_ms = now_ms,
	    .why = why,
	};

	*records = false;
	if (!scenario_is(g->rule))
		return err_set(why, "the service has no scenario");
	scenario_plan(k.rule, k.run, &k.plan);
	if (k.run->step < k.plan.steps)
		k.slot = (enum slot)k.plan.slot[k.run->step];
	if (g->order.kind == ORDER_FAILOVER)
		return begin(&k, RUN_FAILOVER, next);
	if (g->order.kind == ORDER_SWITCHOVER)
		return begin(&k, RUN_SWITCHOVER, next);
	if (g->order.kind == ORDER_FAILBACK)
		return begin(&k, RUN_FAILBACK, next);
	if (g->order.kind == ORDER_DRILL)
		return begin(&k, RUN_DRILL, next);
	if (!is_meant(&k))
		return false;
	if (g->order.kind == ORDER_APPROVE)
		return approve(&k, next);
	if (g->order.kind == ORDER_RETRY)
		return retry(&k, next);
	if (g->order.kind == ORDER_SKIP)
		return skip(&k, next);
	assert(g->order.kind == ORDER_ABORT);
	return abort_run(&k, next);
}
