/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test double that limps on without memory would only confuse the test: it says so
 * and stops.
 */
#include "tests/lab/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
must(void *got)
{
	if (got == NULL) {
		fputs("pointsman-lab: out of memory\n", stderr);
		abort();
	}
	return got;
}

void *
heap_zero(size_t bytes)
{
	return must(calloc(1, bytes > 0 ? bytes : 1));
}

void *
heap_copy(const void *from, size_t bytes)
{
	void *to = heap_zero(bytes);

	if (bytes > 0)
		memcpy(to, from, bytes);
	return to;
}

char *
heap_string(const char *text)
{
	return must(strdup(text));
}

void *
heap_grow(void *array, size_t n, size_t element_bytes, size_t *cap)
{
	size_t want = n;

	if (cap != NULL) {
		if (n <= *cap)
			return array;
		want = *cap * 2 > n ? *cap * 2 : n;
		*cap = want;
	}
	return must(reallocarray(array, want > 0 ? want : 1, element_bytes));
}
