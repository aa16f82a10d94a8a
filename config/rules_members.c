/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_members.c - a member: what it answers, what is probed, who else moves it.
 */
#include "config/load.h"

#include <string.h>

#include "config/alias_zones.h"
#include "config/words.h"

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)
#define NOTE_KEY(l, node, ...) \
	note_error((l)->notes, (node)->key_line, (node)->key_column, __VA_ARGS__)

static void
rule_site(struct load *l, const struct block *m)
{
	const struct draft_member *d = m->data;
	const struct ynode *sites = ynode_get(l->walk.root, "sites");
	struct nearest near = {.wrong = m->name};

	if (d->last_resort || sites == NULL ||
	    walk_index(l->walk.root, "sites", m->name) != DRAFT_NONE)
		return;
	for (const struct ynode *s = sites->first; s != NULL; s = s->next)
		nearest_offer(&near, s->text, strlen(s->text));
	if (near.best != NULL)
		NOTE_KEY(l, m->node,
		    "'%.40s' is not among the sites: did you mean '%s'?", m->name,
		    near.best);
	else
		NOTE_KEY(l, m->node,
		    "'%.40s' is not among the sites: a member is named after its site, "
		    "save for a last_resort",
		    m->name);
}

static void
rule_last_resort(struct load *l, const struct block *service, const struct block *m)
{
	static const char *const unprobed[] = {"endpoints", "check", "targets"};
	const struct draft_member *d = m->data;

	if (!d->last_resort)
		return;
	if (((struct draft_service *)service->data)->policy != 1)
		NOTE(l, ynode_get(m->node, "last_resort"),
		    "a last resort answers when every other member is down: it needs "
		    "policy: failover");
	for (size_t i = 0; i < sizeof unprobed / sizeof unprobed[0]; i++) {
		const struct ynode *n = ynode_get(m->node, unprobed[i]);

		if (n != NULL)
			NOTE_KEY(l, n,
			    "a last resort is not probed: %s has no use here", n->key);
	}
}

/* ---- answers ---- */

/* Which of A, AAAA, CNAME it publishes, as bits; 0 when that is not clear. */
static unsigned
types_of(const struct draft_member *d)
{
	unsigned types = 0;

	types |= d->a > 0 ? 1u : 0;
	types |= d->aaaa > 0 ? 2u : 0;
	types |= d->cname[0] != '\0' ? 4u : 0;
	for (uint32_t i = 0; d->alias_name[0] != '\0' && i < d->types; i++)
		types |= 1u << d->type[i];
	return types;
}

static const char *
types_text(unsigned types)
{
	static const char *const text[] = {
	    "nothing", "A", "AAAA", "A and AAAA", "CNAME"};

	return types < 5 ? text[types] : "CNAME and others";
}

static void
rule_answers_form(struct load *l, const struct block *m, const struct ynode *answers)
{
	const struct ynode *alias = ynode_get(answers, "alias");
	const struct ynode *cname = ynode_get(answers, "CNAME");
	const struct ynode *address = ynode_get(answers, "A");

	if (address == NULL)
		address = ynode_get(answers, "AAAA");
	if (answers->children == 0)
		NOTE(l, answers, "'%.40s' answers nothing: say A, AAAA, CNAME or alias",
		    m->name);
	if (cname != NULL && address != NULL)
		NOTE_KEY(l, cname, "a CNAME cannot stand beside %s: DNS forbids it",
		    address->key);
	if (alias != NULL && (address != NULL || cname != NULL))
		NOTE_KEY(l, alias,
		    "an alias cannot stand beside %s: both would be the same record set",
		    address != NULL ? address->key : "CNAME");
}

static void
rule_values(struct load *l, const struct ynode *list, uint32_t n,
    const char (*value)[VALUE_IP_MAX])
{
	if (list == NULL)
		return;
	const struct ynode *at = list->first;
	for (uint32_t i = 0; i < n && at != NULL; i++, at = at->next)
		for (uint32_t k = 0; k < i; k++)
			if (value[i][0] != '\0' && strcmp(value[i], value[k]) == 0)
				NOTE(l, at, "%s is named twice", value[i]);
}

static void
rule_alias(struct load *l, const struct block *m, const struct ynode *alias)
{
	const struct draft_member *d = m->data;
	const struct ynode *name = ynode_get(alias, "name");
	const struct ynode *zone = ynode_get(alias, "zone_id");
	const struct ynode *types = ynode_get(alias, "types");

	if (d->alias_name[0] == '\0')
		return;
	const char *known = alias_zone_find(d->alias_name);
	if (known == NULL && zone == NULL)
		NOTE(l, name,
		    "the hosted zone of %.100s is not known from its name: say zone_id",
		    d->alias_name);
	if (known != NULL && d->alias_zone[0] != '\0' &&
	    strcmp(known, d->alias_zone) != 0)
		NOTE(l, zone,
		    "%.100s lies in hosted zone %s, not in %s: leave zone_id out",
		    d->alias_name, known, d->alias_zone);
	if (types != NULL && d->types == 2 && d->type[0] == d->type[1])
		NOTE(l, types->last, "'%.10s' is named twice", types->last->text);
}

/* Against the first member that says what it publishes. */
static void
rule_same_types(struct load *l, const struct block *service, const struct block *m)
{
	unsigned mine = types_of(m->data);

	for (struct block *o = block_first(service, "services.*.members.*"); o != m;
	     o = block_next(o)) {
		unsigned theirs = types_of(o->data);

		if (theirs == 0)
			continue;
		if (mine != 0 && mine != theirs)
			NOTE(l, ynode_get(m->node, "answers"),
			    "'%.40s' publishes %s but '%.40s' publishes %s: members answer "
			    "with the same record types",
			    m->name, types_text(mine), o->name, types_text(theirs));
		return;
	}
}

static void
rule_cname(struct load *l, const struct block *service, const struct block *m)
{
	const struct config_service *s =
	    &((struct draft_service *)service->data)->service;
	const struct draft_member *d = m->data;
	const struct block *zone = block_at(l->file, "zones.*", s->zone);
	const struct ynode *cname = ynode_at(m->node, "answers.CNAME");
	const char *apex =
	    zone != NULL ? ((struct draft_zone *)zone->data)->zone.route53.apex : "";

	for (uint32_t i = 0; d->cname[0] != '\0' && i < s->names; i++) {
		if (apex[0] != '\0' && strcmp(s->name[i], apex) == 0)
			NOTE_KEY(l, cname,
			    "a CNAME cannot stand at the zone's apex %.100s: use addresses "
			    "or an alias",
			    apex);
		if (strcmp(s->name[i], d->cname) == 0)
			NOTE(l, cname, "%.100s would be a CNAME to itself", d->cname);
	}
}

/* ---- probing ---- */

static void
rule_endpoint(struct load *l, const struct draft_check *check, const char *check_name,
    const struct value_url *url, const struct ynode *at)
{
	bool https;

	if (check->spec.kind == CHECK_HTTP && strcmp(url->scheme, "tcp") == 0)
		NOTE(l, at, "a tcp endpoint under the http check '%.40s'", check_name);
	if (check->spec.kind == CHECK_TCP && strncmp(url->scheme, "http", 4) == 0)
		NOTE(l, at, "an %s endpoint under the tcp check '%.40s'", url->scheme,
		    check_name);
	if (check->spec.kind == CHECK_DNS && url->scheme[0] != '\0')
		NOTE(l, at,
		    "a dns endpoint has no %s://: write host or host:port, for the dns "
		    "check '%.40s'",
		    url->scheme, check_name);
	if (strcmp(url->scheme, "https") == 0 && rules_https_is_too_fast(&check->spec))
		NOTE(l, at, RULES_HTTPS_TOO_FAST);
	if (check->spec.kind == CHECK_TCP && build_port(&check->spec, url, &https) == 0)
		NOTE(l, at, "no port: neither here nor in the tcp check '%.40s'",
		    check_name);
	if (check->spec.kind == CHECK_EXEC && rules_exec_asks(check, "{port}") &&
	    build_port(&check->spec, url, &https) == 0)
		NOTE(l, at, "no port here, and the program of '%.40s' asks for {port}",
		    check_name);
}

static void
rule_endpoints(struct load *l, const struct block *m, const struct block *check)
{
	const struct draft_member *d = m->data;
	const struct ynode *list = ynode_get(m->node, "endpoints");
	const struct ynode *answers = ynode_get(m->node, "answers");
	const struct value_url none = {0};

	if (d->endpoints == 0 && list == NULL && types_of(d) != 0) {
		rule_endpoint(l, check->data, check->name, &none, answers);
		if (d->a + d->aaaa > ENDPOINTS_MAX)
			NOTE(l, answers,
			    "'%.40s' answers with %u addresses, and %d can be probed: name "
			    "endpoints",
			    m->name, d->a + d->aaaa, ENDPOINTS_MAX);
	}
	if (list == NULL)
		return;
	const struct ynode *at = list->first;
	for (uint32_t i = 0; i < d->endpoints && at != NULL; i++, at = at->next)
		if (d->endpoint[i].host[0] != '\0')
			rule_endpoint(l, check->data, check->name, &d->endpoint[i], at);
}

static void
rule_targets(struct load *l, const struct block *m, const struct block *check)
{
	const struct draft_member *d = m->data;
	const struct ynode *ref = ynode_get(m->node, "targets");
	const struct ynode *list = ynode_get(m->node, "endpoints");
	const struct block *beside = block_at(l->file, "checks.*", d->targets);
	bool alone = ((struct draft_check *)check->data)->spec.kind == CHECK_ELB;

	if (alone && list != NULL)
		NOTE_KEY(l, list,
		    "the elb check '%.40s' probes no endpoints: say another check, and "
		    "this one under targets",
		    check->name);
	if (ref == NULL || beside == NULL)
		return;
	if (((struct draft_check *)beside->data)->spec.kind != CHECK_ELB)
		NOTE(l, ref, "check '%.40s' is not of kind elb", beside->name);
	else if (alone)
		NOTE_KEY(l, ref,
		    "'targets' stands beside a check that probes, and '%.40s' is of kind "
		    "elb itself",
		    check->name);
}

static void
rule_check(struct load *l, const struct block *service, const struct block *m)
{
	const struct draft_service *s = service->data;
	const struct draft_member *d = m->data;
	bool own = ynode_get(m->node, "check") != NULL;
	const struct ynode *ref = ynode_get(own ? m->node : service->node, "check");
	const struct block *check =
	    block_at(l->file, "checks.*", own ? d->check : s->check);

	if (d->last_resort)
		return;
	if (ref == NULL)
		NOTE_KEY(l, m->node,
		    "'%.40s' has no check: say one here or for the service", m->name);
	if (check == NULL || ref == NULL)
		return;
	const struct draft_check *c = check->data;
	rule_targets(l, m, check);
	if (c->spec.kind == CHECK_BACKUP || c->spec.kind == CHECK_CLOUDWATCH ||
	    c->seconds == 1 || c->url[0] != '\0' || c->json[0] != '\0')
		NOTE(l, ref,
		    "check '%.40s' measures a lag: it cannot say whether a member is well",
		    check->name);
	if (c->spec.kind == CHECK_HTTP && c->spec.http.host[0] == '\0' &&
	    s->service.name[0][0] == '\\')
		NOTE(l, ref,
		    "the first name is a wildcard, which no server is called: say host in "
		    "check '%.40s'",
		    check->name);
	if (c->spec.kind != CHECK_ELB)
		rule_endpoints(l, m, check);
}

/* ---- who else moves it ---- */

static bool
has_scenario(const struct load *l, const struct block *service)
{
	for (struct block *p = block_first(l->file, "scenarios.*"); p != NULL;
	     p = block_next(p))
		if (((struct draft_scenario *)p->data)->service == service->index)
			return true;
	return false;
}

static void
rule_native(struct load *l, const struct block *service, const struct block *m)
{
	const struct draft_service *s = service->data;
	const struct draft_member *d = m->data;
	const struct ynode *health = ynode_get(m->node, "health_check");
	const struct ynode *evaluate = ynode_at(m->node, "answers.alias.evaluate");
	bool failover = s->policy == 1 && s->records == 1;
	bool guarded = s->service.rule.stateful || has_scenario(l, service);
	const char *why = s->service.rule.stateful ? "stateful" : "moved by a scenario";

	if (health != NULL && !failover)
		NOTE_KEY(l, health, "health_check needs records: failover");
	if (guarded && d->health_check[0] != '\0' &&
	    strcmp(d->health_check, "steady") != 0)
		NOTE(l, health,
		    "'%.40s' is %s: a check of Route 53's own would move it behind the "
		    "quorum; use steady",
		    service->name, why);
	if (guarded && d->evaluate)
		NOTE(l, evaluate,
		    "'%.40s' is %s: an evaluated alias would move it behind the quorum",
		    service->name, why);
	if (failover && d->health_check[0] == '\0' && health == NULL && !d->evaluate)
		NOTE_KEY(l, m->node,
		    "'%.40s' may become PRIMARY and needs health_check: steady (or an id), "
		    "or an alias with evaluate: true",
		    m->name);
}

static void
rule_fine_ramp(struct load *l, const struct block *service, const struct block *m)
{
	const struct draft_service *s = service->data;
	const struct draft_member *d = m->data;
	const struct ynode *weight = ynode_get(m->node, "weight");
	uint32_t first = s->service.rule.ramp_pct[0];

	if (s->policy != 0 || weight == NULL || d->weight == 0 ||
	    d->weight * first >= 100 || first >= 100)
		return;
	note_warning(l->notes, weight->line, weight->column,
	    "weight %u cannot ramp finely: %u %% of it is below 1; multiply every weight "
	    "by ten",
	    d->weight, first);
}

void
rules_members(struct load *l, struct block *service)
{
	for (struct block *m = block_first(service, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		const struct draft_member *d = m->data;
		const struct ynode *answers = ynode_get(m->node, "answers");

		if (m->node->kind != YNODE_MAP)
			continue;
		rule_site(l, m);
		rule_last_resort(l, service, m);
		if (answers != NULL && answers->kind == YNODE_MAP) {
			rule_answers_form(l, m, answers);
			rule_values(l, ynode_get(answers, "A"), d->a, d->a_value);
			rule_values(
			    l, ynode_get(answers, "AAAA"), d->aaaa, d->aaaa_value);
			rule_alias(l, m, ynode_get(answers, "alias"));
			rule_same_types(l, service, m);
			rule_cname(l, service, m);
		}
		rule_check(l, service, m);
		rule_native(l, service, m);
		rule_fine_ramp(l, service, m);
	}
}
