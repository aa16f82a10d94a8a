/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_notes.h - who ordered what, and why: what must not stand in public DNS.
 *
 * The ledger names an order by its id; the note says who asked, at which agent, with
 * which reason. Notes travel between agents with every report, from whoever knows them
 * to whoever does not, and are forgotten when the order's time is over (what does not
 * last: after ten minutes), or when newer ones need the room. Memory only: the log and
 * the store of every agent that heard a note keep it as a fact.
 */
#ifndef STEERING_AGENT_ORDER_NOTES_H
#define STEERING_AGENT_ORDER_NOTES_H

#include "steering/zone/peer_message.h"

#define ORDER_NOTE_S 600 /* of an order that does not last */

struct order_notes {
	uint32_t count;
	struct order_note {
		struct peer_order order; /* left_s: at until_ms - now */
		uint64_t until_ms;
	} note[PEER_ORDERS_MAX];
};

/* An order was asked for here. left_s 0: it does not last. */
void
order_notes_add(struct order_notes *n, const struct peer_order *order, uint64_t now_ms);
/* A peer tells of one. True: it was not known. */
bool order_notes_hear(
    struct order_notes *n, const struct peer_order *order, uint64_t now_ms);
/* Those that stand now, for a message; at most PEER_ORDERS_MAX. */
uint32_t order_notes_tell(
    struct order_notes *n, struct peer_order out[PEER_ORDERS_MAX], uint64_t now_ms);
/* By the service and the id in its ledger; NULL when nothing is known. */
const struct peer_order *
order_notes_find(const struct order_notes *n, const char *service, uint32_t id);

#endif
