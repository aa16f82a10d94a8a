/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that ask the running agent. They need the configuration only for the
 * socket's path, and for names: a wrong one is told with the nearest before the agent
 * is bothered.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/ask.h"
#include "steering/agent/orders.h"
#include "steering/agent/status.h"

#define STATUS_WAIT_MS 5000

struct json *
ask_agent(const struct config *c, struct json *question, uint64_t timeout_ms)
{
	struct err e;
	struct json *answer = NULL;

	if (c->control[0] == '\0') {
		json_free(question);
		command_say("%s names no control socket: add  control: PATH", c->path);
		return NULL;
	}
	answer = control_ask(c->control, question, timeout_ms, &e);
	if (answer == NULL)
		command_say("%s", e.text);
	return answer;
}

int
ask_order_print(const struct options *o, const struct json *answer)
{
	const struct json *list = json_get(answer, "services");

	if (o->json)
		command_print_json(answer);
	for (size_t i = 0; !o->json && i < json_count(list); i++) {
		const struct json *part = json_at(list, i);
		bool ok = json_flag(part, "ok");

		printf("%s: %s%s\n", json_text(part, "service", "?"),
		    ok                               ? ""
			: json_flag(part, "pending") ? ""
						     : "refused: ",
		    json_text(part, "text", ""));
	}
	if (!o->json && json_count(list) == 0)
		printf("%s\n", json_text(answer, "text", ""));
	if (json_flag(answer, "ok"))
		return EXIT_GOOD;
	return json_flag(answer, "pending") ? EXIT_CANNOT : EXIT_NO;
}

int
cmd_status(const struct options *o)
{
	struct config *c = command_config(o);
	int status = EXIT_CANNOT;

	if (c == NULL)
		return EXIT_CANNOT;
	const char *service = o->words > 0 ? o->word[0] : "";
	if (service[0] == '\0' || command_service(c, service) >= 0) {
		struct json *question = json_map_new();

		json_put_text(question, "command", "status");
		json_put_text(question, "service", service);
		struct json *answer = ask_agent(c, question, STATUS_WAIT_MS);
		if (answer != NULL && !json_flag(answer, "ok")) {
			command_say("%s", json_text(answer, "text", "no answer"));
		} else if (answer != NULL) {
			status = EXIT_GOOD;
			if (o->json)
				command_print_json(answer);
			else
				status_print(answer, stdout);
		}
		json_free(answer);
	}
	config_free(c);
	return status;
}

/* ---- orders ---- */

static bool
about_member(const char *command)
{
	return strcmp(command, "freeze") != 0 && strcmp(command, "unfreeze") != 0;
}

/* Which service and member the words mean; false after saying what is wrong. */
static bool
aim(const struct options *o, const struct config *c, char service[WORD_MAX],
    char member[WORD_MAX])
{
	const char *command = o->command->name;
	bool everywhere = o->all || o->site != NULL;

	service[0] = member[0] = '\0';
	if ((o->words > 0) == everywhere) {
		command_say("%s needs %s%s", command, o->command->words,
		    about_member(command) ? " or --site SITE" : " or --all");
		return false;
	}
	if (o->site != NULL) {
		if (strlen(o->site) < WORD_MAX)
			(void)snprintf(member, WORD_MAX, "%s", o->site);
		else
			command_say("there is no site '%.40s'", o->site);
		return strlen(o->site) < WORD_MAX;
	}
	if (o->all)
		return true;
	if (!command_target(o->word[0], service, member))
		return false;
	int32_t s = command_service(c, service);
	if (s < 0)
		return false;
	if (about_member(command) && member[0] == '\0') {
		command_say(
		    "%s is about a member: %s %s/MEMBER", command, command, service);
		return false;
	}
	if (!about_member(command) && member[0] != '\0') {
		command_say(
		    "%s is about a whole service: %s %s", command, command, service);
		return false;
	}
	return member[0] == '\0' || command_member(&c->service[s], member) >= 0;
}

int
ask_order(const struct options *o, const struct config *c, const char *service,
    const char *member)
{
	struct json *question = json_map_new();

	json_put_text(question, "command", o->command->name);
	json_put_text(question, "service", service);
	json_put_text(question, "member", member);
	if (o->reason != NULL)
		json_put_text(question, "reason", o->reason);
	if (o->for_s != 0)
		json_put_int(question, "for_s", (int64_t)o->for_s);
	struct json *answer = ask_agent(c, question, ORDERS_WAIT_MS + STATUS_WAIT_MS);
	if (answer == NULL)
		return EXIT_CANNOT;
	int status = ask_order_print(o, answer);
	json_free(answer);
	return status;
}

int
cmd_order(const struct options *o)
{
	struct config *c = command_config(o);
	char service[WORD_MAX], member[WORD_MAX];
	int status = EXIT_CANNOT;

	if (c != NULL && aim(o, c, service, member))
		status = ask_order(o, c, service, member);
	config_free(c);
	return status;
}
