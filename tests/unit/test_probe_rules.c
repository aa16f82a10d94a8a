/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parts of the prober: which addresses are refused, whom an errno blames, and what
 * an answer must look like. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "probe/address.h"
#include "probe/http_rule.h"
#include "probe/result.h"

START_TEST(addresses_have_one_form)
{
	static const struct {
		const char *text, *canonical;
	} good[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"2001:db8:0:0::1", "2001:db8::1"},
	    {"[2001:db8::1]", "2001:db8::1"},
	    {"::1", "::1"},
	};
	static const char *const bad[] = {"", "www.example.com", "192.0.2",
	    "192.0.2.256", "2001:db8::1%eth0", "[192.0.2.1]", "[::1", "0x7f.1",
	    " 192.0.2.1",
	    "1111111111111111111111111111111111111111111111111111111111111111111"};
	struct address a, b;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		ck_assert_msg(address_parse(&a, good[i].text), "%s", good[i].text);
		address_format(&a, text);
		ck_assert_str_eq(text, good[i].canonical);
		ck_assert(address_parse(&b, text) && address_equal(&a, &b));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!address_parse(&a, bad[i]), "%s", bad[i]);
	for (unsigned i = 0; i < 256; i++) {
		char same[ADDRESS_TEXT_MAX];

		a = (struct address){.family = FAMILY_V4,
		    .byte = {(uint8_t)i, (uint8_t)~i, (uint8_t)(i / 2), (uint8_t)i}};
		address_format(&a, text);
		ck_assert_str_eq(text, inet_ntop(AF_INET, a.byte, same, sizeof same));
	}
}
END_TEST

START_TEST(some_addresses_are_never_probed)
{
	static const char *const refused[] = {"169.254.0.1", "169.254.169.254",
	    "169.254.170.2", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255",
	    "255.255.255.255", "::", "fe80::1", "febf::1", "ff02::1", "fd00:ec2::254",
	    "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::a9fe:a9fe",
	    "64:ff9b::224.0.0.1"};
	static const char *const allowed[] = {"127.0.0.1", "10.0.0.1", "192.168.1.1",
	    "169.253.255.255", "169.255.0.1", "198.51.100.1", "223.255.255.255",
	    "1.0.0.1", "::1", "2001:db8::1", "fec0::1", "fd00:ec2::253",
	    "::ffff:192.0.2.1", "64:ff9b::c000:201"};
	struct address a;

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		ck_assert(address_parse(&a, refused[i]));
		ck_assert_msg(address_forbidden(&a) != NULL, "%s", refused[i]);
	}
	for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
		ck_assert(address_parse(&a, allowed[i]));
		ck_assert_msg(address_forbidden(&a) == NULL, "%s", allowed[i]);
	}
}
END_TEST

START_TEST(blame_follows_errno)
{
	static const struct {
		int error;
		bool at_once;
		enum outcome outcome;
		enum probe_reason reason;
	} table[] = {
	    {ECONNREFUSED, true, OUTCOME_FAIL, PROBE_REFUSED},
	    {ECONNREFUSED, false, OUTCOME_FAIL, PROBE_REFUSED},
	    {ECONNRESET, false, OUTCOME_FAIL, PROBE_REFUSED},
	    {EHOSTUNREACH, true, OUTCOME_FAIL, PROBE_UNREACHABLE},
	    {EHOSTUNREACH, false, OUTCOME_FAIL, PROBE_UNREACHABLE},
	    {ENETUNREACH, false, OUTCOME_FAIL, PROBE_UNREACHABLE},
	    {ENOPROTOOPT, false, OUTCOME_FAIL, PROBE_UNREACHABLE},
	    {EACCES, false, OUTCOME_FAIL, PROBE_UNREACHABLE},
	    {ETIMEDOUT, false, OUTCOME_FAIL, PROBE_TIMEOUT},
	    {ENETUNREACH, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {EACCES, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {EPERM, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {EAFNOSUPPORT, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {EMFILE, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {ENFILE, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {ENOBUFS, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {ENOMEM, false, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {EADDRNOTAVAIL, true, OUTCOME_UNKNOWN, PROBE_LOCAL},
	    {ENETDOWN, false, OUTCOME_UNKNOWN, PROBE_LOCAL},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct probe_result r = {0};

		result_from_connect(&r, table[i].error, table[i].at_once);
		ck_assert_msg(
		    r.outcome == table[i].outcome && r.reason == table[i].reason,
		    "row %zu: %s", i, r.text);
		ck_assert_str_ne(r.text, "");
	}
}
END_TEST

START_TEST(blame_follows_nghttp2)
{
	static const char said[] =
	    "h2_process_pending_input: nghttp2_session_mem_recv() "
	    "returned -";
	char why[200];
	struct probe_result r;

	(void)snprintf(
	    why, sizeof why, "%s902:The user callback function failed", said);
	result_from_http2(&r, why);
	ck_assert(r.outcome == OUTCOME_FAIL && r.reason == PROBE_HEADERS);
	(void)snprintf(why, sizeof why, "%s905:Too many frames", said);
	result_from_http2(&r, why);
	ck_assert(r.outcome == OUTCOME_FAIL && r.reason == PROBE_GARBAGE);
	ck_assert_str_eq(r.text, "not HTTP: broken HTTP/2: Too many frames");
	result_from_http2(&r, "nghttp2");
	ck_assert(r.reason == PROBE_GARBAGE);
	ck_assert(!result_memory_is_short(1000));
}
END_TEST

START_TEST(every_reason_has_its_own_word)
{
	for (unsigned a = 0; a < PROBE_REASONS; a++) {
		const char *word = probe_reason_word((enum probe_reason)a);

		ck_assert_ptr_nonnull(word);
		for (unsigned b = 0; b < a; b++)
			ck_assert_str_ne(word, probe_reason_word((enum probe_reason)b));
	}
	ck_assert_str_eq(probe_reason_word(PROBE_STATUS), "http-status");
}
END_TEST

static enum http_judged
head(const struct check_http *check, uint32_t status, uint32_t hops,
    struct probe_result *r)
{
	struct http_rule rule;
	struct err e;
	enum http_judged judged;

	*r = (struct probe_result){0};
	ck_assert(http_rule_init(&rule, check, &e));
	judged = http_rule_judge_head(&rule, status, true, hops, r);
	http_rule_fini(&rule);
	ck_assert_uint_eq(r->http_status, status);
	return judged;
}

START_TEST(the_head_alone)
{
	struct check_http check = {.statuses = 2, .status = {{200, 204}, {401, 401}}};
	struct probe_result r;

	for (uint32_t status = 100; status < 600; status++) {
		bool wanted = (status >= 200 && status <= 204) || status == 401;

		ck_assert_int_eq(head(&check, status, 0, &r), HTTP_DONE);
		ck_assert_int_eq(r.outcome, wanted ? OUTCOME_PASS : OUTCOME_FAIL);
		ck_assert_int_eq(r.reason, wanted ? PROBE_OK : PROBE_STATUS);
	}
	check.redirects = 2;
	ck_assert_int_eq(head(&check, 302, 0, &r), HTTP_HOP);
	ck_assert_int_eq(head(&check, 308, 1, &r), HTTP_HOP);
	ck_assert_int_eq(head(&check, 302, 2, &r), HTTP_DONE);
	ck_assert_int_eq(r.reason, PROBE_REDIRECTS);
	ck_assert_int_eq(head(&check, 304, 0, &r), HTTP_DONE);
	ck_assert_int_eq(r.reason, PROBE_STATUS);
	(void)snprintf(check.contains, sizeof check.contains, "ok");
	ck_assert_int_eq(head(&check, 200, 0, &r), HTTP_MORE);
}
END_TEST

static enum http_judged
body(const char *contains, const char *matches, const char *text, size_t bytes,
    bool whole, struct probe_result *r)
{
	struct check_http check = {0};
	struct http_rule rule;
	struct err e;
	enum http_judged judged;

	(void)snprintf(check.contains, sizeof check.contains, "%s", contains);
	(void)snprintf(check.matches, sizeof check.matches, "%s", matches);
	*r = (struct probe_result){0};
	ck_assert(http_rule_init(&rule, &check, &e));
	judged = http_rule_judge_body(&rule, text, bytes, whole, r);
	http_rule_fini(&rule);
	return judged;
}

START_TEST(the_body)
{
	static char full[CHECK_BODY_BYTES + 1];
	static const char zeros[] = "a\0b\0needle\0c";
	struct probe_result r;

	/* Found: at once. Not found yet: more. At the end: no. */
	ck_assert_int_eq(body("ok", "", "it is ok so far", 15, false, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_PASS);
	ck_assert_int_eq(body("ok", "", "it is o", 7, false, &r), HTTP_MORE);
	ck_assert_int_eq(body("ok", "", "it is o", 7, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.reason, PROBE_BODY);
	ck_assert_int_eq(body("ok", "", "", 0, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.reason, PROBE_BODY);

	/* `$` means the end of what is looked at, so a match waits for it. */
	ck_assert_int_eq(body("", "^up$", "up", 2, false, &r), HTTP_MORE);
	ck_assert_int_eq(body("", "^up$", "up", 2, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_PASS);
	ck_assert_int_eq(body("up", "^up$", "up", 2, false, &r), HTTP_MORE);
	ck_assert_int_eq(body("u", "^up$", "upper", 5, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.reason, PROBE_BODY);

	/* The bound ends it as the end does; zero bytes hide nothing. */
	memset(full, 'x', CHECK_BODY_BYTES);
	ck_assert_int_eq(body("ok", "", full, CHECK_BODY_BYTES, false, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_FAIL);
	ck_assert_int_eq(
	    body("", "^x*$", full, CHECK_BODY_BYTES, false, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_PASS);
	ck_assert_int_eq(
	    body("needle", "", zeros, sizeof zeros - 1, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_PASS);
	ck_assert_int_eq(
	    body("", "needle[^x]c$", zeros, sizeof zeros - 1, true, &r), HTTP_DONE);
	ck_assert_int_eq(r.outcome, OUTCOME_PASS);
}
END_TEST

START_TEST(a_bad_expression_is_a_sentence)
{
	struct check_http check = {.matches = "("};
	struct http_rule rule;
	struct err e;

	ck_assert(!http_rule_init(&rule, &check, &e));
	ck_assert_msg(strncmp(e.text, "matches: ", 9) == 0, "%s", e.text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("probe rules");
	TCase *tcase = tcase_create("probe rules");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, addresses_have_one_form);
	tcase_add_test(tcase, some_addresses_are_never_probed);
	tcase_add_test(tcase, blame_follows_errno);
	tcase_add_test(tcase, blame_follows_nghttp2);
	tcase_add_test(tcase, every_reason_has_its_own_word);
	tcase_add_test(tcase, the_head_alone);
	tcase_add_test(tcase, the_body);
	tcase_add_test(tcase, a_bad_expression_is_a_sentence);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
