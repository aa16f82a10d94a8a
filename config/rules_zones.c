/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_zones.c - zones: told apart, and not written to in the clear.
 */
#include "config/load.h"

#include <string.h>

static bool
is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	    strcmp(host, "localhost") == 0;
}

void
rules_clear_text(struct load *l, const struct ynode *node)
{
	struct value_url url;
	struct err e;

	if (node == NULL || node->kind != YNODE_SCALAR ||
	    !value_url(node->text, &url, &e))
		return;
	if (strcmp(url.scheme, "http") == 0 && !is_loopback(url.host))
		note_warning(l->notes, node->line, node->column,
		    "http to %.80s: whoever is on the way reads what is asked there, and "
		    "answers it; https is for everything but a lab on this machine",
		    url.host);
}

static void
rule_twins(struct load *l, const struct block *b)
{
	const struct draft_zone *mine = b->data;

	for (struct block *o = block_first(l->file, "zones.*"); o != b;
	     o = block_next(o)) {
		const struct draft_zone *other = o->data;
		const struct ynode *id = ynode_at(b->node, "route53.zone_id");

		if (id != NULL && mine->zone.route53.zone_id[0] != '\0' &&
		    strcmp(mine->zone.route53.zone_id, other->zone.route53.zone_id) ==
			0)
			note_error(l->notes, id->line, id->column,
			    "zone '%.40s' has this zone_id already: one hosted zone stands "
			    "in the file once",
			    o->name);
	}
}

static void
rule_apex(struct load *l, const struct block *b)
{
	const struct draft_zone *d = b->data;
	const struct ynode *name = ynode_get(b->node, "name");

	if (name != NULL && d->zone.route53.apex[0] == '\\')
		note_error(
		    l->notes, name->line, name->column, "a zone's apex is no wildcard");
}

void
rules_zones(struct load *l)
{
	for (struct block *b = block_first(l->file, "zones.*"); b != NULL;
	     b = block_next(b)) {
		rules_clear_text(l, ynode_at(b->node, "route53.endpoint"));
		rule_twins(l, b);
		rule_apex(l, b);
	}
}
