/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: what the probes see from here, now. On a terminal the table fills in place;
 * elsewhere each address is one line, when all are done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/ask.h"
#include "steering/agent/probe_once.h"

#define WATCH_S 2

struct screen {
	const struct config *config;
	uint32_t lines; /* painted last time */
};

static const char *
outcome_text(const struct once_row *row)
{
	if (!row->done)
		return "...";
	switch (row->outcome) {
	case OUTCOME_PASS:
		return "pass";
	case OUTCOME_FAIL:
		return "FAIL";
	case OUTCOME_UNKNOWN:
		break;
	}
	return "unknown";
}

/* NULL: it is about a target group. */
static const struct config_endpoint *
endpoint_of(const struct config *c, const struct once_row *row)
{
	if (row->family == FAMILY_TARGETS)
		return NULL;
	return &c->service[row->service].member[row->member].endpoint[row->endpoint];
}

static void
print_row(const struct config *c, const struct once_row *row, const char *end)
{
	const struct config_service *s = &c->service[row->service];
	const struct config_endpoint *at = endpoint_of(c, row);
	char where[DNS_NAME_MAX + 80], latency[24] = "";

	if (at == NULL)
		(void)snprintf(where, sizeof where, "%s", row->address);
	else if (at->numeric || row->address[0] == '\0')
		(void)snprintf(where, sizeof where, "%s:%u", at->host, at->port);
	else
		(void)snprintf(where, sizeof where, "%s:%u (%s)", row->address,
		    at->port, at->host);
	if (row->done && row->latency_us > 0)
		(void)snprintf(
		    latency, sizeof latency, "%.1f ms", row->latency_us / 1000.0);
	printf("%-12s %-12s %-32s %-8s %10s", s->rule.name,
	    s->rule.member[row->member].name, where, outcome_text(row), latency);
	if (row->done && row->outcome != OUTCOME_PASS)
		printf("  %s: %s", probe_reason_word(row->reason), row->text);
	printf("%s\n", end);
}

static void
print_head(const char *end)
{
	printf("%-12s %-12s %-32s %-8s %10s%s\n", "SERVICE", "MEMBER", "ADDRESS",
	    "RESULT", "TOOK", end);
}

/* Rows come in the order of their answers; painted over the last picture. */
static void
paint(const struct once *o, void *arg)
{
	struct screen *s = arg;

	if (s->lines > 0)
		printf("\033[%uA", (unsigned)s->lines);
	print_head("\033[K");
	for (uint32_t i = 0; i < o->rows; i++)
		print_row(s->config, &o->row[i], "\033[K");
	printf("\033[J");
	(void)fflush(stdout);
	s->lines = o->rows + 1;
}

static void
print_json(const struct config *c, const struct once *o)
{
	struct json *list = json_list_new();

	for (uint32_t i = 0; i < o->rows; i++) {
		const struct once_row *row = &o->row[i];
		const struct config_service *s = &c->service[row->service];
		const struct config_endpoint *at = endpoint_of(c, row);
		struct json *j = json_map_new();

		json_put_text(j, "service", s->rule.name);
		json_put_text(j, "member", s->rule.member[row->member].name);
		json_put_text(j, "host", at != NULL ? at->host : "");
		json_put_int(j, "port", at != NULL ? at->port : 0);
		json_put_text(j, "address", row->address);
		json_put_text(j, "outcome",
		    row->outcome == OUTCOME_PASS       ? "pass"
			: row->outcome == OUTCOME_FAIL ? "fail"
						       : "unknown");
		json_put_text(j, "reason", probe_reason_word(row->reason));
		json_put_int(j, "http_status", row->http_status);
		json_put_number(j, "latency_ms", row->latency_us / 1000.0);
		json_put_text(j, "text", row->text);
		json_add(list, j);
	}
	command_print_json(list);
	json_free(list);
}

/* No beats unknown beats good. */
static int
judge(const struct once *o)
{
	int status = EXIT_GOOD;

	for (uint32_t i = 0; i < o->rows; i++) {
		if (o->row[i].outcome == OUTCOME_FAIL)
			return EXIT_NO;
		if (o->row[i].outcome == OUTCOME_UNKNOWN)
			status = EXIT_CANNOT;
	}
	return status;
}

static int
check_once(const struct options *o, const struct config *c, int32_t service,
    struct screen *screen)
{
	bool live = !o->json && isatty(STDOUT_FILENO);
	struct once once;
	struct err e;

	if (!probe_once(c, service, &once, live ? paint : NULL, screen, &e)) {
		command_say("%s", e.text);
		return EXIT_CANNOT;
	}
	if (o->json) {
		print_json(c, &once);
	} else if (live) {
		paint(&once, screen);
	} else {
		print_head("");
		for (uint32_t i = 0; i < once.rows; i++)
			print_row(c, &once.row[i], "");
	}
	(void)fflush(stdout);
	int status = judge(&once);
	once_free(&once);
	return status;
}

int
cmd_check(const struct options *o)
{
	struct config *c = command_config(o);
	int32_t service = -1;
	int status = EXIT_CANNOT;

	if (c == NULL)
		return EXIT_CANNOT;
	if (o->words == 0 || (service = command_service(c, o->word[0])) >= 0) {
		struct screen screen = {.config = c};
		struct timespec pause = {.tv_sec = WATCH_S};

		do
			status = check_once(o, c, service, &screen);
		while (
		    o->watch && status != EXIT_CANNOT && nanosleep(&pause, NULL) == 0);
	}
	config_free(c);
	return status;
}
