/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.c - one line of a table for each row of the schema.
 *
 * The page has a section for each top-level block and one for what stands alone, in
 * the order of the schema. Everything that it says comes from the row: what is not in
 * the table cannot be on the page, and the other way round. An example is the default
 * where there is one; else the row's own, where its type's would not do.
 */
#include "config/reference.h"

#include <inttypes.h>
#include <string.h>

#include "config/value.h"

static const char *const by_type[SCHEMA_TYPES] = {
    [T_WORD] = "fra",
    [T_BOOL] = "true",
    [T_COUNT] = "2",
    [T_PERCENT] = "50%",
    [T_DURATION] = "10s",
    [T_NAME] = "www.example.com",
    [T_IP4] = "192.0.2.10",
    [T_IP6] = "2001:db8::10",
    [T_IP] = "192.0.2.10",
    [T_ADDRESS] = "127.0.0.1:7354",
    [T_SERVER] = "192.0.2.53",
    [T_HTTP_URL] = "http://127.0.0.1:8080",
    [T_HTTPS_URL] = "https://10.1.0.5:7353",
    [T_CANARY] = "tcp://192.0.2.250:443",
    [T_ENDPOINT] = "http://192.0.2.10:8080",
    [T_STATUS] = "200-299",
    [T_WAIT] = "healthy",
};

const char *
reference_example(const struct schema_key *row)
{
	if (row->example != NULL)
		return row->example;
	if (row->preset != NULL && row->type != T_LIST)
		return row->preset;
	return by_type[row->type] != NULL ? by_type[row->type] : "";
}

static bool
is_item(const struct schema_key *row)
{
	return strcmp(schema_last(row), "-") == 0;
}

/* "*" is a word that the operator chooses, "-" an entry of a list. */
static void
write_key(FILE *out, const struct schema_key *row)
{
	(void)fputs("| `", out);
	for (const char *p = row->path; *p != '\0'; p++)
		if (*p == '*')
			(void)fputs("NAME", out);
		else
			(void)fputc(*p, out);
	(void)fputs("` | ", out);
}

/* A word of a table must not end its column. */
static void
write_cell(FILE *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '|')
			(void)fputc('\\', out);
		(void)fputc(*p, out);
	}
}

static void
write_type(FILE *out, const struct schema_key *row)
{
	if (row->type == T_ENUM) {
		const char *at = row->words;

		for (size_t n; *at != '\0'; at += n) {
			n = strcspn(at, " ");
			(void)fprintf(
			    out, "%s`%.*s`", at == row->words ? "" : ", ", (int)n, at);
			n += strspn(at + n, " ");
		}
	} else if (row->type == T_REF) {
		(void)fprintf(out, "a name under `%s`", row->words);
	} else if (row->type == T_DURATION) {
		(void)fputs(row->words != NULL ? "a time in whole seconds (s, m, h, d)"
					       : "a time (ms, s, m, h, d)",
		    out);
	} else {
		write_cell(out, schema_type_text(row->type));
	}
	(void)fputs(" | ", out);
}

static void
write_default(FILE *out, const struct schema_key *row)
{
	if (row->required)
		(void)fputs("**required**", out);
	else if (row->preset != NULL)
		(void)fprintf(out, "`%s`", row->preset);
	else
		(void)fputs("–", out);
	(void)fputs(" | ", out);
}

static void
write_times(FILE *out, const struct schema_key *row)
{
	uint64_t unit = row->words != NULL ? 1000 : 1;
	char least[32], most[32];

	value_duration_format(row->min * unit, least, sizeof least);
	value_duration_format(row->max * unit, most, sizeof most);
	(void)fprintf(out, "%s to %s", least, most);
}

static const char *
counted(enum schema_type t)
{
	switch ((int)t) {
	case T_TEXT:
		return " characters";
	case T_LIST:
	case T_NAMED:
	case T_PARAMS:
	case T_HEADERS:
		return " entries";
	case T_PERCENT:
		return "%";
	default:
		return "";
	}
}

static void
write_bounds(FILE *out, const struct schema_key *row)
{
	const char *unit = counted(row->type);

	if (row->type == T_DURATION && row->max > 0)
		write_times(out, row);
	else if (row->max > 0)
		(void)fprintf(
		    out, "%" PRIu64 " to %" PRIu64 "%s", row->min, row->max, unit);
	else if (row->type == T_TEXT && row->place.bytes > 0)
		(void)fprintf(out, "at most %zu%s", row->place.bytes - 1, unit);
	else if (row->min > 0)
		(void)fprintf(out, "at least %" PRIu64 "%s", row->min, unit);
	else
		(void)fputs("–", out);
	(void)fputs(" | ", out);
}

/* Its default, else the one entry that its item's row shows. */
static void
write_list(FILE *out, const struct schema_key *row)
{
	const char *p = row->preset != NULL ? row->preset : reference_example(row + 1);
	const char *mark = row->preset == NULL && *p == 't' ? "\"" : "";

	(void)fprintf(out, "`%s: [%s", schema_last(row), mark);
	for (; *p != '\0'; p++)
		(void)fputs(*p == ' ' ? ", " : (char[]){*p, 0}, out);
	(void)fprintf(out, "%s]` | ", mark);
}

/* In a file, what YAML would read as something else stands in quotes. */
static void
write_example(FILE *out, const struct schema_key *row)
{
	const char *text = reference_example(row);
	bool quoted = strpbrk(text, "{}[]#&*!|>'\"%@`,\\") != NULL ||
	    strstr(text, ": ") != NULL || strncmp(text, "tcp:", 4) == 0 ||
	    strncmp(text, "http", 4) == 0;

	if (row->type == T_PERCENT || row->type == T_ENUM)
		quoted = false;
	if (row->type == T_LIST) {
		write_list(out, row);
		return;
	}
	if (row->type == T_PARAMS || row->type == T_HEADERS) {
		(void)fprintf(out, "`%s: {%s}` | ", schema_last(row),
		    row->type == T_PARAMS ? "DBInstanceIdentifier: shop-iad"
					  : "X-Probe: pointsman");
		return;
	}
	if (*text == '\0') {
		(void)fputs("– | ", out);
		return;
	}
	(void)fputc('`', out);
	if (is_item(row))
		(void)fputs("- ", out);
	else
		(void)fprintf(out, "%s: ", schema_last(row));
	if (quoted)
		(void)fputc('"', out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '|' || (quoted && (*p == '\\' || *p == '"')))
			(void)fputc('\\', out);
		(void)fputc(*p, out);
	}
	if (quoted)
		(void)fputc('"', out);
	(void)fputs("` | ", out);
}

static void
write_row(FILE *out, const struct schema_key *row)
{
	write_key(out, row);
	write_type(out, row);
	write_default(out, row);
	write_bounds(out, row);
	write_example(out, row);
	write_cell(out, row->doc);
	(void)fputs(" |\n", out);
}

static const char head[] =
    "# Configuration, every key\n"
    "\n"
    "Made from the table in `config/schema.c` by `pointsman reference`; do not edit.\n"
    "`pointsman validate -c FILE` checks a file against it, and against the rules that\n"
    "two keys have with each other. Examples of whole files are in `config/examples/`.\n"
    "\n"
    "In a key, `NAME` is a name that you choose and `-` is an entry of a list. A time\n"
    "always has a unit. `${VARIABLE}` is not expanded, YAML's anchors, tags and `<<`\n"
    "are refused, and so is a key that is not on this page.\n";
static const char columns[] = "| key | what | default | bounds | example | meaning |\n"
			      "|---|---|---|---|---|---|\n";

/* The rows of one top-level key, or with NULL those that have nothing below them. */
static void
write_section(FILE *out, const struct schema_key *top)
{
	size_t n, bytes = top != NULL ? strlen(top->path) : 0;
	const struct schema_key *row = schema_keys(&n);

	(void)fprintf(out, "\n## %s\n\n", top != NULL ? top->path : "The whole");
	(void)fputs(columns, out);
	for (size_t i = 0; i < n; i++) {
		bool block = row[i].type == T_NAMED || row[i].type == T_BLOCK;
		const char *p = row[i].path;
		bool mine = top != NULL ? strncmp(p, top->path, bytes) == 0 &&
			(p[bytes] == '.' || p[bytes] == '\0')
					: (strchr(p, '.') == NULL && !block) ||
			(is_item(&row[i]) && strchr(p, '.') == strrchr(p, '.'));

		if (mine)
			write_row(out, &row[i]);
	}
}

void
reference_write(FILE *out)
{
	size_t n;
	const struct schema_key *row = schema_keys(&n);

	(void)fputs(head, out);
	write_section(out, NULL);
	for (size_t i = 0; i < n; i++)
		if (schema_is_below(&row[i], NULL) &&
		    (row[i].type == T_NAMED || row[i].type == T_BLOCK))
			write_section(out, &row[i]);
}
