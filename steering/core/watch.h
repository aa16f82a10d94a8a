/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - does what the zone shows follow from what I knew?
 *
 * Each API read is judged before it is believed. A zone that went back in time, that
 * forked, or whose records somebody edited freezes the service until an operator
 * says which world is true (a new root). All zero: nothing known.
 */
#ifndef STEERING_CORE_WATCH_H
#define STEERING_CORE_WATCH_H

#include "steering/core/ledger.h"

enum frozen {
	FROZEN_NOT = 0,
	FROZEN_EDITED,  /* record sets do not match the ledger, twice */
	FROZEN_BACK,    /* an older version than I knew when the read began */
	FROZEN_FORKED,  /* my version is not among its ancestors */
	FROZEN_LOST,    /* the ledger is gone */
	FROZEN_GARBLED, /* the ledger cannot be read, though I knew it */
	FROZENS
};
const char *frozen_word(enum frozen f);
const char *frozen_sentence(enum frozen f);

struct watch {
	bool known;
	uint64_t epoch, nonce; /* my last version */
	uint64_t epoch_max;    /* the highest seen anywhere */
	enum frozen frozen;
	bool suspect; /* a mismatch was seen once, with this nonce */
	uint64_t suspect_nonce;
};

enum watch_act {
	WATCH_TAKE = 0,   /* believe it */
	WATCH_EMPTY,      /* no ledger, no records of ours */
	WATCH_ADOPT,      /* records, but no ledger: an operator must adopt */
	WATCH_READ_AGAIN, /* stale, or a mismatch that may be a torn read */
	WATCH_WAIT,       /* too far ahead: until Q others report this version */
	WATCH_FREEZE,     /* see w->frozen */
	WATCH_FOREIGN,    /* another cluster's, a newer version, or not ours to judge */
};

struct watch_view {
	bool present;
	enum ledger_reading reading;
	const struct ledger *ledger; /* when reading is OK */
	bool ours;                   /* the cluster's name is ours */
	uint32_t sets;               /* record sets at the service's names */
	uint64_t digest;             /* of them */
	uint64_t epoch_at_begin;     /* what was known when the read began */
	bool vouched;                /* Q other agents report this version (or solo) */
};

/* *thawed: a new root ended a freeze. */
enum watch_act watch_step(struct watch *w, const struct watch_view *v, bool *thawed);
/* Our own change was committed. */
void watch_commit(struct watch *w, const struct ledger *l);
/* A version is spoken of (DNS, peers). True: it is newer than ours, read the API. One
 * that is further ahead than any zone could be is not believed. */
bool watch_hear(struct watch *w, uint64_t epoch);

#endif
