/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_parts.h - how the machine is divided; for scenario_*.c alone.
 *
 * decide: begins, takes over. step: what the step in hand does. apply: the write.
 */
#ifndef STEERING_CORE_SCENARIO_PARTS_H
#define STEERING_CORE_SCENARIO_PARTS_H

#include "steering/core/scenario.h"

struct look { /* what every question needs */
	const struct scenario_in *in;
	const struct rule_scenario *rule;
	const struct ledger_run *run;
	struct scenario_plan plan;
	enum slot slot; /* in hand; SLOT_NONE beyond the last */
	const struct rule_step *step;
	struct scenario_move *move;
};

#define wait_for(k, w, ...)     \
	((k)->move->wait = (w), \
	    (void)snprintf((k)->move->text, sizeof(k)->move->text, __VA_ARGS__))

/* A write of the step in hand: its state, since now. */
struct ledger_run *look_write(struct look *k, enum run_state state);
const char *look_name(const struct look *k, uint32_t member);
enum verdict look_verdict(const struct look *k, uint32_t member);
/* Whoever holds the lock: what the step in hand does now. */
void look_step(struct look *k);

#endif
