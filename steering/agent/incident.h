/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incident.h - from first fault to full service: the marks that RTO and RPO are
 * measured on.
 *
 * One incident is one run of a scenario (its id is the run's), or one drain by the
 * steering alone (its id is the epoch of the drain). It is made from versions of the
 * ledger, which every agent reads, so that every agent has it, also when the run
 * changed its runner; what an agent alone knows (its first failed probe, its lag, how
 * an act of its own ended) it adds. A version that came and went unread here leaves a
 * step without times: said, never guessed.
 *
 * Times are this machine's wall clock in ms; 0 is "not seen here". They never go back:
 * a clock that is set back while an incident lasts holds the marks (clock_stepped).
 *
 * Pure functions of their arguments: no clock, no I/O. Kept as JSON (incident_json.c),
 * shown on a page (incident_page.c).
 */
#ifndef STEERING_AGENT_INCIDENT_H
#define STEERING_AGENT_INCIDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/scenario.h"

#define INCIDENT_STEPS_MAX 32
#define INCIDENT_ORDERS_MAX 16
#define INCIDENT_RUNNERS_MAX 8
#define INCIDENT_TEXT_MAX 160

enum incident_state {
	INCIDENT_FAULT = 0, /* a fault; nothing was begun for it (id 0) */
	INCIDENT_RUNS,      /* the run, or the drain, is under way */
	INCIDENT_REACHED,   /* {to} answers; full service is not there again */
	INCIDENT_OVER,
	INCIDENT_ABORTED,
	INCIDENT_WITHDRAWN, /* {from} was well again before anything was opened */
	INCIDENT_ABSORBED,  /* a drain that a run of the scenario followed on */
	INCIDENT_STATES
};
const char *incident_state_word(enum incident_state s);

/* In the order in which they are passed. */
enum incident_mark {
	MARK_FAULT = 0, /* start of the first failed probe */
	MARK_DETECTED,  /* verdict DOWN */
	MARK_DECIDED,   /* the run was begun, or the drain sent */
	MARK_COMMITTED, /* the records point to {to}, or away from the member */
	MARK_INSYNC,
	MARK_ANSWERED, /* every name server shows it */
	MARK_ENDED,    /* the run is over */
	MARK_FULL,     /* full service again: failed back, or the member returned */
	MARKS
};
const char *incident_mark_word(enum incident_mark m);

enum step_outcome {
	ENDED_NOT = 0,
	ENDED_DONE,
	ENDED_PASSED,  /* the run went on, and why was not seen here */
	ENDED_FAILED,  /* … and the run went on (on_failure: continue) */
	ENDED_SKIPPED, /* by an operator */
	ENDED_ABORTED,
	STEP_OUTCOMES
};
const char *step_outcome_word(enum step_outcome o);

struct incident_step {
	enum slot slot;
	bool undo;      /* of an abort */
	uint32_t index; /* in its plan */
	int64_t begun_wall_ms, ended_wall_ms;
	int64_t started_wall_ms; /* its first attempt; a gate has none */
	uint64_t people_ms;      /* of its time: waited for an operator */
	uint32_t tries;
	uint64_t fence; /* of the last attempt */
	bool unknown;   /* an attempt's outcome was not known */
	bool asked;     /* an operator was asked */
	bool warned;    /* `text` is of something that went wrong */
	bool skip;      /* an operator wants to go on without it */
	enum step_outcome outcome;
	enum run_state state;         /* as last seen … */
	int64_t state_wall_ms;        /* … and since when */
	char text[INCIDENT_TEXT_MAX]; /* what was said of it last; "" nothing */
};

struct incident_order { /* an operator's word */
	char word[16];  /* order_word() */
	enum slot slot; /* that it was about; SLOT_NONE: the run */
	int64_t at_wall_ms;
	bool refused;
	char who[48]; /* "uid 1000 at agent iad" */
	char reason[INCIDENT_TEXT_MAX];
};

struct incident_runner {
	char agent[WORD_MAX];
	int64_t since_wall_ms;
	enum slot slot; /* the step that it began with, or went on with */
};

/* A slot of the scenario that this run does not do, and why; "" drill: skip. */
struct incident_left_out {
	enum slot slot;
	char why[INCIDENT_TEXT_MAX];
};

struct incident {
	char service[WORD_MAX];
	char scenario[WORD_MAX]; /* "" none: the steering alone */
	char seen_by[WORD_MAX];  /* the agent that recorded it */
	enum scenario_kind kind; /* with a scenario */
	uint64_t id;
	enum run_way way;                  /* RUN_NONE: a drain */
	char from[WORD_MAX], to[WORD_MAX]; /* sites; to "" of a drain */
	enum incident_state state;
	bool aborting;           /* an abort was asked for */
	uint64_t into;           /* ABSORBED: that run; FULL: the fail-back's; 0 */
	uint64_t rto_ms, rpo_ms; /* targets; 0 none */
	uint32_t ttl_s;
	int64_t mark_wall_ms[MARKS];
	uint64_t committed_epoch; /* of MARK_COMMITTED */
	int64_t last_wall_ms;     /* the newest time in here */
	bool clock_stepped;

	/* what would be lost at the fault; of a planned way, when it was frozen */
	bool lag_asked; /* the scenario measures it */
	bool lag_known;
	uint64_t lag_ms;
	char lag_why[INCIDENT_TEXT_MAX];            /* unless known */
	char backup_id[128], backup_started_at[32]; /* "" it is no backup */

	uint64_t epoch;      /* of the version that was read last */
	uint32_t plan_steps; /* of the plan as last seen: enum slot each */
	uint8_t plan[SCENARIO_STEPS_MAX];

	uint32_t steps, orders, runners, left_outs;
	struct incident_step step[INCIDENT_STEPS_MAX];
	struct incident_order order[INCIDENT_ORDERS_MAX];
	struct incident_runner runner[INCIDENT_RUNNERS_MAX];
	struct incident_left_out left_out[SLOTS];
};

/* ---- what happens to it ---- */

/* One version of the ledger, as this run is told of it. */
struct incident_version {
	const struct rule_service *rule;
	const struct ledger *ledger;
	const struct scenario_plan *plan; /* of ledger->run; NULL without a run */
	bool ours;                        /* this agent wrote it */
	bool reached;                     /* the records point where the run goes */
	int64_t at_wall_ms;               /* when the step came into its state */
	int64_t begun_wall_ms;            /* when the run began */
};

/* A fault that a verdict DOWN goes back to; either time may be 0. */
void incident_fault(struct incident *i, int64_t fault_wall_ms, int64_t verdict_wall_ms);
/* A run is in the ledger. Keeps what `fault` knows (NULL: of none); names, targets and
 * lag are the caller's. */
void incident_begin(
    struct incident *i, const struct incident_version *v, const struct incident *fault);
/* Another version of the same run. */
void incident_version(struct incident *i, const struct incident_version *v);
/* The run is not in the ledger any more; v->plan is NULL. */
void incident_end(struct incident *i, const struct incident_version *v);
/* The steering took a member out by itself: an incident without a scenario. */
void incident_drain(struct incident *i, uint64_t epoch, int64_t sent_wall_ms,
    int64_t at_wall_ms, const struct incident *fault);
/* Full service again; into: the run that brought it, or 0. */
void incident_full(struct incident *i, uint64_t into, int64_t at_wall_ms);
/* A run of the scenario goes on where the drain was: that has its marks now. */
void incident_absorb(struct incident *run, struct incident *drain);
/* A mark was passed; one that stands is kept. */
void incident_mark(struct incident *i, enum incident_mark m, int64_t at_wall_ms);
/* A fact says something of a step: kept for the newest of that slot; what went wrong is
 * not overwritten by what went well. */
void incident_say(struct incident *i, enum slot s, const char *text, bool wrong);
/* An operator's word about it. */
void incident_order(struct incident *i, const struct incident_order *o);
/* … which was refused. */
void incident_refused(struct incident *i);

/* Invariant 15: marks complete and in order. What is not seen here is absent and no
 * mark stands before one that must have come earlier. False: e says which. */
bool incident_sound(const struct incident *i, struct err *e);

/* ---- what it comes to ---- */

enum incident_basis { /* what its recovery time is counted from */
	BASIS_FAULT = 0,
	BASIS_FREEZE, /* planned: nothing had failed; from when writing was stopped */
	BASIS_DECIDED /* nothing had failed: from the order */
};

struct incident_sums {
	enum incident_basis basis;
	int64_t basis_wall_ms; /* 0: not seen */
	int64_t ttl_wall_ms;   /* TTL passed: MARK_ANSWERED and the TTL; 0 not yet */
	bool rto_known;
	uint64_t rto_ms;
	bool
	    interrupted; /* planned: from the freeze to every answer and an open side */
	uint64_t interruption_ms;
	int32_t bottleneck; /* step that worked longest, people not counted; -1 */
	uint64_t bottleneck_ms;
	uint64_t people_ms;  /* all waiting for operators */
	int32_t people_step; /* … most of it; -1 */
	uint32_t missing;    /* bits: marks that were passed and not seen here */
};
void
incident_sum(const struct incident *i, int64_t now_wall_ms, struct incident_sums *s);
/* Of a step: its time without people. */
uint64_t incident_step_ms(const struct incident_step *s, int64_t now_wall_ms);
/* … and its time waiting for them. */
uint64_t incident_people_ms(const struct incident_step *s, int64_t now_wall_ms);
/* Not over yet: under way, or away from where it belongs. */
bool incident_open(const struct incident *i);
/* 0 all targets met, 1 missed or not finished. */
int incident_judge(const struct incident *i, int64_t now_wall_ms);

/* "shop-dr/17"; of a drill "shop-dr-drill/17"; of a drain "www/17". */
#define INCIDENT_NAME_MAX 64
const char *incident_name(const struct incident *i, char out[INCIDENT_NAME_MAX]);

/* ---- kept, and shown ---- */
struct json;
struct json *incident_to_json(const struct incident *i);
/* Strict: what is not sound is refused. */
bool
incident_from_json(const struct json *j, struct incident *i, struct err *e) MUST_CHECK;

#define INCIDENT_COLUMNS 80
#define INCIDENT_LINES 60
/* The page: at most INCIDENT_LINES lines of INCIDENT_COLUMNS. free() it. */
char *incident_page(const struct incident *i, int64_t now_wall_ms);
/* One line of the table, without its end; i NULL: its heading. */
#define INCIDENT_LINE_MAX 128
const char *incident_line(
    const struct incident *i, int64_t now_wall_ms, char out[INCIDENT_LINE_MAX]);
/* With the sums, for --json. */
struct json *incident_report_json(const struct incident *i, int64_t now_wall_ms);
/* "3m04s", "12.3s", "2d04h". */
#define INCIDENT_SPAN_MAX 24
const char *incident_span(uint64_t ms, char out[INCIDENT_SPAN_MAX]);

#endif
