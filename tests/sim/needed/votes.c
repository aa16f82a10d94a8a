/* SPDX-License-Identifier: Apache-2.0 */
/* Who is believed, and when: samples, votes, quorum. */
#include "tests/sim/needed/needed.h"

/* ---- quorum ---- */

static void
two_of_five_are_cut_off(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 5);

	world_way(w, 1, 'b', WAY_LOST);
	world_way(w, 3, 'b', WAY_LOST);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

static void
two_of_one_house(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);

	w->file[0].rule.agent[1].domain = w->file[0].rule.agent[0].domain;
	needed_begin(w);
	world_way(w, 0, 'b', WAY_LOST);
	world_way(w, 1, 'b', WAY_LOST);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* b comes back well; then two of three agents are gone, their last word being UP. */
static void
the_others_are_gone(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	needed_drain(w, 'b', 13 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, MINUTE);
	world_stop(w, (uint32_t)(seed % 3));
	world_stop(w, (uint32_t)((seed + 1) % 3));
	world_run(w, 10 * MINUTE);
	world_end(w);
}

static void
an_order_to_the_last_two(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 5);

	world_stop(w, 1);
	world_stop(w, 2);
	world_stop(w, 3);
	world_run(w, 20 * SECOND);
	world_order(w, 0, ORDER_PIN, 'b', 600);
	world_run(w, MINUTE);
	world_end(w);
}

/* ---- evidence ---- */

/* b is well again a moment before its hold has passed. */
static void
well_at_the_last_moment(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	WORLD_MUST(w, world_await_fact(w, FACT_VERDICT, "DOWN", MINUTE));
	world_run(w, 2400);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, MINUTE);
	world_end(w);
}

/* One of the two that cannot reach b dies while the hold runs: its word is fresh for
 * 15 s, but says nothing of the last 5. */
static void
a_witness_dies(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);

	w->file[0].rule.hold_ms = 12 * SECOND;
	needed_begin(w);
	world_way(w, 0, 'b', WAY_LOST);
	world_way(w, 1, 'b', WAY_LOST);
	WORLD_MUST(w, world_await_fact(w, FACT_VERDICT, "DOWN", MINUTE));
	world_run(w, 100);
	world_stop(w, (uint32_t)(seed % 2));
	world_run(w, 5 * MINUTE);
	world_end(w);
}

/* ---- myself ---- */

static void
everybody_doubts(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	for (uint32_t a = 0; a < 3; a++) {
		w->agent[a].doubt = DOUBT_CANARIES;
		world_way(w, a, 'b', WAY_LOST);
	}
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* One agent sees nothing at all, another not b: that is one voice against b. */
static void
one_blind_and_one_wrong(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	w->agent[seed % 3].blind = true;
	world_run(w, 15 * SECOND);
	world_way(w, (uint32_t)((seed + 1) % 3), 'b', WAY_LOST);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* After a power cut the way to b is up 10 s later than the agents. */
static void
a_slow_start(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	w->conf.rest_only = true;
	for (uint32_t a = 0; a < 3; a++)
		world_stop(w, a);
	for (uint32_t a = 0; a < 3; a++) {
		world_way(w, a, 'b', WAY_LOST);
		world_start(w, a);
	}
	world_run(w, 10500);
	for (uint32_t a = 0; a < 3; a++)
		world_way(w, a, 'b', WAY_OPEN);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* The machine is so slow that its probes of b time out here, while b is well. */
static void
a_slow_machine(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 1);

	w->file[0].rule.stateful = true;
	w->file[0].rule.hold_ms = MINUTE;
	needed_begin(w);
	w->conf.rest_only = true;
	world_way(w, 0, 'b', WAY_LATE);
	world_run(w, 10 * MINUTE);
	world_end(w);
}

static void
dead_workers(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	world_way(w, 0, 'b', WAY_UNKNOWN);
	world_way(w, 1, 'b', WAY_UNKNOWN);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* The workers of two agents hang after they have seen b fail for a moment. */
static void
hanging_workers(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);

	w->file[0].rule.hold_ms = 14 * SECOND;
	needed_begin(w);
	world_way(w, 0, 'b', WAY_LOST);
	world_way(w, 1, 'b', WAY_LOST);
	WORLD_MUST(w, world_await_fact(w, FACT_VERDICT, "DOWN", MINUTE));
	world_way(w, 0, 'b', WAY_STALLED);
	world_way(w, 1, 'b', WAY_STALLED);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

const struct needed_row needed_votes[] = {
    {"quorum", 6, 20, two_of_five_are_cut_off,
	"two of five agents drain what the other three see well"},
    {"domains", 6, 20, two_of_one_house, "two agents behind one broken line drain"},
    {"freshness", 8, 20, the_others_are_gone,
	"the last agent returns a member on the word of the dead"},
    {"lonely", 8, 20, an_order_to_the_last_two,
	"who hears one of the two others that it takes writes an order"},
    {"evidence", 6, 20, well_at_the_last_moment, "drained in the moment it came back"},
    {"evidence_age", 6, 20, a_witness_dies, "drained on what was seen long ago"},
    {"doubt", 8, 20, everybody_doubts, "agents whose canaries fail drain"},
    {"all_down_abstains", 6, 20, one_blind_and_one_wrong,
	"a blind agent's vote makes one error a quorum"},
    {"warm_up", 11, 20, a_slow_start,
	"a power cut drains what comes up a little later"},
    {"forgetting", 11, 20, a_slow_machine, "a slow machine's own lateness drains"},
    {"local_trouble", 6, 20, dead_workers, "two dead prober workers drain"},
    {"sample_age", 6, 20, hanging_workers, "two hanging prober workers drain"},
    {0},
};
