/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that a plan waits for is often no member's own (the database, not the web), so
 * the agent's workers do not probe it: the act has a worker process of its own, for as
 * long as it lasts, with the same limits and the same rules. Targets behind a load
 * balancer are asked about by the agent, as always.
 *
 * It passes when every address of every endpoint passed at its last probe: no detector
 * and no band here, because a plan goes on once, and what is not sure yet can wait.
 *
 * The configuration may be replaced meanwhile: what is asked stands in a small one of its
 * own, with one service and one check.
 */
#include "steering/agent/act_parts.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "probe/result.h"
#include "steering/agent/exec_check.h"
#include "steering/agent/jobs.h"
#include "steering/agent/workers.h"
#include "steering/zone/elb.h"

#define TEXT_BYTES 160

struct address {
	bool there, passes;
	uint64_t job; /* of a program that runs for it; 0 none */
	struct probe_event due;
	struct act *act;
};

struct act_check {
	struct config *config; /* own: service 0 with the check 0 */
	uint32_t member, endpoints;
	struct workers *workers;
	struct event *timer; /* the end, and of an elb check the next question */
	struct aws_query *query;
	struct aws_call *call;
	struct address address[ENDPOINTS_MAX][ADDRESSES_MAX];
	char why[TEXT_BYTES]; /* it has not passed yet */
	char where[64];
};

static const struct check_spec *
spec_of(const struct act *x)
{
	return &x->check->config->check[0];
}

/* ---- has it passed? ---- */

static void
note(struct act_check *k, const char *where, const char *why)
{
	(void)snprintf(k->where, sizeof k->where, "%.63s", where);
	(void)snprintf(k->why, sizeof k->why, "%.159s", why);
}

static void
look(struct act *x)
{
	struct act_check *k = x->check;
	uint32_t passes = 0;
	char span[ACT_SPAN_BYTES];

	for (uint32_t i = 0; i < k->endpoints; i++) {
		uint32_t there = 0;

		for (uint32_t s = 0; s < ADDRESSES_MAX; s++) {
			if (!k->address[i][s].there)
				continue;
			if (!k->address[i][s].passes)
				return;
			there++;
		}
		if (there == 0)
			return;
		passes += there;
	}
	act_end(x, ACTED_DONE, "check %s passes at %s after %s (%u addresses)",
	    spec_of(x)->name, k->config->service[0].rule.member[k->member].name,
	    act_span(now_boot_ms() - x->begin_ms, span), (unsigned)passes);
}

static void
run_out(struct act *x)
{
	const struct act_check *k = x->check;
	char span[ACT_SPAN_BYTES];

	act_end(x, ACTED_FAILED, "check %s did not pass at %s within %s: %s%s%s",
	    spec_of(x)->name, k->config->service[0].rule.member[k->member].name,
	    act_span(x->give_up_ms - x->begin_ms, span), k->where,
	    k->where[0] != '\0' ? ": " : "", k->why);
}

/* ---- the worker ---- */

static bool
on_fill(uint32_t id, struct prober_msg *msg, void *arg)
{
	const struct act *x = arg;
	const struct act_check *k = x->check;
	const struct config_member *m = &k->config->service[0].member[k->member];

	if (id >= k->endpoints)
		return false;
	msg->port = m->endpoint[id].port;
	memcpy(msg->host, m->endpoint[id].host, sizeof msg->host);
	memcpy(msg->families, m->families, sizeof msg->families);
	config_target(k->config, 0, k->member, id, &msg->check);
	return true;
}

static void
take_sample(struct act *x, struct address *at, const struct probe_event *ev)
{
	at->passes = ev->outcome == OUTCOME_PASS;
	if (!at->passes)
		note(x->check, at->due.address, ev->text);
	look(x);
}

static void
on_program(const struct runner_event *ev, void *arg)
{
	struct address *at = arg;
	struct act *x = at->act;
	struct probe_event sample = at->due;

	at->job = 0;
	exec_judge(ev, spec_of(x), &sample);
	workers_result(x->check->workers, at->due.id, at->due.slot, at->due.ticket,
	    (enum outcome)sample.outcome);
	take_sample(x, at, &sample);
}

static void
run_program(struct act *x, struct address *at, const struct probe_event *ev)
{
	struct act_check *k = x->check;
	struct runner_msg *m = calloc(1, sizeof *m);
	struct err e;

	if (m == NULL)
		abort();
	at->due = *ev;
	if (at->job != 0)
		jobs_forget(x->jobs, at->job);
	at->job = 0;
	if (exec_fill(k->config, 0, k->member, ev->id, ev->address, m, &e))
		at->job = jobs_start(x->jobs, m, on_program, at, &e);
	free(m);
	if (at->job != 0)
		return;
	note(k, ev->address, e.text);
	workers_result(k->workers, ev->id, ev->slot, ev->ticket, OUTCOME_UNKNOWN);
}

static void
drop_address(struct act *x, struct address *at)
{
	if (at->job != 0)
		jobs_forget(x->jobs, at->job);
	*at = (struct address){.act = x};
}

static void
on_event(const struct probe_event *ev, void *arg)
{
	struct act *x = arg;
	struct act_check *k = x->check;
	struct address *at;

	if (ev->id >= k->endpoints)
		return;
	at = &k->address[ev->id][ev->slot];
	switch ((enum probe_event_kind)ev->kind) {
	case PROBE_ADDRESS:
		drop_address(x, at);
		at->there = true;
		at->due = *ev;
		return;
	case PROBE_RETIRED:
		drop_address(x, at);
		look(x);
		return;
	case PROBE_SAMPLE:
		at->due = *ev;
		take_sample(x, at, ev);
		return;
	case PROBE_DUE:
		run_program(x, at, ev);
		return;
	case PROBE_UNRESOLVED:
		note(k, "", ev->text);
		return;
	case PROBE_READY:
	case PROBE_RESOLVED:
	case PROBE_CROWDED:
	case PROBE_LAG:
		return;
	}
}

static void
on_started(uint32_t worker, void *arg)
{
	struct act *x = arg;

	(void)worker;
	for (uint32_t i = 0; i < x->check->endpoints; i++) {
		for (uint32_t s = 0; s < ADDRESSES_MAX; s++)
			drop_address(x, &x->check->address[i][s]);
		workers_target(x->check->workers, i);
	}
}

static void
on_trouble(uint32_t worker, const char *why, void *arg)
{
	struct act *x = arg;

	(void)worker;
	note(x->check, "", why);
}

static bool
start_worker(struct act *x, struct err *e)
{
	struct act_check *k = x->check;
	struct workers_options o = {.count = 1, .seed = x->begin_ms};
	struct workers_calls calls = {.fill = on_fill,
	    .event = on_event,
	    .started = on_started,
	    .ended = on_trouble,
	    .trouble = on_trouble,
	    .arg = x};

	(void)snprintf(o.user_agent, sizeof o.user_agent, "pointsman/%s (scenario)",
	    POINTSMAN_VERSION);
	k->workers = workers_new(&o, e);
	return k->workers != NULL && workers_start(k->workers, x->base, &calls, e);
}

/* ---- targets ---- */

static void
wake_in(struct act *x, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(x->check->timer, &t) != 0)
		abort();
}

static void
on_targets(const struct aws_answer *a, void *arg)
{
	struct act *x = arg;
	struct act_check *k = x->check;
	uint64_t ms = spec_of(x)->every_ms, left_ms = act_left_ms(x);
	struct probe_result r;
	uint32_t latency_us;

	k->call = NULL;
	elb_judge(&spec_of(x)->elb, a, &r, &latency_us);
	if (r.outcome == OUTCOME_PASS) {
		act_end(x, ACTED_DONE, "check %s passes", spec_of(x)->name);
		return;
	}
	if (a->result != AWS_BUSY) /* what was seen before says more */
		note(k, "", r.text);
	wake_in(x, ms < left_ms ? ms : left_ms);
}

static void
ask_targets(struct act *x)
{
	uint64_t left_ms = act_left_ms(x), patience_ms = spec_of(x)->timeout_ms;

	x->check->call = elb_query_start(x->check->query, &spec_of(x)->elb,
	    left_ms < patience_ms ? left_ms : patience_ms, on_targets, x);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct act *x = arg;
	uint64_t left_ms = act_left_ms(x);

	(void)fd;
	(void)what;
	if (left_ms == 0)
		run_out(x);
	else if (x->check->query != NULL)
		ask_targets(x);
	else
		wake_in(x, left_ms); /* the loop's clock ran ahead of ours */
}

/* ---- taking it whole ---- */

static void
copy_args(struct config_exec *to, const struct config_exec *from)
{
	if (from == NULL || from->args == 0)
		return;
	to->arg = calloc(from->args, sizeof *to->arg);
	if (to->arg == NULL)
		abort();
	for (; to->args < from->args; to->args++) {
		to->arg[to->args] = strdup(from->arg[to->args]);
		if (to->arg[to->args] == NULL)
			abort();
	}
}

static struct config *
copy_config(const struct config *c, uint32_t check, uint32_t service, uint32_t member)
{
	const struct config_service *s = &c->service[service];
	struct config *own = calloc(1, sizeof *own);

	if (own == NULL || (own->check = malloc(sizeof *own->check)) == NULL ||
	    (own->exec = calloc(1, sizeof *own->exec)) == NULL ||
	    (own->service = malloc(sizeof *own->service)) == NULL)
		abort();
	own->checks = own->services = 1;
	own->check[0] = c->check[check];
	copy_args(own->exec, c->exec != NULL ? &c->exec[check] : NULL);
	own->service[0] = *s;
	own->service[0].member[member].check = 0;
	/* A shadow's members answer to the name of what they rehearse (config_target()),
	 * which has no place here. */
	if (s->shadow_of >= 0)
		memcpy(own->service[0].name[0], c->service[s->shadow_of].name[0],
		    sizeof s->name[0]);
	own->service[0].shadow_of = -1;
	return own;
}

static void
free_config(struct config *own)
{
	for (uint32_t i = 0; i < own->exec->args; i++)
		free((void *)(uintptr_t)own->exec->arg[i]);
	free(own->exec->arg);
	free(own->exec);
	free(own->check);
	free(own->service);
	free(own);
}

static bool
find_member(const struct config *c, uint32_t service, const char *site,
    uint32_t *member, struct err *e)
{
	const struct rule_service *rule = &c->service[service].rule;

	for (*member = 0; *member < rule->members; ++*member)
		if (strcmp(rule->member[*member].name, site) == 0 &&
		    !rule->member[*member].last_resort)
			return true;
	return err_set(
	    e, "service %s has no member %.23s that is probed", rule->name, site);
}

static bool
begin(struct act *x, struct err *e)
{
	struct act_check *k = x->check;

	switch (spec_of(x)->kind) {
	case CHECK_ELB:
		k->query = elb_query_new(x->base, &spec_of(x)->elb, x->begin_ms, e);
		if (k->query != NULL)
			wake_in(x, 0);
		return k->query != NULL;
	case CHECK_HTTP:
	case CHECK_TCP:
	case CHECK_EXEC:
	case CHECK_DNS:
		if (k->endpoints == 0)
			return err_set(e, "the member has no endpoints to probe");
		wake_in(x, act_left_ms(x));
		return start_worker(x, e);
	case CHECK_BACKUP:
	case CHECK_CLOUDWATCH:
	case CHECK_KINDS:
		break;
	}
	return err_set(e, "it measures a lag: wait for that with `wait: {lag: ...}`");
}

bool
act_check_start(struct act *x, const struct config_act *act, const struct config *c,
    uint32_t service, const struct act_words *words, struct err *e)
{
	struct act_check *k = calloc(1, sizeof *k);
	uint32_t member;

	if (k == NULL || (k->timer = evtimer_new(x->base, on_timer, x)) == NULL)
		abort();
	x->check = k;
	if (!find_member(c, service, act_text(words->site), &member, e))
		return false;
	k->member = member;
	k->config = copy_config(c, act->check, service, member);
	k->endpoints = k->config->service[0].member[member].endpoints;
	for (uint32_t i = 0; i < ENDPOINTS_MAX; i++)
		for (uint32_t s = 0; s < ADDRESSES_MAX; s++)
			k->address[i][s].act = x;
	note(k, "", "nothing was seen of it yet");
	x->r.began_ms = x->begin_ms;
	return begin(x, e) || err_wrap(e, spec_of(x)->name);
}

void
act_check_stop(struct act *x)
{
	struct act_check *k = x->check;

	if (k->call != NULL)
		aws_query_cancel(k->call);
	aws_query_free(k->query);
	for (uint32_t i = 0; i < k->endpoints; i++)
		for (uint32_t s = 0; s < ADDRESSES_MAX; s++)
			drop_address(x, &k->address[i][s]);
	workers_free(k->workers);
	event_free(k->timer);
	if (k->config != NULL)
		free_config(k->config);
	free(k);
}
