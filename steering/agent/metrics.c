/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters that only metrics need. No client library: the text format is ten lines
 * of rules, and a registry with locks and names at run time would serve nobody here.
 * What other parts know already (facts, ledgers, verdicts) is read from them when the
 * page is asked for, in metrics_page.c.
 */
#include "steering/agent/metrics_counts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* From a connect on loopback to a slow page over an ocean, in seconds. */
const uint32_t metrics_bucket_us[METRICS_BUCKETS] = {1000, 2500, 5000, 10000, 25000,
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

static struct metrics_service *
services_new(const struct config *c)
{
	struct metrics_service *s = calloc(c->services + 1u, sizeof *s);

	if (s == NULL)
		abort();
	for (uint32_t i = 0; i < c->services; i++) {
		const struct rule_service *rule = &c->service[i].rule;

		(void)snprintf(s[i].name, sizeof s[i].name, "%s", rule->name);
		s[i].members = rule->members;
		s[i].member = calloc(rule->members + 1u, sizeof *s[i].member);
		if (s[i].member == NULL)
			abort();
		for (uint32_t m = 0; m < rule->members; m++)
			(void)snprintf(
			    s[i].member[m].name, WORD_MAX, "%s", rule->member[m].name);
	}
	return s;
}

static void
services_free(struct metrics_service *s, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		free(s[i].member);
	free(s);
}

struct metrics *
metrics_new(const struct config *c)
{
	struct metrics *m = calloc(1, sizeof *m);

	if (m == NULL)
		abort();
	m->services = c->services;
	m->service = services_new(c);
	return m;
}

void
metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	services_free(m->service, m->services);
	free(m);
}

static void
carry_over(struct metrics_service *to, const struct metrics_service *from)
{
	memcpy(to->changes, from->changes, sizeof to->changes);
	for (uint32_t m = 0; m < to->members; m++)
		for (uint32_t old = 0; old < from->members; old++)
			if (strcmp(to->member[m].name, from->member[old].name) == 0)
				to->member[m] = from->member[old];
}

void
metrics_reload(struct metrics *m, const struct config *c)
{
	struct metrics_service *fresh = services_new(c);

	for (uint32_t i = 0; i < c->services; i++)
		for (uint32_t old = 0; old < m->services; old++)
			if (strcmp(fresh[i].name, m->service[old].name) == 0)
				carry_over(&fresh[i], &m->service[old]);
	services_free(m->service, m->services);
	m->service = fresh;
	m->services = c->services;
}

void
metrics_probe(struct metrics *m, uint32_t service, uint32_t member,
    enum outcome outcome, enum probe_reason reason, uint32_t latency_us)
{
	unsigned b = 0;

	assert(service < m->services && member < m->service[service].members);
	assert(outcome <= OUTCOME_FAIL && reason < PROBE_REASONS);
	struct metrics_member *x = &m->service[service].member[member];
	x->results[outcome][reason]++;
	/* What was not measured on the wire says nothing about the site. */
	if (outcome == OUTCOME_UNKNOWN)
		return;
	while (b < METRICS_BUCKETS && latency_us > metrics_bucket_us[b])
		b++;
	x->duration[b]++;
	x->duration_sum_us += latency_us;
}

void
metrics_request(struct metrics *m, enum metrics_api call, enum zone_result result,
    uint64_t sent_ms, uint64_t done_ms)
{
	assert(call < METRICS_APIS && result <= ZONE_OUT);
	m->requests[call][result]++;
	if (sent_ms == 0 || done_ms < sent_ms)
		return;
	m->request_ms[call] += done_ms - sent_ms;
	m->request_timed[call]++;
}

void
metrics_change(struct metrics *m, uint32_t service, enum change_result result)
{
	assert(service < m->services && result <= CHANGE_OUT);
	m->service[service].changes[result]++;
}

void
metrics_worker_restart(struct metrics *m)
{
	m->worker_restarts++;
}
