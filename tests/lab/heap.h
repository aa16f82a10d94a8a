/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - allocation that succeeds or ends the lab with a sentence.
 */
#ifndef LAB_HEAP_H
#define LAB_HEAP_H

#include <stddef.h>

void *heap_zero(size_t bytes);
void *heap_copy(const void *from, size_t bytes);
char *heap_string(const char *text);

/*
 * Makes room for n elements. With cap, room is doubled and *cap kept; without, the
 * array is exactly as large as asked.
 */
void *heap_grow(void *array, size_t n, size_t element_bytes, size_t *cap);

#endif
