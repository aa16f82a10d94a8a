/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limiter.h - may a member be drained, returned, swapped, ramped, now?
 *
 * Pure judgement over the ledger (which survives restarts, other writers and lost
 * disks) and what this agent itself has seen. Counts run on the provider's clock in
 * windows five minutes longer than they say, because a change may be applied late.
 * Automatic direction changes of a member in any hour ≤ 2(K+E)+1, for any input.
 */
#ifndef STEERING_CORE_LIMITER_H
#define STEERING_CORE_LIMITER_H

#include "steering/core/needed.h"
#include "steering/core/policy.h"
#include "steering/core/quorum.h"

#define WINDOW_LATE_S NEEDED(late_window, 5 * 60)
#define WINDOW_HOUR_S (3600 + WINDOW_LATE_S)
#define WINDOW_DAY_S (24 * 3600 + WINDOW_LATE_S)

/* Why nothing is done about a member; a sentence for each: block_sentence(). */
enum block {
	BLOCK_NONE = 0, /* there is nothing to do */
	BLOCK_ACT,      /* something is to be done: see the action */
	BLOCK_SCENARIO, /* moved only by its scenario */
	BLOCK_FROZEN,   /* an operator's freeze stands */
	BLOCK_PINNED,
	BLOCK_HOLD,     /* the verdict has not been held long enough */
	BLOCK_EVIDENCE, /* the last probes of Q voters do not all fail */
	BLOCK_SPACING,  /* another member was drained a moment ago */
	BLOCK_FLOOR,    /* no in member that is not DOWN would be left */
	BLOCK_ALL_DOWN, /* every member is down or undecided */
	BLOCK_MAX_OUT,
	BLOCK_CAPACITY,
	BLOCK_ORDER,  /* out by an operator's order */
	BLOCK_MANUAL, /* failback: manual */
	BLOCK_LATCHED,
	BLOCK_BUDGET, /* K returns within the hour */
	BLOCK_CLOCK,  /* the provider's clock is not known yet */
	BLOCKS
};
const char *block_sentence(enum block b);
const char *block_word(enum block b);

struct limiter_member {
	enum verdict verdict;
	bool evidence;
	uint64_t down_ms, up_ms; /* held so long */
	uint64_t ramp_ms;        /* since this agent saw the ramp step in force */
};

struct limiter_in {
	const struct rule_service *rule;
	const struct ledger *ledger;
	int64_t now_wall_s;     /* provider's clock; 0 unknown */
	bool spaced;            /* a drain that moved an answer was seen … */
	uint64_t spaced_ms;     /* … so long ago, of ledger->spaced */
	bool cold[MEMBERS_MAX]; /* kept cold by its scenario: neither down nor out */
	struct limiter_member member[MEMBERS_MAX];
};

enum action_kind {
	ACTION_NONE = 0,
	ACTION_DRAIN,
	ACTION_RETURN,
	ACTION_SWAP, /* drain `member`, return `other`, in one batch */
	ACTION_RAMP,
};
const char *action_word(enum action_kind a);

struct action {
	enum action_kind kind;
	uint32_t member, other;
};

struct limiter_out {
	struct action action; /* the one to take now */
	enum block block[MEMBERS_MAX];
	bool ledger_allows[MEMBERS_MAX]; /* its change is not barred by the ledger */
};

void limiter_judge(const struct limiter_in *in, struct limiter_out *out);

/* The hold that a return of this member needs, by its drains of the day. */
uint64_t limiter_return_hold_ms(
    const struct rule_service *rule, const struct ledger_member *m, int64_t now_wall_s);
/* The hold that a drain of this member needs. */
uint64_t limiter_drain_hold_ms(const struct limiter_in *in, uint32_t member);
/* What bars taking it out for being DOWN, the floor aside; as a drain is barred, under a
 * hold of so long. BLOCK_NONE: nothing. */
enum block limiter_down(const struct limiter_in *in, uint32_t member, uint64_t hold_ms);
/* May an operator drain it? The floor binds the operator too. */
enum block limiter_floor(const struct limiter_in *in, uint32_t member);

/* Carries the action out on a copy of the ledger: states, history, weights. */
void limiter_apply(const struct rule_service *rule, struct ledger *l,
    const struct action *a, int64_t now_wall_s);
/* The parts of it, for an operator's word (history is not touched by those). */
void limiter_out_member(const struct rule_service *rule, struct ledger *l, uint32_t m);
void limiter_in_member(const struct rule_service *rule, struct ledger *l, uint32_t m);

#endif
