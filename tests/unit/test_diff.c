/* SPDX-License-Identifier: Apache-2.0 */
/* diff: exact deletes, fewest edits, never fewer record sets than before. */
#include <check.h>
#include <stdlib.h>

#include "steering/core/diff.h"

static struct rrset
set(const char *name, const char *id, uint8_t weight, const char *value)
{
	struct rrset s;

	memset(&s, 0, sizeof s);
	(void)snprintf(s.name, sizeof s.name, "%s", name);
	s.type = RR_A;
	s.policy = id[0] != '\0' ? RR_WEIGHTED : RR_SIMPLE;
	(void)snprintf(s.set_id, sizeof s.set_id, "%s", id);
	s.weight = weight;
	s.ttl_s = 30;
	s.values = 1;
	(void)snprintf(s.value, sizeof s.value, "%s", value);
	return s;
}

static struct diff_edit edit[16];
static size_t edits;
static struct err e;

static bool
plan(
    const struct rrset *have, size_t h, const struct rrset *want, size_t w, bool remove)
{
	e.text[0] = '\0';
	return diff_plan(have, h, want, w, remove, edit, &edits, &e);
}

START_TEST(equal_worlds)
{
	struct rrset have[] = {
	    set("w.x", "a", 100, "192.0.2.1"), set("w.x", "b", 100, "192.0.2.2")};
	struct rrset want[2];

	memcpy(want, have, sizeof want);
	/* the zone's order of values does not matter */
	have[0].values = want[0].values = 2;
	(void)snprintf(have[0].value, sizeof have[0].value, "192.0.2.1\n192.0.2.9");
	(void)snprintf(want[0].value, sizeof want[0].value, "192.0.2.9\n192.0.2.1");
	ck_assert(plan(have, 2, want, 2, false));
	ck_assert_uint_eq(edits, 0);
	ck_assert(plan(NULL, 0, NULL, 0, false));
	ck_assert_uint_eq(edits, 0);
}
END_TEST

START_TEST(one_weight)
{
	struct rrset have[] = {
	    set("w.x", "a", 100, "192.0.2.1"), set("w.x", "b", 100, "192.0.2.2")};
	struct rrset want[] = {
	    set("w.x", "a", 0, "192.0.2.1"), set("w.x", "b", 100, "192.0.2.2")};

	ck_assert(plan(have, 2, want, 2, false));
	ck_assert_uint_eq(edits, 1);
	ck_assert_ptr_eq(edit[0].old_set, &have[0]); /* as it was read, to the letter */
	ck_assert_ptr_eq(edit[0].new_set, &want[0]);
}
END_TEST

START_TEST(creation)
{
	struct rrset want[] = {
	    set("w.x", "a", 100, "192.0.2.1"), set("w.x", "b", 0, "192.0.2.2")};

	ck_assert(plan(NULL, 0, want, 2, false));
	ck_assert_uint_eq(edits, 2);
	ck_assert_ptr_null(edit[0].old_set);
	ck_assert_ptr_eq(edit[0].new_set, &want[0]);
	ck_assert_ptr_eq(edit[1].new_set, &want[1]);
}
END_TEST

START_TEST(never_fewer)
{
	struct rrset have[] = {
	    set("w.x", "a", 100, "192.0.2.1"), set("w.x", "b", 100, "192.0.2.2")};

	ck_assert(!plan(have, 2, have, 1, false));
	ck_assert_ptr_nonnull(strstr(e.text, "w.x A b"));
	ck_assert_uint_eq(edits, 0);
	ck_assert(plan(have, 2, have, 1, true));
	ck_assert_uint_eq(edits, 1);
	ck_assert_ptr_eq(edit[0].old_set, &have[1]);
	ck_assert_ptr_null(edit[0].new_set);
}
END_TEST

START_TEST(read_in_part)
{
	struct rrset have[] = {set("w.x", "a", 100, "192.0.2.1")};
	struct rrset want[] = {set("w.x", "a", 0, "192.0.2.1")};

	have[0].truncated = true;
	ck_assert(!plan(have, 1, want, 1, true));
	ck_assert_ptr_nonnull(strstr(e.text, "by hand"));
	ck_assert(!plan(have, 1, NULL, 0, true));
}
END_TEST

/* A simple set that becomes weighted ones goes first, or Route 53 refuses the batch. */
START_TEST(deletes_come_first)
{
	struct rrset have[] = {set("w.x", "", 0, "192.0.2.1")};
	struct rrset want[] = {set("a.x", "a", 100, "192.0.2.1"),
	    set("w.x", "a", 100, "192.0.2.1"), set("w.x", "b", 100, "192.0.2.2")};

	ck_assert(plan(have, 1, want, 3, true));
	ck_assert_uint_eq(edits, 4);
	ck_assert_ptr_eq(edit[0].old_set, &have[0]);
	ck_assert_ptr_null(edit[0].new_set);
	for (size_t i = 1; i < 4; i++)
		ck_assert_ptr_null(edit[i].old_set);
}
END_TEST

/* Every subset of four keys against every other: as a batch it makes `want` of `have`. */
START_TEST(every_pair_of_worlds)
{
	static const char *const id[] = {"a", "b", "c", "d"};

	for (unsigned bits = 0; bits < 256; bits++)
		for (unsigned differ = 0; differ < 16; differ++) {
			struct rrset have[4], want[4];
			size_t h = 0, w = 0, both_differ = 0, only_h = 0, only_w = 0;

			for (unsigned k = 0; k < 4; k++) {
				bool x = bits & 1u << k, y = bits & 16u << k;

				if (x)
					have[h++] = set("w.x", id[k], 1, "192.0.2.1");
				if (y)
					want[w++] = set("w.x", id[k],
					    differ & 1u << k ? 2 : 1, "192.0.2.1");
				both_differ += x && y && (differ & 1u << k) != 0;
				only_h += x && !y;
				only_w += y && !x;
			}
			ck_assert(plan(have, h, want, w, true));
			ck_assert_uint_eq(edits, both_differ + only_h + only_w);
			ck_assert(plan(have, h, want, w, false) == (only_h == 0));
			for (size_t i = 0; i < edits; i++)
				ck_assert(edit[i].old_set == NULL ||
				    edit[i].new_set == NULL ||
				    rrset_compare_key(
					edit[i].old_set, edit[i].new_set) == 0);
		}
}
END_TEST

START_TEST(description)
{
	struct rrset s = set("www.example.com", "fra", 100, "192.0.2.10\n192.0.2.11");
	char text[256];

	diff_describe(&s, text, sizeof text);
	ck_assert_str_eq(
	    text, "www.example.com A fra weight 100 ttl 30 192.0.2.10 192.0.2.11");
	s.alias = s.alias_evaluate = true;
	(void)snprintf(s.alias_name, sizeof s.alias_name, "lb.example.com");
	diff_describe(&s, text, sizeof text);
	ck_assert_str_eq(
	    text, "www.example.com A fra weight 100 alias lb.example.com evaluated");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("diff");
	TCase *t = tcase_create("diff");

	tcase_add_test(t, equal_worlds);
	tcase_add_test(t, one_weight);
	tcase_add_test(t, creation);
	tcase_add_test(t, never_fewer);
	tcase_add_test(t, read_in_part);
	tcase_add_test(t, deletes_come_first);
	tcase_add_test(t, every_pair_of_worlds);
	tcase_add_test(t, description);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
