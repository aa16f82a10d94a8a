/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric_data.h - the newest datapoint of one CloudWatch metric.
 *
 * GetMetricData of CloudWatch (API Reference, version 2010-08-01): what to ask and how
 * to read it. Pure. A datapoint stands at the beginning of its period, and comes minutes
 * later; one that is older than three periods, or than five minutes where that is longer,
 * says nothing about now.
 */
#ifndef STEERING_ZONE_METRIC_DATA_H
#define STEERING_ZONE_METRIC_DATA_H

#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/text.h"

#define METRIC_SERVICE "monitoring"
#define METRIC_VERSION "2010-08-01"
#define METRIC_ACTION "GetMetricData"
#define METRIC_PERIOD_S 60 /* what RDS and Aurora report in */
#define METRIC_DIMENSIONS_MAX 20
#define METRIC_PARAMS_MAX (12 + 2 * METRIC_DIMENSIONS_MAX)
#define METRIC_STALE_MS(period_s)                                           \
	(UINT64_C(3000) * (period_s) > 300000 ? UINT64_C(3000) * (period_s) \
					      : UINT64_C(300000))

struct metric_query {                                /* lent */
	const char *name_space, *metric, *statistic; /* statistic "": Maximum */
	const struct text_pair *dimension;
	size_t dimensions; /* at most METRIC_DIMENSIONS_MAX */
	uint32_t period_s; /* 0: METRIC_PERIOD_S */
};

/* The parameters of a call now; names and values lie in *room, which must live as long. */
struct metric_room {
	struct text_pair param[METRIC_PARAMS_MAX];
	char name[2 * METRIC_DIMENSIONS_MAX][96];
	char start[24], end[24], period[12];
};
size_t
metric_ask(struct metric_room *room, const struct metric_query *q, int64_t now_wall_ms);

struct metric_point {
	int64_t at_wall_ms; /* where its period begins */
	char value[64];     /* as written */
};
/* False: it is no such answer, or has no datapoint, and e says which. */
bool metric_parse(
    const char *body, size_t n, struct metric_point *out, struct err *e) MUST_CHECK;

#endif
