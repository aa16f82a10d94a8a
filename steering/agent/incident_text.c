/* SPDX-License-Identifier: Apache-2.0 */
/* Words broken into lines. Columns are code points: good enough for Latin scripts. */
#include "steering/agent/incident_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LABEL 12 /* columns of "Bottleneck  " */

static uint32_t
columns(const char *text, size_t bytes)
{
	uint32_t n = 0;

	for (size_t k = 0; k < bytes; k++)
		n += ((unsigned char)text[k] & 0xc0) != 0x80;
	return n;
}

/* Bytes of the text that fit into so many columns, cut at a space where there is one. */
static size_t
fitting(const char *text, uint32_t room)
{
	size_t end = 0, space = 0;

	while (text[end] != '\0' && columns(text, end + 1) <= room) {
		if (text[end] == ' ')
			space = end;
		end++;
	}
	while (text[end] != '\0' && ((unsigned char)text[end] & 0xc0) == 0x80)
		end++;
	return text[end] == '\0' || space == 0 ? end : space;
}

static void
clean(char *text)
{
	for (char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
}

void
page_put(struct page_text *p, uint32_t indent, uint32_t most, const char *label,
    const char *text)
{
	char all[640];
	const char *rest = all;

	(void)snprintf(all, sizeof all, "%s", text);
	clean(all);
	for (uint32_t n = 0; n < most && p->lines < INCIDENT_LINES; n++) {
		size_t bytes = fitting(rest, INCIDENT_COLUMNS - indent);
		bool cut = rest[bytes] != '\0' && n + 1 == most;

		if (cut)
			bytes = fitting(rest, INCIDENT_COLUMNS - indent - 2);
		(void)snprintf(p->line[p->lines++], LINE_BYTES, "%-*s%.*s%s",
		    (int)indent, n == 0 ? label : "", (int)bytes, rest,
		    cut ? " …" : "");
		rest += bytes;
		rest += *rest == ' ';
		if (*rest == '\0')
			return;
	}
}

void
page_say(struct page_text *p, uint32_t most, const char *label, const char *format, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	page_put(p, LABEL, most, label, text);
}

const char *
page_clock(int64_t wall_ms, char out[32])
{
	time_t s = (time_t)(wall_ms / 1000);
	char whole[24];
	struct tm tm;

	(void)gmtime_r(&s, &tm);
	(void)strftime(whole, sizeof whole, "%Y-%m-%d %H:%M:%S", &tm);
	(void)snprintf(out, 32, "%s.%03u", whole, (unsigned)(wall_ms % 1000));
	return out;
}

/* Offsets are from the fault; without one from the beginning. */
static int64_t
origin(const struct incident *i)
{
	if (i->mark_wall_ms[MARK_FAULT] != 0)
		return i->mark_wall_ms[MARK_FAULT];
	return i->mark_wall_ms[MARK_DECIDED];
}

const char *
page_offset(const struct incident *i, int64_t wall_ms, char out[32])
{
	char span[INCIDENT_SPAN_MAX];
	int64_t ms = wall_ms - origin(i);

	(void)snprintf(out, 32, "%s%s", ms < 0 ? "-" : "+",
	    incident_span((uint64_t)(ms < 0 ? -ms : ms), span));
	return out;
}
