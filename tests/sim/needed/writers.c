/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to write, by which policy, and what is made of a lost answer. */
#include "tests/sim/needed/needed.h"

/* ---- whose turn ---- */

static void
nine_agents(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 9);

	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 10 * SECOND);
	world_run(w, MINUTE);
	world_end(w);
}

/* Pairs of five: 0 1, 0 2, … */
static void
pair(uint64_t seed, uint32_t *x, uint32_t *y)
{
	uint32_t n = (uint32_t)(seed % 10);

	for (*x = 0; n >= 4 - *x; ++*x)
		n -= 4 - *x;
	*y = *x + 1 + n;
}

static void
two_die_with_the_site(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 5);
	uint32_t x, y;

	pair(seed, &x, &y);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_stop(w, x);
	world_stop(w, y);
	needed_out(w, 'b', 8 * SECOND);
	world_end(w);
}

static void
two_are_cut_from_the_api(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 5);
	uint32_t x, y;

	pair(seed, &x, &y);
	w->agent[x].cut = w->agent[y].cut = true;
	w->faults.dns_silent = true; /* they notice within 30 s */
	world_run(w, 2 * MINUTE);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 8 * SECOND);
	world_end(w);
}

/* With the site its agent's way to the API is lost, which it has yet to notice. */
static void
the_sites_own_agent_is_cut(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);
	uint32_t site = (uint32_t)(seed % 3);

	world_fast(w);
	w->conf.rtt_ms = 60; /* as far away as that profile allows */
	needed_begin(w);
	world_endpoint(w, (char)('a' + site), ENDPOINT_REFUSED);
	w->agent[site].cut = true;
	needed_out(w, (char)('a' + site), SECOND);
	world_end(w);
}

/* ---- which policy ---- */

/* One of three holds a file that allows more. */
static void
one_has_another_file(uint64_t seed)
{
	struct world *w = world_new(seed, 4, 3);

	w->file[0].rule.max_out = 1;
	needed_begin(w);
	w->file[1].rule.max_out = 3;
	world_reload(w, (uint32_t)(seed % 3), 1);
	needed_drain(w, 'b', 13 * SECOND);
	world_run(w, MINUTE);
	world_endpoint(w, 'c', ENDPOINT_REFUSED);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

static void
one_has_the_new_file(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	world_reload(w, (uint32_t)(seed % 3), 1);
	world_run(w, 10 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 13 * SECOND);
	world_end(w);
}

static void
the_new_file_knows_only_the_dead(uint64_t seed)
{
	struct world *w = world_new(seed, 2, 1);

	needed_begin(w);
	w->file[1].rule.members = 1;
	w->file[1].rule.max_out = 0;
	needed_drain(w, 'a', 13 * SECOND);
	world_reload(w, 0, 1);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* Agent 1 takes the new file and goes back at once; agent 0, which has the new file too,
 * hears but the first half of it, and the ledger moves before its turn to write comes.
 * The new file lacks c. */
static void
a_word_taken_back(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	w->file[1].rule.members = 2;
	w->file[1].rule.max_out = 1;
	world_reload(w, 0, 1);
	world_run(w, 1500);
	w->link_cut[0][1] = true;
	world_reload(w, 1, 1);
	world_run(w, 100);
	w->link_cut[1][0] = true;
	world_reload(w, 1, 0);
	world_order(w, 2, ORDER_PIN, 'a', 600);
	world_run(w, 6 * SECOND);
	memset(w->link_cut, 0, sizeof w->link_cut);
	world_reload(w, 0, 0);
	world_run(w, 10 * SECOND);
	needed_back(w, 'c', 30 * SECOND);
	world_end(w);
}

/* ---- changes under way ---- */

/* A drain of b leaves, is lost for four minutes, and b is well at once. */
static struct world *
a_drain_is_lost(uint64_t seed, uint32_t agents)
{
	struct world *w = needed_world(seed, 3, agents);

	w->faults.late_changes = 1;
	w->faults.late_ms = 4 * MINUTE;
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	for (int k = 0; k < 6000 && w->faults.late_changes > 0; k++)
		world_run(w, 10);
	WORLD_MUST(w, w->faults.late_changes == 0);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	return w;
}

static void
the_writer_dies(uint64_t seed)
{
	struct world *w = a_drain_is_lost(seed, 3);

	world_stop(w, needed_writer(w));
	world_run(w, 6 * MINUTE);
	world_end(w);
}

static void
the_writer_restarts(uint64_t seed)
{
	struct world *w = a_drain_is_lost(seed, 1);

	world_stop(w, 0);
	world_start(w, 0);
	world_run(w, 6 * MINUTE);
	world_end(w);
}

static void
an_old_plan_late(uint64_t seed)
{
	struct world *w = a_drain_is_lost(seed, 3);

	world_run(w, 6 * MINUTE);
	world_end(w);
}

static void
throttled(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 5);

	w->faults.throttle = true;
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 3 * MINUTE);
	world_end(w);
}

const struct needed_row needed_writers[] = {
    {"rank", 14, 20, nine_agents, "nine agents send the same change at once"},
    {"silence_skip", 12, 20, two_die_with_the_site,
	"the turns of the dead are waited for"},
    {"cannot_skip", 12, 20, two_are_cut_from_the_api,
	"the turns of those that cannot write are waited for"},
    {"own_site_last", 12, 40, the_sites_own_agent_is_cut,
	"the turn of the failing site's own agent is waited for"},
    {"policy_hash", 3, 20, one_has_another_file,
	"an agent with another file drains what the file in force forbids"},
    {"policy_quorum", 12, 20, one_has_the_new_file,
	"one new file stops the steering of the two old ones"},
    {"policy_floor", 2, 20, the_new_file_knows_only_the_dead,
	"a file that knows only the dead member empties the name"},
    {"policy_epoch", 12, 40, a_word_taken_back,
	"a file that nobody else holds any longer takes a healthy member out"},
    {"voiding", 7, 20, the_writer_dies,
	"a dead writer's drain arrives when the site has long been well"},
    {"unknown_stays_open", 13, 20, the_writer_restarts,
	"a change that is still on its way is held for void"},
    {"compare_and_swap", 1, 20, an_old_plan_late,
	"a stale writer's plan is applied over a newer one (the zone's own rule)"},
    {"rest", 14, 20, throttled, "a zone that asks for patience is hammered"},
    {0},
};
