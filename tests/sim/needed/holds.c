/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a thing must last. Most of these promise, by conf.blips_only, a site that
 * never fails for as long as the hold of its drain: healthy, and to be left in.
 */
#include "tests/sim/needed/needed.h"

static struct world *
blips_world(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	w->conf.blips_only = true;
	return w;
}

/* Fails until it is seen, and is well at once. */
static void
blip(struct world *w)
{
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	WORLD_MUST(w, world_await_fact(w, FACT_VERDICT, "DOWN", MINUTE));
	world_endpoint(w, 'b', ENDPOINT_WELL);
}

static void
one_blip(uint64_t seed)
{
	struct world *w = blips_world(seed);

	world_run(w, 5 * MINUTE);
	blip(w);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

/* A few failures with a few passes between them. */
static void
blips_in_a_row(uint64_t seed)
{
	struct world *w = blips_world(seed);

	blip(w);
	for (int k = 0; k < 5; k++) {
		world_run(w, 4 * SECOND);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 2100); /* a probe in it at least */
		world_endpoint(w, 'b', ENDPOINT_WELL);
	}
	world_run(w, 5 * MINUTE);
	world_end(w);
}

/* One is out already; to lose a second of three takes ten times the hold. */
static void
the_second_of_three(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	needed_drain(w, 'a', 13 * SECOND);
	world_run(w, MINUTE);
	w->conf.blips_only = true;
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 15 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

/* One is out for good; another has just begun to come back, and fails. */
static void
fails_on_its_ramp(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	needed_drain(w, 'b', 13 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, MINUTE);
	needed_drain(w, 'a', MINUTE);
	WORLD_MUST(w, world_await_weight(w, 'b', 10, 3 * MINUTE));
	world_run(w, 10 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 8 * SECOND);
	world_end(w);
}

/* Of two agents one restarts every 100 s, and abstains a while each time. */
static void
a_restart_now_and_then(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 2);

	needed_drain(w, 'b', 15 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	for (int k = 0; k < 5 && world_weight(w, 'b') == 0; k++) {
		world_run(w, 100 * SECOND);
		world_stop(w, 1);
		world_start(w, 1);
	}
	if (world_weight(w, 'b') == 0)
		world_broken(w, 12, "healthy b is not back after 500 s");
	world_end(w);
}

/* All restart shortly before b's return is due: who was away cannot know how b was. */
static void
all_restart(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);
	struct hold kept[3];

	needed_drain(w, 'b', 13 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, 110 * SECOND);
	w->conf.rest_only = true;
	for (uint32_t a = 0; a < 3; a++) {
		kept[a] = w->agent[a].g->hold[1];
		world_stop(w, a);
	}
	for (uint32_t a = 0; a < 3; a++) {
		world_start(w, a);
		if (needed_off("restart_resets")) {
			w->agent[a].g->hold[1] = kept[a];
			w->agent[a].g->hold[1].mark_ms =
			    w->now_ms + w->agent[a].offset_ms;
		}
	}
	/* What was seen of the ledger is kept with the hold, where anything is. */
	world_run(w, 2 * SECOND);
	for (uint32_t a = 0; a < 3 && needed_off("restart_resets"); a++)
		w->agent[a].g->ramp_seen_ms[1] -= 10 * MINUTE;
	world_run(w, 108 * SECOND);
	world_end(w);
}

/* b dies in the moment in which agent 0 loses its peers, not the zone: their last votes,
 * UP for minutes, are fresh while it learns that b was drained. */
static void
cut_off_while_it_is_drained(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	world_run(w, 5 * MINUTE);
	for (uint32_t a = 1; a < 3; a++)
		w->link_cut[0][a] = w->link_cut[a][0] = true;
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 13 * SECOND);
	for (uint64_t end_ms = w->now_ms + 20 * SECOND; w->now_ms < end_ms;) {
		world_run(w, 100);
		if (world_weight(w, 'b') > 0)
			world_broken(w, 12, "dead b is in again");
	}
	world_end(w);
}

/* For three hours b is well and dead by turns; then it is well for good. */
static void
flap(struct world *w, uint64_t well_ms, uint64_t dead_ms)
{
	for (uint64_t end_ms = w->now_ms + 3 * HOUR; w->now_ms < end_ms;) {
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, dead_ms);
		world_endpoint(w, 'b', ENDPOINT_WELL);
		world_run(w, well_ms);
	}
	needed_back(w, 'b', 31 * MINUTE);
	world_end(w);
}

static void
flaps_faster_than_the_hold(uint64_t seed)
{
	flap(needed_world(seed, 2, 1), 100 * SECOND, 20 * SECOND);
}

static void
flaps_slower_than_the_hold(uint64_t seed)
{
	flap(needed_world(seed, 2, 1), 150 * SECOND, 20 * SECOND);
}

/* a, out, is well for a moment while b is dead; a minute later it is needed. */
static void
a_flicker_while_the_other_is_dead(uint64_t seed)
{
	struct world *w = needed_world(seed, 2, 1);

	needed_drain(w, 'a', 13 * SECOND);
	world_run(w, MINUTE);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 35 * SECOND);
	world_endpoint(w, 'a', ENDPOINT_WELL);
	world_run(w, 18 * SECOND);
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	world_run(w, 10 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, 2 * MINUTE);
	world_endpoint(w, 'a', ENDPOINT_WELL);
	world_run(w, 50 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 45 * SECOND);
	world_end(w);
}

const struct needed_row needed_holds[] = {
    {"hold", 12, 20, one_blip, "a blip drains a healthy site"},
    {"opposite_resets", 12, 20, one_blip,
	"time spent UP counts as time spent DOWN: a blip drains a healthy site"},
    {"short_hold_resets", 12, 20, blips_in_a_row,
	"blips add up to a hold: they drain a healthy site"},
    {"recovering", 12, 20, blips_in_a_row,
	"the time in which it passed counts as DOWN: blips drain a healthy site"},
    {"tenfold_hold", 12, 20, the_second_of_three, "a short trouble takes two of three"},
    {"ramp_drains_at_once", 12, 20, fails_on_its_ramp,
	"what fails as soon as it is back stays in for the whole of its hold"},
    {"long_hold_pauses", 12, 20, a_restart_now_and_then,
	"an agent that restarts now and then keeps a healthy site out"},
    {"restart_resets", 11, 20, all_restart,
	"restarted agents return what they have not watched"},
    {"drain_seen", 12, 20, cut_off_while_it_is_drained,
	"who lost its peers returns at once what they have drained"},
    {"return_hold", 12, 20, flaps_faster_than_the_hold,
	"it comes back between two failures until it is latched out, and stays so"},
    {"exponent", 12, 20, flaps_slower_than_the_hold,
	"the same, with a flap that is a little slower"},
    {"swap_hold", 12, 20, a_flicker_while_the_other_is_dead,
	"the hour's swap is spent on a flicker, and is missing when it is needed"},
    {0},
};
