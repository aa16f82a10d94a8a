/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_verdict.h - what an HTTP exchange with Route 53 amounts to.
 *
 * Pure. For a change the rule is: only an answer in AWS's own words may say that
 * nothing was applied. Whatever else came back, or nothing at all once a byte had
 * left, is ZONE_UNKNOWN. API_ChangeResourceRecordSets.html, CommonErrors.html
 */
#ifndef STEERING_ZONE_ROUTE53_VERDICT_H
#define STEERING_ZONE_ROUTE53_VERDICT_H

#include <stdbool.h>

#include "steering/core/err.h"
#include "steering/zone/budget.h"
#include "steering/zone/http.h"
#include "steering/zone/provider.h"

enum route53_ask {
	ROUTE53_LIST = 0,
	ROUTE53_CHANGE,
	ROUTE53_GET_CHANGE,
	ROUTE53_LIST_CHECKS,
	ROUTE53_CREATE_CHECK, /* may be sent again: its caller reference makes it one */
};

struct route53_verdict {
	enum zone_result result;
	enum budget_news news;
	bool again;    /* a read that may well succeed when it is repeated */
	bool resign;   /* refused for its signature or time: never applied, sign anew */
	bool rejected; /* … for its credentials: others are needed */
	char change_id[64]; /* CHANGE and GET_CHANGE that are OK */
	bool insync;
	struct err err; /* unless OK */
};

/* A LIST, and what is about checks, has a body to parse when OK; the others are parsed here. */
void route53_judge(struct route53_verdict *v, enum route53_ask ask, const char *zone_id,
    const struct http_response *r);

#endif
