/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 16, judged from outside the engines: by what stands at the sites, what acts
 * were begun and how they ended, what the zone holds, and who told what.
 *
 *  never two open sides, but by an operator's word     law_sides(), law_opening()
 *  a side that is open is one that the ledger says may be   law_sides()
 *  nothing is frozen before the lag gate, and a planned way loses nothing
 *                                                      check_freeze(), law_opening()
 *  one holder, one act; fences rise; nothing is begun late or on another's ledger
 *                                                      law_starting()
 *  who lost the lock, or its peers, kills its step     law_act_stepped()
 *  who says that the holder is lost has not heard it   note_lost()
 * and in sites_laws_run.c, at each commit:
 *  taken over only from who is lost                    check_takeover()
 *  never repointed before ready by quorum              check_repoint()
 *  no step is passed over, none again                  check_progress()
 *  an abort leaves a side open, or says so             check_end()
 *  every run comes to its end                          law_run_ends()
 *  the service is moved by its scenario alone          check_mover()
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

#define LATE_MS (15 * SECOND) /* a version is too old to begin an act on */
#define LOST_MS (60 * SECOND)
#define SLACK_MS (2 * SECOND)

static const struct rule_scenario *
plan_of(const struct world *w)
{
	return &w->file[0].rule.plan;
}

static bool
is_database(const struct world *w)
{
	return w->sites->database && !plan_of(w)->shadow;
}

/* ---- sides ---- */

void
law_sides(struct world *w, const char *what)
{
	struct sites *s = w->sites;
	uint32_t p = plan_of(w)->primary, r = plan_of(w)->recovery;
	struct ledger l;

	if (!is_database(w) || s->both_allowed)
		return;
	if (sites_open(w) == '2')
		world_broken(w, 16, "both sides are open after %s", what);
	if (!world_ledger(w, &l) || s->blurred)
		return;
	uint32_t may = ledger_sides(&l);
	if ((s->side[p].open && !(may & SIDE_PRIMARY)) ||
	    (s->side[r].open && !(may & SIDE_RECOVERY)))
		world_broken(w, 16,
		    "after %s a side is open that the ledger says is closed "
		    "(open: %s%s, may be: %u)",
		    what, s->side[p].open ? "primary " : "",
		    s->side[r].open ? "recovery" : "", (unsigned)may);
}

/* An opening act is about to do its work. */
void
law_opening(struct world *w, const struct site_act *x)
{
	struct sites *s = w->sites;
	uint32_t site = x->act.site;
	uint32_t other = site == x->act.from ? x->act.to : x->act.from;

	if (!is_database(w) || s->side[site].open)
		return;
	if (s->side[other].open && !s->both_allowed)
		world_broken(w, 16, "%s opens %c, and %c was never closed",
		    slot_word(x->act.slot), (int)('a' + site), (int)('a' + other));
	if (s->side[other].open)
		return;
	uint64_t lost = x->act.slot == SLOT_RESTORE
	    ? (s->side[other].rows > s->backup_rows
		      ? s->side[other].rows - s->backup_rows
		      : 0)
	    : sites_behind(w, other, site);
	struct ledger l;
	bool planned = (x->act.way == RUN_FAILBACK || x->act.way == RUN_SWITCHOVER) &&
	    world_ledger(w, &l) && !l.run.aborting;
	s->rows_lost += lost;
	say_line(w, "%llu ms of rows are lost", (unsigned long long)lost);
	if (planned && lost > 0 && site == x->act.to && !s->excused && !s->blurred &&
	    !s->both_allowed)
		world_broken(w, 16, "a planned %s loses %llu ms of rows at %s",
		    run_way_word(x->act.way), (unsigned long long)lost,
		    slot_word(x->act.slot));
}

/* ---- beginning ---- */

static void
check_freeze(struct world_agent *a, const struct scenario_act *act)
{
	struct world *w = a->world;
	struct sites *s = w->sites;
	const struct engine_lag *lag = &s->lag[a->index];
	bool planned = act->way == RUN_FAILBACK || act->way == RUN_SWITCHOVER;
	struct ledger l;

	if (act->slot != SLOT_FREEZE || !planned || s->excused ||
	    plan_of(w)->kind == SCENARIO_BACKUP_RESTORE || act->tries > 1 ||
	    !world_ledger(w, &l) || l.run.aborting)
		return;
	/* another agent may have passed the gate; then it is that agent's sample */
	for (uint32_t i = 0; i < w->agents; i++)
		if (s->lag_at_ms[i] != 0 && s->lag[i].known &&
		    s->lag[i].lag_ms <= plan_of(w)->catch_up_ms)
			return;
	world_broken(w, 16, "%c freezes, and the lag is %llu ms (known: %d)",
	    (int)('A' + a->index), (unsigned long long)lag->lag_ms, lag->known);
}

static void
check_hands(struct world_agent *a, const struct scenario_act *act)
{
	struct world *w = a->world;
	struct sites *s = w->sites;

	for (uint32_t i = 0; i < s->acts; i++) {
		const struct site_act *x = &s->act[i];
		const struct world_agent *by = &w->agent[x->agent];

		if (!x->in_hand || x->killed || by->paused)
			continue;
		if (x->agent == a->index)
			world_broken(w, 16, "%c begins fence %llu with %llu in hand",
			    (int)('A' + a->index), (unsigned long long)act->fence,
			    (unsigned long long)x->act.fence);
		world_broken(w, 16, "%c begins fence %llu, and %c has %llu in hand",
		    (int)('A' + a->index), (unsigned long long)act->fence,
		    (int)('A' + x->agent), (unsigned long long)x->act.fence);
	}
}

void
law_starting(struct world_agent *a, const struct scenario_act *act)
{
	struct world *w = a->world;
	struct sites *s = w->sites;
	const struct rule_service *rule = &w->file[a->file].rule;
	uint32_t number = rule->agent[a->self].number;
	struct ledger l;

	if (act->fence <= s->fence_started)
		world_broken(w, 16, "fence %llu follows %llu",
		    (unsigned long long)act->fence,
		    (unsigned long long)s->fence_started);
	s->fence_started = act->fence;
	if (!world_ledger(w, &l))
		return;
	if (l.lock_holder != number && l.run.id == act->run)
		world_broken(w, 16, "%c begins %s, and another holds the lock",
		    (int)('A' + a->index), slot_word(act->slot));
	if (l.fence < act->fence)
		world_broken(w, 16, "%c begins %s with a fence that was never written",
		    (int)('A' + a->index), slot_word(act->slot));
	if (s->sent_by == a->index && l.fence == act->fence &&
	    (w->now_ms - s->sent_ms) * 999 / 1000 > LATE_MS)
		world_broken(w, 16, "%c begins %s %llu ms after it sent its turn",
		    (int)('A' + a->index), slot_word(act->slot),
		    (unsigned long long)(w->now_ms - s->sent_ms));
	if (act->way == RUN_FAILOVER &&
	    rule->agent[a->self].member == (int32_t)rule->plan.primary)
		world_broken(w, 16, "%c, at the failed site, runs the fail-over",
		    (int)('A' + a->index));
	check_hands(a, act);
	check_freeze(a, act);
	if (scenario_opens(act->slot) && is_database(w) && !s->both_allowed) {
		uint32_t other = act->site == act->from ? act->to : act->from;

		if (s->side[other].open)
			world_broken(w, 16,
			    "%c begins to open %c, and %c is not closed",
			    (int)('A' + a->index), (int)('a' + act->site),
			    (int)('a' + other));
	}
}

/* ---- with every step ---- */

static uint32_t
hears(const struct world *w, const struct world_agent *a)
{
	uint64_t fresh_ms = w->file[a->file].rule.fresh_ms * 1001 / 1000;
	uint32_t n = 1;

	for (uint32_t i = 0; i < w->agents; i++)
		n += i != a->self && a->heard[i].date_ms != 0 &&
		    w->now_ms - a->heard[i].date_ms <= fresh_ms;
	return n;
}

/* Who says that the holder is lost has not heard it for a minute. */
static void
note_lost(struct world_agent *a)
{
	struct world *w = a->world;
	const struct rule_service *rule = &w->file[a->file].rule;
	const struct report *r = engine_report(a->g);

	if (!r->holder_lost)
		return;
	w->sites->told_lost_ms[a->index] = w->now_ms;
	for (uint32_t i = 0; i < rule->agents; i++) {
		const struct world_heard *h = &a->heard[i];

		if (rule->agent[i].number != a->g->ledger.lock_holder)
			continue;
		if (i == a->self)
			world_broken(w, 16, "%c says of itself that it is lost",
			    (int)('A' + a->index));
		if (h->date_ms != 0 &&
		    (w->now_ms - h->date_ms) * 1001 / 1000 + SECOND < LOST_MS)
			world_broken(w, 16,
			    "%c says that %c is lost, and heard it %llu ms ago",
			    (int)('A' + a->index), (int)('A' + i),
			    (unsigned long long)(w->now_ms - h->date_ms));
	}
}

static void
note_up(struct world_agent *a)
{
	const struct report *r = engine_report(a->g);

	for (uint32_t m = 0; m < r->members; m++)
		if (r->member[m].vote == VOTE_UP)
			a->world->sites->told_up_ms[a->index][m] = a->world->now_ms + 1;
}

void
law_act_stepped(struct world_agent *a)
{
	struct world *w = a->world;
	struct sites *s = w->sites;
	const struct rule_service *rule = &w->file[a->file].rule;
	uint64_t *lonely_ms = &s->lonely_ms[a->index];

	note_up(a);
	note_lost(a);
	if (hears(w, a) >= law_quorum(rule))
		*lonely_ms = 0;
	else if (*lonely_ms == 0)
		*lonely_ms = w->now_ms;
	for (uint32_t i = s->acts; i > 0; i--) {
		const struct site_act *x = &s->act[i - 1];

		if (x->agent != a->index)
			continue;
		if (!x->in_hand || x->killed)
			return;
		if (*lonely_ms != 0 && w->now_ms - *lonely_ms > LATE_MS + SLACK_MS)
			world_broken(w, 16,
			    "%c hears too few for %llu ms and goes on with its %s",
			    (int)('A' + a->index),
			    (unsigned long long)(w->now_ms - *lonely_ms),
			    slot_word(x->act.slot));
		if (a->g->believed &&
		    a->g->ledger.lock_holder != rule->agent[a->self].number)
			world_broken(w, 16,
			    "%c knows that it has not the lock and goes on with its %s",
			    (int)('A' + a->index), slot_word(x->act.slot));
		return;
	}
}
