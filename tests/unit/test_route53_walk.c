/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a service's names page by page (route53_walk.c). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/route53_walk.h"
#include "steering/zone/text.h"

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
static struct walk *sharer; /* of the next page; NULL none */

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
	if (sharer != NULL)
		ck_assert(walk_share(sharer, text_str(&t), t.n, &e));
	sharer = NULL;
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

/* A page that another read asked for: what stands on it whole is taken; the name at
 * which it stops, and one that is not on it, are asked for. */
START_TEST(a_page_is_shared)
{
	static const struct entry z[] = {A("api.example.com", ""),
	    LEDGER("_pointsman.api.example.com", "\"v7\""), A("www.example.com", "ams"),
	    LEDGER("_pointsman.www.example.com", "\"v1\"")};
	static const char api[][DNS_NAME_MAX] = {"api.example.com", "b.example.com"};
	struct walk_cursor c;

	zone = z;
	zone_n = sizeof z / sizeof z[0];
	for (page_max = 4; page_max >= 3; page_max--) {
		struct walk *own = walk_new("_pointsman.api.example.com", api, 1);
		struct walk *other = walk_new(www_ledger, www, 1);
		struct walk *absent = walk_new("_pointsman.api.example.com", api, 2);

		sharer = other;
		ck_assert(walk_next(own, &c) && give(own, &c, 0));
		ck_assert(!walk_next(own, &c));
		ck_assert(walk_next(other, &c) == (page_max == 3));
		if (page_max == 3)
			ck_assert_str_eq(c.name, www_ledger);
		while (walk_next(other, &c))
			ck_assert(give(other, &c, 0));
		struct zone_view *v = walk_take(other);
		ck_assert_str_eq(v->ledger, "v1");
		ck_assert_uint_eq(v->sets, 1);
		zone_view_free(v);
		walk_free(own);
		own = walk_new("_pointsman.api.example.com", api, 1);
		sharer = absent;
		ck_assert(walk_next(own, &c) && give(own, &c, 0));
		ck_assert(walk_next(absent, &c));
		ck_assert_str_eq(c.name, "b.example.com");
		walk_free(absent);
		walk_free(own);
		walk_free(other);
	}
	page_max = 300;
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

int
main(void)
{
	Suite *suite = suite_create("route53_walk");
	TCase *t = tcase_create("route53_walk");
	SRunner *r = srunner_create(suite);
	int failed;

	page_max = 300;
	suite_add_tcase(suite, t);
	tcase_add_test(t, one_page_serves_name_and_ledger);
	tcase_add_test(t, a_page_is_shared);
	tcase_add_test(t, absent_names);
	tcase_add_test(t, every_page_size);
	tcase_add_test(t, cost_in_a_large_zone);
	tcase_add_test(t, odd_ledgers);
	tcase_add_test(t, crowded_page);
	tcase_add_test(t, wildcards_and_other_types);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
