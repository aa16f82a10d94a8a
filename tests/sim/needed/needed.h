/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needed.h - the table of rules that can be taken away, and what breaks then.
 *
 * A row names a rule as NEEDED(rule, …) in the core does, the invariant of DESIGN.md §10
 * that is expected to break without it, and a story: a small scripted world that keeps
 * every invariant while all rules stand, for each of the row's seeds, and without the
 * rule breaks exactly that one, before any other, for one of them at least. A row
 * without a story says why none was found.
 */
#ifndef TESTS_SIM_NEEDED_NEEDED_H
#define TESTS_SIM_NEEDED_NEEDED_H

#include "tests/sim/world_parts.h"

struct needed_row {
	const char *rule;
	int invariant;  /* 0: not shown needed */
	uint32_t seeds; /* worlds to try */
	void (*story)(uint64_t seed);
	const char *why; /* what happens without it, in one sentence */
};

/* Each ends with a row of no rule. */
extern const struct needed_row needed_votes[];    /* who is believed, and when */
extern const struct needed_row needed_holds[];    /* how long it must last */
extern const struct needed_row needed_limits[];   /* how much may be out, how often */
extern const struct needed_row needed_writers[];  /* whose turn, which policy */
extern const struct needed_row needed_zone[];     /* what the zone shows */
extern const struct needed_row needed_recovery[]; /* scenarios: who acts, and when */

/* Is this rule taken away? For those that are not the core's own to decide. */
bool needed_off(const char *rule);

/* ---- the stories' common words ---- */

/* A world of which every member is in, at full weight. */
struct world *needed_world(uint64_t seed, uint32_t members, uint32_t agents);
void needed_begin(struct world *w);
/* Invariant 12: out, or back at some weight, within limit_ms from now. */
void needed_out(struct world *w, char site, uint64_t limit_ms);
void needed_back(struct world *w, char site, uint64_t limit_ms);
/* Fails until it is out of the zone; the story falls apart after limit_ms. */
void needed_drain(struct world *w, char site, uint64_t limit_ms);
/* The agent whose change is under way; the story falls apart if there is none. */
uint32_t needed_writer(struct world *w);

#endif
