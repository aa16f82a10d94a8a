/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names are parsed once into bytes (wire form) and always printed from bytes, so that
 * the escapes a client chose leave no trace: `*`, `\052` and nothing else are the same
 * name, as at Route 53. The key keeps printable bytes plain, because AWS documents its
 * order on the plain characters ("*" sorts before letters and digits).
 */
#include "tests/lab/name.h"

#include <assert.h>
#include <string.h>

enum { LABEL_MAX = 63 };

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Reads one byte of a label; returns the characters used, 0 when there is none. */
static size_t
read_byte(const char *in, uint8_t *byte)
{
	if (in[0] == '\\') {
		if (!is_octal(in[1]) || in[1] > '3' || !is_octal(in[2]) ||
		    !is_octal(in[3]))
			return 0;
		*byte =
		    (uint8_t)((in[1] - '0') * 64 + (in[2] - '0') * 8 + (in[3] - '0'));
		return 4;
	}
	if (in[0] <= ' ' || in[0] == 0x7f)
		return 0; /* also every byte above 127: char is signed here */
	*byte = (uint8_t)in[0];
	return 1;
}

static bool
parse_to_wire(const char *in, uint8_t wire[NAME_WIRE_BYTES], size_t *len)
{
	size_t at = 0;

	if (strcmp(in, ".") == 0)
		in++;
	while (*in != '\0') {
		size_t label = at++;
		size_t used;
		uint8_t byte;

		for (; *in != '\0' && *in != '.'; in += used) {
			used = read_byte(in, &byte);
			if (used == 0 || at - label > LABEL_MAX ||
			    at >= NAME_WIRE_BYTES - 1)
				return false;
			if (byte >= 'A' && byte <= 'Z')
				byte = (uint8_t)(byte + 32);
			wire[at++] = byte;
		}
		if (at == label + 1 || at >= NAME_WIRE_BYTES)
			return false;
		wire[label] = (uint8_t)(at - label - 1);
		if (*in == '.')
			in++;
	}
	wire[at++] = 0;
	*len = at;
	return true;
}

static bool
is_plain(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') ||
	    byte == '-' || byte == '_';
}

bool
name_from_wire(const uint8_t *wire, size_t len, char text[NAME_TEXT_BYTES])
{
	size_t at = 0, out = 0;

	if (len == 0 || len > NAME_WIRE_BYTES)
		return false;
	while (wire[at] != 0) {
		size_t label = wire[at++];

		if (label > LABEL_MAX || at + label >= len)
			return false;
		for (size_t end = at + label; at < end; at++) {
			uint8_t byte = wire[at];

			if (byte >= 'A' && byte <= 'Z')
				byte = (uint8_t)(byte + 32);
			if (is_plain(byte)) {
				text[out++] = (char)byte;
				continue;
			}
			text[out++] = '\\';
			text[out++] = (char)('0' + byte / 64);
			text[out++] = (char)('0' + byte / 8 % 8);
			text[out++] = (char)('0' + byte % 8);
		}
		text[out++] = '.';
	}
	if (out == 0)
		text[out++] = '.';
	assert(out < NAME_TEXT_BYTES);
	text[out] = '\0';
	return true;
}

bool
name_parse(const char *in, char text[NAME_TEXT_BYTES])
{
	uint8_t wire[NAME_WIRE_BYTES];
	size_t len;

	if (in[0] == '\0' || !parse_to_wire(in, wire, &len))
		return false;
	return name_from_wire(wire, len, text);
}

size_t
name_to_wire(const char *text, uint8_t wire[NAME_WIRE_BYTES])
{
	size_t len = 0;
	bool good = parse_to_wire(text, wire, &len);

	assert(good);
	return len;
}

/* Appends one label in key form and returns the new length. */
static size_t
key_label(const uint8_t *label, char *key, size_t out)
{
	for (size_t i = 1; i <= label[0]; i++) {
		uint8_t byte = label[i];

		if (byte > ' ' && byte < 0x7f && byte != '.' && byte != '\\') {
			key[out++] = (char)byte;
			continue;
		}
		key[out++] = '\\';
		key[out++] = (char)('0' + byte / 64);
		key[out++] = (char)('0' + byte / 8 % 8);
		key[out++] = (char)('0' + byte % 8);
	}
	key[out++] = '.';
	return out;
}

void
name_key(const char *text, char key[NAME_TEXT_BYTES])
{
	uint8_t wire[NAME_WIRE_BYTES];
	uint8_t starts[NAME_WIRE_BYTES];
	size_t n = 0, out = 0;
	size_t len = name_to_wire(text, wire);

	for (size_t at = 0; at < len && wire[at] != 0; at += 1U + wire[at])
		starts[n++] = (uint8_t)at;
	while (n > 0)
		out = key_label(wire + starts[--n], key, out);
	assert(out < NAME_TEXT_BYTES);
	key[out] = '\0';
}

bool
name_within(const char *text, const char *zone)
{
	size_t len = strlen(text), zone_len = strlen(zone);

	if (zone_len > len || strcmp(text + len - zone_len, zone) != 0)
		return false;
	return zone_len == len || text[len - zone_len - 1] == '.';
}

const char *
name_parent(const char *text)
{
	const char *dot = strchr(text, '.');

	assert(dot != NULL);
	return dot[1] == '\0' ? dot : dot + 1;
}
