/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One probe in flight: one deadline, one or (hedged) two tries, one sample.
 *
 * A hedge answers packet loss: after so much silence a second connection is opened
 * beside the first, and whichever comes to a verdict first speaks for both. A verdict
 * against the endpoint counts as much as one for it: silence may be loss, a refusal is
 * an answer. Local trouble of one try leaves the other to speak.
 *
 * A loop that was held up sees deadlines pass that the endpoint may have kept. What is
 * concluded more than LATE_US after its deadline is UNKNOWN, whatever it looks like.
 */
#include <stdlib.h>

#include "probe/dns.h"
#include "probe/tcp.h"
#include "probe/worker.h"

#define LATE_US UINT64_C(250000) /* as late as makes an agent abstain */

struct leg { /* one try */
	struct flight *flight;
	struct http_try *http;
	struct tcp_try *tcp;
	struct dns_try *dns;
};

struct flight {
	struct worker *worker;
	struct slot *slot;
	struct timer timer; /* the hedge, then the deadline */
	struct leg leg[2];
	bool hedged;
	uint64_t start_us, deadline_us;
};

static void
cancel_leg(struct leg *l)
{
	if (l->http != NULL)
		http_cancel(l->http);
	if (l->tcp != NULL)
		tcp_cancel(l->tcp);
	if (l->dns != NULL)
		dns_cancel(l->dns);
	l->http = NULL;
	l->tcp = NULL;
	l->dns = NULL;
}

static bool
is_open(const struct leg *l)
{
	return l->http != NULL || l->tcp != NULL || l->dns != NULL;
}

static bool
is_silent(const struct leg *l)
{
	return l->http != NULL ? http_is_silent(l->http)
	    : l->tcp != NULL   ? tcp_is_silent(l->tcp)
	    : l->dns != NULL   ? dns_is_silent(l->dns)
			       : true;
}

static const char *
phase_of(const struct leg *l)
{
	return l->http != NULL ? http_phase(l->http)
	    : l->tcp != NULL   ? tcp_phase(l->tcp)
			       : dns_phase(l->dns);
}

void
flight_cancel(struct flight *f)
{
	cancel_leg(&f->leg[0]);
	cancel_leg(&f->leg[1]);
	loop_unset(&f->worker->loop, &f->timer);
	f->slot->flight = NULL;
	free(f);
}

static void
tell(struct worker *w, struct slot *s, const struct probe_result *r, uint64_t start_us,
    uint64_t latency_us)
{
	struct probe_event ev = {
	    .kind = PROBE_SAMPLE,
	    .id = s->target->id,
	    .slot = s->number,
	    .outcome = r->outcome,
	    .reason = r->reason,
	    .http_status = r->http_status,
	    .start_ms = start_us / 1000,
	    .latency_us = latency_us < UINT32_MAX ? (uint32_t)latency_us : UINT32_MAX,
	    .family = s->address.family,
	};

	_Static_assert(sizeof ev.text >= sizeof r->text, "a sentence fits");
	address_format(&s->address, ev.address);
	memcpy(ev.text, r->text, sizeof r->text);
	outbox_sample(&w->outbox, &ev, &s->queued);
}

/* The beat's probe is over; the next is scheduled. */
static void
go_on(struct worker *w, struct slot *s, enum outcome outcome, uint64_t now_us)
{
	bool failed = outcome == OUTCOME_FAIL, first = failed && !s->failing;

	if (outcome != OUTCOME_UNKNOWN)
		s->failing = failed;
	schedule_done(
	    &w->schedule, &s->beat, failed ? BEAT_RECHECK : BEAT_GRID, now_us);
	worker_reschedule(w);
	if (first && !s->target->numeric)
		names_suspect(w->names, s->target->user.name);
}

static void
conclude(struct worker *w, struct slot *s, struct probe_result *r, uint64_t start_us)
{
	const struct check_spec *check = &s->target->plan->check;
	uint64_t now_us = loop_now_us(), latency_us = now_us - start_us;
	uint64_t timeout_us = check->timeout_ms * 1000;

	if (latency_us > timeout_us + LATE_US)
		result_local(r, "the prober was held up for %llu ms",
		    (unsigned long long)(latency_us - timeout_us) / 1000);
	else if (r->outcome == OUTCOME_PASS && check->slow_ms > 0 &&
	    latency_us > check->slow_ms * 1000)
		result_fail(r, PROBE_SLOW, "took %llu ms, more than %llu",
		    (unsigned long long)latency_us / 1000,
		    (unsigned long long)check->slow_ms);
	tell(w, s, r, start_us, latency_us);
	go_on(w, s, r->outcome, now_us);
}

static void
finish(struct flight *f, struct probe_result *r)
{
	struct worker *w = f->worker;
	struct slot *s = f->slot;
	uint64_t start_us = f->start_us;

	flight_cancel(f);
	conclude(w, s, r, start_us);
}

static void
on_done(struct leg *l, const struct probe_result *r)
{
	struct flight *f = l->flight;
	struct leg *other = l == &f->leg[0] ? &f->leg[1] : &f->leg[0];
	struct probe_result result = *r;

	l->http = NULL;
	l->tcp = NULL;
	l->dns = NULL;
	if (r->outcome == OUTCOME_UNKNOWN && is_open(other))
		return;
	finish(f, &result);
}

static void
on_http_done(void *arg, const struct probe_result *r)
{
	on_done(arg, r);
}

static void
on_tcp_done(void *arg, const struct probe_result *r)
{
	on_done(arg, r);
}

static void
on_dns_done(void *arg, const struct probe_result *r)
{
	on_done(arg, r);
}

/* False: it is over at once, and *r says how. */
static bool
open_leg(struct leg *l, struct probe_result *r)
{
	struct flight *f = l->flight;
	const struct plan *plan = f->slot->target->plan;
	const struct address *to = &f->slot->address;

	if (plan->check.kind == CHECK_HTTP)
		l->http =
		    http_start(&f->worker->http, plan->http, to, on_http_done, l, r);
	else if (plan->check.kind == CHECK_DNS)
		l->dns =
		    dns_start(f->worker->loop.base, &plan->dns, to, on_dns_done, l, r);
	else
		l->tcp =
		    tcp_start(f->worker->loop.base, &plan->tcp, to, on_tcp_done, l, r);
	return is_open(l);
}

static void
time_out(struct flight *f)
{
	const struct leg *l = is_open(&f->leg[0]) ? &f->leg[0] : &f->leg[1];
	struct probe_result r = {0};

	result_fail(&r, PROBE_TIMEOUT, "no answer within %llu ms: %s",
	    (unsigned long long)f->slot->target->plan->check.timeout_ms, phase_of(l));
	finish(f, &r);
}

static void
on_timer(struct timer *t, uint64_t now_us)
{
	struct flight *f = heap_entry(t, struct flight, timer);
	struct probe_result r = {0};

	if (now_us >= f->deadline_us) {
		time_out(f);
		return;
	}
	loop_set(&f->worker->loop, t, f->deadline_us);
	if (f->hedged || !is_silent(&f->leg[0]))
		return;
	f->hedged = true;
	if (!open_leg(&f->leg[1], &r) && r.outcome == OUTCOME_FAIL)
		finish(f, &r);
}

static bool
may_start(const struct slot *s, struct probe_result *r)
{
	char text[ADDRESS_TEXT_MAX];

	if (s->forbidden != NULL) {
		address_format(&s->address, text);
		result_fail(
		    r, PROBE_FORBIDDEN, "%s is %s: never probed", text, s->forbidden);
		return false;
	}
	if (s->target->plan->trouble[0] != '\0') {
		result_local(r, "%s", s->target->plan->trouble);
		return false;
	}
	return true;
}

/* A program is for the agent's runner: it says how it ended, by target_result(). */
static void
hand_over(struct worker *w, struct slot *s, uint64_t now_us)
{
	struct probe_event ev = {.kind = PROBE_DUE,
	    .id = s->target->id,
	    .slot = s->number,
	    .start_ms = now_us / 1000,
	    .family = s->address.family,
	    .ticket = ++w->tickets};

	s->ticket = ev.ticket;
	address_format(&s->address, ev.address);
	outbox_tell(&w->outbox, &ev);
}

void
flight_result(struct worker *w, struct slot *s, enum outcome outcome)
{
	s->ticket = 0;
	go_on(w, s, outcome, loop_now_us());
}

void
flight_start(struct worker *w, struct slot *s)
{
	const struct check_spec *check = &s->target->plan->check;
	uint64_t now_us = loop_now_us();
	struct probe_result r = {0};
	struct flight *f;

	if (!may_start(s, &r)) {
		conclude(w, s, &r, now_us);
		return;
	}
	if (check->kind == CHECK_EXEC) {
		hand_over(w, s, now_us);
		return;
	}
	f = calloc(1, sizeof *f);
	if (f == NULL) {
		result_local(&r, "cannot probe from here: out of memory");
		conclude(w, s, &r, now_us);
		return;
	}
	f->worker = w;
	f->slot = s;
	f->timer.fire = on_timer;
	f->leg[0].flight = f->leg[1].flight = f;
	f->start_us = now_us;
	f->deadline_us = now_us + check->timeout_ms * 1000;
	s->flight = f;
	if (!open_leg(&f->leg[0], &r)) {
		finish(f, &r);
		return;
	}
	loop_set(&w->loop, &f->timer,
	    check->hedge_ms > 0 && check->hedge_ms < check->timeout_ms
		? now_us + check->hedge_ms * 1000
		: f->deadline_us);
}
