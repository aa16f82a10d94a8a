/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_steps.c - what fills a slot: one action that makes sense there.
 *
 * A step that is wrong is found out on the worst day. So what would fail then is refused
 * now: a word that nothing can fill in, a secret that others read, a wait for what never
 * comes, and a failure passed over that would leave two sides open.
 */
#include "config/load.h"

#include <string.h>

#include "config/forms.h"
#include "config/words.h"
#include "steering/zone/aws_until.h"

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)
#define NOTE_KEY(l, node, ...) \
	note_error((l)->notes, (node)->key_line, (node)->key_column, __VA_ARGS__)

/* Passed over, these could leave two sides open, repoint to a site that does not serve,
 * or restore what is older than what was frozen. */
static const char *const never_passed = "fence freeze promote restore ready backup";
/* They work at the side that traffic leaves, which nobody expects to be well. */
static const char *const at_from = "fence freeze backup";
static const char *const actions[] = {
    "exec", "webhook", "aws", "wait", "approve", "none"};
static const char *const placeholders =
    "from to site fence service scenario incident backup.id backup.started_at "
    "backup.completed_at";
static const char *const asking[] = {"Describe", "Get", "List"};

static void
rule_slot(struct load *l, const char *kind, const char *slots, const struct block *step)
{
	struct nearest near = {.wrong = step->name};

	if (words_find(slots, step->name, NULL))
		return;
	nearest_offer_list(&near, slots);
	if (near.best != NULL)
		NOTE_KEY(l, step->node,
		    "a %s has no slot '%.40s': did you mean '%.*s'?", kind, step->name,
		    (int)near.best_bytes, near.best);
	else
		NOTE_KEY(l, step->node, "a %s has no slot '%.40s': its slots are %s",
		    kind, step->name, slots);
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
	else if (strcmp(first->key, "none") == 0 && strcmp(step->name, "ready") == 0)
		NOTE_KEY(l, first,
		    "ready cannot be left out: nothing is repointed to a site that is "
		    "not well");
}

static void
rule_continue(struct load *l, const struct block *step)
{
	const struct ynode *n = ynode_get(step->node, "on_failure");
	const char *why = strcmp(step->name, "ready") == 0
	    ? "traffic would be sent to a site that is not well"
	    : strcmp(step->name, "backup") == 0
	    ? "what was written since the last backup would be lost"
	    : "going on after it failed could leave two sides open";

	if (n != NULL && ((struct draft_step *)step->data)->on_failure == 1 &&
	    words_find(never_passed, step->name, NULL))
		NOTE(
		    l, n, "on_failure: continue is refused on %s: %s", step->name, why);
}

static bool
can_pass(const struct draft_check *c)
{
	return c->spec.kind != CHECK_BACKUP && c->spec.kind != CHECK_CLOUDWATCH &&
	    c->seconds == 0 && c->url[0] == '\0' && c->json[0] == '\0';
}

static void
rule_wait(struct load *l, const struct block *plan, const struct block *step)
{
	const struct ynode *wait = ynode_get(step->node, "wait");
	const struct ynode *lag = ynode_get(wait, "lag");
	const struct ynode *ref = ynode_get(wait, "check");

	if (wait == NULL)
		return;
	if (wait->kind != YNODE_MAP) {
		if (words_find(at_from, step->name, NULL))
			NOTE(l, wait,
			    "%s works at the site that traffic leaves: waiting until "
			    "that is healthy closes nothing",
			    step->name);
		return;
	}
	if (wait->children != 1)
		NOTE(l, wait, "wait is for one thing: check, lag or time");
	if (lag != NULL && ynode_get(plan->node, "lag") == NULL)
		NOTE_KEY(l, lag, "'%.40s' measures no lag: give the scenario a lag",
		    plan->name);
	const struct block *check = block_at(
	    l->file, "checks.*", ((struct draft_step *)step->data)->wait_check);
	if (ref != NULL && check != NULL && !can_pass(check->data))
		NOTE(l, ref,
		    "check '%.40s' measures a lag and never passes: wait for "
		    "{lag: TIME} instead",
		    check->name);
}

static void
rule_webhook(struct load *l, const struct block *step)
{
	const struct ynode *webhook = ynode_get(step->node, "webhook");
	const struct ynode *headers = ynode_get(webhook, "headers");

	if (headers == NULL || headers->kind != YNODE_MAP)
		return;
	for (const struct ynode *h = headers->first; h != NULL; h = h->next)
		rules_secret(l, ynode_get(h, "file"));
}

static void
rule_until(struct load *l, const struct block *step)
{
	const struct ynode *until = ynode_get(step->node, "until");
	const struct ynode *action = ynode_get(until, "action");
	bool asks = false;

	if (until == NULL)
		return;
	if (ynode_get(step->node, "aws") == NULL)
		NOTE_KEY(
		    l, until, "until asks the service of an aws action: there is none");
	for (size_t i = 0; i < sizeof asking / sizeof asking[0]; i++)
		asks = asks ||
		    (action != NULL &&
			strncmp(action->text, asking[i], strlen(asking[i])) == 0);
	if (action != NULL && !asks)
		NOTE(l, action,
		    "'%.60s' does more than ask, and until repeats it: that takes a "
		    "Describe action",
		    action->text);
}

/* {words} in `is` are filled in later; what they become is one word. */
static void
rule_until_says(struct load *l, const struct block *step)
{
	const struct ynode *path = ynode_at(step->node, "until.path");
	const struct ynode *is = ynode_at(step->node, "until.is");
	struct aws_until u;
	struct err e;

	if (path == NULL || is == NULL || path->text[0] == '\0' || is->text[0] == '\0')
		return;
	if (!form_element(path->text, &e)) /* told by the walk */
		return;
	if (!aws_until_parse(path->text, is->text, &u, &e))
		NOTE(l, is, "%.200s", e.text);
}

/* backup.id is known from a backup check alone. */
static void
rule_backup_words(struct load *l, const struct block *plan, const struct ynode *node)
{
	const struct block *lag =
	    block_at(l->file, "checks.*", ((struct draft_scenario *)plan->data)->lag);

	if (strstr(node->text, "{backup.") != NULL &&
	    (lag == NULL ||
		((struct draft_check *)lag->data)->spec.kind != CHECK_BACKUP))
		NOTE(l, node,
		    "nothing says which backup is the newest: the lag of '%.40s' is no "
		    "backup check",
		    plan->name);
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		rule_backup_words(l, plan, c);
}

static void
rule_step(struct load *l, const struct block *plan, const struct block *step)
{
	const struct ynode *exec = ynode_get(step->node, "exec");

	rule_one_action(l, step);
	rule_continue(l, step);
	rule_wait(l, plan, step);
	rule_webhook(l, step);
	rule_until(l, step);
	rule_until_says(l, step);
	if (exec != NULL)
		rules_program(l, exec);
	rules_clear_text(l, ynode_at(step->node, "aws.endpoint"));
	for (size_t i = 0; i < 3; i++) { /* exec, webhook, aws */
		const struct ynode *n = ynode_get(step->node, actions[i]);

		if (n == NULL)
			continue;
		rules_placeholders(l, n, placeholders);
		rule_backup_words(l, plan, n);
	}
	if (ynode_get(step->node, "until") != NULL)
		rules_placeholders(l, ynode_get(step->node, "until"), placeholders);
}

void
rules_steps(
    struct load *l, const struct block *plan, const char *kind, const char *slots)
{
	for (struct block *s = block_first(plan, "scenarios.*.steps.*"); s != NULL;
	     s = block_next(s)) {
		if (s->node->kind != YNODE_MAP)
			continue;
		if (slots != NULL)
			rule_slot(l, kind, slots, s);
		rule_step(l, plan, s);
	}
}
