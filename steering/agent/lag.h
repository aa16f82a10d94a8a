/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag.h - what would be lost now: every scenario's lag, sampled all the time.
 *
 * From a program's stdout, a field of a JSON answer, CloudWatch, or the newest complete
 * backup. Each sample becomes ENGINE_LAG for the scenario's service (and its shadow),
 * FACT_LAG at its turns (unknown, known again, beyond the RPO, within it again), and the
 * metric pointsman_exposure_seconds. What could not be measured is not 0: it is unknown.
 */
#ifndef STEERING_AGENT_LAG_H
#define STEERING_AGENT_LAG_H

#include "steering/agent/agent.h"

struct lag;

struct lag_sample {
	bool known;
	uint64_t
	    lag_ms; /* what would be lost at began_ms; grows with age for backups */
	uint64_t began_ms;   /* boot-time clock; 0: never sampled */
	char text[224];      /* unless known: why */
	char backup_id[128]; /* "" unless it is a backup */
	char backup_started_at[32], backup_completed_at[32]; /* RFC 3339 */
	int64_t backup_started_wall_s;
};

struct lag *lag_new(struct agent *a, struct err *e);
void lag_free(struct lag *x);
/* Adds what the configuration names and is not sampled yet. */
void lag_add(struct lag *x);
/* Before a reload, while a->config is still the old one. */
void lag_keep(struct lag *x, const struct config *next);

/* The newest sample of a scenario (index into the configuration); NULL: none. */
const struct lag_sample *lag_last(const struct lag *x, uint32_t scenario);
/* What would have been lost at that moment: the last sample that began before it. */
bool lag_at(const struct lag *x, uint32_t scenario, uint64_t at_ms, uint64_t *lag_ms);
/* Warnings that stand now, for status; returns how many were written. */
uint32_t lag_warnings(
    const struct lag *x, uint32_t scenario, char text[][224], uint32_t text_max);

#endif
