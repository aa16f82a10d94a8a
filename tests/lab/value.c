/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values are walked field by field by one letter each:
 *   4 6  an IPv4, IPv6 address         n  a domain name
 *   b h w  a number of 8, 16, 32 bits  s  one string, quoted or a bare word
 *   t  one or more quoted strings      g  a CAA tag
 *   c  a quoted string without length  x  hex digits to the end
 * Written by hand rather than left to ldns, because Route 53's text differs from zone
 * files (octal escapes, quotes demanded around TXT, no relative names) and because the
 * sentences are AWS's own.
 */
#include "tests/lab/value.h"
#include "tests/lab/name.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rrtype types[] = {
    {"A", 1, "4"},
    {"AAAA", 28, "6"},
    {"CAA", 257, "bgc"},
    {"CNAME", 5, "n"},
    {"DS", 43, "hbbx"},
    {"MX", 15, "hn"},
    {"NAPTR", 35, "hhsssn"},
    {"NS", 2, "n"},
    {"PTR", 12, "n"},
    {"SOA", 6, "nnwwwww"},
    {"SPF", 99, "t"},
    {"SRV", 33, "hhhn"},
    {"TXT", 16, "t"},
};

enum { TYPES = sizeof types / sizeof *types, STRING_MAX = 255 };

const struct rrtype *
rrtype_find(const char *name)
{
	for (size_t i = 0; i < TYPES; i++)
		if (strcmp(types[i].name, name) == 0)
			return &types[i];
	return NULL;
}

const struct rrtype *
rrtype_find_number(uint16_t number)
{
	for (size_t i = 0; i < TYPES; i++)
		if (types[i].number == number)
			return &types[i];
	return NULL;
}

struct walk {
	const char *at;
	uint8_t *wire;
	size_t len;
	const char *problem; /* AWS's name for what is wrong */
	const char *detail;
};

static bool
fail(struct walk *w, const char *problem, const char *detail)
{
	w->problem = problem;
	w->detail = detail;
	return false;
}

static bool
put(struct walk *w, const void *bytes, size_t n)
{
	if (w->len + n > VALUE_WIRE_MAX)
		return fail(w, "RDATATooLong", "Value is too long");
	memcpy(w->wire + w->len, bytes, n);
	w->len += n;
	return true;
}

static bool
take_word(struct walk *w, char *word, size_t bytes)
{
	size_t n = strcspn(w->at, " \t");

	if (n == 0)
		return fail(w, "MissingField", "Value has too few fields");
	if (n >= bytes)
		return fail(w, "FieldTooLong", "A field of the value is too long");
	memcpy(word, w->at, n);
	word[n] = '\0';
	w->at += n;
	return true;
}

static bool
take_number(struct walk *w, size_t bytes)
{
	char word[16];
	char *end;
	uint8_t out[4];

	if (!take_word(w, word, sizeof word))
		return false;
	if (!isdigit((unsigned char)word[0]))
		return fail(w, "InvalidNumber", "Value is not a number");
	unsigned long long n = strtoull(word, &end, 10);
	if (*end != '\0' || n >> (8 * bytes) != 0)
		return fail(w, "InvalidNumber", "Value is not a number in range");
	for (size_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(n >> (8 * (bytes - 1 - i)));
	return put(w, out, bytes);
}

static bool
take_name(struct walk *w)
{
	char word[NAME_TEXT_BYTES], text[NAME_TEXT_BYTES];
	uint8_t wire[NAME_WIRE_BYTES];

	if (!take_word(w, word, sizeof word))
		return false;
	if (!name_parse(word, text))
		return fail(w, "InvalidDomainName", "Value is not a valid domain name");
	return put(w, wire, name_to_wire(text, wire));
}

static bool
take_address(struct walk *w, int family)
{
	char word[INET6_ADDRSTRLEN];
	uint8_t addr[16];
	bool good =
	    take_word(w, word, sizeof word) && inet_pton(family, word, addr) == 1;

	if (good)
		return put(w, addr, family == AF_INET ? 4 : 16);
	if (family == AF_INET)
		return fail(w, "ARRDATAIllegalIPv4Address",
		    "Value is not a valid IPv4 address");
	return fail(
	    w, "AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address");
}

/* One byte of a quoted string: plain, \" and \\, or an octal escape. */
static bool
take_char(struct walk *w, uint8_t *byte)
{
	const char *c = w->at;

	if (c[0] != '\\') {
		*byte = (uint8_t)*w->at++;
		return true;
	}
	if (c[1] == '"' || c[1] == '\\') {
		*byte = (uint8_t)c[1];
		w->at += 2;
		return true;
	}
	for (int i = 1; i <= 3; i++)
		if (c[i] < '0' || c[i] > (i == 1 ? '3' : '7'))
			return fail(w, "InvalidCharacterString",
			    "Value contains an unescaped "
			    "backslash");
	*byte = (uint8_t)((c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0'));
	w->at += 4;
	return true;
}

static bool
take_quoted(struct walk *w, uint8_t out[STRING_MAX], size_t *n)
{
	*n = 0;
	if (*w->at != '"')
		return fail(w, "InvalidCharacterString",
		    "Value should be enclosed in quotation marks");
	for (w->at++; *w->at != '"';) {
		if (*w->at == '\0')
			return fail(w, "InvalidCharacterString",
			    "Value should be enclosed in quotation marks");
		if (*n == STRING_MAX)
			return fail(w, "CharacterStringTooLong", "Value is too long");
		if (!take_char(w, &out[*n]))
			return false;
		++*n;
	}
	w->at++;
	if (*w->at != '\0' && *w->at != ' ' && *w->at != '\t')
		return fail(w, "InvalidCharacterString",
		    "Value should be enclosed in quotation marks");
	return true;
}

static void
skip_blanks(struct walk *w)
{
	w->at += strspn(w->at, " \t");
}

static bool
take_strings(struct walk *w)
{
	do {
		uint8_t bytes[STRING_MAX];
		size_t n;

		if (!take_quoted(w, bytes, &n))
			return false;
		uint8_t len = (uint8_t)n;
		if (!put(w, &len, 1) || !put(w, bytes, n))
			return false;
		skip_blanks(w);
	} while (*w->at != '\0');
	return true;
}

static bool
take_string(struct walk *w)
{
	char word[STRING_MAX + 1];
	uint8_t bytes[STRING_MAX];
	uint8_t len;
	size_t n;

	if (*w->at == '"') {
		if (!take_quoted(w, bytes, &n))
			return false;
	} else {
		if (!take_word(w, word, sizeof word))
			return false;
		n = strlen(word);
		memcpy(bytes, word, n);
	}
	len = (uint8_t)n;
	return put(w, &len, 1) && put(w, bytes, n);
}

static bool
take_tag(struct walk *w)
{
	char word[16];

	if (!take_word(w, word, sizeof word))
		return false;
	uint8_t len = (uint8_t)strlen(word);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)word[i]))
			return fail(
			    w, "InvalidTag", "Tag is not made of letters and digits");
	return put(w, &len, 1) && put(w, word, len);
}

static bool
take_hex(struct walk *w)
{
	char word[257];

	if (!take_word(w, word, sizeof word))
		return false;
	if (strlen(word) % 2 != 0 ||
	    strspn(word, "0123456789abcdefABCDEF") != strlen(word))
		return fail(w, "InvalidHex", "Value is not a string of hex digits");
	for (size_t i = 0; word[i] != '\0'; i += 2) {
		char pair[3] = {word[i], word[i + 1], '\0'};
		uint8_t byte = (uint8_t)strtoul(pair, NULL, 16);

		if (!put(w, &byte, 1))
			return false;
	}
	return true;
}

static bool
take_field(struct walk *w, char kind)
{
	uint8_t bytes[STRING_MAX];
	size_t n;

	switch (kind) {
	case '4':
		return take_address(w, AF_INET);
	case '6':
		return take_address(w, AF_INET6);
	case 'b':
		return take_number(w, 1);
	case 'h':
		return take_number(w, 2);
	case 'w':
		return take_number(w, 4);
	case 'n':
		return take_name(w);
	case 's':
		return take_string(w);
	case 't':
		return take_strings(w);
	case 'g':
		return take_tag(w);
	case 'c':
		return take_quoted(w, bytes, &n) && put(w, bytes, n);
	case 'x':
		return take_hex(w);
	default:
		assert(kind == 0); /* a letter that this file does not know */
		return false;
	}
}

bool
value_to_wire(const struct rrtype *type, const char *text, uint8_t wire[VALUE_WIRE_MAX],
    size_t *len, char *why, size_t why_bytes)
{
	struct walk w = {.at = text, .wire = wire};
	bool good = true;

	for (const char *f = type->fields; good && *f != '\0'; f++) {
		if (f != type->fields)
			skip_blanks(&w);
		good = take_field(&w, *f);
	}
	if (good && *w.at != '\0')
		good = fail(&w, "TrailingText", "Value has text after its last field");
	*len = w.len;
	if (!good)
		snprintf(why, why_bytes,
		    "Invalid Resource Record: 'FATAL problem: %s (%s) encountered with "
		    "'%.300s''",
		    w.problem, w.detail, text);
	return good;
}
