/* SPDX-License-Identifier: Apache-2.0 */
/* spelling.c: names and TXT values as Route 53 writes them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/spelling.h"

static const struct {
	const char *in, *out; /* NULL: refused */
} names[] = {
    {"WWW.Example.COM.", "www.example.com"},
    {"*.example.com", "\\052.example.com"},
    {"\\052.example.com.", "\\052.example.com"},
    {"_pointsman.www.example.com", "_pointsman.www.example.com"},
    {"a\\056b.example.com", "a\\056b.example.com"}, /* a dot inside a label */
    {"\\101bc.example.com", "abc.example.com"},
    {"a b.example.com", "a\\040b.example.com"},
    {"\xc3\xbc.example.com", "\\303\\274.example.com"},
    {"a\\b.example.com", NULL},
    {"a\\400.example.com", NULL},
    {"", NULL},
};

START_TEST(name_spelling)
{
	char out[DNS_NAME_MAX];
	bool good = spelling_name(out, names[_i].in);

	ck_assert_msg(good == (names[_i].out != NULL), "%s", names[_i].in);
	if (good)
		ck_assert_str_eq(out, names[_i].out);
}
END_TEST

START_TEST(name_that_does_not_fit)
{
	char in[DNS_NAME_MAX * 2], out[DNS_NAME_MAX];

	memset(in, 'a', sizeof in);
	in[DNS_NAME_MAX - 1] = '\0';
	ck_assert(spelling_name(out, in));
	in[DNS_NAME_MAX - 1] = 'a';
	in[DNS_NAME_MAX] = '\0';
	ck_assert(!spelling_name(out, in));
	memset(in, '*', 64);
	in[64] = '\0';
	ck_assert(!spelling_name(out, in));
	in[63] = '\0';
	ck_assert(spelling_name(out, in));
}
END_TEST

static const struct {
	const char *in, *out;
} quoted[] = {
    {"\"\"", ""},
    {"\"plain\"", "plain"},
    {"\"two\" \"strings\"", "twostrings"},
    {"\"a\\\"b\\\\c\\040d\"", "a\"b\\c d"},
    {"  \"blanks around\"  ", "blanks around"},
    {"\"a\"\"b\"", "ab"},
    {"bare", NULL},
    {"\"open", NULL},
    {"\"open\\", NULL},
    {"\"a\" b", NULL},
    {"\"zero\\000\"", NULL},
    {"", NULL},
};

START_TEST(unquoting)
{
	char out[64];
	bool good = spelling_unquote(out, sizeof out, quoted[_i].in);

	ck_assert_msg(good == (quoted[_i].out != NULL), "%s", quoted[_i].in);
	if (good)
		ck_assert_str_eq(out, quoted[_i].out);
	ck_assert(!spelling_unquote(out, 3, "\"abc\""));
	ck_assert(spelling_unquote(out, 4, "\"abc\""));
}
END_TEST

/* Every text of every length comes back; no string is longer than 255. */
START_TEST(quoting_round_trip)
{
	char in[LEDGER_TEXT_MAX], out[LEDGER_TEXT_MAX];
	struct text t = TEXT_INIT(64 * 1024);

	for (size_t n = 0; n < sizeof in; n += n < 600 ? 1 : 97) {
		size_t in_string = 0;
		bool open = false;

		for (size_t i = 0; i < n; i++)
			in[i] = (char)(1 + (i * 7 + n) % 255);
		in[n] = '\0';
		text_clear(&t);
		spelling_quote(&t, in);
		ck_assert(text_ok(&t));
		ck_assert(spelling_unquote(out, sizeof out, text_str(&t)));
		ck_assert_str_eq(in, out);
		for (const char *c = text_str(&t); *c != '\0'; c++) {
			ck_assert(*c >= 0x20 && *c < 0x7f);
			if (*c == '"') {
				open = !open;
				in_string = 0;
				continue;
			}
			if (!open)
				continue;
			if (*c == '\\')
				c += c[1] >= '0' && c[1] <= '7' ? 3 : 1;
			ck_assert_uint_le(++in_string, 255);
		}
	}
	text_fini(&t);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("spelling");
	TCase *t = tcase_create("spelling");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_loop_test(t, name_spelling, 0, sizeof names / sizeof names[0]);
	tcase_add_test(t, name_that_does_not_fit);
	tcase_add_loop_test(t, unquoting, 0, sizeof quoted / sizeof quoted[0]);
	tcase_add_test(t, quoting_round_trip);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
