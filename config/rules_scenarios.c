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

#include "config/words.h"

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

static const char *const never_passed = "fence freeze promote restore";
static const char *const actions[] = {
    "exec", "webhook", "aws", "wait", "approve", "none"};
static const char *const placeholders =
    "from to site fence service scenario incident backup.id backup.started_at "
    "backup.completed_at";

static void
rule_slot(struct load *l, const struct kind_slots *kind, const struct block *step)
{
	struct nearest near = {.wrong = step->name};

	if (words_find(kind->slots, step->name, NULL))
		return;
	nearest_offer_list(&near, kind->slots);
	if (near.best != NULL)
		NOTE_KEY(l, step->node,
		    "a %s has no slot '%.40s': did you mean '%.*s'?", kind->name,
		    step->name, (int)near.best_bytes, near.best);
	else
		NOTE_KEY(l, step->node, "a %s has no slot '%.40s': its slots are %s",
		    kind->name, step->name, kind->slots);
}

static void
rule_one_action(struct load *l, const struct block *step)
{
	const struct ynode *first = NULL;

	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		const struct ynode *n = ynode_get(step->node, actions[i]);

		if (n != NULL && first != NULL)
			NOTE_KEY(l, n, "'%.40s' has one action: %s stands beside %s",
			    step->name, n->key, first->key);
		if (first == NULL)
			first = n;
	}
	if (first == NULL)
		NOTE_KEY(l, step->node,
		    "'%.40s' has no action: say exec, webhook, aws, wait or approve, or "
		    "none: \"why\"",
		    step->name);
	const struct ynode *until = ynode_get(step->node, "until");
	if (until != NULL && ynode_get(step->node, "aws") == NULL)
		NOTE_KEY(
		    l, until, "until asks the service of an aws action: there is none");
}

static void
rule_continue(struct load *l, const struct block *step)
{
	const struct ynode *n = ynode_get(step->node, "on_failure");

	if (((struct draft_step *)step->data)->on_failure == 1 && n != NULL &&
	    words_find(never_passed, step->name, NULL))
		NOTE(l, n,
		    "on_failure: continue is refused on %s: going on after it failed could "
		    "leave two sides open",
		    step->name);
}

static void
rule_exec(struct load *l, const struct block *step)
{
	const struct ynode *argv = ynode_get(step->node, "exec");

	if (argv != NULL && argv->first != NULL && argv->first->kind == YNODE_SCALAR &&
	    argv->first->text[0] != '/')
		NOTE(l, argv->first,
		    "'%.60s' is not an absolute path: no shell looks for it",
		    argv->first->text);
}

static void
rule_wait(struct load *l, const struct block *plan, const struct block *step)
{
	const struct ynode *wait = ynode_get(step->node, "wait");

	if (wait == NULL || wait->kind != YNODE_MAP)
		return;
	if (wait->children != 1)
		NOTE(l, wait, "wait is for one thing: check, lag or time");
	if (ynode_get(wait, "lag") != NULL && ynode_get(plan->node, "lag") == NULL)
		NOTE_KEY(l, ynode_get(wait, "lag"),
		    "'%.40s' measures no lag: give the scenario a lag", plan->name);
}

static void
rule_steps(struct load *l, const struct block *plan)
{
	const struct draft_scenario *d = plan->data;

	for (struct block *s = block_first(plan, "scenarios.*.steps.*"); s != NULL;
	     s = block_next(s)) {
		if (s->node->kind != YNODE_MAP)
			continue;
		if (ynode_get(plan->node, "kind") != NULL && d->kind < SCENARIO_KINDS)
			rule_slot(l, &kinds[d->kind], s);
		rule_one_action(l, s);
		rule_continue(l, s);
		rule_exec(l, s);
		rule_wait(l, plan, s);
		rules_placeholders(l, s->node, placeholders);
	}
}

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
	     m = block_next(m))
		if (strcmp(m->name, site) == 0)
			return;
	NOTE(l, n, "service '%.40s' has no member at %s", service->name, site);
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
	const struct block *check = block_at(l->file, "checks.*", d->lag);

	if (lag == NULL)
		note_warning(l->notes, plan->node->key_line, plan->node->key_column,
		    "'%.40s' has no lag: its RPO will be reported as not measured",
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
		rule_steps(l, p);
		if (ynode_get(p->node, "kind") != NULL)
			rule_way_back(l, p);
		rule_fence(l, p);
		rules_drill(l, p);
	}
}
