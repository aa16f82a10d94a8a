/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold at every step, whatever happens: the invariants of DESIGN.md §10 that
 * one service shows, judged from outside the engines: by what the zone holds, what
 * probes said, who told what and who was heard. Each message begins with its number.
 *
 *  1 epoch rises, one successor each      law_committed(): check_successor()
 *  2 record sets kept, one weight > 0     law_committed(): check_group()
 *  3 out ≤ max_out, capacity kept         law_committed(): check_out(), check_capacity()
 *  4 ≤ 2(K+E)+1 turns an hour             law_committed(): note_turn()
 *  5 drains of two sites ≥ 30 s apart     law_committed(): note_drain()
 *  6 a drain stands on Q DOWN, failing    law_sending(): check_evidence(), saw_failing()
 *  7 none of a site that Q saw well       law_committed(): check_well()
 *  8 who hears < Q or doubts is silent    law_sending()
 *  9 liars drain nothing                  law_sending(): check_evidence(): honest ones
 * 10 foreign records never change         law_foreign(), check_foreign()
 * 11 restart, lost disk, clock: no write  law_sending(): check_age(); test_storm.c
 * 12 bounds and agreement                 plan_play.c: end_faults(), all_come_back(),
 *                                         check_dead(); test_story_dead.c
 * 13 unknown: only a compare-and-swap     check_parent(), law_told(), law_stepped()
 * 14 API rate within budget               law_calling(), law_burst() (secrets, memory: not here)
 * 15 marks complete and in order          law_told(), law_sending(): check_marks()
 * 16 never two open sides, and the rest   sites_laws.c
 */
#include "tests/sim/world_parts.h"

/* Not the core's own: what is judged may be a core that lacks it (test_needed.c). */
uint32_t
law_quorum(const struct rule_service *rule)
{
	return rule->solo ? 1 : rule->agents / 2 + 1;
}

/* ---- when a change is sent ---- */

static uint32_t
heard(const struct world *w, const struct world_agent *a)
{
	/* a drifting clock may count a little slower */
	uint64_t fresh_ms = w->file[a->file].rule.fresh_ms * 1001 / 1000;
	uint32_t n = 1;

	for (uint32_t i = 0; i < w->agents; i++)
		n += i != a->self && a->heard[i].date_ms != 0 &&
		    w->now_ms - a->heard[i].date_ms <= fresh_ms;
	return n;
}

/* Its last probe failed, or passed so lately that the writer cannot know. */
static bool
failing_still(const struct world *w, const struct world_agent *by, uint32_t m,
    const struct world_agent *writer)
{
	const struct world_link *l = &w->link[by->self][writer->self];
	bool moved =
	    w->moved_ms != 0 && w->now_ms - w->moved_ms <= EVIDENCE_AGE_MS_MAX + SECOND;
	bool clean = l->loss <= 0 && l->jitter_ms == 0 && l->delay_ms == 0 && !moved;
	/* where messages come late or not at all, a report may be as old as it may be */
	uint64_t known_ms = clean ? 2 * w->conf.link_ms : EVIDENCE_AGE_MS_MAX;

	return by->last_fail_ms[m] >= by->last_pass_ms[m] ||
	    (by != writer &&
		(w->now_ms - by->last_pass_ms[m] <= known_ms || !by->running ||
		    by->paused || w->link_cut[by->self][writer->self]));
}

/* Has seen nothing well, of any member, for 10 s: it is not its place to say so unless
 * a quorum does. */
static bool
sees_nothing(const struct world *w, const struct world_agent *a)
{
	/* what is UNKNOWN is not seen: its failures have only begun */
	if (a->unknown_ms != 0 && w->now_ms - a->unknown_ms <= 20 * SECOND)
		return false;
	for (uint32_t m = 0; m < w->file[a->file].rule.members; m++)
		if (a->last_fail_ms[m] <= a->last_pass_ms[m] ||
		    w->now_ms - a->last_pass_ms[m] <= 10 * SECOND)
			return false;
	return true;
}

/* When it last told that the member is DOWN and its last probes fail. */
static uint64_t
told_down_ms(const struct world_agent *a, uint32_t m)
{
	if (a->told_down_ms[m] != UINT64_MAX)
		return a->told_down_ms[m];
	return a->paused ? a->paused_ms : a->world->now_ms;
}

/* One of two bodies speaks for it, or did when it told: which, is not for us to say. */
static bool
is_cloned(const struct world *w, uint32_t self, uint32_t m)
{
	const struct world_agent *clone = &w->agent[w->agents];
	uint64_t last_ms = told_down_ms(clone, m);

	return clone->self == self &&
	    (w->clones > 0 ||
		(last_ms != 0 &&
		    w->now_ms - last_ms <= EVIDENCE_AGE_MS_MAX * 1001 / 1000));
}

/* Did Q agents, not all of one domain, see a failed probe of it in the last seconds: 5 s
 * of a report's age, and a probe that may be under way meanwhile? */
static bool
saw_failing(const struct world *w, const struct world_agent *writer, uint32_t m)
{
	const struct rule_service *rule = &w->file[writer->file].rule;
	uint64_t age_ms = EVIDENCE_AGE_MS_MAX + w->conf.every_ms + w->conf.timeout_ms +
	    w->conf.link_ms;
	uint32_t n = 0, blind = 0, domain = 0;
	bool mixed = false;

	for (uint32_t i = 0; i < w->agents; i++)
		blind += sees_nothing(w, &w->agent[i]);
	for (uint32_t i = 0; i < w->agents; i++) {
		const struct world_agent *a = &w->agent[i];

		bool lies = a != writer &&
		    (a->liar ||
			(a->lied_ms != 0 && w->now_ms - a->lied_ms <= rule->fresh_ms));

		if (!lies && !is_cloned(w, i, m) &&
		    (a->last_fail_ms[m] == 0 ||
			w->now_ms - a->last_fail_ms[m] > age_ms ||
			!failing_still(w, a, m, writer) ||
			(blind < law_quorum(rule) && sees_nothing(w, a))))
			continue;
		mixed |= n > 0 && rule->agent[i].domain != domain;
		domain = rule->agent[i].domain;
		n++;
	}
	return n >= law_quorum(rule) && (rule->solo || mixed);
}

/* Q said DOWN with failing last probes within 5 s, less the liars, who may have said
 * anything; at least one of them is no liar. */
static void
check_evidence(struct world *w, const struct world_agent *a, uint32_t m)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	uint64_t age_ms = EVIDENCE_AGE_MS_MAX * 1001 / 1000;
	uint32_t liars = 0, told = 0;

	for (uint32_t i = 0; i < w->agents; i++) {
		const struct world_agent *by = &w->agent[i];
		bool lies = by->liar && by != a;
		uint64_t last_ms = told_down_ms(by, m);

		/* it may have lied until a moment ago */
		lies |= by->lied_ms != 0 && w->now_ms - by->lied_ms <= rule->fresh_ms;
		if (lies)
			liars++;
		else if (last_ms != 0 && w->now_ms - last_ms <= age_ms)
			told++;
	}
	/* A second process of one of them, which may have ended since it told. */
	uint64_t clone_ms = told_down_ms(&w->agent[w->agents], m);
	told += clone_ms != 0 && clone_ms + age_ms >= w->now_ms;
	if (told + liars < law_quorum(rule))
		world_broken(w, 6, "agent %u drains %s on the word of %u",
		    (unsigned)a->index, rule->member[m].name, (unsigned)told);
	if (told == 0)
		world_broken(w, 9, "liars drain %s", rule->member[m].name);
}

/* Holds begin anew with each start. */
static void
check_age(struct world *w, const struct world_agent *a, const struct engine_out *out)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	const struct action *x = &out->intent.action;
	uint64_t age_ms = (w->now_ms - a->started_ms) * 1001 / 1000 + 1, need_ms = 0;
	struct ledger l;
	struct err e;

	if (a->life < 2 || ledger_parse(a->picture.text, &l, &e) != LEDGER_OK)
		return;
	if (x->kind == ACTION_RETURN)
		need_ms = rule->return_hold_ms;
	if (x->kind == ACTION_SWAP)
		need_ms = rule->swap_after_ms;
	if (x->kind == ACTION_DRAIN && policy_ramp_done(rule, &l.member[x->member]))
		need_ms = rule->hold_ms;
	if (age_ms < need_ms)
		world_broken(w, 11, "agent %u, %llu ms old, decides a %s",
		    (unsigned)a->index, (unsigned long long)age_ms,
		    action_word(x->kind));
}

/* Its next version descends from the one that it deletes exactly. */
static void
check_parent(struct world *w, const struct world_agent *a, const struct engine_out *out)
{
	struct ledger l;
	struct err e;
	bool root = out->next.root == out->next.epoch;

	if (out->create != !a->picture.present)
		world_broken(w, 13, "agent %u does not compare what it swaps",
		    (unsigned)a->index);
	if (out->create || root || out->release)
		return;
	if (ledger_parse(a->picture.text, &l, &e) != LEDGER_OK ||
	    out->next.nonces < 2 || out->next.nonce[1] != l.nonce[0] ||
	    out->next.epoch != l.epoch + 1)
		world_broken(w, 13,
		    "agent %u's change does not descend from what it read",
		    (unsigned)a->index);
}

static void
check_marks(struct world *w, const struct world_agent *a, uint32_t m)
{
	if (a->verdict_ms[m] == 0 || a->decided_ms[m] == 0 ||
	    a->verdict_ms[m] > a->decided_ms[m])
		world_broken(w, 15,
		    "a drain of %s is sent: verdict at %llu, decided at %llu",
		    w->file[a->file].rule.member[m].name,
		    (unsigned long long)a->verdict_ms[m],
		    (unsigned long long)a->decided_ms[m]);
}

void
law_sending(struct world *w, struct world_agent *a, const struct engine_out *out)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	const struct intent *i = &out->intent;
	bool rescue = i->kind == INTENT_ORDER &&
	    (out->next.root == out->next.epoch || out->release);

	law_burst(w, a);
	if (rule->observe)
		world_broken(
		    w, 8, "agent %u wrote in mode: observe", (unsigned)a->index);
	if (a->doubt != DOUBT_NOT ||
	    (a->shaken_ms != 0 && w->now_ms < a->shaken_ms + SECOND))
		world_broken(
		    w, 8, "agent %u wrote while it doubts", (unsigned)a->index);
	if (heard(w, a) < law_quorum(rule))
		world_broken(w, 8, "agent %u wrote and hears %u", (unsigned)a->index,
		    (unsigned)heard(w, a));
	if (a->g->watch.frozen != FROZEN_NOT && !rescue)
		world_broken(w, 8, "agent %u wrote while frozen", (unsigned)a->index);
	if (w->conf.rest_only)
		world_broken(w, 11, "agent %u wrote after restarts and pauses alone",
		    (unsigned)a->index);
	check_parent(w, a, out);
	if (i->kind != INTENT_ACTION)
		return;
	check_age(w, a, out);
	if (i->action.kind != ACTION_DRAIN && i->action.kind != ACTION_SWAP)
		return;
	world_settle(w);
	check_marks(w, a, i->action.member);
	check_evidence(w, a, i->action.member);
	if (!saw_failing(w, a, i->action.member))
		world_broken(w, 6, "agent %u drains %s without evidence",
		    (unsigned)a->index, rule->member[i->action.member].name);
}

/* ---- when an engine was stepped ---- */

static void
note_told(struct world_agent *a)
{
	const struct report *r = engine_report(a->g);
	uint64_t now_ms = a->world->now_ms;

	for (uint32_t m = 0; m < r->members; m++) {
		bool says = r->member[m].vote == VOTE_DOWN && r->member[m].failing;

		if (says)
			a->told_down_ms[m] = UINT64_MAX;
		else if (a->told_down_ms[m] == UINT64_MAX)
			a->told_down_ms[m] = now_ms;
	}
	if (a->liar)
		a->lied_ms = now_ms;
	if (r->cannot != CANNOT_NOT)
		a->unable_ms = now_ms;
}

static void
note_fact(struct world_agent *a, const struct fact *f)
{
	struct world *w = a->world;
	bool drains = strcmp(f->value, "drain") == 0 || strcmp(f->value, "swap") == 0;

	if (f->at_ms > world_boot_ms(a, w->now_ms))
		world_broken(w, 15, "a fact (%s) of the future", fact_word(f->kind));
	if (f->kind == FACT_VERDICT && f->member >= 0 && strcmp(f->value, "DOWN") == 0)
		a->verdict_ms[f->member] = w->now_ms + 1;
	if (f->kind == FACT_DECIDED && f->member >= 0 && drains)
		a->decided_ms[f->member] = w->now_ms + 1;
	if (f->kind == FACT_SENT)
		a->sent_nonce = f->nonce;
	if ((f->kind == FACT_COMMITTED || f->kind == FACT_LOST) && f->nonce != 0 &&
	    f->nonce != a->sent_nonce)
		world_broken(w, 15, "agent %u: %s of what was not sent",
		    (unsigned)a->index, fact_word(f->kind));
}

void
law_told(struct world_agent *a, const struct engine_out *out)
{
	struct world *w = a->world;

	note_told(a);
	for (uint32_t i = 0; i < out->facts; i++)
		note_fact(a, &out->fact[i]);
	if (a->open_seen_nonce == 0 || a->g->unknown)
		return;
	/* closed: the zone must have moved beyond what that change stood on */
	if (w->epoch_high <= a->open_seen_epoch && !w->restored)
		world_broken(w, 13,
		    "agent %u closes an unknown outcome at epoch %llu of %llu",
		    (unsigned)a->index, (unsigned long long)a->open_seen_epoch,
		    (unsigned long long)w->epoch_high);
	a->open_seen_nonce = 0;
}
