/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A place is an API endpoint with its identity and budget, a group a check that is asked
 * there, a sense a member that uses it. Groups are matched by what they ask and not by
 * their name, as targets are (targets.c). Places are few, and kept until the end.
 */
#include "steering/agent/elb_sense.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/metrics.h"
#include "steering/agent/service.h"
#include "steering/zone/elb.h"

struct place {
	struct place *next;
	struct check_elb key;
	struct aws_query *query;
};

struct group {
	struct elb_sense *owner;
	struct group *next;
	struct check_spec check;
	struct aws_query *query;
	struct event *timer;
	struct aws_call *call; /* under way */
	bool trouble;          /* said */
	bool used;
};

struct sense {
	struct agent_service *service;
	uint32_t member, slot;
	struct group *group;
};

struct elb_sense {
	struct agent *agent;
	struct place *places;
	struct group *groups;
	struct sense *sense;
	uint32_t senses, room;
	uint64_t chance;
};

/* ---- asking ---- */

static void
ask_in(struct group *g, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(g->timer, &t) != 0)
		abort();
}

/* Give or take a tenth, so that agents that began together do not ask together. */
static uint64_t
jitter_ms(struct elb_sense *x, uint64_t ms)
{
	x->chance = x->chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return ms - ms / 10 + (x->chance >> 33) % (ms / 5 + 1);
}

static void
say_trouble(struct group *g, const struct probe_result *r)
{
	bool trouble = r->outcome == OUTCOME_UNKNOWN;
	char name[ELB_NAME_MAX];

	if (trouble == g->trouble)
		return;
	g->trouble = trouble;
	elb_name(&g->check.elb, name);
	if (trouble)
		facts_say(g->owner->agent->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "check %s: %s is not known: %.170s", g->check.name, name, r->text);
	else
		facts_say(g->owner->agent->facts, FACT_TROUBLE, FACT_INFO, NULL, NULL,
		    "check %s: %s is known again", g->check.name, name);
}

static void
count(struct agent *a, const struct aws_answer *answer)
{
	static const enum zone_result as[] = {
	    [AWS_OK] = ZONE_OK,
	    [AWS_BUSY] = ZONE_BUSY,
	    [AWS_DENIED] = ZONE_REFUSED,
	    [AWS_REFUSED] = ZONE_REFUSED,
	    [AWS_OUT] = ZONE_OUT,
	    [AWS_UNKNOWN] = ZONE_UNKNOWN,
	};

	metrics_request(a->metrics, METRICS_API_TARGETS, as[answer->result],
	    answer->sent_ms, answer->done_ms);
}

static void
feed(struct sense *s, enum engine_event event, struct engine_in *in)
{
	in->event = event;
	in->member = s->member;
	in->slot = s->slot;
	in->address = s->service->slot_address[s->member][s->slot];
	service_step(s->service, in);
}

static void
on_answer(const struct aws_answer *answer, void *arg)
{
	struct group *g = arg;
	struct elb_sense *x = g->owner;
	struct probe_result r;
	uint32_t latency_us;

	g->call = NULL;
	elb_judge(&g->check.elb, answer, &r, &latency_us);
	count(x->agent, answer);
	say_trouble(g, &r);
	ask_in(g,
	    r.outcome == OUTCOME_FAIL ? g->check.recheck_ms
				      : jitter_ms(x, g->check.every_ms));
	for (uint32_t i = 0; i < x->senses; i++) {
		struct sense *s = &x->sense[i];
		struct engine_in in = {.outcome = r.outcome,
		    .start_ms =
			answer->sent_ms != 0 ? answer->sent_ms : answer->done_ms,
		    .text = r.text};

		if (s->group != g)
			continue;
		metrics_probe(x->agent->metrics, service_index(s->service), s->member,
		    r.outcome, r.reason, latency_us);
		feed(s, ENGINE_SAMPLE, &in);
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct group *g = arg;

	(void)fd;
	(void)what;
	if (g->call == NULL)
		g->call = elb_query_start(
		    g->query, &g->check.elb, g->check.timeout_ms, on_answer, g);
}

/* ---- what is asked ---- */

static struct aws_query *
place_of(struct elb_sense *x, const struct check_elb *check, struct err *e)
{
	struct place *p = x->places;

	while (p != NULL && !elb_query_is_same(&p->key, check))
		p = p->next;
	if (p != NULL)
		return p->query;
	p = calloc(1, sizeof *p);
	if (p == NULL)
		abort();
	p->query = elb_query_new(x->agent->base, check, x->chance, e);
	if (p->query == NULL) {
		free(p);
		return NULL;
	}
	p->key = *check;
	p->next = x->places;
	x->places = p;
	return p->query;
}

/* The fields that are acted on; how the check is named does not matter. */
static bool
is_same(const struct check_spec *a, const struct check_spec *b)
{
	return memcmp(&a->elb, &b->elb, sizeof a->elb) == 0 &&
	    a->every_ms == b->every_ms && a->timeout_ms == b->timeout_ms &&
	    a->recheck_ms == b->recheck_ms;
}

static struct group *
group_of(struct elb_sense *x, const struct check_spec *check, struct err *e)
{
	struct group *g = x->groups;
	struct aws_query *query;

	while (g != NULL && !is_same(&g->check, check))
		g = g->next;
	if (g != NULL)
		return g;
	query = place_of(x, &check->elb, e);
	if (query == NULL)
		return NULL;
	g = calloc(1, sizeof *g);
	if (g == NULL || (g->timer = evtimer_new(x->agent->base, on_timer, g)) == NULL)
		abort();
	g->owner = x;
	g->check = *check;
	g->query = query;
	g->next = x->groups;
	x->groups = g;
	ask_in(g, 0);
	return g;
}

static void
group_free(struct group *g)
{
	if (g->call != NULL)
		aws_query_cancel(g->call);
	event_free(g->timer);
	free(g);
}

static void
free_unused(struct elb_sense *x)
{
	for (struct group *g = x->groups; g != NULL; g = g->next)
		g->used = false;
	for (uint32_t i = 0; i < x->senses; i++)
		x->sense[i].group->used = true;
	for (struct group **at = &x->groups; *at != NULL;) {
		struct group *g = *at;

		if (g->used) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		group_free(g);
	}
}

static bool
has(const struct elb_sense *x, const struct agent_service *s, uint32_t member)
{
	for (uint32_t i = 0; i < x->senses; i++)
		if (x->sense[i].service == s && x->sense[i].member == member)
			return true;
	return false;
}

/* From the top: addresses are numbered from the ground. */
static bool
find_slot(const struct agent_service *s, uint32_t member, uint32_t *slot)
{
	for (*slot = ADDRESSES_MAX; *slot > 0;)
		if (!s->slot_used[member][--*slot])
			return true;
	return false;
}

static void
add(struct elb_sense *x, struct agent_service *s, uint32_t member,
    const struct check_spec *check)
{
	struct engine_in in = {.family = FAMILY_TARGETS};
	struct sense sense = {.service = s, .member = member};
	struct err e;

	if (!find_slot(s, member, &sense.slot))
		(void)err_set(&e, "its addresses have taken every place");
	else
		sense.group = group_of(x, check, &e);
	if (sense.group == NULL) {
		service_say(s, FACT_TROUBLE, FACT_ERROR, (int32_t)member,
		    "check %s is not asked: %.200s", check->name, e.text);
		return;
	}
	if (x->senses == x->room) {
		x->room = x->room == 0 ? 16 : x->room * 2;
		x->sense = realloc(x->sense, x->room * sizeof *x->sense);
		if (x->sense == NULL)
			abort();
	}
	x->sense[x->senses] = sense;
	s->slot_used[member][sense.slot] = true;
	elb_name(&check->elb, s->slot_address[member][sense.slot]);
	feed(&x->sense[x->senses++], ENGINE_ADDRESS, &in);
}

void
elb_sense_add(struct elb_sense *x)
{
	const struct config *c = x->agent->config;

	for (uint32_t i = 0; i < x->agent->services; i++) {
		struct agent_service *s = x->agent->service[i];

		for (uint32_t m = 0; m < s->conf->rule.members; m++)
			if (s->conf->member[m].targets >= 0 && !has(x, s, m))
				add(x, s, m, &c->check[s->conf->member[m].targets]);
	}
	free_unused(x);
}

/* ---- what is not asked any more ---- */

static void
drop(struct elb_sense *x, uint32_t i)
{
	struct engine_in in = {.text = "it left the configuration"};
	struct sense *s = &x->sense[i];

	feed(s, ENGINE_RETIRED, &in);
	s->service->slot_used[s->member][s->slot] = false;
	*s = x->sense[--x->senses];
}

/* The member's number in the next configuration, if it asks the same there. */
static bool
find_again(const struct sense *s, const struct config *next, uint32_t *member)
{
	const struct rule_service *was = &s->service->conf->rule;

	for (uint32_t i = 0; i < next->services; i++) {
		const struct config_service *c = &next->service[i];

		if (strcmp(c->rule.name, was->name) != 0)
			continue;
		for (uint32_t m = 0; m < c->rule.members; m++)
			if (strcmp(c->rule.member[m].name,
				was->member[s->member].name) == 0 &&
			    c->member[m].targets >= 0 &&
			    is_same(
				&s->group->check, &next->check[c->member[m].targets])) {
				*member = m;
				return true;
			}
	}
	return false;
}

void
elb_sense_keep(struct elb_sense *x, const struct config *next)
{
	uint32_t member;

	/* All slots of what is dropped are retired under the old indices first. */
	for (uint32_t i = x->senses; i-- > 0;)
		if (!find_again(&x->sense[i], next, &member))
			drop(x, i);
	for (uint32_t i = 0; i < x->senses; i++)
		if (find_again(&x->sense[i], next, &member))
			x->sense[i].member = member;
}

void
elb_sense_drop_service(struct elb_sense *x, const struct agent_service *s)
{
	for (uint32_t i = x->senses; i-- > 0;)
		if (x->sense[i].service == s)
			drop(x, i);
	free_unused(x);
}

struct elb_sense *
elb_sense_new(struct agent *a, struct err *e)
{
	struct elb_sense *x = calloc(1, sizeof *x);

	if (x == NULL) {
		(void)err_set(e, "cannot ask about targets: out of memory");
		return NULL;
	}
	x->agent = a;
	x->chance = a->seed != 0 ? a->seed : now_boot_ms() * 2654435761u;
	return x;
}

void
elb_sense_free(struct elb_sense *x)
{
	if (x == NULL)
		return;
	while (x->groups != NULL) {
		struct group *g = x->groups;

		x->groups = g->next;
		group_free(g);
	}
	while (x->places != NULL) {
		struct place *p = x->places;

		x->places = p->next;
		aws_query_free(p->query);
		free(p);
	}
	free(x->sense);
	free(x);
}
