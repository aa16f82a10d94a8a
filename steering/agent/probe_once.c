/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker is spawned, told everything, and listened to until each address has its
 * sample; a runner too when there are programs. A plain poll loop: there are two
 * descriptors and one deadline. The worker
 * tells all addresses of a name before it probes the first: so an endpoint with rows
 * that are all done is done.
 */
#include "steering/agent/probe_once.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/elb_once.h"
#include "steering/agent/exec_check.h"
#include "steering/agent/exec_once.h"

#define RESOLVE_MS 15000 /* patience with names and a slow start */

struct target {
	uint32_t service, member, endpoint;
	bool spoken; /* its rows are there */
	bool exec;
};

struct round {
	const struct config *config;
	struct once *out;
	struct target *target;
	uint32_t targets, sent;
	uint64_t timeout_ms_max, until_ms;
	bool going, programs;
	int fd;
	struct exec_once runner;
};

static uint64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* So long from now: not all programs can run at once, and each has its time. */
static void
be_patient(struct round *r)
{
	r->until_ms = now_ms() + RESOLVE_MS + 2 * r->timeout_ms_max;
}

static bool
performed(const struct check_spec *check)
{
	return check->kind == CHECK_HTTP || check->kind == CHECK_TCP ||
	    check->kind == CHECK_EXEC || check->kind == CHECK_DNS;
}

/* ---- rows ---- */

static struct once_row *
row_add(struct round *r, uint32_t id, uint32_t slot)
{
	struct once *o = r->out;
	struct once_row *grown = realloc(o->row, (o->rows + 1u) * sizeof *grown);
	const struct target *t = &r->target[id];

	if (grown == NULL)
		abort();
	o->row = grown;
	struct once_row *row = &o->row[o->rows++];
	*row = (struct once_row){.service = t->service,
	    .member = t->member,
	    .endpoint = t->endpoint,
	    .slot = slot};
	return row;
}

static struct once_row *
row_find(struct round *r, uint32_t id, uint32_t slot)
{
	const struct target *t = &r->target[id];

	for (uint32_t i = r->out->rows; i-- > 0;) {
		struct once_row *row = &r->out->row[i];

		if (row->slot == slot && row->service == t->service &&
		    row->member == t->member && row->endpoint == t->endpoint)
			return row;
	}
	return NULL;
}

static void
row_end(struct once_row *row, const char *text)
{
	row->done = true;
	row->outcome = OUTCOME_UNKNOWN;
	row->reason = PROBE_LOCAL;
	(void)snprintf(row->text, sizeof row->text, "%.150s", text);
}

static int
by_place(const void *a, const void *b)
{
	const struct once_row *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	if (x->member != y->member)
		return x->member < y->member ? -1 : 1;
	if (x->endpoint != y->endpoint)
		return x->endpoint < y->endpoint ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

/* ---- targets ---- */

static void
add_target(struct round *r, uint32_t service, uint32_t member, uint32_t endpoint)
{
	struct target *grown = realloc(r->target, (r->targets + 1u) * sizeof *grown);
	struct check_spec check;

	if (grown == NULL)
		abort();
	r->target = grown;
	r->target[r->targets++] =
	    (struct target){.service = service, .member = member, .endpoint = endpoint};
	config_target(r->config, service, member, endpoint, &check);
	if (check.timeout_ms > r->timeout_ms_max)
		r->timeout_ms_max = check.timeout_ms;
	r->target[r->targets - 1].exec = check.kind == CHECK_EXEC;
	r->programs = r->programs || check.kind == CHECK_EXEC;
	if (performed(&check))
		return;
	/* Not for the worker: it is said here, and is done. */
	r->target[r->targets - 1].spoken = true;
	row_end(row_add(r, r->targets - 1, 0),
	    "checks of this kind are not performed by this version");
}

static void
add_service(struct round *r, uint32_t service)
{
	const struct config_service *s = &r->config->service[service];

	for (uint32_t m = 0; m < s->rule.members; m++)
		for (uint32_t k = 0;
		     !s->rule.member[m].last_resort && k < s->member[m].endpoints; k++)
			add_target(r, service, m, k);
}

static void
fill(const struct round *r, uint32_t id, struct prober_msg *msg)
{
	const struct target *t = &r->target[id];
	const struct config_member *m =
	    &r->config->service[t->service].member[t->member];
	const struct config_endpoint *at = &m->endpoint[t->endpoint];

	memset(msg, 0, sizeof *msg);
	msg->kind = PROBER_TARGET;
	msg->id = id;
	msg->port = at->port;
	memcpy(msg->host, at->host, sizeof msg->host);
	memcpy(msg->families, m->families, sizeof msg->families);
	config_target(r->config, t->service, t->member, t->endpoint, &msg->check);
}

/* ---- the talk ---- */

/* False: the socket is full for now, or gone. */
static bool
tell(const struct round *r, const struct prober_msg *msg)
{
	return prober_send(r->fd, msg);
}

static void
tell_more(struct round *r)
{
	struct prober_msg msg;

	while (r->sent < r->targets) {
		if (!r->target[r->sent].spoken) {
			fill(r, r->sent, &msg);
			if (!tell(r, &msg))
				return;
		}
		r->sent++;
	}
	memset(&msg, 0, sizeof msg);
	msg.kind = PROBER_GO;
	r->going = r->going || tell(r, &msg);
}

static void
take_sample(struct round *r, const struct probe_event *ev)
{
	struct once_row *row = row_find(r, ev->id, ev->slot);

	if (row == NULL || row->done)
		return;
	row->done = true;
	row->outcome = (enum outcome)ev->outcome;
	row->reason = (enum probe_reason)ev->reason;
	row->http_status = ev->http_status;
	row->latency_us = ev->latency_us;
	memcpy(row->text, ev->text, sizeof row->text);
}

/* ---- programs ---- */

#define SLOTS_OF_A_TARGET 1024 /* a job's name is both: target and slot */
_Static_assert(ADDRESSES_MAX <= SLOTS_OF_A_TARGET, "a job's name holds its slot");

static void
program_ended(struct round *r, const struct runner_event *ended)
{
	uint32_t id = (uint32_t)(ended->job / SLOTS_OF_A_TARGET);
	const struct target *t = &r->target[id];
	struct check_spec check;
	struct probe_event ev = {
	    .id = id, .slot = (uint32_t)(ended->job % SLOTS_OF_A_TARGET)};

	config_target(r->config, t->service, t->member, t->endpoint, &check);
	exec_judge(ended, &check, &ev);
	take_sample(r, &ev);
}

static bool
programs_ended(struct round *r)
{
	struct runner_event ended;
	bool moved = false, gone = false;

	while (r->runner.fd >= 0 && exec_once_hear(&r->runner, &ended, &gone)) {
		if (ended.job / SLOTS_OF_A_TARGET < r->targets)
			program_ended(r, &ended);
		moved = true;
	}
	if (!gone || r->runner.fd < 0)
		return moved;
	exec_once_close(&r->runner);
	for (uint32_t i = 0; i < r->out->rows; i++)
		if (r->out->row[i].due || r->out->row[i].runs)
			row_end(&r->out->row[i], "the runner died");
	return true;
}

static void
start_program(struct round *r, struct once_row *row, uint32_t id)
{
	struct runner_msg m;
	struct err e;

	if (!exec_fill(r->config, row->service, row->member, row->endpoint,
		row->address, &m, &e)) {
		row->due = false;
		row_end(row, e.text);
		return;
	}
	m.job = (uint64_t)id * SLOTS_OF_A_TARGET + row->slot;
	row->runs = exec_once_start(&r->runner, &m);
	row->due = !row->runs;
	be_patient(r);
}

static void
start_programs(struct round *r)
{
	for (uint32_t id = 0; id < r->targets && r->runner.fd >= 0; id++)
		for (uint32_t slot = 0; r->target[id].exec && slot < ADDRESSES_MAX;
		     slot++) {
			struct once_row *row = row_find(r, id, slot);

			if (!exec_once_has_room(&r->runner))
				return;
			if (row != NULL && row->due && !row->done)
				start_program(r, row, id);
		}
}

static bool
program_is_due(struct round *r, const struct probe_event *ev)
{
	struct once_row *row =
	    r->target[ev->id].exec ? row_find(r, ev->id, ev->slot) : NULL;

	if (row != NULL && r->runner.fd >= 0)
		row->due = true;
	else if (row != NULL)
		row_end(row, "the runner died");
	return row != NULL;
}

static bool
take_event(struct round *r, const struct probe_event *ev)
{
	struct once_row *row;

	if (ev->kind == PROBE_READY || ev->kind == PROBE_LAG || ev->id >= r->targets ||
	    ev->slot >= ADDRESSES_MAX)
		return false;
	switch ((enum probe_event_kind)ev->kind) {
	case PROBE_ADDRESS:
		r->target[ev->id].spoken = true;
		row = row_add(r, ev->id, ev->slot);
		row->family = (enum family)ev->family;
		memcpy(row->address, ev->address, sizeof row->address);
		return true;
	case PROBE_RETIRED:
		row = row_find(r, ev->id, ev->slot);
		if (row != NULL && !row->done)
			row_end(row, "the address has left the name's answer");
		return true;
	case PROBE_UNRESOLVED:
		if (r->target[ev->id].spoken)
			return false;
		r->target[ev->id].spoken = true;
		row_end(row_add(r, ev->id, 0), ev->text);
		return true;
	case PROBE_SAMPLE:
		take_sample(r, ev);
		return true;
	case PROBE_DUE:
		return program_is_due(r, ev);
	case PROBE_READY:
	case PROBE_RESOLVED:
	case PROBE_CROWDED:
	case PROBE_LAG:
		break;
	}
	return false;
}

static bool
finished(const struct round *r)
{
	for (uint32_t i = 0; i < r->targets; i++)
		if (!r->target[i].spoken)
			return false;
	for (uint32_t i = 0; i < r->out->rows; i++)
		if (!r->out->row[i].done)
			return false;
	return true;
}

/* What had no time to happen is not known. */
static void
end_rest(struct round *r)
{
	static const char late[] = "the prober had no answer in time";

	for (uint32_t i = 0; i < r->targets; i++)
		if (!r->target[i].spoken)
			row_end(row_add(r, i, 0), late);
	for (uint32_t i = 0; i < r->out->rows; i++)
		if (!r->out->row[i].done)
			row_end(&r->out->row[i], late);
}

static bool
listen_all(struct round *r, void (*changed)(const struct once *out, void *arg),
    void *arg, struct err *e)
{
	struct probe_event ev[PROBE_EVENTS_MAX];

	be_patient(r);
	while (!finished(r) || !r->going) {
		short wish = (short)(r->going ? POLLIN : POLLIN | POLLOUT);
		struct pollfd ready[2] = {{.fd = r->fd, .events = wish},
		    {.fd = r->runner.fd,
			.events = r->runner.full ? POLLIN | POLLOUT : POLLIN}};
		uint64_t at_ms = now_ms();
		bool moved = false;

		if (at_ms >= r->until_ms)
			break;
		if (poll(ready, 2, (int)(r->until_ms - at_ms)) < 0 && errno != EINTR)
			return err_set(e, "poll: %s", strerror(errno));
		if ((ready[0].revents & POLLOUT) != 0)
			tell_more(r);
		for (;;) {
			int n = prober_receive(r->fd, ev);

			if (n < 0 && errno == EAGAIN)
				break;
			if (n <= 0)
				return err_set(e, "the prober worker ended");
			for (int i = 0; i < n; i++)
				moved |= take_event(r, &ev[i]);
		}
		r->runner.full = r->runner.full && (ready[1].revents & POLLOUT) == 0;
		moved |= programs_ended(r);
		start_programs(r);
		if (moved && changed != NULL)
			changed(r->out, arg);
	}
	end_rest(r);
	return true;
}

static bool
talk(struct round *r, void (*changed)(const struct once *out, void *arg), void *arg,
    struct err *e)
{
	struct prober_msg hello = {
	    .kind = PROBER_HELLO, .protocol = PROBER_PROTOCOL, .once = true, .seed = 1};
	pid_t pid;

	if (!prober_spawn(NULL, &r->fd, &pid, e))
		return false;
	(void)snprintf(hello.user_agent, sizeof hello.user_agent,
	    "pointsman/%s (check)", POINTSMAN_VERSION);
	bool ok = tell(r, &hello) || err_set(e, "the prober worker does not listen");
	ok = ok && listen_all(r, changed, arg, e);
	(void)close(r->fd);
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ok && WIFEXITED(status) && WEXITSTATUS(status) == PROBER_EXIT_SANDBOX)
		return err_set(e,
		    "the prober worker ended: it could not confine itself (privileges, seccomp)");
	return ok;
}

bool
probe_once(const struct config *c, int32_t service, struct once *out,
    void (*changed)(const struct once *out, void *arg), void *arg, struct err *e)
{
	struct round r = {.config = c, .out = out};
	bool ok = true;

	*out = (struct once){0};
	/* A shadow's members were asked already. */
	for (uint32_t i = 0; i < c->services; i++)
		if (service < 0 ? c->service[i].shadow_of < 0 : i == (uint32_t)service)
			add_service(&r, i);
	r.runner.fd = -1;
	if (r.programs)
		ok = exec_once_open(&r.runner, e);
	if (ok && !finished(&r))
		ok = talk(&r, changed, arg, e);
	if (ok)
		elb_once_rows(c, service, out);
	exec_once_close(&r.runner);
	if (out->rows > 0)
		qsort(out->row, out->rows, sizeof *out->row, by_place);
	free(r.target);
	if (!ok)
		once_free(out);
	return ok;
}

void
once_free(struct once *o)
{
	free(o->row);
	*o = (struct once){0};
}
