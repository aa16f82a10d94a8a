/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_message.h - what agents say to each other, as JSON of at most 64 KiB.
 *
 * One object, version 2 (hex: a string of 1–16 digits 0-9a-f, for JSON readers round
 * numbers of 64 bits; a word: a name as the configuration allows them):
 *   pointsman  2: the protocol's version
 *   cluster, agent   words
 *   boot, seq        hex: the sender's stamp (steering/core/peer.h)
 *   heard            {boot, seq}: the receiver's stamp that was heard last; or absent
 *   members          the names of members that "states" speaks of by number
 *   services   a list, each service once:
 *     name, epoch (hex), nonce (hex), policy (hex: the policy hash)
 *     states   a word for each member: its number in "members", vote, raw vote
 *              (A abstain, U up, D down, R recovering), f when its last probes
 *              failed, else -: "0UU- 1ADf"
 *     counts   addresses up/down/unknown, in the order of "states": "2/0/0 0/1/1"
 *     cannot, why      why it cannot write: a word of cannot_word(), a sentence
 *     freeze   {id, for_s}: a freeze that is not in the ledger yet
 *     thawed   id of the last such freeze that is over: taken back, or in the ledger
 *     holder_lost  true: who runs the service's scenario was not heard for 60 s
 *   orders     what operators asked for, and why:
 *     service, kind, member (or ""), id, agent, uid, reason, left_s
 * counts, why and orders inform people and are left out where they do not fit;
 * cannot, freeze, thawed and holder_lost are absent when there is nothing to say. Version 1 had no holder_lost, and no orders of scenarios.
 *
 * Versions: an agent of version N takes messages of N-1, N and N+1. A version adds keys
 * to its predecessor and changes none, so that N reads N+1 by ignoring keys that it
 * does not know, and words likewise (an unknown vote abstains, an unknown `cannot`
 * cannot); N+1 does without its own new keys in a message of N. Of its own version or
 * an older one every unknown key is refused: it is a mistake.
 */
#ifndef STEERING_ZONE_PEER_MESSAGE_H
#define STEERING_ZONE_PEER_MESSAGE_H

#include <stddef.h>

#include "steering/core/err.h"
#include "steering/core/peer.h"
#include "steering/core/report.h"

#define PEER_PROTOCOL 2        /* of the messages of this version … */
#define PEER_PROTOCOL_OLDEST 1 /* … and the oldest that it takes */
#define PEER_MESSAGE_MAX 65536
#define PEER_ORDERS_MAX 16
#define PEER_WHY_MAX 120
#define PEER_REASON_MAX 160
#define PEER_KIND_MAX 16

struct peer_service {
	char name[WORD_MAX];
	struct report report; /* members as named below */
	char member[MEMBERS_MAX][WORD_MAX];
	bool counted; /* counts are known */
	struct peer_counts {
		uint16_t up, down, unknown;
	} counts[MEMBERS_MAX];
	char why[PEER_WHY_MAX]; /* of report.cannot; "" */
};

struct peer_order { /* an operator's word, with what does not stand in public DNS */
	char service[WORD_MAX];
	char kind[PEER_KIND_MAX];     /* order_word() */
	char member[WORD_MAX];        /* "" of the service */
	char agent[WORD_MAX];         /* that heard it */
	uint32_t id, uid;             /* uid: who asked, there */
	uint64_t left_s;              /* until it is forgotten */
	char reason[PEER_REASON_MAX]; /* "" none given */
};

struct peer_message {
	uint32_t version; /* as read; written is PEER_PROTOCOL */
	char cluster[WORD_MAX], agent[WORD_MAX];
	struct peer_envelope envelope;
	uint32_t orders;
	struct peer_order order[PEER_ORDERS_MAX];
	uint32_t services;
	struct peer_service service[SERVICES_MAX];
};

/* A line without an end, at most PEER_MESSAGE_MAX bytes for every message within the
 * published maxima. free() it. */
char *peer_message_write(const struct peer_message *m, size_t *bytes);

/* Strict: false with a sentence for whatever peer_message_write() of an adjacent version
 * would not have written. *out is then undefined. */
bool peer_message_read(
    const char *text, size_t bytes, struct peer_message *out, struct err *e) MUST_CHECK;

/* The report in the order of our own members; ours that it does not know abstain, its
 * that we do not know are left out. */
void peer_service_report(
    const struct peer_service *s, const struct rule_service *rule, struct report *out);
/* Ours, for a message. Members of last resort have no vote and are left out. */
void peer_service_fill(
    struct peer_service *s, const struct rule_service *rule, const struct report *r);

#endif
