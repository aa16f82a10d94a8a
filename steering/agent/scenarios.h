/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenarios.h - the hand of the scenarios: what an engine wants done, done once.
 *
 * START → the journal has it on the disk → the act → the journal has its outcome → the
 * engine is told, exactly once. One act at a time for a service. An act that the journal
 * does not take is not begun, and is answered as failed. An act holds its service
 * (`pending`); a service that stops, or an agent, kills it, and its outcome is unknown.
 */
#ifndef STEERING_AGENT_SCENARIOS_H
#define STEERING_AGENT_SCENARIOS_H

#include "steering/agent/agent.h"

struct scenarios;

/* a->store may be NULL: then no act is ever begun. */
struct scenarios *scenarios_new(struct agent *a, struct err *e);
/* Acts that are under way are left to themselves. */
void scenarios_free(struct scenarios *x);

/* Tells the engine how the last act of the journal ended: before its first step. */
void scenarios_resume(struct agent_service *s);
/* out->act of a step. */
void scenarios_act(struct agent_service *s, const struct engine_out *out);
/* Kills what is under way: of one service, of all. */
void scenarios_kill(struct agent_service *s);
void scenarios_stop(struct scenarios *x);
/* Is an act under way, or an answer not told yet? */
bool scenarios_busy(const struct scenarios *x);

/* The scenario that the service, or its original, has; -1: none. */
int32_t scenarios_index(const struct agent *a, const struct agent_service *s);
/* The service of a scenario, or its shadow; NULL: not steered here. */
struct agent_service *
scenarios_service(const struct agent *a, const struct config_scenario *c, bool shadow);

#endif
