/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The form of a change: which fields demand or exclude each other. AWS answers these
 * with InvalidInput and stops at the first, before it looks at the zone.
 */
#include "tests/lab/form.h"

#include <stdio.h>
#include <string.h>

enum { DETAIL_BYTES = 400 };

static const char policies[] = "[Weight, Region, Failover, GeoLocation, "
			       "MultiValueAnswer, or TrafficPolicyInstanceId]";
static const char contents[] = "[AliasTarget, all of [TTL, and ResourceRecords], or "
			       "TrafficPolicyInstanceId]";

static unsigned
policies_given(const struct rrset *set)
{
	return (unsigned)set->has_weight + (set->region != NULL) +
	    (set->failover != FAILOVER_NONE) + (unsigned)set->multivalue +
	    (set->continent != NULL || set->country != NULL);
}

/* NULL: the routing policy is well formed. */
static const char *
policy_problem(const struct rrset *set, char why[DETAIL_BYTES])
{
	unsigned given = policies_given(set);

	if (given > 0 && set->set_id == NULL)
		return "Missing field 'SetIdentifier'";
	if (given == 0 && set->set_id != NULL) {
		snprintf(why, DETAIL_BYTES,
		    "Expected exactly one of %s, but found none", policies);
		return why;
	}
	if (given > 1) {
		snprintf(why, DETAIL_BYTES,
		    "Expected exactly one of %s, but found more than one", policies);
		return why;
	}
	if (given > 0 &&
	    (strcmp(set->type->name, "NS") == 0 || strcmp(set->type->name, "SOA") == 0))
		return "NS and SOA records can have no routing policy";
	return NULL;
}

static const char *
content_problem(const struct rrset *set, char why[DETAIL_BYTES])
{
	bool alias = set->alias_zone != NULL;

	if (!alias && !set->has_ttl && set->values_n == 0) {
		snprintf(why, DETAIL_BYTES,
		    "Expected exactly one of %s, but found none", contents);
		return why;
	}
	if (alias && (set->has_ttl || set->values_n > 0)) {
		snprintf(why, DETAIL_BYTES,
		    "Expected exactly one of %s, but found more than one", contents);
		return why;
	}
	if (!alias && !set->has_ttl)
		return "Missing field 'TTL'";
	if (!alias && set->values_n == 0)
		return "Missing field 'ResourceRecords'";
	if (alias && set->multivalue)
		return "A multivalue answer set cannot be an alias";
	return NULL;
}

static const char *
failover_problem(const struct rrset *set)
{
	if (set->failover != FAILOVER_PRIMARY)
		return NULL;
	if (set->alias_zone == NULL && set->health == NULL)
		return "Missing field 'HealthCheckId' of a PRIMARY that is not an alias";
	if (set->alias_zone != NULL && !set->alias_evaluate)
		return "A PRIMARY that is an alias must have EvaluateTargetHealth true";
	return NULL;
}

bool
form_check_batch(const struct batch *b, char why[FORM_WHY_BYTES])
{
	for (size_t i = 0; i < b->n; i++) {
		const struct rrset *set = b->items[i].set;
		char detail[DETAIL_BYTES];
		const char *problem = policy_problem(set, detail);

		if (problem == NULL)
			problem = content_problem(set, detail);
		if (problem == NULL && b->items[i].action != ACTION_DELETE)
			problem = failover_problem(set);
		if (problem == NULL)
			continue;
		snprintf(why, FORM_WHY_BYTES,
		    "Invalid request: %.400s in Change with [Action=%s, Name=%.1100s, Type=%s, "
		    "SetIdentifier=%.130s]",
		    problem, action_name(b->items[i].action), set->name,
		    set->type->name, set->set_id != NULL ? set->set_id : "null");
		return false;
	}
	return true;
}
