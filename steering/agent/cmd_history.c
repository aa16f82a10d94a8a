/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: the timeline, read from the store's file and not from the agent, so that it
 * can be read when the agent is gone, which is when it is wanted most.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/ask.h"
#include "steering/agent/logfmt.h"
#include "steering/agent/store.h"

#define COUNT_USUAL 50
#define INCIDENTS_USUAL 10

static void
print_line(const struct store_fact *f, void *arg)
{
	struct logfmt_line l = {
	    .wall_ms = f->wall_ms,
	    .at_wall_ms = f->at_wall_ms,
	    .service = f->service,
	    .member = f->member,
	    .fact = &f->fact,
	};
	char line[LOGFMT_LINE_MAX];

	(void)arg;
	(void)logfmt_format(&l, line);
	(void)fputs(line, stdout);
}

static void
add_json(const struct store_fact *f, void *arg)
{
	struct json *j = json_map_new();
	char time[LOGFMT_TIME_MAX];

	json_put_text(j, "time", logfmt_time(f->wall_ms, time));
	json_put_text(j, "at", logfmt_time(f->at_wall_ms, time));
	json_put_text(j, "level", logfmt_level(f->fact.level));
	json_put_text(j, "fact", fact_word(f->fact.kind));
	json_put_text(j, "service", f->service);
	json_put_text(j, "member", f->member);
	json_put_text(j, "value", f->fact.value);
	json_put_text(j, "address", f->fact.address);
	json_put_int(j, "epoch", (int64_t)f->fact.epoch);
	json_put_text(j, "text", f->fact.text);
	json_add(arg, j);
}

static bool
is_service(const struct config *c, const char *name)
{
	for (uint32_t n = 0; n < c->services; n++)
		if (strcmp(c->service[n].rule.name, name) == 0)
			return true;
	return false;
}

static int
timeline(const struct config *c, const struct options *o, const char *service)
{
	uint32_t n = o->count != 0 ? o->count : COUNT_USUAL;
	struct json *list = json_list_new();
	struct err e;
	bool ok = store_timeline(
	    c->state, service, n, o->json ? add_json : print_line, list, &e);

	if (!ok)
		command_say("%s", e.text);
	else if (o->json)
		command_print_json(list);
	else
		incident_list(c, service, INCIDENTS_USUAL, false);
	json_free(list);
	return ok ? EXIT_GOOD : EXIT_CANNOT;
}

int
cmd_history(const struct options *o)
{
	struct config *c = command_config(o);
	const char *word = o->words > 0 ? o->word[0] : "";
	int status = EXIT_CANNOT;

	if (c != NULL && c->state[0] == '\0') {
		command_say(
		    "%s names no state directory: add  state: DIRECTORY", c->path);
	} else if (c != NULL && o->incidents) {
		incident_list(c, word, o->count != 0 ? o->count : COUNT_USUAL, o->json);
		status = EXIT_GOOD;
	} else if (c != NULL && word[0] != '\0' && !is_service(c, word)) {
		status = incident_show(c, o, word);
	} else if (c != NULL) {
		status = timeline(c, o, word);
	}
	config_free(c);
	return status;
}
