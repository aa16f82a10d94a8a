/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records.h - DNS record sets as Route 53 knows them.
 *
 * The same struct carries what was read from the zone and what we want there.
 * Names and alias names are lowercase, without the trailing dot, with Route
 * 53's octal escapes ("\052.example.com"). Values are in presentation form, one
 * a line ('\n' between), in the order that the zone gave them. API_ResourceRecordSet.html
 */
#ifndef STEERING_CORE_RECORDS_H
#define STEERING_CORE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/bounds.h"

enum rrtype { RR_OTHER = 0, RR_A, RR_AAAA, RR_CNAME, RR_TXT };
enum rrpolicy { RR_SIMPLE = 0, RR_WEIGHTED, RR_PRIMARY, RR_SECONDARY, RR_FOREIGN };

#define RR_VALUES_BYTES 1024
#define RR_SET_ID_MAX 129
#define RR_HEALTH_MAX 65

struct rrset {
	char name[DNS_NAME_MAX];
	enum rrtype type;
	enum rrpolicy policy;       /* RR_FOREIGN: latency, geo, multivalue … */
	char set_id[RR_SET_ID_MAX]; /* "" for simple */
	uint8_t weight;
	uint32_t ttl_s; /* 0 for an alias */
	bool alias, alias_evaluate;
	bool truncated; /* more or longer values than we hold: not ours */
	char alias_zone[33];
	char alias_name[DNS_NAME_MAX];
	char health_check[RR_HEALTH_MAX]; /* "" for none */
	uint32_t values;
	char value[RR_VALUES_BYTES]; /* '\n' between values */
};

const char *rrtype_text(enum rrtype t); /* "A", …; "?" for other */

/* Order of (name, type, set id): the identity of a record set in a zone. */
int rrset_compare_key(const struct rrset *a, const struct rrset *b);
/* Same identity and same content; the order of values does not matter. */
bool rrset_equal(const struct rrset *a, const struct rrset *b);
/* A digest over sets in any order; equal worlds, equal digests. */
uint64_t rrset_digest(const struct rrset *sets, size_t n);

#endif
