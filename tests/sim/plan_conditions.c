/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions as a function of the faults that last: made anew at each of their edges. */
#include <string.h>

#include "tests/sim/plan.h"

static bool
lasts(const struct plan_fault *f, uint64_t now_ms)
{
	return f->at_ms <= now_ms && now_ms < f->at_ms + f->for_ms;
}

bool
plan_is_steady(enum plan_kind k)
{
	return k < PLAN_RELOAD || (k >= PLAN_OUT && k <= PLAN_DNS) ||
	    (k >= PLAN_DISASTER && k <= PLAN_LAG_MUTE);
}

/* ---- conditions: a function of what lasts ---- */

void
plan_clear(struct world *w)
{
	struct world_faults counted = w->faults;

	w->faults = (struct world_faults){
	    .lose_answers = counted.lose_answers,
	    .lose_changes = counted.lose_changes,
	    .late_changes = counted.late_changes,
	    .late_ms = counted.late_ms,
	    .stale_reads = counted.stale_reads,
	    .stale_by = counted.stale_by,
	    .torn_reads = counted.torn_reads,
	};
	memset(w->link_cut, 0, sizeof w->link_cut);
	memset(w->link, 0, sizeof w->link);
	w->conf.settle_ms = 5000;
	for (uint32_t i = 0; i < WORLD_AGENTS; i++) {
		struct world_agent *a = &w->agent[i];

		a->blind = a->stunned = a->liar = a->cut = false;
		a->doubt = DOUBT_NOT;
		a->wall_skew_s = 0;
		memset(a->path_loss, 0, sizeof a->path_loss);
	}
}

static void
set_endpoint(struct world *w, struct world_endpoint *e, const struct plan_fault *f)
{
	static const enum world_kind kinds[] = {
	    [PLAN_DEAD] = ENDPOINT_REFUSED,
	    [PLAN_SILENT] = ENDPOINT_SILENT,
	    [PLAN_GREY] = ENDPOINT_GREY,
	    [PLAN_BY_TURNS] = ENDPOINT_ALTERNATING,
	    [PLAN_LOADED] = ENDPOINT_LOADED,
	    [PLAN_HALF] = ENDPOINT_REFUSED,
	};

	(void)w;
	*e = (struct world_endpoint){
	    .kind = kinds[f->kind],
	    .p = f->p,
	    .since_ms = f->at_ms,
	    .period_ms = f->ms + 1,
	    .slots = f->kind == PLAN_HALF ? 1 : 0,
	    .others = f->n,
	};
}

static void
set_island(struct world *w, const struct plan_fault *f)
{
	for (uint32_t i = 0; i < w->agents; i++)
		for (uint32_t k = 0; k < w->agents; k++) {
			bool in_i = f->n >> i & 1, in_k = f->n >> k & 1;

			if (in_i && !in_k)
				w->link_cut[i][k] = true;
			if (!in_i && in_k && f->p <= 0.5)
				w->link_cut[i][k] = true;
		}
}

static void
set_link(struct world *w, const struct plan_fault *f)
{
	for (uint32_t k = 0; k < w->agents; k++) {
		struct world_link *out = &w->link[f->who][k], *in = &w->link[k][f->who];

		if (f->kind == PLAN_LOSS && f->p > out->loss)
			out->loss = f->p;
		if (f->kind == PLAN_DELAY)
			out->delay_ms = in->delay_ms = f->ms;
		if (f->kind == PLAN_JITTER)
			out->jitter_ms = f->ms + 1;
		if (f->kind == PLAN_TWICE)
			out->twice = true;
	}
}

static void
set_agent(struct world *w, const struct plan_fault *f, struct plan_wanted *x)
{
	struct world_agent *a = &w->agent[f->who];

	switch (f->kind) {
	case PLAN_BLIND:
		a->blind = true;
		return;
	case PLAN_PATH:
		a->path_loss[f->to] =
		    f->p > a->path_loss[f->to] ? f->p : a->path_loss[f->to];
		return;
	case PLAN_STUNNED:
		a->stunned = true;
		return;
	case PLAN_CANARIES:
		a->doubt = DOUBT_CANARIES;
		return;
	case PLAN_LIAR:
		a->liar = true;
		return;
	case PLAN_CLOCK:
		a->wall_skew_s = (int64_t)(f->ms / 1000) - 3600;
		return;
	case PLAN_CUT_API:
		a->cut = true;
		return;
	case PLAN_WIPED:
		x->wiped[f->who] = true;
		x->crashed[f->who] = true;
		return;
	case PLAN_CRASH:
		x->crashed[f->who] = true;
		return;
	case PLAN_PAUSE:
		x->paused[f->who] = true;
		return;
	case PLAN_CLONE:
		x->cloned = (int32_t)f->who;
		return;
	default:
		return;
	}
}

static void
set_zone(struct world *w, const struct plan_fault *f)
{
	w->faults.out |= f->kind == PLAN_OUT;
	w->faults.throttle |= f->kind == PLAN_THROTTLE;
	w->faults.dns_silent |= f->kind == PLAN_DNS;
	if (f->kind == PLAN_SLOW)
		w->faults.slow_ms = f->ms;
	if (f->kind == PLAN_SLOW_INSYNC)
		w->conf.settle_ms = f->ms + 5000;
}

static void
set_sites(struct world *w, const struct plan *p)
{
	struct sites *s = w->sites;
	bool dead[MEMBERS_MAX] = {false};

	s->lag_ms = p->lag_ms;
	s->lag_silent = s->lag_unknown = false;
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		if (!lasts(f, w->now_ms))
			continue;
		if (f->kind == PLAN_DISASTER)
			dead[f->who] = true;
		if (f->kind == PLAN_LAG)
			s->lag_ms = f->ms;
		if (f->kind == PLAN_LAG_MUTE)
			*(f->p > 0.5 ? &s->lag_unknown : &s->lag_silent) = true;
	}
	for (uint32_t m = 0; m < p->members; m++)
		sites_kill(w, (char)('a' + m), dead[m]);
}

void
plan_set_conditions(struct world *w, const struct plan *p, struct plan_wanted *x)
{
	struct world_endpoint was[26];

	memcpy(was, w->endpoint, sizeof was);
	memset(w->endpoint, 0, sizeof w->endpoint);
	plan_clear(w);
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct plan_fault *f = &p->fault[i];

		if (!lasts(f, w->now_ms) || !plan_is_steady(f->kind) ||
		    f->kind >= PLAN_DISASTER)
			continue;
		if (f->kind <= PLAN_HALF)
			set_endpoint(w, &w->endpoint[f->who], f);
		else if (f->kind == PLAN_CUT)
			w->link_cut[f->who][f->to] = true;
		else if (f->kind == PLAN_ISLAND)
			set_island(w, f);
		else if (f->kind >= PLAN_LOSS && f->kind <= PLAN_TWICE)
			set_link(w, f);
		else if (f->kind >= PLAN_OUT)
			set_zone(w, f);
		else
			set_agent(w, f, x);
	}
	if (w->sites != NULL)
		set_sites(w, p);
}
