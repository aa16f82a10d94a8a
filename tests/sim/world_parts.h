/* SPDX-License-Identifier: Apache-2.0 */
/* world_parts.h - how the world's work is divided; for world*.c alone. */
#ifndef TESTS_SIM_WORLD_PARTS_H
#define TESTS_SIM_WORLD_PARTS_H

#include <assert.h>
#include <string.h>

#include "tests/sim/world.h"

/* Of two events in one millisecond the earlier kind is first, then the lower agent:
 * never the order in which they were thought of, which depends on what was skipped. */
enum event_kind {
	EVENT_LATE = 1, /* a lost change is applied after all */
	EVENT_APPLY,    /* agent: its change arrives at the zone */
	EVENT_LOOK,     /* agent: its read arrives at the zone */
	EVENT_REPORT,   /* agent: receiver; from: who it says it is */
	EVENT_PROBE,    /* agent, member, slot: begins */
	EVENT_SAMPLE,   /* agent, member, slot, outcome, start_ms */
	EVENT_VIEW,     /* the answer of a read at the agent */
	EVENT_CHANGED,  /* the answer of a change at the agent: result */
	EVENT_HEARD,    /* agent: what DNS showed: epoch */
	EVENT_SETTLED,  /* agent: a second after a gap */
	/* sites.h */
	EVENT_EFFECT,   /* an act does its work: epoch is its index */
	EVENT_ACTED,    /* agent: … or its shell knows how it ended */
	EVENT_LAG,      /* agent: a sample begins (slot 0), or is known */
	EVENT_OPERATOR, /* he looks (slot 0); a backup is made */
	EVENT_LIFE,     /* agent: dies of its act (slot 0), or begins again */
};

struct late_change { /* a change on its way, as it was sent */
	struct ledger next;
	struct intent intent;
	bool create, release;
	struct world_zone picture, wanted;
	uint32_t life, by;
	enum order_kind order; /* that it carries out */
	uint64_t sent_ms;
};

struct message {
	uint64_t boot, sent_ms;
	uint32_t sub;
	uint64_t quote_boot, quote_ms;
	struct report report;
};

struct event {
	uint64_t at_ms;
	enum event_kind kind;
	uint32_t agent, life, round, member, slot, from;
	enum outcome outcome;
	uint64_t start_ms, epoch;
	int64_t wall_s;
	enum change_result result;
	struct late_change *late;
	struct message message;
	struct engine_lag lag;
	uint32_t next_free;
};

struct heap_entry {
	uint64_t at_ms, key;
	uint32_t slot;
};

uint64_t
world_hash(const struct world *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* The same as a share of 1. */
double
world_chance(const struct world *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
void world_push(struct world *w, const struct event *e);
struct event world_pop(struct world *w);
struct engine_in world_input(struct world_agent *a, enum engine_event event);
/* One step of its engine, with all that its shell does about the answer. */
void world_step(struct world_agent *a, struct engine_in *in);
void world_tick(struct world_agent *a);
/* Its boot-time clock, and back: the first moment when that shows boot_ms. */
uint64_t world_boot_ms(const struct world_agent *a, uint64_t at_ms);
uint64_t world_from_boot_ms(const struct world_agent *a, uint64_t boot_ms);
int64_t world_agent_wall_s(const struct world_agent *a);
/* An answer of the provider: its clock is carried forward on ours. 0: no answer. */
void world_take_date(struct world_agent *a, int64_t date_wall_s);
/* Instances, clones too. */
uint32_t world_instances(const struct world *w);
/* What was skipped is made up for, at all agents. */
void world_settle(struct world *w);
/* What was steady is looked at again before time goes on. */
void world_resync(struct world *w);

/* ---- probes ---- */
void probes_begin(struct world_agent *a, uint32_t m);   /* address and schedule */
void probes_address(struct world_agent *a, uint32_t m); /* addresses alone */
void probes_again(struct world_agent *a);               /* all schedules, from now */
void probe_event(struct world *w, const struct event *e);
void sample_event(struct world *w, const struct event *e);
/* Brings lazy ones up to now. */
void probes_settle(struct world_agent *a);
/* Those that are lazy no longer become events again. */
void probes_resync(struct world_agent *a);

/* ---- links ---- */
void links_start(struct world_agent *a);
void links_send(struct world_agent *a, bool moved);
void report_event(struct world *w, const struct event *e);
void links_settle(struct world_agent *a);
void links_resync(struct world *w);
void links_unlive(struct world_agent *a, uint32_t from_self);
/* When a live peer's next report arrives at or after at_ms. */
uint64_t
links_arrival_ms(const struct world_agent *a, uint32_t from_self, uint64_t at_ms);
bool links_alone(const struct world_agent *a);

/* ---- quiet ---- */
/* Until when (world's clock) nothing changes for this agent by time alone. */
uint64_t quiet_until_ms(const struct world_agent *a);

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
/* Agents that know less than DNS shows look again. */
void zone_dns_arm(struct world *w);

/* ---- invariants ---- */
void law_sending(struct world *w, struct world_agent *a, const struct engine_out *out);
/* A call leaves for the API; a change does. */
void law_calling(struct world *w, struct world_agent *a);
void law_burst(struct world *w, struct world_agent *a);
/* Marks, and what its reports say: part of law_stepped(). */
void law_told(struct world_agent *a, const struct engine_out *out);
void law_stepped(struct world_agent *a, const struct engine_out *out);
void law_committed(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct late_change *c);
uint32_t law_quorum(const struct rule_service *rule);
/* What others have written, or changed by hand, is theirs. */
void law_foreign(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct intent *intent);

/* ---- saying ---- */
void say_facts(struct world *w, uint32_t agent, const struct engine_out *out);

#endif
