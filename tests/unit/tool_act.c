/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_act webhook|aws|targets|plan [KEY=VALUE]… - one act, performed, and what it came to.
 *
 * timeout=MS kill=MS times=N
 * webhook: url= method= body= header=NAME:VALUE file=NAME:PATH status=LOW-HIGH
 * aws: service= region= endpoint= version= role= action= p:NAME=VALUE
 *   until=ACTION a:NAME=VALUE path= is= every=MS
 * targets: group=ARN region= endpoint= every=MS: until two of its targets are healthy
 * plan: plan=PATH slot=WORD endpoint= every=MS: as that file's first scenario has it
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/act.h"
#include "steering/agent/agent.h"

#define PARAMS_MAX 80
#define HEADERS_MAX 8

static struct agent agent;
static struct config config;
static struct config_act act = {.timeout_ms = 10000};
static struct config_param param[PARAMS_MAX], ask[PARAMS_MAX];
static struct config_header header[HEADERS_MAX];
static uint64_t kill_ms, times = 1;
static const char *group, *file, *slot;
static struct act *under_way;

static void
on_result(const struct act_result *r, void *arg)
{
	static const char *const word[] = {[ACTED_DONE] = "done",
	    [ACTED_FAILED] = "failed",
	    [ACTED_UNKNOWN] = "unknown"};

	*(bool *)arg = true;
	under_way = NULL;
	printf("acted %s\nleft %d\ntext %s\ntook %llu\n", word[r->acted],
	    r->began_ms != 0, r->text,
	    (unsigned long long)(r->began_ms != 0 ? r->ended_ms - r->began_ms : 0));
	printf("tail ");
	for (const char *p = r->tail; *p != '\0'; p++)
		putchar(*p == '\n' ? '|' : *p);
	putchar('\n');
}

static void
on_kill(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (under_way != NULL)
		act_kill(under_way);
}

static void
put_param(struct config_param *to, uint32_t *n, char *name, const char *value)
{
	if (*n < PARAMS_MAX)
		to[(*n)++] = (struct config_param){name, value};
}

static void
put_header(char *text, bool is_file)
{
	char *colon = strchr(text, ':');

	*colon++ = '\0';
	header[act.webhook.headers++] =
	    (struct config_header){text, is_file ? "" : colon, is_file ? colon : ""};
}

static void
put_status(const char *text)
{
	struct check_status_range *r = &act.webhook.status[act.webhook.statuses++];
	unsigned low = 0, high = 0;

	if (sscanf(text, "%u-%u", &low, &high) == 1)
		high = low;
	r->low = (uint16_t)low;
	r->high = (uint16_t)high;
}

static bool
put(char *key, char *value)
{
	const struct {
		const char *key, **to;
	} texts[] = {{"url", &act.webhook.url}, {"method", &act.webhook.method},
	    {"body", &act.webhook.body}, {"service", &act.aws.service},
	    {"region", &act.aws.region}, {"endpoint", &act.aws.endpoint},
	    {"version", &act.aws.version}, {"role", &act.aws.role_arn},
	    {"action", &act.aws.call.action}, {"until", &act.aws.ask.action},
	    {"path", &act.aws.path}, {"is", &act.aws.is}, {"group", &group},
	    {"plan", &file}, {"slot", &slot}};
	const struct {
		const char *key;
		uint64_t *to;
	} numbers[] = {{"timeout", &act.timeout_ms}, {"every", &act.aws.every_ms},
	    {"kill", &kill_ms}, {"times", &times}};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(key, texts[i].key) == 0)
			*texts[i].to = value;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (strcmp(key, numbers[i].key) == 0)
			*numbers[i].to = strtoull(value, NULL, 10);
	if (strncmp(key, "p:", 2) == 0)
		put_param(param, &act.aws.call.params, key + 2, value);
	else if (strncmp(key, "a:", 2) == 0)
		put_param(ask, &act.aws.ask.params, key + 2, value);
	else if (strcmp(key, "header") == 0 || strcmp(key, "file") == 0)
		put_header(value, key[0] == 'f');
	else if (strcmp(key, "status") == 0)
		put_status(value);
	return true;
}

/* A check of the target group that the call's keys name. */
static void
make_check(void)
{
	static struct check_spec check = {
	    .name = "behind", .kind = CHECK_ELB, .timeout_ms = 2000, .elb.healthy = 2};
	static struct config_service service;

	act.kind = ACT_CHECK;
	check.every_ms = act.aws.every_ms;
	(void)snprintf(
	    check.elb.target_group, sizeof check.elb.target_group, "%s", group);
	(void)snprintf(check.elb.region, sizeof check.elb.region, "%s", act.aws.region);
	(void)snprintf(
	    check.elb.endpoint, sizeof check.elb.endpoint, "%s", act.aws.endpoint);
	service.shadow_of = -1;
	service.rule.members = 1;
	(void)snprintf(service.rule.member[0].name, WORD_MAX, "iad");
	config.checks = config.services = 1;
	config.check = &check;
	config.service = &service;
}

/* The step of a file, with our endpoint and pace. False: it is no call of AWS. */
static bool
take_plan(void)
{
	struct config_act ours = act;
	static struct config *c; /* stays until the end */
	struct config_notes notes;
	uint32_t i = 1;

	bool good = config_load(file, &c, &notes);

	config_notes_free(&notes);
	if (!good || c->scenarios == 0)
		return false;
	while (i < SLOTS - 1 && strcmp(slot_word((enum slot)i), slot) != 0)
		i++;
	act = c->scenario[0].act[i];
	if (act.kind != ACT_AWS)
		return false;
	act.timeout_ms = ours.timeout_ms;
	act.aws.endpoint = ours.aws.endpoint;
	act.aws.every_ms = ours.aws.every_ms;
	return true;
}

static bool
perform(void)
{
	static const struct act_words words = {.from = "fra",
	    .to = "iad",
	    .site = "iad",
	    .service = "www",
	    .scenario = "shop-dr",
	    .incident = 17,
	    .fence = 19,
	    .backup_id = "b 7/&\"",
	    .backup_started_at = "2026-11-24T01:00:00Z",
	    .backup_completed_at = "2026-11-24T01:10:00Z"};
	struct timeval t = {
	    (time_t)(kill_ms / 1000), (suseconds_t)(kill_ms % 1000 * 1000)};
	struct event *timer = evtimer_new(agent.base, on_kill, NULL);
	struct err e = {""};
	bool done = false;

	under_way = act_start(&agent, &act, 0, &words, on_result, &done, &e);
	if (under_way == NULL)
		printf("acted not\ntext %s\n", e.text);
	else if (kill_ms > 0)
		(void)event_add(timer, &t);
	while (under_way != NULL && !done)
		if (event_base_loop(agent.base, EVLOOP_ONCE) != 0)
			return false;
	event_free(timer);
	return true;
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	agent.base = event_base_new();
	agent.config = &config;
	act.kind = strcmp(argv[1], "aws") == 0 ? ACT_AWS : ACT_WEBHOOK;
	act.aws.call.param = param;
	act.aws.ask.param = ask;
	act.webhook.header = header;
	for (int i = 2; i < argc; i++) {
		char *equals = strchr(argv[i], '=');

		if (equals == NULL)
			return 64;
		*equals = '\0';
		if (!put(argv[i], equals + 1))
			return 64;
	}
	if (group != NULL)
		make_check();
	act.aws.until = act.aws.ask.action != NULL;
	if (file != NULL && !take_plan()) {
		printf("acted no call\n");
		return 0;
	}
	for (; times > 0; times--)
		if (!perform())
			return 1;
	acts_free(&agent);
	event_base_free(agent.base);
	return 0;
}
