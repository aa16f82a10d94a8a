/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - the TXT record that a service's state lives in.
 *
 * It stands at _pointsman.<service>.<zone apex>, TTL 5 s, and is the compare-and-
 * swap token: every change deletes the old text exactly and creates the next
 * (epoch + 1, a fresh nonce). It is public: no names of people, no reasons. Times
 * are seconds of the provider's clock (its `Date`).
 *
 * Text (version 1): words separated by one space, in this order:
 *   pointsman/1 c=CLUSTER e=EPOCH r=ROOT n=NONCE,… w=WRITER t=TIME p=HASH:QUORUM:VOTER,…
 *   d=DIGEST [s=MEMBER:TIME] [f=ID:WHO:EXPIRY] [k=HOLDER:FENCE[:OPEN[:RUN]]] m=… m=…
 *   m=NAME:STATE:WEIGHT:RAMP:DRAINS:RETURNS:SWAPS:[ID.WHO.EXPIRY]:[ID.WHO.EXPIRY]
 *   RUN: ID:WAY:STEP:STATE:TRIES:ABORTED:BEGUN:SINCE, while a scenario runs
 * STATE: i in, o out, L out and latched, x out because an operator drained it, X both.
 * OPEN: 1 the primary, 2 the recovery site may accept writes, 4 none begins by itself.
 * WAY: o fail-over, p planned switch-over, b fail-back, d drill; capital: aborting.
 * STATE of the step: g gate, a asks, y approved, s started, u unknown, f failed.
 * Numbers are hexadecimal. The last two of m= are a drain order and a pin.
 */
#ifndef STEERING_CORE_LEDGER_H
#define STEERING_CORE_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/core/rule.h"

#define LEDGER_VERSION 1
#define LEDGER_TTL_S 5
/* No ledger gets there by steps of one; above it there is room for the next root. */
#define LEDGER_EPOCH_MAX (UINT64_C(1) << 62)

struct ledger_order { /* id 0: none */
	uint32_t id;
	uint32_t who;          /* agent number that heard the operator */
	int64_t expiry_wall_s; /* provider's clock */
};

struct ledger_member {
	char name[WORD_MAX];
	bool out;                        /* drained, or never yet returned */
	bool latched;                    /* until an operator acknowledges */
	bool by_order;                   /* out because an operator drained it */
	uint8_t weight;                  /* as written in the records */
	uint8_t ramp;                    /* index of the ramp step in force */
	uint32_t drains, returns, swaps; /* entries, oldest first */
	int64_t drain_wall_s[LEDGER_DRAINS];
	int64_t return_wall_s[LEDGER_RETURNS];
	int64_t swap_wall_s[LEDGER_SWAPS];
	struct ledger_order drain, pin;
};

/* A run of the service's scenario: who goes where, and how far it is. */
enum run_way {
	RUN_NONE = 0,
	RUN_FAILOVER,   /* disaster: primary → recovery */
	RUN_SWITCHOVER, /* planned: primary → recovery, nothing is lost */
	RUN_FAILBACK,   /* recovery → primary */
	RUN_DRILL,      /* the fail-over on the shadow name, and back */
	RUN_WAYS
};
const char *run_way_word(enum run_way w);

enum run_state {      /* of the step in hand */
	RUN_GATE = 0, /* its gate, or its turn: nothing was started */
	RUN_ASKS,     /* waits for an operator's approval */
	RUN_APPROVED, /* … which was given */
	RUN_STARTED,  /* the act with this fence may be under way */
	RUN_UNKNOWN,  /* it ended, nobody knows how: waits before it is repeated */
	RUN_FAILED,   /* waits for an operator: retry, skip or abort */
	RUN_STATES
};
const char *run_state_word(enum run_state s);

struct ledger_run {
	uint64_t id; /* epoch that it began with: the incident's number; 0: none */
	enum run_way way;
	bool aborting;    /* the plan is that of undoing it … */
	uint32_t aborted; /* … of which so many steps had been begun */
	uint32_t step;    /* index into scenario_plan() */
	enum run_state state;
	uint32_t tries;                     /* attempts of this step that were begun */
	int64_t begun_wall_s, since_wall_s; /* since: of this step's state */
};

/* Sides that may accept writes. */
#define SIDE_PRIMARY 1u
#define SIDE_RECOVERY 2u

struct ledger {
	char cluster[WORD_MAX];
	uint64_t epoch;
	uint64_t root;   /* epoch at which an operator last said "this is the truth" */
	uint32_t nonces; /* newest first */
	uint64_t nonce[LEDGER_NONCES];
	uint32_t writer;
	int64_t time_wall_s;
	uint64_t policy_hash;
	uint32_t quorum; /* of the voters */
	uint32_t voters;
	uint32_t voter[AGENTS_MAX];
	uint64_t digest; /* of the record sets last written with it */
	char spaced
	    [WORD_MAX]; /* member of the last drain that moved an answer; "" none */
	int64_t spaced_wall_s;
	struct ledger_order freeze;
	uint32_t lock_holder; /* scenario lock: agent number; 0 free */
	uint64_t fence; /* rises with every attempt of every step; 0: never used */
	uint32_t open;  /* SIDE_… that may be open; see ledger_sides() */
	bool rests; /* a fail-over was aborted: none begins by itself before the primary
		     * is UP again */
	struct ledger_run run;
	uint32_t members;
	struct ledger_member member[MEMBERS_MAX];
};

/* Sides that may accept writes: before any fence was used, the primary. */
uint32_t ledger_sides(const struct ledger *l);

/* Always fits LEDGER_TEXT_MAX (asserted). Returns the length. */
size_t ledger_format(const struct ledger *l, char text[LEDGER_TEXT_MAX]);

enum ledger_reading {
	LEDGER_OK = 0,
	LEDGER_NEWER,   /* a version that we do not know: never written */
	LEDGER_GARBLED, /* not a ledger */
};
/* Strict: what ledger_format would not have written is garbled; err says what. */
enum ledger_reading ledger_parse(const char *text, struct ledger *out, struct err *e);

/* -1 when there is none of that name. */
int32_t ledger_find(const struct ledger *l, const char *member);
bool ledger_knows_nonce(const struct ledger *l, uint64_t nonce);

/* The next version: epoch + 1, nonce in front, writer and time set. */
void
ledger_advance(struct ledger *l, uint64_t nonce, uint32_t writer, int64_t now_wall_s);

/* Appends a time, dropping the oldest beyond the bound. */
void ledger_note_drain(struct ledger_member *m, int64_t now_wall_s);
void ledger_note_return(struct ledger_member *m, int64_t now_wall_s);
void ledger_note_swap(struct ledger_member *m, int64_t now_wall_s);
/* Entries younger than window_s. Entries from the future count. */
uint32_t ledger_count_since(
    const int64_t *wall_s, uint32_t n, int64_t now_wall_s, int64_t window_s);

/* An order that stands now. Without a clock (now 0) every order stands. */
bool ledger_order_stands(const struct ledger_order *o, int64_t now_wall_s);

#endif
