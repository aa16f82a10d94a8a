/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workers schedule exec checks as they do all others (±10 %, recheck, stagger, each
 * address of a name, never two in flight) and do not perform them: a worker cannot
 * start a process, and must not be able to have one started that it chooses. What is
 * run comes from the configuration; of the worker's word only the address is used, and
 * only if it is one. Scheduling them here, in the agent, was rejected: it would have
 * been written twice, and names are resolved in the workers alone.
 */
#include "steering/agent/execs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/exec_check.h"
#include "steering/agent/jobs.h"
#include "steering/agent/workers.h"

struct exec {
	struct execs *all;
	uint64_t job; /* 0: the place is free */
	struct probe_event due;
	struct check_spec check; /* as it was when it began */
};

struct execs {
	struct agent *agent;
	void (*sample)(const struct probe_event *ev, void *arg);
	void *arg;
	struct exec exec[JOBS_MAX];
};

/* The worker first: a sample may bring about anything. */
static void
tell(struct execs *x, const struct probe_event *due, struct probe_event *sample)
{
	uint64_t ticket = due->ticket;

	sample->ticket = 0;
	workers_result(x->agent->workers, due->id, due->slot, ticket,
	    (enum outcome)sample->outcome);
	x->sample(sample, x->arg);
}

static void
on_ended(const struct runner_event *ev, void *arg)
{
	struct exec *run = arg;
	struct execs *x = run->all;
	struct probe_event due = run->due, sample = due;

	exec_judge(ev, &run->check, &sample);
	run->job = 0;
	tell(x, &due, &sample);
}

static struct exec *
free_place(struct execs *x)
{
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (x->exec[i].job == 0)
			return &x->exec[i];
	return NULL;
}

void
execs_due(struct execs *x, const struct probe_event *due, uint32_t service,
    uint32_t member, uint32_t endpoint)
{
	const struct config *c = x->agent->config;
	struct probe_event sample = *due;
	struct runner_msg m;
	struct exec *run;
	struct err e = {"too many programs run already"};

	execs_forget_slot(x, due->id, due->slot);
	run = free_place(x);
	if (run != NULL &&
	    exec_fill(c, service, member, endpoint, due->address, &m, &e)) {
		run->due = *due;
		config_target(c, service, member, endpoint, &run->check);
		run->job = jobs_start(x->agent->jobs, &m, on_ended, run, &e);
		if (run->job != 0)
			return;
	}
	exec_judge_unstarted(e.text, &sample);
	tell(x, due, &sample);
}

static void
forget(struct execs *x, struct exec *run)
{
	jobs_forget(x->agent->jobs, run->job);
	run->job = 0;
}

void
execs_forget(struct execs *x, uint32_t id)
{
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (x->exec[i].job != 0 && x->exec[i].due.id == id)
			forget(x, &x->exec[i]);
}

void
execs_forget_slot(struct execs *x, uint32_t id, uint32_t slot)
{
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (x->exec[i].job != 0 && x->exec[i].due.id == id &&
		    x->exec[i].due.slot == slot)
			forget(x, &x->exec[i]);
}

struct execs *
execs_new(struct agent *a, void (*sample)(const struct probe_event *ev, void *arg),
    void *arg, struct err *e)
{
	struct execs *x = calloc(1, sizeof *x);

	if (x == NULL) {
		(void)err_set(e, "cannot run exec checks: out of memory");
		return NULL;
	}
	x->agent = a;
	x->sample = sample;
	x->arg = arg;
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		x->exec[i].all = x;
	return x;
}

void
execs_free(struct execs *x)
{
	if (x == NULL)
		return;
	for (uint32_t i = 0; i < JOBS_MAX; i++)
		if (x->exec[i].job != 0)
			forget(x, &x->exec[i]);
	free(x);
}
