/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_verdict.h - what an HTTP exchange with a Query service amounts to, and the fields
 * of its answer.
 *
 * Pure. Only an answer in AWS's own words says yes or no; whatever else came back, or
 * nothing at all once a byte had left, is AWS_UNKNOWN. "Common errors" of each API.
 */
#ifndef STEERING_ZONE_AWS_VERDICT_H
#define STEERING_ZONE_AWS_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/err.h"
#include "steering/zone/http.h"

enum aws_result {
	AWS_OK = 0,
	AWS_BUSY,    /* throttled, by AWS or by our own budget: not carried out */
	AWS_DENIED,  /* permission, credentials or signature: not carried out */
	AWS_REFUSED, /* any other answer that says no: not carried out */
	AWS_OUT,     /* it never left this machine */
	AWS_UNKNOWN, /* may have been carried out */
	AWS_RESULTS
};
const char *aws_result_word(enum aws_result r); /* "ok", "busy", "denied" … */

struct aws_verdict {
	enum aws_result result;
	bool resign;   /* refused for its signature or time: sign anew */
	bool rejected; /* … for its credentials: others are needed */
	char code[64]; /* AWS's own; "" none */
	struct err err;
};

/* service and action are for the sentence and for the root of a good answer. */
void aws_judge(struct aws_verdict *v, const char *service, const char *action,
    const struct http_response *r);

/* The text of the first element at this path below the root, as in
 * "DescribeLoadBalancersResult/LoadBalancers/member/DNSName". False: there is none, it
 * is longer than out, or the XML is broken. */
bool aws_field(const char *body, size_t body_bytes, const char *path, char *out,
    size_t out_bytes) MUST_CHECK;

#endif
