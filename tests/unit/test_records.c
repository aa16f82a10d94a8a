/* SPDX-License-Identifier: Apache-2.0 */
/* records.c: identity, sameness and digests of record sets. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/records.h"

static struct rrset
make(enum rrtype type, const char *value)
{
	struct rrset s = {.name = "www.example.com",
	    .type = type,
	    .policy = RR_WEIGHTED,
	    .set_id = "fra",
	    .weight = 100,
	    .ttl_s = 60,
	    .values = 1};

	strcpy(s.value, value);
	for (const char *c = value; *c != '\0'; c++)
		s.values += *c == '\n';
	return s;
}

/* rrset_equal() and the digest must always agree. */
static bool
same(const struct rrset *a, const struct rrset *b)
{
	bool equal = rrset_equal(a, b);

	ck_assert(rrset_equal(b, a) == equal);
	ck_assert((rrset_digest(a, 1) == rrset_digest(b, 1)) == equal);
	return equal;
}

START_TEST(types)
{
	ck_assert_str_eq(rrtype_text(RR_A), "A");
	ck_assert_str_eq(rrtype_text(RR_AAAA), "AAAA");
	ck_assert_str_eq(rrtype_text(RR_CNAME), "CNAME");
	ck_assert_str_eq(rrtype_text(RR_TXT), "TXT");
	ck_assert_str_eq(rrtype_text(RR_OTHER), "?");
}
END_TEST

START_TEST(identity)
{
	struct rrset a = make(RR_A, "192.0.2.1"), b = a;

	ck_assert_int_eq(rrset_compare_key(&a, &b), 0);
	b.weight = 0;
	strcpy(b.value, "192.0.2.9");
	ck_assert_int_eq(rrset_compare_key(&a, &b), 0);
	strcpy(b.set_id, "ams");
	ck_assert_int_gt(rrset_compare_key(&a, &b), 0);
	ck_assert_int_lt(rrset_compare_key(&b, &a), 0);
	b.type = RR_AAAA;
	ck_assert_int_lt(rrset_compare_key(&a, &b), 0);
	strcpy(b.name, "a.example.com");
	ck_assert_int_gt(rrset_compare_key(&a, &b), 0);
}
END_TEST

START_TEST(every_field_counts)
{
	struct rrset a = make(RR_A, "192.0.2.1"), b;

#define DIFFERS(change)                                                \
	do {                                                           \
		b = a;                                                 \
		change;                                                \
		ck_assert_msg(!same(&a, &b), "not seen: %s", #change); \
	} while (0)
	DIFFERS(b.name[0] = 'x');
	DIFFERS(b.type = RR_TXT);
	DIFFERS(b.set_id[0] = 'x');
	DIFFERS(b.policy = RR_PRIMARY);
	DIFFERS(b.weight = 99);
	DIFFERS(b.ttl_s = 61);
	DIFFERS(b.truncated = true);
	DIFFERS(strcpy(b.health_check, "h"));
	DIFFERS(b.alias = true);
	DIFFERS(strcpy(b.value, "192.0.2.2"));
	DIFFERS((strcpy(b.value, "192.0.2.1\n192.0.2.1"), b.values = 2));
	a.alias = true;
	a.values = 0;
	a.value[0] = '\0';
	strcpy(a.alias_name, "lb.example.net");
	strcpy(a.alias_zone, "Z1");
	DIFFERS(b.alias_name[0] = 'x');
	DIFFERS(b.alias_zone[0] = 'Y');
	DIFFERS(b.alias_evaluate = true);
	b = a;
	strcpy(b.alias_name, "LB.example.net.");
	ck_assert(same(&a, &b));
	b.ttl_s = 9; /* an alias has none */
	ck_assert(same(&a, &b));
}
END_TEST

START_TEST(order_of_values)
{
	struct rrset a = make(RR_A, "192.0.2.1\n192.0.2.2\n192.0.2.3");
	struct rrset b = make(RR_A, "192.0.2.3\n192.0.2.1\n192.0.2.2");

	ck_assert(same(&a, &b));
	a = make(RR_A, "192.0.2.1\n192.0.2.1\n192.0.2.2");
	b = make(RR_A, "192.0.2.1\n192.0.2.2\n192.0.2.2");
	ck_assert(!same(&a, &b));
}
END_TEST

static const struct {
	enum rrtype type;
	const char *a, *b;
	bool same;
} spellings[] = {
    {RR_AAAA, "2001:db8::1", "2001:0DB8:0:0:0:0:0:1", true},
    {RR_AAAA, "2001:db8::1", "2001:db8:0::0:1", true},
    {RR_AAAA, "::", "0:0:0:0:0:0:0:0", true},
    {RR_AAAA, "::1", "0::1", true},
    {RR_AAAA, "1::", "1:0:0:0:0:0:0:0", true},
    {RR_AAAA, "::ffff:192.0.2.1", "::FFFF:c000:201", true},
    {RR_AAAA, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:08", true},
    {RR_AAAA, "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:9", false},
    {RR_AAAA, "2001:db8::1", "2001:db8::10", false},
    {RR_AAAA, "1::2::3", "1:0:2::3", false}, /* not an address: its text alone */
    {RR_AAAA, "1:2:3:4:5:6:7::8", "1:2:3:4:5:6:7:8", false},
    {RR_AAAA, "12345::", "2345::", false},
    {RR_AAAA, ":1", "::1", false},
    {RR_AAAA, "1:", "1::", false},
    {RR_AAAA, "::1.2.3", "::1.2.3.0", false},
    {RR_AAAA, "::1.2.3.256", "::1.2.4.0", false},
    {RR_CNAME, "LB.Example.net.", "lb.example.net", true},
    {RR_CNAME, "lb.example.net", "lb.example.com", false},
    {RR_A, "192.0.2.1", "192.0.2.1", true},
    {RR_A, "192.0.2.1", "192.0.2.10", false},
    {RR_TXT, "\"a\"", "\"A\"", false},
};

START_TEST(spelling)
{
	struct rrset a = make(spellings[_i].type, spellings[_i].a);
	struct rrset b = make(spellings[_i].type, spellings[_i].b);

	ck_assert_msg(same(&a, &b) == spellings[_i].same, "%s and %s", spellings[_i].a,
	    spellings[_i].b);
}
END_TEST

START_TEST(digest_of_many)
{
	struct rrset sets[3] = {make(RR_A, "192.0.2.1"), make(RR_A, "192.0.2.2"),
	    make(RR_AAAA, "2001:db8::1")};
	struct rrset turned[3];
	uint64_t digest;

	strcpy(sets[1].set_id, "ams");
	turned[0] = sets[2];
	turned[1] = sets[0];
	turned[2] = sets[1];
	digest = rrset_digest(sets, 3);
	ck_assert_uint_eq(digest, rrset_digest(turned, 3));
	ck_assert_uint_ne(digest, rrset_digest(sets, 2));
	ck_assert_uint_ne(rrset_digest(sets, 0), rrset_digest(sets, 1));
	turned[0] = sets[0];
	turned[1] = sets[0];
	turned[2] = sets[1];
	ck_assert_uint_ne(digest, rrset_digest(turned, 3));
	/* Values that move between two sets must not cancel. */
	strcpy(turned[1].value, sets[1].value);
	strcpy(turned[2].value, sets[0].value);
	strcpy(turned[1].set_id, sets[0].set_id);
	ck_assert_uint_ne(rrset_digest(turned + 1, 2), rrset_digest(sets, 2));
}
END_TEST

/* Ledgers outlive versions: this number may never change without a new version. */
START_TEST(digest_is_fixed)
{
	struct rrset s = make(RR_A, "192.0.2.1");

	ck_assert_uint_eq(rrset_digest(&s, 1), UINT64_C(2778132166489142043));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("records");
	TCase *t = tcase_create("records");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_test(t, types);
	tcase_add_test(t, identity);
	tcase_add_test(t, every_field_counts);
	tcase_add_test(t, order_of_values);
	tcase_add_loop_test(t, spelling, 0, sizeof spellings / sizeof spellings[0]);
	tcase_add_test(t, digest_of_many);
	tcase_add_test(t, digest_is_fixed);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
