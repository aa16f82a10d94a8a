/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peers.h - what this agent tells the others, and what it makes of what they say.
 *
 * A full report of all services goes to every peer each `timing.report`, and within
 * milliseconds of whatever moved in one of them. What comes in is taken when it is new
 * (steering/core/peer.h), and becomes ENGINE_REPORT of each service that both know,
 * dated on our own clock; a message that cannot be dated gives no vote, only the epochs
 * that it speaks of. Bytes, certificates and connections are peer_wire.h's.
 *
 * With quorum: solo there are no peers: NULL, which every function here takes.
 */
#ifndef STEERING_AGENT_PEERS_H
#define STEERING_AGENT_PEERS_H

#include "steering/agent/agent.h"
#include "steering/zone/json.h"

struct peers;

enum peers_result { /* what became of a message */
	PEERS_TAKEN = PEER_TAKEN,
	PEERS_UNDATED = PEER_UNDATED,
	PEERS_REPLAYED = PEER_REPLAYED,
	PEERS_OUTLIVED = PEER_OUTLIVED,
	PEERS_UNSOUND = PEER_UNSOUND,
	PEERS_GARBLED = PEER_TAKES, /* not a message, or of a far version */
	PEERS_FOREIGN,              /* of another cluster, or in another's name */
	PEERS_RESULTS
};
const char *peers_result_word(enum peers_result r);

struct peers_view { /* one peer, for those who tell */
	const char *name;
	bool heard;       /* both ways, within `fresh` */
	uint64_t age_ms;  /* two-way; UINT64_MAX never */
	uint32_t version; /* of its last message; 0 none */
	bool cloned;
	uint64_t results[PEERS_RESULTS];
	const char *trouble;             /* of the way to it; "" none */
	int64_t cert_until_wall_s;       /* 0: not seen yet */
	const struct peer_message *said; /* its last; NULL */
};

/* Reads the certificates and listens; sends nothing before peers_begin(). NULL with a
 * sentence. Not with quorum: solo. */
struct peers *peers_new(struct agent *a, struct err *e);
void peers_free(struct peers *p);
/* When the services are there. */
void peers_begin(struct peers *p);
/* After a reload: agents and addresses may have changed. What cannot be taken is said,
 * and stays as it was. */
void peers_reload(struct peers *p);

/* A report differs from what was told: it goes out in a few milliseconds. */
void peers_moved(struct peers *p);
/* This machine was paused: whoever was copied meanwhile has the same memory, so a new
 * boot begins, and what is still on its way to us is void. */
void peers_paused(struct peers *p);
/* There are peers, and none is heard. */
bool peers_alone(const struct peers *p);
/* Themselves and we included: how many are heard, of how many. */
uint32_t peers_heard(const struct peers *p, uint32_t *of);

/* Every other agent of the configuration; i < peers_count(). */
uint32_t peers_count(const struct peers *p);
struct peers_view peers_look(const struct peers *p, uint32_t i);
/* notAfter of our own certificate; 0 not known. */
int64_t peers_own_cert_until_s(const struct peers *p);

#endif
