/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Playing a run: at each beginning or end of a fault the conditions are made anew from
 * all faults that last, then the world runs to the next. After the last hour faults end,
 * and invariant 12 is asked: within 60 s all agree, and who is well comes back.
 */
#include "tests/sim/plan.h"

#include <assert.h>
#include <string.h>

#define AGREE_MS (60 * SECOND)
#define RETURN_MS (36 * MINUTE) /* the longest hold, a ramp, and some reading */

/* ---- lives ---- */

static void
set_lives(struct world *w, const struct plan_wanted *x)
{
	for (uint32_t i = 0; i < w->agents; i++) {
		struct world_agent *a = &w->agent[i];
		bool up = !x->crashed[i];

		if (w->sites != NULL)
			w->sites->grounded[i] = !up;
		if (a->running && a->paused && (!x->paused[i] || !up))
			world_wake(w, i);
		if (a->running && !up)
			world_stop(w, i);
		if (!a->running && x->wiped[i])
			world_wipe_store(w, i);
		if (!a->running && up)
			world_start(w, i);
		if (a->running && !a->paused && x->paused[i])
			world_pause(w, i);
	}
	if (w->clones > 0 && (int32_t)w->agent[w->agents].self != x->cloned)
		world_stop(w, w->agents);
	if (w->clones == 0 && x->cloned >= 0 && w->agent[x->cloned].running &&
	    !w->agent[x->cloned].paused)
		(void)world_clone(w, (uint32_t)x->cloned);
	if (w->clones > 0) {
		struct world_agent *c = &w->agent[w->agents], *a = &w->agent[c->self];

		c->blind = a->blind;
		c->cut = a->cut;
	}
}

/* ---- what happens at one moment ---- */

static void
order(struct world *w, const struct plan_fault *f)
{
	struct world_agent *a = &w->agent[f->who];
	enum order_kind kind = (enum order_kind)f->n;

	if (a->running && !a->paused)
		world_order(w, f->who, kind, (char)('a' + f->to), f->ms / 1000 + 1);
}

static bool
has_set(const struct world *w, char member)
{
	return world_weight(w, member) >= 0;
}

static void
lay_hand(struct world *w, const struct plan_fault *f)
{
	switch (f->kind) {
	case PLAN_EDIT:
		if (has_set(w, (char)('a' + f->who)))
			world_edit(w, (char)('a' + f->who), (uint8_t)f->n);
		return;
	case PLAN_RESTORE:
		if (w->versions > f->n + 1)
			world_restore(w, f->n);
		return;
	case PLAN_DELETE:
		world_write_text(w, NULL);
		return;
	case PLAN_GARBLE:
		world_write_text(w, "v=spf1 -all");
		return;
	case PLAN_ADD:
		if (w->zone.sets > 0 && !has_set(w, 'z'))
			world_add_set(w, "z", (uint8_t)f->n);
		return;
	default:
		return;
	}
}

static void
strike(struct world *w, const struct plan_fault *f)
{
	switch (f->kind) {
	case PLAN_LOSE_ANSWERS:
		w->faults.lose_answers = f->n;
		return;
	case PLAN_LOSE_CHANGES:
		w->faults.lose_changes = f->n;
		return;
	case PLAN_LATE:
		w->faults.late_changes = f->n;
		w->faults.late_ms = f->ms;
		return;
	case PLAN_STALE:
		w->faults.stale_reads = 1;
		w->faults.stale_by = f->n;
		return;
	case PLAN_TORN:
		w->faults.torn_reads = f->n;
		return;
	case PLAN_ORDER:
		order(w, f);
		return;
	case PLAN_RUNNER:
		w->sites->death = (enum act_death)f->n;
		w->sites->death_slot = SLOT_NONE;
		return;
	case PLAN_RELOAD:
		if (w->agent[f->who].running && !w->agent[f->who].paused)
			world_reload(w, f->who, 1);
		return;
	default:
		lay_hand(w, f);
		return;
	}
}

/* ---- the end ---- */

static bool
stuck(const struct world *w)
{
	for (uint32_t i = 0; i < w->agents; i++) {
		const struct engine *g = w->agent[i].g;
		enum cannot c = engine_report(g)->cannot;

		if (g->watch.frozen != FROZEN_NOT || c == CANNOT_ADOPT ||
		    c == CANNOT_FOREIGN || g->standing == WATCH_WAIT)
			return true;
	}
	return false;
}

/* An operator's freeze stands here and in no ledger yet: half an hour at most. Nothing is
 * written meanwhile, so that an unknown outcome stays open too. */
static bool
is_ordered_still(const struct engine *g)
{
	bool any = g->local_freeze;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		any |= g->heard_freeze[a].id != 0;
	return any;
}

static bool
agree(const struct world *w, char *why, size_t why_bytes)
{
	struct ledger l;

	if (!world_ledger(w, &l)) {
		(void)snprintf(why, why_bytes, "there is no ledger");
		return false;
	}
	for (uint32_t i = 0; i < w->agents; i++) {
		const struct engine *g = w->agent[i].g;

		if (g->ledger.epoch == l.epoch && g->ledger.nonce[0] == l.nonce[0] &&
		    g->watch.frozen == FROZEN_NOT &&
		    ((g->cannot == CANNOT_NOT && !g->unknown) || is_ordered_still(g)))
			continue;
		(void)snprintf(why, why_bytes,
		    "faults ended, and agent %u does not agree: epoch %llu of %llu, %s, "
		    "%s%s",
		    (unsigned)i, (unsigned long long)g->ledger.epoch,
		    (unsigned long long)l.epoch, frozen_word(g->watch.frozen),
		    cannot_word(g->cannot), g->unknown ? ", unknown" : "");
		return false;
	}
	return true;
}

/* All on one file, for a roll-out ends some day. */
static void
finish_rollout(struct world *w)
{
	bool any = false;

	for (uint32_t i = 0; i < w->agents; i++)
		any |= w->agent[i].file == 1;
	for (uint32_t i = 0; i < w->agents && any; i++)
		if (w->agent[i].file != 1)
			world_reload(w, i, 1);
}

/* Two agents or more are eight versions behind, so that fewer than Q others can vouch
 * for what they read: by the rules (DESIGN.md §5) they wait for an operator. */
static bool
all_wait(const struct world *w)
{
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < w->agents; i++)
		waiting += w->agent[i].g->standing == WATCH_WAIT;
	return waiting > 0 && w->agents - waiting < w->agents / 2 + 1;
}

static uint32_t helped; /* runs in which that was so */

uint32_t
plan_helped(void)
{
	return helped;
}

static void
end_faults(struct world *w, const struct plan *p)
{
	struct plan_wanted x = {.cloned = -1};
	char why[200];

	plan_clear(w);
	memset(w->endpoint, 0, sizeof w->endpoint);
	w->faults = (struct world_faults){0};
	if (w->sites != NULL)
		plan_calm_sites(w, p);
	set_lives(w, &x);
	finish_rollout(w);
	say_line(w, "faults end");
	w->moved_ms = w->now_ms;
	uint32_t was_helped = helped;
	bool agreed = false, any = false;
	for (int k = 0; k < 20 && !agreed; k++) {
		/* an operator helps where only an operator may */
		bool help = k % 4 == 3 && (p->hands ? stuck(w) : all_wait(w));
		if (help)
			/* at one whose last order is not on its way for ever */
			world_order(w, (uint32_t)(p->recovery ? k / 4 : k) % w->agents,
			    ORDER_ADOPT, 'a', 0);
		any |= help;
		world_run(w, AGREE_MS / 4);
		agreed = agree(w, why, sizeof why);
		if (k >= 3 && !p->hands && !any)
			break;
	}
	helped = was_helped + (any && !p->hands);
	for (int k = 0; k < 50 && !agreed; k++) { /* a step of a ramp is under way? */
		world_run(w, 100);
		agreed = agree(w, why, sizeof why);
	}
	if (!agreed)
		world_broken(w, 12, "%s", why);
}

static void
all_come_back(struct world *w, const struct plan *p)
{
	const struct rule_service *r = &w->file[0].rule;
	struct ledger l;
	char why[200];

	/* who is idle sees a hand's work after five minutes only */
	world_run(w, p->hands ? 7 * MINUTE : 0);
	for (uint32_t k = 0; k < 4 && p->hands && stuck(w); k++) {
		world_order(w, k % w->agents, ORDER_ADOPT, 'a', 0);
		world_run(w, MINUTE);
	}
	world_run(w, RETURN_MS);
	WORLD_MUST(w, world_ledger(w, &l));
	int64_t now_s = WORLD_WALL + (int64_t)(w->now_ms / 1000);
	for (uint32_t m = 0; m < l.members; m++) {
		const struct ledger_member *x = &l.member[m];

		if (!x->out || ledger_order_stands(&x->drain, now_s - 2400) ||
		    x->latched || ledger_order_stands(&l.freeze, now_s - 2400) ||
		    (!r->failback_auto && !x->by_order) ||
		    ledger_count_since(x->return_wall_s, x->returns, now_s - 2400,
			WINDOW_HOUR_S) >= r->return_per_hour)
			continue;
		world_broken(w, 12, "%s is well and out for %u minutes: %s", x->name,
		    (unsigned)(RETURN_MS / MINUTE),
		    block_word(w->agent[0].g->limiter.block[m]));
	}
	for (int k = 0; k < 50 && !agree(w, why, sizeof why); k++)
		world_run(w, 100);
	if (!agree(w, why, sizeof why))
		world_broken(w, 12, "%s", why);
	for (uint32_t i = 0; i < w->agents; i++)
		if (is_ordered_still(w->agent[i].g))
			world_broken(w, 12, "agent %u obeys a freeze that is long over",
			    (unsigned)i);
}

/* ---- the run ---- */

static struct world *
make_world(const struct plan *p, bool plodding)
{
	struct world *w = world_new(p->seed, p->members, p->agents);
	struct rule_service *r = &w->file[0].rule;

	*r = p->rule;
	w->conf.slots = p->slots;
	/* After a freeze or an outage of the API everybody's last word is "I cannot", so
	 * nobody waits for anybody: one change each, or two, all but one lost. */
	w->conf.burst = WORLD_BURST;
	w->conf.plodding = plodding;
	w->conf.forgetful = true;
	w->conf.no_hands = !p->hands;
	w->file[1].rule = *r;
	if (p->fast)
		world_fast(w);
	if (r->stateful)
		r->hold_ms *= 20;
	w->file[1] = w->file[0];
	w->file[1].rule.policy_hash ^= 0xff;
	w->file[1].answers = 1;
	if (p->recovery)
		plan_make_sites(w, p);
	for (uint32_t a = 0; a < p->agents; a++)
		w->agent[a].drift_ppm = p->drift_ppm[a];
	return w;
}

static uint64_t
next_edge_ms(const struct plan *p, uint64_t now_ms)
{
	uint64_t next_ms = p->run_ms;

	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		if (f->at_ms > now_ms && f->at_ms < next_ms)
			next_ms = f->at_ms;
		if (f->at_ms + f->for_ms > now_ms && f->at_ms + f->for_ms < next_ms)
			next_ms = f->at_ms + f->for_ms;
	}
	return next_ms;
}

static void
tell_edge(struct world *w, const struct plan *p)
{
	if (!world_tracing())
		return;
	for (uint32_t i = 0; i < p->faults; i++) {
		if (p->fault[i].at_ms == w->now_ms)
			say_line(w, "FAULT %u begins: kind %d", (unsigned)i,
			    (int)p->fault[i].kind);
		else if (p->fault[i].at_ms + p->fault[i].for_ms == w->now_ms)
			say_line(w, "FAULT %u ends", (unsigned)i);
	}
}

/* ---- invariant 12 in the midst: a dead site is out within the bound ---- */

/* The one fault that lasts since then, with nothing else for three minutes before. */
static const struct plan_fault *
lone_death(const struct plan *p, uint64_t since_ms)
{
	const struct plan_fault *dead = NULL;

	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		if (f->at_ms > since_ms || f->at_ms + f->for_ms + 3 * MINUTE < since_ms)
			continue;
		if (dead != NULL || f->at_ms != since_ms ||
		    (f->kind != PLAN_DEAD && f->kind != PLAN_SILENT))
			return NULL;
		dead = f;
	}
	return dead;
}

static bool
may_stay(const struct world *w, uint32_t m)
{
	for (uint32_t i = 0; i < w->agents; i++) {
		const struct engine *g = w->agent[i].g;
		enum block b = g->limiter.block[m];

		if (b == BLOCK_PINNED || b == BLOCK_FROZEN || b == BLOCK_FLOOR ||
		    b == BLOCK_MAX_OUT || b == BLOCK_CAPACITY || b == BLOCK_ALL_DOWN ||
		    g->watch.frozen != FROZEN_NOT || g->standing != WATCH_TAKE ||
		    g->cannot == CANNOT_POLICY)
			return true;
	}
	return false;
}

static void
check_dead(struct world *w, const struct plan *p, uint64_t since_ms)
{
	const struct rule_service *r = &w->file[0].rule;
	const struct plan_fault *f = lone_death(p, since_ms);
	struct ledger l;

	/* where few would be left the hold is tenfold; ranks, spacing, reading */
	if (f == NULL || p->recovery ||
	    w->now_ms - since_ms < 10 * r->hold_ms + MINUTE ||
	    r->member[f->who].last_resort || !world_ledger(w, &l) ||
	    l.members <= f->who || l.member[f->who].out)
		return;
	if (!may_stay(w, f->who))
		world_broken(w, 12, "dead %s is not out after %llu s",
		    r->member[f->who].name,
		    (unsigned long long)(w->now_ms - since_ms) / 1000);
}

/* For a while after it reports may be old though the ways are clean. */
static void
note_moved(struct world *w, const struct plan *p)
{
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		if (f->kind >= PLAN_CUT && f->kind <= PLAN_CLONE &&
		    (f->at_ms == w->now_ms || f->at_ms + f->for_ms == w->now_ms))
			w->moved_ms = w->now_ms;
	}
}

static struct world *now_playing;

static void
play(struct world *w, const struct plan *p)
{
	world_begin(w);
	while (w->now_ms < p->run_ms) {
		struct plan_wanted x = {.cloned = -1};

		tell_edge(w, p);
		note_moved(w, p);
		plan_set_conditions(w, p, &x);
		set_lives(w, &x);
		for (uint32_t i = 0; i < p->faults; i++)
			if (p->fault[i].at_ms == w->now_ms &&
			    !plan_is_steady(p->fault[i].kind))
				strike(w, &p->fault[i]);
		uint64_t since_ms = w->now_ms;
		world_run(w, next_edge_ms(p, since_ms) - since_ms);
		check_dead(w, p, since_ms);
	}
	end_faults(w, p);
	if (p->recovery)
		plan_all_recover(w, p);
	else
		all_come_back(w, p);
}

void
plan_play(const struct plan *p, bool plodding, struct plan_score *score)
{
	struct world *w = now_playing = make_world(p, plodding);

	play(w, p);
	if (score != NULL) {
		score->commits += w->commits;
		score->drains += w->drains;
		score->returns += w->returns;
		score->swaps += w->swaps;
		score->steps += w->steps;
		score->agent_ms += w->now_ms * w->agents;
		score->digest = w->digest;
		if (w->sites != NULL)
			plan_score_sites(w, score);
		for (int k = 0; k < FACT_KINDS; k++)
			score->fact_count[k] += w->fact_count[k];
		if (w->worst_hour > score->worst_hour)
			score->worst_hour = w->worst_hour;
	}
	now_playing = NULL;
	world_end(w);
}

struct trial {
	const struct plan *plan;
	struct plan_score *score;
};

static void
try(void *arg)
{
	const struct trial *t = arg;

	plan_play(t->plan, false, t->score);
}

bool
plan_holds(const struct plan *p, struct plan_score *score, char *why, size_t why_bytes)
{
	struct trial t = {p, score};
	bool broke = world_broke(try, &t, why, why_bytes);

	if (broke && now_playing != NULL)
		world_end(now_playing);
	now_playing = NULL;
	return !broke;
}
