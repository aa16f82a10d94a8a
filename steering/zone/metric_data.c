/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times and values come in two lists, in the same order: the newest time's place is
 * remembered, and the value at that place. The order that was asked for (newest first) is
 * not relied upon.
 */
#include "steering/zone/metric_data.h"

#include <assert.h>
#include <string.h>

#include "steering/zone/stamp.h"
#include "steering/zone/xml.h"

#define QUERY "MetricDataQueries.member.1."
#define ID "lag"

size_t
metric_ask(struct metric_room *room, const struct metric_query *q, int64_t now_wall_ms)
{
	uint32_t period_s = q->period_s != 0 ? q->period_s : METRIC_PERIOD_S;
	int64_t back_ms =
	    (int64_t)(METRIC_STALE_MS(period_s) + UINT64_C(2000) * period_s);
	struct text_pair *p = room->param;
	size_t n = 0;

	assert(q->dimensions <= METRIC_DIMENSIONS_MAX);
	stamp_format(room->start, now_wall_ms - back_ms);
	stamp_format(room->end, now_wall_ms + 1000);
	(void)snprintf(room->period, sizeof room->period, "%u", period_s);
	p[n++] = (struct text_pair){QUERY "Id", ID};
	p[n++] = (struct text_pair){QUERY "MetricStat.Metric.Namespace", q->name_space};
	p[n++] = (struct text_pair){QUERY "MetricStat.Metric.MetricName", q->metric};
	p[n++] = (struct text_pair){QUERY "MetricStat.Period", room->period};
	p[n++] = (struct text_pair){QUERY "MetricStat.Stat",
	    q->statistic[0] != '\0' ? q->statistic : "Maximum"};
	p[n++] = (struct text_pair){"StartTime", room->start};
	p[n++] = (struct text_pair){"EndTime", room->end};
	p[n++] = (struct text_pair){"ScanBy", "TimestampDescending"};
	for (size_t i = 0; i < q->dimensions; i++) {
		char *name = room->name[2 * i], *value = room->name[2 * i + 1];

		(void)snprintf(name, sizeof room->name[0],
		    QUERY "MetricStat.Metric.Dimensions.member.%zu.Name", i + 1);
		(void)snprintf(value, sizeof room->name[0],
		    QUERY "MetricStat.Metric.Dimensions.member.%zu.Value", i + 1);
		p[n++] = (struct text_pair){name, q->dimension[i].name};
		p[n++] = (struct text_pair){value, q->dimension[i].value};
	}
	return n;
}

/* ---- the answer ---- */

struct reading {
	bool result; /* GetMetricDataResult is there */
	uint32_t times, values, newest;
	struct metric_point point;
	/* Values may stand before times: all are kept that could be the newest's. */
	char value[512][32];
	char status[24];
};

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->result |= depth == 1 && strcmp(name, METRIC_ACTION "Result") == 0;
	return true;
}

/* GetMetricDataResponse/…Result/MetricDataResults/member/{Timestamps,Values}/member */
static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct reading *r = arg;
	int64_t at;

	if (depth == 4 && strcmp(name, "StatusCode") == 0)
		(void)snprintf(r->status, sizeof r->status, "%.20s", text);
	if (depth != 5 || strcmp(name, "member") != 0)
		return true;
	if (strcmp(parent, "Timestamps") == 0) {
		if (!stamp_parse(text, &at))
			return err_set(e, "one of its times is no time");
		if (r->times == 0 || at > r->point.at_wall_ms) {
			r->point.at_wall_ms = at;
			r->newest = r->times;
		}
		r->times++;
	} else if (strcmp(parent, "Values") == 0) {
		if (r->values == sizeof r->value / sizeof r->value[0])
			return err_set(e, "it has more values than were asked for");
		if (strlen(text) >= sizeof r->value[0])
			return err_set(e, "one of its values is no number");
		(void)snprintf(r->value[r->values++], sizeof r->value[0], "%s", text);
	}
	return true;
}

static bool
judge(const struct reading *r, struct metric_point *out, struct err *e)
{
	if (!r->result)
		return err_set(e, "it says nothing about metrics");
	if (strcmp(r->status, "InternalError") == 0 ||
	    strcmp(r->status, "Forbidden") == 0)
		return err_set(e, "CloudWatch says %s of this metric", r->status);
	if (r->times != r->values)
		return err_set(e, "it has %u times and %u values", r->times, r->values);
	if (r->times == 0)
		return err_set(e,
		    "it has no datapoint of the last minutes: look at the namespace, the "
		    "metric, its dimensions and the region, and whether it is reported");
	*out = r->point;
	(void)snprintf(out->value, sizeof out->value, "%s", r->value[r->newest]);
	return true;
}

bool
metric_parse(const char *body, size_t n, struct metric_point *out, struct err *e)
{
	static const struct xml_reader reader = {on_open, on_close};
	struct reading r = {0};

	return xml_parse(body, n, &reader, &r, e) && judge(&r, out, e);
}
