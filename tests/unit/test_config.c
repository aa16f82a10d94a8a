/* SPDX-License-Identifier: Apache-2.0 */
/* config/: from a file to the model, and what is made of the model. */
#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/alias_zones.h"
#include "config/model.h"
#include "config/schema.h"
#include "tests/unit/config_kit.h"

#define OURS SOURCE_DIR "/config/examples"
#define SHARED SOURCE_DIR "/../shared/examples"

/* ---- examples ---- */

static unsigned
load_all(const char *folder)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		if (strstr(e->d_name, ".yaml") == NULL)
			continue;
		load(folder, e->d_name);
		ck_assert_uint_eq(notes.errors, 0);
		fini();
		n++;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

START_TEST(examples_are_accepted)
{
	ck_assert_uint_ge(load_all(OURS), 13);
	if (access(SHARED, R_OK) == 0)
		ck_assert_uint_ge(load_all(SHARED), 9);
}
END_TEST

START_TEST(a_byte_order_mark_says_nothing)
{
	static char marked[sizeof config_base + 3];

	(void)snprintf(marked, sizeof marked, "\xef\xbb\xbf%s", config_base);
	ck_assert(config_parse(marked, strlen(marked), "/tmp/p.yaml", &c, &notes));
	ck_assert_str_eq(c->cluster, "test");
	fini();
}
END_TEST

START_TEST(tcp_conversation)
{
	struct check_spec spec;

	parse_with("{tcp: {port: 5432}}",
	    "{tcp: {port: 5432, send: \"PING\\r\\n\", expect: PONG, "
	    "tls: {min_days: 7, ca: ca.pem}}}");
	config_target(c, 1, 0, 0, &spec);
	ck_assert_int_eq(spec.kind, CHECK_TCP);
	ck_assert_uint_eq(spec.tcp.port, 5432);
	ck_assert_str_eq(spec.tcp.send, "PING\r\n");
	ck_assert_str_eq(spec.tcp.expect, "PONG");
	ck_assert(spec.tcp.tls);
	ck_assert(spec.tcp.verify);
	ck_assert_uint_eq(spec.tcp.min_days, 7);
	ck_assert_str_eq(spec.tcp.server_name, "pair.example.com");
	ck_assert_ptr_nonnull(strstr(spec.tcp.ca, "ca.pem"));
	fini();
	parse_with("{tcp: {port: 5432}}", "{tcp: {port: 5432}}");
	config_target(c, 1, 0, 0, &spec);
	ck_assert(!spec.tcp.tls);
	fini();
}
END_TEST

START_TEST(exec_model)
{
	struct config_notes missing;
	struct check_spec spec;

	load(OURS, "programs.yaml");
	ck_assert(config_runnable(c, &missing));
	config_notes_free(&missing);
	config_target(c, 0, 1, 0, &spec);
	ck_assert_int_eq(spec.kind, CHECK_EXEC);
	ck_assert_uint_eq(c->exec[0].args, 7);
	ck_assert_str_eq(c->exec[0].arg[0], "/usr/local/bin/replica-is-fresh");
	ck_assert_str_eq(c->exec[0].arg[6], "{host}");
	ck_assert_uint_eq(c->service[0].member[1].endpoint[0].port, 5432);
	ck_assert_uint_eq(c->service[1].member[1].endpoint[0].port, 0);
	fini();
	parse_with("{tcp: {port: 5432}}", "{exec: {argv: [/bin/own]}}");
	ck_assert_uint_eq(c->exec[0].args, 0);
	ck_assert_uint_eq(c->exec[1].args, 1);
	fini();
}
END_TEST

START_TEST(solo_model)
{
	struct check_spec spec;

	load(OURS, "solo.yaml");
	const struct config_service *s = service("shop");
	ck_assert(c->solo);
	ck_assert_uint_eq(c->agents, 1);
	ck_assert_str_eq(c->agent[0].domain, "left");
	ck_assert_uint_eq(rule_quorum(&s->rule), 1);
	ck_assert_int_eq(s->rule.agent[0].member, 0);
	ck_assert_str_eq(s->ledger_name, "_pointsman.shop.example.test");
	ck_assert_uint_eq(s->ttl_s, 5);
	ck_assert_uint_eq(s->rule.max_out, 1);
	ck_assert_uint_eq(s->rule.member[1].weight, 100);
	ck_assert_uint_eq(s->rule.member[1].detector.stale_ms, 3 * 2000 + 1500);
	ck_assert_uint_eq(s->member[1].endpoints, 1);
	ck_assert_str_eq(s->member[1].endpoint[0].host, "127.0.2.1");
	ck_assert(s->member[1].families[FAMILY_V4]);
	ck_assert(!s->member[1].families[FAMILY_V6]);
	config_target(c, 0, 1, 0, &spec);
	ck_assert_uint_eq(spec.http.port, 8080);
	ck_assert(!spec.http.https);
	ck_assert_str_eq(spec.http.host, "shop.example.test");
	ck_assert_str_eq(spec.http.path, "/healthz");
	ck_assert_str_eq(spec.http.method, "GET");
	ck_assert_uint_eq(spec.http.status[0].low, 200);
	ck_assert_uint_eq(spec.http.status[0].high, 299);
	ck_assert(spec.http.verify);
	ck_assert_str_eq(c->zone[0].nameserver[0], "127.0.0.1:8054");
	ck_assert(c->state[0] == '/');
	ck_assert_ptr_nonnull(strstr(c->state, "/config/examples/state"));
	fini();
}
END_TEST

START_TEST(fast_model)
{
	load(OURS, "fast.yaml");
	const struct rule_service *r = &service("www")->rule;
	ck_assert_uint_eq(r->report_ms, 100);
	ck_assert_uint_eq(r->fresh_ms, 1500);
	ck_assert_uint_eq(r->rank_ms, 400);
	ck_assert_uint_eq(r->silent_ms, 400);
	ck_assert_uint_eq(r->hold_ms, 100);
	ck_assert_uint_eq(r->spacing_ms, 3000);
	ck_assert_uint_eq(r->return_hold_ms, 10000);
	ck_assert_uint_eq(r->return_hold_ms_max, 120000);
	ck_assert_uint_eq(r->swap_after_ms, 3000);
	ck_assert_uint_eq(r->ramp_steps, 4);
	ck_assert_uint_eq(r->ramp_pct[2], 50);
	ck_assert_uint_eq(r->ramp_every_ms, 5000);
	ck_assert_uint_eq(c->check[0].hedge_ms, 100);
	ck_assert_uint_eq(r->agents, 3);
	ck_assert_uint_eq(rule_quorum(r), 2);
	ck_assert_int_eq(r->agent[2].member, -1);
	ck_assert_uint_ne(r->agent[0].domain, r->agent[2].domain);
	ck_assert_uint_eq(r->agent[1].number, agent_number("y"));
	fini();
}
END_TEST

START_TEST(templates_are_merged_by_key)
{
	load(OURS, "three-regions.yaml");
	const struct config_service *www = service("www"), *api = service("api");
	const struct config_service *apex = service("apex"), *db = service("db");
	ck_assert_uint_eq(www->ttl_s, 60);
	ck_assert_uint_eq(api->ttl_s, 20);
	ck_assert_uint_eq(www->rule.max_out, 2);
	ck_assert_uint_eq(api->rule.max_out, 1);
	ck_assert_uint_eq(www->rule.member[0].weight, 200);
	ck_assert(service("trial")->rule.observe);
	ck_assert_uint_eq(apex->rule.members, 4);
	ck_assert_str_eq(apex->rule.member[2].name, "tokyo");
	ck_assert_str_eq(apex->rule.member[3].name, "page");
	ck_assert(apex->rule.member[3].last_resort);
	ck_assert_uint_eq(apex->member[3].endpoints, 0);
	ck_assert_int_eq(apex->rule.policy, POLICY_FAILOVER);
	ck_assert_uint_eq(apex->rule.member[0].weight, 100);
	/* Application and Network balancers of one region lie in different zones. */
	ck_assert_str_eq(www->member[0].answer[0].alias_zone, "Z32O12XQLNTSW2");
	ck_assert_str_eq(www->member[1].answer[1].alias_zone, "ZLMOA37VPKANP");
	ck_assert_int_eq(www->member[1].answer[1].type, RR_AAAA);
	ck_assert_str_eq(apex->member[3].answer[0].alias_zone, "Z2FDTNDATAQYW2");
	ck_assert(www->member[0].endpoint[0].https);
	ck_assert_uint_eq(www->member[0].endpoint[0].port, 443);
	ck_assert_uint_eq(db->rule.agents, 3);
	ck_assert_uint_eq(rule_quorum(&db->rule), 2);
	ck_assert_uint_eq(db->rule.hold_ms, 60000);
	ck_assert(!db->rule.failback_auto);
	fini();
}
END_TEST

START_TEST(stateful_scenario_model)
{
	load(OURS, "warm-standby.yaml");
	ck_assert_uint_eq(c->scenarios, 1);
	ck_assert_str_eq(c->scenario[0].name, "accounts-dr");
	ck_assert(service("accounts")->rule.scenario);
	fini();
}
END_TEST

START_TEST(names_are_written_as_route53_does)
{
	load(OURS, "active-active.yaml");
	const struct config_service *s = service("www");
	ck_assert_str_eq(s->name[1], "\\052.apps.example.org");
	ck_assert_str_eq(s->member[0].answer[0].value, "192.0.2.20\n192.0.2.21");
	ck_assert_uint_eq(s->member[0].answer[0].values, 2);
	ck_assert_str_eq(s->member[0].answer[1].value, "2001:db8:1::20");
	ck_assert(s->member[0].families[FAMILY_V6]);
	ck_assert_str_eq(c->check[0].http.headers, "Accept: text/plain\n");
	ck_assert_uint_eq(c->check[0].http.statuses, 2);
	fini();
}
END_TEST

/* ---- what the model is made of ---- */

START_TEST(defaults_are_the_rules_own)
{
	struct rule_service want;

	memset(&want, 0, sizeof want);
	rule_service_defaults(&want);
	parse_with("    hold: 3s\n", "");
	const struct rule_service *r = &service("www")->rule;
	ck_assert_int_eq(r->policy, want.policy);
	ck_assert_int_eq(r->failback_auto, want.failback_auto);
	ck_assert_int_eq(r->observe, want.observe);
	ck_assert_int_eq(r->stateful, want.stateful);
	ck_assert_uint_eq(r->hold_ms, want.hold_ms);
	ck_assert_uint_eq(r->spacing_ms, want.spacing_ms);
	ck_assert_uint_eq(r->down_below_pct, want.down_below_pct);
	ck_assert_uint_eq(r->up_above_pct, want.up_above_pct);
	ck_assert_uint_eq(r->min_capacity_pct, want.min_capacity_pct);
	ck_assert_uint_eq(r->return_hold_ms, want.return_hold_ms);
	ck_assert_uint_eq(r->return_hold_ms_max, want.return_hold_ms_max);
	ck_assert_uint_eq(r->return_per_hour, want.return_per_hour);
	ck_assert_uint_eq(r->latch_after, want.latch_after);
	ck_assert_uint_eq(r->swap_after_ms, want.swap_after_ms);
	ck_assert_uint_eq(r->swap_per_hour, want.swap_per_hour);
	ck_assert_uint_eq(r->ramp_steps, want.ramp_steps);
	ck_assert_mem_eq(r->ramp_pct, want.ramp_pct, want.ramp_steps);
	ck_assert_uint_eq(r->ramp_every_ms, want.ramp_every_ms);
	ck_assert_uint_eq(r->report_ms, want.report_ms);
	ck_assert_uint_eq(r->fresh_ms, want.fresh_ms);
	ck_assert_uint_eq(r->rank_ms, want.rank_ms);
	ck_assert_uint_eq(r->silent_ms, want.silent_ms);
	fini();
}
END_TEST

START_TEST(endpoints_win_over_answers)
{
	parse_with("iad: {weight: 30,",
	    "iad: {weight: 30, endpoints: [\"https://Web.Example.NET\", \"[::1]:81\", x],");
	const struct config_member *m = &service("www")->member[1];
	ck_assert_uint_eq(m->endpoints, 3);
	ck_assert_str_eq(m->endpoint[0].host, "web.example.net");
	ck_assert(m->endpoint[0].https && m->endpoint[0].port == 443);
	ck_assert_str_eq(m->endpoint[1].host, "::1");
	ck_assert(m->endpoint[1].numeric && m->endpoint[1].port == 81);
	ck_assert(!m->endpoint[2].https && m->endpoint[2].port == 80);
	fini();
}
END_TEST

START_TEST(records_of_both_styles)
{
	static struct rrset out[RRSETS_MAX];
	const uint8_t weight[MEMBERS_MAX] = {0, 30};

	parse(config_base);
	ck_assert(!config_needs_steady(service("www")));
	ck_assert_uint_eq(config_records(service("www"), weight, out), 2);
	ck_assert_str_eq(out[0].name, "www.example.com");
	ck_assert_str_eq(out[0].set_id, "fra");
	ck_assert_int_eq(out[0].policy, RR_WEIGHTED);
	ck_assert_uint_eq(out[0].weight, 0);
	ck_assert_uint_eq(out[1].weight, 30);
	ck_assert_uint_eq(out[1].ttl_s, 30);
	ck_assert_str_eq(out[1].value, "192.0.2.2");
	ck_assert_uint_eq(config_records(service("pair"), weight, out), 2);
	ck_assert_int_eq(out[0].policy, RR_SECONDARY);
	ck_assert_int_eq(out[1].policy, RR_PRIMARY);
	ck_assert_str_eq(out[1].health_check, ""); /* not found yet */
	ck_assert(config_needs_steady(service("pair")));
	struct config_service found = *service("pair");
	(void)snprintf(found.steady, sizeof found.steady, "1a2b");
	ck_assert_uint_eq(config_records(&found, weight, out), 2);
	ck_assert_str_eq(out[0].health_check, "1a2b");
	ck_assert_str_eq(out[1].health_check, "1a2b");
	fini();
}
END_TEST

static uint64_t
hash_with(const char *find, const char *put)
{
	parse_with(find, put);
	uint64_t h = service("www")->rule.policy_hash;
	fini();
	return h;
}

START_TEST(hash_is_over_what_decides_and_is_shared)
{
	static const char *const same[][2] = {
	    {"state: ./state\n", "state: /elsewhere\n"},
	    {"page: 127.0.0.1:7354\n", ""},
	    {"agent.pem", "other.pem"},
	    {"10.1.0.5", "10.1.0.6"},
	    {"hold: 3s", "hold: 3000ms"},
	    {"zone_id: Z1", "zone_id: Z1, profile: dns"},
	    {"zone_id: Z1}", "zone_id: Z1}, nameservers: [10.0.0.2]"},
	    {"every: 2s", "every: 2s\n    source: 192.0.2.77"},
	    {"pair.example.com", "pears.example.com"},
	};
	static const char *const other[][2] = {
	    {"cluster: test", "cluster: tset"},
	    {"hold: 3s", "hold: 4s"},
	    {"ttl: 30s", "ttl: 31s"},
	    {"weight: 70", "weight: 71"},
	    {"192.0.2.2]", "192.0.2.9]"},
	    {"path: /healthz", "path: /"},
	    {"every: 2s", "every: 3s"},
	    {"zone_id: Z1", "zone_id: Z2"},
	    {"hold: 3s", "mode: observe"},
	    {"hold: 3s", "from: [fra, wit]"},
	    {"  wit: {url", "  wot: {url"},
	    {"{report: 1s}", "{report: 500ms}"},
	};
	uint64_t base = hash_with("cluster", "cluster");

	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
		ck_assert_msg(
		    hash_with(same[i][0], same[i][1]) == base, "%s", same[i][1]);
	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
		ck_assert_msg(
		    hash_with(other[i][0], other[i][1]) != base, "%s", other[i][1]);
}
END_TEST

START_TEST(a_template_hashes_like_what_it_says)
{
	uint64_t base = hash_with("cluster", "cluster");

	ck_assert_uint_eq(hash_with("services:\n  www:\n    zone: public\n",
			      "templates:\n  t: {zone: public, hold: 9s}\n"
			      "services:\n  www:\n    template: t\n"),
	    base);
}
END_TEST

/* ---- the table ---- */

/* Parents stand before their children, with nothing between that is not theirs. */
START_TEST(table_is_in_order_and_explained)
{
	size_t n;
	const struct schema_key *rows = schema_keys(&n);

	ck_assert_uint_gt(n, 150);
	for (size_t i = 0; i < n; i++) {
		char parent[128];
		const char *dot = strrchr(rows[i].path, '.');
		size_t bytes = dot != NULL ? (size_t)(dot - rows[i].path) : 0;

		ck_assert_msg(rows[i].doc != NULL && rows[i].doc[0] != '\0',
		    "%s has no doc", rows[i].path);
		ck_assert_ptr_eq(schema_find(rows[i].path), &rows[i]);
		ck_assert_ptr_nonnull(schema_type_text(rows[i].type));
		ck_assert(rows[i].type != T_ENUM || rows[i].words != NULL);
		ck_assert(rows[i].max == 0 || rows[i].min <= rows[i].max);
		if (dot == NULL)
			continue;
		(void)snprintf(parent, sizeof parent, "%.*s", (int)bytes, rows[i].path);
		const struct schema_key *p = schema_find(parent);
		ck_assert_msg(p != NULL && p < &rows[i], "%s", rows[i].path);
		ck_assert(schema_is_below(&rows[i], p));
		for (; p < &rows[i]; p++)
			ck_assert_msg(
			    strncmp(p->path, parent, bytes) == 0, "%s", p->path);
	}
}
END_TEST

/* ---- run and survival ---- */

START_TEST(all_that_can_be_written_runs)
{
	struct config_notes missing;

	static const char *const ours[] = {"solo.yaml", "active-active.yaml",
	    "three-regions.yaml", "three-sites.yaml", "fast.yaml", "warm-standby.yaml"};

	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
		load(OURS, ours[i]);
		ck_assert_msg(config_runnable(c, &missing), "%s", ours[i]);
		ck_assert_uint_eq(missing.count, 0);
		config_notes_free(&missing);
		fini();
	}
	parse(config_base);
	ck_assert(config_runnable(c, &missing));
	config_notes_free(&missing);
	fini();
}
END_TEST

static void
survival_says(const char *find, const char *put, const char *sentence)
{
	char text[1024];

	parse_with(find, put);
	config_survival(c, 0, text, sizeof text);
	ck_assert_msg(strstr(text, sentence) != NULL, "%s", text);
	fini();
}

START_TEST(survival_is_computed)
{
	survival_says("cluster", "cluster", "survives the loss of any one of them");
	survival_says("cluster", "cluster", "fra and wit, or iad and wit together end");
	survival_says("hold: 3s", "from: [fra, wit]",
	    "fra, or wit alone ends steering: add a witness");
	survival_says("  wit: {", "  wat: {url: \"https://10.9.0.6:7353\"}\n  wit: {",
	    "any 2 of 4 domains together end steering: add a witness");
	/* Two agents that fail together are one loss. */
	survival_says("7353\"}\n", "7353\", domain: fra}\n",
	    "fra, or iad alone ends steering: add two witnesses");
	survival_says("page: 127.0.0.1:7354", "quorum: solo", "agents must agree");
}
END_TEST

START_TEST(alias_zones_by_the_end_of_the_name)
{
	ck_assert_str_eq(
	    alias_zone_find("x.us-east-1.elb.amazonaws.com"), "Z35SXDOTRQ7X7K");
	ck_assert_str_eq(
	    alias_zone_find("x.elb.us-east-1.amazonaws.com"), "Z26RNL4JYFTOTI");
	ck_assert_str_eq(alias_zone_find("x.cloudfront.net"), "Z2FDTNDATAQYW2");
	ck_assert_ptr_null(alias_zone_find("cloudfront.net"));
	ck_assert_ptr_null(alias_zone_find("xus-east-1.elb.amazonaws.com"));
	ck_assert_ptr_null(alias_zone_find("x.mars-1.elb.amazonaws.com"));
}
END_TEST

/* The table against the published list, where that is at hand. */
START_TEST(alias_zones_are_all_there)
{
	FILE *f = fopen(SOURCE_DIR "/../shared/data/alias-zones.csv", "r");
	char line[256], suffix[128], kind[32], zone[64], name[160];

	if (f == NULL)
		return;
	unsigned n = 0;
	while (fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '#' ||
		    sscanf(line, "%127[^,],%31[^,],%63s", suffix, kind, zone) != 3 ||
		    strcmp(kind, "kind") == 0)
			continue;
		(void)snprintf(name, sizeof name, "lb-1.%s", suffix);
		ck_assert_ptr_nonnull(alias_zone_find(name));
		ck_assert_str_eq(alias_zone_find(name), zone);
		n++;
	}
	(void)fclose(f);
	ck_assert_uint_gt(n, 50);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {examples_are_accepted, exec_model,
	    a_byte_order_mark_says_nothing, tcp_conversation, solo_model, fast_model,
	    templates_are_merged_by_key, stateful_scenario_model,
	    names_are_written_as_route53_does, defaults_are_the_rules_own,
	    endpoints_win_over_answers, records_of_both_styles,
	    hash_is_over_what_decides_and_is_shared,
	    a_template_hashes_like_what_it_says, table_is_in_order_and_explained,
	    all_that_can_be_written_runs, survival_is_computed,
	    alias_zones_by_the_end_of_the_name, alias_zones_are_all_there};

	return run_tests("config", tests, sizeof tests / sizeof tests[0]);
}
