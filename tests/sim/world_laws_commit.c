/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The laws of a commit: what the zone was, what it is, and whether it may be. The table
 * of all invariants is in world_laws.c.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

/* No drain of a site that a majority has seen well for a minute. */
static void
check_well(struct world *w, const struct ledger *next, uint32_t m)
{
	const struct rule_service *rule = &w->file[0].rule;
	uint32_t well = 0;

	for (uint32_t i = 0; i < w->agents; i++) {
		const struct world_agent *a = &w->agent[i];

		/* able to void what was on its way; awake, and no liar */
		well += a->running && !a->paused && !a->blind && !a->liar &&
		    w->now_ms - a->started_ms > MINUTE &&
		    (a->last_fail_ms[m] == 0 ||
			w->now_ms - a->last_fail_ms[m] > MINUTE) &&
		    w->now_ms - a->last_pass_ms[m] < 10 * SECOND &&
		    w->now_ms - a->unable_ms > MINUTE &&
		    engine_report(a->g)->cannot == CANNOT_NOT;
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
	    (w->now_ms - w->drained_ms) * 1001 / 1000 < spacing_ms && !w->conf.quiet)
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
		for (uint32_t k = 0; k < w->zone.sets; k++)
			wanted &= strcmp(w->zone.set[k].name, was->set[i].name) != 0;
		if (wanted && w->file[0].rule.members == w->file[1].rule.members)
			world_broken(
			    w, 2, "the record set %s is gone", was->set[i].name);
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
		world_broken(w, 3, "%u members are out, %u may be", (unsigned)out,
		    (unsigned)max);
}

/* What is left in, of the full weights. */
static void
check_capacity(struct world *w, const struct ledger *next, const struct intent *intent)
{
	const struct rule_service *r = &w->file[0].rule;
	uint32_t whole = 0, left = 0;

	if (r->min_capacity_pct == 0 || intent->kind != INTENT_ACTION ||
	    (intent->action.kind != ACTION_DRAIN &&
		intent->action.kind != ACTION_SWAP) ||
	    next->members != r->members)
		return;
	for (uint32_t m = 0; m < r->members; m++) {
		if (r->member[m].last_resort)
			continue;
		whole += r->member[m].weight;
		left += next->member[m].out ? 0 : r->member[m].weight;
	}
	if (left * 100 < whole * r->min_capacity_pct)
		world_broken(w, 3, "%u of %u is left in, %u %% must be", (unsigned)left,
		    (unsigned)whole, (unsigned)r->min_capacity_pct);
}

static bool
is_member(const struct world *w, const char *name)
{
	for (int f = 0; f < WORLD_FILES; f++)
		for (uint32_t m = 0; m < w->file[f].rule.members; m++)
			if (strcmp(w->file[f].rule.member[m].name, name) == 0)
				return true;
	return false;
}

/* A set of somebody else's goes only when an operator says so. */
static void
check_foreign(struct world *w, const struct world_zone *was, bool root)
{
	for (uint32_t i = 0; i < was->sets && !root; i++) {
		bool stands = is_member(w, was->set[i].name);

		for (uint32_t k = 0; k < w->zone.sets; k++)
			stands |= memcmp(&w->zone.set[k], &was->set[i],
				      sizeof was->set[i]) == 0;
		if (!stands)
			world_broken(
			    w, 10, "the foreign set %s was touched", was->set[i].name);
	}
}

static bool
any_lied(const struct world *w)
{
	bool any = false;

	for (uint32_t i = 0; i < w->agents; i++)
		any |= w->agent[i].lied_ms != 0;
	return any;
}

static void
check_successor(struct world *w, bool was_ledger, const struct ledger *old,
    const struct ledger *next, bool root, const struct intent *intent)
{
	/* the first one stands above whatever its writer heard of, and a liar told it */
	bool raised = !was_ledger && intent->kind == INTENT_CREATE && any_lied(w);
	uint64_t before = w->restored && was_ledger ? old->epoch : w->epoch_high;

	if (root) /* the highest that its writer has seen, who need not have seen all */
		before = was_ledger ? old->epoch : 0;
	if (root || raised ? next->epoch <= before : next->epoch != before + 1)
		world_broken(w, 1, "epoch %llu follows %llu",
		    (unsigned long long)next->epoch, (unsigned long long)before);
	if (was_ledger && !root &&
	    (next->nonces < 2 || next->nonce[1] != old->nonce[0]))
		world_broken(w, 1, "epoch %llu is no child of the one before",
		    (unsigned long long)next->epoch);
	w->epoch_high = next->epoch;
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
	check_successor(w, was_ledger, old, next, root, intent);
	world_settle(w);
	check_group(w, was);
	law_foreign(w, was, was_ledger, old, next, intent);
	check_foreign(w, was, root);
	check_out(w, next, intent);
	check_capacity(w, next, intent);
	/* An adoption begins a history anew, all the more where the old one is lost. */
	for (uint32_t m = 0; root && m < next->members; m++)
		w->turns_from[next->member[m].name[0] - 'a'] = w->turns;
	if (was_ledger)
		compare_members(w, was, old, next, intent);
	if (was_ledger && w->sites != NULL)
		law_run_committed(w, old, next, c);
	/* The ledger says of the records what they are. */
	if (intent->records && next->digest != zone_digest(&w->zone) &&
	    intent->kind != INTENT_ACTION)
		say_line(w, "the records do not match the ledger's digest");
}
