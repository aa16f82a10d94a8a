/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the recorder holds: a list in memory, oldest first, and a row in the store for
 * each. Rows are replaced whole, so that none is ever half of two states.
 */
#include "steering/agent/incidents_parts.h"

#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/store.h"
#include "steering/zone/json.h"

#define FAULT_MS (24 * 3600000) /* of a fault that a restart found in the store */

struct incident *
incidents_fresh(const char *service)
{
	struct incident *i = calloc(1, sizeof *i);

	if (i == NULL)
		abort();
	(void)snprintf(i->service, sizeof i->service, "%s", service);
	return i;
}

struct incident *
incidents_find(const struct incidents *x, const char *service,
    enum incident_state state, const char *from)
{
	for (uint32_t n = x->count; n-- > 0;) {
		struct incident *i = x->kept[n];

		if (i->state == state && strcmp(i->service, service) == 0 &&
		    (from[0] == '\0' || strcmp(i->from, from) == 0))
			return i;
	}
	return NULL;
}

static bool
is_newest(const struct incidents *x, uint32_t at)
{
	for (uint32_t n = at + 1; n < x->count; n++)
		if (strcmp(x->kept[n]->service, x->kept[at]->service) == 0)
			return false;
	return true;
}

static void
drop(struct incidents *x, uint32_t at)
{
	free(x->kept[at]);
	memmove(
	    &x->kept[at], &x->kept[at + 1], (x->count - at - 1) * sizeof x->kept[0]);
	x->count--;
}

static void
make_room(struct incidents *x)
{
	if (x->count < INCIDENTS_KEPT)
		return;
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t n = 0; n < x->count; n++)
			if (!incident_open(x->kept[n]) &&
			    (pass > 0 || !is_newest(x, n))) {
				drop(x, n);
				return;
			}
	drop(x, 0);
}

void
incidents_add(struct incidents *x, struct incident *i)
{
	make_room(x);
	x->kept[x->count++] = i;
}

void
incidents_save(struct incidents *x, const struct incident *i)
{
	struct err e = {""};

	/* Invariant 15: by construction, whatever the clock does. */
	if (!incident_sound(i, &e))
		facts_say(x->agent->facts, FACT_TROUBLE, FACT_ERROR, i->service, NULL,
		    "incident %s/%llu is not sound: %s: please report this", i->service,
		    (unsigned long long)i->id, e.text);
	if (x->agent->store == NULL)
		return;
	struct json *j = incident_to_json(i);
	char *text = json_write(j, false);
	store_put_incident(
	    x->agent->store, i->service, i->id, i->scenario, text, i->last_wall_ms);
	free(text);
	json_free(j);
}

struct of_service *
incidents_of(struct incidents *x, const char *service)
{
	for (uint32_t n = 0; n < x->services; n++)
		if (strcmp(x->of[n].service, service) == 0)
			return &x->of[n];
	if (x->services == 2 * SERVICES_MAX) /* names that came and went by reloads */
		x->services = 0;
	struct of_service *of = &x->of[x->services++];
	free(of->fault);
	*of = (struct of_service){0};
	(void)snprintf(of->service, sizeof of->service, "%s", service);
	return of;
}

void
incidents_forget_fault(struct incidents *x, struct of_service *of)
{
	if (of->fault == NULL)
		return;
	if (x->agent->store != NULL)
		store_put_incident(
		    x->agent->store, of->service, 0, "", "", now_wall_ms());
	free(of->fault);
	of->fault = NULL;
}

/* ---- life ---- */

static void
load_one(const char *text, void *arg)
{
	struct incidents *x = arg;
	struct err e = {""};
	struct json *j = json_read(text, strlen(text), &e);
	struct incident *i = incidents_fresh("");

	if (j == NULL || !incident_from_json(j, i, &e)) {
		facts_say(x->agent->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "store: an incident in it is not understood and left out: %.150s",
		    e.text);
		free(i);
	} else if (i->id != 0) {
		incidents_add(x, i);
	} else {
		struct of_service *of = incidents_of(x, i->service);

		free(of->fault);
		of->fault = i;
		if (now_wall_ms() - i->last_wall_ms > FAULT_MS)
			incidents_forget_fault(x, of);
	}
	json_free(j);
}

struct incidents *
incidents_new(struct agent *a)
{
	struct incidents *x = calloc(1, sizeof *x);
	struct err ignored; /* the store complains by itself */

	if (x == NULL)
		abort();
	x->agent = a;
	if (a->store != NULL &&
	    !store_incidents(
		a->config->state, "", 0, INCIDENTS_KEPT, load_one, x, &ignored))
		x->count = 0;
	facts_watch(a->facts, incidents_on_fact, x);
	return x;
}

void
incidents_free(struct incidents *x)
{
	if (x == NULL)
		return;
	facts_watch(x->agent->facts, NULL, NULL);
	for (uint32_t n = 0; n < 2 * SERVICES_MAX; n++)
		free(x->of[n].fault);
	while (x->count > 0)
		drop(x, x->count - 1);
	free(x);
}
