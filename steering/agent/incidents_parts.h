/* SPDX-License-Identifier: Apache-2.0 */
/* incidents_parts.h - what the recorder holds. For incidents*.c alone. */
#ifndef STEERING_AGENT_INCIDENTS_PARTS_H
#define STEERING_AGENT_INCIDENTS_PARTS_H

#include "steering/agent/incidents.h"

/* What goes beside the incidents of one service. */
struct of_service {
	char service[WORD_MAX];
	struct incident *fault; /* nothing was begun for it yet; NULL none */
	bool known;             /* a version was seen in this life */
	uint8_t weight[MEMBERS_MAX];
	uint64_t sent_epoch; /* the last change of ours … */
	int64_t sent_wall_ms;
	struct incident_order begin; /* an order to begin; at_wall_ms 0: none */
};

struct incidents {
	struct agent *agent;
	uint32_t services;
	struct of_service of[2 * SERVICES_MAX];
	uint32_t count; /* oldest first */
	struct incident *kept[INCIDENTS_KEPT];
};

/* On the heap, of that service. */
struct incident *incidents_fresh(const char *service);
/* Takes it; the oldest that nobody needs leaves when there is no room. */
void incidents_add(struct incidents *x, struct incident *i);
/* Puts it as it is now into the store. */
void incidents_save(struct incidents *x, const struct incident *i);
/* Made when absent. */
struct of_service *incidents_of(struct incidents *x, const char *service);
void incidents_forget_fault(struct incidents *x, struct of_service *of);
/* The watcher of facts (facts_watch); arg: the recorder. */
void incidents_on_fact(const char *service, const struct fact *f, void *arg);

/* The newest of a service in that state (from "": of any site); NULL: none. */
struct incident *incidents_find(const struct incidents *x, const char *service,
    enum incident_state state, const char *from);
/* Index into the configuration of the scenario that runs on the service; -1 none. */
int32_t incidents_scenario(const struct agent *a, const char *service);
/* What would have been lost at that moment, as the scenario's lag says. */
void incidents_lag(struct incidents *x, struct incident *i, int64_t at_wall_ms);

#endif
