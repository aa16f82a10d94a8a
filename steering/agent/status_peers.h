/* SPDX-License-Identifier: Apache-2.0 */
/* status_peers.h - the other agents, as status tells of them; for status*.c. */
#ifndef STEERING_AGENT_STATUS_PEERS_H
#define STEERING_AGENT_STATUS_PEERS_H

#include <stdio.h>

#include "steering/agent/agent.h"
#include "steering/zone/json.h"

/* peers: each other agent: heard, how old (both ways), protocol, certificate. */
void status_put_peers(struct json *j, const struct agent *a);
/* agents: who may vote on the service, as they are ranked; writes_next: the first that
 * is able, "" none. */
void status_put_agents(struct json *j, const struct agent_service *s);
/* Who asked for the order and why, as far as that was told here. */
void status_put_note(struct json *order, const struct agent_service *s, uint32_t id);

void status_print_peers(const struct json *status, FILE *out);
void status_print_agents(const struct json *service, FILE *out);

#endif
