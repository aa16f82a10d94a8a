/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vote.h - an agent's opinion of one member, from its addresses.
 */
#ifndef STEERING_CORE_VOTE_H
#define STEERING_CORE_VOTE_H

#include "steering/core/detector.h"

enum vote { VOTE_ABSTAIN = 0, VOTE_UP, VOTE_DOWN, VOTE_RECOVERING };
const char *vote_word(enum vote v);

/* Remembered between judgements; all zero at first. */
struct vote_band {
	uint8_t family
	    [FAMILIES_JUDGED]; /* enum vote: UP, DOWN, or ABSTAIN for nothing yet */
};

struct vote_view {
	enum vote vote;
	bool failing; /* by each address's last probe alone it would be DOWN */
	uint32_t up, down, unknown; /* addresses */
};

/* Judges the member's addresses; moves the band. */
void vote_judge(struct vote_band *band, const struct rule_service *rule,
    const struct rule_member *member, const struct detector *d, uint32_t n,
    uint64_t now_ms, struct vote_view *out);

/* The thresholds of one of the member's detectors. */
const struct rule_detector *
vote_detector_rule(const struct rule_member *member, const struct detector *d);

#endif
