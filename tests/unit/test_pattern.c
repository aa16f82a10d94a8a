/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe/pattern.h"

static bool
found(const char *pattern, const void *text, size_t bytes)
{
	struct err e = {""};
	struct pattern *p = pattern_new(pattern, &e);

	ck_assert_msg(p != NULL, "%s: %s", pattern, e.text);
	bool yes = pattern_found(p, text, bytes);
	ck_assert_msg(pattern_found(p, text, bytes) == yes, "%s: twice", pattern);
	pattern_free(p);
	return yes;
}

START_TEST(test_what_matches)
{
	static const struct {
		const char *pattern, *yes, *no; /* NULL: none */
	} table[] = {
	    {"", "", NULL},
	    {"ok", "all ok here", "o k"},
	    {"^ok$", "ok", "ok\n"},
	    {"^(ok|ready)", "ready!", "not ready"},
	    {"a|", "", NULL},
	    {"(|a)b", "b", "a"},
	    {"()", "", NULL},
	    {"a*b", "b", "a"},
	    {"^a+$", "aaa", ""},
	    {"^ab?c$", "ac", "abbc"},
	    {"^a{3}$", "aaa", "aaaa"},
	    {"^a{2,}$", "aaaaa", "a"},
	    {"^a{,2}$", "", "aaa"},
	    {"^a{2,4}$", "aaaa", "aaaaa"},
	    {"^a{2,4}$", "aa", "a"},
	    {"^a{0}b$", "b", "ab"},
	    {"^(ab|c){2,3}$", "cabc", "cabcc"},
	    {"^a***$", "aa", "b"},
	    {"^(a*)*$", "aaa", "ab"},
	    {"^(a?){3}a{3}$", "aaa", "aaaaaaa"},
	    {"x(a|b|cd|)y", "xcdy", "xcy"},
	    {"^.$", "\n", "ab"},
	    {"[abc]x", "cx", "dx"},
	    {"^[^abc]$", "\n", "a"},
	    {"^[]a]+$", "]a", "["},
	    {"^[^]]$", "a", "]"},
	    {"^[a-]+$", "a-", "b"},
	    {"^[\\]$", "\\", "a"},
	    {"^[[:digit:][:upper:]_]+$", "A_7", "a"},
	    {"^[^[:space:]]+$", "ab", "a b"},
	    {"\"status\": *\"(ok|up)\"", "{\"status\":  \"up\"}",
		"{\"status\": \"no\"}"},
	    {"^\\.\\*\\{\\}\\[\\]\\(\\)\\\\$", ".*{}[]()\\", "a"},
	    {"^\\w+\\s\\W\\S$", "a_9 -x", "a -"},
	    {"a^b", NULL, "a^b"},
	    {"a$b", NULL, "a$b"},
	    {"(^a|b$)", "a", "ca"},
	    {"(^a|b$)", "cb", "bc"},
	    {"^\xc3\xa9$", "\xc3\xa9", "e"},
	    {"}", "}", "{"},
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		const char *yes = table[i].yes, *no = table[i].no;

		ck_assert_msg(yes == NULL || found(table[i].pattern, yes, strlen(yes)),
		    "%s does not match", table[i].pattern);
		ck_assert_msg(no == NULL || !found(table[i].pattern, no, strlen(no)),
		    "%s matches", table[i].pattern);
	}
	ck_assert(found("^a.b$", "a\0b", 3));
	ck_assert(found("b", "a\0b", 3));
	ck_assert(!found("b", "aab", 2));
}
END_TEST

START_TEST(test_what_is_refused)
{
	static const struct {
		const char *pattern, *text;
	} table[] = {
	    {"(", "a '(' has no ')'"},
	    {"(a", "a '(' has no ')'"},
	    {"a)", "a ')' has no '('"},
	    {"a|b)c", "a ')' has no '('"},
	    {"[a", "a '[' has no ']'"},
	    {"[]", "a '[' has no ']'"},
	    {"[a-", "a '[' has no ']'"},
	    {"[z-a]", "a range ends"},
	    {"[[:letter:]]", "no class"},
	    {"[[.a.]]", "collating element"},
	    {"a\\", "ends in a backslash"},
	    {"(a)\\1", "back-reference (\\1)"},
	    {"\\d", "write a set"},
	    {"\\ba", "write a set"},
	    {"\\<a", "write a set"},
	    {"*a", "'*' has nothing to repeat; for the character itself write \\*"},
	    {"a|+", "nothing to repeat"},
	    {"({", "nothing to repeat"},
	    {"a{", "no number of times"},
	    {"a{}", "no number of times"},
	    {"a{,}", "no number of times"},
	    {"a{2,1}", "no number of times"},
	    {"a{x}", "no number of times"},
	    {"a{99999999999999999999}", "too much work"},
	    {"(a{90}){90}", "too much work"},
	    {"((((a{9}){9}){9}){9}){9}", "too much work"},
	    {"a{1,600}", "too much work"},
	};
	char deep[400] = "", stars[400] = "a";

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		struct err e = {""};

		ck_assert_msg(
		    pattern_new(table[i].pattern, &e) == NULL, "%s", table[i].pattern);
		ck_assert_msg(strstr(e.text, table[i].text) != NULL, "%s: %s",
		    table[i].pattern, e.text);
	}
	struct err e = {""};
	memset(deep, '(', 300);
	ck_assert(pattern_new(deep, &e) == NULL);
	ck_assert_msg(strstr(e.text, "nested deeper") != NULL, "%s", e.text);
	memset(stars + 1, '*', 300);
	ck_assert(found(stars, "", 0));
}
END_TEST

static uint64_t
thread_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What takes the C library from 0.1 s to hours over such a body. */
START_TEST(test_time_is_bounded)
{
	static const char *const pattern[] = {"(a|b)*c$", "(.*)(.*)(.*)(.*)x",
	    "(a.*){20}z", "(a{1,20}){1,20}x", "a{1,400}b", "((a*)*)*b", "(a|aa)+$x",
	    "a.*b.{30}c", "(a?){100}a{100}b"};
	static char body[5120];
	uint64_t worst_us = 0;

	for (size_t i = 0; i < sizeof pattern / sizeof pattern[0]; i++) {
		for (unsigned kind = 0; kind < 3; kind++) {
			for (size_t k = 0; k < sizeof body; k++)
				body[k] = kind == 0 ? 'a'
				    : kind == 1     ? "ab"[k & 1]
						: "ab"[(k * k * 2654435761u >> 13) & 1];
			uint64_t from_us = thread_us();
			(void)found(pattern[i], body, sizeof body);
			uint64_t took_us = (thread_us() - from_us) / 2;
			worst_us = took_us > worst_us ? took_us : worst_us;
		}
	}
	/* 5 ms; a sanitizer makes it slower. Of processor time: load does not count. */
	(void)printf("the worst search took %llu us\n", (unsigned long long)worst_us);
	ck_assert_uint_lt(worst_us, 500000);
}
END_TEST

/* ---- a second opinion ---- */

#define DEPTH 2

static uint64_t seed = 1;

static unsigned
roll(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (unsigned)(seed >> 33) % n;
}

static void
grow(char *text, size_t room, unsigned depth)
{
	static const char *const atom[] = {
	    "a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "\\.", "[[:alpha:]]"};
	static const char *const times[] = {
	    "", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}"};
	unsigned pieces = 1 + roll(3);
	/* Not within a repeated group: there the C library's '$' matches too much. */
	bool top = depth == DEPTH;

	for (unsigned i = 0; i < pieces; i++) {
		char inner[256] = "";
		size_t n = strlen(text);

		if (top && i == 0 && roll(6) == 0)
			(void)snprintf(text + n, room - n, "^");
		n = strlen(text);
		if (depth > 0 && roll(3) == 0) {
			grow(inner, sizeof inner, depth - 1);
			if (roll(2) == 0) {
				char other[100] = "";

				grow(other, sizeof other, 0);
				size_t k = strlen(inner);
				(void)snprintf(
				    inner + k, sizeof inner - k, "|%s", other);
			}
			(void)snprintf(text + n, room - n, "(%s)%s", inner,
			    times[roll(sizeof times / sizeof times[0])]);
		} else {
			(void)snprintf(text + n, room - n, "%s%s",
			    atom[roll(sizeof atom / sizeof atom[0])],
			    times[roll(sizeof times / sizeof times[0])]);
		}
		if (top && i + 1 == pieces && roll(6) == 0) {
			n = strlen(text);
			(void)snprintf(text + n, room - n, "$");
		}
	}
}

START_TEST(test_as_the_c_library_has_it)
{
	unsigned compared = 0, matched = 0;

	for (unsigned i = 0; i < 20000; i++) {
		char text[600] = "", body[16];
		struct err e = {""};
		regex_t re;

		grow(text, sizeof text, DEPTH);
		if (strlen(text) > 200)
			continue;
		struct pattern *p = pattern_new(text, &e);
		if (p == NULL) /* more steps than ours may have */
			continue;
		ck_assert_msg(
		    regcomp(&re, text, REG_EXTENDED | REG_NOSUB) == 0, "%s", text);
		for (unsigned k = 0; k < 8; k++) {
			unsigned n = roll(sizeof body);

			for (unsigned c = 0; c < n; c++)
				body[c] = "abc."[roll(4)];
			body[n] = '\0';
			bool ours = pattern_found(p, body, n);
			bool theirs = regexec(&re, body, 0, NULL, 0) == 0;
			ck_assert_msg(ours == theirs, "'%s' on '%s': %d, not %d", text,
			    body, ours, theirs);
			compared++;
			matched += ours;
		}
		regfree(&re);
		pattern_free(p);
	}
	(void)printf("%u compared, %u matched\n", compared, matched);
	ck_assert_uint_gt(matched, compared / 10);
	ck_assert_uint_lt(matched, compared / 10 * 9);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pattern");
	TCase *t = tcase_create("pattern");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_what_matches);
	tcase_add_test(t, test_what_is_refused);
	tcase_add_test(t, test_time_is_bounded);
	tcase_add_test(t, test_as_the_c_library_has_it);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
