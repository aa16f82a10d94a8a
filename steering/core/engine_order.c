/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's word. It goes into the ledger, so that every agent obeys it; a
 * freeze works here at once. Break-glass bypasses hold and budget, never the floor.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

/* The ledger has nine digits for a time: what is for ever is for a year. */
#define ORDER_S_MAX ((uint64_t)366 * 24 * 3600)

const char *
order_word(enum order_kind k)
{
	static const char *const word[ORDERS] = {
	    [ORDER_FAILOVER] = "failover",
	    [ORDER_SWITCHOVER] = "switchover",
	    [ORDER_FAILBACK] = "failback",
	    [ORDER_DRILL] = "drill",
	    [ORDER_APPROVE] = "approve",
	    [ORDER_RETRY] = "retry",
	    [ORDER_SKIP] = "skip",
	    [ORDER_ABORT] = "abort",
	    [ORDER_NONE] = "none",
	    [ORDER_DRAIN] = "drain",
	    [ORDER_UNDRAIN] = "undrain",
	    [ORDER_FREEZE] = "freeze",
	    [ORDER_UNFREEZE] = "unfreeze",
	    [ORDER_PIN] = "pin",
	    [ORDER_UNPIN] = "unpin",
	    [ORDER_ACK] = "ack",
	    [ORDER_ADOPT] = "adopt",
	    [ORDER_RELEASE] = "release",
	};

	assert(k < ORDERS);
	return word[k];
}

/* A freeze that has not reached the ledger is taken back without it. */
static bool
thaws_here(const struct engine *g, const struct order *o)
{
	return o->kind == ORDER_UNFREEZE && g->order.kind == ORDER_FREEZE &&
	    !g->writing && !g->unknown;
}

bool
order_gives_way(const struct order *waiting, const struct order *next)
{
	return (next->kind == ORDER_FREEZE && waiting->kind != ORDER_NONE &&
		   waiting->kind != ORDER_FREEZE) ||
	    (next->kind == ORDER_UNFREEZE && waiting->kind == ORDER_FREEZE);
}

/* ---- freezes that peers tell of ---- */

bool
order_freezes(const struct engine *g)
{
	bool any = g->local_freeze;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		any |= g->heard_freeze[a].id != 0;
	return any;
}

static uint64_t
freeze_left_s(const struct engine *g, uint64_t now_ms)
{
	return now_ms < g->freeze_until_ms ? (g->freeze_until_ms - now_ms + 999) / 1000
					   : 0;
}

/* The operator gave it a time, which runs while the zone cannot be written too: else
 * it stood here, and in the way of the next order, for ever. */
static void
end_local_freeze(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	struct fact *f;

	if (!g->local_freeze || now_ms < g->freeze_until_ms || g->writing)
		return;
	g->thawed = g->order.id;
	g->order.kind = ORDER_NONE;
	g->local_freeze = false;
	out->order_refused = true;
	f = say(out, FACT_ORDER_REFUSED, FACT_INFO, -1, now_ms);
	say_value(f, order_word(ORDER_FREEZE));
	say_text(f, "its time has passed before it was in the ledger: it is over here");
}

/* In the ledger it is the ledger's; that may end it too. */
void
order_settle(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	end_local_freeze(g, out, now_ms);
	for (uint32_t a = 0; a < g->rule->agents; a++) {
		struct heard_freeze *h = &g->heard_freeze[a];

		if (now_ms >= h->until_ms ||
		    (g->believed && g->ledger.freeze.id == h->id))
			*h = (struct heard_freeze){0};
	}
}

void
order_orphan(struct engine *g, uint32_t agent)
{
	g->heard_freeze[agent].orphan = g->heard_freeze[agent].id != 0;
}

/* Whoever heard the operator tells of it; when it is gone, or has begun anew, those that
 * heard it do, so that it comes to know of it again. */
void
order_tell(struct engine *g, uint64_t now_ms)
{
	struct report *r = &g->report;

	r->thawed = g->thawed;
	r->freeze_for_s = g->local_freeze ? freeze_left_s(g, now_ms) : 0;
	r->freeze = r->freeze_for_s != 0 ? g->order.id : 0;
	for (uint32_t a = 0; a < g->rule->agents && r->freeze == 0; a++) {
		const struct heard_freeze *h = &g->heard_freeze[a];

		if (h->id == 0 ||
		    (!h->orphan && ballot_fresh(&g->ballot[a], g->rule, now_ms)))
			continue;
		r->freeze = h->id;
		r->freeze_for_s = (h->until_ms - now_ms) / 1000;
	}
}

/* Taken back or in the ledger, as far as we or those who report to us know. */
static bool
is_over(const struct engine *g, uint32_t id)
{
	bool over = g->thawed == id || (g->believed && g->ledger.freeze.id == id);

	for (uint32_t a = 0; a < g->rule->agents; a++)
		over |= g->ballot[a].heard && g->ballot[a].report.thawed == id;
	return over;
}

static void
take_back(struct engine *g, uint32_t id, struct engine_out *out, uint64_t now_ms)
{
	struct fact *f;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		if (g->heard_freeze[a].id == id)
			g->heard_freeze[a] = (struct heard_freeze){0};
	if (g->order.kind != ORDER_FREEZE || g->order.id != id || g->writing ||
	    g->unknown)
		return;
	g->order.kind = ORDER_NONE;
	g->local_freeze = false;
	out->order_refused = true;
	f = say(out, FACT_ORDER_REFUSED, FACT_INFO, -1, now_ms);
	say_value(f, order_word(ORDER_FREEZE));
	say_text(f, "taken back at another agent before it was in the ledger");
}

void
order_hear(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	const struct report *r = in->report;
	struct heard_freeze *h = &g->heard_freeze[in->agent];
	struct fact *f;

	if (r->thawed != 0)
		take_back(g, r->thawed, out, in->now_ms);
	if (r->freeze == 0 && h->orphan)
		return; /* it does not say that it is over */
	if (r->freeze == 0 || is_over(g, r->freeze)) {
		if (r->freeze != 0)
			g->thawed = r->freeze; /* it cannot know yet */
		*h = (struct heard_freeze){0};
		return;
	}
	h->orphan = false;
	if (h->id == r->freeze)
		return;
	h->id = r->freeze;
	h->until_ms = in->now_ms +
	    1000 * (r->freeze_for_s < ORDER_S_MAX ? r->freeze_for_s : ORDER_S_MAX);
	f = say(out, FACT_ORDER, FACT_WARN, -1, in->now_ms);
	say_value(f, order_word(ORDER_FREEZE));
	say_text(f,
	    "agent %s heard a freeze that is not in the ledger yet: it works here",
	    g->rule->agent[in->agent].name);
}

/* The operator's word against freezes that others heard. */
static void
thaw_heard(struct engine *g)
{
	for (uint32_t a = 0; a < g->rule->agents; a++) {
		if (g->heard_freeze[a].id != 0)
			g->thawed = g->heard_freeze[a].id;
		g->heard_freeze[a] = (struct heard_freeze){0};
	}
}

/* ---- taking an order ---- */

void
order_take(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct fact *f;

	assert(in->order->kind != ORDER_NONE && in->order->id != 0);
	assert(in->order->member < g->rule->members);
	if (thaws_here(g, in->order)) {
		g->thawed = g->order.id;
		g->order.kind = ORDER_NONE;
		g->local_freeze = false;
		out->order_done = true;
		f = say(out, FACT_ORDER, FACT_INFO, -1, in->now_ms);
		say_value(f, order_word(ORDER_UNFREEZE));
		say_text(
		    f, "the freeze had not reached the ledger: it is taken back here");
		return;
	}
	if (in->order->kind == ORDER_FREEZE && order_gives_way(&g->order, in->order) &&
	    !g->rule->observe) {
		f = say(out, FACT_ORDER_REFUSED, FACT_WARN, -1, in->now_ms);
		say_value(f, order_word(g->order.kind));
		say_text(f, "a freeze came before it was in the ledger: ask again");
		g->order.kind = ORDER_NONE;
	}
	if (g->order.kind != ORDER_NONE || g->rule->observe) {
		f = say(out, FACT_ORDER_REFUSED, FACT_WARN, -1, in->now_ms);
		say_value(f, order_word(in->order->kind));
		say_text(f, "%s",
		    g->rule->observe
			? "the service is in mode: observe, nothing is ever written"
			: "another order is still on its way to the ledger: wait for it");
		out->order_refused = true;
		return;
	}
	g->order = *in->order;
	if (g->order.for_s > ORDER_S_MAX)
		g->order.for_s = ORDER_S_MAX;
	g->local_freeze = in->order->kind == ORDER_FREEZE;
	g->freeze_until_ms = in->now_ms + 1000 * g->order.for_s;
	if (in->order->kind == ORDER_UNFREEZE)
		thaw_heard(g);
	f = say(out, FACT_ORDER, FACT_INFO, -1, in->now_ms);
	say_value(f, order_word(in->order->kind));
	if (in->order->kind == ORDER_DRAIN || in->order->kind == ORDER_UNDRAIN ||
	    in->order->kind == ORDER_PIN || in->order->kind == ORDER_UNPIN ||
	    in->order->kind == ORDER_ACK)
		f->member = (int32_t)in->order->member;
	zone_dirty(g, in->now_ms);
}

bool
order_overrides(const struct engine *g, enum cannot c)
{
	switch (c) {
	case CANNOT_FROZEN:
		/* Whoever orders is not stopped by another's freeze, wherever that is. */
		return g->order.kind == ORDER_ADOPT ||
		    g->order.kind == ORDER_UNFREEZE ||
		    (g->watch.frozen == FROZEN_NOT && !g->local_freeze) ||
		    (g->order.kind == ORDER_RELEASE && g->view_present) ||
		    (g->watch.frozen == FROZEN_NOT && g->order.kind == ORDER_FREEZE);
	case CANNOT_ADOPT:
		return g->order.kind == ORDER_ADOPT;
	case CANNOT_POLICY:
		return g->order.kind == ORDER_ADOPT || g->order.kind == ORDER_RELEASE;
	case CANNOT_FOREIGN:
		/* A ledger that is no ledger may be replaced; another's never. */
		return g->order.kind == ORDER_ADOPT && g->view_present &&
		    g->view_garbled;
	case CANNOT_STARTING:
		/* Behind, and too few others know the version to vouch for it. */
		return g->order.kind == ORDER_ADOPT && g->standing == WATCH_WAIT;
	case CANNOT_NOT:
	case CANNOT_ABSTAIN:
	case CANNOT_LONELY:
	case CANNOT_API:
	case CANNOT_OBSERVE:
	case CANNOTS:
		return false;
	}
	return false;
}

const char *
order_bar(const struct engine *g)
{
	if (order_overrides(g, g->cannot))
		return NULL;
	if (g->order.kind == ORDER_RELEASE && g->read_once && !g->view_present)
		return "no ledger stands in the zone: the service is not steered";
	switch (g->cannot) {
	case CANNOT_FROZEN:
		return frozen_sentence(g->watch.frozen);
	case CANNOT_FOREIGN:
		return "the ledger in the zone is not one of ours to write";
	case CANNOT_ADOPT:
		return "the records in the zone are not ours yet: adopt them first";
	case CANNOT_POLICY:
		return "the configuration here is not the policy in force: ask an "
		       "agent that holds it";
	case CANNOT_NOT:
	case CANNOT_STARTING:
	case CANNOT_ABSTAIN:
	case CANNOT_LONELY:
	case CANNOT_API:
	case CANNOT_OBSERVE:
	case CANNOTS:
		break;
	}
	return NULL;
}

static struct ledger_order
stamp(const struct engine *g, uint64_t for_s, int64_t now_wall_s)
{
	return (struct ledger_order){
	    .id = g->order.id,
	    .who = g->rule->agent[g->self].number,
	    .expiry_wall_s = now_wall_s + (int64_t)for_s,
	};
}

static bool
apply_drain(const struct engine *g, const struct limiter_in *lim, struct ledger *next,
    bool *records, struct err *why)
{
	uint32_t m = g->order.member;
	struct ledger_member *x = &next->member[m];
	enum block b;

	if (g->rule->member[m].last_resort)
		return err_set(
		    why, "%s is the last resort: it cannot be drained", x->name);
	if (!x->out) {
		b = limiter_floor(lim, m);
		if (b != BLOCK_NONE)
			return err_set(why, "%s cannot be drained: %s", x->name,
			    block_sentence(b));
		if (policy_moves_answers(g->rule, next, m)) {
			memcpy(next->spaced, x->name, sizeof next->spaced);
			next->spaced_wall_s = lim->now_wall_s;
		}
		limiter_out_member(g->rule, next, m);
		*records = true;
	}
	x->by_order = true;
	x->drain = stamp(g, g->order.for_s, lim->now_wall_s);
	return true;
}

static bool
apply_undrain(
    const struct engine *g, struct ledger *next, bool *records, struct err *why)
{
	uint32_t m = g->order.member;
	struct ledger_member *x = &next->member[m];

	if (!x->out)
		return err_set(why, "%s is in already", x->name);
	x->latched = false;
	if (g->quorum[m].verdict != VERDICT_UP) {
		/* Not well yet: the limiter returns it when it is. */
		x->drain = (struct ledger_order){0};
		x->by_order = true;
		return true;
	}
	limiter_in_member(g->rule, next, m);
	*records = true;
	return true;
}

static bool
apply_unfreeze(
    const struct engine *g, struct ledger *next, bool *records, struct err *why)
{
	if (g->watch.frozen == FROZEN_NOT && !g->has_ledger)
		return err_set(
		    why, "the service has no ledger yet: nothing to unfreeze");
	next->freeze = (struct ledger_order){0};
	if (g->watch.frozen == FROZEN_NOT)
		return true;
	if (!g->view_readable)
		return err_set(why,
		    "the ledger in the zone cannot be read (%s): adopt instead",
		    frozen_word(g->watch.frozen));
	if (g->view_ledger.members != g->rule->members ||
	    g->view_ledger.policy_hash != g->rule->policy_hash)
		return err_set(why,
		    "the ledger in the zone is of another policy than this "
		    "file: adopt instead");
	*next = g->view_ledger;
	next->freeze = (struct ledger_order){0};
	next->epoch = g->watch.epoch_max;
	next->root = next->epoch + 1;
	policy_weigh(g->rule, next);
	*records = true;
	return true;
}

bool
order_apply(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct ledger *next, bool *records, struct err *why)
{
	struct limiter_in lim;
	struct ledger_member *x;

	*next = g->ledger;
	*records = false;
	if (g->view_odd)
		return err_set(why,
		    "what stands at the ledger's name is not one plain TXT value: it is "
		    "never touched; remove it by hand, then adopt");
	if (g->order.kind == ORDER_ADOPT) {
		*records = true;
		return write_adopt(g, next, why);
	}
	if (g->order.kind == ORDER_UNFREEZE)
		return apply_unfreeze(g, next, records, why);
	if (g->order.kind == ORDER_RELEASE) {
		if (g->view_readable && g->watch.frozen != FROZEN_NOT)
			*next = g->view_ledger;
		return g->view_present ||
		    err_set(why, "no ledger stands in the zone: nothing to release");
	}
	if (!g->has_ledger)
		return err_set(why, "the service has no ledger yet: nothing to order");
	x = &next->member[g->order.member];
	decide_limiter_in(g, now_wall_s, now_ms, &lim);
	switch (g->order.kind) {
	case ORDER_DRAIN:
		return apply_drain(g, &lim, next, records, why);
	case ORDER_UNDRAIN:
		return apply_undrain(g, next, records, why);
	case ORDER_FREEZE:
		next->freeze = stamp(g, freeze_left_s(g, now_ms), now_wall_s);
		return true;
	case ORDER_PIN:
		if (x->out)
			return err_set(
			    why, "%s is out: undrain it, then pin it", x->name);
		x->pin = stamp(g, g->order.for_s, now_wall_s);
		return true;
	case ORDER_UNPIN:
		x->pin = (struct ledger_order){0};
		return true;
	case ORDER_ACK:
		if (!x->latched)
			return err_set(
			    why, "%s is not latched: nothing to acknowledge", x->name);
		x->latched = false;
		x->drains = 0;
		return true;
	case ORDER_FAILOVER:
	case ORDER_SWITCHOVER:
	case ORDER_FAILBACK:
	case ORDER_DRILL:
	case ORDER_APPROVE:
	case ORDER_RETRY:
	case ORDER_SKIP:
	case ORDER_ABORT:
		return run_order(g, now_wall_s, now_ms, next, records, why);
	case ORDER_NONE:
	case ORDER_UNFREEZE:
	case ORDER_ADOPT:
	case ORDER_RELEASE:
	case ORDERS:
		break;
	}
	return err_set(why, "no such order");
}
