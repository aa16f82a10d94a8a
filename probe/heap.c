/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plain binary heap. A timer wheel would save a few comparisons at 10,000 entries,
 * but a check costs 20 µs and its two heap operations well under one.
 */
#include "probe/heap.h"

#include <assert.h>
#include <stdlib.h>

static void
place(struct heap *h, size_t i, struct heap_node *n)
{
	h->node[i] = n;
	n->place = i + 1;
}

static void
sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (h->node[parent]->due_us <= n->due_us)
			break;
		place(h, i, h->node[parent]);
		i = parent;
	}
	place(h, i, n);
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= h->count)
			break;
		if (child + 1 < h->count &&
		    h->node[child + 1]->due_us < h->node[child]->due_us)
			child++;
		if (n->due_us <= h->node[child]->due_us)
			break;
		place(h, i, h->node[child]);
		i = child;
	}
	place(h, i, n);
}

void
heap_fini(struct heap *h)
{
	free(h->node);
	*h = (struct heap){0};
}

void
heap_put(struct heap *h, struct heap_node *n, uint64_t due_us)
{
	if (n->place != 0)
		heap_remove(h, n);
	if (h->count == h->room) {
		size_t room = h->room == 0 ? 64 : h->room * 2;
		struct heap_node **grown = realloc(h->node, room * sizeof *grown);

		if (grown == NULL)
			abort();
		h->node = grown;
		h->room = room;
	}
	n->due_us = due_us;
	sift_up(h, h->count++, n);
}

void
heap_remove(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	size_t i;

	if (n->place == 0)
		return;
	i = n->place - 1;
	assert(i < h->count && h->node[i] == n);
	n->place = 0;
	last = h->node[--h->count];
	if (last == n)
		return;
	if (i > 0 && last->due_us < h->node[(i - 1) / 2]->due_us)
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->count == 0 ? NULL : h->node[0];
}
