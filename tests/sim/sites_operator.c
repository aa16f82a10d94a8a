/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator who reads what the ledger shows, sooner or later, and says something, at
 * any agent: mostly what helps, sometimes what does not, sometimes about a step that is
 * over. A diligent one helps alone.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

static void
give(struct world *w, uint32_t agent, enum order_kind kind, uint64_t run, uint32_t step)
{
	struct world_agent *a = &w->agent[agent];
	struct order o = {
	    .kind = kind,
	    .id = (uint32_t)(1 + world_hash(w, 15, agent, w->now_ms, kind) % 100000),
	    .run = run,
	    .step = step,
	};

	if (!a->running || a->paused)
		return;
	say_line(w, "order %s at agent %u (run %llu, step %d)", order_word(kind),
	    (unsigned)agent, (unsigned long long)run, (int)step);
	w->sites->approvals += kind == ORDER_APPROVE;
	w->sites->skips += kind == ORDER_SKIP;
	struct engine_in in = world_input(a, ENGINE_ORDER);
	in.order = &o;
	world_step(a, &in);
}

void
sites_order(struct world *w, uint32_t agent, enum order_kind kind)
{
	struct ledger l;
	bool run = world_ledger(w, &l) && l.run.id != 0;

	give(w, agent, kind, run ? l.run.id : 0, run ? l.run.step : UINT32_MAX);
}

static uint32_t
any_agent(struct world *w, uint64_t h)
{
	uint32_t n = w->agents;

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (uint32_t)(h + k) % n;

		if (w->agent[i].running && !w->agent[i].paused)
			return i;
	}
	return (uint32_t)h % n;
}

/* The same step again and again: he gives it up. */
static bool
retried_enough(struct sites *s, const struct ledger *l)
{
	uint64_t step = l->run.id << 8 | l->run.step << 1 | l->run.aborting;

	if (s->retried_step != step)
		s->retried = 0;
	s->retried_step = step;
	return ++s->retried > 4;
}

/* Can it be passed over? */
static bool
slot_is_safe(enum slot s)
{
	return s != SLOT_BEGIN && s != SLOT_REPOINT && s != SLOT_REWEIGHT &&
	    s != SLOT_CAUGHT_UP && s != SLOT_CAUGHT_UP_FULLY && s != SLOT_READY;
}

static enum order_kind
about_run(struct sites *s, const struct ledger *l, uint64_t h)
{
	static const enum order_kind words[] = {
	    ORDER_APPROVE, ORDER_RETRY, ORDER_SKIP, ORDER_ABORT};
	uint64_t d = h % 100;

	if (l->run.state == RUN_ASKS)
		return s->diligent || d < 50 ? ORDER_APPROVE
		    : d < 56                 ? ORDER_ABORT
		    : d < 60                 ? ORDER_SKIP
					     : ORDER_NONE;
	if (l->run.state == RUN_FAILED && s->diligent)
		return retried_enough(s, l)
		    ? l->run.aborting || slot_is_safe(s->at) ? ORDER_SKIP : ORDER_ABORT
		    : ORDER_RETRY;
	if (l->run.state == RUN_FAILED)
		return d < 40 ? ORDER_RETRY
		    : d < 50  ? ORDER_SKIP
		    : d < 56  ? ORDER_ABORT
			      : ORDER_NONE;
	if (s->diligent || d > 3)
		return ORDER_NONE;
	return words[(h >> 10) % 4]; /* of a step that asks nothing */
}

static enum order_kind
about_service(const struct world *w, uint64_t h)
{
	const struct rule_scenario *plan = &w->file[0].rule.plan;
	bool away = world_weight(w, (char)('a' + plan->primary)) == 0;
	bool lost = !sites_serve(w, plan->primary);
	uint64_t d = h % 100;

	if (w->sites->diligent)
		return ORDER_NONE;
	if (plan->shadow)
		return d < 4 ? ORDER_DRILL : ORDER_NONE;
	if (lost && !away && d < 30)
		return ORDER_FAILOVER;
	if (away && d < 8)
		return ORDER_FAILBACK;
	if (d < 1)
		return ORDER_SWITCHOVER;
	return d == 1 ? ORDER_FAILOVER : d == 2 ? ORDER_FAILBACK : ORDER_NONE;
}

void
sites_operator_event(struct world *w)
{
	struct sites *s = w->sites;
	uint64_t h = world_hash(w, 50, w->now_ms, 0, 0);
	enum order_kind kind = ORDER_NONE;
	struct ledger l;
	struct event e = {
	    .at_ms = w->now_ms + 5 * SECOND + h % (s->diligent ? 20 : 115) * SECOND,
	    .kind = EVENT_OPERATOR,
	};

	world_push(w, &e);
	if (!s->operator_on || !world_ledger(w, &l))
		return;
	h = h >> 7;
	if (l.run.id != 0)
		s->at = sites_slot(w), kind = about_run(s, &l, h);
	else
		kind = about_service(w, h);
	if (kind == ORDER_NONE)
		return;
	bool vague = !s->diligent && (h >> 30) % 10 == 0;
	uint32_t step = l.run.id == 0 || vague ? UINT32_MAX : l.run.step;
	/* one who looked a while ago speaks of another step */
	if (!s->diligent && (h >> 34) % 20 == 0 && l.run.step > 0)
		step = l.run.step - 1;
	give(w, any_agent(w, h >> 20), kind, vague ? 0 : l.run.id, step);
}
