/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step is: engine, facts, marks, store, acts. The change comes last, because it
 * may be answered on the spot, and that is the next step.
 */
#include "steering/agent/service.h"

#include <assert.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/marks.h"
#include "steering/agent/peers.h"
#include "steering/agent/scenario_orders.h"
#include "steering/agent/scenarios.h"
#include "steering/agent/self.h"
#include "steering/agent/store.h"
#include "steering/agent/verify.h"
#include "steering/agent/zone_io.h"

void
service_say(struct agent_service *s, enum fact_kind kind, enum fact_level level,
    int32_t member, const char *format, ...)
{
	struct fact f = {
	    .kind = kind, .level = level, .member = member, .at_ms = now_boot_ms()};
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(f.text, sizeof f.text, format, ap);
	va_end(ap);
	facts_emit(s->agent->facts, s->conf->rule.name,
	    member >= 0 ? s->conf->rule.member[member].name : NULL, &f);
}

uint32_t
service_index(const struct agent_service *s)
{
	return (uint32_t)(s->conf - s->agent->config->service);
}

/* ---- what a step tells ---- */

static bool
ends_order(const struct fact *f)
{
	return f->kind == FACT_ORDER || f->kind == FACT_ORDER_REFUSED ||
	    f->kind == FACT_COMMITTED;
}

static bool
is_outcome(const struct fact *f)
{
	return f->kind == FACT_COMMITTED || f->kind == FACT_LOST ||
	    f->kind == FACT_UNKNOWN || f->kind == FACT_BUSY || f->kind == FACT_REFUSED;
}

static void
tell(struct agent_service *s, const struct engine_out *out)
{
	bool held_back = out->change && zone_io_holds_back(s, out);

	for (uint32_t i = 0; i < out->facts; i++) {
		const struct fact *f = &out->fact[i];

		if (s->agent->stopping && !is_outcome(f))
			continue;
		if (f->kind == FACT_SENT && held_back)
			continue; /* its answer says so */
		marks_fact(s, out, f);
		facts_emit(s->agent->facts, s->conf->rule.name,
		    f->member >= 0 ? s->conf->rule.member[f->member].name : NULL, f);
		if (ends_order(f))
			(void)snprintf(
			    s->order_text, sizeof s->order_text, "%s", f->text);
		if (f->kind == FACT_COMMITTED && !s->agent->stopping &&
		    !s->engine->released) {
			const struct agent_marks *m = marks_find(s, f->nonce);

			verify_commit(
			    s->verify, f->epoch, m != NULL ? m->change_id : "");
		}
	}
}

static void
remember_ledger(struct agent_service *s, uint64_t nonce_before)
{
	const struct engine *g = s->engine;

	if (g->released && nonce_before != 0 && s->agent->store != NULL)
		store_put_release(s->agent->store, s->conf->rule.name, now_wall_ms());
	if (!g->believed || g->rule->observe || g->ledger.nonces == 0 ||
	    g->ledger.nonce[0] == nonce_before)
		return;
	incidents_ledger(s->agent->incidents, s);
	if (s->agent->store == NULL)
		return;
	store_put_ledger(
	    s->agent->store, s->conf->rule.name, &g->ledger, now_wall_ms());
}

static void
end_order(struct agent_service *s, bool done, const char *text)
{
	agent_order_cb cb = s->order.cb;
	void *arg = s->order.arg;

	if (!s->order.pending)
		return;
	memset(&s->order, 0, sizeof s->order);
	if (cb != NULL)
		cb(done, text, arg);
}

static void
answer_order(struct agent_service *s, const struct engine_out *out)
{
	char text[300];

	if (!out->order_done && !out->order_refused)
		return;
	if (out->order_refused) {
		end_order(s, false, s->order_text);
		return;
	}
	/* Taken back before it got to the ledger: the fact says so. */
	if (s->order.order.kind == ORDER_UNFREEZE && s->order_text[0] != '\0') {
		end_order(s, true, s->order_text);
		return;
	}
	if (s->engine->released)
		(void)snprintf(text, sizeof text,
		    "done: %s is released: its ledger is gone from the zone, its records "
		    "stay as they are, and nothing is steered until adopt",
		    s->conf->rule.name);
	else if (s->order.order.kind >= ORDER_FAILOVER)
		scenario_order_done(s, s->order.order.kind, text, sizeof text);
	else
		(void)snprintf(text, sizeof text,
		    "done: %s %s is in the ledger, epoch %llu",
		    order_word(s->order.order.kind), s->conf->rule.name,
		    (unsigned long long)s->engine->ledger.epoch);
	end_order(s, true, text);
}

/* ---- the step ---- */

static void
arm(struct agent_service *s, uint64_t wake_ms)
{
	uint64_t now = now_boot_ms();
	uint64_t in_ms = wake_ms > now ? wake_ms - now : 1;

	if (in_ms > AGENT_TICK_MS)
		in_ms = AGENT_TICK_MS;
	struct timeval t = {.tv_usec = (suseconds_t)in_ms * 1000};
	(void)event_add(s->timer, &t);
}

static uint64_t
draw(struct agent *a)
{
	uint64_t r = 0;

	if (a->seed != 0) { /* splitmix64: a run that can be repeated */
		a->seed += UINT64_C(0x9e3779b97f4a7c15);
		r = a->seed;
		r = (r ^ r >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		r = (r ^ r >> 27) * UINT64_C(0x94d049bb133111eb);
		return r ^ r >> 31;
	}
	while (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		continue;
	return r;
}

void
service_step(struct agent_service *s, struct engine_in *in)
{
	struct engine_out out;

	if (s->stopped)
		return;
	self_look(s->agent->self);
	uint64_t nonce = s->engine->believed ? s->engine->ledger.nonce[0] : 0;
	in->now_ms = now_boot_ms();
	in->now_wall_s = agent_now_wall_s(s->agent);
	in->random = draw(s->agent);
	/* A stop lets a change under way end, and begins nothing. */
	in->doubt = s->agent->stopping ? DOUBT_GAP : agent_doubt(s->agent);
	in->dns_silent = s->dns_silent;
	engine_step(s->engine, in, &out);
	if (out.report_moved)
		peers_moved(s->agent->peers);
	tell(s, &out);
	remember_ledger(s, nonce);
	answer_order(s, &out);
	if (s->agent->stopping)
		return;
	arm(s, out.wake_ms);
	scenarios_act(s, &out);
	if (out.read)
		zone_io_read(s);
	if (out.change)
		zone_io_change(s, &out);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent_service *s = arg;
	struct order order = s->order.order;
	struct engine_in in = {.event = ENGINE_TICK, .order = &order};

	(void)fd;
	(void)what;
	if (s->order.due)
		in.event = ENGINE_ORDER;
	s->order.due = false;
	service_step(s, &in);
}

void
service_begin(struct agent_service *s)
{
	struct engine_in in = {.event = ENGINE_TICK};

	scenarios_resume(s);
	service_step(s, &in);
}

void
service_forget(struct agent_service *s)
{
	struct engine_in in = {.event = ENGINE_FORGET};

	service_step(s, &in);
}

/* ---- the operator ---- */

bool
agent_order(struct agent_service *s, const struct order *order, agent_order_cb cb,
    void *arg, struct err *e)
{
	if (s->stopped || s->agent->stopping)
		return err_set(e, "the agent is stopping");
	if (s->order.pending && order_gives_way(&s->order.order, order))
		end_order(s, false,
		    order->kind == ORDER_FREEZE
			? "a freeze came before it was in the ledger"
			: "it was taken back before it was in the ledger");
	if (s->order.pending)
		return err_set(e,
		    "%s: another order (%s) is on its way to the ledger: wait for it%s",
		    s->conf->rule.name, order_word(s->order.order.kind),
		    s->order.order.kind == ORDER_FREEZE ? ", or unfreeze" : "");
	s->order.pending = true;
	s->order.order = *order;
	while (s->order.order.id == 0)
		s->order.order.id = (uint32_t)draw(s->agent);
	s->order.cb = cb;
	s->order.arg = arg;
	(void)snprintf(s->order_text, sizeof s->order_text, "refused");
	/* Its answer may come in the very step: let that be the loop's. */
	s->order.due = true;
	event_active(s->timer, EV_TIMEOUT, 0);
	return true;
}

void
agent_order_forget(struct agent_service *s, const void *arg)
{
	if (s->order.pending && s->order.arg == arg) {
		s->order.cb = NULL;
		s->order.arg = NULL;
	}
}

/* ---- life ---- */

static bool
own_index(const struct agent *a, const struct config_service *conf, uint32_t *self)
{
	for (uint32_t i = 0; i < conf->rule.agents; i++) {
		if (strcmp(conf->rule.agent[i].name, a->name) != 0)
			continue;
		*self = i;
		return true;
	}
	return false;
}

bool
service_votes(const struct agent *a, const struct config_service *conf)
{
	uint32_t ignored;

	return own_index(a, conf, &ignored);
}

static void
resume(struct agent_service *s)
{
	const char *name = s->conf->rule.name;
	uint64_t epoch = 0, nonce = 0, open_epoch = 0, open_nonce = 0;
	struct store *store = s->agent->store;

	if (store == NULL)
		return;
	if (!store_last_ledger(store, name, &epoch, &nonce))
		epoch = nonce = 0;
	/* The engine counts from the version that the open change was to replace. */
	if (store_open_change(store, name, &open_epoch, &open_nonce))
		open_epoch--;
	else
		open_epoch = open_nonce = 0;
	engine_resume(s->engine, epoch, nonce, open_epoch, open_nonce);
}

struct agent_service *
service_new(struct agent *a, const struct config_service *conf, struct agent_zone *zone,
    struct err *e)
{
	struct agent_service *s = calloc(1, sizeof *s);
	uint32_t self;

	if (!own_index(a, conf, &self)) {
		free(s);
		(void)err_set(
		    e, "agent %s has no vote on service %s", a->name, conf->rule.name);
		return NULL;
	}
	if (s == NULL)
		goto fail;
	s->agent = a;
	s->conf = conf;
	s->zone = zone;
	s->engine = calloc(1, sizeof *s->engine);
	s->timer = evtimer_new(a->base, on_timer, s);
	if (s->engine == NULL || s->timer == NULL)
		goto fail;
	engine_init(s->engine, &conf->rule, self, zone_io_digest, s, now_boot_ms());
	resume(s);
	s->verify = verify_new(s, e);
	if (s->verify != NULL)
		return s;
fail:
	(void)err_set(e, "service %s: out of memory", conf->rule.name);
	if (s != NULL)
		service_free(s);
	return NULL;
}

/* Slots move with their members' names, as the engine's do. */
static void
move_slots(struct agent_service *s, const struct rule_service *was,
    const struct rule_service *is)
{
	struct {
		bool used[MEMBERS_MAX][ADDRESSES_MAX];
		char address[MEMBERS_MAX][ADDRESSES_MAX][64];
	} *old = malloc(sizeof *old);

	if (old == NULL)
		abort();
	memcpy(old->used, s->slot_used, sizeof old->used);
	memcpy(old->address, s->slot_address, sizeof old->address);
	memset(s->slot_used, 0, sizeof s->slot_used);
	for (uint32_t m = 0; m < is->members; m++)
		for (uint32_t w = 0; w < was->members; w++) {
			if (strcmp(is->member[m].name, was->member[w].name) != 0)
				continue;
			memcpy(s->slot_used[m], old->used[w], sizeof old->used[w]);
			memcpy(s->slot_address[m], old->address[w],
			    sizeof old->address[w]);
		}
	free(old);
}

/* The order on its way stays so, as long as the member that it is about does. */
static bool
follow_order(struct agent_service *s, const char *member)
{
	const struct order *engine = &s->engine->order;
	int32_t m = agent_find_member(s, member);

	if (!s->order.pending)
		return true;
	if (!s->order.due && engine->kind == ORDER_NONE)
		return false;
	if (!s->order.due)
		s->order.order.member = engine->member;
	else if (m >= 0)
		s->order.order.member = (uint32_t)m;
	else
		return false;
	return true;
}

void
service_reload(
    struct agent_service *s, const struct config_service *conf, struct agent_zone *zone)
{
	struct engine *scratch = malloc(sizeof *scratch);
	uint64_t verdict_ms[MEMBERS_MAX] = {0}, fault_ms[MEMBERS_MAX] = {0};
	const struct rule_service *was = &s->conf->rule;
	char was_named[WORD_MAX];
	uint32_t self = 0;

	if (scratch == NULL || !own_index(s->agent, conf, &self))
		abort(); /* asked before: see reload.c */
	for (uint32_t m = 0; m < conf->rule.members; m++) {
		int32_t w = agent_find_member(s, conf->rule.member[m].name);

		if (w < 0)
			continue;
		verdict_ms[m] = s->verdict_ms[w];
		fault_ms[m] = s->down_fault_ms[w];
	}
	(void)snprintf(
	    was_named, sizeof was_named, "%s", was->member[s->order.order.member].name);
	memcpy(s->verdict_ms, verdict_ms, sizeof verdict_ms);
	memcpy(s->down_fault_ms, fault_ms, sizeof fault_ms);
	move_slots(s, was, &conf->rule);
	s->conf = conf;
	s->zone = zone;
	engine_reload(s->engine, &conf->rule, self, scratch);
	free(scratch);
	if (!follow_order(s, was_named))
		end_order(s, false, "its member left the configuration");
}

void
service_stop(struct agent_service *s)
{
	if (s->stopped)
		return;
	scenarios_kill(s);
	s->stopped = true;
	(void)event_del(s->timer);
	verify_stop(s->verify);
	end_order(s, false, "the service left the configuration, or the agent stops");
	if (s->pending == 0) {
		service_free(s);
		return;
	}
	s->leaving_next = s->agent->leaving;
	s->agent->leaving = s;
}

void
service_release(struct agent_service *s)
{
	struct agent_service **at = &s->agent->leaving;

	assert(s->pending > 0);
	if (--s->pending > 0 || !s->stopped)
		return;
	while (*at != s)
		at = &(*at)->leaving_next;
	*at = s->leaving_next;
	service_free(s);
}

void
service_free(struct agent_service *s)
{
	zone_io_fini(s);
	verify_free(s->verify);
	if (s->timer != NULL)
		event_free(s->timer);
	free(s->engine);
	free(s);
}
