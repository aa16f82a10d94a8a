/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - AWS Signature Version 4, the header form.
 *
 * One function, sign_query(), builds the canonical query string, and what it
 * builds is also what goes over the wire: there is no second encoding to differ
 * from the first. The caller sends exactly the header fields that it had signed
 * (host, x-amz-date, content-type where there is a body, x-amz-security-token
 * where there is a token) plus Authorization.
 * AWS General Reference, "Create a signed AWS API request".
 */
#ifndef STEERING_ZONE_SIGN_H
#define STEERING_ZONE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/text.h"

#define SIGN_DATE_MAX 17 /* "20150830T123600Z" and the 0 */
#define SIGN_PAIRS_MAX 64

struct sign_key {
	const char *access_key, *secret_key;
	const char *region, *service; /* "us-east-1", "route53" */
};

struct sign_request {
	const char *method;
	const char *path;              /* as on the wire, before the '?' */
	const struct text_pair *query; /* not encoded, in any order */
	size_t queries;
	const struct text_pair *header; /* in any order; names in any case */
	size_t headers;
	const void *body;
	size_t body_bytes;
	bool path_as_is; /* S3: the path is neither encoded again nor tidied */
};

/* "20150830T123600Z" of a wall clock second. */
void sign_date(char out[SIGN_DATE_MAX], int64_t wall_s);

/* Adds `in` with every byte outside A-Za-z0-9-_.~ as %XX; '/' stays when keep_slash. */
void sign_encode(struct text *out, const char *in, bool keep_slash);

/* Adds "k=v&k=v": encoded, sorted, always with '='. Canonical and wire query alike. */
void sign_query(struct text *out, const struct text_pair *query, size_t queries);

/* The two intermediate texts; public so that tests can hold them against AWS's. */
bool sign_canonical(
    struct text *out, const struct sign_request *r, struct err *e) MUST_CHECK;
bool sign_string(struct text *out, const struct sign_request *r,
    const struct sign_key *k, const char date[SIGN_DATE_MAX], struct err *e) MUST_CHECK;

/* Adds the value of the Authorization field. `date` stands in the x-amz-date field
 * of r too. Derived keys are wiped. */
bool sign_authorization(struct text *out, const struct sign_request *r,
    const struct sign_key *k, const char date[SIGN_DATE_MAX], struct err *e) MUST_CHECK;

#endif
