/* SPDX-License-Identifier: Apache-2.0 */
/* What several commands need of a configuration, with the sentences for operators. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/words.h"
#include "steering/agent/commands.h"

static void
print_notes(const char *path, const struct config_notes *notes)
{
	char line[ERR_TEXT_MAX + 600];

	for (size_t i = 0; i < notes->count; i++) {
		config_note_format(path, &notes->note[i], line, sizeof line);
		command_note(line);
	}
	if (!notes->more)
		return;
	(void)snprintf(line, sizeof line, "%.500s: … and more", path);
	command_note(line);
}

struct config *
command_config(const struct options *o)
{
	struct config_notes notes = {0};
	struct config *c = NULL;

	if (!config_load(o->config, &c, &notes)) {
		print_notes(o->config, &notes);
		command_say("%s has mistakes: see above", o->config);
	}
	config_notes_free(&notes);
	return c;
}

bool
command_runnable(const struct config *c)
{
	struct config_notes notes = {0};
	bool ok = config_runnable(c, &notes);

	if (!ok)
		print_notes(c->path, &notes);
	config_notes_free(&notes);
	return ok;
}

bool
command_agent(const struct config *c, const char *name, uint32_t *index)
{
	char all[AGENTS_MAX * (WORD_MAX + 2)] = "";
	struct nearest near = {.wrong = name};

	if (name == NULL && c->agents == 1) {
		*index = 0;
		return true;
	}
	for (uint32_t a = 0; a < c->agents; a++) {
		size_t used = strlen(all);

		if (name != NULL && strcmp(c->agent[a].name, name) == 0) {
			*index = a;
			return true;
		}
		if (name != NULL)
			nearest_offer(
			    &near, c->agent[a].name, strlen(c->agent[a].name));
		(void)snprintf(all + used, sizeof all - used, "%s%s", a > 0 ? ", " : "",
		    c->agent[a].name);
	}
	if (name == NULL)
		command_say("%s names several agents: say which with --agent (%s)",
		    c->path, all);
	else if (near.best != NULL)
		command_say("%s has no agent '%s': did you mean '%s'?", c->path, name,
		    near.best);
	else
		command_say("%s has no agent '%s': there are %s", c->path, name, all);
	return false;
}

int32_t
command_service(const struct config *c, const char *name)
{
	struct nearest near = {.wrong = name};

	for (uint32_t i = 0; i < c->services; i++) {
		const char *is = c->service[i].rule.name;

		if (strcmp(is, name) == 0)
			return (int32_t)i;
		nearest_offer(&near, is, strlen(is));
	}
	command_say("%s has no service '%s'%s%s%s", c->path, name,
	    near.best != NULL ? ": did you mean '" : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "'?" : "");
	return -1;
}

int32_t
command_scenario(const struct config *c, const char *name)
{
	struct nearest near = {.wrong = name};

	for (uint32_t i = 0; i < c->scenarios; i++) {
		const char *is = c->scenario[i].name;

		if (strcmp(is, name) == 0)
			return (int32_t)i;
		nearest_offer(&near, is, strlen(is));
	}
	command_say("%s has no scenario '%s'%s%s%s", c->path, name,
	    near.best != NULL ? ": did you mean '" : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "'?" : "");
	return -1;
}

int32_t
command_member(const struct config_service *s, const char *name)
{
	struct nearest near = {.wrong = name};

	for (uint32_t m = 0; m < s->rule.members; m++) {
		const char *is = s->rule.member[m].name;

		if (strcmp(is, name) == 0)
			return (int32_t)m;
		nearest_offer(&near, is, strlen(is));
	}
	command_say("service '%s' has no member '%s'%s%s%s", s->rule.name, name,
	    near.best != NULL ? ": did you mean '" : "",
	    near.best != NULL ? near.best : "", near.best != NULL ? "'?" : "");
	return -1;
}

bool
command_agreed(const char *question)
{
	char line[16];

	if (!isatty(STDIN_FILENO)) {
		command_say("nothing was done: say --yes to agree without a terminal");
		return false;
	}
	(void)fprintf(stderr, "%s [y/N] ", question);
	return fgets(line, sizeof line, stdin) != NULL &&
	    (line[0] == 'y' || line[0] == 'Y');
}

bool
command_target(const char *word, char service[WORD_MAX], char member[WORD_MAX])
{
	size_t n = strcspn(word, "/");
	const char *rest = word[n] == '/' ? word + n + 1 : "";

	if (n >= WORD_MAX || strlen(rest) >= WORD_MAX) {
		command_say("'%.40s' is no SERVICE/MEMBER: names are shorter than %d",
		    word, WORD_MAX);
		return false;
	}
	(void)snprintf(service, WORD_MAX, "%.*s", (int)n, word);
	(void)snprintf(member, WORD_MAX, "%s", rest);
	return true;
}
