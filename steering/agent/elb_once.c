/* SPDX-License-Identifier: Apache-2.0 */
/* A loop of its own, that ends with the last answer. */
#include "steering/agent/elb_once.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>

#include "steering/zone/elb.h"

struct question {
	const struct check_spec *check;
	struct elb_seen *seen;
	struct aws_query *query;
};

static void
on_answer(const struct aws_answer *answer, void *arg)
{
	struct question *q = arg;
	struct elb_seen *s = q->seen;

	elb_judge(&q->check->elb, answer, &s->r, &s->latency_us);
	s->result = answer->result;
	s->err = answer->err;
	memcpy(s->code, answer->code, sizeof s->code);
	(void)snprintf(
	    s->identity, sizeof s->identity, "%s", aws_query_identity(q->query));
}

bool
elb_once_want(const struct config *c, int32_t service, struct elb_seen seen[CHECKS_MAX])
{
	bool any = false;

	for (uint32_t i = 0; i < c->services; i++) {
		const struct config_service *s = &c->service[i];

		for (uint32_t m = 0; m < s->rule.members; m++)
			if (s->member[m].targets >= 0 &&
			    (service < 0 || i == (uint32_t)service))
				any = seen[s->member[m].targets].wanted = true;
	}
	return any;
}

void
elb_once(const struct config *c, struct elb_seen seen[CHECKS_MAX])
{
	struct question *q = calloc(CHECKS_MAX, sizeof *q);
	struct event_base *base = event_base_new();
	uint64_t seed = 1;

	if (q == NULL || base == NULL)
		abort();
	if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		seed = 1; /* it only staggers */
	for (uint32_t i = 0; i < c->checks; i++) {
		const struct check_spec *check = &c->check[i];

		if (!seen[i].wanted)
			continue;
		q[i] = (struct question){.check = check, .seen = &seen[i]};
		q[i].query = elb_query_new(base, &check->elb, seed + i, &seen[i].err);
		if (q[i].query != NULL) {
			(void)elb_query_start(q[i].query, &check->elb,
			    check->timeout_ms, on_answer, &q[i]);
			continue;
		}
		seen[i].result = AWS_OUT;
		result_local(&seen[i].r, "%.159s", seen[i].err.text);
	}
	/* The places keep events for as long as they live: what counts is the calls. */
	for (bool waits = true; waits;) {
		waits = false;
		for (uint32_t i = 0; i < c->checks; i++)
			waits |= q[i].query != NULL && aws_query_is_busy(q[i].query);
		if (waits)
			(void)event_base_loop(base, EVLOOP_ONCE);
	}
	for (uint32_t i = 0; i < c->checks; i++)
		aws_query_free(q[i].query);
	event_base_free(base);
	free(q);
}

void
elb_once_rows(const struct config *c, int32_t service, struct once *out)
{
	struct elb_seen *seen = calloc(CHECKS_MAX, sizeof *seen);

	if (seen == NULL)
		abort();
	if (elb_once_want(c, service, seen))
		elb_once(c, seen);
	for (uint32_t i = 0; i < c->services; i++) {
		const struct config_service *s = &c->service[i];

		for (uint32_t m = 0; m < s->rule.members; m++) {
			int32_t check = s->member[m].targets;
			struct once_row *grown;

			if (check < 0 ||
			    (service < 0 ? s->shadow_of >= 0 : i != (uint32_t)service))
				continue;
			grown = realloc(out->row, (out->rows + 1u) * sizeof *grown);
			if (grown == NULL)
				abort();
			out->row = grown;
			struct once_row *row = &out->row[out->rows++];
			*row = (struct once_row){.service = i,
			    .member = m,
			    .endpoint = s->member[m].endpoints,
			    .done = true,
			    .family = FAMILY_TARGETS,
			    .outcome = seen[check].r.outcome,
			    .reason = seen[check].r.reason,
			    .latency_us = seen[check].latency_us};
			elb_name(&c->check[check].elb, row->address);
			memcpy(row->text, seen[check].r.text, sizeof row->text);
		}
	}
	free(seen);
}
