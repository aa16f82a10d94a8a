/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name.h - domain names in the three forms that the lab needs.
 *
 * text: what Route 53 shows: lowercase, a trailing dot, and every byte other than
 *       a-z 0-9 - _ as a backslash with three octal digits (`*` is `\052`). Since a
 *       dot inside a label is `\056`, every '.' in a text is a separator.
 * key:  what lists are ordered by: the labels reversed ("test.example.www."), so that
 *       all names below one name follow it directly. Compare with strcmp().
 * wire: length-prefixed labels, at most 255 bytes (RFC 1035, 3.1).
 */
#ifndef LAB_NAME_H
#define LAB_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NAME_TEXT_BYTES = 1025, NAME_WIRE_BYTES = 255 };

/*
 * Takes a name as a client wrote it (either escape form, any case, with or without the
 * last dot). False: an empty or overlong label or name, a bad escape, a byte that must
 * be escaped. "." is the root.
 */
bool name_parse(const char *in, char text[NAME_TEXT_BYTES]);

void name_key(const char *text, char key[NAME_TEXT_BYTES]);

/* Returns the number of bytes written. */
size_t name_to_wire(const char *text, uint8_t wire[NAME_WIRE_BYTES]);

/* wire must hold one whole uncompressed name; false when it does not. */
bool name_from_wire(const uint8_t *wire, size_t len, char text[NAME_TEXT_BYTES]);

/* The name itself is within its zone. */
bool name_within(const char *text, const char *zone);

/* The name above, inside the same string; the root is above itself. */
const char *name_parent(const char *text);

#endif
