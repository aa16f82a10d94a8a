/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small tables, searched from end to end: a test names a handful of checks and load
 * balancers, and the bounds keep a mistaken loop from growing the lab.
 */
#include "tests/lab/world.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_TTL_S = 60, ADDRESSES_MAX = 32 };

void
world_fini(struct world *w)
{
	for (size_t i = 0; i < w->unhealthy_n; i++)
		free(w->unhealthy[i]);
	for (size_t i = 0; i < w->targets_n; i++)
		rrset_unref(w->targets[i]);
	memset(w, 0, sizeof *w);
}

bool
world_set_health(struct world *w, const char *name, bool healthy)
{
	for (size_t i = 0; i < w->unhealthy_n; i++) {
		if (strcmp(w->unhealthy[i], name) != 0)
			continue;
		if (healthy) {
			free(w->unhealthy[i]);
			w->unhealthy[i] = w->unhealthy[--w->unhealthy_n];
		}
		return true;
	}
	if (healthy)
		return true;
	if (w->unhealthy_n == WORLD_UNHEALTHY_MAX)
		return false;
	w->unhealthy[w->unhealthy_n++] = heap_string(name);
	return true;
}

bool
world_is_healthy(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->unhealthy_n; i++)
		if (strcmp(w->unhealthy[i], name) == 0)
			return false;
	return true;
}

static bool
add_addresses(struct rrset *set, const char *addresses, char why[200])
{
	uint8_t wire[VALUE_WIRE_MAX];
	char text[64];
	size_t len;

	for (const char *at = addresses; *at != '\0';) {
		size_t n = strcspn(at, ",");

		snprintf(text, sizeof text, "%.*s", (int)(n < 60 ? n : 60), at);
		if (set->values_n == ADDRESSES_MAX ||
		    !value_to_wire(set->type, text, wire, &len, why, 200))
			return false;
		rrset_add_value(set, text);
		at += n + (at[n] == ',');
	}
	return true;
}

static void
forget_target(struct world *w, const char *name, const struct rrtype *type)
{
	for (size_t i = 0; i < w->targets_n; i++) {
		if (strcmp(w->targets[i]->name, name) != 0 ||
		    w->targets[i]->type != type)
			continue;
		rrset_unref(w->targets[i]);
		w->targets[i] = w->targets[--w->targets_n];
		return;
	}
}

bool
world_set_target(struct world *w, const char *name, const char *type,
    const char *addresses, char why[200])
{
	char text[NAME_TEXT_BYTES];
	struct rrset *set;

	snprintf(why, 200, "not a domain name: %.100s", name);
	if (!name_parse(name, text))
		return false;
	set = rrset_new();
	rrset_set_name(set, text);
	set->type = rrtype_find(type);
	set->has_ttl = true;
	set->ttl_s = TARGET_TTL_S;
	snprintf(why, 200, "more than %d addresses or targets", ADDRESSES_MAX);
	if (set->type == NULL || !add_addresses(set, addresses, why)) {
		rrset_unref(set);
		return false;
	}
	forget_target(w, text, set->type);
	if (set->values_n == 0) {
		rrset_unref(set);
		return true;
	}
	if (w->targets_n == WORLD_TARGETS_MAX) {
		rrset_unref(set);
		return false;
	}
	w->targets[w->targets_n++] = set;
	return true;
}

const struct rrset *
world_find_target(const struct world *w, const char *name, const struct rrtype *type)
{
	for (size_t i = 0; i < w->targets_n; i++)
		if (w->targets[i]->type == type &&
		    strcmp(w->targets[i]->name, name) == 0)
			return w->targets[i];
	return NULL;
}
