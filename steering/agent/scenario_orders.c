/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drill runs on the shadow service, under the same scenario's name: whoever approves,
 * retries, skips or aborts means the run that there is, and says --drill when there are
 * two. The run's number and the step travel with the order, so that a word that comes
 * late is not taken for another step's.
 */
#include "steering/agent/scenario_orders.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "steering/agent/scenarios.h"

static bool
is_begin(enum order_kind k)
{
	return k == ORDER_FAILOVER || k == ORDER_SWITCHOVER || k == ORDER_FAILBACK ||
	    k == ORDER_DRILL;
}

static const struct config_scenario *
find(const struct agent *a, const char *name, struct err *e)
{
	for (uint32_t i = 0; i < a->config->scenarios; i++)
		if (strcmp(a->config->scenario[i].name, name) == 0)
			return &a->config->scenario[i];
	(void)err_set(e, "there is no scenario '%.40s'", name);
	return NULL;
}

static bool
runs(const struct agent_service *s)
{
	return s != NULL && s->engine->has_ledger && s->engine->ledger.run.id != 0;
}

static struct agent_service *
meant(const struct agent *a, const struct config_scenario *c, enum order_kind kind,
    bool drill, struct err *e)
{
	struct agent_service *main = scenarios_service(a, c, false);
	struct agent_service *shadow = scenarios_service(a, c, true);
	bool of_shadow = drill || kind == ORDER_DRILL ||
	    (!is_begin(kind) && runs(shadow) && !runs(main));

	if (of_shadow && c->shadow < 0)
		(void)err_set(e,
		    "%s cannot be drilled: give it  drill: command  or a time between "
		    "drills",
		    c->name);
	else if ((of_shadow ? shadow : main) == NULL)
		(void)err_set(e,
		    "agent %s has no vote on the service of %s: ask another", a->name,
		    c->name);
	return of_shadow ? shadow : main;
}

/* The step by its name: the one in hand rather than another of that name. */
static bool
find_step(
    const struct agent_service *s, const char *word, uint32_t *step, struct err *e)
{
	const struct ledger_run *run = &s->engine->ledger.run;
	char all[200] = "";
	struct scenario_plan plan;

	scenario_plan(&s->engine->rule->plan, run, &plan);
	*step = UINT32_MAX;
	for (uint32_t i = 0; i < plan.steps; i++) {
		const char *is = slot_word((enum slot)plan.slot[i]);
		size_t n = strlen(all);

		(void)snprintf(all + n, sizeof all - n, "%s%s", n > 0 ? ", " : "", is);
		if (strcmp(is, word) == 0 && (*step == UINT32_MAX || i == run->step))
			*step = i;
	}
	return *step != UINT32_MAX ||
	    err_set(e, "the run has no step '%.30s': its steps are %s", word, all);
}

bool
scenario_order(const struct agent *a, const struct control_request *r,
    enum order_kind kind, char service[WORD_MAX], struct order *order, struct err *e)
{
	const struct config_scenario *c = find(a, r->scenario, e);
	const struct agent_service *s =
	    c != NULL ? meant(a, c, kind, r->drill, e) : NULL;

	if (s == NULL)
		return false;
	(void)snprintf(service, WORD_MAX, "%s", s->conf->rule.name);
	*order = (struct order){.kind = kind, .step = UINT32_MAX};
	if (is_begin(kind))
		return true;
	if (!runs(s))
		return err_set(e, "nothing to %s: no run of %s is under way",
		    order_word(kind), c->name);
	order->run = s->engine->ledger.run.id;
	return r->step[0] == '\0' || find_step(s, r->step, &order->step, e);
}

void
scenario_order_done(
    const struct agent_service *s, enum order_kind kind, char *text, size_t text_bytes)
{
	const struct ledger *l = &s->engine->ledger;
	int32_t i = scenarios_index(s->agent, s);
	const char *name =
	    i >= 0 ? s->agent->config->scenario[i].name : s->conf->rule.name;
	const char *drill = s->conf->shadow_of >= 0 ? "-drill" : "";

	if (is_begin(kind) && l->run.id != 0)
		(void)snprintf(text, text_bytes,
		    "begun: incident %s%s/%llu: follow it with pointsman status", name,
		    drill, (unsigned long long)l->run.id);
	else
		(void)snprintf(text, text_bytes,
		    "done: %s of %s%s is in the ledger, epoch %llu", order_word(kind),
		    name, drill, (unsigned long long)l->epoch);
}

const char *
user_name(uid_t uid, char *text, size_t text_bytes)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;

	while (f != NULL && (p = fgetpwent(f)) != NULL && p->pw_uid != uid)
		continue;
	if (p != NULL)
		(void)snprintf(
		    text, text_bytes, "%.32s (uid %u)", p->pw_name, (unsigned)uid);
	else
		(void)snprintf(text, text_bytes, "uid %u", (unsigned)uid);
	if (f != NULL)
		(void)fclose(f);
	return text;
}
