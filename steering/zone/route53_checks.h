/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_checks.h - the steady health check: one that is always healthy.
 *
 * Pure. It is a CALCULATED check with threshold 0, known by its caller reference:
 * the one that was asked for, or that with "/2", "/3" … behind it, because Route 53
 * never makes a second check under the reference of a deleted one. Whoever looks takes
 * the lowest number, so that all who look find the same.
 * API_CreateHealthCheck.html, API_ListHealthChecks.html
 */
#ifndef STEERING_ZONE_ROUTE53_CHECKS_H
#define STEERING_ZONE_ROUTE53_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/core/records.h"
#include "steering/zone/text.h"

#define ROUTE53_REFERENCE_MAX 65 /* with the 0 */

struct route53_checks {             /* a listing, page by page; all zero at the start */
	char found[RR_HEALTH_MAX];  /* "" none yet */
	uint32_t number;            /* of the reference of `found` */
	char marker[RR_HEALTH_MAX]; /* where the next page starts; "" it was the last */
};

/* One page more, or the answer to a creation. */
bool route53_parse_checks(const char *bytes, size_t n, const char *reference,
    struct route53_checks *checks, struct err *e) MUST_CHECK;
void route53_format_check(struct text *out, const char *reference);

#endif
