/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_io.h - the engine's reads and changes, carried to the provider and back.
 *
 * Answers come back as ENGINE_VIEW and ENGINE_CHANGED steps, one to one.
 */
#ifndef STEERING_AGENT_ZONE_IO_H
#define STEERING_AGENT_ZONE_IO_H

#include "steering/agent/agent.h"

void zone_io_read(struct agent_service *s);
/* The read that was asked for cannot be made. */
void zone_io_unread(struct agent_service *s, enum zone_result result, const char *why);
/* out->change is set. Will it be answered at once, and nothing be sent? Because the zone
 * was read anew while it was decided, or the steady health check is not known. */
bool zone_io_holds_back(struct agent_service *s, const struct engine_out *out);
void zone_io_change(struct agent_service *s, const struct engine_out *out);
/* The digest of the record sets that the weights mean; arg: the agent_service. */
uint64_t zone_io_digest(const uint8_t weight[MEMBERS_MAX], void *arg);
/* Forgets the record sets of a change (freed with the service too). */
void zone_io_fini(struct agent_service *s);

#endif
