/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incidents.h - the recorder: every incident of this agent's services, as they happen.
 *
 * Every agent records, so that history can be asked where somebody is left to ask. It is
 * fed by the versions of the ledger, by facts, and by the operators' words; it decides
 * nothing. What it knows is put into the store whole at each change, and what was open
 * is loaded at the start, so that a restart leaves no gap but what happened meanwhile.
 * Main thread only. Memory is bounded: INCIDENTS_KEPT of them, the newest of each
 * service among them.
 */
#ifndef STEERING_AGENT_INCIDENTS_H
#define STEERING_AGENT_INCIDENTS_H

#include <stdio.h>

#include "steering/agent/agent.h"
#include "steering/agent/incident.h"

#define INCIDENTS_KEPT 256
#define DRILL_DAYS 30 /* a scenario that is not drilled so long is warned of */

struct incidents;

/* Loads what is kept. a->facts is watched, a->store may be NULL. */
struct incidents *incidents_new(struct agent *a);
void incidents_free(struct incidents *x);

/* ---- fed ---- */
/* The version in force of the service is another. */
void incidents_ledger(struct incidents *x, struct agent_service *s);
/* An operator's word, heard here or told by a peer: o->kind is order_word(). */
void incidents_order(struct incidents *x, const struct peer_order *o);

/* ---- asked ---- */
/* Incidents of the service that are not over. */
uint32_t incidents_open(const struct incidents *x, const char *service);

struct incident_brief {
	char name[INCIDENT_NAME_MAX];
	uint64_t id;
	int64_t began_wall_ms;
	bool whole; /* it went through to its end */
	bool met;   /* … within its targets */
};
/* The newest drill of a scenario that went through; false: none is known here. */
bool incidents_last_drill(
    const struct incidents *x, const char *scenario, struct incident_brief *out);
/* A scenario (index into the configuration) that is not drilled for DRILL_DAYS: true,
 * and the sentence for status. */
bool
incidents_drill_warning(const struct incidents *x, uint32_t scenario, char text[224]);

/* The newest n as a table, newest first. */
void incidents_table(const struct incidents *x, uint32_t n, FILE *out);
/* Families of /metrics. */
void incidents_metrics(const struct incidents *x, FILE *out);

#endif
