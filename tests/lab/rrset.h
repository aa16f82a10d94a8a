/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset.h - one resource record set as Route 53 keeps it.
 *
 * Filled in by its maker, then never changed: zones, versions and snapshots share sets
 * by counting references. A set is identified by name, type and set identifier.
 */
#ifndef LAB_RRSET_H
#define LAB_RRSET_H

#include "tests/lab/value.h"

enum policy {
	POLICY_SIMPLE = 0,
	POLICY_WEIGHTED,
	POLICY_LATENCY,
	POLICY_GEO,
	POLICY_FAILOVER,
	POLICY_MULTIVALUE,
};

enum failover { FAILOVER_NONE = 0, FAILOVER_PRIMARY, FAILOVER_SECONDARY };

struct rrset {
	unsigned refs;
	char *name; /* text form, see name.h */
	char *key;
	const struct rrtype *type;
	char *set_id; /* NULL: none */

	/* Routing policy: at most one of these is given. */
	bool has_weight;
	uint8_t weight;
	char *region;
	char *continent, *country, *subdivision;
	enum failover failover;
	bool multivalue;

	/* Either TTL and values, or an alias. */
	bool has_ttl;
	uint32_t ttl_s;
	char **values;
	size_t values_n;
	char *alias_zone; /* NULL: not an alias */
	char *alias_name; /* text form */
	bool alias_evaluate;

	char *health; /* id of a health check, or NULL */
};

struct rrset *rrset_new(void); /* one reference, everything empty */
struct rrset *rrset_ref(struct rrset *set);
void rrset_unref(struct rrset *set); /* NULL is allowed */

/* name is in text form. Sets name and key. */
void rrset_set_name(struct rrset *set, const char *name);
void rrset_add_value(struct rrset *set, const char *value);

enum policy rrset_policy(const struct rrset *set);
const char *policy_name(enum policy policy);
const char *failover_name(enum failover role);

/* The order of lists: key, type, set identifier; no identifier comes first. */
int rrset_cmp(const struct rrset *a, const struct rrset *b);
int rrset_cmp_key(
    const struct rrset *set, const char *key, const char *type, const char *set_id);

/* What a DELETE must repeat: TTL, values in any order, or the alias, and the policy. */
bool rrset_same(const struct rrset *a, const struct rrset *b);

#endif
