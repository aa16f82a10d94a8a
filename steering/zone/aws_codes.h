/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_codes.h - what AWS's error codes that every service may answer with mean.
 *
 * Pure. A code that is not in the table is a plain no: what else one service says, and
 * another does not, is that service's (route53_verdict.c). "Common errors" of each API.
 */
#ifndef STEERING_ZONE_AWS_CODES_H
#define STEERING_ZONE_AWS_CODES_H

enum aws_meaning {
	AWS_MEANS_NO = 0,
	AWS_MEANS_THROTTLED,   /* not carried out: come again later */
	AWS_MEANS_SIGNATURE,   /* clock or key */
	AWS_MEANS_CREDENTIALS, /* who we are was not accepted */
	AWS_MEANS_PERMISSION,
	AWS_MEANS_TROUBLE, /* their side: it may have been carried out */
};

enum aws_meaning aws_meaning_of(const char *code);

#endif
