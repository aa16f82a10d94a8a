/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loop stands on: dice, the heap of events, clocks; and how a world is made.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

#define NONE UINT32_MAX

/* ---- dice ---- */

static uint64_t
stir(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
world_roll(struct world *w, uint64_t n)
{
	w->dice += 0x9e3779b97f4a7c15u;
	uint64_t z = stir(w->dice);
	return n == 0 ? z : z % n;
}

uint64_t
world_hash(const struct world *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	uint64_t h = stir(w->conf.seed * 0x2545f4914f6cdd1du + 0x9e3779b97f4a7c15u * a);

	h = stir(h ^ (b + 0x632be59bd9b4e019u) * 0x9e3779b97f4a7c15u);
	h = stir(h ^ (c + 0x8cb92ba72f3d8dd7u) * 0xd1342543de82ef95u);
	return stir(h ^ (d + 0xaaaaaaaaaaaaaaabu) * 0x2545f4914f6cdd1du);
}

double
world_chance(const struct world *w, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	return (double)(world_hash(w, a, b, c, d) >> 11) / 9007199254740992.0;
}

/* ---- heap ---- */

static bool
sooner(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->key < b->key;
}

static uint32_t
take_slot(struct world *w)
{
	uint32_t i = w->event_free;

	if (i != NONE) {
		w->event_free = w->event[i].next_free;
		return i;
	}
	uint32_t n = w->event_slots ? 2 * w->event_slots : 256;
	w->event = realloc(w->event, n * sizeof *w->event);
	w->heap = realloc(w->heap, n * sizeof *w->heap);
	assert(w->event != NULL && w->heap != NULL);
	for (i = n; i-- > w->event_slots;) {
		w->event[i].late = NULL;
		w->event[i].next_free = w->event_free;
		w->event_free = i;
	}
	w->event_slots = n;
	return take_slot(w);
}

void
world_push(struct world *w, const struct event *e)
{
	uint32_t slot = take_slot(w), i = w->events++;
	struct heap_entry mine = {
	    .at_ms = e->at_ms,
	    .key = (uint64_t)e->kind << 60 | (uint64_t)e->agent << 54 |
		(uint64_t)e->from << 48 | (uint64_t)e->member << 42 |
		(uint64_t)e->slot << 40 | w->sequence++,
	    .slot = slot,
	};

	w->event[slot] = *e;
	while (i > 0 && sooner(&mine, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = mine;
}

struct event
world_pop(struct world *w)
{
	struct heap_entry top = w->heap[0], last = w->heap[--w->events];
	uint32_t i = 0, c;

	while ((c = 2 * i + 1) < w->events) {
		if (c + 1 < w->events && sooner(&w->heap[c + 1], &w->heap[c]))
			c++;
		if (!sooner(&w->heap[c], &last))
			break;
		w->heap[i] = w->heap[c];
		i = c;
	}
	w->heap[i] = last;
	struct event e = w->event[top.slot];
	w->event[top.slot].late = NULL;
	w->event[top.slot].next_free = w->event_free;
	w->event_free = top.slot;
	return e;
}

/* ---- clocks ---- */

uint64_t
world_boot_ms(const struct world_agent *a, uint64_t at_ms)
{
	return a->offset_ms + at_ms +
	    (uint64_t)((int64_t)at_ms * a->drift_ppm / 1000000);
}

uint64_t
world_from_boot_ms(const struct world_agent *a, uint64_t boot_ms)
{
	if (boot_ms <= a->offset_ms)
		return 0;
	uint64_t span_ms = boot_ms - a->offset_ms;
	uint64_t at_ms = (uint64_t)((double)span_ms / (1 + (double)a->drift_ppm / 1e6));

	at_ms = at_ms > 2 ? at_ms - 2 : 0;
	while (world_boot_ms(a, at_ms) < boot_ms)
		at_ms++;
	return at_ms;
}

int64_t
world_agent_wall_s(const struct world_agent *a)
{
	uint64_t boot_ms = world_boot_ms(a, a->world->now_ms);

	if (a->date_wall_s == 0)
		return 0;
	return a->date_wall_s + (int64_t)((boot_ms - a->date_boot_ms) / 1000);
}

void
world_take_date(struct world_agent *a, int64_t date_wall_s)
{
	int64_t expected_s = world_agent_wall_s(a);

	/* A late answer must not turn the clock back by its lateness. */
	if (date_wall_s == 0 ||
	    (expected_s != 0 && date_wall_s < expected_s &&
		expected_s - date_wall_s < 10))
		return;
	a->date_wall_s = date_wall_s;
	a->date_boot_ms = world_boot_ms(a, a->world->now_ms);
}

/* ---- making and ending ---- */

struct world *
world_new(uint64_t seed, uint32_t members, uint32_t agents)
{
	struct world *w = calloc(1, sizeof *w);

	assert(w != NULL && agents <= AGENTS_MAX);
	w->turn = calloc(WORLD_TURNS, sizeof *w->turn);
	assert(w->turn != NULL);
	w->event_free = NONE;
	w->conf = (struct world_conf){
	    .seed = seed,
	    .every_ms = 2000,
	    .timeout_ms = 1500,
	    .recheck_ms = 500,
	    .rtt_ms = 5,
	    .link_ms = 30,
	    .api_ms = 300,
	    .kill_ms = 10000,
	    .settle_ms = 5000,
	    .burst = 5,
	    .slots = 1,
	};
	w->dice = seed * 0x2545f4914f6cdd1du + 1;
	w->agents = agents;
	for (int f = 0; f < WORLD_FILES; f++) {
		rule_make(&w->file[f].rule, members, agents);
		for (uint32_t m = 0; m < members; m++)
			w->file[f].rule.member[m].detector.stale_ms = 10 * SECOND;
	}
	for (uint32_t i = 0; i < WORLD_AGENTS; i++) {
		w->agent[i].world = w;
		w->agent[i].index = w->agent[i].self = i;
		w->agent[i].g = calloc(1, sizeof(struct engine));
		assert(w->agent[i].g != NULL);
	}
	return w;
}

void
world_fast(struct world *w)
{
	w->conf.every_ms = 200;
	w->conf.timeout_ms = 300;
	w->conf.recheck_ms = 50;
	for (int f = 0; f < WORLD_FILES; f++) {
		struct rule_service *r = &w->file[f].rule;

		r->hold_ms = 100;
		r->spacing_ms = 3000;
		r->return_hold_ms = 10000;
		r->return_hold_ms_max = 120000;
		r->ramp_every_ms = 5000;
		r->swap_after_ms = 3000;
		r->report_ms = 100;
		r->fresh_ms = 1500;
		r->rank_ms = r->silent_ms = 400;
	}
}

void
world_begin(struct world *w)
{
	for (uint32_t i = 0; i < w->agents; i++)
		world_start(w, i);
	if (w->sites != NULL)
		sites_begin(w);
}

void
world_end(struct world *w)
{
	for (uint32_t i = 0; i < WORLD_AGENTS; i++) {
		free(w->agent[i].g);
		free(w->agent[i].held);
	}
	for (uint32_t i = 0; i < w->event_slots; i++)
		free(w->event[i].late);
	free(w->event);
	free(w->heap);
	free(w->fact);
	free(w->turn);
	sites_free(w);
	free(w);
}

void
world_way(struct world *w, uint32_t agent, char member, enum world_way way)
{
	w->agent[agent].way[member - 'a'] = (uint8_t)way;
	w->disturbed = true;
	say_line(w, "the probes of %c by agent %u go way %d", member, (unsigned)agent,
	    (int)way);
}

void
world_endpoint(struct world *w, char member, enum world_kind kind)
{
	static const char *const word[] = {
	    "well", "refused", "silent", "grey", "alternating", "loaded"};

	w->endpoint[member - 'a'].kind = kind;
	w->endpoint[member - 'a'].since_ms = w->now_ms;
	say_line(w, "endpoint %c is %s", member, word[kind]);
}
