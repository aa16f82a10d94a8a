/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag.h - what would be lost now: every scenario's lag, sampled all the time.
 *
 * From a program's stdout, a field of a JSON answer, CloudWatch, or the newest complete
 * backup (lag_source.h). Each sample becomes ENGINE_LAG for the scenario's service (and
 * its shadow), FACT_LAG at its turns (unknown, known again, beyond the RPO, within it
 * again) and once an hour (the worst of it), and the metric pointsman_exposure_seconds.
 * What could not be measured is not 0: it is unknown.
 */
#ifndef STEERING_AGENT_LAG_H
#define STEERING_AGENT_LAG_H

#include "steering/agent/agent.h"

struct lag;

struct lag_sample {
	bool known;
	uint64_t
	    lag_ms; /* what would be lost at began_ms; grows with age for backups */
	uint64_t began_ms; /* boot-time clock; 0: never sampled. CloudWatch: where the
			      * newest datapoint begins, minutes ago */
	char text[224];    /* unless known: why */
	/* The newest that was known, though nothing is now; "" unless it is a backup. */
	char backup_id[128];
	char backup_started_at[32], backup_completed_at[32]; /* RFC 3339, UTC */
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
/* What would be lost now: the newest sample, of a backup with the time since. False: it
 * is not known. */
bool lag_now(const struct lag *x, uint32_t scenario, uint64_t *lag_ms);
/* What would have been lost at that moment: the last sample that began before it. Was
 * that one unknown, then the last known one and the time since, if it was recent (three
 * times `every`, and of a backup for as long as samples are kept). */
bool lag_at(const struct lag *x, uint32_t scenario, uint64_t at_ms, uint64_t *lag_ms);
/* Warnings that stand now, for status; returns how many were written. */
uint32_t lag_warnings(
    const struct lag *x, uint32_t scenario, char text[][224], uint32_t text_max);
/* One line for status and explain: "2.1 s would be lost now if fra were lost (RPO 5 m;
 * check replica-lag, 3 s ago)". */
void lag_line(const struct lag *x, uint32_t scenario, char *text, size_t text_bytes);

#endif
