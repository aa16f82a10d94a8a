/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - a simulated world: real engines, a clock of its own, and everything around
 * them (probes, links, one zone per world with compare-and-swap, faults) simulated.
 *
 * One seed, one run: equal seeds give equal runs, to the last fact. A world stands for
 * one service. A test sets `conf` and the files, calls world_begin(), then alternates
 * world_run() with changes to what it likes: endpoints, links, faults, the zone. The
 * invariants of DESIGN.md §10 that can be seen from outside are checked at every step
 * and every commit; a broken one prints its number, seed, time and the last facts, and
 * aborts the test. `PROGRAM --seed N --trace` plays that one run aloud.
 *
 * Times are milliseconds of the world's clock, from 0; each agent's boot-time clock has
 * an offset of its own, the provider's clock is WORLD_WALL + now.
 */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "steering/core/engine.h"
#include "tests/unit/rule_make.h"

#define WORLD_WALL INT64_C(1790000000)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define WORLD_FILES 2
#define WORLD_KEPT 64     /* zone versions kept, for restoring and stale reads */
#define WORLD_FACTS 60000 /* facts kept; older ones are only counted */
#define WORLD_TURNS 4096
#define WORLD_CALLS 600 /* of the API in a minute, by all: 10 a second */
#define WORLD_BURST 5   /* of changes in a second */

/* ---- endpoints: one a member, named by the member's letter ---- */

enum world_kind {
	ENDPOINT_WELL = 0,
	ENDPOINT_REFUSED,
	ENDPOINT_SILENT,      /* a black hole: every probe times out */
	ENDPOINT_GREY,        /* each probe fails (refused) with probability p */
	ENDPOINT_ALTERNATING, /* bad for half a period, good for the other half */
};

struct world_endpoint {
	enum world_kind kind;
	double p;
	uint64_t since_ms, period_ms;
};

/* ---- what goes wrong between agents and zone ---- */

struct world_faults {
	uint32_t lose_answers; /* the next so many changes: applied, answer lost */
	uint32_t lose_changes; /* …: not applied, answer lost */
	uint32_t late_changes; /* …: answer lost, applied late_ms after */
	uint64_t late_ms;
	bool throttle; /* reads and changes are BUSY */
	bool out;      /* reads fail; changes get no answer and are not applied */
	uint32_t stale_reads; /* the next so many reads show `stale_by` versions ago */
	uint32_t stale_by;
	bool dns_silent; /* no name server answers */
	uint32_t
	    torn_reads;  /* the next so many reads show records of the version before */
	bool no_compare; /* the zone swaps whatever stands there */
};

/* ---- the zone ---- */

struct world_set {
	char name[WORD_MAX]; /* the set's identifier: a member's name */
	uint8_t weight;
	uint32_t answers; /* version of the values */
};

struct world_zone {
	bool present;
	char text[LEDGER_TEXT_MAX];
	uint32_t sets;
	struct world_set set[MEMBERS_MAX];
};

/* ---- agents ---- */

enum world_way {
	WAY_OPEN = 0,
	WAY_LOST,    /* nothing gets there: they time out */
	WAY_UNKNOWN, /* its worker is dead */
	WAY_STALLED, /* its worker says nothing at all */
	WAY_LATE,    /* its own loop is late at each: they time out here */
};

struct world;

struct world_file { /* a configuration, as far as the core sees it */
	struct rule_service rule;
	uint32_t answers;
};

struct world_agent {
	struct world *world;
	uint32_t self;
	struct engine *g;
	uint32_t file;
	bool running, paused;
	uint32_t life; /* counts starts; what an earlier one awaits is void */
	uint64_t offset_ms, started_ms, paused_ms;
	uint64_t wake_ms, report_ms, dns_ms; /* world's clock */
	enum doubt doubt;
	bool cut;                 /* from the API */
	bool blind;               /* its probes of everything fail: its own uplink */
	uint8_t way[MEMBERS_MAX]; /* enum world_way: its probes of that member */

	/* its shell's picture of the zone, which exact deletes repeat */
	struct world_zone picture;
	/* under way */
	struct engine_view view;
	struct world_zone shown;
	bool changing;
	struct ledger next;
	struct intent intent;
	bool create;
	/* its store */
	uint64_t stored_epoch, stored_nonce, open_epoch, open_nonce;
	/* what the world knows of it, for the invariants */
	uint64_t last_fail_ms[MEMBERS_MAX], last_pass_ms[MEMBERS_MAX];
	uint64_t last_heard_ms[AGENTS_MAX];
	uint64_t grid_ms[MEMBERS_MAX];
};

struct world_fact {
	uint64_t at_ms;
	uint32_t agent;
	struct fact fact;
};

struct world_conf {
	uint64_t seed;
	uint64_t every_ms, timeout_ms, recheck_ms;
	uint64_t rtt_ms;    /* of a probe that is answered or refused */
	uint64_t link_ms;   /* one way, agent to agent */
	uint64_t api_ms;    /* a call, there and back */
	uint64_t kill_ms;   /* a request without an answer is given up */
	uint64_t settle_ms; /* from commit to the name servers */
	bool quiet; /* no invariants on spacing and budgets (scripts of faults) */
	/* What the script promises of its own world, so that the laws can hold the
	 * engines to it: no site fails for as long as the hold that its drain needs;
	 * nothing happens but restarts, lost disks, pauses and late loops. */
	bool blips_only, rest_only;
};

struct event;

struct world {
	struct world_conf conf;
	struct world_file file[WORLD_FILES];
	uint32_t agents;
	struct world_agent agent[AGENTS_MAX];
	struct world_endpoint endpoint[26];
	bool link_cut[AGENTS_MAX][AGENTS_MAX]; /* from, to */
	struct world_faults faults;
	struct world_zone zone;
	struct world_zone kept[WORLD_KEPT]; /* newest at `versions - 1`, modulo */
	uint32_t versions;

	uint64_t now_ms;
	uint64_t dice;
	struct event *heap;
	uint32_t events, events_max;
	uint64_t sequence;

	bool kill_writer; /* the next that sends a change dies; nothing leaves it */

	/* counted and kept */
	uint64_t fact_count[FACT_KINDS];
	struct world_fact *fact;
	uint32_t facts;
	uint64_t commits, drains, returns, swaps, reads, sends;
	uint64_t committed_ms; /* the last */
	uint64_t epoch_high;   /* ever committed; after a restore, what was restored */
	bool restored;         /* a late change may find its old world again */
	struct world_turn {    /* automatic direction changes */
		uint64_t at_ms;
		uint8_t site;
		bool drain;
	} * turn;
	uint32_t turns;
	uint32_t turns_from[26]; /* an operator moved it: counted from here */
	uint32_t worst_hour;     /* most turns of a member in any hour */
	uint64_t drained_ms;     /* the last that moved an answer */
	char drained;
	char drained_before;
	uint64_t call_ms[WORLD_CALLS]; /* of the API, the last so many */
	uint64_t calls, changes;
	uint64_t send_ms[WORLD_BURST];
	bool edited[26]; /* by hand, and no operator has spoken since */
};

/* A world of `agents` agents and members a, b, c …, with default timings; everything
 * may be changed until world_begin(). Free with world_end(). */
struct world *world_new(uint64_t seed, uint32_t members, uint32_t agents);
void world_end(struct world *w);
/* The fast profile's numbers (examples/fast.yaml). */
void world_fast(struct world *w);
/* Starts every agent. */
void world_begin(struct world *w);
void world_run(struct world *w, uint64_t ms);
/* Runs until the member's set has this weight in the zone; false after limit_ms. */
bool world_await_weight(struct world *w, char member, int weight, uint64_t limit_ms);
/* Runs until a fact of this kind (and value, unless NULL) is newer than now. */
bool world_await_fact(
    struct world *w, enum fact_kind kind, const char *value, uint64_t limit_ms);
/* Runs until every member is in and at full weight; fails after an hour. */
void world_ready(struct world *w);

/* -1: no such set. */
int world_weight(const struct world *w, char member);
bool world_ledger(const struct world *w, struct ledger *l);
bool world_is_out(const struct world *w, char member);
/* The newest fact of the kind since from_ms, by any agent; NULL. */
const struct fact *world_fact(
    const struct world *w, enum fact_kind kind, const char *value, uint64_t from_ms);

void world_endpoint(struct world *w, char member, enum world_kind kind);
void world_start(struct world *w, uint32_t agent); /* again, with its store */
void world_stop(struct world *w, uint32_t agent);  /* kill -9 */
/* SIGSTOP, or a suspended machine; on waking it notices the gap. */
void world_pause(struct world *w, uint32_t agent);
void world_wake(struct world *w, uint32_t agent);
void world_wipe_store(struct world *w, uint32_t agent);
void world_order(
    struct world *w, uint32_t agent, enum order_kind kind, char member, uint64_t for_s);
void world_reload(struct world *w, uint32_t agent, uint32_t file);
/* The zone, by other hands. */
void world_edit(struct world *w, char member, uint8_t weight);
void world_restore(struct world *w, uint32_t versions_back);
void world_write_text(struct world *w, const char *text); /* NULL deletes the ledger */

uint64_t world_roll(struct world *w, uint64_t n);
void world_fail(struct world *w, const char *what, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* Invariant `number` of DESIGN.md §10 is broken. */
void world_broken(struct world *w, int number, const char *what, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* Who wants to know instead of failing; must not return. number 0: world_fail(). */
extern void (*world_on_broken)(struct world *w, int number, const char *text);
#define WORLD_MUST(w, ok)                         \
	do {                                      \
		if (!(ok))                        \
			world_fail(w, "%s", #ok); \
	} while (0)

/* From now on every line is told as it happens. */
void world_trace(void);
/* For main(): --seed N, --trace; then runs the suite. */
int world_main(int argc, char **argv, Suite *s);
/* The one seed asked for, or `seed`. */
uint64_t world_seed(uint64_t seed);
bool world_one_seed(void);
/* How many seeds to play: one, n, or ten times n when all are asked for. */
uint32_t world_seeds(uint32_t n);

#endif
