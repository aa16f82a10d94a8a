/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_make.h - rules for tests: members a, b, c … of weight 100, agents at sites of
 * their own (agent i at member i while there is one), detector of §4.
 */
#ifndef TESTS_UNIT_RULE_MAKE_H
#define TESTS_UNIT_RULE_MAKE_H

#include <stdio.h>
#include <string.h>

#include "steering/core/rule.h"

static inline void
rule_make(struct rule_service *r, uint32_t members, uint32_t agents)
{
	memset(r, 0, sizeof *r);
	rule_service_defaults(r);
	(void)snprintf(r->name, sizeof r->name, "www");
	(void)snprintf(r->cluster, sizeof r->cluster, "test");
	r->members = members;
	r->max_out = members - 1;
	for (uint32_t m = 0; m < members; m++) {
		r->member[m] = (struct rule_member){
		    .weight = 100,
		    .detector = {.fall = 3, .clear = 4, .rise = 6, .stale_ms = 20000},
		};
		(void)snprintf(r->member[m].name, WORD_MAX, "%c", (char)('a' + m));
	}
	r->agents = agents;
	for (uint32_t a = 0; a < agents; a++) {
		(void)snprintf(r->agent[a].name, WORD_MAX, "agent-%c", (char)('a' + a));
		r->agent[a].number = agent_number(r->agent[a].name);
		r->agent[a].domain = a;
		r->agent[a].member = a < members ? (int32_t)a : -1;
	}
	r->solo = agents == 1;
	r->policy_hash = 0x1234;
}

#endif
