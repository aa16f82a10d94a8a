/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From AWS's error codes to what they mean for us; one that is not known is a plain no.
 * Numbers of statuses decide only where there is no code.
 */
#include "steering/zone/route53_verdict.h"

#include <string.h>

#include "steering/zone/aws_codes.h"
#include "steering/zone/route53_xml.h"

enum meaning {
	MEANS_NO = 0,
	MEANS_THROTTLED,
	MEANS_PRIOR,
	MEANS_BATCH,       /* lost or refused: its messages say which */
	MEANS_SIGNATURE,   /* clock or key */
	MEANS_CREDENTIALS, /* who we are was not accepted */
	MEANS_PERMISSION,
	MEANS_ZONE,
	MEANS_NO_CHECK, /* a set names a health check that is not there */
	MEANS_TAKEN,    /* the caller reference of a check is used up */
	MEANS_TROUBLE,  /* their side */
};

/* Of Route 53 alone; what every service says is in aws_codes.h. */
static const struct {
	const char *code;
	enum meaning meaning;
} codes[] = {
    {"PriorRequestNotComplete", MEANS_PRIOR},
    {"InvalidChangeBatch", MEANS_BATCH},
    {"NoSuchHostedZone", MEANS_ZONE},
    {"NoSuchHealthCheck", MEANS_NO_CHECK},
    {"HealthCheckAlreadyExists", MEANS_TAKEN},
};

static const char *const action[] = {
    [ROUTE53_LIST] = "route53:ListResourceRecordSets",
    [ROUTE53_CHANGE] = "route53:ChangeResourceRecordSets",
    [ROUTE53_GET_CHANGE] = "route53:GetChange",
    [ROUTE53_LIST_CHECKS] = "route53:ListHealthChecks",
    [ROUTE53_CREATE_CHECK] = "route53:CreateHealthCheck",
};

static enum meaning
meaning_of(const char *code)
{
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].meaning;
	switch (aws_meaning_of(code)) {
	case AWS_MEANS_THROTTLED:
		return MEANS_THROTTLED;
	case AWS_MEANS_SIGNATURE:
		return MEANS_SIGNATURE;
	case AWS_MEANS_CREDENTIALS:
		return MEANS_CREDENTIALS;
	case AWS_MEANS_PERMISSION:
		return MEANS_PERMISSION;
	case AWS_MEANS_TROUBLE:
		return MEANS_TROUBLE;
	case AWS_MEANS_NO:
		break;
	}
	return MEANS_NO;
}

/* Nothing can be known from what came back. */
static void
blind(struct route53_verdict *v, enum route53_ask ask)
{
	v->result = ask == ROUTE53_CHANGE ? ZONE_UNKNOWN : ZONE_OUT;
	v->again = ask != ROUTE53_CHANGE;
}

static void
no(struct route53_verdict *v, enum meaning m, enum route53_ask ask, const char *zone_id,
    const struct route53_error *error)
{
	const char *what = action[ask] + strlen("route53:");

	v->result = ZONE_REFUSED;
	if (m == MEANS_PERMISSION)
		(void)err_set(&v->err,
		    "%s of zone %s is not permitted (%s): allow %s in the "
		    "IAM policy of these credentials: %.200s",
		    what, zone_id, error->code, action[ask], error->message);
	else if (m == MEANS_CREDENTIALS)
		(void)err_set(&v->err,
		    "%s of zone %s: AWS does not accept the credentials "
		    "(%s): %.240s",
		    what, zone_id, error->code, error->message);
	else if (m == MEANS_SIGNATURE)
		(void)err_set(&v->err,
		    "%s of zone %s: AWS does not accept the signature (%s): "
		    "look at the secret key and at this machine's clock: "
		    "%.200s",
		    what, zone_id, error->code, error->message);
	else if (m == MEANS_ZONE)
		(void)err_set(&v->err,
		    "zone %s does not exist for these credentials: look at "
		    "zone_id and at the account: %.240s",
		    zone_id, error->message);
	else if (m == MEANS_NO_CHECK)
		(void)err_set(&v->err,
		    "a record set names a health check that does not exist: look at "
		    "health_check, or run pointsman bootstrap for a steady one: %.240s",
		    error->message);
	else
		(void)err_set(&v->err, "%s of zone %s refused (%s): %.300s", what,
		    zone_id, error->code, error->message);
	v->resign = m == MEANS_SIGNATURE;
	v->rejected = m == MEANS_CREDENTIALS;
}

static void
spoken(struct route53_verdict *v, enum route53_ask ask, const char *zone_id,
    const struct route53_error *error)
{
	enum meaning m = meaning_of(error->code);

	switch (m) {
	case MEANS_THROTTLED:
	case MEANS_PRIOR:
		v->result = ZONE_BUSY;
		v->news = m == MEANS_PRIOR ? BUDGET_PRIOR : BUDGET_THROTTLED;
		v->again = ask != ROUTE53_CHANGE;
		(void)err_set(&v->err, "zone %s is busy (%s): %.300s", zone_id,
		    error->code, error->message);
		return;
	case MEANS_TROUBLE:
		blind(v, ask);
		(void)err_set(&v->err, "Route 53 is in trouble (%s): %.300s",
		    error->code, error->message);
		return;
	case MEANS_BATCH:
		if (ask == ROUTE53_CHANGE && error->lost) {
			v->result = ZONE_LOST;
			(void)err_set(&v->err, "zone %s has moved: %.320s", zone_id,
			    error->message);
			return;
		}
		break;
	case MEANS_TAKEN:
		v->result = ZONE_LOST;
		(void)err_set(
		    &v->err, "the caller reference is used up: %.300s", error->message);
		return;
	case MEANS_NO:
	case MEANS_NO_CHECK:
	case MEANS_SIGNATURE:
	case MEANS_CREDENTIALS:
	case MEANS_PERMISSION:
	case MEANS_ZONE:
		break;
	}
	no(v, m, ask, zone_id, error);
}

static void
good(struct route53_verdict *v, enum route53_ask ask, const struct http_response *r)
{
	struct route53_change_info info;

	if (ask != ROUTE53_CHANGE && ask != ROUTE53_GET_CHANGE)
		return;
	if (!route53_parse_change(r->body, r->body_bytes, &info, &v->err)) {
		blind(v, ask);
		return;
	}
	memcpy(v->change_id, info.id, sizeof v->change_id);
	v->insync = info.insync;
}

void
route53_judge(struct route53_verdict *v, enum route53_ask ask, const char *zone_id,
    const struct http_response *r)
{
	struct route53_error error;
	struct err e;

	memset(v, 0, sizeof *v);
	if (r->fate != HTTP_ANSWERED) {
		v->err = r->err;
		blind(v, ask);
		if (r->fate == HTTP_NEVER_LEFT)
			v->result = ZONE_OUT;
		return;
	}
	if (r->status == 200 || (r->status == 201 && ask == ROUTE53_CREATE_CHECK)) {
		good(v, ask, r);
		return;
	}
	if (r->status >= 400 && r->status < 500 &&
	    route53_parse_error(r->body, r->body_bytes, &error, &e)) {
		spoken(v, ask, zone_id, &error);
		return;
	}
	blind(v, ask);
	(void)err_set(&v->err, "%s of zone %s: HTTP status %ld %s", action[ask] + 8,
	    zone_id, r->status,
	    r->status >= 500 ? "from Route 53" : "and not an answer of Route 53's");
}
