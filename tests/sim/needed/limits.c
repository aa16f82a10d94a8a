/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be out, and how often it may turn. */
#include "tests/sim/needed/needed.h"

/* ---- how much ---- */

/* c has no weight to give: where a is out, b is the last that answers. */
static void
the_last_with_a_weight(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 1);

	w->file[0].rule.member[2].weight = 0;
	needed_begin(w);
	needed_drain(w, 'a', 13 * SECOND);
	world_run(w, MINUTE);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

static void
a_second_one_dies(struct world *w)
{
	needed_begin(w);
	needed_drain(w, 'b', 13 * SECOND);
	world_run(w, MINUTE);
	world_endpoint(w, 'c', ENDPOINT_REFUSED);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

static void
one_may_be_out(uint64_t seed)
{
	struct world *w = world_new(seed, 4, 1);

	w->file[0].rule.max_out = 1;
	a_second_one_dies(w);
}

static void
most_must_be_in(uint64_t seed)
{
	struct world *w = world_new(seed, 4, 1);

	w->file[0].rule.min_capacity_pct = 60;
	a_second_one_dies(w);
}

static void
two_die_within_five_seconds(uint64_t seed)
{
	struct world *w = needed_world(seed, 4, 1);

	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 5 * SECOND);
	world_endpoint(w, 'c', ENDPOINT_REFUSED);
	world_run(w, 2 * MINUTE);
	world_end(w);
}

/* a is seen well by one, dead by one, not at all by one; then b fails a while, too. Once
 * b is well again, a dies in earnest. */
static void
the_other_is_undecided(uint64_t seed)
{
	struct world *w = needed_world(seed, 2, 3);

	world_way(w, 0, 'a', WAY_LOST);
	world_way(w, 1, 'a', WAY_UNKNOWN);
	world_run(w, 20 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 15 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	world_run(w, 15 * SECOND);
	world_way(w, 0, 'a', WAY_OPEN);
	world_way(w, 1, 'a', WAY_OPEN);
	world_run(w, 5 * SECOND);
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	needed_out(w, 'a', 13 * SECOND);
	world_end(w);
}

/* a is out, and well again; then b dies. */
static void
the_last_dies_while_another_is_well(uint64_t seed)
{
	struct world *w = needed_world(seed, 2, 1);

	needed_drain(w, 'a', 13 * SECOND);
	world_endpoint(w, 'a', ENDPOINT_WELL);
	world_run(w, 20 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 45 * SECOND);
	world_end(w);
}

/* The member that answers and the next in line die while the API is out. */
static void
the_first_two_of_four(uint64_t seed)
{
	struct world *w = world_new(seed, 4, 1);

	w->file[0].rule.policy = POLICY_FAILOVER;
	needed_begin(w);
	w->faults.out = true;
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 30 * SECOND);
	w->faults.out = false;
	if (!world_await_weight(w, 'c', 100, 15 * SECOND))
		world_broken(w, 12, "a dead member still answers after 15 s");
	world_end(w);
}

/* ---- how often ---- */

/* Fails as soon as it is in, is well as soon as it is out. */
static void
spite(uint64_t seed)
{
	struct world *w = needed_world(seed, 2, 1);

	for (uint64_t end_ms = w->now_ms + 70 * MINUTE; w->now_ms < end_ms;) {
		world_endpoint(w, 'b',
		    world_weight(w, 'b') > 0 ? ENDPOINT_REFUSED : ENDPOINT_WELL);
		world_run(w, SECOND);
	}
	world_end(w);
}

/* Whoever is in fails, whoever is out is well. */
static void
spite_of_both(uint64_t seed)
{
	struct world *w = needed_world(seed, 2, 1);

	for (uint64_t end_ms = w->now_ms + 70 * MINUTE; w->now_ms < end_ms;) {
		bool b_is_in = world_weight(w, 'b') > 0 && !world_is_out(w, 'b');

		world_endpoint(w, 'b', b_is_in ? ENDPOINT_REFUSED : ENDPOINT_WELL);
		world_endpoint(w, 'a',
		    world_is_out(w, 'b') && !world_is_out(w, 'a') ? ENDPOINT_REFUSED
								  : ENDPOINT_WELL);
		world_run(w, SECOND);
	}
	world_end(w);
}

/* One return an hour and no swap: at most three turns. The first return is applied
 * nearly five minutes after it was decided, and fails at once; so does the next. */
static void
a_late_return(uint64_t seed)
{
	struct world *w = world_new(seed, 2, 1);

	w->file[0].rule.return_per_hour = 1;
	w->file[0].rule.swap_per_hour = 0;
	needed_begin(w);
	needed_drain(w, 'b', 13 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	w->faults.late_changes = 1;
	w->faults.late_ms = 290 * SECOND;
	while (w->faults.late_changes > 0)
		world_run(w, 10);
	w->faults.out = true;
	WORLD_MUST(w, world_await_weight(w, 'b', 10, 295 * SECOND));
	w->faults.out = false;
	needed_drain(w, 'b', 2 * MINUTE);
	world_endpoint(w, 'b', ENDPOINT_WELL);
	WORLD_MUST(w, world_await_weight(w, 'b', 10, 2 * HOUR));
	needed_drain(w, 'b', MINUTE);
	world_run(w, MINUTE);
	world_end(w);
}

const struct needed_row needed_limits[] = {
    {"floor", 2, 20, the_last_with_a_weight, "the last that answers is drained"},
    {"max_out", 3, 20, one_may_be_out, "a second one goes out where one may"},
    {"min_capacity", 3, 20, most_must_be_in, "half is left in where 60 % must be"},
    {"spacing", 5, 20, two_die_within_five_seconds, "two sites go within seconds"},
    {"budget", 4, 20, spite, "a spiteful site turns as fast as its holds let it"},
    {"late_window", 4, 20, a_late_return,
	"what was applied late is forgotten early: four turns where three may be"},
    {"swap_limit", 4, 20, spite_of_both, "two spiteful sites swap without end"},
    {"all_down_stands", 12, 20, the_other_is_undecided,
	"the healthy one is out when the undecided one turns out to be dead"},
    {"swap", 12, 20, the_last_dies_while_another_is_well,
	"a dead one answers while a healthy one waits outside"},
    {"idle_first", 12, 20, the_first_two_of_four,
	"the next in line answers, dead, for as long as the spacing lasts"},
    {"latch", 0, 0, NULL,
	"no invariant speaks of days, and within an hour the budget is the bound"},
    {"ramp_while_up", 0, 0, NULL,
	"no invariant speaks of the weight of a member that is in"},
    {0},
};
