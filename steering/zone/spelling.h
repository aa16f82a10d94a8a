/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spelling.h - how Route 53 spells names and TXT values.
 *
 * Names: lower case, a trailing dot on the wire and none here, every byte outside
 * a-z 0-9 - _ . as \ooo ("*" is "\052"). TXT: quoted strings of at most 255
 * characters, blanks between them; inside, \" and \\ and \ooo.
 * DeveloperGuide/DomainNameFormat.html, ResourceRecordTypes.html#TXTFormat
 */
#ifndef STEERING_ZONE_SPELLING_H
#define STEERING_ZONE_SPELLING_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/bounds.h"
#include "steering/zone/text.h"

/* Any spelling of a name → ours. False when it does not fit or an escape is broken. */
bool spelling_name(char out[DNS_NAME_MAX], const char *in);

/* Adds `in` as quoted strings of at most 255 characters each. */
void spelling_quote(struct text *out, const char *in);

/* One TXT value → its bytes, strings joined. False: not of that form, longer than
 * out holds, or with a zero byte in it. */
bool spelling_unquote(char *out, size_t out_bytes, const char *in);

/* Adds each name of `values`, one a line, in our spelling, as "host\n". */
void spelling_hosts(struct text *out, const char *values);

#endif
