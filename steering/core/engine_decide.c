/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be written now, may we, and is it our turn?
 *
 * The intent is found afresh at every step from the ledger, the verdicts and the
 * limiter; only the moment since which it stands is remembered, for the rank's wait.
 * A decision is never carried over a read: what was decided on an old picture is
 * decided again on the new one.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

#define CREATE_WAIT_MS 60000
#define READ_HANGS_MS 3000 /* as long as an agent may be silent */

void
decide_limiter_in(
    const struct engine *g, int64_t now_wall_s, uint64_t now_ms, struct limiter_in *lim)
{
	memset(lim, 0, sizeof *lim);
	lim->rule = g->rule;
	lim->ledger = &g->ledger;
	lim->now_wall_s = now_wall_s;
	lim->spaced = g->spaced_seen_ms != 0;
	lim->spaced_ms = lim->spaced ? now_ms - g->spaced_seen_ms : 0;
	for (uint32_t m = 0; m < g->rule->members; m++) {
		struct limiter_member *x = &lim->member[m];

		lim->cold[m] = scenario_cold(g->rule, &g->ledger, m);
		x->verdict = g->quorum[m].verdict;
		x->evidence = g->quorum[m].evidence;
		x->down_ms = hold_ms(&g->hold[m], VERDICT_DOWN, now_ms);
		x->up_ms = hold_ms(&g->hold[m], VERDICT_UP, now_ms);
		x->ramp_ms = now_ms - g->ramp_seen_ms[m];
		/* It was UP before it was drained, and votes of then may be fresh still,
		 * of agents that we hear no more: they bring nothing back. */
		if (NEEDED(drain_seen,
			g->has_ledger && g->ledger.member[m].out &&
			    x->ramp_ms < g->rule->fresh_ms && x->ramp_ms < x->up_ms))
			x->up_ms = x->ramp_ms;
	}
}

/* ---- may we? ---- */

bool
decide_in_force(const struct engine *g)
{
	bool other = g->believed && g->ledger.policy_hash != g->rule->policy_hash;

	return !NEEDED(policy_hash, other);
}

/* A read that hangs is as good as none; its end may be half a minute away. */
static bool
read_hangs(const struct engine *g, uint64_t now_ms)
{
	return g->reading && now_ms - g->read_began_ms > READ_HANGS_MS;
}

bool
decide_lonely(const struct engine *g, uint64_t now_ms)
{
	return NEEDED(
	    lonely, quorum_heard(g->rule, g->ballot, now_ms) < rule_quorum(g->rule));
}

static enum cannot
find_cannot(const struct engine *g, uint64_t now_ms)
{
	if (g->rule->observe)
		return CANNOT_OBSERVE;
	if (!g->read_once)
		return g->read_failures > 0 ? CANNOT_API : CANNOT_STARTING;
	if (g->standing == WATCH_WAIT)
		return CANNOT_STARTING; /* until others vouch for what it shows */
	if (g->standing == WATCH_FOREIGN)
		return CANNOT_FOREIGN;
	if (g->standing == WATCH_ADOPT)
		return CANNOT_ADOPT;
	if (g->watch.frozen != FROZEN_NOT || order_freezes(g))
		return CANNOT_FROZEN;
	if (g->doubt != DOUBT_NOT)
		return CANNOT_ABSTAIN;
	if (decide_lonely(g, now_ms))
		return CANNOT_LONELY;
	if (g->read_failures > 0 || read_hangs(g, now_ms) ||
	    (g->api_trouble && now_ms < g->write_next_ms))
		return CANNOT_API;
	if (!decide_in_force(g))
		return CANNOT_POLICY;
	return CANNOT_NOT;
}

/* Whatever an order overrides, it is not doubt, nor being alone. */
static bool
may_write(const struct engine *g, const struct intent *i, uint64_t now_ms)
{
	if (g->doubt != DOUBT_NOT || decide_lonely(g, now_ms))
		return false;
	if (g->cannot == CANNOT_NOT)
		return true;
	if (i->kind == INTENT_POLICY)
		return g->cannot == CANNOT_POLICY;
	return i->kind == INTENT_ORDER && order_overrides(g, g->cannot);
}

/* ---- what? ---- */

static bool
creation_is_due(const struct engine *g, uint64_t now_ms)
{
	bool all = true;

	if (g->believed || g->released || g->first_up_ms == 0)
		return false;
	if (!g->rule->observe && g->standing != WATCH_EMPTY)
		return false;
	bool any_up = false;
	for (uint32_t m = 0; m < g->rule->members; m++) {
		if (g->rule->member[m].last_resort ||
		    scenario_cold(g->rule, &g->ledger, m))
			continue;
		all &= g->quorum[m].verdict != VERDICT_UNDECIDED;
		any_up |=
		    g->quorum[m].verdict == VERDICT_UP && policy_can_answer(g->rule, m);
	}
	bool waits = !all && now_ms - g->first_up_ms < CREATE_WAIT_MS;
	return any_up && !NEEDED(first_creation, waits);
}

/* Agents that hold our file and have read the ledger's present epoch. */
static uint32_t
holders(const struct engine *g, const uint32_t *number, uint32_t n, uint64_t now_ms)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t a = 0; a < g->rule->agents; a++) {
			const struct ballot *b = &g->ballot[a];

			count += g->rule->agent[a].number == number[i] &&
			    ballot_fresh(b, g->rule, now_ms) &&
			    b->report.policy_hash == g->rule->policy_hash &&
			    !NEEDED(policy_epoch, b->report.epoch != g->ledger.epoch);
		}
	return count;
}

static bool
policy_is_due(const struct engine *g, uint64_t now_ms)
{
	uint32_t ours[AGENTS_MAX];
	bool floor = false;

	if (!g->believed || decide_in_force(g) || g->ledger.lock_holder != 0 ||
	    g->ledger.run.id != 0)
		return false;
	for (uint32_t a = 0; a < g->rule->agents; a++)
		ours[a] = g->rule->agent[a].number;
	uint32_t old = holders(g, g->ledger.voter, g->ledger.voters, now_ms);
	uint32_t new = holders(g, ours, g->rule->agents, now_ms);
	if (NEEDED(policy_quorum, old < g->ledger.quorum || new < rule_quorum(g->rule)))
		return false;
	for (uint32_t m = 0; m < g->rule->members; m++) {
		int32_t was = ledger_find(&g->ledger, g->rule->member[m].name);

		floor |= was >= 0 && !g->ledger.member[was].out &&
		    policy_can_answer(g->rule, m) &&
		    g->quorum[m].verdict != VERDICT_DOWN;
	}
	return !NEEDED(policy_floor, !floor);
}

/* Does what the states mean differ from what was written? Asked of each version once:
 * the digest is the dearest thing in a step. */
static void
check_records(struct engine *g)
{
	struct ledger l = g->ledger;
	uint8_t weight[MEMBERS_MAX] = {0};

	if (!g->has_ledger || g->records_checked == g->ledger.nonce[0])
		return;
	policy_weigh(g->rule, &l);
	for (uint32_t m = 0; m < l.members; m++)
		weight[m] = l.member[m].weight;
	g->records_checked = g->ledger.nonce[0];
	g->records_due = g->digest(weight, g->digest_arg) != g->ledger.digest;
}

static struct intent
find_intent(const struct engine *g, const struct engine_in *in)
{
	bool steady = g->has_ledger && decide_in_force(g) && !order_freezes(g);
	bool frozen = ledger_order_stands(&g->ledger.freeze, in->now_wall_s);
	uint64_t now_ms = in->now_ms;

	if (g->order.kind != ORDER_NONE)
		return (struct intent){.kind = INTENT_ORDER};
	if (creation_is_due(g, now_ms))
		return (struct intent){.kind = INTENT_CREATE, .records = true};
	if (steady && g->limiter.action.kind != ACTION_NONE)
		return (struct intent){.kind = INTENT_ACTION,
		    .action = g->limiter.action,
		    .records = true};
	if (steady && g->move.what == SCENARIO_WRITE)
		return (struct intent){.kind = INTENT_SCENARIO,
		    .turn = run_turn(g),
		    .records = g->move.points != POINTS_STAY};
	/* Under another policy the change that moves it closes the outcome too. */
	if (g->unknown && g->has_ledger && decide_in_force(g))
		return (struct intent){.kind = INTENT_CLOSE};
	if (g->void_due && steady)
		return (struct intent){.kind = INTENT_VOID};
	if (policy_is_due(g, now_ms))
		return (struct intent){.kind = INTENT_POLICY};
	if (steady && !frozen && !g->rule->observe && g->records_due)
		return (struct intent){.kind = INTENT_RECORDS, .records = true};
	return (struct intent){.kind = INTENT_NONE};
}

/* ---- saying why ---- */

static void
say_blocks(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	for (uint32_t m = 0; m < g->rule->members; m++) {
		enum block b = g->limiter.block[m];

		if (g->said_block[m] == b)
			continue;
		g->said_block[m] = b;
		if (b == BLOCK_NONE || b == BLOCK_ACT)
			continue;
		bool alarm = b == BLOCK_FLOOR || b == BLOCK_ALL_DOWN ||
		    b == BLOCK_MAX_OUT || b == BLOCK_CAPACITY || b == BLOCK_LATCHED;
		struct fact *f = say(out, FACT_BLOCKED, alarm ? FACT_ERROR : FACT_INFO,
		    (int32_t)m, now_ms);
		say_value(f, block_word(b));
		say_text(f, "%s %s and %s: %s", g->rule->member[m].name,
		    verdict_word(g->quorum[m].verdict),
		    g->ledger.member[m].out ? "out" : "in", block_sentence(b));
	}
}

static void
say_lonely(const struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	struct fact *f = say(out, FACT_TROUBLE, FACT_WARN, -1, now_ms);

	say_value(f, cannot_word(CANNOT_LONELY));
	say_text(f,
	    "hears %u of %u agents, itself included, and needs %u: nothing is moved",
	    (unsigned)engine_hears(g, now_ms), (unsigned)g->rule->agents,
	    (unsigned)rule_quorum(g->rule));
}

static void
say_state(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	if (g->said_doubt != g->doubt) {
		g->said_doubt = g->doubt;
		struct fact *f = say(out, FACT_DOUBT, FACT_WARN, -1, now_ms);
		say_value(f, doubt_word(g->doubt));
		if (g->doubt == DOUBT_NOT)
			f->level = FACT_INFO;
		if (g->doubt == DOUBT_ALONE)
			say_text(f, "abstains from every vote: hears 1 of %u agents",
			    (unsigned)g->rule->agents);
		else
			say_text(f, "%s",
			    g->doubt == DOUBT_NOT ? "votes again"
						  : "abstains from every vote");
	}
	if (g->said_cannot == g->cannot)
		return;
	if (g->cannot == CANNOT_LONELY)
		say_lonely(g, out, now_ms);
	if (g->cannot == CANNOT_API && read_hangs(g, now_ms))
		say_text(say(out, FACT_TROUBLE, FACT_WARN, -1, now_ms),
		    "the zone has not answered a read for %d s: nothing is written "
		    "meanwhile",
		    READ_HANGS_MS / 1000);
	if (g->cannot == CANNOT_POLICY || g->said_cannot == CANNOT_POLICY) {
		bool lost = g->cannot == CANNOT_POLICY;
		struct fact *f =
		    say(out, FACT_POLICY, lost ? FACT_WARN : FACT_INFO, -1, now_ms);
		say_value(f, lost ? "not-in-force" : "in-force");
		say_text(f, "%s",
		    lost
			? "the configuration here is not the policy in force: this agent "
			  "neither votes nor writes until a quorum holds the same file"
			: "the configuration here is the policy in force");
	}
	g->said_cannot = g->cannot;
}

static void
say_decided(struct engine *g, struct engine_out *out, uint64_t now_ms)
{
	struct fact *f = say(out, FACT_DECIDED, FACT_INFO, -1, now_ms);

	if (g->intent.kind != INTENT_ACTION) {
		say_value(f, intent_word(g->intent.kind));
		return;
	}
	uint32_t m = g->intent.action.member, o = g->intent.action.other;
	f->member = (int32_t)m;
	say_value(f, action_word(g->intent.action.kind));
	const struct quorum_view *q = &g->quorum[m];
	say_text(f, "%s%s %s%s%s: %u of %u agents say %s, held %llu ms",
	    g->rule->observe ? "would " : "", action_word(g->intent.action.kind),
	    g->rule->member[m].name, m != o ? " for " : "",
	    m != o ? g->rule->member[o].name : "",
	    (unsigned)(q->verdict == VERDICT_DOWN ? q->down : q->up),
	    (unsigned)g->rule->agents, verdict_word(q->verdict),
	    (unsigned long long)hold_ms(&g->hold[m], q->verdict, now_ms));
}

/* ---- ripe holds ---- */

static void
note_ripe(struct engine *g, const struct limiter_in *lim)
{
	for (uint32_t m = 0; m < g->rule->members; m++) {
		enum verdict v = g->quorum[m].verdict;
		bool is_out = g->ledger.member[m].out;
		uint64_t held_ms =
		    is_out ? lim->member[m].up_ms : lim->member[m].down_ms;
		uint64_t need_ms = is_out ? limiter_return_hold_ms(g->rule,
						&g->ledger.member[m], lim->now_wall_s)
					  : limiter_drain_hold_ms(lim, m);

		if (v != (is_out ? VERDICT_UP : VERDICT_DOWN) || held_ms < need_ms ||
		    !g->limiter.ledger_allows[m])
			continue;
		if (g->ripe[m] && g->ripe_verdict[m] == v &&
		    g->ripe_epoch[m] == g->ledger.epoch)
			continue;
		g->ripe[m] = true;
		g->ripe_verdict[m] = (uint8_t)v;
		g->ripe_epoch[m] = g->ledger.epoch;
	}
}

static void
judge_limits(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct limiter_in lim;

	memset(&g->limiter, 0, sizeof g->limiter);
	if (!g->has_ledger || !decide_in_force(g))
		return;
	decide_limiter_in(g, in->now_wall_s, in->now_ms, &lim);
	limiter_judge(&lim, &g->limiter);
	if (!g->rule->observe)
		note_ripe(g, &lim);
	say_blocks(g, out, in->now_ms);
}

/* ---- writing ---- */

static bool
same_intent(const struct intent *a, const struct intent *b)
{
	return a->kind == b->kind && a->action.kind == b->action.kind &&
	    a->action.member == b->action.member &&
	    a->action.other == b->action.other && a->turn == b->turn;
}

/* The next ledger for the intent; false: it may not be done, and why. */
static bool
build(const struct engine *g, const struct engine_in *in, struct intent *i,
    struct ledger *next, struct err *why)
{
	*next = g->ledger;
	switch (i->kind) {
	case INTENT_NONE:
		return false;
	case INTENT_CREATE:
		write_create(g, next);
		return true;
	case INTENT_ACTION:
		limiter_apply(g->rule, next, &i->action, in->now_wall_s);
		return true;
	case INTENT_ORDER:
		return order_apply(
		    g, in->now_wall_s, in->now_ms, next, &i->records, why);
	case INTENT_POLICY:
		write_policy(g, next);
		return true;
	case INTENT_RECORDS:
		policy_weigh(g->rule, next);
		return true;
	case INTENT_SCENARIO:
		scenario_apply(g->rule, &g->move, in->now_wall_s, next);
		return true;
	case INTENT_CLOSE:
	case INTENT_VOID:
		return true;
	case INTENTS:
		break;
	}
	return false;
}

static void
seal(const struct engine *g, const struct engine_in *in, const struct intent *i,
    struct ledger *next)
{
	uint8_t weight[MEMBERS_MAX] = {0};

	ledger_advance(next, in->random != 0 ? in->random : 1,
	    g->rule->agent[g->self].number, in->now_wall_s);
	if (!i->records)
		return;
	for (uint32_t m = 0; m < next->members; m++)
		weight[m] = next->member[m].weight;
	next->digest = g->digest(weight, g->digest_arg);
}

static void
refuse_order(struct engine *g, struct engine_out *out, const char *why, uint64_t now_ms)
{
	struct fact *f = say(out, FACT_ORDER_REFUSED, FACT_WARN, -1, now_ms);

	say_value(f, order_word(g->order.kind));
	say_text(f, "%.200s", why);
	g->order.kind = ORDER_NONE;
	g->local_freeze = false;
	out->order_refused = true;
}

static void
send_change(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct err why = {""};
	struct ledger *next = &out->next;

	if (!build(g, in, &g->intent, next, &why)) {
		if (g->intent.kind == INTENT_ORDER)
			refuse_order(g, out, why.text, in->now_ms);
		return;
	}
	seal(g, in, &g->intent, next);
	if (g->rule->observe) {
		zone_pretend(g, next, in, out);
		return;
	}
	g->writing = true;
	g->sent = *next;
	g->sent_intent = g->intent;
	g->sent_order_id = g->intent.kind == INTENT_ORDER ? g->order.id : 0;
	if (g->intent.kind == INTENT_SCENARIO)
		run_sent(g, next, in->now_ms);
	out->change = true;
	out->create = !g->view_present;
	out->release = g->intent.kind == INTENT_ORDER && g->order.kind == ORDER_RELEASE;
	out->intent = g->intent;
	struct fact *f = say(out, FACT_SENT, FACT_INFO, -1, in->now_ms);
	f->epoch = next->epoch;
	f->nonce = next->nonce[0];
	if (g->intent.kind == INTENT_ACTION) {
		f->member = (int32_t)g->intent.action.member;
		say_value(f, action_word(g->intent.action.kind));
	} else {
		say_value(f, intent_word(g->intent.kind));
	}
}

/* Frozen, nothing is decided but what an operator may still order. */
static bool
stands_still(const struct engine *g)
{
	return g->cannot == CANNOT_FROZEN &&
	    !(g->intent.kind == INTENT_ORDER && order_overrides(g, g->cannot));
}

/* From when we may write, as far as our rank says. */
static uint64_t
turn_ms(const struct engine *g, uint64_t now_ms)
{
	int32_t failing = -1;

	if (g->intent.kind == INTENT_ORDER ||
	    (g->intent.kind == INTENT_SCENARIO && !g->move.ranked))
		return g->intent_ms;
	if (g->intent.kind == INTENT_SCENARIO)
		failing = run_failing(g);
	if (g->intent.kind == INTENT_ACTION &&
	    (g->intent.action.kind == ACTION_DRAIN ||
		g->intent.action.kind == ACTION_SWAP))
		failing = (int32_t)g->intent.action.member;
	return g->intent_ms +
	    NEEDED(rank, turn_ahead(g, failing, now_ms)) * g->rule->rank_ms;
}

/* Is what we know of the zone too old to write on? */
static bool
must_read(const struct engine *g)
{
	bool waits =
	    g->standing == WATCH_WAIT && g->read_began_ms >= g->dirty_ms && !g->reading;

	return !g->read_once ||
	    (g->dirty && !(waits && order_overrides(g, CANNOT_STARTING)));
}

static bool
pretend_only(const struct engine *g)
{
	return g->rule->observe &&
	    (g->intent.kind == INTENT_CREATE || g->intent.kind == INTENT_ACTION);
}

/* An order that only another order can free is refused, not kept: it would stand in
 * that one's way. Judged on a fresh read. */
static void
check_order(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	const char *bar;

	if (g->order.kind == ORDER_NONE || g->writing || g->dirty)
		return;
	bar = order_bar(g);
	if (bar != NULL)
		refuse_order(g, out, bar, in->now_ms);
}

void
decide(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct intent i;

	order_settle(g, out, in->now_ms);
	g->cannot = find_cannot(g, in->now_ms);
	g->report.cannot = g->cannot;
	order_tell(g, in->now_ms);
	run_tell(g, in->now_ms);
	g->ballot[g->self].report = g->report;
	judge_limits(g, in, out);
	say_state(g, out, in->now_ms);
	check_records(g);
	check_order(g, in, out);
	run_judge(g, in, out);
	i = find_intent(g, in);
	if (!same_intent(&i, &g->intent)) {
		g->intent = i;
		g->intent_ms = in->now_ms;
		g->intent_said = false;
	}
	if (g->intent.kind != INTENT_NONE && !g->intent_said && !stands_still(g)) {
		g->intent_said = true;
		say_decided(g, out, in->now_ms);
	}
	if (g->intent.kind == INTENT_NONE || g->writing || in->now_wall_s == 0)
		return;
	if (!pretend_only(g) && (!may_write(g, &g->intent, in->now_ms) || must_read(g)))
		return;
	if (pretend_only(g) && g->doubt != DOUBT_NOT)
		return;
	if (in->now_ms < g->write_next_ms || in->now_ms < turn_ms(g, in->now_ms))
		return;
	send_change(g, in, out);
}

uint64_t
decide_due_ms(const struct engine *g, const struct engine_in *in)
{
	uint64_t due_ms;

	if (g->intent.kind == INTENT_NONE || g->writing || g->dirty ||
	    !may_write(g, &g->intent, in->now_ms))
		return UINT64_MAX;
	due_ms = turn_ms(g, in->now_ms);
	return due_ms > g->write_next_ms ? due_ms : g->write_next_ms;
}
