/* SPDX-License-Identifier: Apache-2.0 */
/* engine: one agent on a bench; whose turn, when it abstains, when it writes. */
#include "tests/unit/engine_bench.h"

static struct bench b;

/* ---- waking up, and the first creation ---- */

START_TEST(creates_once_all_have_a_verdict)
{
	bench_make(&b, 3, 1);
	bench_begin(&b);
	bench_run(&b, 2900);
	ck_assert_uint_eq(b.changes, 0);
	ck_assert_int_eq(b.g->doubt, DOUBT_STARTING);
	bench_run(&b, 500);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_int_eq(b.intent, INTENT_CREATE);
	ck_assert(b.sent.create);
	ck_assert_uint_eq(b.ledger.epoch, 1);
	for (int m = 0; m < 3; m++)
		ck_assert_int_eq(b.weight[m], 100);
	bench_run(&b, 600000);
	ck_assert_uint_eq(b.changes, 1); /* and nothing more */
}
END_TEST

START_TEST(creates_what_is_down_out)
{
	bench_make(&b, 3, 3);
	b.health[1] = 'F';
	b.peer[1][1] = b.peer[2][1] = 'D';
	bench_begin(&b);
	bench_run(&b, 70000);
	ck_assert_uint_eq(b.ledger.epoch, 1);
	ck_assert(b.ledger.member[1].out);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_int_eq(b.weight[1], 0);
}
END_TEST

START_TEST(creates_at_the_latest_a_minute_after_the_first_up)
{
	bench_make(&b, 3, 3);
	b.health[1] = '-'; /* never known */
	b.peer[1][1] = b.peer[2][1] = 'A';
	bench_begin(&b);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, 0);
	bench_run(&b, 65000);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert(b.ledger.member[1].out);
	ck_assert(!b.ledger.member[0].out);
}
END_TEST

START_TEST(never_creates_an_all_zero_group)
{
	bench_make(&b, 2, 3);
	b.rule.member[0].weight = 0; /* stands by; the other is down */
	b.health[1] = 'F';
	b.peer[1][1] = b.peer[2][1] = 'D';
	bench_begin(&b);
	bench_run(&b, 200000);
	ck_assert_uint_eq(b.changes, 0);
	b.health[1] = 'P';
	b.peer[1][1] = b.peer[2][1] = 'U';
	bench_run(&b, 10000);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_int_eq(b.weight[1], 100);
}
END_TEST

START_TEST(failover_is_created_with_the_first_usable)
{
	bench_make(&b, 3, 3);
	b.rule.policy = POLICY_FAILOVER;
	b.rule.member[2].last_resort = true;
	b.health[0] = 'F';
	b.peer[1][0] = b.peer[2][0] = 'D';
	bench_begin(&b);
	bench_run(&b, 70000);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_int_eq(b.weight[0], 0);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_int_eq(b.weight[2], 0);
}
END_TEST

START_TEST(warm_when_rise_has_passed_or_after_a_minute)
{
	bench_make(&b, 2, 3);
	b.health[1] = 'F'; /* starts into its outage */
	bench_begin(&b);
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.g->report.member[0].vote, VOTE_ABSTAIN);
	bench_run(&b, 12000);
	ck_assert_uint_eq(b.g->report.member[0].vote, VOTE_UP);
	ck_assert_uint_eq(b.g->report.member[1].vote, VOTE_DOWN);
	/* a member that nothing is known of holds it for a minute */
	bench_free(&b);
	bench_make(&b, 2, 3);
	b.health[1] = '-';
	bench_begin(&b);
	bench_run(&b, 59000);
	ck_assert_uint_eq(b.g->report.member[0].vote, VOTE_ABSTAIN);
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.g->report.member[0].vote, VOTE_UP);
}
END_TEST

/* ---- a drain, and what forbids it ---- */

START_TEST(drains_after_the_hold)
{
	bench_ready(&b, 3, 1);
	b.health[1] = 'F';
	bench_run(&b, 1500); /* three failures */
	ck_assert_int_eq(b.g->quorum[1].verdict, VERDICT_DOWN);
	bench_run(&b, 2900);
	ck_assert(!b.ledger.member[1].out);
	bench_run(&b, 200);
	ck_assert(b.ledger.member[1].out);
	ck_assert_int_eq(b.weight[1], 0);
	ck_assert_uint_eq(b.ledger.epoch, 2);
	ck_assert_int_eq(b.intent, INTENT_ACTION);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_COMMITTED, "drain"));
	/* back: held for 2 minutes, then its ramp */
	b.health[1] = 'P';
	bench_run(&b, 3000 + 119000);
	ck_assert(b.ledger.member[1].out);
	bench_run(&b, 2000);
	ck_assert_int_eq(b.weight[1], 10);
	bench_run(&b, 3 * 61000);
	ck_assert_int_eq(b.weight[1], 100);
	ck_assert_uint_eq(b.ledger.epoch, 6);
}
END_TEST

START_TEST(reads_when_a_hold_begins)
{
	bench_ready(&b, 3, 1);
	uint32_t reads = b.reads;

	b.health[1] = 'F';
	bench_run(&b, 1500);
	ck_assert_uint_eq(b.reads, reads + 1);
	bench_run(&b, 2500);
	ck_assert_uint_eq(b.reads, reads + 1);
}
END_TEST

START_TEST(three_agents_two_domains)
{
	bench_ready(&b, 3, 3);
	b.health[1] = 'F';
	bench_run(&b, 60000); /* alone with it */
	ck_assert(!b.ledger.member[1].out);
	b.rule.agent[1].domain = b.rule.agent[0].domain;
	b.peer[1][1] = 'D'; /* two, of one domain */
	bench_run(&b, 60000);
	ck_assert(!b.ledger.member[1].out);
	b.rule.agent[1].domain = 17;
	bench_run(&b, 12000);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

START_TEST(doubt_abstains_and_writes_nothing)
{
	for (int d = DOUBT_CANARIES; d < DOUBT_STARTING; d++) {
		bench_ready(&b, 3, 3);
		b.doubt = (enum doubt)d;
		b.health[1] = 'F';
		b.peer[1][1] = b.peer[2][1] = 'D';
		bench_run(&b, 60000);
		ck_assert_uint_eq(b.changes, 1);
		ck_assert_int_eq(b.g->cannot, CANNOT_ABSTAIN);
		for (int m = 0; m < 3; m++)
			ck_assert_uint_eq(b.g->report.member[m].vote, VOTE_ABSTAIN);
		ck_assert_ptr_nonnull(
		    bench_fact(&b, FACT_DOUBT, doubt_word((enum doubt)d)));
		b.doubt = DOUBT_NOT;
		bench_run(&b, 12000);
		ck_assert(b.ledger.member[1].out);
		bench_free(&b);
	}
}
END_TEST

START_TEST(lonely_changes_nothing)
{
	bench_ready(&b, 3, 3);
	b.health[1] = 'F';
	b.peer[1][1] = 'D';
	b.peer[2][0] = '\0';
	bench_run(&b, 500);
	b.peer[1][0] = '\0'; /* both silent now; fresh for 15 s */
	bench_run(&b, 16000);
	ck_assert_int_eq(b.g->cannot, CANNOT_LONELY);
	uint32_t changes = b.changes;
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, changes);
}
END_TEST

START_TEST(abstains_for_a_service_it_alone_sees_dead)
{
	bench_ready(&b, 3, 3);
	memset(b.health, 'F', 3);
	bench_run(&b, 10000);
	for (int m = 0; m < 3; m++) {
		ck_assert_uint_eq(b.g->report.member[m].vote, VOTE_ABSTAIN);
		ck_assert_uint_eq(b.g->report.member[m].raw, VOTE_DOWN);
	}
	/* a quorum that sees the same votes, and DNS is left alone */
	memset(b.peer[1], 'D', 3);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.g->report.member[0].vote, VOTE_DOWN);
	ck_assert_int_eq(b.g->quorum[0].verdict, VERDICT_DOWN);
	ck_assert_uint_eq(b.changes, 1);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_BLOCKED, "all-down"));
}
END_TEST

START_TEST(forgotten_evidence_is_no_evidence)
{
	bench_ready(&b, 3, 1);
	b.health[1] = 'F';
	bench_run(&b, 4000);
	struct engine_in in = bench_in(&b, ENGINE_FORGET);
	bench_step(&b, &in);
	ck_assert_int_eq(b.g->quorum[1].verdict, VERDICT_UNDECIDED);
	bench_run(&b, 4400); /* three failures and the hold anew */
	ck_assert(!b.ledger.member[1].out);
	bench_run(&b, 300);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

/* ---- turns ---- */

START_TEST(ranks_wait_and_the_silent_are_skipped)
{
	uint64_t took_ms[2];

	for (int mute = 0; mute < 2; mute++) {
		bench_ready(&b, 3, 3);
		b.peer_cannot[1] = b.peer_cannot[2] = mute ? CANNOT_API : CANNOT_NOT;
		b.health[2] = 'F';
		b.peer[1][2] = b.peer[2][2] = 'D';
		uint64_t from_ms = b.now_ms;
		while (!b.ledger.member[2].out && b.now_ms < from_ms + 60000)
			bench_run(&b, 100);
		took_ms[mute] = b.now_ms - from_ms;
		bench_free(&b);
	}
	/* who says that it cannot write is not waited for */
	ck_assert_uint_le(took_ms[1], took_ms[0]);
	ck_assert_uint_eq((took_ms[0] - took_ms[1]) % 2000, 0);
	ck_assert_uint_le(took_ms[0] - took_ms[1], 4000);
}
END_TEST

START_TEST(the_failing_sites_own_agent_is_last)
{
	bench_ready(&b, 3, 3);
	b.health[0] = 'F'; /* our own site */
	b.peer[1][0] = b.peer[2][0] = 'D';
	uint64_t from_ms = b.now_ms;
	while (!b.ledger.member[0].out && b.now_ms < from_ms + 60000)
		bench_run(&b, 100);
	ck_assert_uint_ge(b.now_ms - from_ms, 1000 + 3000 + 2 * 2000);
}
END_TEST

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
	ck_assert_uint_le(b.reads - reads, 15);
	ck_assert_int_eq(b.g->cannot, CANNOT_API);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_READ_FAILED, NULL));
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
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

/* ---- orders ---- */

START_TEST(operator_drain_bypasses_hold_and_budget_not_the_floor)
{
	bench_ready(&b, 2, 1);
	bench_order(&b, ORDER_DRAIN, 1, 600);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	ck_assert(b.ledger.member[1].out && b.ledger.member[1].by_order);
	ck_assert_uint_eq(b.ledger.member[1].drain.id, 77);
	ck_assert_uint_eq(b.ledger.member[1].drains, 0); /* not an automatic one */
	bench_order(&b, ORDER_DRAIN, 0, 600);
	bench_run(&b, 500);
	ck_assert(b.order_refused);
	ck_assert(!b.ledger.member[0].out);
	/* it expires, and returns through the limiter */
	bench_run(&b, 590 * 1000);
	ck_assert(b.ledger.member[1].out);
	bench_run(&b, 12000);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_uint_eq(b.ledger.member[1].returns, 1);
	ck_assert_int_eq(b.weight[1], 10);
}
END_TEST

START_TEST(undrain)
{
	bench_ready(&b, 2, 1);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* it is in */
	bench_order(&b, ORDER_DRAIN, 1, 6000);
	bench_run(&b, 500);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_int_eq(b.weight[1], 10);
	/* not well yet: the limiter returns it when it is, also under `manual` */
	bench_free(&b);
	bench_ready(&b, 2, 1);
	b.rule.failback_auto = false;
	b.health[1] = 'F';
	bench_run(&b, 8000);
	ck_assert(b.ledger.member[1].out);
	bench_order(&b, ORDER_UNDRAIN, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_done && b.ledger.member[1].out);
	b.health[1] = 'P';
	bench_run(&b, 130000);
	ck_assert(!b.ledger.member[1].out);
}
END_TEST

START_TEST(freeze_works_at_once)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT; /* with or without the API */
	b.health[1] = 'F';
	bench_run(&b, 3000);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	ck_assert(b.g->local_freeze);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert(!b.ledger.member[1].out);
	ck_assert_int_eq(b.g->limiter.block[1], BLOCK_FROZEN);
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert(b.ledger.member[1].out);
}
END_TEST

START_TEST(no_order_overrides_doubt_or_loneliness)
{
	bench_ready(&b, 3, 3);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	b.doubt = DOUBT_CANARIES;
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, 1);
	b.doubt = DOUBT_NOT;
	b.peer[1][0] = b.peer[2][0] = '\0';
	bench_run(&b, 100);
	bench_free(&b);
	bench_ready(&b, 3, 3);
	b.peer[1][0] = b.peer[2][0] = '\0';
	bench_run(&b, 16000);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, 1);
	b.peer[1][0] = 'U';
	bench_run(&b, 2000);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
}
END_TEST

START_TEST(freeze_stands_still_records_too)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 1000);
	uint64_t answers = b.answers;
	b.conf_answers = 1; /* the file's answers changed; same policy hash */
	struct engine *scratch = malloc(sizeof *scratch);
	engine_reload(b.g, &b.rule, 0, scratch);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.answers, answers);
	bench_run(&b, 600 * 1000);
	ck_assert_uint_eq(b.answers, 1);
	free(scratch);
}
END_TEST

START_TEST(pin_unpin_ack)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_PIN, 1, 3600);
	bench_run(&b, 500);
	ck_assert(b.order_done);
	b.health[1] = 'F';
	bench_run(&b, 60000);
	ck_assert(!b.ledger.member[1].out);
	bench_order(&b, ORDER_UNPIN, 1, 0);
	bench_run(&b, 1000);
	ck_assert(b.ledger.member[1].out);
	bench_order(&b, ORDER_ACK, 1, 0);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* not latched */
	bench_order(&b, ORDER_PIN, 1, 3600);
	bench_run(&b, 500);
	ck_assert(b.order_refused); /* out */
}
END_TEST

START_TEST(a_long_order_keeps_the_ledger_readable)
{
	bench_ready(&b, 3, 1);
	bench_order(&b, ORDER_PIN, 1, _i ? UINT64_MAX : UINT64_C(1) << 40);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_int_gt(b.ledger.member[1].pin.expiry_wall_s, BENCH_WALL + 86400);
	struct ledger back;
	struct err e;
	ck_assert_int_eq(ledger_parse(b.text, &back, &e), LEDGER_OK);
	bench_run(&b, 600000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
}
END_TEST

START_TEST(one_order_at_a_time)
{
	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_PIN, 1, 600);
	ck_assert(!b.order_refused);
	bench_order(&b, ORDER_PIN, 2, 600);
	ck_assert(b.order_refused);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert_uint_eq(b.ledger.member[1].pin.id, 77);
	ck_assert_uint_eq(b.ledger.member[2].pin.id, 0);
}
END_TEST

/* What cannot be written now is refused, and does not stand in the way of adopt. */
START_TEST(an_order_while_frozen_does_not_bar_adopt)
{
	bench_ready(&b, 3, 1);
	b.weight[1] = 7; /* edited by hand */
	bench_run(&b, 6 * 60000);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_EDITED);
	bench_order(&b, ORDER_DRAIN, 2, 600);
	bench_run(&b, 2000);
	ck_assert(b.order_refused);
	bench_order(&b, ORDER_ADOPT, 0, 0);
	bench_run(&b, 2000);
	ck_assert(b.order_done);
	ck_assert_int_eq(b.g->watch.frozen, FROZEN_NOT);
	ck_assert_uint_eq(b.ledger.root, b.ledger.epoch);
}
END_TEST

START_TEST(a_reload_keeps_the_pending_order)
{
	struct engine *scratch = malloc(sizeof *scratch);

	bench_ready(&b, 3, 1);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_FREEZE, 0, 600);
	engine_reload(b.g, &b.rule, 0, scratch);
	bench_run(&b, 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.read_result = CHANGE_OK;
	bench_run(&b, 31000);
	ck_assert_uint_eq(b.ledger.freeze.id, 77);
	ck_assert(b.order_done);
	free(scratch);
}
END_TEST

/* ---- observe ---- */

START_TEST(observe_pretends_and_never_writes)
{
	bench_make(&b, 3, 1);
	b.rule.observe = true;
	bench_begin(&b);
	bench_run(&b, 10000);
	ck_assert(b.g->believed);
	b.health[1] = 'F';
	bench_run(&b, 10000);
	ck_assert(b.g->ledger.member[1].out);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_DECIDED, "drain"));
	bench_order(&b, ORDER_ADOPT, 0, 0);
	ck_assert(b.order_refused);
	bench_run(&b, 600000);
	ck_assert_uint_eq(b.changes, 0); /* bench_step asserts it too */
	ck_assert(!b.present);
}
END_TEST

/* ---- words ---- */

START_TEST(every_fact_is_kept)
{
	bench_make(&b, MEMBERS_MAX, 1);
	bench_begin(&b);
	bench_run(&b, 10000);
	uint32_t votes = 0, verdicts = 0;
	for (uint32_t i = 0; i < b.facts; i++) {
		votes += b.fact[i].kind == FACT_VOTE;
		verdicts += b.fact[i].kind == FACT_VERDICT;
	}
	ck_assert_uint_eq(votes, MEMBERS_MAX);
	ck_assert_uint_eq(verdicts, MEMBERS_MAX);
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_SENT, "create"));
	ck_assert_ptr_nonnull(bench_fact(&b, FACT_COMMITTED, "create"));
	/* and all at once dead, with a frozen neighbour of every kind of news */
	memset(b.health, 'F', MEMBERS_MAX);
	b.facts = 0;
	bench_run(&b, 1500);
	uint32_t downs = 0;
	for (uint32_t i = 0; i < b.facts; i++)
		downs += b.fact[i].kind == FACT_VERDICT;
	ck_assert_uint_eq(downs, MEMBERS_MAX);
}
END_TEST

START_TEST(explains_itself)
{
	char text[1024], tiny[10];

	bench_ready(&b, 3, 1);
	b.health[1] = 'F';
	bench_run(&b, 3000);
	engine_explain(b.g, 1, BENCH_WALL, b.now_ms, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "vote DOWN"));
	ck_assert_ptr_nonnull(strstr(text, "quorum DOWN"));
	ck_assert_ptr_nonnull(strstr(text, "not been held long enough"));
	engine_explain(b.g, 1, BENCH_WALL, b.now_ms, tiny, sizeof tiny);
	ck_assert_uint_eq(strlen(tiny), 9);
}
END_TEST

START_TEST(preview)
{
	struct rule_service rule;
	struct ledger l, next;
	enum verdict v[MEMBERS_MAX] = {VERDICT_UP, VERDICT_DOWN, VERDICT_UP};
	struct err why;

	bench_ready(&b, 3, 1);
	l = b.ledger;
	rule = b.rule;
	ck_assert(engine_preview(&rule, &l, v, BENCH_WALL, &next, &why));
	ck_assert(next.member[1].out);
	v[1] = VERDICT_UP;
	ck_assert(!engine_preview(&rule, &l, v, BENCH_WALL, &next, &why));
	ck_assert_uint_gt(strlen(why.text), 10);
	v[0] = v[1] = v[2] = VERDICT_DOWN;
	ck_assert(!engine_preview(&rule, &l, v, BENCH_WALL, &next, &why));
	ck_assert_ptr_nonnull(strstr(why.text, "DNS is left alone"));
}
END_TEST

static void
teardown(void)
{
	bench_free(&b);
	memset(&b, 0, sizeof b);
}

int
main(void)
{
	Suite *s = suite_create("engine");
	TCase *t = tcase_create("engine");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, creates_once_all_have_a_verdict);
	tcase_add_test(t, creates_what_is_down_out);
	tcase_add_test(t, creates_at_the_latest_a_minute_after_the_first_up);
	tcase_add_test(t, never_creates_an_all_zero_group);
	tcase_add_test(t, failover_is_created_with_the_first_usable);
	tcase_add_test(t, warm_when_rise_has_passed_or_after_a_minute);
	tcase_add_test(t, drains_after_the_hold);
	tcase_add_test(t, reads_when_a_hold_begins);
	tcase_add_test(t, three_agents_two_domains);
	tcase_add_test(t, doubt_abstains_and_writes_nothing);
	tcase_add_test(t, lonely_changes_nothing);
	tcase_add_test(t, abstains_for_a_service_it_alone_sees_dead);
	tcase_add_test(t, forgotten_evidence_is_no_evidence);
	tcase_add_test(t, ranks_wait_and_the_silent_are_skipped);
	tcase_add_test(t, the_failing_sites_own_agent_is_last);
	tcase_add_test(t, void_what_may_be_under_way);
	tcase_add_test(t, no_void_when_the_ledger_forbade_it);
	tcase_add_test(t, unknown_is_closed_by_compare_and_swap_only);
	tcase_add_test(t, unknown_that_was_applied_is_found_by_its_nonce);
	tcase_add_test(t, resumed_unknown_is_closed);
	tcase_add_test(t, an_answer_that_comes_late_does_not_turn_back);
	tcase_add_test(t, busy_and_refused_rest);
	tcase_add_test(t, failing_reads_rest_and_stop_writing);
	tcase_add_test(t, operator_drain_bypasses_hold_and_budget_not_the_floor);
	tcase_add_test(t, undrain);
	tcase_add_test(t, a_resumed_agent_reports_what_it_knew);
	tcase_add_test(t, hearing_of_what_the_zone_does_not_show_is_paced);
	tcase_add_test(t, far_behind_waits_for_the_others);
	tcase_add_test(t, freeze_works_at_once);
	tcase_add_test(t, no_order_overrides_doubt_or_loneliness);
	tcase_add_test(t, freeze_stands_still_records_too);
	tcase_add_test(t, pin_unpin_ack);
	tcase_add_loop_test(t, a_long_order_keeps_the_ledger_readable, 0, 2);
	tcase_add_test(t, one_order_at_a_time);
	tcase_add_test(t, an_order_while_frozen_does_not_bar_adopt);
	tcase_add_test(t, a_reload_keeps_the_pending_order);
	tcase_add_test(t, observe_pretends_and_never_writes);
	tcase_add_test(t, every_fact_is_kept);
	tcase_add_test(t, explains_itself);
	tcase_add_test(t, preview);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
