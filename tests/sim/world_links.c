/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports between agents, dated as core/peer.h says: each message quotes the last that
 * its sender heard of the receiver, and its age runs from when the receiver sent that
 * one. Who hears one way only is quoted by nobody.
 *
 * A way between two agents that is clean in both directions is live once a message has
 * gone each way: then the periodic report that says nothing new is no event. Its date
 * follows from the schedules of both (last_send()), and is made up for before a step.
 * Every report that moved is an event always.
 */
#include "tests/sim/world_parts.h"

#define LIES 6

void (*world_carry)(struct world *w, const struct world_agent *from,
    const struct world_agent *to, struct report *r);

/* ---- who reaches whom ---- */

static bool
carries(
    const struct world *w, const struct world_agent *from, const struct world_agent *to)
{
	return from->running && to->running && !from->paused && !to->paused &&
	    from->self != to->self && !w->link_cut[from->self][to->self];
}

static bool
is_cloned(const struct world *w, uint32_t self)
{
	for (uint32_t i = w->agents; i < world_instances(w); i++)
		if (w->agent[i].running && w->agent[i].self == self)
			return true;
	return false;
}

static bool
is_clean(
    const struct world *w, const struct world_agent *from, const struct world_agent *to)
{
	const struct world_link *l = &w->link[from->self][to->self];

	return !w->conf.plodding && carries(w, from, to) && l->loss <= 0 &&
	    l->jitter_ms == 0 && !l->twice && !from->liar;
}

static uint64_t
delay_ms(const struct world *w, uint32_t from, uint32_t to)
{
	return w->conf.link_ms + w->link[from][to].delay_ms;
}

static uint64_t
period_ms(const struct world_agent *a)
{
	return a->world->file[a->file].rule.report_ms;
}

static bool
may_be_live(
    const struct world *w, const struct world_agent *from, const struct world_agent *to)
{
	const struct rule_service *r = &w->file[to->file].rule;
	uint64_t age_ms = delay_ms(w, from->self, to->self) +
	    delay_ms(w, to->self, from->self) + period_ms(from) + period_ms(to);
	uint64_t young_ms =
	    r->fresh_ms < EVIDENCE_AGE_MS_MAX ? r->fresh_ms : EVIDENCE_AGE_MS_MAX;

	/* on a way so slow that age is near a bound the moments count */
	return age_ms + 50 < young_ms && age_ms + 50 < r->silent_ms &&
	    is_clean(w, from, to) && is_clean(w, to, from) &&
	    !is_cloned(w, from->self) && !is_cloned(w, to->self);
}

/* ---- when was something sent? ---- */

static uint64_t
newest_send_ms(const struct world_agent *a)
{
	return a->sends == 0 ? 0 : a->send_ms[(a->sends - 1) % WORLD_SENDS];
}

/* The last of this life at or before at_ms; 0: none, or too long ago to say.
 * *off: it is one of those off the schedule. */
static uint64_t
last_send_ms(const struct world_agent *a, uint64_t at_ms, bool *off)
{
	*off = false;
	for (uint32_t k = 1; k <= WORLD_SENDS && k <= a->sends; k++) {
		uint64_t base_ms = a->send_ms[(a->sends - k) % WORLD_SENDS];

		if (base_ms > at_ms)
			continue;
		uint64_t n = (at_ms - base_ms) / period_ms(a);
		*off = n == 0;
		return base_ms + n * period_ms(a);
	}
	return 0;
}

uint64_t
links_arrival_ms(const struct world_agent *a, uint32_t from_self, uint64_t at_ms)
{
	const struct world_agent *from = &a->world->agent[from_self];
	uint64_t d_ms = delay_ms(a->world, from_self, a->self);
	uint64_t base_ms = newest_send_ms(from), p_ms = period_ms(from);

	if (base_ms + d_ms + p_ms >= at_ms)
		return base_ms + d_ms + p_ms;
	return base_ms + d_ms + (at_ms - base_ms - d_ms + p_ms - 1) / p_ms * p_ms;
}

/* ---- sending ---- */

/* A liar says to each what comes to mind; now and then it says nothing new. */
static void
lie(struct world *w, const struct world_agent *from, const struct world_agent *to,
    struct report *r)
{
	/* another tale every few reports */
	uint64_t beat = w->now_ms / (6 * period_ms(from));
	uint64_t h = world_hash(w, 6, from->index << 8 | to->index, beat, from->life);
	uint64_t style =
	    world_hash(w, 7, from->index, w->now_ms / (30 * SECOND), 0) % LIES;

	for (uint32_t m = 0; m < r->members; m++) {
		uint64_t bits = h >> (4 * m);

		r->member[m].vote = style == 0 ? VOTE_DOWN
		    : style == 1               ? VOTE_UP
					       : (uint8_t)(bits & 3);
		r->member[m].raw =
		    style < 2 ? r->member[m].vote : (uint8_t)(bits >> 2 & 3);
		r->member[m].failing = style == 0 || (style > 2 && (bits & 1) != 0);
	}
	if (style == 3) {
		r->epoch += h % 5;
		r->nonce = h;
	}
	if (style == 4)
		r->cannot = (enum cannot)(h % CANNOTS);
	if (style == 5)
		r->epoch = h & 1 ? UINT64_MAX - h % 3 : h % 9;
	if (h % 97 == 0)
		r->policy_hash = h;
}

static void
send_one(struct world_agent *a, struct world_agent *to, const struct message *m)
{
	struct world *w = a->world;
	const struct world_link *l = &w->link[a->self][to->self];
	uint64_t who = a->index << 8 | to->index;
	const struct world_heard *h = &a->heard[to->self];
	struct event e = {
	    .at_ms = w->now_ms + delay_ms(w, a->self, to->self),
	    .kind = EVENT_REPORT,
	    .agent = to->index,
	    .from = a->self,
	    .message = *m,
	};

	if (h->boot != 0 && w->now_ms - h->taken_ms <= w->file[a->file].rule.fresh_ms) {
		e.message.quote_boot = h->boot;
		e.message.quote_ms = h->sent_ms;
	}
	if (a->liar)
		lie(w, a, to, &e.message.report);
	else if (world_carry != NULL)
		world_carry(w, a, to, &e.message.report);
	if (l->loss > 0 && world_chance(w, 8, who, w->now_ms, m->sub) < l->loss)
		return;
	if (l->jitter_ms > 0)
		e.at_ms += world_hash(w, 9, who, w->now_ms, m->sub) % l->jitter_ms;
	world_push(w, &e);
	if (l->twice) {
		e.at_ms += world_hash(w, 10, who, w->now_ms, m->sub) % (3 * SECOND);
		world_push(w, &e);
	}
}

void
links_send(struct world_agent *a, bool moved)
{
	struct world *w = a->world;
	uint64_t on_ms = newest_send_ms(a);

	links_settle(a);
	if (moved || a->sends == 0) {
		a->sub = on_ms == w->now_ms && a->sends > 0 ? a->sub + 1 : 0;
		if (a->sub == 0)
			a->send_ms[a->sends++ % WORLD_SENDS] = w->now_ms;
	} else {
		a->sub = 0;
	}
	struct message m = {
	    .boot = a->boot,
	    .sent_ms = w->now_ms,
	    .sub = a->sub,
	    .report = *engine_report(a->g),
	};
	bool events = false;
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *to = &w->agent[i];

		if (!carries(w, a, to))
			continue;
		bool live = to->heard[a->self].live;
		if (moved || a->sends == 1 || !live)
			send_one(a, to, &m);
		events |= !live;
	}
	a->report_ms =
	    events || w->conf.plodding ? w->now_ms + period_ms(a) : UINT64_MAX;
}

void
links_start(struct world_agent *a)
{
	struct world *w = a->world;

	memset(a->heard, 0, sizeof a->heard);
	a->sends = a->sub = 0;
	a->report_ms = w->now_ms + 1 +
	    world_hash(w, 11, a->index, w->now_ms, a->life) % period_ms(a);
}

/* ---- receiving ---- */

static bool
report_same(const struct report *a, const struct report *b)
{
	if (a->freeze != b->freeze || a->thawed != b->thawed ||
	    a->freeze_for_s != b->freeze_for_s || a->epoch != b->epoch ||
	    a->nonce != b->nonce || a->cannot != b->cannot ||
	    a->holder_lost != b->holder_lost || a->policy_hash != b->policy_hash ||
	    a->members != b->members)
		return false;
	return memcmp(a->member, b->member, a->members * sizeof a->member[0]) == 0;
}

static bool
forgotten(const struct world_agent *a, const struct world_heard *h)
{
	return a->world->now_ms - h->taken_ms > a->world->file[a->file].rule.fresh_ms;
}

/* Does it say what is known, of one that is heard well? */
static bool
is_no_news(const struct world_agent *a, uint32_t from, const struct report *r)
{
	const struct ballot *b = &a->g->ballot[from];
	uint64_t now_ms = world_boot_ms(a, a->world->now_ms);
	uint64_t age_ms = now_ms > b->sent_ms ? now_ms - b->sent_ms : 0;
	uint64_t young_ms = a->g->rule->fresh_ms < EVIDENCE_AGE_MS_MAX
	    ? a->g->rule->fresh_ms
	    : EVIDENCE_AGE_MS_MAX;

	return b->heard && age_ms <= young_ms && age_ms <= a->g->rule->silent_ms &&
	    r->epoch <= a->g->watch.epoch && report_same(&b->report, r);
}

/* From now on what comes of it as it should need not be an event. */
static void
perhaps_live(
    struct world_agent *a, const struct world_agent *from, const struct message *m)
{
	struct world *w = a->world;
	struct world_heard *h = &a->heard[from->self];
	uint64_t back_ms = delay_ms(w, a->self, from->self);
	bool off;

	if (h->live || !may_be_live(w, from, a) || m->sent_ms < back_ms)
		return;
	h->there_ms = delay_ms(w, from->self, a->self);
	h->back_ms = back_ms;
	h->live = w->now_ms == m->sent_ms + h->there_ms && m->quote_ms == h->date_ms &&
	    last_send_ms(a, m->sent_ms - back_ms, &off) == h->date_ms;
}

/* What it voted before is void; the version that it names may be news all the same. */
static void
unheard(struct world_agent *a, uint32_t from, const struct message *m)
{
	struct engine_in in;
	bool was_heard = a->g->ballot[from].heard;

	if (was_heard) {
		in = world_input(a, ENGINE_UNHEARD);
		in.agent = from;
		world_step(a, &in);
	}
	/* The agent steps with each; here one that says nothing new is left out, but for
	 * the step that sees whom it still hears. */
	if (!a->running || (!was_heard && m->report.epoch <= a->g->watch.epoch))
		return;
	in = world_input(a, ENGINE_HEARD);
	in.epoch = m->report.epoch;
	world_step(a, &in);
}

void
report_event(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	const struct message *m = &e->message;
	struct world_heard *h = &a->heard[e->from];

	/* sent to a clone that is gone, and another agent's runs in its place */
	if (w->link_cut[e->from][a->self] || e->from == a->self)
		return;
	links_settle(a);
	if (h->boot != 0 && forgotten(a, h))
		memset(h, 0, sizeof *h);
	if (m->boot < h->boot ||
	    (m->boot == h->boot &&
		(m->sent_ms < h->sent_ms ||
		    (m->sent_ms == h->sent_ms && m->sub <= h->sub))))
		return; /* a replay, or an elder process under the same identity */
	if (m->boot > h->boot)
		memset(h, 0, sizeof *h);
	h->boot = m->boot;
	h->sent_ms = m->sent_ms;
	h->sub = m->sub;
	h->taken_ms = w->now_ms;
	if (m->quote_boot != a->boot || m->quote_ms == 0) {
		unheard(a, e->from, m); /* it quotes nothing of ours that counts */
		return;
	}
	if (m->quote_ms > h->date_ms)
		h->date_ms = m->quote_ms;
	uint64_t sent_ms = world_boot_ms(a, h->date_ms);
	if (!w->conf.plodding && w->now_ms < a->wake_ms &&
	    is_no_news(a, e->from, &m->report)) {
		w->pokes++;
		a->g->ballot[e->from].sent_ms = sent_ms;
	} else {
		struct engine_in in = world_input(a, ENGINE_REPORT);
		in.agent = e->from;
		in.report = &m->report;
		in.sent_ms = sent_ms;
		world_step(a, &in);
	}
	if (a->running)
		perhaps_live(a, &w->agent[e->from], m);
}

/* ---- making up for what was no event ---- */

static void
refresh(struct world_agent *a, struct world_agent *from)
{
	struct world *w = a->world;
	struct world_heard *h = &a->heard[from->self];
	uint64_t d_ms = h->there_ms, back_ms = h->back_ms;
	bool off, any;

	if (w->now_ms < d_ms)
		return;
	uint64_t sent_ms = last_send_ms(from, w->now_ms - d_ms, &off);
	while (off && sent_ms > h->sent_ms) /* what is off the schedule is an event */
		sent_ms = last_send_ms(from, sent_ms - 1, &off);
	if (off || sent_ms <= h->sent_ms || sent_ms < back_ms)
		return;
	uint64_t date_ms = last_send_ms(a, sent_ms - back_ms, &any);
	h->sent_ms = sent_ms;
	h->sub = 0;
	h->taken_ms = sent_ms + d_ms;
	if (date_ms <= h->date_ms)
		return;
	h->date_ms = date_ms;
	a->g->ballot[from->self].sent_ms = world_boot_ms(a, date_ms);
}

void
links_settle(struct world_agent *a)
{
	struct world *w = a->world;

	for (uint32_t i = 0; i < w->agents; i++)
		if (a->heard[i].live)
			refresh(a, &w->agent[i]);
}

/* What is on its way when a way ceases to be live becomes an event. */
void
links_unlive(struct world_agent *a, uint32_t from_self)
{
	struct world *w = a->world;
	struct world_agent *from = &w->agent[from_self];
	struct world_heard *h = &a->heard[from_self];
	uint64_t d_ms = h->there_ms, back_ms = h->back_ms;
	bool off, any;

	if (!h->live)
		return;
	if (!a->paused)
		refresh(a, from);
	h->live = false;
	uint64_t due_ms = quiet_until_ms(a); /* what it said may grow too old now */
	if (due_ms < a->wake_ms)
		a->wake_ms = due_ms;
	uint64_t sent_ms = last_send_ms(from, w->now_ms, &off);
	if (off || sent_ms <= h->sent_ms || sent_ms + d_ms <= w->now_ms)
		return;
	struct event e = {
	    .at_ms = sent_ms + d_ms,
	    .kind = EVENT_REPORT,
	    .agent = a->index,
	    .from = from_self,
	    .message =
		{
		    .boot = from->boot,
		    .sent_ms = sent_ms,
		    .quote_boot = a->boot,
		    .quote_ms = sent_ms < back_ms
			? 0
			: last_send_ms(a, sent_ms - back_ms, &any),
		    .report = *engine_report(from->g),
		},
	};
	world_push(w, &e);
}

/* Ways that are clean no longer; and those who must send each report as an event. */
void
links_resync(struct world *w)
{
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];

		for (uint32_t k = 0; k < w->agents; k++)
			if (a->heard[k].live &&
			    (!may_be_live(w, &w->agent[k], a) ||
				a->heard[k].there_ms != delay_ms(w, k, a->self) ||
				a->heard[k].back_ms != delay_ms(w, a->self, k)))
				links_unlive(a, k);
	}
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];

		if (!a->running || a->paused || a->report_ms != UINT64_MAX)
			continue;
		bool events = false;
		for (uint32_t k = 0; k < world_instances(w); k++)
			events |= carries(w, a, &w->agent[k]) &&
			    !w->agent[k].heard[a->self].live;
		uint64_t base_ms = newest_send_ms(a);
		if (events)
			a->report_ms = base_ms +
			    ((w->now_ms - base_ms) / period_ms(a) + 1) * period_ms(a);
	}
}

bool
links_alone(const struct world_agent *a)
{
	const struct engine *g = a->g;
	uint64_t now_ms = world_boot_ms(a, a->world->now_ms);

	if (g->rule->solo || g->rule->agents < 2)
		return false;
	for (uint32_t i = 0; i < g->rule->agents; i++)
		if (i != a->self && ballot_fresh(&g->ballot[i], g->rule, now_ms))
			return false;
	return true;
}
