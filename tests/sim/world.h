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
#define WORLD_FACTS 60000 /* facts kept at most; later ones are only counted */
#define WORLD_TURNS 4096
#define WORLD_CALLS 600               /* of the API in a minute, by all: 10 a second */
#define WORLD_BURST (2 * AGENTS_MAX)  /* of changes in a second, at most conf.burst */
#define WORLD_SLOTS 2                 /* addresses of an endpoint at most */
#define WORLD_AGENTS (AGENTS_MAX + 1) /* and one clone of one of them */
#define WORLD_SENDS 16                /* sendings of reports remembered */
#define WORLD_HELD 16                 /* events that wait for a paused agent */

/* ---- endpoints: one a member, named by the member's letter ---- */

enum world_kind {
	ENDPOINT_WELL = 0,
	ENDPOINT_REFUSED,
	ENDPOINT_SILENT,      /* a black hole: every probe times out */
	ENDPOINT_GREY,        /* each probe fails (refused) with probability p */
	ENDPOINT_ALTERNATING, /* bad for half a period, good for the other half */
	ENDPOINT_LOADED, /* refuses while fewer than `others` other members answer */
};

struct world_endpoint {
	enum world_kind kind;
	double p;
	uint64_t since_ms, period_ms;
	uint32_t slots; /* addresses that are as it says; 0: all */
	uint32_t others;
};

/* ---- the way from one agent to another, or to an endpoint ---- */

struct world_link {
	double loss;
	uint64_t delay_ms, jitter_ms; /* on top of conf.link_ms; jitter reorders */
	bool twice;                   /* each message arrives twice */
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
	uint32_t torn_reads; /* …: the ledger of now, the records of a version ago */
	uint64_t slow_ms;    /* on top of conf.api_ms */
	bool dns_silent;     /* no name server answers */
	bool no_compare;     /* the zone swaps whatever stands there */
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
	struct world_set set[MEMBERS_MAX + 1];
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

/* One address as one agent probes it. Lazy: every probe ends as the last one did and
 * changes nothing; such probes are no events but are made up for before a step. */
struct world_probe {
	uint64_t grid_ms, next_ms; /* of the schedule; when the next begins */
	bool lazy, passes;         /* what a lazy one says */
	uint64_t took_ms;
};

/* What an agent last took of another: DESIGN.md §4 and core/peer.h. */
struct world_heard {
	uint64_t boot, sent_ms;
	uint32_t sub;
	uint64_t taken_ms;
	uint64_t date_ms; /* age runs from here; 0: undated */
	bool live;        /* reports come as they should and say what is known … */
	uint64_t there_ms, back_ms; /* … after so long, and ours so long to it */
};

struct world_agent {
	struct world *world;
	uint32_t index; /* into world->agent; a clone's is its own */
	uint32_t self;  /* who it says it is: index into rule->agent */
	struct engine *g;
	uint32_t file;
	bool running, paused;
	uint32_t life;  /* counts starts; what an earlier one awaits is void */
	uint64_t boot;  /* rises with each start */
	uint32_t round; /* of probing: what an earlier one began is void */
	uint64_t offset_ms, started_ms, paused_ms;
	int32_t drift_ppm;   /* of its boot-time clock */
	int64_t wall_skew_s; /* of its wall clock, which nothing may read */
	uint64_t wake_ms, report_ms, dns_ms, settled_ms; /* world's clock */
	enum doubt doubt, doubt_seen;
	uint64_t shaken_ms; /* a gap was noticed: doubts itself for a second */
	bool cut;           /* from the API */
	bool blind;         /* its probes of everything fail: its own uplink */
	bool stunned;       /* its probes come to nothing: UNKNOWN */
	bool liar;          /* what it tells the others is arbitrary */
	double path_loss[MEMBERS_MAX]; /* share of probes that get lost on the way */
	uint8_t way[MEMBERS_MAX];      /* enum world_way: world_way() */

	/* its shell's picture of the zone, which exact deletes repeat */
	struct world_zone picture;
	int64_t date_wall_s; /* the provider's clock, when it last answered */
	uint64_t date_boot_ms;
	/* under way */
	struct engine_view view;
	struct world_zone shown;
	uint32_t torn_at; /* versions, when its last read was torn; 0: it was whole */
	int64_t shown_wall_s;
	bool changing;
	struct ledger next;
	struct intent intent;
	bool create;
	/* its store */
	uint64_t stored_epoch, stored_nonce, open_epoch, open_nonce;
	/* between agents */
	struct world_heard heard[AGENTS_MAX]; /* by who they say they are */
	uint64_t send_ms[WORLD_SENDS];        /* off the schedule, newest last */
	uint32_t sends, sub;
	struct event *held;
	uint32_t helds;
	struct world_probe probe[MEMBERS_MAX][WORLD_SLOTS];
	/* what the world knows of it, for the invariants */
	uint64_t last_fail_ms[MEMBERS_MAX], last_pass_ms[MEMBERS_MAX];
	uint64_t told_down_ms[MEMBERS_MAX]; /* its report last said DOWN and failing;
					     * UINT64_MAX: it still does */
	uint64_t unknown_ms;                /* its last probe that came to nothing */
	uint64_t lied_ms, unable_ms;        /* last; last when it could not write */
	uint64_t decided_ms[MEMBERS_MAX], verdict_ms[MEMBERS_MAX];
	uint64_t sent_nonce;                       /* as its facts say */
	uint64_t open_seen_nonce, open_seen_epoch; /* an unknown outcome of its */
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
	bool quiet;     /* no invariants on spacing and budgets (scripts of faults) */
	uint32_t burst; /* changes in a second, by all */
	uint32_t slots; /* addresses of an endpoint */
	bool plodding;  /* every probe, report and tick of 100 ms is an event */
	bool forgetful; /* facts are counted, not kept */
	bool no_hands;  /* nobody edits or restores: the laws are stricter */
	/* What the script promises of its own world, so that the laws can hold the
	 * engines to it: no site fails for as long as the hold that its drain needs;
	 * nothing happens but restarts, lost disks, pauses and late loops. */
	bool blips_only, rest_only;
};

struct event;
struct heap_entry;
struct sites;

struct world {
	struct world_conf conf;
	struct world_file file[WORLD_FILES];
	uint32_t agents;
	uint32_t clones; /* agents beyond `agents`: of one of them */
	struct world_agent agent[WORLD_AGENTS];
	struct world_endpoint endpoint[26];
	bool link_cut[AGENTS_MAX][AGENTS_MAX]; /* from, to */
	struct world_link link[AGENTS_MAX][AGENTS_MAX];
	struct world_faults faults;
	struct world_zone zone;
	struct world_zone kept[WORLD_KEPT]; /* newest at `versions - 1`, modulo */
	uint32_t versions;

	uint64_t now_ms;
	uint64_t dice;
	struct event *event; /* a pool */
	uint32_t event_free, event_slots;
	struct heap_entry *heap;
	uint32_t events, events_max;
	uint32_t sequence;
	bool disturbed; /* what was taken for steady may not be so any longer */
	bool dns_silent_seen;
	uint64_t steps, pokes; /* of engines; what needed none */
	uint64_t digest;       /* of all that happened */
	uint64_t agent_ms;     /* lived by all agents together */

	bool kill_writer; /* the next that sends a change dies; nothing leaves it */

	/* counted and kept */
	uint64_t fact_count[FACT_KINDS];
	struct world_fact *fact;
	uint32_t facts, facts_max;
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
	uint64_t call_ms[WORLD_CALLS]; /* of the API, the last so many */
	uint64_t calls, changes;
	uint64_t send_ms[WORLD_BURST];
	bool edited[26]; /* by hand, and no operator has spoken since */
	uint64_t
	    moved_ms; /* when a link or an agent last came or went, if one says so */
	uint64_t trouble_ms;             /* the last probe that failed, of any agent */
	uint64_t applied_ms[WORLD_KEPT]; /* of kept[] */
	uint64_t dead_ms[26], well_ms[26]; /* law 12: so long, and nothing in the way */
	struct sites *sites; /* of a service with a scenario: sites.h; NULL */
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
/* The agent's probes of that member go this way from now on. */
void world_way(struct world *w, uint32_t agent, char member, enum world_way way);
void world_start(struct world *w, uint32_t agent); /* again, with its store */
void world_stop(struct world *w, uint32_t agent);  /* kill -9 */
/* SIGSTOP, or a suspended machine; on waking it notices the gap. */
void world_pause(struct world *w, uint32_t agent);
void world_wake(struct world *w, uint32_t agent);
void world_wipe_store(struct world *w, uint32_t agent);
/* The machine of an agent, memory and all, begins to run a second time; it ends with
 * world_stop() of the index that is returned. One clone at a time. */
uint32_t world_clone(struct world *w, uint32_t agent);
void world_order(
    struct world *w, uint32_t agent, enum order_kind kind, char member, uint64_t for_s);
void world_reload(struct world *w, uint32_t agent, uint32_t file);
/* The zone, by other hands. */
void world_edit(struct world *w, char member, uint8_t weight);
void world_restore(struct world *w, uint32_t versions_back);
void world_write_text(struct world *w, const char *text); /* NULL deletes the ledger */
/* A set of somebody else's at the service's name. */
void world_add_set(struct world *w, const char *name, uint8_t weight);

uint64_t world_roll(struct world *w, uint64_t n);
void world_fail(struct world *w, const char *what, ...)
    __attribute__((format(printf, 2, 3), noreturn));
/* Invariant `number` of DESIGN.md §10 is broken. */
void world_broken(struct world *w, int number, const char *what, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* Who wants to know instead of failing; must not return. number 0: world_fail(). */
extern void (*world_on_broken)(struct world *w, int number, const char *text);
/* Every report that is sent passes it, unless NULL: codec/codec.h. */
typedef void world_carry_fn(struct world *w, const struct world_agent *from,
    const struct world_agent *to, struct report *r);
extern world_carry_fn *world_carry;
#define WORLD_MUST(w, ok)                         \
	do {                                      \
		if (!(ok))                        \
			world_fail(w, "%s", #ok); \
	} while (0)

/* Calls f; true when a law broke in it: the world's last words are in *why. */
bool world_broke(void (*f)(void *), void *arg, char *why, size_t why_bytes);

/* From now on every line is told as it happens. */
void world_trace(void);
/* For main(): --seed N, --trace; then runs the suite. */
int world_main(int argc, char **argv, Suite *s);
bool world_tracing(void);
/* Nothing is told, and no last lines are kept: for speed. */
void world_hush(bool hush);
void world_tail(FILE *to); /* the last lines */
/* A line of the trace. */
void
say_line(struct world *w, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* The one seed asked for, or `seed`. */
uint64_t world_seed(uint64_t seed);
bool world_one_seed(void);
/* How many seeds to play: one, n, or ten times n when all are asked for. */
uint32_t world_seeds(uint32_t n);

#endif
