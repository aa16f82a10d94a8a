/* SPDX-License-Identifier: Apache-2.0 */
/* One place says what the zone means to the engine: for the agent, and for `plan`. */
#include "steering/agent/zone_sets.h"

#include <stdlib.h>
#include <string.h>

static int
by_key(const void *a, const void *b)
{
	return rrset_compare_key(a, b);
}

struct rrset *
sets_wanted(
    const struct config_service *conf, const uint8_t weight[MEMBERS_MAX], size_t *n)
{
	struct rrset *sets = calloc(RRSETS_MAX, sizeof *sets);

	if (sets == NULL)
		abort();
	*n = config_records(conf, weight, sets);
	qsort(sets, *n, sizeof *sets, by_key);
	return sets;
}

uint64_t
sets_digest(const struct config_service *conf, const uint8_t weight[MEMBERS_MAX])
{
	size_t n;
	struct rrset *sets = sets_wanted(conf, weight, &n);
	uint64_t digest = rrset_digest(sets, n);

	free(sets);
	return digest;
}

const struct rrset *
sets_find(const struct zone_view *v, const struct rrset *like)
{
	return v->sets == 0 ? NULL
			    : bsearch(like, v->set, v->sets, sizeof *v->set, by_key);
}

static int16_t
weight_of(const struct rrset *set)
{
	switch (set->policy) {
	case RR_WEIGHTED:
		return (int16_t)set->weight;
	case RR_SIMPLE:
	case RR_PRIMARY:
		return 1;
	case RR_SECONDARY:
		return 0;
	case RR_FOREIGN:
		break;
	}
	return -1;
}

static bool
is_member(const struct config_service *conf, const char *set_id)
{
	for (uint32_t m = 0; m < conf->rule.members; m++)
		if (strcmp(conf->rule.member[m].name, set_id) == 0)
			return true;
	return false;
}

/* A set that answers as this one would, under another identifier or none: what stands
 * in a zone before it is adopted. */
static const struct rrset *
find_alike(const struct config_service *conf, const struct zone_view *v,
    const struct rrset *want)
{
	for (size_t i = 0; i < v->sets; i++) {
		const struct rrset *is = &v->set[i];
		struct rrset as = *is;

		if (is_member(conf, is->set_id) || is->alias != want->alias ||
		    is->truncated)
			continue;
		memcpy(as.name, want->name, sizeof as.name);
		as.type = want->type;
		as.values = want->values;
		memcpy(as.value, want->value, sizeof as.value);
		memcpy(as.alias_zone, want->alias_zone, sizeof as.alias_zone);
		memcpy(as.alias_name, want->alias_name, sizeof as.alias_name);
		if (rrset_equal(is, &as))
			return is;
	}
	return NULL;
}

/* The weight of a member in the zone: of the sets that would be its own if it alone
 * had one, else of those that answer alike. -1: it has none there. */
static int16_t
weight_seen(
    const struct config_service *conf, const struct zone_view *v, uint32_t member)
{
	uint8_t weight[MEMBERS_MAX] = {0};
	int16_t found = -1;
	size_t n;

	weight[member] = 1;
	struct rrset *sets = sets_wanted(conf, weight, &n);
	for (size_t i = 0; i < n && found < 0; i++) {
		bool its = sets[i].policy == RR_PRIMARY || sets[i].weight == 1;
		const struct rrset *set = its ? sets_find(v, &sets[i]) : NULL;

		if (its && set == NULL)
			set = find_alike(conf, v, &sets[i]);
		if (set != NULL)
			found = weight_of(set);
	}
	free(sets);
	return found;
}

void
sets_view(const struct config_service *conf, const struct zone_view *v,
    struct engine_view *out)
{
	*out = (struct engine_view){.result = CHANGE_OK, .error = ""};
	out->ledger_present = v->ledger_present || v->ledger_odd;
	out->ledger_odd = v->ledger_odd;
	/* What is no TXT of one value is no ledger, whatever it says. */
	out->ledger = v->ledger_odd ? "" : v->ledger;
	out->sets = (uint32_t)v->sets;
	out->digest = rrset_digest(v->set, v->sets);
	for (uint32_t m = 0; m < conf->rule.members; m++)
		out->weight[m] = weight_seen(conf, v, m);
}

bool
sets_may_remove(const struct intent *i, enum order_kind order)
{
	return i->kind == INTENT_RECORDS ||
	    (i->kind == INTENT_ORDER &&
		(order == ORDER_ADOPT || order == ORDER_UNFREEZE));
}
