/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `plan` on zones and probes that are made up: every rule but patience, also for a
 * quorum of agents, which no end-to-end test has yet.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/plan.h"

#define NOW_S INT64_C(1795514400)

static const char text[] = "cluster: shop\n"
			   "sites: [a, b, c]\n"
			   "agents:\n"
			   "  a: {url: \"https://10.0.0.1:7353\", site: a}\n"
			   "  b: {url: \"https://10.0.0.2:7353\", site: b}\n"
			   "  w: {url: \"https://10.0.0.3:7353\"}\n"
			   "tls: {cert: c, key: k, ca: a}\n"
			   "checks:\n"
			   "  web: {http: {path: /, port: 80}}\n"
			   "zones:\n"
			   "  z: {name: example.test, route53: {zone_id: Z1}}\n"
			   "services:\n"
			   "  www:\n"
			   "    zone: z\n"
			   "    names: [www.example.test]\n"
			   "    ttl: 30s\n"
			   "    policy: weighted\n"
			   "    check: web\n"
			   "    %s\n"
			   "    members:\n"
			   "      a: {weight: 100, answers: {A: [192.0.2.1]}}\n"
			   "      b: {weight: 100, answers: {A: [192.0.2.2]}}\n"
			   "      c: {weight: 100, answers: {A: [192.0.2.3]}}\n";

static struct config *config;
static struct once_row row[3];
static const struct once probes = {.rows = 3, .row = row};
static struct zone_view view;
static struct plan plan;

static void
load(const char *more)
{
	char file[2048];
	struct config_notes notes = {0};

	config_free(config);
	config = NULL;
	(void)snprintf(file, sizeof file, text, more);
	bool ok = config_parse(file, strlen(file), "/tmp/p.yaml", &config, &notes);
	for (size_t i = 0; !ok && i < notes.count; i++)
		printf("%u: %s\n", notes.note[i].line, notes.note[i].text);
	config_notes_free(&notes);
	ck_assert(ok);
}

static void
probe(enum outcome a, enum outcome b, enum outcome c)
{
	enum outcome all[3] = {a, b, c};

	for (uint32_t m = 0; m < 3; m++) {
		row[m] =
		    (struct once_row){.member = m, .done = true, .outcome = all[m]};
		(void)snprintf(
		    row[m].address, sizeof row[m].address, "192.0.2.%u", m + 1);
	}
}

static enum plan_answer
make(enum order_kind order)
{
	struct plan_in in = {.config = config,
	    .probes = &probes,
	    .view = &view,
	    .now_wall_s = NOW_S,
	    .order = order};

	plan_free(&plan);
	plan_make(&in, &plan);
	return plan.answer;
}

/* The zone after the plan at hand. */
static void
carry_out(void)
{
	free(view.set);
	view.set = plan.wanted;
	view.sets = plan.wanteds;
	plan.wanted = NULL;
	view.ledger_present = true;
	view.ledger_ttl_s = LEDGER_TTL_S;
	(void)ledger_format(&plan.next, view.ledger);
}

static void
begin(void)
{
	load("hold: 3s");
	probe(OUTCOME_PASS, OUTCOME_PASS, OUTCOME_PASS);
	view = (struct zone_view){0};
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_int_eq(plan.intent.kind, INTENT_CREATE);
	ck_assert_uint_eq(plan.edits, 3);
	ck_assert_uint_eq(plan.next.epoch, 1);
	carry_out();
}

static void
end(void)
{
	plan_free(&plan);
	free(view.set);
	config_free(config);
}

START_TEST(all_is_well)
{
	ck_assert_int_eq(make(ORDER_NONE), PLAN_NOTHING);
	ck_assert_uint_eq(plan.edits, 0);
}
END_TEST

START_TEST(nothing_is_created_of_the_dead)
{
	free(view.set);
	view = (struct zone_view){0};
	probe(OUTCOME_FAIL, OUTCOME_FAIL, OUTCOME_FAIL);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_NOTHING);
	ck_assert_ptr_nonnull(strstr(plan.text, "no member is UP"));
}
END_TEST

START_TEST(down_is_drained_and_returns)
{
	probe(OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_PASS);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_int_eq(plan.intent.action.kind, ACTION_DRAIN);
	ck_assert_uint_eq(plan.intent.action.member, 1);
	ck_assert_uint_eq(plan.edits, 1);
	ck_assert_uint_eq(plan.edit[0].old_set->weight, 100);
	ck_assert_uint_eq(plan.edit[0].new_set->weight, 0);
	ck_assert_ptr_nonnull(strstr(plan.text, "drain b"));
	carry_out();
	ck_assert_int_eq(make(ORDER_NONE), PLAN_NOTHING);
	probe(OUTCOME_PASS, OUTCOME_PASS, OUTCOME_PASS);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_int_eq(plan.intent.action.kind, ACTION_RETURN);
	ck_assert_uint_eq(plan.edit[0].new_set->weight, 10);
}
END_TEST

/* A minute of hold, tenfold when few would be left: no rule's patience is too long. */
START_TEST(patience_is_no_obstacle)
{
	load("stateful: true");
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_int_eq(plan.intent.kind, INTENT_POLICY);
	(void)ledger_format(&plan.next, view.ledger);
	probe(OUTCOME_FAIL, OUTCOME_PASS, OUTCOME_PASS);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_int_eq(plan.intent.action.kind, ACTION_DRAIN);
}
END_TEST

START_TEST(all_down_is_left_alone)
{
	probe(OUTCOME_FAIL, OUTCOME_FAIL, OUTCOME_FAIL);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_NOTHING);
	ck_assert_str_ne(plan.text, "");
}
END_TEST

START_TEST(what_is_not_known_is_said)
{
	probe(OUTCOME_PASS, OUTCOME_UNKNOWN, OUTCOME_PASS);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CANNOT);
	/* A change that is due anyway is shown. */
	probe(OUTCOME_PASS, OUTCOME_UNKNOWN, OUTCOME_FAIL);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_uint_eq(plan.intent.action.member, 2);
}
END_TEST

START_TEST(a_new_weight_comes_with_its_records)
{
	load("max_out: 1");
	config->service[0].rule.member[2].weight = 50;
	config->service[0].rule.policy_hash++;
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert_uint_eq(plan.edits, 1);
	ck_assert_uint_eq(plan.edit[0].new_set->weight, 50);
	/* One step for the policy, one for the records. */
	ck_assert_uint_eq(plan.next.epoch, 3);
}
END_TEST

START_TEST(a_hand_edit_needs_a_word)
{
	view.set[0].weight = 7;
	ck_assert_int_eq(make(ORDER_NONE), PLAN_STANDS);
	ck_assert_int_eq(plan.order, ORDER_UNFREEZE);
	ck_assert_uint_eq(plan.edits, 1);
	ck_assert_uint_eq(plan.edit[0].new_set->weight, 100);
	ck_assert_int_eq(make(ORDER_ADOPT), PLAN_STANDS);
	ck_assert_int_eq(plan.order, ORDER_ADOPT);
}
END_TEST

START_TEST(a_lost_ledger_needs_adopting)
{
	view.ledger_present = false;
	view.ledger[0] = '\0';
	ck_assert_int_eq(make(ORDER_NONE), PLAN_STANDS);
	ck_assert_int_eq(plan.order, ORDER_ADOPT);
	ck_assert_uint_eq(plan.edits, 0);
	ck_assert(!plan.has_old);
}
END_TEST

START_TEST(what_is_no_ledger_is_shown_as_going)
{
	(void)snprintf(view.ledger, sizeof view.ledger, "v=spf1 -all");
	ck_assert_int_eq(make(ORDER_ADOPT), PLAN_STANDS);
	ck_assert(plan.garbled && !plan.has_old);
	view.ledger_present = false;
	view.ledger[0] = '\0';
	ck_assert_int_eq(make(ORDER_ADOPT), PLAN_STANDS);
	ck_assert(!plan.garbled && !plan.has_old);
}
END_TEST

START_TEST(anothers_ledger_is_left_alone)
{
	struct ledger l = plan.next;

	(void)snprintf(l.cluster, sizeof l.cluster, "other");
	(void)ledger_format(&l, view.ledger);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CANNOT);
	ck_assert_ptr_nonnull(strstr(plan.text, "another cluster"));
	ck_assert_int_eq(make(ORDER_ADOPT), PLAN_CANNOT);
	(void)snprintf(view.ledger, sizeof view.ledger, "v=spf1 -all");
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CANNOT);
}
END_TEST

START_TEST(what_was_read_in_part_is_not_replaced)
{
	view.set[1].truncated = true;
	probe(OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_PASS);
	enum plan_answer got = make(ORDER_NONE);
	ck_assert(got == PLAN_CANNOT || got == PLAN_STANDS);
}
END_TEST

START_TEST(observe_is_said)
{
	load("mode: observe");
	probe(OUTCOME_PASS, OUTCOME_FAIL, OUTCOME_PASS);
	ck_assert_int_eq(make(ORDER_NONE), PLAN_CHANGE);
	ck_assert(plan.observe);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("plan");
	TCase *c = tcase_create("plan");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, begin, end);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, all_is_well);
	tcase_add_test(c, nothing_is_created_of_the_dead);
	tcase_add_test(c, down_is_drained_and_returns);
	tcase_add_test(c, patience_is_no_obstacle);
	tcase_add_test(c, all_down_is_left_alone);
	tcase_add_test(c, what_is_not_known_is_said);
	tcase_add_test(c, a_new_weight_comes_with_its_records);
	tcase_add_test(c, a_hand_edit_needs_a_word);
	tcase_add_test(c, a_lost_ledger_needs_adopting);
	tcase_add_test(c, what_is_no_ledger_is_shown_as_going);
	tcase_add_test(c, anothers_ledger_is_left_alone);
	tcase_add_test(c, what_was_read_in_part_is_not_replaced);
	tcase_add_test(c, observe_is_said);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
