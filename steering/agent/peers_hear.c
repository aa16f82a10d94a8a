/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message is judged before anything in it counts: whose it is, whether it is new, from
 * when its age runs. Nothing is answered but that it was taken, or why not.
 */
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/peers_parts.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"

static int32_t
voter_named(const struct rule_service *rule, const char *name)
{
	for (uint32_t i = 0; i < rule->agents; i++)
		if (strcmp(rule->agent[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

/* dated: it is a vote; else an earlier one is void, and only the epoch counts, which says
 * "read the API". anew: the first of a new life, which voids what was said in the last,
 * also where it is dated because it had heard us before it spoke. */
static void
feed_service(struct agent_service *s, const struct peer_service *said, const char *from,
    bool anew, bool dated, uint64_t sent_ms)
{
	int32_t agent = voter_named(&s->conf->rule, from);
	struct report report;
	struct engine_in in = {.event = ENGINE_HEARD, .epoch = said->report.epoch};
	struct engine_in unheard = {.event = ENGINE_UNHEARD, .agent = (uint32_t)agent};

	if ((!dated || anew) && agent >= 0)
		service_step(s, &unheard);
	if (dated && agent >= 0) {
		peer_service_report(said, &s->conf->rule, &report);
		in.event = ENGINE_REPORT;
		in.agent = (uint32_t)agent;
		in.report = &report;
		in.sent_ms = sent_ms;
	}
	service_step(s, &in);
}

static void
feed(struct peers *p, const struct other *o, bool anew, bool dated, uint64_t sent_ms)
{
	for (uint32_t i = 0; i < p->in.services; i++) {
		struct agent_service *s =
		    agent_find_service(p->agent, p->in.service[i].name);

		if (s != NULL)
			feed_service(
			    s, &p->in.service[i], o->name, anew, dated, sent_ms);
	}
}

static void
hear_orders(struct peers *p)
{
	for (uint32_t i = 0; i < p->in.orders; i++) {
		const struct peer_order *o = &p->in.order[i];
		struct fact f = {.kind = FACT_ORDER, .level = FACT_INFO, .member = -1};

		if (!order_notes_hear(&p->agent->orders, o, now_boot_ms()))
			continue;
		(void)snprintf(f.value, sizeof f.value, "%s", o->kind);
		(void)snprintf(f.text, sizeof f.text, "asked at agent %s by uid %u%s%s",
		    o->agent, (unsigned)o->uid,
		    o->reason[0] != '\0' ? ", because: " : "", o->reason);
		facts_emit(p->agent->facts, o->service, o->member, &f);
		incidents_order(p->agent->incidents, o);
	}
}

/* What is kept of it, for those who ask. */
static void
keep(struct peers *p, struct other *o)
{
	o->version = p->in.version;
	if (o->said == NULL)
		o->said = malloc(sizeof *o->said);
	if (o->said == NULL)
		abort();
	memcpy(o->said, &p->in,
	    offsetof(struct peer_message, service) +
		p->in.services * sizeof p->in.service[0]);
}

static enum peers_result
judge(struct peers *p, struct other *o, const char *body, size_t bytes, struct err *e)
{
	struct agent *a = p->agent;
	uint64_t sent_ms;
	bool cloned;

	if (!peer_message_read(body, bytes, &p->in, e))
		return PEERS_GARBLED;
	if (strcmp(p->in.cluster, a->config->cluster) != 0) {
		(void)err_set(e, "this is cluster %s, and the message is of cluster %s",
		    a->config->cluster, p->in.cluster);
		return PEERS_FOREIGN;
	}
	if (strcmp(p->in.agent, o->name) != 0) {
		(void)err_set(e, "the certificate is %s's, and the message %s's",
		    o->name, p->in.agent);
		return PEERS_FOREIGN;
	}
	enum peer_take t = peer_take(&o->peer, &p->own, &p->in.envelope, p->fresh_ms,
	    now_boot_ms(), &sent_ms, &cloned);
	if (cloned)
		peers_say(p, o->name, FACT_ERROR, "cloned",
		    "runs twice: two processes have its identity; the one begun later is "
		    "heard, the other counts for nothing: stop one of them");
	if (t == PEER_OUTLIVED)
		(void)err_set(e,
		    "an agent %s that began later is heard here: if that is not a "
		    "restart a moment ago, two run under one identity: stop one",
		    o->name);
	else if (t == PEER_REPLAYED || t == PEER_UNSOUND)
		(void)err_set(e, "this sequence %s",
		    t == PEER_REPLAYED ? "was here already" : "is not sound");
	if (t != PEER_TAKEN && t != PEER_UNDATED)
		return (enum peers_result)t;
	bool anew = o->said != NULL &&
	    o->said->envelope.stamp.boot != p->in.envelope.stamp.boot;
	if (anew)
		peers_say(p, o->name, FACT_INFO, "begins", "has begun anew");
	keep(p, o);
	hear_orders(p);
	feed(p, o, anew, t == PEER_TAKEN, sent_ms);
	return (enum peers_result)t;
}

void
peers_on_message(
    uint32_t from, const char *body, size_t bytes, struct peer_reply *reply, void *arg)
{
	static struct err e; /* the reply borrows it */
	struct peers *p = arg;
	struct other *o = &p->other[from];

	if (p->agent->stopping)
		return;
	self_look(p->agent->self);
	e.text[0] = '\0';
	bool was_alone = peers_alone(p);
	enum peers_result r = judge(p, o, body, bytes, &e);
	o->results[r]++;
	switch (r) {
	case PEERS_TAKEN:
		if (was_alone)
			peers_say_company(p);
		return;
	case PEERS_UNDATED:
		peers_moved(p); /* it cannot know yet that we hear it */
		return;
	case PEERS_GARBLED:
	case PEERS_UNSOUND:
	case PEERS_FOREIGN:
		peers_say(p, o->name, FACT_WARN, peers_result_word(r),
		    "says what is not understood here: %.110s", e.text);
		reply->status = r == PEERS_GARBLED ? 400 : 409;
		break;
	case PEERS_OUTLIVED:
	case PEERS_REPLAYED:
	case PEERS_RESULTS:
		reply->status = 409;
		break;
	}
	reply->body = e.text;
	reply->body_bytes = strlen(e.text);
}

/* Troubles of the way are told by the wire. */
void
peers_on_result(uint32_t to, const struct peer_result *result, void *arg)
{
	struct peers *p = arg;

	if (result->outcome != PEER_ANSWERED || result->status < 400)
		return;
	peers_say(p, p->other[to].name, FACT_WARN, "refuses",
	    "refuses what we say: %.120s", result->body_bytes > 0 ? result->body : "");
}
