/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iam_needs.h - what recovery scenarios need to be allowed: their calls of AWS, the
 * metrics and the buckets that their lag is read from.
 */
#ifndef STEERING_AGENT_IAM_NEEDS_H
#define STEERING_AGENT_IAM_NEEDS_H

#include "config/model.h"
#include "steering/zone/json.h"

/* Who is asked for. */
struct iam_who {
	int32_t
	    scenario; /* index: all of that one, whoever calls; -1: of every one … */
	const char *role; /* … what this role does; "" what the agent itself does */
	const char *profile; /* … under this profile; NULL: under whichever */
};

/* Adds statements to the policy's list; the agent's own have an sts:AssumeRole for each
 * role that a step takes on. */
void
iam_add_needs(struct json *list, const struct config *c, const struct iam_who *who);
/* The role of a scenario's calls; "" none. *several: they take on more than one, or some
 * do and others do not. */
const char *iam_scenario_role(const struct config *c, uint32_t scenario, bool *several);

#endif
