/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap: what a zone's account needs before the agents can write: the steady health
 * check. Looked for first, made only when it is absent and the operator agrees; its
 * caller reference makes a second run, or one after a lost answer, find the first's.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "steering/agent/ask.h"
#include "steering/agent/commands.h"
#include "steering/agent/steady.h"

#define PATIENCE_S 30
#define NUMBERS 9 /* so often may somebody have deleted it */

struct trip { /* one question to the API, waited for */
	struct event_base *base;
	enum zone_result result;
	char id[RR_HEALTH_MAX];
	struct err err;
};

static void
on_answer(struct zone_answer *answer, void *arg)
{
	struct trip *t = arg;

	t->result = answer->result;
	memcpy(t->id, answer->check_id, sizeof t->id);
	t->err = answer->err;
	(void)event_base_loopbreak(t->base);
}

static void
travel(
    const struct config *c, uint32_t zone, uint32_t number, bool make, struct trip *t)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	char reference[ROUTE53_REFERENCE_MAX];
	uint64_t seed = 1;

	*t = (struct trip){.base = event_base_new(), .result = ZONE_OUT};
	if (t->base == NULL)
		abort();
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = (uint64_t)time(NULL);
	struct provider *p =
	    route53_new(t->base, &c->zone[zone].route53, seed, &t->err);
	if (p != NULL) {
		(void)err_set(
		    &t->err, "no answer from the API within %d s", PATIENCE_S);
		steady_reference(c, number, reference);
		(void)event_base_loopexit(t->base, &patience);
		if (make)
			provider_check_make(p, reference, on_answer, t);
		else
			provider_check_find(p, reference, on_answer, t);
		(void)event_base_dispatch(t->base);
		provider_free(p);
	}
	event_base_free(t->base);
}

/* Under the first reference that is not used up. */
static void
make(const struct config *c, uint32_t zone, struct trip *t)
{
	for (uint32_t number = 1; number <= NUMBERS; number++) {
		travel(c, zone, number, true, t);
		if (t->result != ZONE_LOST)
			return;
	}
}

static bool
needs(const struct config *c, uint32_t zone)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (c->service[i].zone == zone && config_needs_steady(&c->service[i]))
			return true;
	return false;
}

static struct json *
zone_json(const char *zone, bool there, bool made, const char *id)
{
	struct json *j = json_map_new();

	json_put_text(j, "zone", zone);
	json_put_bool(j, "there", there);
	json_put_bool(j, "made", made);
	json_put_text(j, "check", id);
	return j;
}

/* Adds to the list when there is one, else prints; returns an exit status. */
static int
one_zone(
    const struct options *o, const struct config *c, uint32_t zone, struct json *list)
{
	const char *key = c->zone[zone].key;
	char reference[ROUTE53_REFERENCE_MAX];
	struct trip t;
	bool there, made = false;

	travel(c, zone, 1, false, &t);
	there = t.result == ZONE_OK && t.id[0] != '\0';
	steady_reference(c, 1, reference);
	if (t.result == ZONE_OK && !there) {
		if (!o->json)
			printf("zone %s: would make the steady health check: "
			       "CALCULATED, threshold 0, so always healthy; caller "
			       "reference %s\n",
			    key, reference);
		made = o->yes || (!o->json && command_agreed("Make it?"));
		if (made)
			make(c, zone, &t);
		made &= t.result == ZONE_OK && t.id[0] != '\0';
	}
	if (list != NULL)
		json_add(list, zone_json(key, there, made, t.id));
	if (t.result != ZONE_OK) {
		command_say("zone %s: %s", key, t.err.text);
		return EXIT_CANNOT;
	}
	if (list == NULL && (there || made))
		printf("zone %s: the steady health check is %s%s\n", key,
		    made ? "made: " : "there: ", t.id);
	return there || made ? EXIT_GOOD : EXIT_NO;
}

static int
all_zones(const struct options *o, const struct config *c)
{
	struct json *list = o->json ? json_list_new() : NULL;
	int status = EXIT_GOOD;
	bool any = false;

	for (uint32_t i = 0; i < c->zones; i++) {
		if (!needs(c, i))
			continue;
		int one = one_zone(o, c, i, list);
		status = one > status ? one : status;
		any = true;
	}
	if (!any && list == NULL)
		printf("nothing to make: no member says health_check: steady\n");
	if (list != NULL) {
		struct json *answer = json_map_new();

		json_put(answer, "zones", list);
		command_print_json(answer);
		json_free(answer);
	}
	return status;
}

int
cmd_bootstrap(const struct options *o)
{
	struct config *c = command_config(o);
	int status = EXIT_CANNOT;

	if (c != NULL)
		status = all_zones(o, c);
	config_free(c);
	return status;
}
