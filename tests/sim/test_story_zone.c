/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can happen to a change and to a zone: answers lost, changes late, throttling,
 * outages, other hands, restores. No wrong write, a clear fact, and the way back that
 * the frozen sentence names. Each story is played with one agent and with three, with
 * seeded phases, and once more with every agent killed and started in the midst of it.
 */
#include "tests/sim/world.h"

#define SEEDS 40

static struct world *w;
static bool kills; /* this round restarts everybody in the midst */

static uint32_t
agents_of(uint32_t i)
{
	return i % 2 ? 3 : 1;
}

static void
begin(uint32_t i)
{
	kills = i / 2 % 2;
	w = world_new(world_seed(i + 1), 3, agents_of(i));
	world_begin(w);
	world_ready(w);
	world_run(w, world_roll(w, 12 * SECOND));
}

static void
perhaps_kill(void)
{
	if (!kills)
		return;
	for (uint32_t a = 0; a < w->agents; a++) {
		world_stop(w, a);
		world_start(w, a);
	}
}

/* Every agent ends up with the same ledger, thawed, and the zone adds up. */
static void
agreed(void)
{
	struct ledger l;

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t a = 0; a < w->agents; a++) {
		WORLD_MUST(w, w->agent[a].g->ledger.epoch == l.epoch);
		WORLD_MUST(w, w->agent[a].g->watch.frozen == FROZEN_NOT);
		WORLD_MUST(w, !w->agent[a].g->unknown);
	}
}

static void
end(void)
{
	world_end(w);
}

/* ---- changes ---- */

START_TEST(answer_lost)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i);
		w->faults.lose_answers = 1;
		uint64_t from_ms = w->now_ms;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 8 * SECOND));
		perhaps_kill();
		world_run(w, 90 * SECOND);
		if (w->agents == 1 && !kills)
			WORLD_MUST(
			    w, world_fact(w, FACT_UNKNOWN, NULL, from_ms) != NULL);
		if (w->agents == 1)
			WORLD_MUST(w,
			    world_fact(w, FACT_CLOSED, "committed", from_ms) != NULL);
		WORLD_MUST(w, w->drains == 1);
		agreed();
		end();
	}
}
END_TEST

START_TEST(change_lost)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i);
		w->faults.lose_changes = 1 + i % 3;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 8 * SECOND);
		perhaps_kill();
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 150 * SECOND));
		world_run(w, 60 * SECOND);
		WORLD_MUST(w, w->drains == 1);
		agreed();
		end();
	}
}
END_TEST

/* The site is well again before the lost change arrives: it must arrive at nothing. */
START_TEST(applied_late)
{
	uint32_t voided = 0;

	for (uint32_t i = 0; i < 2 * SEEDS; i++) {
		begin(i);
		w->faults.late_changes = 1;
		w->faults.late_ms = i % 4 < 2 ? 30 * SECOND : 4 * MINUTE;
		uint64_t from_ms = w->now_ms;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		while (w->faults.late_changes > 0)
			world_run(w, 10);
		world_run(w, world_roll(w, 2 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_WELL);
		world_run(w, world_roll(w, 12 * SECOND));
		perhaps_kill();
		world_run(w, 6 * MINUTE);
		voided += world_fact(w, FACT_CLOSED, "void", from_ms) != NULL;
		WORLD_MUST(w, w->drains <= 1);
		WORLD_MUST(w, !world_is_out(w, 'b') || w->drains == 1);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		agreed();
		end();
	}
	printf("applied late: %u of %u lost changes were made void in time\n",
	    (unsigned)voided, 2 * SEEDS);
	ck_assert_uint_gt(voided, SEEDS);
}
END_TEST

/* The writer dies with its change under way, and the site is well at once: the others,
 * whose holds had passed, void what may be coming. */
START_TEST(applied_late_and_the_writer_dead)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		w = world_new(world_seed(i + 1), 3, 3);
		world_begin(w);
		world_ready(w);
		world_run(w, world_roll(w, 12 * SECOND));
		w->faults.late_changes = 1;
		w->faults.late_ms = 4 * MINUTE;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		while (w->sends == 1)
			world_run(w, 10);
		world_endpoint(w, 'b', ENDPOINT_WELL);
		for (uint32_t a = 0; a < 3; a++)
			if (w->agent[a].changing)
				world_stop(w, a);
		uint64_t from_ms = w->now_ms;
		world_run(w, 10 * MINUTE);
		/* either another drained it while it failed still, or nobody did */
		WORLD_MUST(w,
		    w->drains == 0 ||
			world_fact(w, FACT_COMMITTED, "drain", from_ms) != NULL);
		world_end(w);
	}
}
END_TEST

START_TEST(throttled)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i);
		uint64_t sends = w->sends, reads = w->reads;
		w->faults.throttle = true;
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		world_run(w, 2 * MINUTE);
		perhaps_kill();
		world_run(w, 3 * MINUTE);
		/* rests grow: an account's bucket is 10 a second */
		WORLD_MUST(w, w->sends - sends <= 3 * w->agents);
		WORLD_MUST(w, w->reads - reads <= 40 * w->agents);
		w->faults.throttle = false;
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 100 * SECOND));
		world_run(w, MINUTE);
		agreed();
		end();
	}
}
END_TEST

START_TEST(api_out_ten_minutes)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i);
		uint64_t from_ms = w->now_ms, drains = w->drains;
		w->faults.out = true;
		world_endpoint(w, 'b', ENDPOINT_SILENT);
		world_run(w, 5 * MINUTE);
		perhaps_kill();
		world_run(w, 5 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'b') == 100 && w->drains == drains);
		WORLD_MUST(w, world_fact(w, FACT_READ_FAILED, NULL, from_ms) != NULL);
		for (uint32_t a = 0; a < w->agents; a++)
			WORLD_MUST(
			    w, engine_report(w->agent[a].g)->cannot == CANNOT_API);
		w->faults.out = false;
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 100 * SECOND));
		world_run(w, MINUTE);
		agreed();
		end();
	}
}
END_TEST

/* The API is out for the first-ranked only: the next in rank writes. */
START_TEST(one_writer_cut_off)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		w = world_new(world_seed(i + 1), 3, 3);
		world_begin(w);
		world_ready(w);
		w->agent[i % 3].cut = true;
		world_run(w, world_roll(w, 20 * SECOND));
		world_endpoint(w, 'b', ENDPOINT_REFUSED);
		/* one rank's wait may be spent on one that does not know yet */
		WORLD_MUST(w, world_await_weight(w, 'b', 0, 13 * SECOND));
		w->agent[i % 3].cut = false;
		world_run(w, 2 * MINUTE);
		agreed();
		end();
	}
}
END_TEST

/* ---- other hands ---- */

static const struct hand {
	const char *name;
	enum frozen frozen;
	bool unfreeze; /* unfreeze is a way back too */
} hands[] = {
    {"edited by hand", FROZEN_EDITED, true},
    {"ledger deleted", FROZEN_LOST, false},
    {"restored", FROZEN_BACK, true},
    {"garbled", FROZEN_GARBLED, false},
    {"forked", FROZEN_FORKED, true},
};

static void
fork_ledger(void)
{
	struct ledger l;
	char text[LEDGER_TEXT_MAX];

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t i = 0; i < l.nonces; i++)
		l.nonce[i] ^= 0x5555;
	l.epoch += 2;
	(void)ledger_format(&l, text);
	world_write_text(w, text);
}

static void
lay_hand(enum frozen f)
{
	switch (f) {
	case FROZEN_EDITED:
		world_edit(w, 'b', 7);
		return;
	case FROZEN_LOST:
		world_write_text(w, NULL);
		return;
	case FROZEN_BACK:
		world_restore(w, 1 + (uint32_t)world_roll(w, 4));
		return;
	case FROZEN_GARBLED:
		world_write_text(w, "pointsman/1 c=acme nonsense");
		return;
	case FROZEN_FORKED:
		fork_ledger();
		return;
	case FROZEN_NOT:
	case FROZENS:
		return;
	}
}

/* Some history first, so that there is something to restore. */
static void
some_history(void)
{
	world_endpoint(w, 'c', ENDPOINT_REFUSED);
	WORLD_MUST(w, world_await_weight(w, 'c', 0, 13 * SECOND));
	world_endpoint(w, 'c', ENDPOINT_WELL);
	WORLD_MUST(w, world_await_weight(w, 'c', 100, 10 * MINUTE));
	world_run(w, 30 * SECOND);
}

static void
hand_story(const struct hand *h, uint32_t i)
{
	begin(i);
	some_history();
	struct world_zone before = w->zone;
	lay_hand(h->frozen);
	struct world_zone after = w->zone;
	uint64_t from_ms = w->now_ms, sends = w->sends;
	/* idle agents read the API every five minutes; a fault makes them read now */
	if (i % 3 == 0)
		world_run(w, 6 * MINUTE);
	world_endpoint(w, 'a', ENDPOINT_REFUSED);
	world_run(w, 20 * SECOND);
	perhaps_kill();
	world_run(w, 2 * MINUTE);
	const struct fact *f =
	    world_fact(w, FACT_FROZEN, frozen_word(h->frozen), from_ms);
	WORLD_MUST(w, f != NULL);
	WORLD_MUST(w, strstr(f->text, "run adopt") != NULL);
	for (uint32_t a = 0; a < w->agents; a++)
		WORLD_MUST(w, engine_report(w->agent[a].g)->cannot == CANNOT_FROZEN);
	WORLD_MUST(w, w->sends == sends); /* nothing was even tried */
	WORLD_MUST(w, memcmp(&w->zone, &after, sizeof after) == 0);
	/* other orders are refused with the reason */
	world_order(w, 0, ORDER_DRAIN, 'b', 600);
	world_run(w, 2 * SECOND);
	WORLD_MUST(w, world_fact(w, FACT_ORDER_REFUSED, "drain", from_ms) != NULL);
	WORLD_MUST(w, memcmp(&w->zone, &after, sizeof after) == 0);
	bool unfreeze = h->unfreeze && i % 2;
	world_order(w, (uint32_t)world_roll(w, w->agents),
	    unfreeze ? ORDER_UNFREEZE : ORDER_ADOPT, 'a', 0);
	world_run(w, 15 * SECOND);
	WORLD_MUST(w, world_fact(w, FACT_THAWED, NULL, from_ms) != NULL);
	struct ledger l;
	WORLD_MUST(w, world_ledger(w, &l) && l.root > 0);
	/* steering goes on: the dead one goes out, and comes back */
	world_run(w, 50 * SECOND);
	WORLD_MUST(w, world_weight(w, 'a') == 0);
	if (h->frozen == FROZEN_EDITED && unfreeze)
		WORLD_MUST(w, world_weight(w, 'b') == before.set[1].weight);
	world_endpoint(w, 'a', ENDPOINT_WELL);
	world_run(w, 40 * MINUTE);
	for (char c = 'a'; c <= 'c'; c++)
		WORLD_MUST(w, world_weight(w, c) == 100);
	agreed();
	end();
}

START_TEST(other_hands)
{
	const struct hand *h = &hands[_i];

	for (uint32_t i = 0; i < SEEDS; i++)
		hand_story(h, i);
}
END_TEST

/* A ledger of another cluster or of a newer version is never written, whoever asks. */
START_TEST(foreign)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		struct ledger l;
		char text[LEDGER_TEXT_MAX];

		begin(i);
		WORLD_MUST(w, world_ledger(w, &l));
		(void)snprintf(l.cluster, sizeof l.cluster, "theirs");
		l.epoch += 3;
		(void)ledger_format(&l, text);
		world_write_text(w, i % 3 ? text : "pointsman/2 something new");
		struct world_zone after = w->zone;
		uint64_t from_ms = w->now_ms, sends = w->sends;
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		world_run(w, 30 * SECOND);
		perhaps_kill();
		world_run(w, 2 * MINUTE);
		WORLD_MUST(w, world_fact(w, FACT_FOREIGN, NULL, from_ms) != NULL);
		for (enum order_kind k = ORDER_DRAIN; k < ORDERS; k++) {
			world_order(w, 0, k, 'b', 600);
			world_run(w, 5 * SECOND);
		}
		WORLD_MUST(w, w->sends == sends);
		WORLD_MUST(w, memcmp(&w->zone, &after, sizeof after) == 0);
		end();
	}
}
END_TEST

/* Records without a ledger: nothing is touched until adopt. */
START_TEST(not_adopted)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		w = world_new(world_seed(i + 1), 3, agents_of(i));
		kills = i / 2 % 2;
		for (int m = 0; m < 3; m++) {
			w->zone.set[m] = (struct world_set){
			    .name = {(char)('a' + m)},
			    .weight = m == 2 ? 0 : 50,
			    .answers = 9,
			};
			w->zone.sets++;
		}
		world_begin(w);
		world_run(w, MINUTE);
		perhaps_kill();
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		world_run(w, 3 * MINUTE);
		WORLD_MUST(w, w->sends == 0);
		WORLD_MUST(w, world_fact(w, FACT_NOT_ADOPTED, NULL, 0) != NULL);
		world_endpoint(w, 'a', ENDPOINT_WELL);
		world_run(w, MINUTE);
		world_order(w, 0, ORDER_ADOPT, 'a', 0);
		world_run(w, 10 * SECOND);
		WORLD_MUST(w, world_weight(w, 'a') == 100);
		WORLD_MUST(w, world_weight(w, 'b') == 100);
		/* it was out; UP for long, it may be on its ramp already */
		WORLD_MUST(w, world_weight(w, 'c') <= 10);
		world_run(w, 10 * MINUTE);
		WORLD_MUST(w, world_weight(w, 'c') == 100);
		agreed();
		end();
	}
}
END_TEST

/* Answers of a replica that lags behind are no restore. */
START_TEST(stale_reads)
{
	for (uint32_t i = 0; i < SEEDS; i++) {
		begin(i);
		some_history();
		w->faults.stale_reads = 2;
		w->faults.stale_by = 1;
		world_endpoint(w, 'a', ENDPOINT_REFUSED);
		world_run(w, 3 * MINUTE);
		/* it cannot be told from a restore: freezing is right; no wrong write */
		WORLD_MUST(w, w->drains <= 2);
		end();
	}
}
END_TEST

/* kill -9 at any moment, again and again: never two writers' work mixed. */
START_TEST(killed_at_any_moment)
{
	for (uint32_t i = 0; i < 20; i++) {
		w = world_new(world_seed(i + 1), 3, agents_of(i));
		world_fast(w);
		world_begin(w);
		world_ready(w);
		for (int k = 0; k < 200; k++) {
			uint32_t a = (uint32_t)world_roll(w, w->agents);
			char c = (char)('a' + world_roll(w, 3));

			world_endpoint(
			    w, c, world_roll(w, 3) ? ENDPOINT_WELL : ENDPOINT_REFUSED);
			world_run(w, world_roll(w, 2000));
			if (w->agent[a].running)
				world_stop(w, a);
			world_run(w, world_roll(w, 500));
			if (world_roll(w, 8) == 0)
				world_wipe_store(w, a);
			if (!w->agent[a].running)
				world_start(w, a);
		}
		for (char c = 'a'; c <= 'c'; c++)
			world_endpoint(w, c, ENDPOINT_WELL);
		world_run(w, 20 * MINUTE);
		agreed();
		end();
	}
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("the zone");
	TCase *t = tcase_create("the zone");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, answer_lost);
	tcase_add_test(t, change_lost);
	tcase_add_test(t, applied_late);
	tcase_add_test(t, applied_late_and_the_writer_dead);
	tcase_add_test(t, throttled);
	tcase_add_test(t, api_out_ten_minutes);
	tcase_add_test(t, one_writer_cut_off);
	tcase_add_loop_test(t, other_hands, 0, sizeof hands / sizeof *hands);
	tcase_add_test(t, foreign);
	tcase_add_test(t, not_adopted);
	tcase_add_test(t, stale_reads);
	tcase_add_test(t, killed_at_any_moment);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
