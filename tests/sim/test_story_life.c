/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service's life: ramps, latches, operators, failover, observe, and files that change
 * under running agents.
 */
#include "tests/sim/world.h"

static struct world *w;

static struct ledger
ledger(void)
{
	struct ledger l;

	WORLD_MUST(w, world_ledger(w, &l));
	return l;
}

static const struct ledger_member *
member(const struct ledger *l, char c)
{
	for (uint32_t m = 0; m < l->members; m++)
		if (l->member[m].name[0] == c)
			return &l->member[m];
	world_fail(w, "no member %c in the ledger", c);
}

/* ---- ramp ---- */

START_TEST(ramp_steps)
{
	static const int step[] = {10, 25, 50, 100};

	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 8 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_WELL);
		uint64_t from_ms = w->now_ms;
		for (int k = 0; k < 4; k++) {
			WORLD_MUST(w,
			    world_await_weight(
				w, 'b', step[k], k ? 75 * SECOND : 150 * SECOND));
			/* 2 minutes UP; then a minute for each step */
			WORLD_MUST(
			    w, w->now_ms - from_ms >= (k ? 60 * SECOND : 120 * SECOND));
			from_ms = w->now_ms;
		}
		world_end(w);
	}
}
END_TEST

START_TEST(ramp_aborted)
{
	for (uint32_t i = 0; i < 30; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 8 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_WELL);
		WORLD_MUST(w, world_await_weight(w, 'b', 25, 5 * MINUTE));
		world_run(w, world_roll(w, 40 * SECOND));
		uint64_t from_ms = w->now_ms;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		/* without the hold: three failures, and a call; a rank may wait */
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 6 * SECOND));
		WORLD_MUST(w, w->now_ms - from_ms >= 1000);
		if (w->agents == 1)
			WORLD_MUST(w, w->now_ms - from_ms < 4 * SECOND);
		world_end(w);
	}
}
END_TEST

/* ---- latch ---- */

START_TEST(latched_after_six)
{
	for (uint32_t i = 0; i < 4; i++) {
		w = world_new(world_seed(i + 1), 2, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		uint64_t from_ms = w->now_ms;
		for (int k = 0; k < 6; k++) {
			world_endpoint(w, 'b', ENDPOINT_REFUSED);
			WORLD_MUST(w, world_await_weight(w, 'b', 0, MINUTE));
			world_endpoint(w, 'b', ENDPOINT_WELL);
			if (k < 5)
				WORLD_MUST(
				    w, world_await_weight(w, 'b', 100, 3 * HOUR));
		}
		struct ledger l = ledger();
		WORLD_MUST(w, member(&l, 'b')->latched);
		world_run(w, 30 * HOUR); /* days do not unlatch it */
		WORLD_MUST(w, world_weight(w, 'b') == 0 && w->drains == 6);
		WORLD_MUST(w, world_fact(w, FACT_BLOCKED, "latched", from_ms) != NULL);
		world_stop(w, 0);
		world_start(w, 0); /* nor does a restart */
		world_run(w, HOUR);
		WORLD_MUST(w, world_weight(w, 'b') == 0);
		world_order(w, 0, ORDER_ACK, 'b', 0);
		WORLD_MUST(w, world_await_weight(w, 'b', 100, HOUR));
		world_end(w);
	}
}
END_TEST

/* ---- operators ---- */

START_TEST(drain_with_an_expiry)
{
	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		w->file[0].rule.failback_auto = i % 4 < 2;
		world_begin(w);
		world_ready(w);
		uint32_t at = (uint32_t)world_roll(w, w->agents);
		world_order(w, at, ORDER_DRAIN, 'b', 20 * 60);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 2 * SECOND));
		world_run(w, 19 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 0);
		/* every agent obeys, also those that heard nothing of it */
		for (uint32_t a = 0; a < w->agents; a++)
			WORLD_MUST(w, w->agent[a].g->limiter.block[1] == BLOCK_ORDER);
		WORLD_MUST(w, world_await_weight(w, 'b', 10, 3 * MINUTE));
		WORLD_MUST(w, w->returns == 1); /* through the limiter */
		WORLD_MUST(w, world_await_weight(w, 'b', 100, 5 * MINUTE));
		world_end(w);
	}
}
END_TEST

START_TEST(the_floor_refuses_an_operator)
{
	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 2, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'a', 0, 8 * SECOND));
		world_run(w, 5 * SECOND);
		uint64_t from_ms = w->now_ms;
		world_order(w, 0, ORDER_DRAIN, 'b', 600);
		world_run(w, 3 * SECOND);
		const struct fact *f =
		    world_fact(w, FACT_ORDER_REFUSED, "drain", from_ms);
		WORLD_MUST(
		    w, f != NULL && strstr(f->text, "cannot be drained") != NULL);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		world_end(w);
	}
}
END_TEST

START_TEST(freeze_with_and_without_the_api)
{
	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		w->faults.out = i % 4 < 2;
		world_order(w, 0, ORDER_FREEZE, 'a', 3600);
		WORLD_MUST(w, engine_report(w->agent[0].g)->cannot == CANNOT_FROZEN);
		world_run(w, 20 * SECOND);
		w->faults.out = false;
		world_run(w, MINUTE);
		WORLD_MUST(w, ledger().freeze.id != 0);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 100 && w->drains == 0);
		if (i % 3 == 0) {
			world_order(w, 0, ORDER_UNFREEZE, 'a', 0);
			WORLD_MUST(w, world_await_weight(w, 'b', 0, 15 * SECOND));
		} else { /* it expires by itself */
			WORLD_MUST(w, world_await_weight(w, 'b', 0, HOUR));
		}
		world_end(w);
	}
}
END_TEST

START_TEST(pinned)
{
	w = world_new(world_seed(1), 3, 3);
	world_begin(w);
	world_ready(w);
	world_order(w, 1, ORDER_PIN, 'b', 3600);
	world_run(w, 5 * SECOND);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 30 * MINUTE);
	WORLD_MUST(w, world_weight(w, 'b') == 100);
	WORLD_MUST(w, world_fact(w, FACT_BLOCKED, "pinned", 0) != NULL);
	world_order(w, 2, ORDER_UNPIN, 'b', 0);
	WORLD_MUST(w, world_await_weight(w, 'b', 0, 10 * SECOND));
	world_end(w);
}
END_TEST

/* ---- failover ---- */

static void
begin_failover(uint32_t i, uint32_t members, bool resort)
{
	w = world_new(world_seed(i + 1), members, i % 2 ? 3 : 1);
	for (int f = 0; f < WORLD_FILES; f++) {
		struct rule_service *r = &w->file[f].rule;

		r->policy = POLICY_FAILOVER;
		r->member[members - 1].last_resort = resort;
	}
	world_begin(w);
	world_ready(w);
	WORLD_MUST(w, world_weight(w, 'a') == 100 && world_weight(w, 'b') == 0);
}

START_TEST(failover_in_order)
{
	for (uint32_t i = 0; i < 20; i++) {
		begin_failover(i, 4, true);
		/* an idle member drains without waiting or counting */
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 10 * SECOND);
		WORLD_MUST(w, world_is_out(w, 'b') && world_weight(w, 'a') == 100);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'c', 100, 8 * SECOND));
		world_run(w, MINUTE);
		world_endpoint(w, 'c', ENDPOINT_SILENT);
		/* fewer than half would be left: ten times the hold */
		WORLD_MUST(w, world_await_weight(w, 'd', 100, 45 * SECOND));
		world_run(w, HOUR);
		WORLD_MUST(w, world_weight(w, 'd') == 100);
		world_endpoint(w, 'c', ENDPOINT_WELL);
		WORLD_MUST(
		    w, world_await_weight(w, 'c', 100, 5 * MINUTE)); /* no ramp */
		world_endpoint(w, 'a', ENDPOINT_WELL);
		WORLD_MUST(w, world_await_weight(w, 'a', 100, 5 * MINUTE));
		WORLD_MUST(w, world_weight(w, 'c') == 0);
		world_end(w);
	}
}
END_TEST

START_TEST(failover_all_down_keeps_the_last)
{
	for (uint32_t i = 0; i < 10; i++) {
		begin_failover(i, 2, false);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 100, 8 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, HOUR);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		world_end(w);
	}
}
END_TEST

START_TEST(manual_failback)
{
	for (uint32_t i = 0; i < 10; i++) {
		w = world_new(world_seed(i + 1), 2, i % 2 ? 3 : 1);
		w->file[0].rule.policy = POLICY_FAILOVER;
		w->file[0].rule.failback_auto = false;
		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 100, 8 * SECOND));
		world_endpoint(w, 'a', ENDPOINT_WELL);
		world_run(w, 5 * HOUR);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		WORLD_MUST(w, world_fact(w, FACT_BLOCKED, "manual", 0) != NULL);
		world_order(w, 0, ORDER_UNDRAIN, 'a', 0);
		WORLD_MUST(w, world_await_weight(w, 'a', 100, 2 * SECOND));
		world_end(w);
	}
}
END_TEST

/* ---- observe ---- */

START_TEST(observe_writes_nothing_ever)
{
	for (uint32_t i = 0; i < 6; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		for (int f = 0; f < WORLD_FILES; f++)
			w->file[f].rule.observe = true;
		world_begin(w);
		world_run(w, MINUTE);
		for (int k = 0; k < 20; k++) {
			world_endpoint(w, (char)('a' + world_roll(w, 3)),
			    world_roll(w, 2) ? ENDPOINT_REFUSED : ENDPOINT_WELL);
			world_run(w, world_roll(w, 10 * MINUTE));
			for (enum order_kind o = ORDER_DRAIN; o < ORDERS; o++)
				world_order(w, 0, o, 'a', 600);
		}
		WORLD_MUST(w, w->sends == 0 && w->commits == 0);
		WORLD_MUST(w, world_fact(w, FACT_DECIDED, "drain", 0) != NULL);
		world_end(w);
	}
}
END_TEST

/* ---- files that change ---- */

static void
second_file(uint32_t agents)
{
	(void)agents;
	w->file[1].rule.policy_hash = 0x9999;
}

static bool
in_force(uint64_t hash)
{
	return ledger().policy_hash == hash;
}

START_TEST(rollout)
{
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t agents = i % 2 ? 3 : 1;

		w = world_new(world_seed(i + 1), 3, agents);
		second_file(agents);
		/* a new member, changed answers, another weight */
		struct rule_service *r = &w->file[1].rule;
		r->members = 4;
		r->max_out = 3;
		r->member[3] = r->member[2];
		(void)snprintf(r->member[3].name, WORD_MAX, "d");
		r->member[1].weight = 50;
		w->file[1].answers = 1;
		w->file[0].rule.max_out = 3;
		world_begin(w);
		world_ready(w);
		world_reload(w, 0, 1);
		world_run(w, 5 * MINUTE);
		if (agents == 3) { /* one of three: it sits out, the others steer */
			WORLD_MUST(w, in_force(0x1234));
			WORLD_MUST(
			    w, engine_report(w->agent[0].g)->cannot == CANNOT_POLICY);
			WORLD_MUST(
			    w, world_fact(w, FACT_POLICY, "not-in-force", 0) != NULL);
			world_endpoint(w, 'c', ENDPOINT_REFUSED);
			WORLD_MUST(w, world_await_weight(w, 'c', 0, 11 * SECOND));
			world_endpoint(w, 'c', ENDPOINT_WELL);
			world_reload(w, 1, 1);
		}
		world_run(w, 30 * SECOND);
		WORLD_MUST(w, in_force(0x9999));
		WORLD_MUST(w, world_weight(w, 'b') == 50); /* at once: no ramp */
		WORLD_MUST(w, world_weight(w, 'd') >= 0);
		world_run(w, 15 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'd') == 100); /* came in by its ramp */
		for (uint32_t k = 0; k < w->zone.sets; k++)
			WORLD_MUST(w, w->zone.set[k].answers == 1);
		/* the old file sits out, and comes back with the new one */
		if (agents == 3) {
			world_stop(w, 2);
			world_start(w, 2);
			world_run(w, 2 * MINUTE);
			WORLD_MUST(
			    w, engine_report(w->agent[2].g)->cannot == CANNOT_POLICY);
			world_reload(w, 2, 1);
			world_run(w, 10 * SECOND);
			WORLD_MUST(
			    w, engine_report(w->agent[2].g)->cannot == CANNOT_NOT);
		}
		WORLD_MUST(w, w->agent[0].g->watch.frozen == FROZEN_NOT);
		world_end(w);
	}
}
END_TEST

/* A member is taken out of the file: its record set goes, the others stay. */
START_TEST(member_removed)
{
	for (uint32_t i = 0; i < 10; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		second_file(w->agents);
		w->file[1].rule.members = 2;
		w->file[1].rule.max_out = 1;
		world_begin(w);
		world_ready(w);
		for (uint32_t a = 0; a < w->agents; a++)
			world_reload(w, a, 1);
		world_run(w, 30 * SECOND);
		WORLD_MUST(w, in_force(0x9999));
		WORLD_MUST(w, world_weight(w, 'c') == -1 && w->zone.sets == 2);
		WORLD_MUST(w, world_weight(w, 'a') == 100);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 8 * SECOND));
		world_end(w);
	}
}
END_TEST

/* Not to a policy without an in member that is not DOWN. */
START_TEST(no_policy_onto_the_dead)
{
	w = world_new(world_seed(1), 2, 1);
	second_file(1);
	w->file[1].rule.members = 1;
	w->file[1].rule.max_out = 0;
	world_begin(w);
	world_ready(w);
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	WORLD_MUST(w, world_await_weight(w, 'a', 0, 8 * SECOND));
	world_reload(w, 0, 1); /* a alone would be left */
	world_run(w, 10 * MINUTE);
	WORLD_MUST(w, in_force(0x1234));
	WORLD_MUST(w, world_weight(w, 'b') == 100);
	world_end(w);
}
END_TEST

/* Voters that share no quorum with the old file's need adopt. */
START_TEST(strangers_need_adopt)
{
	w = world_new(world_seed(1), 2, 1);
	second_file(1);
	(void)snprintf(w->file[1].rule.agent[0].name, WORD_MAX, "stranger");
	w->file[1].rule.agent[0].number = agent_number("stranger");
	world_begin(w);
	world_ready(w);
	world_reload(w, 0, 1);
	world_run(w, 10 * MINUTE);
	WORLD_MUST(w, in_force(0x1234));
	world_order(w, 0, ORDER_ADOPT, 'a', 0);
	world_run(w, 10 * SECOND);
	WORLD_MUST(w, in_force(0x9999));
	world_end(w);
}
END_TEST

/* Half and half: neither file has its quorum; steering pauses and says so. */
START_TEST(split_rollout_pauses)
{
	w = world_new(world_seed(1), 2, 3);
	second_file(3);
	w->file[1].rule.hold_ms = 4000;
	world_begin(w);
	world_ready(w);
	world_stop(w, 2);
	world_reload(w, 1, 1);
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 10 * MINUTE);
	WORLD_MUST(w, w->drains == 0);
	world_reload(w, 0, 1);
	WORLD_MUST(w, world_await_weight(w, 'b', 0, 10 * SECOND));
	WORLD_MUST(w, in_force(0x9999));
	world_end(w);
}
END_TEST

/* ---- restarts ---- */

START_TEST(a_restart_writes_nothing)
{
	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);
		world_begin(w);
		world_ready(w);
		uint64_t commits = w->commits;
		for (uint32_t k = 0; k < 5; k++)
			for (uint32_t a = 0; a < w->agents; a++) {
				world_stop(w, a);
				if (i % 4 < 2)
					world_wipe_store(w, a);
				world_run(w, world_roll(w, 30 * SECOND));
				world_start(w, a);
				world_run(w, world_roll(w, 30 * SECOND));
			}
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->commits == commits);
		world_end(w);
	}
}
END_TEST

/* Further behind than eight versions: it waits until the others vouch. */
START_TEST(far_behind)
{
	for (uint32_t i = 0; i < 10; i++) {
		w = world_new(world_seed(i + 1), 3, 3);
		world_begin(w);
		world_ready(w);
		world_stop(w, 2);
		for (int k = 0; k < 2; k++) {
			world_endpoint(w, 'b', ENDPOINT_REFUSED);
			WORLD_MUST(w, world_await_weight(w, 'b', 0, MINUTE));
			world_endpoint(w, 'b', ENDPOINT_WELL);
			WORLD_MUST(w, world_await_weight(w, 'b', 100, HOUR));
		}
		world_start(w, 2);
		world_run(w, MINUTE);
		WORLD_MUST(w, w->agent[2].g->watch.frozen == FROZEN_NOT);
		WORLD_MUST(w, w->agent[2].g->ledger.epoch == ledger().epoch);
		world_end(w);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("life");
	TCase *t = tcase_create("life");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, ramp_steps);
	tcase_add_test(t, ramp_aborted);
	tcase_add_test(t, latched_after_six);
	tcase_add_test(t, drain_with_an_expiry);
	tcase_add_test(t, the_floor_refuses_an_operator);
	tcase_add_test(t, freeze_with_and_without_the_api);
	tcase_add_test(t, pinned);
	tcase_add_test(t, failover_in_order);
	tcase_add_test(t, failover_all_down_keeps_the_last);
	tcase_add_test(t, manual_failback);
	tcase_add_test(t, observe_writes_nothing_ever);
	tcase_add_test(t, rollout);
	tcase_add_test(t, member_removed);
	tcase_add_test(t, no_policy_onto_the_dead);
	tcase_add_test(t, strangers_need_adopt);
	tcase_add_test(t, split_rollout_pauses);
	tcase_add_test(t, a_restart_writes_nothing);
	tcase_add_test(t, far_behind);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
