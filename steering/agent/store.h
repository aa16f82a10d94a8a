/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what outlives a restart: the timeline, ledgers seen, changes sent.
 *
 * SQLite in a thread of its own behind a bounded queue. Nothing here makes the caller
 * wait for a disk but store_new() and store_free(), and nothing here can fail the
 * steering: a full disk is said once and retried, a corrupt file is moved aside under
 * a dated name and a new one begun. When the queue is full the oldest facts go first,
 * and are counted; ledgers and changes go only when nothing else is left.
 *
 * File: <directory>/pointsman.db, 0600, WAL, synchronous NORMAL: the last moments
 * before a power cut may be missing, the file stays sound. The journal of scenarios is
 * written with synchronous FULL: what was answered as written is on the disk.
 */
#ifndef STEERING_AGENT_STORE_H
#define STEERING_AGENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/engine.h"
#include "steering/core/err.h"

struct store;

struct store_options {      /* zero: the default */
	uint32_t queue_max; /* 4,096 entries */
	uint32_t rows_max;  /* 200,000 facts; older ones are deleted */
	uint32_t days_max;  /* 90 */
	uint64_t retry_ms;  /* 5 s between tries while the disk does not take it */
};

/* Opens or begins the file in the directory (made 0700 when absent) and starts the
 * thread. Never fails on account of the file: what is wrong comes from
 * store_next_trouble(), and everything is kept in memory, within bounds, until it is
 * better. options may be NULL. */
struct store *store_new(const char *directory, const struct store_options *options);
/* Writes what is queued, waiting for the disk 5 s at most, and ends the thread. */
void store_free(struct store *s);

/* ---- writing: queued, never waits ---- */
struct store_fact {
	int64_t wall_ms, at_wall_ms; /* said, happened */
	char service[WORD_MAX], member[WORD_MAX];
	struct fact fact;
};
void store_put_fact(struct store *s, const struct store_fact *f);
/* A version of a service's ledger that was believed or committed. */
void store_put_ledger(
    struct store *s, const char *service, const struct ledger *l, int64_t wall_ms);
/* The service was released: nothing is known of its ledger any more. */
void store_put_release(struct store *s, const char *service, int64_t wall_ms);
/* A change (its ledger's epoch and nonce) is about to be sent … */
void store_put_sent(struct store *s, const char *service, uint64_t epoch,
    uint64_t nonce, int64_t wall_ms);
/* … and this became of it: "committed", "lost", "refused" …; "unknown" leaves it open. */
void store_put_outcome(struct store *s, const char *service, uint64_t nonce,
    const char *outcome, int64_t wall_ms);
/* What is known of an incident (incident.h), in the place of what was put of it before.
 * run 0: a fault that nothing has begun for; text "": it is forgotten. The newest
 * 1,000 are kept. */
void store_put_incident(struct store *s, const char *service, uint64_t run,
    const char *scenario, const char *text, int64_t wall_ms);

/* ---- the journal of scenarios ---- */
#define STORE_TAIL_BYTES 4096

/* One attempt of one step of a run; the fence is its name. */
struct store_step {
	char service[WORD_MAX];
	uint64_t run, fence;
	enum slot slot;
	enum run_way way;
	uint32_t tries; /* this attempt's number, from 1 */
	char from[WORD_MAX], to[WORD_MAX], site[WORD_MAX];
	int64_t asked_wall_ms; /* journaled, before anything was done */
	int64_t began_wall_ms; /* the act itself; 0: it was never begun, or not known */
	bool over;             /* what follows is known */
	enum acted acted;
	int64_t ended_wall_ms;
	char text[224];              /* what it came to, a sentence */
	char tail[STORE_TAIL_BYTES]; /* the last that it printed */
};

/* Without `over`: it is about to be done. Exactly one store_next_answer() follows: it is
 * on the disk, or why it is not, and then it was not kept. With `over`: its outcome,
 * which waits for the disk as a fact does; nothing is answered. */
void store_put_step(struct store *s, const struct store_step *row);
/* Readable while there is an answer: for the loop. */
int store_answer_fd(const struct store *s);
struct store_answer {
	char service[WORD_MAX];
	uint64_t fence;
	bool written;
	char why[160]; /* unless written */
};
/* Takes the next; false when there is none. */
bool store_next_answer(struct store *s, struct store_answer *a);

/* ---- reading: from memory, never waits ---- */
/* The newest row of a service's journal; false: none. */
bool store_last_step(struct store *s, const char *service, struct store_step *row);
/* … the newest of a slot in a run. */
bool store_find_step(struct store *s, const char *service, uint64_t run, enum slot slot,
    struct store_step *row);
/* The highest version put for the service, by this run or an earlier one. */
bool store_last_ledger(
    struct store *s, const char *service, uint64_t *epoch, uint64_t *nonce);
/* The newest change that was sent and has no outcome, or "unknown". */
bool store_open_change(
    struct store *s, const char *service, uint64_t *epoch, uint64_t *nonce);

/* ---- complaints and counts ---- */
struct store_trouble {
	enum fact_level level;
	char text[224]; /* a sentence */
};
/* Takes the next sentence; false when there is none. */
bool store_next_trouble(struct store *s, struct store_trouble *t);
uint64_t store_dropped(struct store *s); /* entries lost to a full queue */
uint32_t store_queued(struct store *s);  /* entries not yet on the disk */

/* ---- by another process (store_read.c) ---- */
/* The journal of a service ("": of all), of one run (0: of all), oldest first. */
bool store_steps(const char *directory, const char *service, uint64_t run,
    void (*fn)(const struct store_step *row, void *arg), void *arg,
    struct err *e) MUST_CHECK;
/* The newest n facts of the file, oldest first; service "" is all. */
bool store_timeline(const char *directory, const char *service, uint32_t n,
    void (*fn)(const struct store_fact *f, void *arg), void *arg,
    struct err *e) MUST_CHECK;
/* The newest n incidents of a service or scenario, oldest first; name "" is all, run 0
 * any. A file of before there were incidents has none. */
bool store_incidents(const char *directory, const char *name, uint64_t run, uint32_t n,
    void (*fn)(const char *text, void *arg), void *arg, struct err *e) MUST_CHECK;

#endif
