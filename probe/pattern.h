/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - does a text hold what a regular expression describes?
 *
 * POSIX extended regular expressions (XBD 9.4) over bytes, in the C locale: no flags, a
 * '.' is any byte, '^' and '$' are the two ends of the text. Left out, and refused with
 * a sentence: back-references, collating elements, and escapes of letters and digits
 * other than \w \W \s \S. The time of a search is at most bytes × steps, its memory is
 * fixed, whatever the text is: texts come from strangers.
 */
#ifndef PROBE_PATTERN_H
#define PROBE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/err.h"

#define PATTERN_STEPS_MAX 1000

struct pattern;

/* NULL: e says what is wrong with it, as the rest of a sentence that names it. */
struct pattern *pattern_new(const char *text, struct err *e) MUST_CHECK;
void pattern_free(struct pattern *p);
/* One at a time, as all of this: they work in the same room. */
bool pattern_found(const struct pattern *p, const void *data, size_t bytes) MUST_CHECK;

#endif
