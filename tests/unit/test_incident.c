/* SPDX-License-Identifier: Apache-2.0 */
/* What an incident is made from, and whether it can be believed. */
#include "tests/unit/incident_kit.h"

START_TEST(failed_and_skipped_with_a_reason)
{
	struct incident f = fault();

	rule.plan.step[SLOT_SCALE_UP].go_on = true;
	begins(1000, RUN_FAILOVER, &f);
	step(2000, 2);
	state(2100, RUN_STARTED);
	incident_say(
	    &in, SLOT_SCALE_OUT, "scale_out: InsufficientInstanceCapacity", true);
	state(9000, RUN_FAILED);
	says("pointsman retry shop-dr", 9000);
	orders(60000, "skip", "enough run already");
	step(60500, 3);
	ck_assert_int_eq(in.step[2].outcome, ENDED_SKIPPED);
	ck_assert_uint_eq(in.step[2].people_ms, 60500 - 9000);
	/* on_failure: continue: it failed, and that is told apart from done. */
	state(61000, RUN_STARTED);
	incident_say(&in, SLOT_SCALE_UP, "scale_up: exit status 3", true);
	state(69000, RUN_FAILED);
	step(70000, 4);
	ck_assert_int_eq(in.step[3].outcome, ENDED_FAILED);
	says("skip scale_out by uid 1000 at agent wit: enough run already", 70000);
	says("failed, went on", 70000);
}
END_TEST

/* The word comes from a peer, a second after the version that it led to. */
START_TEST(a_word_that_comes_late_is_about_the_step_before)
{
	begins(1000, RUN_FAILOVER, NULL);
	state(1100, RUN_ASKS);
	state(5000, RUN_APPROVED);
	step(5100, 1);
	state(5200, RUN_STARTED);
	orders(6000, "approve", "go");
	ck_assert_int_eq(in.order[0].slot, SLOT_BEGIN);
	state(9000, RUN_FAILED);
	step(20000, 2);
	ck_assert_int_eq(in.step[1].outcome, ENDED_PASSED);
	orders(21000, "skip", "it is off");
	ck_assert_int_eq(in.step[1].outcome, ENDED_SKIPPED);
	ck_assert_int_eq(in.order[1].slot, SLOT_FENCE);
	ck_assert(!in.step[2].skip);
	/* … and one that was refused changes nothing. */
	orders(40000, "skip", "and this");
	ck_assert(in.step[2].skip);
	incident_refused(&in);
	step(41000, 3);
	ck_assert_int_eq(in.step[2].outcome, ENDED_DONE);
	says("skip scale_out (refused) by", 41000);
}
END_TEST

/* Another agent's run, of which this one read few versions. */
START_TEST(versions_that_were_not_read_leave_no_times)
{
	struct incident f = fault();

	begins(4000, RUN_FAILOVER, &f);
	ledger.run.step = 3;
	sees(20000, false);
	ck_assert_uint_eq(in.steps, 4);
	ck_assert_int_eq(in.step[1].outcome, ENDED_PASSED);
	ck_assert_int_eq(in.step[1].begun_wall_ms, 0);
	ck_assert_int_eq(in.mark_wall_ms[MARK_COMMITTED], 0);
	/* The end comes before anything else: repoint was among what was not seen. */
	ends(30000, true);
	ck_assert_uint_eq(in.steps, 7);
	ck_assert_int_eq(in.step[6].slot, SLOT_REPOINT);
	ck_assert_int_eq(in.mark_wall_ms[MARK_COMMITTED], T0 + 30000);
	ck_assert_int_eq(in.state, INCIDENT_REACHED);
	says("passed, unseen", 40000);
	/* Nobody here saw that it answers: the time is not made up. */
	ck_assert_int_eq(incident_judge(&in, T0 + 40000), 1);
	says("answered: by this agent", 40000);
	says("RTO         not measured", 4000000);
}
END_TEST

/* An agent that begins when the run is half over. */
START_TEST(it_is_found_half_way)
{
	ledger.run.step = 4;
	ledger.run = (struct ledger_run){.id = 17, .way = RUN_FAILOVER, .step = 4};
	struct incident_version v = version(50000, false);
	v.begun_wall_ms = T0 + 1000;
	incident_begin(&in, &v, NULL);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
	ck_assert_int_eq(in.mark_wall_ms[MARK_DECIDED], T0 + 1000);
	ck_assert_uint_eq(in.steps, 5);
	ck_assert_int_eq(in.step[4].begun_wall_ms, T0 + 50000);
}
END_TEST

START_TEST(a_restart_in_the_middle_leaves_no_gap)
{
	struct incident f = fault();

	begins(63400, RUN_FAILOVER, &f);
	state(63600, RUN_ASKS);
	restart();
	state(313400, RUN_APPROVED);
	ck_assert_uint_eq(in.step[0].people_ms, 313400 - 63600);
	restart();
	step(313700, 4);
	state(314000, RUN_STARTED);
	restart();
	step(400000, 6);
	restart();
	ends(401000, true);
	restart();
	marks(404000, MARK_ANSWERED);
	ck_assert_int_eq(in.step[4].ended_wall_ms - in.step[4].begun_wall_ms, 86300);
	restart();
	incident_full(&in, 40, T0 + 9000000);
	ck_assert(!incident_open(&in));
	ck_assert_int_eq(incident_judge(&in, T0 + 9000000), 0);
	says("over: full service again by fail-back shop-dr/40", 9000000);
}
END_TEST

START_TEST(marks_are_in_order_whatever_the_clock_does)
{
	struct incident f = fault();

	begins(63400, RUN_FAILOVER, &f);
	state(64000, RUN_ASKS);
	state(-3600000, RUN_APPROVED);
	step(-3599000, 4);
	ends(-3598000, true);
	marks(-3597000, MARK_INSYNC);
	marks(-3596000, MARK_ANSWERED);
	ck_assert(in.clock_stepped);
	says("was set back meanwhile", 0);
}
END_TEST

START_TEST(what_is_not_sound_is_refused)
{
	static const enum incident_mark broken[] = {
	    MARK_FAULT, MARK_DETECTED, MARK_COMMITTED, MARK_ENDED};
	struct incident whole, got;

	fail_over();
	whole = in;
	for (size_t k = 0; k < sizeof broken / sizeof *broken; k++) {
		in = whole;
		in.mark_wall_ms[broken[k]] = in.mark_wall_ms[MARK_ANSWERED] + 1;
		ck_assert(!incident_sound(&in, &e));
		struct json *j = incident_to_json(&in);
		ck_assert(!incident_from_json(j, &got, &e));
		ck_assert_ptr_nonnull(strstr(e.text, "mark"));
		json_free(j);
	}
	in = whole;
	in.mark_wall_ms[MARK_COMMITTED] = 0;
	ck_assert(!incident_sound(&in, &e));
	in = whole;
	in.mark_wall_ms[MARK_ENDED] = 0;
	ck_assert(!incident_sound(&in, &e));
	in = whole;
	in.step[2].outcome = ENDED_NOT;
	ck_assert(!incident_sound(&in, &e));
	in = whole;
	in.step[2].ended_wall_ms = in.step[4].ended_wall_ms;
	ck_assert(!incident_sound(&in, &e));
}
END_TEST

START_TEST(strange_texts_are_refused)
{
	static const char *const text[] = {"{}", "[]", "{\"kind\":\"warm-standby\"}",
	    "{\"kind\":\"warm-standby\",\"way\":\"failover\",\"state\":\"nonsense\"}",
	    "{\"kind\":\"warm-standby\",\"way\":\"failover\",\"state\":\"runs\"}",
	    ("{\"kind\":\"warm-standby\",\"way\":\"failover\",\"state\":\"runs\",\"id\":7,"
	     "\"last_ms\":9,\"marks\":{\"decided\":9},\"steps\":[{\"slot\":\"lunch\"}]}")};
	struct json *j = json_read(text[_i], strlen(text[_i]), &e);

	ck_assert_ptr_nonnull(j);
	ck_assert(!incident_from_json(j, &in, &e));
	json_free(j);
}
END_TEST

/* Its last version was not read: that it was aborted is known from the word. */
START_TEST(aborted_unseen)
{
	begins(4000, RUN_FAILOVER, NULL);
	step(4100, 2);
	orders(5000, "abort", "");
	ends(9000, false);
	ck_assert_int_eq(in.state, INCIDENT_ABORTED);
	ck_assert_int_eq(in.step[2].outcome, ENDED_ABORTED);
	ck_assert_int_eq(in.mark_wall_ms[MARK_COMMITTED], 0);
}
END_TEST

START_TEST(aborted_after_the_records_moved)
{
	begins(4000, RUN_FAILBACK, NULL);
	USE_PLAN(back);
	step(5000, 5);
	orders(6000, "abort", "unfreeze hangs");
	ends(9000, true);
	ck_assert_int_eq(in.state, INCIDENT_OVER);
	ck_assert(in.aborting);
	ck_assert_int_ne(in.mark_wall_ms[MARK_COMMITTED], 0);
}
END_TEST

START_TEST(withdrawn_when_the_site_is_well_again)
{
	struct incident f = fault();

	begins(63400, RUN_FAILOVER, &f);
	state(63600, RUN_ASKS);
	ends(90000, false);
	ck_assert_int_eq(in.state, INCIDENT_WITHDRAWN);
	ck_assert_int_eq(incident_judge(&in, T0 + 100000), 0);
	says("withdrawn: fra was well again", 100000);
	in.rto_ms = 60000;
	ck_assert_int_eq(incident_judge(&in, T0 + 100000), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("incident");
	TCase *c = tcase_create("incident");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, fresh, NULL);
	tcase_add_test(c, failed_and_skipped_with_a_reason);
	tcase_add_test(c, a_word_that_comes_late_is_about_the_step_before);
	tcase_add_test(c, versions_that_were_not_read_leave_no_times);
	tcase_add_test(c, it_is_found_half_way);
	tcase_add_test(c, a_restart_in_the_middle_leaves_no_gap);
	tcase_add_test(c, marks_are_in_order_whatever_the_clock_does);
	tcase_add_test(c, what_is_not_sound_is_refused);
	tcase_add_loop_test(c, strange_texts_are_refused, 0, 6);
	tcase_add_test(c, aborted_unseen);
	tcase_add_test(c, aborted_after_the_records_moved);
	tcase_add_test(c, withdrawn_when_the_site_is_well_again);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
