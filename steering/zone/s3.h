/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3.h - reading one bucket: pages of its keys, and small objects.
 *
 * Signed for service s3 with the hash of an empty payload, which S3 wants in a header of
 * its own (Amazon S3 API Reference, "Authenticating Requests", "Signature Calculations":
 * x-amz-content-sha256 is required and signed; the path is encoded once). A bucket is
 * part of the host; with an endpoint of the operator's own, or a '.' in its name (which
 * no certificate of AWS's covers), it is the first word of the path.
 *
 * All is asynchronous on one event_base, and never blocks. Nothing is repeated but a
 * signature that was refused for its time, once.
 */
#ifndef STEERING_ZONE_S3_H
#define STEERING_ZONE_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/aws_verdict.h"

#define S3_BUCKET_MAX 64 /* with the 0 */

struct event_base;
struct s3;
struct s3_call;

struct s3_spec { /* copied; NULL is "" */
	const char *bucket, *region;
	const char *endpoint; /* "" S3's own in the region */
	const char *profile;  /* "" as the environment says */
};

struct s3_answer {
	enum aws_result result;
	char code[64];    /* S3's own, "" none: "NoSuchKey" */
	const char *body; /* OK: NUL-terminated; valid in the callback */
	size_t body_bytes;
	struct err err; /* unless OK: a sentence, with what to do */
};
typedef void (*s3_cb)(const struct s3_answer *answer, void *arg);

struct s3 *s3_new(struct event_base *base, const struct s3_spec *spec, struct err *e);
/* Ends all calls without a callback. */
void s3_free(struct s3 *s);

/* Both copy what they need. The callback fires exactly once, after this returned, within
 * patience_ms, unless the call is cancelled; the handle is dead from then on. */
/* token: of the page before; "" the first page. Read it with s3_listing.h. */
struct s3_call *s3_list_start(struct s3 *s, const char *prefix, const char *token,
    uint64_t patience_ms, s3_cb cb, void *arg);
/* An object of at most bytes_max. */
struct s3_call *s3_get_start(struct s3 *s, const char *key, size_t bytes_max,
    uint64_t patience_ms, s3_cb cb, void *arg);
void s3_cancel(struct s3_call *call);

/* As credentials.h says. */
const char *s3_identity(const struct s3 *s);

#endif
