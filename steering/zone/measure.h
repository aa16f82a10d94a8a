/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - a span of time out of what somebody else wrote.
 *
 * Pure. One decimal number with nothing around it but white space: no sign, no
 * hexadecimal, no "nan", no thousands. What is more than nothing never becomes 0, and a
 * number that is none is a sentence, never 0.
 */
#ifndef STEERING_ZONE_MEASURE_H
#define STEERING_ZONE_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"

/* Ten years: beyond it, a number is a mistake of whoever wrote it. */
#define MEASURE_MS_MAX (UINT64_C(3653) * 24 * 3600 * 1000)

/* Each 1 is unit_s seconds. Milliseconds, rounded up. */
bool measure_read(
    const char *text, size_t n, double unit_s, uint64_t *ms, struct err *e) MUST_CHECK;
/* Seconds in the field of a JSON answer at `path`: keys and places of lists between
 * dots, as in "data.0.lag". A number, or a text that is one. */
bool measure_json(const char *text, size_t n, const char *path, uint64_t *ms,
    struct err *e) MUST_CHECK;

#endif
