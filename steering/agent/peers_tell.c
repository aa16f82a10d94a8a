/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message for all, so that one sequence numbers it: only the quote differs.
 *
 * Rejected: answering a message with our own. It would halve the ages, and double what
 * has to be parsed; ages of two seconds at most are what the rules were chosen for.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/peers_parts.h"
#include "steering/agent/self.h"

static void
fill_why(struct peer_service *out, const struct agent_service *s)
{
	const struct engine *g = s->engine;
	const char *why = g->cannot == CANNOT_API ? s->read_error
	    : g->cannot == CANNOT_ABSTAIN         ? doubt_word(g->doubt)
	    : g->cannot == CANNOT_FROZEN          ? frozen_word(g->watch.frozen)
						  : "";

	(void)snprintf(out->why, sizeof out->why, "%.119s", why);
}

static void
fill_service(struct peer_service *out, const struct agent_service *s)
{
	const struct engine *g = s->engine;
	const struct rule_service *rule = &s->conf->rule;
	uint32_t n = 0;

	peer_service_fill(out, rule, engine_report(g));
	fill_why(out, s);
	out->counted = true;
	for (uint32_t m = 0; m < rule->members; m++)
		if (!rule->member[m].last_resort)
			out->counts[n++] = (struct peer_counts){(uint16_t)g->vote[m].up,
			    (uint16_t)g->vote[m].down, (uint16_t)g->vote[m].unknown};
}

static void
fill_message(struct peers *p, uint64_t now_ms)
{
	struct agent *a = p->agent;
	struct peer_message *m = &p->out;

	(void)snprintf(m->cluster, sizeof m->cluster, "%s", a->config->cluster);
	(void)snprintf(m->agent, sizeof m->agent, "%s", a->name);
	m->services = a->services;
	for (uint32_t i = 0; i < a->services; i++)
		fill_service(&m->service[i], a->service[i]);
	m->orders = order_notes_tell(&a->orders, m->order, now_ms);
	m->envelope.stamp = peer_own_send(&p->own, now_ms);
}

void
peers_tell(struct peers *p)
{
	uint64_t now_ms;
	struct err e;

	self_look(p->agent->self); /* after a pause nothing is told from before it */
	if (p->agent->stopping)
		return;
	(void)event_del(p->push);
	now_ms = now_boot_ms();
	fill_message(p, now_ms);
	for (uint32_t i = 0; i < p->agents; i++) {
		if (i == p->self)
			continue;
		p->out.envelope.quoted = peer_quote(&p->other[i].peer);
		char *text = peer_message_write(&p->out, &p->sent_bytes);
		if (!peer_wire_post(p->wire, i, text, p->sent_bytes, &e))
			peers_say(p, p->other[i].name, FACT_ERROR, "unsent",
			    "cannot be told: %.120s", e.text);
		free(text);
	}
	p->sent_ms = now_ms;
}
