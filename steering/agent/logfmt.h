/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt.h - one fact as one line: key=value words, quoted where they must be.
 *
 * Part of the log format that people's tools read: a key is never renamed. Order:
 * time, level, fact, service, member, value, address, epoch, nonce, at, repeated,
 * text; absent ones are left out. Whatever bytes a fact carries, the line has no
 * control character and ends in exactly one newline.
 */
#ifndef STEERING_AGENT_LOGFMT_H
#define STEERING_AGENT_LOGFMT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/fact.h"

#define LOGFMT_LINE_MAX 2048 /* with the newline and the 0 */
#define LOGFMT_TIME_MAX 32
#define LOGFMT_LATE_MS 10

struct logfmt_line {
	int64_t wall_ms;    /* when the line is written */
	int64_t at_wall_ms; /* when it happened; said when it differs by 1 ms or more */
	const char *service, *member; /* "" or NULL: none */
	const struct fact *fact;
	uint64_t repeated; /* 0: not a repeat */
};

/* Returns the length without the 0; always fits. */
size_t logfmt_format(const struct logfmt_line *l, char out[LOGFMT_LINE_MAX]);

/* "2026-11-24T10:00:00.123Z", UTC (RFC 3339). Returns out. */
const char *logfmt_time(int64_t wall_ms, char out[LOGFMT_TIME_MAX]);

/* "debug", "info", "warn", "error". */
const char *logfmt_level(enum fact_level level);

#endif
