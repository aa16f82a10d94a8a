/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_bench.h - an engine on its bench with a scenario: a (primary) and b (recovery)
 * of a failover, a third agent as the witness; acts end when the test says so.
 */
#ifndef TESTS_UNIT_SCENARIO_BENCH_H
#define TESTS_UNIT_SCENARIO_BENCH_H

#include "tests/unit/engine_bench.h"

/* Slots of a kind, all filled with programs that know {fence}. */
static inline void
plan_make(struct rule_service *r, enum scenario_kind kind, enum trigger trigger)
{
	struct rule_scenario *p = &r->plan;

	memset(p, 0, sizeof *p);
	(void)snprintf(p->name, sizeof p->name, "shop-dr");
	p->kind = kind;
	p->trigger = trigger;
	p->primary = 0;
	p->recovery = 1;
	p->has_lag = kind != SCENARIO_BACKUP_RESTORE;
	p->catch_up_ms = 10000;
	for (uint32_t s = SLOT_FENCE; s < SLOTS; s++)
		if (s != SLOT_READY && s != SLOT_REPOINT && s != SLOT_REWEIGHT &&
		    s != SLOT_CAUGHT_UP && s != SLOT_CAUGHT_UP_FULLY)
			p->step[s] = (struct rule_step){
			    .fill = FILL_ACT,
			    .fenced = true,
			    .timeout_ms = 60000,
			    .drill = !scenario_opens((enum slot)s) &&
				!scenario_closes((enum slot)s) && s != SLOT_REVERSE &&
				s != SLOT_BACKUP,
			};
	r->scenario = true;
	r->stateful = kind != SCENARIO_MULTI_SITE;
	r->failback_auto = false;
	r->hold_ms = r->stateful ? 60000 : 3000;
	r->policy = kind == SCENARIO_MULTI_SITE ? POLICY_WEIGHTED : POLICY_FAILOVER;
}

/* This engine is the agent `self` of a, b and the witness: 0, 1 or 2. */
static inline void
scenario_make(
    struct bench *b, enum scenario_kind kind, enum trigger trigger, uint32_t self)
{
	struct rule_agent me;

	bench_make(b, 2, 3);
	me = b->rule.agent[self];
	b->rule.agent[self] = b->rule.agent[0];
	b->rule.agent[0] = me; /* the bench's own is always the first */
	plan_make(&b->rule, kind, trigger);
}

static inline void
scenario_begin(struct bench *b)
{
	bench_begin(b);
	bench_run(b, 70000);
	ck_assert(b->present);
	ck_assert_uint_eq(b->ledger.epoch, 1);
	ck_assert(!b->ledger.member[0].out);
	/* those behind us in rank are as able as we are: none is ahead for long */
	b->peer_cannot[1] = b->peer_cannot[2] = CANNOT_API;
	bench_run(b, 2000);
}

static inline void
site(struct bench *b, uint32_t member, char peers)
{
	b->health[member] = peers == 'U' ? 'P' : 'F';
	b->peer[1][member] = b->peer[2][member] = peers;
}

static inline enum slot
slot_now(const struct bench *b)
{
	struct scenario_plan plan;

	scenario_plan(&b->rule.plan, &b->ledger.run, &plan);
	return (enum slot)plan.slot[b->ledger.run.step];
}

static inline void
acted(struct bench *b, enum acted a)
{
	struct engine_in in = bench_in(b, ENGINE_ACTED);

	in.fence = b->act.fence;
	in.acted = a;
	in.text = "says the bench";
	bench_step(b, &in);
}

static inline void
lag_ms(struct bench *b, uint64_t ms)
{
	struct engine_lag lag = {.known = true, .lag_ms = ms, .began_ms = b->now_ms};
	struct engine_in in = bench_in(b, ENGINE_LAG);

	in.lag = &lag;
	bench_step(b, &in);
}

/* Until an act of this slot is under way. */
static inline void
await_act(struct bench *b, enum slot s)
{
	uint32_t starts = b->starts;

	if (b->starts > 0 && b->act.slot == s && b->ledger.fence == b->act.fence &&
	    b->ledger.run.state == RUN_STARTED)
		return;
	for (int i = 0; i < 6000 && b->starts == starts; i++)
		bench_run(b, 100);
	ck_assert_msg(b->starts > starts && b->act.slot == s,
	    "waits for %s, is at %s %s, act %s", slot_word(s), slot_word(slot_now(b)),
	    run_state_word(b->ledger.run.state), slot_word(b->act.slot));
}

static inline void
does(struct bench *b, enum slot s)
{
	await_act(b, s);
	acted(b, ACTED_DONE);
}

static inline void
order(struct bench *b, enum order_kind kind)
{
	struct engine_in in = bench_in(b, ENGINE_ORDER);
	static uint32_t id = 1000;
	struct order o = {.kind = kind, .id = ++id, .step = UINT32_MAX};

	b->order_done = b->order_refused = false;
	in.order = &o;
	bench_step(b, &in);
}

#endif
