/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs of a service with a scenario, drawn as plan_draw.c draws others: around each
 * disaster a few more things go wrong, most of them to whoever runs the scenario. What
 * fills the slots is drawn too: acts with and without a fence, of AWS or not, questions,
 * slots that are none or empty.
 */
#include <assert.h>
#include <string.h>

#include "tests/sim/dice.h"
#include "tests/sim/plan.h"

/* ---- what fills the slots ---- */

static void
draw_act(struct dice *d, struct rule_step *s, enum slot slot)
{
	bool guards = scenario_opens(slot) || scenario_closes(slot);

	s->timeout_ms = dice_one_in(d, 6) ? dice_span(d, 5 * MINUTE, 2 * HOUR)
					  : dice_span(d, 5 * SECOND, 5 * MINUTE);
	s->fenced = !dice_one_in(d, 3);
	s->aws = dice_one_in(d, 3);
	s->once = dice_one_in(d, 6);
	s->retries = (uint32_t)dice_draw(d, 3);
	/* (an old backup instead of none would lose what a planned way must not) */
	s->go_on = !guards && slot != SLOT_BACKUP && dice_one_in(d, 4);
	if (slot == SLOT_FENCE && dice_one_in(d, 4))
		s->fill = dice_one_in(d, 2) ? FILL_NOTHING : FILL_APPROVE;
	else if ((slot == SLOT_FREEZE || slot == SLOT_PROMOTE) && dice_one_in(d, 12))
		s->fill = FILL_APPROVE;
	else if (!guards && slot != SLOT_REVERSE && slot != SLOT_BACKUP &&
	    dice_one_in(d, 4))
		s->fill = dice_one_in(d, 2) ? FILL_EMPTY : FILL_NOTHING;
	/* a cold site comes to life by this alone */
	if (slot == SLOT_PROVISION)
		s->fill = FILL_ACT;
}

static void
draw_slots(struct dice *d, struct plan *p)
{
	struct rule_scenario *r = &p->rule.plan;

	for (int s = 0; s < SLOTS; s++)
		if (r->step[s].fill == FILL_ACT)
			draw_act(d, &r->step[s], (enum slot)s);
	/* a shadow has no side: what moves one is left out */
	for (int s = SLOT_FENCE; s < SLOTS; s++)
		r->step[s].drill = !scenario_opens((enum slot)s) &&
		    !scenario_closes((enum slot)s) && s != SLOT_REVERSE &&
		    s != SLOT_BACKUP;
	r->trigger = (enum trigger)dice_draw(d, 3);
	r->catch_up_ms = dice_span(d, 100, 20 * SECOND);
	if (dice_one_in(d, 8))
		r->has_lag = false;
	if (dice_one_in(d, 6) && r->kind != SCENARIO_BACKUP_RESTORE)
		r->step[SLOT_READY] = (struct rule_step){
		    .fill = FILL_ACT, .timeout_ms = 10 * MINUTE, .retries = 2};
	p->database = r->kind != SCENARIO_MULTI_SITE || !dice_one_in(d, 3);
	if (p->database)
		return;
	r->has_lag = false;
	static const enum slot of_database[] = {
	    SLOT_FENCE, SLOT_PROMOTE, SLOT_REVERSE, SLOT_FREEZE, SLOT_UNFREEZE};
	for (size_t i = 0; i < sizeof of_database / sizeof *of_database; i++)
		r->step[of_database[i]] = (struct rule_step){.fill = FILL_EMPTY};
}

static void
draw_service(struct dice *d, struct plan *p)
{
	struct rule_service *r = &p->rule;

	rule_make(r, p->members, p->agents);
	for (uint32_t m = 0; m < p->members; m++)
		r->member[m].detector.stale_ms = 10 * SECOND;
	for (uint32_t a = 0; a < p->agents; a++)
		p->drift_ppm[a] = (int32_t)dice_draw(d, 401) - 200;
	sites_fill(r, (enum scenario_kind)dice_draw(d, SCENARIO_KINDS));
	r->plan.shadow = dice_one_in(d, 12);
	draw_slots(d, p);
	if (r->plan.kind != SCENARIO_MULTI_SITE)
		r->stateful = !dice_one_in(d, 4);
	p->fence_reaches = !dice_one_in(d, 3);
	p->lag_ms = dice_span(d, 1, 3 * SECOND);
	if (dice_one_in(d, 4))
		return; /* acts that work */
	p->odds.of[ACT_FAILS] = (uint8_t)dice_draw(d, 20);
	p->odds.of[ACT_WORKS_FAILS] = (uint8_t)dice_draw(d, 8);
	p->odds.of[ACT_HANGS] = (uint8_t)dice_draw(d, 10);
	p->odds.of[ACT_GETS_LOST] = (uint8_t)dice_draw(d, 12);
	p->odds.of[ACT_COMES_LATE] = (uint8_t)dice_draw(d, 15);
	p->odds.of[ACT_COMES_TWICE] = (uint8_t)dice_draw(d, 15);
	p->odds.dies = (uint8_t)dice_draw(d, 25);
}

/* ---- what goes wrong ---- */

static struct plan_fault *
add(struct plan *p, enum plan_kind kind, uint64_t at_ms, uint64_t for_ms)
{
	static struct plan_fault spare;
	struct plan_fault *f =
	    p->faults < PLAN_FAULTS ? &p->fault[p->faults++] : &spare;

	if (at_ms >= p->run_ms)
		at_ms = p->run_ms - 1;
	*f = (struct plan_fault){.kind = kind, .at_ms = at_ms, .for_ms = for_ms};
	if (f->at_ms + for_ms > p->run_ms)
		f->for_ms = p->run_ms - at_ms;
	return f;
}

static void
add_order(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum order_kind kinds[] = {ORDER_FAILOVER, ORDER_FAILBACK,
	    ORDER_SWITCHOVER, ORDER_ABORT, ORDER_APPROVE, ORDER_SKIP, ORDER_RETRY,
	    ORDER_DRILL, ORDER_DRAIN, ORDER_UNDRAIN, ORDER_FREEZE, ORDER_UNFREEZE};
	struct plan_fault *f = add(p, PLAN_ORDER, at_ms, 0);

	f->who = (uint32_t)dice_draw(d, p->agents);
	f->to = (uint32_t)dice_draw(d, p->members);
	f->n = kinds[dice_draw(d, sizeof kinds / sizeof *kinds)];
	f->ms = dice_span(d, 10 * SECOND, 10 * MINUTE);
}

static void
add_link(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {
	    PLAN_CUT, PLAN_ISLAND, PLAN_ISLAND, PLAN_LOSS, PLAN_DELAY, PLAN_JITTER};
	struct plan_fault *f = add(
	    p, kinds[dice_draw(d, 6)], at_ms, dice_span(d, 2 * SECOND, 30 * MINUTE));

	f->who = (uint32_t)dice_draw(d, p->agents);
	f->to = (uint32_t)dice_draw(d, p->agents);
	f->n = 1 + (uint32_t)dice_draw(d, (1u << p->agents) - 1);
	f->p = (double)dice_draw(d, 1000) / 1000;
	f->ms = dice_span(d, 10, 5 * SECOND);
}

static void
add_agent(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_CRASH, PLAN_CRASH, PLAN_WIPED,
	    PLAN_PAUSE, PLAN_PAUSE, PLAN_CUT_API, PLAN_BLIND, PLAN_CANARIES};
	struct plan_fault *f =
	    add(p, kinds[dice_draw(d, 8)], at_ms, dice_span(d, SECOND, 30 * MINUTE));

	f->who = (uint32_t)dice_draw(d, p->agents);
}

static void
add_zone(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_OUT, PLAN_THROTTLE, PLAN_SLOW,
	    PLAN_LOSE_ANSWERS, PLAN_LOSE_ANSWERS, PLAN_LOSE_CHANGES, PLAN_LATE,
	    PLAN_LATE, PLAN_TORN, PLAN_DNS};
	enum plan_kind kind = kinds[dice_draw(d, 10)];
	struct plan_fault *f =
	    add(p, kind, at_ms, dice_span(d, 2 * SECOND, 20 * MINUTE));

	f->n = kind == PLAN_TORN ? 1 : 1 + (uint32_t)dice_draw(d, 3);
	f->ms = kind == PLAN_SLOW ? dice_span(d, 100, 12 * SECOND)
				  : dice_span(d, SECOND, 299 * SECOND);
}

static void
add_site(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_DISASTER, PLAN_DISASTER, PLAN_DEAD,
	    PLAN_GREY, PLAN_LAG, PLAN_LAG, PLAN_LAG_MUTE, PLAN_RUNNER, PLAN_RUNNER,
	    PLAN_RUNNER};
	struct plan_fault *f =
	    add(p, kinds[dice_draw(d, 10)], at_ms, dice_span(d, 2 * SECOND, HOUR));

	f->who = (uint32_t)dice_draw(d, 2);
	f->p = (double)dice_draw(d, 1000) / 1000;
	f->ms = dice_span(d, SECOND, HOUR);
	f->n = 1 + (uint32_t)dice_draw(d, DEATHS - 1);
}

/* The whole site, its agent often with it. */
static void
add_disaster(struct dice *d, struct plan *p, uint64_t at_ms)
{
	uint32_t who = dice_one_in(d, 6) ? 1 : 0;
	uint64_t for_ms = dice_span(d, 2 * MINUTE, 2 * HOUR);

	if (dice_one_in(
		d, 4)) { /* its servers alone: the database is there, and open */
		add(p, PLAN_DEAD, at_ms, for_ms)->who = who;
	} else {
		add(p, PLAN_DISASTER, at_ms, for_ms)->who = who;
		if (dice_one_in(d, 2))
			add(p, PLAN_SILENT, at_ms, for_ms)->who = who;
	}
	if (!dice_one_in(d, 3) && who < p->agents)
		add(p, PLAN_CRASH, at_ms, for_ms)->who = who;
}

static void
add_scene(struct dice *d, struct plan *p, uint64_t at_ms)
{
	uint64_t more = dice_draw(d, 7);

	if (!dice_one_in(d, 5))
		add_disaster(d, p, at_ms);
	else
		add_order(d, p, at_ms);
	for (uint64_t k = 0; k < more; k++) {
		uint64_t ms = at_ms + dice_span(d, SECOND, 40 * MINUTE);

		switch (dice_draw(d, 7)) {
		case 0:
			add_link(d, p, ms);
			break;
		case 1:
		case 2:
			add_agent(d, p, ms);
			break;
		case 3:
			add_zone(d, p, ms);
			break;
		case 4:
			add_order(d, p, ms);
			break;
		default:
			add_site(d, p, ms);
			break;
		}
	}
}

void
plan_draw_recovery(struct plan *p, uint64_t seed, uint64_t hours)
{
	struct dice d = {seed * 0x2545f4914f6cdd1du + 0x7654321};

	memset(p, 0, sizeof *p);
	p->seed = seed;
	p->recovery = true;
	p->run_ms = hours * HOUR;
	p->members = dice_one_in(&d, 8) ? 3 : 2;
	p->agents = 3 + (uint32_t)(dice_draw(&d, 4) * dice_draw(&d, 3) / 3);
	p->slots = 1;
	draw_service(&d, p);
	uint64_t scenes = 1 + hours * (1 + dice_draw(&d, 4)) / 2;
	for (uint64_t k = 0; k < scenes; k++)
		add_scene(&d, p, 2 * MINUTE + dice_draw(&d, p->run_ms - 2 * MINUTE));
}

void
plan_describe_recovery(const struct plan *p, FILE *to)
{
	static const char *const fills[] = {
	    "empty", "none", "act", "healthy", "lag", "time", "approve"};
	const struct rule_scenario *r = &p->rule.plan;

	fprintf(to, "  %s%s, trigger %d%s%s, catch up %llu ms, fence %s\n",
	    scenario_kind_word(r->kind), r->shadow ? " (shadow)" : "", (int)r->trigger,
	    p->database ? "" : ", no database", r->has_lag ? "" : ", no lag",
	    (unsigned long long)r->catch_up_ms,
	    p->fence_reaches ? "reaches" : "reaches no dead site");
	for (int s = 0; s < SLOTS; s++) {
		const struct rule_step *x = &r->step[s];

		if (x->fill != FILL_EMPTY)
			fprintf(to, "    %-16s %s%s%s%s%s %llu ms, %u retries\n",
			    slot_word((enum slot)s), fills[x->fill],
			    x->fenced ? " fenced" : "", x->aws ? " aws" : "",
			    x->once ? " once" : "", x->go_on ? " continue" : "",
			    (unsigned long long)x->timeout_ms, (unsigned)x->retries);
	}
}

/* ---- playing ---- */

void
plan_make_sites(struct world *w, const struct plan *p)
{
	sites_make(w, p->rule.plan.kind);
	for (int f = 0; f < WORLD_FILES; f++) {
		w->file[f].rule.plan = p->rule.plan;
		w->file[f].rule.stateful = p->rule.stateful;
	}
	w->sites->database = p->database;
	w->sites->fence_reaches = p->fence_reaches;
	w->sites->odds = p->odds;
	w->sites->lag_ms = p->lag_ms;
	w->sites->operator_on = true;
}

void
plan_calm_sites(struct world *w, const struct plan *p)
{
	struct sites *s = w->sites;

	s->odds = (struct site_odds){.dies = 0};
	s->death = DEATH_NOT;
	s->lag_ms = p->rule.plan.catch_up_ms / 2;
	s->lag_silent = s->lag_unknown = false;
	s->diligent = true;
	for (uint32_t m = 0; m < p->members; m++)
		sites_kill(w, (char)('a' + m), false);
}

void
plan_score_sites(const struct world *w, struct plan_score *score)
{
	const struct sites *s = w->sites;

	score->runs += s->runs_ended;
	score->aborted += s->runs_aborted;
	score->acts += s->acts_begun;
	score->taken_over += s->taken_over;
	score->repoints += s->repoints;
	score->refused += s->late_refused;
	score->deaths += s->deaths;
	score->drills += s->drills;
	score->approvals += s->approvals;
	score->skips += s->skips;
}

static bool
is_away(const struct world *w)
{
	return world_weight(w, 'a') == 0;
}

void
plan_all_recover(struct world *w, const struct plan *p)
{
	struct scenario_plan plan;
	struct ledger l;

	law_run_ends(w, 48 * HOUR);
	for (uint32_t k = 0; k < 12 && is_away(w) && !p->rule.plan.shadow; k++) {
		sites_order(w, k % w->agents, ORDER_FAILBACK);
		world_run(w, 5 * MINUTE); /* or steering returns it by itself */
		law_run_ends(w, 48 * HOUR);
	}
	if (is_away(w) && !p->rule.plan.shadow)
		world_broken(w, 16, "the service does not come home");
	WORLD_MUST(w, world_ledger(w, &l) && !sites_run(w, &l, &plan));
	if (l.lock_holder != 0)
		world_broken(w, 16, "there is no run, and the lock is held");
}
