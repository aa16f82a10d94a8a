/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine and its zone: when to read, what to believe, what became of a change.
 *
 * `dirty` is the whole of the discipline: whatever may have moved the zone (a hold
 * that begins, a lost or unknown change, a newer epoch heard of, a mismatch) makes it
 * dirty, and nothing is written until a read that began later has been believed.
 */
#include <assert.h>

#include "steering/core/engine_parts.h"

#define READ_IDLE_MS (5 * 60 * 1000)
#define READ_SILENT_MS 30000 /* while no name server answers */
#define HEARD_MS 10000       /* between reads for an epoch that was heard before */
#define WAIT_MS 5000         /* between reads until the others vouch */
#define REST_MS 500
#define REST_MS_MAX 30000
#define REST_DIRTY_MS_MAX 5000 /* while a decision waits for the read */
#define SPACING_UNKNOWN_S 300  /* a drain may have been applied so late */

/* Doubling rests with a spread, so that agents do not knock in step. */
static uint64_t
rest_ms(uint32_t failures, uint64_t max_ms, uint64_t random)
{
	uint64_t ms = REST_MS;

	for (uint32_t i = 1; i < failures && ms < max_ms; i++)
		ms *= 2;
	if (ms > max_ms)
		ms = max_ms;
	return NEEDED(rest, ms / 2 + random % (ms / 2 + 1));
}

void
zone_dirty(struct engine *g, uint64_t now_ms)
{
	g->dirty = true;
	g->dirty_ms = now_ms;
}

void
zone_heard(struct engine *g, const struct engine_in *in)
{
	uint64_t epoch = in->event == ENGINE_REPORT ? in->report->epoch : in->epoch;

	bool higher = epoch > g->watch.epoch_max;
	bool newer = watch_hear(&g->watch, epoch);

	/* Said again and again of a zone that does not show it: look now and then. */
	if (!NEEDED(hearing, newer) ||
	    (!higher && in->now_ms - g->read_done_ms < HEARD_MS))
		return;
	if (!g->dirty && !g->writing)
		zone_dirty(g, in->now_ms);
}

/* ---- when to read ---- */

uint64_t
zone_pace_due_ms(const struct engine *g, const struct engine_in *in)
{
	uint64_t idle_ms = in->dns_silent ? READ_SILENT_MS : READ_IDLE_MS;

	if (g->reading)
		return UINT64_MAX;
	if (g->dirty || !g->read_once)
		return g->read_dirty_ms;
	/* Until a read is answered nothing may be written: five minutes are too long. */
	if (g->read_failures > 0)
		return g->read_next_ms;
	uint64_t due_ms = g->read_done_ms + idle_ms;
	return due_ms > g->read_next_ms ? due_ms : g->read_next_ms;
}

void
zone_pace(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	if (zone_pace_due_ms(g, in) > in->now_ms)
		return;
	g->reading = true;
	g->read_began_ms = in->now_ms;
	g->read_epoch = g->watch.known ? g->watch.epoch : 0;
	out->read = true;
}

/* ---- a version is believed ---- */

/* Ours to act on: same members in the same order as our file. */
static bool
aligned(const struct rule_service *rule, const struct ledger *l)
{
	if (l->members != rule->members)
		return false;
	for (uint32_t m = 0; m < rule->members; m++)
		if (strcmp(l->member[m].name, rule->member[m].name) != 0)
			return false;
	return true;
}

/* Clocks that run from when this agent first saw a thing in the ledger. */
static void
note_seen(struct engine *g, const struct ledger *l, const struct engine_in *in)
{
	bool same = strcmp(g->ledger.spaced, l->spaced) == 0 &&
	    g->ledger.spaced_wall_s == l->spaced_wall_s;

	if (l->spaced[0] != '\0' && (!g->has_ledger || !same)) {
		int64_t long_ago_s =
		    (int64_t)(g->rule->spacing_ms / 1000) + SPACING_UNKNOWN_S;
		bool old = in->now_wall_s != 0 &&
		    in->now_wall_s - l->spaced_wall_s > long_ago_s;
		g->spaced_seen_ms = old ? 0 : in->now_ms;
	}
	for (uint32_t m = 0; m < g->rule->members; m++) {
		const struct ledger_member *was = &g->ledger.member[m];
		const struct ledger_member *is = &l->member[m];
		bool still =
		    g->has_ledger && was->out == is->out && was->ramp == is->ramp;

		if (!still)
			g->ramp_seen_ms[m] = in->now_ms;
	}
}

static void
take_ledger(struct engine *g, const struct ledger *l, const struct engine_in *in,
    struct engine_out *out)
{
	bool is_aligned = aligned(g->rule, l);

	if (is_aligned) {
		note_seen(g, l, in);
		run_taken(g, l, in, out);
	}
	/* Only a ledger that moved has voided anything; a read of the same has not. */
	if (!g->believed || g->ledger.nonce[0] != l->nonce[0])
		g->void_due = false;
	g->ledger = *l;
	g->believed = true;
	g->released = false;
	g->has_ledger = is_aligned;
	g->report.epoch = l->epoch;
	g->report.nonce = l->nonce[0];
}

void
zone_pretend(struct engine *g, const struct ledger *l, const struct engine_in *in,
    struct engine_out *out)
{
	take_ledger(g, l, in, out);
}

void
zone_realign(struct engine *g)
{
	g->has_ledger = g->believed && aligned(g->rule, &g->ledger);
}

static void
order_over(struct engine *g, struct engine_out *out)
{
	if (g->sent_intent.kind != INTENT_ORDER || g->order.kind == ORDER_NONE ||
	    g->order.id != g->sent_order_id)
		return;
	out->order_done = true;
	if (g->order.kind == ORDER_FREEZE)
		g->thawed = g->order.id; /* from now on it is the ledger's */
	g->order.kind = ORDER_NONE;
	g->local_freeze = false;
}

static void
say_result(struct engine *g, const struct engine_in *in, struct engine_out *out,
    enum fact_kind kind, enum fact_level level)
{
	struct fact *f = say(out, kind, level, -1, in->now_ms);

	f->epoch = g->sent.epoch;
	f->nonce = g->sent.nonce[0];
	if (g->sent_intent.kind == INTENT_ACTION) {
		f->member = (int32_t)g->sent_intent.action.member;
		say_value(f, action_word(g->sent_intent.action.kind));
	} else {
		say_value(f, intent_word(g->sent_intent.kind));
	}
	say_text(f, "%.200s", in->text != NULL ? in->text : "");
}

/* Our own hand took the ledger away: nothing is known, and nothing is ours. */
static void
released(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	uint64_t epoch_max = g->watch.epoch_max;

	g->watch = (struct watch){.epoch_max = epoch_max};
	g->standing = WATCH_ADOPT;
	g->believed = g->has_ledger = false;
	g->view_present = g->view_readable = g->view_garbled = false;
	g->unknown = g->void_due = false;
	g->released = true;
	memset(&g->ledger, 0, sizeof g->ledger);
	g->report.epoch = g->report.nonce = 0;
	g->write_failures = 0;
	g->api_trouble = false;
	zone_dirty(g, in->now_ms);
	order_over(g, out);
}

static bool
releasing(const struct engine *g)
{
	return g->sent_intent.kind == INTENT_ORDER && g->order.kind == ORDER_RELEASE;
}

static void
close_unknown(struct engine *g, const struct engine_in *in, struct engine_out *out,
    const struct ledger *l)
{
	if (!g->unknown)
		return;
	bool ours = ledger_knows_nonce(l, g->unknown_nonce);
	if (NEEDED(unknown_stays_open, !ours && l->epoch <= g->unknown_epoch))
		return; /* still open: only a compare-and-swap closes it */
	g->unknown = false;
	struct fact *f = say(out, FACT_CLOSED, FACT_INFO, -1, in->now_ms);
	f->epoch = l->epoch;
	f->nonce = g->unknown_nonce;
	say_value(f, ours ? "committed" : "void");
	say_text(f, "%s",
	    ours ? "the change without an answer had been applied"
		 : "the ledger moved on: the change without an answer is void");
	if (ours && g->sent.nonces > 0 && g->sent.nonce[0] == g->unknown_nonce) {
		say_result(g, in, out, FACT_COMMITTED, FACT_INFO);
		order_over(g, out);
	}
}

static void
believe(
    struct engine *g, const struct engine_in *in, struct engine_out *out, bool thawed)
{
	const struct ledger *l = &g->view_ledger;
	bool news = !g->believed || g->ledger.nonce[0] != l->nonce[0];

	close_unknown(g, in, out, l);
	if (thawed) {
		struct fact *f = say(out, FACT_THAWED, FACT_INFO, -1, in->now_ms);
		say_text(f, "an operator named epoch %llu the truth",
		    (unsigned long long)l->root);
	}
	if (news && l->writer != g->rule->agent[g->self].number) {
		struct fact *f = say(out, FACT_LEDGER_TAKEN, FACT_INFO, -1, in->now_ms);
		f->epoch = l->epoch;
		f->nonce = l->nonce[0];
		say_text(f, "epoch %llu, written by agent %x",
		    (unsigned long long)l->epoch, (unsigned)l->writer);
	}
	/* What `observe` pretends stays until somebody really writes. */
	if (g->rule->observe && g->believed && g->observed_nonce == l->nonce[0])
		return;
	g->observed_nonce = l->nonce[0];
	take_ledger(g, l, in, out);
}

/* ---- the answer of a read ---- */

static void
read_failed(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	bool busy = in->view->result == CHANGE_BUSY;

	g->read_failures++;
	g->read_next_ms =
	    in->now_ms + rest_ms(g->read_failures, REST_MS_MAX, in->random);
	/* An outage ends for a dead site when the next read is made; but a zone that asks
	 * for patience gets it. */
	g->read_dirty_ms = busy
	    ? g->read_next_ms
	    : in->now_ms + rest_ms(g->read_failures, REST_DIRTY_MS_MAX, in->random);
	if (g->read_failures > 1 && g->read_failures % 20 != 0)
		return;
	struct fact *f = say(out, FACT_READ_FAILED, FACT_WARN, -1, in->now_ms);
	say_text(f, "the zone cannot be read: %.180s", in->view->error);
}

static void
say_standing(struct engine *g, const struct engine_in *in, struct engine_out *out,
    enum frozen was_frozen, enum watch_act was)
{
	struct fact *f;

	if (g->standing == WATCH_FREEZE && was_frozen != g->watch.frozen) {
		f = say(out, FACT_FROZEN, FACT_ERROR, -1, in->now_ms);
		say_value(f, frozen_word(g->watch.frozen));
		say_text(f, "%s", frozen_sentence(g->watch.frozen));
	} else if (g->standing == WATCH_ADOPT && was != WATCH_ADOPT) {
		f = say(out, FACT_NOT_ADOPTED, FACT_WARN, -1, in->now_ms);
		say_text(f,
		    "%u record sets stand at the service's names and no ledger: "
		    "nothing is touched until `pointsman adopt`",
		    (unsigned)in->view->sets);
	} else if (g->standing == WATCH_WAIT && was != WATCH_WAIT) {
		f = say(out, FACT_TROUBLE, FACT_WARN, -1, in->now_ms);
		say_value(f, "behind");
		say_text(f,
		    "the ledger has moved on from epoch %llu to %llu: waits until a "
		    "quorum of the others reports this version, or for adopt",
		    (unsigned long long)g->watch.epoch,
		    (unsigned long long)g->view_ledger.epoch);
	} else if (g->standing == WATCH_FOREIGN && was != WATCH_FOREIGN) {
		f = say(out, FACT_FOREIGN, FACT_ERROR, -1, in->now_ms);
		say_text(f,
		    "the ledger is of another cluster, of a newer version, or not a "
		    "ledger: it is never written");
	}
}

static uint32_t
vouching(const struct engine *g, const struct ledger *l, uint64_t now_ms)
{
	uint32_t n = 0;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		n += a != g->self && ballot_fresh(&g->ballot[a], g->rule, now_ms) &&
		    g->ballot[a].report.epoch == l->epoch &&
		    g->ballot[a].report.nonce == l->nonce[0];
	return n;
}

/* Q others must vouch; of two agents there is but one other. */
static bool
vouched(const struct engine *g, uint64_t now_ms)
{
	uint32_t need = rule_quorum(g->rule), others = g->rule->agents - 1;

	return g->rule->solo ||
	    vouching(g, &g->view_ledger, now_ms) >= (need < others ? need : others);
}

static struct watch_view
look(struct engine *g, const struct engine_in *in)
{
	const struct engine_view *v = in->view;
	struct watch_view w = {
	    .present = v->ledger_present,
	    .sets = v->sets,
	    .digest = v->digest,
	    .epoch_at_begin = g->read_epoch,
	    .ledger = &g->view_ledger,
	};
	struct err e;

	if (!v->ledger_present)
		return w;
	w.reading = ledger_parse(v->ledger, &g->view_ledger, &e);
	w.ours = w.reading == LEDGER_OK &&
	    strcmp(g->view_ledger.cluster, g->rule->cluster) == 0;
	w.vouched = w.reading == LEDGER_OK && vouched(g, in->now_ms);
	return w;
}

void
zone_view(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	enum frozen was_frozen = g->watch.frozen;
	enum watch_act was = g->standing;
	bool thawed;

	assert(g->reading && in->view != NULL);
	g->reading = false;
	if (in->view->result != CHANGE_OK) {
		read_failed(g, in, out);
		return;
	}
	if (g->released && g->read_began_ms < g->dirty_ms)
		return; /* it may show what was there before */
	g->read_failures = 0;
	g->read_once = true;
	if (!in->view->ledger_present && g->unknown && releasing(g))
		released(g, in, out);
	g->read_done_ms = in->now_ms;
	memcpy(g->view_weight, in->view->weight, sizeof g->view_weight);
	struct watch_view w = look(g, in);
	g->view_present = w.present;
	g->view_odd = w.present && in->view->ledger_odd;
	g->view_garbled = w.present && w.reading == LEDGER_GARBLED;
	g->view_readable = w.present && w.reading == LEDGER_OK && w.ours;
	g->standing = watch_step(&g->watch, &w, &thawed);
	say_standing(g, in, out, was_frozen, was);
	switch (g->standing) {
	case WATCH_TAKE:
		believe(g, in, out, thawed);
		break;
	case WATCH_READ_AGAIN:
		zone_dirty(g, in->now_ms);
		return;
	case WATCH_WAIT:
		g->dirty = true;
		g->read_next_ms = g->read_dirty_ms = in->now_ms + WAIT_MS;
		return;
	case WATCH_EMPTY:
	case WATCH_ADOPT:
	case WATCH_FREEZE:
	case WATCH_FOREIGN:
		break;
	}
	if (g->read_began_ms >= g->dirty_ms)
		g->dirty = false;
}

/* ---- the answer of a change ---- */

static void
committed(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	bool frozen = g->watch.frozen != FROZEN_NOT;

	say_result(g, in, out, FACT_COMMITTED, FACT_INFO);
	if (releasing(g)) {
		released(g, in, out);
		return;
	}
	if (g->unknown) {
		g->unknown = false;
		struct fact *f = say(out, FACT_CLOSED, FACT_INFO, -1, in->now_ms);
		say_value(f, "void");
		say_text(f,
		    "our own next change was applied: the one without an answer "
		    "is void");
	}
	g->view_present = true; /* the next change has something to delete */
	g->view_garbled = false;
	bool news = !g->watch.known || g->sent.epoch >= g->watch.epoch;
	watch_commit(&g->watch, &g->sent);
	if (frozen && g->watch.frozen == FROZEN_NOT)
		say_text(say(out, FACT_THAWED, FACT_INFO, -1, in->now_ms),
		    "a new root was written");
	if (news) {
		g->standing = g->watch.frozen == FROZEN_NOT ? WATCH_TAKE : WATCH_FREEZE;
		take_ledger(g, &g->sent, in, out);
	}
	g->write_failures = 0;
	g->api_trouble = false;
	order_over(g, out);
}

/* A change that will not be taken is not sent for ever: who ordered it is told why. A
 * freeze goes on: it works here already, and the zone may take it later. */
static void
order_refused(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	struct fact *f;

	if (g->sent_intent.kind != INTENT_ORDER || g->order.kind == ORDER_NONE ||
	    g->order.id != g->sent_order_id || g->order.kind == ORDER_FREEZE)
		return;
	f = say(out, FACT_ORDER_REFUSED, FACT_WARN, -1, in->now_ms);
	say_value(f, order_word(g->order.kind));
	say_text(f, "%.200s", in->text != NULL ? in->text : "");
	g->order.kind = ORDER_NONE;
	out->order_refused = true;
}

/* Not committed: read again, decide again, after a rest. */
static void
setback(struct engine *g, const struct engine_in *in, bool rest)
{
	if (rest) {
		g->write_failures++;
		g->write_next_ms =
		    in->now_ms + rest_ms(g->write_failures, REST_MS_MAX, in->random);
	}
	zone_dirty(g, in->now_ms);
}

void
zone_changed(struct engine *g, const struct engine_in *in, struct engine_out *out)
{
	assert(g->writing);
	g->writing = false;
	switch (in->result) {
	case CHANGE_OK:
		committed(g, in, out);
		return;
	case CHANGE_LOST:
		say_result(g, in, out, FACT_LOST, FACT_INFO);
		g->write_failures = 0;
		g->api_trouble = false;
		setback(g, in, false);
		return;
	case CHANGE_UNKNOWN:
		say_result(g, in, out, FACT_UNKNOWN, FACT_WARN);
		g->unknown = true;
		g->unknown_epoch = g->sent.epoch - 1;
		g->unknown_nonce = g->sent.nonce[0];
		setback(g, in, true);
		return;
	case CHANGE_BUSY:
		say_result(g, in, out, FACT_BUSY, FACT_INFO);
		setback(g, in, true);
		return;
	case CHANGE_REFUSED:
		say_result(g, in, out, FACT_REFUSED, FACT_ERROR);
		order_refused(g, in, out);
		g->api_trouble = true;
		setback(g, in, true);
		return;
	case CHANGE_STALE:
		say_result(g, in, out, FACT_TROUBLE, FACT_INFO);
		setback(g, in, false);
		return;
	case CHANGE_OUT:
		say_result(g, in, out, FACT_REFUSED, FACT_WARN);
		g->api_trouble = true;
		setback(g, in, true);
		return;
	}
}
