/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The share is of the targets that are healthy or unhealthy. Those that come (initial)
 * or go (draining), or that no load balancer uses, are no sign of trouble: a site that
 * scales out from two to ten must not look as if four fifths of it were dead. With none
 * left a group is as dead as AWS's own alias records take it to be.
 *
 * A target in two zones or on two ports is listed for each, and counts for each.
 */
#include "steering/zone/elb.h"

#include <string.h>

#include "steering/zone/xml.h"

#define VERSION "2015-12-01"
/* The account's own limit is far above; what is asked here every few seconds must stay a
 * small part of it. */
#define BUDGET_PER_S 2
#define BUDGET_BURST 10

struct aws_query *
elb_query_new(struct event_base *base, const struct check_elb *check, uint64_t seed,
    struct err *e)
{
	struct aws_query_spec spec = {.service = ELB_SERVICE,
	    .version = VERSION,
	    .region = check->region,
	    .endpoint = check->endpoint,
	    .profile = check->profile,
	    .budget_per_s = BUDGET_PER_S,
	    .budget_burst = BUDGET_BURST,
	    .seed = seed};

	return aws_query_new(base, &spec, e);
}

bool
elb_query_is_same(const struct check_elb *a, const struct check_elb *b)
{
	return strcmp(a->region, b->region) == 0 &&
	    strcmp(a->endpoint, b->endpoint) == 0 &&
	    strcmp(a->profile, b->profile) == 0;
}

struct aws_call *
elb_query_start(struct aws_query *q, const struct check_elb *check,
    uint64_t patience_ms, aws_query_cb cb, void *arg)
{
	struct text_pair group = {"TargetGroupArn", check->target_group};
	struct aws_query_ask ask = {.action = ELB_ACTION,
	    .param = &group,
	    .params = 1,
	    .patience_ms = patience_ms};

	return aws_query_start(q, &ask, cb, arg);
}

/* ---- the answer ---- */

struct reading {
	struct elb_count *out;
	bool result;
};

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	r->result |= depth == 1 && strcmp(name, ELB_ACTION "Result") == 0;
	return true;
}

/* <TargetHealthDescriptions><member><TargetHealth><State>, and no other State. */
static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct elb_count *c = ((struct reading *)arg)->out;

	if (depth != 5 || strcmp(name, "State") != 0 ||
	    strcmp(parent, "TargetHealth") != 0)
		return true;
	if (strcmp(text, "healthy") == 0)
		c->healthy++;
	else if (strcmp(text, "unhealthy") == 0)
		c->unhealthy++;
	else if (strcmp(text, "initial") == 0)
		c->initial++;
	else if (strcmp(text, "draining") == 0 ||
	    strcmp(text, "unhealthy.draining") == 0)
		c->draining++;
	else if (strcmp(text, "unused") == 0)
		c->unused++;
	else if (strcmp(text, "unavailable") == 0)
		c->unavailable++;
	else
		return err_set(
		    e, "a target is '%.40s', which is no state known here", text);
	return true;
}

bool
elb_parse(const char *body, size_t bytes, struct elb_count *out, struct err *e)
{
	static const struct xml_reader reader = {on_open, on_close};
	struct reading r = {.out = out};

	*out = (struct elb_count){0};
	if (!xml_parse(body, bytes, &reader, &r, e))
		return false;
	return r.result || err_set(e, "it says nothing about targets");
}

/* ---- the verdict ---- */

static void
judge_count(
    const struct check_elb *check, const struct elb_count *c, struct probe_result *r)
{
	uint32_t judged = c->healthy + c->unhealthy;
	uint32_t others = c->initial + c->draining + c->unused;
	bool enough = c->healthy >= check->healthy;
	bool share = (uint64_t)c->healthy * 100 >= (uint64_t)judged * check->share_pct;

	if (c->unavailable > 0 && judged + others == 0)
		r->outcome = OUTCOME_UNKNOWN;
	else if (enough && share)
		r->outcome = OUTCOME_PASS;
	else
		r->outcome = OUTCOME_FAIL;
	switch (r->outcome) {
	case OUTCOME_UNKNOWN:
		r->reason = PROBE_API;
		(void)snprintf(r->text, sizeof r->text,
		    "the health of its %u targets is not checked by AWS",
		    (unsigned)c->unavailable);
		return;
	case OUTCOME_PASS:
		result_pass(r);
		return;
	case OUTCOME_FAIL:
		break;
	}
	if (judged + others + c->unavailable == 0)
		result_fail(r, PROBE_TARGETS, "the group has no targets");
	else if (!enough)
		result_fail(r, PROBE_TARGETS,
		    "%u targets healthy, %u needed: %u unhealthy, %u initial, %u "
		    "draining, %u unused",
		    c->healthy, check->healthy, c->unhealthy, c->initial, c->draining,
		    c->unused);
	else
		result_fail(r, PROBE_TARGETS, "%u of %u targets healthy, %u %% needed",
		    c->healthy, judged, check->share_pct);
}

void
elb_judge(const struct check_elb *check, const struct aws_answer *answer,
    struct probe_result *r, uint32_t *latency_us)
{
	uint64_t us = answer->sent_ms != 0 && answer->done_ms > answer->sent_ms
	    ? (answer->done_ms - answer->sent_ms) * 1000
	    : 0;
	struct elb_count count;
	struct err e = answer->err;

	*r = (struct probe_result){.outcome = OUTCOME_UNKNOWN, .reason = PROBE_API};
	*latency_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
	if (answer->result == AWS_OK &&
	    elb_parse(answer->body, answer->body_bytes, &count, &e))
		judge_count(check, &count, r);
	else
		(void)snprintf(r->text, sizeof r->text, "%.159s", e.text);
}

void
elb_name(const struct check_elb *check, char out[ELB_NAME_MAX])
{
	const char *group = strstr(check->target_group, "targetgroup/");
	size_t n = 0;

	if (group != NULL) {
		n = strlen("targetgroup/");
		n += strcspn(group + n, "/");
	}
	(void)snprintf(out, ELB_NAME_MAX, "%.*s", (int)n, group != NULL ? group : "");
}
