/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build.c - from drafts to the model.
 *
 * Everything was checked before: here defaults that depend on other keys are filled,
 * names become indices, and answers become record sets. Nothing here can fail.
 */
#include "config/load.h"

#include <assert.h>
#include <string.h>

#include "config/alias_zones.h"

#define STATEFUL_HOLD_MS 60000

#define COPY(dest, text) ((void)snprintf(dest, sizeof(dest), "%s", text))

static uint32_t
block_count(const struct block *parent, const char *path)
{
	uint32_t n = 0;

	for (struct block *b = block_first(parent, path); b != NULL; b = block_next(b))
		n++;
	return n;
}

static void
build_agents(struct load *l, struct config *c)
{
	for (struct block *b = block_first(l->file, "agents.*"); b != NULL;
	     b = block_next(b)) {
		struct config_agent *a = &c->agent[c->agents++];

		*a = ((struct draft_agent *)b->data)->agent;
		COPY(a->name, b->name);
		if (a->domain[0] == '\0')
			COPY(a->domain, a->site[0] != '\0' ? a->site : a->name);
	}
}

static void
build_exec(const struct draft_check *d, struct region *r, struct config_exec *out)
{
	if (d->spec.kind != CHECK_EXEC)
		return;
	out->args = d->args;
	out->arg = region_alloc(r, d->args * sizeof *out->arg);
	for (uint32_t i = 0; i < d->args; i++)
		out->arg[i] = region_copy(r, d->arg[i], strlen(d->arg[i]));
}

static void
build_checks(struct load *l, struct region *r, struct config *c)
{
	struct block *b = block_first(l->file, "checks.*");

	c->check = region_alloc(r, block_count(l->file, "checks.*") * sizeof *c->check);
	c->exec = region_alloc(r, block_count(l->file, "checks.*") * sizeof *c->exec);
	for (; b != NULL; b = block_next(b)) {
		struct check_spec *s = &c->check[c->checks];

		build_exec(b->data, r, &c->exec[c->checks++]);
		*s = ((struct draft_check *)b->data)->spec;
		COPY(s->name, b->name);
	}
}

static void
build_zones(struct load *l, struct region *r, struct config *c)
{
	struct block *b = block_first(l->file, "zones.*");

	c->zone = region_alloc(r, block_count(l->file, "zones.*") * sizeof *c->zone);
	for (; b != NULL; b = block_next(b)) {
		const struct draft_zone *d = b->data;
		struct config_zone *z = &c->zone[c->zones++];

		*z = d->zone;
		COPY(z->key, b->name);
		z->route53.budget_per_s = d->budget_per_s;
		z->route53.budget_burst = d->budget_burst;
	}
}

static struct rrset *
answer_add(struct config_member *m, enum rrtype type)
{
	assert(m->answers < TYPES_MAX);
	struct rrset *a = &m->answer[m->answers++];
	a->type = type;
	return a;
}

static void
answer_values(struct config_member *m, enum rrtype type, uint32_t n,
    const char (*value)[VALUE_IP_MAX])
{
	struct rrset *a;
	size_t used = 0;

	if (n == 0)
		return;
	a = answer_add(m, type);
	a->values = n;
	for (uint32_t i = 0; i < n; i++)
		used += (size_t)snprintf(a->value + used, sizeof a->value - used,
		    "%s%s", i > 0 ? "\n" : "", value[i]);
	assert(used < sizeof a->value);
}

static void
build_answers(const struct draft_member *d, struct config_member *m)
{
	answer_values(m, RR_A, d->a, d->a_value);
	answer_values(m, RR_AAAA, d->aaaa, d->aaaa_value);
	if (d->cname[0] != '\0') {
		struct rrset *a = answer_add(m, RR_CNAME);

		a->values = 1;
		COPY(a->value, d->cname);
	}
	for (uint32_t i = 0; d->alias_name[0] != '\0' && i < d->types; i++) {
		struct rrset *a = answer_add(m, d->type[i] == 0 ? RR_A : RR_AAAA);
		const char *known = alias_zone_find(d->alias_name);

		a->alias = true;
		a->alias_evaluate = d->evaluate;
		COPY(a->alias_name, d->alias_name);
		COPY(a->alias_zone, d->alias_zone[0] != '\0' ? d->alias_zone : known);
	}
	for (uint32_t i = 0; i < m->answers; i++) {
		if (m->answer[i].type != RR_AAAA)
			m->families[FAMILY_V4] = true;
		if (m->answer[i].type != RR_A)
			m->families[FAMILY_V6] = true;
	}
}

uint16_t
build_port(
    const struct check_spec *check, const struct value_url *endpoint, bool *https)
{
	*https = check->kind == CHECK_HTTP && check->http.https;
	if (endpoint->scheme[0] != '\0')
		*https = strcmp(endpoint->scheme, "https") == 0;
	if (endpoint->port != 0)
		return endpoint->port;
	switch (check->kind) {
	case CHECK_HTTP:
		if (check->http.port != 0)
			return check->http.port;
		return *https ? 443 : 80;
	case CHECK_TCP:
		return check->tcp.port;
	case CHECK_EXEC:
		return strcmp(endpoint->scheme, "https") == 0 ? 443
		    : strcmp(endpoint->scheme, "http") == 0   ? 80
							      : 0;
	case CHECK_DNS:
		return check->dns.port;
	case CHECK_ELB:
	case CHECK_BACKUP:
	case CHECK_CLOUDWATCH:
	case CHECK_KINDS:
		break;
	}
	return 0;
}

static void
endpoint_add(struct config_member *m, const struct check_spec *check,
    const struct value_url *url)
{
	assert(m->endpoints < ENDPOINTS_MAX);
	struct config_endpoint *e = &m->endpoint[m->endpoints++];
	COPY(e->host, url->host);
	e->numeric = url->numeric;
	e->port = build_port(check, url, &e->https);
}

static void
endpoint_host(struct config_member *m, const struct check_spec *check, const char *host,
    bool numeric)
{
	struct value_url url = {.numeric = numeric};

	COPY(url.host, host);
	endpoint_add(m, check, &url);
}

static void
build_endpoints(const struct draft_member *d, const struct check_spec *check,
    struct config_member *m)
{
	for (uint32_t i = 0; i < d->endpoints; i++)
		endpoint_add(m, check, &d->endpoint[i]);
	if (d->endpoints > 0)
		return;
	for (uint32_t i = 0; i < d->a; i++)
		endpoint_host(m, check, d->a_value[i], true);
	for (uint32_t i = 0; i < d->aaaa; i++)
		endpoint_host(m, check, d->aaaa_value[i], true);
	if (d->cname[0] != '\0')
		endpoint_host(m, check, d->cname, false);
	if (d->alias_name[0] != '\0')
		endpoint_host(m, check, d->alias_name, false);
}

static struct rule_detector
detector_of(const struct check_spec *spec)
{
	return (struct rule_detector){.fall = spec->fall,
	    .clear = spec->clear,
	    .rise = spec->rise,
	    .stale_ms = 3 * spec->every_ms + spec->timeout_ms};
}

static void
build_member(
    struct config *c, struct config_service *s, const struct block *b, uint32_t check)
{
	const struct draft_member *d = b->data;
	struct config_member *m = &s->member[s->rule.members];
	struct rule_member *r = &s->rule.member[s->rule.members++];

	COPY(r->name, b->name);
	r->weight = s->rule.policy == POLICY_FAILOVER ? 100 : (uint8_t)d->weight;
	r->last_resort = d->last_resort;
	COPY(m->health_check, d->health_check);
	build_answers(d, m);
	m->targets = -1;
	if (d->last_resort)
		return;
	m->check = d->check != DRAFT_NONE ? d->check : check;
	const struct check_spec *spec = &c->check[m->check];
	r->detector = detector_of(spec);
	if (spec->kind == CHECK_ELB)
		m->targets = (int32_t)m->check;
	else if (d->targets != DRAFT_NONE)
		m->targets = (int32_t)d->targets;
	if (m->targets >= 0)
		r->targets = detector_of(&c->check[m->targets]);
	if (spec->kind != CHECK_ELB)
		build_endpoints(d, spec, m);
}

/* Domains get the number of the first agent in the file that is in them. */
static uint32_t
domain_number(const struct config *c, const char *domain)
{
	uint32_t i = 0;

	while (strcmp(c->agent[i].domain, domain) != 0)
		i++;
	return i;
}

static void
add_voter(const struct config *c, struct rule_service *r, uint32_t index)
{
	const struct config_agent *a = &c->agent[index];
	struct rule_agent *v = &r->agent[r->agents++];

	COPY(v->name, a->name);
	v->number = agent_number(a->name);
	v->domain = domain_number(c, a->domain);
	v->member = -1;
	for (uint32_t m = 0; m < r->members; m++)
		if (a->site[0] != '\0' && strcmp(r->member[m].name, a->site) == 0)
			v->member = (int32_t)m;
}

static void
build_voters(
    const struct draft_service *d, const struct config *c, struct rule_service *r)
{
	for (uint32_t i = 0; i < c->agents; i++) {
		bool in = d->from == 0;

		for (uint32_t k = 0; k < d->from; k++)
			in = in || d->voter[k] == i;
		if (in)
			add_voter(c, r, i);
	}
}

void
build_ledger_name(const struct config *c, struct config_service *s)
{
	int n = snprintf(s->ledger_name, sizeof s->ledger_name, "_pointsman.%s.%s",
	    s->rule.name, c->zone[s->zone].route53.apex);

	assert(n > 0 && (size_t)n < sizeof s->ledger_name);
}

static void
build_service(struct load *l, struct config *c, const struct block *b)
{
	const struct draft_service *d = b->data;
	struct config_service *s = &c->service[c->services++];

	*s = d->service;
	COPY(s->rule.name, b->name);
	COPY(s->rule.cluster, c->cluster);
	s->rule.policy = d->policy == 1 ? POLICY_FAILOVER : POLICY_WEIGHTED;
	s->rule.records = d->records == 1 ? RECORDS_FAILOVER : RECORDS_WEIGHTED;
	s->shadow_of = -1;
	s->rule.observe = d->mode == 1;
	s->rule.failback_auto = d->failback == 1;
	s->rule.solo = c->solo;
	if (s->rule.stateful && ynode_get(b->node, "hold") == NULL)
		s->rule.hold_ms = STATEFUL_HOLD_MS;
	s->rule.report_ms = l->draft->report_ms;
	s->rule.fresh_ms = l->draft->fresh_ms;
	s->rule.rank_ms = l->draft->rank_ms;
	s->rule.silent_ms = l->draft->silent_ms;
	s->rule.takeover_ms = l->draft->takeover_ms;
	for (struct block *m = block_first(b, "services.*.members.*"); m != NULL;
	     m = block_next(m))
		build_member(c, s, m, d->check);
	if (s->rule.max_out == 0)
		s->rule.max_out = s->rule.members - 1;
	build_voters(d, c, &s->rule);
	build_ledger_name(c, s);
}

struct config *
build_config(struct load *l, const char *path)
{
	struct region *r = region_new();
	struct config *c = region_alloc(r, sizeof *c);
	struct block *b = block_first(l->file, "services.*");

	*c = l->draft->config;
	c->region = r;
	COPY(c->path, path);
	c->solo = l->draft->quorum == 1;
	build_agents(l, c);
	build_checks(l, r, c);
	build_zones(l, r, c);
	uint32_t plans = block_count(l->file, "scenarios.*");
	uint32_t services = block_count(l->file, "services.*");
	/* Each plan may add a shadow. */
	c->service = region_alloc(r, (services + plans) * sizeof *c->service);
	for (; b != NULL; b = block_next(b))
		build_service(l, c, b);
	c->scenario = region_alloc(r, plans * sizeof *c->scenario);
	build_scenarios(l, r, c);
	c->lag = region_alloc(r, block_count(l->file, "checks.*") * sizeof *c->lag);
	build_lags(l, r, c);
	for (uint32_t i = 0; i < c->services; i++)
		c->service[i].rule.policy_hash = policy_hash(l, c, i);
	unbuilt_collect(l->walk.root, r, c);
	return c;
}
