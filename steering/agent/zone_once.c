/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider of its own on a loop of its own, for the length of one read. The provider
 * repeats a read by itself while the API is in trouble; a person at a terminal waits
 * half a minute for that, not longer.
 */
#include "steering/agent/zone_once.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "steering/agent/steady.h"

#define PATIENCE_S 30

struct reading {
	struct event_base *base;
	struct zone_view *view;
	int64_t date_wall_s;
	bool answered, ok;
	struct err err;
	struct config_service *service;
	struct provider *provider;
};

static int
by_key(const void *a, const void *b)
{
	return rrset_compare_key(a, b);
}

static void
on_read(struct zone_answer *answer, void *arg)
{
	struct reading *r = arg;

	r->answered = true;
	r->ok = answer->result == ZONE_OK;
	r->date_wall_s = answer->date_wall_s;
	r->err = answer->err;
	if (r->ok) {
		r->view = answer->view;
		answer->view = NULL;
		if (r->view->sets > 0)
			qsort(
			    r->view->set, r->view->sets, sizeof *r->view->set, by_key);
	}
	(void)event_base_loopbreak(r->base);
}

static void
read_sets(struct reading *r)
{
	provider_read(r->provider, r->service->ledger_name,
	    (const char(*)[DNS_NAME_MAX])r->service->name, r->service->names, on_read,
	    r);
}

static void
on_check(struct zone_answer *answer, void *arg)
{
	struct reading *r = arg;

	memcpy(r->service->steady, answer->check_id, sizeof r->service->steady);
	if (answer->result == ZONE_OK && answer->check_id[0] != '\0') {
		read_sets(r);
		return;
	}
	r->err = answer->err;
	if (answer->result == ZONE_OK)
		(void)err_set(&r->err,
		    "there is no steady health check yet: run pointsman bootstrap");
	(void)event_base_loopbreak(r->base);
}

static void
begin(struct reading *r, const struct config *c)
{
	char reference[ROUTE53_REFERENCE_MAX];

	if (!config_needs_steady(r->service)) {
		read_sets(r);
		return;
	}
	steady_reference(c, 1, reference);
	provider_check_find(r->provider, reference, on_check, r);
}

bool
zone_read_once(struct config *c, uint32_t service, struct zone_view **view,
    int64_t *date_wall_s, struct err *e)
{
	struct config_service *s = &c->service[service];
	struct reading r = {.base = event_base_new(), .service = s};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	uint64_t seed = 1;

	if (r.base == NULL)
		abort();
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = (uint64_t)time(NULL);
	(void)err_set(&r.err, "no answer from the zone's API within %d s", PATIENCE_S);
	struct provider *p = route53_new(r.base, &c->zone[s->zone].route53, seed, e);
	if (p == NULL) {
		event_base_free(r.base);
		return false;
	}
	(void)event_base_loopexit(r.base, &patience);
	r.provider = p;
	begin(&r, c);
	(void)event_base_dispatch(r.base);
	provider_free(p);
	event_base_free(r.base);
	*view = r.view;
	*date_wall_s = r.date_wall_s != 0 ? r.date_wall_s : (int64_t)time(NULL);
	return r.ok || err_set(e, "%s", r.err.text);
}
