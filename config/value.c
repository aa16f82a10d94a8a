/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.c - numbers, times, words.
 *
 * Strict on purpose: YAML's own reading of scalars (yes, on, 1_000, 010, 1e3) is
 * where configurations go wrong, so every scalar is text until a key says what it
 * is. A time without a unit is refused: nobody agrees on what "30" means.
 */
#include "config/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t ms;
} units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", UINT64_C(60) * 1000},
    {"h", UINT64_C(3600) * 1000},
    {"d", UINT64_C(86400) * 1000},
};
#define UNITS (sizeof units / sizeof units[0])

#define NUMBER_MAX UINT64_C(1000000000000)

/* Leading digits; the rest of the text in *rest. False: none, or far too many. */
static bool
digits(const char *text, uint64_t *out, const char **rest)
{
	uint64_t n = 0;
	const char *p = text;

	for (; isdigit((unsigned char)*p); p++) {
		n = n * 10 + (uint64_t)(*p - '0');
		if (n > NUMBER_MAX)
			return false;
	}
	*out = n;
	*rest = p;
	return p != text;
}

bool
value_bool(const char *text, bool *out, struct err *e)
{
	*out = strcmp(text, "true") == 0;
	if (*out || strcmp(text, "false") == 0)
		return true;
	return err_set(e, "is neither true nor false");
}

bool
value_count(const char *text, uint64_t *out, struct err *e)
{
	const char *rest;

	if (digits(text, out, &rest) && *rest == '\0')
		return true;
	return err_set(e, "is not a whole number");
}

bool
value_duration(const char *text, uint64_t *ms, struct err *e)
{
	uint64_t n;
	const char *rest;

	if (!digits(text, &n, &rest))
		return err_set(e,
		    "is not a time: write a number and its unit, as in 500ms, 2s, 5m, "
		    "1h or 1d");
	if (*rest == '\0')
		return err_set(e,
		    "has no unit: write %" PRIu64 "s or %" PRIu64
		    "ms (units: ms, s, m, h, d)",
		    n, n);
	for (size_t i = 0; i < UNITS; i++) {
		if (strcmp(rest, units[i].name) != 0)
			continue;
		if (n > UINT64_MAX / 2 / units[i].ms)
			return err_set(e, "is too long");
		*ms = n * units[i].ms;
		return true;
	}
	if (*rest == '.')
		return err_set(e, "is a fraction: use a smaller unit, as in 1500ms");
	return err_set(e, "has the unit '%.20s': known are ms, s, m, h and d", rest);
}

void
value_duration_format(uint64_t ms, char *text, size_t text_bytes)
{
	size_t best = ms == 0 ? 1 : 0;

	for (size_t i = 1; i < UNITS; i++)
		if (ms > 0 && ms % units[i].ms == 0)
			best = i;
	(void)snprintf(
	    text, text_bytes, "%" PRIu64 "%s", ms / units[best].ms, units[best].name);
}

bool
value_percent(const char *text, uint64_t *pct, struct err *e)
{
	const char *rest;

	if (!digits(text, pct, &rest))
		return err_set(e, "is not a percentage: write it as in 25%%");
	if (*rest == '\0')
		return err_set(e, "has no unit: write %" PRIu64 "%%", *pct);
	if (strcmp(rest, "%") != 0)
		return err_set(e, "is not a whole percentage: write it as in 25%%");
	return true;
}

bool
value_word(const char *text, struct err *e)
{
	if (text[0] == '\0')
		return err_set(e, "is empty");
	if (strlen(text) >= WORD_MAX)
		return err_set(
		    e, "is too long: a name has at most %d characters", WORD_MAX - 1);
	for (const char *p = text; *p != '\0'; p++) {
		bool inner = *p == '-' && p != text && p[1] != '\0';

		if (inner || (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9'))
			continue;
		return err_set(
		    e, "is not a name: names are made of a-z, 0-9 and inner '-'");
	}
	return true;
}

bool
value_status(const char *text, uint16_t *low, uint16_t *high, struct err *e)
{
	uint64_t a, b;
	const char *rest;

	if (!digits(text, &a, &rest))
		return err_set(e, "is not a status: write 200, or 200-299 for a range");
	b = a;
	if (*rest == '-' && !digits(rest + 1, &b, &rest))
		return err_set(e, "is not a range: write 200-299");
	if (*rest != '\0')
		return err_set(e, "is not a status: write 200, or 200-299 for a range");
	if (a < 100 || b > 599 || a > b)
		return err_set(e,
		    "is out of range: statuses go from 100 to 599, the "
		    "lower first");
	*low = (uint16_t)a;
	*high = (uint16_t)b;
	return true;
}
