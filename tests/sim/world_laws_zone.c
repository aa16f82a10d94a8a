/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants that are about the zone alone: other people's records (10), outcomes that
 * nobody knows (13), and how often it is called (14).
 */
#include "tests/sim/world_parts.h"

/* ---- 10: foreign records never change ---- */

static const struct world_set *
set_of(const struct world_zone *z, char site)
{
	for (uint32_t i = 0; i < z->sets; i++)
		if (z->set[i].name[0] == site)
			return &z->set[i];
	return NULL;
}

void
law_foreign(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct intent *intent)
{
	bool root = next->root == next->epoch;

	if (was_ledger && strcmp(old->cluster, w->file[0].rule.cluster) != 0)
		world_broken(
		    w, 10, "the ledger of cluster %s is overwritten", old->cluster);
	if (was->present && !was_ledger && !root)
		world_broken(w, 10, "what was no ledger of ours is overwritten");
	if (!was->present && was->sets > 0 && intent->kind == INTENT_CREATE)
		world_broken(w, 10, "records that nobody adopted are overwritten");
	for (uint32_t i = 0; i < was->sets; i++) {
		char site = was->set[i].name[0];
		const struct world_set *is = set_of(&w->zone, site);

		if (w->edited[site - 'a'] && !root &&
		    (is == NULL || is->weight != was->set[i].weight))
			world_broken(
			    w, 10, "%c was edited by hand and is overwritten", site);
		if (root)
			w->edited[site - 'a'] = false;
	}
}

/* ---- 13: no decision on an unknown outcome without a compare-and-swap ---- */

/* Is that change of its still on its way, and would the zone take it? */
static bool
may_come(const struct world *w, uint64_t nonce)
{
	for (uint32_t i = 0; i < w->events; i++) {
		const struct event *e = &w->event[w->heap[i].slot];
		const struct late_change *c = e->late;

		if (e->kind == EVENT_LATE && c->next.nonce[0] == nonce && !c->create &&
		    w->zone.present && strcmp(w->zone.text, c->picture.text) == 0)
			return true;
	}
	return false;
}

void
law_stepped(struct world_agent *a, const struct engine_out *out)
{
	law_told(a, out);
	for (uint32_t i = 0; i < out->facts; i++) {
		const struct fact *f = &out->fact[i];

		/* a restored zone may bring back what a change stood on */
		if (f->kind == FACT_CLOSED && strcmp(f->value, "void") == 0 &&
		    !a->world->restored && may_come(a->world, f->nonce))
			world_broken(a->world, 13,
			    "agent %u holds a change for void that may still be applied",
			    (unsigned)a->self);
	}
}

/* ---- 14: API rate within budget ---- */

void
law_calling(struct world *w, struct world_agent *a)
{
	uint64_t *call_ms = &w->call_ms[w->calls++ % WORLD_CALLS];

	/* The demand alone; an account's bucket is kept by zone/budget.c. The fast profile
	 * reads thrice as often where endpoints do not make up their minds. */
	uint64_t span_ms = w->file[0].rule.report_ms < SECOND ? MINUTE / 3 : MINUTE;

	if (w->calls > WORLD_CALLS && w->now_ms - *call_ms < span_ms)
		world_broken(w, 14, "%d calls of the API in %llu ms (agent %u)",
		    WORLD_CALLS, (unsigned long long)(w->now_ms - *call_ms),
		    (unsigned)a->self);
	*call_ms = w->now_ms;
}

void
law_burst(struct world *w, struct world_agent *a)
{
	uint32_t burst = w->conf.burst;
	uint64_t *send_ms = &w->send_ms[w->changes++ % burst];

	if (w->changes > burst && w->now_ms - *send_ms < SECOND)
		world_broken(w, 14, "%d changes sent in %llu ms (agent %u)",
		    (int)burst + 1, (unsigned long long)(w->now_ms - *send_ms),
		    (unsigned)a->self);
	*send_ms = w->now_ms;
}
