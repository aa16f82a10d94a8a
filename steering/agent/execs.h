/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execs.h - exec checks while the agent runs: a worker says when, the runner runs, the
 * sample goes to whoever keeps the targets, and the worker is told so that it goes on.
 */
#ifndef STEERING_AGENT_EXECS_H
#define STEERING_AGENT_EXECS_H

#include "probe/prober.h"
#include "steering/agent/agent.h"

struct execs;

/* sample: called with a PROBE_SAMPLE that looks like a worker's own; it may come before
 * execs_due() returns. */
struct execs *execs_new(struct agent *a,
    void (*sample)(const struct probe_event *ev, void *arg), void *arg, struct err *e);
void execs_free(struct execs *x); /* before the agent's jobs */

/* A worker's PROBE_DUE for a target that is this endpoint of this member. */
void execs_due(struct execs *x, const struct probe_event *due, uint32_t service,
    uint32_t member, uint32_t endpoint);
/* The target, or one slot of it, has gone, or its worker: no sample any more. */
void execs_forget(struct execs *x, uint32_t id);
void execs_forget_slot(struct execs *x, uint32_t id, uint32_t slot);

#endif
