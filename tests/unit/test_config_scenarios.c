/* SPDX-License-Identifier: Apache-2.0 */
/* config/: recovery scenarios, from the file to what the machine and the shell read. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/load.h"
#include "config/model.h"
#include "steering/agent/exec_check.h"
#include "tests/unit/config_kit.h"

static const char promote_line[] = "      promote: {exec: [/bin/promote]}\n";

static const struct rule_step *
step(enum slot s)
{
	return &service("shop")->rule.plan.step[s];
}

static const struct config_act *
act(enum slot s)
{
	return &c->scenario[0].act[s];
}

START_TEST(the_plan_of_a_service)
{
	parse(config_base);
	const struct rule_scenario *p = &service("shop")->rule.plan;
	const struct config_scenario *s = &c->scenario[0];

	ck_assert(service("shop")->rule.scenario);
	ck_assert(!service("www")->rule.scenario);
	ck_assert_str_eq(p->name, "plan");
	ck_assert_int_eq(p->kind, SCENARIO_WARM_STANDBY);
	ck_assert_int_eq(p->trigger, TRIGGER_APPROVAL);
	ck_assert_uint_eq(p->primary, 0);
	ck_assert_uint_eq(p->recovery, 1);
	ck_assert(p->has_lag);
	ck_assert_uint_eq(p->catch_up_ms, 10000);
	ck_assert(!p->shadow);
	ck_assert_str_eq(c->service[s->service].rule.name, "shop");
	ck_assert_uint_eq(s->rto_ms, 15 * 60000);
	ck_assert_uint_eq(s->rpo_ms, 5 * 60000);
	ck_assert_str_eq(c->check[s->lag].name, "lag");
	ck_assert(c->lag[s->lag].measures);
	ck_assert(!c->lag[0].measures);

	ck_assert_int_eq(step(SLOT_FENCE)->fill, FILL_ACT);
	ck_assert(step(SLOT_FENCE)->fenced);
	ck_assert(!step(SLOT_PROMOTE)->fenced);
	ck_assert(!step(SLOT_FENCE)->aws);
	ck_assert(!step(SLOT_FENCE)->once);
	ck_assert(!step(SLOT_FENCE)->go_on);
	ck_assert(!step(SLOT_FENCE)->drill);
	ck_assert_uint_eq(step(SLOT_FENCE)->timeout_ms, 60000);
	ck_assert_int_eq(step(SLOT_REVERSE)->fill, FILL_NOTHING);
	ck_assert_int_eq(step(SLOT_READY)->fill, FILL_EMPTY);
	ck_assert(step(SLOT_READY)->drill);
	ck_assert_uint_gt(step(SLOT_READY)->timeout_ms, 0);
	ck_assert_uint_eq(step(SLOT_BEGIN)->timeout_ms, 0);

	ck_assert_int_eq(act(SLOT_FENCE)->kind, ACT_EXEC);
	ck_assert_uint_eq(act(SLOT_FENCE)->args, 3);
	ck_assert_str_eq(act(SLOT_FENCE)->arg[2], "{fence}");
	ck_assert_uint_eq(act(SLOT_FENCE)->timeout_ms, 60000);
	ck_assert_str_eq(act(SLOT_REVERSE)->none, "rebuilt by hand");
	ck_assert_int_eq(act(SLOT_READY)->kind, ACT_NONE);
	ck_assert_str_eq(act(SLOT_READY)->webhook.url, "");
	fini();
}
END_TEST

static void
with_promote(const char *line)
{
	parse_with(promote_line, line);
}

START_TEST(what_fills_a_slot)
{
	with_promote("      promote: {approve: \"really?\", drill: run}\n");
	ck_assert_int_eq(step(SLOT_PROMOTE)->fill, FILL_APPROVE);
	ck_assert_uint_eq(step(SLOT_PROMOTE)->timeout_ms, 0);
	ck_assert(step(SLOT_PROMOTE)->drill);
	ck_assert_str_eq(act(SLOT_PROMOTE)->question, "really?");
	fini();
	with_promote("      ready: {wait: healthy, timeout: 9m}\n");
	ck_assert_int_eq(step(SLOT_READY)->fill, FILL_HEALTHY);
	ck_assert_uint_eq(step(SLOT_READY)->timeout_ms, 9 * 60000);
	ck_assert_int_eq(act(SLOT_READY)->kind, ACT_NONE);
	fini();
	with_promote("      scale_up: {wait: {lag: 3s}, drill: skip}\n");
	ck_assert_int_eq(step(SLOT_SCALE_UP)->fill, FILL_LAG);
	ck_assert_uint_eq(step(SLOT_SCALE_UP)->wait_ms, 3000);
	ck_assert_uint_eq(step(SLOT_SCALE_UP)->timeout_ms, 30 * 60000);
	ck_assert(!step(SLOT_SCALE_UP)->drill);
	fini();
	with_promote("      scale_up: {wait: {time: 2m}}\n");
	ck_assert_int_eq(step(SLOT_SCALE_UP)->fill, FILL_TIME);
	ck_assert_uint_eq(step(SLOT_SCALE_UP)->wait_ms, 120000);
	ck_assert_uint_gt(step(SLOT_SCALE_UP)->timeout_ms, 120000);
	fini();
	with_promote("      scale_up: {wait: {check: web}, idempotent: false, "
		     "retries: 2, on_failure: continue, dry_run: looks}\n");
	ck_assert_int_eq(step(SLOT_SCALE_UP)->fill, FILL_ACT);
	ck_assert_int_eq(act(SLOT_SCALE_UP)->kind, ACT_CHECK);
	ck_assert_str_eq(c->check[act(SLOT_SCALE_UP)->check].name, "web");
	ck_assert(step(SLOT_SCALE_UP)->once);
	ck_assert(step(SLOT_SCALE_UP)->go_on);
	ck_assert_uint_eq(step(SLOT_SCALE_UP)->retries, 2);
	ck_assert_str_eq(act(SLOT_SCALE_UP)->dry_run, "looks");
	fini();
}
END_TEST

START_TEST(a_webhook_as_written)
{
	with_promote(
	    "      promote: {webhook: {url: \"https://x.{to}.example/p?f={fence}\","
	    " method: PUT, headers: {X-Site: \"{to}\", Authorization: {file: "
	    "token}}, body: \"a\\nb\", status: [200, 202-204]}}\n");
	const struct config_act *a = act(SLOT_PROMOTE);

	ck_assert_int_eq(a->kind, ACT_WEBHOOK);
	ck_assert_str_eq(a->webhook.url, "https://x.{to}.example/p?f={fence}");
	ck_assert_str_eq(a->webhook.method, "PUT");
	ck_assert_str_eq(a->webhook.body, "a\nb");
	ck_assert_uint_eq(a->webhook.headers, 2);
	ck_assert_str_eq(a->webhook.header[0].value, "{to}");
	ck_assert_str_eq(a->webhook.header[0].file, "");
	ck_assert_str_eq(a->webhook.header[1].name, "Authorization");
	ck_assert_str_eq(a->webhook.header[1].value, "");
	ck_assert_str_eq(a->webhook.header[1].file, "/etc/pointsman/token");
	ck_assert_uint_eq(a->webhook.statuses, 2);
	ck_assert_uint_eq(a->webhook.status[1].high, 204);
	ck_assert(step(SLOT_PROMOTE)->fenced);
	fini();
	with_promote("      promote: {webhook: {url: \"https://x.example/\"}}\n");
	ck_assert_str_eq(act(SLOT_PROMOTE)->webhook.method, "POST");
	ck_assert_uint_eq(act(SLOT_PROMOTE)->webhook.statuses, 1);
	ck_assert_uint_eq(act(SLOT_PROMOTE)->webhook.status[0].high, 299);
	fini();
}
END_TEST

START_TEST(an_aws_call_as_written)
{
	with_promote(
	    "      promote:\n"
	    "        aws: {service: rds, region: us-east-1, action: PromoteReadReplica,\n"
	    "              params: {DBInstanceIdentifier: \"shop-{to}\"}, profile: dr,\n"
	    "              endpoint: \"http://127.0.0.1:1\",\n"
	    "              role_arn: \"arn:aws:iam::111122223333:role/dr\"}\n"
	    "        until: {action: DescribeDBInstances, path: DBInstanceStatus,\n"
	    "                params: {DBInstanceIdentifier: \"shop-{to}\"},\n"
	    "                is: available, every: 5s}\n");
	const struct config_act *a = act(SLOT_PROMOTE);

	ck_assert_int_eq(a->kind, ACT_AWS);
	ck_assert(step(SLOT_PROMOTE)->aws);
	ck_assert(!step(SLOT_PROMOTE)->fenced);
	ck_assert_str_eq(a->aws.service, "rds");
	ck_assert_str_eq(a->aws.version, "2014-10-31");
	ck_assert_str_eq(a->aws.profile, "dr");
	ck_assert_str_eq(a->aws.endpoint, "http://127.0.0.1:1");
	ck_assert_str_eq(a->aws.role_arn, "arn:aws:iam::111122223333:role/dr");
	ck_assert_str_eq(a->aws.call.action, "PromoteReadReplica");
	ck_assert_uint_eq(a->aws.call.params, 1);
	ck_assert_str_eq(a->aws.call.param[0].key, "DBInstanceIdentifier");
	ck_assert_str_eq(a->aws.call.param[0].value, "shop-{to}");
	ck_assert(a->aws.until);
	ck_assert_str_eq(a->aws.ask.action, "DescribeDBInstances");
	ck_assert_str_eq(a->aws.path, "DBInstanceStatus");
	ck_assert_str_eq(a->aws.is, "available");
	ck_assert_uint_eq(a->aws.every_ms, 5000);
	fini();
	with_promote(
	    "      promote: {aws: {service: ec2, region: us-east-1, action: X, "
	    "params: {ClientToken: \"{fence}\"}}}\n");
	ck_assert(step(SLOT_PROMOTE)->fenced);
	ck_assert(!act(SLOT_PROMOTE)->aws.until);
	ck_assert_str_eq(act(SLOT_PROMOTE)->aws.version, "2016-11-15");
	fini();
}
END_TEST

START_TEST(the_shadow_is_the_service_under_another_name)
{
	struct rrset records[RRSETS_MAX];
	struct check_spec target;

	parse(config_base);
	const struct config_service *of = service("shop"), *s = service("shop-drill");

	ck_assert_ptr_eq(s, &c->service[c->scenario[0].shadow]);
	ck_assert_ptr_eq(of, &c->service[s->shadow_of]);
	ck_assert_int_eq(of->shadow_of, -1);
	ck_assert_uint_eq(c->scenario[0].drill_ms, 0);
	ck_assert_uint_eq(s->names, 1);
	ck_assert_str_eq(s->name[0], "_drill.shop.example.com");
	ck_assert_str_eq(s->ledger_name, "_pointsman.shop-drill.example.com");
	ck_assert(s->rule.scenario);
	ck_assert(s->rule.plan.shadow);
	ck_assert_uint_eq(s->rule.members, 2);
	ck_assert_uint_eq(s->rule.agents, of->rule.agents);
	ck_assert_uint_ne(s->rule.policy_hash, of->rule.policy_hash);
	ck_assert_uint_eq(
	    config_records(s, (uint8_t[MEMBERS_MAX]){100, 0}, records), 2);
	ck_assert_str_eq(records[0].name, "_drill.shop.example.com");
	ck_assert_str_eq(records[0].value, "192.0.2.5");
	ck_assert_int_eq(records[0].policy, RR_WEIGHTED);
	/* The members are asked by the name that they serve. */
	config_target(c, (uint32_t)c->scenario[0].shadow, 0, 0, &target);
	ck_assert_str_eq(target.http.host, "shop.example.com");
	fini();
	parse_with("drill: command", "drill: weekly");
	ck_assert_uint_eq(c->scenario[0].drill_ms, UINT64_C(7) * 86400 * 1000);
	fini();
	parse_with("    drill: command\n", "");
	ck_assert_int_eq(c->scenario[0].shadow, -1);
	ck_assert_uint_eq(c->services, 3);
	fini();
}
END_TEST

/* … by programs too. */
START_TEST(a_shadow_is_probed_as_what_it_is)
{
	static struct runner_msg m;
	struct err e;

	parse_with("http: {path: /healthz, status: [200]}",
	    "exec: {argv: [/bin/probe, \"{service}\"]}");
	ck_assert(
	    exec_fill(c, (uint32_t)c->scenario[0].shadow, 0, 0, "192.0.2.5", &m, &e));
	ck_assert_str_eq(m.text + strlen(m.text) + 1, "shop");
	fini();
}
END_TEST

/* Failover records and their checks would move the shadow by themselves. */
START_TEST(a_shadow_is_plainly_weighted)
{
	struct rrset records[RRSETS_MAX];

	parse_with("service: shop\n", "service: pair\n");
	const struct config_service *s = service("pair-drill");

	ck_assert(config_needs_steady(service("pair")));
	ck_assert(!config_needs_steady(s));
	ck_assert_uint_eq(
	    config_records(s, (uint8_t[MEMBERS_MAX]){100, 0}, records), 2);
	ck_assert_int_eq(records[0].policy, RR_WEIGHTED);
	ck_assert_uint_eq(records[0].weight, 100);
	ck_assert_uint_eq(records[1].weight, 0);
	ck_assert_str_eq(records[0].health_check, "");
	fini();
	parse_with("    kind: warm-standby\n    service: shop",
	    "    kind: warm-standby\n    catch_up: 2s\n    service: shop");
	ck_assert_uint_eq(service("shop")->rule.plan.catch_up_ms, 2000);
	fini();
	parse_with("rpo: 5m", "rpo: 3s");
	ck_assert_uint_eq(service("shop")->rule.plan.catch_up_ms, 3000);
	fini();
}
END_TEST

static const struct config_lag *
lag_of(const char *put)
{
	parse_with("{exec: {argv: [/bin/lag], seconds: stdout}}", put);
	return &c->lag[c->scenario[0].lag];
}

START_TEST(lag_from_everywhere)
{
	const struct config_lag *g = lag_of(
	    "{cloudwatch: {region: eu-west-1, namespace: AWS/RDS, metric: "
	    "AuroraReplicaLag, dimensions: {A: b, C: d}, unit: milliseconds, statistic: "
	    "Average, period: 2m, endpoint: \"http://127.0.0.1:1\", profile: p}}");
	ck_assert(g->measures);
	ck_assert_str_eq(g->region, "eu-west-1");
	ck_assert_str_eq(g->name_space, "AWS/RDS");
	ck_assert_str_eq(g->metric, "AuroraReplicaLag");
	ck_assert_str_eq(g->statistic, "Average");
	ck_assert_str_eq(g->endpoint, "http://127.0.0.1:1");
	ck_assert_str_eq(g->profile, "p");
	ck_assert_uint_eq(g->dimensions, 2);
	ck_assert_str_eq(g->dimension[1].key, "C");
	ck_assert_str_eq(g->dimension[1].value, "d");
	ck_assert(g->unit_s > 0.0009 && g->unit_s < 0.0011);
	ck_assert_uint_eq(g->period_ms, 120000);
	ck_assert_uint_eq(c->check[c->scenario[0].lag].every_ms, 60000);
	ck_assert_uint_eq(c->check[c->scenario[0].lag].timeout_ms, 10000);
	fini();

	g = lag_of("{cloudwatch: {region: eu-west-1, namespace: a, metric: b}}");
	ck_assert_str_eq(g->statistic, "Maximum");
	ck_assert(g->unit_s > 0.9);
	ck_assert_uint_eq(g->period_ms, 60000);
	fini();

	g = lag_of(
	    "{backup: {s3: {bucket: shop-backups, prefix: db/, region: eu-west-1, "
	    "endpoint: \"http://127.0.0.1:2\", profile: b}, encrypted: true, "
	    "period: 4h, retention: 30d, restored: 14d}}");
	ck_assert(g->measures);
	ck_assert_str_eq(g->bucket, "shop-backups");
	ck_assert_str_eq(g->prefix, "db/");
	ck_assert_str_eq(g->region, "eu-west-1");
	ck_assert_str_eq(g->endpoint, "http://127.0.0.1:2");
	ck_assert_str_eq(g->profile, "b");
	ck_assert_str_eq(g->manifest, "");
	ck_assert(g->encrypted);
	ck_assert_uint_eq(g->period_ms, UINT64_C(4) * 3600 * 1000);
	ck_assert_uint_eq(g->retention_ms, UINT64_C(30) * 86400 * 1000);
	ck_assert_uint_eq(g->restored_ms, UINT64_C(14) * 86400 * 1000);
	fini();

	g = lag_of("{backup: {manifest: \"https://b.example/x.json\"}, every: 30s}");
	ck_assert_str_eq(g->manifest, "https://b.example/x.json");
	ck_assert_str_eq(g->bucket, "");
	ck_assert(!g->encrypted);
	ck_assert_uint_eq(g->period_ms, 0);
	ck_assert_uint_eq(c->check[c->scenario[0].lag].every_ms, 30000);
	fini();

	g = lag_of("{http: {url: \"http://{to}.example:1/lag\", json: seconds}}");
	ck_assert(g->measures);
	ck_assert_str_eq(g->url, "http://{to}.example:1/lag");
	ck_assert_str_eq(g->json, "seconds");
	fini();
}
END_TEST

/* ---- what is said about a plan ---- */

START_TEST(plans_that_come_to_nothing_are_warned_of)
{
	parse_with("    lag: lag\n", "");
	ck_assert(!service("shop")->rule.plan.has_lag);
	ck_assert(noted(true, "the way back asks for an approval"));
	fini();
	parse_with("kind: warm-standby\n", "kind: multi-site\n");
	ck_assert(!noted(true, "fills neither fence nor promote"));
	fini();
	parse_with("    policy: failover\n    stateful: true\n",
	    "    policy: failover\n    from: [fra, iad]\n    stateful: true\n");
	ck_assert(!noted(true, "none there carries out"));
	fini();
	parse_with("{url: \"https://10.2.0.5:7353\", site: iad}\n  wit: {url: "
		   "\"https://10.9.0.5:7353\"}",
	    "{url: \"https://10.2.0.5:7353\", site: fra, domain: b}\n"
	    "  wit: {url: \"https://10.9.0.5:7353\", site: fra, domain: c}");
	ck_assert(noted(true, "every agent that votes on 'shop' stands at fra"));
	fini();
	parse(
	    "cluster: a\nsites: [a, b]\nagents: {one: {}}\nquorum: solo\n"
	    "checks: {web: {http: {path: /}}}\n"
	    "zones: {z: {name: example.com, route53: {zone_id: Z1}}}\n"
	    "services: {www: {zone: z, names: [www.example.com], check: web, members: {\n"
	    "  a: {answers: {A: [192.0.2.1]}}, b: {answers: {A: [192.0.2.2]}}}}}\n"
	    "scenarios: {p: {kind: multi-site, service: www, primary: a, recovery: b,\n"
	    "  rto: 1m, rpo: 1m, trigger: automatic, steps: {fence: {none: x}}}}\n");
	ck_assert(noted(true, "fills neither fence nor promote"));
	fini();
}
END_TEST

START_TEST(a_secret_that_others_read_is_refused)
{
	char text[16384], folder[] = "/tmp/pm-secret-XXXXXX", file[64];
	const char *at = strstr(config_base, promote_line);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(file, sizeof file, "%s/token", folder);
	FILE *f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	(void)fclose(f);
	(void)snprintf(text, sizeof text,
	    "%.*s      promote: {webhook: {url: \"https://x/\", headers: "
	    "{Authorization: {file: %s}}}}\n%s",
	    (int)(at - config_base), config_base, file, at + strlen(promote_line));
	ck_assert_int_eq(chmod(file, 0640), 0);
	ck_assert(!config_parse(text, strlen(text), "/x.yaml", &c, &notes));
	ck_assert(noted(false, "is readable by others (mode 640)"));
	fini();
	ck_assert_int_eq(chmod(file, 0600), 0);
	parse(text);
	ck_assert_str_eq(act(SLOT_PROMOTE)->webhook.header[0].file, file);
	fini();
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

static void
plan_says(const char *find, const char *put, const char *sentence)
{
	char text[2048];

	parse_with(find, put);
	config_plan_text(c, 0, text, sizeof text);
	ck_assert_msg(strstr(text, sentence) != NULL, "%s: %s", sentence, text);
	fini();
}

START_TEST(what_a_plan_says)
{
	plan_says("cluster", "cluster",
	    "plan (warm-standby of shop, fra to iad): when fra is DOWN and an operator "
	    "says yes: fence, promote, ready, the records move; it asks for approval to "
	    "begin. Back, on command: lag at most 10s, freeze, lag 0, the records move, "
	    "unfreeze; it asks for no approval. A drill on _drill.shop.example.com (on "
	    "command) leaves out fence, promote");
	plan_says("trigger: approval", "trigger: automatic",
	    "when fra is DOWN: fence, promote, ready, the records move; it asks for no "
	    "approval. Back");
	plan_says("      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n", "",
	    "to begin, before promote (nothing closed the other side)");
	plan_says("[/bin/promote]}", "[/bin/promote]}\n      ready: {approve: \"ok?\"}",
	    "at ready (ok?)");
	plan_says("    lag: lag\n", "", "before freeze (no lag is measured)");
	plan_says("    drill: command\n", "", "; never drilled");
	plan_says("drill: command", "drill: weekly", "(every 7d) leaves out");
	plan_says("[/bin/promote]}", "[/bin/promote], drill: run}", "leaves out fence");
}
END_TEST

/* ---- the hash ---- */

static uint64_t
hash_with(const char *name, const char *find, const char *put)
{
	parse_with(find, put);
	uint64_t h = service(name)->rule.policy_hash;
	fini();
	return h;
}

START_TEST(the_hash_is_over_the_plan)
{
	static const char *const rows[][2] = {
	    {"[/bin/promote]", "[/bin/promote, x]"},
	    {"[/bin/promote]}", "[/bin/promote], timeout: 2m}"},
	    {"[/bin/promote]}", "[/bin/promote], retries: 1}"},
	    {"[/bin/promote]}", "[/bin/promote], idempotent: false}"},
	    {"[/bin/promote]}", "[/bin/promote], drill: run}"},
	    {"trigger: approval", "trigger: command"},
	    {"rpo: 5m", "rpo: 1s"},
	    {"seconds: stdout}", "seconds: stdout}, every: 3s"},
	    {"primary: fra\n    recovery: iad", "primary: iad\n    recovery: fra"},
	};
	uint64_t other = hash_with("www", "cluster", "cluster");

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ck_assert_uint_ne(hash_with("shop", "cluster", "cluster"),
		    hash_with("shop", rows[i][0], rows[i][1]));
		ck_assert_uint_ne(hash_with("shop-drill", "cluster", "cluster"),
		    hash_with("shop-drill", rows[i][0], rows[i][1]));
		ck_assert_uint_eq(other, hash_with("www", rows[i][0], rows[i][1]));
	}
	/* Another spelling of the same is the same; so is who it is called as. */
	ck_assert_uint_eq(hash_with("shop", "[/bin/promote]}", "[/bin/promote]}"),
	    hash_with("shop", "[/bin/promote]}", "[\"/bin/promote\"], timeout: 60s}"));
	ck_assert_uint_eq(hash_with("shop", promote_line,
			      "      promote: {aws: {service: rds, region: us-east-1, "
			      "action: X}}\n"),
	    hash_with("shop", promote_line,
		"      promote: {aws: {service: rds, region: us-east-1, action: X, "
		"profile: dr}}\n"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {the_plan_of_a_service, what_fills_a_slot,
	    a_webhook_as_written, an_aws_call_as_written,
	    the_shadow_is_the_service_under_another_name,
	    a_shadow_is_probed_as_what_it_is, a_shadow_is_plainly_weighted,
	    lag_from_everywhere, plans_that_come_to_nothing_are_warned_of,
	    a_secret_that_others_read_is_refused, what_a_plan_says,
	    the_hash_is_over_the_plan};

	return run_tests("config_scenarios", tests, sizeof tests / sizeof tests[0]);
}
