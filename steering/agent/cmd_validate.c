/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: every mistake at once, then what the file means for the worst days: what
 * the quorum survives, what each scenario will do, and what `run` would refuse. Works
 * offline.
 */
#include <stdio.h>
#include <stdlib.h>

#include "steering/agent/commands.h"
#include "steering/zone/json.h"

#define SURVIVAL_BYTES 2048

static void
print_notes(const char *path, const struct config_notes *notes)
{
	char line[ERR_TEXT_MAX + 600];

	for (size_t i = 0; i < notes->count; i++) {
		config_note_format(path, &notes->note[i], line, sizeof line);
		printf("%s\n", line);
	}
	if (notes->more)
		printf("%s: … and more\n", path);
}

static void
add_notes(struct json *answer, const char *key, const struct config_notes *notes)
{
	struct json *list = json_list_new();

	for (size_t i = 0; i < notes->count; i++) {
		struct json *note = json_map_new();

		json_put_text(
		    note, "level", notes->note[i].warning ? "warning" : "error");
		json_put_int(note, "line", notes->note[i].line);
		json_put_int(note, "column", notes->note[i].column);
		json_put_text(note, "text", notes->note[i].text);
		json_add(list, note);
	}
	json_put(answer, key, list);
}

/* Shadows stand behind the services of the file, and are told of with their plan. */
static uint32_t
services_of_file(const struct config *c)
{
	uint32_t n = 0;

	while (n < c->services && c->service[n].shadow_of < 0)
		n++;
	return n;
}

static void
print_good(const struct config *c, const struct config_notes *unbuilt)
{
	uint32_t services = services_of_file(c);
	char text[SURVIVAL_BYTES];

	printf("%s: good: %u service%s, %u agent%s, %u zone%s\n", c->path,
	    (unsigned)services, services == 1 ? "" : "s", (unsigned)c->agents,
	    c->agents == 1 ? "" : "s", (unsigned)c->zones, c->zones == 1 ? "" : "s");
	for (uint32_t i = 0; i < services; i++) {
		config_survival(c, i, text, sizeof text);
		printf("%s\n", text);
	}
	for (uint32_t i = 0; i < c->scenarios; i++) {
		config_plan_text(c, i, text, sizeof text);
		printf("%s\n", text);
	}
	if (unbuilt->count == 0)
		return;
	printf("run refuses this file for now:\n");
	print_notes(c->path, unbuilt);
}

static void
add_services(struct json *answer, const struct config *c)
{
	struct json *list = json_list_new();
	char text[SURVIVAL_BYTES];

	for (uint32_t i = 0; i < services_of_file(c); i++) {
		struct json *service = json_map_new();

		config_survival(c, i, text, sizeof text);
		json_put_text(service, "name", c->service[i].rule.name);
		json_put_int(service, "members", c->service[i].rule.members);
		json_put_text(service, "survives", text);
		json_add(list, service);
	}
	json_put(answer, "services", list);
}

static void
add_scenarios(struct json *answer, const struct config *c)
{
	struct json *list = json_list_new();
	char text[SURVIVAL_BYTES];

	for (uint32_t i = 0; i < c->scenarios; i++) {
		const struct config_scenario *s = &c->scenario[i];
		struct json *scenario = json_map_new();

		config_plan_text(c, i, text, sizeof text);
		json_put_text(scenario, "name", s->name);
		json_put_text(scenario, "service", c->service[s->service].rule.name);
		json_put_text(scenario, "shadow",
		    s->shadow >= 0 ? c->service[s->shadow].rule.name : "");
		json_put_text(scenario, "does", text);
		json_add(list, scenario);
	}
	json_put(answer, "scenarios", list);
}

static void
print_json(const struct options *o, const struct config *c,
    const struct config_notes *notes, const struct config_notes *unbuilt)
{
	struct json *answer = json_map_new();

	json_put_text(answer, "file", o->config);
	json_put_bool(answer, "ok", c != NULL);
	add_notes(answer, "notes", notes);
	json_put_bool(answer, "more", notes->more);
	if (c != NULL) {
		add_services(answer, c);
		add_scenarios(answer, c);
		json_put_bool(answer, "runnable", unbuilt->count == 0);
		add_notes(answer, "not_runnable", unbuilt);
	}
	command_print_json(answer);
	json_free(answer);
}

int
cmd_validate(const struct options *o)
{
	struct config_notes notes = {0}, unbuilt = {0};
	struct config *c = NULL;
	bool ok = config_load(o->config, &c, &notes);

	if (ok && config_runnable(c, &unbuilt))
		unbuilt.count = 0;
	if (o->json)
		print_json(o, c, &notes, &unbuilt);
	else
		print_notes(o->config, &notes);
	if (ok && !o->json)
		print_good(c, &unbuilt);
	config_notes_free(&notes);
	config_notes_free(&unbuilt);
	config_free(c);
	return ok ? EXIT_GOOD : EXIT_NO;
}

int
cmd_version(const struct options *o)
{
	if (!o->json) {
		printf("pointsman %s\n", POINTSMAN_VERSION);
		return EXIT_GOOD;
	}
	struct json *answer = json_map_new();
	json_put_text(answer, "version", POINTSMAN_VERSION);
	command_print_json(answer);
	json_free(answer);
	return EXIT_GOOD;
}
