/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule.h - what the operator wants, in the shape that the rules read it.
 *
 * Filled by config/ (which checks every bound) or by a test; never changed by
 * the core. Defaults are DESIGN.md §4's, set by rule_service_defaults().
 */
#ifndef STEERING_CORE_RULE_H
#define STEERING_CORE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/bounds.h"
#include "steering/core/slot.h"

struct rule_detector {
	uint32_t fall;     /* failures, added up across interleaved passes */
	uint32_t clear;    /* passes in a row that wipe the failures */
	uint32_t rise;     /* passes in a row that make it up */
	uint64_t stale_ms; /* without a sample for so long: unknown */
};

enum policy { POLICY_WEIGHTED = 0, POLICY_FAILOVER };
/* How a failover is written; weighted services are always RECORDS_WEIGHTED. */
enum record_style { RECORDS_WEIGHTED = 0, RECORDS_FAILOVER };

struct rule_member {
	char name[WORD_MAX]; /* a site's name, or a last resort's own */
	uint8_t weight;      /* full weight, 0–255; failover: 100 */
	bool last_resort;    /* not probed; answers when every other is down */
	struct rule_detector detector; /* of its addresses */
	struct rule_detector targets;  /* of FAMILY_TARGETS; zero: it has none */
};

struct rule_service {
	char name[WORD_MAX];
	char cluster[WORD_MAX];
	enum policy policy;
	enum record_style records;
	bool observe; /* decides and explains, never writes */
	bool stateful;
	bool failback_auto;
	bool scenario;             /* moved only by its scenario or an operator */
	bool solo;                 /* Q = 1; rules on peers and domains waived */
	struct rule_scenario plan; /* with `scenario` */

	uint32_t members;
	struct rule_member member[MEMBERS_MAX];

	/* The V agents that may vote, in the order of the file; indices below
	 * are into this array. Numbers are agent_number(name). */
	uint32_t agents;
	struct rule_agent {
		char name[WORD_MAX];
		uint32_t number;
		uint32_t domain; /* equal numbers fail together */
		int32_t member;  /* the member at its own site, or -1 */
	} agent[AGENTS_MAX];

	uint64_t hold_ms;    /* 3 s; stateful: 60 s */
	uint64_t spacing_ms; /* 30 s between drains of different members */
	uint32_t down_below_pct, up_above_pct;
	uint32_t max_out;          /* members out at once at most */
	uint32_t min_capacity_pct; /* of full weights; 0: no such rule */
	uint64_t return_hold_ms, return_hold_ms_max;
	uint32_t return_per_hour, latch_after; /* K; drains in 24 h */
	uint64_t swap_after_ms;
	uint32_t swap_per_hour; /* E */
	uint32_t ramp_steps;
	uint8_t ramp_pct[RAMP_STEPS_MAX];
	uint64_t ramp_every_ms;

	uint64_t report_ms, fresh_ms; /* timing: reports every 1 s, fresh for 15 s */
	uint64_t rank_ms, silent_ms;  /* rank r waits r × 2 s; silent 3 s is skipped */
	uint64_t takeover_ms; /* a runner unheard for so long by Q is replaced: 60 s */
	uint64_t policy_hash; /* over what decides and is shared */
};

/* Everything but names, members and agents gets its default. */
void rule_service_defaults(struct rule_service *r);

/* Q = ⌊V/2⌋+1, or 1 when solo. */
uint32_t rule_quorum(const struct rule_service *r);

/* The number that stands for an agent in the public ledger: FNV-1a of its name. */
uint32_t agent_number(const char *name);

#endif
