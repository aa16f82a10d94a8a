/* SPDX-License-Identifier: Apache-2.0 */
/* policy: which weights a set of member states means. */
#include <check.h>
#include <stdlib.h>

#include "steering/core/policy.h"
#include "tests/unit/rule_make.h"

/* i in and on the last step, 0-3 in and on that step, o out. */
static struct ledger
states(const struct rule_service *rule, const char *letters)
{
	struct ledger l;

	memset(&l, 0, sizeof l);
	l.members = rule->members;
	for (uint32_t m = 0; m < l.members; m++) {
		l.member[m].out = letters[m] == 'o';
		l.member[m].ramp = letters[m] == 'i' ? 3
		    : letters[m] == 'o'              ? 0
						     : (uint8_t)(letters[m] - '0');
	}
	policy_weigh(rule, &l);
	return l;
}

static const struct row {
	enum policy policy;
	uint8_t full[3];
	int resort; /* member that is the last resort, or -1 */
	const char *states;
	uint8_t weight[3];
	int32_t chosen; /* failover */
} rows[] = {
    {POLICY_WEIGHTED, {100, 100, 100}, -1, "iii", {100, 100, 100}, 0},
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "iii", {100, 50, 7}, 0},
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "oii", {0, 50, 7}, 0},
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "ooi", {0, 0, 7}, 0},
    /* 10, 25, 50, 100 %, rounded up */
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "000", {10, 5, 1}, 0},
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "111", {25, 13, 2}, 0},
    {POLICY_WEIGHTED, {100, 50, 7}, -1, "222", {50, 25, 4}, 0},
    {POLICY_WEIGHTED, {255, 1, 3}, -1, "000", {26, 1, 1}, 0},
    {POLICY_WEIGHTED, {255, 1, 3}, -1, "iii", {255, 1, 3}, 0},
    /* failover: members in order, the first usable answers, no ramp */
    {POLICY_FAILOVER, {100, 100, 100}, -1, "iii", {100, 0, 0}, 0},
    {POLICY_FAILOVER, {100, 100, 100}, -1, "oii", {0, 100, 0}, 1},
    {POLICY_FAILOVER, {100, 100, 100}, -1, "ooi", {0, 0, 100}, 2},
    {POLICY_FAILOVER, {100, 100, 100}, -1, "0ii", {100, 0, 0}, 0},
    /* a last resort answers when every other is out, wherever it stands */
    {POLICY_FAILOVER, {100, 100, 100}, 2, "ooi", {0, 0, 100}, 2},
    {POLICY_FAILOVER, {100, 100, 100}, 0, "iio", {0, 100, 0}, 1},
    {POLICY_FAILOVER, {100, 100, 100}, 0, "ioi", {0, 0, 100}, 2},
    {POLICY_FAILOVER, {100, 100, 100}, 0, "ioo", {100, 0, 0}, 0},
};

START_TEST(weights)
{
	const struct row *r = &rows[_i];
	struct rule_service rule;

	rule_make(&rule, 3, 1);
	rule.policy = r->policy;
	for (int m = 0; m < 3; m++) {
		rule.member[m].weight = r->full[m];
		rule.member[m].last_resort = m == r->resort;
	}
	struct ledger l = states(&rule, r->states);
	for (int m = 0; m < 3; m++)
		ck_assert_msg(l.member[m].weight == r->weight[m],
		    "row %d: member %d has %u", _i, m, (unsigned)l.member[m].weight);
	if (r->policy != POLICY_FAILOVER)
		return;
	ck_assert_int_eq(policy_chosen(&rule, &l), r->chosen);
	for (uint32_t m = 0; m < 3; m++)
		ck_assert(
		    policy_moves_answers(&rule, &l, m) == ((int32_t)m == r->chosen));
}
END_TEST

START_TEST(ramp_ends)
{
	struct rule_service rule;

	rule_make(&rule, 3, 1);
	struct ledger l = states(&rule, "2i0");
	ck_assert(!policy_ramp_done(&rule, &l.member[0]));
	ck_assert(policy_ramp_done(&rule, &l.member[1]));
	ck_assert(policy_moves_answers(&rule, &l, 0));
	rule.policy = POLICY_FAILOVER;
	ck_assert(policy_ramp_done(&rule, &l.member[2]));
	/* fewer steps than the ledger knows: full weight */
	rule_make(&rule, 3, 1);
	rule.ramp_steps = 1;
	rule.ramp_pct[0] = 100;
	l = states(&rule, "2io");
	ck_assert_uint_eq(l.member[0].weight, 100);
	ck_assert(policy_ramp_done(&rule, &l.member[0]));
	ck_assert(!policy_moves_answers(&rule, &l, 2));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");

	tcase_add_loop_test(t, weights, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, ramp_ends);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
