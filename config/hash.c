/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - the policy hash of a service.
 *
 * Agents vote together only when they mean the same by it: the hash goes over every
 * value that decides and is the same for all, in a fixed order, each with its name
 * and its length, so that no two configurations run into one. Values, not text:
 * comments, order of blocks and templates do not matter. Left out is what differs
 * from agent to agent or decides nothing: paths, page, credentials, name servers,
 * where agents listen, the probes' own address. FNV-1a with 64 bits: agents trust
 * each other, it guards against mistakes and not against malice.
 */
#include "config/load.h"

#include <inttypes.h>
#include <string.h>

static void
eat(uint64_t *h, const char *text)
{
	char length[24];

	(void)snprintf(length, sizeof length, "%zu:", strlen(text));
	for (const char *part = length;; part = text) {
		for (const char *p = part; *p != '\0'; p++) {
			*h ^= (uint8_t)*p;
			*h *= UINT64_C(1099511628211);
		}
		if (part == text)
			return;
	}
}

static void
put_text(uint64_t *h, const char *name, const char *text)
{
	eat(h, name);
	eat(h, text);
}

static void
put_number(uint64_t *h, const char *name, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%" PRIu64, n);
	put_text(h, name, text);
}

/* A block that the model does not hold in full, as it is written; without what may
 * differ from agent to agent. */
static void
put_node(uint64_t *h, const struct ynode *node)
{
	if (node->key != NULL &&
	    (strcmp(node->key, "profile") == 0 || strcmp(node->key, "endpoint") == 0))
		return;
	put_text(h, node->key != NULL ? node->key : "-", node->text);
	put_number(h, "entries", node->children);
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		put_node(h, c);
}

static void
put_http(uint64_t *h, const struct check_http *c)
{
	put_number(h, "https", c->https);
	put_number(h, "port", c->port);
	put_text(h, "method", c->method);
	put_text(h, "path", c->path);
	put_text(h, "host", c->host);
	put_text(h, "headers", c->headers);
	for (uint32_t i = 0; i < c->statuses; i++) {
		put_number(h, "low", c->status[i].low);
		put_number(h, "high", c->status[i].high);
	}
	put_text(h, "contains", c->contains);
	put_text(h, "matches", c->matches);
	put_number(h, "verify", c->verify);
	put_number(h, "min_days", c->min_days);
	put_number(h, "redirects", c->redirects);
}

static void
put_check(uint64_t *h, const struct load *l, const struct check_spec *c, uint32_t index)
{
	put_number(h, "kind", c->kind);
	put_number(h, "every", c->every_ms);
	put_number(h, "timeout", c->timeout_ms);
	put_number(h, "recheck", c->recheck_ms);
	put_number(h, "hedge", c->hedge_ms);
	put_number(h, "slow", c->slow_ms);
	put_number(h, "fall", c->fall);
	put_number(h, "rise", c->rise);
	put_number(h, "clear", c->clear);
	if (c->kind == CHECK_HTTP) {
		put_http(h, &c->http);
	} else if (c->kind == CHECK_ELB) {
		put_text(h, "target_group", c->elb.target_group);
		put_text(h, "region", c->elb.region);
		put_number(h, "healthy", c->elb.healthy);
		put_number(h, "share", c->elb.share_pct);
	} else {
		static const char *const kinds[] = {
		    "tcp", "exec", "dns", "backup", "cloudwatch"};
		const struct block *b = block_at(l->file, "checks.*", index);

		for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
			const struct ynode *node = ynode_get(b->node, kinds[i]);

			if (node != NULL)
				put_node(h, node);
		}
	}
}

static void
put_answer(uint64_t *h, const struct rrset *a)
{
	put_number(h, "type", a->type);
	put_text(h, "values", a->value);
	put_text(h, "alias", a->alias_name);
	put_text(h, "alias-zone", a->alias_zone);
	put_number(h, "evaluate", a->alias_evaluate);
}

static void
put_member(uint64_t *h, const struct load *l, const struct config *c,
    const struct config_service *s, uint32_t index)
{
	const struct rule_member *r = &s->rule.member[index];
	const struct config_member *m = &s->member[index];

	put_text(h, "member", r->name);
	put_number(h, "weight", r->weight);
	put_number(h, "last_resort", r->last_resort);
	put_text(h, "health_check", m->health_check);
	for (uint32_t i = 0; i < m->answers; i++)
		put_answer(h, &m->answer[i]);
	for (uint32_t i = 0; i < m->endpoints; i++) {
		put_text(h, "endpoint", m->endpoint[i].host);
		put_number(h, "port", m->endpoint[i].port);
		put_number(h, "https", m->endpoint[i].https);
	}
	if (r->last_resort)
		return;
	put_check(h, l, &c->check[m->check], m->check);
	if (m->targets >= 0 && (uint32_t)m->targets != m->check)
		put_check(h, l, &c->check[m->targets], (uint32_t)m->targets);
}

static void
put_rule(uint64_t *h, const struct rule_service *r)
{
	put_text(h, "service", r->name);
	put_text(h, "cluster", r->cluster);
	put_number(h, "policy", r->policy);
	put_number(h, "records", r->records);
	put_number(h, "observe", r->observe);
	put_number(h, "stateful", r->stateful);
	put_number(h, "failback", r->failback_auto);
	put_number(h, "solo", r->solo);
	put_number(h, "hold", r->hold_ms);
	put_number(h, "spacing", r->spacing_ms);
	put_number(h, "down_below", r->down_below_pct);
	put_number(h, "up_above", r->up_above_pct);
	put_number(h, "max_out", r->max_out);
	put_number(h, "min_capacity", r->min_capacity_pct);
	put_number(h, "return", r->return_hold_ms);
	put_number(h, "return_max", r->return_hold_ms_max);
	put_number(h, "per_hour", r->return_per_hour);
	put_number(h, "latch_after", r->latch_after);
	put_number(h, "swap_after", r->swap_after_ms);
	put_number(h, "swap_per_hour", r->swap_per_hour);
	for (uint32_t i = 0; i < r->ramp_steps; i++)
		put_number(h, "ramp", r->ramp_pct[i]);
	put_number(h, "ramp_every", r->ramp_every_ms);
	put_number(h, "report", r->report_ms);
	put_number(h, "fresh", r->fresh_ms);
	put_number(h, "rank", r->rank_ms);
	put_number(h, "silent", r->silent_ms);
}

/* Agents as the rules see them; domains by name: their numbers depend on the file. */
static void
put_voters(uint64_t *h, const struct config *c, const struct rule_service *r)
{
	for (uint32_t v = 0; v < r->agents; v++) {
		put_text(h, "agent", r->agent[v].name);
		put_number(h, "at", (uint64_t)(r->agent[v].member + 1));
		for (uint32_t i = 0; i < c->agents; i++)
			if (strcmp(c->agent[i].name, r->agent[v].name) == 0)
				put_text(h, "domain", c->agent[i].domain);
	}
}

static void
put_call(uint64_t *h, const struct config_call *call)
{
	put_text(h, "action", call->action);
	put_number(h, "params", call->params);
	for (uint32_t i = 0; i < call->params; i++)
		put_text(h, call->param[i].key, call->param[i].value);
}

/* A secret's file and the identity that calls are each agent's own. */
static void
put_act(uint64_t *h, const struct load *l, const struct config *c,
    const struct config_act *a)
{
	put_number(h, "act", a->kind);
	put_number(h, "args", a->args);
	for (uint32_t i = 0; i < a->args; i++)
		put_text(h, "arg", a->arg[i]);
	put_text(h, "url", a->webhook.url);
	put_text(h, "method", a->webhook.method);
	put_text(h, "body", a->webhook.body);
	for (uint32_t i = 0; i < a->webhook.headers; i++)
		put_text(h, a->webhook.header[i].name, a->webhook.header[i].value);
	for (uint32_t i = 0; i < a->webhook.statuses; i++) {
		put_number(h, "low", a->webhook.status[i].low);
		put_number(h, "high", a->webhook.status[i].high);
	}
	put_text(h, "service", a->aws.service);
	put_text(h, "region", a->aws.region);
	put_text(h, "version", a->aws.version);
	put_call(h, &a->aws.call);
	put_call(h, &a->aws.ask);
	put_text(h, "path", a->aws.path);
	put_text(h, "is", a->aws.is);
	put_number(h, "ask_every", a->aws.every_ms);
	if (a->kind == ACT_CHECK)
		put_check(h, l, &c->check[a->check], a->check);
	put_text(h, "question", a->question);
}

static void
put_step(uint64_t *h, unsigned slot, const struct rule_step *s)
{
	put_number(h, "slot", slot);
	put_number(h, "fill", s->fill);
	put_number(h, "go_on", s->go_on);
	put_number(h, "once", s->once);
	put_number(h, "drill", s->drill);
	put_number(h, "timeout", s->timeout_ms);
	put_number(h, "wait", s->wait_ms);
	put_number(h, "retries", s->retries);
}

static void
put_scenario(uint64_t *h, const struct load *l, const struct config *c,
    const struct config_scenario *s, const struct rule_scenario *p,
    uint64_t takeover_ms)
{
	put_text(h, "scenario", p->name);
	put_number(h, "kind", p->kind);
	put_number(h, "trigger", p->trigger);
	put_number(h, "primary", p->primary);
	put_number(h, "recovery", p->recovery);
	put_number(h, "catch_up", p->catch_up_ms);
	put_number(h, "takeover", takeover_ms);
	put_number(h, "rto", s->rto_ms);
	put_number(h, "rpo", s->rpo_ms);
	put_number(h, "drill_every", s->drill_ms);
	put_number(h, "shadow", p->shadow);
	if (s->lag >= 0)
		put_check(h, l, &c->check[s->lag], (uint32_t)s->lag);
	for (unsigned i = 0; i < SLOTS; i++) {
		put_step(h, i, &p->step[i]);
		put_act(h, l, c, &s->act[i]);
	}
}

uint64_t
policy_hash(const struct load *l, const struct config *c, uint32_t service)
{
	const struct config_service *s = &c->service[service];
	const struct config_zone *z = &c->zone[s->zone];
	uint64_t h = UINT64_C(14695981039346656037);

	put_text(&h, "policy", "1");
	put_rule(&h, &s->rule);
	put_text(&h, "apex", z->route53.apex);
	put_text(&h, "zone", z->route53.zone_id);
	for (uint32_t i = 0; i < s->names; i++)
		put_text(&h, "name", s->name[i]);
	put_number(&h, "ttl", s->ttl_s);
	put_voters(&h, c, &s->rule);
	for (uint32_t m = 0; m < s->rule.members; m++)
		put_member(&h, l, c, s, m);
	for (uint32_t i = 0; i < c->scenarios; i++)
		if (c->scenario[i].service == service ||
		    c->scenario[i].shadow == (int32_t)service)
			put_scenario(&h, l, c, &c->scenario[i], &s->rule.plan,
			    s->rule.takeover_ms);
	return h;
}
