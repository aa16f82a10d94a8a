/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_scenarios.c - plans into the model, and the shadow services that drills run on.
 *
 * A drill must prove what a disaster would need, so the shadow is a whole service: the
 * same members, probed the same way, the same plan; its own name, ledger and engine. So
 * nothing in the machine knows a "test mode" beyond the slots that a drill leaves out.
 * Its records are plain weighted sets: Route 53's own checks would move it by themselves.
 */
#include "config/load.h"

#include <assert.h>
#include <string.h>

#define MINUTE_MS (UINT64_C(60) * 1000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define CATCH_UP_MS_MAX 10000
#define ACT_TIMEOUT_MS MINUTE_MS
#define GATE_TIMEOUT_MS (30 * MINUTE_MS)

#define COPY(dest, text) ((void)snprintf(dest, sizeof(dest), "%s", text))

/* It opens or closes a side, so a drill leaves it out unless told. */
static const bool sides[SLOTS] = {
    [SLOT_FENCE] = true,
    [SLOT_RESTORE] = true,
    [SLOT_PROMOTE] = true,
    [SLOT_REVERSE] = true,
    [SLOT_FREEZE] = true,
    [SLOT_BACKUP] = true,
    [SLOT_UNFREEZE] = true,
};

/* By the words of "command daily weekly monthly quarterly". */
static const uint64_t cadence_ms[] = {0, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 91 * DAY_MS};

enum slot
build_slot(const char *name)
{
	for (unsigned s = SLOT_NONE + 1; s < SLOTS; s++)
		if (strcmp(slot_word((enum slot)s), name) == 0)
			return (enum slot)s;
	return SLOT_NONE;
}

static bool
holds(const struct ynode *node, const char *word)
{
	if (node == NULL)
		return false;
	if (strstr(node->text, word) != NULL)
		return true;
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		if (holds(c, word))
			return true;
	return false;
}

static enum slot_fill
fill_of(const struct ynode *step)
{
	const struct ynode *wait = ynode_get(step, "wait");

	if (ynode_get(step, "none") != NULL)
		return FILL_NOTHING;
	if (ynode_get(step, "approve") != NULL)
		return FILL_APPROVE;
	if (wait == NULL || ynode_get(wait, "check") != NULL)
		return FILL_ACT;
	if (ynode_get(wait, "lag") != NULL)
		return FILL_LAG;
	return ynode_get(wait, "time") != NULL ? FILL_TIME : FILL_HEALTHY;
}

static uint64_t
timeout_of(const struct draft_step *d, enum slot_fill fill)
{
	if (d->timeout_ms != 0)
		return d->timeout_ms;
	switch (fill) {
	case FILL_HEALTHY:
	case FILL_LAG:
		return GATE_TIMEOUT_MS;
	case FILL_TIME:
		return 2 * d->wait_time_ms;
	case FILL_APPROVE:
		return 0;
	case FILL_EMPTY:
	case FILL_NOTHING:
	case FILL_ACT:
		break;
	}
	return ACT_TIMEOUT_MS;
}

static void
build_step(const struct block *step, enum slot s, struct rule_step *out)
{
	const struct draft_step *d = step->data;
	const struct ynode *n = step->node;

	out->fill = fill_of(n);
	out->fenced = holds(ynode_get(n, "exec"), "{fence}") ||
	    holds(ynode_get(n, "webhook"), "{fence}") ||
	    holds(ynode_get(n, "aws"), "{fence}");
	out->aws = ynode_get(n, "aws") != NULL;
	out->go_on = d->on_failure == 1;
	out->once = !d->idempotent;
	if (ynode_get(n, "drill") != NULL)
		out->drill = d->drill == 0;
	else
		out->drill = !sides[s];
	out->timeout_ms = timeout_of(d, out->fill);
	out->wait_ms = out->fill == FILL_LAG ? d->wait_lag_ms : d->wait_time_ms;
	out->retries = d->retries;
}

static uint32_t
member_at(const struct rule_service *r, const char *site)
{
	uint32_t m = 0;

	while (m < r->members && strcmp(r->member[m].name, site) != 0)
		m++;
	assert(m < r->members);
	return m;
}

static void
build_rule(const struct block *plan, struct rule_service *r)
{
	const struct draft_scenario *d = plan->data;
	struct rule_scenario *p = &r->plan;

	r->scenario = true;
	memset(p, 0, sizeof *p);
	COPY(p->name, plan->name);
	p->kind = (enum scenario_kind)d->kind;
	p->trigger = (enum trigger)d->trigger;
	p->primary = member_at(r, d->primary);
	p->recovery = member_at(r, d->recovery);
	p->has_lag = d->lag != DRAFT_NONE;
	if (ynode_get(plan->node, "catch_up") != NULL)
		p->catch_up_ms = d->catch_up_ms;
	else
		p->catch_up_ms =
		    d->rpo_ms < CATCH_UP_MS_MAX ? d->rpo_ms : CATCH_UP_MS_MAX;
	for (unsigned s = 0; s < SLOTS; s++) {
		p->step[s].drill = !sides[s];
		p->step[s].timeout_ms = s == SLOT_BEGIN ? 0 : GATE_TIMEOUT_MS;
	}
	for (struct block *b = block_first(plan, "scenarios.*.steps.*"); b != NULL;
	     b = block_next(b)) {
		enum slot s = build_slot(b->name);

		assert(s != SLOT_NONE);
		build_step(b, s, &p->step[s]);
	}
}

bool
build_shadow_names(const char *service, const char *apex, char name[WORD_MAX],
    char dns_name[DNS_NAME_MAX])
{
	int n = snprintf(name, WORD_MAX, "%s" SHADOW_SUFFIX, service);
	int d = snprintf(dns_name, DNS_NAME_MAX, SHADOW_LABEL "%s.%s", service, apex);

	return n > 0 && n < WORD_MAX && d > 0 && d < DNS_NAME_MAX - 2;
}

static int32_t
build_shadow(struct config *c, uint32_t service)
{
	const struct config_service *of = &c->service[service];
	struct config_service *s = &c->service[c->services];
	bool fits;

	*s = *of;
	fits = build_shadow_names(
	    of->rule.name, c->zone[of->zone].route53.apex, s->rule.name, s->name[0]);
	assert(fits);
	s->names = 1;
	s->shadow_of = (int32_t)service;
	s->rule.records = RECORDS_WEIGHTED;
	s->rule.plan.shadow = true;
	for (uint32_t m = 0; m < s->rule.members; m++) {
		s->member[m].health_check[0] = '\0';
		for (uint32_t a = 0; a < s->member[m].answers; a++)
			s->member[m].answer[a].alias_evaluate = false;
	}
	build_ledger_name(c, s);
	return (int32_t)c->services++;
}

static void
build_scenario(
    struct load *l, struct region *r, struct config *c, const struct block *b)
{
	const struct draft_scenario *d = b->data;
	struct config_scenario *s = &c->scenario[c->scenarios++];

	COPY(s->name, b->name);
	s->service = d->service;
	s->rto_ms = d->rto_ms;
	s->rpo_ms = d->rpo_ms;
	s->lag = d->lag == DRAFT_NONE ? -1 : (int32_t)d->lag;
	build_rule(b, &c->service[d->service].rule);
	for (unsigned i = 0; i < SLOTS; i++)
		build_act_empty(&s->act[i]);
	for (struct block *x = block_first(b, "scenarios.*.steps.*"); x != NULL;
	     x = block_next(x)) {
		enum slot slot = build_slot(x->name);

		build_act(l, r, x, &s->act[slot]);
		s->act[slot].timeout_ms =
		    c->service[d->service].rule.plan.step[slot].timeout_ms;
	}
	s->shadow = -1;
	if (ynode_get(b->node, "drill") == NULL)
		return;
	s->drill_ms = cadence_ms[d->drill];
	s->shadow = build_shadow(c, d->service);
}

/* Behind all services of the file, whose indices are theirs there. */
void
build_scenarios(struct load *l, struct region *r, struct config *c)
{
	for (struct block *b = block_first(l->file, "scenarios.*"); b != NULL;
	     b = block_next(b))
		build_scenario(l, r, c, b);
}
