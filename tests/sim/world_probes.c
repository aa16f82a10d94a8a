/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Probes, on the prober's own grid. A probe of an endpoint that is plainly well (or
 * plainly dead), by an agent that knows it already, changes nothing but counters that
 * only grow: it is lazy, and settled by arithmetic when its agent is next stepped.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

/* How a probe that begins now will end. */
struct fate {
	enum outcome outcome;
	uint64_t took_ms;
	bool certain; /* and every later one, until somebody disturbs the world */
};

static bool
is_loaded(const struct world *w, const struct world_endpoint *e, char name)
{
	uint32_t answering = 0;

	for (uint32_t i = 0; i < w->zone.sets; i++)
		answering +=
		    w->zone.set[i].name[0] != name && w->zone.set[i].weight > 0;
	return answering < e->others;
}

static struct fate
endpoint_fate(const struct world_agent *a, uint32_t m, uint32_t slot)
{
	const struct world *w = a->world;
	char name = w->file[a->file].rule.member[m].name[0];
	const struct world_endpoint *e = &w->endpoint[name - 'a'];
	struct fate well = {OUTCOME_PASS, w->conf.rtt_ms, true};
	struct fate refused = {OUTCOME_FAIL, w->conf.rtt_ms, true};
	struct fate x;

	if (w->sites != NULL && e->kind != ENDPOINT_SILENT && !sites_serve(w, m))
		return refused;
	if (e->slots != 0 && slot >= e->slots)
		return well;
	switch (e->kind) {
	case ENDPOINT_WELL:
		return well;
	case ENDPOINT_REFUSED:
		return refused;
	case ENDPOINT_SILENT:
		return (struct fate){OUTCOME_FAIL, w->conf.timeout_ms, true};
	case ENDPOINT_LOADED:
		return is_loaded(w, e, name) ? refused : well;
	case ENDPOINT_GREY:
		x = world_chance(
			w, 2, a->index << 8 | m << 4 | slot, w->now_ms, a->life) < e->p
		    ? refused
		    : well;
		x.certain = false;
		return x;
	case ENDPOINT_ALTERNATING:
		x = (w->now_ms - e->since_ms) % e->period_ms < e->period_ms / 2
		    ? refused
		    : well;
		x.certain = false;
		return x;
	}
	return well;
}

static struct fate
probe_fate(const struct world_agent *a, uint32_t m, uint32_t slot)
{
	const struct world *w = a->world;
	struct fate x = endpoint_fate(a, m, slot);
	struct fate lost = {OUTCOME_FAIL, w->conf.timeout_ms, true};

	if (a->stunned || a->way[m] == WAY_UNKNOWN)
		return (struct fate){OUTCOME_UNKNOWN, w->conf.rtt_ms, false};
	if (a->way[m] == WAY_STALLED || a->way[m] == WAY_LATE) {
		lost.certain = false;
		return lost;
	}
	if (a->blind || a->way[m] == WAY_LOST || a->path_loss[m] >= 1)
		return lost;
	if (a->path_loss[m] > 0) {
		lost.certain = x.certain = false;
		if (world_chance(w, 3, a->index << 8 | m << 4 | slot, w->now_ms,
			a->life) < a->path_loss[m])
			return lost;
	}
	return x;
}

static void
push_probe(struct world_agent *a, uint32_t m, uint32_t slot, enum event_kind kind,
    const struct fate *x)
{
	const struct world_probe *p = &a->probe[m][slot];
	struct event e = {
	    .at_ms = kind == EVENT_PROBE ? p->next_ms : p->next_ms + x->took_ms,
	    .kind = kind,
	    .agent = a->index,
	    .life = a->life,
	    .round = a->round,
	    .member = m,
	    .slot = slot,
	    .start_ms = p->next_ms,
	    .outcome = x->outcome,
	};

	world_push(a->world, &e);
}

/* ---- the schedule: as probe/schedule.c ---- */

static uint64_t
grid_due_ms(const struct world_agent *a, uint32_t m, uint32_t slot, uint64_t grid_ms)
{
	uint64_t every_ms = a->world->conf.every_ms;

	return grid_ms - every_ms / 20 +
	    world_hash(a->world, 4, a->index << 8 | m << 4 | slot, grid_ms, 0) %
	    (every_ms / 10 + 1);
}

/* After a failure `recheck`, else the jittered grid. done_ms: the last one's end. */
static void
plan_probe(
    struct world_agent *a, uint32_t m, uint32_t slot, bool failed, uint64_t done_ms)
{
	const struct world_conf *c = &a->world->conf;
	struct world_probe *p = &a->probe[m][slot];

	if (failed) {
		p->next_ms = done_ms + c->recheck_ms;
		return;
	}
	if (p->grid_ms <= done_ms)
		p->grid_ms += ((done_ms - p->grid_ms) / c->every_ms + 1) * c->every_ms;
	else
		p->grid_ms += c->every_ms;
	p->next_ms = grid_due_ms(a, m, slot, p->grid_ms);
	if (p->next_ms < done_ms + c->recheck_ms / 2)
		p->next_ms = done_ms + c->recheck_ms / 2;
}

/* ---- lazy ---- */

/* Would one more such outcome be no news? */
static bool
is_settled(const struct world_agent *a, uint32_t m, uint32_t slot, enum outcome o)
{
	const struct detector *d = &a->g->detector[m][slot];
	const struct rule_detector *rule = &a->g->rule->member[m].detector;

	if (!a->g->warm || !d->present || d->last != o ||
	    !detector_last_stands(d, rule, world_boot_ms(a, a->world->now_ms)))
		return false;
	return o == OUTCOME_PASS ? d->state == DETECTOR_UP && d->passes >= rule->rise
	    : o == OUTCOME_FAIL  ? d->state == DETECTOR_DOWN
				 : false;
}

static void
note_outcome(struct world_agent *a, uint32_t m, enum outcome o, uint64_t start_ms,
    uint64_t at_ms)
{
	(void)start_ms;
	if (o == OUTCOME_FAIL) {
		a->last_fail_ms[m] = at_ms;
		a->world->trouble_ms =
		    at_ms > a->world->trouble_ms ? at_ms : a->world->trouble_ms;
	} else if (o == OUTCOME_PASS) {
		a->last_pass_ms[m] = at_ms;
	} else {
		a->unknown_ms = at_ms;
	}
}

/* n more of the same, the last of them begun and ended then. */
static void
feed_many(struct world_agent *a, uint32_t m, uint32_t slot, uint64_t n,
    uint64_t start_ms, uint64_t end_ms)
{
	struct detector *d = &a->g->detector[m][slot];
	const struct rule_detector *rule = &a->g->rule->member[m].detector;
	enum outcome o = a->probe[m][slot].passes ? OUTCOME_PASS : OUTCOME_FAIL;

	uint32_t many = n > 1000000 ? 1000000 : (uint32_t)n;

	(void)detector_feed(
	    d, rule, o, world_boot_ms(a, start_ms), world_boot_ms(a, end_ms));
	if (o == OUTCOME_PASS)
		d->passes += many - 1;
	else
		d->fails += many - 1;
	d->risen += many - 1;
	note_outcome(a, m, o, start_ms, end_ms);
}

static void
settle_passing(struct world_agent *a, uint32_t m, uint32_t slot)
{
	const struct world *w = a->world;
	struct world_probe *p = &a->probe[m][slot];
	uint64_t every_ms = w->conf.every_ms, now_ms = w->now_ms;

	if (p->next_ms + p->took_ms > now_ms)
		return;
	/* next is one that began off the grid's jitter, or on it: n more grid points */
	uint64_t n = 0, start_ms = p->next_ms;
	uint64_t reach_ms = now_ms - p->took_ms + every_ms / 20;

	if (reach_ms > p->grid_ms)
		n = (reach_ms - p->grid_ms) / every_ms;
	while (n > 0 &&
	    grid_due_ms(a, m, slot, p->grid_ms + n * every_ms) + p->took_ms > now_ms)
		n--;
	if (n > 0) {
		p->grid_ms += n * every_ms;
		start_ms = grid_due_ms(a, m, slot, p->grid_ms);
	}
	feed_many(a, m, slot, n + 1, start_ms, start_ms + p->took_ms);
	plan_probe(a, m, slot, false, start_ms + p->took_ms);
}

static void
settle_failing(struct world_agent *a, uint32_t m, uint32_t slot)
{
	const struct world *w = a->world;
	struct world_probe *p = &a->probe[m][slot];
	uint64_t period_ms = p->took_ms + w->conf.recheck_ms;

	if (p->next_ms + p->took_ms > w->now_ms)
		return;
	uint64_t n = (w->now_ms - p->next_ms - p->took_ms) / period_ms;
	uint64_t start_ms = p->next_ms + n * period_ms;

	feed_many(a, m, slot, n + 1, start_ms, start_ms + p->took_ms);
	plan_probe(a, m, slot, true, start_ms + p->took_ms);
}

void
probes_settle(struct world_agent *a)
{
	uint32_t slots = a->world->conf.slots;

	for (uint32_t m = 0; m < a->g->rule->members; m++)
		for (uint32_t s = 0; s < slots; s++) {
			if (!a->probe[m][s].lazy)
				continue;
			if (a->probe[m][s].passes)
				settle_passing(a, m, s);
			else
				settle_failing(a, m, s);
		}
}

/* Makes an event of it again: of its end, when it has begun already. */
static void
wake_probe(struct world_agent *a, uint32_t m, uint32_t slot)
{
	struct world_probe *p = &a->probe[m][slot];
	struct fate x = {p->passes ? OUTCOME_PASS : OUTCOME_FAIL, p->took_ms, true};

	p->lazy = false;
	push_probe(a, m, slot,
	    p->next_ms <= a->world->now_ms ? EVENT_SAMPLE : EVENT_PROBE, &x);
}

void
probes_resync(struct world_agent *a)
{
	uint32_t slots = a->world->conf.slots;

	probes_settle(a);
	for (uint32_t m = 0; m < a->g->rule->members; m++)
		for (uint32_t s = 0; s < slots; s++) {
			struct world_probe *p = &a->probe[m][s];
			if (!p->lazy)
				continue;
			struct fate x = probe_fate(a, m, s);
			enum outcome was = p->passes ? OUTCOME_PASS : OUTCOME_FAIL;
			if (!x.certain || x.outcome != was || x.took_ms != p->took_ms ||
			    !is_settled(a, m, s, was))
				wake_probe(a, m, s);
		}
}

static void
schedule(struct world_agent *a, uint32_t m, uint32_t slot)
{
	struct world *w = a->world;
	struct world_probe *p = &a->probe[m][slot];
	struct fate none = {OUTCOME_UNKNOWN, 0, false};

	p->lazy = false;
	p->grid_ms = p->next_ms = w->now_ms +
	    world_hash(w, 5, a->index << 8 | m << 4 | slot, w->now_ms, a->life) %
		w->conf.every_ms;
	push_probe(a, m, slot, EVENT_PROBE, &none);
}

/* ---- events ---- */

void
probe_event(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];

	if (e->member >= w->file[a->file].rule.members)
		return; /* the file has shrunk meanwhile */
	struct fate x = probe_fate(a, e->member, e->slot);
	a->probe[e->member][e->slot].next_ms = w->now_ms;
	push_probe(a, e->member, e->slot, EVENT_SAMPLE, &x);
}

/* The next one: an event, unless it will be no news. */
static void
next_probe(
    struct world_agent *a, uint32_t m, uint32_t slot, enum outcome o, uint64_t took_ms)
{
	struct world_probe *p = &a->probe[m][slot];
	struct fate x = probe_fate(a, m, slot);

	p->lazy = !a->world->conf.plodding && x.certain && x.outcome == o &&
	    x.took_ms == took_ms && is_settled(a, m, slot, o);
	p->passes = o == OUTCOME_PASS;
	p->took_ms = took_ms;
	if (!p->lazy)
		push_probe(a, m, slot, EVENT_PROBE, &x);
}

void
sample_event(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	uint32_t m = e->member, slot = e->slot;

	if (m >= w->file[a->file].rule.members)
		return;
	if (a->way[m] == WAY_STALLED) {
		schedule(a, m, slot);
		return;
	}
	bool news = w->conf.plodding || !is_settled(a, m, slot, e->outcome) ||
	    w->now_ms >= a->wake_ms;
	if (news) {
		struct engine_in in = world_input(a, ENGINE_SAMPLE);
		in.member = m;
		in.slot = slot;
		in.outcome = e->outcome;
		in.start_ms = world_boot_ms(a, e->start_ms);
		note_outcome(a, m, e->outcome, e->start_ms, w->now_ms);
		uint32_t round = a->round, life = a->life;
		if (a->way[m] == WAY_LATE)
			in.doubt = DOUBT_LATE;
		world_step(a, &in);
		if (a->way[m] == WAY_LATE) {
			in = world_input(a, ENGINE_FORGET);
			in.doubt = DOUBT_LATE;
			world_step(a, &in);
		}
		if (!a->running || a->round != round || a->life != life)
			return;
	} else {
		w->pokes++;
		(void)detector_feed(&a->g->detector[m][slot],
		    &a->g->rule->member[m].detector, e->outcome,
		    world_boot_ms(a, e->start_ms), world_boot_ms(a, w->now_ms));
		note_outcome(a, m, e->outcome, e->start_ms, w->now_ms);
	}
	plan_probe(a, m, slot, e->outcome == OUTCOME_FAIL, w->now_ms);
	next_probe(a, m, slot, e->outcome, w->now_ms - e->start_ms);
}

/* ---- beginning ---- */

void
probes_address(struct world_agent *a, uint32_t m)
{
	for (uint32_t s = 0; s < a->world->conf.slots; s++) {
		struct engine_in in = world_input(a, ENGINE_ADDRESS);

		in.member = m;
		in.slot = s;
		world_step(a, &in);
	}
}

void
probes_begin(struct world_agent *a, uint32_t m)
{
	/* of a file before the last: its addresses are unknown again */
	memset(a->probe[m], 0, sizeof a->probe[m]);
	probes_address(a, m);
	for (uint32_t s = 0; s < a->world->conf.slots; s++)
		schedule(a, m, s);
}

void
probes_again(struct world_agent *a)
{
	const struct rule_service *rule = a->g->rule;

	a->round++;
	for (uint32_t m = 0; m < rule->members; m++)
		for (uint32_t s = 0; s < a->world->conf.slots; s++)
			if (!rule->member[m].last_resort)
				schedule(a, m, s);
}
