/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steady.h - finding the health check that `health_check: steady` stands for.
 *
 * `pointsman bootstrap` makes it, one a cluster and AWS account; every agent finds it by
 * its caller reference, so a restart, a lost disk and another agent find the same. A
 * service that needs it reads and writes nothing until it is found. What was found is
 * kept for the zone until a change is refused, and is looked for again then.
 */
#ifndef STEERING_AGENT_STEADY_H
#define STEERING_AGENT_STEADY_H

#include "steering/agent/agent.h"
#include "steering/zone/route53_checks.h"

/* The caller reference; number from 1. */
void steady_reference(
    const struct config *c, uint32_t number, char text[ROUTE53_REFERENCE_MAX]);
/* What is known of the zone goes into the service's configuration; false: the service
 * needs the check, and it is not known. */
bool steady_known(struct agent_service *s);
/* Looks for it; then zone_io_read(), or zone_io_unread() with why. */
void steady_find(struct agent_service *s);
/* A change was refused: what was found may be gone. */
void steady_doubt(struct agent_service *s);

#endif
