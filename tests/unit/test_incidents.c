/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder: ledgers, facts and orders in, rows of the store out, over restarts. The
 * engine is only looked at, so its ledger is written by hand.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/store.h"
#include "steering/zone/json.h"

static char directory[64];
static struct agent *a;
static struct agent_service *www;
static struct ledger *ledger;
static struct incident row[16];
static uint32_t rows;

static const char text[] =
    "cluster: shop\nsites: [fra, iad]\n"
    "agents:\n"
    "  fra: {url: \"https://10.1.0.5:7353\", site: fra}\n"
    "  iad: {url: \"https://10.2.0.5:7353\", site: iad}\n"
    "  wit: {url: \"https://10.9.0.5:7353\"}\n"
    "tls: {cert: agent.pem, key: agent.key, ca: ca.pem}\nstate: ./state\n"
    "checks:\n  web: {http: {path: /}}\n"
    "  lag: {exec: {argv: [/bin/lag], seconds: stdout}, every: 5s}\n"
    "zones:\n  public: {name: example.com, route53: {zone_id: Z0123456789ABC}}\n"
    "services:\n  www:\n    zone: public\n    names: [www.example.com]\n"
    "    ttl: 30s\n    policy: failover\n    stateful: true\n"
    "    failback: manual\n    check: web\n    members:\n"
    "      fra: {answers: {A: [198.51.100.10]}}\n"
    "      iad: {answers: {A: [203.0.113.10]}}\n"
    "scenarios:\n  shop-dr:\n    kind: warm-standby\n    service: www\n"
    "    primary: fra\n    recovery: iad\n    rto: 15m\n    rpo: 5m\n    lag: lag\n"
    "    trigger: approval\n    steps:\n"
    "      fence: {exec: [/bin/f, \"{fence}\"], timeout: 1m}\n"
    "      promote: {exec: [/bin/p, \"{fence}\"], timeout: 1m}\n"
    "      reverse: {exec: [/bin/r, \"{fence}\"], timeout: 1m}\n"
    "      freeze: {exec: [/bin/z, \"{fence}\"], timeout: 1m}\n"
    "      unfreeze: {exec: [/bin/u, \"{fence}\"], timeout: 1m}\n";

/* ---- a world that stands still ---- */

static void
begin(void)
{
	a->store = store_new(directory, NULL);
	a->facts = facts_new(open("/dev/null", O_WRONLY | O_CLOEXEC), FACT_INFO, NULL);
	a->incidents = incidents_new(a);
}

static void
stop(void)
{
	incidents_free(a->incidents);
	facts_free(a->facts);
	store_free(a->store);
}

static void
restart(void)
{
	stop();
	begin();
}

static void
setup(void)
{
	struct config_notes notes = {0};

	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-incidents-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	a = calloc(1, sizeof *a);
	www = calloc(1, sizeof *www);
	ck_assert_msg(config_parse(text, strlen(text), "t.yaml", &a->config, &notes),
	    "%s", notes.count > 0 ? notes.note[0].text : "");
	config_notes_free(&notes);
	(void)snprintf(a->config->state, sizeof a->config->state, "%s", directory);
	(void)snprintf(a->name, sizeof a->name, "iad");
	www->agent = a;
	www->conf = &a->config->service[0];
	www->engine = calloc(1, sizeof *www->engine);
	www->engine->rule = &www->conf->rule;
	www->engine->has_ledger = true;
	a->service[0] = www;
	a->services = 1;
	begin();
	ledger = &www->engine->ledger;
	ledger->epoch = 40;
	ledger->members = www->conf->rule.members;
	ledger->lock_holder = agent_number("iad");
	for (uint32_t m = 0; m < ledger->members; m++)
		(void)snprintf(ledger->member[m].name, WORD_MAX, "%s",
		    www->conf->rule.member[m].name);
	ledger->member[0].weight = 100;
	ledger->writer = agent_number("iad");
	while (www->conf->rule.agent[www->engine->self].number != ledger->writer)
		www->engine->self++;
	incidents_ledger(a->incidents, www);
}

static void
teardown(void)
{
	char command[96];

	stop();
	config_free(a->config);
	free(www->engine);
	free(www);
	free(a);
	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void
moves(void)
{
	ledger->epoch++;
	incidents_ledger(a->incidents, www);
}

static void
fact(enum fact_kind kind, uint64_t epoch, const char *value)
{
	struct fact f = {.kind = kind, .at_ms = now_boot_ms(), .epoch = epoch};

	(void)snprintf(f.value, sizeof f.value, "%s", value);
	facts_emit(a->facts, "www", NULL, &f);
}

static void
goes_down(uint64_t ago_ms)
{
	www->down_fault_ms[0] = now_boot_ms() - ago_ms;
	www->verdict_ms[0] = now_boot_ms() - ago_ms / 2;
	fact(FACT_VERDICT, 0, verdict_word(VERDICT_DOWN));
}

static void
order(const char *kind, const char *reason)
{
	struct peer_order o = {.uid = 1000, .id = 7};

	(void)snprintf(o.service, sizeof o.service, "www");
	(void)snprintf(o.kind, sizeof o.kind, "%s", kind);
	(void)snprintf(o.agent, sizeof o.agent, "wit");
	(void)snprintf(o.reason, sizeof o.reason, "%s", reason);
	incidents_order(a->incidents, &o);
}

static void
run(enum run_way way)
{
	ledger->run = (struct ledger_run){.id = ledger->epoch + 1, .way = way};
	moves();
}

static void
points_to(uint32_t m)
{
	ledger->member[1 - m].out = true;
	ledger->member[1 - m].weight = 0;
	ledger->member[m].out = false;
	ledger->member[m].weight = 100;
}

/* To the end of its plan. */
static void
goes_through(uint32_t to)
{
	struct scenario_plan plan;

	scenario_plan(&www->conf->rule.plan, &ledger->run, &plan);
	for (uint32_t n = ledger->run.step + 1; n < plan.steps; n++) {
		ledger->run.step = n;
		moves();
	}
	points_to(to);
	ledger->run = (struct ledger_run){0};
	ledger->lock_holder = 0;
	moves();
	ledger->lock_holder = agent_number("iad");
}

/* ---- what is kept ---- */

static void
take(const char *kept, void *arg)
{
	struct err e = {""};
	struct json *j = json_read(kept, strlen(kept), &e);

	(void)arg;
	ck_assert_uint_lt(rows, 16);
	ck_assert_ptr_nonnull(j);
	ck_assert_msg(incident_from_json(j, &row[rows++], &e), "%s", e.text);
	json_free(j);
}

/* What another process reads, once the store has written it. */
static uint32_t
read_rows(void)
{
	struct timespec pause = {.tv_nsec = 5000000};
	struct err e = {""};

	for (int n = 0; n < 4000 && store_queued(a->store) > 0; n++)
		(void)nanosleep(&pause, NULL);
	rows = 0;
	ck_assert_msg(
	    store_incidents(directory, "", 0, 16, take, NULL, &e), "%s", e.text);
	return rows;
}

START_TEST(from_fault_to_full_service)
{
	struct incident_brief last;

	goes_down(5000);
	order("failover", "fra burns");
	run(RUN_FAILOVER);
	uint64_t id = ledger->run.id;
	ledger->run.state = RUN_ASKS;
	moves();
	order("approve", "yes");
	ledger->run.state = RUN_APPROVED;
	moves();
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 1);
	goes_through(1);
	fact(FACT_INSYNC, ledger->epoch, "");
	fact(FACT_ANSWERED, ledger->epoch, "");
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_uint_eq(row[0].id, id);
	ck_assert_str_eq(row[0].scenario, "shop-dr");
	ck_assert_str_eq(row[0].from, "fra");
	ck_assert_str_eq(row[0].to, "iad");
	ck_assert_int_eq(row[0].state, INCIDENT_REACHED);
	ck_assert_uint_eq(row[0].rto_ms, 15 * 60000);
	ck_assert_uint_eq(row[0].rpo_ms, 5 * 60000);
	ck_assert_int_ge(
	    row[0].mark_wall_ms[MARK_DECIDED] - row[0].mark_wall_ms[MARK_FAULT], 4900);
	for (int m = MARK_FAULT; m <= MARK_ENDED; m++)
		ck_assert_msg(row[0].mark_wall_ms[m] != 0, "no mark %s",
		    incident_mark_word((enum incident_mark)m));
	ck_assert_uint_eq(row[0].orders, 2);
	ck_assert_str_eq(row[0].order[0].reason, "fra burns");
	ck_assert_str_eq(row[0].order[1].who, "uid 1000 at agent wit");
	ck_assert_int_eq(row[0].order[1].slot, SLOT_BEGIN);
	/* Back again: both are over. */
	run(RUN_FAILBACK);
	goes_through(0);
	ck_assert_uint_eq(read_rows(), 2);
	ck_assert_int_eq(row[0].state, INCIDENT_OVER);
	ck_assert_int_ne(row[0].mark_wall_ms[MARK_FULL], 0);
	ck_assert_uint_eq(row[0].into, row[1].id);
	ck_assert_int_eq(row[1].state, INCIDENT_OVER);
	ck_assert_str_eq(row[1].from, "iad");
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 0);
	ck_assert(!incidents_last_drill(a->incidents, "shop-dr", &last));
}
END_TEST

/* The agent that saw the fault restarts twice before it is over. */
START_TEST(a_fault_and_a_run_outlive_restarts)
{
	goes_down(60000);
	www->down_fault_ms[0] = www->verdict_ms[0] = 0;
	restart();
	run(RUN_FAILOVER);
	ledger->run.step = 2;
	moves();
	restart();
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 1);
	goes_through(1);
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].state, INCIDENT_REACHED);
	ck_assert_int_ge(
	    row[0].mark_wall_ms[MARK_DECIDED] - row[0].mark_wall_ms[MARK_FAULT], 59000);
	restart();
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 1);
}
END_TEST

START_TEST(a_fault_that_passes_is_forgotten)
{
	goes_down(60000);
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].state, INCIDENT_FAULT);
	fact(FACT_VERDICT, 0, verdict_word(VERDICT_UP));
	ck_assert_uint_eq(read_rows(), 0);
	www->down_fault_ms[0] = 0;
	run(RUN_FAILOVER);
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].mark_wall_ms[MARK_FAULT], 0);
}
END_TEST

/* Nobody's order of yesterday is taken for the beginning of today's. */
START_TEST(an_order_to_begin_is_for_the_next_run)
{
	order("failback", "come home");
	run(RUN_FAILBACK);
	goes_through(0);
	run(RUN_FAILOVER);
	ck_assert_uint_eq(read_rows(), 2);
	ck_assert_uint_eq(row[0].orders, 1);
	ck_assert_uint_eq(row[1].orders, 0);
	/* What is about a service's steering is no word about its run. */
	order("freeze", "wait");
	ck_assert_uint_eq(read_rows(), 2);
	ck_assert_uint_eq(row[1].orders, 0);
}
END_TEST

START_TEST(a_drain_by_the_steering)
{
	struct rule_service *rule = &a->config->service[0].rule;

	rule->scenario = false;
	www->down_fault_ms[0] = now_boot_ms() - 7000;
	www->verdict_ms[0] = now_boot_ms() - 3000;
	points_to(1);
	moves();
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].state, INCIDENT_REACHED);
	ck_assert_int_eq(row[0].way, RUN_NONE);
	ck_assert_int_ne(row[0].mark_wall_ms[MARK_FAULT], 0);
	restart();
	ledger->member[0].out = false;
	moves();
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].state, INCIDENT_OVER);
	/* What an operator drains is no incident. */
	ledger->member[0].weight = 100;
	moves();
	ledger->member[0].out = ledger->member[0].by_order = true;
	ledger->member[0].weight = 0;
	moves();
	ck_assert_uint_eq(read_rows(), 1);
}
END_TEST

/* A repoint moves weights too, and is no drain beside the run. */
START_TEST(a_repoint_is_no_drain)
{
	run(RUN_SWITCHOVER);
	goes_through(1);
	moves();
	ck_assert_uint_eq(read_rows(), 1);
	ck_assert_int_eq(row[0].way, RUN_SWITCHOVER);
}
END_TEST

START_TEST(a_drill_is_known_and_said_when_it_is_long_ago)
{
	struct incident_brief last;
	char warning[224];

	ck_assert(incidents_drill_warning(a->incidents, 0, warning));
	ck_assert_ptr_nonnull(strstr(warning, "pointsman drill shop-dr"));
	run(RUN_DRILL);
	goes_through(0);
	ck_assert(incidents_last_drill(a->incidents, "shop-dr", &last));
	ck_assert(!incidents_drill_warning(a->incidents, 0, warning));
	restart();
	ck_assert(!incidents_drill_warning(a->incidents, 0, warning));
	ck_assert_uint_eq(read_rows(), 1);
	/* The same row, five weeks ago. */
	for (int m = 0; m < MARKS; m++)
		if (row[0].mark_wall_ms[m] != 0)
			row[0].mark_wall_ms[m] -= INT64_C(35) * 86400000;
	row[0].steps = 0;
	struct json *j = incident_to_json(&row[0]);
	char *kept = json_write(j, false);
	store_put_incident(a->store, "www", row[0].id, "shop-dr", kept, 1);
	free(kept);
	json_free(j);
	restart();
	ck_assert(incidents_drill_warning(a->incidents, 0, warning));
	ck_assert_ptr_nonnull(strstr(warning, "not drilled for 35 days"));
}
END_TEST

START_TEST(memory_is_bounded_and_rubbish_is_left_out)
{
	store_put_incident(a->store, "www", 5, "shop-dr", "{\"kind\":\"lunch\"}", 1);
	restart();
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 0);
	for (int n = 0; n < 2 * INCIDENTS_KEPT; n++) {
		run(RUN_FAILBACK);
		ledger->run = (struct ledger_run){0};
		points_to(0);
		moves();
	}
	run(RUN_FAILOVER);
	ck_assert_uint_eq(incidents_open(a->incidents, "www"), 1);
	char *page = NULL;
	size_t bytes = 0, lines = 0;
	FILE *out = open_memstream(&page, &bytes);
	incidents_table(a->incidents, 10000, out);
	(void)fclose(out);
	for (const char *c = page; *c != '\0'; c++)
		lines += *c == '\n';
	ck_assert_uint_eq(lines, INCIDENTS_KEPT + 1);
	free(page);
}
END_TEST

START_TEST(metrics_of_the_last)
{
	static const char *const line[] = {
	    "pointsman_incidents_open{service=\"www\"} 1\n",
	    "pointsman_rto_seconds{scenario=\"shop-dr\"} 900\n",
	    "pointsman_incident_rto_seconds{scenario=\"shop-dr\",kind=\"incident\"} ",
	    "pointsman_drill_timestamp_seconds{scenario=\"shop-dr\"} 0\n",
	    ("pointsman_scenario_run_state{scenario=\"shop-dr\",service=\"www\","
	     "state=\"asks\"} 0\n")};
	char *page = NULL;
	size_t bytes = 0;

	goes_down(5000);
	run(RUN_FAILOVER);
	goes_through(1);
	fact(FACT_ANSWERED, ledger->epoch, "");
	FILE *out = open_memstream(&page, &bytes);
	incidents_metrics(a->incidents, out);
	(void)fclose(out);
	for (size_t n = 0; n < sizeof line / sizeof *line; n++)
		ck_assert_msg(
		    strstr(page, line[n]) != NULL, "no %s in\n%s", line[n], page);
	free(page);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("incidents");
	TCase *c = tcase_create("incidents");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, from_fault_to_full_service);
	tcase_add_test(c, a_fault_and_a_run_outlive_restarts);
	tcase_add_test(c, a_fault_that_passes_is_forgotten);
	tcase_add_test(c, an_order_to_begin_is_for_the_next_run);
	tcase_add_test(c, a_drain_by_the_steering);
	tcase_add_test(c, a_repoint_is_no_drain);
	tcase_add_test(c, a_drill_is_known_and_said_when_it_is_long_ago);
	tcase_add_test(c, memory_is_bounded_and_rubbish_is_left_out);
	tcase_add_test(c, metrics_of_the_last);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
