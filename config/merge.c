/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.c - templates into services, key by key.
 *
 * Done on the tree, before anything is read from it: every node keeps the place it
 * came from, so a mistake in a template is told where the template stands. Maps are
 * merged at every depth in the template's order, what only the service has comes
 * behind; lists and scalars are replaced whole. Templates do not nest.
 */
#include "config/load.h"

#include <string.h>

static size_t
node_count(const struct ynode *node)
{
	size_t n = 1;

	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		n += node_count(c);
	return n;
}

static void
append(struct ynode *map, struct ynode *child)
{
	child->next = NULL;
	if (map->last == NULL)
		map->first = child;
	else
		map->last->next = child;
	map->last = child;
	map->children++;
}

static struct ynode *
copy(struct region *r, const struct ynode *node)
{
	struct ynode *n = region_alloc(r, sizeof *n);

	*n = *node;
	return n;
}

/* Only maps that both have are taken apart; whole subtrees are shared. */
static struct ynode *
merge(struct region *r, const struct ynode *below, const struct ynode *above)
{
	struct ynode *merged = copy(r, above);

	if (below->kind != YNODE_MAP || above->kind != YNODE_MAP)
		return merged;
	merged->first = merged->last = NULL;
	merged->children = 0;
	for (const struct ynode *b = below->first; b != NULL; b = b->next) {
		const struct ynode *a = ynode_get(above, b->key);

		append(merged, a != NULL ? merge(r, b, a) : copy(r, b));
	}
	for (const struct ynode *a = above->first; a != NULL; a = a->next)
		if (ynode_get(below, a->key) == NULL)
			append(merged, copy(r, a));
	return merged;
}

static const struct ynode *
template_of(const struct ynode *root, const struct ynode *service)
{
	const struct ynode *name = ynode_get(service, "template");

	if (name == NULL || name->kind != YNODE_SCALAR)
		return NULL;
	return ynode_get(ynode_get(root, "templates"), name->text);
}

bool
merge_templates(struct ynode *root, struct region *r, struct config_notes *notes)
{
	const struct ynode *services = ynode_get(root, "services");
	size_t total = 0;

	if (services == NULL || services->kind != YNODE_MAP)
		return true;
	for (struct ynode *s = services->first; s != NULL; s = s->next) {
		const struct ynode *t = template_of(root, s);

		if (t == NULL)
			continue;
		total += node_count(t);
		if (total > YAML_NODES_MAX) {
			note_error(notes, s->key_line, s->key_column,
			    "the templates come to more than %d values",
			    YAML_NODES_MAX);
			return false;
		}
		struct ynode *next = s->next, *merged = merge(r, t, s);
		*s = *merged;
		s->next = next;
	}
	return true;
}
