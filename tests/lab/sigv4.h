/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sigv4.h - computes AWS Signature Version 4 from the receiving side.
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 */
#ifndef LAB_SIGV4_H
#define LAB_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evkeyvalq;
struct evbuffer;

enum { SIGV4_HEX_BYTES = 65 };

struct sigv4_request { /* as it came over the wire; all borrowed */
	const char *method;
	const char *path;  /* not decoded */
	const char *query; /* not decoded; NULL: none */
	const struct evkeyvalq *headers;
	const void *body;
	size_t body_bytes;
};

struct sigv4_scope {
	const char *secret;
	const char *date; /* YYYYMMDD */
	const char *region, *service;
	const char *timestamp;      /* the x-amz-date that was sent */
	const char *signed_headers; /* "host;x-amz-date" */
};

/* Hex of the signature that an honest client would have sent. */
void sigv4_sign(const struct sigv4_request *req, const struct sigv4_scope *scope,
    char hex[SIGV4_HEX_BYTES]);

#endif
