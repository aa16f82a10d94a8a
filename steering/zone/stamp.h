/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stamp.h - moments as others write them: RFC 3339, section 5.6, and nothing else.
 *
 * Pure. A date alone, a blank for the T, a time without its offset, and a day that the
 * calendar does not have are no moments: what is lost is counted from them, and a guess
 * of an hour would be an hour.
 */
#ifndef STEERING_ZONE_STAMP_H
#define STEERING_ZONE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/err.h"

#define STAMP_MAX 21 /* "2026-11-24T10:00:00Z" and the 0 */

/* Milliseconds since 1970, rounded down; 1970 to 9999. A leap second counts as the next
 * one, and stands at the end of a month of UTC alone. *wall_ms is set only on true. */
bool stamp_parse(const char *text, int64_t *wall_ms) MUST_CHECK;
/* In UTC, to the second, rounded down. A moment outside of 1970 to 9999 is "". */
void stamp_format(char out[STAMP_MAX], int64_t wall_ms);

#endif
