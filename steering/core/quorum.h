/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quorum.h - what the agents together say of a member.
 *
 * Q votes, fresh and not all from one domain, make a verdict; anything else is
 * UNDECIDED. The number of voters is that of the configuration, never of the living.
 */
#ifndef STEERING_CORE_QUORUM_H
#define STEERING_CORE_QUORUM_H

#include "steering/core/report.h"

enum verdict { VERDICT_UNDECIDED = 0, VERDICT_UP, VERDICT_DOWN };
const char *verdict_word(enum verdict v);

/* The last report of one voter as it is held here. */
struct ballot {
	bool heard;       /* ever, or not yet forgotten */
	uint64_t sent_ms; /* age counts from here, on our clock */
	struct report report;
};

struct quorum_view {
	enum verdict verdict;
	uint32_t up, down, recovering, abstain; /* fresh votes */
	uint32_t failing; /* DOWN voters whose last probes failed, ≤ evidence age old */
	bool evidence;    /* Q of those, not all from one domain */
};

#define EVIDENCE_AGE_MS_MAX 5000

bool
ballot_fresh(const struct ballot *b, const struct rule_service *rule, uint64_t now_ms);
/* Fresh voters, ourselves included when we vote. */
uint32_t
quorum_heard(const struct rule_service *rule, const struct ballot *b, uint64_t now_ms);
/* Only ballots that run on the policy `hash` count. */
void quorum_judge(const struct rule_service *rule, const struct ballot *b,
    uint32_t member, uint64_t hash, uint64_t now_ms, struct quorum_view *out);
/* Fresh agents that see every probed member down, by their raw votes. */
uint32_t quorum_all_down(
    const struct rule_service *rule, const struct ballot *b, uint64_t now_ms);

#endif
