/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lag_source.h - one sample of what would be lost now, whatever it is measured with.
 *
 * A check that measures (config_lag) is asked, and says milliseconds or why not:
 *   exec        a program prints seconds on stdout, and ends with status 0
 *   http        a field of a JSON answer, in seconds
 *   cloudwatch  the newest datapoint of a metric. Its sample begins where the datapoint's
 *               period does: a metric comes late, and says nothing about what followed
 *   backup      since when the newest complete backup's work began. It is named by a
 *               manifest (manifest.h) at an https URL or in a file, or found in a bucket:
 *               there a backup is complete when <prefix><id>/manifest.json says so
 * In arguments and URLs {from} is the site that serves, {to} and {site} the one that
 * follows it, {service} and {scenario} their names; programs have them in the environment
 * too. A file is read by the runner (cat), because a file system may hang.
 *
 * A sample is over within the check's timeout. One at a time.
 */
#ifndef STEERING_AGENT_LAG_SOURCE_H
#define STEERING_AGENT_LAG_SOURCE_H

#include "config/model.h"
#include "steering/zone/manifest.h"

struct event_base;
struct http;
struct jobs;
struct lag_source;

struct lag_reading {
	bool known;
	uint64_t lag_ms;
	uint64_t began_ms; /* boot-time clock: lag_ms is what was lost then */
	char text[224];    /* unless known: why, and what to do */
	char note[224];    /* "" or what is wrong beside it */
	bool is_backup;    /* known, and what was lost grows until the next */
	struct manifest backup;
};
typedef void (*lag_source_cb)(const struct lag_reading *r, void *arg);

struct lag_place { /* lent for the source's life */
	struct event_base *base;
	struct jobs *jobs;
	struct http *http;
};

struct lag_ask { /* lent until lag_source_start() returns */
	const char *from, *to, *service, *scenario;
	int64_t now_wall_ms;
};

/* Does the check measure? */
bool lag_source_is(const struct config *c, int32_t check);
/* `c` must live as long. NULL: it cannot be asked at all, and why. */
struct lag_source *lag_source_new(const struct lag_place *place, const struct config *c,
    uint32_t check, struct err *e);
/* A sample under way ends without a call. */
void lag_source_free(struct lag_source *s);
/* Not while one is under way. cb comes exactly once, later. */
void lag_source_start(
    struct lag_source *s, const struct lag_ask *ask, lag_source_cb cb, void *arg);
bool lag_source_is_busy(const struct lag_source *s);
/* False: the runner, which it needs, is still being started. */
bool lag_source_is_ready(const struct lag_source *s);
/* Whose credentials it asks with; "" none. */
const char *lag_source_identity(const struct lag_source *s);

#endif
