/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents as processes: how they start, die, pause, are cloned, reload and take orders.
 * A start begins a new life: what was under way for the last one finds nobody.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

/* ---- starting and stopping ---- */

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
	a->boot = w->now_ms * 4096 + 16 * (a->life % 256) + a->index + 1;
	a->changing = false;
	a->helds = 0;
	a->offset_ms = 1000000 + world_hash(w, 12, agent, a->life, 0) % 1000000000;
	a->date_wall_s = 0;
	a->shaken_ms = a->settled_ms = 0;
	a->unable_ms = w->now_ms;
	memset(&a->picture, 0, sizeof a->picture);
	memset(a->probe, 0, sizeof a->probe);
	memset(a->verdict_ms, 0, sizeof a->verdict_ms);
	memset(a->decided_ms, 0, sizeof a->decided_ms);
	a->open_seen_nonce = a->open_nonce;
	a->open_seen_epoch = a->create ? 0 : a->open_epoch;
	a->sent_nonce = 0;
	say_line(w, "agent %u starts", (unsigned)agent);
	engine_init(
	    a->g, rule, a->self, zone_digest_wanted, a, world_boot_ms(a, w->now_ms));
	engine_resume(
	    a->g, a->stored_epoch, a->stored_nonce, a->open_epoch, a->open_nonce);
	links_start(a);
	a->dns_ms = w->now_ms + world_hash(w, 13, agent, a->life, 0) % (10 * SECOND);
	a->settled_ms = a->dns_ms;
	if (w->sites != NULL)
		sites_started(a);
	for (uint32_t m = 0; m < rule->members; m++)
		if (!rule->member[m].last_resort)
			probes_begin(a, m);
	w->disturbed = true;
}

void
world_stop(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	if (a->running && !a->paused) {
		probes_settle(a);
		links_settle(a);
	}
	if (a->running && w->sites != NULL)
		sites_stopped(a);
	a->running = false;
	a->life++;
	w->disturbed = true;
	for (uint32_t m = 0; m < MEMBERS_MAX; m++)
		if (a->told_down_ms[m] == UINT64_MAX)
			a->told_down_ms[m] = a->paused ? a->paused_ms : w->now_ms;
	if (agent >= w->agents) {
		assert(w->clones == 1);
		w->clones = 0;
	}
	say_line(w, "agent %u is killed", (unsigned)agent);
}

void
world_pause(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	assert(a->running && !a->paused);
	probes_settle(a);
	links_settle(a);
	a->paused = true;
	a->paused_ms = w->now_ms;
	a->round++;
	w->disturbed = true;
	say_line(w, "agent %u is paused", (unsigned)agent);
}

/* What waited in its sockets meanwhile: an answer may be later than its deadline. */
static void
take_held(struct world_agent *a)
{
	struct world *w = a->world;

	for (uint32_t i = 0; i < a->helds; i++) {
		struct event e = a->held[i];
		bool late = w->now_ms - e.at_ms > w->conf.kill_ms &&
		    world_hash(w, 14, a->index, w->now_ms, i) % 2 == 0;

		e.at_ms = w->now_ms + 1;
		if (late && e.kind == EVENT_CHANGED)
			e.result = CHANGE_UNKNOWN;
		if (late && e.kind == EVENT_VIEW) {
			a->view = (struct engine_view){
			    .result = CHANGE_OUT, .error = "no answer in time"};
			e.wall_s = 0;
		}
		world_push(w, &e);
	}
	a->helds = 0;
}

void
world_wake(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	if (!a->running || !a->paused)
		return;
	a->paused = false;
	say_line(w, "agent %u wakes", (unsigned)agent);
	bool gap = w->now_ms - a->paused_ms > 250; /* late, or a gap: all the same */
	if (gap)
		a->shaken_ms = w->now_ms;
	struct engine_in in = world_input(a, gap ? ENGINE_FORGET : ENGINE_TICK);
	world_step(a, &in);
	probes_again(a);
	take_held(a);
	links_send(a, true);
	a->dns_ms = w->now_ms + 1;
	struct event e = {
	    .at_ms = w->now_ms + SECOND,
	    .kind = EVENT_SETTLED,
	    .agent = agent,
	    .life = a->life,
	};
	if (gap)
		world_push(w, &e);
	w->disturbed = true;
}

void
world_wipe_store(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent];

	a->stored_epoch = a->stored_nonce = a->open_epoch = a->open_nonce = 0;
	if (a->world->sites != NULL)
		a->world->sites->journal[agent] = (struct site_journal){0};
}

/* ---- twice ---- */

/* What was under way belongs to the original: the copy's connections are broken. */
static void
break_off(struct world_agent *c)
{
	struct event e = {
	    .at_ms = c->world->now_ms + SECOND,
	    .agent = c->index,
	    .life = c->life,
	};

	if (c->g->reading) {
		c->view =
		    (struct engine_view){.result = CHANGE_OUT, .error = "broken off"};
		e.kind = EVENT_VIEW;
		world_push(c->world, &e);
	}
	if (c->changing) {
		e.kind = EVENT_CHANGED;
		e.result = CHANGE_UNKNOWN;
		world_push(c->world, &e);
	}
}

uint32_t
world_clone(struct world *w, uint32_t agent)
{
	struct world_agent *a = &w->agent[agent], *c = &w->agent[w->agents];
	struct event *held = c->held;
	struct engine *g = c->g;
	uint32_t life = c->life;

	assert(w->clones == 0 && agent < w->agents && a->running && !a->paused);
	probes_settle(a);
	links_settle(a);
	if (g == NULL)
		g = malloc(sizeof *g);
	assert(g != NULL);
	*g = *a->g;
	*c = *a;
	c->g = g;
	c->g->digest_arg = c;
	c->held = held;
	c->helds = 0;
	c->index = w->agents;
	c->life = life + 1;
	w->clones = 1;
	say_line(w, "agent %u runs twice", (unsigned)agent);
	for (uint32_t i = 0; i < AGENTS_MAX; i++)
		c->heard[i].live = false;
	probes_again(c);
	break_off(c);
	c->report_ms = w->now_ms + 1;
	c->wake_ms = w->now_ms + 1;
	w->disturbed = true;
	return c->index;
}

/* ---- reloading and orders ---- */

/* Members that keep their place are probed on; where places moved all begin anew. */
static void
begin_probes(struct world_agent *a, const struct rule_service *was,
    const struct rule_service *is)
{
	uint32_t same = 0;

	while (same < was->members && same < is->members &&
	    strcmp(was->member[same].name, is->member[same].name) == 0)
		same++;
	for (uint32_t m = same; m < MEMBERS_MAX; m++)
		memset(a->probe[m], 0, sizeof a->probe[m]);
	if (same < was->members && same < is->members) {
		probes_again(a);
		for (uint32_t m = same; m < is->members; m++)
			probes_address(a, m);
		return;
	}
	for (uint32_t m = same; m < is->members; m++)
		probes_begin(a, m);
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
	probes_settle(a);
	links_settle(a);
	for (uint32_t i = 0; i < AGENTS_MAX; i++) {
		links_unlive(a, i); /* the engine will have forgotten their reports … */
		if (i < w->agents)
			links_unlive(&w->agent[i], a->self); /* … and ours differs */
	}
	engine_reload(a->g, is, a->self, scratch);
	free(scratch);
	a->file = file;
	begin_probes(a, was, is);
	world_tick(a);
	w->disturbed = true;
}

void
world_order(
    struct world *w, uint32_t agent, enum order_kind kind, char member, uint64_t for_s)
{
	struct world_agent *a = &w->agent[agent];
	struct engine_in in = world_input(a, ENGINE_ORDER);
	struct order o = {
	    .kind = kind,
	    .id = (uint32_t)(1 + world_hash(w, 15, agent, w->now_ms, kind) % 100000),
	    .for_s = for_s,
	};

	for (uint32_t m = 0; m < w->file[a->file].rule.members; m++)
		if (w->file[a->file].rule.member[m].name[0] == member)
			o.member = m;
	say_line(
	    w, "order %s %c at agent %u", order_word(kind), member, (unsigned)agent);
	in.order = &o;
	world_step(a, &in);
}
