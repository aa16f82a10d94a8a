/* SPDX-License-Identifier: Apache-2.0 */
/* config/: notes, warnings, and files that are none. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/model.h"
#include "tests/unit/config_kit.h"

/* ---- notes ---- */

START_TEST(all_mistakes_at_once_in_order)
{
	static const char text[] = "cluster: UP\n"
				   "sites: [a, b]\n"
				   "agents: {one: {site: c}}\n"
				   "quorum: solo\n"
				   "chekcs: {}\n"
				   "checks: {web: {http: {port: 0}, every: 2}}\n"
				   "zones: {z: {name: example.com, route53: {}}}\n"
				   "services:\n"
				   "  www:\n"
				   "    zone: zz\n"
				   "    names: [www.example.org]\n"
				   "    hodl: 3s\n";
	char line[1024];

	ck_assert(!config_parse(text, strlen(text), "many.yaml", &c, &notes));
	ck_assert_ptr_null(c);
	ck_assert_uint_ge(notes.errors, 9);
	for (size_t i = 1; i < notes.count; i++)
		ck_assert(notes.note[i - 1].line < notes.note[i].line ||
		    (notes.note[i - 1].line == notes.note[i].line &&
			notes.note[i - 1].column <= notes.note[i].column));
	ck_assert(noted(false, "did you mean 'checks'?"));
	ck_assert(noted(false, "did you mean 'hold'?"));
	ck_assert(noted(false, "lacks the key 'members'"));
	ck_assert(noted(false, "lacks the key 'zone_id'"));
	ck_assert(noted(true, "no canaries"));
	config_note_format("many.yaml", &notes.note[0], line, sizeof line);
	ck_assert_ptr_eq(strstr(line, "many.yaml:1:"), line);
	fini();
}
END_TEST

START_TEST(warnings_do_not_refuse)
{
	static const struct {
		const char *find, *put, *sentence;
	} rows[] = {
	    {"weight: 70", "weight: 7", "weight 7 cannot ramp finely"},
	    {"weight: 70", "weight: 0", "only one member of 'www' has a weight"},
	    {"hold: 3s", "min_capacity: 80%", "forbids every drain"},
	    {"  db: {tcp", "  spare: {tcp: {port: 1}}\n  db: {tcp",
		"check 'spare' is used by no"},
	    {"services:", "templates: {t: {ttl: 5s}}\nservices:",
		"template 't' is used by no"},
	    {"zones:", "zones:\n  z: {name: x.org, route53: {zone_id: Z9}}",
		"zone 'z' is used"},
	    {"every: 2s", "every: 1s\n    timeout: 900ms", "below 1s without hedge"},
	    {"    lag: lag\n", "", "has no lag: its RPO"},
	    {"argv: [/bin/lag]", "argv: [\"/bin/lag --of db\"]", "no shell splits it"},
	    {", \"tcp://192.0.2.252:443\"", "", "name three"},
	    {"zone_id: Z1", "zone_id: Z1, endpoint: \"http://192.0.2.8\"",
		"http to 192.0.2.8"},
	    {"      fence: {exec: [/bin/fence, \"{from}\", \"{fence}\"]}\n", "",
		"without fence, promote"},
	    {"    drill: command\n", "", "'plan' is never drilled"},
	    {"drill: command", "drill: quarterly", "between quarterly drills"},
	    {"[/bin/promote]}", "[/bin/promote], drill: run}",
		"drill: run on promote moves the real side"},
	    {"rpo: 5m", "rpo: 1s", "rpo 1s is shorter than every 2s"},
	    {"primary: fra\n    recovery: iad", "primary: iad\n    recovery: fra",
		"'shop' prefers fra"},
	    {"service: shop\n", "service: www\n", "the standby would answer beside"},
	    {"stateful: true", "stateful: true\n    mode: observe",
		"the plan is never carried out"},
	    {"{exec: {argv: [/bin/lag], seconds: stdout}}",
		"{backup: {manifest: \"http://b.example/x\", encrypted: true}}",
		"the manifest comes over http"},
	    {"{exec: {argv: [/bin/lag], seconds: stdout}}", "{backup: {manifest: /x}}",
		"nothing is said about encryption"},
	    {"{exec: {argv: [/bin/lag], seconds: stdout}}",
		"{backup: {manifest: /x, period: 10m}}",
		"rpo 5m cannot be kept: check 'lag' says that a backup is made every 10m"},
	    {"{exec: {argv: [/bin/lag], seconds: stdout}}",
		"{backup: {manifest: /x, period: 2d, retention: 1d}}",
		"for a part of the time there is none"},
	    {"{exec: {argv: [/bin/lag], seconds: stdout}}",
		"{cloudwatch: {region: us-east-1, namespace: AWS/RDS, metric: "
		"AuroraGlobalDBProgressLag}}",
		"say unit: milliseconds"},
	    {"[/bin/promote]}",
		"[/bin/promote]}\n      scale_up: {aws: {service: ec2, "
		"region: us-east-1, action: X, endpoint: \"http://192.0.2.9\"}}",
		"http to 192.0.2.9"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		parse_with(rows[i].find, rows[i].put);
		ck_assert_msg(noted(true, rows[i].sentence), "%s: %s", rows[i].sentence,
		    first_note());
		fini();
	}
}
END_TEST

/* A template's mistake is told where it stands, and once. */
START_TEST(template_mistakes_come_once)
{
	static char text[16384];

	(void)snprintf(text, sizeof text,
	    "templates:\n  t: {ttl: 5, zonne: public, template: t}\n%s"
	    "  shop2: {template: t}\n  shop3: {template: t}\n",
	    config_base);
	char *services = strstr(text, "scenarios:");
	*services = '\0';
	(void)snprintf(services, sizeof text - (size_t)(services - text),
	    "  s2: {template: t}\n  s3: {template: t}\n");
	ck_assert(!config_parse(text, strlen(text), "t.yaml", &c, &notes));
	unsigned ttl = 0;
	for (size_t i = 0; i < notes.count; i++)
		ttl += strstr(notes.note[i].text, "ttl '5' has no unit") != NULL &&
		    notes.note[i].line == 2;
	ck_assert_uint_eq(ttl, 1);
	ck_assert(noted(false, "did you mean 'zone'?"));
	ck_assert(noted(false, "templates do not nest"));
	fini();
}
END_TEST

/* ---- files ---- */

static void
refused(const char *text, size_t n, const char *sentence)
{
	ck_assert(!config_parse(text, n, "x.yaml", &c, &notes));
	ck_assert_ptr_null(c);
	ck_assert_msg(noted(false, sentence), "%s: %s", sentence, first_note());
	fini();
}

START_TEST(blank_and_oversized_files_get_a_sentence)
{
	size_t n = (1u << 20) + 1;
	char *big = malloc(n);

	ck_assert_ptr_nonnull(big);
	memset(big, ' ', n);
	refused("", 0, "the file says nothing");
	refused("# all\n# comments\n", 17, "the file says nothing");
	refused("---\n", 4, "the file says nothing");
	refused("{}", 2, "the file says nothing");
	refused(" \n\n", 3, "the file says nothing");
	refused("hello", 5, "a configuration is a block of keys");
	refused("- a\n", 4, "a configuration is a block of keys");
	refused("a: \0b", 5, "not YAML");
	refused("a: \xff\xfe", 5, "not YAML");
	refused("a: \"x\\0y\"\n", 10, "cannot hold a NUL");
	refused("[a]: b\n", 7, "a key is a word");
	refused(big, n, "is it the right file?");
	free(big);
}
END_TEST

/* Four members, sixteen addresses each, eight names: 512 values, old and new 1024. */
START_TEST(a_service_fits_one_batch)
{
	static char text[16384];
	size_t used = 0;

	for (unsigned members = 3; members <= 4; members++) {
		used = (size_t)snprintf(text, sizeof text,
		    "cluster: big\nsites: [s0, s1, s2, s3]\nagents: {one: {}}\n"
		    "quorum: solo\nchecks: {web: {http: {path: /}}}\n"
		    "zones: {z: {name: x.org, route53: {zone_id: Z1}}}\n"
		    "services:\n  www:\n    zone: z\n    check: web\n"
		    "    names: [a.x.org, b.x.org, c.x.org, d.x.org, e.x.org, f.x.org, "
		    "g.x.org, h.x.org]\n    members:\n");
		for (unsigned m = 0; m < members; m++) {
			used += (size_t)snprintf(text + used, sizeof text - used,
			    "      s%u: {answers: {A: [", m);
			for (unsigned i = 0; i < 16; i++)
				used +=
				    (size_t)snprintf(text + used, sizeof text - used,
					"10.0.%u.%u%s", m, i, i < 15 ? ", " : "]}}\n");
		}
		bool ok = config_parse(text, used, "x.yaml", &c, &notes);
		ck_assert_msg(ok == (members == 3), "%s", first_note());
		ck_assert(ok || noted(false, "too large for one change"));
		fini();
	}
}
END_TEST

START_TEST(bombs_are_bounded)
{
	static char text[400000];
	size_t used = 0;

	refused(
	    "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 40, "anchors and aliases");
	memset(text, '[', 2000);
	refused(text, 2000, "nested deeper than 32");
	for (unsigned i = 0; i < 1025; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof text - used, "k%u: 1\n", i);
	refused(text, used, "more than 1024 entries");
	used = (size_t)snprintf(text, sizeof text, "a:\n");
	for (unsigned i = 0; i < 1000; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof text - used, " k%u: 1\n", i);
	ck_assert(!config_parse(text, used, "x.yaml", &c, &notes));
	fini();
	used = 0;
	for (unsigned i = 0; i < 900; i++)
		used +=
		    (size_t)snprintf(text + used, sizeof text - used, "key%u: 1\n", i);
	ck_assert(!config_parse(text, used, "x.yaml", &c, &notes));
	ck_assert_uint_eq(notes.count, CONFIG_NOTES_MAX);
	ck_assert(notes.more);
	ck_assert_uint_ge(notes.errors, 900);
	fini();
}
END_TEST

START_TEST(absent_files_and_folders)
{
	ck_assert(!config_load("/nonexistent/x.yaml", &c, &notes));
	ck_assert(noted(false, "cannot be read: No such file"));
	fini();
	ck_assert(!config_load("/tmp", &c, &notes));
	ck_assert(noted(false, "is a folder"));
	fini();
}
END_TEST

START_TEST(a_key_that_others_can_read_is_refused)
{
	char folder[] = "/tmp/pointsman-config-XXXXXX", key[64], file[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(key, sizeof key, "%s/agent.key", folder);
	(void)snprintf(file, sizeof file, "%s/x.yaml", folder);
	int fd = open(key, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert(config_parse(config_base, strlen(config_base), file, &c, &notes));
	ck_assert_str_eq(c->tls_key, key);
	fini();
	ck_assert_int_eq(chmod(key, 0640), 0);
	ck_assert(!config_parse(config_base, strlen(config_base), file, &c, &notes));
	ck_assert(noted(false, "is readable by others (mode 640)"));
	ck_assert_uint_eq(notes.note[0].line, 7);
	fini();
	(void)unlink(key);
	(void)rmdir(folder);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {all_mistakes_at_once_in_order,
	    warnings_do_not_refuse, template_mistakes_come_once,
	    blank_and_oversized_files_get_a_sentence, a_service_fits_one_batch,
	    bombs_are_bounded, absent_files_and_folders,
	    a_key_that_others_can_read_is_refused};

	return run_tests("config_notes", tests, sizeof tests / sizeof tests[0]);
}
