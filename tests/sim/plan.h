/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - a random run, drawn before it begins: what the service is, and a list of
 * faults, each with its beginning and its end.
 *
 * At any moment the conditions are a function of the faults that last then, so a fault
 * can be left out without any other one moving. That is what shrinking does: it drops
 * faults and hours while the same law still breaks.
 */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include "tests/sim/sites.h"

#define PLAN_FAULTS 400

enum plan_kind {
	/* endpoints: who = member */
	PLAN_DEAD = 0, /* refuses */
	PLAN_SILENT,   /* a black hole */
	PLAN_GREY,     /* p of all probes fail */
	PLAN_BY_TURNS, /* bad and good by turns of ms */
	PLAN_LOADED,   /* fails while fewer than n others answer */
	PLAN_HALF,     /* one of its addresses refuses */
	/* an agent's own eyes: who = agent */
	PLAN_BLIND,   /* its uplink */
	PLAN_PATH,    /* p of its probes of member `to` get lost */
	PLAN_STUNNED, /* its probes come to nothing */
	PLAN_CANARIES,
	/* between agents: who → to */
	PLAN_CUT,    /* one way */
	PLAN_ISLAND, /* the agents of bit mask n from all others; p > 0.5: one way */
	PLAN_LOSS,   /* p of what who sends, to all */
	PLAN_DELAY,  /* ms more, both ways, with all */
	PLAN_JITTER, /* up to ms more: messages overtake each other */
	PLAN_TWICE,  /* what who sends comes twice */
	PLAN_LIAR,
	/* agents: who */
	PLAN_CRASH, /* starts again at the end … */
	PLAN_WIPED, /* … with its disk lost */
	PLAN_PAUSE,
	PLAN_CLONE,
	PLAN_CLOCK, /* its wall clock is ms off */
	PLAN_CUT_API,
	PLAN_RELOAD, /* takes the other file, for ever */
	/* the zone */
	PLAN_OUT,
	PLAN_THROTTLE,
	PLAN_SLOW,
	PLAN_SLOW_INSYNC,
	PLAN_DNS,          /* no name server answers */
	PLAN_LOSE_ANSWERS, /* the next n … */
	PLAN_LOSE_CHANGES,
	PLAN_LATE,
	PLAN_STALE, /* reads, of n versions ago */
	PLAN_TORN,
	/* hands */
	PLAN_EDIT,
	PLAN_RESTORE,
	PLAN_DELETE,
	PLAN_GARBLE,
	PLAN_ADD,
	PLAN_ORDER, /* n: enum order_kind, to: member, ms: how long */
	/* sites of a scenario */
	PLAN_DISASTER, /* member who: what stands there */
	PLAN_LAG,      /* ms */
	PLAN_LAG_MUTE, /* its source says nothing; p > 0.5: that it does not know */
	PLAN_RUNNER,   /* who begins the next act dies of it: n: enum act_death */
	PLAN_KINDS
};

struct plan_fault {
	enum plan_kind kind;
	uint64_t at_ms, for_ms;
	uint32_t who, to, n;
	double p;
	uint64_t ms;
};

struct plan {
	uint64_t seed, run_ms;
	uint32_t members, agents, slots;
	struct rule_service rule;
	bool fast, hands;
	bool recovery; /* a service with a scenario: rule.plan */
	bool database, fence_reaches;
	struct site_odds odds;
	uint64_t lag_ms;
	int32_t drift_ppm[AGENTS_MAX];
	uint32_t faults;
	struct plan_fault fault[PLAN_FAULTS];
};

struct plan_score {
	uint64_t commits, drains, returns, swaps, steps, agent_ms, digest;
	uint64_t fact_count[FACT_KINDS];
	uint32_t worst_hour;
	uint64_t runs, aborted, acts, taken_over, repoints, refused, deaths, drills;
	uint64_t approvals, skips;
};

/* A service with a scenario: plan_recovery.c. */
void plan_draw_recovery(struct plan *p, uint64_t seed, uint64_t hours);
void plan_draw(struct plan *p, uint64_t seed, uint64_t hours);
/* Plays it; a law that breaks ends in world_fail(). */
void plan_play(const struct plan *p, bool plodding, struct plan_score *score);
/* The same, caught: false when a law broke, and which. */
bool
plan_holds(const struct plan *p, struct plan_score *score, char *why, size_t why_bytes);
/* Runs, so far, that only an operator's adopt could bring together: see plan_play.c. */
uint32_t plan_helped(void);
/* While the same law breaks (the same words up to the first number): shorter. */
void plan_shrink(struct plan *p, const char *why);
void plan_describe(const struct plan *p, FILE *to);
void plan_describe_recovery(const struct plan *p, FILE *to);

/* ---- conditions: for plan_play.c ---- */
struct plan_wanted { /* what becomes of each agent */
	bool crashed[AGENTS_MAX], wiped[AGENTS_MAX], paused[AGENTS_MAX];
	int32_t cloned;
};
/* Lasts until its end; the others strike once, at their beginning. */
bool plan_is_steady(enum plan_kind k);
/* None of the faults that last; those that count down stay. */
void plan_clear(struct world *w);
void plan_set_conditions(struct world *w, const struct plan *p, struct plan_wanted *x);
/* The world's sites as the plan has them. */
void plan_make_sites(struct world *w, const struct plan *p);
void plan_calm_sites(struct world *w, const struct plan *p);
void plan_score_sites(const struct world *w, struct plan_score *score);
/* After the faults: every run ends, and the service comes home. */
void plan_all_recover(struct world *w, const struct plan *p);

#endif
