/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two moves. First everything that can fail: read, check, compare, make the providers
 * of new zones. Then, when no service that leaves has a call under way, everything
 * that cannot: targets are matched by the question they ask, engines by service name,
 * members by theirs. In between the old configuration steers on.
 */
#include "steering/agent/reload.h"

#include <stdlib.h>
#include <string.h>

#include "steering/agent/elb_sense.h"
#include "steering/agent/facts.h"
#include "steering/agent/lag.h"
#include "steering/agent/metrics.h"
#include "steering/agent/notify.h"
#include "steering/agent/peers.h"
#include "steering/agent/service.h"
#include "steering/agent/targets.h"
#include "steering/agent/zones.h"

struct reload {
	struct config *next;
	uint32_t self;
	struct agent_zone *zone[ZONES_MAX]; /* new ones, by index in next */
};

/* ---- what can fail ---- */

static void
say_notes(struct agent *a, const struct config_notes *notes)
{
	const char *slash = strrchr(a->config->path, '/');
	const char *file = slash != NULL ? slash + 1 : a->config->path;

	for (size_t i = 0; i < notes->count; i++) {
		const struct config_note *n = &notes->note[i];

		facts_say(a->facts, FACT_TROUBLE, n->warning ? FACT_WARN : FACT_ERROR,
		    NULL, NULL, "%.40s:%u:%u: %.170s", file, n->line, n->column,
		    n->text);
	}
}

static int32_t
agent_in(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->agents; i++)
		if (strcmp(c->agent[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

static const struct config_zone *
zone_in(const struct config *c, const char *key)
{
	for (uint32_t i = 0; i < c->zones; i++)
		if (strcmp(c->zone[i].key, key) == 0)
			return &c->zone[i];
	return NULL;
}

static struct agent_zone *
zone_now(const struct agent *a, const char *key)
{
	for (uint32_t i = 0; i < a->zones; i++)
		if (strcmp(a->zone[i]->conf->key, key) == 0)
			return a->zone[i];
	return NULL;
}

static bool
same_identity(struct agent *a, const struct config *next, struct err *e)
{
	const struct config *was = a->config;
	const struct {
		const char *what, *was, *is;
	} fixed[] = {
	    {"cluster", was->cluster, next->cluster},
	    {"state", was->state, next->state},
	    {"page", was->page, next->page},
	    {"control", was->control, next->control},
	};

	if (was->solo != next->solo)
		return err_set(e, "quorum changed: restart to take that");
	if (agent_in(next, a->name) < 0)
		return err_set(e, "there is no agent %s in it any more", a->name);
	for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
		if (strcmp(fixed[i].was, fixed[i].is) != 0)
			return err_set(e,
			    "%s changed from %.100s to %.100s: restart "
			    "to take that",
			    fixed[i].what, fixed[i].was, fixed[i].is);
	return true;
}

static bool
same_zones(struct agent *a, const struct config *next, struct err *e)
{
	for (uint32_t i = 0; i < a->zones; i++) {
		const struct config_zone *z = zone_in(next, a->zone[i]->conf->key);

		if (z != NULL && !zone_is_same(a->zone[i], z))
			return err_set(e,
			    "zone %s is reached in another way: restart "
			    "to take that",
			    z->key);
	}
	return true;
}

static bool
new_zones(struct agent *a, struct reload *r, struct err *e)
{
	for (uint32_t i = 0; i < r->next->zones; i++) {
		const struct config_zone *z = &r->next->zone[i];

		if (zone_now(a, z->key) != NULL)
			continue;
		r->zone[i] = zone_new(a, z, a->seed, e);
		if (r->zone[i] == NULL)
			return false;
	}
	return true;
}

static struct reload *
prepare(struct agent *a)
{
	struct reload *r = calloc(1, sizeof *r);
	struct config_notes notes = {0};
	struct err e = {"the file has mistakes"};
	bool good;

	if (r == NULL)
		abort();
	good = config_load(a->config->path, &r->next, &notes);
	say_notes(a, &notes);
	config_notes_free(&notes);
	if (good) {
		memset(&notes, 0, sizeof notes);
		good = config_runnable(r->next, &notes);
		if (!good)
			say_notes(a, &notes);
		config_notes_free(&notes);
	}
	good = good && same_identity(a, r->next, &e) && same_zones(a, r->next, &e) &&
	    new_zones(a, r, &e);
	if (good) {
		r->self = (uint32_t)agent_in(r->next, a->name);
		return r;
	}
	a->reloads_failed++;
	facts_say(a->facts, FACT_TROUBLE, FACT_ERROR, NULL, NULL,
	    "the new configuration is not taken, the old one stays in force: %.140s",
	    e.text);
	a->reload = r;
	reload_cancel(a);
	return NULL;
}

/* ---- what cannot ---- */

static const struct config_service *
service_in(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (strcmp(c->service[i].rule.name, name) == 0)
			return &c->service[i];
	return NULL;
}

/* Services that are gone, or that moved to another zone. */
static void
stop_leaving(struct agent *a, const struct reload *r)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < a->services; i++) {
		struct agent_service *s = a->service[i];
		const struct config_service *c =
		    service_in(r->next, s->conf->rule.name);

		if (c != NULL && service_votes(a, c) &&
		    strcmp(r->next->zone[c->zone].key, s->zone->conf->key) == 0) {
			a->service[kept++] = s;
			continue;
		}
		targets_drop_service(a->targets, s);
		elb_sense_drop_service(a->elb, s);
		facts_say(a->facts, FACT_STOPPED, FACT_INFO, s->conf->rule.name, NULL,
		    "the service left the configuration: its records stay as they are");
		service_stop(s);
	}
	a->services = kept;
}

static void
swap_zones(struct agent *a, struct reload *r)
{
	struct agent_zone *zone[ZONES_MAX];

	for (uint32_t i = 0; i < r->next->zones; i++) {
		zone[i] = r->zone[i];
		if (zone[i] != NULL)
			continue;
		zone[i] = zone_now(a, r->next->zone[i].key);
	}
	for (uint32_t i = 0; i < a->zones; i++)
		if (zone_in(r->next, a->zone[i]->conf->key) == NULL)
			zone_free(a->zone[i]);
	a->zones = r->next->zones;
	for (uint32_t i = 0; i < a->zones; i++) {
		a->zone[i] = zone[i];
		if (r->zone[i] == NULL)
			zone_reload(zone[i], &r->next->zone[i]);
	}
}

static void
swap_services(struct agent *a, struct reload *r)
{
	struct agent_service *service[SERVICES_MAX];
	uint32_t n = 0, fresh = 0;
	bool is_new[SERVICES_MAX] = {false};
	struct err e;

	for (uint32_t i = 0; i < r->next->services; i++) {
		const struct config_service *c = &r->next->service[i];
		struct agent_service *s = agent_find_service(a, c->rule.name);

		if (!service_votes(a, c))
			continue;
		if (s != NULL) {
			service_reload(s, c, a->zone[c->zone]);
		} else {
			s = service_new(a, c, a->zone[c->zone], &e);
			if (s == NULL) {
				facts_say(a->facts, FACT_TROUBLE, FACT_ERROR,
				    c->rule.name, NULL, "%.200s", e.text);
				continue;
			}
			is_new[n] = true;
			fresh++;
		}
		service[n++] = s;
	}
	memcpy(a->service, service, n * sizeof *service);
	a->services = n;
	targets_renew(a->targets);
	targets_add(a->targets);
	for (uint32_t i = 0; i < n && fresh > 0; i++)
		if (is_new[i])
			service_begin(service[i]);
	elb_sense_add(a->elb);
	lag_add(a->lag);
}

static void
finish(struct agent *a)
{
	struct reload *r = a->reload;
	struct config *was = a->config;

	a->reload = NULL;
	targets_keep(a->targets, r->next);
	elb_sense_keep(a->elb, r->next);
	lag_keep(a->lag, r->next);
	swap_zones(a, r);
	a->config = r->next;
	a->self_index = r->self;
	metrics_reload(a->metrics, a->config);
	swap_services(a, r);
	peers_reload(a->peers);
	config_free(was);
	free(r);
	a->reloads++;
	facts_say(a->facts, FACT_STARTED, FACT_INFO, NULL, NULL,
	    "the configuration was read anew: %u services", (unsigned)a->services);
	(void)notify_send("READY=1");
}

void
reload_start(struct agent *a)
{
	(void)notify_reloading();
	reload_cancel(a);
	struct reload *r = prepare(a);
	if (r == NULL) {
		(void)notify_send("READY=1\nSTATUS=the new configuration has mistakes: "
				  "the old one stays in force");
		return;
	}
	a->reload = r;
	stop_leaving(a, r);
	reload_tick(a);
}

void
reload_tick(struct agent *a)
{
	if (a->reload != NULL && a->leaving == NULL)
		finish(a);
}

void
reload_cancel(struct agent *a)
{
	struct reload *r = a->reload;

	if (r == NULL)
		return;
	for (uint32_t i = 0; i < ZONES_MAX; i++)
		zone_free(r->zone[i]);
	config_free(r->next);
	free(r);
	a->reload = NULL;
}
