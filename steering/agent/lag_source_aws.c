/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CloudWatch as a source. The age of a datapoint is judged by AWS's own clock, where the
 * answer tells it. What the metric says is taken as of the time that it says it for: were
 * it taken as of now, a metric that comes two minutes late would call a standby caught up
 * with what was written a minute ago.
 */
#include <string.h>

#include "steering/agent/lag_source_parts.h"
#include "steering/zone/measure.h"
#include "steering/zone/metric_data.h"

#define BUDGET_PER_S 1
#define BUDGET_BURST 5
#define AHEAD_MS 60000

static uint32_t
period_s(const struct lag_source *s)
{
	uint64_t period = s->lag->period_ms / 1000;

	return period > 0 && period <= 86400 ? (uint32_t)period : METRIC_PERIOD_S;
}

static void
judge(struct lag_source *s, const struct aws_answer *answer,
    const struct metric_point *point)
{
	int64_t now_wall_ms = answer->date_wall_s != 0
	    ? answer->date_wall_s * 1000
	    : s->now_wall_ms + (int64_t)(answer->done_ms - s->r.began_ms);
	int64_t age_ms = now_wall_ms - point->at_wall_ms;
	uint64_t stale_ms = METRIC_STALE_MS(period_s(s)), ms;
	struct err e;

	if (age_ms < -AHEAD_MS)
		lag_source_unknown(s, "its newest datapoint is in the future");
	else if (age_ms > (int64_t)stale_ms)
		lag_source_unknown(s,
		    "its newest datapoint is %lld s old: is the metric still reported?",
		    (long long)(age_ms / 1000));
	else if (!measure_read(
		     point->value, strlen(point->value), s->lag->unit_s, &ms, &e))
		lag_source_unknown(s, "of its newest datapoint %.180s", e.text);
	else if (age_ms <= 0)
		lag_source_known(s, ms, answer->done_ms);
	else
		lag_source_known(s, ms,
		    answer->done_ms > (uint64_t)age_ms
			? answer->done_ms - (uint64_t)age_ms
			: 1);
}

static void
on_answer(const struct aws_answer *answer, void *arg)
{
	struct lag_source *s = arg;
	struct metric_point point;
	struct err e;

	s->call = NULL;
	if (answer->result != AWS_OK)
		lag_source_unknown(s, "%.220s", answer->err.text);
	else if (!metric_parse(answer->body, answer->body_bytes, &point, &e))
		lag_source_unknown(s, "%.220s", e.text);
	else
		judge(s, answer, &point);
}

static bool
metric_make(struct lag_source *s, struct err *e)
{
	struct aws_query_spec spec = {.service = METRIC_SERVICE,
	    .version = METRIC_VERSION,
	    .region = s->lag->region,
	    .endpoint = s->lag->endpoint,
	    .profile = s->lag->profile,
	    .budget_per_s = BUDGET_PER_S,
	    .budget_burst = BUDGET_BURST,
	    .seed = 1};

	if (s->lag->dimensions > METRIC_DIMENSIONS_MAX)
		return err_set(
		    e, "it has more than %d dimensions", METRIC_DIMENSIONS_MAX);
	s->query = aws_query_new(s->place.base, &spec, e);
	return s->query != NULL;
}

static bool
metric_start(struct lag_source *s, const struct lag_ask *ask, struct err *e)
{
	struct text_pair dimension[METRIC_DIMENSIONS_MAX];
	char value[METRIC_DIMENSIONS_MAX][256];
	struct metric_room room;
	struct metric_query q = {.name_space = s->lag->name_space,
	    .metric = s->lag->metric,
	    .statistic = s->lag->statistic,
	    .dimension = dimension,
	    .dimensions = s->lag->dimensions,
	    .period_s = period_s(s)};

	for (uint32_t i = 0; i < s->lag->dimensions; i++) {
		if (!lag_source_fill(
			ask, s->lag->dimension[i].value, value[i], sizeof value[i]))
			return err_set(e, "its dimension %.60s is too long",
			    s->lag->dimension[i].key);
		dimension[i] = (struct text_pair){s->lag->dimension[i].key, value[i]};
	}
	struct aws_query_ask call = {.action = METRIC_ACTION,
	    .param = room.param,
	    .params = metric_ask(&room, &q, s->now_wall_ms),
	    .patience_ms = lag_source_left_ms(s)};
	s->call = aws_query_start(s->query, &call, on_answer, s);
	return true;
}

static void
metric_cancel(struct lag_source *s)
{
	if (s->call != NULL)
		aws_query_cancel(s->call);
	s->call = NULL;
}

const struct lag_source_kind lag_source_metric = {
    metric_make, metric_start, metric_cancel};
