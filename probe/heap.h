/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heap.h - what is due next, out of many.
 *
 * Intrusive: the caller's struct holds a node and owns it; the heap holds pointers.
 * A node starts as all zero (in no heap). Ties come out in no promised order.
 * Memory for the pointers grows and never shrinks; running out of it aborts.
 */
#ifndef PROBE_HEAP_H
#define PROBE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t due_us;
	size_t place; /* 1 + index; 0: in no heap */
};

struct heap {
	struct heap_node **node;
	size_t count, room;
};

void heap_fini(struct heap *h);
/* Puts a node in, or moves one that is in already, to due_us. */
void heap_put(struct heap *h, struct heap_node *n, uint64_t due_us);
/* Takes a node out; nothing happens when it is in no heap. */
void heap_remove(struct heap *h, struct heap_node *n);
/* The earliest node, still in the heap; NULL when empty. */
struct heap_node *heap_first(const struct heap *h);

/* From a node back to the struct that holds it. */
#define heap_entry(n, type, member) \
	((type *)(void *)((char *)(n)-offsetof(type, member)))

#endif
