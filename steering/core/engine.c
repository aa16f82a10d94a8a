/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one composition of the rules. A step is always the same four moves: take the
 * event in, judge (votes, verdicts, holds), decide, and see whether the zone must be
 * read. No event has a path of its own, so nothing can be forgotten on one of them.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

#define WAKE_MS_MAX 1000

void
engine_init(struct engine *g, const struct rule_service *rule, uint32_t self,
    engine_digest_fn *digest, void *digest_arg, uint64_t now_ms)
{
	assert(self < rule->agents && rule->members >= 1);
	memset(g, 0, sizeof *g);
	g->rule = rule;
	g->self = self;
	g->digest = digest;
	g->digest_arg = digest_arg;
	g->start_ms = now_ms;
	g->report.policy_hash = rule->policy_hash;
	g->report.members = rule->members;
	zone_dirty(g, now_ms);
}

void
engine_resume(struct engine *g, uint64_t epoch, uint64_t nonce, uint64_t open_epoch,
    uint64_t open_nonce)
{
	if (epoch != 0) {
		g->watch.known = true;
		g->watch.epoch = g->watch.epoch_max = epoch;
		g->watch.nonce = nonce;
		g->report.epoch = epoch; /* the others may not know it */
		g->report.nonce = nonce;
	}
	if (open_nonce != 0) {
		g->unknown = true;
		g->unknown_epoch = open_epoch;
		g->unknown_nonce = open_nonce;
	}
}

static int32_t
member_named(const struct rule_service *rule, const char *name)
{
	for (uint32_t m = 0; m < rule->members; m++)
		if (strcmp(rule->member[m].name, name) == 0)
			return (int32_t)m;
	return -1;
}

/* Everything that is kept for a member, carried to its new place. */
static void
carry_member(struct engine *to, uint32_t t, const struct engine *from, uint32_t f)
{
	memcpy(to->detector[t], from->detector[f], sizeof to->detector[t]);
	to->slots[t] = from->slots[f];
	to->band[t] = from->band[f];
	to->vote[t] = from->vote[f];
	to->quorum[t] = from->quorum[f];
	to->hold[t] = from->hold[f];
	to->ramp_seen_ms[t] = from->ramp_seen_ms[f];
	to->said_block[t] = from->said_block[f];
	to->said_verdict[t] = from->said_verdict[f];
	to->said_vote[t] = from->said_vote[f];
	to->view_weight[t] = from->view_weight[f];
	to->ripe[t] = from->ripe[f];
	to->ripe_verdict[t] = from->ripe_verdict[f];
	to->ripe_epoch[t] = from->ripe_epoch[f];
}

/* A peer's ballot, and what it said of a freeze, go on until it speaks again: a reload
 * must not look like a moment without peers. */
static void
carry_agent(struct engine *to, uint32_t t, const struct engine *from, uint32_t f)
{
	struct ballot *b = &to->ballot[t];

	*b = from->ballot[f];
	b->report.members = to->rule->members;
	memset(b->report.member, 0, sizeof b->report.member);
	for (uint32_t m = 0; m < to->rule->members; m++) {
		int32_t old = member_named(from->rule, to->rule->member[m].name);

		if (old >= 0)
			b->report.member[m] = from->ballot[f].report.member[old];
	}
	to->heard_freeze[t] = from->heard_freeze[f];
}

static void
carry_agents(struct engine *to, const struct engine *from)
{
	memset(to->ballot, 0, sizeof to->ballot);
	memset(to->heard_freeze, 0, sizeof to->heard_freeze);
	for (uint32_t t = 0; t < to->rule->agents; t++)
		for (uint32_t f = 0; f < from->rule->agents; f++)
			if (to->rule->agent[t].number == from->rule->agent[f].number)
				carry_agent(to, t, from, f);
}

/* The pending order follows its member; it ends with it. */
static void
carry_order(struct engine *g, const struct rule_service *was)
{
	int32_t m;

	if (g->order.kind == ORDER_NONE)
		return;
	m = member_named(g->rule, was->member[g->order.member].name);
	if (m >= 0)
		g->order.member = (uint32_t)m;
	else if (g->order.kind == ORDER_FREEZE || g->order.kind == ORDER_UNFREEZE ||
	    g->order.kind == ORDER_ADOPT || g->order.kind == ORDER_RELEASE)
		g->order.member = 0;
	else
		g->order.kind = ORDER_NONE;
}

/* What `observe` pretended is no ledger to steer by: the next read tells. */
static void
forget_pretence(struct engine *g, const struct rule_service *was)
{
	if (!was->observe || g->rule->observe)
		return;
	g->believed = false;
	g->observed_nonce = 0;
	g->report.epoch = g->watch.known ? g->watch.epoch : 0;
	g->report.nonce = g->watch.known ? g->watch.nonce : 0;
}

/* *scratch: the caller's, of the same size; the core allocates nothing. */
void
engine_reload(struct engine *g, const struct rule_service *rule, uint32_t self,
    struct engine *scratch)
{
	struct engine *was = scratch;

	assert(self < rule->agents);
	*was = *g;
	g->rule = rule;
	g->self = self;
	g->report.policy_hash = rule->policy_hash;
	g->report.members = rule->members;
	carry_agents(g, was);
	memset(g->ripe, 0, sizeof g->ripe);
	memset(g->detector, 0, sizeof g->detector);
	memset(g->slots, 0, sizeof g->slots);
	memset(g->band, 0, sizeof g->band);
	memset(g->quorum, 0, sizeof g->quorum);
	memset(g->hold, 0, sizeof g->hold);
	for (uint32_t m = 0; m < rule->members; m++) {
		int32_t old = member_named(was->rule, rule->member[m].name);

		if (old >= 0)
			carry_member(g, m, was, (uint32_t)old);
	}
	g->has_ledger = false;
	g->records_checked = 0;
	g->records_due = false;
	carry_order(g, was->rule);
	forget_pretence(g, was->rule);
	zone_realign(g);
	zone_dirty(
	    g, g->dirty_ms > g->read_began_ms ? g->dirty_ms : g->read_began_ms + 1);
}

/* The next moment at which time alone may change something. */
static uint64_t
hold_due_ms(const struct engine *g, const struct engine_in *in)
{
	uint64_t due_ms = UINT64_MAX;

	for (uint32_t m = 0; m < g->rule->members && g->has_ledger; m++) {
		const struct hold *h = &g->hold[m];
		bool is_out = g->ledger.member[m].out;
		struct limiter_in lim;
		uint64_t need_ms;

		if (!h->running || is_out != (h->verdict == VERDICT_UP))
			continue;
		decide_limiter_in(g, in->now_wall_s, in->now_ms, &lim);
		need_ms = is_out ? limiter_return_hold_ms(
				       g->rule, &g->ledger.member[m], in->now_wall_s)
				 : limiter_drain_hold_ms(&lim, m);
		if (h->held_ms < need_ms && h->mark_ms + need_ms - h->held_ms < due_ms)
			due_ms = h->mark_ms + need_ms - h->held_ms;
		/* … and when what was seen of the drain stops to bar it: see
		 * decide_limiter_in(). */
		uint64_t seen_ms = g->ramp_seen_ms[m] +
		    (need_ms < g->rule->fresh_ms ? need_ms : g->rule->fresh_ms);
		if (is_out && seen_ms > in->now_ms && seen_ms < due_ms)
			due_ms = seen_ms;
	}
	return due_ms;
}

static uint64_t
wake_ms(const struct engine *g, const struct engine_in *in)
{
	uint64_t due_ms = in->now_ms + WAKE_MS_MAX;
	uint64_t other[] = {
	    hold_due_ms(g, in), zone_pace_due_ms(g, in), decide_due_ms(g, in)};

	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		if (other[i] < due_ms)
			due_ms = other[i];
	return due_ms > in->now_ms ? due_ms : in->now_ms + 1;
}

static void
take_event(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	switch (in->event) {
	case ENGINE_TICK:
		return;
	case ENGINE_ADDRESS:
	case ENGINE_RETIRED:
	case ENGINE_SAMPLE:
	case ENGINE_FORGET:
	case ENGINE_REPORT:
	case ENGINE_UNHEARD:
		sense_feed(g, in, out);
		return;
	case ENGINE_VIEW:
		zone_view(g, in, out);
		return;
	case ENGINE_HEARD:
		zone_heard(g, in);
		return;
	case ENGINE_CHANGED:
		zone_changed(g, in, out);
		return;
	case ENGINE_ORDER:
		order_take(g, in, out);
		return;
	case ENGINE_ACTED:
		run_acted(g, in, out);
		return;
	case ENGINE_LAG:
		g->hand.lag = *in->lag;
		return;
	}
}

static bool
report_equal(const struct report *a, const struct report *b)
{
	if (a->epoch != b->epoch || a->nonce != b->nonce || a->cannot != b->cannot ||
	    a->freeze != b->freeze || a->thawed != b->thawed ||
	    a->holder_lost != b->holder_lost || a->policy_hash != b->policy_hash ||
	    a->members != b->members)
		return false;
	for (uint32_t m = 0; m < a->members; m++)
		if (a->member[m].vote != b->member[m].vote ||
		    a->member[m].raw != b->member[m].raw ||
		    a->member[m].failing != b->member[m].failing)
			return false;
	return true;
}

void
engine_step(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct report before = g->report;

	memset(out, 0, offsetof(struct engine_out, fact));
	take_event(g, in, out);
	sense_judge(g, in, out);
	decide(g, in, out);
	zone_pace(g, in, out);
	out->report_moved = !report_equal(&before, &g->report);
	out->wake_ms = wake_ms(g, in);
}

const struct report *
engine_report(const struct engine *g)
{
	return &g->report;
}

uint32_t
engine_hears(const struct engine *g, uint64_t now_ms)
{
	return quorum_heard(g->rule, g->ballot, now_ms);
}
