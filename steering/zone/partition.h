/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition.h - where Route 53 is, and what region a signature names.
 *
 * Three partitions, three endpoints, each with one signing region that is not the
 * region the caller lives in. General Reference, "Amazon Route 53 endpoints".
 */
#ifndef STEERING_ZONE_PARTITION_H
#define STEERING_ZONE_PARTITION_H

#include "steering/core/err.h"
#include "steering/zone/provider.h"

struct partition_place {
	char endpoint[256]; /* "https://route53.amazonaws.com", no slash at the end */
	char host[256];     /* as the Host field says it: without a default port */
	char region[32];    /* to sign for */
	char arn[16];       /* "aws", "aws-cn", "aws-us-gov": second word of its ARNs */
};

/* From what the operator wrote: an endpoint decides; without one the region's
 * partition does ("cn-…", "us-gov-…", all others); without both it is "aws". */
bool partition_find(struct partition_place *out, const struct route53_spec *spec,
    struct err *e) MUST_CHECK;

/* The same of a service that has an endpoint in each region and signs for it, as
 * "elasticloadbalancing"; endpoint "" is the service's own. */
bool partition_service(struct partition_place *out, const char *service,
    const char *region, const char *endpoint, struct err *e) MUST_CHECK;

/* Is the rest of it usable: zone id, budget? */
bool partition_check(const struct route53_spec *spec, struct err *e) MUST_CHECK;

#endif
