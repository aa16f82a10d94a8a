/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl allocates some 60 times for a request, the same sizes each time, and frees them
 * all: the general allocator splits and joins again what a list of equal blocks hands
 * out as it is. This was a tenth of what a check cost; of a TLS handshake it was seven
 * hundredths.
 *
 * A block knows its list, in 16 bytes before it, which keep the alignment of malloc().
 * Glibc's own lists (tcache) end at 7 blocks and 1,032 bytes, and can be asked for more
 * through the environment only, which a worker's is to be empty.
 */
#include "probe/pool.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/sandbox.h"

#define SIZE_MIN ((size_t)64)
#define SIZES 10 /* 64, 128 … 32768 */

struct block {
	union {
		struct block *next; /* while kept */
		size_t bytes;       /* room, while in use */
	};
	uint32_t list; /* SIZES: none */
	uint32_t mark;
};
_Static_assert(sizeof(struct block) == 16, "alignment is malloc's");

#define MARK_USED UINT32_C(0x706f6f6c)
#define MARK_KEPT UINT32_C(0x6b657074)

struct list {
	struct block *first;
	size_t kept_bytes;
};

static struct list lists[SIZES];

static uint32_t
list_for(size_t bytes)
{
	uint32_t i = 0;

	if (SANDBOX_RELAXED || bytes > SIZE_MIN << (SIZES - 1))
		return SIZES;
	while (SIZE_MIN << i < bytes)
		i++;
	return i;
}

static struct block *
block_of(void *room)
{
	struct block *b = (struct block *)room - 1;

	assert(b->mark == MARK_USED);
	return b;
}

void *
pool_malloc(size_t bytes)
{
	uint32_t i = list_for(bytes);
	size_t room = i == SIZES ? bytes : SIZE_MIN << i;
	struct block *b = i == SIZES ? NULL : lists[i].first;

	if (b != NULL) {
		lists[i].first = b->next;
		lists[i].kept_bytes -= room;
	} else if (room > SIZE_MAX - sizeof *b ||
	    (b = malloc(sizeof *b + room)) == NULL) {
		return NULL;
	}
	b->bytes = room;
	b->list = i;
	b->mark = MARK_USED;
	return b + 1;
}

void *
pool_calloc(size_t count, size_t bytes)
{
	size_t all;
	void *room;

	if (__builtin_mul_overflow(count, bytes, &all))
		return NULL;
	room = pool_malloc(all);
	return room == NULL ? NULL : memset(room, 0, all);
}

void
pool_free(void *room)
{
	struct block *b;
	struct list *l;
	size_t bytes;

	if (room == NULL)
		return;
	b = block_of(room);
	l = &lists[b->list % SIZES];
	bytes = b->bytes;
	b->mark = MARK_KEPT;
	if (b->list == SIZES || l->kept_bytes + bytes > POOL_KEPT_BYTES_MAX) {
		free(b);
		return;
	}
	b->next = l->first;
	l->first = b;
	l->kept_bytes += bytes;
}

void *
pool_realloc(void *old, size_t bytes)
{
	struct block *b = old == NULL ? NULL : block_of(old);
	void *room;

	if (b != NULL && b->list != SIZES && bytes <= b->bytes)
		return old;
	room = pool_malloc(bytes);
	if (room != NULL && b != NULL) {
		memcpy(room, old, bytes < b->bytes ? bytes : b->bytes);
		pool_free(old);
	}
	return room;
}

char *
pool_strdup(const char *text)
{
	size_t bytes = strlen(text) + 1;
	char *copy = pool_malloc(bytes);

	return copy == NULL ? NULL : memcpy(copy, text, bytes);
}
