/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is generous and writing is strict: stand-ins answer "*" unescaped, people
 * type names in capitals, and one spelling inside makes names comparable by strcmp.
 */
#include "steering/zone/spelling.h"

#include <string.h>

#define CHUNK_MAX 255

/* "\ooo" at s; -1 when it is not one. */
static int
octal(const char *s)
{
	int v = 0;

	if (s[0] != '\\')
		return -1;
	for (int i = 1; i <= 3; i++) {
		if (s[i] < '0' || s[i] > '7')
			return -1;
		v = v * 8 + (s[i] - '0');
	}
	return v <= 255 ? v : -1;
}

static bool
plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_' || c == '.';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
spelling_name(char out[DNS_NAME_MAX], const char *in)
{
	size_t n = 0;

	while (*in != '\0') {
		char c = lower(*in);
		int code = octal(in);

		if (*in == '.' && in[1] == '\0' && n > 0)
			break;
		if (*in == '\\' && code < 0)
			return false;
		/* An escaped letter is the letter; an escaped dot stays escaped. */
		if (code >= 0 && code != '.')
			c = lower((char)code);
		in += code >= 0 ? 4 : 1;
		if (plain(c) && code != '.') {
			if (n + 1 >= DNS_NAME_MAX)
				return false;
			out[n++] = c;
			continue;
		}
		if (n + 4 >= DNS_NAME_MAX)
			return false;
		if (code < 0)
			code = (unsigned char)c;
		out[n++] = '\\';
		out[n++] = (char)('0' + (code >> 6));
		out[n++] = (char)('0' + (code >> 3 & 7));
		out[n++] = (char)('0' + (code & 7));
	}
	out[n] = '\0';
	return n > 0;
}

void
spelling_quote(struct text *out, const char *in)
{
	size_t in_chunk = 0;

	text_add_char(out, '"');
	for (; *in != '\0'; in++) {
		unsigned char c = (unsigned char)*in;

		if (in_chunk == CHUNK_MAX) {
			text_add_str(out, "\" \"");
			in_chunk = 0;
		}
		in_chunk++;
		if (c == '"' || c == '\\') {
			text_add_char(out, '\\');
			text_add_char(out, (char)c);
		} else if (c < 0x20 || c > 0x7e) {
			text_addf(out, "\\%03o", c);
		} else {
			text_add_char(out, (char)c);
		}
	}
	text_add_char(out, '"');
}

/* One character of a quoted string at *in, which is moved past it; -1: broken. */
static int
unquote_one(const char **in)
{
	const char *s = *in;
	int code = octal(s);

	if (code >= 0) {
		*in = s + 4;
		return code;
	}
	if (*s == '\\')
		s++;
	if (*s == '\0')
		return -1;
	*in = s + 1;
	return (unsigned char)*s;
}

bool
spelling_unquote(char *out, size_t out_bytes, const char *in)
{
	size_t n = 0;
	bool any = false;

	for (;;) {
		in += strspn(in, " \t\r\n");
		if (*in == '\0')
			break;
		if (*in++ != '"')
			return false;
		while (*in != '"') {
			int c = unquote_one(&in);

			if (c <= 0 || n + 1 >= out_bytes)
				return false;
			out[n++] = (char)c;
		}
		in++;
		any = true;
	}
	out[n] = '\0';
	return any;
}

void
spelling_hosts(struct text *out, const char *values)
{
	for (const char *at = values; *at != '\0';) {
		char host[DNS_NAME_MAX], one[DNS_NAME_MAX];
		size_t n = strcspn(at, "\n");

		if (n < sizeof one) {
			memcpy(one, at, n);
			one[n] = '\0';
			if (spelling_name(host, one))
				text_addf(out, "%s\n", host);
		}
		at += n + (at[n] == '\n');
	}
}
