/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything dies: together, one after another, or only as seen from one place. DNS is
 * left alone beyond what the floor allows, and a fact says why.
 */
#include "tests/sim/world.h"

static void
kill_all(struct world *w, enum world_kind kind)
{
	for (uint32_t m = 0; m < w->file[0].rule.members; m++)
		world_endpoint(w, (char)('a' + m), kind);
}

static uint32_t
out_count(struct world *w)
{
	struct ledger l;
	uint32_t n = 0;

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t m = 0; m < l.members; m++)
		n += l.member[m].out;
	return n;
}

/* All at once, at seeded phases: nothing at all is changed. */
START_TEST(all_at_once)
{
	static const uint32_t agents[] = {1, 3, 5};

	for (uint32_t i = 0; i < 120; i++) {
		enum world_kind kind = i & 1 ? ENDPOINT_REFUSED : ENDPOINT_SILENT;
		struct world *w =
		    world_new(world_seed(i + 1), 2 + i % 3, agents[i / 3 % 3]);

		world_begin(w);
		world_ready(w);
		world_run(w, world_roll(w, 5 * SECOND));
		uint64_t commits = w->commits, from_ms = w->now_ms;
		kill_all(w, kind);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 0);
		WORLD_MUST(w, world_fact(w, FACT_BLOCKED, "all-down", from_ms) != NULL);
		kill_all(w, ENDPOINT_WELL);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 0 && w->returns == 0);
		/* at the most each hold that ripened is voided: the ledger alone */
		WORLD_MUST(w, w->commits - commits <= w->file[0].rule.members);
		WORLD_MUST(w, world_weight(w, 'a') == 100);
		world_end(w);
	}
}
END_TEST

/* One after another, minutes apart: drains until the floor, then it stands still. */
START_TEST(one_after_another)
{
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t members = 2 + i % 3;
		struct world *w = world_new(world_seed(i + 1), members, i % 2 ? 3 : 1);

		world_begin(w);
		world_ready(w);
		for (uint32_t m = 0; m < members; m++) {
			world_endpoint(w, (char)('a' + m), ENDPOINT_REFUSED);
			world_run(w, 2 * MINUTE + world_roll(w, 20 * SECOND));
			if (m + 1 < members)
				WORLD_MUST(w, out_count(w) == m + 1);
		}
		uint64_t from_ms = w->now_ms - MINUTE * 2;
		WORLD_MUST(w, out_count(w) == members - 1);
		WORLD_MUST(w, w->drains == members - 1);
		WORLD_MUST(w,
		    world_fact(w, FACT_BLOCKED, "all-down", from_ms - 2 * MINUTE) !=
			NULL);
		/* the one that is left is the one that died last; all come back */
		kill_all(w, ENDPOINT_WELL);
		world_run(w, 15 * MINUTE);
		WORLD_MUST(w, out_count(w) == 0);
		for (uint32_t m = 0; m < members; m++)
			WORLD_MUST(w, world_weight(w, (char)('a' + m)) == 100);
		world_end(w);
	}
}
END_TEST

/* In quick succession: two drains of different sites are 30 s apart (a law). */
START_TEST(quick_succession)
{
	for (uint32_t i = 0; i < 60; i++) {
		struct world *w = world_new(world_seed(i + 1), 4, i % 2 ? 3 : 1);

		world_begin(w);
		world_ready(w);
		for (char c = 'a'; c < 'd'; c++) {
			world_endpoint(w, c, ENDPOINT_REFUSED);
			world_run(w, world_roll(w, 4 * SECOND));
		}
		uint64_t from_ms = w->now_ms;
		world_run(w, 3 * MINUTE);
		WORLD_MUST(w, out_count(w) == 3);
		WORLD_MUST(w,
		    world_fact(w, FACT_BLOCKED, "spacing", from_ms - 15 * SECOND) !=
			NULL);
		world_end(w);
	}
}
END_TEST

/* The last healthy one dies while another has come back to health but is still out:
 * a swap. */
START_TEST(swap_at_the_floor)
{
	for (uint32_t i = 0; i < 60; i++) {
		struct world *w = world_new(world_seed(i + 1), 2, i % 2 ? 3 : 1);

		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'a', 0, 10 * SECOND));
		world_endpoint(w, 'a', ENDPOINT_WELL);
		world_run(w, 20 * SECOND);
		world_endpoint(w, 'b', ENDPOINT_SILENT);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 60 * SECOND));
		WORLD_MUST(w, world_weight(w, 'a') == 10 && w->swaps == 1);
		world_run(w, 5 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'a') == 100);
		world_end(w);
	}
}
END_TEST

/* One agent loses its own uplink: it drains nothing, and the others go on. */
START_TEST(one_sick_observer)
{
	for (uint32_t i = 0; i < 60; i++) {
		struct world *w = world_new(world_seed(i + 1), 3, 3);
		uint32_t sick = i % 3;

		world_begin(w);
		world_ready(w);
		w->agent[sick].blind = true;
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 0);
		for (uint32_t m = 0; m < 3; m++)
			WORLD_MUST(w,
			    engine_report(w->agent[sick].g)->member[m].vote ==
				VOTE_ABSTAIN);
		world_endpoint(w, (char)('a' + (sick + 1) % 3), ENDPOINT_REFUSED);
		WORLD_MUST(w,
		    world_await_weight(
			w, (char)('a' + (sick + 1) % 3), 0, 10 * SECOND));
		world_end(w);
	}
}
END_TEST

/* Every site loses its own uplink and sees nobody but itself (2021): nothing moves. */
START_TEST(everybody_alone)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct world *w = world_new(world_seed(i + 1), 3, 3);

		world_begin(w);
		world_ready(w);
		uint64_t commits = w->commits;
		for (uint32_t a = 0; a < 3; a++) {
			w->agent[a].blind = true;
			for (uint32_t b = 0; b < 3; b++)
				w->link_cut[a][b] = true;
		}
		world_run(w, 30 * MINUTE);
		WORLD_MUST(w, w->drains == 0 && w->commits - commits <= 3);
		for (uint32_t a = 0; a < 3; a++) {
			w->agent[a].blind = false;
			for (uint32_t b = 0; b < 3; b++)
				w->link_cut[a][b] = false;
		}
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->drains == 0 && out_count(w) == 0);
		world_end(w);
	}
}
END_TEST

/* Two of three agents cannot be heard: who hears fewer than Q changes nothing. */
START_TEST(minority)
{
	for (uint32_t i = 0; i < 30; i++) {
		struct world *w = world_new(world_seed(i + 1), 2, 3);

		world_begin(w);
		world_ready(w);
		world_stop(w, (i + 1) % 3);
		world_stop(w, (i + 2) % 3);
		world_run(w, 20 * SECOND);
		uint64_t sends = w->sends;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, w->sends == sends);
		world_start(w, (i + 1) % 3); /* knowing nothing about health */
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 90 * SECOND));
		world_end(w);
	}
}
END_TEST

START_TEST(capacity_and_max_out)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct world *w = world_new(world_seed(i + 1), 4, 3);
		struct rule_service *r = &w->file[0].rule;

		if (i % 2)
			r->min_capacity_pct = 60;
		else
			r->max_out = 1;
		world_begin(w);
		world_ready(w);
		uint64_t from_ms = w->now_ms;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, MINUTE);
		world_endpoint(w, 'c', ENDPOINT_REFUSED);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, out_count(w) == 1);
		WORLD_MUST(w,
		    world_fact(w, FACT_BLOCKED, i % 2 ? "capacity" : "max-out",
			from_ms) != NULL);
		world_end(w);
	}
}
END_TEST

/* Fewer than half would be left: a tenfold hold. */
START_TEST(tenfold_hold)
{
	for (uint32_t i = 0; i < 30; i++) {
		struct world *w = world_new(world_seed(i + 1), 3, i % 2 ? 3 : 1);

		world_begin(w);
		world_ready(w);
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 8 * SECOND));
		world_run(w, 40 * SECOND);
		uint64_t from_ms = w->now_ms;
		world_endpoint(w, 'c', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'c', 0, 40 * SECOND));
		WORLD_MUST(w, w->now_ms - from_ms >= 30 * SECOND);
		world_end(w);
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("floors");
	TCase *t = tcase_create("floors");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, all_at_once);
	tcase_add_test(t, one_after_another);
	tcase_add_test(t, quick_succession);
	tcase_add_test(t, swap_at_the_floor);
	tcase_add_test(t, one_sick_observer);
	tcase_add_test(t, everybody_alone);
	tcase_add_test(t, minority);
	tcase_add_test(t, capacity_and_max_out);
	tcase_add_test(t, tenfold_hold);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
