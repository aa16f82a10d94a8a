/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: read the zone, probe once, run the engine, print the difference. Nothing that
 * this file or what it calls refers to can change a zone (a test looks).
 * adopt: the same picture for one order, then the running agent is asked to carry it
 * out: it alone writes, so that the compare-and-swap has one home.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/ask.h"
#include "steering/agent/plan.h"
#include "steering/agent/zone_once.h"

static const char *
answer_word(enum plan_answer a)
{
	switch (a) {
	case PLAN_NOTHING:
		return "nothing";
	case PLAN_CHANGE:
		return "change";
	case PLAN_STANDS:
		return "stands";
	case PLAN_CANNOT:
		break;
	}
	return "cannot";
}

static int
answer_status(enum plan_answer a)
{
	return a == PLAN_NOTHING ? EXIT_GOOD : a == PLAN_CANNOT ? EXIT_CANNOT : EXIT_NO;
}

/* "drain fra", "swap fra and iad", "create". */
static void
what(const struct plan *p, const struct rule_service *rule, char *text, size_t bytes)
{
	const struct action *a = &p->intent.action;

	if (p->intent.kind != INTENT_ACTION)
		(void)snprintf(text, bytes, "%s",
		    p->answer == PLAN_STANDS ? order_word(p->order)
					     : intent_word(p->intent.kind));
	else if (a->kind == ACTION_SWAP)
		(void)snprintf(text, bytes, "swap %s for %s",
		    rule->member[a->member].name, rule->member[a->other].name);
	else
		(void)snprintf(text, bytes, "%s %s", action_word(a->kind),
		    rule->member[a->member].name);
}

/* ---- for people ---- */

static void
print_edit(const struct diff_edit *edit, FILE *out)
{
	char line[DNS_NAME_MAX + RR_VALUES_BYTES + 128];

	if (edit->old_set != NULL) {
		diff_describe(edit->old_set, line, sizeof line);
		(void)fprintf(out, "- %s\n", line);
	}
	if (edit->new_set != NULL) {
		diff_describe(edit->new_set, line, sizeof line);
		(void)fprintf(out, "+ %s\n", line);
	}
}

static void
print_ledger(const struct config_service *s, const struct plan *p, FILE *out)
{
	if (p->has_old)
		(void)fprintf(out, "- %s TXT epoch %llu\n", s->ledger_name,
		    (unsigned long long)p->old_ledger.epoch);
	else if (p->garbled)
		(void)fprintf(out, "- %s TXT that is no ledger\n", s->ledger_name);
	/* Here nobody remembers a ledger that was lost; the agent may. */
	(void)fprintf(out, "+ %s TXT epoch %llu%s\n", s->ledger_name,
	    (unsigned long long)p->next.epoch,
	    p->order == ORDER_ADOPT && !p->has_old
		? ", or one above the highest that the agent knows"
		: "");
	for (uint32_t m = 0; m < p->next.members; m++) {
		const struct ledger_member *now = &p->next.member[m];
		int32_t i = p->has_old ? ledger_find(&p->old_ledger, now->name) : -1;
		const struct ledger_member *was =
		    i >= 0 ? &p->old_ledger.member[i] : NULL;

		if (was != NULL && was->out == now->out && was->weight == now->weight)
			continue;
		(void)fprintf(out, "  %s: ", now->name);
		if (was != NULL)
			(void)fprintf(out, "%s weight %u -> ", was->out ? "out" : "in",
			    was->weight);
		(void)fprintf(
		    out, "%s weight %u\n", now->out ? "out" : "in", now->weight);
	}
}

static void
print_plan(const struct config_service *s, const struct plan *p, FILE *out)
{
	const char *name = s->rule.name;
	char todo[96];

	what(p, &s->rule, todo, sizeof todo);
	switch (p->answer) {
	case PLAN_NOTHING:
		(void)fprintf(out, "%s: no change: %s\n", name, p->text);
		return;
	case PLAN_CANNOT:
		(void)fprintf(out, "%s: cannot tell: %s\n", name, p->text);
		return;
	case PLAN_CHANGE:
		/* The engine's sentence begins with the act, when it has one. */
		(void)fprintf(out, "%s: %s%s\n", name,
		    p->text[0] != '\0' ? p->text : todo,
		    p->observe ? ": said, not written: mode: observe" : "");
		break;
	case PLAN_STANDS:
		(void)fprintf(out, "%s: no change by itself: %s\n", name, p->text);
		(void)fprintf(
		    out, "%s: pointsman %s %s would write:\n", name, todo, name);
		break;
	}
	for (size_t i = 0; i < p->edits; i++)
		print_edit(&p->edit[i], out);
	print_ledger(s, p, out);
}

/* ---- for programs ---- */

static void
put_set(struct json *j, const char *key, const struct rrset *set)
{
	char line[DNS_NAME_MAX + RR_VALUES_BYTES + 128];

	if (set == NULL) {
		json_put_null(j, key);
		return;
	}
	diff_describe(set, line, sizeof line);
	json_put_text(j, key, line);
}

static struct json *
plan_json(const struct config_service *s, const struct plan *p)
{
	struct json *j = json_map_new(), *edits = json_list_new();
	bool some = p->answer == PLAN_CHANGE || p->answer == PLAN_STANDS;
	char todo[96] = "";

	if (some)
		what(p, &s->rule, todo, sizeof todo);
	json_put_text(j, "service", s->rule.name);
	json_put_text(j, "answer", answer_word(p->answer));
	json_put_text(j, "what", todo);
	json_put_text(j, "needs", p->answer == PLAN_STANDS ? order_word(p->order) : "");
	json_put_bool(j, "observe", p->observe);
	json_put_text(j, "text", p->text);
	for (size_t i = 0; some && i < p->edits; i++) {
		struct json *edit = json_map_new();

		put_set(edit, "old", p->edit[i].old_set);
		put_set(edit, "new", p->edit[i].new_set);
		json_add(edits, edit);
	}
	json_put(j, "edits", edits);
	json_put_int(j, "epoch", p->has_old ? (int64_t)p->old_ledger.epoch : 0);
	json_put_int(j, "epoch_next", some ? (int64_t)p->next.epoch : 0);
	return j;
}

/* ---- one service ---- */

/* Adds to the list, prints, when there is one; returns an exit status. */
static int
plan_one(struct config *c, struct plan_in *in, struct json *list, FILE *out)
{
	const struct config_service *s = &in->config->service[in->service];
	struct zone_view *view = NULL;
	struct plan plan = {.answer = PLAN_CANNOT};
	struct err e;

	if (zone_read_once(c, in->service, &view, &in->now_wall_s, &e)) {
		in->view = view;
		plan_make(in, &plan);
	} else {
		(void)snprintf(plan.text, sizeof plan.text, "%s", e.text);
	}
	if (list != NULL)
		json_add(list, plan_json(s, &plan));
	if (out != NULL)
		print_plan(s, &plan, out);
	int status = answer_status(plan.answer);
	plan_free(&plan);
	zone_view_free(view);
	return status;
}

static void
print_list(struct json *list)
{
	struct json *answer = json_map_new();

	json_put(answer, "services", list);
	command_print_json(answer);
	json_free(answer);
}

static int
plan_all(const struct options *o, struct config *c, uint32_t self, int32_t service)
{
	struct once probes;
	int status = EXIT_GOOD;
	struct err e;

	if (!probe_once(c, service, &probes, NULL, NULL, &e)) {
		command_say("%s", e.text);
		return EXIT_CANNOT;
	}
	struct json *list = o->json ? json_list_new() : NULL;
	for (uint32_t i = 0; i < c->services; i++) {
		struct plan_in in = {
		    .config = c, .service = i, .self = self, .probes = &probes};

		if (service >= 0 && i != (uint32_t)service)
			continue;
		int one = plan_one(c, &in, list, o->json ? NULL : stdout);
		status = one > status ? one : status;
	}
	if (o->json)
		print_list(list);
	once_free(&probes);
	return status;
}

int
cmd_plan(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t service = -1;
	int status = EXIT_CANNOT;
	uint32_t self;

	if (c != NULL && command_runnable(c) && command_agent(c, o->agent, &self) &&
	    (o->words == 0 || (service = command_service(c, o->word[0])) >= 0))
		status = plan_all(o, c, self, service);
	config_free(c);
	return status;
}

/* ---- adopt ---- */

/* The picture first: whoever cannot see what happens must not be able to say yes. */
static int
show_adopt(const struct options *o, struct config *c, uint32_t self, uint32_t service)
{
	struct once probes;
	struct err e;

	if (!probe_once(c, (int32_t)service, &probes, NULL, NULL, &e)) {
		command_say("%s", e.text);
		return EXIT_CANNOT;
	}
	struct plan_in in = {.config = c,
	    .service = service,
	    .self = self,
	    .probes = &probes,
	    .order = ORDER_ADOPT};
	/* With --json stdout is the agent's answer's; the plan's, when none is asked. */
	struct json *list = o->json ? json_list_new() : NULL;
	int status = plan_one(c, &in, list, o->json ? stderr : stdout);
	if (o->json && status != EXIT_NO)
		print_list(list);
	else
		json_free(list);
	once_free(&probes);
	return status;
}

int
cmd_adopt(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t service = -1;
	int status = EXIT_CANNOT;
	uint32_t self;

	if (c != NULL && command_runnable(c) && command_agent(c, o->agent, &self) &&
	    (service = command_service(c, o->word[0])) >= 0 &&
	    show_adopt(o, c, self, (uint32_t)service) == EXIT_NO &&
	    (o->yes || command_agreed("Adopt?")))
		status = ask_order(o, c, c->service[service].rule.name, "");
	config_free(c);
	return status;
}
