/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elb_once.h - one question about each target group, for `check`, `plan`, `doctor`.
 *
 * Blocking, all at once, each within its check's timeout.
 */
#ifndef STEERING_AGENT_ELB_ONCE_H
#define STEERING_AGENT_ELB_ONCE_H

#include "probe/result.h"
#include "steering/agent/probe_once.h"
#include "steering/zone/aws_query.h"

struct elb_seen {
	bool wanted; /* in: by somebody */
	struct probe_result r;
	uint32_t latency_us;
	enum aws_result result;
	char code[64], identity[256];
	struct err err; /* unless the API said yes */
};

/* seen: one for each check of the configuration, by its index. */
void elb_once(const struct config *c, struct elb_seen seen[CHECKS_MAX]);
/* Marks the checks that the services ask about targets with; −1: of all. */
bool elb_once_want(
    const struct config *c, int32_t service, struct elb_seen seen[CHECKS_MAX]);
/* Asks, and adds a row for each member that has targets. */
void elb_once_rows(const struct config *c, int32_t service, struct once *out);

#endif
