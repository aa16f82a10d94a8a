/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents as processes: their probes, on the prober's own grid, and how they start, die,
 * pause, reload and take orders. A start begins a new life: what was under way for the
 * last one finds nobody.
 */
#include "tests/sim/world_parts.h"

#include <assert.h>
#include <string.h>

/* ---- probes ---- */

static enum outcome
probe_outcome(struct world *w, struct world_agent *a, uint32_t m, uint64_t *took_ms)
{
	const char *name = w->file[a->file].rule.member[m].name;
	const struct world_endpoint *e = &w->endpoint[name[0] - 'a'];
	bool bad = false;

	*took_ms = w->conf.rtt_ms;
	if (a->way[m] == WAY_UNKNOWN)
		return OUTCOME_UNKNOWN;
	if (a->blind || a->way[m] != WAY_OPEN || e->kind == ENDPOINT_SILENT) {
		*took_ms = w->conf.timeout_ms;
		return OUTCOME_FAIL;
	}
	switch (e->kind) {
	case ENDPOINT_WELL:
	case ENDPOINT_SILENT:
		break;
	case ENDPOINT_REFUSED:
		bad = true;
		break;
	case ENDPOINT_GREY:
		bad = (double)world_roll(w, 1u << 30) < e->p * (double)(1u << 30);
		break;
	case ENDPOINT_ALTERNATING:
		bad = (w->now_ms - e->since_ms) % e->period_ms < e->period_ms / 2;
		break;
	}
	return bad ? OUTCOME_FAIL : OUTCOME_PASS;
}

static void
push_probe(struct world_agent *a, uint32_t m, uint64_t at_ms)
{
	struct event e = {
	    .at_ms = at_ms,
	    .kind = EVENT_PROBE,
	    .agent = a->self,
	    .life = a->life,
	    .member = m,
	};

	world_push(a->world, &e);
}

void
world_begin_probe(struct world *w, const struct event *e)
{
	uint64_t took_ms;
	enum outcome o = probe_outcome(w, &w->agent[e->agent], e->member, &took_ms);
	struct event done = *e;

	done.kind = EVENT_SAMPLE;
	done.at_ms = w->now_ms + took_ms;
	done.start_ms = w->now_ms;
	done.outcome = o;
	world_push(w, &done);
}

/* As probe/schedule.c: after a failure `recheck`, else the jittered grid. */
static void
plan_probe(struct world_agent *a, uint32_t m, bool failed)
{
	struct world *w = a->world;
	uint64_t every_ms = w->conf.every_ms, gap_ms = w->conf.recheck_ms;
	uint64_t due_ms;

	if (failed) {
		push_probe(a, m, w->now_ms + w->conf.recheck_ms);
		return;
	}
	do
		a->grid_ms[m] += every_ms;
	while (a->grid_ms[m] <= w->now_ms);
	due_ms = a->grid_ms[m] - every_ms / 20 + world_roll(w, every_ms / 10 + 1);
	if (due_ms < w->now_ms + gap_ms / 2)
		due_ms = w->now_ms + gap_ms / 2;
	push_probe(a, m, due_ms);
}

void
world_end_probe(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	struct engine_in in = world_input(a, ENGINE_SAMPLE);

	if (e->member >= w->file[a->file].rule.members)
		return; /* the file has shrunk meanwhile */
	if (a->way[e->member] == WAY_STALLED) {
		plan_probe(a, e->member, false);
		return;
	}
	in.member = e->member;
	in.outcome = e->outcome;
	in.start_ms = e->start_ms + a->offset_ms;
	if (e->outcome == OUTCOME_FAIL)
		a->last_fail_ms[e->member] = w->now_ms;
	else if (e->outcome == OUTCOME_PASS)
		a->last_pass_ms[e->member] = w->now_ms;
	plan_probe(a, e->member, e->outcome == OUTCOME_FAIL);
	if (a->way[e->member] == WAY_LATE) {
		in.doubt = DOUBT_LATE;
		world_step(a, &in);
		in = world_input(a, ENGINE_FORGET);
		in.doubt = DOUBT_LATE;
	}
	world_step(a, &in);
}

/* ---- starting, stopping, reloading ---- */

static void
begin_probing(struct world_agent *a, uint32_t m)
{
	struct world *w = a->world;
	struct engine_in in = world_input(a, ENGINE_ADDRESS);

	in.member = m;
	world_step(a, &in);
	a->grid_ms[m] = w->now_ms + world_roll(w, w->conf.every_ms);
	push_probe(a, m, a->grid_ms[m]);
}

void
world_start(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];
	const struct rule_service *rule = &w->file[a->file].rule;

	assert(!a->running);
	a->running = true;
	a->paused = false;
	a->started_ms = w->now_ms;
	a->life++;
	a->changing = false;
	a->offset_ms = 1000000 + world_roll(w, 1000000000);
	memset(&a->picture, 0, sizeof a->picture);
	memset(a->last_heard_ms, 0, sizeof a->last_heard_ms);
	engine_init(a->g, rule, agent, zone_digest_wanted, a, w->now_ms + a->offset_ms);
	engine_resume(
	    a->g, a->stored_epoch, a->stored_nonce, a->open_epoch, a->open_nonce);
	a->report_ms = w->now_ms + world_roll(w, rule->report_ms);
	a->dns_ms = w->now_ms + world_roll(w, 10 * SECOND);
	for (uint32_t m = 0; m < rule->members; m++)
		if (!rule->member[m].last_resort)
			begin_probing(a, m);
	say_line(w, "agent %u starts", (unsigned)agent);
}

void
world_stop(struct world *w, uint32_t agent)
{
	w->agent[agent].running = false;
	w->agent[agent].life++;
	say_line(w, "agent %u is killed", (unsigned)agent);
}

void
world_pause(struct world *w, uint32_t agent)
{
	w->agent[agent].paused = true;
	w->agent[agent].paused_ms = w->now_ms;
	say_line(w, "agent %u is paused", (unsigned)agent);
}

void
world_wake(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	if (!a->running || !a->paused)
		return;
	a->paused = false;
	say_line(w, "agent %u wakes", (unsigned)agent);
	struct engine_in in = world_input(a, ENGINE_FORGET);
	if (w->now_ms - a->paused_ms > 2000)
		in.doubt = DOUBT_GAP;
	else
		in.event = ENGINE_TICK;
	world_step(a, &in);
}

void
world_wipe_store(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	a->stored_epoch = a->stored_nonce = a->open_epoch = a->open_nonce = 0;
}

void
world_reload(struct world *w, uint32_t agent, uint32_t file)
{
	struct world_agent *a = &w->agent[agent];
	struct engine *scratch = malloc(sizeof *scratch);
	const struct rule_service *was = &w->file[a->file].rule;
	const struct rule_service *is = &w->file[file].rule;

	assert(scratch != NULL && a->running);
	say_line(w, "agent %u reloads file %u", (unsigned)agent, (unsigned)file);
	engine_reload(a->g, is, agent, scratch);
	free(scratch);
	a->file = file;
	for (uint32_t m = was->members; m < is->members; m++)
		begin_probing(a, m);
	struct engine_in in = world_input(a, ENGINE_TICK);
	world_step(a, &in);
}

void
world_order(
    struct world *w, uint32_t agent, enum order_kind kind, char member, uint64_t for_s)
{
	struct world_agent *a = &w->agent[agent];
	struct engine_in in = world_input(a, ENGINE_ORDER);
	struct order o = {
	    .kind = kind, .id = (uint32_t)(1 + world_roll(w, 1000)), .for_s = for_s};

	for (uint32_t m = 0; m < w->file[a->file].rule.members; m++)
		if (w->file[a->file].rule.member[m].name[0] == member)
			o.member = m;
	say_line(
	    w, "order %s %c at agent %u", order_word(kind), member, (unsigned)agent);
	in.order = &o;
	world_step(a, &in);
}
