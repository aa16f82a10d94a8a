/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conflicts (CNAME, mixed policies, a second PRIMARY, alias targets) are judged when a
 * set is added, in the order of the batch: a DELETE that makes room must come first.
 * One TTL per weighted group can only be judged at the end, because a batch that moves
 * a whole group to a new TTL passes through mixtures. AWS does not document the order;
 * this is the stricter reading.
 */
#include "tests/lab/rules.h"
#include "tests/lab/name.h"

#include <stdio.h>
#include <string.h>

enum {
	BATCH_RECORDS_MAX = 1000,
	BATCH_CHARACTERS_MAX = 32000,
	WEIGHTED_SETS_MAX = 100,
	RECORDS_PER_SET_MAX = 400,
};

void
rules_identity(const struct rrset *set, char who[RULES_IDENTITY_BYTES])
{
	if (set->set_id == NULL)
		snprintf(who, RULES_IDENTITY_BYTES, "[name='%s', type='%s']", set->name,
		    set->type->name);
	else
		snprintf(who, RULES_IDENTITY_BYTES,
		    "[name='%s', type='%s', set-identifier='%s']", set->name,
		    set->type->name, set->set_id);
}

bool
rules_check_size(const struct batch *b, struct messages *m)
{
	size_t records = 0, characters = 0;

	for (size_t i = 0; i < b->n; i++) {
		const struct rrset *set = b->items[i].set;
		size_t times = b->items[i].action == ACTION_UPSERT ? 2 : 1;

		records += times * (set->values_n > 0 ? set->values_n : 1);
		for (size_t k = 0; k < set->values_n; k++)
			characters += times * strlen(set->values[k]);
	}
	if (records > BATCH_RECORDS_MAX)
		messages_add(
		    m, "Number of records limit of %d exceeded.", BATCH_RECORDS_MAX);
	if (characters > BATCH_CHARACTERS_MAX)
		messages_add(m, "Number of characters limit of %d exceeded.",
		    BATCH_CHARACTERS_MAX);
	return m->n == 0;
}

static void
check_values(const struct rrset *set, struct messages *m)
{
	uint8_t wire[VALUE_WIRE_MAX];
	char why[800];
	size_t len;

	for (size_t i = 0; i < set->values_n; i++) {
		if (!value_to_wire(
			set->type, set->values[i], wire, &len, why, sizeof why))
			messages_add(m, "%s", why);
		for (size_t k = 0; k < i; k++)
			if (strcmp(set->values[i], set->values[k]) == 0)
				messages_add(m, "Duplicate Resource Record: '%s'",
				    set->values[i]);
	}
}

bool
rules_check_set(
    const struct rrset *set, bool values, const struct zone *z, struct messages *m)
{
	size_t before = m->n;
	const char *type = set->type->name;

	if (!name_within(set->name, z->name)) {
		messages_add(m, "RRSet with DNS name %s is not permitted in zone %s",
		    set->name, z->name);
		return false;
	}
	if (!values)
		return true;
	check_values(set, m);
	if (set->values_n > RECORDS_PER_SET_MAX)
		messages_add(m,
		    "RRSet with DNS name %s, type %s has more than %d records",
		    set->name, type, RECORDS_PER_SET_MAX);
	if (set->values_n > 1 &&
	    (strcmp(type, "CNAME") == 0 || strcmp(type, "SOA") == 0))
		messages_add(m, "RRSet of type %s with DNS name %s must have one value",
		    type, set->name);
	if (strcmp(type, "CNAME") == 0 && strcmp(set->name, z->name) == 0)
		messages_add(m,
		    "RRSet of type CNAME with DNS name %s is not permitted at apex in zone %s",
		    set->name, z->name);
	if (strcmp(type, "SOA") == 0 && strcmp(set->name, z->name) != 0)
		messages_add(m,
		    "RRSet of type SOA with DNS name %s is permitted only at apex in zone %s",
		    set->name, z->name);
	return m->n == before;
}

static void
check_cname(const struct rrset *there, const struct rrset *set, const struct zone *z,
    struct messages *m)
{
	bool there_cname = strcmp(there->type->name, "CNAME") == 0;
	bool set_cname = strcmp(set->type->name, "CNAME") == 0;

	if (set_cname && !there_cname)
		messages_add(m,
		    "RRSet of type CNAME with DNS name %s is not permitted as it conflicts "
		    "with other records with the same DNS name in zone %s",
		    set->name, z->name);
	if (there_cname && !set_cname)
		messages_add(m,
		    "RRSet of type %s with DNS name %s is not permitted because a "
		    "conflicting RRSet of type  CNAME with the same DNS name already exists "
		    "in zone %s",
		    set->type->name, set->name, z->name);
}

static const char *
twin_problem(const struct rrset *there, const struct rrset *set)
{
	switch (rrset_policy(set)) {
	case POLICY_FAILOVER:
		return there->failover == set->failover
		    ? "another failover set with the same role"
		    : NULL;
	case POLICY_LATENCY:
		return strcmp(there->region, set->region) == 0
		    ? "another latency set with the same region"
		    : NULL;
	case POLICY_SIMPLE:
	case POLICY_WEIGHTED:
	case POLICY_GEO:
	case POLICY_MULTIVALUE:
		return NULL;
	}
	return NULL;
}

static void
check_group(const struct rrset *there, const struct rrset *set, struct messages *m)
{
	enum policy policy = rrset_policy(set);
	const char *twin;

	if (rrset_policy(there) != policy) {
		messages_add(m,
		    "RRSet with DNS name %s, type %s, SetIdentifier %s cannot be created "
		    "because a non %s rrset exists with the same name and type.",
		    set->name, set->type->name, set->set_id ? set->set_id : "null",
		    policy_name(policy));
		return;
	}
	twin = twin_problem(there, set);
	if (twin != NULL)
		messages_add(m,
		    "RRSet with DNS name %s, type %s, SetIdentifier %s cannot be created "
		    "because %s exists with the same name and type.",
		    set->name, set->type->name, set->set_id ? set->set_id : "null",
		    twin);
}

static void
check_alias(const struct version *v, const struct rrset *set, struct store *s,
    const struct zone *z, struct messages *m)
{
	const struct zone *target = store_find_zone(s, set->alias_zone);
	const struct version *in = target == z ? v
	    : target != NULL                   ? target->now
					       : NULL;
	char key[NAME_TEXT_BYTES];
	const char *problem = NULL;

	if (in == NULL) {
		/* Some load balancer's zone: it cannot hold a name of ours. */
		if (name_within(set->alias_name, z->name))
			problem =
			    "the alias target name does not lie within the target zone";
	} else if (!name_within(set->alias_name, target->name)) {
		problem = "the alias target name does not lie within the target zone";
	} else {
		name_key(set->alias_name, key);
		size_t i = version_lower(in, key, set->type->name, NULL);

		if (i == in->n || strcmp(in->sets[i]->key, key) != 0 ||
		    in->sets[i]->type != set->type)
			problem = "that target was not found";
	}
	if (problem != NULL)
		messages_add(m,
		    "Tried to create an alias that targets %s, type %s in zone %s, but %s",
		    set->alias_name, set->type->name, set->alias_zone, problem);
}

void
rules_check_place(const struct version *v, const struct rrset *set, struct store *s,
    const struct zone *z, struct messages *m)
{
	for (size_t i = version_lower(v, set->key, "", NULL);
	     i < v->n && strcmp(v->sets[i]->key, set->key) == 0; i++) {
		if (v->sets[i]->type == set->type)
			check_group(v->sets[i], set, m);
		else
			check_cname(v->sets[i], set, z, m);
	}
	if (set->alias_zone != NULL)
		check_alias(v, set, s, z, m);
}

static void
check_weighted_group(
    const struct version *v, const struct rrset *set, struct messages *m)
{
	size_t n = 0;
	const struct rrset *first = NULL;
	bool mixed = false;

	for (size_t i = version_lower(v, set->key, set->type->name, NULL); i < v->n &&
	     strcmp(v->sets[i]->key, set->key) == 0 && v->sets[i]->type == set->type;
	     i++, n++) {
		if (!v->sets[i]->has_ttl)
			continue;
		if (first == NULL)
			first = v->sets[i];
		mixed = mixed || v->sets[i]->ttl_s != first->ttl_s;
	}
	if (mixed)
		messages_add(m,
		    "RRSets with DNS name %s, type %s must all have the same TTL, because "
		    "they are weighted",
		    set->name, set->type->name);
	if (n > WEIGHTED_SETS_MAX)
		messages_add(m,
		    "RRSets with DNS name %s, type %s are more than %d weighted "
		    "sets",
		    set->name, set->type->name, WEIGHTED_SETS_MAX);
}

static bool
apex_has(const struct version *v, const struct zone *z, const char *type)
{
	char key[NAME_TEXT_BYTES];

	name_key(z->name, key);
	size_t i = version_lower(v, key, type, NULL);
	return i < v->n && strcmp(v->sets[i]->key, key) == 0 &&
	    strcmp(v->sets[i]->type->name, type) == 0;
}

void
rules_check_end(const struct version *v, const struct batch *b, const struct zone *z,
    struct messages *m)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].action != ACTION_DELETE && b->items[i].set->has_weight)
			check_weighted_group(v, b->items[i].set, m);
	if (!apex_has(v, z, "SOA"))
		messages_add(m, "A HostedZone must contain exactly one SOA record.");
	if (!apex_has(v, z, "NS"))
		messages_add(m,
		    "A HostedZone must contain at least one NS record for the zone itself.");
}
