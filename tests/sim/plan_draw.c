/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drawing a run. Faults that are spread evenly hardly ever meet; what breaks rules is a
 * coincidence. So a run is a handful of scenes, each around one moment: most begin with
 * an endpoint in trouble, and what else goes wrong (the writer dies, an answer is lost,
 * a link goes one way, an operator helps) begins within seconds of it. Durations are
 * spread over their logarithm, from a second to an hour, so that each hold, window and
 * deadline of the rules is met from both sides. A few faults are there all the time.
 */
#include "tests/sim/dice.h"
#include "tests/sim/plan.h"

#include <assert.h>

/* ---- the service ---- */

static void
draw_agents(struct dice *d, struct plan *p)
{
	struct rule_service *r = &p->rule;

	for (uint32_t a = 0; a < p->agents; a++) {
		p->drift_ppm[a] = (int32_t)dice_draw(d, 401) - 200;
		if (a >= p->members &&
		    dice_one_in(d, 4)) /* a witness at somebody's place */
			r->agent[a].domain = (uint32_t)dice_draw(d, a);
	}
	if (dice_one_in(d, 8)) /* two sites in one building */
		r->agent[1].domain = r->agent[0].domain;
	uint32_t apart = 0; /* or no quorum ever spans two domains */
	for (uint32_t a = 1; a < p->agents; a++)
		apart += r->agent[a].domain != r->agent[0].domain;
	if (apart == 0)
		r->agent[p->agents - 1].domain = AGENTS_MAX;
	if (dice_one_in(d, 8)) /* an agent that is at no site */
		r->agent[0].member = -1;
}

static void
draw_rule(struct dice *d, struct plan *p)
{
	struct rule_service *r = &p->rule;

	rule_make(r, p->members, p->agents);
	draw_agents(d, p);
	r->max_out = 1 + (uint32_t)dice_draw(d, p->members - 1);
	if (dice_one_in(d, 4))
		r->min_capacity_pct = 20 + (uint32_t)dice_draw(d, 60);
	for (uint32_t m = 0; m < p->members; m++) {
		r->member[m].detector.stale_ms = 10 * SECOND;
		if (dice_one_in(d, 2))
			r->member[m].weight = (uint8_t)(1 + dice_draw(d, 255));
	}
	if (dice_one_in(d, 3)) {
		r->policy = POLICY_FAILOVER;
		for (uint32_t m = 0; m < p->members; m++)
			r->member[m].weight = 100;
		r->member[p->members - 1].last_resort =
		    p->members > 2 && dice_one_in(d, 2);
	}
	p->fast = dice_one_in(d, 4);
	r->stateful = dice_one_in(d, 5);
	r->failback_auto = !dice_one_in(d, 6);
}

/* ---- faults ---- */

static struct plan_fault *
add(struct plan *p, enum plan_kind kind, uint64_t at_ms, uint64_t for_ms)
{
	static struct plan_fault spare;
	struct plan_fault *f =
	    p->faults < PLAN_FAULTS ? &p->fault[p->faults++] : &spare;

	*f = (struct plan_fault){.kind = kind, .at_ms = at_ms, .for_ms = for_ms};
	if (f->at_ms + for_ms > p->run_ms)
		f->for_ms = p->run_ms > at_ms ? p->run_ms - at_ms : 0;
	return f;
}

static void
add_endpoint(struct dice *d, struct plan *p, uint64_t at_ms, uint32_t member)
{
	static const enum plan_kind kinds[] = {PLAN_DEAD, PLAN_DEAD, PLAN_DEAD,
	    PLAN_SILENT, PLAN_SILENT, PLAN_GREY, PLAN_BY_TURNS, PLAN_LOADED, PLAN_HALF};
	enum plan_kind kind = kinds[dice_draw(d, sizeof kinds / sizeof *kinds)];
	uint64_t for_ms = dice_one_in(d, 3) ? 1000 + dice_draw(d, 8001)
					    : dice_span(d, 2 * SECOND, HOUR);
	struct plan_fault *f = add(p, kind, at_ms, for_ms);

	f->who = member;
	f->p = dice_share(d);
	f->ms = dice_span(d, SECOND, 10 * MINUTE);
	f->n = 1 + (uint32_t)dice_draw(d, p->members - 1);
}

static void
add_eyes(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {
	    PLAN_BLIND, PLAN_PATH, PLAN_PATH, PLAN_STUNNED, PLAN_CANARIES};
	struct plan_fault *f = add(
	    p, kinds[dice_draw(d, 5)], at_ms, dice_span(d, 2 * SECOND, 30 * MINUTE));

	f->who = (uint32_t)dice_draw(d, p->agents);
	f->to = (uint32_t)dice_draw(d, p->members);
	f->p = dice_one_in(d, 3) ? 1 : dice_share(d);
}

static void
add_link(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_CUT, PLAN_CUT, PLAN_ISLAND,
	    PLAN_ISLAND, PLAN_LOSS, PLAN_DELAY, PLAN_JITTER, PLAN_TWICE};
	struct plan_fault *f = add(
	    p, kinds[dice_draw(d, 8)], at_ms, dice_span(d, 2 * SECOND, 30 * MINUTE));

	f->who = (uint32_t)dice_draw(d, p->agents);
	f->to = (uint32_t)dice_draw(d, p->agents);
	f->n = 1 + (uint32_t)dice_draw(d, (1u << p->agents) - 1);
	f->p = dice_share(d);
	f->ms = dice_span(d, 10, 12 * SECOND);
}

static void
add_agent(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_CRASH, PLAN_CRASH, PLAN_CRASH,
	    PLAN_WIPED, PLAN_PAUSE, PLAN_PAUSE, PLAN_CLONE, PLAN_CLOCK, PLAN_CUT_API,
	    PLAN_CUT_API};
	enum plan_kind kind = kinds[dice_draw(d, 10)];

	/* who has lost his memory cannot tell a restored zone */
	if (kind == PLAN_WIPED && p->hands)
		kind = PLAN_CRASH;
	struct plan_fault *f = add(p, kind, at_ms, dice_span(d, 200, 20 * MINUTE));
	f->who = (uint32_t)dice_draw(d, p->agents);
	if (kind == PLAN_PAUSE)
		f->for_ms =
		    dice_one_in(d, 3) ? 5 * MINUTE : dice_span(d, 300, 6 * MINUTE);
	f->ms = dice_draw(d, 2 * HOUR);
}

static void
add_zone(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_OUT, PLAN_OUT, PLAN_THROTTLE,
	    PLAN_SLOW, PLAN_SLOW_INSYNC, PLAN_DNS, PLAN_LOSE_ANSWERS, PLAN_LOSE_ANSWERS,
	    PLAN_LOSE_CHANGES, PLAN_LATE, PLAN_LATE, PLAN_LATE, PLAN_TORN};
	enum plan_kind kind = kinds[dice_draw(d, 13)];
	struct plan_fault *f = add(p, kind, at_ms,
	    dice_span(d, 2 * SECOND, dice_one_in(d, 6) ? 3 * HOUR : 20 * MINUTE));

	f->n = kind == PLAN_TORN ? 1 : 1 + (uint32_t)dice_draw(d, 3);
	f->ms = kind == PLAN_LATE ? dice_span(d, SECOND, 299 * SECOND)
	    : kind == PLAN_SLOW   ? dice_span(d, 100, 12 * SECOND)
				  : dice_span(d, SECOND, 5 * MINUTE);
}

static void
add_hand(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum plan_kind kinds[] = {PLAN_EDIT, PLAN_EDIT, PLAN_RESTORE,
	    PLAN_DELETE, PLAN_GARBLE, PLAN_ADD, PLAN_STALE};
	static const enum order_kind cures[] = {
	    ORDER_ADOPT, ORDER_ADOPT, ORDER_UNFREEZE};
	struct plan_fault *f = add(p, kinds[dice_draw(d, 7)], at_ms, 0);

	f->who = (uint32_t)dice_draw(d, p->members);
	f->n = 1 + (uint32_t)dice_draw(d, f->kind == PLAN_RESTORE ? 6 : 200);
	if (f->kind == PLAN_STALE)
		f->n = 1 + (uint32_t)dice_draw(d, 3);
	/* an operator sees it, sooner or later, and helps, at one agent or at two */
	for (uint32_t k = 0; k < 1 + dice_draw(d, 2); k++) {
		uint64_t in_ms = dice_span(d, 20 * SECOND, 20 * MINUTE);

		if (at_ms + in_ms >= p->run_ms)
			return;
		f = add(p, PLAN_ORDER, at_ms + in_ms, 0);
		f->who = (uint32_t)dice_draw(d, p->agents);
		f->n = cures[dice_draw(d, 3)];
	}
}

static void
add_order(struct dice *d, struct plan *p, uint64_t at_ms)
{
	static const enum order_kind kinds[] = {ORDER_DRAIN, ORDER_DRAIN, ORDER_UNDRAIN,
	    ORDER_FREEZE, ORDER_UNFREEZE, ORDER_PIN, ORDER_UNPIN, ORDER_ACK};
	struct plan_fault *f = add(p, PLAN_ORDER, at_ms, 0);

	f->who = (uint32_t)dice_draw(d, p->agents);
	f->to = (uint32_t)dice_draw(d, p->members);
	f->n = kinds[dice_draw(d, 8)];
	f->ms = dice_span(d, 10 * SECOND, 30 * MINUTE);
}

/* A file is rolled out, agent by agent; perhaps to some only. */
static void
add_rollout(struct dice *d, struct plan *p, uint64_t at_ms)
{
	uint64_t gap_ms = dice_span(d, SECOND, 5 * MINUTE);

	for (uint32_t a = 0; a < p->agents; a++) {
		if (at_ms + a * gap_ms >= p->run_ms || dice_one_in(d, 10))
			continue;
		struct plan_fault *f = add(p, PLAN_RELOAD, at_ms + a * gap_ms, 0);
		f->who = a;
	}
}

/* ---- scenes ---- */

static uint64_t
near(struct dice *d, const struct plan *p, uint64_t at_ms)
{
	uint64_t span_ms = dice_one_in(d, 4) ? 4 * MINUTE : 20 * SECOND;
	uint64_t off_ms = (dice_draw(d, span_ms) + dice_draw(d, span_ms)) / 2;
	uint64_t ms = at_ms + off_ms > span_ms / 3 ? at_ms + off_ms - span_ms / 3 : 0;

	return ms < p->run_ms ? ms : p->run_ms - 1;
}

/* A whole site: endpoints, agent, links. */
static void
site_dies(struct dice *d, struct plan *p, uint64_t at_ms, uint32_t member)
{
	uint64_t for_ms = dice_span(d, 5 * SECOND, HOUR);
	enum plan_kind kind = dice_one_in(d, 2) ? PLAN_SILENT : PLAN_DEAD;

	add(p, kind, at_ms, for_ms)->who = member;
	if (member < p->agents)
		add(p, PLAN_CRASH, at_ms, for_ms)->who = member;
}

static void
add_scene(struct dice *d, struct plan *p, uint64_t at_ms)
{
	uint32_t member = (uint32_t)dice_draw(d, p->members);
	uint64_t more = dice_draw(d, 6);

	if (dice_one_in(d, 5))
		site_dies(d, p, at_ms, member);
	else if (!dice_one_in(d, 6))
		add_endpoint(d, p, at_ms, member);
	if (dice_one_in(d, 4)) /* and it happens again */
		add_endpoint(d, p,
		    near(d, p, at_ms + dice_span(d, SECOND, 10 * MINUTE)), member);
	if (dice_one_in(d, 4))
		add_endpoint(
		    d, p, near(d, p, at_ms), (uint32_t)dice_draw(d, p->members));
	for (uint64_t k = 0; k < more; k++) {
		uint64_t ms = near(d, p, at_ms);

		switch (dice_draw(d, 11)) {
		case 0:
		case 1:
			add_link(d, p, ms);
			break;
		case 2:
		case 3:
		case 4:
			add_agent(d, p, ms);
			break;
		case 5:
		case 6:
		case 7:
			add_zone(d, p, ms);
			break;
		case 8:
			add_eyes(d, p, ms);
			break;
		case 9:
			add_order(d, p, ms);
			break;
		case 10:
			if (p->hands && dice_one_in(d, 2))
				add_hand(d, p, ms);
			break;
		}
	}
}

/* What is so for most of the run. */
static void
add_climate(struct dice *d, struct plan *p)
{
	struct plan_fault *f;
	uint32_t q = p->agents / 2 + 1;

	if (dice_one_in(d, 8))
		for (uint32_t k = 0; k < 1 + dice_draw(d, 3); k++) {
			f = add(p, (enum plan_kind)(PLAN_LOSS + dice_draw(d, 4)), 0,
			    p->run_ms);
			f->who = (uint32_t)dice_draw(d, p->agents);
			f->p = dice_share(d) / 2;
			f->ms = dice_span(d, 10, 3 * SECOND);
		}
	if (dice_one_in(d, 8)) {
		f = add(p, PLAN_GREY, dice_draw(d, p->run_ms), p->run_ms);
		f->who = (uint32_t)dice_draw(d, p->members);
		f->p = dice_share(d) * dice_share(d);
	}
	if (!dice_one_in(d, 8))
		return;
	for (uint32_t k = 0, n = 1 + (uint32_t)dice_draw(d, q - 1); k < n; k++) {
		f = add(p, PLAN_LIAR, dice_draw(d, p->run_ms / 2), p->run_ms);
		f->who = k; /* less than Q of them */
	}
}

void
plan_draw(struct plan *p, uint64_t seed, uint64_t hours)
{
	struct dice d = {seed * 0x2545f4914f6cdd1du + 0x1234567};

	memset(p, 0, sizeof *p);
	p->seed = seed;
	p->run_ms = hours * HOUR;
	p->members = 2 + (uint32_t)dice_draw(&d, 5);
	p->agents = 3 + (uint32_t)(dice_draw(&d, 7) * dice_draw(&d, 7) / 6);
	p->slots = dice_one_in(&d, 5) ? 2 : 1;
	draw_rule(&d, p);
	p->hands = dice_one_in(&d, 5);
	add_climate(&d, p);
	uint64_t scenes = 1 + hours * (1 + dice_draw(&d, 6));
	for (uint64_t k = 0; k < scenes; k++)
		add_scene(&d, p, dice_draw(&d, p->run_ms));
	if (dice_one_in(&d, 6))
		add_rollout(&d, p, dice_draw(&d, p->run_ms));
}
