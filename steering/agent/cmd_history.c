/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history: the timeline, read from the store's file and not from the agent, so that it
 * can be read when the agent is gone, which is when it is wanted most.
 */
#include <stdio.h>
#include <stdlib.h>

#include "steering/agent/ask.h"
#include "steering/agent/logfmt.h"
#include "steering/agent/store.h"

#define COUNT_USUAL 50

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

int
cmd_history(const struct options *o)
{
	struct config *c = command_config(o);
	const char *service = o->words > 0 ? o->word[0] : "";
	uint32_t n = o->count != 0 ? o->count : COUNT_USUAL;
	struct json *list = json_list_new();
	struct err e;
	bool ok = false;

	if (c != NULL && c->state[0] == '\0')
		command_say(
		    "%s names no state directory: add  state: DIRECTORY", c->path);
	else if (c != NULL) {
		ok = store_timeline(
		    c->state, service, n, o->json ? add_json : print_line, list, &e);
		if (!ok)
			command_say("%s", e.text);
	}
	if (ok && o->json)
		command_print_json(list);
	json_free(list);
	config_free(c);
	return ok ? EXIT_GOOD : EXIT_CANNOT;
}
