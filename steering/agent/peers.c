/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push waits a moment, because one event often moves several services, and rests
 * between two as the message is long: whoever flaps must not fill the links.
 */
#include "steering/agent/peers.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "steering/agent/control.h"
#include "steering/agent/facts.h"
#include "steering/agent/peers_parts.h"
#include "steering/agent/state.h"

#define PUSH_MS 3
#define PUSH_GAP_MS 20 /* and a millisecond for each KiB of a message */

_Static_assert(PEER_MESSAGE_MAX == PEER_BODY_MAX, "a message is a body");
_Static_assert(PEER_REASON_MAX >= CONTROL_REASON_MAX, "reasons fit");

const char *
peers_result_word(enum peers_result r)
{
	if (r < (enum peers_result)PEER_TAKES)
		return peer_take_word((enum peer_take)r);
	return r == PEERS_GARBLED ? "garbled" : "foreign";
}

void
peers_say(struct peers *p, const char *name, enum fact_level level, const char *value,
    const char *format, ...)
{
	struct fact f = {
	    .kind = FACT_PEER, .level = level, .member = -1, .at_ms = now_boot_ms()};
	va_list ap;
	char text[sizeof f.text - WORD_MAX - 8];

	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	(void)snprintf(f.value, sizeof f.value, "%s", value);
	(void)snprintf(f.text, sizeof f.text, "agent %s %s", name, text);
	facts_emit(p->agent->facts, NULL, NULL, &f);
}

/* ---- who is heard ---- */

bool
peers_is_heard(const struct peers *p, uint32_t i, uint64_t now_ms)
{
	return i != p->self && peer_heard(&p->other[i].peer, p->fresh_ms, now_ms);
}

uint32_t
peers_heard(const struct peers *p, uint32_t *of)
{
	uint64_t now_ms = now_boot_ms();
	uint32_t n = 1;

	*of = p != NULL ? p->agents : 1;
	for (uint32_t i = 0; p != NULL && i < p->agents; i++)
		n += peers_is_heard(p, i, now_ms);
	return n;
}

bool
peers_alone(const struct peers *p)
{
	uint32_t of;

	return p != NULL && peers_heard(p, &of) == 1;
}

void
peers_say_company(struct peers *p)
{
	uint64_t now_ms = now_boot_ms();

	for (uint32_t i = 0; i < p->agents; i++) {
		struct other *o = &p->other[i];
		bool heard = peers_is_heard(p, i, now_ms);

		if (i == p->self || heard == o->said_heard)
			continue;
		o->said_heard = heard;
		uint32_t of, n = peers_heard(p, &of);
		peers_say(p, o->name, heard ? FACT_INFO : FACT_WARN,
		    heard ? "heard" : "silent",
		    heard ? "is heard: %u of %u agents are, this one included"
			  : "is not heard any more, or hears us no more: %u of %u "
			    "agents are left, this one included",
		    (unsigned)n, (unsigned)of);
	}
}

/* ---- when to tell ---- */

static void
arm(struct event *timer, uint64_t in_ms)
{
	struct timeval t = {.tv_sec = (time_t)(in_ms / 1000),
	    .tv_usec = (suseconds_t)(in_ms % 1000 * 1000)};

	(void)event_add(timer, &t);
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct peers *p = arg;

	(void)fd;
	(void)what;
	arm(p->beat, p->report_ms);
	peers_tell(p);
	peers_say_company(p);
}

static void
on_push(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	peers_tell(arg);
}

void
peers_moved(struct peers *p)
{
	uint64_t now_ms = now_boot_ms(), due_ms;

	if (p == NULL || p->agent->stopping || evtimer_pending(p->push, NULL))
		return;
	due_ms = p->sent_ms + PUSH_GAP_MS + p->sent_bytes / 1024;
	arm(p->push, due_ms > now_ms + PUSH_MS ? due_ms - now_ms : PUSH_MS);
}

/* ---- life ---- */

static void
begin_boot(struct peers *p)
{
	struct agent *a = p->agent;
	uint64_t random = 0;
	struct err e = {""};

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		random = now_boot_ms();
	uint64_t boot =
	    state_next_boot(a->config->state, (uint64_t)now_wall_ms(), random, &e);
	if (e.text[0] != '\0')
		facts_say(
		    a->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL, "%.200s", e.text);
	if (boot <= p->own.last.boot)
		boot = p->own.last.boot + 1;
	peer_own_init(&p->own, boot);
}

static void
take_timing(struct peers *p)
{
	const struct rule_service *rule = &p->agent->config->service[0].rule;

	p->report_ms = rule->report_ms;
	p->fresh_ms = rule->fresh_ms;
}

/* Those of the same name keep what is known of them. */
static void
take_agents(struct peers *p, const struct peer_wire_conf *conf)
{
	struct other was[AGENTS_MAX];
	uint32_t had = p->agents;

	memcpy(was, p->other, sizeof was);
	memset(p->other, 0, sizeof p->other);
	p->self = conf->self;
	p->agents = conf->agents;
	for (uint32_t i = 0; i < p->agents; i++) {
		for (uint32_t k = 0; k < had; k++)
			if (strcmp(was[k].name, conf->agent[i].name) == 0) {
				p->other[i] = was[k];
				was[k].said = NULL;
			}
		(void)snprintf(p->other[i].name, WORD_MAX, "%s", conf->agent[i].name);
	}
	for (uint32_t k = 0; k < had; k++)
		free(was[k].said);
}

struct peers *
peers_new(struct agent *a, struct err *e)
{
	struct peers *p = calloc(1, sizeof *p);
	struct peer_wire_conf *conf = calloc(1, sizeof *conf);

	if (p == NULL || conf == NULL)
		abort();
	struct peer_wire_calls calls = {peers_on_message, peers_on_result, p};
	p->agent = a;
	p->beat = evtimer_new(a->base, on_beat, p);
	p->push = evtimer_new(a->base, on_push, p);
	if (p->beat == NULL || p->push == NULL)
		abort();
	if (peer_wire_conf_fill(a->config, a->self_index, conf, e)) {
		take_agents(p, conf);
		take_timing(p);
		begin_boot(p);
		p->wire = peer_wire_new(a->base, conf, &calls, a->facts, e);
	}
	free(conf);
	if (p->wire != NULL)
		return p;
	peers_free(p);
	return NULL;
}

void
peers_free(struct peers *p)
{
	if (p == NULL)
		return;
	if (p->wire != NULL)
		peer_wire_free(p->wire);
	event_free(p->beat);
	event_free(p->push);
	for (uint32_t i = 0; i < p->agents; i++)
		free(p->other[i].said);
	free(p);
}

void
peers_begin(struct peers *p)
{
	if (p != NULL)
		arm(p->beat, 1);
}

void
peers_reload(struct peers *p)
{
	struct peer_wire_conf *conf;
	struct err e;

	if (p == NULL)
		return;
	conf = calloc(1, sizeof *conf);
	if (conf == NULL)
		abort();
	if (peer_wire_conf_fill(p->agent->config, p->agent->self_index, conf, &e) &&
	    peer_wire_reload(p->wire, conf, &e)) {
		take_agents(p, conf);
		take_timing(p);
		arm(p->beat, 1);
	} else {
		facts_say(p->agent->facts, FACT_TROUBLE, FACT_ERROR, NULL, NULL,
		    "the other agents are reached as before, not as the new file says: "
		    "%.120s",
		    e.text);
	}
	free(conf);
}

void
peers_paused(struct peers *p)
{
	if (p != NULL)
		begin_boot(p);
}

/* ---- for those who tell ---- */

/* Our own place is left out. */
static uint32_t
place(const struct peers *p, uint32_t i)
{
	return i < p->self ? i : i + 1;
}

uint32_t
peers_count(const struct peers *p)
{
	return p != NULL ? p->agents - 1 : 0;
}

struct peers_view
peers_look(const struct peers *p, uint32_t i)
{
	uint32_t at = place(p, i);
	const struct other *o = &p->other[at];
	uint64_t now_ms = now_boot_ms();
	struct peers_view v = {
	    .name = o->name,
	    .heard = peers_is_heard(p, at, now_ms),
	    .age_ms = peer_age_ms(&o->peer, now_ms),
	    .version = o->version,
	    .cloned = o->peer.cloned,
	    .trouble = peer_wire_trouble(p->wire, at),
	    .cert_until_wall_s = peer_wire_cert(p->wire, at).until_wall_s,
	    .said = o->said,
	};

	assert(i < peers_count(p));
	memcpy(v.results, o->results, sizeof v.results);
	return v;
}

int64_t
peers_own_cert_until_s(const struct peers *p)
{
	return p != NULL ? peer_wire_cert(p->wire, p->self).until_wall_s : 0;
}
