/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: why everything is as it is, one sentence a member. It is what status says
 * anyway, without the tables: for whoever has one question.
 */
#include <stdio.h>
#include <string.h>

#include "steering/agent/ask.h"
#include "steering/agent/status_scenarios.h"

#define WAIT_MS 5000

static struct json *
explanation(const struct json *s, const char *member)
{
	const struct json *members = json_get(s, "members");
	struct json *j = json_map_new(), *list = json_list_new();

	json_put_text(j, "service", json_text(s, "name", "?"));
	json_put_text(j, "cannot", json_text(s, "cannot", ""));
	json_put_text(j, "frozen", json_text(s, "frozen_why", ""));
	for (size_t i = 0; i < json_count(members); i++) {
		const struct json *m = json_at(members, i);
		struct json *one;

		if (member[0] != '\0' && strcmp(json_text(m, "name", ""), member) != 0)
			continue;
		one = json_map_new();
		json_put_text(one, "member", json_text(m, "name", "?"));
		json_put_text(one, "why", json_text(m, "why", ""));
		json_add(list, one);
	}
	json_put(j, "members", list);
	return j;
}

static void
print_explanation(const struct json *x)
{
	const struct json *list = json_get(x, "members");
	const char *cannot = json_text(x, "cannot", "");
	const char *frozen = json_text(x, "frozen", "");

	if (cannot[0] != '\0')
		printf("%s: this agent cannot write: %s\n",
		    json_text(x, "service", "?"), cannot);
	if (frozen[0] != '\0')
		printf("%s: frozen: %s\n", json_text(x, "service", "?"), frozen);
	for (size_t i = 0; i < json_count(list); i++)
		printf("%s/%s: %s\n", json_text(x, "service", "?"),
		    json_text(json_at(list, i), "member", "?"),
		    json_text(json_at(list, i), "why", ""));
}

static int
explain(const struct options *o, const struct json *status, const char *member)
{
	const struct json *services = json_get(status, "services");
	struct json *answer = json_map_new(), *list = json_list_new();

	for (size_t i = 0; i < json_count(services); i++)
		json_add(list, explanation(json_at(services, i), member));
	json_put_bool(answer, "ok", true);
	json_put(answer, "services", list);
	json_put(answer, "scenarios", json_clone(json_get(status, "scenarios")));
	for (size_t i = 0; !o->json && i < json_count(list); i++)
		print_explanation(json_at(list, i));
	if (o->json)
		command_print_json(answer);
	else
		status_print_scenarios(answer, stdout);
	json_free(answer);
	return EXIT_GOOD;
}

int
cmd_explain(const struct options *o)
{
	struct config *c = command_config(o);
	char service[WORD_MAX] = "", member[WORD_MAX] = "";
	int status = EXIT_CANNOT;
	int32_t s = -1;

	bool good = c != NULL &&
	    (o->words == 0 ||
		(command_target(o->word[0], service, member) &&
		    (s = command_service(c, service)) >= 0));
	if (good && member[0] != '\0')
		good = command_member(&c->service[s], member) >= 0;
	if (good) {
		struct json *question = json_map_new();

		json_put_text(question, "command", "status");
		json_put_text(question, "service", service);
		struct json *answer = ask_agent(c, question, WAIT_MS);
		if (answer != NULL && json_flag(answer, "ok"))
			status = explain(o, answer, member);
		else if (answer != NULL)
			command_say("%s", json_text(answer, "text", "no answer"));
		json_free(answer);
	}
	config_free(c);
	return status;
}
