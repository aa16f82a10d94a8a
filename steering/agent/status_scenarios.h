/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_scenarios.h - the scenarios in status: where each serves, what would be lost,
 * the run in hand with every step, what it waits for, and what to type.
 */
#ifndef STEERING_AGENT_STATUS_SCENARIOS_H
#define STEERING_AGENT_STATUS_SCENARIOS_H

#include <stdio.h>

#include "steering/agent/agent.h"
#include "steering/zone/json.h"

#define STATUS_TAIL_LINES 5

/* "scenarios": those of this service, or with "" of all. */
void status_put_scenarios(struct json *j, const struct agent *a, const char *service);
void status_print_scenarios(const struct json *status, FILE *out);
/* One line each for the page; nothing where nothing runs and nothing waits. */
void status_scenarios_brief(const struct agent *a, FILE *out);

/* The last lines of a text: where they begin. */
const char *status_tail(const char *text, unsigned lines);

#endif
