/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_listing.h - what S3 answers: pages of keys, and refusals.
 *
 * Pure. ListObjectsV2 and "Error Responses" of the Amazon S3 API Reference, version
 * 2006-03-01. Keys are asked for URL-encoded, because XML cannot hold every key.
 */
#ifndef STEERING_ZONE_S3_LISTING_H
#define STEERING_ZONE_S3_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/aws_verdict.h"

#define S3_KEY_MAX 1025   /* bytes of a key, and the 0 */
#define S3_TOKEN_MAX 2049 /* of a continuation token */

struct s3_object {
	char key[S3_KEY_MAX]; /* decoded */
	int64_t modified_wall_ms;
};

struct s3_page {
	bool truncated;
	char next[S3_TOKEN_MAX]; /* the token of the next page; "" unless truncated */
	uint32_t objects;
};

/* Called for each object in the order of the page. Keys that hold a byte 0 or are too
 * long are left out. */
typedef void (*s3_object_cb)(const struct s3_object *object, void *arg);

/* False: it is no such answer, and e says why. */
bool s3_parse_page(const char *bytes, size_t n, struct s3_page *page, s3_object_cb cb,
    void *arg, struct err *e) MUST_CHECK;

/* What an exchange amounts to: OK is status 200. action: "s3:ListBucket", what: the
 * bucket or the key, for the sentence. */
void s3_judge(struct aws_verdict *v, const char *action, const char *what,
    const struct http_response *r);

#endif
