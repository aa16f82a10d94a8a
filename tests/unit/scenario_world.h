/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_world.h - a small world for test_scenario_exhaustive.c: two agents and their
 * hands, calls under way, two sides that do or do not accept writes, and an operator; what
 * can happen in it, and what must hold after it. A node is bytes: it is hashed.
 */
#ifndef TESTS_UNIT_SCENARIO_WORLD_H
#define TESTS_UNIT_SCENARIO_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "steering/core/engine_parts.h"
#include "tests/unit/scenario_bench.h"

#define PENDING 3
#define NOW_S INT64_C(100000)
#define LONG_S 1000

struct pending { /* a call that is under way, or may still arrive */
	uint8_t fence, site, opens, fenced, aws;
	uint8_t came, expired; /* it has had its effect; its signature's life is over */
};
struct hand {
	uint8_t armed, armed_old, acting, acted_fence, acted;
};
struct node { /* bytes alone: it is hashed */
	uint8_t on, way, aborting, aborted, step, state, tries;
	uint8_t holder, fence, open, rests, old; /* old: long in this state */
	struct hand hand[2];
	struct pending pend[PENDING];
	uint8_t real[2], seen[2], up[2], out[2];
	uint8_t behind, gone, both, skipped; /* an opening, by the operator */
};

enum event {
	EVENT_LOOK,           /* + agent: decides; what it writes is committed */
	EVENT_LOOK_CRASH = 2, /* … and it crashes at once */
	EVENT_CRASH = 4,
	EVENT_DONE = 6, /* the act in hand ends … */
	EVENT_FAILED = 8,
	EVENT_UNKNOWN_NOT = 10,
	EVENT_UNKNOWN_LATE = 12,
	EVENT_ARRIVES = 14, /* + which: a call has its effect */
	EVENT_TIME = 17,
	EVENT_GONE,
	EVENT_UP,          /* + member: its verdict turns */
	EVENT_BEHIND = 21, /* the lag turns */
	EVENT_ORDER,       /* + one of orders[] */
	EVENTS = 29,
};

static const enum order_kind orders[] = {ORDER_FAILOVER, ORDER_SWITCHOVER,
    ORDER_FAILBACK, ORDER_APPROVE, ORDER_RETRY, ORDER_SKIP, ORDER_ABORT};

static struct rule_service rule;
static struct engine g;
static struct ledger l;

/* ---- a node, and the ledger that it means ---- */

static void
unpack(const struct node *n)
{
	memset(&l, 0, sizeof l);
	l.members = 2;
	for (uint32_t m = 0; m < 2; m++) {
		memcpy(l.member[m].name, rule.member[m].name, WORD_MAX);
		l.member[m].out = n->out[m];
	}
	l.epoch = l.fence = n->fence;
	l.lock_holder = n->holder;
	l.open = n->open;
	l.rests = n->rests;
	if (n->on)
		l.run = (struct ledger_run){.id = 1,
		    .way = (enum run_way)n->way,
		    .aborting = n->aborting,
		    .aborted = n->aborted,
		    .step = n->step,
		    .state = (enum run_state)n->state,
		    .tries = n->tries,
		    .begun_wall_s = 1,
		    .since_wall_s = NOW_S - (n->old ? LONG_S : 0)};
}

static void
pack(struct node *n, const struct ledger *x)
{
	const struct ledger_run *r = &x->run;

	n->on = r->id != 0;
	n->way = (uint8_t)r->way;
	n->aborting = r->aborting;
	n->aborted = (uint8_t)r->aborted;
	n->step = (uint8_t)r->step;
	n->state = (uint8_t)r->state;
	n->tries = (uint8_t)r->tries;
	n->old = n->on && r->since_wall_s < NOW_S;
	n->gone &= n->holder == (uint8_t)x->lock_holder;
	n->holder = (uint8_t)x->lock_holder;
	n->fence = (uint8_t)x->fence;
	n->open = (uint8_t)x->open;
	n->rests = x->rests;
	for (uint32_t m = 0; m < 2; m++)
		n->out[m] = x->member[m].out;
	if (!n->on && n->open != (SIDE_PRIMARY | SIDE_RECOVERY))
		n->both = n->skipped = 0;
}

/* Fences matter by their order alone. */
static void
renumber(struct node *n)
{
	uint8_t *at[] = {&n->fence, &n->hand[0].armed, &n->hand[0].acting,
	    &n->hand[0].acted_fence, &n->hand[1].armed, &n->hand[1].acting,
	    &n->hand[1].acted_fence, &n->pend[0].fence, &n->pend[1].fence,
	    &n->pend[2].fence, &n->seen[0], &n->seen[1]};
	enum { N = sizeof at / sizeof *at };
	uint8_t rank[256] = {0}, next = 0;

	for (size_t i = 0; i < N; i++)
		rank[*at[i]] = 1;
	for (size_t v = 1; v < 256; v++)
		if (rank[v] != 0)
			rank[v] = ++next;
	rank[0] = 0;
	for (size_t i = 0; i < N; i++)
		*at[i] = rank[*at[i]];
}

/* ---- the laws ---- */

static const char *trail(void);

#define LAW(ok)                                               \
	do {                                                  \
		if (!(ok))                                    \
			ck_abort_msg("%s\n%s", #ok, trail()); \
	} while (0)

static void
hold_laws(const struct node *n)
{
	uint32_t sides;

	unpack(n);
	sides = ledger_sides(&l);
	LAW(!(n->real[0] && n->real[1]) || n->both);
	LAW(sides != (SIDE_PRIMARY | SIDE_RECOVERY) || n->both || n->skipped ||
	    n->fence == 0);
	LAW(!n->real[0] || (sides & SIDE_PRIMARY) != 0);
	LAW(!n->real[1] || (sides & SIDE_RECOVERY) != 0);
	LAW(n->hand[0].acting == 0 || n->hand[0].acting != n->hand[1].acting);
}

/* ---- the world ---- */

static void
drop(struct node *n, uint32_t i)
{
	n->pend[i] = (struct pending){0};
}

/* A call has its effect: but a target refuses a fence below one that it has seen. */
static void
arrives(struct node *n, uint32_t i)
{
	struct pending *p = &n->pend[i];

	p->came = 1;
	if (p->fenced && p->fence < n->seen[p->site])
		return;
	if (p->fenced)
		n->seen[p->site] = p->fence;
	if (p->opens != 2)
		n->real[p->site] = p->opens;
}

static bool
in_hand(const struct node *n, uint32_t i)
{
	return n->pend[i].fence == n->hand[0].acting ||
	    n->pend[i].fence == n->hand[1].acting;
}

/* What can have no effect any more is no more. */
static void
forget(struct node *n)
{
	for (uint32_t i = 0; i < PENDING; i++)
		if (n->pend[i].fence != 0 && !in_hand(n, i) &&
		    (n->pend[i].came || n->pend[i].expired))
			drop(n, i);
}

static int
pending_of(const struct node *n, uint8_t fence)
{
	for (int i = 0; i < PENDING; i++)
		if (n->pend[i].fence == fence && fence != 0)
			return i;
	return -1;
}

static bool
starts(struct node *n, uint32_t a)
{
	struct scenario_plan plan;
	enum slot s;
	int free = -1;

	scenario_plan(&rule.plan, &l.run, &plan);
	s = (enum slot)plan.slot[l.run.step];
	for (int i = 0; i < PENDING; i++) {
		LAW(n->pend[i].fence < n->fence);
		if (n->pend[i].fence == 0)
			free = i;
	}
	LAW(n->seen[0] < n->fence && n->seen[1] < n->fence);
	if (free < 0)
		return false; /* more calls on their way than are told apart here */
	n->pend[free] = (struct pending){
	    .fence = n->fence,
	    .site = (uint8_t)scenario_site(&plan, s),
	    .opens = scenario_opens(s) ? 1
		: scenario_closes(s)   ? 0
				       : 2,
	    .fenced = rule.plan.step[s].fenced,
	    .aws = rule.plan.step[s].aws,
	};
	n->hand[a].acting = n->fence;
	n->hand[a].armed = 0;
	return true;
}

static void
see(const struct node *n, struct quorum_view *q)
{
	for (uint32_t m = 0; m < 2; m++)
		q[m].verdict = n->up[m] ? VERDICT_UP : VERDICT_DOWN;
}

/* Is a gate of lag in hand, and nobody's approval of it? */
static bool
waits_for_lag(void)
{
	struct scenario_plan plan;

	scenario_plan(&rule.plan, &l.run, &plan);
	return l.run.state == RUN_GATE &&
	    (plan.slot[l.run.step] == SLOT_CAUGHT_UP ||
		plan.slot[l.run.step] == SLOT_CAUGHT_UP_FULLY);
}

static bool
looks(struct node *n, uint32_t a, bool crash)
{
	struct quorum_view q[MEMBERS_MAX] = {0};
	const struct hand *h = &n->hand[a];
	struct scenario_move move;
	struct scenario_in in = {.rule = &rule,
	    .ledger = &l,
	    .self = a + 1,
	    .site = -1,
	    .now_wall_s = NOW_S,
	    .quorum = q,
	    .holder_gone = n->gone,
	    .lag_known = true,
	    .lag_ms = n->behind ? 60000 : 0,
	    .armed = h->armed,
	    .armed_old = h->armed_old,
	    .acting = h->acting,
	    .acted_fence = h->acted_fence,
	    .acted = (enum acted)h->acted};
	uint32_t was = n->holder;

	see(n, q);
	scenario_decide(&in, &move);
	if (move.what == SCENARIO_WAIT)
		return false;
	if (move.what == SCENARIO_START) {
		if (!starts(n, a))
			return false;
	} else {
		struct ledger next = l;

		if (move.points == POINTS_MOVE || move.points == POINTS_BACK) {
			struct scenario_plan plan;

			scenario_plan(&rule.plan, &l.run, &plan);
			LAW(n->up[move.points == POINTS_MOVE ? plan.to : plan.from]);
		}
		scenario_apply(&rule, &move, NOW_S, &next);
		LAW(next.fence >= l.fence);
		LAW(!n->behind || next.run.step == l.run.step || !waits_for_lag());
		pack(n, &next);
		if (move.arms) {
			n->hand[a].armed = n->fence;
			n->hand[a].armed_old = 0;
		}
		/* Who was succeeded was silent for a minute: its act was killed. (An agent
		 * of no hand here may have held the lock before.) */
		if (was != 0 && was <= sizeof n->hand / sizeof *n->hand &&
		    n->holder != 0 && n->holder != was) {
			n->hand[was - 1].acting = 0;
			n->hand[was - 1].armed_old = 1;
		}
	}
	if (crash)
		n->hand[a] = (struct hand){0};
	return true;
}

static bool
ends(struct node *n, uint32_t a, enum event how)
{
	struct hand *h = &n->hand[a];
	int i = pending_of(n, h->acting);

	if (h->acting == 0 || i < 0)
		return false;
	struct pending *p = &n->pend[i];
	/* Refused by its target, or never sent: that is no success. */
	bool stale = p->fenced && p->fence < n->seen[p->site];
	if (how == EVENT_DONE && !p->came && (stale || p->expired))
		return false;
	h->acted_fence = h->acting;
	h->acting = 0;
	h->acted = how == EVENT_DONE ? ACTED_DONE
	    : how == EVENT_FAILED    ? ACTED_FAILED
				     : ACTED_UNKNOWN;
	if (how == EVENT_DONE && !p->came)
		arrives(n, (uint32_t)i);
	if (how != EVENT_UNKNOWN_LATE)
		drop(n, (uint32_t)i);
	return true;
}

/* ---- the operator ---- */

/* What is approved is so: done by hand, or seen to. */
static void
is_true(struct node *n)
{
	struct scenario_plan plan;
	enum slot s;

	scenario_plan(&rule.plan, &l.run, &plan);
	s = (enum slot)plan.slot[l.run.step];
	uint32_t site = scenario_site(&plan, s);
	uint32_t other = plan.from == 0 ? SIDE_PRIMARY : SIDE_RECOVERY;
	bool by_hand = rule.plan.step[s].fill != FILL_ACT;

	if (scenario_opens(s) && (ledger_sides(&l) & other) != 0)
		n->both = 1; /* both sides may be open: go on */
	if (by_hand && scenario_closes(s))
		n->real[site] = 0;
	for (uint32_t i = 0; i < PENDING; i++) /* nothing opens it any more */
		if (n->pend[i].opens == 1 && !in_hand(n, i) &&
		    ((!n->pend[i].fenced && l.run.tries > 0) ||
			(l.run.aborting && s == SLOT_FREEZE &&
			    (by_hand || !n->pend[i].fenced))))
			drop(n, i);
}

static bool
says(struct node *n, enum order_kind kind)
{
	struct ledger next = l;
	struct err why = {""};
	bool records;

	memset(&g.order, 0, sizeof g.order);
	g.rule = &rule;
	g.self = 0;
	g.ledger = l;
	g.has_ledger = true;
	g.order = (struct order){.kind = kind, .id = 1, .step = UINT32_MAX};
	g.hand.lag =
	    (struct engine_lag){.known = true, .lag_ms = n->behind ? 60000 : 0};
	see(n, g.quorum);
	if (!run_order(&g, NOW_S, 1000000, &next, &records, &why)) {
		LAW(why.text[0] != '\0');
		return false;
	}
	if (kind == ORDER_APPROVE)
		is_true(n);
	if (kind == ORDER_SKIP && next.open == (SIDE_PRIMARY | SIDE_RECOVERY))
		n->skipped = 1;
	LAW(next.run.step < SCENARIO_STEPS_MAX);
	pack(n, &next);
	return true;
}

static void
time_passes(struct node *n)
{
	n->old = n->on;
	for (uint32_t i = 0; i < PENDING; i++)
		n->pend[i].expired |= n->pend[i].aws && !n->pend[i].fenced;
	n->hand[0].armed_old = n->hand[0].armed != 0;
	n->hand[1].armed_old = n->hand[1].armed != 0;
}

/* False: nothing came of it. */
static bool
happens(struct node *n, uint32_t e)
{
	unpack(n);
	if (e < EVENT_CRASH)
		return looks(n, e & 1, e >= EVENT_LOOK_CRASH);
	if (e < EVENT_DONE) {
		n->hand[e & 1] = (struct hand){0};
		return true;
	}
	if (e < EVENT_ARRIVES)
		return ends(n, e & 1, (enum event)(e & ~1u));
	if (e < EVENT_TIME) {
		const struct pending *p = &n->pend[e - EVENT_ARRIVES];

		if (p->fence == 0 || p->came || p->expired)
			return false;
		arrives(n, e - EVENT_ARRIVES);
		return true;
	}
	if (e == EVENT_TIME)
		time_passes(n);
	else if (e == EVENT_GONE)
		n->gone = n->holder != 0;
	else if (e < EVENT_BEHIND)
		n->up[e - EVENT_UP] ^= 1;
	else if (e == EVENT_BEHIND)
		n->behind ^= 1;
	else if (e - EVENT_ORDER < sizeof orders / sizeof *orders)
		return says(n, orders[e - EVENT_ORDER]);
	else
		return false;
	return true;
}

#endif
