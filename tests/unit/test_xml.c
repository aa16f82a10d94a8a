/* SPDX-License-Identifier: Apache-2.0 */
/* xml.c, route53_xml.c, route53_batch.c: what comes and what goes. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/route53_xml.h"
#include "steering/zone/xml.h"

#define NS " xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\""

static struct err e;

/* ---- the reader ---- */

static bool
nothing_open(void *arg, const char *name, unsigned depth, struct err *err)
{
	(void)name, (void)depth, (void)err;
	++*(unsigned *)arg;
	return true;
}

static bool
nothing_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *err)
{
	(void)arg, (void)parent, (void)name, (void)depth;
	return strcmp(text, "stop") != 0 || err_set(err, "stopped here");
}

static bool
parses(const char *text)
{
	static const struct xml_reader reader = {nothing_open, nothing_close};
	unsigned opened = 0;

	e.text[0] = '\0';
	return xml_parse(text, strlen(text), &reader, &opened, &e);
}

START_TEST(bounds)
{
	struct text t = TEXT_INIT(1 << 20);

	ck_assert(parses("<a><b>text</b></a>"));
	ck_assert(!parses(""));
	ck_assert(!parses("<a>"));
	ck_assert(!parses("<a></b>"));
	ck_assert(!parses("not XML"));
	ck_assert(!parses("<a>stop</a>"));
	ck_assert_str_eq(e.text, "stopped here");
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		text_add_str(&t, "<d>");
	for (int i = 0; i < XML_DEPTH_MAX; i++)
		text_add_str(&t, "</d>");
	ck_assert(parses(text_str(&t)));
	text_clear(&t);
	for (int i = 0; i < 100000; i++)
		text_add_str(&t, "<d>");
	ck_assert(!parses(text_str(&t)));
	ck_assert_ptr_nonnull(strstr(e.text, "too deep"));
	text_clear(&t);
	text_add_str(&t, "<a>");
	for (int i = 0; i <= XML_TEXT_MAX; i++)
		text_add_char(&t, 'x');
	text_add_str(&t, "</a>");
	ck_assert(!parses(text_str(&t)));
	ck_assert_ptr_nonnull(strstr(e.text, "too long a text"));
	text_fini(&t);
}
END_TEST

START_TEST(no_entities)
{
	ck_assert(!parses("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"));
	ck_assert_ptr_nonnull(strstr(e.text, "document type"));
	ck_assert(!parses("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"));
	ck_assert(!parses("<a>&undeclared;</a>"));
	ck_assert(parses("<a>&amp;&lt;&#65;</a>"));
}
END_TEST

START_TEST(escaping)
{
	struct text t = TEXT_INIT(256);

	xml_add_escaped(&t, "a&b<c>d\"e'f");
	ck_assert_str_eq(text_str(&t), "a&amp;b&lt;c&gt;d&quot;e&apos;f");
	xml_add_escaped(&t, "\x01");
	ck_assert(!text_ok(&t));
	text_fini(&t);
}
END_TEST

/* ---- lists ---- */

static struct route53_item got[8];
static char got_values[8][8192];
static size_t got_n;

static bool
keep(const struct route53_item *item, void *arg)
{
	(void)arg;
	ck_assert_uint_lt(got_n, 8);
	got[got_n] = *item;
	strcpy(got_values[got_n++], item->values);
	return true;
}

static bool
list(const char *sets, const char *rest, struct route53_page *page)
{
	struct text t = TEXT_INIT(1 << 20);
	bool good;

	got_n = 0;
	text_addf(&t,
	    "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse" NS ">"
	    "<ResourceRecordSets>%s</ResourceRecordSets>%s"
	    "</ListResourceRecordSetsResponse>",
	    sets, rest);
	good = route53_parse_list(text_str(&t), t.n, page, keep, NULL, &e);
	text_fini(&t);
	return good;
}

static const struct rrset *
one_set(const char *inside)
{
	struct route53_page page;
	char text[16384];

	(void)snprintf(
	    text, sizeof text, "<ResourceRecordSet>%s</ResourceRecordSet>", inside);
	ck_assert(list(text, "<IsTruncated>false</IsTruncated>", &page));
	ck_assert_uint_eq(got_n, 1);
	return &got[0].set;
}

#define VALUES(v) \
	"<ResourceRecords><ResourceRecord><Value>" v "</Value></ResourceRecord>"

START_TEST(weighted_set)
{
	const struct rrset *s = one_set(
	    "<Name>\\052.Example.com.</Name><Type>AAAA</Type><SetIdentifier>fra &amp; co"
	    "</SetIdentifier><Weight>0</Weight><TTL>60</TTL>" VALUES(
		"2001:DB8::1") "<ResourceRecord><Value>2001:db8::2</Value></ResourceRecord></ResourceRecords>"
			       "<HealthCheckId>abc</HealthCheckId>");

	ck_assert_str_eq(s->name, "\\052.example.com");
	ck_assert_int_eq(s->type, RR_AAAA);
	ck_assert_int_eq(s->policy, RR_WEIGHTED);
	ck_assert_str_eq(s->set_id, "fra & co");
	ck_assert_uint_eq(s->weight, 0);
	ck_assert_uint_eq(s->ttl_s, 60);
	ck_assert_uint_eq(s->values, 2);
	ck_assert_str_eq(
	    s->value, "2001:DB8::1\n2001:db8::2"); /* the zone's spelling */
	ck_assert_str_eq(s->health_check, "abc");
	ck_assert(!s->truncated && !s->alias);
}
END_TEST

START_TEST(alias_and_failover)
{
	const struct rrset *s = one_set(
	    "<Name>www.example.com.</Name><Type>A</Type><SetIdentifier>p</SetIdentifier>"
	    "<Failover>PRIMARY</Failover><AliasTarget><HostedZoneId>Z215JYRZR1TBD5"
	    "</HostedZoneId><DNSName>dualstack.LB-1.example.net.</DNSName>"
	    "<EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>");

	ck_assert_int_eq(s->policy, RR_PRIMARY);
	ck_assert(s->alias && s->alias_evaluate);
	ck_assert_str_eq(s->alias_zone, "Z215JYRZR1TBD5");
	ck_assert_str_eq(s->alias_name, "dualstack.lb-1.example.net");
	ck_assert_uint_eq(s->ttl_s, 0);
	s = one_set("<Name>a.</Name><Type>A</Type><Failover>SECONDARY</Failover>");
	ck_assert_int_eq(s->policy, RR_SECONDARY);
}
END_TEST

/* What a DELETE of ours could not repeat is marked, wherever the odd element stands. */
START_TEST(foreign_and_truncated)
{
	static const char *const foreign[] = {
	    "<Region>eu-central-1</Region>",
	    "<GeoLocation><CountryCode>DE</CountryCode></GeoLocation>",
	    "<MultiValueAnswer>true</MultiValueAnswer>",
	    "<TrafficPolicyInstanceId>x</TrafficPolicyInstanceId>",
	    "<CidrRoutingConfig><CollectionId>c</CollectionId></CidrRoutingConfig>",
	    "<NeverHeardOf>1</NeverHeardOf>",
	};
	static const char *const truncated[] = {
	    "<Weight>256</Weight>",
	    "<Weight>-1</Weight>",
	    "<TTL>99999999999</TTL>",
	    VALUES("a\nb") "</ResourceRecords>",
	};
	struct text many = TEXT_INIT(16384);
	char text[512];

	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		(void)snprintf(text, sizeof text,
		    "<Name>a.</Name><Type>A</Type>%s<Weight>1</Weight>", foreign[i]);
		ck_assert_int_eq(one_set(text)->policy, RR_FOREIGN);
		(void)snprintf(text, sizeof text,
		    "<Name>a.</Name><Type>A</Type><Weight>1</Weight>%s", foreign[i]);
		ck_assert_int_eq(one_set(text)->policy, RR_FOREIGN);
	}
	for (size_t i = 0; i < sizeof truncated / sizeof truncated[0]; i++) {
		(void)snprintf(
		    text, sizeof text, "<Name>a.</Name><Type>A</Type>%s", truncated[i]);
		ck_assert_msg(one_set(text)->truncated, "%s", truncated[i]);
	}
	text_add_str(&many, "<Name>a.</Name><Type>A</Type><ResourceRecords>");
	for (int i = 0; i < VALUES_MAX; i++)
		text_add_str(
		    &many, "<ResourceRecord><Value>1.1.1.1</Value></ResourceRecord>");
	ck_assert(!one_set((text_add_str(&many, "</ResourceRecords>"), text_str(&many)))
		       ->truncated);
	many.n -= strlen("</ResourceRecords>");
	text_add_str(&many,
	    "<ResourceRecord><Value>1.1.1.1</Value></ResourceRecord>"
	    "</ResourceRecords>");
	ck_assert(one_set(text_str(&many))->truncated);
	text_fini(&many);
}
END_TEST

START_TEST(long_txt)
{
	char text[8192], value[5000];

	memset(value, 'x', sizeof value);
	value[4000] = '\0';
	(void)snprintf(text, sizeof text,
	    "<Name>_pointsman.www.example.com.</Name><Type>TXT</Type><TTL>5</TTL>"
	    "<ResourceRecords><ResourceRecord><Value>\"%s\"</Value></ResourceRecord>"
	    "</ResourceRecords>",
	    value);
	ck_assert_int_eq(one_set(text)->type, RR_TXT);
	ck_assert_uint_eq(
	    strlen(got_values[0]), 4002); /* whole, though the set has no room */
}
END_TEST

START_TEST(pages)
{
	struct route53_page page;

	ck_assert(list("",
	    "<IsTruncated>true</IsTruncated><NextRecordName>\\052.B.example.com."
	    "</NextRecordName><NextRecordType>A</NextRecordType>"
	    "<NextRecordIdentifier>id</NextRecordIdentifier>",
	    &page));
	ck_assert(page.truncated);
	ck_assert_str_eq(page.next_name, "\\052.b.example.com");
	ck_assert_str_eq(page.next_type, "A");
	ck_assert_str_eq(page.next_id, "id");
	ck_assert(
	    list("", "<IsTruncated>false</IsTruncated>", &page) && !page.truncated);
	/* As one stand-in says it: truncated, but not where to go on. */
	ck_assert(!list("", "<IsTruncated>true</IsTruncated>", &page));
	ck_assert(!route53_parse_list("<Other/>", 8, &page, keep, NULL, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "<Other>"));
}
END_TEST

/* Any prefix of a real answer is refused, and nothing is read past its end. */
START_TEST(cut_answers)
{
	static const char whole[] =
	    "<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet>"
	    "<Name>a.</Name><Type>A</Type><TTL>1</TTL>" VALUES(
		"1.2.3.4") "</ResourceRecords>"
			   "</ResourceRecordSet></ResourceRecordSets></ListResourceRecordSetsResponse>";
	struct route53_page page;

	for (size_t n = 0; n < sizeof whole - 1; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, whole, n);
		got_n = 0;
		ck_assert(!route53_parse_list(cut, n, &page, keep, NULL, &e));
		free(cut);
	}
	got_n = 0;
	ck_assert(route53_parse_list(whole, sizeof whole - 1, &page, keep, NULL, &e));
}
END_TEST

/* ---- answers to changes ---- */

START_TEST(changes)
{
	static const char pending[] =
	    "<ChangeResourceRecordSetsResponse" NS
	    "><ChangeInfo><Id>/change/C2682N5HXP0BZ4"
	    "</Id><Status>PENDING</Status><SubmittedAt>2026-11-24T09:00:00Z</SubmittedAt>"
	    "</ChangeInfo></ChangeResourceRecordSetsResponse>";
	static const char insync[] =
	    "<GetChangeResponse><ChangeInfo><Id>C1</Id>"
	    "<Status>INSYNC</Status></ChangeInfo></GetChangeResponse>";
	static const char *const bad[] = {"", "<a/>", "<html><body>Id</body></html>",
	    "<r><ChangeInfo><Status>PENDING</Status></ChangeInfo></r>",
	    "<r><ChangeInfo><Id>../../x</Id></ChangeInfo></r>",
	    "<r><ChangeInfo><Id></Id></ChangeInfo></r>"};
	struct route53_change_info info;

	ck_assert(route53_parse_change(pending, sizeof pending - 1, &info, &e));
	ck_assert_str_eq(info.id, "C2682N5HXP0BZ4");
	ck_assert(!info.insync);
	ck_assert(route53_parse_change(insync, sizeof insync - 1, &info, &e));
	ck_assert_str_eq(info.id, "C1");
	ck_assert(info.insync);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert(!route53_parse_change(bad[i], strlen(bad[i]), &info, &e));
}
END_TEST

START_TEST(errors)
{
	static const char modern[] =
	    "<ErrorResponse" NS
	    "><Error><Type>Sender</Type><Code>InvalidChangeBatch</Code>"
	    "<Message>[Tried to delete resource record set [name='a.', type='A'] but the values "
	    "provided do not match the current values]</Message></Error></ErrorResponse>";
	static const char older[] =
	    "<InvalidChangeBatch" NS
	    "><Messages><Message>Weight is wrong\nhere</Message>"
	    "<Message>Tried to create resource record set [x] but it already exists</Message>"
	    "</Messages><RequestId>r</RequestId></InvalidChangeBatch>";
	static const char plain[] =
	    "<ErrorResponse><Error><Code>InvalidChangeBatch</Code>"
	    "<Message>[Invalid weight]</Message></Error></ErrorResponse>";
	static const char html[] = "<html><head/><body>403 Forbidden</body></html>";
	struct route53_error x;

	ck_assert(route53_parse_error(modern, sizeof modern - 1, &x, &e));
	ck_assert_str_eq(x.code, "InvalidChangeBatch");
	ck_assert(x.lost);
	ck_assert(route53_parse_error(older, sizeof older - 1, &x, &e));
	ck_assert_str_eq(x.code, "InvalidChangeBatch");
	ck_assert(x.lost);
	ck_assert_str_eq(x.message,
	    "Weight is wrong here; Tried to create resource record set "
	    "[x] but it already exists");
	ck_assert(route53_parse_error(plain, sizeof plain - 1, &x, &e));
	ck_assert(!x.lost);
	ck_assert(!route53_parse_error(html, sizeof html - 1, &x, &e));
}
END_TEST

/* Lost is seen in the last of very many messages, though only the first fit. */
START_TEST(long_errors)
{
	struct text t = TEXT_INIT(1 << 20);
	struct route53_error x;

	text_add_str(&t, "<InvalidChangeBatch><Messages>");
	for (int i = 0; i < 500; i++)
		text_add_str(&t, "<Message>something else is wrong</Message>");
	text_add_str(&t,
	    "<Message>[x] but it was not found</Message></Messages>"
	    "</InvalidChangeBatch>");
	ck_assert(route53_parse_error(text_str(&t), t.n, &x, &e));
	ck_assert(x.lost);
	ck_assert_uint_lt(strlen(x.message), sizeof x.message);
	text_fini(&t);
}
END_TEST

/* ---- what we send ---- */

START_TEST(change_document)
{
	struct rrset old_set = {.name = "\\052.example.com",
	    .type = RR_A,
	    .policy = RR_WEIGHTED,
	    .set_id = "<fra>",
	    .weight = 100,
	    .ttl_s = 60,
	    .values = 2,
	    .value = "192.0.2.1\n192.0.2.2",
	    .health_check = "hc"};
	struct rrset new_set = {.name = "\\052.example.com",
	    .type = RR_A,
	    .policy = RR_PRIMARY,
	    .set_id = "p",
	    .alias = true,
	    .alias_evaluate = true,
	    .alias_zone = "Z1",
	    .alias_name = "lb.example.net"};
	struct zone_edit edit = {&old_set, &new_set};
	struct zone_change c = {.ledger_name = "_pointsman.www.example.com",
	    .ledger_old = "one",
	    .ledger_new = "t\"wo",
	    .ledger_old_ttl_s = 6,
	    .ledger_ttl_s = 5,
	    .edits = 1,
	    .edit = &edit,
	    .comment = "drain <fra>\n"};
	struct text t = TEXT_INIT(65536);

	ck_assert(route53_format_change(&t, &c, "\"on\" \"e\"", &e));
	ck_assert_str_eq(text_str(&t),
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<ChangeResourceRecordSetsRequest" NS
	    "><ChangeBatch><Comment>drain &lt;fra&gt;?"
	    "</Comment><Changes>"
	    "<Change><Action>DELETE</Action><ResourceRecordSet>"
	    "<Name>_pointsman.www.example.com.</Name><Type>TXT</Type><TTL>6</TTL>" VALUES(
		"&quot;on&quot; &quot;e&quot;") "</ResourceRecords></ResourceRecordSet></Change>"
						"<Change><Action>DELETE</Action><ResourceRecordSet><Name>\\052.example.com.</Name>"
						"<Type>A</Type><SetIdentifier>&lt;fra&gt;</SetIdentifier><Weight>100</Weight>"
						"<TTL>60</TTL>" VALUES(
						    "192.0.2.1") "<ResourceRecord><Value>192.0.2.2</Value></ResourceRecord></ResourceRecords>"
								 "<HealthCheckId>hc</HealthCheckId></ResourceRecordSet></Change>"
								 "<Change><Action>CREATE</Action><ResourceRecordSet>"
								 "<Name>_pointsman.www.example.com.</Name><Type>TXT</Type><TTL>5</TTL>" VALUES(
								     "&quot;t\\&quot;wo&quot;") "</ResourceRecords></ResourceRecordSet></Change>"
												"<Change><Action>CREATE</Action><ResourceRecordSet><Name>\\052.example.com.</Name>"
												"<Type>A</Type><SetIdentifier>p</SetIdentifier><Failover>PRIMARY</Failover>"
												"<AliasTarget><HostedZoneId>Z1</HostedZoneId><DNSName>lb.example.net.</DNSName>"
												"<EvaluateTargetHealth>true</EvaluateTargetHealth></AliasTarget>"
												"</ResourceRecordSet></Change>"
												"</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	ck_assert_ptr_null(strstr(text_str(&t), "UPSERT"));
	text_fini(&t);
}
END_TEST

/* Not ours to write, and AWS's limits: told here, not by a 400. */
START_TEST(changes_refused_here)
{
	static struct rrset set[80];
	static struct zone_edit edit[80];
	struct zone_change c = {.ledger_name = "l.example.com",
	    .ledger_old = "",
	    .ledger_new = "x",
	    .ledger_ttl_s = 5,
	    .edit = edit};
	struct text t = TEXT_INIT(1 << 20);

	for (size_t i = 0; i < 80; i++) {
		set[i] = (struct rrset){
		    .name = "a.example.com", .type = RR_A, .ttl_s = 1, .values = 16};
		for (int v = 0; v < 16; v++)
			strcat(set[i].value, v ? "\n1.1.1.1" : "1.1.1.1");
		edit[i].new_set = &set[i];
	}
	c.edits = 62; /* and the ledger: 993 */
	ck_assert(route53_format_change(&t, &c, NULL, &e));
	c.edits = 63; /* 1,009 */
	text_clear(&t);
	ck_assert(!route53_format_change(&t, &c, NULL, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "1009 records"));
	c.edits = 40;
	for (size_t i = 0; i < 40; i++) {
		memset(set[i].value, 'x', RR_VALUES_BYTES - 1);
		set[i].values = 1;
	}
	text_clear(&t);
	ck_assert(!route53_format_change(&t, &c, NULL, &e));
	c.edits = 1;
	set[0] = (struct rrset){
	    .name = "a.example.com", .type = RR_A, .values = 1, .value = "1.1.1.1"};
	text_clear(&t);
	ck_assert(route53_format_change(&t, &c, NULL, &e));
	set[0].policy = RR_FOREIGN;
	ck_assert(!route53_format_change(&t, &c, NULL, &e));
	set[0].policy = RR_SIMPLE;
	set[0].truncated = true;
	ck_assert(!route53_format_change(&t, &c, NULL, &e));
	set[0].truncated = false;
	set[0].type = RR_OTHER;
	ck_assert(!route53_format_change(&t, &c, NULL, &e));
	text_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("xml");
	TCase *t = tcase_create("xml");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_test(t, bounds);
	tcase_add_test(t, no_entities);
	tcase_add_test(t, escaping);
	tcase_add_test(t, weighted_set);
	tcase_add_test(t, alias_and_failover);
	tcase_add_test(t, foreign_and_truncated);
	tcase_add_test(t, long_txt);
	tcase_add_test(t, pages);
	tcase_add_test(t, cut_answers);
	tcase_add_test(t, changes);
	tcase_add_test(t, errors);
	tcase_add_test(t, long_errors);
	tcase_add_test(t, change_document);
	tcase_add_test(t, changes_refused_here);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
