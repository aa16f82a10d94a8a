/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_xml.h - what Route 53 answers, and the one document that we send it.
 *
 * Pure: bytes in, structs out. Elements that we do not know are passed over, but a
 * record set that has one is marked as foreign, because a DELETE could not repeat
 * it. API_ListResourceRecordSets.html, API_ChangeResourceRecordSets.html,
 * API_GetChange.html; elements in the order of botocore's service-2.json.
 */
#ifndef STEERING_ZONE_ROUTE53_XML_H
#define STEERING_ZONE_ROUTE53_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/err.h"
#include "steering/core/records.h"
#include "steering/zone/provider.h"
#include "steering/zone/text.h"

#define ROUTE53_RECORDS_MAX 1000 /* of one batch */
#define ROUTE53_VALUES_MAX 32000 /* characters of all values in one batch */

struct route53_item {
	struct rrset set;
	char type[16];      /* as answered: "NS", "SOA" … are RR_OTHER in set */
	const char *values; /* all of them, '\n' between, however long */
};

struct route53_page {
	bool truncated;
	char next_name[DNS_NAME_MAX]; /* "" unless truncated */
	char next_type[16];
	char next_id[RR_SET_ID_MAX]; /* "" none */
};

/* Called once for each record set, in the order of the page; false ends the reading. */
typedef bool (*route53_item_cb)(const struct route53_item *item, void *arg);

bool route53_parse_list(const char *bytes, size_t n, struct route53_page *page,
    route53_item_cb cb, void *arg, struct err *e) MUST_CHECK;

struct route53_change_info {
	char id[64]; /* without "/change/" */
	bool insync;
};

/* An answer to a change or to GetChange. */
bool route53_parse_change(const char *bytes, size_t n, struct route53_change_info *info,
    struct err *e) MUST_CHECK;

struct route53_error {
	char code[64];     /* "InvalidChangeBatch" */
	char message[320]; /* printable; several joined by "; ", cut to fit */
	bool lost;         /* one of the messages says that a comparison failed */
};

/* Either shape of refusal. False when it is neither. */
bool route53_parse_error(
    const char *bytes, size_t n, struct route53_error *out, struct err *e) MUST_CHECK;

/* Adds the document of one change. All deletions come before all creations, so that
 * no half-way state can break a rule of the zone (one TTL a group, CNAME alone).
 * ledger_old_raw: the old ledger in the zone's own spelling, NULL for ours. False:
 * past a limit of AWS, or a set that cannot be repeated (foreign, truncated). */
bool route53_format_change(struct text *out, const struct zone_change *c,
    const char *ledger_old_raw, struct err *e) MUST_CHECK;

#endif
