/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drills.h - drills that the configuration asks for by itself: `drill: weekly`.
 *
 * One is due when the last that went through began so long ago, a twentieth more or less
 * so that they drift over the week. The first-ranked able agent begins it, and only while
 * the service is whole and nothing else is under way; why it is put off is said once.
 */
#ifndef STEERING_AGENT_DRILLS_H
#define STEERING_AGENT_DRILLS_H

#include "steering/agent/agent.h"

/* To be called about every second. */
void drills_tick(struct agent *a);

/* When it is due; wall clock. last_wall_ms 0: none is known, then soon after the start. */
int64_t drill_due_wall_ms(const char *scenario, uint64_t every_ms, int64_t last_wall_ms,
    int64_t start_wall_ms);

#endif
