/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list order (labels reversed) makes the tree questions cheap: everything below a
 * name follows it directly, so one binary search tells an empty non-terminal from a
 * name that does not exist.
 */
#include "tests/lab/resolve.h"

#include <stdio.h>
#include <string.h>

enum { HOPS_MAX = 8, TYPE_ANY = 255, TYPE_DS = 43 };

struct resolving {
	const struct view *view;
	const struct zone *zone;
	const struct version *v;
	struct resolve_answer *a;
	char name[NAME_TEXT_BYTES]; /* asked for now; changes along CNAMEs */
	char node[NAME_TEXT_BYTES]; /* what answers for it: itself or a wildcard */
};

/* Is there a record at the name, or below it? */
static bool
name_exists(const struct version *v, const char *name)
{
	char key[NAME_TEXT_BYTES];

	name_key(name, key);
	size_t i = version_lower(v, key, "", NULL);
	return i < v->n && strncmp(v->sets[i]->key, key, strlen(key)) == 0;
}

/* Finds the node that answers; false: NXDOMAIN. */
static bool
find_node(struct resolving *q)
{
	const char *encloser = q->name;

	snprintf(q->node, sizeof q->node, "%s", q->name);
	if (name_exists(q->v, q->name))
		return true;
	while (!name_exists(q->v, encloser) && strcmp(encloser, q->zone->name) != 0)
		encloser = name_parent(encloser);
	/* The wildcard's text may be a little longer than the name it stands for. */
	if (snprintf(q->node, sizeof q->node, "\\052.%s", encloser) >=
	    (int)sizeof q->node)
		return false;
	return name_exists(q->v, q->node);
}

/* The highest zone cut between the apex and the name. */
static const struct rrset *
find_cut(const struct resolving *q, uint16_t type)
{
	const struct rrset *cut = NULL;

	for (const char *at = q->name; strcmp(at, q->zone->name) != 0;
	     at = name_parent(at)) {
		struct group g = group_find(q->v, at, "NS");

		if (g.n > 0 && !(type == TYPE_DS && at == q->name))
			cut = g.sets[0];
	}
	return cut;
}

static void
add_entry(struct resolving *q, const struct rrset *set)
{
	struct resolve_entry *e;

	if (q->a->n == RESOLVE_ENTRIES_MAX)
		return;
	e = &q->a->entries[q->a->n++];
	snprintf(e->owner, sizeof e->owner, "%s", q->name);
	e->set = set;
}

/* Follows an alias to addresses; NULL: the target is empty or unknown. */
static const struct rrset *
follow_alias(struct resolving *q, const struct rrset *set)
{
	for (int depth = 0; set->alias_zone != NULL; depth++) {
		struct zone *z = store_find_zone(&q->view->lab->store, set->alias_zone);
		const struct rrset *picked[PICK_MAX];
		struct group g;

		if (depth == ALIAS_DEPTH_MAX)
			return NULL;
		if (z == NULL)
			return world_find_target(
			    &q->view->lab->world, set->alias_name, set->type);
		g = group_find(
		    view_version(q->view, z), set->alias_name, set->type->name);
		if (g.n == 0)
			return NULL;
		pick_sets(q->view, g, picked);
		set = picked[0];
	}
	return set;
}

static void
add_group(struct resolving *q, struct group g)
{
	const struct rrset *picked[PICK_MAX];
	size_t n = pick_sets(q->view, g, picked);

	for (size_t i = 0; i < n; i++) {
		const struct rrset *set = follow_alias(q, picked[i]);

		if (set != NULL)
			add_entry(q, set);
		else
			q->a->rcode = RESOLVE_SERVFAIL;
	}
}

static void
set_negative(struct resolving *q, enum resolve_rcode rcode)
{
	struct group g = group_find(q->v, q->zone->name, "SOA");

	q->a->rcode = rcode;
	q->a->soa = g.n > 0 ? g.sets[0] : NULL;
}

static struct group
group_asked(const struct resolving *q, uint16_t type)
{
	const struct rrtype *t = rrtype_find_number(type);
	char key[NAME_TEXT_BYTES];

	if (type == TYPE_ANY) {
		name_key(q->node, key);
		size_t i = version_lower(q->v, key, "", NULL);
		if (i < q->v->n && strcmp(q->v->sets[i]->key, key) == 0)
			t = q->v->sets[i]->type;
	}
	return t != NULL ? group_find(q->v, q->node, t->name) : (struct group){0};
}

/* One name of the chain; true: a CNAME led on to another name in the zone. */
static bool
resolve_step(struct resolving *q, uint16_t type)
{
	char target[NAME_TEXT_BYTES];

	q->a->referral = find_cut(q, type);
	if (q->a->referral != NULL) {
		q->a->authoritative = q->a->n > 0;
		return false;
	}
	if (!find_node(q)) {
		set_negative(q, RESOLVE_NXDOMAIN);
		return false;
	}
	struct group g = group_asked(q, type);
	if (g.n > 0) {
		add_group(q, g);
		return false;
	}
	g = group_find(q->v, q->node, "CNAME");
	if (g.n == 0) {
		set_negative(q, RESOLVE_NOERROR);
		return false;
	}
	size_t before = q->a->n;
	add_group(q, g);
	if (q->a->n == before ||
	    !name_parse(q->a->entries[before].set->values[0], target) ||
	    !name_within(target, q->zone->name))
		return false;
	memcpy(q->name, target, sizeof target);
	return true;
}

void
resolve_question(
    const struct view *view, const char *name, uint16_t type, struct resolve_answer *a)
{
	struct resolving q = {.view = view, .a = a};

	a->rcode = RESOLVE_NOERROR;
	a->authoritative = true;
	a->n = 0;
	a->soa = a->referral = NULL;
	q.zone = store_zone_of(&view->lab->store, name, view->resolver);
	if (q.zone == NULL) {
		a->rcode = RESOLVE_REFUSED;
		a->authoritative = false;
		return;
	}
	q.v = view_version(view, q.zone);
	snprintf(q.name, sizeof q.name, "%s", name);
	for (int hop = 0; resolve_step(&q, type); hop++)
		if (hop == HOPS_MAX)
			return;
}
