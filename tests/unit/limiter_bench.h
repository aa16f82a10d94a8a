/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limiter_bench.h - one world that each test of the limiter bends: members all in and UP
 * for long, and words for what is expected of the next judgement.
 */
#ifndef TESTS_UNIT_LIMITER_BENCH_H
#define TESTS_UNIT_LIMITER_BENCH_H

#include <check.h>
#include <stdlib.h>

#include "steering/core/limiter.h"
#include "tests/unit/rule_make.h"

#define NOW ((int64_t)1790000000)
#define LONG_MS UINT64_C(1000000000)

/* the world. */
static struct rule_service rule;
static struct ledger l;
static struct limiter_in in;
static struct limiter_out out;

static inline void
verdict(uint32_t m, enum verdict v, uint64_t held_ms)
{
	in.member[m].verdict = v;
	in.member[m].evidence = v == VERDICT_DOWN;
	in.member[m].down_ms = v == VERDICT_DOWN ? held_ms : 0;
	in.member[m].up_ms = v == VERDICT_UP ? held_ms : 0;
}

static inline void
world(uint32_t members)
{
	rule_make(&rule, members, 3);
	memset(&l, 0, sizeof l);
	memset(&in, 0, sizeof in);
	l.members = members;
	for (uint32_t m = 0; m < members; m++) {
		memcpy(l.member[m].name, rule.member[m].name, WORD_MAX);
		l.member[m].ramp = 3;
		in.member[m].ramp_ms = LONG_MS;
		verdict(m, VERDICT_UP, LONG_MS);
	}
	policy_weigh(&rule, &l);
	in.rule = &rule;
	in.ledger = &l;
	in.now_wall_s = NOW;
}

static inline void
take_out(uint32_t m)
{
	limiter_out_member(&rule, &l, m);
}

static inline void
judge(void)
{
	limiter_judge(&in, &out);
}

#define EXPECT(kind_, member_)                                                      \
	do {                                                                        \
		judge();                                                            \
		ck_assert_str_eq(action_word(out.action.kind), action_word(kind_)); \
		ck_assert_uint_eq(out.action.member, member_);                      \
	} while (0)
#define EXPECT_BLOCK(member_, block_)                                                  \
	do {                                                                           \
		judge();                                                               \
		ck_assert_str_eq(block_word(out.block[member_]), block_word(block_));  \
		ck_assert(                                                             \
		    out.action.kind == ACTION_NONE || out.action.member != (member_)); \
	} while (0)

#endif
