/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of options for all commands, because an option must mean the same
 * everywhere; a command only lists which it takes. getopt was rejected: it cannot name
 * the nearest option, nor say that one exists but not here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/value.h"
#include "config/words.h"
#include "steering/agent/commands.h"

#define REASON_BYTES_MAX 150

enum kind { KIND_FLAG = 0, KIND_TEXT, KIND_COUNT, KIND_DURATION };

static const struct option_row {
	const char *name;
	char letter; /* 0: none */
	enum kind kind;
	size_t offset; /* into struct options */
	const char *value, *does;
} rows[] = {
    {"config", 'c', KIND_TEXT, offsetof(struct options, config), "FILE",
	"the configuration"},
    {"agent", 0, KIND_TEXT, offsetof(struct options, agent), "NAME",
	"which of its agents this is"},
    {"json", 0, KIND_FLAG, offsetof(struct options, json), "", "answer in JSON"},
    {"workers", 0, KIND_COUNT, offsetof(struct options, workers), "N",
	"prober processes (1); more use more cores"},
    {"verbose", 'v', KIND_FLAG, offsetof(struct options, verbose), "",
	"say facts of level debug too: votes, addresses"},
    {"watch", 0, KIND_FLAG, offsetof(struct options, watch), "",
	"again every 2 s, until interrupted"},
    {"yes", 0, KIND_FLAG, offsetof(struct options, yes), "", "do not ask"},
    {"all", 0, KIND_FLAG, offsetof(struct options, all), "", "every service"},
    {"bootstrap", 0, KIND_FLAG, offsetof(struct options, bootstrap), "",
	"what running bootstrap needs, instead of what an agent does"},
    {"site", 0, KIND_TEXT, offsetof(struct options, site), "SITE",
	"this member of every service that has it"},
    {"for", 0, KIND_DURATION, offsetof(struct options, for_s), "DURATION",
	"how long it stands: 30m, 4h, 2d"},
    {"reason", 0, KIND_TEXT, offsetof(struct options, reason), "TEXT",
	"why; for the log"},
    {"planned", 0, KIND_FLAG, offsetof(struct options, planned), "",
	"a graceful switch-over: both sites are well, nothing is lost"},
    {"dry-run", 0, KIND_FLAG, offsetof(struct options, dry_run), "",
	"show every step and what an abort there leaves; do nothing"},
    {"drill", 0, KIND_FLAG, offsetof(struct options, drill), "",
	"its drill is meant, should the scenario itself run too"},
    {"step", 0, KIND_TEXT, offsetof(struct options, step), "STEP",
	"only if this step is the one in hand"},
    {"incidents", 0, KIND_FLAG, offsetof(struct options, incidents), "",
	"the incidents alone"},
    {"count", 'n', KIND_COUNT, offsetof(struct options, count), "N", "how many (50)"},
};
#define ROWS (sizeof rows / sizeof rows[0])

/* Is the option in the command's list? *must: it ends in '!'. */
static bool
taken(const struct command *c, const struct option_row *row, bool *must)
{
	size_t n = strlen(row->name);

	for (const char *at = c->options; *at != '\0'; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");

		*must = word > 0 && at[word - 1] == '!';
		if (strncmp(at, row->name, n) == 0 && word == n + *must)
			return true;
		at += word;
	}
	*must = false;
	return false;
}

/* ---- help ---- */

static void
print_option(const struct option_row *row, bool must)
{
	char left[48];

	if (row->letter != 0)
		(void)snprintf(left, sizeof left, "-%c, --%s %s", row->letter,
		    row->name, row->value);
	else
		(void)snprintf(left, sizeof left, "    --%s %s", row->name, row->value);
	printf("  %-24s %s%s\n", left, row->does, must ? " (needed)" : "");
}

void
options_help(const struct command *c, const struct command *all, unsigned n)
{
	bool must;

	if (c == NULL) {
		printf("usage: pointsman COMMAND [OPTION]...\n\n");
		for (unsigned i = 0; i < n; i++)
			printf("  %-10s %s\n", all[i].name, all[i].does);
		printf(
		    "\npointsman COMMAND --help says more. Exit status: 0 good, 1 the "
		    "answer is no,\n2 cannot tell.\n");
		return;
	}
	printf("usage: pointsman %s%s%s%s%s\n\n%s\n", c->name,
	    strstr(c->options, "config!") != NULL ? " -c FILE" : "",
	    c->options[0] != '\0' ? " [OPTION]..." : "", c->words[0] != '\0' ? " " : "",
	    c->words, c->does);
	if (c->more != NULL)
		printf("%s\n", c->more);
	if (c->options[0] != '\0')
		printf("\n");
	for (size_t i = 0; i < ROWS; i++)
		if (taken(c, &rows[i], &must))
			print_option(&rows[i], must);
}

/* ---- parsing ---- */

static bool
set_value(const struct option_row *row, struct options *o, const char *value)
{
	void *at = (char *)o + row->offset;
	struct err e = {""};
	uint64_t n;

	switch (row->kind) {
	case KIND_FLAG:
		*(bool *)at = true;
		return true;
	case KIND_TEXT:
		if (value[0] != '\0' && strlen(value) <= REASON_BYTES_MAX + 1024u) {
			*(const char **)at = value;
			return true;
		}
		(void)err_set(&e, " is empty or too long");
		break;
	case KIND_COUNT:
		if (value_count(value, &n, &e) && n >= 1 && n <= 1000000) {
			*(uint32_t *)at = (uint32_t)n;
			return true;
		}
		if (e.text[0] == '\0')
			(void)err_set(&e, " is not between 1 and 1000000");
		break;
	case KIND_DURATION:
		if (value_duration(value, &n, &e) && n >= 1000) {
			*(uint64_t *)at = n / 1000;
			return true;
		}
		if (e.text[0] == '\0')
			(void)err_set(&e, " is less than a second");
		break;
	}
	command_say(
	    "--%s '%s'%s%s", row->name, value, e.text[0] == ' ' ? "" : " ", e.text);
	return false;
}

static const struct option_row *
find_row(const struct command *c, const char *word, size_t n)
{
	struct nearest near = {.wrong = NULL};
	char name[64];
	bool must;

	(void)snprintf(name, sizeof name, "%.*s", (int)n, word);
	near.wrong = name;
	for (size_t i = 0; i < ROWS; i++) {
		bool short_one = n == 1 && rows[i].letter == word[0] && word[-2] != '-';

		if (short_one || strcmp(rows[i].name, name) == 0) {
			if (taken(c, &rows[i], &must))
				return &rows[i];
			command_say("%s takes no --%s", c->name, rows[i].name);
			return NULL;
		}
		if (taken(c, &rows[i], &must))
			nearest_offer(&near, rows[i].name, strlen(rows[i].name));
	}
	if (near.best != NULL)
		command_say(
		    "there is no option '%s': did you mean '--%s'?", name, near.best);
	else
		command_say(
		    "there is no option '%s': see pointsman %s --help", name, c->name);
	return NULL;
}

/* One option at argv[*i]; moves *i over its value. */
static bool
take_option(const struct command *c, int argc, char **argv, int *i, struct options *o)
{
	const char *word = argv[*i];
	bool is_long = word[1] == '-';
	const char *name = word + (is_long ? 2 : 1);
	size_t n = is_long ? strcspn(name, "=") : 1;
	const struct option_row *row = find_row(c, name, is_long ? n : strlen(name));
	const char *value = NULL;

	if (row == NULL)
		return false;
	if (is_long && name[n] == '=')
		value = name + n + 1;
	if (row->kind == KIND_FLAG && value != NULL) {
		command_say("--%s takes no value", row->name);
		return false;
	}
	if (row->kind != KIND_FLAG && value == NULL) {
		if (*i + 1 >= argc) {
			command_say("--%s needs its %s", row->name, row->value);
			return false;
		}
		value = argv[++*i];
	}
	return set_value(row, o, value);
}

static bool
complete(const struct command *c, const struct options *o)
{
	bool must;

	for (size_t i = 0; i < ROWS; i++) {
		const void *at = (const char *)o + rows[i].offset;

		if (!taken(c, &rows[i], &must) || !must || rows[i].kind != KIND_TEXT ||
		    *(const char *const *)at != NULL)
			continue;
		command_say("%s needs %s%c%s--%s %s", c->name,
		    rows[i].letter != 0 ? "-" : "",
		    rows[i].letter != 0 ? rows[i].letter : ' ',
		    rows[i].letter != 0 ? " or " : "", rows[i].name, rows[i].value);
		return false;
	}
	if (o->words < c->words_min) {
		command_say("%s needs %s", c->name, c->words);
		return false;
	}
	if (o->reason != NULL && strlen(o->reason) > REASON_BYTES_MAX) {
		command_say("--reason is longer than %d bytes", REASON_BYTES_MAX);
		return false;
	}
	return true;
}

bool
options_parse(
    const struct command *c, int argc, char **argv, struct options *o, int *status)
{
	bool only_words = false;

	*o = (struct options){.command = c};
	*status = EXIT_CANNOT;
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i];

		if (only_words || word[0] != '-' || word[1] == '\0') {
			if (o->words == c->words_max) {
				command_say("%s takes no '%s' here", c->name, word);
				return false;
			}
			o->word[o->words++] = word;
		} else if (strcmp(word, "--") == 0) {
			only_words = true;
		} else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
			options_help(c, NULL, 0);
			*status = EXIT_GOOD;
			return false;
		} else if (!take_option(c, argc, argv, &i, o)) {
			return false;
		}
	}
	return complete(c, o);
}
