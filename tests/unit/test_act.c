/* SPDX-License-Identifier: Apache-2.0 */
/* Words, programs, and checks that are waited for; calls are in test_act_webhook.c and
 * test_act_aws.py. */
#include "steering/agent/act.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/act_kit.h"

/* ---- words ---- */

static const char *
filled(const char *text)
{
	static char out[200];
	struct err e = {""};

	ck_assert_msg(act_fill(text, &kit_words, out, sizeof out, &e), "%s", e.text);
	return out;
}

static const char *
refuses(const char *text, const struct act_words *w, size_t bytes)
{
	static struct err e;
	char out[200];

	ck_assert(!act_fill(text, w, out, bytes, &e));
	ck_assert_str_eq(out, "");
	return e.text;
}

START_TEST(words_are_filled_in_once)
{
	ck_assert_str_eq(filled("{from}>{to}@{site} {service}/{scenario}/{incident}"),
	    "fra>iad@iad www/shop-dr/17");
	ck_assert_str_eq(filled("--fence={fence}"), "--fence=19");
	ck_assert_str_eq(
	    filled("{backup.id}|{backup.started_at}|{backup.completed_at}"),
	    "b 7/&|2026-11-24T01:00:00Z|2026-11-24T01:10:00Z");
	ck_assert_str_eq(filled("{\"n\": {fence}, \"s\": \"{site}\"} {} {Site} {{to}}"),
	    "{\"n\": 19, \"s\": \"iad\"} {} {Site} {iad}");
	ck_assert_str_eq(filled(""), "");
}
END_TEST

START_TEST(what_cannot_be_filled_in)
{
	struct act_words w = kit_words;

	ck_assert_ptr_nonnull(strstr(refuses("{nobody}", &w, 200), "{nobody"));
	ck_assert_ptr_nonnull(strstr(refuses("{from} is long", &w, 6), "too long"));
	w.backup_id = w.from = "";
	w.backup_started_at = NULL;
	w.fence = 0;
	ck_assert_ptr_nonnull(
	    strstr(refuses("x {backup.id}", &w, 200), "no complete backup was seen"));
	ck_assert_ptr_nonnull(
	    strstr(refuses("{backup.started_at}", &w, 200), "backup"));
	ck_assert_ptr_nonnull(strstr(refuses("{from}", &w, 200), "{from}"));
	ck_assert_ptr_nonnull(strstr(refuses("{fence}", &w, 200), "{fence}"));
	/* An option, or a second line, that whoever named the backup made up. */
	w.backup_id = "--drop-all";
	ck_assert_ptr_nonnull(strstr(refuses("{backup.id}", &w, 200), "--drop-all"));
	w.backup_id = "a\nb";
	ck_assert_ptr_nonnull(strstr(refuses("x{backup.id}", &w, 200), "put in"));
}
END_TEST

static const char *
described(const struct config_act *act, const struct act_words *w)
{
	static char text[300];

	act_describe(act, w, text, sizeof text);
	return text;
}

START_TEST(what_it_would_do)
{
	static const char *argv[] = {"/sbin/promote", "{site}", "{fence}"};
	static const struct config_param params[] = {
	    {"DBInstanceIdentifier", "shop-{to}"}, {"MasterUserPassword", "geheim"}};
	struct config_act exec = {.kind = ACT_EXEC, .args = 3, .arg = argv};
	struct config_act hook = {.kind = ACT_WEBHOOK,
	    .webhook = {.url = "https://app/{site}?key=s3cret", .method = "PUT"}};
	struct config_act aws = {.kind = ACT_AWS,
	    .aws = {.service = "rds",
		.region = "us-east-1",
		.call = {"ModifyDBInstance", 2, params},
		.until = true,
		.ask = {"DescribeDBInstances", 1, params},
		.path = "DBInstanceStatus",
		.is = "available"}};
	struct act_words w = kit_words;

	ck_assert_str_eq(described(&exec, &w), "exec /sbin/promote iad 19");
	w.fence = 0;
	ck_assert_str_eq(described(&exec, &w), "exec /sbin/promote iad {fence}");
	ck_assert_str_eq(described(&hook, &w), "webhook PUT https://app/iad?...");
	ck_assert_str_eq(described(&aws, &w),
	    "aws rds in us-east-1: ModifyDBInstance DBInstanceIdentifier=shop-iad "
	    "MasterUserPassword=..., until DescribeDBInstances "
	    "DBInstanceIdentifier=shop-iad says DBInstanceStatus available");
	exec.dry_run = "promote {to} to be the writer";
	ck_assert_str_eq(described(&exec, &w), "promote iad to be the writer");
}
END_TEST

/* ---- programs ---- */

static const char *shell[] = {
    "/bin/sh", "-c", NULL, "name", "{site}", "{ fence} {fence}", "$HOME;`id`", ""};

static struct config_act
script(const char *text)
{
	shell[2] = text;
	return (struct config_act){
	    .kind = ACT_EXEC, .timeout_ms = 20000, .args = 8, .arg = shell};
}

START_TEST(arguments_and_environment_exactly)
{
	struct config_act act =
	    script("printf '%s\\n' \"$@\"; echo .; env -0 | sort -z "
		   "| tr '\\0' '\\n' | grep -v -e ^PWD -e ^_ -e ^SHLVL");

	kit_begin();
	(void)setenv("POINTSMAN_TEST_LEAK", "secret", 1);
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_DONE);
	ck_assert_str_eq(kit_result.tail,
	    "iad\n{ fence} 19\n$HOME;`id`\n\n.\nLANG=C\n"
	    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
	    "POINTSMAN_BACKUP_COMPLETED_AT=2026-11-24T01:10:00Z\n"
	    "POINTSMAN_BACKUP_ID=b 7/&\n"
	    "POINTSMAN_BACKUP_STARTED_AT=2026-11-24T01:00:00Z\n"
	    "POINTSMAN_FENCE=19\nPOINTSMAN_FROM=fra\nPOINTSMAN_INCIDENT=17\n"
	    "POINTSMAN_SCENARIO=shop-dr\nPOINTSMAN_SERVICE=www\nPOINTSMAN_SITE=iad\n"
	    "POINTSMAN_TO=iad\n");
	ck_assert_uint_gt(kit_result.began_ms, 0);
	ck_assert_uint_ge(kit_result.ended_ms, kit_result.began_ms);
	kit_end();
}
END_TEST

START_TEST(exits)
{
	static const struct {
		const char *script, *says;
		enum acted acted;
	} cases[] = {{"echo promoted >&2; echo", "sh ended well after", ACTED_DONE},
	    {"echo one; echo two; exit 3", "exit status 3 after", ACTED_FAILED},
	    {"echo one; echo two; exit 3", ": two", ACTED_FAILED},
	    {"kill -9 $$", "signal 9", ACTED_UNKNOWN}};

	kit_begin();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct config_act act = script(cases[i].script);

		ck_assert_int_eq(kit_perform(&act)->acted, cases[i].acted);
		kit_says(cases[i].says);
	}
	kit_end();
}
END_TEST

START_TEST(garbage_is_shown_as_such)
{
	struct config_act act = script(
	    "i=0; while [ $i -lt 900 ]; do echo 0123456789; i=$((i+1)); done; "
	    "printf 'gr\\303\\266\\303\\237e\\t\\033[31m\\302\\233x\\000\\001'; exit 1");

	kit_begin();
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_FAILED);
	ck_assert_uint_lt(strlen(kit_result.tail), ACT_TAIL_BYTES);
	ck_assert_uint_gt(strlen(kit_result.tail), ACT_TAIL_BYTES - 100);
	ck_assert_ptr_nonnull(
	    strstr(kit_result.tail, "\ngr\303\266\303\237e\t?[31m?x??"));
	kit_end();
}
END_TEST

START_TEST(its_deadline_and_a_kill_leave_it_unknown)
{
	struct config_act act = script("echo half; exec sleep 1000");
	struct err e = {""};

	kit_begin();
	act.timeout_ms = 300;
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_UNKNOWN);
	kit_says("did not end within 300 ms and was killed");
	kit_says(": half");
	act.timeout_ms = 60000;
	struct act *x = kit_start(&act, &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	act_kill(x);
	act_kill(x);
	kit_wait();
	ck_assert_int_eq(kit_result.acted, ACTED_UNKNOWN);
	kit_says("was killed");
	/* Forgotten: it calls nobody, and ends. */
	x = kit_start(&act, &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	act_forget(x);
	for (int i = 0; i < KIT_PATIENCE_S * 1000 && jobs_running(kit.jobs) > 0; i++) {
		(void)event_base_loop(kit.base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	ck_assert_uint_eq(jobs_running(kit.jobs), 0);
	ck_assert_uint_eq(kit_ended, 0);
	kit_end();
}
END_TEST

START_TEST(the_runner_dies)
{
	struct config_act act =
	    script("kill -9 $(ps -o ppid= -p $PPID); exec sleep 1000");

	kit_begin();
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_UNKNOWN);
	kit_says("because the runner died");
	ck_assert_uint_gt(kit_result.began_ms, 0);
	/* The next one waits until it is back. */
	ck_assert(!jobs_alive(kit.jobs));
	act = script("exit 0");
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_DONE);
	kit_end();
}
END_TEST

START_TEST(no_runner_comes)
{
	struct config_act act = script("exit 0");
	struct jobs_calls calls = {.ended = kit_quiet, .trouble = kit_quiet};
	struct err e = {""};

	kit_begin();
	jobs_free(kit.jobs);
	kit.jobs = jobs_new("/bin/false", &e);
	ck_assert_msg(kit.jobs != NULL, "%s", e.text);
	ck_assert_msg(jobs_begin(kit.jobs, kit.base, &calls, &e), "%s", e.text);
	act.timeout_ms = 700;
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_FAILED);
	kit_says("sh: nothing was started: the runner is not there");
	ck_assert_uint_eq(kit_result.began_ms, 0);
	act.timeout_ms = 60000;
	struct act *x = kit_start(&act, &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	act_kill(x);
	kit_wait();
	kit_says("before it was started");
	act_forget(kit_start(&act, &e));
	kit_end();
}
END_TEST

START_TEST(what_is_not_started)
{
	static const char *gone[] = {"/nowhere/promote", "{site}"};
	struct config_act act = {
	    .kind = ACT_EXEC, .timeout_ms = 5000, .args = 2, .arg = gone};

	kit_begin();
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_FAILED);
	kit_says("promote: nothing was started: No such file");
	ck_assert_uint_eq(kit_result.began_ms, 0);
	gone[1] = "{who}";
	ck_assert_ptr_nonnull(strstr(kit_refused(&act), "promote: {who"));
	act.kind = ACT_NONE;
	ck_assert_ptr_nonnull(strstr(kit_refused(&act), "nothing to perform"));
	ck_assert_uint_eq(jobs_running(kit.jobs), 0);
	kit_end();
}
END_TEST

/* ---- checks ---- */

static struct check_spec check;
static struct config_exec exec;
static struct config_service service;

static struct config_act
check_act(enum check_kind kind, uint16_t port)
{
	struct config_endpoint *at = &service.member[1].endpoint[0];

	memset(&service, 0, sizeof service);
	kit_config = (struct config){.checks = 1,
	    .check = &check,
	    .exec = &exec,
	    .services = 1,
	    .service = &service};
	check = (struct check_spec){.name = "db",
	    .kind = kind,
	    .every_ms = 200,
	    .timeout_ms = 1000,
	    .recheck_ms = 50,
	    .fall = 3,
	    .rise = 6,
	    .clear = 4};
	strcpy(service.rule.name, "www");
	service.shadow_of = -1;
	service.rule.members = 2;
	strcpy(service.rule.member[0].name, "fra");
	strcpy(service.rule.member[1].name, "iad");
	service.member[0].check = service.member[1].check = 7; /* of another kind */
	service.member[0].targets = service.member[1].targets = -1;
	service.member[1].endpoints = 1;
	service.member[1].families[FAMILY_V4] = true;
	strcpy(at->host, "127.0.0.1");
	at->numeric = true;
	at->port = port;
	return (struct config_act){.kind = ACT_CHECK, .timeout_ms = 20000, .check = 0};
}

/* A port that listens, or will when listen() is called. */
static int
bound(uint16_t *port)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	socklen_t n = sizeof here;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&here, &n), 0);
	*port = ntohs(here.sin_port);
	return fd;
}

static void
on_listen(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ck_assert_int_eq(listen(*(int *)arg, 16), 0);
}

START_TEST(a_check_is_waited_for)
{
	struct timeval later = {.tv_usec = 700000};
	uint16_t port;
	int fd = bound(&port);
	struct config_act act = check_act(CHECK_TCP, port);
	struct event *ev;

	kit_begin();
	act.timeout_ms = 2500;
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_FAILED);
	kit_says("check db did not pass at iad within 2.5 s: 127.0.0.1");
	act.timeout_ms = 20000;
	ev = evtimer_new(kit.base, on_listen, &fd);
	ck_assert_int_eq(event_add(ev, &later), 0);
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_DONE);
	kit_says("check db passes at iad after");
	ck_assert_uint_ge(kit_result.ended_ms - kit_result.began_ms, 300);
	event_free(ev);
	(void)close(fd);
	kit_end();
}
END_TEST

START_TEST(a_check_by_a_program)
{
	static const char *argv[] = {"/bin/sh", "-c",
	    "test {site} = iad && test -e \"$0\" || { echo none; exit 1; }", NULL};
	char path[] = "/tmp/act-XXXXXX";
	int fd = mkstemp(path);
	struct config_act act = check_act(CHECK_EXEC, 0);
	struct err e = {""};

	argv[3] = path;
	exec = (struct config_exec){.args = 4, .arg = argv};
	kit_begin();
	ck_assert_int_eq(kit_perform(&act)->acted, ACTED_DONE);
	(void)unlink(path);
	(void)close(fd);
	struct act *x = kit_start(&act, &e);
	ck_assert_msg(x != NULL, "%s", e.text);
	act_kill(x);
	kit_wait();
	ck_assert_int_eq(kit_result.acted, ACTED_UNKNOWN);
	/* The configuration goes while it is waited for. */
	act.timeout_ms = 3000;
	ck_assert_ptr_nonnull(kit_start(&act, &e));
	memset(&service, 0xff, sizeof service);
	memset(&check, 0xff, sizeof check);
	argv[2] = argv[3] = NULL;
	kit_wait();
	ck_assert_int_eq(kit_result.acted, ACTED_FAILED);
	kit_says("127.0.0.1: exit status 1: none");
	kit_end();
}
END_TEST

START_TEST(what_is_no_check_to_wait_for)
{
	struct config_act act = check_act(CHECK_CLOUDWATCH, 1);

	kit_begin();
	ck_assert_ptr_nonnull(strstr(kit_refused(&act), "db: it measures a lag"));
	act = check_act(CHECK_TCP, 1);
	service.member[1].endpoints = 0;
	ck_assert_ptr_nonnull(strstr(kit_refused(&act), "no endpoints"));
	strcpy(service.rule.member[1].name, "ams");
	ck_assert_ptr_nonnull(strstr(kit_refused(&act), "no member iad"));
	kit_end();
}
END_TEST

int
main(int argc, char **argv)
{
	int status;

	if (kit_is_process(argc, argv, &status))
		return status;
	Suite *suite = suite_create("act");
	TCase *t = tcase_create("act");

	tcase_set_timeout(t, 3 * KIT_PATIENCE_S);
	tcase_add_test(t, words_are_filled_in_once);
	tcase_add_test(t, what_cannot_be_filled_in);
	tcase_add_test(t, what_it_would_do);
	tcase_add_test(t, arguments_and_environment_exactly);
	tcase_add_test(t, exits);
	tcase_add_test(t, garbage_is_shown_as_such);
	tcase_add_test(t, its_deadline_and_a_kill_leave_it_unknown);
	tcase_add_test(t, the_runner_dies);
	tcase_add_test(t, no_runner_comes);
	tcase_add_test(t, what_is_not_started);
	tcase_add_test(t, a_check_is_waited_for);
	tcase_add_test(t, a_check_by_a_program);
	tcase_add_test(t, what_is_no_check_to_wait_for);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
