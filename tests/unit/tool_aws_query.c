/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_aws_query SERVICE VERSION REGION ENDPOINT ACTION [field=PATH] [change] [ms=N]
 *   [times=N] [rate=PER_S] [NAME VALUE]… - signed calls one after the other, and what became of each.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/aws_query.h"

static const char *path;

static void
on_answer(const struct aws_answer *a, void *arg)
{
	char text[1024];

	*(bool *)arg = true;
	printf("result %s\ncode %s\nsent %d\n", aws_result_word(a->result), a->code,
	    a->sent_ms != 0);
	printf("err %s\n", a->result == AWS_OK ? "" : a->err.text);
	if (path != NULL && aws_field(a->body, a->body_bytes, path, text, sizeof text))
		printf("field %s\n", text);
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct text_pair param[AWS_PARAMS_MAX];
	struct aws_query_ask ask = {.param = param, .patience_ms = 5000};
	struct aws_query *q;
	struct err e;
	unsigned long times = 1;
	bool done = false;
	int i = 6;

	if (argc < 6)
		return 64;
	struct aws_query_spec spec = {.service = argv[1],
	    .version = argv[2],
	    .region = argv[3],
	    .endpoint = argv[4],
	    .budget_per_s = 1,
	    .budget_burst = 2,
	    .seed = 1};
	ask.action = argv[5];
	for (; i < argc; i++) {
		if (strncmp(argv[i], "field=", 6) == 0)
			path = argv[i] + 6;
		else if (strcmp(argv[i], "change") == 0)
			ask.change = true;
		else if (strncmp(argv[i], "rate=", 5) == 0)
			spec.budget_per_s = strtod(argv[i] + 5, NULL);
		else if (strncmp(argv[i], "times=", 6) == 0)
			times = strtoul(argv[i] + 6, NULL, 10);
		else if (strncmp(argv[i], "ms=", 3) == 0)
			ask.patience_ms = strtoull(argv[i] + 3, NULL, 10);
		else
			break;
	}
	for (; i + 1 < argc && ask.params < AWS_PARAMS_MAX; i += 2)
		param[ask.params++] = (struct text_pair){argv[i], argv[i + 1]};
	q = aws_query_new(base, &spec, &e);
	if (q == NULL) {
		printf("err %s\n", e.text);
		return 1;
	}
	for (; times > 0; times--) {
		done = false;
		(void)aws_query_start(q, &ask, on_answer, &done);
		while (!done)
			if (event_base_loop(base, EVLOOP_ONCE) != 0)
				return 1;
	}
	aws_query_free(q);
	event_base_free(base);
	return 0;
}
