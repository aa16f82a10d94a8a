/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three streams become incidents here: versions of the ledger say what was done, facts
 * say what only this agent saw, orders say who wanted it. incident.c knows what each
 * means; this file knows where it comes from, what time it was, and what to keep.
 *
 * A version that another agent wrote may be read late. Its own time is the provider's,
 * carried over to this machine's clock; within LATE_MS the moment of reading is better,
 * because the provider has whole seconds only.
 */
#include "steering/agent/incidents_parts.h"

#include <string.h>

#include "steering/agent/verify.h"
#include "steering/core/scenario.h"

#define LATE_MS 2500
#define ORDER_MS 120000 /* an order to begin is taken up so soon */

/* ---- what the configuration and the clocks say ---- */

int32_t
incidents_scenario(const struct agent *a, const char *service)
{
	const struct config *c = a->config;

	for (uint32_t n = 0; n < c->scenarios; n++) {
		const struct config_scenario *s = &c->scenario[n];

		if (strcmp(c->service[s->service].rule.name, service) == 0 ||
		    (s->shadow >= 0 &&
			strcmp(c->service[s->shadow].rule.name, service) == 0))
			return (int32_t)n;
	}
	return -1;
}

/* Of a moment on the boot-time clock; 0 stays 0. */
static int64_t
wall_of(uint64_t boot_ms)
{
	return boot_ms == 0 ? 0 : now_wall_ms() - (int64_t)(now_boot_ms() - boot_ms);
}

/* Of a moment on the provider's clock, in whole seconds. */
static int64_t
wall_of_provider(const struct agent *a, int64_t at_s)
{
	int64_t now = now_wall_ms(), provider_s = agent_now_wall_s(a);
	int64_t ago = at_s != 0 && provider_s != 0 ? (provider_s - at_s) * 1000 : 0;

	return ago > LATE_MS ? now - ago : now;
}

static void
put_names(struct incident *i, const struct agent_service *s)
{
	const struct config *c = s->agent->config;
	int32_t n = incidents_scenario(s->agent, s->conf->rule.name);

	(void)snprintf(i->seen_by, sizeof i->seen_by, "%s", s->agent->name);
	i->ttl_s = s->conf->ttl_s;
	if (n < 0)
		return;
	(void)snprintf(i->scenario, sizeof i->scenario, "%s", c->scenario[n].name);
	i->kind = s->conf->rule.plan.kind;
	i->rto_ms = c->scenario[n].rto_ms;
	i->rpo_ms = c->scenario[n].rpo_ms;
	i->lag_asked = c->scenario[n].lag >= 0;
}

static void
put_sites(struct incident *i, const struct rule_service *rule,
    const struct scenario_plan *plan, bool aborting)
{
	uint32_t from = aborting ? plan->to : plan->from;
	uint32_t to = aborting ? plan->from : plan->to;

	(void)snprintf(i->from, sizeof i->from, "%s", rule->member[from].name);
	(void)snprintf(i->to, sizeof i->to, "%s", rule->member[to].name);
}

/* Is the slot one of this way? */
static bool
concerns(enum run_way way, enum slot slot)
{
	bool back = slot == SLOT_REVERSE || slot == SLOT_FREEZE ||
	    slot == SLOT_BACKUP || slot == SLOT_UNFREEZE || slot == SLOT_SCALE_IN;

	return slot == SLOT_RESTORE || back == (way == RUN_FAILBACK);
}

/* What the scenario has a slot for, and this run does not do. */
static void
put_left_out(struct incident *i, const struct agent_service *s,
    const struct ledger_run *run, const struct scenario_plan *plan)
{
	const struct config *c = s->agent->config;
	const struct rule_scenario *rule = &s->conf->rule.plan;
	int32_t n = incidents_scenario(s->agent, s->conf->rule.name);
	struct ledger_run real = *run;
	struct scenario_plan whole;

	if (run->way == RUN_DRILL)
		real.way = RUN_FAILOVER;
	scenario_plan(rule, &real, &whole);
	for (uint32_t slot = SLOT_FENCE; slot < SLOTS; slot++) {
		bool none = rule->step[slot].fill == FILL_NOTHING;
		bool left = memchr(whole.slot, (int)slot, whole.steps) != NULL &&
		    memchr(plan->slot, (int)slot, plan->steps) == NULL;

		if (!left && !(none && concerns(run->way, (enum slot)slot)))
			continue;
		struct incident_left_out *l = &i->left_out[i->left_outs++];
		l->slot = (enum slot)slot;
		if (none && n >= 0 && c->scenario[n].act[slot].none != NULL)
			(void)snprintf(l->why, sizeof l->why, "none: %s",
			    c->scenario[n].act[slot].none);
	}
}

/* ---- versions of the ledger ---- */

static bool
is_in(const struct ledger *l, const char *member)
{
	int32_t m = ledger_find(l, member);

	return m >= 0 && !l->member[m].out && l->member[m].weight > 0;
}

static struct incident_version
version_of(const struct agent_service *s, const struct scenario_plan *plan,
    const struct of_service *of)
{
	const struct ledger *l = &s->engine->ledger;
	const struct rule_service *rule = &s->conf->rule;
	int64_t at_s = l->run.id != 0 ? l->run.since_wall_s : l->time_wall_s;
	bool ours = of->known && l->writer == rule->agent[s->engine->self].number;

	return (struct incident_version){.rule = rule,
	    .ledger = l,
	    .plan = plan,
	    .ours = ours,
	    .at_wall_ms = ours ? now_wall_ms() : wall_of_provider(s->agent, at_s),
	    .begun_wall_ms = wall_of_provider(s->agent, l->run.begun_wall_s)};
}

/* The fault of this run: as it was when the verdict fell, or as it is known now. */
static void
take_fault(struct incidents *x, struct of_service *of, const struct agent_service *s)
{
	uint32_t m = s->conf->rule.plan.primary;

	if (of->fault != NULL || s->down_fault_ms[m] == 0)
		return;
	of->fault = incidents_fresh(of->service);
	incident_fault(
	    of->fault, wall_of(s->down_fault_ms[m]), wall_of(s->verdict_ms[m]));
	incidents_lag(x, of->fault, wall_of(s->down_fault_ms[m]));
}

static void
begin_run(struct incidents *x, struct of_service *of, struct agent_service *s,
    const struct incident_version *v)
{
	struct incident *i = incidents_fresh(of->service), *drain;
	const struct ledger_run *run = &v->ledger->run;
	bool failover = run->way == RUN_FAILOVER;

	put_names(i, s);
	put_sites(i, v->rule, v->plan, run->aborting);
	put_left_out(i, s, run, v->plan);
	if (failover)
		take_fault(x, of, s);
	incident_begin(i, v, failover ? of->fault : NULL);
	if (run->way == RUN_DRILL || (failover && !i->lag_known))
		incidents_lag(x, i,
		    i->mark_wall_ms[MARK_FAULT] != 0 ? i->mark_wall_ms[MARK_FAULT]
						     : i->mark_wall_ms[MARK_DECIDED]);
	if (of->begin.at_wall_ms != 0 &&
	    now_wall_ms() - of->begin.at_wall_ms < ORDER_MS)
		incident_order(i, &of->begin);
	of->begin.at_wall_ms = 0;
	drain = incidents_find(x, of->service, INCIDENT_REACHED, i->from);
	if (failover && drain != NULL && drain->way == RUN_NONE) {
		incident_absorb(i, drain);
		incidents_save(x, drain);
	}
	incidents_add(x, i);
	incidents_forget_fault(x, of);
}

/* Failed back: what was failed over is whole again. */
static void
close_reached(struct incidents *x, const struct incident *back)
{
	struct incident *i;

	if (back->way != RUN_FAILBACK || back->state != INCIDENT_OVER)
		return;
	while ((i = incidents_find(x, back->service, INCIDENT_REACHED, "")) != NULL) {
		incident_full(i, back->id, back->last_wall_ms);
		incidents_save(x, i);
	}
}

static void
end_run(struct incidents *x, struct incident *i, struct incident_version v)
{
	v.plan = NULL;
	v.reached = is_in(v.ledger, i->to) &&
	    (i->way == RUN_FAILBACK || !is_in(v.ledger, i->from));
	incident_end(i, &v);
	incidents_save(x, i);
	close_reached(x, i);
}

static void
follow_run(struct incidents *x, struct of_service *of, struct agent_service *s)
{
	const struct ledger *l = &s->engine->ledger;
	struct incident *i = incidents_find(x, of->service, INCIDENT_RUNS, "");
	struct scenario_plan plan;

	if (l->run.id != 0)
		scenario_plan(&s->conf->rule.plan, &l->run, &plan);
	struct incident_version v = version_of(s, &plan, of);
	if (i != NULL && i->id != l->run.id) {
		end_run(x, i, v);
		i = NULL;
	}
	if (l->run.id == 0)
		return;
	bool was = i != NULL && i->mark_wall_ms[MARK_COMMITTED] != 0;
	if (i == NULL)
		begin_run(x, of, s, &v);
	else
		incident_version(i, &v);
	i = incidents_find(x, of->service, INCIDENT_RUNS, "");
	incidents_save(x, i);
	/* Its writer verifies by itself; whoever is left when that dies knows too. */
	if (!was && i->mark_wall_ms[MARK_COMMITTED] != 0 && !v.ours &&
	    s->verify != NULL)
		verify_commit(s->verify, l->epoch, "");
}

/* ---- drains by the steering alone ---- */

static void
begin_drain(struct incidents *x, struct of_service *of, struct agent_service *s,
    uint32_t m, const struct incident_version *v)
{
	struct incident fault = {.id = 0};
	struct incident *i = incidents_fresh(of->service);
	uint64_t epoch = v->ledger->epoch;

	put_names(i, s);
	i->rto_ms = i->rpo_ms = 0;
	i->lag_asked = false;
	(void)snprintf(i->from, sizeof i->from, "%s", s->conf->rule.member[m].name);
	incident_fault(&fault, wall_of(s->down_fault_ms[m]), wall_of(s->verdict_ms[m]));
	incident_drain(i, epoch, of->sent_epoch == epoch ? of->sent_wall_ms : 0,
	    v->at_wall_ms, s->down_fault_ms[m] != 0 ? &fault : NULL);
	incidents_add(x, i);
	incidents_save(x, i);
}

static void
follow_drains(struct incidents *x, struct of_service *of, struct agent_service *s)
{
	const struct ledger *l = &s->engine->ledger;
	const struct rule_service *rule = &s->conf->rule;
	bool steers = !scenario_moves(rule, l) && l->run.id == 0 &&
	    incidents_find(x, of->service, INCIDENT_RUNS, "") == NULL;
	struct incident_version v = version_of(s, NULL, of);

	for (uint32_t m = 0; m < rule->members && m < l->members; m++) {
		const struct ledger_member *is = &l->member[m];
		struct incident *i =
		    incidents_find(x, of->service, INCIDENT_REACHED, is->name);

		if (i != NULL && i->way == RUN_NONE && !is->out &&
		    (rule->policy == POLICY_FAILOVER ||
			is->weight >= rule->member[m].weight)) {
			incident_full(i, 0, v.at_wall_ms);
			incidents_save(x, i);
		}
		if (of->known && steers && of->weight[m] > 0 && is->out &&
		    !is->by_order)
			begin_drain(x, of, s, m, &v);
		of->weight[m] = is->out ? 0 : is->weight;
	}
}

void
incidents_ledger(struct incidents *x, struct agent_service *s)
{
	if (x == NULL || !s->engine->has_ledger || s->conf->rule.observe)
		return;
	struct of_service *of = incidents_of(x, s->conf->rule.name);
	follow_drains(x, of, s);
	follow_run(x, of, s);
	of->known = true;
}

/* ---- facts ---- */

/* The primary of a scenario is down: what is known of it now may be gone when somebody
 * decides, an hour later or after a restart. */
static void
note_verdict(struct incidents *x, struct agent_service *s, const struct fact *f)
{
	const struct rule_service *rule = &s->conf->rule;
	struct of_service *of = incidents_of(x, rule->name);

	if (!rule->scenario || rule->plan.shadow ||
	    f->member != (int32_t)rule->plan.primary)
		return;
	if (strcmp(f->value, verdict_word(VERDICT_UP)) == 0) {
		incidents_forget_fault(x, of);
		return;
	}
	if (strcmp(f->value, verdict_word(VERDICT_DOWN)) != 0 || of->fault != NULL ||
	    incidents_find(x, rule->name, INCIDENT_RUNS, "") != NULL)
		return;
	take_fault(x, of, s);
	if (of->fault == NULL)
		return;
	put_names(of->fault, s);
	(void)snprintf(of->fault->from, sizeof of->fault->from, "%s",
	    rule->member[rule->plan.primary].name);
	incidents_save(x, of->fault);
}

static void
note_arrival(struct incidents *x, const char *service, const struct fact *f)
{
	enum incident_mark m = f->kind == FACT_INSYNC ? MARK_INSYNC : MARK_ANSWERED;

	for (uint32_t n = 0; n < x->count; n++) {
		struct incident *i = x->kept[n];

		if (strcmp(i->service, service) != 0 ||
		    i->mark_wall_ms[MARK_COMMITTED] == 0 ||
		    i->committed_epoch > f->epoch || i->mark_wall_ms[m] != 0 ||
		    i->mark_wall_ms[MARK_ANSWERED] != 0 ||
		    i->state == INCIDENT_ABSORBED)
			continue;
		incident_mark(i, m, wall_of(f->at_ms));
		incidents_save(x, i);
	}
}

static void
note_step(struct incidents *x, const char *service, const struct fact *f)
{
	struct incident *i = incidents_find(x, service, INCIDENT_RUNS, "");

	if (i == NULL)
		return;
	for (int slot = SLOT_NONE + 1; slot < SLOTS; slot++)
		if (strcmp(slot_word((enum slot)slot), f->value) == 0) {
			incident_say(i, (enum slot)slot, f->text,
			    f->level >= FACT_WARN &&
				strcmp(f->address, run_state_word(RUN_ASKS)) != 0);
			incidents_save(x, i);
		}
}

void
incidents_on_fact(const char *service, const struct fact *f, void *arg)
{
	struct incidents *x = arg;
	struct agent_service *s = agent_find_service(x->agent, service);
	struct incident *i;

	if (s == NULL)
		return;
	if (f->kind == FACT_VERDICT && f->member >= 0) {
		note_verdict(x, s, f);
	} else if (f->kind == FACT_SENT) {
		struct of_service *of = incidents_of(x, service);

		of->sent_epoch = f->epoch;
		of->sent_wall_ms = wall_of(f->at_ms);
	} else if (f->kind == FACT_INSYNC || f->kind == FACT_ANSWERED) {
		note_arrival(x, service, f);
	} else if (f->kind == FACT_STEP) {
		note_step(x, service, f);
	} else if (f->kind == FACT_ORDER_REFUSED &&
	    (i = incidents_find(x, service, INCIDENT_RUNS, "")) != NULL) {
		incident_refused(i);
		incidents_save(x, i);
	}
}

/* ---- people and acts ---- */

static bool
begins(const char *word)
{
	return strcmp(word, order_word(ORDER_FAILOVER)) == 0 ||
	    strcmp(word, order_word(ORDER_SWITCHOVER)) == 0 ||
	    strcmp(word, order_word(ORDER_FAILBACK)) == 0 ||
	    strcmp(word, order_word(ORDER_DRILL)) == 0;
}

static bool
is_about_run(const char *word)
{
	return begins(word) || strcmp(word, order_word(ORDER_APPROVE)) == 0 ||
	    strcmp(word, order_word(ORDER_RETRY)) == 0 ||
	    strcmp(word, order_word(ORDER_SKIP)) == 0 ||
	    strcmp(word, order_word(ORDER_ABORT)) == 0;
}

void
incidents_order(struct incidents *x, const struct peer_order *o)
{
	struct incident_order mine = {.at_wall_ms = now_wall_ms()};

	if (x == NULL || !is_about_run(o->kind))
		return;
	struct incident *i = incidents_find(x, o->service, INCIDENT_RUNS, "");
	(void)snprintf(mine.word, sizeof mine.word, "%s", o->kind);
	(void)snprintf(mine.who, sizeof mine.who, "uid %u at agent %s",
	    (unsigned)o->uid, o->agent);
	(void)snprintf(mine.reason, sizeof mine.reason, "%s", o->reason);
	if (begins(o->kind) &&
	    (i == NULL || mine.at_wall_ms - i->mark_wall_ms[MARK_DECIDED] > ORDER_MS)) {
		incidents_of(x, o->service)->begin = mine;
		return;
	}
	if (i == NULL)
		return;
	incident_order(i, &mine);
	incidents_save(x, i);
}
