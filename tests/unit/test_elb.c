/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What DescribeTargetHealth's answer means for an elb check, where services are, what
 * aws_field() finds, and what the configuration makes of it all. Requests and refusals
 * are unit.test_aws_query, the agent is e2e.test_elb.
 */
#include "steering/zone/elb.h"
#include "steering/zone/partition.h"
#include "tests/unit/config_kit.h"

#define GROUP                                                                 \
	"arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/" \
	"web/73e2d6bc24d8a067"

/* An answer with a target for each letter: h, u, i, d, n (unused), v (unavailable). */
static const char *
answer(const char *letters)
{
	static const char *const states[] = {['h'] = "healthy",
	    ['u'] = "unhealthy",
	    ['i'] = "initial",
	    ['d'] = "draining",
	    ['n'] = "unused",
	    ['v'] = "unavailable",
	    ['x'] = "confused"};
	static char text[8192];
	size_t n = 0;

#define ADD(...) n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__)
	ADD("<DescribeTargetHealthResponse xmlns=\"http://x/\">"
	    "<DescribeTargetHealthResult><TargetHealthDescriptions>");
	for (; *letters != '\0'; letters++)
		ADD("<member><TargetHealth><State>%s</State><Description>State"
		    "</Description></TargetHealth><Target><Id>i-1</Id></Target>"
		    "<AnomalyDetection><State>unhealthy</State></AnomalyDetection>"
		    "</member>",
		    states[(unsigned char)*letters]);
	ADD("</TargetHealthDescriptions></DescribeTargetHealthResult>"
	    "</DescribeTargetHealthResponse>");
#undef ADD
	return text;
}

static const struct row {
	const char *letters;
	uint32_t healthy, share_pct;
	enum outcome outcome;
	const char *text;
} rows[] = {
    {"h", 1, 0, OUTCOME_PASS, ""},
    {"huuu", 1, 0, OUTCOME_PASS, ""},
    {"huuu", 2, 0, OUTCOME_FAIL, "1 targets healthy, 2 needed: 3 unhealthy"},
    {"huuu", 1, 25, OUTCOME_PASS, ""},
    {"huuu", 1, 26, OUTCOME_FAIL, "1 of 4 targets healthy, 26 % needed"},
    {"uuu", 1, 0, OUTCOME_FAIL, "0 targets healthy"},
    {"", 1, 0, OUTCOME_FAIL, "the group has no targets"},
    {"nnn", 1, 0, OUTCOME_FAIL, "3 unused"},
    /* who comes, goes, or is of no use leaves the share */
    {"hhiiiiiiii", 1, 100, OUTCOME_PASS, ""},
    {"hhddddn", 1, 100, OUTCOME_PASS, ""},
    {"hhddddnu", 1, 67, OUTCOME_FAIL, "2 of 3 targets"},
    {"iii", 1, 0, OUTCOME_FAIL, "3 initial"},
    {"ddd", 1, 0, OUTCOME_FAIL, "3 draining"},
    /* AWS does not check them: nobody knows */
    {"vv", 1, 0, OUTCOME_UNKNOWN, "not checked"},
    {"vvh", 1, 100, OUTCOME_PASS, ""},
    {"vvu", 1, 0, OUTCOME_FAIL, "0 targets healthy"},
    {"hx", 1, 0, OUTCOME_UNKNOWN, "'confused'"},
};

START_TEST(shares)
{
	const struct row *row = &rows[_i];
	struct check_elb check = {.healthy = row->healthy, .share_pct = row->share_pct};
	struct aws_answer a = {.result = AWS_OK, .sent_ms = 1000, .done_ms = 1020};
	struct probe_result r;
	uint32_t latency_us;

	a.body = answer(row->letters);
	a.body_bytes = strlen(a.body);
	elb_judge(&check, &a, &r, &latency_us);
	ck_assert_msg(r.outcome == row->outcome && strstr(r.text, row->text) != NULL,
	    "%s: %s", row->letters, r.text);
	ck_assert(row->outcome != OUTCOME_PASS || r.text[0] == '\0');
	ck_assert_uint_eq(latency_us, 20000);
	ck_assert_int_eq(r.reason,
	    row->outcome == OUTCOME_PASS       ? PROBE_OK
		: row->outcome == OUTCOME_FAIL ? PROBE_TARGETS
					       : PROBE_API);
}
END_TEST

START_TEST(who_cannot_be_asked_is_unknown)
{
	struct check_elb check = {.healthy = 1};
	struct aws_answer a = {.body = ""};
	struct probe_result r;
	uint32_t latency_us;

	for (unsigned result = AWS_BUSY; result < AWS_RESULTS; result++) {
		a.result = (enum aws_result)result;
		(void)err_set(&a.err, "why");
		elb_judge(&check, &a, &r, &latency_us);
		ck_assert_int_eq(r.outcome, OUTCOME_UNKNOWN);
		ck_assert_int_eq(r.reason, PROBE_API);
		ck_assert_str_eq(r.text, "why");
	}
	a.result = AWS_OK;
	a.body = "<DescribeTargetHealthResponse/>";
	a.body_bytes = strlen(a.body);
	elb_judge(&check, &a, &r, &latency_us);
	ck_assert_int_eq(r.outcome, OUTCOME_UNKNOWN);
}
END_TEST

START_TEST(fields)
{
	static const char body[] =
	    "<R><A><B>one</B><C><B>deep</B></C></A><B>top</B><A><B>two</B><D/></A>"
	    "<E><A><D>hidden</D></A></E></R>";
	static const struct {
		const char *path, *text;
	} want[] = {{"A/B", "one"}, {"A/C/B", "deep"}, {"B", "top"}, {"A/D", ""},
	    {"E/A/D", "hidden"}, {"D", NULL}, {"A/C/D", NULL}, {"A", ""}};
	char out[16], small[3];

	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		bool found =
		    aws_field(body, sizeof body - 1, want[i].path, out, sizeof out);

		ck_assert_msg(found == (want[i].text != NULL), "%s", want[i].path);
		if (found)
			ck_assert_str_eq(out, want[i].text);
	}
	ck_assert(!aws_field(body, sizeof body - 1, "A/B", small, sizeof small));
	ck_assert(!aws_field(body, sizeof body - 3, "A/B", out, sizeof out));
}
END_TEST

START_TEST(places)
{
	struct partition_place p;
	struct err e;

	ck_assert(
	    partition_service(&p, "elasticloadbalancing", "eu-central-1", "", &e));
	ck_assert_str_eq(
	    p.endpoint, "https://elasticloadbalancing.eu-central-1.amazonaws.com");
	ck_assert_str_eq(p.host, "elasticloadbalancing.eu-central-1.amazonaws.com");
	ck_assert_str_eq(p.region, "eu-central-1");
	ck_assert(partition_service(&p, "rds", "cn-north-1", "", &e));
	ck_assert_str_eq(p.host, "rds.cn-north-1.amazonaws.com.cn");
	ck_assert_str_eq(p.arn, "aws-cn");
	ck_assert(
	    partition_service(&p, "rds", "eu-west-1", "http://127.0.0.1:80/", &e));
	ck_assert_str_eq(p.host, "127.0.0.1");
	ck_assert(!partition_service(&p, "rds", "eu-west-1", "ftp://x", &e));
}
END_TEST

START_TEST(configured)
{
	char name[ELB_NAME_MAX];

	parse_with("  db: {tcp: {port: 5432}}\n",
	    "  db: {tcp: {port: 5432}}\n"
	    "  tg: {elb: {target_group: \"" GROUP
	    "\", region: eu-central-1, share: 50%}}\n");
	ck_assert(noted(true, "check 'tg' is used by no service"));
	ck_assert_int_eq(c->service[0].member[0].targets, -1);
	uint64_t hash = service("pair")->rule.policy_hash;
	fini();
	parse_with("  db: {tcp: {port: 5432}}\n",
	    "  db: {elb: {target_group: \"" GROUP
	    "\", region: eu-central-1, share: 50%}}\n");
	const struct config_service *s = service("pair");
	const struct check_spec *check = &c->check[s->member[0].targets];
	ck_assert_int_eq(check->kind, CHECK_ELB);
	ck_assert_uint_eq(check->elb.share_pct, 50);
	ck_assert_uint_eq(check->elb.healthy, 1);
	ck_assert_uint_eq(check->every_ms, 10000);
	ck_assert_uint_eq(s->member[0].endpoints, 0);
	ck_assert_uint_eq(s->rule.member[0].targets.fall, 2);
	ck_assert_uint_eq(s->rule.member[0].targets.stale_ms, 33000);
	ck_assert(s->rule.policy_hash != hash);
	elb_name(&check->elb, name);
	ck_assert_str_eq(name, "targetgroup/web");
	fini();
}
END_TEST

START_TEST(beside)
{
	static char text[16384];
	const char *at = strstr(config_base, "  db: {tcp");

	(void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - config_base),
	    config_base,
	    "  tg: {elb: {target_group: \"" GROUP
	    "\", region: eu-central-1}, every: 5s, fall: 1}\n",
	    at);
	char *member = strstr(text, "fra: {weight: 70, ");
	memmove(member + 18 + 13, member + 18, strlen(member + 18) + 1);
	memcpy(member + 18, "targets: tg, ", 13);
	parse(text);
	const struct config_service *s = service("www");
	ck_assert_str_eq(c->check[s->member[0].targets].name, "tg");
	ck_assert_str_eq(c->check[s->member[0].check].name, "web");
	ck_assert_uint_eq(s->member[0].endpoints, 1);
	ck_assert_uint_eq(s->rule.member[0].targets.fall, 1);
	ck_assert_uint_eq(s->rule.member[0].detector.fall, 3);
	ck_assert_int_eq(s->member[1].targets, -1);
	ck_assert_uint_eq(s->rule.member[1].targets.fall, 0);
	fini();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("elb");
	TCase *t = tcase_create("elb");

	tcase_add_loop_test(t, shares, 0, sizeof rows / sizeof rows[0]);
	tcase_add_test(t, who_cannot_be_asked_is_unknown);
	tcase_add_test(t, fields);
	tcase_add_test(t, places);
	tcase_add_test(t, configured);
	tcase_add_test(t, beside);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
