/* SPDX-License-Identifier: Apache-2.0 */
/* The scenarios for people, from the JSON of status_scenarios.c alone. */
#include <string.h>

#include "steering/agent/status_scenarios.h"

static void
print_list(const struct json *list, const char *none, FILE *out)
{
	for (size_t i = 0; i < json_count(list); i++)
		(void)fprintf(
		    out, "%s%s", i > 0 ? ", " : "", json_string_of(json_at(list, i)));
	if (json_count(list) == 0)
		(void)fputs(none, out);
}

static void
print_step(const struct json *s, bool in_hand, FILE *out)
{
	const struct json *output = json_get(s, "output");
	const char *text = json_text(s, "text", "");
	int64_t tries = json_int(s, "tries", 0);

	(void)fprintf(out, "  %2d %-9s %-15s %s", (int)json_int(s, "number", 0),
	    json_text(s, "state", "?"), json_text(s, "step", "?"),
	    json_text(s, "site", "?"));
	if (tries > 1)
		(void)fprintf(out, ", attempt %d", (int)tries);
	(void)fprintf(out, "%s%s\n", text[0] != '\0' ? ": " : "", text);
	for (size_t i = 0; in_hand && i < json_count(output); i++)
		(void)fprintf(out, "       | %s\n", json_string_of(json_at(output, i)));
}

static void
print_run(const struct json *r, const char *name, const char *drill, FILE *out)
{
	const struct json *steps = json_get(r, "steps");
	const struct json *commands = json_get(r, "commands");
	const char *text = json_text(r, "text", "");

	if (json_int(r, "incident", 0) != 0)
		(void)fprintf(out,
		    "  %s%s %s%s/%lld from %s to %s since %.19sZ, run by %s\n",
		    json_flag(r, "aborting") ? "undoing the " : "",
		    json_text(r, "way", "?"), name, drill,
		    (long long)json_int(r, "incident", 0), json_text(r, "from", "?"),
		    json_text(r, "to", "?"), json_text(r, "begun", "?"),
		    json_text(r, "runner", "?"));
	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *s = json_at(steps, i);
		const char *state = json_text(s, "state", "");

		print_step(s, strcmp(state, "done") != 0, out);
	}
	if (text[0] != '\0')
		(void)fprintf(out, "  %s\n", text);
	for (size_t i = 0; i < json_count(commands); i++)
		(void)fprintf(out, "  %s %s\n",
		    i == 0 ? "type:" : "  or:", json_string_of(json_at(commands, i)));
}

static void
print_scenario(const struct json *x, FILE *out)
{
	const struct json *warnings = json_get(x, "warnings");
	const char *exposure = json_text(x, "exposure_text", "");
	const char *name = json_text(x, "name", "?");
	bool drills = strcmp(json_text(x, "way", ""), "drill") == 0;

	(void)fprintf(out, "\n%s  %s of %s, %s to %s  serves at ", name,
	    json_text(x, "kind", "?"), json_text(x, "service", "?"),
	    json_text(x, "primary", "?"), json_text(x, "recovery", "?"));
	print_list(json_get(x, "serves"), "nowhere", out);
	(void)fprintf(out, ", may accept writes at ");
	print_list(json_get(x, "open"), "none", out);
	(void)fprintf(out, "%s\n", json_flag(x, "over") ? "  FAILED OVER" : "");
	if (exposure[0] != '\0')
		(void)fprintf(out, "  %s\n", exposure);
	for (size_t i = 0; i < json_count(warnings); i++)
		(void)fprintf(
		    out, "  warning: %s\n", json_string_of(json_at(warnings, i)));
	print_run(x, name, drills ? "-drill" : "", out);
	if (json_is_map(json_get(x, "drill")))
		print_run(json_get(x, "drill"), name, "-drill", out);
}

void
status_print_scenarios(const struct json *status, FILE *out)
{
	const struct json *list = json_get(status, "scenarios");

	for (size_t i = 0; i < json_count(list); i++)
		print_scenario(json_at(list, i), out);
}
