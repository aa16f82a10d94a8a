/* SPDX-License-Identifier: Apache-2.0 */
/* A good configuration that the tests of config/ change one thing of, and what
 * they all do with it. */
#ifndef TESTS_UNIT_CONFIG_KIT_H
#define TESTS_UNIT_CONFIG_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/model.h"

static const char config_base[] =
    "cluster: test\n"
    "sites: [fra, iad]\n"
    "agents:\n"
    "  fra: {url: \"https://10.1.0.5:7353\", site: fra}\n"
    "  iad: {url: \"https://10.2.0.5:7353\", site: iad}\n"
    "  wit: {url: \"https://10.9.0.5:7353\"}\n"
    "tls: {cert: agent.pem, key: agent.key, ca: ca.pem}\n"
    "state: ./state\n"
    "page: 127.0.0.1:7354\n"
    "canaries: [\"tcp://192.0.2.250:443\", \"tcp://192.0.2.251:443\", "
    "\"tcp://192.0.2.252:443\"]\n"
    "timing: {report: 1s}\n"
    "checks:\n"
    "  web:\n"
    "    http: {path: /healthz, status: [200]}\n"
    "    every: 2s\n"
    "  db: {tcp: {port: 5432}}\n"
    "  lag: {exec: {argv: [/bin/lag], seconds: stdout}}\n"
    "zones:\n"
    "  public: {name: example.com, route53: {zone_id: Z1}}\n"
    "services:\n"
    "  www:\n"
    "    zone: public\n"
    "    names: [www.example.com]\n"
    "    ttl: 30s\n"
    "    policy: weighted\n"
    "    check: web\n"
    "    hold: 3s\n"
    "    members:\n"
    "      fra: {weight: 70, answers: {A: [192.0.2.1]}}\n"
    "      iad: {weight: 30, answers: {A: [192.0.2.2]}}\n"
    "  pair:\n"
    "    zone: public\n"
    "    names: [pair.example.com]\n"
    "    policy: failover\n"
    "    records: failover\n"
    "    check: db\n"
    "    members:\n"
    "      fra: {answers: {A: [192.0.2.3]}, health_check: steady}\n"
    "      iad: {answers: {A: [192.0.2.4]}, health_check: steady}\n"
    "  shop:\n"
    "    zone: public\n"
    "    names: [shop.example.com]\n"
    "    policy: failover\n"
    "    stateful: true\n"
    "    check: web\n"
    "    members:\n"
    "      fra: {answers: {A: [192.0.2.5]}}\n"
    "      iad: {answers: {A: [192.0.2.6]}}\n"
    "scenarios:\n"
    "  plan:\n"
    "    kind: warm-standby\n"
    "    service: shop\n"
    "    primary: fra\n"
    "    recovery: iad\n"
    "    rto: 15m\n"
    "    rpo: 5m\n"
    "    drill: command\n"
    "    lag: lag\n"
    "    trigger: approval\n"
    "    steps:\n"
    "      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n"
    "      promote: {exec: [/bin/promote]}\n"
    "      reverse: {none: \"rebuilt by hand\"}\n"
    "      freeze: {exec: [/bin/freeze]}\n"
    "      unfreeze: {exec: [/bin/unfreeze]}\n";

static struct config *c;
static struct config_notes notes;

__attribute__((unused)) static void
fini(void)
{
	config_free(c);
	c = NULL;
	config_notes_free(&notes);
}

__attribute__((unused)) static const char *
first_note(void)
{
	return notes.count > 0 ? notes.note[0].text : "no note";
}

__attribute__((unused)) static void
load(const char *folder, const char *name)
{
	char path[1024];

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	ck_assert_msg(config_load(path, &c, &notes), "%s: %s", path, first_note());
}

__attribute__((unused)) static void
parse(const char *text)
{
	ck_assert_msg(
	    config_parse(text, strlen(text), "/etc/pointsman/x.yaml", &c, &notes), "%s",
	    first_note());
}

/* The base with one thing changed. */
__attribute__((unused)) static void
parse_with(const char *find, const char *put)
{
	static char text[16384];
	const char *at = strstr(config_base, find);

	ck_assert_ptr_nonnull(at);
	(void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - config_base),
	    config_base, put, at + strlen(find));
	parse(text);
}

__attribute__((unused)) static const struct config_service *
service(const char *name)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (strcmp(c->service[i].rule.name, name) == 0)
			return &c->service[i];
	ck_abort_msg("no service %s", name);
}

__attribute__((unused)) static bool
noted(bool warning, const char *fragment)
{
	for (size_t i = 0; i < notes.count; i++)
		if (notes.note[i].warning == warning &&
		    strstr(notes.note[i].text, fragment) != NULL)
			return true;
	return false;
}

__attribute__((unused)) static int
run_tests(const char *name, const TTest *const *tests, size_t n)
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);

	for (size_t i = 0; i < n; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
