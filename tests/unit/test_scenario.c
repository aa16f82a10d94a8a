/* SPDX-License-Identifier: Apache-2.0 */
/* scenario: the plans of every kind and way, what undoes them, who moves a service. */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/scenario_bench.h"

static struct rule_service rule;
static struct ledger l;

static const char *
plan_text(const struct ledger_run *run)
{
	static char text[400];
	struct scenario_plan plan;
	size_t n = 0;

	scenario_plan(&rule.plan, run, &plan);
	text[0] = '\0';
	for (uint32_t i = 0; i < plan.steps; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s@%s",
		    i ? " " : "", slot_word((enum slot)plan.slot[i]),
		    rule.member[scenario_site(&plan, (enum slot)plan.slot[i])].name);
	return text;
}

static const struct expected {
	enum scenario_kind kind;
	enum run_way way;
	const char *full, *bare;
} plans[] = {
    {SCENARIO_BACKUP_RESTORE, RUN_FAILOVER,
	"fence@a restore@b provision@b ready@b repoint@b", "ready@b repoint@b"},
    {SCENARIO_BACKUP_RESTORE, RUN_SWITCHOVER,
	"freeze@a backup@a restore@b provision@b ready@b repoint@b",
	"ready@b repoint@b"},
    {SCENARIO_BACKUP_RESTORE, RUN_FAILBACK,
	"freeze@b backup@b restore@a ready@a repoint@a unfreeze@a",
	"ready@a repoint@a"},
    {SCENARIO_PILOT_LIGHT, RUN_FAILOVER,
	"fence@a promote@b provision@b attach@b ready@b repoint@b",
	"ready@b repoint@b"},
    {SCENARIO_PILOT_LIGHT, RUN_SWITCHOVER,
	"caught_up@b freeze@a caught_up_fully@b promote@b provision@b attach@b ready@b "
	"repoint@b",
	"ready@b repoint@b"},
    {SCENARIO_PILOT_LIGHT, RUN_FAILBACK,
	"reverse@a caught_up@a freeze@b caught_up_fully@a repoint@a unfreeze@a "
	"scale_in@b",
	"repoint@a"},
    {SCENARIO_WARM_STANDBY, RUN_FAILOVER,
	"fence@a scale_out@b scale_up@b promote@b ready@b repoint@b",
	"ready@b repoint@b"},
    {SCENARIO_WARM_STANDBY, RUN_SWITCHOVER,
	"caught_up@b freeze@a caught_up_fully@b scale_out@b scale_up@b promote@b ready@b "
	"repoint@b",
	"ready@b repoint@b"},
    {SCENARIO_WARM_STANDBY, RUN_FAILBACK,
	"reverse@a caught_up@a freeze@b caught_up_fully@a repoint@a unfreeze@a "
	"scale_in@b",
	"repoint@a"},
    {SCENARIO_WARM_STANDBY, RUN_DRILL,
	"scale_out@b scale_up@b ready@b repoint@b repoint@b",
	"ready@b repoint@b repoint@b"},
    {SCENARIO_MULTI_SITE, RUN_FAILOVER, "reweight@a scale_out@b fence@a promote@b",
	"reweight@a"},
    {SCENARIO_MULTI_SITE, RUN_SWITCHOVER,
	"reweight@a scale_out@b caught_up@b freeze@a caught_up_fully@b promote@b",
	"reweight@a"},
    {SCENARIO_MULTI_SITE, RUN_FAILBACK,
	"reverse@a caught_up@a freeze@b caught_up_fully@a repoint@a unfreeze@a "
	"scale_in@b",
	"repoint@a"},
    {SCENARIO_MULTI_SITE, RUN_DRILL, "reweight@a scale_out@b repoint@b",
	"reweight@a repoint@b"},
};

START_TEST(plans_of_all_kinds)
{
	const struct expected *x = &plans[_i];
	struct ledger_run run = {.id = 1, .way = x->way};

	rule_make(&rule, 2, 3);
	plan_make(&rule, x->kind, TRIGGER_COMMAND);
	ck_assert_str_eq(plan_text(&run), x->full);
	memset(rule.plan.step, 0, sizeof rule.plan.step);
	rule.plan.has_lag = false;
	ck_assert_str_eq(plan_text(&run), x->bare);
	/* none: "why" is as good as empty, and a lag alone makes a gate */
	for (uint32_t s = SLOT_FENCE; s < SLOTS; s++)
		rule.plan.step[s].fill = FILL_NOTHING;
	if (x->kind != SCENARIO_MULTI_SITE && x->kind != SCENARIO_BACKUP_RESTORE &&
	    x->way == RUN_FAILBACK) {
		rule.plan.has_lag = true;
		ck_assert_str_eq(plan_text(&run), "caught_up@a repoint@a");
	}
}
END_TEST

START_TEST(an_approval_is_asked_first)
{
	struct ledger_run run = {.id = 1, .way = RUN_FAILOVER};

	rule_make(&rule, 2, 3);
	plan_make(&rule, SCENARIO_BACKUP_RESTORE, TRIGGER_APPROVAL);
	ck_assert_str_eq(
	    plan_text(&run), "begin@b fence@a restore@b provision@b ready@b repoint@b");
	run.way = RUN_SWITCHOVER;
	ck_assert_ptr_null(strstr(plan_text(&run), "begin"));
}
END_TEST

START_TEST(unfreeze_opens_where_nothing_else_does)
{
	struct ledger_run run = {.id = 1, .way = RUN_SWITCHOVER};

	rule_make(&rule, 2, 3);
	plan_make(&rule, SCENARIO_PILOT_LIGHT, TRIGGER_COMMAND);
	rule.plan.step[SLOT_PROMOTE].fill = FILL_EMPTY;
	ck_assert_str_eq(plan_text(&run),
	    "caught_up@b freeze@a caught_up_fully@b provision@b attach@b ready@b "
	    "repoint@b unfreeze@b");
}
END_TEST

/* What was begun is undone: the side that was opened is closed, the other opened. */
START_TEST(what_undoes_a_run)
{
	static const char *const undo[] = {"", "unfreeze@a", "unfreeze@a", "unfreeze@a",
	    "freeze@b unfreeze@a", "freeze@b unfreeze@a", "freeze@b unfreeze@a"};
	static const char *const undo_back[] = {
	    "", "", "", "unfreeze@b", "unfreeze@b", "unfreeze@b"};

	rule_make(&rule, 2, 3);
	plan_make(&rule, SCENARIO_WARM_STANDBY, TRIGGER_COMMAND);
	for (uint32_t i = 0; i < sizeof undo / sizeof *undo; i++) {
		struct ledger_run run = {
		    .id = 1, .way = RUN_FAILOVER, .aborting = true, .aborted = i};
		ck_assert_str_eq(plan_text(&run), undo[i]);
	}
	for (uint32_t i = 0; i < sizeof undo_back / sizeof *undo_back; i++) {
		struct ledger_run run = {
		    .id = 1, .way = RUN_FAILBACK, .aborting = true, .aborted = i};
		ck_assert_str_eq(plan_text(&run), undo_back[i]);
	}
	struct ledger_run drill = {
	    .id = 1, .way = RUN_DRILL, .aborting = true, .aborted = 4};
	ck_assert_str_eq(plan_text(&drill), "repoint@a");
	/* a ledger that nobody of ours wrote */
	drill.aborted = SCENARIO_STEPS_MAX;
	ck_assert_str_eq(plan_text(&drill), "repoint@a");
}
END_TEST

START_TEST(every_word)
{
	for (int s = 0; s < SLOTS; s++) {
		ck_assert_ptr_nonnull(slot_word((enum slot)s));
		ck_assert_ptr_nonnull(scenario_abort_leaves((enum slot)s));
	}
	for (int k = 0; k < SCENARIO_KINDS; k++)
		ck_assert_ptr_nonnull(scenario_kind_word((enum scenario_kind)k));
	for (int w = 0; w < RUN_WAYS; w++)
		ck_assert_ptr_nonnull(run_way_word((enum run_way)w));
	for (int s = 0; s < RUN_STATES; s++)
		ck_assert_ptr_nonnull(run_state_word((enum run_state)s));
}
END_TEST

/* ---- who moves the service ---- */

START_TEST(multi_site_is_moved_by_steering_until_the_writer_is_cut_over)
{
	rule_make(&rule, 2, 3);
	plan_make(&rule, SCENARIO_MULTI_SITE, TRIGGER_AUTOMATIC);
	memset(&l, 0, sizeof l);
	l.members = 2;
	ck_assert(!scenario_moves(&rule, &l));
	l.run = (struct ledger_run){.id = 3, .way = RUN_FAILOVER};
	ck_assert(!scenario_moves(&rule, &l));
	l.run.step = 2; /* the fence has its turn … */
	ck_assert(!scenario_moves(&rule, &l));
	l.run.state = RUN_STARTED; /* … and began */
	l.run.tries = 1;
	ck_assert(scenario_moves(&rule, &l));
	l.run.state = RUN_GATE;
	ck_assert(scenario_moves(&rule, &l));
	l.run = (struct ledger_run){0};
	l.fence = 4; /* over: the recovery site writes until a fail-back ended */
	l.open = SIDE_RECOVERY;
	ck_assert(scenario_moves(&rule, &l));
	l.open = SIDE_PRIMARY;
	ck_assert(!scenario_moves(&rule, &l));
	rule.plan.kind = SCENARIO_WARM_STANDBY;
	ck_assert(scenario_moves(&rule, &l));
	rule.scenario = false;
	ck_assert(!scenario_moves(&rule, &l));
}
END_TEST

START_TEST(a_cold_site_is_neither_down_nor_out)
{
	rule_make(&rule, 2, 3);
	plan_make(&rule, SCENARIO_PILOT_LIGHT, TRIGGER_AUTOMATIC);
	memset(&l, 0, sizeof l);
	ck_assert(scenario_cold(&rule, &l, 1)); /* before the first creation */
	l.members = 2;
	l.member[1].out = true;
	ck_assert(scenario_cold(&rule, &l, 1));
	ck_assert(!scenario_cold(&rule, &l, 0));
	l.member[1].out = false; /* it answers */
	ck_assert(!scenario_cold(&rule, &l, 1));
	rule.plan.kind = SCENARIO_WARM_STANDBY;
	l.member[1].out = true;
	ck_assert(!scenario_cold(&rule, &l, 1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scenario");
	TCase *t = tcase_create("scenario");

	tcase_add_loop_test(t, plans_of_all_kinds, 0, sizeof plans / sizeof *plans);
	tcase_add_test(t, an_approval_is_asked_first);
	tcase_add_test(t, unfreeze_opens_where_nothing_else_does);
	tcase_add_test(t, what_undoes_a_run);
	tcase_add_test(t, every_word);
	tcase_add_test(t, multi_site_is_moved_by_steering_until_the_writer_is_cut_over);
	tcase_add_test(t, a_cold_site_is_neither_down_nor_out);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
