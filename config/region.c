/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.c - a chain of blocks, filled from the front.
 *
 * Small things share a block; what is larger than a block gets one of its own. So
 * a thousand names cost a handful of mallocs, and leaks cannot be subtle.
 */
#include "config/region.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES ((size_t)16 * 1024)
#define ALIGN_BYTES alignof(max_align_t)

struct chunk {
	struct chunk *next;
	size_t used, bytes;
	alignas(max_align_t) unsigned char data[];
};

struct region {
	struct chunk *first;
};

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("pointsman: out of memory while reading the configuration\n",
		    stderr);
		exit(2);
	}
	return p;
}

struct region *
region_new(void)
{
	return must(calloc(1, sizeof(struct region)));
}

void
region_free(struct region *r)
{
	if (r == NULL)
		return;
	for (struct chunk *c = r->first, *next; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(r);
}

static struct chunk *
chunk_add(struct region *r, size_t bytes)
{
	struct chunk *c = must(calloc(1, sizeof *c + bytes));

	c->bytes = bytes;
	/* A chunk of its own for something large must not hide the free space. */
	if (bytes > CHUNK_BYTES && r->first != NULL) {
		c->next = r->first->next;
		r->first->next = c;
	} else {
		c->next = r->first;
		r->first = c;
	}
	return c;
}

void *
region_alloc(struct region *r, size_t bytes)
{
	struct chunk *c = r->first;

	assert(bytes < SIZE_MAX / 2);
	bytes = (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
	if (c == NULL || c->bytes - c->used < bytes)
		c = chunk_add(r, bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES);
	void *p = c->data + c->used;
	c->used += bytes;
	return p;
}

char *
region_copy(struct region *r, const char *text, size_t n)
{
	char *copy = region_alloc(r, n + 1);

	memcpy(copy, text, n);
	return copy;
}
