/* SPDX-License-Identifier: Apache-2.0 */
#include "probe/hosts.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/hosts-XXXXXX";

static void
write_hosts(const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static const char *
find(struct hosts *h, const char *name, enum family family)
{
	static char all[400];
	struct address a[4];
	uint32_t n = hosts_find(h, name, family, a, 4);

	all[0] = '\0';
	for (uint32_t i = 0; i < n; i++) {
		char text[ADDRESS_TEXT_MAX];

		address_format(&a[i], text);
		(void)strcat(strcat(all, text), " ");
	}
	return all;
}

START_TEST(finds_what_is_written)
{
	struct hosts *h;

	(void)close(mkstemp(path));
	write_hosts("# 192.0.2.9 web\n"
		    "192.0.2.1\tweb.example.test  web # other\r\n"
		    "::1 web six\nfe80::1%lo web\nrubbish web\n\n192.0.2.2\n"
		    "192.0.2.3 web\n192.0.2.1 WEB\n192.0.2.4 webs");
	h = hosts_new(path);
	ck_assert_str_eq(find(h, "web", FAMILY_V4), "192.0.2.1 192.0.2.3 ");
	ck_assert_str_eq(find(h, "Web.Example.test", FAMILY_V4), "192.0.2.1 ");
	ck_assert_str_eq(find(h, "web", FAMILY_V6), "::1 ");
	ck_assert_str_eq(find(h, "six", FAMILY_V4), "");
	ck_assert_str_eq(find(h, "other", FAMILY_V4), "");
	ck_assert_str_eq(find(h, "webs", FAMILY_V4), "192.0.2.4 ");
	/* What is written into the file later is seen, and what is longer is cut. */
	write_hosts("192.0.2.7 web\n192.0.2.8 web\n192.0.2.9 web\n192.0.2.10 web\n"
		    "192.0.2.11 web\n");
	ck_assert_str_eq(
	    find(h, "web", FAMILY_V4), "192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 ");
	hosts_free(h);
	(void)unlink(path);
}
END_TEST

START_TEST(no_file_has_no_names)
{
	struct hosts *h = hosts_new("/nonexistent/hosts");

	ck_assert_str_eq(find(h, "localhost", FAMILY_V4), "");
	hosts_free(h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("hosts");
	TCase *t = tcase_create("hosts");

	tcase_add_test(t, finds_what_is_written);
	tcase_add_test(t, no_file_has_no_names);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
