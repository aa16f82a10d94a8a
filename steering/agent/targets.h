/* SPDX-License-Identifier: Apache-2.0 */
/*
 * targets.h - what the prober workers probe, and whose samples they send.
 *
 * A target is one endpoint of one member, or a canary; its id never stands for another
 * one later. A member's endpoints share its ADDRESSES_MAX slots of the engine. When a
 * worker dies its addresses get an UNKNOWN sample each and keep their slots; when its
 * successor names them again they go on with what they had, and what it has not named
 * after 30 s is retired.
 */
#ifndef STEERING_AGENT_TARGETS_H
#define STEERING_AGENT_TARGETS_H

#include "steering/agent/agent.h"
#include "steering/agent/workers.h"

struct targets *targets_new(struct agent *a, struct err *e);
void targets_free(struct targets *t);

/* The calls that carry workers' words here. */
void targets_calls(struct targets *t, struct workers_calls *calls);
/* Adds what the configuration names and has no target yet. */
void targets_add(struct targets *t);
/* Before a reload, while a->config is still the old one: targets that are not in
 * `next` as they were are dropped and their slots retired, others get their new
 * indices. Services must be reloaded (service_reload) right after. */
void targets_keep(struct targets *t, const struct config *next);
/* After a reload: whoever asked for it may have renewed certificates and keys, whose
 * paths stay the same. Targets whose checks name files are told to their workers once
 * more; one to which nothing is new does nothing. */
void targets_renew(struct targets *t);
/* Every target of a service that leaves. */
void targets_drop_service(struct targets *t, const struct agent_service *s);
/* About every second: retires what no worker named again. */
void targets_tick(struct targets *t);

#endif
