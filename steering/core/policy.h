/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - which weights a set of member states means.
 *
 * A ledger's members stand in the order of rule->member here: engines keep it so.
 */
#ifndef STEERING_CORE_POLICY_H
#define STEERING_CORE_POLICY_H

#include "steering/core/ledger.h"

/* The weight of a member at a ramp step, rounded up. */
uint8_t policy_ramped(const struct rule_service *rule, uint32_t member, uint32_t ramp);
/* Is the last ramp step reached? Failover members know no ramp. */
bool policy_ramp_done(const struct rule_service *rule, const struct ledger_member *m);
/* The member that answers under `failover`; -1 when no usable one is in. */
int32_t policy_chosen(const struct rule_service *rule, const struct ledger *l);
/* Sets every member's weight from its state. Never leaves an all-zero group where a
 * member that is in has a weight to give. */
void policy_weigh(const struct rule_service *rule, struct ledger *l);
/* Has it a weight to give? A weighted member of weight 0 answers nobody. */
bool policy_can_answer(const struct rule_service *rule, uint32_t member);
/* Would taking this member out move an answer? */
bool policy_moves_answers(
    const struct rule_service *rule, const struct ledger *l, uint32_t member);

#endif
