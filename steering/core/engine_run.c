/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenario within the engine: what this agent has in hand of a run, and what it asks
 * the machine (scenario.h). An act is begun only in the step that sees its attempt in the
 * ledger, by the agent whose write it was, and as long as that write is young; whatever
 * moves the ledger past it, or leaves this agent alone, ends it.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

/* ---- the lock ---- */

static int32_t
agent_of(const struct engine *g, uint32_t number)
{
	for (uint32_t a = 0; a < g->rule->agents; a++)
		if (g->rule->agent[a].number == number)
			return (int32_t)a;
	return -1;
}

static bool
holder_lost(const struct engine *g, uint64_t now_ms)
{
	uint32_t holder = g->ledger.lock_holder;
	int32_t a = agent_of(g, holder);
	uint64_t seen_ms = g->hand.holder_seen_ms;

	if (!g->has_ledger || holder == 0 || a == (int32_t)g->self)
		return false;
	if (a < 0)
		return true; /* no agent of ours: nobody will ever hear it */
	if (g->ballot[a].sent_ms > seen_ms)
		seen_ms = g->ballot[a].sent_ms;
	return now_ms > seen_ms && now_ms - seen_ms >= g->rule->takeover_ms;
}

void
run_tell(struct engine *g, uint64_t now_ms)
{
	g->report.holder_lost = holder_lost(g, now_ms);
}

/* Q fresh agents say so, of this very version. */
static bool
holder_gone(const struct engine *g, uint64_t now_ms)
{
	uint32_t n = 0;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		n += ballot_fresh(&g->ballot[a], g->rule, now_ms) &&
		    g->ballot[a].report.holder_lost &&
		    g->ballot[a].report.epoch == g->ledger.epoch;
	return n >= rule_quorum(g->rule);
}

/* ---- asking ---- */

/* Is the attempt that the ledger shows the one that was sent last? A change may be sent
 * again under the same fence, and the earlier of the two be the one that was applied. */
static bool
armed_shows(const struct engine *g)
{
	return ledger_knows_nonce(&g->ledger, g->hand.armed_nonce);
}

void
run_in(
    const struct engine *g, int64_t now_wall_s, uint64_t now_ms, struct scenario_in *in)
{
	const struct engine_hand *h = &g->hand;
	struct limiter_in lim;

	decide_limiter_in(g, now_wall_s, now_ms, &lim);
	*in = (struct scenario_in){
	    .rule = g->rule,
	    .ledger = &g->ledger,
	    .self = g->rule->agent[g->self].number,
	    .site = g->rule->agent[g->self].member,
	    .now_wall_s = now_wall_s,
	    .quorum = g->quorum,
	    .down = limiter_down(
		&lim, g->rule->plan.primary, NEEDED(gate_hold, g->rule->hold_ms)),
	    .frozen =
		order_freezes(g) || ledger_order_stands(&g->ledger.freeze, now_wall_s),
	    .holder_gone = holder_gone(g, now_ms),
	    .lag_known = h->lag.known && h->lag.began_ms > h->step_seen_ms,
	    .lag_ms = h->lag.lag_ms,
	    .armed = armed_shows(g) || h->armed_again ? h->armed_fence : 0,
	    .armed_old = !armed_shows(g) || now_ms - h->armed_ms >= SCENARIO_YOUNG_MS,
	    .acting = h->act.fence,
	    .acted_fence = h->acted_fence,
	    .acted = h->acted,
	};
}

/* ---- acts ---- */

static void
start_act(struct engine *g, struct engine_out *out)
{
	const struct ledger *l = &g->ledger;
	struct scenario_plan plan;

	scenario_plan(&g->rule->plan, &l->run, &plan);
	assert(l->run.step < plan.steps && l->run.state == RUN_STARTED);
	g->hand.act = (struct scenario_act){
	    .slot = (enum slot)plan.slot[l->run.step],
	    .way = l->run.way,
	    .run = l->run.id,
	    .fence = l->fence,
	    .from = plan.from,
	    .to = plan.to,
	    .site = scenario_site(&plan, (enum slot)plan.slot[l->run.step]),
	    .tries = l->run.tries,
	};
	g->hand.armed_fence = 0;
	g->hand.killed = false;
	out->act = ENGINE_ACT_START;
	out->scenario_act = g->hand.act;
}

/* The act in hand ends when the ledger has moved past it, or when this agent has heard
 * too few for so long that another may be about to succeed it. */
static void
watch_act(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	struct engine_hand *h = &g->hand;
	bool alone, past;

	if (!decide_lonely(g, now_ms))
		h->alone_ms = 0;
	else if (h->alone_ms == 0)
		h->alone_ms = now_ms;
	if (h->act.fence == 0 || h->killed)
		return;
	alone = NEEDED(scenario_alone,
	    h->alone_ms != 0 && now_ms - h->alone_ms >= SCENARIO_ALONE_MS);
	past = g->has_ledger &&
	    (g->ledger.fence != h->act.fence || g->ledger.run.state != RUN_STARTED ||
		g->ledger.lock_holder != g->rule->agent[g->self].number);
	if (!alone && !past)
		return;
	h->killed = true;
	out->act = ENGINE_ACT_KILL;
	out->scenario_act = h->act;
	struct fact *f = say(out, FACT_STEP, FACT_WARN, (int32_t)h->act.site, now_ms);
	f->epoch = h->act.fence;
	f->nonce = h->act.run;
	say_value(f, slot_word(h->act.slot));
	say_text(f, "%s %s: ended by force: %s", slot_word(h->act.slot),
	    g->rule->member[h->act.site].name,
	    alone ? "this agent hears fewer than a quorum, another may take over"
		  : "the ledger has moved past it");
}

void
run_acted(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct engine_hand *h = &g->hand;

	if (h->act.fence == in->fence)
		h->act.fence = 0;
	if (in->fence < h->acted_fence)
		return;
	h->acted_fence = in->fence;
	h->acted = in->acted;
	(void)snprintf(h->acted_text, sizeof h->acted_text, "%s",
	    in->text != NULL ? in->text : "");
	if (!g->has_ledger ||
	    (g->ledger.fence == in->fence && g->ledger.run.state == RUN_STARTED))
		return;
	struct fact *f = say(out, FACT_STEP, FACT_INFO, -1, in->now_ms);
	f->epoch = in->fence;
	say_text(f, "the act with fence %llu ended (%s) after the ledger had moved on",
	    (unsigned long long)in->fence, acted_word(in->acted));
}

/* ---- judging ---- */

void
run_judge(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct scenario_in ask;

	memset(&g->move, 0, sizeof g->move);
	watch_act(g, out, in->now_ms);
	if (!g->has_ledger || !decide_in_force(g) || in->now_wall_s == 0 ||
	    g->rule->observe || !scenario_is(g->rule))
		return;
	run_in(g, in->now_wall_s, in->now_ms, &ask);
	scenario_decide(&ask, &g->move);
	if (g->move.what == SCENARIO_START && g->cannot == CANNOT_NOT &&
	    out->act == ENGINE_ACT_NONE)
		start_act(g, out);
	run_say_wait(g, out, in->now_ms);
}

uint32_t
run_turn(const struct engine *g)
{
	const struct ledger_run *r = &g->move.run;
	uint64_t word[] = {r->id, r->step, (uint64_t)r->state, r->tries, r->aborting,
	    g->move.holder, g->move.points, g->move.rests};
	uint32_t h = UINT32_C(2166136261);

	for (size_t i = 0; i < sizeof word / sizeof *word; i++)
		h = (h ^ (uint32_t)(word[i] ^ word[i] >> 32)) * UINT32_C(16777619);
	return h;
}

int32_t
run_failing(const struct engine *g)
{
	return g->move.run.way == RUN_FAILOVER ? (int32_t)g->rule->plan.primary : -1;
}

void
run_sent(struct engine *g, const struct ledger *next, uint64_t now_ms)
{
	if (!g->move.arms)
		return;
	g->hand.armed_again = g->hand.armed_fence == next->fence;
	g->hand.armed_fence = next->fence;
	g->hand.armed_ms = now_ms;
	g->hand.armed_nonce = next->nonce[0];
	if (g->hand.acted_fence == next->fence)
		g->hand.acted_fence = 0;
}

void
run_taken(struct engine *g, const struct ledger *next, const struct engine_in *in,
    struct engine_out *out)
{
	struct engine_hand *h = &g->hand;
	const struct ledger_run *was = &g->ledger.run, *is = &next->run;
	bool news = !g->believed || g->ledger.nonce[0] != next->nonce[0];

	if (!g->has_ledger || was->id != is->id || was->step != is->step ||
	    was->aborting != is->aborting)
		h->step_seen_ms = in->now_ms;
	if (h->holder != next->lock_holder ||
	    (news && next->writer == next->lock_holder))
		h->holder_seen_ms = in->now_ms;
	h->holder = next->lock_holder;
	if (news && scenario_is(g->rule))
		run_say(g, next, out, in->now_ms);
}
