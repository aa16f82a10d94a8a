/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenarios: the gates, the lock and the fence. Without one of them two sides are open,
 * rows are lost on a planned way, or an act is begun that another may have begun.
 */
#include "tests/sim/needed/needed.h"
#include "tests/sim/sites.h"

static struct world *
lost_primary(uint64_t seed, enum scenario_kind kind)
{
	struct world *w = sites_world(seed, kind);

	sites_lose(w, 'a');
	return w;
}

/* Failed over, and a is there again and closed. */
static struct world *
over(uint64_t seed)
{
	struct world *w = lost_primary(seed, SCENARIO_WARM_STANDBY);

	sites_go(w, ORDER_FAILOVER);
	sites_bring(w, 'a');
	world_run(w, 10 * MINUTE);
	return w;
}

static void
nothing_fences(uint64_t seed)
{
	struct world *w = sites_prepare(seed, SCENARIO_PILOT_LIGHT);

	w->file[0].rule.plan.step[SLOT_FENCE] =
	    (struct rule_step){.fill = FILL_NOTHING};
	w->sites->operator_on = false;
	sites_ready(w);
	sites_lose(w, 'a');
	sites_go_on(w, ORDER_FAILOVER);
	world_run(w, 30 * MINUTE);
	sites_bring(w, 'a');
	world_run(w, 10 * MINUTE);
	world_end(w);
}

/* The recovery site's servers die when the fail-over has begun. */
static void
never_ready(uint64_t seed)
{
	struct world *w = lost_primary(seed, SCENARIO_WARM_STANDBY);

	w->sites->operator_on = false;
	sites_go_on(w, ORDER_FAILOVER);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 29 * MINUTE);
	world_end(w);
}

static void
a_minute_behind(uint64_t seed)
{
	struct world *w = over(seed);

	w->sites->operator_on = false;
	w->sites->lag_ms = 61 * SECOND;
	sites_go_on(w, ORDER_FAILBACK);
	world_run(w, HOUR);
	world_end(w);
}

/* Four minutes behind, and five may be: the last four come after the freeze. */
static void
the_rest_comes_after_the_freeze(uint64_t seed)
{
	struct world *w = over(seed);

	for (int f = 0; f < WORLD_FILES; f++)
		w->file[f].rule.plan.catch_up_ms = 5 * MINUTE;
	w->sites->lag_ms = 4 * MINUTE;
	sites_go(w, ORDER_FAILBACK);
	sites_at(w, 'a');
	world_end(w);
}

static void
a_blip_of_the_primary(uint64_t seed)
{
	struct world *w = sites_prepare(seed, SCENARIO_WARM_STANDBY);

	for (int f = 0; f < WORLD_FILES; f++) {
		w->file[f].rule.plan.trigger = TRIGGER_AUTOMATIC;
		w->file[f].rule.hold_ms = MINUTE;
	}
	sites_ready(w);
	w->conf.blips_only = true;
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	world_run(w, 40 * SECOND);
	world_endpoint(w, 'a', ENDPOINT_WELL);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

static void
a_plain_fail_over(uint64_t seed)
{
	struct world *w = lost_primary(seed, SCENARIO_WARM_STANDBY);

	sites_go(w, ORDER_FAILOVER);
	sites_at(w, 'b');
	world_end(w);
}

/* Whoever has just sent the turn of an act is stopped for 20 s. */
static void
stopped_before_it_begins(uint64_t seed)
{
	struct world *w = lost_primary(seed, SCENARIO_WARM_STANDBY);

	sites_go_on(w, ORDER_FAILOVER);
	for (uint64_t end_ms = w->now_ms + 10 * MINUTE; w->now_ms < end_ms;) {
		for (uint32_t i = 0; i < w->agents; i++) {
			const struct world_agent *a = &w->agent[i];

			if (!a->running || a->paused || !a->changing ||
			    a->next.run.state != RUN_STARTED)
				continue;
			world_pause(w, i);
			world_run(w, 20 * SECOND);
			world_wake(w, i);
			world_run(w, 10 * SECOND);
		}
		world_run(w, 50);
	}
	law_run_ends(w, 2 * HOUR);
	world_end(w);
}

/* A call without a fence comes 298 s after it was signed; its run was aborted. */
static void
a_late_call(uint64_t seed)
{
	struct world *w = sites_prepare(seed, SCENARIO_PILOT_LIGHT);
	struct rule_step *s = &w->file[0].rule.plan.step[SLOT_PROMOTE];

	s->fenced = false;
	s->aws = true;
	s->timeout_ms = 10 * SECOND;
	sites_ready(w);
	sites_lose(w, 'a');
	w->sites->fate_set = true;
	w->sites->fate_slot = SLOT_PROMOTE;
	w->sites->fate = ACT_COMES_LATE;
	w->sites->late_ms = 280 * SECOND;
	sites_go_on(w, ORDER_FAILOVER);
	WORLD_MUST(w, sites_await(w, SLOT_PROMOTE, RUN_UNKNOWN, 30 * MINUTE));
	sites_bring(w, 'a');
	sites_order(w, 1, ORDER_ABORT);
	law_run_ends(w, 2 * HOUR);
	world_run(w, 10 * MINUTE);
	if (sites_open(w) != 'a')
		world_broken(w, 16, "aborted, and a is not open");
	world_end(w);
}

/* It hears nobody while its act is under way. */
static void
alone_with_its_act(uint64_t seed)
{
	struct world *w = lost_primary(seed, SCENARIO_WARM_STANDBY);

	w->sites->fate_set = true;
	w->sites->fate_slot = SLOT_SCALE_UP;
	w->sites->fate = ACT_HANGS;
	sites_go_on(w, ORDER_FAILOVER);
	WORLD_MUST(w, sites_await(w, SLOT_SCALE_UP, RUN_STARTED, 30 * MINUTE));
	uint32_t holder = sites_holder(w);
	for (uint32_t i = 0; i < w->agents; i++)
		w->link_cut[holder][i] = w->link_cut[i][holder] = true;
	world_run(w, 5 * MINUTE);
	memset(w->link_cut, 0, sizeof w->link_cut);
	law_run_ends(w, 2 * HOUR);
	world_end(w);
}

const struct needed_row needed_recovery[] = {
    {"gate_side", 16, 3, nothing_fences,
	"a side is opened though nobody has closed the other, nor said that both may be"},
    {"gate_ready", 16, 8, never_ready, "traffic goes to a site that is not there"},
    {"gate_lag", 16, 3, a_minute_behind,
	"the side that answers is frozen while the other is a minute behind"},
    {"gate_lag_fully", 16, 3, the_rest_comes_after_the_freeze,
	"what was on its way at the freeze is lost on a planned way back"},
    {"gate_hold", 12, 3, a_blip_of_the_primary, "a blip begins a fail-over"},
    {"scenario_takeover", 16, 3, a_plain_fail_over,
	"the lock is taken from an agent that is well"},
    {"scenario_lock", 16, 3, a_plain_fail_over, "several agents run one scenario"},
    {"scenario_fence", 16, 3, a_plain_fail_over,
	"an attempt has no number of its own: no site can tell a late copy"},
    {"scenario_gap", 16, 5, stopped_before_it_begins,
	"who was stopped begins an act that another may be at already"},
    {"scenario_late", 16, 5, a_late_call,
	"a call that was given up opens a side when the other is open again"},
    {"scenario_alone", 16, 3, alone_with_its_act,
	"who has lost its peers goes on while another takes over"},
    {0},
};
