/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - one service's engine and the world around it.
 *
 * service_step() is the only caller of engine_step(): it fills in clocks, randomness
 * and doubt, and does what the engine asks for. Calls of the provider and of name
 * servers that are under way hold the struct (`pending`): a service that leaves the
 * configuration is freed when the last of them has answered.
 */
#ifndef STEERING_AGENT_SERVICE_H
#define STEERING_AGENT_SERVICE_H

#include "steering/agent/agent.h"

/* Has this agent a vote on it (`from:`)? Without one it leaves it alone. */
bool service_votes(const struct agent *a, const struct config_service *conf);
/* Out of memory, or this agent has no vote on it: NULL with a sentence. */
struct agent_service *service_new(struct agent *a, const struct config_service *conf,
    struct agent_zone *zone, struct err *e);
/* First step, after the targets are known. */
void service_begin(struct agent_service *s);
/* in: event and what goes with it; the rest is filled in. Nothing after a stop. */
void service_step(struct agent_service *s, struct engine_in *in);
void service_forget(struct agent_service *s);
/* The same service in a new configuration; keeps its health. */
void service_reload(struct agent_service *s, const struct config_service *conf,
    struct agent_zone *zone);
/* No step from now on; freed at once, or by service_release(). */
void service_stop(struct agent_service *s);
/* A call that held the service has answered. May free it. */
void service_release(struct agent_service *s);
/* At the very end, when no call can answer any more. */
void service_free(struct agent_service *s);

/* A fact about the service (member -1) or a member of it. */
__attribute__((format(printf, 5, 6))) void
service_say(struct agent_service *s, enum fact_kind kind, enum fact_level level,
    int32_t member, const char *format, ...);
/* Its index in the configuration, for metrics. */
uint32_t service_index(const struct agent_service *s);

#endif
