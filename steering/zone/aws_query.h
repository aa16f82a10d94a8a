/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_query.h - signed calls of any AWS service that speaks the Query protocol.
 *
 * POST / with Action, Version and the literal parameters, answered in XML: Elastic Load
 * Balancing, Auto Scaling, EC2, RDS, CloudWatch, STS. One aws_query stands for one
 * service in one region by one identity, with an API budget of its own: what it spends
 * is never the zone's. All is asynchronous on one event_base, and never blocks.
 *
 * A call is sent once. Only a signature that was refused for its time is made anew (such
 * a request was not carried out). Whoever changes something must know: AWS_UNKNOWN may
 * have been carried out, and may still be, for as long as AWS accepts the signature.
 * General Reference, "Signature Version 4"; each service's API Reference, "Query".
 */
#ifndef STEERING_ZONE_AWS_QUERY_H
#define STEERING_ZONE_AWS_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/aws_verdict.h"
#include "steering/zone/text.h"

#define AWS_PARAMS_MAX 60 /* of one call, beside Action and Version */

struct event_base;
struct aws_query;
struct aws_call;

/* Of the services that plans use, the version whose parameters are known here; "" for
 * others. */
const char *aws_query_version(const char *service);

struct aws_query_spec {        /* copied; NULL is "" */
	const char *service;   /* of host and signature: "elasticloadbalancing" */
	const char *version;   /* "2015-12-01" */
	const char *region;    /* "eu-central-1" */
	const char *endpoint;  /* "" the service's own in the region */
	const char *profile;   /* "" as the environment says */
	const char *role_arn;  /* "" none */
	double budget_per_s;   /* > 0 */
	uint32_t budget_burst; /* > 0 */
	uint64_t seed;
};

struct aws_query_ask {
	const char *action; /* "DescribeTargetHealth" */
	const struct text_pair *param;
	size_t params;        /* at most AWS_PARAMS_MAX */
	uint64_t patience_ms; /* for budget, credentials and answer together; > 0 */
	bool change; /* it changes something: on a connection of its own, and of the
		      * budget it may take the last */
};

struct aws_answer {
	enum aws_result result;
	char code[64];    /* AWS's own, "" none: "TargetGroupNotFound" */
	const char *body; /* OK: the XML, NUL-terminated; valid in the callback */
	size_t body_bytes;
	int64_t date_wall_s;       /* 0 none */
	uint64_t sent_ms, done_ms; /* CLOCK_BOOTTIME; sent 0: it never left */
	struct err err;            /* unless OK: a sentence, with what to do */
};

typedef void (*aws_query_cb)(const struct aws_answer *answer, void *arg);

struct aws_query *aws_query_new(
    struct event_base *base, const struct aws_query_spec *spec, struct err *e);
/* Ends all calls without a callback. */
void aws_query_free(struct aws_query *q);

/* Copies what it needs. The callback fires exactly once, after this returned, unless the
 * call is cancelled; the handle is dead from then on. */
struct aws_call *aws_query_start(
    struct aws_query *q, const struct aws_query_ask *ask, aws_query_cb cb, void *arg);
void aws_query_cancel(struct aws_call *call);

/* Is a call under way, or waiting? */
bool aws_query_is_busy(const struct aws_query *q);

/* As credentials.h says. */
const char *aws_query_warning(const struct aws_query *q);
const char *aws_query_identity(const struct aws_query *q);

#endif
