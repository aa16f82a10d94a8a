/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold at every step, whatever happens: the invariants of DESIGN.md §10 that
 * one service shows. They are judged from outside the engines where that is possible:
 * by what the zone holds, what probes said and who was heard.
 */
#include "tests/sim/world_parts.h"

#include <string.h>

/* ---- when a change is sent ---- */

static uint32_t
heard(const struct world *w, const struct world_agent *a)
{
	uint64_t fresh_ms = w->file[a->file].rule.fresh_ms;
	uint32_t n = 1;

	for (uint32_t i = 0; i < w->agents; i++)
		n += i != a->self && a->last_heard_ms[i] != 0 &&
		    w->now_ms - a->last_heard_ms[i] <= fresh_ms;
	return n;
}

/* Its last probe failed, or passed so lately that the writer cannot know. */
static bool
failing_still(const struct world *w, const struct world_agent *by, uint32_t m,
    const struct world_agent *writer)
{
	uint64_t known_ms = 2 * w->conf.link_ms;

	return by->last_fail_ms[m] >= by->last_pass_ms[m] ||
	    (by != writer &&
		(w->now_ms - by->last_pass_ms[m] <= known_ms || !by->running ||
		    by->paused || w->link_cut[by->self][writer->self]));
}

/* Agents that have seen a failed probe of it in the last seconds: 5 s of a report's
 * age, and a probe that may be under way meanwhile. */
static uint32_t
saw_failing(const struct world *w, const struct world_agent *writer, uint32_t m)
{
	uint64_t age_ms = EVIDENCE_AGE_MS_MAX + w->conf.every_ms + w->conf.timeout_ms +
	    w->conf.link_ms;
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->agents; i++) {
		const struct world_agent *a = &w->agent[i];

		n += a->last_fail_ms[m] != 0 &&
		    w->now_ms - a->last_fail_ms[m] <= age_ms &&
		    failing_still(w, a, m, writer);
	}
	return n;
}

void
law_sending(struct world *w, struct world_agent *a, const struct engine_out *out)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	const struct intent *i = &out->intent;
	bool rescue = i->kind == INTENT_ORDER && out->next.root == out->next.epoch;

	if (rule->observe)
		world_fail(w, "agent %u wrote in mode: observe", (unsigned)a->self);
	if (a->doubt != DOUBT_NOT)
		world_fail(w, "agent %u wrote while it doubts", (unsigned)a->self);
	if (heard(w, a) < rule_quorum(rule))
		world_fail(w, "agent %u wrote and hears %u", (unsigned)a->self,
		    (unsigned)heard(w, a));
	if (a->g->watch.frozen != FROZEN_NOT && !rescue)
		world_fail(w, "agent %u wrote while frozen", (unsigned)a->self);
	if (i->kind != INTENT_ACTION ||
	    (i->action.kind != ACTION_DRAIN && i->action.kind != ACTION_SWAP))
		return;
	if (saw_failing(w, a, i->action.member) < rule_quorum(rule))
		world_fail(w, "agent %u drains %s without evidence", (unsigned)a->self,
		    rule->member[i->action.member].name);
}

/* ---- when a change is applied ---- */

/* No drain of a site that a majority has seen well for a minute. */
static void
check_well(struct world *w, const struct ledger *next, uint32_t m)
{
	const struct rule_service *rule = &w->file[0].rule;
	uint32_t well = 0;

	for (uint32_t i = 0; i < w->agents; i++) {
		const struct world_agent *a = &w->agent[i];

		well += a->running && !a->paused && !a->blind &&
		    w->now_ms - a->started_ms > MINUTE &&
		    w->now_ms - a->last_fail_ms[m] > MINUTE;
	}
	if (well >= rule_quorum(rule) && !w->conf.quiet)
		world_fail(w,
		    "%s is drained, though %u of %u agents have seen it well "
		    "for a minute",
		    next->member[m].name, (unsigned)well, (unsigned)w->agents);
}

static void
note_turn(struct world *w, char site, bool drain)
{
	uint32_t n = 0;

	if (w->turns == WORLD_TURNS)
		world_fail(w, "%u direction changes in all", (unsigned)w->turns);
	w->turn[w->turns++] = (struct world_turn){
	    .at_ms = w->now_ms, .site = (uint8_t)site, .drain = drain};
	for (uint32_t i = w->turns; i > w->turns_from[site - 'a']; i--) {
		if (w->now_ms - w->turn[i - 1].at_ms >= HOUR)
			break;
		n += w->turn[i - 1].site == (uint8_t)site;
	}
	if (n > w->worst_hour)
		w->worst_hour = n;
	const struct rule_service *r = &w->file[0].rule;
	uint32_t bound = 2 * (r->return_per_hour + r->swap_per_hour) + 1;
	if (n > bound && !w->conf.quiet)
		world_fail(
		    w, "%c changed direction %u times in an hour", site, (unsigned)n);
}

static void
note_drain(struct world *w, char site, bool moved)
{
	uint64_t spacing_ms = w->file[0].rule.spacing_ms;

	w->drains++;
	if (!moved)
		return;
	if (w->drained != '\0' && w->drained != site &&
	    w->now_ms - w->drained_ms < spacing_ms && !w->conf.quiet)
		world_fail(w, "%c is drained %llu ms after %c", site,
		    (unsigned long long)(w->now_ms - w->drained_ms), w->drained);
	w->drained = site;
	w->drained_ms = w->now_ms;
}

static void
compare_members(struct world *w, const struct world_zone *was, const struct ledger *old,
    const struct ledger *next, const struct intent *intent)
{
	for (uint32_t m = 0; m < next->members; m++) {
		int32_t o = ledger_find(old, next->member[m].name);
		char site = next->member[m].name[0];
		int weight = 0;

		if (o < 0 || old->member[o].out == next->member[m].out)
			continue;
		for (uint32_t i = 0; i < was->sets; i++)
			if (was->set[i].name[0] == site)
				weight = was->set[i].weight;
		if (intent->kind != INTENT_ACTION) {
			w->turns_from[site - 'a'] = w->turns;
			continue;
		}
		note_turn(w, site, next->member[m].out);
		if (next->member[m].out)
			check_well(w, next, m);
		if (next->member[m].out)
			note_drain(w, site, weight > 0);
		else
			w->returns++;
	}
	w->swaps += intent->kind == INTENT_ACTION && intent->action.kind == ACTION_SWAP;
}

static void
check_group(struct world *w, const struct world_zone *was)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < w->zone.sets; i++)
		sum += w->zone.set[i].weight;
	if (sum == 0)
		world_fail(w, "every weight is zero");
	for (uint32_t i = 0; i < was->sets; i++) {
		bool wanted = false;
		for (int f = 0; f < WORLD_FILES; f++)
			for (uint32_t m = 0; m < w->file[f].rule.members; m++)
				wanted |= strcmp(w->file[f].rule.member[m].name,
					      was->set[i].name) == 0;
		if (w->zone.sets < was->sets && wanted &&
		    w->file[0].rule.members == w->file[1].rule.members)
			world_fail(w, "a record set is gone");
	}
}

static void
check_out(struct world *w, const struct ledger *next, const struct intent *intent)
{
	uint32_t out = 0, max = w->file[0].rule.max_out;

	for (uint32_t m = 0; m < next->members; m++)
		out += next->member[m].out;
	if (intent->kind == INTENT_ACTION && intent->action.kind == ACTION_DRAIN &&
	    out > max)
		world_fail(
		    w, "%u members are out, %u may be", (unsigned)out, (unsigned)max);
}

void
law_committed(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct intent *intent)
{
	bool root = next->root == next->epoch;

	say_line(w, "COMMIT epoch %llu %s %s%s", (unsigned long long)next->epoch,
	    intent_word(intent->kind),
	    intent->kind == INTENT_ACTION ? action_word(intent->action.kind) : "",
	    root ? " (root)" : "");
	uint64_t before = w->restored && was_ledger ? old->epoch : w->epoch_high;
	if (root) /* the highest that its writer has seen, who need not have seen all */
		before = was_ledger ? old->epoch : 0;
	if (root ? next->epoch <= before : next->epoch != before + 1)
		world_fail(w, "epoch %llu follows %llu",
		    (unsigned long long)next->epoch, (unsigned long long)before);
	w->epoch_high = next->epoch;
	check_group(w, was);
	check_out(w, next, intent);
	/* An adoption begins a history anew, all the more where the old one is lost. */
	for (uint32_t m = 0; root && m < next->members; m++)
		w->turns_from[next->member[m].name[0] - 'a'] = w->turns;
	if (was_ledger)
		compare_members(w, was, old, next, intent);
	/* The ledger says of the records what they are. */
	if (intent->records && next->digest != zone_digest(&w->zone) &&
	    intent->kind != INTENT_ACTION)
		say_line(w, "the records do not match the ledger's digest");
}
