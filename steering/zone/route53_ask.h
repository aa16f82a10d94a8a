/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_ask.h - one request to Route 53, signed and ready to send.
 *
 * Pure but for the signature: the second to sign for is a parameter, so that a test
 * can see the exact bytes. The request points into the struct it is made in.
 */
#ifndef STEERING_ZONE_ROUTE53_ASK_H
#define STEERING_ZONE_ROUTE53_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/credentials.h"
#include "steering/zone/http.h"
#include "steering/zone/partition.h"
#include "steering/zone/route53_verdict.h"
#include "steering/zone/route53_walk.h"
#include "steering/zone/sign.h"
#include "steering/zone/text.h"

#define ROUTE53_CONNECT_MS 3000

struct route53_where {
	struct partition_place place;
	char zone_id[33];
	uint64_t total_ms; /* of one request */
};

/* What is asked; only the field of its kind counts. */
struct route53_what {
	enum route53_ask ask;
	struct walk_cursor cursor; /* LIST */
	const char *change_id;     /* GET_CHANGE */
	const char *marker;        /* LIST_CHECKS; "" from the first */
	const struct text *body;   /* CHANGE, CREATE_CHECK */
};

struct route53_request {
	struct http_request http; /* to send */
	struct text path, query, url, authorization;
	char name[DNS_NAME_MAX + 1], items[12], date[SIGN_DATE_MAX];
	struct text_pair parameter[4], header[5];
};

/* False: err is set; route53_request_fini() is due either way. *out must not move. */
bool route53_request_init(struct route53_request *out,
    const struct route53_where *where, const struct route53_what *what,
    const struct credentials *who, int64_t sign_wall_s, struct err *e) MUST_CHECK;
void route53_request_fini(struct route53_request *q);

#endif
