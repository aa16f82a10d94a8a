/* SPDX-License-Identifier: Apache-2.0 */
/*
 * States in, weights out, and no memory: what DNS should say is a function of who is
 * in. A weighted member on its ramp has a share of its weight, rounded up, so that a
 * small weight still gets traffic at the first step.
 */
#include "steering/core/policy.h"

#include <assert.h>

#define FAILOVER_WEIGHT 100

uint8_t
policy_ramped(const struct rule_service *rule, uint32_t member, uint32_t ramp)
{
	uint32_t full = rule->member[member].weight;

	assert(member < rule->members);
	if (ramp >= rule->ramp_steps)
		return (uint8_t)full;
	return (uint8_t)((full * rule->ramp_pct[ramp] + 99) / 100);
}

bool
policy_ramp_done(const struct rule_service *rule, const struct ledger_member *m)
{
	return rule->policy == POLICY_FAILOVER ||
	    (uint32_t)m->ramp + 1 >= rule->ramp_steps;
}

int32_t
policy_chosen(const struct rule_service *rule, const struct ledger *l)
{
	int32_t resort = -1;

	assert(l->members == rule->members);
	for (uint32_t m = 0; m < rule->members; m++) {
		if (l->member[m].out)
			continue;
		if (!rule->member[m].last_resort)
			return (int32_t)m;
		resort = (int32_t)m;
	}
	return resort;
}

static void
weigh_failover(const struct rule_service *rule, struct ledger *l)
{
	int32_t chosen = policy_chosen(rule, l);

	for (uint32_t m = 0; m < rule->members; m++)
		l->member[m].weight = (int32_t)m == chosen ? FAILOVER_WEIGHT : 0;
}

void
policy_weigh(const struct rule_service *rule, struct ledger *l)
{
	assert(l->members == rule->members);
	if (rule->policy == POLICY_FAILOVER) {
		weigh_failover(rule, l);
		return;
	}
	for (uint32_t m = 0; m < rule->members; m++)
		l->member[m].weight =
		    l->member[m].out ? 0 : policy_ramped(rule, m, l->member[m].ramp);
}

bool
policy_can_answer(const struct rule_service *rule, uint32_t member)
{
	return rule->policy == POLICY_FAILOVER || rule->member[member].weight > 0;
}

bool
policy_moves_answers(
    const struct rule_service *rule, const struct ledger *l, uint32_t member)
{
	if (l->member[member].out)
		return false;
	if (rule->policy == POLICY_FAILOVER)
		return policy_chosen(rule, l) == (int32_t)member;
	return l->member[member].weight > 0;
}
