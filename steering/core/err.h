/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err.h - one sentence about what went wrong.
 *
 * A function that can fail takes a `struct err *` last and returns false after
 * it has set it. The sentence says what, where, why and what to do next; it
 * carries no newline and no secret. Macros, so that the format is checked by
 * the compiler and the core needs nothing but snprintf.
 */
#ifndef STEERING_CORE_ERR_H
#define STEERING_CORE_ERR_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ERR_TEXT_MAX 512
#define MUST_CHECK __attribute__((warn_unused_result))

struct err {
	char text[ERR_TEXT_MAX];
};

/* Sets the sentence; is false, so that `return err_set(e, …);` reads well. */
#define err_set(e, ...) ((void)snprintf((e)->text, sizeof(e)->text, __VA_ARGS__), false)

/* Puts "where: " in front of the sentence on its way up; is false. */
static inline bool
err_wrap(struct err *e, const char *where)
{
	char inner[ERR_TEXT_MAX];

	memcpy(inner, e->text, sizeof inner);
	(void)snprintf(e->text, sizeof e->text, "%.120s: %.380s", where, inner);
	return false;
}

#endif
