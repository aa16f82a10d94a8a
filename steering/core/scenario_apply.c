/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A move, carried out on a copy of the ledger: the run, the lock and the sides, and the
 * records where they move; all of it in one batch. And what a step asks, in words.
 */
#include "steering/core/scenario.h"

/* ---- carrying out ---- */

uint64_t
scenario_next_fence(const struct ledger *l)
{
	uint64_t next = l->fence < l->epoch ? l->epoch + 1 : l->fence + 1;

	return l->fence == 0 ? next
			     : l->fence + NEEDED(scenario_fence, next - l->fence);
}

static void
put_in(const struct rule_service *rule, struct ledger *l, uint32_t m)
{
	limiter_in_member(rule, l, m);
	l->member[m].latched = false;
	l->member[m].ramp = (uint8_t)(rule->ramp_steps > 0 ? rule->ramp_steps - 1 : 0);
}

/* A run holds it out as an operator would, until it is put in again. */
static void
hold_out(
    const struct rule_service *rule, struct ledger *l, uint32_t m, int64_t now_wall_s)
{
	l->member[m].drain = (struct ledger_order){
	    .id = (uint32_t)l->run.id,
	    .who = l->lock_holder,
	    .expiry_wall_s = now_wall_s + (int64_t)366 * 24 * 3600,
	};
	l->member[m].by_order = true;
	limiter_out_member(rule, l, m);
}

static void
point(const struct rule_service *rule, const struct scenario_plan *plan,
    enum scenario_points points, int64_t now_wall_s, struct ledger *l)
{
	uint32_t target = points == POINTS_BACK ? plan->from : plan->to;
	uint32_t other = points == POINTS_BACK ? plan->to : plan->from;
	bool stays = target == rule->plan.primary &&
	    (rule->plan.kind == SCENARIO_WARM_STANDBY ||
		rule->plan.kind == SCENARIO_MULTI_SITE);

	if (points == POINTS_REWEIGHT) {
		if (l->member[target].out) /* or nobody would answer */
			put_in(rule, l, target);
		hold_out(rule, l, other, now_wall_s);
		return;
	}
	put_in(rule, l, target);
	/* Of a failover the first that is in answers: that is to be the target. */
	for (uint32_t m = 0; m < target && rule->policy == POLICY_FAILOVER; m++)
		if (!rule->member[m].last_resort && !l->member[m].out)
			limiter_out_member(rule, l, m);
	if (!stays) {
		l->member[other].by_order = l->member[other].latched = false;
		limiter_out_member(rule, l, other);
	}
	policy_weigh(rule, l);
}

void
scenario_apply(const struct rule_service *rule, const struct scenario_move *move,
    int64_t now_wall_s, struct ledger *l)
{
	struct scenario_plan plan;
	struct ledger_member *p = &l->member[rule->plan.primary];

	scenario_plan(&rule->plan, &l->run, &plan);
	if (move->points != POINTS_STAY)
		point(rule, &plan, move->points, now_wall_s, l);
	/* Undone: steering has the primary again. */
	if (move->undone && p->drain.id == (uint32_t)l->run.id)
		p->drain = (struct ledger_order){0};
	l->lock_holder = move->holder;
	/* Sides are told only beside a fence; opened or closed by hand they have none. */
	l->fence = move->fence == 0 && move->open != SIDE_PRIMARY
	    ? scenario_next_fence(l)
	    : move->fence;
	l->open = l->fence != 0 ? move->open : 0;
	l->rests = move->rests;
	l->run = move->run;
}

/* ---- the question ---- */

static bool
other_side_open(const struct rule_scenario *rule, const struct scenario_plan *plan,
    const struct ledger *l)
{
	uint32_t side = plan->from == rule->primary ? SIDE_PRIMARY : SIDE_RECOVERY;

	return (ledger_sides(l) & side) != 0;
}

void
scenario_question(const struct rule_service *rule, const struct ledger *l, char *text,
    size_t text_bytes)
{
	const struct rule_scenario *p = &rule->plan;
	const struct ledger_run *r = &l->run;
	struct scenario_plan plan;
	const char *from, *to;
	enum slot s;

	scenario_plan(p, r, &plan);
	s = (enum slot)plan.slot[r->step];
	from = rule->member[plan.from].name;
	to = rule->member[plan.to].name;
#define ask(fmt, ...) ((void)snprintf(text, text_bytes, fmt, __VA_ARGS__))
	if (s == SLOT_BEGIN)
		ask("%s is DOWN: fail over to %s? say: pointsman approve %s", from, to,
		    p->name);
	else if (s == SLOT_CAUGHT_UP || s == SLOT_CAUGHT_UP_FULLY)
		ask("no lag is measured: has %s caught up%s? say: pointsman approve %s",
		    to, s == SLOT_CAUGHT_UP ? "" : " fully", p->name);
	else if (r->aborting && r->tries == 0 && s == SLOT_FREEZE)
		ask("%s may be open: see that nothing opens it any more%s, say: pointsman "
		    "approve %s",
		    from, p->step[s].fill == FILL_ACT ? "" : ", and close it by hand",
		    p->name);
	else if (scenario_opens(s) && r->tries > 0)
		ask("the outcome of %s is unknown: repeat it? say: pointsman approve %s",
		    slot_word(s), p->name);
	else if (scenario_opens(s) && other_side_open(p, &plan, l))
		ask("%s was not closed: both sides may be open; go on? say: pointsman approve "
		    "%s",
		    from, p->name);
	else if (r->aborting)
		ask("open %s by hand, then say: pointsman approve %s", to, p->name);
	else
		ask("%s: is it done? say: pointsman approve %s", slot_word(s), p->name);
#undef ask
}
