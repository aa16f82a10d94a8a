/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - allocation that succeeds or ends the lab with a sentence.
 */
#ifndef LAB_MEM_H
#define LAB_MEM_H

#include <stddef.h>

void *mem_zero(size_t bytes);
void *mem_copy(const void *from, size_t bytes);
char *mem_string(const char *text);

/*
 * Makes room for n elements. With cap, room is doubled and *cap kept; without, the
 * array is exactly as large as asked.
 */
void *mem_grow(void *array, size_t n, size_t element_bytes, size_t *cap);

#endif
