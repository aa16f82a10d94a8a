/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what one agent tells the others about one service: its votes, what it
 * saw before it abstained, how far it has read the ledger, and whether it can write.
 */
#ifndef STEERING_CORE_REPORT_H
#define STEERING_CORE_REPORT_H

#include "steering/core/vote.h"

/* Why an agent cannot write just now; a word for each: cannot_word(). */
enum cannot {
	CANNOT_NOT = 0,  /* it can */
	CANNOT_STARTING, /* nothing read yet, or too far behind to believe it */
	CANNOT_ABSTAIN,  /* it doubts itself */
	CANNOT_LONELY,   /* hears fewer than Q */
	CANNOT_FROZEN,   /* the ledger does not add up, or an operator froze it */
	CANNOT_API,      /* the last read failed, or the last change was refused */
	CANNOT_POLICY,   /* its file is not the policy in force */
	CANNOT_FOREIGN,  /* ledger of another cluster or a newer version */
	CANNOT_ADOPT,    /* records without a ledger: an operator must adopt */
	CANNOT_OBSERVE,  /* mode: observe */
	CANNOTS
};
const char *cannot_word(enum cannot c);

struct report {
	uint64_t epoch, nonce; /* of the ledger as it was last read; 0 for none */
	uint64_t policy_hash;  /* of the file it runs on */
	enum cannot cannot;
	/* An operator's freeze that works at this agent and is not in the ledger yet, and
	 * the last such that is over: taken back, or the ledger's now; 0 none. */
	uint32_t freeze, thawed;
	uint64_t freeze_for_s;
	/* The holder of the scenario's lock was not heard here for 60 s. */
	bool holder_lost;
	uint32_t members;
	struct report_member {
		uint8_t vote; /* enum vote */
		uint8_t raw;  /* enum vote, before abstaining */
		bool failing;
	} member[MEMBERS_MAX];
};

#endif
