/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fact.h - anything that happened, typed. Log lines, timeline, metrics and page are all
 * made from facts; the core makes them and never prints.
 */
#ifndef STEERING_CORE_FACT_H
#define STEERING_CORE_FACT_H

#include <stdint.h>

#include "steering/core/bounds.h"

enum fact_kind {
	FACT_NONE = 0,
	/* senses */
	FACT_FAULT, /* first failed probe since the address was well; at_ms: its start */
	FACT_ADDRESS_UP,
	FACT_ADDRESS_DOWN,
	FACT_ADDRESS_NEW,
	FACT_ADDRESS_RETIRED,
	/* opinions */
	FACT_VOTE,
	FACT_VERDICT,
	FACT_DOUBT,   /* abstains from everything, or no longer */
	FACT_BLOCKED, /* why nothing is done; said once for each new reason */
	/* the zone */
	FACT_LEDGER_TAKEN, /* a version that another wrote */
	FACT_DECIDED,      /* a change is due; text says which and why */
	FACT_SENT,         /* … and sent; epoch and nonce are the change's */
	FACT_COMMITTED,
	FACT_LOST,
	FACT_UNKNOWN,
	FACT_CLOSED, /* an unknown outcome was closed; text says how */
	FACT_BUSY,
	FACT_REFUSED,
	FACT_READ_FAILED,
	FACT_FROZEN,
	FACT_THAWED,
	FACT_NOT_ADOPTED, /* records without a ledger */
	FACT_FOREIGN,
	FACT_POLICY, /* our file is, or is not, the policy in force */
	FACT_INSYNC,
	FACT_ANSWERED, /* every authoritative server answers with the epoch */
	/* operator and life */
	FACT_ORDER,
	FACT_ORDER_REFUSED,
	FACT_STARTED,
	FACT_STOPPED,
	FACT_WORKER,
	FACT_RESOLVE,
	FACT_TROUBLE, /* ours: store, clock, credentials, name servers … */
	FACT_PEER,    /* another agent: heard, silent, refused, cloned … */
	/* scenarios; epoch is the fence */
	FACT_RUN,  /* begun, taken over, aborted, ended; value is the way */
	FACT_STEP, /* a step's state; value is the slot */
	FACT_LAG,  /* what would be lost now: sampled, beyond the RPO, unknown */
	FACT_KINDS
};

enum fact_level { FACT_DEBUG = 0, FACT_INFO, FACT_WARN, FACT_ERROR };

struct fact {
	enum fact_kind kind;
	enum fact_level level;
	int32_t member;        /* index, or -1 */
	uint64_t at_ms;        /* boot-time clock: when it happened */
	uint64_t epoch, nonce; /* of the ledger version it speaks of; 0 none */
	char value[WORD_MAX];  /* the new state in one word: "DOWN", "hold", "drain" */
	char address[64];
	char text[224]; /* the sentence for people */
};

/* "verdict", "committed", …: the word after fact= in a log line. */
const char *fact_word(enum fact_kind k);

#endif
