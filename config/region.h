/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - memory that is freed whole.
 *
 * A configuration is built once and thrown away at once; nothing in it is freed
 * alone. Out of memory while loading ends the process with a sentence: there is
 * nothing to go on with.
 */
#ifndef CONFIG_REGION_H
#define CONFIG_REGION_H

#include <stddef.h>

struct region;

struct region *region_new(void);
void region_free(struct region *r); /* NULL is nothing */

/* Zeroed, aligned for any type, never NULL; lives until region_free(). */
void *region_alloc(struct region *r, size_t bytes);
/* A copy of n bytes with a 0 behind them. */
char *region_copy(struct region *r, const char *text, size_t n);

#endif
