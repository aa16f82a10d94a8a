/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - one scalar at a time: from the operator's words to numbers and names.
 *
 * Pure. On false the error holds the rest of a sentence that begins with the key and
 * the value ("every '2' " + "has no unit: write 2s …"). Nothing is half accepted.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/bounds.h"
#include "steering/core/err.h"

#define VALUE_IP_MAX 46      /* an address in text, with the 0 */
#define VALUE_ADDRESS_MAX 64 /* "ip:port" or "[ip]:port", with the 0 */

enum value_ip { VALUE_IP_NONE = 0, VALUE_IP_V4, VALUE_IP_V6 };

/* "true" and "false", nothing else. */
bool value_bool(const char *text, bool *out, struct err *e) MUST_CHECK;
/* Decimal digits. */
bool value_count(const char *text, uint64_t *out, struct err *e) MUST_CHECK;
/* A number and one of ms, s, m, h, d. */
bool value_duration(const char *text, uint64_t *ms, struct err *e) MUST_CHECK;
/* As an operator would write it: 90 s is "90s", 120 s is "2m". */
void value_duration_format(uint64_t ms, char *text, size_t text_bytes);
/* "25%". */
bool value_percent(const char *text, uint64_t *pct, struct err *e) MUST_CHECK;
/* Names of sites, agents, services…: a-z, 0-9, '-'; shorter than WORD_MAX. */
bool value_word(const char *text, struct err *e) MUST_CHECK;
/* "200" or "200-299". */
bool
value_status(const char *text, uint16_t *low, uint16_t *high, struct err *e) MUST_CHECK;

enum value_ip value_ip_kind(const char *text);
/* Canonical text (lowercase, shortest form). */
bool value_ip(const char *text, char out[VALUE_IP_MAX], enum value_ip *kind,
    struct err *e) MUST_CHECK;
/* Numeric address and port; port_default 0: the port must be said. */
bool value_address(const char *text, uint16_t port_default, char out[VALUE_ADDRESS_MAX],
    struct err *e) MUST_CHECK;

/* Lowercase, no trailing dot, a leading '*' written \052 (RFC 1035 §2.3.4 lengths). */
bool value_dns_name(const char *text, char out[DNS_NAME_MAX], struct err *e) MUST_CHECK;
/* Is name the apex itself or below it? */
bool value_name_inside(const char *name, const char *apex);

struct value_url {
	char scheme[16];         /* "" when none was said */
	char host[DNS_NAME_MAX]; /* lowercase; IPv6 without brackets */
	bool numeric;
	uint16_t port;    /* 0: not said */
	const char *path; /* into the text; "" none */
};
/* [scheme://]host[:port][/path] */
bool value_url(const char *text, struct value_url *out, struct err *e) MUST_CHECK;

#endif
