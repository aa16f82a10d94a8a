/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - what the agent knows, for people and programs.
 *
 * The agent makes JSON of itself (status_of_agent); `pointsman status` asks for that
 * over the control socket and prints it as it is or as a table (status_print). The
 * keys are an interface: add, never rename.
 */
#ifndef STEERING_AGENT_STATUS_H
#define STEERING_AGENT_STATUS_H

#include <stdio.h>

#include "steering/agent/agent.h"
#include "steering/zone/json.h"

/* service "": all. NULL when there is none of that name. */
struct json *status_of_agent(const struct agent *a, const char *service);
struct json *status_of_service(const struct agent_service *s);

void status_print(const struct json *status, FILE *out);

#endif
