/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This is the compare-and-swap that the whole product stands on, so it is kept as
 * plain as possible: every change is tried in turn on a private copy, every complaint
 * is collected, and only a batch without complaints yields a version.
 */
#include "tests/lab/batch.h"
#include "tests/lab/heap.h"
#include "tests/lab/rules.h"

#include <stdlib.h>
#include <string.h>

void
batch_add(struct batch *b, enum action action, struct rrset *set)
{
	b->items = heap_grow(b->items, b->n + 1, sizeof *b->items, &b->cap);
	b->items[b->n].action = action;
	b->items[b->n].set = set;
	b->n++;
}

void
batch_fini(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		rrset_unref(b->items[i].set);
	free(b->items);
	free(b->comment);
	memset(b, 0, sizeof *b);
}

const char *
action_name(enum action action)
{
	static const char *const names[] = {
	    [ACTION_CREATE] = "CREATE",
	    [ACTION_DELETE] = "DELETE",
	    [ACTION_UPSERT] = "UPSERT",
	};

	return names[action];
}

static void
apply_delete(struct version *v, const struct rrset *set, struct messages *m)
{
	struct rrset *current = version_find(v, set);
	char who[RULES_IDENTITY_BYTES];

	rules_identity(set, who);
	if (current == NULL)
		messages_add(m,
		    "Tried to delete resource record set %s but it was not found", who);
	else if (!rrset_same(current, set))
		messages_add(m,
		    "Tried to delete resource record set %s but the values provided do not "
		    "match the current values",
		    who);
	else
		version_remove(v, set);
}

static void
apply_item(struct version *v, const struct batch_item *item, struct store *s,
    const struct zone *z, struct messages *m)
{
	char who[RULES_IDENTITY_BYTES];
	struct rrset *current;

	if (!rules_check_set(item->set, item->action != ACTION_DELETE, z, m))
		return;
	if (item->action == ACTION_DELETE) {
		apply_delete(v, item->set, m);
		return;
	}
	current = version_find(v, item->set);
	if (current != NULL && item->action == ACTION_CREATE) {
		rules_identity(item->set, who);
		messages_add(m,
		    "Tried to create resource record set %s but it already exists",
		    who);
		return;
	}
	if (current != NULL)
		version_remove(v, item->set);
	rules_check_place(v, item->set, s, z, m);
	version_add(v, item->set);
}

struct version *
batch_apply(const struct batch *b, struct store *s, const struct zone *z,
    struct messages *messages)
{
	struct version *v;

	if (!rules_check_size(b, messages))
		return NULL;
	v = version_copy(z->now);
	for (size_t i = 0; i < b->n; i++)
		apply_item(v, &b->items[i], s, z, messages);
	rules_check_end(v, b, z, messages);
	if (messages->n > 0) {
		version_unref(v);
		return NULL;
	}
	return v;
}
