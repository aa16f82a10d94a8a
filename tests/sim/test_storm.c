/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storms that others have lived through, by name (DESIGN.md §10), each at several
 * phases and sizes. The laws of world_laws.c are held against every step besides.
 */
#include "tests/sim/world.h"

#define SEEDS 12

static struct world *w;

static void
begin(uint32_t i, uint32_t members, uint32_t agents)
{
	w = world_new(world_seed(i + 1), members, agents);
	world_begin(w);
	world_ready(w);
	world_run(w, world_roll(w, 12 * SECOND));
}

static uint32_t
agents_of(uint32_t i)
{
	return i % 3 == 0 ? 3 : i % 3 == 1 ? 5 : 4;
}

/* All hold the zone's ledger, thawed, nothing open, able to write. */
static void
agreed(void)
{
	struct ledger l;

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t a = 0; a < w->agents; a++) {
		const struct engine *g = w->agent[a].g;

		WORLD_MUST(w, g->ledger.epoch == l.epoch);
		WORLD_MUST(w, g->watch.frozen == FROZEN_NOT && !g->unknown);
		WORLD_MUST(w, g->cannot == CANNOT_NOT);
	}
}

static uint32_t
answering(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->zone.sets; i++)
		n += w->zone.set[i].weight > 0;
	return n;
}

/* ---- AWS, October 2025: a slow writer applies an old plan over newer ones ---- */

START_TEST(stale_writer)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		w->faults.late_changes = 1;
		w->faults.late_ms = 3 * MINUTE + world_roll(w, 100 * SECOND);
		uint64_t late_ms = w->faults.late_ms, commits = w->commits;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		while (w->faults.late_changes > 0)
			world_run(w, 50);
		/* the others do not wait for it, and move on: out, and back */
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 20 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_WELL);
		WORLD_MUST(w, world_await_weight(w, 'b', 10, 3 * MINUTE));
		WORLD_MUST(w, w->commits >= commits + 2);
		struct world_zone before = w->zone;
		while (memcmp(&before, &w->zone, sizeof before) == 0 && late_ms > 0) {
			world_run(w, SECOND);
			late_ms = late_ms > SECOND ? late_ms - SECOND : 0;
			WORLD_MUST(w, world_weight(w, 'b') >= 10);
		}
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 100 && w->drains == 1);
		WORLD_MUST(w, w->zone.sets == 3);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- AWS, the same day: the balancers' checks fail and pass by turns ---- */

START_TEST(checks_alternate)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		for (uint32_t m = 0; m < 3; m++) {
			world_endpoint(w, (char)('a' + m), ENDPOINT_ALTERNATING);
			w->endpoint[m].period_ms =
			    SECOND * (20 + world_roll(w, 400) * (m + 1));
			world_run(w, world_roll(w, 30 * SECOND));
		}
		for (int k = 0; k < 60; k++) {
			world_run(w, 6 * MINUTE);
			WORLD_MUST(w, answering() > 0);
		}
		WORLD_MUST(w, w->worst_hour <= 7);
		for (char c = 'a'; c <= 'c'; c++)
			world_endpoint(w, c, ENDPOINT_WELL);
		world_run(w, 20 * MINUTE);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- Facebook, 2021: every site loses its own uplink ---- */

START_TEST(every_uplink_lost)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		uint64_t commits = w->commits, sends = w->sends;
		for (uint32_t a = 0; a < w->agents; a++) {
			w->agent[a].blind = w->agent[a].cut = true;
			for (uint32_t k = 0; k < w->agents; k++)
				w->link_cut[a][k] = a != k;
			world_run(w, world_roll(w, 3 * SECOND));
		}
		world_run(w, 6 * HOUR);
		WORLD_MUST(w, w->commits == commits && w->sends == sends);
		memset(w->link_cut, 0, sizeof w->link_cut);
		for (uint32_t a = 0; a < w->agents; a++)
			w->agent[a].blind = w->agent[a].cut = false;
		world_run(w, MINUTE);
		agreed();
		/* at the most holds that ripened on the way are voided */
		world_run(w, 5 * MINUTE);
		WORLD_MUST(w, w->drains == 0 && answering() == 3);
		world_end(w);
	}
}
END_TEST

/* ---- GitHub, 2018: 43 seconds of partition, and a database behind ---- */

START_TEST(partition_of_43_seconds)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		w = world_new(world_seed(i + 1), 2, 3);
		for (int f = 0; f < WORLD_FILES; f++) {
			struct rule_service *r = &w->file[f].rule;

			r->policy = POLICY_FAILOVER;
			r->stateful = i % 2 == 0;
			r->hold_ms = r->stateful ? MINUTE : 3 * SECOND;
		}
		world_begin(w);
		world_ready(w);
		world_run(w, world_roll(w, 12 * SECOND));
		uint64_t commits = w->commits;
		/* site a hears nobody and is heard by nobody; from inside it is well */
		for (uint32_t k = 1; k < 3; k++) {
			w->link_cut[0][k] = w->link_cut[k][0] = true;
			w->agent[k].path_loss[0] = 1;
		}
		world_run(w, 43 * SECOND);
		/* the side that is alone writes nothing at all (a law); the database's
		 * hold is longer than the partition, the other moves once */
		WORLD_MUST(w, !w->file[0].rule.stateful || w->commits == commits);
		WORLD_MUST(w, w->drains == (w->file[0].rule.stateful ? 0 : 1));
		memset(w->link_cut, 0, sizeof w->link_cut);
		for (uint32_t k = 1; k < 3; k++)
			w->agent[k].path_loss[0] = 0;
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'a') == 100 && world_weight(w, 'b') == 0);
		WORLD_MUST(w, w->drains == w->returns && w->drains <= 1);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- GitHub, 2012: each side fails under the load of both ---- */

START_TEST(load_ping_pong)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		uint32_t members = 2 + i % 2;

		begin(i, members, agents_of(i));
		for (uint32_t m = 0; m < members; m++) {
			world_endpoint(w, (char)('a' + m), ENDPOINT_LOADED);
			w->endpoint[m].others = members - 1;
		}
		w->endpoint[0].kind = ENDPOINT_SILENT; /* the first push */
		world_run(w, 30 * SECOND);
		w->endpoint[0].kind = ENDPOINT_LOADED;
		for (int k = 0; k < 120; k++) {
			world_run(w, 6 * MINUTE);
			WORLD_MUST(w, answering() > 0);
			WORLD_MUST(w, w->worst_hour <= 7);
		}
		/* relief: it comes to rest with all of them in */
		for (uint32_t m = 0; m < members; m++)
			world_endpoint(w, (char)('a' + m), ENDPOINT_WELL);
		for (uint32_t m = 0; m < members; m++)
			if (world_is_out(w, (char)('a' + m)))
				world_order(w, 0, ORDER_ACK, (char)('a' + m), 0);
		world_run(w, 80 * MINUTE);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- Slack, 2021: a repaired link fails again five hours later ---- */

START_TEST(repaired_link_fails_again)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		for (uint32_t times = 1; times <= 2; times++) {
			world_endpoint(w, 'b', ENDPOINT_SILENT);
			WORLD_MUST(w, world_await_weight(w, 'b', 0, 13 * SECOND));
			world_run(w, 10 * MINUTE);
			world_endpoint(w, 'b', ENDPOINT_WELL);
			uint64_t from_ms = w->now_ms;
			WORLD_MUST(w, world_await_weight(w, 'b', 10, 6 * MINUTE));
			/* the second time it is believed later */
			WORLD_MUST(
			    w, w->now_ms - from_ms >= 2 * times * MINUTE - SECOND);
			WORLD_MUST(w, world_await_weight(w, 'b', 100, 5 * MINUTE));
			world_run(w, 5 * HOUR);
			WORLD_MUST(w, world_weight(w, 'b') == 100);
		}
		WORLD_MUST(w, w->drains == 2 && w->returns == 2);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- AWS, December 2021: the API is out for seven hours ---- */

START_TEST(api_out_for_seven_hours)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		uint64_t commits = w->commits;
		w->faults.out = true;
		world_run(w, HOUR);
		world_endpoint(w, 'a', ENDPOINT_REFUSED); /* and is well in time */
		world_run(w, HOUR);
		world_endpoint(w, 'a', ENDPOINT_WELL);
		world_run(w, HOUR);
		world_endpoint(w, 'b', ENDPOINT_SILENT);
		world_run(w, 4 * HOUR);
		WORLD_MUST(w, w->commits == commits && answering() == 3);
		for (uint32_t a = 0; a < w->agents; a++)
			WORLD_MUST(
			    w, engine_report(w->agent[a].g)->cannot == CANNOT_API);
		w->faults.out = false;
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 30 * SECOND));
		world_run(w, MINUTE);
		WORLD_MUST(w, w->drains == 1 && world_weight(w, 'a') == 100);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- Cloudflare, 2020: a half-dead switch loses what goes one way ---- */

START_TEST(half_dead_switch)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, 3);
		uint32_t sick = i % 3;
		uint64_t commits = w->commits;

		/* it hears everybody, nobody hears it; half of its probes get lost */
		for (uint32_t k = 0; k < 3; k++) {
			w->link_cut[sick][k] = k != sick;
			w->agent[sick].path_loss[k] = 0.5;
		}
		world_run(w, 2 * HOUR);
		WORLD_MUST(w, w->commits == commits);
		for (uint32_t k = 0; k < 3; k++)
			if (k != sick)
				WORLD_MUST(w, w->agent[k].g->cannot == CANNOT_NOT);
		/* one way counts as down for both: it knows that it is alone */
		WORLD_MUST(w, w->agent[sick].g->cannot != CANNOT_NOT);
		char dies = (char)('a' + (sick + 1) % 3);
		world_endpoint(w, dies, ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, dies, 0, 10 * SECOND));
		world_endpoint(w, dies, ENDPOINT_WELL);
		memset(w->link_cut, 0, sizeof w->link_cut);
		memset(w->agent[sick].path_loss, 0, sizeof w->agent[sick].path_loss);
		world_run(w, MINUTE);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- 2025: a configuration that is too large, or blank, is rolled out ---- */

static void
bad_file(uint32_t i)
{
	struct rule_service *r = &w->file[1].rule;

	r->policy_hash = 0xbad;
	if (i % 2 == 0) { /* nearly blank: one member is left, and it is the dead one */
		r->members = 1;
		r->max_out = 1;
	} else { /* as large as can be, of members that nobody has ever seen well */
		r->members = MEMBERS_MAX;
		for (uint32_t m = 0; m < MEMBERS_MAX; m++) {
			r->member[m] = r->member[0];
			(void)snprintf(
			    r->member[m].name, WORD_MAX, "%c", (char)('m' + m));
			w->endpoint['m' - 'a' + (int)m].kind = ENDPOINT_REFUSED;
		}
	}
}

START_TEST(bad_file_rolled_out)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		w = world_new(world_seed(i + 1), 3, agents_of(i));
		bad_file(i);
		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'a', 0, 10 * SECOND));
		for (uint32_t a = 0; a < w->agents; a++) {
			world_reload(w, a, 1);
			world_run(w, MINUTE);
		}
		world_run(w, HOUR);
		/* it never comes into force: it has no in member that is not DOWN */
		struct ledger l;
		WORLD_MUST(w, world_ledger(w, &l) && l.policy_hash == 0x1234);
		WORLD_MUST(w, answering() == 2 && world_weight(w, 'a') == 0);
		for (uint32_t a = 0; a < w->agents; a++) /* the old file again */
			world_reload(w, a, 0);
		world_run(w, 2 * MINUTE);
		agreed();
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 50 * SECOND));
		world_end(w);
	}
}
END_TEST

/* ---- stopped for five minutes, clocks an hour off ---- */

START_TEST(stopped_in_the_midst)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		while (w->sends == 1)
			world_run(w, 10);
		uint32_t writer = 0;
		while (!w->agent[writer].changing)
			writer++;
		w->faults.lose_answers = i % 2; /* applied, or not at all */
		w->faults.lose_changes = 1 - i % 2;
		world_pause(w, writer);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 10 * SECOND));
		world_run(w, 2 * MINUTE);
		world_endpoint(w, 'b', ENDPOINT_WELL);
		world_run(w, 3 * MINUTE);
		world_wake(w, writer);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 1 && w->returns == 1);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		agreed();
		world_end(w);
	}
}
END_TEST

START_TEST(nothing_happens_to_a_calm_world)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		uint64_t commits = w->commits;
		for (uint32_t k = 0; k < 40; k++) {
			uint32_t a = (uint32_t)world_roll(w, w->agents);
			struct world_agent *x = &w->agent[a];

			switch (world_roll(w, 4)) {
			case 0: /* its clock is wrong by an hour, and right again */
				x->wall_skew_s = world_roll(w, 2) ? 3600 : -3600;
				break;
			case 1:
				world_pause(w, a);
				world_run(w, 5 * MINUTE);
				world_wake(w, a);
				break;
			case 2:
				world_stop(w, a);
				world_run(w, world_roll(w, MINUTE));
				if (world_roll(w, 2))
					world_wipe_store(w, a);
				world_start(w, a);
				break;
			case 3:
				a = world_clone(w, a);
				world_run(w, world_roll(w, 5 * MINUTE));
				world_stop(w, a);
				break;
			}
			world_run(w, world_roll(w, 2 * MINUTE));
		}
		world_run(w, MINUTE);
		WORLD_MUST(w, w->commits == commits && w->sends == commits);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- a machine is cloned ---- */

START_TEST(cloned_machine)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, 3);
		uint32_t twin = world_clone(w, i % 3);

		world_run(w, MINUTE);
		/* two bodies are one vote: they are no quorum of three */
		for (uint32_t a = 0; a < 3; a++)
			if (a != i % 3)
				world_stop(w, a);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 5 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 100 && w->drains == 0);
		for (uint32_t a = 0; a < 3; a++)
			if (a != i % 3)
				world_start(w, a);
		/* with the others back it is drained, once */
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 40 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_WELL);
		world_run(w, MINUTE);
		world_stop(w, twin);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 1 && world_weight(w, 'b') == 100);
		agreed();
		world_end(w);
	}
}
END_TEST

/* ---- the zone is restored from a backup ---- */

START_TEST(zone_restored)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i, 3, agents_of(i));
		world_endpoint(w, 'c', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'c', 0, 13 * SECOND));
		world_endpoint(w, 'c', ENDPOINT_WELL);
		WORLD_MUST(w, world_await_weight(w, 'c', 100, 10 * MINUTE));
		world_run(w, 30 * SECOND);
		world_restore(w, 1 + i % 4);
		struct world_zone after = w->zone;
		uint64_t sends = w->sends;
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		world_run(w, HOUR);
		WORLD_MUST(w, w->sends == sends);
		WORLD_MUST(w, memcmp(&w->zone, &after, sizeof after) == 0);
		for (uint32_t a = 0; a < w->agents; a++)
			WORLD_MUST(
			    w, engine_report(w->agent[a].g)->cannot == CANNOT_FROZEN);
		world_order(w, i % w->agents, ORDER_ADOPT, 'a', 0);
		WORLD_MUST(w, world_await_weight(w, 'a', 0, 60 * SECOND));
		world_run(w, 10 * SECOND);
		agreed();
		world_end(w);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("storms");
	TCase *t = tcase_create("storms");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, stale_writer);
	tcase_add_test(t, checks_alternate);
	tcase_add_test(t, every_uplink_lost);
	tcase_add_test(t, partition_of_43_seconds);
	tcase_add_test(t, load_ping_pong);
	tcase_add_test(t, repaired_link_fails_again);
	tcase_add_test(t, api_out_for_seven_hours);
	tcase_add_test(t, half_dead_switch);
	tcase_add_test(t, bad_file_rolled_out);
	tcase_add_test(t, stopped_in_the_midst);
	tcase_add_test(t, nothing_happens_to_a_calm_world);
	tcase_add_test(t, cloned_machine);
	tcase_add_test(t, zone_restored);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
