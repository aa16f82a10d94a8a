/* SPDX-License-Identifier: Apache-2.0 */
/* metrics_counts.h - the counters, for metrics.c and metrics_page.c alone. */
#ifndef STEERING_AGENT_METRICS_COUNTS_H
#define STEERING_AGENT_METRICS_COUNTS_H

#include <stdio.h>

#include "steering/agent/metrics.h"

#define METRICS_BUCKETS 13
extern const uint32_t metrics_bucket_us[METRICS_BUCKETS];

struct metrics_member {
	char name[WORD_MAX];
	uint64_t results[OUTCOME_FAIL + 1][PROBE_REASONS];
	uint64_t
	    duration[METRICS_BUCKETS + 1]; /* each sample in one; the last is +Inf */
	uint64_t duration_sum_us;
};

struct metrics_service {
	char name[WORD_MAX];
	uint64_t changes[CHANGE_OUT + 1];
	uint32_t members;
	struct metrics_member *member;
};

struct metrics {
	uint32_t services;
	struct metrics_service *service;
	uint64_t requests[METRICS_APIS][ZONE_OUT + 1];
	uint64_t request_ms[METRICS_APIS], request_timed[METRICS_APIS];
	uint64_t worker_restarts;
};

/* metrics_lag.c: what would be lost now, by scenario. */
void metrics_write_lag(FILE *out, const struct agent *a);

#endif
