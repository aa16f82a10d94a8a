/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves is JSON whatever the bytes, and what comes in is bounded. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/json.h"

static struct json *
read_text(const char *text)
{
	struct err e = {""};
	struct json *j = json_read(text, strlen(text), &e);

	ck_assert_int_eq(j == NULL, e.text[0] != '\0');
	return j;
}

static void
is_written(struct json *j, const char *expected)
{
	char *text = json_write(j, false);

	ck_assert_str_eq(text, expected);
	free(text);
	json_free(j);
}

START_TEST(every_kind_is_written)
{
	struct json *j = json_map_new(), *list = json_list_new();

	json_put_text(j, "text", "a \"b\"\n");
	json_put_int(j, "int", INT64_MIN);
	json_put_number(j, "number", 0.5);
	json_put_number(j, "nan", NAN);
	json_put_bool(j, "bool", true);
	json_put_null(j, "null");
	json_put_hex(j, "hex", 0xfedcba9876543210);
	json_add_text(list, "x");
	json_put(j, "list", list);
	json_put_int(j, "int", 7);
	is_written(j,
	    "{\"text\":\"a \\\"b\\\"\\n\",\"int\":7,\"number\":0.5,\"nan\":null,"
	    "\"bool\":true,\"null\":null,\"hex\":\"fedcba9876543210\",\"list\":[\"x\"]}");
}
END_TEST

/* Texts of probes come from hostile servers. */
START_TEST(bytes_that_are_no_utf8)
{
	static const char *const in[] = {"\xff", "a\xc3", "\xc3\xa9", "\xed\xa0\x80",
	    "\xf8\x88\x80\x80\x80", "\xe2\x82", "\xc0\xaf", "ok\x80ok"};
	static const char *const out[] = {"[\"?\"]", "[\"a?\"]", "[\"\xc3\xa9\"]",
	    "[\"???\"]", "[\"?????\"]", "[\"??\"]", "[\"??\"]", "[\"ok?ok\"]"};

	for (size_t i = 0; i < sizeof in / sizeof in[0]; i++) {
		struct json *list = json_list_new();

		json_add_text(list, in[i]);
		is_written(list, out[i]);
	}
}
END_TEST

START_TEST(reading)
{
	struct json *j = read_text("{\"a\":{\"b\":[1,\"x\"]},\"t\":true,\"f\":false}");
	const struct json *list = json_get(json_get(j, "a"), "b");

	ck_assert_uint_eq(json_count(list), 2);
	ck_assert_str_eq(json_string_of(json_at(list, 1)), "x");
	ck_assert_str_eq(json_string_of(json_at(list, 0)), "");
	ck_assert_ptr_null(json_at(list, 2));
	ck_assert(json_flag(j, "t") && !json_flag(j, "f") && !json_flag(j, "a"));
	/* Absent and of another kind is the same. */
	ck_assert_int_eq(json_int(j, "t", 5), 5);
	ck_assert_int_eq(json_int(j, "none", 6), 6);
	ck_assert_str_eq(json_text(j, "a", "no"), "no");
	ck_assert_ptr_null(json_get(list, "b"));
	ck_assert_uint_eq(json_count(j), 0);
	ck_assert_ptr_null(json_get(NULL, "b"));
	json_free(j);
}
END_TEST

START_TEST(what_is_refused)
{
	static const char *const bad[] = {"", "{", "7", "\"x\"", "{\"a\":1,\"a\":2}",
	    "{} {}", "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}", "[1,]", "nul",
	    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(read_text(bad[i]) == NULL, "%s", bad[i]);
	/* Brackets in a string are no depth. */
	json_free(read_text("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"}"));
}
END_TEST

START_TEST(a_clone_shares_nothing)
{
	struct json *j = read_text("{\"a\":{\"b\":1}}");
	struct json *copy = json_clone(j);

	json_free(j);
	is_written(copy, "{\"a\":{\"b\":1}}");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("json");
	TCase *c = tcase_create("json");
	SRunner *r = srunner_create(s);

	tcase_add_test(c, every_kind_is_written);
	tcase_add_test(c, bytes_that_are_no_utf8);
	tcase_add_test(c, reading);
	tcase_add_test(c, what_is_refused);
	tcase_add_test(c, a_clone_shares_nothing);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
