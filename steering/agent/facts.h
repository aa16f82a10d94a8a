/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h - where every fact goes: one log line, one row in the store, one count.
 *
 * The only writer of the agent's log. Facts of the same kind, service, member and text
 * within 60 s are one line and, when the 60 s are over, one more that says how many
 * came (`repeated=`); the marks of an incident (fault, verdict, sent, committed …) are
 * never folded. A log that does not take a line loses it (counted, said later): the
 * loop never waits for whoever reads it. Main thread only.
 */
#ifndef STEERING_AGENT_FACTS_H
#define STEERING_AGENT_FACTS_H

#include <stdint.h>

#include "steering/core/fact.h"

struct store;
struct facts;

/* fd: of the log (2), stays the caller's. least: lines and rows of a lower level are
 * only counted. store may be NULL. */
struct facts *facts_new(int fd, enum fact_level least, struct store *store);
/* Says what is still folded; the store is flushed by its owner afterwards. */
void facts_free(struct facts *f);

/* service and member: "" or NULL for none. fact->at_ms is CLOCK_BOOTTIME; 0 is now.
 * The wall time is this machine's clock. Never put a secret into a fact. */
void facts_emit(
    struct facts *f, const char *service, const char *member, const struct fact *fact);

/* A fact that happens now, without a member index, value or epoch. */
__attribute__((format(printf, 6, 7))) void
facts_say(struct facts *f, enum fact_kind kind, enum fact_level level,
    const char *service, const char *member, const char *format, ...);

/* Tells fn of every fact as it comes, of every level, before anything is folded;
 * service "": of none. One watcher; NULL ends it. fn may say facts. */
void facts_watch(struct facts *f,
    void (*fn)(const char *service, const struct fact *fact, void *arg), void *arg);

/* To be called about every second: says folded facts whose time is over, and what the
 * store has to complain about. */
void facts_tick(struct facts *f);

/* How many came since the start, of every level; service "" or NULL: those of none. */
uint64_t facts_count(const struct facts *f, const char *service, enum fact_kind kind);
/* Calls fn for each count that is not 0, in no order. */
void facts_each(const struct facts *f,
    void (*fn)(const char *service, enum fact_kind kind, uint64_t count, void *arg),
    void *arg);
/* Lines that the log did not take. */
uint64_t facts_lines_lost(const struct facts *f);

#endif
