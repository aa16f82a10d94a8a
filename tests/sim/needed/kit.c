/* SPDX-License-Identifier: Apache-2.0 */
/* What the stories have in common. */
#include "tests/sim/needed/needed.h"

struct world *
needed_world(uint64_t seed, uint32_t members, uint32_t agents)
{
	struct world *w = world_new(seed, members, agents);

	needed_begin(w);
	return w;
}

void
needed_begin(struct world *w)
{
	w->file[1] = w->file[0];
	w->file[1].rule.policy_hash = 0x9999;
	world_begin(w);
	world_ready(w);
	world_run(w, world_roll(w, 5 * SECOND));
	w->faults.no_compare = needed_off("compare_and_swap");
}

void
needed_out(struct world *w, char site, uint64_t limit_ms)
{
	if (!world_await_weight(w, site, 0, limit_ms))
		world_broken(w, 12, "dead %c is not out after %llu s", site,
		    (unsigned long long)(limit_ms / SECOND));
}

void
needed_back(struct world *w, char site, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms;

	while (world_weight(w, site) <= 0 && w->now_ms < end_ms)
		world_run(w, 100);
	if (world_weight(w, site) <= 0)
		world_broken(w, 12, "healthy %c is not back after %llu s", site,
		    (unsigned long long)(limit_ms / SECOND));
}

void
needed_drain(struct world *w, char site, uint64_t limit_ms)
{
	world_endpoint(w, site, ENDPOINT_REFUSED);
	WORLD_MUST(w, world_await_weight(w, site, 0, limit_ms));
}

uint32_t
needed_writer(struct world *w)
{
	for (uint32_t a = 0; a < w->agents; a++)
		if (w->agent[a].changing)
			return a;
	world_fail(w, "nobody's change is under way");
}
