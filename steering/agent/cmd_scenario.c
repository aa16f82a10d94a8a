/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover, failback, drill; approve, retry, skip, abort. The agent does it; --dry-run
 * needs none: the plan is a function of the file, and what the agent here knows now (the
 * next fence, the newest backup, the exposure) is shown with it when it answers.
 */
#include <stdio.h>
#include <string.h>

#include "steering/agent/ask.h"
#include "steering/agent/control.h"
#include "steering/agent/dry_run.h"
#include "steering/agent/orders.h"

#define ANSWER_MS 5000

static enum run_way
way_of(const struct options *o)
{
	if (strcmp(o->command->name, "failback") == 0)
		return RUN_FAILBACK;
	if (strcmp(o->command->name, "drill") == 0)
		return RUN_DRILL;
	return o->planned ? RUN_SWITCHOVER : RUN_FAILOVER;
}

/* What the running agent knows of the scenario; NULL: it does not answer. */
static struct json *
ask_quietly(const struct config *c, const char *service)
{
	struct json *question = json_map_new();
	struct err ignored;

	if (c->control[0] == '\0') {
		json_free(question);
		return NULL;
	}
	json_put_text(question, "command", "status");
	json_put_text(question, "service", service);
	return control_ask(c->control, question, ANSWER_MS, &ignored);
}

static int
dry_run(
    const struct options *o, const struct config *c, const struct config_scenario *x)
{
	enum run_way way = way_of(o);
	int32_t service = way == RUN_DRILL ? x->shadow : (int32_t)x->service;

	if (service < 0) {
		command_say("%s cannot be drilled: give it  drill: command  or a time "
			    "between drills",
		    x->name);
		return EXIT_NO;
	}
	struct json *now = ask_quietly(c, c->service[x->service].rule.name);
	struct json *plan = dry_run_of(c, x, way, now);

	if (o->json)
		command_print_json(plan);
	else
		dry_run_print(plan, stdout);
	json_free(plan);
	json_free(now);
	return EXIT_GOOD;
}

static int
ask(const struct options *o, const struct config *c)
{
	struct json *question = json_map_new();

	json_put_text(question, "command", o->command->name);
	json_put_text(question, "scenario", o->word[0]);
	if (o->planned)
		json_put_bool(question, "planned", true);
	if (o->drill)
		json_put_bool(question, "drill", true);
	if (o->step != NULL)
		json_put_text(question, "step", o->step);
	if (o->reason != NULL)
		json_put_text(question, "reason", o->reason);
	struct json *answer = ask_agent(c, question, ORDERS_WAIT_MS + ANSWER_MS);
	if (answer == NULL)
		return EXIT_CANNOT;
	int status = ask_order_print(o, answer);
	json_free(answer);
	return status;
}

int
cmd_scenario(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t i = c != NULL ? command_scenario(c, o->word[0]) : -1;
	int status = EXIT_CANNOT;

	if (i >= 0)
		status = o->dry_run ? dry_run(o, c, &c->scenario[i]) : ask(o, c);
	config_free(c);
	return status;
}
