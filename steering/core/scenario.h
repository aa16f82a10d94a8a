/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - the plan of a scenario, and what comes next in a run of it.
 *
 * Pure, as all of the core: the engine calls it at every step with what the ledger, the
 * quorum and this agent's own senses say; the run's progress is in the ledger, so that
 * any agent can go on with it. Exactly one holds the lock; whoever reads a ledger that
 * names another starts nothing. An act is started only on a version that this agent
 * wrote in this life, under a fence that was never used before.
 */
#ifndef STEERING_CORE_SCENARIO_H
#define STEERING_CORE_SCENARIO_H

#include "steering/core/ledger.h"
#include "steering/core/limiter.h"
#include "steering/core/quorum.h"

/* What a run does, in order; filled and built-in slots and gates alone. In a drill the
 * slots that close or open a side are left out unless the step says `drill: run`. The
 * plan of an abort undoes: its {from} is the side that is closed, {to} the one that
 * opens again; it may have no steps. A function of the rule and of run->way, aborting
 * and aborted alone: indices into it are stable. */
struct scenario_plan {
	uint32_t from, to; /* members */
	uint32_t steps;
	uint8_t slot[SCENARIO_STEPS_MAX]; /* enum slot */
	uint32_t back; /* the step that points a drill's name back; UINT32_MAX none */
};
void scenario_plan(const struct rule_scenario *rule, const struct ledger_run *run,
    struct scenario_plan *plan);

/* The member where a slot's act works. */
uint32_t scenario_site(const struct scenario_plan *plan, enum slot s);
/* Does it open or close a side? */
bool scenario_opens(enum slot s);
bool scenario_closes(enum slot s);
/* Is it filled with something to do, ask or wait for? */
bool scenario_filled(const struct rule_scenario *rule, enum slot s);
/* What an abort at this step leaves behind, as a sentence for the operator. */
const char *scenario_abort_leaves(enum slot s);

/* Has the service a scenario that can run? */
bool scenario_is(const struct rule_service *rule);
/* Is the service moved by its scenario alone, now? Multi-site: from a promotion on. */
bool scenario_moves(const struct rule_service *rule, const struct ledger *l);
/* Is the member kept cold by its kind, and not ready yet? */
bool
scenario_cold(const struct rule_service *rule, const struct ledger *l, uint32_t member);
/* Does an operator hold the recovery site out? No run points there then. */
bool scenario_held_out(
    const struct rule_service *rule, const struct ledger *l, int64_t now_wall_s);
/* Has it failed over: do the records, or the side that is open, say so? */
bool scenario_is_over(const struct rule_service *rule, const struct ledger *l);

/* ---- the machine ---- */

#define SCENARIO_YOUNG_MS 15000 /* an attempt is started so soon, or not at all */
#define SCENARIO_ALONE_MS 15000 /* who hears fewer than Q so long kills its act */
#define SCENARIO_LATE_S 300     /* the life of a signed call */

/* What became of an act. */
enum acted {
	ACTED_DONE = 0,
	ACTED_FAILED,  /* it was not done, or did not do its work */
	ACTED_UNKNOWN, /* it may have been done, and may still be */
};
const char *acted_word(enum acted a);

struct scenario_in {
	const struct rule_service *rule;
	const struct ledger *ledger;      /* in force; its members are the rule's */
	uint32_t self;                    /* agent number … */
	int32_t site;                     /* … the member at its own site; -1 none */
	int64_t now_wall_s;               /* provider's clock, known */
	const struct quorum_view *quorum; /* of each member */
	enum block down;  /* what bars a drain of the primary; BLOCK_NONE nothing */
	bool frozen;      /* an operator's freeze stands */
	bool holder_gone; /* Q fresh agents have not heard it for 60 s */
	bool lag_known;   /* sampled since the step in hand had its turn */
	uint64_t lag_ms;
	uint64_t armed;  /* fence of an attempt that we wrote, in this life; 0 none */
	bool armed_old;  /* … too long ago to be started */
	uint64_t acting; /* fence of the act under way here; 0 none */
	uint64_t acted_fence; /* of the last act that ended here; 0 none */
	enum acted acted;
};

/* What a run waits for; each is said once at its turn. */
enum scenario_wait {
	WAIT_NOTHING = 0, /* nothing to do */
	WAIT_COMMAND,     /* primary DOWN; an operator must say failover */
	WAIT_RECOVERY,    /* primary DOWN, and the recovery site too */
	WAIT_BARRED,      /* primary DOWN, and the limiter's conditions do not hold */
	WAIT_NO_HOLDER,   /* no agent stands outside the failed site */
	WAIT_RESTS,       /* a fail-over was aborted */
	WAIT_HOLDER,      /* another agent runs it */
	WAIT_FREEZE,      /* an operator froze the service */
	WAIT_VERDICT,
	WAIT_STEERING, /* multi-site: {from} is not out yet */
	WAIT_LAG,
	WAIT_LAG_UNKNOWN,
	WAIT_TIME,
	WAIT_REST, /* between attempts */
	WAIT_LATE, /* a late copy of an unknown call may still arrive */
	WAIT_ACT,  /* under way */
	WAIT_OLD_ACT,
	WAIT_OPERATOR, /* asks, or failed */
};

enum scenario_do { SCENARIO_WAIT = 0, SCENARIO_WRITE, SCENARIO_START };
enum scenario_points { POINTS_STAY = 0, POINTS_MOVE, POINTS_BACK, POINTS_REWEIGHT };

/* What to do now. WRITE: scenario_apply() on a copy of the ledger. */
struct scenario_move {
	enum scenario_do what;
	bool ranked; /* whoever's turn it is writes: a begin, a takeover */
	bool arms;   /* the write is that of an attempt */
	enum scenario_points points;
	uint32_t holder, open;
	uint64_t fence;
	bool rests, undone; /* undone: an abort has ended */
	struct ledger_run run;
	enum scenario_wait wait;
	char text[168]; /* why, or what is waited for; "" */
};
void scenario_decide(const struct scenario_in *in, struct scenario_move *move);
/* Carries it out: the run, the lock, the sides, and where the records point. */
void scenario_apply(const struct rule_service *rule, const struct scenario_move *move,
    int64_t now_wall_s, struct ledger *l);
/* The fence that the next attempt has; the ledger's epoch once it is written. */
uint64_t scenario_next_fence(const struct ledger *l);
/* What a step that asks asks for, as a sentence. */
void scenario_question(const struct rule_service *rule, const struct ledger *l,
    char *text, size_t text_bytes);

#endif
