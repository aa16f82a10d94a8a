/* SPDX-License-Identifier: Apache-2.0 */
/* One agent a state directory, whatever else is wrong with it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/agent/state.h"

static char directory[64];
static int first[2] = {-1, -1}, second[2] = {-1, -1};
static struct err e;

static void
make_directory(void)
{
	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
remove_directory(void)
{
	char command[96];

	state_unlock(first);
	state_unlock(second);
	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static const char *
lock_path(void)
{
	static char path[96];

	(void)snprintf(path, sizeof path, "%s/lock", directory);
	return path;
}

START_TEST(one_at_a_time)
{
	ck_assert_msg(state_lock(directory, first, &e), "%s", e.text);
	ck_assert(!state_lock(directory, second, &e));
	ck_assert_msg(strstr(e.text, "another agent runs") != NULL, "%s", e.text);
	ck_assert(second[0] < 0 && second[1] < 0);
	state_unlock(first);
	ck_assert(state_lock(directory, second, &e));
}
END_TEST

/* As on a disk without room for a file: then the directory itself is the lock. */
START_TEST(without_a_file)
{
	ck_assert_int_eq(mkdir(lock_path(), 0700), 0);
	ck_assert_msg(state_lock(directory, first, &e), "%s", e.text);
	ck_assert(!state_lock(directory, second, &e));
	/* Nor when there is room again. */
	ck_assert_int_eq(rmdir(lock_path()), 0);
	ck_assert(!state_lock(directory, second, &e));
	ck_assert_msg(strstr(e.text, "another agent runs") != NULL, "%s", e.text);
}
END_TEST

START_TEST(without_a_directory)
{
	ck_assert_int_eq(rmdir(directory), 0);
	ck_assert(!state_lock(directory, first, &e));
	ck_assert_msg(strstr(e.text, "No such file") != NULL, "%s", e.text);
}
END_TEST

/* Whatever stands in its place: the agent starts, and has a number. */
START_TEST(a_boot_file_that_is_none)
{
	static const char *const deed[] = {"true", "mkfifo %s/boot", "mkdir %s/boot",
	    "mkfifo %s/boot.new", "head -c 100000 /dev/zero >%s/boot",
	    "ln -s /dev/zero %s/boot", "echo ffffffffffffffffffff >%s/boot"};
	char command[200];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(command, sizeof command, deed[_i], directory);
#pragma GCC diagnostic pop
	ck_assert_int_eq(system(command), 0);
	uint64_t boot = state_next_boot(directory, 1000, 1, &e);
	ck_assert_uint_gt(boot, 0);
	ck_assert_uint_lt(boot, UINT64_MAX);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("state");
	TCase *c = tcase_create("state");

	tcase_add_checked_fixture(c, make_directory, remove_directory);
	tcase_add_test(c, one_at_a_time);
	tcase_add_test(c, without_a_file);
	tcase_add_test(c, without_a_directory);
	tcase_add_loop_test(c, a_boot_file_that_is_none, 0, 7);
	suite_add_tcase(s, c);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
