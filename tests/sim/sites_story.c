/* SPDX-License-Identifier: Apache-2.0 */
/* What stories of recovery have in common. */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

struct world *
sites_prepare(uint64_t seed, enum scenario_kind kind)
{
	struct world *w = world_new(seed, 2, 3);

	sites_make(w, kind);
	w->sites->diligent = true;
	w->sites->operator_on = true;
	return w;
}

void
sites_ready(struct world *w)
{
	w->file[1] = w->file[0];
	w->file[1].rule.policy_hash = 0x9999;
	world_begin(w);
	world_ready(w);
	world_run(w, 90 * SECOND + world_roll(w, 5 * SECOND));
}

struct world *
sites_world(uint64_t seed, enum scenario_kind kind)
{
	struct world *w = sites_prepare(seed, kind);

	sites_ready(w);
	return w;
}

void
sites_lose(struct world *w, char member)
{
	uint32_t agent = (uint32_t)(member - 'a');

	sites_kill(w, member, true);
	w->sites->grounded[agent] = true;
	if (w->agent[agent].running)
		world_stop(w, agent);
	world_run(w, 2 * MINUTE);
}

void
sites_bring(struct world *w, char member)
{
	uint32_t agent = (uint32_t)(member - 'a');

	sites_kill(w, member, false);
	w->sites->grounded[agent] = false;
	if (!w->agent[agent].running)
		world_start(w, agent);
}

void
sites_go_on(struct world *w, enum order_kind kind)
{
	struct scenario_plan plan;
	struct ledger l;

	/* at whichever agent lives */
	for (uint32_t k = 0; k < 30 && !sites_run(w, &l, &plan); k++) {
		uint32_t i = (1 + k) % w->agents;

		if (w->agent[i].running && !w->agent[i].paused)
			sites_order(w, i, kind);
		world_run(w, 10 * SECOND);
	}
	if (!sites_run(w, &l, &plan))
		world_fail(w, "no %s begins", order_word(kind));
}

void
sites_go(struct world *w, enum order_kind kind)
{
	sites_go_on(w, kind);
	law_run_ends(w, 6 * HOUR);
}

void
sites_at(struct world *w, char member)
{
	char other = member == 'a' ? 'b' : 'a';

	if (sites_open(w) != member)
		world_broken(w, 16, "%c should be open, and '%c' is", member,
		    sites_open(w) != '\0' ? sites_open(w) : '-');
	if (world_weight(w, member) <= 0)
		world_broken(w, 16, "%c should answer, with weight %d", member,
		    world_weight(w, member));
	bool shared = w->file[0].rule.plan.kind == SCENARIO_MULTI_SITE && member == 'a';
	if (!shared && world_weight(w, other) != 0)
		world_broken(w, 16, "%c still answers", other);
}

uint32_t
sites_holder(struct world *w)
{
	const struct rule_service *rule = &w->file[0].rule;
	struct ledger l;

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t i = 0; i < rule->agents; i++)
		if (rule->agent[i].number == l.lock_holder)
			return i;
	world_fail(w, "nobody holds the lock");
}
