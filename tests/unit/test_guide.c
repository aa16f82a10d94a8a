/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guide's table of what an abort leaves behind is the program's own: what an
 * operator reads in a quiet hour is what will be said in a bad one.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/scenario.h"

static char *guide;

static void
read_guide(void)
{
	FILE *f = fopen(SOURCE_DIR "/packaging/doc/recovery-scenarios.md", "r");
	size_t used = 0, room = 1 << 20;

	ck_assert_ptr_nonnull(f);
	guide = calloc(1, room);
	ck_assert_ptr_nonnull(guide);
	used = fread(guide, 1, room - 1, f);
	ck_assert_uint_gt(used, 1000);
	ck_assert_int_eq(fclose(f), 0);
}

static void
free_guide(void)
{
	free(guide);
}

START_TEST(test_abort_leaves)
{
	enum slot s = (enum slot)_i;
	char row[400];

	int n = snprintf(row, sizeof row, "\n| `%s` | %s |\n", slot_word(s),
	    scenario_abort_leaves(s));
	ck_assert_int_lt(n, (int)sizeof row);
	ck_assert_msg(
	    strstr(guide, row) != NULL, "recovery-scenarios.md has no line%s", row);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("guide");
	TCase *t = tcase_create("abort");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, read_guide, free_guide);
	tcase_add_loop_test(t, test_abort_leaves, SLOT_NONE + 1, SLOTS);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
