/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_drill.c - rehearsals: the shadow service that they need, and what they touch.
 *
 * A drill runs on a service that the file does not show, so its names must be free and
 * fit; and a step that opens or closes a side does so for real, drill or not.
 */
#include "config/load.h"

#include <string.h>

#include "config/words.h"

#define DRILL_DAYS 30 /* older than this is a warning in status */
#define QUARTERLY 4   /* of "command daily weekly monthly quarterly" */

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)

static const char *const sides = "fence promote restore freeze unfreeze reverse backup";

static bool
publishes(const struct block *service, const char *dns_name)
{
	const struct config_service *s =
	    &((struct draft_service *)service->data)->service;

	for (uint32_t i = 0; i < s->names; i++)
		if (strcmp(s->name[i], dns_name) == 0)
			return true;
	return false;
}

static void
rule_shadow(struct load *l, const struct ynode *drill, const struct block *service)
{
	const struct block *zone = block_at(
	    l->file, "zones.*", ((struct draft_service *)service->data)->service.zone);
	char name[WORD_MAX], dns_name[DNS_NAME_MAX];

	if (zone == NULL)
		return;
	if (!build_shadow_names(service->name,
		((struct draft_zone *)zone->data)->zone.route53.apex, name, dns_name)) {
		NOTE(l, drill,
		    "a drill runs on a shadow service '%.40s" SHADOW_SUFFIX
		    "', and a name has at most %d characters: give service '%.40s' a "
		    "shorter one",
		    service->name, WORD_MAX - 1, service->name);
		return;
	}
	for (struct block *s = block_first(l->file, "services.*"); s != NULL;
	     s = block_next(s)) {
		if (strcmp(s->name, name) == 0)
			NOTE(l, drill,
			    "a drill runs on a shadow service '%s', and the file has a "
			    "service of that name: rename it",
			    name);
		if (publishes(s, dns_name))
			NOTE(l, drill,
			    "a drill runs on the shadow name %s, which service '%.40s' "
			    "publishes: take it out there",
			    dns_name, s->name);
	}
}

static void
rule_steps(struct load *l, const struct block *plan, bool drilled)
{
	for (struct block *s = block_first(plan, "scenarios.*.steps.*"); s != NULL;
	     s = block_next(s)) {
		const struct ynode *n = ynode_get(s->node, "drill");

		if (n == NULL)
			continue;
		if (!drilled)
			note_warning(l->notes, n->key_line, n->key_column,
			    "'%.40s' is never drilled: give it a drill, as in drill: "
			    "monthly, or drill: command",
			    plan->name);
		else if (((struct draft_step *)s->data)->drill == 0 &&
		    words_find(sides, s->name, NULL))
			note_warning(l->notes, n->line, n->column,
			    "drill: run on %s moves the real side: a drill has a name of "
			    "its own and no database of its own",
			    s->name);
		else if (((struct draft_step *)s->data)->drill == 1 &&
		    strcmp(s->name, "ready") == 0)
			NOTE(l, n,
			    "drill: skip is refused on ready: nothing is repointed "
			    "before it holds, in a drill neither");
	}
}

/* The file's services and the shadows of its plans share one maximum. */
static void
rule_count(struct load *l, const struct block *plan, const struct ynode *drill)
{
	unsigned services = 0, shadows = 1;

	for (struct block *s = block_first(l->file, "services.*"); s != NULL;
	     s = block_next(s))
		services++;
	for (struct block *o = block_first(l->file, "scenarios.*"); o != plan;
	     o = block_next(o))
		shadows += ynode_get(o->node, "drill") != NULL;
	if (services + shadows > SERVICES_MAX)
		NOTE(l, drill,
		    "a drill needs a shadow service, and with %u services there is room "
		    "for %u of them: at most %d services are possible",
		    services, SERVICES_MAX - services, SERVICES_MAX);
}

void
rules_drill(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct ynode *drill = ynode_get(plan->node, "drill");
	const struct block *service = block_at(l->file, "services.*", d->service);

	rule_steps(l, plan, drill != NULL);
	if (drill == NULL) {
		note_warning(l->notes, plan->node->key_line, plan->node->key_column,
		    "'%.40s' is never drilled: say drill: monthly, or drill: command to "
		    "do it by hand",
		    plan->name);
		return;
	}
	if (d->drill == QUARTERLY)
		note_warning(l->notes, drill->line, drill->column,
		    "a plan that was not drilled for %d days is warned of in status: "
		    "between quarterly drills that is most of the time",
		    DRILL_DAYS);
	rule_count(l, plan, drill);
	if (service != NULL)
		rule_shadow(l, drill, service);
}
