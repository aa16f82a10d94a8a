/* SPDX-License-Identifier: Apache-2.0 */
/* The page of reference: every example is what the parser takes, and the page in the
 * repository is the one that the table makes. */
#include "config/reference.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/put.h"

static bool
scalar(const struct schema_key *row)
{
	switch ((int)row->type) {
	case T_BLOCK:
	case T_NAMED:
	case T_PARAMS:
	case T_LIST:
	case T_HEADERS:
		return false;
	default:
		return true;
	}
}

START_TEST(every_example_is_accepted)
{
	static unsigned char place[8192];
	struct walk w = {.folder = "/etc/pointsman"};
	size_t n, tried = 0;
	const struct schema_key *row = schema_keys(&n);

	for (size_t i = 0; i < n; i++) {
		const char *text = reference_example(&row[i]);
		struct err e = {{0}};

		if (!scalar(&row[i]))
			continue;
		ck_assert_msg(*text != '\0', "%s has no example", row[i].path);
		tried++;
		/* A name from elsewhere and a block or word need a file around them. */
		if (row[i].type == T_REF || row[i].type == T_WAIT)
			continue;
		/* An item's place is its list's, and the list's row stands before it. */
		size_t bytes = strcmp(schema_last(&row[i]), "-") == 0
		    ? row[i - 1].place.bytes
		    : row[i].place.bytes;

		ck_assert_uint_le(bytes, sizeof place);
		ck_assert_msg(put_value(&w, &row[i], text, place, bytes, &e),
		    "%s: '%s' %s", row[i].path, text, e.text);
		if (row[i].check != NULL)
			ck_assert_msg(row[i].check(text, &e), "%s: '%s' %s",
			    row[i].path, text, e.text);
	}
	ck_assert_uint_gt(tried, 100);
}
END_TEST

START_TEST(the_page_is_not_old)
{
	static char kept[256 * 1024];
	char *made = NULL;
	size_t made_bytes = 0;
	FILE *out = open_memstream(&made, &made_bytes);
	FILE *in = fopen(SOURCE_DIR "/config/REFERENCE.md", "r");

	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_nonnull(in);
	reference_write(out);
	ck_assert_int_eq(fclose(out), 0);
	size_t kept_bytes = fread(kept, 1, sizeof kept, in);
	(void)fclose(in);
	ck_assert_msg(kept_bytes == made_bytes && memcmp(kept, made, made_bytes) == 0,
	    "config/REFERENCE.md is old: pointsman reference >config/REFERENCE.md");
	free(made);
}
END_TEST

START_TEST(every_key_is_on_the_page)
{
	char *made = NULL;
	size_t made_bytes = 0, n, rows = 0, lines = 0;
	FILE *out = open_memstream(&made, &made_bytes);

	ck_assert_ptr_nonnull(out);
	reference_write(out);
	ck_assert_int_eq(fclose(out), 0);
	(void)schema_keys(&n);
	for (const char *p = made; (p = strstr(p, "\n| `")) != NULL; p++)
		rows++;
	for (const char *p = made; (p = strstr(p, "\n## ")) != NULL; p++)
		lines++;
	ck_assert_uint_eq(rows, n);
	ck_assert_uint_gt(lines, 5);
	free(made);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reference");
	TCase *tc = tcase_create("reference");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, every_example_is_accepted);
	tcase_add_test(tc, the_page_is_not_old);
	tcase_add_test(tc, every_key_is_on_the_page);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
