/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of the Route 53 provider: walk, verdict, partition, request, spelling. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/ledger_spelling.h"
#include "steering/zone/partition.h"
#include "steering/zone/route53_ask.h"
#include "steering/zone/route53_verdict.h"
#include "steering/zone/route53_walk.h"

static struct err e;

/* ---- the walk, over a zone that is a list of (name, type, id) in order ---- */

struct entry {
	const char *name, *type, *id, *value;
};

static const struct entry *zone;
static size_t zone_n;
static unsigned page_max; /* the zone gives at most so many, whatever is asked */
static bool no_next_id;
static unsigned requests, items_given;

static void
add_entry(struct text *t, const struct entry *x)
{
	text_addf(
	    t, "<ResourceRecordSet><Name>%s.</Name><Type>%s</Type>", x->name, x->type);
	if (x->id[0] != '\0')
		text_addf(
		    t, "<SetIdentifier>%s</SetIdentifier><Weight>1</Weight>", x->id);
	text_addf(t,
	    "<TTL>5</TTL><ResourceRecords><ResourceRecord><Value>%s</Value>"
	    "</ResourceRecord></ResourceRecords></ResourceRecordSet>",
	    x->value);
}

/* The first entry at or after the cursor: names by index of first appearance. */
static size_t
find(const struct walk_cursor *c, size_t from)
{
	for (size_t i = 0; i < zone_n; i++)
		if (strcmp(zone[i].name, c->name) == 0 &&
		    (c->type[0] == '\0' || strcmp(zone[i].type, c->type) == 0) &&
		    (c->id[0] == '\0' || strcmp(zone[i].id, c->id) == 0))
			return i;
	return from;
}

static bool
give(struct walk *w, const struct walk_cursor *c, size_t absent_at)
{
	struct text t = TEXT_INIT(1 << 20);
	size_t i = find(c, absent_at), n = 0;
	bool good;

	requests++;
	text_add_str(&t, "<ListResourceRecordSetsResponse><ResourceRecordSets>");
	for (; i < zone_n && n < c->items_max && n < page_max; i++, n++)
		add_entry(&t, &zone[i]);
	items_given += (unsigned)n;
	text_add_str(&t, "</ResourceRecordSets>");
	text_addf(&t, "<IsTruncated>%s</IsTruncated>", i < zone_n ? "true" : "false");
	if (i < zone_n) {
		text_addf(&t,
		    "<NextRecordName>%s.</NextRecordName><NextRecordType>%s"
		    "</NextRecordType>",
		    zone[i].name, zone[i].type);
		if (zone[i].id[0] != '\0' && !no_next_id)
			text_addf(&t, "<NextRecordIdentifier>%s</NextRecordIdentifier>",
			    zone[i].id);
	}
	text_add_str(&t, "</ListResourceRecordSetsResponse>");
	good = walk_feed(w, text_str(&t), t.n, &e);
	text_fini(&t);
	return good;
}

/* absent_at: where a name that is not in the zone would stand. */
static struct zone_view *
walk_zone(
    const char *ledger, const char (*names)[DNS_NAME_MAX], size_t n, size_t absent_at)
{
	struct walk *w = walk_new(ledger, names, n);
	struct walk_cursor c;
	struct zone_view *v;

	requests = items_given = 0;
	while (walk_next(w, &c)) {
		if (!give(w, &c, absent_at)) {
			walk_free(w);
			return NULL;
		}
		ck_assert_uint_lt(requests, 80);
	}
	v = walk_take(w);
	walk_free(w);
	return v;
}

#define A(name, id)                        \
	{                                  \
		name, "A", id, "192.0.2.1" \
	}
#define LEDGER(name, v)            \
	{                          \
		name, "TXT", "", v \
	}

static const char www[][DNS_NAME_MAX] = {"www.example.com"};
static const char www_ledger[] = "_pointsman.www.example.com";

START_TEST(one_page_serves_name_and_ledger)
{
	static const struct entry z[] = {A("a.example.com", ""),
	    A("www.example.com", "ams"), A("www.example.com", "fra"),
	    LEDGER("_pointsman.www.example.com", "\"v1\""), A("zzz.example.com", "")};
	struct zone_view *v;

	zone = z;
	zone_n = sizeof z / sizeof z[0];
	v = walk_zone(www_ledger, www, 1, 0);
	ck_assert_uint_eq(requests, 1);
	ck_assert(v->ledger_present && !v->ledger_odd);
	ck_assert_str_eq(v->ledger, "v1");
	ck_assert_uint_eq(v->ledger_ttl_s, 5);
	ck_assert_uint_eq(v->sets, 2);
	ck_assert_str_eq(v->set[0].set_id, "ams");
	ck_assert_str_eq(v->set[1].set_id, "fra");
	zone_view_free(v);
}
END_TEST

START_TEST(absent_names)
{
	static const struct entry z[] = {
	    A("a.example.com", ""), A("zzz.example.com", "")};
	struct zone_view *v;

	zone = z;
	zone_n = 2;
	v = walk_zone(www_ledger, www, 1, 1);
	ck_assert_uint_eq(requests, 2);
	ck_assert(!v->ledger_present && !v->ledger_odd && v->sets == 0);
	zone_view_free(v);
	zone_n = 0;
	v = walk_zone(www_ledger, www, 1, 0);
	ck_assert(!v->ledger_present && v->sets == 0);
	zone_view_free(v);
}
END_TEST

/* Any size of page, with and without the next identifier: the same view. */
START_TEST(every_page_size)
{
	static struct entry z[120];
	static char id[120][16];
	static const char names[2][DNS_NAME_MAX] = {
	    "www.example.com", "api.example.com"};
	size_t n = 0;

	z[n++] = (struct entry)A("api.example.com", "ams");
	z[n++] = (struct entry){"api.example.com", "MX", "", "10 mail.example.com"};
	z[n++] = (struct entry)A("m.example.com", "");
	for (int i = 0; i < 60; i++) {
		(void)snprintf(id[i], sizeof id[i], "s%03d", i);
		z[n++] = (struct entry){
		    "www.example.com", i < 30 ? "A" : "AAAA", id[i], "::1"};
	}
	z[n++] = (struct entry)LEDGER("_pointsman.www.example.com", "\"a\" \"b\"");
	z[n++] = (struct entry)A("zzz.example.com", "");
	zone = z;
	zone_n = n;
	for (page_max = 1; page_max <= 70; page_max++) {
		struct zone_view *v;

		no_next_id = false;
		v = walk_zone(www_ledger, names, 2, 0);
		ck_assert_msg(v != NULL, "pages of %u: %s", page_max, e.text);
		ck_assert_uint_eq(v->sets, 61);
		ck_assert_str_eq(v->ledger, "ab");
		zone_view_free(v);
		/* Without the identifier a page begins again at its type; what comes twice
		 * counts once, and what cannot advance says so instead of going on for ever. */
		no_next_id = true;
		v = walk_zone(www_ledger, names, 2, 0);
		if (v == NULL) {
			ck_assert_uint_le(page_max, 30);
			ck_assert_ptr_nonnull(strstr(e.text, "get past"));
			continue;
		}
		ck_assert_uint_eq(v->sets, 61);
		ck_assert_str_eq(v->ledger, "ab");
		zone_view_free(v);
	}
	no_next_id = false;
	page_max = 300;
}
END_TEST

/* What a read costs depends on the service, not on the zone. */
START_TEST(cost_in_a_large_zone)
{
	static struct entry z[10010];
	static char name[10010][40];
	unsigned small;
	size_t n = 0;

	for (int i = 0; i < 10000; i++) {
		if (i == 5000) {
			z[n++] = (struct entry)A("www.example.com", "fra");
			z[n++] =
			    (struct entry)LEDGER("_pointsman.www.example.com", "\"v\"");
		}
		(void)snprintf(name[i], sizeof name[i], "h%05d.example.com", i);
		z[n++] = (struct entry){name[i], "A", "", "192.0.2.1"};
	}
	zone = z;
	zone_n = n;
	zone_view_free(walk_zone(www_ledger, www, 1, 0));
	small = items_given;
	ck_assert_uint_eq(requests, 1);
	ck_assert_uint_le(small, 40);
}
END_TEST

START_TEST(odd_ledgers)
{
	static const struct entry shapes[][2] = {
	    {LEDGER("_pointsman.www.example.com", "unquoted"), A("z.example.com", "")},
	    {{"_pointsman.www.example.com", "TXT", "weighted", "\"v1\""},
		A("z.example.com", "")},
	    {{"_pointsman.www.example.com", "CNAME", "", "else.example.com"},
		A("z.example.com", "")},
	    {A("_pointsman.www.example.com", ""),
		LEDGER("_pointsman.www.example.com", "\"v1\"")},
	    {LEDGER("_pointsman.www.example.com",
		 "\"v1\"</Value></ResourceRecord>"
		 "<ResourceRecord><Value>\"v2\""),
		A("z.example.com", "")},
	    {LEDGER("_pointsman.www.example.com", "\"\""), A("z.example.com", "")},
	};

	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		struct zone_view *v;

		zone = shapes[i];
		zone_n = 2;
		v = walk_zone(www_ledger, www, 1, 0);
		ck_assert_msg(v->ledger_odd && !v->ledger_present, "shape %zu", i);
		ck_assert_str_eq(v->ledger, "");
		ck_assert_uint_eq(v->sets, 0);
		zone_view_free(v);
	}
}
END_TEST

/* A stand-in that answers "*" unescaped, for a wildcard service at the apex's side. */
START_TEST(wildcards_and_other_types)
{
	static const struct entry z[] = {{"example.com", "MX", "", "10 a"},
	    {"example.com", "TXT", "", "\"spf\""}, A("example.com", "fra"),
	    A("*.example.com", "fra"), LEDGER("_pointsman.all.example.com", "\"v\"")};
	static const char names[2][DNS_NAME_MAX] = {"\\052.example.com", "example.com"};
	struct zone_view *v;

	zone = z;
	zone_n = sizeof z / sizeof z[0];
	v = walk_zone("_pointsman.all.example.com", names, 2, 3);
	ck_assert_uint_eq(v->sets, 2);
	ck_assert_str_eq(v->set[0].name, "\\052.example.com");
	ck_assert_str_eq(v->set[1].name, "example.com");
	ck_assert(v->ledger_present);
	zone_view_free(v);
}
END_TEST

/* One answer with so many sets, all of them at the name asked for. */
static bool
feed_crowd(unsigned n)
{
	struct walk *w = walk_new(www_ledger, www, 1);
	struct text t = TEXT_INIT(1 << 20);
	bool good;

	text_add_str(&t, "<ListResourceRecordSetsResponse><ResourceRecordSets>");
	for (unsigned i = 0; i < n; i++) {
		char id[16];
		struct entry x = A("www.example.com", id);

		(void)snprintf(id, sizeof id, "%u", i);
		add_entry(&t, &x);
	}
	text_add_str(&t,
	    "</ResourceRecordSets><IsTruncated>false</IsTruncated>"
	    "</ListResourceRecordSetsResponse>");
	good = walk_feed(w, text_str(&t), t.n, &e);
	text_fini(&t);
	walk_free(w);
	return good;
}

/* More than Route 53 ever gives: each would be compared with all before it. */
START_TEST(crowded_page)
{
	ck_assert(feed_crowd(300));
	ck_assert(!feed_crowd(301));
	ck_assert_msg(strstr(e.text, "a page of more than 300 record sets") != NULL,
	    "%s", e.text);
}
END_TEST

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

	page_max = 300;
	suite_add_tcase(suite, t);
	tcase_add_test(t, one_page_serves_name_and_ledger);
	tcase_add_test(t, absent_names);
	tcase_add_test(t, every_page_size);
	tcase_add_test(t, cost_in_a_large_zone);
	tcase_add_test(t, odd_ledgers);
	tcase_add_test(t, crowded_page);
	tcase_add_test(t, wildcards_and_other_types);
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
