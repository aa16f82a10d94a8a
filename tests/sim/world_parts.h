/* SPDX-License-Identifier: Apache-2.0 */
/* world_parts.h - how the world's work is divided; for world*.c alone. */
#ifndef TESTS_SIM_WORLD_PARTS_H
#define TESTS_SIM_WORLD_PARTS_H

#include "tests/sim/world.h"

enum event_kind {
	EVENT_PROBE = 1, /* agent, member: begins */
	EVENT_SAMPLE,    /* agent, member, outcome, start_ms */
	EVENT_REPORT,    /* agent: receiver; from, report, start_ms: sent */
	EVENT_LOOK,      /* agent: its read arrives at the zone */
	EVENT_VIEW,      /* … and its answer at the agent */
	EVENT_APPLY,     /* agent: its change arrives at the zone */
	EVENT_CHANGED,   /* … and its answer at the agent: result */
	EVENT_LATE,      /* a lost change is applied after all */
	EVENT_HEARD,     /* agent: what DNS showed: epoch */
};

struct late_change { /* a change on its way, as it was sent */
	struct ledger next;
	struct intent intent;
	bool create;
	struct world_zone picture, wanted;
	uint32_t life;
};

struct event {
	uint64_t at_ms, sequence;
	enum event_kind kind;
	uint32_t agent, life, member, from;
	enum outcome outcome;
	uint64_t start_ms, epoch;
	enum change_result result;
	struct report report;
	struct late_change *late;
};

void world_push(struct world *w, const struct event *e);
struct engine_in world_input(struct world_agent *a, enum engine_event event);
/* One step of its engine, with all that its shell does about the answer. */
void world_step(struct world_agent *a, const struct engine_in *in);

/* ---- agents ---- */
void world_begin_probe(struct world *w, const struct event *e);
void world_end_probe(struct world *w, const struct event *e);

/* ---- the zone ---- */
uint64_t zone_digest(const struct world_zone *z);
uint64_t zone_digest_wanted(const uint8_t weight[MEMBERS_MAX], void *agent);
/* What the agent's file wants for these weights. */
void
zone_want(const struct world_agent *a, const struct ledger *l, struct world_zone *z);
/* One atomic batch; true when it was applied. */
bool zone_apply(struct world *w, const struct late_change *c);
/* The agent's read arrives: fills shown and view. */
void zone_show(struct world *w, struct world_agent *a);
/* The agent's change arrives: applied or not, and what is answered when. Takes *c. */
void zone_take_change(struct world *w, struct world_agent *a, struct late_change *c);
void zone_keep(struct world *w);

/* ---- invariants ---- */
/* A call leaves for the API. */
void law_calling(struct world *w, struct world_agent *a, bool change);
void law_stepped(struct world_agent *a, const struct engine_out *out);
void law_sending(struct world *w, struct world_agent *a, const struct engine_out *out);
void law_committed(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct intent *intent);

uint32_t law_quorum(const struct rule_service *rule);
/* What others have written, or changed by hand, is theirs. */
void law_foreign(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct intent *intent);

/* ---- saying ---- */
void say_facts(struct world *w, uint32_t agent, const struct engine_out *out);
void
say_line(struct world *w, const char *what, ...) __attribute__((format(printf, 2, 3)));

#endif
