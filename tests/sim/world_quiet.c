/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Until when does nothing change for an agent, if only time passes and what is live or
 * lazy goes on as it does? Every rule that reads a clock is named here with its moment;
 * a moment too many costs a step that does nothing, one too few would show in
 * test_quiet.c, which plays the same worlds without any of this.
 */
#include "steering/core/engine_parts.h"
#include "tests/sim/world_parts.h"

#define WARM_UP_MS 60000 /* engine_sense.c */
#define CREATE_MS 60000  /* engine_decide.c */
#define HANGS_MS 3000    /* engine_decide.c */
#define HEARD_MS 10000   /* engine_zone.c */

struct due {
	uint64_t now_ms; /* boot-time clock of the agent */
	uint64_t ms;
};

static void
at(struct due *d, uint64_t ms)
{
	if (ms > d->now_ms && ms < d->ms)
		d->ms = ms;
}

static void
ballots(const struct world_agent *a, struct due *d)
{
	const struct engine *g = a->g;

	for (uint32_t i = 0; i < g->rule->agents; i++) {
		const struct ballot *b = &g->ballot[i];

		if (i == a->self || !b->heard || a->heard[i].live)
			continue;
		at(d, b->sent_ms + g->rule->fresh_ms + 1);
		at(d, b->sent_ms + EVIDENCE_AGE_MS_MAX + 1);
		at(d, b->sent_ms + g->rule->silent_ms + 1);
	}
}

/* A live peer that speaks of a version we have not found: look now and then. */
static void
versions(const struct world_agent *a, struct due *d)
{
	const struct engine *g = a->g;

	for (uint32_t i = 0; i < g->rule->agents; i++) {
		const struct ballot *b = &g->ballot[i];

		if (i == a->self || !a->heard[i].live || !b->heard ||
		    b->report.epoch <= g->watch.epoch)
			continue;
		uint64_t from_ms = world_from_boot_ms(a, g->read_done_ms + HEARD_MS);
		if (from_ms <= a->world->now_ms)
			from_ms = a->world->now_ms + 1;
		at(d, world_boot_ms(a, links_arrival_ms(a, i, from_ms)));
	}
}

static void
detectors(const struct world_agent *a, struct due *d)
{
	const struct engine *g = a->g;

	for (uint32_t m = 0; m < g->rule->members; m++)
		for (uint32_t s = 0; s < a->world->conf.slots; s++)
			if (!a->probe[m][s].lazy && g->detector[m][s].present)
				at(d,
				    g->detector[m][s].sample_ms +
					g->rule->member[m].detector.stale_ms + 1);
}

/* When the provider's clock will show wall_s. */
static void
at_wall(const struct world_agent *a, struct due *d, int64_t wall_s)
{
	int64_t in_s = wall_s - a->date_wall_s;

	if (a->date_wall_s != 0 && in_s > 0)
		at(d, a->date_boot_ms + (uint64_t)in_s * 1000);
}

static void
windows(const struct world_agent *a, struct due *d, const struct ledger_member *l)
{
	for (uint32_t i = 0; i < l->drains; i++)
		at_wall(a, d, l->drain_wall_s[i] + WINDOW_DAY_S + 1);
	for (uint32_t i = 0; i < l->returns; i++)
		at_wall(a, d, l->return_wall_s[i] + WINDOW_HOUR_S + 1);
	for (uint32_t i = 0; i < l->swaps; i++)
		at_wall(a, d, l->swap_wall_s[i] + WINDOW_HOUR_S + 1);
	if (l->drain.id != 0)
		at_wall(a, d, l->drain.expiry_wall_s);
	if (l->pin.id != 0)
		at_wall(a, d, l->pin.expiry_wall_s);
}

static void
members(const struct world_agent *a, struct due *d)
{
	const struct engine *g = a->g;
	int64_t wall_s = world_agent_wall_s(a);
	struct limiter_in lim;

	decide_limiter_in(g, wall_s, d->now_ms, &lim);
	for (uint32_t m = 0; m < g->rule->members; m++) {
		const struct ledger_member *l = &g->ledger.member[m];
		const struct hold *h = &g->hold[m];
		uint64_t need_ms[3] = {limiter_drain_hold_ms(&lim, m),
		    limiter_return_hold_ms(g->rule, l, wall_s), g->rule->swap_after_ms};

		windows(a, d, l);
		at(d, g->ramp_seen_ms[m] + g->rule->ramp_every_ms);
		at(d, g->ramp_seen_ms[m] + g->rule->fresh_ms);
		for (int k = 0; k < 3; k++)
			at(d, g->ramp_seen_ms[m] + need_ms[k]);
		if (!h->running)
			continue;
		for (int k = 0; k < 3; k++)
			if (need_ms[k] > h->held_ms)
				at(d, h->mark_ms + need_ms[k] - h->held_ms);
	}
}

uint64_t
quiet_until_ms(const struct world_agent *a)
{
	const struct engine *g = a->g;
	uint64_t now_ms = world_boot_ms(a, a->world->now_ms);
	struct due d = {now_ms, UINT64_MAX};
	struct engine_in in = {
	    .now_ms = now_ms, .dns_silent = a->world->faults.dns_silent};
	uint64_t pace_ms = zone_pace_due_ms(g, &in);

	if (pace_ms <= now_ms)
		return a->world->now_ms + 1;
	at(&d, pace_ms);
	at(&d, decide_due_ms(g, &in));
	if (g->reading)
		at(&d, g->read_began_ms + HANGS_MS + 1);
	at(&d, g->write_next_ms);
	if (!g->warm)
		at(&d, g->start_ms + WARM_UP_MS);
	if (!g->believed && g->first_up_ms != 0)
		at(&d, g->first_up_ms + CREATE_MS);
	if (g->spaced_seen_ms != 0)
		at(&d, g->spaced_seen_ms + g->rule->spacing_ms);
	if (g->ledger.freeze.id != 0)
		at_wall(a, &d, g->ledger.freeze.expiry_wall_s);
	if (g->local_freeze)
		at(&d, g->freeze_until_ms);
	for (uint32_t i = 0; i < g->rule->agents; i++)
		if (g->heard_freeze[i].id != 0)
			at(&d, g->heard_freeze[i].until_ms);
	ballots(a, &d);
	versions(a, &d);
	detectors(a, &d);
	if (g->has_ledger)
		members(a, &d);
	return d.ms == UINT64_MAX ? UINT64_MAX : world_from_boot_ms(a, d.ms);
}
