/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledgers that are not a limiter's step: the first one, one that takes the zone
 * as it is, and one that moves the policy in force.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

void
write_voters(const struct rule_service *rule, struct ledger *next)
{
	next->policy_hash = rule->policy_hash;
	next->quorum = rule_quorum(rule);
	next->voters = rule->agents;
	for (uint32_t a = 0; a < rule->agents; a++)
		next->voter[a] = rule->agent[a].number;
}

static uint8_t
ramp_last(const struct rule_service *rule)
{
	return (uint8_t)(rule->ramp_steps > 0 ? rule->ramp_steps - 1 : 0);
}

static void
blank(const struct rule_service *rule, struct ledger *next)
{
	memset(next, 0, sizeof *next);
	memcpy(next->cluster, rule->cluster, sizeof next->cluster);
	write_voters(rule, next);
	next->members = rule->members;
	for (uint32_t m = 0; m < rule->members; m++) {
		memcpy(next->member[m].name, rule->member[m].name, WORD_MAX);
		next->member[m].out = !rule->member[m].last_resort;
		next->member[m].ramp = 0;
	}
}

static void
fully_in(const struct rule_service *rule, struct ledger *next, uint32_t m)
{
	next->member[m].out = false;
	next->member[m].ramp = ramp_last(rule);
}

void
write_create(const struct engine *g, struct ledger *next)
{
	blank(g->rule, next);
	next->epoch = g->watch.epoch_max;
	for (uint32_t m = 0; m < g->rule->members; m++)
		if (g->quorum[m].verdict == VERDICT_UP &&
		    !scenario_cold(g->rule, next, m))
			fully_in(g->rule, next, m);
	policy_weigh(g->rule, next);
}

void
write_policy(const struct engine *g, struct ledger *next)
{
	const struct ledger *old = &g->ledger;
	struct ledger made;

	blank(g->rule, &made);
	*next = *old;
	write_voters(g->rule, next);
	next->members = made.members;
	memcpy(next->member, made.member, sizeof next->member);
	for (uint32_t m = 0; m < next->members; m++) {
		int32_t was = ledger_find(old, next->member[m].name);

		if (was < 0)
			continue;
		next->member[m] = old->member[was];
		if (next->member[m].ramp > ramp_last(g->rule) ||
		    g->rule->policy == POLICY_FAILOVER)
			next->member[m].ramp = ramp_last(g->rule);
	}
	if (next->spaced[0] != '\0' && ledger_find(next, next->spaced) < 0)
		memset(next->spaced, 0, sizeof next->spaced);
}

/* The first member that the zone gives a weight, or how many members there are. */
static uint32_t
first_answering(const struct engine *g)
{
	uint32_t m = 0;

	while (m < g->rule->members && g->view_weight[m] <= 0)
		m++;
	return m;
}

/* Who is in, as far as the zone shows it. In a failover the members behind the one that
 * answers have no weight and are in all the same; those before it, well or not, are out,
 * or adopting would move the answer. */
static uint32_t
in_by_records(const struct engine *g, struct ledger *next)
{
	uint32_t in = 0, answering = first_answering(g);

	for (uint32_t m = 0; m < g->rule->members; m++) {
		bool serves = g->view_weight[m] > 0 ||
		    (g->rule->policy == POLICY_FAILOVER && g->view_weight[m] == 0 &&
			m > answering && g->quorum[m].verdict == VERDICT_UP);

		if (g->rule->member[m].last_resort || !serves)
			continue;
		fully_in(g->rule, next, m);
		in += policy_can_answer(g->rule, m);
	}
	return in;
}

static uint32_t
in_by_verdict(const struct engine *g, struct ledger *next)
{
	uint32_t in = 0;

	for (uint32_t m = 0; m < g->rule->members; m++) {
		if (g->rule->member[m].last_resort ||
		    g->quorum[m].verdict != VERDICT_UP)
			continue;
		fully_in(g->rule, next, m);
		in += policy_can_answer(g->rule, m);
	}
	return in;
}

bool
write_adopt(const struct engine *g, struct ledger *next, struct err *why)
{
	struct ledger old = {0};

	if (g->view_readable)
		old = g->view_ledger;
	blank(g->rule, next);
	if (in_by_records(g, next) == 0 && in_by_verdict(g, next) == 0)
		return err_set(why,
		    "no member has a weight in the zone and none is UP by "
		    "quorum: nothing could answer after adopting");
	for (uint32_t m = 0; m < next->members; m++) {
		int32_t was = ledger_find(&old, next->member[m].name);
		struct ledger_member *x = &next->member[m];
		bool is_out = x->out;
		uint8_t ramp = x->ramp;

		if (was < 0)
			continue;
		*x = old.member[was]; /* history and orders are kept */
		x->out = is_out;
		x->ramp = ramp;
		x->latched &= is_out;
		x->by_order &= is_out;
		if (!is_out)
			memset(&x->drain, 0, sizeof x->drain);
	}
	policy_weigh(g->rule, next);
	next->freeze = old.freeze; /* another operator's word; unfreeze ends it */
	if (old.spaced[0] != '\0' && ledger_find(next, old.spaced) >= 0) {
		memcpy(next->spaced, old.spaced, sizeof next->spaced);
		next->spaced_wall_s = old.spaced_wall_s;
	}
	memcpy(next->nonce, old.nonce, sizeof next->nonce);
	next->nonces = old.nonces;
	next->fence = old.fence;
	next->open = old.open;
	next->lock_holder = old.lock_holder;
	next->rests = old.rests;
	next->run = old.run;
	next->epoch = g->watch.epoch_max;
	/* Its sides are not known any more: whoever the records point to is open. */
	if (next->fence == 0 && scenario_is(g->rule) &&
	    scenario_is_over(g->rule, next)) {
		next->fence = next->epoch + 1;
		next->open = SIDE_RECOVERY;
	}
	next->root = next->epoch + 1;
	return true;
}
