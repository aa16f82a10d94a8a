/* SPDX-License-Identifier: Apache-2.0 */
/* route53_checks.c: which health check is the steady one, and how it is asked for. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/route53_checks.h"

#define OPEN "<ListHealthChecksResponse xmlns=\"x\"><HealthChecks>"
#define SHUT \
	"</HealthChecks><IsTruncated>false</IsTruncated></ListHealthChecksResponse>"
#define CHECK(id, reference, settings)                            \
	"<HealthCheck><Id>" id "</Id><CallerReference>" reference \
	"</CallerReference><HealthCheckConfig>" settings          \
	"</HealthCheckConfig></HealthCheck>"
#define STEADY "<Type>CALCULATED</Type><HealthThreshold>0</HealthThreshold>"
#define REF "pointsman-steady/shop"

static struct err e;

static const char *
found(const char *text)
{
	static struct route53_checks c;

	memset(&c, 0, sizeof c);
	e.text[0] = '\0';
	if (!route53_parse_checks(text, strlen(text), REF, &c, &e))
		return "failed";
	return c.found;
}

START_TEST(the_one_with_our_reference)
{
	ck_assert_str_eq(found(OPEN SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", "other", STEADY) SHUT), "");
	ck_assert_str_eq(
	    found(OPEN CHECK("1", "other", STEADY) CHECK("2", REF, STEADY) SHUT), "2");
	ck_assert_str_eq(found(OPEN CHECK("1", REF "s", STEADY) SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", REF "/", STEADY) SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", REF "/1", STEADY) SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", REF "/2x", STEADY) SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", REF "/99999999999", STEADY) SHUT), "");
}
END_TEST

/* Whoever looks must find the same, in whatever order it is listed. */
START_TEST(the_lowest_number)
{
	ck_assert_str_eq(found(OPEN CHECK("3", REF "/3", STEADY) CHECK("2", REF "/2",
			     STEADY) CHECK("10", REF "/10", STEADY) SHUT),
	    "2");
	ck_assert_str_eq(
	    found(OPEN CHECK("2", REF "/2", STEADY) CHECK("1", REF, STEADY) SHUT), "1");
}
END_TEST

START_TEST(none_that_is_not_steady)
{
	ck_assert_str_eq(found(OPEN CHECK("1", REF, "<Type>TCP</Type>") SHUT), "");
	ck_assert_str_eq(found(OPEN CHECK("1", REF,
			     "<Type>CALCULATED</Type>"
			     "<HealthThreshold>1</HealthThreshold>") SHUT),
	    "");
	ck_assert_str_eq(
	    found(OPEN CHECK("1", REF, "<Inverted>true</Inverted>" STEADY) SHUT), "");
	ck_assert_str_eq(
	    found(OPEN CHECK("1", REF, "<Inverted>true</Inverted>" STEADY)
		    CHECK("2", REF "/2", "<Inverted>false</Inverted>" STEADY) SHUT),
	    "2");
}
END_TEST

#define MORE(id, reference, next)                                            \
	OPEN CHECK(id, reference, STEADY) "</HealthChecks><IsTruncated>true" \
					  "</IsTruncated>" next              \
					  "</ListHealthChecksResponse>"

START_TEST(pages)
{
	struct route53_checks c = {.number = 0};
	const char *page = MORE("2", REF "/2", "<NextMarker>m</NextMarker>");

	ck_assert(route53_parse_checks(page, strlen(page), REF, &c, &e));
	ck_assert_str_eq(c.marker, "m");
	ck_assert(!route53_parse_checks(page, strlen(page), REF, &c, &e));
	page = OPEN CHECK("1", REF, STEADY) SHUT;
	ck_assert(route53_parse_checks(page, strlen(page), REF, &c, &e));
	ck_assert_str_eq(c.marker, "");
	ck_assert_str_eq(c.found, "1");
	ck_assert_str_eq(found(MORE("1", REF, "")), "failed");
	ck_assert_str_eq(found("<Other/>"), "failed");
	ck_assert_str_eq(found("<ListHealthChecksResponse>"), "failed");
	ck_assert_str_eq(found(""), "failed");
}
END_TEST

START_TEST(made)
{
	ck_assert_str_eq(found("<CreateHealthCheckResponse>" CHECK(
			     "7", REF, STEADY) "</CreateHealthCheckResponse>"),
	    "7");
	struct text out = TEXT_INIT(4096);
	route53_format_check(&out, "a&b");
	ck_assert(text_ok(&out));
	ck_assert_ptr_nonnull(
	    strstr(text_str(&out), "<CallerReference>a&amp;b</CallerReference>"));
	ck_assert_ptr_nonnull(strstr(text_str(&out), STEADY));
	text_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("health checks");
	TCase *t = tcase_create("steady");
	SRunner *r = srunner_create(s);

	tcase_add_test(t, the_one_with_our_reference);
	tcase_add_test(t, the_lowest_number);
	tcase_add_test(t, none_that_is_not_steady);
	tcase_add_test(t, pages);
	tcase_add_test(t, made);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
