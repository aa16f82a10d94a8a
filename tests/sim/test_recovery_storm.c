/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storms that a recovery lives through, by name. Each is played with all four kinds,
 * where it has a meaning for them, and held against every invariant at every step.
 */
#include <string.h>

#include "tests/sim/sites.h"

static const enum scenario_kind kinds[] = {SCENARIO_BACKUP_RESTORE,
    SCENARIO_PILOT_LIGHT, SCENARIO_WARM_STANDBY, SCENARIO_MULTI_SITE};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

static void
end_well(struct world *w)
{
	struct ledger l;

	WORLD_MUST(w, world_ledger(w, &l) && l.run.id == 0 && l.lock_holder == 0);
	world_end(w);
}

/* All that could be told apart is played under POINTSMAN_ALL, every third otherwise. */
static bool
is_left_out(int n)
{
	return world_seeds(1) == 1 && n % 3 != 0;
}

static struct rule_scenario *
plan_of(struct world *w)
{
	return &w->file[0].rule.plan;
}

/* ---- as it should be ---- */

START_TEST(over_and_back)
{
	struct world *w = sites_world(world_seed(1), kinds[_i]);
	bool cold = kinds[_i] == SCENARIO_BACKUP_RESTORE;

	sites_lose(w, 'a');
	sites_go(w, ORDER_FAILOVER);
	sites_at(w, 'b');
	WORLD_MUST(w, w->sites->rows_lost <= (cold ? HOUR : SECOND));
	world_run(w, 10 * MINUTE);
	sites_bring(w, 'a');
	world_run(w, 10 * MINUTE);
	uint64_t lost = w->sites->rows_lost;
	sites_go(w, ORDER_FAILBACK);
	sites_at(w, 'a');
	WORLD_MUST(w, w->sites->rows_lost == lost);
	world_run(w, HOUR);
	sites_at(w, 'a');
	end_well(w);
}
END_TEST

START_TEST(planned_over_and_back)
{
	struct world *w = sites_world(world_seed(2), kinds[_i]);

	sites_go(w, ORDER_SWITCHOVER);
	sites_at(w, 'b');
	WORLD_MUST(w, w->sites->rows_lost == 0);
	world_run(w, 10 * MINUTE);
	sites_go(w, ORDER_FAILBACK);
	sites_at(w, 'a');
	WORLD_MUST(w, w->sites->rows_lost == 0);
	end_well(w);
}
END_TEST

/* Nothing is ordered, and nothing is approved: the scenario begins by itself. */
START_TEST(begins_by_itself)
{
	struct world *w = sites_prepare(world_seed(3), kinds[_i]);

	plan_of(w)->trigger = TRIGGER_AUTOMATIC;
	sites_ready(w);
	sites_lose(w, 'a');
	WORLD_MUST(w, w->fact_count[FACT_RUN] > 0 || sites_slot(w) != SLOT_NONE);
	law_run_ends(w, 2 * HOUR);
	sites_at(w, 'b');
	end_well(w);
}
END_TEST

START_TEST(a_drill_moves_no_side)
{
	struct world *w = sites_prepare(world_seed(4), kinds[_i]);

	for (int f = 0; f < WORLD_FILES; f++) {
		struct rule_scenario *r = &w->file[f].rule.plan;

		r->shadow = true;
		for (int s = 0; s < SLOTS; s++)
			r->step[s].drill = !scenario_opens((enum slot)s) &&
			    !scenario_closes((enum slot)s);
		r->step[SLOT_REVERSE].drill = r->step[SLOT_BACKUP].drill = false;
	}
	sites_ready(w);
	sites_go(w, ORDER_DRILL);
	WORLD_MUST(w, sites_open(w) == 'a' && w->sites->rows_lost == 0);
	WORLD_MUST(w, world_weight(w, 'a') > 0 && w->sites->repoints >= 1);
	end_well(w);
}
END_TEST

/* ---- the runner ---- */

static struct world *
storm(uint64_t seed, enum scenario_kind kind, bool back)
{
	struct world *w = sites_world(seed, kind);

	sites_lose(w, 'a');
	if (back) {
		sites_go(w, ORDER_FAILOVER);
		sites_bring(w, 'a');
		world_run(w, 10 * MINUTE);
	}
	return w;
}

static void
to_the_end(struct world *w, bool back)
{
	sites_go(w, back ? ORDER_FAILBACK : ORDER_FAILOVER);
	sites_at(w, back ? 'a' : 'b');
	end_well(w);
}

/* It dies at every step: when its turn is written, when it is about to begin, in the
 * midst, when the act has ended, when it knows. It is there again at once, or long after
 * another has taken over. */
START_TEST(the_runner_dies_at_every_step)
{
	uint32_t worlds = 0;

	for (int slot = SLOT_FENCE; slot < SLOTS; slot++)
		for (int death = DEATH_COMMITTED; death < DEATHS; death++)
			for (int back = 0; back < 2; back++) {
				if (is_left_out(slot + death + back + _i))
					continue;
				struct world *w = storm(
				    (uint64_t)(slot * 100 + death), kinds[_i], back);

				w->sites->death = (enum act_death)death;
				w->sites->death_slot = (enum slot)slot;
				w->sites->revive_ms =
				    (slot + death) % 2 ? 3 * SECOND : HOUR;
				if (plan_of(w)->step[slot].fill != FILL_ACT) {
					world_end(w);
					continue;
				}
				to_the_end(w, back);
				worlds++;
			}
	ck_assert_uint_gt(worlds, 10);
}
END_TEST

/* … or it is stopped for five minutes while its act is under way, and wakes when another
 * may have taken over. */
START_TEST(the_runner_is_stopped_at_every_step)
{
	for (int slot = SLOT_FENCE; slot < SLOTS; slot++) {
		if (is_left_out(slot + _i))
			continue;
		struct world *w = storm((uint64_t)slot, kinds[_i], false);

		sites_go_on(w, ORDER_FAILOVER);
		if (sites_await(w, (enum slot)slot, RUN_STARTED, 30 * MINUTE)) {
			uint32_t holder = sites_holder(w);

			world_pause(w, holder);
			world_run(w, 20 * MINUTE);
			world_wake(w, holder);
		}
		law_run_ends(w, 6 * HOUR);
		sites_at(w, 'b');
		end_well(w);
	}
}
END_TEST

/* … or cut off from all others, with the API in its hand. */
START_TEST(the_runner_is_cut_off_at_every_step)
{
	for (int slot = SLOT_FENCE; slot < SLOTS; slot++) {
		if (is_left_out(slot + _i))
			continue;
		struct world *w = storm((uint64_t)slot, kinds[_i], true);

		sites_go_on(w, ORDER_FAILBACK);
		if (sites_await(w, (enum slot)slot, RUN_STARTED, 30 * MINUTE)) {
			uint32_t holder = sites_holder(w);

			for (uint32_t i = 0; i < w->agents; i++)
				w->link_cut[holder][i] = w->link_cut[i][holder] = true;
			world_run(w, 15 * MINUTE);
			memset(w->link_cut, 0, sizeof w->link_cut);
		}
		law_run_ends(w, 6 * HOUR);
		sites_at(w, 'a');
		end_well(w);
	}
}
END_TEST

/* ---- acts that misbehave ---- */

/* A step that hangs, fails, says that it failed, gets lost, comes late, comes twice. */
START_TEST(every_step_misbehaves)
{
	for (int slot = SLOT_FENCE; slot < SLOTS; slot++)
		for (int fate = ACT_FAILS; fate < ACT_FATES; fate++)
			for (int back = 0; back < 2; back++) {
				if (is_left_out(slot + fate + back + _i))
					continue;
				struct world *w = storm(
				    (uint64_t)(slot * 100 + fate), kinds[_i], back);

				if (plan_of(w)->step[slot].fill != FILL_ACT) {
					world_end(w);
					continue;
				}
				w->sites->fate_set = true;
				w->sites->fate_slot = (enum slot)slot;
				w->sites->fate = (enum act_fate)fate;
				to_the_end(w, back);
			}
}
END_TEST

/* A promotion that comes after its retry, and after the way back: void by its fence. */
START_TEST(a_late_copy_is_void)
{
	enum slot slot =
	    kinds[_i] == SCENARIO_BACKUP_RESTORE ? SLOT_RESTORE : SLOT_PROMOTE;
	struct world *w = storm(7, kinds[_i], false);

	w->sites->fate_set = true;
	w->sites->fate_slot = slot;
	w->sites->fate = ACT_COMES_LATE;
	w->sites->late_ms = 3 * HOUR;
	sites_go(w, ORDER_FAILOVER);
	sites_at(w, 'b');
	sites_bring(w, 'a');
	world_run(w, 10 * MINUTE);
	sites_go(w, ORDER_FAILBACK);
	sites_at(w, 'a');
	world_run(w, 4 * HOUR);
	WORLD_MUST(w, w->sites->late_refused == 1);
	sites_at(w, 'a');
	end_well(w);
}
END_TEST

/* ---- sites ---- */

START_TEST(the_primary_comes_back_in_the_middle)
{
	for (int slot = SLOT_FENCE; slot < SLOTS; slot++) {
		if (is_left_out(slot + _i))
			continue;
		struct world *w = storm((uint64_t)slot, kinds[_i], false);

		sites_go_on(w, ORDER_FAILOVER);
		(void)sites_await(w, (enum slot)slot, RUN_STARTED, 30 * MINUTE);
		sites_bring(w, 'a');
		law_run_ends(w, 6 * HOUR);
		sites_at(w, 'b');
		world_run(w, 10 * MINUTE);
		sites_go(w, ORDER_FAILBACK);
		sites_at(w, 'a');
		end_well(w);
	}
}
END_TEST

/* The fence reaches nobody; nothing is opened without a word, whatever comes back. */
START_TEST(the_fence_does_not_reach)
{
	struct world *w = storm(8, kinds[_i], false);

	w->sites->fence_reaches = false;
	w->sites->operator_on = false;
	sites_go_on(w, ORDER_FAILOVER);
	WORLD_MUST(w, sites_await(w, SLOT_FENCE, RUN_FAILED, HOUR));
	world_run(w, HOUR);
	WORLD_MUST(w, sites_open(w) == '\0' && sites_slot(w) == SLOT_FENCE);
	sites_order(w, 1, ORDER_SKIP);
	WORLD_MUST(w, sites_await(w, SLOT_NONE, RUN_ASKS, HOUR));
	WORLD_MUST(w, scenario_opens(sites_slot(w)) && sites_open(w) == '\0');
	sites_bring(w, 'a'); /* and it is open */
	world_run(w, 10 * MINUTE);
	WORLD_MUST(w, sites_open(w) == 'a');
	sites_order(w, 1, ORDER_ABORT);
	WORLD_MUST(w, sites_await_end(w, HOUR));
	WORLD_MUST(w, sites_open(w) == 'a' && world_weight(w, 'a') >= 0);
	end_well(w);
}
END_TEST

/* Nothing was ever fenced, and an operator promotes by hand: the ledger knows it. */
START_TEST(promoted_by_hand)
{
	struct world *w = sites_prepare(14, SCENARIO_PILOT_LIGHT);
	struct rule_step *step = plan_of(w)->step;
	struct ledger l;

	step[SLOT_FENCE] = (struct rule_step){.fill = FILL_NOTHING};
	step[SLOT_PROMOTE] = (struct rule_step){.fill = FILL_APPROVE};
	sites_ready(w);
	sites_lose(w, 'a');
	sites_go(w, ORDER_FAILOVER);
	sites_at(w, 'b');
	WORLD_MUST(w, world_ledger(w, &l) && (ledger_sides(&l) & SIDE_RECOVERY) != 0);
	end_well(w);
}
END_TEST

/* Both are lost, one after the other, and come back the other way round. */
START_TEST(two_disasters_at_once)
{
	enum slot slot =
	    kinds[_i] == SCENARIO_BACKUP_RESTORE ? SLOT_RESTORE : SLOT_PROMOTE;
	struct world *w = storm(9, kinds[_i], false);

	sites_go_on(w, ORDER_FAILOVER);
	WORLD_MUST(w, sites_await(w, slot, RUN_STARTED, HOUR));
	w->sites->operator_on = false;
	sites_lose(w, 'b');
	world_run(w, 10 * MINUTE);
	sites_bring(w, 'a');
	world_run(w, 5 * MINUTE);
	sites_order(w, 2, ORDER_ABORT);
	w->sites->operator_on = true;
	world_run(w, 10 * MINUTE);
	sites_bring(w, 'b');
	law_run_ends(w, 6 * HOUR);
	WORLD_MUST(w, sites_open(w) == 'a');
	end_well(w);
}
END_TEST

/* ---- GitHub, October 2018 ---- */

static void
part(struct world *w, bool apart)
{
	for (uint32_t i = 1; i < w->agents; i++) {
		w->link_cut[0][i] = w->link_cut[i][0] = apart;
		world_way(w, i, 'a', apart ? WAY_LOST : WAY_OPEN);
		world_way(w, 0, 'b', apart ? WAY_LOST : WAY_OPEN);
	}
}

/* 43 s without a way between the sites, and a database that is behind: nothing moves. */
START_TEST(partition_of_43_s)
{
	struct world *w = sites_prepare(world_seed(10), kinds[_i]);
	struct ledger l;

	for (int f = 0; f < WORLD_FILES; f++) {
		w->file[f].rule.plan.trigger = TRIGGER_AUTOMATIC;
		w->file[f].rule.stateful = true;
		w->file[f].rule.hold_ms = MINUTE;
	}
	w->sites->lag_ms = 40 * SECOND;
	sites_ready(w);
	part(w, true);
	world_run(w, 43 * SECOND);
	part(w, false);
	world_run(w, 2 * HOUR);
	WORLD_MUST(w, world_ledger(w, &l) && l.fence == 0 && l.run.id == 0);
	WORLD_MUST(w, sites_open(w) == 'a' && w->sites->acts_begun == 0);
	world_end(w);
}
END_TEST

/* One that lasts: the fence cannot get there, so that nobody is promoted. When it is
 * over an operator takes it back, and nothing was lost. */
START_TEST(partition_that_lasts)
{
	struct world *w = sites_prepare(world_seed(11), kinds[_i]);

	plan_of(w)->trigger = TRIGGER_AUTOMATIC;
	w->file[0].rule.plan.trigger = TRIGGER_AUTOMATIC;
	w->sites->operator_on = false;
	sites_ready(w);
	w->sites->odds.of[ACT_FAILS] = 100;
	part(w, true);
	world_run(w, 30 * MINUTE);
	WORLD_MUST(w, sites_open(w) == 'a' && w->sites->acts_begun > 0);
	part(w, false);
	w->sites->odds.of[ACT_FAILS] = 0;
	world_run(w, 5 * MINUTE);
	sites_order(w, 1, ORDER_ABORT);
	w->sites->operator_on = true;
	law_run_ends(w, 2 * HOUR);
	WORLD_MUST(w, sites_open(w) == 'a' && w->sites->rows_lost == 0);
	world_run(w, HOUR);
	WORLD_MUST(w, world_weight(w, 'a') > 0);
	end_well(w);
}
END_TEST

/* ---- the lag ---- */

static void
no_reverse(struct world *w)
{
	for (int f = 0; f < WORLD_FILES; f++)
		w->file[f].rule.plan.step[SLOT_REVERSE] =
		    (struct rule_step){.fill = FILL_NOTHING};
}

/* Never frozen while it is behind. */
START_TEST(not_back_while_it_is_behind)
{
	struct world *w = storm(12, kinds[_i], true);

	w->sites->lag_ms = 61 * SECOND;
	w->sites->operator_on = false;
	sites_go_on(w, ORDER_FAILBACK);
	world_run(w, 40 * MINUTE);
	WORLD_MUST(w, sites_slot(w) == SLOT_CAUGHT_UP && sites_open(w) == 'b');
	sites_order(w, 1, ORDER_ABORT);
	WORLD_MUST(w, sites_await_end(w, HOUR));
	WORLD_MUST(w, sites_open(w) == 'b');
	w->sites->lag_ms = SECOND;
	w->sites->operator_on = true;
	world_run(w, MINUTE);
	to_the_end(w, true);
}
END_TEST

/* Where the copy follows by itself the order is refused, with the number. */
START_TEST(refused_with_the_number)
{
	struct world *w = storm(13, kinds[_i], true);
	const struct fact *no;

	no_reverse(w);
	w->sites->side[0].follows = 1;
	w->sites->lag_ms = 61 * SECOND;
	world_run(w, 5 * MINUTE);
	uint64_t asked_ms = w->now_ms;
	sites_order(w, 1, ORDER_FAILBACK);
	world_run(w, MINUTE);
	no = world_fact(w, FACT_ORDER_REFUSED, NULL, asked_ms);
	WORLD_MUST(w, no != NULL && strstr(no->text, "61.000 s") != NULL);
	WORLD_MUST(w, sites_slot(w) == SLOT_NONE && sites_open(w) == 'b');
	w->sites->lag_ms = SECOND;
	world_run(w, MINUTE);
	to_the_end(w, true);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("recovery storms");
	TCase *t = tcase_create("storms");

	tcase_set_timeout(t, 600);
	tcase_add_loop_test(t, over_and_back, 0, KINDS);
	tcase_add_loop_test(t, planned_over_and_back, 0, KINDS);
	tcase_add_loop_test(t, begins_by_itself, 0, KINDS);
	tcase_add_loop_test(t, a_drill_moves_no_side, 0, KINDS);
	tcase_add_loop_test(t, the_runner_dies_at_every_step, 0, KINDS);
	tcase_add_loop_test(t, the_runner_is_stopped_at_every_step, 0, KINDS);
	tcase_add_loop_test(t, the_runner_is_cut_off_at_every_step, 0, KINDS);
	tcase_add_loop_test(t, every_step_misbehaves, 0, KINDS);
	tcase_add_loop_test(t, a_late_copy_is_void, 0, KINDS);
	tcase_add_loop_test(t, the_primary_comes_back_in_the_middle, 0, KINDS);
	tcase_add_loop_test(t, the_fence_does_not_reach, 0, KINDS);
	tcase_add_test(t, promoted_by_hand);
	tcase_add_loop_test(t, two_disasters_at_once, 0, KINDS);
	tcase_add_loop_test(t, partition_of_43_s, 0, KINDS);
	tcase_add_loop_test(t, partition_that_lasts, 0, KINDS);
	/* of a backup there is no lag to wait for */
	tcase_add_loop_test(t, not_back_while_it_is_behind, 1, KINDS);
	tcase_add_loop_test(t, refused_with_the_number, 1, KINDS);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
