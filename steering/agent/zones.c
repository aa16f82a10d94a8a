/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone's own name servers are asked of the provider once, at start, and again with
 * growing pauses while that fails. Until they are known nothing can be verified by
 * DNS, and the API is read more often; steering does not wait.
 */
#include "steering/agent/zones.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/metrics.h"
#include "steering/agent/self.h"

#define REST_S 2
#define REST_S_MAX 300

static void
take_names(struct agent_zone *z, const char *text)
{
	z->nameservers = 0;
	while (*text != '\0' && z->nameservers < NAMESERVERS_MAX) {
		size_t n = strcspn(text, "\n");

		if (n > 0 && n < DNS_NAME_MAX) {
			memcpy(z->nameserver[z->nameservers], text, n);
			z->nameserver[z->nameservers++][n] = '\0';
		}
		text += n + (text[n] == '\n');
	}
}

static void
ask_later(struct agent_zone *z)
{
	struct timeval t = {.tv_sec = REST_S};

	for (uint32_t i = 1; i < z->failures && t.tv_sec < REST_S_MAX; i++)
		t.tv_sec *= 2;
	(void)event_add(z->timer, &t);
}

static void
on_names(struct zone_answer *answer, void *arg)
{
	struct agent_zone *z = arg;
	struct agent *a = z->agent;

	metrics_request(a->metrics, METRICS_API_NAMESERVERS, answer->result,
	    answer->sent_ms, answer->done_ms);
	self_date(a->self, answer->date_wall_s, answer->sent_ms, answer->done_ms);
	if (z->conf->nameservers > 0)
		return; /* the configuration names them since */
	if (answer->result == ZONE_OK)
		take_names(z, answer->err.text);
	if (z->nameservers > 0) {
		z->failures = 0;
		return;
	}
	if (z->failures++ == 0)
		facts_say(a->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "zone %s: its name servers are not known yet, so nothing can be "
		    "verified by DNS: %.160s",
		    z->conf->key,
		    answer->result == ZONE_OK ? "the apex has no NS records"
					      : answer->err.text);
	ask_later(z);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent_zone *z = arg;

	(void)fd;
	(void)what;
	provider_nameservers(z->provider, on_names, z);
}

static void
use_configured(struct agent_zone *z)
{
	z->nameservers = z->conf->nameservers;
	for (uint32_t i = 0; i < z->nameservers; i++)
		(void)snprintf(z->nameserver[i], sizeof z->nameserver[i], "%s",
		    z->conf->nameserver[i]);
}

struct agent_zone *
zone_new(struct agent *a, const struct config_zone *conf, uint64_t seed, struct err *e)
{
	struct agent_zone *z = calloc(1, sizeof *z);
	struct timeval now = {0};

	if (z == NULL) {
		(void)err_set(e, "zone %s: out of memory", conf->key);
		return NULL;
	}
	z->agent = a;
	z->conf = conf;
	z->provider = route53_new(a->base, &conf->route53, seed, e);
	z->timer = evtimer_new(a->base, on_timer, z);
	if (z->provider == NULL || z->timer == NULL) {
		(void)err_wrap(e, conf->key);
		zone_free(z);
		return NULL;
	}
	if (conf->nameservers > 0)
		use_configured(z);
	else
		(void)event_add(z->timer, &now);
	return z;
}

bool
zone_is_same(const struct agent_zone *z, const struct config_zone *conf)
{
	const struct route53_spec *a = &z->conf->route53, *b = &conf->route53;

	return strcmp(a->apex, b->apex) == 0 && strcmp(a->zone_id, b->zone_id) == 0 &&
	    strcmp(a->endpoint, b->endpoint) == 0 &&
	    strcmp(a->region, b->region) == 0 &&
	    strcmp(a->role_arn, b->role_arn) == 0 &&
	    strcmp(a->external_id, b->external_id) == 0 &&
	    strcmp(a->profile, b->profile) == 0 && a->budget_burst == b->budget_burst &&
	    !(a->budget_per_s < b->budget_per_s) &&
	    !(a->budget_per_s > b->budget_per_s);
}

void
zone_reload(struct agent_zone *z, const struct config_zone *conf)
{
	bool own = z->conf->nameservers == 0;
	struct timeval now = {0};

	z->conf = conf;
	if (conf->nameservers > 0) {
		(void)event_del(z->timer);
		use_configured(z);
	} else if (!own) {
		z->nameservers = 0;
		(void)event_add(z->timer, &now);
	}
}

void
zone_tick(struct agent_zone *z)
{
	const char *warning = provider_warning(z->provider);

	if (strcmp(warning, z->warning) == 0)
		return;
	if (warning[0] != '\0')
		facts_say(z->agent->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "zone %s: credentials: %s", z->conf->key, warning);
	else
		facts_say(z->agent->facts, FACT_TROUBLE, FACT_INFO, NULL, NULL,
		    "zone %s: credentials: well again: %s", z->conf->key,
		    provider_identity(z->provider));
	(void)snprintf(z->warning, sizeof z->warning, "%s", warning);
}

void
zone_free(struct agent_zone *z)
{
	if (z == NULL)
		return;
	if (z->provider != NULL)
		provider_free(z->provider);
	if (z->timer != NULL)
		event_free(z->timer);
	free(z);
}
