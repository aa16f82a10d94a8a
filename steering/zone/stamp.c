/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By hand, because strptime() takes what RFC 3339 does not, minds the locale, and
 * timegm() repairs a 31st of February instead of refusing it. Days are counted in years
 * that begin in March, where the leap day is the last.
 */
#include "steering/zone/stamp.h"

#include <stddef.h>

#define TEXT_BYTES_MAX 64 /* a fraction has no bound of its own */
#define DAY_S INT64_C(86400)
#define YEAR_MIN 1970
#define END_S INT64_C(253402300800) /* 10000-01-01T00:00:00Z */

struct moment {
	int year, month, day, hour, minute, second, ms, offset_s;
};

static bool
is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int
days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days from 1970-01-01. */
static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = year - (month <= 2), m = (month + 9) % 12;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	return 365 * y + y / 4 - y / 100 + y / 400 + of_year - 719468;
}

static bool
digits(const char **at, int n, int *out)
{
	for (*out = 0; n > 0; n--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool
take(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool
take_either(const char **at, char upper, char lower)
{
	return take(at, upper) || take(at, lower);
}

/* "." and one digit or more: those beyond the third are cut off. */
static bool
fraction(const char **at, int *ms)
{
	int n = 0;

	*ms = 0;
	if (!take(at, '.'))
		return true;
	for (; **at >= '0' && **at <= '9'; ++*at, n++)
		if (n < 3)
			*ms = *ms * 10 + (**at - '0');
	for (int i = n; i < 3; i++)
		*ms *= 10;
	return n > 0;
}

static bool
offset(const char **at, int *out_s)
{
	int sign = **at == '-' ? -1 : 1, h, m;

	*out_s = 0;
	if (take_either(at, 'Z', 'z'))
		return true;
	if (!take(at, '+') && !take(at, '-'))
		return false;
	if (!digits(at, 2, &h) || !take(at, ':') || !digits(at, 2, &m) || h > 23 ||
	    m > 59)
		return false;
	*out_s = sign * (h * 3600 + m * 60);
	return true;
}

static bool
read_moment(const char *at, struct moment *t)
{
	return digits(&at, 4, &t->year) && take(&at, '-') &&
	    digits(&at, 2, &t->month) && take(&at, '-') && digits(&at, 2, &t->day) &&
	    take_either(&at, 'T', 't') && digits(&at, 2, &t->hour) && take(&at, ':') &&
	    digits(&at, 2, &t->minute) && take(&at, ':') &&
	    digits(&at, 2, &t->second) && fraction(&at, &t->ms) &&
	    offset(&at, &t->offset_s) && *at == '\0';
}

/* Of UTC: the last minute of a month's last day. */
static bool
ends_month(int64_t minute_s)
{
	int64_t tomorrow = minute_s / DAY_S + 1;

	if (minute_s % DAY_S != DAY_S - 60)
		return false;
	for (int year = YEAR_MIN; year < 10000; year++) {
		if (tomorrow >= days_from_civil(year + 1, 1, 1))
			continue;
		for (int month = 1; month <= 12; month++)
			if (tomorrow == days_from_civil(year, month, 1))
				return true;
		return false;
	}
	return false;
}

bool
stamp_parse(const char *text, int64_t *wall_ms)
{
	struct moment t;
	int64_t minute_s, s;

	if (strnlen(text, TEXT_BYTES_MAX) == TEXT_BYTES_MAX || !read_moment(text, &t))
		return false;
	if (t.year < YEAR_MIN || t.month < 1 || t.month > 12 || t.day < 1 ||
	    t.day > days_of(t.year, t.month) || t.hour > 23 || t.minute > 59 ||
	    t.second > 60)
		return false;
	minute_s = days_from_civil(t.year, t.month, t.day) * DAY_S + t.hour * 3600 +
	    t.minute * 60 - t.offset_s;
	s = minute_s + t.second;
	if (s < 0 || s >= END_S || (t.second == 60 && !ends_month(minute_s)))
		return false;
	*wall_ms = s * 1000 + t.ms;
	return true;
}

void
stamp_format(char out[STAMP_MAX], int64_t wall_ms)
{
	int64_t s = wall_ms / 1000, days = s / DAY_S;
	unsigned of_day = (unsigned)(s % DAY_S), day;
	int year = YEAR_MIN, month = 1;

	out[0] = '\0';
	if (wall_ms < 0 || s >= END_S)
		return;
	while (days_from_civil(year + 1, 1, 1) <= days)
		year++;
	while (month < 12 && days_from_civil(year, month + 1, 1) <= days)
		month++;
	day = (unsigned)(days - days_from_civil(year, month, 1)) + 1;
	(void)snprintf(out, STAMP_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ",
	    (unsigned)year % 10000, (unsigned)month % 100, day % 100,
	    of_day / 3600 % 100, of_day / 60 % 60, of_day % 60);
}
