/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody answered is judged before it is believed: every value has its bounds,
 * and the parser's own sentence is never shown, because it quotes what it read.
 */
#include "steering/zone/credentials_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "steering/zone/json.h"
#include "steering/zone/text.h"

void
credentials_fetch_cancel(struct credentials_fetch *f)
{
	if (f != NULL)
		f->cancel(f);
}

bool
credentials_reply_take(char *out, size_t out_bytes, const char *what, const char *value,
    const char *source, struct err *e)
{
	size_t n = strlen(value);

	if (n == 0 || n >= out_bytes)
		return err_set(e, "%.200s: its answer has %s %s", source,
		    n == 0 ? "no" : "too long a", what);
	for (size_t i = 0; i < n; i++)
		if (value[i] <= 0x20 || value[i] >= 0x7f)
			return err_set(e,
			    "%.200s: the %s in its answer holds blanks or control "
			    "characters",
			    source, what);
	memcpy(out, value, n + 1);
	return true;
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

/* "Z", "+hh:mm", "-hhmm" or nothing: seconds to subtract. */
static bool
offset(const char *s, int *out_s)
{
	int sign = *s == '-' ? -1 : 1, h, m;

	*out_s = 0;
	if (*s == '\0' || ((*s == 'Z' || *s == 'z') && s[1] == '\0'))
		return true;
	if (*s != '+' && *s != '-')
		return false;
	s++;
	if (!digits(&s, 2, &h))
		return false;
	s += *s == ':';
	if (!digits(&s, 2, &m) || *s != '\0' || h > 14 || m > 59)
		return false;
	*out_s = sign * (h * 3600 + m * 60);
	return true;
}

bool
credentials_reply_time(const char *s, int64_t *wall_s)
{
	struct tm t = {0};
	int off_s;

	if (!digits(&s, 4, &t.tm_year) || *s++ != '-' || !digits(&s, 2, &t.tm_mon) ||
	    *s++ != '-' || !digits(&s, 2, &t.tm_mday) || (*s != 'T' && *s != ' '))
		return false;
	s++;
	if (!digits(&s, 2, &t.tm_hour) || *s++ != ':' || !digits(&s, 2, &t.tm_min) ||
	    *s++ != ':' || !digits(&s, 2, &t.tm_sec))
		return false;
	if (*s == '.')
		for (s++; *s >= '0' && *s <= '9'; s++)
			;
	if (!offset(s, &off_s) || t.tm_year < 1970 || t.tm_mon < 1 || t.tm_mon > 12 ||
	    t.tm_mday < 1 || t.tm_mday > 31 || t.tm_hour > 23 || t.tm_min > 59 ||
	    t.tm_sec > 60)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	*wall_s = (int64_t)timegm(&t) - off_s;
	return true;
}

static bool
take_all(struct credentials_got *got, const struct json *j, const char *token_key,
    const char *source, struct err *e)
{
	struct credentials *w = &got->who;
	const char *token = json_text(j, token_key, "");
	const char *ends = json_text(j, "Expiration", "");

	if (!credentials_reply_take(w->access_key, sizeof w->access_key, "AccessKeyId",
		json_text(j, "AccessKeyId", ""), source, e) ||
	    !credentials_reply_take(w->secret_key, sizeof w->secret_key,
		"SecretAccessKey", json_text(j, "SecretAccessKey", ""), source, e))
		return false;
	if (token[0] != '\0' &&
	    !credentials_reply_take(
		w->session_token, sizeof w->session_token, token_key, token, source, e))
		return false;
	if (ends[0] != '\0' && !credentials_reply_time(ends, &got->expires_wall_s))
		return err_set(
		    e, "%.200s: the Expiration in its answer is no time", source);
	(void)snprintf(w->source, sizeof w->source, "%s", source);
	return true;
}

bool
credentials_reply_json(struct credentials_got *got, const char *text, size_t n,
    const char *token_key, const char *source, struct err *e)
{
	struct err quoting;
	struct json *j = json_read(text, n, &quoting);
	bool ok = false;

	text_wipe(&quoting, sizeof quoting);
	if (j == NULL)
		(void)err_set(
		    e, "%.200s: what it answered (%zu bytes) is not JSON", source, n);
	else if (!json_is_map(j))
		(void)err_set(e, "%.200s: what it answered is no JSON object", source);
	else
		ok = take_all(got, j, token_key, source, e);
	json_free(j);
	return ok;
}

bool
credentials_reply_file(char *out, size_t out_bytes, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat s;
	ssize_t got = -1;
	size_t n = 0;

	if (fd < 0)
		return err_set(e, "%.200s: %s", path, strerror(errno));
	if (fstat(fd, &s) == 0 && S_ISREG(s.st_mode))
		while (n < out_bytes && (got = read(fd, out + n, out_bytes - n)) > 0)
			n += (size_t)got;
	(void)close(fd);
	if (got < 0 || n == out_bytes || n == 0)
		return err_set(e, "%.200s: %s", path,
		    got < 0      ? "is no file that can be read"
			: n == 0 ? "is empty"
				 : "is too long for a token");
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		n--;
	out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (out[i] < 0x20 || out[i] >= 0x7f)
			return err_set(e, "%.200s: holds control characters", path);
	return n > 0 || err_set(e, "%.200s: is empty", path);
}
