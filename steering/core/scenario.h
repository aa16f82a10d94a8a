/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - the plan of a scenario, and what comes next in a run of it.
 *
 * Pure, as all of the core: the engine calls it at every step with what the ledger, the
 * quorum and this agent's own senses say; the run's progress is in the ledger, so that
 * any agent can go on with it. Exactly one holds the lock; whoever reads a ledger that
 * names another starts nothing. An act is started only on a version that this agent
 * wrote in this life, under a fence that was never used before.
 */
#ifndef STEERING_CORE_SCENARIO_H
#define STEERING_CORE_SCENARIO_H

#include "steering/core/ledger.h"

/* What a run does, in order; filled and built-in slots and gates alone. In a drill the
 * slots that close or open a side are left out unless the step says `drill: run`. */
struct scenario_plan {
	uint32_t from, to; /* members */
	uint32_t steps;
	uint8_t slot[SLOTS + 8]; /* enum slot */
};
void scenario_plan(const struct rule_scenario *rule, const struct ledger_run *run,
    uint32_t open, struct scenario_plan *plan);

/* The member where a slot's act works. */
uint32_t scenario_site(const struct scenario_plan *plan, enum slot s);
/* Does it open or close a side? */
bool scenario_opens(enum slot s);
bool scenario_closes(enum slot s);
/* What an abort at this step leaves behind, as a sentence for the operator. */
const char *scenario_abort_leaves(enum slot s);

/* Is the service moved by its scenario alone, now? Multi-site: from a promotion on. */
bool scenario_moves(const struct rule_service *rule, const struct ledger *l);
/* Is the member kept cold by its kind, and not ready yet? */
bool
scenario_cold(const struct rule_service *rule, const struct ledger *l, uint32_t member);

#endif
