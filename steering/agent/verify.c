/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights cannot be seen in one A answer, but the ledger rode in the same batch: a
 * server that shows its epoch has the records too. Each call under way holds the
 * service and carries a ticket; an answer to an older question only lets go.
 *
 * INSYNC comes first because asking name servers before it is known to be in vain. An
 * API that cannot be asked must not hide that DNS answers, so after INSYNC_WAIT_MS the
 * servers are asked all the same.
 */
#include "steering/agent/verify.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/marks.h"
#include "steering/agent/metrics.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"

#define PACE_MS 250
#define PACE_MS_MAX 5000
#define INSYNC_WAIT_MS (90 * 1000)
#define GIVE_UP_MS (10 * 60 * 1000)
#define ASK_MS 1000
#define HEAR_MS 10000

enum phase { IDLE = 0, SYNCING, ASKING };

struct verify {
	struct agent_service *service;
	enum phase phase;
	uint32_t ticket; /* of the version being verified */
	uint64_t epoch, began_ms;
	char change_id[64];
	uint64_t pace_ms;
	struct event *timer;
	/* That showed it, by name: a reload may give the servers another order. */
	uint32_t shows;
	char shown[NAMESERVERS_MAX][DNS_NAME_MAX];
	uint32_t asked; /* questions of this round without an answer */
	struct event *hear;
	uint32_t hear_tries; /* servers asked in this round */
	struct call *calls;  /* under way */
};

struct call { /* one question under way */
	struct verify *verify;
	struct call *next;
	uint32_t ticket;
	char server[DNS_NAME_MAX]; /* "" the provider */
};

static void on_poll(struct zone_answer *answer, void *arg);
static void on_shown(const struct dns_ask_answer *answer, void *arg);
static void on_heard(const struct dns_ask_answer *answer, void *arg);

static struct call *
call_new(struct verify *v, const char *server)
{
	struct call *c = malloc(sizeof *c);

	if (c == NULL)
		abort();
	*c = (struct call){.verify = v, .next = v->calls, .ticket = v->ticket};
	(void)snprintf(c->server, sizeof c->server, "%s", server);
	v->calls = c;
	v->service->pending++;
	return c;
}

static void
call_free(struct call *c)
{
	struct call **at = &c->verify->calls;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	free(c);
}

/* Does the answer still matter? */
static bool
call_counts(const struct call *c)
{
	return c->ticket == c->verify->ticket && !c->verify->service->stopped;
}

static void
again(struct verify *v)
{
	struct timeval t = {.tv_sec = (time_t)(v->pace_ms / 1000),
	    .tv_usec = (suseconds_t)(v->pace_ms % 1000) * 1000};

	(void)event_add(v->timer, &t);
	v->pace_ms = v->pace_ms * 3 / 2;
	if (v->pace_ms > PACE_MS_MAX)
		v->pace_ms = PACE_MS_MAX;
}

static void
say_mark(struct verify *v, enum fact_kind kind, const char *what)
{
	struct agent_service *s = v->service;
	struct fact f = {.kind = kind,
	    .level = FACT_INFO,
	    .member = -1,
	    .at_ms = now_boot_ms(),
	    .epoch = v->epoch};

	(void)snprintf(f.text, sizeof f.text, "%s %llu ms after it was committed", what,
	    (unsigned long long)(f.at_ms - v->began_ms));
	facts_emit(s->agent->facts, s->conf->rule.name, NULL, &f);
}

static void
begin_asking(struct verify *v)
{
	v->phase = ASKING;
	v->pace_ms = PACE_MS;
	v->asked = 0;
	v->shows = 0;
	event_active(v->timer, EV_TIMEOUT, 0);
}

/* ---- INSYNC ---- */

static void
poll_change(struct verify *v)
{
	if (now_boot_ms() - v->began_ms > INSYNC_WAIT_MS) {
		service_say(v->service, FACT_TROUBLE, FACT_WARN, -1,
		    "epoch %llu is not INSYNC after 90 s: the name servers are asked "
		    "all the same",
		    (unsigned long long)v->epoch);
		begin_asking(v);
		return;
	}
	provider_poll(
	    v->service->zone->provider, v->change_id, on_poll, call_new(v, ""));
}

static void
on_poll(struct zone_answer *answer, void *arg)
{
	struct call *c = arg;
	struct verify *v = c->verify;
	struct agent_service *s = v->service;
	struct agent *a = s->agent;

	metrics_request(a->metrics, METRICS_API_POLL, answer->result, answer->sent_ms,
	    answer->done_ms);
	self_date(a->self, answer->date_wall_s, answer->sent_ms, answer->done_ms);
	if (call_counts(c) && answer->result == ZONE_OK && answer->insync) {
		marks_insync(s, v->epoch, now_boot_ms());
		say_mark(v, FACT_INSYNC, "INSYNC");
		begin_asking(v);
	} else if (call_counts(c)) {
		again(v);
	}
	call_free(c);
	service_release(s);
}

/* ---- every authoritative server ---- */

static bool
is_shown(const struct verify *v, const char *server)
{
	for (uint32_t i = 0; i < v->shows; i++)
		if (strcmp(v->shown[i], server) == 0)
			return true;
	return false;
}

static void
note_shown(struct verify *v, const char *server)
{
	if (is_shown(v, server))
		return;
	/* Full of servers that a reload took away: the rest is asked again. */
	if (v->shows == NAMESERVERS_MAX)
		v->shows = 0;
	(void)snprintf(v->shown[v->shows++], sizeof v->shown[0], "%s", server);
}

static bool
all_shown(const struct verify *v)
{
	for (uint32_t i = 0; i < v->service->zone->nameservers; i++)
		if (!is_shown(v, v->service->zone->nameserver[i]))
			return false;
	return v->service->zone->nameservers > 0;
}

static void
give_up(struct verify *v)
{
	const struct agent_zone *z = v->service->zone;
	char missing[128] = "";
	size_t n = 0;

	for (uint32_t i = 0; i < z->nameservers && n < sizeof missing - 1; i++)
		if (!is_shown(v, v->service->zone->nameserver[i]))
			n += (size_t)snprintf(
			    missing + n, sizeof missing - n, " %s", z->nameserver[i]);
	service_say(v->service, FACT_TROUBLE, FACT_WARN, -1,
	    "epoch %llu is not answered after 10 min by%s: look at the zone's name "
	    "servers",
	    (unsigned long long)v->epoch,
	    missing[0] != '\0' ? missing : " any name server (none is known)");
	v->phase = IDLE;
}

static void
ask(struct verify *v)
{
	struct agent_service *s = v->service;

	if (now_boot_ms() - v->began_ms > GIVE_UP_MS) {
		give_up(v);
		return;
	}
	if (all_shown(v)) {
		marks_answered(s, v->epoch, now_boot_ms());
		say_mark(v, FACT_ANSWERED, "every name server answers with it,");
		v->phase = IDLE;
		return;
	}
	for (uint32_t i = 0; i < s->zone->nameservers; i++) {
		if (is_shown(v, s->zone->nameserver[i]))
			continue;
		v->asked++;
		dns_ask_txt(s->agent->dns, s->zone->nameserver[i], s->conf->ledger_name,
		    ASK_MS, on_shown, call_new(v, s->zone->nameserver[i]));
	}
	if (v->asked == 0)
		again(v); /* no server is known yet */
}

static bool
epoch_of(const struct dns_ask_answer *answer, uint64_t *epoch)
{
	struct ledger l;
	struct err e;

	if (!answer->answered || !answer->exists ||
	    ledger_parse(answer->text, &l, &e) != LEDGER_OK)
		return false;
	*epoch = l.epoch;
	return true;
}

static void
on_shown(const struct dns_ask_answer *answer, void *arg)
{
	struct call *c = arg;
	struct verify *v = c->verify;
	struct agent_service *s = v->service;
	uint64_t epoch;

	if (call_counts(c) && v->phase == ASKING) {
		if (epoch_of(answer, &epoch) && epoch >= v->epoch)
			note_shown(v, c->server);
		assert(v->asked > 0);
		v->asked--;
		if (v->asked == 0 && all_shown(v))
			ask(v);
		else if (v->asked == 0)
			again(v);
	}
	call_free(c);
	service_release(s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct verify *v = arg;

	(void)fd;
	(void)what;
	switch (v->phase) {
	case IDLE:
		return;
	case SYNCING:
		poll_change(v);
		return;
	case ASKING:
		ask(v);
		return;
	}
}

void
verify_commit(struct verify *v, uint64_t epoch, const char *change_id)
{
	if (v->service->stopped)
		return;
	v->ticket++;
	v->epoch = epoch;
	v->began_ms = now_boot_ms();
	v->pace_ms = PACE_MS;
	(void)snprintf(v->change_id, sizeof v->change_id, "%s", change_id);
	(void)event_del(v->timer);
	if (change_id[0] == '\0') {
		begin_asking(v);
		return;
	}
	v->phase = SYNCING;
	again(v);
}

/* ---- idle ---- */

static void
hear_later(struct verify *v)
{
	struct timeval t = {
	    .tv_sec = HEAR_MS / 1000, .tv_usec = (suseconds_t)(v->epoch % 7) * 10000};

	v->hear_tries = 0;
	(void)event_add(v->hear, &t);
}

static void
hear_one(struct verify *v)
{
	struct agent_zone *z = v->service->zone;
	uint32_t server = z->nameservers > 0 ? z->turn++ % z->nameservers : 0;

	if (v->hear_tries >= z->nameservers) {
		struct engine_in in = {.event = ENGINE_TICK};

		/* None answered. A zone whose servers are unknown is silent too. */
		v->service->dns_silent = true;
		hear_later(v);
		service_step(v->service, &in);
		return;
	}
	v->hear_tries++;
	dns_ask_txt(v->service->agent->dns, z->nameserver[server],
	    v->service->conf->ledger_name, ASK_MS, on_heard,
	    call_new(v, z->nameserver[server]));
}

static void
on_heard(const struct dns_ask_answer *answer, void *arg)
{
	struct call *c = arg;
	struct verify *v = c->verify;
	struct agent_service *s = v->service;
	struct engine_in in = {.event = ENGINE_HEARD};

	call_free(c);
	if (s->stopped) {
		service_release(s);
		return;
	}
	if (!answer->answered) {
		hear_one(v);
	} else {
		s->dns_silent = false;
		hear_later(v);
		if (epoch_of(answer, &in.epoch)) {
			if (in.epoch > s->dns_epoch)
				s->dns_epoch = in.epoch;
			service_step(s, &in);
		}
	}
	service_release(s);
}

static void
on_hear(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hear_one(arg);
}

/* ---- life ---- */

struct verify *
verify_new(struct agent_service *s, struct err *e)
{
	struct verify *v = calloc(1, sizeof *v);

	if (v != NULL) {
		v->service = s;
		v->timer = evtimer_new(s->agent->base, on_timer, v);
		v->hear = evtimer_new(s->agent->base, on_hear, v);
	}
	if (v == NULL || v->timer == NULL || v->hear == NULL) {
		verify_free(v);
		(void)err_set(e, "cannot verify changes: out of memory");
		return NULL;
	}
	hear_later(v);
	return v;
}

void
verify_stop(struct verify *v)
{
	v->phase = IDLE;
	(void)event_del(v->timer);
	(void)event_del(v->hear);
}

void
verify_free(struct verify *v)
{
	if (v == NULL)
		return;
	/* Those whose answers will never come: the provider is gone. */
	while (v->calls != NULL)
		call_free(v->calls);
	if (v->timer != NULL)
		event_free(v->timer);
	if (v->hear != NULL)
		event_free(v->hear);
	free(v);
}
