/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elb_sense.h - what AWS says of the targets behind load balancers, as samples.
 *
 * The agent asks, because it holds the credentials. A check is asked once for all the
 * members that name it, `every` so often, never twice at a time; each of them has a slot
 * of the engine for it, of FAMILY_TARGETS, taken from the top where addresses come last.
 * What could not be asked is an UNKNOWN sample.
 */
#ifndef STEERING_AGENT_ELB_SENSE_H
#define STEERING_AGENT_ELB_SENSE_H

#include "steering/agent/agent.h"

struct elb_sense *elb_sense_new(struct agent *a, struct err *e);
void elb_sense_free(struct elb_sense *x);

/* Adds what the configuration names and is not asked yet; ends what nobody uses. */
void elb_sense_add(struct elb_sense *x);
/* Before a reload, while a->config is still the old one: as targets_keep(). */
void elb_sense_keep(struct elb_sense *x, const struct config *next);
void elb_sense_drop_service(struct elb_sense *x, const struct agent_service *s);

#endif
