/* SPDX-License-Identifier: Apache-2.0 */
/* engine and scenario: takeover, restart, gaps, aborts, and what people are told. */
#include "tests/unit/scenario_bench.h"

static struct bench b;

/* Another agent writes: run it so far, under its own name. */
static void
other_writes(uint32_t agent, enum run_way way, uint32_t step, enum run_state state)
{
	struct ledger l = b.ledger;
	int64_t now_wall_s = BENCH_WALL + (int64_t)(b.now_ms / 1000);

	l.lock_holder = b.rule.agent[agent].number;
	if (l.run.id == 0)
		l.run = (struct ledger_run){
		    .id = l.epoch + 1, .way = way, .begun_wall_s = now_wall_s};
	l.run.step = step;
	l.run.state = state;
	l.run.since_wall_s = now_wall_s;
	l.run.tries = state == RUN_STARTED;
	if (state == RUN_STARTED)
		l.fence = scenario_next_fence(&l);
	if (l.fence != 0 && l.open == 0)
		l.open = SIDE_PRIMARY;
	ledger_advance(&l, b.random | 1, l.lock_holder, now_wall_s);
	bench_apply(&b, &l, false);
}

static void
make(enum scenario_kind kind, enum trigger trigger)
{
	scenario_make(&b, kind, trigger, 1);
	scenario_begin(&b);
}

static void
restart(void)
{
	uint64_t epoch = b.ledger.epoch, nonce = b.ledger.nonce[0];

	b.reading = b.writing = false;
	bench_begin(&b);
	engine_resume(b.g, epoch, nonce, 0, 0);
}

/* ---- takeover ---- */

START_TEST(another_runs_it_and_nothing_is_done_here)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	other_writes(2, RUN_FAILOVER, 0, RUN_GATE);
	bench_run(&b, 600000);
	ck_assert_uint_eq(b.starts, 0);
	ck_assert_uint_eq(b.ledger.lock_holder, b.rule.agent[2].number);
	ck_assert(!b.g->report.holder_lost);
}
END_TEST

START_TEST(a_lost_holder_is_succeeded_when_its_step_is_over)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	b.rule.plan.step[SLOT_SCALE_OUT].timeout_ms = 300000;
	site(&b, 0, 'D');
	other_writes(2, RUN_FAILOVER, 1, RUN_STARTED);
	uint64_t fence = b.ledger.fence;
	bench_run(&b, 3000);
	b.peer[2][0] = '\0'; /* silent from now on */
	bench_run(&b, 50000);
	ck_assert(!b.g->report.holder_lost);
	bench_run(&b, 12000);
	ck_assert(b.g->report.holder_lost);
	bench_run(&b, 300000); /* one agent of three has lost it: not enough */
	ck_assert_uint_eq(b.starts, 0);
	/* … two have, but its step's time is not over */
	other_writes(2, RUN_FAILOVER, 1, RUN_STARTED);
	fence = b.ledger.fence;
	b.peer_lost = true;
	bench_run(&b, 290000);
	ck_assert_uint_eq(b.starts, 0);
	bench_run(&b, 20000);
	ck_assert_uint_eq(b.ledger.lock_holder, b.rule.agent[0].number);
	ck_assert_int_eq(b.act.slot, SLOT_SCALE_OUT); /* the step in hand, once more */
	ck_assert_uint_gt(b.act.fence, fence);
	ck_assert_uint_eq(b.act.tries, 2);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_RUN, "failover")->text, "runs it now"));
}
END_TEST

START_TEST(not_by_an_agent_at_the_failed_site)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_COMMAND, 0);
	scenario_begin(&b);
	site(&b, 0, 'D');
	other_writes(2, RUN_FAILOVER, 1, RUN_STARTED);
	bench_run(&b, 3000);
	b.peer[2][0] = '\0';
	b.peer_lost = true;
	bench_run(&b, 600000);
	ck_assert(b.g->report.holder_lost);
	ck_assert_uint_eq(b.starts, 0);
	ck_assert_uint_eq(b.ledger.lock_holder, b.rule.agent[2].number);
}
END_TEST

/* The runner hears nobody for 15 s: it kills its act; then others go on. */
START_TEST(alone_it_kills_its_act)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	order(&b, ORDER_FAILOVER);
	await_act(&b, SLOT_FENCE);
	b.peer[1][0] = b.peer[2][0] = '\0';
	bench_run(&b, 28000); /* they are fresh for 15 s, and alone is 15 s more */
	ck_assert_uint_eq(b.kills, 0);
	bench_run(&b, 4000);
	ck_assert_uint_eq(b.kills, 1);
	acted(&b, ACTED_UNKNOWN);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.starts, 1);
	ck_assert_int_eq(b.ledger.run.state, RUN_STARTED); /* it writes nothing */
	b.peer[1][0] = b.peer[2][0] = 'D';
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.starts, 2); /* heard again, and still the holder */
	ck_assert_int_eq(b.act.slot, SLOT_FENCE);
}
END_TEST

START_TEST(succeeded_it_kills_its_act_and_its_outcome_is_void)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	order(&b, ORDER_FAILOVER);
	await_act(&b, SLOT_FENCE);
	other_writes(2, RUN_FAILOVER, 0, RUN_STARTED);
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.kills, 1);
	acted(&b, ACTED_DONE);
	bench_run(&b, 3000);
	ck_assert_uint_eq(b.ledger.run.step, 0);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	ck_assert_uint_eq(b.starts, 1);
}
END_TEST

/* ---- restarts and gaps ---- */

START_TEST(a_restart_repeats_what_was_under_way)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	order(&b, ORDER_FAILOVER);
	await_act(&b, SLOT_FENCE);
	uint64_t fence = b.act.fence;
	restart();
	bench_run(&b, 90000);
	ck_assert_uint_eq(b.starts, 2);
	ck_assert_int_eq(b.act.slot, SLOT_FENCE);
	ck_assert_uint_gt(b.act.fence, fence);
}
END_TEST

START_TEST(a_restart_that_knows_the_outcome_repeats_nothing)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	order(&b, ORDER_FAILOVER);
	await_act(&b, SLOT_FENCE);
	restart();
	acted(&b, ACTED_DONE); /* from the journal, before anything was read */
	bench_run(&b, 90000);
	ck_assert_uint_eq(b.starts, 2);
	ck_assert_int_eq(b.act.slot, SLOT_SCALE_OUT);
	ck_assert_uint_eq(b.ledger.open, 0);
}
END_TEST

/* The attempt is written, and its answer comes when the machine wakes 20 s later: it was
 * not started and is not; its gate is looked at again. */
START_TEST(an_attempt_that_is_old_when_it_is_known_is_not_started)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	order(&b, ORDER_FAILOVER);
	await_act(&b, SLOT_FENCE);
	b.mute_change = true;
	acted(&b, ACTED_DONE);
	ck_assert(b.writing); /* that the fence is done */
	struct engine_in in = bench_in(&b, ENGINE_CHANGED);
	bench_apply(&b, &b.sent.next, false);
	b.writing = false;
	in.result = CHANGE_OK;
	bench_step(&b, &in);
	ck_assert(b.writing); /* … and the attempt of what is next */
	ck_assert_int_eq(b.sent.next.run.state, RUN_STARTED);
	uint64_t fence = b.sent.next.fence;
	b.now_ms += 20000;
	b.mute_change = false;
	bench_answer_change(&b);
	bench_run(&b, 5000);
	ck_assert_uint_eq(b.starts, 2);
	ck_assert_int_eq(b.act.slot, SLOT_SCALE_OUT);
	ck_assert_uint_gt(b.act.fence, fence);
	ck_assert_uint_eq(b.act.tries, 2);
}
END_TEST

/* The write of an attempt has no answer and is sent again, under the same fence; the
 * first of the two was applied all the same. Its age is that of the first. In another
 * life (1) nobody here knows what became of it. */
START_TEST(an_attempt_is_as_old_as_the_write_that_was_applied)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	bench_run(&b, 5000);
	b.mute_change = true;
	order(&b, ORDER_FAILOVER);
	for (int i = 0; i < 100 && !b.writing; i++)
		bench_run(&b, 100);
	bench_answer_change(&b); /* that it begins */
	for (int i = 0; i < 100 && !b.writing; i++)
		bench_run(&b, 100);
	ck_assert_int_eq(b.sent.next.run.state, RUN_STARTED);
	struct ledger first = b.sent.next;
	uint64_t sent_ms = b.now_ms;
	b.swallow = true;
	b.change_result = CHANGE_UNKNOWN;
	if (_i == 0)
		bench_answer_change(&b);
	else
		restart();
	for (int i = 0; i < 900 && !b.writing; i++)
		bench_run(&b, 100);
	ck_assert(b.writing); /* again, and nothing else */
	ck_assert_int_eq(b.sent.next.run.state, RUN_STARTED);
	ck_assert_uint_eq(b.sent.next.fence, first.fence);
	ck_assert_uint_ne(b.sent.next.nonce[0], first.nonce[0]);
	uint64_t again_ms = b.now_ms;
	bench_run(&b, sent_ms + 15000 > b.now_ms ? sent_ms + 15000 - b.now_ms : 0);
	ck_assert_uint_lt(b.now_ms - again_ms, 15000);
	bench_apply(&b, &first, false);
	b.swallow = b.mute_change = false;
	bench_answer_change(&b);
	bench_run(&b, 5000);
	ck_assert_uint_eq(b.starts, 1);
	ck_assert_int_eq(b.act.slot, SLOT_FENCE);
	ck_assert_uint_gt(b.act.fence, first.fence);
	ck_assert_uint_eq(b.act.tries, 2);
	bool unknown = false, again = false;
	for (uint32_t i = 0; i < b.facts; i++) {
		unknown |= strcmp(b.fact[i].address, "unknown") == 0;
		again |= strcmp(b.fact[i].address, "again") == 0;
	}
	ck_assert(again == (_i == 0) && unknown == (_i == 1));
}
END_TEST

/* ---- aborts ---- */

static const struct abort_at {
	enum slot at;
	const char *undo; /* what is done then */
} aborts[] = {
    {SLOT_FENCE, "unfreeze@a"},
    {SLOT_SCALE_OUT, "unfreeze@a"},
    {SLOT_SCALE_UP, "unfreeze@a"},
    {SLOT_PROMOTE, "freeze@b unfreeze@a"},
};

START_TEST(an_abort_at_every_step)
{
	const struct abort_at *x = &aborts[_i];
	static const enum slot row[] = {
	    SLOT_FENCE, SLOT_SCALE_OUT, SLOT_SCALE_UP, SLOT_PROMOTE};
	char done[80] = "";

	make(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	for (size_t i = 0; row[i] != x->at; i++)
		does(&b, row[i]);
	await_act(&b, x->at);
	order(&b, ORDER_ABORT);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.kills, 1);
	uint32_t starts = b.starts;
	bench_run(&b, 20000);
	ck_assert_uint_eq(b.starts, starts); /* one act at a time */
	acted(&b, ACTED_UNKNOWN);
	for (int k = 0; k < 3 && b.ledger.run.id != 0; k++) {
		ck_assert_uint_eq(b.starts, ++starts);
		size_t n = strlen(done);
		(void)snprintf(done + n, sizeof done - n, "%s%s@%s", n ? " " : "",
		    slot_word(b.act.slot), b.rule.member[b.act.site].name);
		if (b.act.slot == SLOT_UNFREEZE) /* never beside the other */
			ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
		acted(&b, ACTED_DONE);
		bench_run(&b, 1000);
	}
	ck_assert_str_eq(done, x->undo);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_str_eq(bench_fact(&b, FACT_RUN, NULL)->address, "aborted");
	/* The site is still dead: it does not begin again by itself … */
	ck_assert(b.ledger.rests);
	bench_run(&b, 600000);
	ck_assert_uint_eq(b.ledger.run.id, 0);
	site(&b, 0, 'U');
	bench_run(&b, 10000);
	ck_assert(!b.ledger.rests);
	site(&b, 0, 'D'); /* … but after it was well */
	bench_run(&b, 70000);
	ck_assert_uint_ne(b.ledger.run.id, 0);
}
END_TEST

/* A call that may still arrive, and that no fence refuses: nothing is opened before. */
START_TEST(an_abort_waits_for_late_calls)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_PROMOTE].fenced = false;
	b.rule.plan.step[SLOT_PROMOTE].aws = true;
	scenario_begin(&b);
	site(&b, 0, 'D');
	does(&b, SLOT_FENCE);
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_SCALE_UP);
	await_act(&b, SLOT_PROMOTE);
	order(&b, ORDER_ABORT);
	bench_run(&b, 1000);
	acted(&b, ACTED_UNKNOWN);
	uint32_t starts = b.starts;
	bench_run(&b, 295000);
	ck_assert_uint_eq(b.starts, starts);
	bench_run(&b, 10000);
	ck_assert_int_eq(b.act.slot, SLOT_FREEZE);
	ck_assert_uint_eq(b.act.site, 1);
	ck_assert_uint_eq(b.act.from, 1);
}
END_TEST

START_TEST(an_abort_by_hand_where_no_slot_can)
{
	scenario_make(&b, SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC, 1);
	b.rule.plan.step[SLOT_FREEZE].fill = FILL_NOTHING;
	b.rule.plan.step[SLOT_UNFREEZE].fill = FILL_EMPTY;
	scenario_begin(&b);
	site(&b, 0, 'D');
	does(&b, SLOT_FENCE);
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_SCALE_UP);
	await_act(&b, SLOT_PROMOTE);
	acted(&b, ACTED_FAILED);
	bench_run(&b, 1000);
	order(&b, ORDER_ABORT);
	bench_run(&b, 5000);
	ck_assert_int_eq(b.ledger.run.state, RUN_ASKS);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "freeze")->text, "close it by hand"));
	order(&b, ORDER_APPROVE);
	bench_run(&b, 5000);
	ck_assert_uint_eq(b.ledger.open, 0);
	ck_assert_int_eq(slot_now(&b), SLOT_UNFREEZE);
	ck_assert_ptr_nonnull(
	    strstr(bench_fact(&b, FACT_STEP, "unfreeze")->text, "open a by hand"));
	order(&b, ORDER_APPROVE);
	bench_run(&b, 5000);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	ck_assert_uint_eq(b.ledger.run.id, 0);
}
END_TEST

/* The records point back already, and the side that they point to is being opened: an
 * abort would leave it closed. */
START_TEST(an_abort_after_the_repoint_is_refused_until_it_is_open)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	does(&b, SLOT_FENCE);
	does(&b, SLOT_SCALE_OUT);
	does(&b, SLOT_SCALE_UP);
	does(&b, SLOT_PROMOTE);
	bench_run(&b, 1000);
	site(&b, 0, 'U');
	bench_run(&b, 10000);
	order(&b, ORDER_FAILBACK);
	does(&b, SLOT_REVERSE);
	bench_run(&b, 1000);
	lag_ms(&b, 0);
	does(&b, SLOT_FREEZE);
	bench_run(&b, 1000);
	lag_ms(&b, 0);
	await_act(&b, SLOT_UNFREEZE);
	order(&b, ORDER_ABORT);
	bench_run(&b, 1000);
	ck_assert(b.order_refused);
	acted(&b, ACTED_DONE);
	await_act(&b, SLOT_SCALE_IN);
	order(&b, ORDER_ABORT);
	bench_run(&b, 1000);
	ck_assert(b.order_done);
	ck_assert_uint_eq(b.kills, 1);
	acted(&b, ACTED_UNKNOWN);
	bench_run(&b, 1000);
	ck_assert_uint_eq(b.ledger.run.id, 0); /* it stops where it is */
	ck_assert_int_eq(b.weight[0], 100);
	ck_assert_uint_eq(b.ledger.open, SIDE_PRIMARY);
	ck_assert(!b.ledger.rests);
}
END_TEST

/* ---- frozen; and the view for people ---- */

START_TEST(a_freeze_holds_the_next_step)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	await_act(&b, SLOT_FENCE);
	bench_order(&b, ORDER_FREEZE, 0, 300);
	bench_run(&b, 1000);
	acted(&b, ACTED_DONE);
	bench_run(&b, 60000);
	ck_assert_uint_eq(b.starts, 1);
	ck_assert_uint_eq(b.ledger.run.step, 1); /* what was done is written */
	bench_order(&b, ORDER_UNFREEZE, 0, 0);
	bench_run(&b, 1000);
	ck_assert_uint_eq(b.starts, 2);
}
END_TEST

START_TEST(the_policy_waits_for_the_run)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_AUTOMATIC);
	site(&b, 0, 'D');
	await_act(&b, SLOT_FENCE);
	uint64_t was = b.rule.policy_hash;
	b.rule.policy_hash = 0x777;
	b.peer_hash[1] = b.peer_hash[2] = 0x777;
	bench_run(&b, 120000);
	ck_assert_uint_eq(b.ledger.policy_hash, was);
}
END_TEST

/* Who saw an attempt and then a run that was over says where the service is, and guesses
 * neither an abort nor how the step went. */
START_TEST(versions_that_were_missed_are_not_guessed)
{
	make(SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	site(&b, 0, 'D');
	other_writes(2, RUN_FAILOVER, 3, RUN_STARTED);
	bench_run(&b, 3000);
	ck_assert_int_eq(b.g->ledger.run.state, RUN_STARTED);
	struct ledger l = b.ledger;
	for (int i = 0; i < 3; i++)
		ledger_advance(&l, b.random | 1, l.writer, l.time_wall_s);
	l.run = (struct ledger_run){0};
	l.lock_holder = 0;
	l.open = SIDE_RECOVERY;
	l.member[0].out = true;
	policy_weigh(&b.rule, &l);
	int16_t w[] = {l.member[0].weight, l.member[1].weight};
	l.digest = bench_digest_of(w, 2, b.conf_answers);
	bench_apply(&b, &l, true);
	bench_run(&b, 12000);
	ck_assert_uint_eq(b.g->ledger.run.id, 0);
	const struct fact *f = bench_fact(&b, FACT_RUN, "failover");
	ck_assert_str_eq(f->address, "ended");
	ck_assert_ptr_nonnull(strstr(f->text, "b answers"));
	ck_assert_str_eq(bench_fact(&b, FACT_STEP, "promote")->address, "over");
}
END_TEST

START_TEST(people_are_told)
{
	static struct engine_run_view v;
	char text[2000];
	int64_t wall = BENCH_WALL;

	make(SCENARIO_WARM_STANDBY, TRIGGER_APPROVAL);
	engine_run(b.g, wall, b.now_ms, &v);
	ck_assert(v.is && !v.running && !v.over);
	site(&b, 0, 'D');
	bench_run(&b, 70000);
	wall = BENCH_WALL + (int64_t)(b.now_ms / 1000);
	engine_run(b.g, wall, b.now_ms, &v);
	ck_assert(v.running && v.ours && v.holder == 0);
	ck_assert_ptr_nonnull(strstr(v.waits, "asks: a is DOWN: fail over to b?"));
	ck_assert_int_eq(v.step[0].where, STEP_IN_HAND);
	ck_assert_int_eq(v.step[1].where, STEP_AHEAD);
	ck_assert_int_eq(v.step[1].slot, SLOT_FENCE);
	ck_assert_uint_eq(v.step[1].site, 0);
	order(&b, ORDER_APPROVE);
	await_act(&b, SLOT_FENCE);
	engine_explain(b.g, 0, wall, b.now_ms, text, sizeof text);
	ck_assert_msg(
	    strstr(text, "failover of shop-dr (run 2) is at fence (started)") != NULL,
	    "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "under way (attempt 1"));
}
END_TEST

static void
teardown(void)
{
	bench_free(&b);
}

int
main(void)
{
	Suite *s = suite_create("engine scenario, life");
	TCase *t = tcase_create("engine scenario, life");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, another_runs_it_and_nothing_is_done_here);
	tcase_add_test(t, a_lost_holder_is_succeeded_when_its_step_is_over);
	tcase_add_test(t, not_by_an_agent_at_the_failed_site);
	tcase_add_test(t, alone_it_kills_its_act);
	tcase_add_test(t, succeeded_it_kills_its_act_and_its_outcome_is_void);
	tcase_add_test(t, a_restart_repeats_what_was_under_way);
	tcase_add_test(t, a_restart_that_knows_the_outcome_repeats_nothing);
	tcase_add_test(t, an_attempt_that_is_old_when_it_is_known_is_not_started);
	tcase_add_loop_test(
	    t, an_attempt_is_as_old_as_the_write_that_was_applied, 0, 2);
	tcase_add_loop_test(
	    t, an_abort_at_every_step, 0, sizeof aborts / sizeof *aborts);
	tcase_add_test(t, an_abort_waits_for_late_calls);
	tcase_add_test(t, an_abort_by_hand_where_no_slot_can);
	tcase_add_test(t, an_abort_after_the_repoint_is_refused_until_it_is_open);
	tcase_add_test(t, a_freeze_holds_the_next_step);
	tcase_add_test(t, the_policy_waits_for_the_run);
	tcase_add_test(t, versions_that_were_missed_are_not_guessed);
	tcase_add_test(t, people_are_told);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
