/* SPDX-License-Identifier: Apache-2.0 */
/* peers_parts.h - what the files of peers share; for peers*.c alone. */
#ifndef STEERING_AGENT_PEERS_PARTS_H
#define STEERING_AGENT_PEERS_PARTS_H

#include "steering/agent/peer_wire.h"
#include "steering/agent/peers.h"

struct other { /* one configured agent; our own place is empty */
	char name[WORD_MAX];
	struct peer peer;
	uint32_t version;
	bool said_heard; /* as it was told last */
	uint64_t results[PEERS_RESULTS];
	struct peer_message *said; /* NULL nothing yet */
};

struct peers {
	struct agent *agent;
	struct peer_wire *wire;
	struct event *beat, *push;
	uint32_t self, agents; /* indices are the wire's */
	struct other other[AGENTS_MAX];
	struct peer_own own;
	uint64_t report_ms, fresh_ms;
	uint64_t sent_ms; /* the last */
	size_t sent_bytes;
	struct peer_message out, in; /* scratch: large */
};

/* A fact about a peer: "agent NAME …". */
__attribute__((format(printf, 5, 6))) void peers_say(struct peers *p, const char *name,
    enum fact_level level, const char *value, const char *format, ...);
bool peers_is_heard(const struct peers *p, uint32_t i, uint64_t now_ms);
/* Who is heard now and was not, or the other way. */
void peers_say_company(struct peers *p);
/* Our report to every peer, now. */
void peers_tell(struct peers *p);
/* Calls of the wire; arg is the struct peers. */
void peers_on_message(
    uint32_t from, const char *body, size_t bytes, struct peer_reply *reply, void *arg);
void peers_on_result(uint32_t to, const struct peer_result *result, void *arg);

#endif
