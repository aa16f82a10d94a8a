/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets are shared by reference count and never changed once published, so that a
 * change batch copies pointers, not records, and old versions cost nothing to keep.
 * Out of memory ends the lab: it is a test tool, and no answer it could give would be
 * right.
 */
#include "tests/lab/rrset.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct rrset *
rrset_new(void)
{
	struct rrset *set = heap_zero(sizeof *set);

	set->refs = 1;
	return set;
}

struct rrset *
rrset_ref(struct rrset *set)
{
	set->refs++;
	return set;
}

void
rrset_unref(struct rrset *set)
{
	if (set == NULL || --set->refs > 0)
		return;
	for (size_t i = 0; i < set->values_n; i++)
		free(set->values[i]);
	free(set->values);
	free(set->name);
	free(set->key);
	free(set->set_id);
	free(set->region);
	free(set->continent);
	free(set->country);
	free(set->subdivision);
	free(set->alias_zone);
	free(set->alias_name);
	free(set->health);
	free(set);
}

void
rrset_set_name(struct rrset *set, const char *name)
{
	char key[NAME_TEXT_BYTES];

	name_key(name, key);
	free(set->name);
	free(set->key);
	set->name = heap_string(name);
	set->key = heap_string(key);
}

void
rrset_add_value(struct rrset *set, const char *value)
{
	set->values =
	    heap_grow(set->values, set->values_n + 1, sizeof *set->values, NULL);
	set->values[set->values_n++] = heap_string(value);
}

enum policy
rrset_policy(const struct rrset *set)
{
	if (set->has_weight)
		return POLICY_WEIGHTED;
	if (set->region != NULL)
		return POLICY_LATENCY;
	if (set->continent != NULL || set->country != NULL)
		return POLICY_GEO;
	if (set->failover != FAILOVER_NONE)
		return POLICY_FAILOVER;
	return set->multivalue ? POLICY_MULTIVALUE : POLICY_SIMPLE;
}

const char *
policy_name(enum policy policy)
{
	static const char *const names[] = {
	    [POLICY_SIMPLE] = "simple",
	    [POLICY_WEIGHTED] = "weighted",
	    [POLICY_LATENCY] = "latency",
	    [POLICY_GEO] = "geolocation",
	    [POLICY_FAILOVER] = "failover",
	    [POLICY_MULTIVALUE] = "multivalue answer",
	};

	return names[policy];
}

const char *
failover_name(enum failover role)
{
	assert(role != FAILOVER_NONE);
	return role == FAILOVER_PRIMARY ? "PRIMARY" : "SECONDARY";
}

int
rrset_cmp_key(
    const struct rrset *set, const char *key, const char *type, const char *set_id)
{
	int order = strcmp(set->key, key);

	if (order == 0)
		order = strcmp(set->type->name, type);
	if (order == 0)
		order = strcmp(
		    set->set_id ? set->set_id : "", set_id != NULL ? set_id : "");
	return order;
}

int
rrset_cmp(const struct rrset *a, const struct rrset *b)
{
	return rrset_cmp_key(a, b->key, b->type->name, b->set_id);
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int
cmp_values(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
same_values(const struct rrset *a, const struct rrset *b)
{
	bool same = a->values_n == b->values_n;
	size_t n = a->values_n;

	if (!same || n == 0)
		return same;
	char **left = heap_copy(a->values, n * sizeof *left);
	char **right = heap_copy(b->values, n * sizeof *right);
	qsort(left, n, sizeof *left, cmp_values);
	qsort(right, n, sizeof *right, cmp_values);
	for (size_t i = 0; same && i < n; i++)
		same = strcmp(left[i], right[i]) == 0;
	free(left);
	free(right);
	return same;
}

bool
rrset_same(const struct rrset *a, const struct rrset *b)
{
	return a->has_ttl == b->has_ttl && a->ttl_s == b->ttl_s &&
	    a->has_weight == b->has_weight && a->weight == b->weight &&
	    a->failover == b->failover && a->multivalue == b->multivalue &&
	    same_text(a->region, b->region) && same_text(a->continent, b->continent) &&
	    same_text(a->country, b->country) &&
	    same_text(a->subdivision, b->subdivision) &&
	    same_text(a->alias_zone, b->alias_zone) &&
	    same_text(a->alias_name, b->alias_name) &&
	    a->alias_evaluate == b->alias_evaluate && same_text(a->health, b->health) &&
	    same_values(a, b);
}
