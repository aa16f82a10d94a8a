/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.c - the defaults, in one place.
 *
 * The configuration's schema names the same numbers as an operator would write
 * them ("2m"); a unit test holds the two against each other, so that the page of
 * reference and the rules cannot drift apart.
 */
#include "steering/core/rule.h"

#include <assert.h>

#include "steering/core/needed.h"

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)

void
rule_service_defaults(struct rule_service *r)
{
	static const uint8_t steps[] = {10, 25, 50, 100};

	r->policy = POLICY_WEIGHTED;
	r->records = RECORDS_WEIGHTED;
	r->observe = false;
	r->stateful = false;
	r->failback_auto = true;
	r->scenario = false;
	r->solo = false;

	r->hold_ms = 3 * SECOND_MS;
	r->spacing_ms = 30 * SECOND_MS;
	r->down_below_pct = 25;
	r->up_above_pct = 50;
	r->max_out = 1;
	r->min_capacity_pct = 0;
	r->return_hold_ms = 2 * MINUTE_MS;
	r->return_hold_ms_max = 30 * MINUTE_MS;
	r->return_per_hour = 2;
	r->latch_after = 6;
	r->swap_after_ms = 30 * SECOND_MS;
	r->swap_per_hour = 1;
	r->ramp_steps = sizeof steps;
	for (uint32_t i = 0; i < sizeof steps; i++)
		r->ramp_pct[i] = steps[i];
	r->ramp_every_ms = MINUTE_MS;

	r->report_ms = SECOND_MS;
	r->fresh_ms = 15 * SECOND_MS;
	r->rank_ms = 2 * SECOND_MS;
	r->silent_ms = 3 * SECOND_MS;
	r->takeover_ms = MINUTE_MS;
	r->policy_hash = 0;
}

uint32_t
rule_quorum(const struct rule_service *r)
{
	assert(r->agents >= 1 && r->agents <= AGENTS_MAX);
	return r->solo ? 1 : NEEDED(quorum, r->agents / 2) + 1;
}

uint32_t
agent_number(const char *name)
{
	uint32_t number = UINT32_C(2166136261);

	for (const char *p = name; *p != '\0'; p++) {
		number ^= (uint8_t)*p;
		number *= UINT32_C(16777619);
	}
	return number;
}
