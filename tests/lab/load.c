/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each line becomes a batch of one CREATE, so a file cannot hold what the API would
 * refuse, and a mistake is found on its own line.
 */
#include "tests/lab/load.h"
#include "tests/lab/batch.h"
#include "tests/lab/form.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 8192 };

struct line {
	char *at;
	const char *problem; /* NULL: none so far */
};

/* The next word, cut out in place; NULL at the end. */
static char *
take_word(struct line *line)
{
	char *word = line->at + strspn(line->at, " \t");
	size_t n = strcspn(word, " \t");

	if (n == 0)
		return NULL;
	line->at = word + n;
	if (*line->at != '\0')
		*line->at++ = '\0';
	return word;
}

static void
take_name(struct line *line, struct rrset *set)
{
	char name[NAME_TEXT_BYTES];
	const char *word = take_word(line);

	if (word == NULL || !name_parse(word, name))
		line->problem = "the first word must be a domain name";
	else
		rrset_set_name(set, name);
}

static void
take_type(struct line *line, struct rrset *set)
{
	const char *word = take_word(line);

	set->type = word != NULL ? rrtype_find(word) : NULL;
	if (set->type == NULL)
		line->problem = "the second word must be a record type";
}

static bool
read_number(const char *word, unsigned long max, unsigned long *n)
{
	char *end;

	if (word == NULL || *word < '0' || *word > '9')
		return false;
	*n = strtoul(word, &end, 10);
	return *end == '\0' && *n <= max;
}

static void
take_ttl(struct line *line, struct rrset *set)
{
	unsigned long n = 0;

	if (!read_number(take_word(line), 2147483647, &n))
		line->problem = "the third word must be a TTL in seconds";
	set->has_ttl = true;
	set->ttl_s = (uint32_t)n;
}

/* One key=value; false: the word is none, and stays. */
static bool
take_option(struct line *line, struct rrset *set)
{
	char *start = line->at + strspn(line->at, " \t");
	unsigned long n = 0;
	char *word;

	if (strncmp(start, "set=", 4) != 0 && strncmp(start, "weight=", 7) != 0 &&
	    strncmp(start, "failover=", 9) != 0 && strncmp(start, "health=", 7) != 0)
		return false;
	word = take_word(line);
	const char *value = strchr(word, '=') + 1;
	if (word[0] == 's') {
		free(set->set_id);
		set->set_id = heap_string(value);
	} else if (word[0] == 'h') {
		free(set->health);
		set->health = heap_string(value);
	} else if (word[0] == 'f') {
		set->failover = strcmp(value, "PRIMARY") == 0 ? FAILOVER_PRIMARY
							      : FAILOVER_SECONDARY;
	} else {
		if (!read_number(value, 255, &n))
			line->problem = "weight= is a number from 0 to 255";
		set->has_weight = true;
		set->weight = (uint8_t)n;
	}
	return true;
}

static void
take_values(struct line *line, struct rrset *set)
{
	char *value = line->at;

	while (value != NULL) {
		char *bar = strstr(value, " | ");
		size_t n;

		if (bar != NULL)
			*bar = '\0';
		value += strspn(value, " \t");
		for (n = strlen(value); n > 0 && strchr(" \t", value[n - 1]) != NULL;
		     n--)
			value[n - 1] = '\0';
		if (n == 0 || n > VALUE_TEXT_MAX)
			line->problem = "a value is missing or too long";
		else
			rrset_add_value(set, value);
		value = bar != NULL ? bar + 3 : NULL;
	}
}

static bool
commit_line(struct lab *lab, struct rrset *set, char why[FORM_WHY_BYTES])
{
	struct zone *z = store_zone_of(&lab->store, set->name, true);
	struct messages messages = {0};
	struct version *v = NULL;
	struct batch b = {0};

	batch_add(&b, ACTION_CREATE, rrset_ref(set));
	if (z == NULL) {
		snprintf(why, FORM_WHY_BYTES, "%s is in none of the zones", set->name);
	} else if (form_check_batch(&b, why)) {
		v = batch_apply(&b, &lab->store, z, &messages);
		if (v == NULL)
			snprintf(why, FORM_WHY_BYTES, "%s", messages.lines[0]);
		else
			zone_commit(
			    &lab->store, z, v, 0, lab_now_ms(), lab_wall_ms(lab), NULL);
	}
	messages_fini(&messages);
	batch_fini(&b);
	return v != NULL;
}

static bool
load_line(struct lab *lab, char *text, char why[FORM_WHY_BYTES])
{
	struct line line = {.at = text};
	struct rrset *set = rrset_new();
	bool good = false;

	take_name(&line, set);
	if (line.problem == NULL)
		take_type(&line, set);
	if (line.problem == NULL)
		take_ttl(&line, set);
	while (line.problem == NULL && take_option(&line, set))
		continue;
	if (line.problem == NULL)
		take_values(&line, set);
	if (line.problem != NULL)
		snprintf(why, FORM_WHY_BYTES, "%s", line.problem);
	else
		good = commit_line(lab, set, why);
	rrset_unref(set);
	return good;
}

bool
load_file(struct lab *lab, const char *path, char why[LOAD_WHY_BYTES])
{
	FILE *file = fopen(path, "re");
	char text[LINE_BYTES], problem[FORM_WHY_BYTES];
	bool good = true;

	if (file == NULL) {
		snprintf(why, LOAD_WHY_BYTES, "%s: %s", path, strerror(errno));
		return false;
	}
	for (unsigned n = 1; good && fgets(text, sizeof text, file) != NULL; n++) {
		text[strcspn(text, "\r\n")] = '\0';
		if (text[strspn(text, " \t")] == '\0' ||
		    text[strspn(text, " \t")] == '#')
			continue;
		good = load_line(lab, text, problem);
		if (!good)
			snprintf(
			    why, LOAD_WHY_BYTES, "%s:%u: %.600s", path, n, problem);
	}
	fclose(file);
	return good;
}
