/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen notes and linear searches: operators are people. The oldest goes first. */
#include "steering/agent/order_notes.h"

#include <string.h>

static struct order_note *
find(struct order_notes *n, const char *service, uint32_t id)
{
	for (uint32_t i = 0; i < n->count; i++)
		if (n->note[i].order.id == id &&
		    strcmp(n->note[i].order.service, service) == 0)
			return &n->note[i];
	return NULL;
}

static void
drop(struct order_notes *n, uint32_t i)
{
	memmove(&n->note[i], &n->note[i + 1], (n->count - i - 1) * sizeof *n->note);
	n->count--;
}

static void
forget(struct order_notes *n, uint64_t now_ms)
{
	for (uint32_t i = n->count; i-- > 0;)
		if (now_ms >= n->note[i].until_ms)
			drop(n, i);
}

static void
keep(struct order_notes *n, const struct peer_order *order, uint64_t left_s,
    uint64_t now_ms)
{
	forget(n, now_ms);
	if (n->count == PEER_ORDERS_MAX)
		drop(n, 0);
	n->note[n->count++] =
	    (struct order_note){.order = *order, .until_ms = now_ms + left_s * 1000};
}

void
order_notes_add(struct order_notes *n, const struct peer_order *order, uint64_t now_ms)
{
	if (find(n, order->service, order->id) == NULL)
		keep(n, order, order->left_s != 0 ? order->left_s : ORDER_NOTE_S,
		    now_ms);
}

bool
order_notes_hear(struct order_notes *n, const struct peer_order *order, uint64_t now_ms)
{
	if (order->left_s == 0 || find(n, order->service, order->id) != NULL)
		return false;
	keep(n, order, order->left_s, now_ms);
	return true;
}

uint32_t
order_notes_tell(
    struct order_notes *n, struct peer_order out[PEER_ORDERS_MAX], uint64_t now_ms)
{
	forget(n, now_ms);
	for (uint32_t i = 0; i < n->count; i++) {
		out[i] = n->note[i].order;
		out[i].left_s = (n->note[i].until_ms - now_ms) / 1000;
	}
	return n->count;
}

const struct peer_order *
order_notes_find(const struct order_notes *n, const char *service, uint32_t id)
{
	for (uint32_t i = 0; i < n->count && id != 0; i++)
		if (n->note[i].order.id == id &&
		    strcmp(n->note[i].order.service, service) == 0)
			return &n->note[i].order;
	return NULL;
}
