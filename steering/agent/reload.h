/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload.h - SIGHUP: the configuration read anew, health kept.
 *
 * A file with mistakes, or one that changes what only a restart can change (who this
 * agent is, where it keeps its state, how an existing zone is reached), is refused
 * whole: every reason is said and the old configuration stays in force.
 */
#ifndef STEERING_AGENT_RELOAD_H
#define STEERING_AGENT_RELOAD_H

#include "steering/agent/agent.h"

/* Begins; it ends at once, or in reload_tick() when the services that leave have
 * nothing under way any more (about 10 s at most). */
void reload_start(struct agent *a);
void reload_tick(struct agent *a);
/* Throws away one that has not ended. */
void reload_cancel(struct agent *a);

#endif
