/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.h - text that grows up to a bound, and name/value pairs.
 *
 * A failure (out of memory, past the bound) sticks: adding goes on doing nothing
 * and text_ok() is false, so that a formatter checks once, at its end. All zero
 * with a bound set is empty. The caller owns it: text_fini(), which wipes what it
 * held (requests carry session tokens).
 */
#ifndef STEERING_ZONE_TEXT_H
#define STEERING_ZONE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* NUL-terminated once anything was added */
	size_t n, room;
	size_t bytes_max; /* without the NUL */
	bool failed;
};

/* A header field or a query parameter; nothing in it is encoded. */
struct text_pair {
	const char *name, *value;
};

#define TEXT_INIT(max) ((struct text){.bytes_max = (max)})

void text_add(struct text *t, const void *bytes, size_t n);
void text_add_str(struct text *t, const char *s);
void text_add_char(struct text *t, char c);
void text_addf(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool text_ok(const struct text *t);
/* Never NULL: "" while nothing was added. */
const char *text_str(const struct text *t);
/* Empty again; keeps its room and its bound, forgets a failure, wipes. */
void text_clear(struct text *t);
void text_fini(struct text *t);

/* Overwrites bytes in a way that no compiler leaves out. */
void text_wipe(void *p, size_t n);

#endif
