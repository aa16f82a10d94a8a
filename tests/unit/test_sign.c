/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.c against AWS's published suite, where its data lies beside the repository,
 * and against vectors of our own (made with botocore 1.29, see test_sign_botocore.py
 * for the live comparison).
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "steering/zone/sign.h"

#define SUITE_DIR SOURCE_DIR "/../shared/data/sigv4"

static const struct sign_key suite_key = {
    "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"};

/* What the suite asks that we never send, and why. */
static const struct {
	const char *name, *why;
} left_out[] = {
    {"post-sts-header-after", "a token outside the signature: ours is always signed"},
};

struct asked {
	char text[8192];
	struct sign_request r;
	struct text_pair query[16], header[16];
	char value[16][4096]; /* of headers that go over several lines */
};

static char *
slurp(const char *dir, const char *name, const char *ext)
{
	char path[1024];
	char *all = calloc(1, 16384);
	FILE *f;

	ck_assert_int_lt(
	    snprintf(path, sizeof path, "%s/%s.%s", dir, name, ext), (int)sizeof path);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "no %s", path);
	ck_assert_uint_lt(fread(all, 1, 16383, f), 16383);
	(void)fclose(f);
	return all;
}

static void
decode(char *s)
{
	char *to = s;
	unsigned v;

	for (; *s != '\0'; s++) {
		if (*s == '%' && sscanf(s + 1, "%2x", &v) == 1) {
			*to++ = (char)v;
			s += 2;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
parse_query(struct asked *a, char *q)
{
	for (char *p = strtok(q, "&"); p != NULL; p = strtok(NULL, "&")) {
		char *value = strchr(p, '=');

		ck_assert(value != NULL && a->r.queries < 16);
		*value++ = '\0';
		decode(p);
		decode(value);
		a->query[a->r.queries++] = (struct text_pair){p, value};
	}
}

/* "METHOD target HTTP/1.1", fields (a leading blank goes on with the one before), an
 * empty line, the body. */
static void
parse_request(struct asked *a, const char *text)
{
	char *line, *end, *query, *body;

	memset(a, 0, sizeof *a);
	strcpy(a->text, text);
	body = strstr(a->text, "\n\n");
	if (body != NULL) {
		*body = '\0';
		a->r.body = body + 2;
		a->r.body_bytes = strlen(body + 2);
	}
	line = a->text;
	end = strchr(line, '\n');
	*end = '\0';
	a->r.method = line;
	line = strchr(line, ' ');
	*line++ = '\0';
	*strrchr(line, ' ') = '\0';
	a->r.path = line;
	query = strchr(line, '?');
	for (line = end + 1; line != NULL && *line != '\0'; line = end) {
		char *colon;

		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		if (*line == ' ') {
			char *value = a->value[a->r.headers - 1];

			strcat(strcat(value, "\n"), line);
			continue;
		}
		colon = strchr(line, ':');
		*colon = '\0';
		strcpy(a->value[a->r.headers], colon + 1);
		a->header[a->r.headers] =
		    (struct text_pair){line, a->value[a->r.headers]};
		a->r.headers++;
	}
	if (query != NULL) {
		*query++ = '\0';
		parse_query(a, query);
	}
	a->r.query = a->query;
	a->r.header = a->header;
}

static const char *
date_of(const struct asked *a)
{
	for (size_t i = 0; i < a->r.headers; i++)
		if (strcmp(a->r.header[i].name, "X-Amz-Date") == 0)
			return a->r.header[i].value;
	ck_abort_msg("no date");
	return NULL;
}

/* The suite's client is told its token beside the request: it stands in the canonical
 * request alone. */
static void
add_token(struct asked *a, const char *creq)
{
	static const char name[] = "x-amz-security-token:";
	const char *token = strstr(creq, name);
	size_t n;

	for (size_t i = 0; i < a->r.headers; i++)
		if (strcmp(a->header[i].name, "X-Amz-Security-Token") == 0)
			return;
	if (token == NULL)
		return;
	token += sizeof name - 1;
	n = strcspn(token, "\n");
	memcpy(a->value[a->r.headers], token, n);
	a->value[a->r.headers][n] = '\0';
	a->header[a->r.headers] =
	    (struct text_pair){"X-Amz-Security-Token", a->value[a->r.headers]};
	a->r.headers++;
}

static void
check_one(const char *dir, const char *name)
{
	static struct asked a;
	char *req = slurp(dir, name, "req"), *creq = slurp(dir, name, "creq");
	char *sts = slurp(dir, name, "sts"), *authz = slurp(dir, name, "authz");
	struct text canonical = TEXT_INIT(65536), string = TEXT_INIT(65536),
		    authorization = TEXT_INIT(65536);
	struct err e;

	parse_request(&a, req);
	add_token(&a, creq);
	ck_assert(sign_canonical(&canonical, &a.r, &e));
	ck_assert_msg(strcmp(text_str(&canonical), creq) == 0, "%s: %s\nwanted %s",
	    name, text_str(&canonical), creq);
	ck_assert(sign_string(&string, &a.r, &suite_key, date_of(&a), &e));
	ck_assert_msg(
	    strcmp(text_str(&string), sts) == 0, "%s: %s", name, text_str(&string));
	ck_assert(
	    sign_authorization(&authorization, &a.r, &suite_key, date_of(&a), &e));
	ck_assert_msg(strcmp(text_str(&authorization), authz) == 0, "%s: %s", name,
	    text_str(&authorization));
	free(req);
	free(creq);
	free(sts);
	free(authz);
	text_fini(&canonical);
	text_fini(&string);
	text_fini(&authorization);
}

static unsigned ran, omitted;

static void
check_folder(const char *dir, const char *name)
{
	char path[1024];
	struct stat s;
	DIR *d;

	for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
		if (strcmp(left_out[i].name, name) == 0) {
			(void)printf("left out: %s (%s)\n", name, left_out[i].why);
			omitted++;
			return;
		}
	}
	ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s.req", dir, name), 1024);
	if (stat(path, &s) == 0) {
		check_one(dir, name);
		ran++;
		return;
	}
	d = opendir(dir);
	if (d == NULL)
		return;
	for (struct dirent *f = readdir(d); f != NULL; f = readdir(d)) {
		ck_assert_int_lt(
		    snprintf(path, sizeof path, "%s/%s", dir, f->d_name), 1024);
		if (f->d_name[0] != '.' && stat(path, &s) == 0 && S_ISDIR(s.st_mode))
			check_folder(path, f->d_name);
	}
	(void)closedir(d);
}

START_TEST(suite_of_aws)
{
	struct stat s;

	if (stat(SUITE_DIR, &s) != 0) {
		(void)printf("AWS's signing suite is not here: own vectors alone\n");
		return;
	}
	check_folder(SUITE_DIR, "");
	(void)printf("AWS's signing suite: %u ran, %u left out\n", ran, omitted);
	ck_assert_uint_ge(ran, 33);
}
END_TEST

/* A listing as it goes to Route 53, with a token. */
START_TEST(own_listing)
{
	static const struct text_pair query[] = {{"name", "\\052.example.com."},
	    {"maxitems", "40"}, {"identifier", "fra & ams"}};
	static const struct text_pair header[] = {{"Host", "route53.amazonaws.com"},
	    {"X-Amz-Date", "20261124T090000Z"}, {"X-Amz-Security-Token", "Tok/en+=="}};
	struct sign_request r = {"GET", "/2013-04-01/hostedzone/Z1/rrset", query, 3,
	    header, 3, NULL, 0, false};
	struct sign_key key = {"AKIDLAB", "lab-secret", "us-east-1", "route53"};
	struct text wire = TEXT_INIT(4096), authorization = TEXT_INIT(4096);
	struct err e;

	sign_query(&wire, query, 3);
	ck_assert_str_eq(text_str(&wire),
	    "identifier=fra%20%26%20ams&maxitems=40&name=%5C052.example.com.");
	ck_assert(sign_authorization(&authorization, &r, &key, "20261124T090000Z", &e));
	ck_assert_str_eq(text_str(&authorization),
	    "AWS4-HMAC-SHA256 Credential=AKIDLAB/20261124/us-east-1/route53/aws4_request, "
	    "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="
	    "47bde48f46661c2e969b6873a43d27a569f72f0978b16adfb79aafb5820a4a93");
	text_fini(&wire);
	text_fini(&authorization);
}
END_TEST

/* S3's keys may hold what a tidied path would lose. */
START_TEST(a_path_as_it_is)
{
	struct sign_request r = {.method = "GET", .path = "/b//a%20b/./c/../d%2Be"};
	struct text out = TEXT_INIT(4096);
	struct err e;

	ck_assert(sign_canonical(&out, &r, &e));
	ck_assert_ptr_nonnull(strstr(text_str(&out), "GET\n/b/a%2520b/d%252Be\n"));
	text_clear(&out);
	r.path_as_is = true;
	ck_assert(sign_canonical(&out, &r, &e));
	ck_assert_ptr_nonnull(strstr(text_str(&out), "GET\n/b//a%20b/./c/../d%2Be\n"));
	text_fini(&out);
}
END_TEST

START_TEST(dates)
{
	char date[SIGN_DATE_MAX];

	sign_date(date, 1440938160);
	ck_assert_str_eq(date, "20150830T123600Z");
	sign_date(date, 951782400);
	ck_assert_str_eq(date, "20000229T000000Z");
	sign_date(date, INT64_MAX); /* no year that fits: not a crash */
	ck_assert_uint_eq(strlen(date), 16);
}
END_TEST

START_TEST(queries)
{
	static const struct text_pair pairs[] = {
	    {"a-b", "1"}, {"a", "2"}, {"a", ""}, {"B", "*"}, {"", "~"}};
	struct text wire = TEXT_INIT(64);

	sign_query(&wire, pairs, 5);
	ck_assert_str_eq(text_str(&wire), "=~&B=%2A&a=&a=2&a-b=1");
	text_fini(&wire);
	sign_query(&wire, pairs, 0);
	ck_assert_str_eq(text_str(&wire), "");
	wire.bytes_max = 8;
	sign_query(&wire, pairs, 5);
	ck_assert(!text_ok(&wire));
	text_fini(&wire);
}
END_TEST

/* One changed byte anywhere changes the signature. */
START_TEST(every_part_counts)
{
	static const char *const date = "20261124T090000Z",
				 *const other = "20261124T090001Z";
	char seen[16][80];
	size_t n = 0;

	for (int i = 0; i < 10; i++) {
		struct text_pair query[] = {{i == 1 ? "n" : "m", i == 2 ? "v" : "w"}};
		struct text_pair header[] = {{"Host", i == 3 ? "b" : "a"}};
		struct sign_request r = {i == 4 ? "PUT" : "GET", i == 5 ? "/x" : "/",
		    query, 1, header, 1, "body", i == 6 ? 3 : 4, false};
		struct sign_key key = {
		    "K", i == 7 ? "S" : "s", i == 8 ? "r" : "s", "route53"};
		struct text authorization = TEXT_INIT(4096);
		struct err e;

		ck_assert(sign_authorization(
		    &authorization, &r, &key, i == 9 ? other : date, &e));
		strcpy(seen[n], strstr(text_str(&authorization), "Signature="));
		for (size_t k = 0; k < n; k++)
			ck_assert_str_ne(seen[k], seen[n]);
		n++;
		text_fini(&authorization);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sign");
	TCase *t = tcase_create("sign");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_test(t, suite_of_aws);
	tcase_add_test(t, own_listing);
	tcase_add_test(t, a_path_as_it_is);
	tcase_add_test(t, dates);
	tcase_add_test(t, queries);
	tcase_add_test(t, every_part_counts);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
