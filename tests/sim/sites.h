/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sites.h - what stands at the sites of a service with a scenario: a database with a
 * side that accepts writes or does not, web servers, replication; and the shells that
 * perform a scenario's acts there.
 *
 * An act takes time, works, fails, hangs, works and says that it failed, works and
 * nobody hears of it, works late (when its agent has given it up long ago), or twice.
 * Where it is fenced its site refuses it once it has seen a higher number; a call of AWS
 * is void 300 s after it was signed; any other may come hours late, unless an operator,
 * who was asked, has made sure. Shells keep a journal as the real one does: the newest
 * row's outcome is told to the engine when the agent starts again.
 *
 * Rows are measured in milliseconds of accepted writing: a side that is open grows by
 * one a millisecond, one that follows it is lag_ms behind.
 */
#ifndef TESTS_SIM_SITES_H
#define TESTS_SIM_SITES_H

#include "steering/core/scenario.h"
#include "tests/sim/world.h"

#define SITE_ACTS 4096
#define SITE_SIGNED_MS 300000 /* a signature's life */

struct site_side {
	bool dead;       /* nothing of it runs; what it stores stays */
	bool open;       /* accepts writes while it is not dead */
	bool serves;     /* its web servers are there */
	bool owed;       /* an operator passed over its opening, and it is closed */
	int32_t follows; /* the member that it replicates, or -1 */
	uint64_t fence;  /* the highest that it has seen */
	uint64_t rows, settled_ms;
	uint64_t wrote_from_ms, wrote_until_ms; /* its last time of writing */
};

enum act_fate {
	ACT_WORKS = 0,
	ACT_FAILS,
	ACT_WORKS_FAILS, /* its work is done, and it says that it failed */
	ACT_HANGS,       /* … for ever, and does nothing */
	ACT_GETS_LOST,   /* its work is done, and nobody hears of it */
	ACT_COMES_LATE,  /* … after its agent has given it up */
	ACT_COMES_TWICE,
	ACT_FATES
};

/* Of a hundred acts; the rest work. */
struct site_odds {
	uint8_t of[ACT_FATES];
	uint8_t dies; /* the agent: before, during or after */
};

/* When the agent that performs it dies. */
enum act_death {
	DEATH_NOT = 0,
	DEATH_COMMITTED, /* the act was to begin: no row of it yet */
	DEATH_BEFORE,    /* its row is written */
	DEATH_DURING,
	DEATH_AFTER, /* its outcome is journaled, the engine knows nothing */
	DEATH_TOLD,  /* the engine knows, the ledger does not */
	DEATHS
};

struct site_act {
	struct scenario_act act;
	struct rule_step step;
	uint32_t agent, life;
	enum act_fate fate;
	uint64_t begun_ms;
	bool in_hand; /* its shell has not answered */
	bool killed;
	bool over;     /* whatever of it is on its way comes to nothing */
	bool worked;   /* its site did it */
	bool refused;  /* its site did not: fence */
	bool answered; /* the engine was told … */
	enum act_death death;
	enum acted acted;
};

struct site_journal { /* one agent's newest row */
	uint64_t fence;
	bool ended;
	enum acted acted;
};

struct sites {
	/* what the test says */
	bool database;      /* sides count; else only acts and records do */
	bool fence_reaches; /* a fence works on a dead site too */
	bool lag_silent;    /* the source says nothing … */
	bool lag_unknown;   /* … or that it does not know */
	uint64_t lag_ms;
	uint64_t backup_every_ms;
	struct site_odds odds;
	bool operator_on, diligent; /* approves and retries at once, and nothing else */
	bool grounded[WORLD_AGENTS]; /* who is dead by the test's word */
	/* scripts: of the next act of this slot (SLOT_NONE: of any) */
	enum slot fate_slot, death_slot;
	bool fate_set;
	enum act_fate fate;
	uint64_t late_ms; /* how late; 0: drawn */
	enum act_death death;
	uint64_t revive_ms; /* 0: drawn */

	struct site_side side[MEMBERS_MAX];
	struct site_act act[SITE_ACTS];
	uint32_t acts;
	struct site_journal journal[WORLD_AGENTS];
	uint64_t backup_rows, backup_began_ms; /* the newest */
	bool backup;

	/* the operator */
	enum slot at;
	uint64_t retried_step;
	uint32_t retried;

	/* what the laws know */
	uint64_t fence_started; /* the highest of an act that was begun */
	bool both_allowed;      /* an operator said that both sides may be open */
	bool
	    excused; /* … approved or skipped something in this run, or closed by hand */
	bool blurred; /* something unfenced came late, and nobody could know */
	uint64_t runs_ended, runs_aborted, acts_begun, taken_over, approvals, skips;
	uint64_t repoints, late_refused, rows_lost, deaths, drills;
	uint64_t lonely_ms[WORLD_AGENTS]; /* since when it hears fewer than Q; 0 */
	uint64_t told_up_ms[WORLD_AGENTS][MEMBERS_MAX];
	uint64_t told_lost_ms[WORLD_AGENTS];
	struct engine_lag lag[WORLD_AGENTS]; /* the last sample that it was given */
	uint64_t lag_at_ms[WORLD_AGENTS];
	uint64_t moved_ms; /* when the run's step or state last moved */
	uint64_t sent_ms;  /* of the version in force */
	uint32_t sent_by;
	uint64_t frozen_ms;  /* when the last freeze was answered DONE */
	uint8_t opened_lost; /* see law_opened() */
};

/* A scenario of this kind between a and b, every slot of it filled by a fenced act. */
void sites_fill(struct rule_service *r, enum scenario_kind kind);
/* Before world_begin(): files get such a scenario; a is open and b follows it. */
void sites_make(struct world *w, enum scenario_kind kind);
void sites_free(struct world *w);
void sites_kill(struct world *w, char member, bool dead);
/* The one that is open and not dead, or NUL; '2': both. */
char sites_open(const struct world *w);
bool sites_serve(const struct world *w, uint32_t m);
/* What would be lost if the one were gone and the other promoted now. */
uint64_t sites_behind(struct world *w, uint32_t from, uint32_t to);
/* An order as the command gives it: about the run and step that the ledger shows. */
void sites_order(struct world *w, uint32_t agent, enum order_kind kind);
/* The plan of the run that the zone's ledger shows; false: there is none. */
bool sites_run(const struct world *w, struct ledger *l, struct scenario_plan *plan);
/* The slot in hand, SLOT_NONE without a run. */
enum slot sites_slot(const struct world *w);
/* Runs until there is no run; false after limit_ms. */
bool sites_await_end(struct world *w, uint64_t limit_ms);
/* … until the run's state is this (and its slot, unless SLOT_NONE); false when it ends
 * before. */
bool
sites_await(struct world *w, enum slot slot, enum run_state state, uint64_t limit_ms);

/* ---- stories: sites_story.c ---- */
/* Two members, three agents (at a, at b, a witness), and such a scenario; ready. */
struct world *sites_world(uint64_t seed, enum scenario_kind kind);
/* … made, and not begun: a story changes the rule first. */
struct world *sites_prepare(uint64_t seed, enum scenario_kind kind);
void sites_ready(struct world *w);
/* The site and its agent are lost; two minutes later everybody knows. */
void sites_lose(struct world *w, char member);
void sites_bring(struct world *w, char member);
/* The order, and the run to its end; the story falls apart after six hours. */
void sites_go(struct world *w, enum order_kind kind);
/* The order is taken: a run has begun. */
void sites_go_on(struct world *w, enum order_kind kind);
/* This side is open and answers, the other not. */
void sites_at(struct world *w, char member);
/* The agent that holds the lock; the story falls apart if there is none. */
uint32_t sites_holder(struct world *w);

/* ---- for world*.c ---- */
struct event;
struct late_change;
void sites_started(struct world_agent *a);
void sites_stopped(struct world_agent *a);
void sites_stepped(struct world_agent *a, const struct engine_out *out);
void sites_event(struct world *w, const struct event *e);
void sites_settle(struct world *w);

/* ---- among sites*.c ---- */
void sites_change(struct world *w); /* who serves, or is open, has changed */
/* The act does its work at its site, or does not. */
void sites_work(struct world *w, struct site_act *x);
/* What a slot does, by whoever's hand. */
void
sites_perform(struct world *w, enum slot s, uint32_t from, uint32_t to, uint32_t site);
void sites_lag_event(struct world *w, const struct event *e);
void sites_operator_event(struct world *w);
void sites_begin(struct world *w); /* lag samples, the operator, backups */

/* ---- invariant 16 ---- */
void law_sides(struct world *w, const char *what);
void law_starting(struct world_agent *a, const struct scenario_act *act);
void law_opening(struct world *w, const struct site_act *x);
void law_act_stepped(struct world_agent *a);
void law_run_committed(struct world *w, const struct ledger *old,
    const struct ledger *next, const struct late_change *c);
/* Faults have ended, an operator answers at once: every run comes to its end. */
void law_run_ends(struct world *w, uint64_t limit_ms);

#endif
