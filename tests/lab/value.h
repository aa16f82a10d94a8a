/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - record types and the text of their values.
 *
 * A type is a row of a table: its name, its number, and the fields that one value is
 * made of. The same walk over the fields checks a value and turns it into rdata.
 */
#ifndef LAB_VALUE_H
#define LAB_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VALUE_TEXT_MAX = 4000, /* characters of one value, AWS's limit */
	VALUE_WIRE_MAX = 4400,
};

struct rrtype {
	const char *name;
	uint16_t number;    /* of the DNS */
	const char *fields; /* see value.c */
};

/* NULL for a type that Route 53 does not take. Types are compared by address. */
const struct rrtype *rrtype_find(const char *name);
const struct rrtype *rrtype_find_number(uint16_t number);

/*
 * Turns one value into rdata. False: why holds AWS's sentence about it. The caller has
 * bounded the text to VALUE_TEXT_MAX.
 */
bool value_to_wire(const struct rrtype *type, const char *text,
    uint8_t wire[VALUE_WIRE_MAX], size_t *len, char *why, size_t why_bytes);

#endif
