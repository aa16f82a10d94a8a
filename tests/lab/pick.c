/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
 * Candidates are narrowed to the first tier that is not empty, so every rule about
 * health and zero weights is one line of a table of tiers.
 */
#include "tests/lab/pick.h"
#include "tests/lab/name.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_MAX = 400 };

struct version *
view_version(const struct view *view, const struct zone *z)
{
	return zone_visible(z, view->delay_ms, view->now_ms);
}

struct group
group_find(const struct version *v, const char *name, const char *type)
{
	char key[NAME_TEXT_BYTES];
	struct group g = {0};

	name_key(name, key);
	size_t i = version_lower(v, key, type, NULL);
	g.sets = v->sets + i;
	while (i + g.n < v->n && strcmp(g.sets[g.n]->key, key) == 0 &&
	    strcmp(g.sets[g.n]->type->name, type) == 0)
		g.n++;
	return g;
}

static bool is_healthy(const struct view *view, const struct rrset *set, int depth);

/* An evaluated alias is as well as the best of what it points to. */
static bool
is_target_healthy(const struct view *view, const struct rrset *set, int depth)
{
	struct zone *z = store_find_zone(&view->lab->store, set->alias_zone);

	if (z == NULL)
		return world_is_healthy(&view->lab->world, set->alias_name) &&
		    world_find_target(&view->lab->world, set->alias_name, set->type) !=
		    NULL;
	struct group g =
	    group_find(view_version(view, z), set->alias_name, set->type->name);
	for (size_t i = 0; i < g.n; i++)
		if (is_healthy(view, g.sets[i], depth + 1))
			return true;
	return false;
}

static bool
is_healthy(const struct view *view, const struct rrset *set, int depth)
{
	if (set->health != NULL && !checks_is_healthy(&view->lab->checks, set->health))
		return false;
	if (set->alias_zone == NULL || !set->alias_evaluate || depth >= ALIAS_DEPTH_MAX)
		return true;
	return is_target_healthy(view, set, depth);
}

/* How good a candidate is; the lowest tier that anyone is in answers. */
static int
tier_of(const struct view *view, const struct rrset *set)
{
	bool healthy = is_healthy(view, set, 0);
	bool second = (set->has_weight && set->weight == 0) ||
	    set->failover == FAILOVER_SECONDARY;

	return (healthy ? 0 : 2) + (second ? 1 : 0);
}

static const struct rrset *
pick_by_weight(const struct rrset *const *from, size_t n)
{
	uint32_t total = 0, mark;
	size_t i;

	for (i = 0; i < n; i++)
		total += from[i]->weight;
	if (total == 0)
		return from[arc4random_uniform((uint32_t)n)];
	mark = arc4random_uniform(total);
	for (i = 0; mark >= from[i]->weight; i++)
		mark -= from[i]->weight;
	return from[i];
}

static size_t
pick_some(const struct rrset **from, size_t n, const struct rrset *picked[PICK_MAX])
{
	size_t want = n < PICK_MAX ? n : PICK_MAX;

	for (size_t i = 0; i < want; i++) {
		size_t k = i + arc4random_uniform((uint32_t)(n - i));

		picked[i] = from[k];
		from[k] = from[i];
	}
	return want;
}

size_t
pick_sets(
    const struct view *view, struct group group, const struct rrset *picked[PICK_MAX])
{
	const struct rrset *best[GROUP_MAX];
	size_t n = 0;
	int tier = 4;

	assert(group.n > 0);
	for (size_t i = 0; i < group.n; i++) {
		int mine = tier_of(view, group.sets[i]);

		if (mine < tier) {
			tier = mine;
			n = 0;
		}
		if (mine == tier && n < GROUP_MAX)
			best[n++] = group.sets[i];
	}
	switch (rrset_policy(best[0])) {
	case POLICY_MULTIVALUE:
		return pick_some(best, n, picked);
	case POLICY_WEIGHTED:
		picked[0] = pick_by_weight(best, n);
		return 1;
	case POLICY_SIMPLE:
	case POLICY_LATENCY:
	case POLICY_GEO:
	case POLICY_FAILOVER:
		picked[0] = best[0];
		return 1;
	}
	return 0;
}
