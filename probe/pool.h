/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - memory for curl and OpenSSL: blocks of a few sizes, kept when they are given back.
 *
 * The functions are those of the C library, in form and in promise. For one thread. What
 * is kept never grows beyond POOL_KEPT_BYTES_MAX a size, of which there are ten. In a
 * sanitizer's build nothing is kept, so that it sees each use of what was freed.
 */
#ifndef PROBE_POOL_H
#define PROBE_POOL_H

#include <stddef.h>

#define POOL_KEPT_BYTES_MAX 262144

void *pool_malloc(size_t bytes);
void *pool_calloc(size_t count, size_t bytes);
void *pool_realloc(void *old, size_t bytes);
char *pool_strdup(const char *text);
void pool_free(void *block); /* NULL is none */

#endif
