/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop: the next event is the earliest of a heap (probes, reports, answers under
 * way) and of each agent's own timers (its wake, its periodic report, its look at DNS).
 * Agents are stepped exactly as their shell would: one read and one change at a time,
 * reports on every change and every report_ms, probes on the prober's jittered grid.
 *
 * Most of what happens changes nothing: the thousandth good probe, the same report once
 * more. Such events are not made at all (world_probes.c, world_links.c): before an agent
 * is stepped they are made up for by arithmetic, and time jumps to the next moment at
 * which something may change (world_quiet.c). With conf.plodding every one of them is an
 * event and every agent ticks each 100 ms; test_quiet.c holds the two against each
 * other. So that both draw the same lots, whatever is random inside a run is a hash of
 * what it is for, never the next number of a sequence.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

#define TICK_MS 100

/* ---- stepping an engine ---- */

uint32_t
world_instances(const struct world *w)
{
	return w->agents + w->clones;
}

struct engine_in
world_input(struct world_agent *a, enum engine_event event)
{
	struct world *w = a->world;

	probes_settle(a);
	links_settle(a);
	bool shaken = a->shaken_ms != 0 && w->now_ms < a->shaken_ms + SECOND;
	return (struct engine_in){
	    .event = event,
	    .now_ms = world_boot_ms(a, w->now_ms),
	    .now_wall_s = world_agent_wall_s(a),
	    .random = world_hash(w, 1, a->index, w->now_ms, a->life),
	    .doubt = shaken             ? DOUBT_GAP
		: a->doubt != DOUBT_NOT ? a->doubt
		: links_alone(a)        ? DOUBT_ALONE
					: DOUBT_NOT,
	    .dns_silent = w->faults.dns_silent,
	};
}

static void
begin_change(struct world_agent *a, const struct engine_out *out)
{
	struct world *w = a->world;

	WORLD_MUST(w, !a->changing);
	law_sending(w, a, out);
	if (w->kill_writer) {
		w->kill_writer = false;
		world_stop(w, a->index);
		return;
	}
	law_calling(w, a);
	w->sends++;
	a->changing = true;
	a->next = out->next;
	a->intent = out->intent;
	a->create = out->create;
	a->open_epoch = out->next.epoch - 1;
	a->open_nonce = out->next.nonce[0];
	struct event e = {
	    .at_ms = w->now_ms + (w->conf.api_ms + w->faults.slow_ms) / 2,
	    .kind = EVENT_APPLY,
	    .agent = a->index,
	    .late = malloc(sizeof *e.late),
	};
	assert(e.late != NULL);
	*e.late = (struct late_change){
	    .next = a->next,
	    .intent = a->intent,
	    .create = a->create,
	    .release = out->release,
	    .picture = a->picture,
	    .life = a->life,
	    .by = a->index,
	    .order = out->intent.kind == INTENT_ORDER ? a->g->order.kind : ORDER_NONE,
	    .sent_ms = w->now_ms,
	};
	zone_want(a, &a->next, &e.late->wanted);
	world_push(w, &e);
}

void
world_step(struct world_agent *a, struct engine_in *in)
{
	static struct engine_out out;
	struct world *w = a->world;

	w->steps++;
	engine_step(a->g, in, &out);
	a->doubt_seen = a->doubt;
	say_facts(w, a->index, &out);
	law_stepped(a, &out);
	if (a->g->watch.known) {
		a->stored_epoch = a->g->watch.epoch;
		a->stored_nonce = a->g->watch.nonce;
	}
	if (out.change)
		begin_change(a, &out);
	if (out.read) {
		w->reads++;
		law_calling(w, a);
		say_line(w, "%c reads", (int)('A' + a->index));
		struct event e = {
		    .at_ms = w->now_ms + (w->conf.api_ms + w->faults.slow_ms) / 2,
		    .kind = EVENT_LOOK,
		    .agent = a->index,
		    .life = a->life,
		};
		world_push(w, &e);
	}
	if (w->sites != NULL)
		sites_stepped(a, &out);
	if (!a->running)
		return;
	if (out.report_moved)
		links_send(a, true);
	a->wake_ms = w->conf.plodding ? w->now_ms + TICK_MS : UINT64_MAX;
	uint64_t due_ms = quiet_until_ms(a);

	/* the moments of a scenario are not named there */
	if (w->sites != NULL && world_from_boot_ms(a, out.wake_ms) < due_ms)
		due_ms = world_from_boot_ms(a, out.wake_ms);

	if (due_ms < a->wake_ms)
		a->wake_ms = due_ms;
	if (a->wake_ms <= w->now_ms || (in->doubt == DOUBT_ALONE && !links_alone(a)) ||
	    (in->doubt == DOUBT_NOT && links_alone(a)))
		a->wake_ms = w->now_ms + 1;
}

/* Time alone; or a peer speaks still of a version that was not found. */
void
world_tick(struct world_agent *a)
{
	struct engine_in in = world_input(a, ENGINE_TICK);

	for (uint32_t i = 0; i < a->world->agents; i++) {
		const struct ballot *b = &a->g->ballot[i];

		if (i == a->self || !a->heard[i].live || !b->heard ||
		    b->report.epoch <= a->g->watch.epoch ||
		    links_arrival_ms(a, i, a->world->now_ms) != a->world->now_ms)
			continue;
		in.event = ENGINE_REPORT;
		in.agent = i;
		struct report r = b->report;
		in.report = &r;
		in.sent_ms = b->sent_ms;
		world_step(a, &in);
		return;
	}
	world_step(a, &in);
}

/* ---- what happens ---- */

static void
view_event(struct world_agent *a, const struct event *e)
{
	if (a->view.result == CHANGE_OK)
		a->picture = a->shown;
	world_take_date(a, e->wall_s);
	struct engine_in in = world_input(a, ENGINE_VIEW);
	in.view = &a->view;
	world_step(a, &in);
}

static void
changed_event(struct world *w, struct world_agent *a, const struct event *e)
{
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
	if (e->result == CHANGE_UNKNOWN) {
		a->open_seen_nonce = a->next.nonce[0];
		/* a creation is void as soon as any ledger stands */
		a->open_seen_epoch = a->create ? 0 : a->next.epoch - 1;
	}
	world_take_date(a, e->wall_s);
	struct engine_in in = world_input(a, ENGINE_CHANGED);
	in.result = e->result;
	in.text = "simulated";
	say_line(w, "agent %u: its change is answered %d", (unsigned)a->index,
	    (int)e->result);
	world_step(a, &in);
}

/* What comes for a paused agent: answers wait in its sockets; of its probes nothing is
 * left when it wakes, for it throws them away. */
static void
hold_back(struct world_agent *a, const struct event *e)
{
	if (e->kind == EVENT_PROBE || e->kind == EVENT_SAMPLE || a->helds == WORLD_HELD)
		return;
	/* of reports only some; an answer is never dropped */
	if (e->kind == EVENT_REPORT && a->helds > WORLD_HELD / 2)
		return;
	if (a->held == NULL)
		a->held = calloc(WORLD_HELD, sizeof *a->held);
	assert(a->held != NULL);
	a->held[a->helds++] = *e;
}

static void
happen(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	bool mine = a->running && e->life == a->life;

	switch (e->kind) {
	case EVENT_APPLY:
		/* what was sent arrives, whether the sender lives or not */
		zone_take_change(w, a, e->late);
		return;
	case EVENT_LATE:
		say_line(w, "a lost change arrives late: %s",
		    zone_apply(w, e->late) ? "applied" : "void");
		free(e->late);
		return;
	case EVENT_LOOK:
		if (mine)
			zone_show(w, a);
		return;
	case EVENT_PROBE:
	case EVENT_SAMPLE:
		if (!mine || e->round != a->round || a->paused)
			return;
		if (e->kind == EVENT_PROBE)
			probe_event(w, e);
		else
			sample_event(w, e);
		return;
	case EVENT_EFFECT:
	case EVENT_LAG:
	case EVENT_OPERATOR:
	case EVENT_LIFE:
		sites_event(w, e);
		return;
	case EVENT_REPORT:
	case EVENT_VIEW:
	case EVENT_CHANGED:
	case EVENT_HEARD:
	case EVENT_SETTLED:
	case EVENT_ACTED:
		break;
	}
	if (!a->running || (e->kind != EVENT_REPORT && !mine))
		return;
	if (a->paused) {
		hold_back(a, e);
		return;
	}
	if (e->kind == EVENT_REPORT) {
		report_event(w, e);
	} else if (e->kind == EVENT_VIEW) {
		view_event(a, e);
	} else if (e->kind == EVENT_CHANGED) {
		changed_event(w, a, e);
	} else if (e->kind == EVENT_SETTLED) {
		world_tick(a);
	} else if (e->kind == EVENT_ACTED) {
		sites_event(w, e);
	} else {
		struct engine_in in = world_input(a, ENGINE_HEARD);
		in.epoch = e->epoch;
		world_step(a, &in);
	}
}

static void
look_at_dns(struct world *w, struct world_agent *a)
{
	struct ledger l;
	uint64_t settled_ms = w->committed_ms + w->conf.settle_ms;

	a->dns_ms += 10 * SECOND;
	if (w->faults.dns_silent || w->now_ms < settled_ms)
		return;
	if (!world_ledger(w, &l) || l.epoch <= a->g->watch.epoch) {
		a->settled_ms = a->dns_ms;
		a->dns_ms = UINT64_MAX; /* nothing new: zone_dns_arm() */
		return;
	}
	struct event e = {
	    .at_ms = w->now_ms + 20,
	    .kind = EVENT_HEARD,
	    .agent = a->index,
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

	if (w->disturbed)
		world_resync(w);
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];
		uint64_t *const own[] = {&a->dns_ms, &a->report_ms, &a->wake_ms};

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
		struct event e = world_pop(w);
		happen(w, &e);
	} else if (timer == &who->wake_ms) {
		world_tick(who);
	} else if (timer == &who->report_ms) {
		links_send(who, false);
	} else {
		look_at_dns(w, who);
	}
	return true;
}

/* ---- between runs anything may have been changed by hand ---- */

void
world_resync(struct world *w)
{
	bool dns = w->dns_silent_seen != w->faults.dns_silent;

	w->disturbed = false;
	w->dns_silent_seen = w->faults.dns_silent;
	links_resync(w);
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];

		if (!a->running || a->paused)
			continue;
		probes_resync(a);
		if (dns || a->doubt != a->doubt_seen)
			world_tick(a);
	}
	zone_dns_arm(w);
}

void
world_settle(struct world *w)
{
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];

		if (!a->running || a->paused)
			continue;
		probes_settle(a);
		links_settle(a);
	}
}

static void
run_until(struct world *w, uint64_t end_ms, bool (*done)(struct world *, const void *),
    const void *arg)
{
	world_resync(w);
	while (done == NULL || !done(w, arg))
		if (!advance(w, end_ms)) {
			w->now_ms = end_ms;
			break;
		}
	world_settle(w);
}

void
world_run(struct world *w, uint64_t ms)
{
	run_until(w, w->now_ms + ms, NULL, NULL);
}

struct wish {
	char member;
	int weight;
	enum fact_kind kind;
	const char *value;
	uint64_t from_ms;
	uint32_t seen;
};

static bool
has_weight(struct world *w, const void *arg)
{
	const struct wish *x = arg;

	return world_weight(w, x->member) == x->weight;
}

bool
world_await_weight(struct world *w, char member, int weight, uint64_t limit_ms)
{
	struct wish x = {.member = member, .weight = weight};

	run_until(w, w->now_ms + limit_ms, has_weight, &x);
	return has_weight(w, &x);
}

static bool
has_fact(struct world *w, const void *arg)
{
	const struct wish *x = arg;

	return world_fact(w, x->kind, x->value, x->from_ms) != NULL;
}

bool
world_await_fact(
    struct world *w, enum fact_kind kind, const char *value, uint64_t limit_ms)
{
	struct wish x = {.kind = kind, .value = value, .from_ms = w->now_ms};

	run_until(w, w->now_ms + limit_ms, has_fact, &x);
	return has_fact(w, &x);
}

static bool
all_full(struct world *w, const void *arg)
{
	const struct rule_service *rule = &w->file[0].rule;

	(void)arg;
	for (uint32_t m = 0; m < rule->members; m++) {
		int weight = world_weight(w, rule->member[m].name[0]);

		if (rule->policy == POLICY_FAILOVER ? weight < 0
						    : weight != rule->member[m].weight)
			return false;
	}
	return true;
}

void
world_ready(struct world *w)
{
	run_until(w, w->now_ms + HOUR, all_full, NULL);
	if (!all_full(w, NULL))
		world_fail(w, "not all members came into service");
	world_run(w, 3 * SECOND); /* the others have read it */
}
