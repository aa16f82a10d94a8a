/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log is evidence in tests ("it sent no write"), so it is written before the answer
 * goes out, and holds neither header nor key.
 */
#include "tests/lab/journal.h"

#include <time.h>

enum { ACTIONS_MAX = 1000 };

static void
put_text(FILE *log, const char *text)
{
	fputc('"', log);
	for (const char *c = text; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '"' || byte == '\\')
			fprintf(log, "\\%c", byte);
		else if (byte < ' ' || byte >= 0x7f)
			fprintf(log, "\\u%04x", byte);
		else
			fputc(byte, log);
	}
	fputc('"', log);
}

static void
put_pair(FILE *log, const char *key, const char *text)
{
	fprintf(log, ",\"%s\":", key);
	put_text(log, text);
}

static void
put_actions(FILE *log, const struct batch *b)
{
	char line[1400];

	fputs(",\"actions\":[", log);
	for (size_t i = 0; i < b->n && i < ACTIONS_MAX; i++) {
		const struct rrset *set = b->items[i].set;

		snprintf(line, sizeof line, "%s %s %s%s%s",
		    action_name(b->items[i].action),
		    set->name != NULL ? set->name : "?", set->type->name,
		    set->set_id != NULL ? " " : "",
		    set->set_id != NULL ? set->set_id : "");
		if (i > 0)
			fputc(',', log);
		put_text(log, line);
	}
	fputc(']', log);
}

void
journal_write(FILE *log, const struct journal_entry *entry)
{
	struct timespec now;

	if (log == NULL)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(
	    log, "{\"time\":%lld.%03ld", (long long)now.tv_sec, now.tv_nsec / 1000000);
	put_pair(log, "method", entry->method);
	put_pair(log, "path", entry->path);
	put_pair(log, "query", entry->query != NULL ? entry->query : "");
	if (entry->batch != NULL)
		put_actions(log, entry->batch);
	fprintf(log, ",\"status\":%d", entry->status);
	put_pair(log, "code", entry->code);
	put_pair(log, "fault", entry->fault);
	put_pair(log, "request_id", entry->request_id);
	fputs("}\n", log);
	fflush(log);
}
