/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One judgement for each member, in an order that names the most telling reason, and
 * one action for the service: a drain before a swap before a return before a ramp
 * step, so that harm is undone before good is done, and two changes of mind never
 * share a batch (a swap is one mind). What must not be taken back is never counted
 * here: the history in the ledger is the only memory.
 */
#include "steering/core/limiter.h"

#include <assert.h>
#include <string.h>

#include "steering/core/scenario.h"

/* ---- the floor ---- */

static uint32_t
counted(const struct limiter_in *in)
{
	uint32_t n = 0;

	for (uint32_t m = 0; m < in->rule->members; m++)
		n += !in->cold[m];
	return n;
}

static uint32_t
out_now(const struct limiter_in *in)
{
	uint32_t n = 0;

	for (uint32_t m = 0; m < in->rule->members; m++)
		n += in->ledger->member[m].out && !in->cold[m];
	return n;
}

/* Is it a member that could answer after the drain? */
static bool
holds_floor(const struct limiter_in *in, uint32_t m)
{
	const struct rule_member *r = &in->rule->member[m];

	if (in->cold[m])
		return false;
	if (!policy_can_answer(in->rule, m))
		return false;
	return r->last_resort || in->member[m].verdict != VERDICT_DOWN;
}

static bool
all_down_or_undecided(const struct limiter_in *in)
{
	for (uint32_t m = 0; m < in->rule->members; m++) {
		if (in->cold[m])
			continue;
		if (in->rule->member[m].last_resort ||
		    in->member[m].verdict == VERDICT_UP)
			return false;
	}
	return true;
}

static uint32_t
share(uint32_t part, uint32_t whole)
{
	return whole == 0 ? 100 : part * 100 / whole;
}

/* Full weights that would be left in, in percent, with `out` drained and `back` (or
 * none: -1) returned. */
static uint32_t
capacity_left_pct(const struct limiter_in *in, uint32_t out, int32_t back)
{
	uint32_t whole = 0, left = 0;

	for (uint32_t m = 0; m < in->rule->members; m++) {
		uint32_t weight = in->rule->member[m].weight;
		bool is_in =
		    m != out && (!in->ledger->member[m].out || (int32_t)m == back);

		if (in->cold[m] || in->rule->member[m].last_resort)
			continue;
		whole += weight;
		left += is_in ? weight : 0;
	}
	return share(left, whole);
}

/* The floor for a drain of `out`, with `back` (or -1) returned in the same batch. */
static enum block
floor_for(const struct limiter_in *in, uint32_t out, int32_t back)
{
	bool held = false;

	if (NEEDED(all_down_stands, all_down_or_undecided(in)))
		return BLOCK_ALL_DOWN;
	for (uint32_t m = 0; m < in->rule->members; m++)
		if (m != out && (!in->ledger->member[m].out || (int32_t)m == back))
			held |= holds_floor(in, m);
	if (NEEDED(floor, !held))
		return BLOCK_FLOOR;
	if (NEEDED(max_out, out_now(in) + 1 - (back >= 0) > in->rule->max_out))
		return BLOCK_MAX_OUT;
	if (NEEDED(min_capacity,
		in->rule->min_capacity_pct != 0 &&
		    capacity_left_pct(in, out, back) < in->rule->min_capacity_pct))
		return BLOCK_CAPACITY;
	return BLOCK_NONE;
}

enum block
limiter_floor(const struct limiter_in *in, uint32_t member)
{
	return floor_for(in, member, -1);
}

/* ---- holds ---- */

uint64_t
limiter_return_hold_ms(
    const struct rule_service *rule, const struct ledger_member *m, int64_t now_wall_s)
{
	uint32_t n =
	    ledger_count_since(m->drain_wall_s, m->drains, now_wall_s, WINDOW_DAY_S);
	uint64_t hold_ms = rule->return_hold_ms;

	for (uint32_t i = 1;
	     NEEDED(exponent, i < n) && hold_ms < rule->return_hold_ms_max; i++)
		hold_ms *= 2;
	return hold_ms < rule->return_hold_ms_max ? hold_ms : rule->return_hold_ms_max;
}

uint64_t
limiter_drain_hold_ms(const struct limiter_in *in, uint32_t member)
{
	uint32_t all = counted(in), out = out_now(in);
	bool ramping = !in->ledger->member[member].out &&
	    !policy_ramp_done(in->rule, &in->ledger->member[member]);

	if (NEEDED(ramp_drains_at_once, ramping))
		return 0;
	if (scenario_moves(in->rule, in->ledger))
		return NEEDED(gate_hold, in->rule->hold_ms);
	bool few = NEEDED(tenfold_hold, (all - out - 1) * 2 < all);
	return NEEDED(hold, in->rule->hold_ms) * (few ? 10 : 1);
}

/* ---- one member ---- */

static enum block
frozen_or_scenario(const struct limiter_in *in)
{
	if (scenario_moves(in->rule, in->ledger))
		return BLOCK_SCENARIO;
	if (ledger_order_stands(&in->ledger->freeze, in->now_wall_s))
		return BLOCK_FROZEN;
	return BLOCK_NONE;
}

static bool
spacing_holds(const struct limiter_in *in, uint32_t m)
{
	return in->spaced && in->spaced_ms < in->rule->spacing_ms &&
	    strcmp(in->ledger->spaced, in->rule->member[m].name) != 0 &&
	    policy_moves_answers(in->rule, in->ledger, m);
}

/* Everything but the floor. */
static enum block
drain_wish(const struct limiter_in *in, uint32_t m, uint64_t hold_ms)
{
	if (ledger_order_stands(&in->ledger->member[m].pin, in->now_wall_s))
		return BLOCK_PINNED;
	if (in->member[m].down_ms < hold_ms)
		return BLOCK_HOLD;
	if (NEEDED(evidence, !in->member[m].evidence))
		return BLOCK_EVIDENCE;
	if (NEEDED(spacing, spacing_holds(in, m)))
		return BLOCK_SPACING;
	return BLOCK_NONE;
}

enum block
limiter_down(const struct limiter_in *in, uint32_t member, uint64_t hold_ms)
{
	if (in->now_wall_s == 0)
		return BLOCK_CLOCK;
	return drain_wish(in, member, hold_ms);
}

static enum block
judge_in(const struct limiter_in *in, uint32_t m, struct limiter_out *out)
{
	enum block b;

	out->ledger_allows[m] = out_now(in) < in->rule->max_out &&
	    !ledger_order_stands(&in->ledger->member[m].pin, in->now_wall_s);
	if (in->rule->member[m].last_resort || in->member[m].verdict != VERDICT_DOWN)
		return BLOCK_NONE;
	b = drain_wish(in, m, limiter_drain_hold_ms(in, m));
	if (b == BLOCK_NONE)
		b = limiter_floor(in, m);
	return b == BLOCK_NONE ? BLOCK_ACT : b;
}

/* Barred by the ledger alone, whatever the verdict. */
static enum block
return_bar(const struct limiter_in *in, uint32_t m)
{
	const struct ledger_member *l = &in->ledger->member[m];

	if (ledger_order_stands(&l->drain, in->now_wall_s))
		return BLOCK_ORDER;
	if (NEEDED(latch, l->latched))
		return BLOCK_LATCHED;
	if (!in->rule->failback_auto && !l->by_order)
		return BLOCK_MANUAL;
	uint32_t lately = ledger_count_since(
	    l->return_wall_s, l->returns, in->now_wall_s, WINDOW_HOUR_S);
	if (NEEDED(budget, lately >= in->rule->return_per_hour))
		return BLOCK_BUDGET;
	return BLOCK_NONE;
}

static enum block
judge_out(const struct limiter_in *in, uint32_t m, struct limiter_out *out)
{
	enum block b = return_bar(in, m);

	out->ledger_allows[m] = b == BLOCK_NONE;
	if (b != BLOCK_NONE)
		return b;
	if (in->member[m].verdict != VERDICT_UP)
		return BLOCK_NONE;
	uint64_t need_ms =
	    limiter_return_hold_ms(in->rule, &in->ledger->member[m], in->now_wall_s);
	if (NEEDED(return_hold, in->member[m].up_ms < need_ms))
		return BLOCK_HOLD;
	return BLOCK_ACT;
}

/* ---- the service ---- */

static bool
may_swap_back(const struct limiter_in *in, uint32_t m)
{
	const struct ledger_member *l = &in->ledger->member[m];
	uint32_t lately =
	    ledger_count_since(l->swap_wall_s, l->swaps, in->now_wall_s, WINDOW_HOUR_S);

	return l->out && !in->cold[m] && in->member[m].verdict == VERDICT_UP &&
	    !NEEDED(swap_hold, in->member[m].up_ms < in->rule->swap_after_ms) &&
	    !ledger_order_stands(&l->drain, in->now_wall_s) &&
	    !NEEDED(swap_limit, lately >= in->rule->swap_per_hour);
}

static bool
is_floor(enum block b)
{
	return b == BLOCK_FLOOR || b == BLOCK_MAX_OUT || b == BLOCK_CAPACITY;
}

static bool
find_swap(const struct limiter_in *in, const struct limiter_out *out, struct action *a)
{
	if (!NEEDED(swap, !in->rule->stateful))
		return false;
	for (uint32_t m = 0; m < in->rule->members; m++) {
		if (in->ledger->member[m].out || !is_floor(out->block[m]))
			continue;
		for (uint32_t o = 0; o < in->rule->members; o++) {
			if (!may_swap_back(in, o) ||
			    floor_for(in, m, (int32_t)o) != BLOCK_NONE)
				continue;
			*a = (struct action){ACTION_SWAP, m, o};
			return true;
		}
	}
	return false;
}

/* Where the chosen member of a failover and the next in line are both due, the one that
 * moves no answer goes first, while there is room for both: it would answer, dead, for
 * as long as the spacing lasts. */
static bool
find_drain(const struct limiter_in *in, const struct limiter_out *out, struct action *a)
{
	bool room =
	    out_now(in) + 2 <= in->rule->max_out && in->rule->min_capacity_pct == 0;
	bool found = false;

	for (uint32_t m = 0; m < in->rule->members; m++) {
		if (out->block[m] != BLOCK_ACT || in->ledger->member[m].out)
			continue;
		bool idle =
		    NEEDED(idle_first, !policy_moves_answers(in->rule, in->ledger, m));
		if (found && !(idle && room))
			continue;
		*a = (struct action){ACTION_DRAIN, m, m};
		found = true;
		if (idle && room)
			break;
	}
	return found;
}

static bool
find_return(
    const struct limiter_in *in, const struct limiter_out *out, struct action *a)
{
	for (uint32_t m = 0; m < in->rule->members; m++) {
		if (out->block[m] != BLOCK_ACT || !in->ledger->member[m].out)
			continue;
		*a = (struct action){ACTION_RETURN, m, m};
		return true;
	}
	return false;
}

static bool
find_ramp(const struct limiter_in *in, struct action *a)
{
	for (uint32_t m = 0; m < in->rule->members; m++) {
		const struct ledger_member *l = &in->ledger->member[m];

		if (l->out || policy_ramp_done(in->rule, l) ||
		    NEEDED(ramp_while_up, in->member[m].verdict != VERDICT_UP) ||
		    in->member[m].ramp_ms < in->rule->ramp_every_ms)
			continue;
		*a = (struct action){ACTION_RAMP, m, m};
		return true;
	}
	return false;
}

void
limiter_judge(const struct limiter_in *in, struct limiter_out *out)
{
	enum block whole = frozen_or_scenario(in);

	assert(in->ledger->members == in->rule->members);
	memset(out, 0, sizeof *out);
	if (whole == BLOCK_NONE && in->now_wall_s == 0)
		whole = BLOCK_CLOCK;
	for (uint32_t m = 0; m < in->rule->members; m++) {
		bool is_out = in->ledger->member[m].out;

		out->block[m] = in->cold[m] ? BLOCK_SCENARIO
		    : whole != BLOCK_NONE   ? whole
		    : is_out                ? judge_out(in, m, out)
					    : judge_in(in, m, out);
	}
	if (whole != BLOCK_NONE)
		return;
	if (find_drain(in, out, &out->action) || find_swap(in, out, &out->action) ||
	    find_return(in, out, &out->action))
		return;
	(void)find_ramp(in, &out->action);
}

/* ---- carrying out ---- */

void
limiter_out_member(const struct rule_service *rule, struct ledger *l, uint32_t m)
{
	l->member[m].out = true;
	l->member[m].ramp = 0;
	policy_weigh(rule, l);
}

void
limiter_in_member(const struct rule_service *rule, struct ledger *l, uint32_t m)
{
	l->member[m].out = false;
	l->member[m].by_order = false;
	l->member[m].drain = (struct ledger_order){0};
	l->member[m].ramp = rule->policy == POLICY_FAILOVER && rule->ramp_steps > 0
	    ? (uint8_t)(rule->ramp_steps - 1)
	    : 0;
	policy_weigh(rule, l);
}

static void
drain(const struct rule_service *rule, struct ledger *l, uint32_t m, int64_t now_wall_s)
{
	struct ledger_member *x = &l->member[m];

	if (policy_moves_answers(rule, l, m)) {
		memcpy(l->spaced, x->name, sizeof l->spaced);
		l->spaced_wall_s = now_wall_s;
	}
	ledger_note_drain(x, now_wall_s);
	x->latched = ledger_count_since(x->drain_wall_s, x->drains, now_wall_s,
			 WINDOW_DAY_S) >= rule->latch_after;
	x->by_order = false;
	limiter_out_member(rule, l, m);
}

void
limiter_apply(const struct rule_service *rule, struct ledger *l, const struct action *a,
    int64_t now_wall_s)
{
	switch (a->kind) {
	case ACTION_NONE:
		return;
	case ACTION_DRAIN:
		drain(rule, l, a->member, now_wall_s);
		return;
	case ACTION_RETURN:
		ledger_note_return(&l->member[a->member], now_wall_s);
		limiter_in_member(rule, l, a->member);
		return;
	case ACTION_SWAP:
		ledger_note_swap(&l->member[a->other], now_wall_s);
		l->member[a->other].latched = false;
		drain(rule, l, a->member, now_wall_s);
		limiter_in_member(rule, l, a->other);
		return;
	case ACTION_RAMP:
		l->member[a->member].ramp++;
		policy_weigh(rule, l);
		return;
	}
}

/* ---- words ---- */

const char *
action_word(enum action_kind a)
{
	static const char *const word[] = {
	    [ACTION_NONE] = "none",
	    [ACTION_DRAIN] = "drain",
	    [ACTION_RETURN] = "return",
	    [ACTION_SWAP] = "swap",
	    [ACTION_RAMP] = "ramp",
	};

	assert((unsigned)a < sizeof word / sizeof *word);
	return word[a];
}

struct block_name {
	const char *word, *sentence;
};

static const struct block_name block_name[BLOCKS] = {
    [BLOCK_NONE] = {"none", "there is nothing to do"},
    [BLOCK_ACT] = {"act", "a change is due"},
    [BLOCK_SCENARIO] = {"scenario", "the service is moved only by its scenario"},
    [BLOCK_FROZEN] = {"frozen", "an operator froze the service"},
    [BLOCK_PINNED] = {"pinned", "an operator pinned the member"},
    [BLOCK_HOLD] = {"hold", "the verdict has not been held long enough yet"},
    [BLOCK_EVIDENCE] = {"evidence",
	"the last probes of a quorum do not all fail at this moment"},
    [BLOCK_SPACING] = {"spacing", "another member was drained a moment ago"},
    [BLOCK_FLOOR] = {"floor",
	"no other member that is in and not DOWN would be left to answer"},
    [BLOCK_ALL_DOWN] = {"all-down",
	"every member is down or undecided: DNS is left alone"},
    [BLOCK_MAX_OUT] = {"max-out", "as many members are out as max_out allows"},
    [BLOCK_CAPACITY] = {"capacity", "less than min_capacity would be left in"},
    [BLOCK_ORDER] = {"order", "an operator holds it out"},
    [BLOCK_MANUAL] = {"manual", "failback is manual: undrain it when it is well"},
    [BLOCK_LATCHED] = {"latched",
	"it was drained too often in 24 h: acknowledge it when it is mended"},
    [BLOCK_BUDGET] = {"budget", "it came back as often as an hour allows"},
    [BLOCK_CLOCK] = {"clock", "the provider's clock is not known yet"},
};

const char *
block_word(enum block b)
{
	assert(b < BLOCKS);
	return block_name[b].word;
}

const char *
block_sentence(enum block b)
{
	assert(b < BLOCKS);
	return block_name[b].sentence;
}
