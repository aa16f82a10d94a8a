/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - asking the running agent, as commands do: what fails is said on stderr. */
#ifndef STEERING_AGENT_ASK_H
#define STEERING_AGENT_ASK_H

#include "steering/agent/commands.h"
#include "steering/zone/json.h"

/* Takes the question. NULL: no answer came, and why was said. */
struct json *
ask_agent(const struct config *c, struct json *question, uint64_t timeout_ms);
/* Sends the command of *o as an order and prints the answer; an exit status. */
int ask_order(const struct options *o, const struct config *c, const char *service,
    const char *member);
int ask_order_print(const struct options *o, const struct json *answer);

#endif
