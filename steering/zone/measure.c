/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strtod() is not used: it minds the locale, and takes "inf", "0x1p3" and "12abc". The
 * value is rounded up, because a lag of 0 lets a fail-back go on.
 */
#include "steering/zone/measure.h"

#include <string.h>

#include "steering/zone/json.h"

#define DIGITS_MAX 64
#define EXPONENT_MAX 400
#define PATH_WORD_MAX 128
#define SHOWN 40 /* bytes of what was no number */

struct scan {
	const char *at, *end;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_digit(const struct scan *s)
{
	return s->at < s->end && *s->at >= '0' && *s->at <= '9';
}

static bool
is_char(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static bool
exponent(struct scan *s, int *out)
{
	int sign = 1;
	bool any = false;

	*out = 0;
	if (!is_char(s, 'e') && !is_char(s, 'E'))
		return true;
	s->at++;
	if (is_char(s, '-') || is_char(s, '+'))
		sign = *s->at++ == '-' ? -1 : 1;
	for (; is_digit(s); s->at++, any = true)
		if (*out < EXPONENT_MAX)
			*out = *out * 10 + (*s->at - '0');
	*out *= sign;
	return any;
}

/* A decimal number and nothing else. */
static bool
decimal(struct scan *s, double *out)
{
	int scale = 0, exp;
	unsigned n = 0;

	for (*out = 0; is_digit(s); s->at++, n++)
		*out = *out * 10 + (*s->at - '0');
	if (is_char(s, '.')) {
		s->at++;
		if (!is_digit(s))
			return false;
		for (; is_digit(s); s->at++, n++, scale--)
			*out = *out * 10 + (*s->at - '0');
	}
	if (n == 0 || n > DIGITS_MAX || !exponent(s, &exp) || s->at != s->end)
		return false;
	for (exp += scale; exp > 0 && *out > 0 && *out < 1e300; exp--)
		*out *= 10;
	for (; exp < 0 && *out > 0; exp++)
		*out /= 10;
	return true;
}

/* What somebody wrote, fit for a sentence. */
static void
show(char out[SHOWN + 4], const struct scan *s)
{
	size_t n = (size_t)(s->end - s->at), i;

	for (i = 0; i < n && i < SHOWN; i++)
		out[i] = s->at[i] >= ' ' && s->at[i] <= '~' ? s->at[i] : '?';
	(void)snprintf(out + i, 4, "%s", n > SHOWN ? "..." : "");
}

static bool
to_ms(double value, double unit_s, uint64_t *ms, struct err *e)
{
	double exact = value * unit_s * 1000;

	if (!(exact <= (double)MEASURE_MS_MAX))
		return err_set(e, "it says more than ten years");
	*ms = (uint64_t)exact;
	/* 1.1 s are 1100.0000000000002 ms. */
	if (exact - (double)*ms > 1e-6 || (*ms == 0 && value > 0))
		++*ms;
	return true;
}

bool
measure_read(const char *text, size_t n, double unit_s, uint64_t *ms, struct err *e)
{
	struct scan s = {text, text + n}, whole;
	char shown[SHOWN + 4];
	double value;

	while (s.at < s.end && is_blank(*s.at))
		s.at++;
	while (s.end > s.at && is_blank(s.end[-1]))
		s.end--;
	whole = s;
	if (s.at == s.end)
		return err_set(e, "it says nothing where a number belongs");
	show(shown, &whole);
	if (*s.at == '-') {
		s.at++;
		return err_set(e,
		    decimal(&s, &value)
			? "it says %s: a lag is not negative, so it is not "
			  "measured there"
			: "'%s' is no number",
		    shown);
	}
	if (!decimal(&s, &value))
		return err_set(e, "'%s' is no number", shown);
	return to_ms(value, unit_s, ms, e);
}

/* ---- JSON ---- */

static const struct json *
step_into(const struct json *j, const char *word)
{
	size_t at = 0;

	if (json_kind_of(j) == JSON_KIND_MAP)
		return json_get(j, word);
	if (json_kind_of(j) != JSON_KIND_LIST || strlen(word) > 6 || word[0] == '\0' ||
	    strspn(word, "0123456789") != strlen(word))
		return NULL;
	for (; *word != '\0'; word++)
		at = at * 10 + (size_t)(*word - '0');
	return json_at(j, at);
}

static const struct json *
find(const struct json *j, const char *path)
{
	char word[PATH_WORD_MAX];

	while (j != NULL) {
		size_t n = strcspn(path, ".");

		if (n >= sizeof word)
			return NULL;
		memcpy(word, path, n);
		word[n] = '\0';
		j = step_into(j, word);
		if (path[n] == '\0')
			return j;
		path += n + 1;
	}
	return NULL;
}

static bool
number_of(const struct json *j, const char *path, uint64_t *ms, struct err *e)
{
	const char *text;
	double value;

	switch (json_kind_of(j)) {
	case JSON_KIND_NONE:
		return err_set(e, "its answer has no %.100s", path);
	case JSON_KIND_NULL:
		return err_set(e, "its %.100s is null", path);
	case JSON_KIND_INT:
	case JSON_KIND_NUMBER:
		value = json_number_of(j);
		if (!(value >= 0))
			return err_set(e,
			    "its %.100s is %g: a lag is not negative, so it is not "
			    "measured there",
			    path, value);
		return to_ms(value, 1, ms, e);
	case JSON_KIND_TEXT:
		text = json_string_of(j);
		return measure_read(text, strlen(text), 1, ms, e);
	case JSON_KIND_BOOL:
	case JSON_KIND_LIST:
	case JSON_KIND_MAP:
		break;
	}
	return err_set(e, "its %.100s is no number", path);
}

bool
measure_json(const char *text, size_t n, const char *path, uint64_t *ms, struct err *e)
{
	struct json *j = json_read(text, n, e);
	bool good;

	if (j == NULL)
		return false;
	good = number_of(find(j, path), path, ms, e);
	json_free(j);
	return good;
}
