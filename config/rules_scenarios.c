/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_scenarios.c - plans: their slots, their actions, and the way back.
 *
 * A plan that is wrong is found out on the worst day, so its form is checked now, by
 * kind: which slots there are, which of them must never be passed over, and that what
 * went over can come home again without two open sides.
 */
#include "config/load.h"

#include <string.h>

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)
#define NOTE_KEY(l, node, ...) \
	note_error((l)->notes, (node)->key_line, (node)->key_column, __VA_ARGS__)

/* `back`: what a stateful service must have filled, or say none, to come back. */
static const struct kind_slots {
	const char *name, *slots, *back;
} kinds[SCENARIO_KINDS] = {
    [SCENARIO_BACKUP_RESTORE] = {"backup-restore",
	"fence restore provision ready freeze backup unfreeze",
	"freeze backup restore unfreeze"},
    [SCENARIO_PILOT_LIGHT] = {"pilot-light",
	"fence promote provision attach ready reverse freeze unfreeze",
	"reverse freeze unfreeze"},
    [SCENARIO_WARM_STANDBY] = {"warm-standby",
	"fence scale_out scale_up promote ready reverse freeze unfreeze scale_in",
	"reverse freeze unfreeze"},
    [SCENARIO_MULTI_SITE] = {"multi-site",
	"scale_out fence promote ready reverse freeze unfreeze scale_in",
	"reverse freeze unfreeze"},
};

static void
rule_way_back(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct block *service = block_at(l->file, "services.*", d->service);
	const struct ynode *steps = ynode_get(plan->node, "steps");
	const struct ynode *at = steps != NULL ? steps : plan->node;
	const char *back = kinds[d->kind].back;
	char missing[64] = "";
	size_t used = 0;

	if (service == NULL ||
	    !((struct draft_service *)service->data)->service.rule.stateful)
		return;
	for (size_t bytes; *back != '\0'; back += bytes + strspn(back + bytes, " ")) {
		char slot[WORD_MAX];

		bytes = strcspn(back, " ");
		(void)snprintf(slot, sizeof slot, "%.*s", (int)bytes, back);
		if (ynode_get(steps, slot) == NULL && used < sizeof missing)
			used += (size_t)snprintf(missing + used, sizeof missing - used,
			    "%s%s", used > 0 ? ", " : "", slot);
	}
	if (used > 0)
		NOTE_KEY(l, at,
		    "'%.40s' is stateful, and the way back of '%.40s' lacks %s: fill the "
		    "slots, or say none: \"why\" in each",
		    service->name, plan->name, missing);
}

static void
rule_fence(struct load *l, const struct block *plan)
{
	const struct ynode *steps = ynode_get(plan->node, "steps");
	const struct ynode *opens = ynode_get(steps, "promote");

	if (opens == NULL)
		opens = ynode_get(steps, "restore");
	if (opens == NULL || ynode_get(steps, "fence") != NULL ||
	    ynode_get(opens, "none") != NULL)
		return;
	note_warning(l->notes, opens->key_line, opens->key_column,
	    "without fence, %s will ask for an approval that both sides may be open; say "
	    "fence: {none: \"why\"} if that is meant",
	    opens->key);
}

static void
rule_site(struct load *l, const struct block *plan, const char *key, const char *site)
{
	const struct draft_scenario *d = plan->data;
	const struct block *service = block_at(l->file, "services.*", d->service);
	const struct ynode *n = ynode_get(plan->node, key);

	if (service == NULL || n == NULL || site[0] == '\0')
		return;
	for (struct block *m = block_first(service, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		if (strcmp(m->name, site) != 0)
			continue;
		if (((struct draft_member *)m->data)->last_resort)
			NOTE(l, n,
			    "'%.40s' is a last resort of service '%.40s': nothing says "
			    "whether it is well",
			    site, service->name);
		return;
	}
	NOTE(l, n, "service '%.40s' has no member at %s", service->name, site);
}

/* A failover is created with the first usable member, which is to be the primary; a
 * weighted service with all of them. */
static void
rule_order(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct block *service = block_at(l->file, "services.*", d->service);
	uint32_t primary = UINT32_MAX, recovery = UINT32_MAX;

	if (service == NULL)
		return;
	if (((struct draft_service *)service->data)->policy != 1) {
		if (d->kind == SCENARIO_WARM_STANDBY)
			note_warning(l->notes, ynode_get(plan->node, "service")->line,
			    ynode_get(plan->node, "service")->column,
			    "service '%.40s' shares its traffic by weight: the standby "
			    "would answer beside the primary all the time; say policy: "
			    "failover, or make a multi-site of the plan",
			    service->name);
		return;
	}
	for (struct block *m = block_first(service, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		if (strcmp(m->name, d->primary) == 0)
			primary = m->index;
		if (strcmp(m->name, d->recovery) == 0)
			recovery = m->index;
	}
	if (primary != UINT32_MAX && recovery < primary)
		note_warning(l->notes, ynode_get(plan->node, "primary")->line,
		    ynode_get(plan->node, "primary")->column,
		    "'%.40s' prefers %s, which stands before %s among its members, and "
		    "'%.40s' says that %s serves: put it first",
		    service->name, d->recovery, d->primary, plan->name, d->primary);
}

static void
rule_observe(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct block *service = block_at(l->file, "services.*", d->service);

	if (service != NULL && ((struct draft_service *)service->data)->mode == 1)
		note_warning(l->notes, ynode_get(plan->node, "service")->line,
		    ynode_get(plan->node, "service")->column,
		    "service '%.40s' says mode: observe: nothing is written there, so "
		    "the plan is never carried out",
		    service->name);
}

static void
rule_sites(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;

	if (d->primary[0] != '\0' && strcmp(d->primary, d->recovery) == 0)
		NOTE(l, ynode_get(plan->node, "recovery"),
		    "primary and recovery are both %s", d->primary);
	rule_site(l, plan, "primary", d->primary);
	rule_site(l, plan, "recovery", d->recovery);
	rule_order(l, plan);
	rule_observe(l, plan);
	for (struct block *o = block_first(l->file, "scenarios.*"); o != plan;
	     o = block_next(o))
		if (d->service != DRAFT_NONE &&
		    ((struct draft_scenario *)o->data)->service == d->service)
			NOTE(l, ynode_get(plan->node, "service"),
			    "scenario '%.40s' moves this service already", o->name);
}

static bool
measures(const struct draft_check *c)
{
	return c->spec.kind == CHECK_BACKUP || c->spec.kind == CHECK_CLOUDWATCH ||
	    (c->spec.kind == CHECK_EXEC && c->seconds == 1) ||
	    (c->spec.kind == CHECK_HTTP && c->json[0] != '\0' && c->url[0] != '\0');
}

static void
rule_lag(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct ynode *lag = ynode_get(plan->node, "lag");
	const struct ynode *catch_up = ynode_get(plan->node, "catch_up");
	const struct block *check = block_at(l->file, "checks.*", d->lag);

	if (lag == NULL)
		note_warning(l->notes, plan->node->key_line, plan->node->key_column,
		    "'%.40s' has no lag: its RPO will be reported as not measured, and "
		    "the way back asks for an approval instead of waiting until the "
		    "other side has caught up",
		    plan->name);
	if (lag == NULL && catch_up != NULL)
		NOTE_KEY(l, catch_up,
		    "catch_up is a limit of the lag, and '%.40s' measures none: give it "
		    "a lag",
		    plan->name);
	if (lag == NULL || check == NULL)
		return;
	const struct draft_check *c = check->data;
	if (!measures(c))
		NOTE(l, lag,
		    "check '%.40s' measures no lag: that takes exec with seconds: stdout, "
		    "http with url and json, cloudwatch or backup",
		    check->name);
	else if (d->kind == SCENARIO_BACKUP_RESTORE && c->spec.kind != CHECK_BACKUP)
		NOTE(l, lag,
		    "a backup-restore loses what the newest backup lacks: its lag is a "
		    "backup check");
	else
		rules_lag_promise(l, plan, check);
	if (catch_up != NULL && c->spec.kind == CHECK_BACKUP)
		NOTE_KEY(l, catch_up,
		    "catch_up waits for a replica: a plan that restores backups has "
		    "none");
}

/* Steering moves a multi-site's weights; the plan is there for what has one writer. */
static void
rule_multi_site(struct load *l, const struct block *plan)
{
	const struct ynode *steps = ynode_get(plan->node, "steps");
	const struct ynode *fence = ynode_get(steps, "fence");
	const struct ynode *promote = ynode_get(steps, "promote");

	if (((struct draft_scenario *)plan->data)->kind != SCENARIO_MULTI_SITE)
		return;
	if ((fence == NULL || ynode_get(fence, "none") != NULL) &&
	    (promote == NULL || ynode_get(promote, "none") != NULL))
		note_warning(l->notes, plan->node->key_line, plan->node->key_column,
		    "'%.40s' fills neither fence nor promote: steering moves the weights "
		    "by itself, and there is nothing for the plan to do",
		    plan->name);
}

/* Never an agent at the site that traffic leaves: it may be the disaster. */
static void
rule_runner(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;
	const struct block *service = block_at(l->file, "services.*", d->service);

	if (service == NULL || d->primary[0] == '\0')
		return;
	const struct draft_service *s = service->data;
	for (struct block *a = block_first(l->file, "agents.*"); a != NULL;
	     a = block_next(a)) {
		bool votes = s->from == 0;

		for (uint32_t i = 0; i < s->from; i++)
			votes = votes || s->voter[i] == a->index;
		if (votes &&
		    strcmp(((struct draft_agent *)a->data)->agent.site, d->primary) !=
			0)
			return;
	}
	note_warning(l->notes, plan->node->key_line, plan->node->key_column,
	    "every agent that votes on '%.40s' stands at %s, and none there carries out a "
	    "fail-over from it: add an agent elsewhere",
	    service->name, d->primary);
}

void
rules_scenarios(struct load *l)
{
	for (struct block *p = block_first(l->file, "scenarios.*"); p != NULL;
	     p = block_next(p)) {
		if (p->node->kind != YNODE_MAP)
			continue;
		rule_sites(l, p);
		rule_lag(l, p);
		rule_multi_site(l, p);
		rule_runner(l, p);
		const struct draft_scenario *d = p->data;
		bool known =
		    ynode_get(p->node, "kind") != NULL && d->kind < SCENARIO_KINDS;
		rules_steps(
		    l, p, kinds[d->kind].name, known ? kinds[d->kind].slots : NULL);
		if (known)
			rule_way_back(l, p);
		rule_fence(l, p);
		rules_drill(l, p);
	}
}
