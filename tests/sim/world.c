/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: the next event is the earliest of a heap (probes, reports, answers under
 * way) and of each agent's own timers (its wake, its periodic report, its look at DNS).
 * Agents are stepped exactly as their shell would: one read and one change at a time,
 * reports on every change and every report_ms, probes on the prober's jittered grid.
 */
#include "tests/sim/world_parts.h"

#include <assert.h>
#include <string.h>

/* ---- dice and heap ---- */

uint64_t
world_roll(struct world *w, uint64_t n)
{
	w->dice += 0x9e3779b97f4a7c15u;
	uint64_t z = w->dice;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	z ^= z >> 31;
	return n == 0 ? z : z % n;
}

static bool
sooner(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->sequence < b->sequence;
}

void
world_push(struct world *w, const struct event *e)
{
	if (w->events == w->events_max) {
		w->events_max = w->events_max ? 2 * w->events_max : 256;
		w->heap = realloc(w->heap, w->events_max * sizeof *w->heap);
		assert(w->heap != NULL);
	}
	uint32_t i = w->events++;
	struct event mine = *e;
	mine.sequence = w->sequence++;
	while (i > 0 && sooner(&mine, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = mine;
}

static struct event
pop(struct world *w)
{
	struct event top = w->heap[0], last = w->heap[--w->events];
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
	return top;
}

/* ---- stepping an engine ---- */

struct engine_in
world_input(struct world_agent *a, enum engine_event event)
{
	struct world *w = a->world;

	return (struct engine_in){
	    .event = event,
	    .now_ms = w->now_ms + a->offset_ms,
	    .now_wall_s = WORLD_WALL + (int64_t)(w->now_ms / 1000),
	    .random = world_roll(w, 0),
	    .doubt = a->doubt,
	    .dns_silent = w->faults.dns_silent,
	};
}

static void
send_reports(struct world_agent *a)
{
	struct world *w = a->world;
	const struct report *r = engine_report(a->g);

	a->report_ms = w->now_ms + w->file[a->file].rule.report_ms;
	for (uint32_t to = 0; to < w->agents; to++) {
		if (to == a->self || w->link_cut[a->self][to])
			continue;
		struct event e = {
		    .at_ms = w->now_ms + w->conf.link_ms,
		    .kind = EVENT_REPORT,
		    .agent = to,
		    .from = a->self,
		    .start_ms = w->now_ms,
		    .report = *r,
		};
		world_push(w, &e);
	}
}

static void
begin_change(struct world_agent *a, const struct engine_out *out)
{
	struct world *w = a->world;

	WORLD_MUST(w, !a->changing);
	law_sending(w, a, out);
	law_calling(w, a, true);
	if (w->kill_writer) {
		w->kill_writer = false;
		world_stop(w, a->self);
		return;
	}
	w->sends++;
	a->changing = true;
	a->next = out->next;
	a->intent = out->intent;
	a->create = out->create;
	a->open_epoch = out->next.epoch - 1;
	a->open_nonce = out->next.nonce[0];
	struct event e = {
	    .at_ms = w->now_ms + w->conf.api_ms / 2,
	    .kind = EVENT_APPLY,
	    .agent = a->self,
	    .late = malloc(sizeof *e.late),
	};
	assert(e.late != NULL);
	*e.late = (struct late_change){
	    .next = a->next,
	    .intent = a->intent,
	    .create = a->create,
	    .picture = a->picture,
	    .life = a->life,
	};
	zone_want(a, &a->next, &e.late->wanted);
	world_push(w, &e);
}

void
world_step(struct world_agent *a, const struct engine_in *in)
{
	static struct engine_out out;
	struct world *w = a->world;

	engine_step(a->g, in, &out);
	say_facts(w, a->self, &out);
	law_stepped(a, &out);
	a->wake_ms = out.wake_ms - a->offset_ms;
	if (a->g->watch.known) {
		a->stored_epoch = a->g->watch.epoch;
		a->stored_nonce = a->g->watch.nonce;
	}
	if (out.change)
		begin_change(a, &out);
	if (out.read) {
		w->reads++;
		law_calling(w, a, false);
		struct event e = {
		    .at_ms = w->now_ms + w->conf.api_ms / 2,
		    .kind = EVENT_LOOK,
		    .agent = a->self,
		    .life = a->life,
		};
		world_push(w, &e);
	}
	if (out.report_moved)
		send_reports(a);
}

/* ---- the loop ---- */

static void
deliver_report(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	struct engine_in in = world_input(a, ENGINE_REPORT);

	a->last_heard_ms[e->from] = e->start_ms;
	in.agent = e->from;
	in.report = &e->report;
	in.sent_ms = e->start_ms + a->offset_ms;
	world_step(a, &in);
}

static void
deliver_view(struct world *w, struct world_agent *a)
{
	struct engine_in in = world_input(a, ENGINE_VIEW);

	if (a->view.result == CHANGE_OK)
		a->picture = a->shown;
	in.view = &a->view;
	(void)w;
	world_step(a, &in);
}

static void
deliver_changed(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	struct engine_in in = world_input(a, ENGINE_CHANGED);

	a->changing = false;
	if (e->result != CHANGE_UNKNOWN)
		a->open_epoch = a->open_nonce = 0;
	if (e->result == CHANGE_OK) {
		struct world_zone wanted;
		zone_want(a, &a->next, &wanted);
		if (a->intent.records) {
			a->picture.sets = wanted.sets;
			memcpy(a->picture.set, wanted.set, sizeof wanted.set);
		}
		a->picture.present = true;
		memcpy(a->picture.text, wanted.text, sizeof wanted.text);
	}
	in.result = e->result;
	in.text = "simulated";
	say_line(w, "agent %u: its change is answered %d", (unsigned)a->self,
	    (int)e->result);
	world_step(a, &in);
}

static void
deliver_heard(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	struct engine_in in = world_input(a, ENGINE_HEARD);

	in.epoch = e->epoch;
	world_step(a, &in);
}

/* What comes for a paused agent: answers wait in its sockets, probes are lost time. */
static bool
postpone(struct world *w, const struct event *e)
{
	struct event later = *e;

	if (e->kind == EVENT_APPLY || e->kind == EVENT_LATE)
		return false;
	later.at_ms = w->now_ms + 100;
	world_push(w, &later);
	return true;
}

static void
happen(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	bool mine = a->running && e->life == a->life;

	if (a->paused && mine && postpone(w, e))
		return;

	switch (e->kind) {
	case EVENT_PROBE:
		if (mine)
			world_begin_probe(w, e);
		return;
	case EVENT_SAMPLE:
		if (mine)
			world_end_probe(w, e);
		return;
	case EVENT_REPORT:
		if (a->running && !a->paused && !w->link_cut[e->from][e->agent])
			deliver_report(w, e);
		return;
	case EVENT_LOOK:
		if (mine)
			zone_show(w, a);
		return;
	case EVENT_VIEW:
		if (mine)
			deliver_view(w, a);
		return;
	case EVENT_APPLY:
		/* what was sent arrives, whether the sender lives or not */
		zone_take_change(w, a, e->late);
		return;
	case EVENT_CHANGED:
		if (mine)
			deliver_changed(w, e);
		return;
	case EVENT_LATE:
		say_line(w, "a lost change arrives late: %s",
		    zone_apply(w, e->late) ? "applied" : "void");
		free(e->late);
		return;
	case EVENT_HEARD:
		if (mine)
			deliver_heard(w, e);
		return;
	}
}

static void
look_at_dns(struct world *w, struct world_agent *a)
{
	struct ledger l;
	uint64_t settled_ms = w->committed_ms + w->conf.settle_ms;

	a->dns_ms = w->now_ms + 10 * SECOND;
	if (w->faults.dns_silent || w->now_ms < settled_ms || !world_ledger(w, &l))
		return;
	struct event e = {
	    .at_ms = w->now_ms + 20,
	    .kind = EVENT_HEARD,
	    .agent = a->self,
	    .life = a->life,
	    .epoch = l.epoch,
	};
	world_push(w, &e);
}

/* The earliest of all; false when it lies beyond end_ms. */
static bool
advance(struct world *w, uint64_t end_ms)
{
	uint64_t at_ms = w->events > 0 ? w->heap[0].at_ms : UINT64_MAX;
	struct world_agent *who = NULL;
	uint64_t *timer = NULL;

	for (uint32_t i = 0; i < w->agents; i++) {
		struct world_agent *a = &w->agent[i];
		uint64_t *const own[] = {&a->wake_ms, &a->report_ms, &a->dns_ms};

		if (!a->running || a->paused)
			continue;
		for (int k = 0; k < 3; k++)
			if (*own[k] < at_ms) {
				at_ms = *own[k];
				who = a;
				timer = own[k];
			}
	}
	if (at_ms > end_ms)
		return false;
	if (at_ms > w->now_ms)
		w->now_ms = at_ms;
	if (who == NULL) {
		struct event e = pop(w);
		happen(w, &e);
	} else if (timer == &who->wake_ms) {
		struct engine_in in = world_input(who, ENGINE_TICK);
		world_step(who, &in);
	} else if (timer == &who->report_ms) {
		send_reports(who);
	} else {
		look_at_dns(w, who);
	}
	return true;
}

void
world_run(struct world *w, uint64_t ms)
{
	uint64_t end_ms = w->now_ms + ms;

	while (advance(w, end_ms))
		;
	w->now_ms = end_ms;
}

bool
world_await_weight(struct world *w, char member, int weight, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms;

	while (world_weight(w, member) != weight)
		if (!advance(w, end_ms))
			return false;
	return true;
}

bool
world_await_fact(
    struct world *w, enum fact_kind kind, const char *value, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms, from_ms = w->now_ms;

	while (world_fact(w, kind, value, from_ms) == NULL)
		if (!advance(w, end_ms))
			return false;
	return true;
}

void
world_ready(struct world *w)
{
	const struct rule_service *rule = &w->file[0].rule;
	uint64_t end_ms = w->now_ms + HOUR;

	for (;;) {
		uint32_t full = 0;

		for (uint32_t m = 0; m < rule->members; m++)
			full += rule->policy == POLICY_FAILOVER
			    ? world_weight(w, rule->member[m].name[0]) >= 0
			    : world_weight(w, rule->member[m].name[0]) ==
				rule->member[m].weight;
		if (full == rule->members)
			break;
		if (!advance(w, end_ms))
			world_fail(w, "not all members came into service");
	}
	world_run(w, 3 * SECOND); /* the others have read it */
}

/* ---- making and ending ---- */

struct world *
world_new(uint64_t seed, uint32_t members, uint32_t agents)
{
	struct world *w = calloc(1, sizeof *w);

	assert(w != NULL && agents <= AGENTS_MAX);
	w->fact = calloc(WORLD_FACTS, sizeof *w->fact);
	w->turn = calloc(WORLD_TURNS, sizeof *w->turn);
	assert(w->fact != NULL && w->turn != NULL);
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
	};
	w->dice = seed * 0x2545f4914f6cdd1du + 1;
	w->agents = agents;
	for (int f = 0; f < WORLD_FILES; f++) {
		rule_make(&w->file[f].rule, members, agents);
		for (uint32_t m = 0; m < members; m++)
			w->file[f].rule.member[m].detector.stale_ms = 10 * SECOND;
	}
	for (uint32_t i = 0; i < agents; i++) {
		w->agent[i].world = w;
		w->agent[i].self = i;
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
}

void
world_end(struct world *w)
{
	for (uint32_t i = 0; i < w->agents; i++)
		free(w->agent[i].g);
	for (uint32_t i = 0; i < w->events; i++)
		free(w->heap[i].late);
	free(w->heap);
	free(w->fact);
	free(w->turn);
	free(w);
}

void
world_endpoint(struct world *w, char member, enum world_kind kind)
{
	static const char *const word[] = {
	    "well", "refused", "silent", "grey", "alternating"};

	w->endpoint[member - 'a'].kind = kind;
	w->endpoint[member - 'a'].since_ms = w->now_ms;
	say_line(w, "endpoint %c is %s", member, word[kind]);
}
