/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quorum: a row is one letter for each configured agent: U D R A its vote, fresh;
 * d DOWN without failing probes; o DOWN, heard 6 s ago; z DOWN, heard 16 s ago;
 * - never heard; h DOWN on another policy.
 */
#include <check.h>
#include <stdlib.h>

#include "steering/core/quorum.h"
#include "tests/unit/rule_make.h"

#define NOW 100000

static struct ballot
ballot_of(char c, const struct rule_service *rule)
{
	struct ballot b = {.heard = c != '-', .sent_ms = NOW};
	struct report_member *m = &b.report.member[0];

	b.report.policy_hash = c == 'h' ? 99 : rule->policy_hash;
	b.report.members = rule->members;
	m->vote = c == 'U' ? VOTE_UP
	    : c == 'R'     ? VOTE_RECOVERING
	    : c == 'A'     ? VOTE_ABSTAIN
			   : VOTE_DOWN;
	m->failing = c == 'D' || c == 'o' || c == 'z' || c == 'h';
	if (c == 'o')
		b.sent_ms = NOW - EVIDENCE_AGE_MS_MAX - 1;
	if (c == 'z')
		b.sent_ms = NOW - rule->fresh_ms - 1;
	return b;
}

static const struct row {
	const char *votes, *domains;
	enum verdict verdict;
	bool evidence;
	bool solo;
} rows[] = {
    /* Q = V/2+1 of all configured, never of the living */
    {"DDU", "123", VERDICT_DOWN, true, false},
    {"DUU", "123", VERDICT_UP, false, false},
    {"D--", "123", VERDICT_UNDECIDED, false, false},
    {"U--", "123", VERDICT_UNDECIDED, false, false},
    {"DU-", "123", VERDICT_UNDECIDED, false, false},
    {"DDUU", "1234", VERDICT_UNDECIDED, false, false},
    {"DDDU", "1234", VERDICT_DOWN, true, false},
    {"DDDUU", "12345", VERDICT_DOWN, true, false},
    {"DDUUA", "12345", VERDICT_UNDECIDED, false, false},
    /* RECOVERING and ABSTAIN count for nothing */
    {"DRR", "123", VERDICT_UNDECIDED, false, false},
    {"URA", "123", VERDICT_UNDECIDED, false, false},
    {"RRR", "123", VERDICT_UNDECIDED, false, false},
    /* not all from one domain */
    {"DDU", "112", VERDICT_UNDECIDED, false, false},
    {"UUD", "112", VERDICT_UNDECIDED, false, false},
    {"DDD", "112", VERDICT_DOWN, true, false},
    {"DD", "11", VERDICT_UNDECIDED, false, false},
    {"DD", "12", VERDICT_DOWN, true, false},
    /* stale votes do not count */
    {"DzU", "123", VERDICT_UNDECIDED, false, false},
    {"DzD", "123", VERDICT_DOWN, true, false},
    /* another policy's votes do not count */
    {"DhU", "123", VERDICT_UNDECIDED, false, false},
    /* evidence: Q failing, ≤ 5 s old, not all from one domain */
    {"Dd-", "123", VERDICT_DOWN, false, false},
    {"Do-", "123", VERDICT_DOWN, false, false},
    {"DDd", "123", VERDICT_DOWN, true, false},
    {"DDd", "112", VERDICT_DOWN, false, false},
    /* solo: Q = 1, domains waived */
    {"D", "1", VERDICT_DOWN, true, true},
    {"U", "1", VERDICT_UP, false, true},
    {"d", "1", VERDICT_DOWN, false, true},
    {"A", "1", VERDICT_UNDECIDED, false, true},
};

START_TEST(verdicts)
{
	const struct row *r = &rows[_i];
	struct rule_service rule;
	struct ballot b[AGENTS_MAX];
	struct quorum_view v;

	rule_make(&rule, 2, (uint32_t)strlen(r->votes));
	rule.solo = r->solo;
	for (uint32_t a = 0; a < rule.agents; a++) {
		rule.agent[a].domain = (uint32_t)r->domains[a];
		b[a] = ballot_of(r->votes[a], &rule);
	}
	quorum_judge(&rule, b, 0, rule.policy_hash, NOW, &v);
	ck_assert_msg(v.verdict == r->verdict, "%s/%s: %s", r->votes, r->domains,
	    verdict_word(v.verdict));
	ck_assert_msg(v.evidence == r->evidence, "%s/%s: evidence %d", r->votes,
	    r->domains, v.evidence);
}
END_TEST

START_TEST(numbers)
{
	static const uint32_t q[] = {0, 1, 2, 2, 3, 3, 4, 4, 5, 5};
	struct rule_service rule;

	for (uint32_t v = 1; v <= AGENTS_MAX; v++) {
		rule_make(&rule, 2, v);
		rule.solo = false;
		ck_assert_uint_eq(rule_quorum(&rule), q[v]);
		rule.solo = true;
		ck_assert_uint_eq(rule_quorum(&rule), 1);
	}
}
END_TEST

START_TEST(freshness)
{
	struct rule_service rule;
	struct ballot b[3];

	rule_make(&rule, 2, 3);
	for (int i = 0; i < 3; i++)
		b[i] = ballot_of('U', &rule);
	ck_assert_uint_eq(quorum_heard(&rule, b, NOW + 15000), 3);
	ck_assert_uint_eq(quorum_heard(&rule, b, NOW + 15001), 0);
	b[1].heard = false;
	ck_assert_uint_eq(quorum_heard(&rule, b, NOW), 2);
	/* a report that was sent a moment after our now is fresh */
	ck_assert(ballot_fresh(&b[0], &rule, NOW - 1));
}
END_TEST

START_TEST(evidence_age)
{
	struct rule_service rule;
	struct ballot b[3];
	struct quorum_view v;

	rule_make(&rule, 2, 3);
	for (int i = 0; i < 3; i++)
		b[i] = ballot_of('D', &rule);
	quorum_judge(&rule, b, 0, rule.policy_hash, NOW + 5000, &v);
	ck_assert(v.evidence);
	quorum_judge(&rule, b, 0, rule.policy_hash, NOW + 5001, &v);
	ck_assert(!v.evidence);
	ck_assert_int_eq(v.verdict, VERDICT_DOWN);
}
END_TEST

START_TEST(all_down)
{
	struct rule_service rule;
	struct ballot b[3];

	rule_make(&rule, 3, 3);
	rule.member[2].last_resort = true;
	for (int i = 0; i < 3; i++) {
		b[i] = ballot_of('U', &rule);
		for (int m = 0; m < 2; m++)
			b[i].report.member[m].raw = VOTE_DOWN;
	}
	ck_assert_uint_eq(quorum_all_down(&rule, b, NOW), 3);
	b[0].report.member[1].raw = VOTE_RECOVERING;
	b[1].sent_ms = NOW - 15001;
	ck_assert_uint_eq(quorum_all_down(&rule, b, NOW), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quorum");
	TCase *t = tcase_create("quorum");

	tcase_add_loop_test(t, verdicts, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, numbers);
	tcase_add_test(t, freshness);
	tcase_add_test(t, evidence_age);
	tcase_add_test(t, all_down);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
