/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dry_run.h - what a run of a scenario would do, step by step; it does nothing.
 */
#ifndef STEERING_AGENT_DRY_RUN_H
#define STEERING_AGENT_DRY_RUN_H

#include <stdio.h>

#include "config/model.h"
#include "steering/core/ledger.h"
#include "steering/zone/json.h"

/* now: the running agent's answer to "status"; NULL: not known, which is said. */
struct json *dry_run_of(const struct config *c, const struct config_scenario *x,
    enum run_way way, const struct json *now);
void dry_run_print(const struct json *plan, FILE *out);

#endif
