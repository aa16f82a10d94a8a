/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What commands say: answers on stdout, complaints on stderr. Whoever asked for JSON
 * gets some however it ends, so complaints are remembered until the end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/commands.h"
#include "steering/zone/json.h"

static char said[4096]; /* one sentence a line */
static bool printed;

static void
remember(const char *sentence)
{
	size_t n = strlen(said);

	(void)snprintf(said + n, sizeof said - n, "%s%s", n > 0 ? "\n" : "", sentence);
}

void
command_say(const char *format, ...)
{
	char sentence[2048];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(sentence, sizeof sentence, format, ap);
	va_end(ap);
	remember(sentence);
	(void)fprintf(stderr, "pointsman: %s\n", sentence);
}

void
command_note(const char *line)
{
	remember(line);
	(void)fprintf(stderr, "%s\n", line);
}

void
command_print_json(const struct json *j)
{
	char *text = json_write(j, true);

	printed = true;
	printf("%s\n", text);
	free(text);
}

void
command_end_json(int status)
{
	struct json *answer;

	if (printed || status == EXIT_GOOD)
		return;
	answer = json_map_new();
	json_put_bool(answer, "ok", false);
	json_put_text(answer, "text", said);
	command_print_json(answer);
	json_free(answer);
}
