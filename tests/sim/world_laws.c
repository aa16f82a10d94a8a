/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold at every step, whatever happens: the invariants of DESIGN.md §10 that
 * one service shows. They are judged from outside the engines where that is possible:
 * by what the zone holds, what probes said and who was heard. They ask the core for no
 * rule of its own: what is judged here may be a core that lacks one (test_needed.c).
 */
#include "tests/sim/world_parts.h"

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
	uint64_t known_ms = 2 * w->conf.link_ms;

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
	for (uint32_t m = 0; m < w->file[a->file].rule.members; m++)
		if (a->last_fail_ms[m] <= a->last_pass_ms[m] ||
		    w->now_ms - a->last_pass_ms[m] <= 10 * SECOND)
			return false;
	return true;
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

		if (a->last_fail_ms[m] == 0 ||
		    w->now_ms - a->last_fail_ms[m] > age_ms ||
		    !failing_still(w, a, m, writer) ||
		    (blind < law_quorum(rule) && sees_nothing(w, a)))
			continue;
		mixed |= n > 0 && rule->agent[i].domain != domain;
		domain = rule->agent[i].domain;
		n++;
	}
	return n >= law_quorum(rule) && (rule->solo || mixed);
}

void
law_sending(struct world *w, struct world_agent *a, const struct engine_out *out)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	const struct intent *i = &out->intent;
	bool rescue = i->kind == INTENT_ORDER && out->next.root == out->next.epoch;

	law_burst(w, a);
	if (rule->observe)
		world_fail(w, "agent %u wrote in mode: observe", (unsigned)a->self);
	if (a->doubt != DOUBT_NOT)
		world_broken(w, 8, "agent %u wrote while it doubts", (unsigned)a->self);
	if (heard(w, a) < law_quorum(rule))
		world_broken(w, 8, "agent %u wrote and hears %u", (unsigned)a->self,
		    (unsigned)heard(w, a));
	if (w->conf.rest_only)
		world_broken(w, 11, "agent %u wrote after restarts and pauses alone",
		    (unsigned)a->self);
	if (a->g->watch.frozen != FROZEN_NOT && !rescue)
		world_fail(w, "agent %u wrote while frozen", (unsigned)a->self);
	if (i->kind != INTENT_ACTION ||
	    (i->action.kind != ACTION_DRAIN && i->action.kind != ACTION_SWAP))
		return;
	world_settle(w);
	if (!saw_failing(w, a, i->action.member))
		world_broken(w, 6, "agent %u drains %s without evidence",
		    (unsigned)a->self, rule->member[i->action.member].name);
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
		    w->now_ms - a->last_fail_ms[m] > MINUTE &&
		    w->now_ms - a->last_pass_ms[m] <= 10 * SECOND;
	}
	if (well >= law_quorum(rule) && !w->conf.quiet)
		world_broken(w, 7,
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
		world_broken(w, 4, "%c changed direction %u times in an hour", site,
		    (unsigned)n);
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
		world_broken(w, 5, "%c is drained %llu ms after %c", site,
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
		if (next->member[m].out && w->conf.blips_only)
			world_broken(w, 12,
			    "%c is drained, though it fails for less than its hold",
			    site);
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
		world_broken(w, 2, "every weight is zero");
	for (uint32_t i = 0; i < was->sets; i++) {
		bool wanted = false;
		for (int f = 0; f < WORLD_FILES; f++)
			for (uint32_t m = 0; m < w->file[f].rule.members; m++)
				wanted |= strcmp(w->file[f].rule.member[m].name,
					      was->set[i].name) == 0;
		if (w->zone.sets < was->sets && wanted &&
		    w->file[0].rule.members == w->file[1].rule.members)
			world_broken(w, 2, "a record set is gone");
	}
}

static void
check_out(struct world *w, const struct ledger *next, const struct intent *intent)
{
	const struct rule_service *rule = &w->file[0].rule;
	uint32_t out = 0, left = 0, whole = 0;

	if (intent->kind != INTENT_ACTION || intent->action.kind != ACTION_DRAIN)
		return;
	for (uint32_t m = 0; m < next->members && m < rule->members; m++) {
		out += next->member[m].out;
		whole += rule->member[m].weight;
		left += next->member[m].out ? 0 : rule->member[m].weight;
	}
	if (out > rule->max_out)
		world_broken(w, 3, "%u members are out, %u may be", (unsigned)out,
		    (unsigned)rule->max_out);
	if (left * 100 < whole * rule->min_capacity_pct)
		world_broken(w, 3, "%u of %u weights are left in, %u %% must be",
		    (unsigned)left, (unsigned)whole, (unsigned)rule->min_capacity_pct);
}

void
law_committed(struct world *w, const struct world_zone *was, bool was_ledger,
    const struct ledger *old, const struct ledger *next, const struct late_change *c)
{
	const struct intent *intent = &c->intent;
	bool root = next->root == next->epoch;

	say_line(w, "COMMIT epoch %llu %s %s%s", (unsigned long long)next->epoch,
	    intent_word(intent->kind),
	    intent->kind == INTENT_ACTION ? action_word(intent->action.kind) : "",
	    root ? " (root)" : "");
	uint64_t before = w->restored && was_ledger ? old->epoch : w->epoch_high;
	if (root) /* the highest that its writer has seen, who need not have seen all */
		before = was_ledger ? old->epoch : 0;
	if (root ? next->epoch <= before : next->epoch != before + 1)
		world_broken(w, 1, "epoch %llu follows %llu",
		    (unsigned long long)next->epoch, (unsigned long long)before);
	w->epoch_high = next->epoch;
	world_settle(w);
	law_foreign(w, was, was_ledger, old, next, intent);
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
