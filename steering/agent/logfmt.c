/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logfmt, and not JSON: a person reads it in the journal as it is, and grep and awk
 * take it apart. The line is built in a bounded buffer whose last bytes are kept for
 * the closing quote and the newline, so that a line cut short is still a line.
 */
#include "steering/agent/logfmt.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TAIL_BYTES 8 /* quote, newline, 0, and some air */

struct out {
	char *at;
	size_t left; /* before the tail */
};

const char *
logfmt_time(int64_t wall_ms, char out[LOGFMT_TIME_MAX])
{
	int64_t s = wall_ms / 1000, ms = wall_ms % 1000;
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		s--;
	}
	time_t t = (time_t)s;
	size_t n = 0;
	if (gmtime_r(&t, &tm) != NULL && tm.tm_year >= 0 && tm.tm_year <= 8099)
		n = strftime(out, LOGFMT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	if (n == 0)
		(void)snprintf(out, LOGFMT_TIME_MAX, "0000-00-00T00:00:00.000Z");
	else
		(void)snprintf(
		    out + n, LOGFMT_TIME_MAX - n, ".%03uZ", (unsigned)ms % 1000);
	return out;
}

const char *
logfmt_level(enum fact_level level)
{
	static const char *const word[] = {
	    [FACT_DEBUG] = "debug",
	    [FACT_INFO] = "info",
	    [FACT_WARN] = "warn",
	    [FACT_ERROR] = "error",
	};

	assert((size_t)level < sizeof word / sizeof word[0]);
	return word[level];
}

static void
put(struct out *o, const char *bytes, size_t n)
{
	if (n > o->left)
		n = o->left;
	memcpy(o->at, bytes, n);
	o->at += n;
	o->left -= n;
}

static bool
plain(const char *value)
{
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++)
		if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f)
			return false;
	return *value != '\0';
}

/* An escape is written whole or not at all. */
static void
put_quoted(struct out *o, const char *value)
{
	put(o, "\"", 1);
	for (const unsigned char *p = (const unsigned char *)value; *p != '\0'; p++) {
		char escape[8];
		int n;

		if (*p == '"' || *p == '\\')
			n = snprintf(escape, sizeof escape, "\\%c", *p);
		else if (*p == '\n')
			n = snprintf(escape, sizeof escape, "\\n");
		else if (*p == '\t')
			n = snprintf(escape, sizeof escape, "\\t");
		else if (*p < ' ' || *p == 0x7f)
			n = snprintf(escape, sizeof escape, "\\x%02x", *p);
		else
			n = snprintf(escape, sizeof escape, "%c", *p);
		if ((size_t)n > o->left)
			break;
		put(o, escape, (size_t)n);
	}
	/* From the tail when the text filled the rest. */
	*o->at++ = '"';
	if (o->left > 0)
		o->left--;
}

static void
put_word(struct out *o, const char *key, const char *value)
{
	size_t key_bytes = strlen(key);

	/* A key without its value would lie: all of it or nothing. */
	if (value == NULL || value[0] == '\0' || o->left < key_bytes + 4)
		return;
	put(o, " ", 1);
	put(o, key, key_bytes);
	put(o, "=", 1);
	if (plain(value))
		put(o, value, strlen(value));
	else
		put_quoted(o, value);
}

static void
put_number(struct out *o, const char *key, uint64_t n, const char *format)
{
	char value[24];

	if (n == 0)
		return;
	(void)snprintf(value, sizeof value, format, n);
	put_word(o, key, value);
}

size_t
logfmt_format(const struct logfmt_line *l, char out[LOGFMT_LINE_MAX])
{
	struct out o = {.at = out, .left = LOGFMT_LINE_MAX - TAIL_BYTES};
	const struct fact *f = l->fact;
	char time[LOGFMT_TIME_MAX];
	int64_t late_ms = l->wall_ms - l->at_wall_ms;

	put(&o, "time=", 5);
	logfmt_time(l->wall_ms, time);
	put(&o, time, strlen(time));
	put_word(&o, "level", logfmt_level(f->level));
	put_word(&o, "fact", fact_word(f->kind));
	put_word(&o, "service", l->service);
	put_word(&o, "member", l->member);
	put_word(&o, "value", f->value);
	put_word(&o, "address", f->address);
	put_number(&o, "epoch", f->epoch, "%" PRIu64);
	put_number(&o, "nonce", f->nonce, "%016" PRIx64);
	if (late_ms >= LOGFMT_LATE_MS || late_ms <= -LOGFMT_LATE_MS)
		put_word(&o, "at", logfmt_time(l->at_wall_ms, time));
	put_number(&o, "repeated", l->repeated, "%" PRIu64);
	put_word(&o, "text", f->text);
	*o.at++ = '\n';
	*o.at = '\0';
	return (size_t)(o.at - out);
}
