/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elb.h - what a load balancer says of the targets behind it.
 *
 * DescribeTargetHealth of Elastic Load Balancing v2 (API Reference, version 2015-12-01):
 * what to ask, how to read it, and what it means for a check. Pure but for the place
 * that elb_query_new() makes to ask at.
 */
#ifndef STEERING_ZONE_ELB_H
#define STEERING_ZONE_ELB_H

#include "probe/check.h"
#include "probe/result.h"
#include "steering/zone/aws_query.h"

#define ELB_SERVICE "elasticloadbalancing"
#define ELB_ACTION "DescribeTargetHealth"
#define ELB_NAME_MAX 64

struct elb_count {
	uint32_t healthy, unhealthy;
	uint32_t initial, draining, unused; /* left out of the share */
	uint32_t unavailable;               /* their health is not checked */
};

/* Where target groups of the check's region are asked about, by its identity. */
struct aws_query *elb_query_new(struct event_base *base, const struct check_elb *check,
    uint64_t seed, struct err *e);
/* May both checks ask in one place? */
bool elb_query_is_same(const struct check_elb *a, const struct check_elb *b);
struct aws_call *elb_query_start(struct aws_query *q, const struct check_elb *check,
    uint64_t patience_ms, aws_query_cb cb, void *arg);

/* False: it is no such answer. */
bool elb_parse(
    const char *body, size_t bytes, struct elb_count *out, struct err *e) MUST_CHECK;
/* The verdict on an answer, whatever it is; latency in *us. Targets that could not be
 * asked about are UNKNOWN. */
void elb_judge(const struct check_elb *check, const struct aws_answer *answer,
    struct probe_result *r, uint32_t *latency_us);

/* "targetgroup/web": what stands for the check where others have an address. */
void elb_name(const struct check_elb *check, char out[ELB_NAME_MAX]);

#endif
