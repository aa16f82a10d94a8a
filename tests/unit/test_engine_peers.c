/* SPDX-License-Identifier: Apache-2.0 */
/* engine: what peers say besides votes: freezes on their way, and who writes next. */
#include "tests/unit/engine_bench.h"

static struct bench b;

START_TEST(a_freeze_works_through_peers)
{
	bench_ready(&b, 3, 3);
	uint32_t changes = b.changes;
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.health[1] = 'F';
	b.peer[1][1] = b.peer[2][1] = 'D';
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, changes);
	ck_assert(bench_fact(&b, FACT_ORDER, "freeze") != NULL);
	/* the peer says so no more: it was taken back, or is in the ledger */
	b.peer_freeze[1] = 0;
	bench_run(&b, 20000);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	ck_assert(b.ledger.member[1].out);
	bench_free(&b);
}
END_TEST

/* Whoever heard it may be gone: the order stands until its time is over. */
START_TEST(a_freeze_outlives_its_agent)
{
	char why[512];

	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	b.peer[1][0] = '\0';
	bench_run(&b, 590 * 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	engine_explain(b.g, 0, BENCH_WALL, b.now_ms, why, sizeof why);
	ck_assert_ptr_nonnull(strstr(why, "agent-b heard a freeze that is not in the"));
	bench_run(&b, 20000);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	bench_free(&b);
}
END_TEST

/* … and told on when that agent begins anew, so that it is obeyed there, too. */
START_TEST(a_freeze_outlives_a_restart)
{
	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 0); /* that one tells it itself */
	struct engine_in in = bench_in(&b, ENGINE_UNHEARD);
	in.agent = 1;
	b.peer_freeze[1] = 0;
	bench_step(&b, &in);
	bench_run(&b, 100 * 1000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 4711);
	ck_assert_uint_le(engine_report(b.g)->freeze_for_s, 500);
	ck_assert_uint_ge(engine_report(b.g)->freeze_for_s, 490);
	/* taken back at a third one */
	b.peer_thawed[2] = 4711;
	bench_run(&b, 2000);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 0);
	bench_free(&b);
}
END_TEST

/* We were paused; the peer has it still, and ends it as ever. */
START_TEST(a_freeze_is_no_orphan_while_it_is_told)
{
	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	struct engine_in in = bench_in(&b, ENGINE_UNHEARD);
	in.agent = 1;
	bench_step(&b, &in);
	bench_run(&b, 2000);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 0);
	b.peer_freeze[1] = 0;
	bench_run(&b, 2000);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	bench_free(&b);
}
END_TEST

/* What each says is over stays its own: reports do not chase each other. */
START_TEST(what_is_over_is_not_passed_round)
{
	bench_ready(&b, 3, 3);
	bench_order(&b, ORDER_FREEZE, 0, 600);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(engine_report(b.g)->thawed, 77); /* the ledger's now */
	b.peer_thawed[1] = 5;
	b.peer_thawed[2] = 6;
	bench_run(&b, 3000);
	ck_assert_uint_eq(engine_report(b.g)->thawed, 77);
	/* but who still holds one of them is told */
	b.peer_freeze[1] = 6;
	bench_run(&b, 1000);
	ck_assert_uint_eq(engine_report(b.g)->thawed, 6);
	ck_assert_uint_eq(b.g->heard_freeze[1].id, 0);
	bench_free(&b);
}
END_TEST

START_TEST(in_the_ledger_it_is_the_ledgers)
{
	struct ledger next;

	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	b.peer[1][0] = '\0'; /* it wrote, and died before it could say so */
	next = b.ledger;
	ledger_advance(&next, 99, b.rule.agent[1].number, BENCH_WALL);
	next.freeze = (struct ledger_order){4711, 1, BENCH_WALL + 1000000};
	bench_apply(&b, &next, false);
	bench_run(&b, 6 * 60000); /* the idle read */
	ck_assert(b.ledger.freeze.id == 4711);
	ck_assert_uint_eq(b.g->heard_freeze[1].id, 0);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	bench_free(&b);
}
END_TEST

START_TEST(unfreeze_here_ends_a_freeze_heard_there)
{
	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	ck_assert_uint_eq(engine_report(b.g)->thawed, 4711);
	bench_run(&b, 5000); /* the peer has not heard of it, and repeats itself */
	ck_assert(b.order_done);
	ck_assert_int_eq(b.g->cannot, CANNOT_NOT);
	bench_free(&b);
}
END_TEST

START_TEST(unfreeze_there_ends_a_freeze_heard_here)
{
	bench_ready(&b, 3, 3);
	b.read_result = CHANGE_OUT;
	bench_order(&b, ORDER_FREEZE, 0, 600);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 77);
	ck_assert_uint_eq(engine_report(b.g)->freeze_for_s, 600);
	bench_run(&b, 2000);
	ck_assert_int_eq(b.g->cannot, CANNOT_FROZEN);
	b.peer_thawed[2] = 77;
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	ck_assert(!b.g->local_freeze);
	ck_assert_uint_eq(engine_report(b.g)->freeze, 0);
	b.read_result = CHANGE_OK;
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.ledger.freeze.id, 0);
	bench_free(&b);
}
END_TEST

START_TEST(an_operator_orders_in_spite_of_anothers_freeze)
{
	bench_ready(&b, 3, 3);
	b.peer_freeze[1] = 4711;
	bench_run(&b, 1000);
	bench_order(&b, ORDER_DRAIN, 1, 600);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert(b.ledger.member[1].by_order);
	bench_free(&b);
}
END_TEST

/* The others drained a member and were cut off from us before they could say why: their
 * last votes, UP for hours, must not bring it back while they are fresh. */
START_TEST(votes_from_before_a_drain_return_nothing)
{
	struct ledger next;

	bench_ready(&b, 3, 3);
	bench_run(&b, 10 * 60000);
	uint32_t changes = b.changes;
	b.peer[1][0] = b.peer[2][0] = '\0';
	b.health[1] = 'F';
	bench_run(&b, 6000);
	next = b.ledger;
	ledger_advance(
	    &next, 99, b.rule.agent[1].number, BENCH_WALL + (int64_t)(b.now_ms / 1000));
	limiter_out_member(&b.rule, &next, 1);
	uint8_t weight[MEMBERS_MAX] = {0};
	for (uint32_t m = 0; m < 3; m++)
		weight[m] = next.member[m].weight;
	next.digest = bench_digest(weight, &b);
	bench_apply(&b, &next, true);
	struct engine_in in = bench_in(&b, ENGINE_HEARD);
	in.epoch = next.epoch;
	bench_step(&b, &in);
	ck_assert_uint_eq(b.g->ledger.epoch, next.epoch);
	ck_assert_int_eq(b.g->quorum[1].verdict, VERDICT_UP); /* still fresh */
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, changes);
	ck_assert(b.ledger.member[1].out);
	bench_free(&b);
}
END_TEST

START_TEST(a_vote_that_cannot_be_dated_is_void)
{
	bench_ready(&b, 3, 3);
	b.peer[1][0] = '\0';
	bench_run(&b, 1000);
	ck_assert_uint_eq(engine_hears(b.g, b.now_ms), 3);
	struct engine_in in = bench_in(&b, ENGINE_UNHEARD);
	in.agent = 1;
	bench_step(&b, &in);
	ck_assert_uint_eq(engine_hears(b.g, b.now_ms), 2);
	bench_free(&b);
}
END_TEST

START_TEST(alone_it_says_so_and_moves_nothing)
{
	char why[512];

	bench_ready(&b, 3, 3);
	uint32_t changes = b.changes;
	b.peer[1][0] = b.peer[2][0] = '\0';
	b.health[1] = 'F';
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.changes, changes);
	ck_assert_int_eq(b.g->cannot, CANNOT_LONELY);
	ck_assert_uint_eq(engine_hears(b.g, b.now_ms), 1);
	const struct fact *f = bench_fact(&b, FACT_TROUBLE, "lonely");
	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(strstr(f->text, "hears 1 of 3 agents"));
	engine_explain(b.g, 1, BENCH_WALL, b.now_ms, why, sizeof why);
	ck_assert_ptr_nonnull(strstr(why, "hears 1 of 3 agents"));
	bench_free(&b);
}
END_TEST

/* What was heard of the others goes on: no verdict ends, no hold begins anew. */
START_TEST(a_reload_keeps_the_peers)
{
	struct rule_service other, third;
	struct engine *scratch = malloc(sizeof *scratch);

	bench_ready(&b, 3, 3);
	b.peer_freeze[2] = 5;
	bench_run(&b, 1000);
	other = b.rule;
	other.agent[1] = b.rule.agent[2]; /* members and agents change places */
	other.agent[2] = b.rule.agent[1];
	other.member[1] = b.rule.member[2];
	other.member[2] = b.rule.member[1];
	b.g->ballot[1].report.member[2].failing = true;
	engine_reload(b.g, &other, 0, scratch);
	free(scratch);
	struct engine_in in = bench_in(&b, ENGINE_TICK);
	bench_step(&b, &in);
	ck_assert_uint_eq(engine_hears(b.g, b.now_ms), 3);
	for (uint32_t m = 0; m < 3; m++)
		ck_assert_int_eq(b.g->quorum[m].verdict, VERDICT_UP);
	ck_assert(b.g->ballot[2].report.member[1].failing);
	ck_assert_uint_eq(b.g->heard_freeze[1].id, 5);
	/* an agent that is new has said nothing */
	scratch = malloc(sizeof *scratch);
	third = other;
	(void)snprintf(third.agent[1].name, WORD_MAX, "new");
	third.agent[1].number = agent_number("new");
	engine_reload(b.g, &third, 0, scratch);
	free(scratch);
	ck_assert(!b.g->ballot[1].heard);
	bench_free(&b);
}
END_TEST

START_TEST(who_writes_next)
{
	uint32_t order[AGENTS_MAX];
	bool able[AGENTS_MAX];

	bench_ready(&b, 3, 5);
	ck_assert_uint_eq(engine_writers(b.g, b.now_ms, order, able), 5);
	uint32_t seen = 0;
	for (uint32_t i = 0; i < 5; i++) {
		seen |= 1u << order[i];
		ck_assert(able[i]);
	}
	ck_assert_uint_eq(seen, 31);
	b.peer_cannot[order[0] == 0 ? order[1] : order[0]] = CANNOT_API;
	bench_run(&b, 1000);
	ck_assert_uint_eq(engine_writers(b.g, b.now_ms, order, able), 5);
	ck_assert(!able[order[0] == 0 ? 1 : 0]);
	bench_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("engine, peers");
	TCase *t = tcase_create("peers");

	tcase_add_test(t, a_freeze_works_through_peers);
	tcase_add_test(t, a_freeze_outlives_its_agent);
	tcase_add_test(t, a_freeze_outlives_a_restart);
	tcase_add_test(t, a_freeze_is_no_orphan_while_it_is_told);
	tcase_add_test(t, what_is_over_is_not_passed_round);
	tcase_add_test(t, in_the_ledger_it_is_the_ledgers);
	tcase_add_test(t, unfreeze_here_ends_a_freeze_heard_there);
	tcase_add_test(t, unfreeze_there_ends_a_freeze_heard_here);
	tcase_add_test(t, an_operator_orders_in_spite_of_anothers_freeze);
	tcase_add_test(t, votes_from_before_a_drain_return_nothing);
	tcase_add_test(t, a_vote_that_cannot_be_dated_is_void);
	tcase_add_test(t, alone_it_says_so_and_moves_nothing);
	tcase_add_test(t, a_reload_keeps_the_peers);
	tcase_add_test(t, who_writes_next);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
