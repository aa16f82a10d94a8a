/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_memory.h - what the store holds in memory: the queue, and the last of each
 * service. For store.c alone, which holds its lock around every call.
 */
#ifndef STEERING_AGENT_STORE_MEMORY_H
#define STEERING_AGENT_STORE_MEMORY_H

#include "steering/agent/store.h"

/* ---- the queue: oldest first, bounded, entries on the heap ---- */
enum store_kind {
	STORE_FACT = 0,
	STORE_LEDGER,
	STORE_SENT,
	STORE_OUTCOME,
	STORE_STEP,
	STORE_INCIDENT,
	STORE_KINDS
};

struct store_item {
	struct store_item *next;
	enum store_kind kind;
	int64_t wall_ms;
	char service[WORD_MAX];
	uint64_t epoch, nonce;   /* not of a FACT */
	struct store_fact row;   /* FACT */
	char word[WORD_MAX];     /* OUTCOME; INCIDENT: its scenario */
	char *text;              /* LEDGER, INCIDENT; owned */
	struct store_step *step; /* STEP; owned */
};

struct store_queue {
	struct store_item *first, *last;
	uint32_t count, facts, count_max;
	uint64_t dropped;
};

/* Takes the item. Full: the oldest fact goes; without one, the oldest entry, but never
 * one of the journal: there is one at a time for a service. */
void queue_put(struct store_queue *q, struct store_item *item);
/* Takes out of a list the rows of the journal that wait for an answer. */
struct store_item *items_take_asked(struct store_item **items);
/* Is there a row of the journal in it; … one that waits for an answer? */
bool items_journal(const struct store_item *items);
bool items_asked(const struct store_item *items);
/* All of it; the queue is empty then. */
struct store_item *queue_take(struct store_queue *q);
/* Puts what was taken and not written in front again. */
void queue_put_back(struct store_queue *q, struct store_item *items);
void queue_free_items(struct store_item *items);

/* ---- the last of each service ---- */
#define STORE_KNOWN_MAX (2 * SERVICES_MAX)
#define STORE_STEPS_MAX 512 /* of the journal, of all services */

struct store_known {
	char service[WORD_MAX];
	uint64_t epoch, nonce; /* of its newest ledger; 0 none */
	char *text;            /* of it; NULL: not held */
	int64_t wall_ms;
	uint64_t open_epoch, open_nonce; /* of a change without an outcome; 0 none */
	int64_t open_wall_ms;
};

struct store_knowledge {
	uint32_t count;
	struct store_known known[STORE_KNOWN_MAX];
	uint32_t steps; /* oldest first */
	struct store_step *step[STORE_STEPS_MAX];
};

/* The entry, made when absent; NULL when there are too many services. */
struct store_known *knowledge_of(struct store_knowledge *k, const char *service);
/* What an entry of the queue means for it. */
void knowledge_learn(struct store_knowledge *k, const struct store_item *item);
/* An entry of the journal that was not kept. */
void knowledge_forget_step(
    struct store_knowledge *k, const char *service, uint64_t run, uint64_t fence);
/* The newest of the service, of a run and slot when run is not 0; NULL: none. */
const struct store_step *knowledge_step(
    const struct store_knowledge *k, const char *service, uint64_t run, enum slot slot);
/* Everything known again as entries: for a new file. Caller frees. */
struct store_item *knowledge_items(const struct store_knowledge *k);
void knowledge_free(struct store_knowledge *k);

#endif
