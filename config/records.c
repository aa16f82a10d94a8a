/* SPDX-License-Identifier: Apache-2.0 */
/*
 * records.c - what a service wants in its zone, and what a prober is told.
 *
 * The set id is the member's name, so that an operator who looks at the zone sees
 * sites, and a member keeps its record sets for as long as it keeps its name.
 */
#include "config/model.h"

#include <assert.h>
#include <string.h>

void
config_target(const struct config *c, uint32_t service, uint32_t member,
    uint32_t endpoint, struct check_spec *out)
{
	assert(service < c->services);
	const struct config_service *s = &c->service[service];
	assert(member < s->rule.members && !s->rule.member[member].last_resort);
	const struct config_member *m = &s->member[member];
	assert(endpoint < m->endpoints);
	const struct config_endpoint *e = &m->endpoint[endpoint];
	/* A shadow's members answer to the name of the service that they are. */
	const char *host =
	    s->shadow_of >= 0 ? c->service[s->shadow_of].name[0] : s->name[0];

	*out = c->check[m->check];
	out->http.https = e->https;
	out->http.port = e->port;
	out->tcp.port = e->port;
	out->dns.port = e->port;
	if (out->http.host[0] == '\0')
		memcpy(out->http.host, host, sizeof out->http.host);
	if (out->tcp.tls && out->tcp.server_name[0] == '\0')
		memcpy(out->tcp.server_name, host, sizeof out->tcp.server_name);
}

static bool
is_steady(const struct config_service *s, uint32_t member)
{
	return s->rule.records == RECORDS_FAILOVER &&
	    strcmp(s->member[member].health_check, "steady") == 0;
}

bool
config_needs_steady(const struct config_service *s)
{
	for (uint32_t m = 0; m < s->rule.members; m++)
		if (is_steady(s, m))
			return true;
	return false;
}

static enum rrpolicy
policy_of(const struct config_service *s, uint8_t weight)
{
	if (s->rule.records == RECORDS_WEIGHTED)
		return RR_WEIGHTED;
	return weight > 0 ? RR_PRIMARY : RR_SECONDARY;
}

static void
record_fill(const struct config_service *s, uint32_t member, const struct rrset *answer,
    uint8_t weight, struct rrset *out)
{
	const struct config_member *m = &s->member[member];

	*out = *answer;
	out->policy = policy_of(s, weight);
	out->weight = out->policy == RR_WEIGHTED ? weight : 0;
	(void)snprintf(
	    out->set_id, sizeof out->set_id, "%s", s->rule.member[member].name);
	out->ttl_s = answer->alias ? 0 : s->ttl_s;
	if (is_steady(s, member))
		memcpy(out->health_check, s->steady, sizeof out->health_check);
	else if (out->policy != RR_WEIGHTED)
		memcpy(out->health_check, m->health_check, sizeof out->health_check);
}

size_t
config_records(const struct config_service *s, const uint8_t weight[MEMBERS_MAX],
    struct rrset *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < s->names; i++) {
		for (uint32_t m = 0; m < s->rule.members; m++) {
			for (uint32_t a = 0; a < s->member[m].answers; a++) {
				assert(n < RRSETS_MAX);
				record_fill(
				    s, m, &s->member[m].answer[a], weight[m], &out[n]);
				memcpy(out[n++].name, s->name[i], sizeof out->name);
			}
		}
	}
	return n;
}
