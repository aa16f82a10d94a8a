/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands at the sites, and what an act does there. A site's refusal of a lower
 * fence and its work are one transaction, as they must be at a real one.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

/* ---- making ---- */

static void
fill(struct rule_scenario *r, enum slot s, uint64_t timeout_ms)
{
	r->step[s] = (struct rule_step){
	    .fill = FILL_ACT, .fenced = true, .timeout_ms = timeout_ms, .retries = 1};
}

static void
fill_slots(struct rule_scenario *r)
{
	bool cold = r->kind == SCENARIO_PILOT_LIGHT;
	bool multi = r->kind == SCENARIO_MULTI_SITE;

	r->step[SLOT_BEGIN].timeout_ms = HOUR;
	r->step[SLOT_READY].timeout_ms = 30 * MINUTE;
	r->step[SLOT_REWEIGHT].timeout_ms = 30 * MINUTE;
	r->step[SLOT_CAUGHT_UP].timeout_ms = HOUR;
	r->step[SLOT_CAUGHT_UP_FULLY].timeout_ms = 10 * MINUTE;
	r->step[SLOT_REPOINT].timeout_ms = 10 * MINUTE;
	fill(r, SLOT_FENCE, MINUTE);
	fill(r, SLOT_FREEZE, MINUTE);
	fill(r, SLOT_UNFREEZE, MINUTE);
	if (r->kind == SCENARIO_BACKUP_RESTORE) {
		fill(r, SLOT_RESTORE, 30 * MINUTE);
		fill(r, SLOT_PROVISION, 10 * MINUTE);
		fill(r, SLOT_BACKUP, 30 * MINUTE);
		return;
	}
	fill(r, SLOT_PROMOTE, 5 * MINUTE);
	fill(r, SLOT_REVERSE, 30 * MINUTE);
	if (cold) {
		fill(r, SLOT_PROVISION, 10 * MINUTE);
		fill(r, SLOT_ATTACH, MINUTE);
		return;
	}
	fill(r, SLOT_SCALE_OUT, 2 * MINUTE);
	if (!multi) {
		fill(r, SLOT_SCALE_UP, 10 * MINUTE);
		fill(r, SLOT_SCALE_IN, 2 * MINUTE);
	}
}

void
sites_fill(struct rule_service *r, enum scenario_kind kind)
{
	struct rule_scenario *s = &r->plan;

	r->scenario = true;
	if (kind != SCENARIO_MULTI_SITE) {
		r->policy = POLICY_FAILOVER;
		r->stateful = true;
	}
	memset(s, 0, sizeof *s);
	(void)snprintf(s->name, sizeof s->name, "dr");
	s->kind = kind;
	s->trigger = TRIGGER_COMMAND;
	s->primary = 0;
	s->recovery = 1;
	s->has_lag = true;
	s->catch_up_ms = 10 * SECOND;
	fill_slots(s);
}

void
sites_make(struct world *w, enum scenario_kind kind)
{
	struct sites *x = calloc(1, sizeof *x);

	assert(x != NULL && w->sites == NULL);
	w->sites = x;
	x->database = true;
	x->fence_reaches = true;
	x->lag_ms = 500;
	x->backup_every_ms = HOUR;
	for (uint32_t m = 0; m < MEMBERS_MAX; m++)
		x->side[m] = (struct site_side){.follows = -1, .serves = true};
	x->side[0].open = true;
	bool cold = kind == SCENARIO_BACKUP_RESTORE || kind == SCENARIO_PILOT_LIGHT;
	x->side[1].serves = !cold;
	if (kind != SCENARIO_BACKUP_RESTORE)
		x->side[1].follows = 0;
	for (int f = 0; f < WORLD_FILES; f++)
		sites_fill(&w->file[f].rule, kind);
	w->conf.burst = WORLD_BURST; /* each step is a change */
}

void
sites_free(struct world *w)
{
	free(w->sites);
	w->sites = NULL;
}

/* ---- rows ---- */

static void
grow(struct site_side *s, uint64_t now_ms)
{
	if (s->open && !s->dead) {
		if (s->wrote_until_ms != s->settled_ms || s->wrote_from_ms == 0)
			s->wrote_from_ms = s->settled_ms;
		s->rows += now_ms - s->settled_ms;
		s->wrote_until_ms = now_ms;
	}
	s->settled_ms = now_ms;
}

static uint64_t
rows_at(const struct site_side *s, uint64_t at_ms)
{
	if (at_ms >= s->wrote_until_ms)
		return s->rows;
	if (at_ms < s->wrote_from_ms)
		at_ms = s->wrote_from_ms;
	return s->rows - (s->wrote_until_ms - at_ms);
}

static uint64_t
ago(const struct world *w)
{
	return w->now_ms > w->sites->lag_ms ? w->now_ms - w->sites->lag_ms : 0;
}

void
sites_settle(struct world *w)
{
	struct sites *x = w->sites;

	for (uint32_t m = 0; m < w->file[0].rule.members; m++)
		grow(&x->side[m], w->now_ms);
	for (uint32_t m = 0; m < w->file[0].rule.members; m++) {
		struct site_side *s = &x->side[m];

		if (s->follows < 0 || s->dead || x->side[s->follows].dead)
			continue;
		uint64_t got = rows_at(&x->side[s->follows], ago(w));
		if (got > s->rows)
			s->rows = got;
	}
}

uint64_t
sites_behind(struct world *w, uint32_t from, uint32_t to)
{
	sites_settle(w);
	uint64_t had = w->sites->side[from].rows, has = w->sites->side[to].rows;
	return had > has ? had - has : 0;
}

/* ---- who is there ---- */

char
sites_open(const struct world *w)
{
	char open = '\0';

	for (uint32_t m = 0; m < w->file[0].rule.members; m++) {
		const struct site_side *s = &w->sites->side[m];

		if (s->open && !s->dead)
			open = open != '\0' ? '2' : (char)('a' + m);
	}
	return open;
}

bool
sites_serve(const struct world *w, uint32_t m)
{
	return !w->sites->side[m].dead && w->sites->side[m].serves;
}

void
sites_change(struct world *w)
{
	w->disturbed = true;
}

void
sites_kill(struct world *w, char member, bool dead)
{
	struct site_side *s = &w->sites->side[member - 'a'];

	if (s->dead == dead)
		return;
	sites_settle(w);
	s->dead = dead;
	say_line(w, "site %c %s", member, dead ? "is lost" : "is there again");
	sites_change(w);
	law_sides(w, "it came back");
}

/* ---- work ---- */

static void
open_side(struct world *w, uint32_t m, uint32_t other)
{
	struct site_side *s = &w->sites->side[m], *o = &w->sites->side[other];

	s->open = true;
	s->owed = false;
	s->follows = -1;
	if (!o->open && o->follows < 0)
		o->wrote_from_ms = o->wrote_until_ms;
}

static void
follow(struct world *w, uint32_t m, uint32_t source)
{
	struct site_side *s = &w->sites->side[m], *o = &w->sites->side[source];

	if (o->dead)
		return;
	s->open = s->owed = false;
	s->follows = (int32_t)source;
	s->rows = rows_at(o, ago(w)); /* a fresh base: what it had of its own is gone */
}

void
sites_perform(
    struct world *w, enum slot slot, uint32_t from, uint32_t to, uint32_t site)
{
	struct sites *x = w->sites;
	uint32_t other = site == from ? to : from;

	sites_settle(w);
	switch (slot) {
	case SLOT_FENCE:
	case SLOT_FREEZE:
		x->side[site].open = x->side[site].owed = false;
		break;
	case SLOT_PROMOTE:
		open_side(w, site, other);
		break;
	case SLOT_RESTORE:
		x->side[site].rows = x->backup_rows;
		open_side(w, site, other);
		break;
	case SLOT_UNFREEZE:
		open_side(w, site, other);
		/* the other, if it is closed, becomes the copy again */
		if (!x->side[other].open &&
		    w->file[0].rule.plan.kind != SCENARIO_BACKUP_RESTORE)
			follow(w, other, site);
		break;
	case SLOT_REVERSE:
		follow(w, site, other);
		break;
	case SLOT_BACKUP:
		x->backup = true;
		x->backup_rows = x->side[site].rows;
		x->backup_began_ms = w->now_ms;
		break;
	case SLOT_PROVISION:
	case SLOT_SCALE_OUT:
		x->side[site].serves = true;
		break;
	case SLOT_NONE:
	case SLOT_BEGIN:
	case SLOT_ATTACH:
	case SLOT_SCALE_UP:
	case SLOT_READY:
	case SLOT_REWEIGHT:
	case SLOT_REPOINT:
	case SLOT_CAUGHT_UP:
	case SLOT_CAUGHT_UP_FULLY:
	case SLOT_SCALE_IN:
	case SLOTS:
		break;
	}
	sites_change(w);
	law_sides(w, slot_word(slot));
}

/* Is there anything that can do it? */
static bool
reached(const struct world *w, const struct site_act *x)
{
	const struct sites *s = w->sites;
	uint32_t other = x->act.site == x->act.from ? x->act.to : x->act.from;

	if (x->act.slot == SLOT_RESTORE && !s->backup)
		return false;
	if (x->act.slot == SLOT_REVERSE && s->side[other].dead)
		return false;
	return !s->side[x->act.site].dead ||
	    (x->act.slot == SLOT_FENCE && s->fence_reaches);
}

void
sites_work(struct world *w, struct site_act *x)
{
	struct sites *s = w->sites;
	struct site_side *side = &s->side[x->act.site];

	if (x->over || !reached(w, x))
		return;
	if (x->step.fenced && x->act.fence < side->fence) {
		x->refused = true;
		s->late_refused++;
		say_line(w, "%s with fence %llu is refused: %llu was seen",
		    slot_word(x->act.slot), (unsigned long long)x->act.fence,
		    (unsigned long long)side->fence);
		return;
	}
	if (x->step.fenced)
		side->fence = x->act.fence;
	say_line(w, "%s with fence %llu does its work at %c%s", slot_word(x->act.slot),
	    (unsigned long long)x->act.fence, (int)('a' + x->act.site),
	    x->in_hand ? "" : ", and nobody waits for it");
	if (!x->in_hand && !x->step.fenced && !scenario_opens(x->act.slot))
		s->blurred = true;
	if (scenario_opens(x->act.slot) && s->database)
		law_opening(w, x);
	x->worked = true;
	sites_perform(w, x->act.slot, x->act.from, x->act.to, x->act.site);
}

/* ---- runs, for tests ---- */

bool
sites_run(const struct world *w, struct ledger *l, struct scenario_plan *plan)
{
	if (!world_ledger(w, l) || l->run.id == 0)
		return false;
	scenario_plan(&w->file[0].rule.plan, &l->run, plan);
	return true;
}

enum slot
sites_slot(const struct world *w)
{
	struct scenario_plan plan;
	struct ledger l;

	if (!sites_run(w, &l, &plan) || l.run.step >= plan.steps)
		return SLOT_NONE;
	return (enum slot)plan.slot[l.run.step];
}

bool
sites_await_end(struct world *w, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms;
	struct scenario_plan plan;
	struct ledger l;

	while (sites_run(w, &l, &plan) && w->now_ms < end_ms)
		world_run(w, 100);
	return !sites_run(w, &l, &plan);
}

bool
sites_await(struct world *w, enum slot slot, enum run_state state, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms;
	struct scenario_plan plan;
	struct ledger l;

	for (; w->now_ms < end_ms; world_run(w, 50)) {
		if (!sites_run(w, &l, &plan))
			return false;
		if (l.run.state == state &&
		    (slot == SLOT_NONE || sites_slot(w) == slot))
			return true;
	}
	return false;
}
