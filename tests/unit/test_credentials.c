/* SPDX-License-Identifier: Apache-2.0 */
/* credentials.c: the chain, the files, the warnings, and no secret in any sentence. */
#include <check.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/zone/credentials.h"
#include "steering/zone/credentials_source.h"

#define SECRET "SeCrEtVaLuE/+0123456789"

static struct event_base *base;
static char home[64], shared[128], config[128];

static void
put(const char *path, mode_t mode, const char *text)
{
	char next[160];
	FILE *f;

	(void)snprintf(next, sizeof next, "%s.next", path);
	f = fopen(next, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(next, mode), 0);
	ck_assert_int_eq(rename(next, path), 0);
}

static void
setup(void)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID",
	    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
	    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
	    "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	    "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);

	strcpy(home, "/tmp/test-credentials-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(home));
	ck_assert_int_eq(setenv("HOME", home, 1), 0);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		ck_assert_int_eq(unsetenv(names[i]), 0);
	(void)snprintf(shared, sizeof shared, "%s/.aws", home);
	ck_assert_int_eq(mkdir(shared, 0700), 0);
	(void)snprintf(shared, sizeof shared, "%s/.aws/credentials", home);
	(void)snprintf(config, sizeof config, "%s/.aws/config", home);
}

static void
teardown(void)
{
	char folder[128];

	event_base_free(base);
	(void)unlink(shared);
	(void)unlink(config);
	(void)snprintf(folder, sizeof folder, "%s/.aws", home);
	(void)rmdir(folder);
	(void)rmdir(home);
}

static struct credentials_chain *
chain(const char *profile, struct err *e)
{
	struct credentials_spec spec = {.profile = profile};

	return credentials_new(base, &spec, NULL, NULL, e);
}

static bool
get(struct credentials_chain *c, const struct credentials **got, struct err *e)
{
	return credentials_get(c, got, e) == CREDENTIALS_READY;
}

/* What a fresh chain finds: its source, or "!" and the sentence. */
static const char *
found(const char *profile)
{
	static char text[8192];
	const struct credentials *got;
	struct err e = {""};
	struct credentials_chain *c = chain(profile, &e);

	ck_assert_ptr_nonnull(c);
	if (get(c, &got, &e))
		(void)snprintf(text, sizeof text, "%s %s %s%s%s", got->source,
		    got->access_key,
		    strcmp(got->secret_key, SECRET) == 0 ? "secret" : "WRONG",
		    got->session_token[0] ? " " : "", got->session_token);
	else
		(void)snprintf(text, sizeof text, "!%s", e.text);
	ck_assert_ptr_null(strstr(text, "SeCrEt"));
	ck_assert_ptr_null(strstr(credentials_warning(c), "SeCrEt"));
	credentials_free(c);
	return text;
}

#define HAS(text, part) \
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text, part)

START_TEST(nothing)
{
	HAS(found(""), "!no AWS credentials");
	HAS(found("ops"), "!profile ops is in neither");
}
END_TEST

START_TEST(environment)
{
	ck_assert_int_eq(setenv("AWS_ACCESS_KEY_ID", "AKID", 1), 0);
	HAS(found(""),
	    "!environment: AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
	ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
	ck_assert_str_eq(found(""), "environment AKID secret");
	ck_assert_int_eq(setenv("AWS_SESSION_TOKEN", "tok", 1), 0);
	ck_assert_str_eq(found(""), "environment AKID secret tok");
	put(shared, 0600,
	    "[default]\naws_access_key_id=F\naws_secret_access_key=" SECRET "\n");
	ck_assert_str_eq(
	    found("default"), "environment AKID secret tok"); /* it comes first */
	ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET "\n", 1), 0);
	HAS(found(""), "!environment: AWS_SECRET_ACCESS_KEY holds blanks");
	ck_assert_int_eq(unsetenv("AWS_ACCESS_KEY_ID"), 0);
	ck_assert_int_eq(setenv("AWS_SECRET_ACCESS_KEY", SECRET, 1), 0);
	HAS(found(""), "!environment: AWS_SECRET_ACCESS_KEY is set and");
}
END_TEST

START_TEST(shared_file)
{
	char own[128];

	put(shared, 0600,
	    "# comment\r\n[ops]\n  \naws_access_key_id = OPS\n; more\n"
	    "aws_secret_access_key =  " SECRET "  \n"
	    "s3 =\n  nested without equals\n  max = 3\n"
	    "[default]\nAWS_ACCESS_KEY_ID=DEF\naws_secret_access_key=" SECRET "\n"
	    "aws_session_token=tok==\nregion = eu-central-1");
	HAS(found(""), "profile default of ");
	HAS(found(""), " DEF secret tok==");
	HAS(found("ops"), " OPS secret");
	ck_assert_int_eq(setenv("AWS_PROFILE", "ops", 1), 0);
	HAS(found(""), " OPS secret");
	HAS(found("default"), " DEF secret");
	HAS(found("absent"), "!profile absent is in neither");
	ck_assert_int_eq(unsetenv("AWS_PROFILE"), 0);
	(void)snprintf(own, sizeof own, "%s/own", home);
	put(own, 0600,
	    "[default]\naws_access_key_id=OWN\naws_secret_access_key=" SECRET "\n");
	ck_assert_int_eq(setenv("AWS_SHARED_CREDENTIALS_FILE", own, 1), 0);
	HAS(found(""), " OWN secret");
	ck_assert_int_eq(unlink(own), 0);
	HAS(found(""), "!no AWS credentials");
}
END_TEST

START_TEST(config_file)
{
	put(config, 0600,
	    "[ops]\naws_access_key_id=WRONG\naws_secret_access_key=x\n"
	    "[sso-session ops]\nsso_region = x\n"
	    "[profile ops]\naws_access_key_id=CONF\naws_secret_access_key=" SECRET "\n"
	    "[default]\naws_access_key_id=CDEF\naws_secret_access_key=" SECRET "\n");
	HAS(found("ops"), " CONF secret");
	HAS(found(""), " CDEF secret");
	put(shared, 0600,
	    "[ops]\naws_access_key_id=S\naws_secret_access_key=" SECRET "\n");
	HAS(found("ops"), " S secret"); /* the credentials file comes first */
	HAS(found(""), " CDEF secret");
}
END_TEST

static const struct {
	const char *text, *sentence;
} bad[] = {
    {"[default]\naws_access_key_id\n", ":2: line of profile default without ="},
    {"[default\n", ":1: section without its ]"},
    {"[default]\n" SECRET "\n", ":2: line of profile default without ="},
    {"[default]\naws_access_key_id=\n", ":2: aws_access_key_id is empty"},
    {"[default]\naws_secret_access_key=a b\n",
	":2: aws_secret_access_key holds blanks"},
    {"\n[default]\naws_secret_access_key=" SECRET "\n",
	":2: profile default has aws_secret_access_key but no aws_access_key_id"},
    {"[default]\naws_access_key_id=A\n",
	":1: profile default has aws_access_key_id but no aws_secret_access_key"},
    {"[default]\nsso_start_url=https://x\n",
	":2: profile default uses sso_start_url: "
	"Pointsman does not support SSO: make a profile with "
	"credential_process = aws configure export-credentials"},
    {"[default]\naws_access_key_id=A\naws_secret_access_key=" SECRET "\nmfa_serial=x\n",
	"does not support MFA"},
    {"[default]\nrole_arn=x\nsource_profile=y\n", "does not support roles"},
    {"[default]\nsource_profile=y\n", "does not support chains"},
    {"[default]\ncredential_process=\n", ":2: credential_process is empty"},
    {"[default]\ncredential_process=/absent/x\n",
	"credential_process of profile default ("},
    {"[default]\ncredential_process='/absent/x\n", "a quote in it has no end"},
    {"[default]\ncredential_process=/absent/x\n",
	":2): it cannot be started: No such file"},
};

START_TEST(bad_files)
{
	char sentence[256];

	put(shared, 0600, bad[_i].text);
	(void)snprintf(sentence, sizeof sentence, "%s", bad[_i].sentence);
	HAS(found(""), sentence);
	HAS(found(""), "!");
	if (strstr(bad[_i].sentence, "section") ==
	    NULL) /* other profiles do not mind */
		HAS(found("other"), "!profile other is in neither");
}
END_TEST

START_TEST(odd_files)
{
	char *large = malloc(300 * 1024);

	ck_assert_ptr_nonnull(large);
	memset(large, '#', 300 * 1024);
	large[300 * 1024 - 1] = '\0';
	put(shared, 0600, large);
	HAS(found(""), "longer than");
	free(large);
	ck_assert_int_eq(unlink(shared), 0);
	ck_assert_int_eq(mkdir(shared, 0700), 0);
	HAS(found(""), "not a regular file");
	ck_assert_int_eq(rmdir(shared), 0);
	ck_assert_int_eq(mkfifo(shared, 0600), 0); /* must not hang */
	HAS(found(""), "not a regular file");
}
END_TEST

START_TEST(readable_by_others)
{
	const struct credentials *got;
	struct err e;
	struct credentials_chain *c;

	put(shared, 0640,
	    "[default]\naws_access_key_id=A\naws_secret_access_key=" SECRET "\n");
	c = chain("", &e);
	ck_assert(get(c, &got, &e));
	HAS(credentials_warning(c), "can be read by others (mode 640): chmod 600");
	ck_assert_int_eq(chmod(shared, 0600), 0);
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(credentials_warning(c), "");
	credentials_free(c);
}
END_TEST

/* Rotated under a running agent; a broken rotation does not take what is held. */
START_TEST(rotation)
{
	const struct credentials *got;
	struct err e;
	struct credentials_chain *c;

	c = chain("", &e);
	ck_assert(!get(c, &got, &e));
	put(shared, 0600,
	    "[default]\naws_access_key_id=A\naws_secret_access_key=" SECRET "\n");
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(got->access_key, "A");
	put(shared, 0600,
	    "[default]\naws_access_key_id=B\naws_secret_access_key=" SECRET "\n");
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(got->access_key, "B");
	put(shared, 0600, "[default]\naws_access_key_id\n");
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(got->access_key, "B");
	HAS(credentials_warning(c), "going on with the credentials read before");
	ck_assert_int_eq(unlink(shared), 0);
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(got->access_key, "B");
	put(shared, 0600,
	    "[default]\naws_access_key_id=C\naws_secret_access_key=" SECRET "\n");
	ck_assert(get(c, &got, &e));
	ck_assert_str_eq(got->access_key, "C");
	ck_assert_str_eq(credentials_warning(c), "");
	credentials_free(c);
}
END_TEST

static const struct {
	const char *relative, *full, *url; /* "!" the sentence */
} endpoints[] = {
    {"/v2/credentials/x?a=b", "", "http://169.254.170.2/v2/credentials/x?a=b"},
    {"/v2", "http://127.0.0.1/", "http://169.254.170.2/v2"},
    {"v2", "", "!does not begin with a slash"},
    {"/v 2", "", "!RELATIVE_URI holds blanks"},
    {"", "https://any.example/x", "https://any.example/x"},
    {"", "http://127.1.2.3:80/x", "http://127.1.2.3:80/x"},
    {"", "http://localhost:80/x", "http://localhost:80/x"},
    {"", "http://[::1]:80/x", "http://[::1]:80/x"},
    {"", "http://169.254.170.2/x", "http://169.254.170.2/x"},
    {"", "http://169.254.170.23/x", "http://169.254.170.23/x"},
    {"", "http://[fd00:ec2::23]/x", "http://[fd00:ec2::23]/x"},
    {"", "http://[fd00:ec2:0:0::23]:80", "http://[fd00:ec2:0:0::23]:80"},
    {"", "http://[fd00:ec2::24]/x", "!not to fd00:ec2::24"},
    {"", "http://169.254.169.254/x", "!not to 169.254.169.254"},
    {"", "http://192.0.2.1/x", "!http may only go to loopback"},
    {"", "http://127.0.0.1.example/x", "!http may only go"},
    {"", "http://127.0.0.1@192.0.2.1/x", "!names no plain host"},
    {"", "http://192.0.2.1\\@127.0.0.1/x", "!names no plain host"},
    {"", "http://user@localhost/", "!names no plain host"},
    {"", "http:///x", "!names no plain host"},
    {"", "http://127.0.0.1/a\r\nb", "!FULL_URI holds blanks"},
    {"", "ftp://127.0.0.1/", "!neither http nor https"},
};

START_TEST(container_addresses)
{
	char url[128] = "";
	struct err e = {""};
	const char *want = endpoints[_i].url;
	bool ok = credentials_container_url(
	    url, sizeof url, endpoints[_i].relative, endpoints[_i].full, &e);

	ck_assert_int_eq(ok, want[0] != '!');
	if (ok)
		ck_assert_str_eq(url, want);
	else
		HAS(e.text, want + 1);
}
END_TEST

static const struct {
	const char *text;
	int64_t wall_s; /* -1: no time */
} times[] = {
    {"2026-11-24T10:00:00Z", 1795514400},
    {"2026-11-24T10:00:00.123456Z", 1795514400},
    {"2026-11-24T12:00:00+02:00", 1795514400},
    {"2026-11-24T05:00:00-0500", 1795514400},
    {"2026-11-24 10:00:00", 1795514400},
    {"2024-02-29T00:00:00Z", 1709164800},
    {"2026-11-24", -1},
    {"2026-13-24T10:00:00Z", -1},
    {"2026-11-24T25:00:00Z", -1},
    {"2026-11-24T10:00:00X", -1},
    {"2026-11-24T10:00:00+99:00", -1},
    {"", -1},
    {"tomorrow", -1},
    {"-026-11-24T10:00:00Z", -1},
};

START_TEST(wall_times)
{
	int64_t wall_s = -1;
	bool ok = credentials_reply_time(times[_i].text, &wall_s);

	ck_assert_int_eq(ok, times[_i].wall_s >= 0);
	if (ok)
		ck_assert_int_eq(wall_s, times[_i].wall_s);
}
END_TEST

START_TEST(long_profile)
{
	char name[100];
	struct err e = {""};

	memset(name, 'x', sizeof name);
	name[99] = '\0';
	ck_assert_ptr_null(chain(name, &e));
	HAS(e.text, "longer than 63");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("credentials");
	TCase *t = tcase_create("credentials");
	SRunner *r = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing);
	tcase_add_test(t, environment);
	tcase_add_test(t, shared_file);
	tcase_add_test(t, config_file);
	tcase_add_loop_test(t, bad_files, 0, sizeof bad / sizeof bad[0]);
	tcase_add_test(t, odd_files);
	tcase_add_test(t, readable_by_others);
	tcase_add_test(t, rotation);
	tcase_add_loop_test(
	    t, container_addresses, 0, sizeof endpoints / sizeof endpoints[0]);
	tcase_add_loop_test(t, wall_times, 0, sizeof times / sizeof times[0]);
	tcase_add_test(t, long_profile);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
