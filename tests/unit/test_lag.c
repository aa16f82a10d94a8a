/* SPDX-License-Identifier: Apache-2.0 */
/* What measures a loss: moments, numbers, manifests, listings and metrics as strangers
 * write them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/manifest.h"
#include "steering/zone/measure.h"
#include "steering/zone/metric_data.h"
#include "steering/zone/s3_listing.h"
#include "steering/zone/stamp.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define NOON INT64_C(1795521600000) /* 2026-11-24T12:00:00Z */

/* ---- moments ---- */

START_TEST(moments_are_read)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
	    {"1970-01-01T00:00:00Z", 0},
	    {"2026-11-24T12:00:00Z", NOON},
	    {"2026-11-24t12:00:00z", NOON},
	    {"2026-11-24T13:00:00+01:00", NOON},
	    {"2026-11-24T06:30:00-05:30", NOON},
	    {"2026-11-25T11:59:00+23:59", NOON},
	    {"2026-11-24T12:00:00-00:00", NOON},
	    {"2026-11-24T12:00:00.5Z", NOON + 500},
	    {"2026-11-24T12:00:00.1239999Z", NOON + 123},
	    {"2026-11-24T12:00:00.000001+00:00", NOON},
	    {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
	    {"2024-02-29T23:59:59Z", INT64_C(1709251199000)},
	    {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
	    {"2017-01-01T00:59:60+01:00", INT64_C(1483228800000)},
	    {"2015-06-30T23:59:60.25Z", INT64_C(1435708800250)},
	    {"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		int64_t ms = -1;

		ck_assert_msg(stamp_parse(good[i].text, &ms), "%s", good[i].text);
		ck_assert_msg(
		    ms == good[i].ms, "%s is %lld", good[i].text, (long long)ms);
	}
}
END_TEST

START_TEST(other_times_are_not)
{
	static const char *const bad[] = {"", "now", "1732449600", "2026-11-24",
	    "2026-11-24T12:00:00", "2026-11-24 12:00:00Z", "2026-11-24T12:00Z",
	    "2026-11-24T12:00:00 Z", " 2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z ",
	    "2026-11-24T12:00:00.Z", "2026-11-24T12:00:00,5Z", "26-11-24T12:00:00Z",
	    "2026-1-24T12:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z",
	    "2026-11-24T12:00:61Z", "2026-11-24T12:00:60Z", "2026-11-24T23:59:60Z",
	    "2016-12-31T23:59:60+01:00", "2026-11-31T12:00:00Z", "2026-02-29T12:00:00Z",
	    "2100-02-29T12:00:00Z", "2026-00-10T12:00:00Z", "2026-13-10T12:00:00Z",
	    "2026-11-00T12:00:00Z", "2026-11-32T12:00:00Z", "1969-12-31T23:59:59Z",
	    "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01",
	    "2026-11-24T12:00:00+0100", "2026-11-24T12:00:00+24:00",
	    "2026-11-24T12:00:00+01:60", "2026-11-24T12:00:00+1:00",
	    "2026-11-24T12:00:00ZZ", "+026-11-24T12:00:00Z", "2026/11/24T12:00:00Z",
	    "2026-11-24T12:00:00.000000000000000000000000000000000000000000001Z"};
	int64_t ms = 7;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(!stamp_parse(bad[i], &ms), "%s", bad[i]);
	ck_assert_int_eq(ms, 7);
}
END_TEST

/* Each day of a century, there and back. */
START_TEST(moments_come_back)
{
	char text[STAMP_MAX], again[STAMP_MAX];
	int64_t ms;

	for (int64_t day = 0; day < 36525 + 365; day++) {
		int64_t at = day * 86400000 + (day * 7919 % 86400) * 1000;

		stamp_format(text, at);
		ck_assert_msg(stamp_parse(text, &ms) && ms == at, "%s", text);
		stamp_format(again, at + 999);
		ck_assert_str_eq(text, again);
	}
	stamp_format(text, -1);
	ck_assert_str_eq(text, "");
	stamp_format(text, INT64_MAX);
	ck_assert_str_eq(text, "");
}
END_TEST

/* ---- numbers ---- */

START_TEST(numbers_are_read)
{
	static const struct {
		const char *text;
		double unit_s;
		uint64_t ms;
	} good[] = {{"0", 1, 0}, {"0.0", 1, 0}, {"0e9", 1, 0}, {"12\n", 1, 12000},
	    {"  3.5 \r\n", 1, 3500}, {".25", 1, 250}, {"0.001", 1, 1},
	    {"0.0000000001", 1, 1}, {"1e-30", 1, 1}, {"1.1", 1, 1100},
	    {"1.1001", 1, 1101}, {"2.5e2", 1, 250000}, {"2E+1", 1, 20000},
	    {"00012", 1, 12000}, {"1500", 0.001, 1500}, {"0.2", 0.001, 1},
	    {"315619200", 1, MEASURE_MS_MAX}, {"1", 60, 60000}};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		const char *t = good[i].text;
		struct err e = {""};
		uint64_t ms = 77;

		ck_assert_msg(measure_read(t, strlen(t), good[i].unit_s, &ms, &e),
		    "%s: %s", t, e.text);
		ck_assert_msg(
		    ms == good[i].ms, "%s is %llu", t, (unsigned long long)ms);
	}
}
END_TEST

START_TEST(garbage_is_no_number)
{
	static const struct {
		const char *text, *says;
	} bad[] = {{"", "nothing"}, {" \n\t", "nothing"}, {"-1", "not negative"},
	    {"-0.5", "not negative"}, {"-0", "not negative"},
	    {"-x", "'-x' is no number"}, {"--1", "no number"}, {"+1", "no number"},
	    {"nan", "no number"}, {"inf", "no number"}, {"0x10", "no number"},
	    {"1,5", "no number"}, {"1 2", "no number"}, {"1\n2", "'1?2' is no number"},
	    {"5.", "no number"}, {".", "no number"}, {"1e", "no number"},
	    {"1e+", "no number"}, {"12s", "no number"}, {"1.2.3", "no number"},
	    {"NULL", "no number"}, {"\x1b[31m1", "'?[31m1' is no number"},
	    {"1e400", "ten years"}, {"315619201", "ten years"}, {"1e18", "ten years"},
	    {"99999999999999999999999999999999999999999999999999999999999999999999",
		"no number"}};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *t = bad[i].text;
		struct err e = {""};
		uint64_t ms;

		ck_assert_msg(!measure_read(t, strlen(t), 1, &ms, &e), "%s", t);
		ck_assert_msg(strstr(e.text, bad[i].says) != NULL, "%s: %s", t, e.text);
	}
	struct err e;
	uint64_t ms;
	ck_assert(!measure_read("1\0002", 3, 1, &ms, &e));
}
END_TEST

static void
field(const char *json, const char *path, uint64_t want_ms, const char *says)
{
	struct err e = {""};
	uint64_t ms = 0;
	bool good = measure_json(json, strlen(json), path, &ms, &e);

	ck_assert_msg(good == (says == NULL), "%s: %s", json, e.text);
	if (good)
		ck_assert_uint_eq(ms, want_ms);
	else
		ck_assert_msg(strstr(e.text, says) != NULL, "%s: %s", json, e.text);
}

START_TEST(fields_of_json)
{
	field("{\"seconds\": 2}", "seconds", 2000, NULL);
	field("{\"seconds\": 0}", "seconds", 0, NULL);
	field("{\"seconds\": 1e-9}", "seconds", 1, NULL);
	field("{\"a\": {\"b\": [{\"lag\": \"1.5\"}]}}", "a.b.0.lag", 1500, NULL);
	field("[7, 8]", "1", 8000, NULL);
	field("{\"seconds\": -1}", "seconds", 0, "not negative");
	field("{\"seconds\": null}", "seconds", 0, "is null");
	field("{\"seconds\": true}", "seconds", 0, "no number");
	field("{\"seconds\": {}}", "seconds", 0, "no number");
	field("{\"seconds\": \"\"}", "seconds", 0, "nothing");
	field("{\"seconds\": \"12 s\"}", "seconds", 0, "no number");
	field("{\"seconds\": 1e300}", "seconds", 0, "ten years");
	field("{\"second\": 1}", "seconds", 0, "has no seconds");
	field("{\"a\": 1}", "a.b", 0, "has no a.b");
	field("[1]", "1", 0, "has no 1");
	field("[1]", "-1", 0, "has no");
	field("[1]", "99999999999999999999", 0, "has no");
	field("{\"a\":1,\"a\":2}", "a", 0, "not JSON");
	field("{\"seconds\": 1} x", "seconds", 0, "not JSON");
	field("1", "seconds", 0, "not JSON");
	field("", "seconds", 0, "not JSON");
	field("<html>", "seconds", 0, "not JSON");
	field("[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "0", 0, "nested");
	field("{\"seconds\": NaN}", "seconds", 0, "not JSON");
	field("{\"\": {\"\": 3}}", ".", 3000, NULL);
}
END_TEST

/* ---- manifests ---- */

#define TIMES                                        \
	"\"started_at\": \"2026-11-24T10:00:00Z\", " \
	"\"completed_at\": \"2026-11-24T11:00:00Z\""

static void
manifest(const char *json, const char *id, enum manifest_reading want, const char *says)
{
	struct manifest m;
	struct err e = {""};
	enum manifest_reading got = manifest_read(json, strlen(json), id, NOON, &m, &e);

	ck_assert_msg(got == want, "%s: %d, %s", json, (int)got, e.text);
	if (says != NULL)
		ck_assert_msg(strstr(e.text, says) != NULL, "%s: %s", json, e.text);
}

START_TEST(manifests_are_read)
{
	struct manifest m;
	struct err e;
	const char *all = "{\"id\": \"a:1/b_2.c=+@-\", " TIMES
			  ", \"encrypted\": true, \"size\": 1, \"other\": [1], "
			  "\"restored_at\": \"2026-11-24T12:00:30+00:00\"}";

	ck_assert(manifest_read(all, strlen(all), "", NOON, &m, &e) == MANIFEST_GOOD);
	ck_assert_str_eq(m.id, "a:1/b_2.c=+@-");
	ck_assert_int_eq(m.started_wall_ms, NOON - 2 * HOUR_MS);
	ck_assert_int_eq(m.completed_wall_ms, NOON - HOUR_MS);
	ck_assert_int_eq(m.restored_wall_ms, NOON + 30000);
	ck_assert(m.says_encrypted && m.encrypted);
	manifest("{\"id\": \"x\", " TIMES ", \"encrypted\": false}", "", MANIFEST_GOOD,
	    NULL);
	/* Where it lies says who it is. */
	manifest("{" TIMES "}", "x", MANIFEST_GOOD, NULL);
	manifest("{\"id\": \"x\", " TIMES "}", "x", MANIFEST_GOOD, NULL);
	manifest("{\"id\": \"y\", " TIMES "}", "x", MANIFEST_BAD, "lies at 'x'");
	manifest("{" TIMES "}", "", MANIFEST_BAD, "no id");
}
END_TEST

START_TEST(lies_are_not_believed)
{
#define BEGUN "{\"id\": \"x\", \"started_at\": "
	manifest(
	    BEGUN "\"2026-11-24T10:00:00Z\"}", "", MANIFEST_INCOMPLETE, "not complete");
	manifest(BEGUN "\"2026-11-24T10:00:00Z\", \"completed_at\": null}", "",
	    MANIFEST_INCOMPLETE, "not complete");
	manifest(BEGUN "null, \"completed_at\": \"2026-11-24T10:00:00Z\"}", "",
	    MANIFEST_BAD, "no started_at");
	manifest("{\"id\": \"x\"}", "", MANIFEST_BAD, "no started_at");
	manifest(BEGUN "\"2026-11-24T11:00:01Z\", \"completed_at\": "
		       "\"2026-11-24T11:00:00Z\"}",
	    "", MANIFEST_BAD, "completed before it was started");
	manifest(BEGUN "\"2026-11-24T11:00:00Z\", \"completed_at\": "
		       "\"2026-11-24T12:01:01Z\"}",
	    "", MANIFEST_BAD, "completed_at is in the future");
	manifest(BEGUN "\"2026-11-24T12:01:00Z\", \"completed_at\": "
		       "\"2026-11-24T12:01:00Z\"}",
	    "", MANIFEST_GOOD, NULL);
	manifest(BEGUN "\"2027-11-24T12:00:00Z\"}", "", MANIFEST_BAD,
	    "started_at is in the future");
	manifest(BEGUN "1732449600}", "", MANIFEST_BAD, "started_at is no RFC 3339");
	manifest(BEGUN "\"2026-11-24 10:00:00\"}", "", MANIFEST_BAD, "RFC 3339");
	manifest("{\"id\": \"x\", " TIMES ", \"restored_at\": "
		 "\"2026-11-24T10:30:00Z\"}",
	    "", MANIFEST_BAD, "restored before");
	manifest(
	    "{\"id\": \"x\", " TIMES ", \"size\": 0}", "", MANIFEST_BAD, "size is 0");
	manifest("{\"id\": \"x\", " TIMES ", \"size\": \"1 GB\"}", "", MANIFEST_BAD,
	    "no number of bytes");
	manifest(
	    "{\"id\": \"x\", " TIMES ", \"size\": -1}", "", MANIFEST_BAD, "no number");
	manifest("{\"id\": \"x\", " TIMES ", \"encrypted\": \"no\"}", "", MANIFEST_BAD,
	    "neither true nor false");
	manifest("[]", "", MANIFEST_BAD, "no JSON object");
	manifest("{", "", MANIFEST_BAD, "not JSON");
	manifest("", "", MANIFEST_BAD, "not JSON");
}
END_TEST

START_TEST(ids_go_into_arguments)
{
	static const char *const bad[] = {"", "-rf", "a b", "a\nb", "$(id)", "a;b",
	    "..", "../x", "a/../b", "a/..", "a\"b", "é", "{fence}"};
	char many[MANIFEST_ID_MAX + 1];
	static const char *const good[] = {"x", "2026-11-24T10:00:00Z", "a..b", "...",
	    "a/..b", "shop/base_0001", "_-"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(
		    !manifest_id_is_good(bad[i], strlen(bad[i])), "%s", bad[i]);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		ck_assert_msg(
		    manifest_id_is_good(good[i], strlen(good[i])), "%s", good[i]);
	ck_assert(!manifest_id_is_good("a\0b", 3));
	memset(many, 'a', sizeof many);
	ck_assert(manifest_id_is_good(many, MANIFEST_ID_MAX - 1));
	ck_assert(!manifest_id_is_good(many, MANIFEST_ID_MAX));
	manifest("{\"id\": 7, " TIMES "}", "", MANIFEST_BAD, "no id that is a text");
	manifest("{\"id\": \"-rf\", " TIMES "}", "", MANIFEST_BAD, "without a '-'");
}
END_TEST

/* ---- keys ---- */

START_TEST(the_newest_keys_are_read_first)
{
	struct backup_keys b = {0};
	char key[80];

	backup_keys_offer(&b, "shop/", "shop/a/manifest.json", 5);
	backup_keys_offer(&b, "shop/", "shop/a/data.0", 9);
	backup_keys_offer(&b, "shop/", "shop/manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop//manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop/a/b/manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop/../manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop/-x/manifest.json", 9);
	backup_keys_offer(&b, "shop/", "other/a/manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop/x y/manifest.json", 9);
	backup_keys_offer(&b, "shop/", "shop/a/manifest.json.tmp", 9);
	ck_assert_uint_eq(b.keys, 1);
	ck_assert_str_eq(b.key[0].id, "a");
	for (int i = 0; i < 100; i++) {
		(void)snprintf(key, sizeof key, "shop/k%d/manifest.json", i);
		backup_keys_offer(&b, "shop/", key, 10 + i * 37 % 100);
	}
	ck_assert_uint_eq(b.keys, BACKUPS_MAX);
	ck_assert_uint_eq(b.left_out, 101 - BACKUPS_MAX);
	for (uint32_t i = 0; i < b.keys; i++)
		ck_assert_int_eq(b.key[i].modified_wall_ms, 109 - (int64_t)i);
	b = (struct backup_keys){0};
	backup_keys_offer(&b, "", "a/manifest.json", 1);
	backup_keys_offer(&b, "day-", "day-7/manifest.json", 2);
	ck_assert_uint_eq(b.keys, 2);
	ck_assert_str_eq(b.key[0].id, "7");
}
END_TEST

/* ---- listings ---- */

struct listed {
	uint32_t n;
	char last[S3_KEY_MAX];
	int64_t modified;
};

static void
on_object(const struct s3_object *o, void *arg)
{
	struct listed *l = arg;

	l->n++;
	memcpy(l->last, o->key, sizeof l->last);
	l->modified = o->modified_wall_ms;
}

#define PAGE(inner)                                                \
	"<?xml version=\"1.0\"?><ListBucketResult "                \
	"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" inner \
	"</ListBucketResult>"
#define KEY(key)                                                             \
	"<Contents><Key>" key "</Key><LastModified>2026-11-24T12:00:00.000Z" \
	"</LastModified><ETag>&quot;x&quot;</ETag><Size>5</Size></Contents>"
#define WHOLE "<IsTruncated>false</IsTruncated>"

static bool
page(const char *xml, struct s3_page *p, struct listed *l, const char *says)
{
	struct err e = {""};
	bool good;

	*l = (struct listed){0};
	good = s3_parse_page(xml, strlen(xml), p, on_object, l, &e);
	ck_assert_msg(good == (says == NULL), "%s: %s", xml, e.text);
	if (!good)
		ck_assert_msg(strstr(e.text, says) != NULL, "%s: %s", xml, e.text);
	return good;
}

START_TEST(listings_are_read)
{
	struct s3_page p;
	struct listed l;

	page(PAGE(WHOLE), &p, &l, NULL);
	ck_assert_uint_eq(l.n, 0);
	page(PAGE(KEY("a/b") KEY("c%20d+e") WHOLE), &p, &l, NULL);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.last, "c%20d+e");
	ck_assert_int_eq(l.modified, NOON);
	/* The word on encoding may come last. */
	page(PAGE(KEY("a/b") KEY("c%20d+e%2F%00") KEY("c%20d+e%2f") WHOLE
		 "<EncodingType>url</EncodingType>"),
	    &p, &l, NULL);
	ck_assert_uint_eq(l.n, 2);
	ck_assert_str_eq(l.last, "c d e/");
	page(PAGE(WHOLE "<EncodingType>url</EncodingType>" KEY("%") KEY("%4")
		     KEY("%zz")),
	    &p, &l, NULL);
	ck_assert_uint_eq(l.n, 0);
	page(PAGE("<IsTruncated>true</IsTruncated>"
		  "<NextContinuationToken>1/a+b==</NextContinuationToken>" KEY("a")),
	    &p, &l, NULL);
	ck_assert(p.truncated);
	ck_assert_str_eq(p.next, "1/a+b==");
}
END_TEST

START_TEST(other_answers_are_no_listing)
{
	static char deep[40000];
	struct s3_page p;
	struct listed l;

	page("", &p, &l, "XML");
	page("<html><body/></html>", &p, &l, "no listing");
	page(PAGE(""), &p, &l, "no listing");
	page(PAGE("<IsTruncated>yes</IsTruncated>"), &p, &l, "neither true");
	page(PAGE("<IsTruncated>true</IsTruncated>"), &p, &l, "disagree");
	page(PAGE(WHOLE "<NextContinuationToken>x</NextContinuationToken>"), &p, &l,
	    "disagree");
	page(PAGE(WHOLE "<Contents><Key>a</Key></Contents>"), &p, &l, "LastModified");
	page(PAGE(WHOLE "<Contents><Key>a</Key><LastModified>today</LastModified>"
			"</Contents>"),
	    &p, &l, "LastModified");
	/* No object borrows from the one before it. */
	page(PAGE(WHOLE KEY("a") "<Contents><LastModified>2026-11-24T12:00:00Z"
				 "</LastModified></Contents>"),
	    &p, &l, NULL);
	ck_assert_uint_eq(l.n, 1);
	page("<!DOCTYPE a [<!ENTITY b \"c\">]>" PAGE(WHOLE), &p, &l, "document type");
	for (size_t i = 0; i + 3 < sizeof deep; i += 3)
		memcpy(deep + i, "<a>", 3);
	page(deep, &p, &l, "deep");
}
END_TEST

static void
refused(long status, const char *body, enum aws_result want, const char *says)
{
	struct http_response r = {.fate = HTTP_ANSWERED,
	    .status = status,
	    .body = body,
	    .body_bytes = strlen(body)};
	struct aws_verdict v;

	s3_judge(&v, "s3:ListBucket", "bucket b", &r);
	ck_assert_msg(v.result == want, "%s: %d", body, (int)v.result);
	ck_assert_msg(strstr(v.err.text, says) != NULL, "%s: %s", body, v.err.text);
}

START_TEST(refusals_say_what_to_do)
{
#define REFUSAL(code) "<Error><Code>" code "</Code><Message>m</Message></Error>"
	refused(200, "", AWS_OK, "");
	refused(403, REFUSAL("AccessDenied"), AWS_DENIED, "allow s3:ListBucket there");
	refused(403, REFUSAL("RequestTimeTooSkewed"), AWS_DENIED, "TooSkewed");
	refused(403, REFUSAL("InvalidAccessKeyId"), AWS_DENIED, "InvalidAccessKeyId");
	refused(404, REFUSAL("NoSuchBucket"), AWS_REFUSED, "no bucket");
	refused(404, REFUSAL("NoSuchKey"), AWS_REFUSED, "NoSuchKey");
	refused(301, REFUSAL("PermanentRedirect"), AWS_REFUSED, "another region");
	refused(503, REFUSAL("SlowDown"), AWS_BUSY, "SlowDown");
	refused(500, REFUSAL("InternalError"), AWS_UNKNOWN, "InternalError");
	refused(502, "<html>bad gateway</html>", AWS_UNKNOWN, "502");
	refused(403, "", AWS_UNKNOWN, "403");
	refused(204, "", AWS_UNKNOWN, "204");
}
END_TEST

/* ---- metrics ---- */

#define METRIC(times, values)                                                     \
	"<GetMetricDataResponse><GetMetricDataResult><MetricDataResults><member>" \
	"<Id>lag</Id><Label>ReplicaLag</Label><Timestamps>" times "</Timestamps>" \
	"<Values>" values "</Values><StatusCode>Complete</StatusCode></member>"   \
	"</MetricDataResults></GetMetricDataResult></GetMetricDataResponse>"
#define T(text) "<member>" text "</member>"

static void
metric(const char *xml, const char *value, const char *says)
{
	struct metric_point p;
	struct err e = {""};
	bool good = metric_parse(xml, strlen(xml), &p, &e);

	ck_assert_msg(good == (says == NULL), "%s: %s", xml, e.text);
	if (good)
		ck_assert_str_eq(p.value, value);
	else
		ck_assert_msg(strstr(e.text, says) != NULL, "%s: %s", xml, e.text);
}

START_TEST(datapoints_are_read)
{
	metric(METRIC(T("2026-11-24T12:00:00Z"), T("1.5")), "1.5", NULL);
	metric(METRIC(T("2026-11-24T11:58:00Z") T("2026-11-24T12:00:00Z")
			  T("2026-11-24T11:59:00Z"),
		   T("1.0") T("2.0E-3") T("3.0")),
	    "2.0E-3", NULL);
	metric(METRIC("", ""), NULL, "no datapoint");
	metric(METRIC(T("2026-11-24T12:00:00Z"), ""), NULL, "1 times and 0 values");
	metric(METRIC(T("noon"), T("1")), NULL, "no time");
	metric(METRIC(T("2026-11-24T12:00:00Z"),
		   T("1.0000000000000000000000000000000000")),
	    NULL, "no number");
	metric("<GetMetricDataResponse/>", NULL, "nothing about metrics");
	metric("<GetMetricDataResponse><GetMetricDataResult><MetricDataResults><member>"
	       "<StatusCode>Forbidden</StatusCode></member></MetricDataResults>"
	       "</GetMetricDataResult></GetMetricDataResponse>",
	    NULL, "Forbidden");
	metric("{}", NULL, "XML");
}
END_TEST

START_TEST(a_metric_is_asked_for)
{
	static const struct text_pair dimension[] = {{"DBInstanceIdentifier", "shop"}};
	struct metric_query q = {.name_space = "AWS/RDS",
	    .metric = "ReplicaLag",
	    .statistic = "",
	    .dimension = dimension,
	    .dimensions = 1};
	struct metric_room room;
	size_t n = metric_ask(&room, &q, NOON);

	ck_assert_uint_eq(n, 10);
	ck_assert_str_eq(room.start, "2026-11-24T11:53:00Z");
	ck_assert_str_eq(room.end, "2026-11-24T12:00:01Z");
	q.period_s = 300;
	(void)metric_ask(&room, &q, NOON);
	ck_assert_str_eq(room.start, "2026-11-24T11:35:00Z");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {moments_are_read, other_times_are_not,
	    moments_come_back, numbers_are_read, garbage_is_no_number, fields_of_json,
	    manifests_are_read, lies_are_not_believed, ids_go_into_arguments,
	    the_newest_keys_are_read_first, listings_are_read,
	    other_answers_are_no_listing, refusals_say_what_to_do, datapoints_are_read,
	    a_metric_is_asked_for};
	Suite *suite = suite_create("lag");
	TCase *t = tcase_create("lag");

	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
