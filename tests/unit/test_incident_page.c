/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page, held against tests/unit/incidents/ (written anew with POINTSMAN_GOLDEN=1:
 * look at the difference before you keep it), and the sums on it.
 */
#include "tests/unit/incident_kit.h"

static void
check_page(const char *golden, int64_t now_ms)
{
	char path[512], want[16384] = "";
	char *page = incident_page(&in, T0 + now_ms);

	check_shape(page);
	(void)snprintf(
	    path, sizeof path, SOURCE_DIR "/tests/unit/incidents/%s.txt", golden);
	if (getenv("POINTSMAN_GOLDEN") != NULL) {
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		(void)fputs(page, f);
		(void)fclose(f);
	}
	FILE *f = fopen(path, "r");
	ck_assert_msg(f != NULL, "no %s; the page is:\n%s", path, page);
	want[fread(want, 1, sizeof want - 1, f)] = '\0';
	(void)fclose(f);
	ck_assert_msg(strcmp(page, want) == 0, "%s is another:\n%s", golden, page);
	free(page);
}

START_TEST(a_fail_over_on_one_page)
{
	struct incident_sums s;

	fail_over();
	ck_assert_int_eq(in.state, INCIDENT_REACHED);
	ck_assert(incident_open(&in));
	incident_sum(&in, T0 + 600000, &s);
	ck_assert_int_eq(s.basis, BASIS_FAULT);
	ck_assert(s.rto_known);
	ck_assert_uint_eq(s.rto_ms, 525100 + 30000 - 120);
	ck_assert_int_eq(in.step[s.bottleneck].slot, SLOT_PROMOTE);
	ck_assert_uint_eq(s.bottleneck_ms, 495000 - 372000);
	ck_assert_uint_eq(s.people_ms, 313400 - 63600);
	ck_assert_int_eq(in.step[s.people_step].slot, SLOT_BEGIN);
	ck_assert_uint_eq(s.missing, 0);
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 0);
	check_page("failover", 600000);
	restart();
	check_page("failover", 600000);
}
END_TEST

START_TEST(targets_that_are_missed)
{
	fail_over();
	in.rto_ms = 9 * 60000;
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 1);
	says("9m14s of 9m00s: MISSED by 14.9s", 600000);
	in.rto_ms = 10 * 60000;
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 0);
	in.rpo_ms = 3000;
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 1);
	says("3.2s of 3.0s: MISSED by 0.2s", 600000);
	/* A lag that is configured and was not known is no met target; none at all is. */
	in.lag_known = false;
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 1);
	in.lag_asked = false;
	ck_assert_int_eq(incident_judge(&in, T0 + 600000), 0);
	says("not measured: the scenario names no lag", 600000);
}
END_TEST

START_TEST(it_asks_and_time_goes_on)
{
	struct incident f = fault();
	struct incident_sums s;

	begins(63400, RUN_FAILOVER, &f);
	state(63600, RUN_ASKS);
	incident_sum(&in, T0 + 123600, &s);
	ck_assert_uint_eq(s.people_ms, 60000);
	ck_assert_int_eq(incident_judge(&in, T0 + 123600), 1);
	says("pointsman approve shop-dr", 123600);
	says("not yet: 2m03s so far of 15m00s, 12m56s left", 123600);
}
END_TEST

START_TEST(the_runner_dies_and_another_goes_on)
{
	struct incident f = fault();

	begins(4000, RUN_FAILOVER, &f);
	step(4100, 4);
	state(4200, RUN_STARTED);
	ledger.lock_holder = AGENT_WIT;
	state(80000, RUN_UNKNOWN);
	state(85000, RUN_STARTED);
	step(90000, 5);
	step(91000, 6);
	ends(92000, true);
	marks(95000, MARK_ANSWERED);
	ck_assert_uint_eq(in.runners, 2);
	ck_assert_str_eq(in.runner[1].agent, "wit");
	ck_assert(in.step[4].unknown);
	ck_assert_uint_eq(in.step[4].tries, 2);
	/* INSYNC was asked for by the one that wrote it, and not by this one. */
	struct incident_sums s;
	incident_sum(&in, T0 + 200000, &s);
	ck_assert_uint_eq(s.missing, 1u << MARK_INSYNC);
	check_page("runner", 200000);
}
END_TEST

START_TEST(aborted_and_undone)
{
	struct incident f = fault();

	begins(4000, RUN_FAILOVER, &f);
	step(4100, 1);
	state(4200, RUN_STARTED);
	step(9000, 4);
	state(9100, RUN_STARTED);
	incident_say(
	    &in, SLOT_PROMOTE, "promote at iad: exit status 1: disk full", true);
	state(30000, RUN_FAILED);
	orders(60000, "abort", "fra is back, its data are newer");
	ledger.run.aborting = true;
	ledger.run.step = 0;
	ledger.run.state = RUN_GATE;
	ledger.run.tries = 0;
	USE_PLAN(undo);
	sees(60500, true);
	ck_assert_int_eq(in.step[4].outcome, ENDED_ABORTED);
	state(60600, RUN_STARTED);
	step(62000, 1);
	state(62100, RUN_STARTED);
	ends(64000, false);
	ck_assert_int_eq(in.state, INCIDENT_ABORTED);
	ck_assert(!incident_open(&in));
	ck_assert_int_eq(incident_judge(&in, T0 + 70000), 1);
	check_page("aborted", 70000);
	restart();
}
END_TEST

START_TEST(a_drill)
{
	char name[INCIDENT_NAME_MAX];

	USE_PLAN(drill);
	word(in.service, "www-drill");
	orders(-400, "drill", "the quarterly one");
	begins(0, RUN_DRILL, NULL);
	in.lag_known = true;
	in.lag_ms = 800;
	in.left_outs = 2;
	in.left_out[0].slot = SLOT_FENCE;
	in.left_out[1].slot = SLOT_PROMOTE;
	(void)snprintf(in.left_out[1].why, sizeof in.left_out[1].why,
	    "none: promoted by hand from the console");
	state(200, RUN_STARTED);
	step(40000, 1);
	state(40200, RUN_STARTED);
	step(100000, 2);
	step(101000, 3);
	step(102000, 4);
	ck_assert_int_eq(in.mark_wall_ms[MARK_COMMITTED], T0 + 102000);
	marks(103000, MARK_ANSWERED);
	ends(110000, false);
	ck_assert_int_eq(in.state, INCIDENT_OVER);
	ck_assert_str_eq(incident_name(&in, name), "shop-dr-drill/17");
	ck_assert_int_eq(incident_judge(&in, T0 + 120000), 0);
	check_page("drill", 120000);
}
END_TEST

START_TEST(a_fail_back_counts_from_the_freeze)
{
	struct incident_sums s;

	USE_PLAN(back);
	plan.from = IAD;
	plan.to = FRA;
	word(in.from, "iad");
	word(in.to, "fra");
	begins(0, RUN_FAILBACK, NULL);
	state(100, RUN_STARTED);
	step(3600000, 1);
	step(4000000, 2);
	state(4000300, RUN_STARTED);
	step(4002000, 3);
	ck_assert(!in.lag_known);
	step(4003000, 4);
	ck_assert(in.lag_known);
	ck_assert_uint_eq(in.lag_ms, 0);
	step(4004000, 5);
	state(4004100, RUN_STARTED);
	marks(4006000, MARK_INSYNC);
	marks(4006300, MARK_ANSWERED);
	step(4007000, 6);
	state(4007100, RUN_STARTED);
	ends(4009000, true);
	incident_sum(&in, T0 + 4100000, &s);
	ck_assert_int_eq(s.basis, BASIS_FREEZE);
	ck_assert(s.interrupted);
	/* It answers before it accepts writes. */
	ck_assert_uint_eq(s.interruption_ms, 4007000 - 4000300);
	ck_assert_uint_eq(s.rto_ms, 36000);
	ck_assert_int_eq(in.state, INCIDENT_OVER);
	ck_assert_int_eq(incident_judge(&in, T0 + 4100000), 0);
	check_page("failback", 4100000);
}
END_TEST

/* That all was caught up is somebody's word: then the loss is not measured. */
START_TEST(caught_up_by_word_is_not_measured)
{
	USE_PLAN(back);
	begins(0, RUN_SWITCHOVER, NULL);
	step(1000, 3);
	state(1100, RUN_ASKS);
	state(5000, RUN_APPROVED);
	step(5100, 4);
	ck_assert(!in.lag_known);
	says("is an operator's word", 6000);
}
END_TEST

START_TEST(a_backup_is_named)
{
	struct incident f = fault();

	f.lag_ms = 2 * 3600000;
	(void)snprintf(f.backup_id, sizeof f.backup_id, "shop-2026-11-24T08");
	(void)snprintf(
	    f.backup_started_at, sizeof f.backup_started_at, "2026-11-24T08:00:00Z");
	in.rpo_ms = 4 * 3600000;
	begins(1000, RUN_FAILOVER, &f);
	says("2h00m of 4h00m: met, 2h00m to spare (backup shop-2026-11-24T08,", 5000);
	says("whose work began at 2026-11-24T08:00:00Z)", 5000);
}
END_TEST

START_TEST(a_drain_is_an_incident_too)
{
	struct incident f = fault();
	char name[INCIDENT_NAME_MAX], line[INCIDENT_LINE_MAX];

	in.scenario[0] = in.to[0] = '\0';
	in.rto_ms = in.rpo_ms = 0;
	in.lag_asked = false;
	incident_drain(&in, 21, T0 + 6300, T0 + 6600, &f);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
	marks(7600, MARK_INSYNC);
	marks(8000, MARK_ANSWERED);
	ck_assert_str_eq(incident_name(&in, name), "www/21");
	ck_assert_int_eq(incident_judge(&in, T0 + 9000), 0);
	ck_assert(incident_open(&in));
	incident_full(&in, 0, T0 + 900000);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
	check_page("drain", 1000000);
	(void)incident_line(&in, T0, line);
	ck_assert_ptr_nonnull(strstr(line, "www/21"));
	ck_assert_ptr_nonnull(strstr(line, "37.8s"));
	restart();
}
END_TEST

/* Multi-site: weights move first, and then the writer. One incident. */
START_TEST(a_run_goes_on_where_the_drain_was)
{
	static const uint8_t multi[] = {
	    SLOT_REWEIGHT, SLOT_SCALE_OUT, SLOT_FENCE, SLOT_PROMOTE};
	struct incident f = fault(), gone = {0};
	struct incident_sums s;

	incident_drain(&gone, 15, T0 + 6300, T0 + 6600, &f);
	incident_mark(&gone, MARK_ANSWERED, T0 + 8000);
	USE_PLAN(multi);
	in.kind = SCENARIO_MULTI_SITE;
	begins(9000, RUN_FAILOVER, &f);
	incident_absorb(&in, &gone);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
	ck_assert_msg(incident_sound(&gone, &e), "%s", e.text);
	ck_assert_int_eq(gone.state, INCIDENT_ABSORBED);
	incident_sum(&in, T0 + 9500, &s);
	ck_assert(!s.rto_known); /* the writer is not cut over yet */
	step(10000, 3);
	ends(60000, true);
	incident_sum(&in, T0 + 70000, &s);
	ck_assert(s.rto_known);
	ck_assert_uint_eq(s.rto_ms, 60000 - 120);
}
END_TEST

START_TEST(a_page_is_a_page_whatever_happened)
{
	char reason[INCIDENT_TEXT_MAX];

	memset(reason, 'x', sizeof reason - 1);
	reason[sizeof reason - 1] = '\0';
	memcpy(reason, "a\nb\033[31m\xc3\xa9\xc3\xa9", 12);
	begins(0, RUN_FAILOVER, NULL);
	for (uint32_t n = 0; n < 200; n++) {
		orders(1000 * n, n % 2 == 0 ? "retry" : "approve", reason);
		ledger.lock_holder = n % 2 == 0 ? AGENT_IAD : AGENT_WIT;
		step(1000 * n + 100, n % 6);
		state(1000 * n + 200, RUN_STARTED);
		incident_say(&in, in.step[in.steps - 1].slot, reason, true);
		state(1000 * n + 300, n % 3 == 0 ? RUN_UNKNOWN : RUN_FAILED);
	}
	in.left_outs = SLOTS;
	for (uint32_t n = 0; n < SLOTS; n++) {
		in.left_out[n].slot = (enum slot)n;
		memcpy(in.left_out[n].why, reason, sizeof reason);
	}
	in.clock_stepped = true;
	ck_assert_uint_eq(in.steps, INCIDENT_STEPS_MAX);
	ck_assert_uint_eq(in.orders, INCIDENT_ORDERS_MAX);
	char *page = incident_page(&in, T0 + 300000);
	check_shape(page);
	ck_assert_ptr_nonnull(strstr(page, "\nNext "));
	ck_assert_ptr_nonnull(strstr(page, "\nRTO "));
	ck_assert_ptr_nonnull(strstr(page, "\nSteps "));
	free(page);
	restart();
}
END_TEST

START_TEST(spans_of_time)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} row[] = {{0, "0.0s"}, {940, "0.9s"}, {59999, "59.9s"}, {60000, "1m00s"},
	    {3599999, "59m59s"}, {3600000, "1h00m"}, {48 * 3600000, "2d00h"}};
	char text[INCIDENT_SPAN_MAX];

	ck_assert_str_eq(incident_span(row[_i].ms, text), row[_i].text);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("incident_page");
	TCase *c = tcase_create("incident_page");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, fresh, NULL);
	tcase_add_test(c, a_fail_over_on_one_page);
	tcase_add_test(c, targets_that_are_missed);
	tcase_add_test(c, it_asks_and_time_goes_on);
	tcase_add_test(c, the_runner_dies_and_another_goes_on);
	tcase_add_test(c, aborted_and_undone);
	tcase_add_test(c, a_drill);
	tcase_add_test(c, a_fail_back_counts_from_the_freeze);
	tcase_add_test(c, caught_up_by_word_is_not_measured);
	tcase_add_test(c, a_backup_is_named);
	tcase_add_test(c, a_drain_is_an_incident_too);
	tcase_add_test(c, a_run_goes_on_where_the_drain_was);
	tcase_add_test(c, a_page_is_a_page_whatever_happened);
	tcase_add_loop_test(c, spans_of_time, 0, 7);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
