/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vote: a row is the addresses of a member, one letter each, and the vote they make.
 * u up, d down (last probe failed), s down but the last probe passed, r recovering,
 * x unknown by local trouble, n new (one pass), f up but the last probe failed;
 * capitals: the same over IPv6; behind a '+' come those of FAMILY_TARGETS.
 */
#include <check.h>
#include <ctype.h>
#include <stdlib.h>

#include "steering/core/vote.h"
#include "tests/unit/rule_make.h"

static const char *
samples_of(char c)
{
	switch (tolower(c)) {
	case 'u':
		return "PPPPPP";
	case 'd':
		return "PPPPPPFFF";
	case 's':
		return "PPPPPPFFFP";
	case 'r':
		return "PPPPPPFFFPP";
	case 'x':
		return "PPPPPPU";
	case 'n':
		return "P";
	case 'f':
		return "PPPPPPF";
	default:
		ck_abort_msg("no such letter %c", c);
	}
	return "";
}

static uint32_t
place(struct detector *d, const struct rule_detector *rule, const char *letters)
{
	bool targets = false;
	uint32_t n = 0;

	for (; *letters != '\0'; letters++) {
		if (*letters == '+') {
			targets = true;
			continue;
		}
		detector_init(&d[n],
		    targets                                ? FAMILY_TARGETS
			: isupper((unsigned char)*letters) ? FAMILY_V6
							   : FAMILY_V4);
		for (const char *s = samples_of(*letters); *s != '\0'; s++)
			(void)detector_feed(&d[n], rule,
			    *s == 'P'       ? OUTCOME_PASS
				: *s == 'F' ? OUTCOME_FAIL
					    : OUTCOME_UNKNOWN,
			    1000, 1000);
		n++;
	}
	return n;
}

static const struct row {
	const char *before, *addresses;
	enum vote vote;
	bool failing;
} rows[] = {
    {"", "", VOTE_ABSTAIN, false},
    {"", "n", VOTE_ABSTAIN, false}, /* nothing known yet: never UP */
    {"", "x", VOTE_ABSTAIN, false},
    {"", "u", VOTE_UP, false},
    {"", "d", VOTE_DOWN, true},
    /* below 25 %: DOWN; above 50 %: UP; between: as before */
    {"", "uddd", VOTE_ABSTAIN, false},
    {"u", "uddd", VOTE_UP, false},
    {"d", "uddd", VOTE_DOWN, false},
    {"u", "udddd", VOTE_DOWN, true},
    {"d", "ud", VOTE_DOWN, false},
    {"u", "ud", VOTE_UP, false},
    {"d", "uud", VOTE_UP, false},
    {"u", "dddd", VOTE_DOWN, true},
    /* unknown addresses leave the denominator */
    {"u", "uxxxxxx", VOTE_UP, false},
    {"u", "dxxxxxx", VOTE_DOWN, true},
    {"u", "xxx", VOTE_ABSTAIN, false},
    /* each family alone; one DOWN is enough; unreachable ones are left out */
    {"uU", "uD", VOTE_DOWN, true},
    {"uU", "uuuuD", VOTE_DOWN, true},
    {"uU", "dU", VOTE_DOWN, true}, /* whichever of them is judged last */
    {"uU", "uX", VOTE_UP, false},
    {"uU", "dX", VOTE_DOWN, true},
    {"uU", "xX", VOTE_ABSTAIN, false},
    {"uU", "uU", VOTE_UP, false},
    /* recovering: its last two probes passed; one is not enough */
    {"u", "r", VOTE_RECOVERING, false},
    {"u", "s", VOTE_DOWN, false},
    {"u", "dddr", VOTE_RECOVERING, false}, /* 25 % if it were up: not below */
    {"u", "ddddr", VOTE_DOWN, true},
    {"d", "urdd", VOTE_DOWN, false},       /* 50 % if up: does not leave the band */
    {"d", "urrd", VOTE_RECOVERING, false}, /* 75 % if they were up */
    {"uU", "rD", VOTE_DOWN, true},         /* the other family is down for good */
    {"uU", "rU", VOTE_RECOVERING, false},
    /* failing: by each address's last probe alone it would be DOWN */
    {"u", "f", VOTE_UP, true},
    {"u", "ds", VOTE_DOWN, false},
    {"u", "dddds", VOTE_DOWN, true},
    {"u", "dn", VOTE_DOWN, false}, /* a new address's last probe counts here */
    {"u", "dx", VOTE_DOWN, true},
    /* targets are judged alone: DOWN is enough, unknown is left out */
    {"u", "uuuu+u", VOTE_UP, false},
    {"u", "uuuu+d", VOTE_DOWN, true},
    {"u", "uuuuUUUU+r", VOTE_RECOVERING, false},
    {"u", "uuuu+x", VOTE_UP, false},
    {"u", "dddd+u", VOTE_DOWN, true},
    {"", "+u", VOTE_UP, false},
    {"", "x+u", VOTE_UP, false},
    {"", "+x", VOTE_ABSTAIN, false},
};

START_TEST(shares)
{
	const struct row *r = &rows[_i];
	struct rule_service rule;
	struct detector d[ADDRESSES_MAX];
	struct vote_band band = {{0}};
	struct vote_view v;

	rule_make(&rule, 2, 1);
	rule.member[0].targets = rule.member[0].detector;
	memset(d, 0, sizeof d);
	uint32_t n = place(d, &rule.member[0].detector, r->before);
	vote_judge(&band, &rule, &rule.member[0], d, n, 1000, &v);
	memset(d, 0, sizeof d);
	n = place(d, &rule.member[0].detector, r->addresses);
	vote_judge(&band, &rule, &rule.member[0], d, ADDRESSES_MAX, 1000, &v);
	ck_assert_msg(v.vote == r->vote, "%s after %s: %s", r->addresses, r->before,
	    vote_word(v.vote));
	ck_assert_msg(v.failing == r->failing, "%s after %s: failing %d", r->addresses,
	    r->before, v.failing);
	ck_assert_uint_eq(v.up + v.down + v.unknown, n);
}
END_TEST

START_TEST(band_survives_recovering)
{
	struct rule_service rule;
	struct detector d[1] = {{0}};
	struct vote_band band = {{0}};
	struct vote_view v;
	const struct rule_detector *dr;

	rule_make(&rule, 2, 1);
	dr = &rule.member[0].detector;
	(void)place(d, dr, "r");
	vote_judge(&band, &rule, &rule.member[0], d, 1, 1000, &v);
	ck_assert_int_eq(v.vote, VOTE_RECOVERING);
	(void)detector_feed(d, dr, OUTCOME_FAIL, 2000, 2000);
	vote_judge(&band, &rule, &rule.member[0], d, 1, 2000, &v);
	ck_assert_int_eq(v.vote, VOTE_DOWN);
	ck_assert(v.failing);
}
END_TEST

START_TEST(stale_addresses_are_unknown)
{
	struct rule_service rule;
	struct detector d[2] = {{0}};
	struct vote_band band = {{0}};
	struct vote_view v;
	const struct rule_detector *dr;

	rule_make(&rule, 2, 1);
	dr = &rule.member[0].detector;
	(void)place(d, dr, "d");
	vote_judge(&band, &rule, &rule.member[0], d, 2, 1000 + dr->stale_ms, &v);
	ck_assert_int_eq(v.vote, VOTE_DOWN);
	vote_judge(&band, &rule, &rule.member[0], d, 2, 1001 + dr->stale_ms, &v);
	ck_assert_int_eq(v.vote, VOTE_ABSTAIN);
	ck_assert(!v.failing);
	ck_assert_uint_eq(v.unknown, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("vote");
	TCase *t = tcase_create("vote");

	tcase_add_loop_test(t, shares, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, band_survives_recovering);
	tcase_add_test(t, stale_addresses_are_unknown);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
