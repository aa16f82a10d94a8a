/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_lag exec|http|cloudwatch|backup [NAME=VALUE]… [-- ARGV…] - samples a lag, `times`
 * times, and tells what came of each. runner=PATH is the binary that the runner is.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/agent/jobs.h"
#include "steering/agent/lag_source.h"
#include "steering/zone/http.h"
#include "steering/zone/stamp.h"

static struct check_spec check = {.name = "lag", .every_ms = 60000, .timeout_ms = 5000};
static struct config_exec exec;
static struct config_param dimension[4];
static struct config_lag lag = {.measures = true,
    .url = "",
    .json = "",
    .region = "eu-central-1",
    .name_space = "",
    .metric = "",
    .statistic = "",
    .endpoint = "",
    .profile = "",
    .unit_s = 1,
    .manifest = "",
    .bucket = "",
    .prefix = "",
    .dimension = dimension};
static struct config config = {
    .checks = 1, .check = &check, .exec = &exec, .lag = &lag};
static const char *runner, *times = "1", *wall_s = "0";

static void
take(const char *name, const char *value)
{
	const struct {
		const char *name, **to;
	} all[] = {{"url", &lag.url}, {"json", &lag.json}, {"region", &lag.region},
	    {"namespace", &lag.name_space}, {"metric", &lag.metric},
	    {"statistic", &lag.statistic}, {"endpoint", &lag.endpoint},
	    {"manifest", &lag.manifest}, {"bucket", &lag.bucket},
	    {"prefix", &lag.prefix}, {"runner", &runner}, {"times", &times},
	    {"wall_s", &wall_s}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].name, name) == 0) {
			*all[i].to = value;
			return;
		}
	if (strcmp(name, "ms") == 0)
		check.timeout_ms = strtoull(value, NULL, 10);
	else if (strcmp(name, "unit") == 0)
		lag.unit_s = strtod(value, NULL);
	else if (strcmp(name, "header") == 0)
		(void)snprintf(
		    check.http.headers, sizeof check.http.headers, "%s\n", value);
	else
		dimension[lag.dimensions++] = (struct config_param){name, value};
}

static void
on_runner(const char *why, void *arg)
{
	(void)arg;
	printf("runner %s\n", why);
}

static void
on_reading(const struct lag_reading *r, void *arg)
{
	char started[STAMP_MAX] = "", completed[STAMP_MAX] = "";

	*(bool *)arg = true;
	if (r->is_backup) {
		stamp_format(started, r->backup.started_wall_ms);
		stamp_format(completed, r->backup.completed_wall_ms);
	}
	printf("known %d\nlag_ms %llu\nago_ms %llu\ntext %s\nnote %s\n", r->known,
	    (unsigned long long)r->lag_ms,
	    (unsigned long long)(now_boot_ms() - r->began_ms), r->text, r->note);
	printf("backup %d\nid %s\nstarted %s\ncompleted %s\n", r->is_backup,
	    r->is_backup ? r->backup.id : "", started, completed);
}

static int64_t
now_wall_s(void)
{
	long long said = strtoll(wall_s, NULL, 10);

	return said != 0 ? said : (int64_t)time(NULL);
}

static bool
sample(struct lag_source *s, struct event_base *base)
{
	struct lag_ask ask = {.from = "fra",
	    .to = "iad",
	    .service = "www",
	    .scenario = "shop-dr",
	    .now_wall_ms = now_wall_s() * 1000};
	uint64_t begun_ms = now_boot_ms();
	bool done = false;

	lag_source_start(s, &ask, on_reading, &done);
	if (done || !lag_source_is_busy(s))
		return false; /* it may not call before it has returned */
	while (!done)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			return false;
	printf("took_ms %llu\n", (unsigned long long)(now_boot_ms() - begun_ms));
	(void)fflush(stdout);
	return !lag_source_is_busy(s);
}

static bool
take_kind(const char *kind)
{
	const struct {
		const char *word;
		enum check_kind kind;
	} all[] = {{"exec", CHECK_EXEC}, {"http", CHECK_HTTP},
	    {"cloudwatch", CHECK_CLOUDWATCH}, {"backup", CHECK_BACKUP}};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(all[i].word, kind) == 0) {
			check.kind = all[i].kind;
			return true;
		}
	return false;
}

int
main(int argc, char **argv)
{
	const struct jobs_calls calls = {.ended = on_runner, .trouble = on_runner};
	struct lag_place place = {.base = event_base_new()};
	struct lag_source *s;
	struct err e = {""};
	bool good = false;
	int i = 2;

	if (argc < 2 || !take_kind(argv[1]))
		return 64;
	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL)
			return 64;
		*value++ = '\0';
		take(argv[i], value);
	}
	if (i < argc) {
		exec.arg = (const char **)argv + i + 1;
		exec.args = (uint32_t)(argc - i - 1);
	}
	place.http = http_new(place.base, &e);
	if (runner != NULL) {
		place.jobs = jobs_new(runner, &e);
		if (place.jobs == NULL ||
		    !jobs_begin(place.jobs, place.base, &calls, &e))
			return 1;
	}
	s = lag_source_new(&place, &config, 0, &e);
	if (s == NULL)
		printf("err %s\n", e.text);
	good = s == NULL;
	while (s != NULL && !lag_source_is_ready(s))
		(void)event_base_loop(place.base, EVLOOP_ONCE);
	for (unsigned long n = strtoul(times, NULL, 10); s != NULL && n > 0; n--)
		good = sample(s, place.base);
	lag_source_free(s);
	jobs_free(place.jobs);
	http_free(place.http);
	event_base_free(place.base);
	return good ? 0 : 1;
}
