/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_parts.h - how engine.c's work is divided; for engine*.c alone.
 *
 * sense: samples → votes → verdicts → holds. zone: reads, outcomes, trust in the
 * ledger. decide: what to write, and whether it is our turn. say: facts.
 */
#ifndef STEERING_CORE_ENGINE_PARTS_H
#define STEERING_CORE_ENGINE_PARTS_H

#include "steering/core/engine.h"

/* ---- sense ---- */
void sense_feed(struct engine *g, const struct engine_in *in, struct engine_out *out);
void sense_judge(struct engine *g, const struct engine_in *in, struct engine_out *out);

/* ---- zone ---- */
void zone_view(struct engine *g, const struct engine_in *in, struct engine_out *out);
void zone_changed(struct engine *g, const struct engine_in *in, struct engine_out *out);
void zone_heard(struct engine *g, const struct engine_in *in);
/* mode: observe: as if it had been committed. */
void zone_pretend(struct engine *g, const struct ledger *l, const struct engine_in *in,
    struct engine_out *out);
/* After a reload: is the ledger in force one of our members still? */
void zone_realign(struct engine *g);
/* From now on nothing is written before a read that begins later. */
void zone_dirty(struct engine *g, uint64_t now_ms);
void zone_pace(struct engine *g, const struct engine_in *in, struct engine_out *out);
uint64_t zone_pace_due_ms(const struct engine *g, const struct engine_in *in);

/* ---- decide ---- */
void decide_limiter_in(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct limiter_in *lim);
/* Is our file the policy in force? */
bool decide_in_force(const struct engine *g);
/* Are fewer than Q heard? */
bool decide_lonely(const struct engine *g, uint64_t now_ms);
void decide(struct engine *g, const struct engine_in *in, struct engine_out *out);
uint64_t decide_due_ms(const struct engine *g, const struct engine_in *in);

/* ---- write: the next ledger for an intent ---- */
void write_create(const struct engine *g, struct ledger *next);
void write_policy(const struct engine *g, struct ledger *next);
/* Our file's hash, quorum and voters. */
void write_voters(const struct rule_service *rule, struct ledger *next);
bool write_adopt(const struct engine *g, struct ledger *next, struct err *why);

/* ---- order ---- */
void order_take(struct engine *g, const struct engine_in *in, struct engine_out *out);
/* What a peer's report says of freezes: they work here too, until the peer says so no
 * more, the ledger has them, or their time is over. */
void order_hear(struct engine *g, const struct engine_in *in, struct engine_out *out);
void order_settle(struct engine *g, struct engine_out *out, uint64_t now_ms);
/* Does a freeze stand that is not in the ledger yet? */
bool order_freezes(const struct engine *g);
/* The peer speaks without a date: it may have begun anew, and its order be lost. */
void order_orphan(struct engine *g, uint32_t agent);
/* What our report says of freezes: our own, or one whose agent is gone. */
void order_tell(struct engine *g, uint64_t now_ms);
/* Builds the ledger that carries out the pending order; false with a sentence when it
 * may not be done. *records: record sets change too. */
bool order_apply(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct ledger *next, bool *records, struct err *why);
/* May the pending order be written in spite of this? */
bool order_overrides(const struct engine *g, enum cannot c);
/* Is it barred until an operator speaks otherwise? A sentence, or NULL. */
const char *order_bar(const struct engine *g);

/* ---- turn ---- */
/* How many able agents write before this one does; failing: a member, or -1. */
uint32_t turn_ahead(const struct engine *g, int32_t failing, uint64_t now_ms);

/* ---- run: the scenario ---- */
/* Before reports go out: is the holder of the lock lost? */
void run_tell(struct engine *g, uint64_t now_ms);
/* What is next of the run: g->move; starts and kills acts. */
void run_judge(struct engine *g, const struct engine_in *in, struct engine_out *out);
void run_acted(struct engine *g, const struct engine_in *in, struct engine_out *out);
/* The next version is taken: clocks, and what it says of the run. */
void run_taken(struct engine *g, const struct ledger *next, const struct engine_in *in,
    struct engine_out *out);
/* A change with g->move is sent. */
void run_sent(struct engine *g, const struct ledger *next, uint64_t now_ms);
/* Tells the turns of a run apart. */
uint32_t run_turn(const struct engine *g);
/* Who writes g->move last: the failed member's own agent; -1 nobody. */
int32_t run_failing(const struct engine *g);
/* An order that is the scenario's. */
bool run_order(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct ledger *next, bool *records, struct err *why);
/* What the machine is asked, as it is now. */
void run_in(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct scenario_in *in);
/* Its facts: what the next version says, and what is waited for. */
void run_say(struct engine *g, const struct ledger *next, struct engine_out *out,
    uint64_t now_ms);
void run_say_wait(struct engine *g, struct engine_out *out, uint64_t now_ms);

/* ---- say ---- */
struct fact *say(struct engine_out *out, enum fact_kind kind, enum fact_level level,
    int32_t member, uint64_t at_ms);
#define say_text(f, ...) ((void)snprintf((f)->text, sizeof(f)->text, __VA_ARGS__))
#define say_value(f, word) ((void)snprintf((f)->value, sizeof(f)->value, "%s", word))

#endif
