/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From samples to verdicts and holds. Everything is judged anew at every step: the
 * arrays are small, and a cached opinion is an opinion that can be stale.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

#define WARM_UP_MS_MAX 60000

static void
copy_text(char *to, size_t bytes, const char *from)
{
	(void)snprintf(to, bytes, "%s", from != NULL ? from : "");
}

static void
say_address(struct engine_out *out, enum fact_kind kind, enum fact_level level,
    const struct engine_in *in, uint64_t at_ms)
{
	struct fact *f = say(out, kind, level, (int32_t)in->member, at_ms);

	copy_text(f->address, sizeof f->address, in->address);
	copy_text(f->text, sizeof f->text, in->text);
}

static void
feed_sample(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct detector *d = &g->detector[in->member][in->slot];
	const struct rule_detector *rule =
	    vote_detector_rule(&g->rule->member[in->member], d);
	uint64_t fault_ms = d->fault_ms;

	if (!d->present)
		return;
	bool moved = detector_feed(d, rule, in->outcome, in->start_ms, in->now_ms);
	if (fault_ms == 0 && d->fault_ms != 0)
		say_address(out, FACT_FAULT, FACT_INFO, in, d->fault_ms);
	if (moved && d->state == DETECTOR_UP)
		say_address(out, FACT_ADDRESS_UP, FACT_INFO, in, in->now_ms);
	if (moved && d->state == DETECTOR_DOWN)
		say_address(out, FACT_ADDRESS_DOWN, FACT_WARN, in, in->now_ms);
}

static void
forget_all(struct engine *g)
{
	for (uint32_t m = 0; m < g->rule->members; m++)
		for (uint32_t s = 0; s < g->slots[m]; s++)
			detector_forget(&g->detector[m][s]);
	memset(g->band, 0, sizeof g->band);
}

void
sense_feed(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	assert(in->member < g->rule->members && in->slot < ADDRESSES_MAX);
	switch (in->event) {
	case ENGINE_ADDRESS:
		detector_init(&g->detector[in->member][in->slot], in->family);
		if (g->slots[in->member] <= in->slot)
			g->slots[in->member] = in->slot + 1;
		say_address(out, FACT_ADDRESS_NEW, FACT_DEBUG, in, in->now_ms);
		return;
	case ENGINE_RETIRED:
		memset(&g->detector[in->member][in->slot], 0, sizeof(struct detector));
		say_address(out, FACT_ADDRESS_RETIRED, FACT_INFO, in, in->now_ms);
		return;
	case ENGINE_SAMPLE:
		feed_sample(g, in, out);
		return;
	case ENGINE_FORGET:
		if (NEEDED(forgetting, in->event == ENGINE_FORGET))
			forget_all(g);
		return;
	case ENGINE_REPORT:
		assert(in->agent < g->rule->agents && in->agent != g->self);
		g->ballot[in->agent].heard = true;
		g->ballot[in->agent].sent_ms = in->sent_ms;
		g->ballot[in->agent].report = *in->report;
		order_hear(g, in, out);
		zone_heard(g, in);
		return;
	case ENGINE_UNHEARD:
		assert(in->agent < g->rule->agents && in->agent != g->self);
		g->ballot[in->agent].heard = false;
		order_orphan(g, in->agent);
		return;
	case ENGINE_TICK:
	case ENGINE_VIEW:
	case ENGINE_HEARD:
	case ENGINE_CHANGED:
	case ENGINE_ORDER:
	case ENGINE_ACTED:
	case ENGINE_LAG:
		return;
	}
}

static bool
has_addresses(const struct engine *g, uint32_t m)
{
	for (uint32_t s = 0; s < ADDRESSES_MAX; s++)
		if (g->detector[m][s].present &&
		    g->detector[m][s].family != FAMILY_TARGETS)
			return true;
	return false;
}

/* Warm when every address of every probed member has been probed `rise` times, well or
 * not, or after 60 s: an agent that starts into an outage must not look on for a minute.
 * What is said of targets comes slowly, and is waited for where there is nothing else. */
static bool
warmed_up(const struct engine *g, uint64_t now_ms)
{
	if (g->warm || now_ms - g->start_ms >= WARM_UP_MS_MAX)
		return true;
	for (uint32_t m = 0; m < g->rule->members; m++) {
		bool any = g->rule->member[m].last_resort;
		bool addresses = has_addresses(g, m);

		for (uint32_t s = 0; s < g->slots[m]; s++) {
			const struct detector *d = &g->detector[m][s];
			if (!d->present || (addresses && d->family == FAMILY_TARGETS))
				continue;
			if (d->risen < vote_detector_rule(&g->rule->member[m], d)->rise)
				return false;
			any = true;
		}
		if (!any)
			return false;
	}
	return true;
}

static bool
sees_all_down(const struct engine *g)
{
	bool any = false;

	for (uint32_t m = 0; m < g->rule->members; m++) {
		if (g->rule->member[m].last_resort)
			continue;
		if (g->vote[m].vote != VOTE_DOWN)
			return false;
		any = true;
	}
	return any;
}

static void
say_vote(struct engine *g, uint32_t m, struct engine_out *out, uint64_t now_ms)
{
	const struct vote_view *v = &g->vote[m];
	enum vote vote = (enum vote)g->report.member[m].vote;

	if (g->said_vote[m] == vote)
		return;
	g->said_vote[m] = vote;
	struct fact *f = say(out, FACT_VOTE, FACT_DEBUG, (int32_t)m, now_ms);
	say_value(f, vote_word(vote));
	say_text(f, "%u of %u known addresses up, %u unknown", (unsigned)v->up,
	    (unsigned)(v->up + v->down), (unsigned)v->unknown);
}

/* Our own report, and with it our own ballot: always fresh. */
static void
judge_self(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct report *r = &g->report;
	bool whole, all_down;

	for (uint32_t m = 0; m < g->rule->members; m++)
		vote_judge(&g->band[m], g->rule, &g->rule->member[m], g->detector[m],
		    g->slots[m], in->now_ms, &g->vote[m]);
	g->warm = warmed_up(g, in->now_ms);
	g->doubt = NEEDED(doubt, in->doubt != DOUBT_NOT) ? in->doubt
	    : NEEDED(warm_up, !g->warm)                  ? DOUBT_STARTING
							 : DOUBT_NOT;
	r->members = g->rule->members;
	for (uint32_t m = 0; m < g->rule->members; m++) {
		r->member[m].raw = (uint8_t)g->vote[m].vote;
		r->member[m].failing = g->vote[m].failing;
	}
	g->ballot[g->self].report = *r;
	g->ballot[g->self].heard = true;
	g->ballot[g->self].sent_ms = in->now_ms;
	all_down = sees_all_down(g) &&
	    quorum_all_down(g->rule, g->ballot, in->now_ms) < rule_quorum(g->rule);
	whole = g->doubt == DOUBT_NOT && !NEEDED(all_down_abstains, all_down);
	for (uint32_t m = 0; m < g->rule->members; m++) {
		r->member[m].vote = whole ? r->member[m].raw : (uint8_t)VOTE_ABSTAIN;
		say_vote(g, m, out, in->now_ms);
	}
	g->ballot[g->self].report = *r;
}

static void
say_verdict(struct engine *g, uint32_t m, struct engine_out *out, uint64_t now_ms)
{
	const struct quorum_view *q = &g->quorum[m];

	if (g->said_verdict[m] == q->verdict)
		return;
	g->said_verdict[m] = q->verdict;
	struct fact *f = say(out, FACT_VERDICT,
	    q->verdict == VERDICT_DOWN ? FACT_WARN : FACT_INFO, (int32_t)m, now_ms);
	say_value(f, verdict_word(q->verdict));
	say_text(f, "%s by %u of %u agents: %u UP, %u DOWN, %u recovering, %u abstain",
	    verdict_word(q->verdict),
	    (unsigned)(q->verdict == VERDICT_UP ? q->up : q->down),
	    (unsigned)g->rule->agents, (unsigned)q->up, (unsigned)q->down,
	    (unsigned)q->recovering, (unsigned)q->abstain);
}

/* The hold that what is being held needs; short ones do not survive doubt. */
static uint64_t
hold_need_ms(
    const struct engine *g, uint32_t m, enum verdict v, const struct limiter_in *lim)
{
	if (v == VERDICT_DOWN)
		return lim != NULL ? limiter_drain_hold_ms(lim, m) : g->rule->hold_ms;
	uint64_t back_ms = lim != NULL
	    ? limiter_return_hold_ms(g->rule, &g->ledger.member[m], lim->now_wall_s)
	    : g->rule->return_hold_ms;
	return back_ms < g->rule->swap_after_ms ? back_ms : g->rule->swap_after_ms;
}

/* A hold that passed without a write may have set one off elsewhere, or here, that is
 * still under way: when its verdict ends, the ledger must move. */
static void
watch_ripe(struct engine *g, uint32_t m)
{
	if (!g->ripe[m] || g->quorum[m].verdict == (enum verdict)g->ripe_verdict[m])
		return;
	g->ripe[m] = false;
	if (NEEDED(voiding, g->has_ledger && g->ledger.epoch == g->ripe_epoch[m]))
		g->void_due = true;
}

void
sense_judge(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct limiter_in lim;

	judge_self(g, in, out);
	for (uint32_t m = 0; m < g->rule->members; m++) {
		if (g->rule->member[m].last_resort)
			continue;
		quorum_judge(g->rule, g->ballot, m, g->rule->policy_hash, in->now_ms,
		    &g->quorum[m]);
		say_verdict(g, m, out, in->now_ms);
		if (g->quorum[m].verdict == VERDICT_UP && g->first_up_ms == 0)
			g->first_up_ms = in->now_ms;
	}
	if (g->has_ledger)
		decide_limiter_in(g, in->now_wall_s, in->now_ms, &lim);
	for (uint32_t m = 0; m < g->rule->members; m++) {
		enum verdict v = g->quorum[m].verdict;
		struct hold *h = &g->hold[m];
		enum verdict held = (enum verdict)h->verdict;
		uint64_t need_ms =
		    hold_need_ms(g, m, held, g->has_ledger ? &lim : NULL);
		enum hold_act act = hold_step(h, v, need_ms, in->now_ms);

		watch_ripe(g, m);
		bool begins = act != HOLD_SAME && h->verdict != VERDICT_UNDECIDED;
		bool matters = !g->has_ledger ||
		    g->ledger.member[m].out == (h->verdict == VERDICT_UP);
		if (begins && matters)
			zone_dirty(g, in->now_ms);
	}
}
