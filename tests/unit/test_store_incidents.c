/* SPDX-License-Identifier: Apache-2.0 */
/* The store's rows of incidents, as they are put and as another process reads them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/store.h"

static char directory[64];

static void
make_directory(void)
{
	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
remove_directory(void)
{
	char command[96];

	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

struct texts {
	unsigned count;
	char all[256];
};

static void
gather(const char *text, void *arg)
{
	struct texts *t = arg;
	size_t used = strlen(t->all);

	t->count++;
	(void)snprintf(t->all + used, sizeof t->all - used, "%s ", text);
}

static struct texts
incidents(const char *name, uint64_t run, uint32_t n)
{
	struct texts t = {0};
	struct err e = {""};

	ck_assert_msg(
	    store_incidents(directory, name, run, n, gather, &t, &e), "%s", e.text);
	return t;
}

START_TEST(incidents_are_replaced_and_found)
{
	struct store *s = store_new(directory, NULL);

	store_put_incident(s, "www", 0, "shop-dr", "fault", 1);
	store_put_incident(s, "www", 17, "shop-dr", "begun", 2);
	store_put_incident(s, "www", 0, "shop-dr", "", 3);
	store_put_incident(s, "api", 17, "", "drain", 4);
	store_put_incident(s, "www", 21, "shop-dr", "back", 5);
	store_put_incident(s, "www", 17, "shop-dr", "over", 6);
	store_free(s);
	ck_assert_str_eq(incidents("", 0, 9).all, "over drain back ");
	ck_assert_str_eq(incidents("shop-dr", 0, 9).all, "over back ");
	ck_assert_str_eq(incidents("www", 17, 9).all, "over ");
	ck_assert_str_eq(incidents("", 17, 9).all, "over drain ");
	ck_assert_str_eq(incidents("", 0, 1).all, "back ");
	ck_assert_uint_eq(incidents("wwww", 0, 9).count, 0);
}
END_TEST

START_TEST(incidents_are_bounded)
{
	struct store *s = store_new(directory, NULL);

	for (unsigned i = 1; i <= 1010; i++)
		store_put_incident(s, "www", i, "", "x", i);
	store_free(s);
	store_free(store_new(directory, NULL));
	ck_assert_uint_eq(incidents("", 0, 5000).count, 1000);
	ck_assert_uint_eq(incidents("", 10, 5000).count, 0);
	ck_assert_uint_eq(incidents("", 1010, 5000).count, 1);
}
END_TEST

/* A store of an agent that knew of no incidents is read and goes on. */
START_TEST(a_file_without_incidents_has_none)
{
	char command[256];

	store_free(store_new(directory, NULL));
	(void)snprintf(command, sizeof command,
	    "/usr/bin/python3 -c \"import sqlite3; c = sqlite3.connect('%s/pointsman.db');"
	    "c.execute('DROP TABLE incidents')\"",
	    directory);
	ck_assert_int_eq(system(command), 0);
	ck_assert_uint_eq(incidents("", 0, 9).count, 0);
	struct store *s = store_new(directory, NULL);
	store_put_incident(s, "www", 17, "shop-dr", "begun", 2);
	store_free(s);
	ck_assert_str_eq(incidents("", 0, 9).all, "begun ");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store_incidents");
	TCase *c = tcase_create("store_incidents");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, make_directory, remove_directory);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, incidents_are_replaced_and_found);
	tcase_add_test(c, incidents_are_bounded);
	tcase_add_test(c, a_file_without_incidents_has_none);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
