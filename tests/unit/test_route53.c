/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the Route 53 provider: verdict, partition, request, spelling. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/ledger_spelling.h"
#include "steering/zone/partition.h"
#include "steering/zone/route53_ask.h"
#include "steering/zone/route53_verdict.h"

static struct err e;

/* ---- the verdict ---- */

#define ERROR(code, message)                                   \
	"<ErrorResponse><Error><Type>Sender</Type><Code>" code \
	"</Code><Message>" message                             \
	"</Message></Error><RequestId>r</RequestId></ErrorResponse>"
#define DONE                                                                \
	"<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id>" \
	"<Status>PENDING</Status></ChangeInfo></ChangeResourceRecordSetsResponse>"

static const struct {
	enum http_fate fate;
	long status;
	const char *body;
	enum zone_result change, read;
	enum budget_news news;
	bool resign;
} verdicts[] = {
    {HTTP_ANSWERED, 200, DONE, ZONE_OK, ZONE_OK, BUDGET_FINE, false},
    {HTTP_ANSWERED, 200, "<html/>", ZONE_UNKNOWN, ZONE_OK, BUDGET_FINE, false},
    {HTTP_ANSWERED, 200, "", ZONE_UNKNOWN, ZONE_OK, BUDGET_FINE, false},
    {HTTP_ANSWERED, 200, "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/chan",
	ZONE_UNKNOWN, ZONE_OK, BUDGET_FINE, false},
    {HTTP_ANSWERED, 302, "", ZONE_UNKNOWN, ZONE_OUT, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400,
	ERROR("InvalidChangeBatch", "values provided do not match the current values"),
	ZONE_LOST, ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400, ERROR("InvalidChangeBatch", "but it was not found"), ZONE_LOST,
	ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400, ERROR("InvalidChangeBatch", "but it already exists"),
	ZONE_LOST, ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400, ERROR("InvalidChangeBatch", "Weight must be 0 to 255"),
	ZONE_REFUSED, ZONE_REFUSED, BUDGET_FINE, false},
    /* The words alone do not make it lost. */
    {HTTP_ANSWERED, 404, ERROR("NoSuchHostedZone", "zone was not found"), ZONE_REFUSED,
	ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400, ERROR("InvalidInput", "already exists"), ZONE_REFUSED,
	ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 400, ERROR("Throttling", "Rate exceeded"), ZONE_BUSY, ZONE_BUSY,
	BUDGET_THROTTLED, false},
    {HTTP_ANSWERED, 400, ERROR("PriorRequestNotComplete", "wait"), ZONE_BUSY, ZONE_BUSY,
	BUDGET_PRIOR, false},
    {HTTP_ANSWERED, 403, ERROR("AccessDenied", "no"), ZONE_REFUSED, ZONE_REFUSED,
	BUDGET_FINE, false},
    {HTTP_ANSWERED, 403, ERROR("InvalidClientTokenId", "no"), ZONE_REFUSED,
	ZONE_REFUSED, BUDGET_FINE, false},
    {HTTP_ANSWERED, 403, ERROR("SignatureDoesNotMatch", "no"), ZONE_REFUSED,
	ZONE_REFUSED, BUDGET_FINE, true},
    {HTTP_ANSWERED, 400, ERROR("RequestExpired", "no"), ZONE_REFUSED, ZONE_REFUSED,
	BUDGET_FINE, true},
    {HTTP_ANSWERED, 400, ERROR("ServiceUnavailable", "no"), ZONE_UNKNOWN, ZONE_OUT,
	BUDGET_FINE, false},
    /* A no that is not in AWS's words may come from somebody between. */
    {HTTP_ANSWERED, 403, "<html>Forbidden</html>", ZONE_UNKNOWN, ZONE_OUT, BUDGET_FINE,
	false},
    {HTTP_ANSWERED, 407, "", ZONE_UNKNOWN, ZONE_OUT, BUDGET_FINE, false},
    {HTTP_ANSWERED, 500, ERROR("InternalFailure", ""), ZONE_UNKNOWN, ZONE_OUT,
	BUDGET_FINE, false},
    {HTTP_ANSWERED, 503, ERROR("Throttling", "even so"), ZONE_UNKNOWN, ZONE_OUT,
	BUDGET_FINE, false},
    {HTTP_NO_ANSWER, 0, "", ZONE_UNKNOWN, ZONE_OUT, BUDGET_FINE, false},
    {HTTP_NEVER_LEFT, 0, "", ZONE_OUT, ZONE_OUT, BUDGET_FINE, false},
};

START_TEST(verdict)
{
	struct http_response r = {.fate = verdicts[_i].fate,
	    .status = verdicts[_i].status,
	    .body = verdicts[_i].body,
	    .body_bytes = strlen(verdicts[_i].body),
	    .err = {"said by curl"}};
	struct route53_verdict v;

	route53_judge(&v, ROUTE53_CHANGE, "Z1", &r);
	ck_assert_msg(v.result == verdicts[_i].change, "change: %ld %s → %s", r.status,
	    r.body, zone_result_word(v.result));
	ck_assert_int_eq(v.news, verdicts[_i].news);
	ck_assert(v.resign == verdicts[_i].resign);
	ck_assert_msg(!v.again, "a change is never repeated");
	ck_assert((v.err.text[0] == '\0') == (v.result == ZONE_OK));
	if (v.result == ZONE_OK)
		ck_assert_str_eq(v.change_id, "C1");
	route53_judge(&v, ROUTE53_LIST, "Z1", &r);
	ck_assert_msg(v.result == verdicts[_i].read, "read: %ld %s → %s", r.status,
	    r.body, zone_result_word(v.result));
	ck_assert_int_ne(v.result, ZONE_LOST);
	ck_assert(v.again == (v.result == ZONE_OUT || v.result == ZONE_BUSY));
}
END_TEST

START_TEST(sentences)
{
	struct http_response r = {.fate = HTTP_ANSWERED, .status = 403};
	struct route53_verdict v;

	r.body = ERROR("AccessDenied", "User: arn:aws:iam::1:user/x is not authorized");
	r.body_bytes = strlen(r.body);
	route53_judge(&v, ROUTE53_CHANGE, "Z1", &r);
	ck_assert_ptr_nonnull(
	    strstr(v.err.text, "allow route53:ChangeResourceRecordSets"));
	ck_assert_ptr_nonnull(strstr(v.err.text, "Z1"));
	route53_judge(&v, ROUTE53_LIST, "Z1", &r);
	ck_assert_ptr_nonnull(
	    strstr(v.err.text, "allow route53:ListResourceRecordSets"));
	route53_judge(&v, ROUTE53_GET_CHANGE, "Z1", &r);
	ck_assert_ptr_nonnull(strstr(v.err.text, "allow route53:GetChange"));
}
END_TEST

/* ---- where ---- */

static const struct {
	const char *endpoint, *region, *url, *host, *signs; /* url NULL: refused */
} places[] = {
    {"", "", "https://route53.amazonaws.com", "route53.amazonaws.com", "us-east-1"},
    {"", "eu-central-1", "https://route53.amazonaws.com", "route53.amazonaws.com",
	"us-east-1"},
    {"", "cn-north-1", "https://route53.amazonaws.com.cn", "route53.amazonaws.com.cn",
	"cn-northwest-1"},
    {"", "us-gov-east-1", "https://route53.us-gov.amazonaws.com",
	"route53.us-gov.amazonaws.com", "us-gov-west-1"},
    {"https://route53.amazonaws.com.cn/", "", "https://route53.amazonaws.com.cn",
	"route53.amazonaws.com.cn", "cn-northwest-1"},
    {"http://127.0.0.1:4566", "", "http://127.0.0.1:4566", "127.0.0.1:4566",
	"us-east-1"},
    {"http://127.0.0.1:80/", "eu-west-1", "http://127.0.0.1:80", "127.0.0.1",
	"eu-west-1"},
    {"https://[::1]:443", "", "https://[::1]:443", "[::1]", "us-east-1"},
    {"127.0.0.1", "", NULL, NULL, NULL},
    {"ftp://x", "", NULL, NULL, NULL},
    {"https://", "", NULL, NULL, NULL},
    {"https://a/b", "", NULL, NULL, NULL},
    {"https://a?b", "", NULL, NULL, NULL},
    {"https://user@a", "", NULL, NULL, NULL},
};

START_TEST(place)
{
	struct route53_spec spec = {0};
	struct partition_place p;
	bool good;

	strcpy(spec.endpoint, places[_i].endpoint);
	strcpy(spec.region, places[_i].region);
	good = partition_find(&p, &spec, &e);
	ck_assert_msg(good == (places[_i].url != NULL), "%s", places[_i].endpoint);
	if (!good)
		return;
	ck_assert_str_eq(p.endpoint, places[_i].url);
	ck_assert_str_eq(p.host, places[_i].host);
	ck_assert_str_eq(p.region, places[_i].signs);
}
END_TEST

/* ---- the exact request ---- */

static bool
has(const struct route53_request *q, const char *name, const char *value)
{
	for (size_t i = 0; i < q->http.headers; i++)
		if (strcmp(q->http.header[i].name, name) == 0)
			return value == NULL ||
			    strcmp(q->http.header[i].value, value) == 0;
	return false;
}

START_TEST(request)
{
	static struct credentials who = {"AKIDLAB", "lab-secret", "", "test"};
	struct route53_where where = {.zone_id = "Z1", .total_ms = 10000};
	struct route53_spec spec = {0};
	struct text body = TEXT_INIT(100);
	struct route53_what what = {
	    .ask = ROUTE53_LIST, .cursor = {"\\052.example.com", "A", "fra & co", 40}};
	struct route53_request q;

	ck_assert(partition_find(&where.place, &spec, &e));
	ck_assert(route53_request_init(&q, &where, &what, &who, 1795510800, &e));
	ck_assert_str_eq(q.http.url,
	    "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1/rrset?"
	    "identifier=fra%20%26%20co&maxitems=40&name=%5C052.example.com.&type=A");
	ck_assert_str_eq(q.http.method, "GET");
	ck_assert_ptr_null(q.http.body);
	ck_assert(!q.http.once);
	ck_assert(has(&q, "Host", "route53.amazonaws.com"));
	ck_assert(has(&q, "X-Amz-Date", "20261124T090000Z"));
	ck_assert(has(&q, "Authorization", NULL));
	ck_assert(!has(&q, "X-Amz-Security-Token", NULL));
	ck_assert_uint_eq(q.http.connect_ms, 3000);
	ck_assert_uint_eq(q.http.total_ms, 10000);
	route53_request_fini(&q);
	text_add_str(&body, "<x/>");
	what = (struct route53_what){.ask = ROUTE53_CHANGE, .body = &body};
	strcpy(who.session_token, "token");
	ck_assert(route53_request_init(&q, &where, &what, &who, 1795510800, &e));
	ck_assert_str_eq(q.http.url,
	    "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1/rrset/");
	ck_assert_str_eq(q.http.method, "POST");
	ck_assert(q.http.once); /* its own connection: curl repeats on others */
	ck_assert_uint_eq(q.http.body_bytes, 4);
	ck_assert(has(&q, "Content-Type", "application/xml"));
	ck_assert(has(&q, "X-Amz-Security-Token", "token"));
	route53_request_fini(&q);
	what = (struct route53_what){.ask = ROUTE53_GET_CHANGE, .change_id = "C1"};
	ck_assert(route53_request_init(&q, &where, &what, &who, 1795510800, &e));
	ck_assert_str_eq(
	    q.http.url, "https://route53.amazonaws.com/2013-04-01/change/C1");
	route53_request_fini(&q);
	text_fini(&body);
}
END_TEST

START_TEST(spellings)
{
	struct ledger_spelling *list = NULL;

	ledger_spelling_keep(&list, "a", "text", "\"text\""); /* as we would */
	ck_assert_ptr_null(list);
	ledger_spelling_keep(&list, "a", "text", "\"te\" \"xt\"");
	ledger_spelling_keep(&list, "b", "other", "\"o\" \"ther\"");
	ck_assert_str_eq(ledger_spelling_find(list, "a", "text"), "\"te\" \"xt\"");
	ck_assert_str_eq(ledger_spelling_find(list, "b", "other"), "\"o\" \"ther\"");
	ck_assert_ptr_null(ledger_spelling_find(list, "a", "newer"));
	ledger_spelling_keep(&list, "a", "newer", "\"newer\"");
	ck_assert_ptr_null(ledger_spelling_find(list, "a", "text"));
	ledger_spelling_keep(&list, "b", "", "");
	ck_assert_ptr_null(list);
	ledger_spelling_keep(&list, "c", "x", "\"\\170\"");
	ledger_spelling_free(&list);
	ck_assert_ptr_null(list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("route53");
	TCase *t = tcase_create("route53");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_loop_test(t, verdict, 0, sizeof verdicts / sizeof verdicts[0]);
	tcase_add_test(t, sentences);
	tcase_add_loop_test(t, place, 0, sizeof places / sizeof places[0]);
	tcase_add_test(t, request);
	tcase_add_test(t, spellings);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
