/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history INCIDENT: one page, made from the row that the agent kept. Any agent's store
 * has it, each as it saw it; the page says whose it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/agent.h"
#include "steering/agent/ask.h"
#include "steering/agent/incident.h"
#include "steering/agent/store.h"

#define SEARCH_MAX 1000 /* as many as the store keeps */

struct search {
	const char *word; /* "shop-dr/17", or "shop-dr" */
	size_t name;      /* bytes of it before the number */
	int rank;         /* of what was found; 0 nothing */
	struct incident found;
	struct json *list; /* of all, with a list */
	bool table, heading;
};

static bool
take(const char *text, struct incident *i)
{
	struct err e = {""};
	struct json *j = json_read(text, strlen(text), &e);
	bool ok = j != NULL && incident_from_json(j, i, &e);

	json_free(j);
	return ok && i->state != INCIDENT_FAULT;
}

static bool
is(const struct search *s, const char *name)
{
	return strlen(name) == s->name && strncmp(name, s->word, s->name) == 0;
}

/* Its own name counts for more than that of its scenario or service, which a drill or a
 * drain of another number may share. */
static void
look(const char *text, void *arg)
{
	struct search *s = arg;
	char name[INCIDENT_NAME_MAX];
	struct incident i;

	if (!take(text, &i))
		return;
	(void)incident_name(&i, name);
	name[strcspn(name, "/")] = '\0';
	int rank = is(s, name) ? 2 : is(s, i.scenario) || is(s, i.service);
	if (rank == 0 || rank < s->rank)
		return;
	s->rank = rank;
	s->found = i;
}

static void
list_one(const char *text, void *arg)
{
	struct search *s = arg;
	char line[INCIDENT_LINE_MAX];
	struct incident i;

	if (!take(text, &i))
		return;
	if (!s->table) {
		json_add(s->list, incident_report_json(&i, now_wall_ms()));
		return;
	}
	if (!s->heading)
		(void)printf("\n%s\n", incident_line(NULL, 0, line));
	s->heading = true;
	(void)printf("%s\n", incident_line(&i, now_wall_ms(), line));
}

void
incident_list(const struct config *c, const char *service, uint32_t n, bool json)
{
	struct search s = {.list = json_list_new(), .table = !json};
	struct err e;

	if (!store_incidents(c->state, service, 0, n, list_one, &s, &e))
		command_say("%s", e.text);
	else if (json)
		command_print_json(s.list);
	json_free(s.list);
}

/* "shop-dr/17" is 17, "shop-dr" 0: any. */
static bool
number_of(const char *word, size_t name, uint64_t *run)
{
	char *end;

	*run = 0;
	if (word[name] == '\0')
		return true;
	*run = strtoull(word + name + 1, &end, 10);
	return *end == '\0' && *run != 0 && word[name + 1] != '-';
}

static void
print_one(const struct incident *i, bool json)
{
	if (json) {
		struct json *j = incident_report_json(i, now_wall_ms());

		command_print_json(j);
		json_free(j);
		return;
	}
	char *page = incident_page(i, now_wall_ms());
	(void)fputs(page, stdout);
	free(page);
}

int
incident_show(const struct config *c, const struct options *o, const char *word)
{
	struct search s = {.word = word, .name = strcspn(word, "/")};
	uint64_t run;
	struct err e;

	if (!number_of(word, s.name, &run)) {
		command_say("'%.60s' is no incident: say SCENARIO/NUMBER, or SCENARIO "
			    "for its last",
		    word);
		return EXIT_CANNOT;
	}
	if (!store_incidents(c->state, "", run, SEARCH_MAX, look, &s, &e)) {
		command_say("%s", e.text);
		return EXIT_CANNOT;
	}
	if (s.rank == 0) {
		command_say("there is no incident '%.60s' in %.200s, and no service of "
			    "that name: pointsman history --incidents lists them",
		    word, c->state);
		return EXIT_CANNOT;
	}
	print_one(&s.found, o->json);
	return incident_judge(&s.found, now_wall_ms()) == 0 ? EXIT_GOOD : EXIT_NO;
}
