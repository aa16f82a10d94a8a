/* SPDX-License-Identifier: Apache-2.0 */
/* engine: one agent on a bench; whose turn, when it abstains, when it writes. */
#include "steering/core/engine_parts.h"
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

/* ---- a new policy ---- */

/* What was drained last counts for the spacing while it is a member still. */
START_TEST(a_member_that_goes_takes_its_spacing_along)
{
	static const char *const spaced[] = {"c", "b"};

	for (int i = 0; i < 2; i++) {
		struct ledger next;

		bench_ready(&b, 3, 1);
		b.rule.members = 2;
		(void)snprintf(b.g->ledger.spaced, WORD_MAX, "%s", spaced[i]);
		write_policy(b.g, &next);
		ck_assert_uint_eq(next.members, 2);
		ck_assert_str_eq(next.spaced, i == 0 ? "" : "b");
		if (i == 0)
			bench_free(&b);
	}
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
	b.rule.hold_ms = 800; /* what is below a second is not "0 s" */
	engine_explain(b.g, 1, BENCH_WALL, b.now_ms, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, " of 800 ms;"));
	engine_explain(b.g, 1, BENCH_WALL, b.now_ms, tiny, sizeof tiny);
	ck_assert_uint_eq(strlen(tiny), 9);
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
	tcase_add_test(t, a_member_that_goes_takes_its_spacing_along);
	tcase_add_test(t, every_fact_is_kept);
	tcase_add_test(t, explains_itself);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
