/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what became of a change, and what a read may be believed. */
#include "tests/unit/engine_bench.h"

static struct bench b;

/* ---- outcomes ---- */

START_TEST(void_what_may_be_under_way)
{
	bench_ready(&b, 3, 3);
	/* it ripens elsewhere: we wait for our rank; the verdict ends meanwhile */
	for (int a = 1; a < 3; a++)
		b.peer_cannot[a] = CANNOT_NOT;
	b.health[0] = 'F';
	b.peer[1][0] = b.peer[2][0] = 'D';
	bench_run(&b, 5000);
	ck_assert(!b.ledger.member[0].out);
	uint64_t epoch = b.ledger.epoch;
	b.health[0] = 'P';
	b.peer[1][0] = b.peer[2][0] = 'U';
	b.peer_cannot[1] = b.peer_cannot[2] = CANNOT_API; /* so it is our turn */
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.ledger.epoch, epoch + 1);
	ck_assert_int_eq(b.intent, INTENT_VOID);
	ck_assert(!b.sent.intent.records);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.ledger.epoch, epoch + 1); /* once */
}
END_TEST

/* A read that shows the same version moves nothing: the void is still due. */
START_TEST(a_void_outlives_a_read_of_the_same_version)
{
	bench_ready(&b, 3, 3);
	for (int a = 1; a < 3; a++)
		b.peer_cannot[a] = CANNOT_NOT;
	b.health[0] = 'F';
	b.peer[1][0] = b.peer[2][0] = 'D';
	bench_run(&b, 5000);
	ck_assert(!b.ledger.member[0].out);
	uint64_t epoch = b.ledger.epoch;
	uint32_t reads = b.reads;
	/* a's verdict ends, and at the same moment the zone is looked at again */
	b.health[0] = 'P';
	b.peer[1][0] = b.peer[2][0] = 'U';
	for (int i = 0; i < 40 && !b.g->void_due; i++)
		bench_run(&b, 100);
	ck_assert(b.g->void_due);
	struct engine_in in = bench_in(&b, ENGINE_HEARD);
	in.epoch = epoch + 1; /* a name server lies, or is ahead: it must be read */
	bench_step(&b, &in);
	ck_assert_uint_gt(b.reads, reads);
	b.peer_cannot[1] = b.peer_cannot[2] = CANNOT_API; /* so it is our turn */
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.ledger.epoch, epoch + 1);
	ck_assert_int_eq(b.intent, INTENT_VOID);
}
END_TEST

/* After a restart into a zone that has lost its ledger, its own memory is the highest
 * epoch that the others may hear of. */
START_TEST(a_read_that_hangs_is_said_to_all)
{
	bench_ready(&b, 3, 1);
	b.mute_read = true;
	b.health[1] = 'F';
	bench_run(&b, 3000);
	ck_assert(b.reading);
	ck_assert_int_eq(engine_report(b.g)->cannot, CANNOT_NOT);
	bench_run(&b, 4000);
	ck_assert_int_eq(engine_report(b.g)->cannot, CANNOT_API);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_TROUBLE, NULL)->text, "has not answered"));
	b.mute_read = false;
	bench_answer_read(&b);
	bench_run(&b, 1000);
	ck_assert_int_eq(engine_report(b.g)->cannot, CANNOT_NOT);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* A hold that has passed is remembered over a reload: its end still voids. */
START_TEST(a_void_outlives_a_reload)
{
	struct engine *scratch = malloc(sizeof *scratch);

	ck_assert_ptr_nonnull(scratch);
	bench_ready(&b, 3, 3);
	for (int a = 1; a < 3; a++)
		b.peer_cannot[a] = CANNOT_NOT;
	b.health[0] = 'F';
	b.peer[1][0] = b.peer[2][0] = 'D';
	bench_run(&b, 5000);
	ck_assert(b.g->ripe[0] && !b.ledger.member[0].out);
	uint64_t epoch = b.ledger.epoch;
	engine_reload(b.g, &b.rule, 0, scratch);
	free(scratch);
	b.health[0] = 'P';
	b.peer[1][0] = b.peer[2][0] = 'U';
	b.peer_cannot[1] = b.peer_cannot[2] = CANNOT_API; /* so it is our turn */
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.ledger.epoch, epoch + 1);
	ck_assert_int_eq(b.intent, INTENT_VOID);
}
END_TEST

START_TEST(no_void_when_the_ledger_forbade_it)
{
	bench_ready(&b, 3, 3);
	bench_order(&b, ORDER_FREEZE, 0, 3600);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	uint64_t epoch = b.ledger.epoch;
	b.health[1] = 'F';
	b.peer[1][1] = b.peer[2][1] = 'D';
	bench_run(&b, 20000);
	b.health[1] = 'P';
	b.peer[1][1] = b.peer[2][1] = 'U';
	bench_run(&b, 20000);
	ck_assert_uint_eq(b.ledger.epoch, epoch);
}
END_TEST

START_TEST(unknown_is_closed_by_compare_and_swap_only)
{
	bench_ready(&b, 3, 1);
	b.swallow = true;
	b.change_result = CHANGE_UNKNOWN;
	b.health[1] = 'F';
	bench_run(&b, 4700);
	ck_assert_uint_eq(b.changes, 2);
	ck_assert(b.g->unknown);
	/* well again: nothing to do any more, but the outcome is open */
	b.health[1] = 'P';
	bench_run(&b, 1500);
	b.swallow = false;
	bench_run(&b, 8000);
	ck_assert(!b.g->unknown);
	ck_assert_int_eq(b.intent, INTENT_CLOSE);
	ck_assert_uint_eq(b.ledger.epoch, 2);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_CLOSED, "void"));
}
END_TEST

START_TEST(unknown_that_was_applied_is_found_by_its_nonce)
{
	bench_ready(&b, 3, 1);
	b.mute_change = true;
	b.health[1] = 'F';
	bench_run(&b, 4700);
	ck_assert(b.writing);
	bench_apply(&b, &b.sent.next, true);
	b.writing = b.mute_change = false;
	struct engine_in in = bench_in(&b, ENGINE_CHANGED);
	in.result = CHANGE_UNKNOWN;
	bench_step(&b, &in);
	bench_run(&b, 3000);
	ck_assert(!b.g->unknown);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_CLOSED, "committed"));
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_COMMITTED, "drain"));
	ck_assert_uint_eq(b.ledger.epoch, 2);
}
END_TEST

/* Another's version at that very epoch is a compare-and-swap that ours has lost. */
START_TEST(unknown_is_void_once_another_has_written)
{
	bench_ready(&b, 3, 1);
	b.swallow = true;
	b.change_result = CHANGE_UNKNOWN;
	b.health[1] = 'F';
	bench_run(&b, 4700);
	ck_assert(b.g->unknown);
	b.health[1] = 'P';
	bench_run(&b, 1500);
	struct ledger on = b.ledger;
	ledger_advance(&on, 0xbeef, 77, BENCH_WALL);
	bench_apply(&b, &on, false);
	b.swallow = false;
	bench_run(&b, 8000);
	ck_assert(!b.g->unknown);
	ck_assert_uint_eq(b.ledger.epoch, on.epoch); /* nothing was left to close */
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_CLOSED, "void"));
}
END_TEST

START_TEST(resumed_unknown_is_closed)
{
	bench_ready(&b, 3, 1);
	uint64_t epoch = b.ledger.epoch, nonce = b.ledger.nonce[0];

	bench_begin(&b);
	engine_resume(b.g, epoch, nonce, epoch, 0xdead);
	bench_run(&b, 10000);
	ck_assert(!b.g->unknown);
	ck_assert_uint_eq(b.ledger.epoch, epoch + 1);
	ck_assert_int_eq(b.intent, INTENT_CLOSE);
}
END_TEST

START_TEST(an_answer_that_comes_late_does_not_turn_back)
{
	bench_ready(&b, 3, 3);
	b.mute_change = true;
	b.peer_cannot[1] = b.peer_cannot[2] = CANNOT_API;
	b.health[1] = 'F';
	b.peer[1][1] = b.peer[2][1] = 'D';
	bench_run(&b, 6000);
	ck_assert(b.writing);
	/* applied; another writes on, and a read shows it before our answer is here */
	bench_apply(&b, &b.sent.next, true);
	struct ledger on = b.ledger;
	ledger_advance(&on, 0xbeef, b.rule.agent[1].number, BENCH_WALL);
	bench_apply(&b, &on, false);
	bench_run(&b, 6 * 60 * 1000);
	ck_assert_uint_eq(b.g->ledger.epoch, on.epoch);
	b.writing = b.mute_change = false;
	struct engine_in in = bench_in(&b, ENGINE_CHANGED);
	in.result = CHANGE_OK;
	bench_step(&b, &in);
	ck_assert_uint_eq(b.g->ledger.epoch, on.epoch);
	ck_assert_uint_eq(engine_report(b.g)->epoch, on.epoch);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_COMMITTED, "drain"));
}
END_TEST

START_TEST(busy_and_refused_rest)
{
	static const enum change_result results[] = {
	    CHANGE_BUSY, CHANGE_REFUSED, CHANGE_OUT};

	for (int i = 0; i < 3; i++) {
		bench_ready(&b, 3, 1);
		b.swallow = true;
		b.change_result = results[i];
		b.health[1] = 'F';
		bench_run(&b, 4600 + 60000);
		ck_assert_uint_ge(b.changes, 4);
		ck_assert_uint_le(b.changes, 12); /* doubling rests, ≤ 30 s */
		ck_assert(!b.g->unknown);
		b.swallow = false;
		bench_run(&b, 31000);
		ck_assert(b.ledger.member[1].out);
		bench_free(&b);
	}
}
END_TEST

START_TEST(failing_reads_rest_and_stop_writing)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	b.health[1] = 'F';
	uint32_t reads = b.reads;
	bench_run(&b, 120000);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_uint_ge(b.reads - reads, 24);
	ck_assert_uint_le(b.reads - reads, 52);
	ck_assert_int_eq(b.g->cannot, CANNOT_API);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_READ_FAILED, NULL));
	/* A site is dead: the outage is over for it soon after it is over. */
	b.read_result = CHANGE_OK;
	bench_run(&b, 5200);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* What never left because the zone moved on is no loss, no trouble of the API, and is
 * decided again at once on a fresh read. */
START_TEST(a_stale_change_is_decided_again)
{
	bench_ready(&b, 3, 1);
	b.mute_change = true;
	b.health[1] = 'F';
	for (int i = 0; i < 100 && !b.writing; i++)
		bench_run(&b, 100);
	ck_assert(b.writing);
	uint32_t reads = b.reads;
	b.mute_change = b.writing = false;
	struct engine_in in = bench_in(&b, ENGINE_CHANGED);
	in.result = CHANGE_STALE;
	in.text = "not sent";
	bench_step(&b, &in);
	bench_run(&b, 1000);
	ck_assert_uint_gt(b.reads, reads);
	ck_assert_ptr_null(bench_fact(&b, FACT_LOST, NULL));
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_TROUBLE, "drain"));
	ck_assert(!b.g->api_trouble && !b.g->unknown);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

START_TEST(a_zone_that_asks_for_patience_gets_it)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_BUSY;
	b.health[1] = 'F';
	uint32_t reads = b.reads;
	bench_run(&b, 120000);
	ck_assert_uint_le(b.reads - reads, 15);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* Nobody waits for it: the rests get long; and then somebody does. */
START_TEST(a_death_in_a_long_rest_does_not_wait_for_its_end)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_run(&b, 6 * 60 * 1000); /* the idle read fails */
	bench_run(&b, 5 * 60 * 1000);
	uint32_t reads = b.reads;
	bench_run(&b, 120000);
	ck_assert_uint_le(b.reads - reads, 10);
	for (int i = 0; i < 200 && b.g->read_next_ms < b.now_ms + 12000; i++)
		bench_run(&b, 500);
	ck_assert_uint_ge(b.g->read_next_ms, b.now_ms + 12000);
	b.read_result = CHANGE_OK;
	b.health[1] = 'F';
	bench_run(&b, 9000);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* After a restart into a zone that has lost its ledger, its own memory is the highest
 * epoch that the others may hear of. */
START_TEST(a_resumed_agent_reports_what_it_knew)
{
	bench_make(&b, 2, 3);
	b.sets = 2;
	engine_init(b.g, &b.rule, 0, bench_digest, &b, b.now_ms);
	engine_resume(b.g, 30, 0xabc, 0, 0);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_LOST);
	ck_assert_uint_eq(engine_report(b.g)->epoch, 30);
	ck_assert_uint_eq(engine_report(b.g)->nonce, 0xabc);
}
END_TEST

START_TEST(hearing_of_what_the_zone_does_not_show_is_paced)
{
	bench_ready(&b, 2, 3);
	struct ledger lie = b.ledger;
	uint32_t reads = b.reads;

	lie.epoch += 7;
	for (int i = 0; i < 60; i++) {
		struct engine_in in = bench_in(&b, ENGINE_HEARD);

		in.epoch = lie.epoch;
		bench_step(&b, &in);
		bench_run(&b, 1000);
	}
	ck_assert_uint_ge(b.reads - reads, 3);
	ck_assert_uint_le(b.reads - reads, 8);
}
END_TEST

/* Further behind than the ledger's nonces reach: the others must vouch for it. */
START_TEST(far_behind_waits_for_the_others)
{
	for (uint32_t agents = 2; agents <= 3; agents++) {
		bench_ready(&b, 2, agents);
		struct ledger on = b.ledger;
		for (uint64_t i = 0; i < 20; i++)
			ledger_advance(
			    &on, 0x500 + i, b.rule.agent[1].number, BENCH_WALL);
		b.peer_lags = true;
		bench_apply(&b, &on, false);
		bench_run(&b, 6 * 60000);
		ck_assert_uint_eq(b.g->ledger.epoch, 1);
		ck_assert_int_eq(b.g->cannot, CANNOT_STARTING);
		ck_assert_ptr_nonnull(bench_fact(&b, FACT_TROUBLE, "behind"));
		if (agents == 3) { /* nobody who could vouch: an operator can */
			bench_order(&b, ORDER_ADOPT, 0, 0);
			bench_run(&b, 6000);
			ck_assert(b.order_done);
			ck_assert_uint_eq(b.ledger.root, 22);
			bench_free(&b);
			continue;
		}
		uint32_t reads = b.reads;
		bench_run(&b, 60000);
		ck_assert_uint_le(b.reads - reads, 13);
		b.peer_lags = false;
		bench_run(&b, 6000);
		ck_assert_uint_eq(b.g->ledger.epoch, 21);
		ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
		bench_free(&b);
	}
}
END_TEST

static void
teardown(void)
{
	bench_free(&b);
	memset(&b, 0, sizeof b);
}

/* A simulated world's seed 10251: with an open outcome the new file never came into
 * force, for what would close it may not be written under the old one. */
START_TEST(an_unknown_policy_change_is_tried_again)
{
	bench_ready(&b, 3, 3);
	b.swallow = true;
	b.change_result = CHANGE_UNKNOWN;
	b.rule.policy_hash = 0x9999;
	uint32_t changes = b.changes;
	bench_run(&b, 20000);
	ck_assert_uint_gt(b.changes, changes);
	ck_assert(b.g->unknown);
	b.swallow = false;
	b.change_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.ledger.policy_hash, 0x9999);
	ck_assert(!b.g->unknown);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
}
END_TEST

/* Who says that it cannot write, but holds the same new file, writes it: not all do. */
START_TEST(a_policy_is_written_by_rank)
{
	bench_ready(&b, 3, 3);
	b.rule.policy_hash = 0x9999;
	b.peer_cannot[1] = b.peer_cannot[2] = CANNOT_POLICY;
	uint32_t changes = b.changes;
	/* one of three ranks; each may be the first, so look at the wait alone */
	uint32_t agent[AGENTS_MAX];
	bool able[AGENTS_MAX];
	bench_run(&b, 1500);
	ck_assert_uint_eq(engine_writers(b.g, b.now_ms, agent, able), 3);
	if (agent[0] == b.g->self)
		ck_assert_uint_eq(b.changes, changes + 1);
	else
		ck_assert_uint_eq(b.changes, changes);
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.ledger.policy_hash, 0x9999);
}
END_TEST

/* A simulated world's seed 88: an idle read failed, and the API was well again; the
 * agent said that it cannot write for five minutes more. */
START_TEST(an_idle_read_that_failed_is_made_again)
{
	bench_ready(&b, 3, 3);
	bench_run(&b, 4 * 60000);
	b.read_result = CHANGE_BUSY;
	while (b.g->cannot != CANNOT_API)
		bench_run(&b, 1000);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine, zone");
	TCase *t = tcase_create("engine");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, void_what_may_be_under_way);
	tcase_add_test(t, a_void_outlives_a_read_of_the_same_version);
	tcase_add_test(t, a_read_that_hangs_is_said_to_all);
	tcase_add_test(t, a_void_outlives_a_reload);
	tcase_add_test(t, no_void_when_the_ledger_forbade_it);
	tcase_add_test(t, unknown_is_closed_by_compare_and_swap_only);
	tcase_add_test(t, unknown_that_was_applied_is_found_by_its_nonce);
	tcase_add_test(t, unknown_is_void_once_another_has_written);
	tcase_add_test(t, resumed_unknown_is_closed);
	tcase_add_test(t, an_answer_that_comes_late_does_not_turn_back);
	tcase_add_test(t, busy_and_refused_rest);
	tcase_add_test(t, failing_reads_rest_and_stop_writing);
	tcase_add_test(t, a_stale_change_is_decided_again);
	tcase_add_test(t, a_zone_that_asks_for_patience_gets_it);
	tcase_add_test(t, a_death_in_a_long_rest_does_not_wait_for_its_end);
	tcase_add_test(t, a_resumed_agent_reports_what_it_knew);
	tcase_add_test(t, hearing_of_what_the_zone_does_not_show_is_paced);
	tcase_add_test(t, far_behind_waits_for_the_others);
	tcase_add_test(t, an_unknown_policy_change_is_tried_again);
	tcase_add_test(t, a_policy_is_written_by_rank);
	tcase_add_test(t, an_idle_read_that_failed_is_made_again);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
