/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids only ever rise, so that a sample still in the socket when its target is dropped
 * finds nothing. The table keeps a dead entry's few bytes until the agent ends.
 */
#include "steering/agent/targets.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/execs.h"
#include "steering/agent/facts.h"
#include "steering/agent/metrics.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"

#define NO_SLOT 255
#define ORPHAN_MS 30000
#define CANARY_EVERY_MS 2000
#define CANARY_TIMEOUT_MS 1500
#define CANARY_RECHECK_MS 500

_Static_assert(ADDRESSES_MAX <= 64, "slots are bits");
_Static_assert(ADDRESSES_MAX < NO_SLOT, "slots are bytes");

struct target {
	bool live;
	struct agent_service *service; /* NULL: a canary */
	uint32_t member, endpoint;     /* or the canary's index, 0 */
	uint8_t slot[ADDRESSES_MAX];   /* worker's slot → member's, or NO_SLOT */
	uint64_t owned, orphaned;      /* member's slots; canary: that pass */
	uint64_t orphaned_ms;
};

struct targets {
	struct agent *agent;
	struct execs *execs;
	struct target *target;
	uint32_t count, room;
};

static const struct config_endpoint *
endpoint_of(const struct target *x)
{
	return &x->service->conf->member[x->member].endpoint[x->endpoint];
}

static const char *
member_name(const struct target *x)
{
	return x->service->conf->rule.member[x->member].name;
}

/* ---- what is probed ---- */

static bool
fill_canary(struct targets *t, const struct target *x, struct prober_msg *msg)
{
	const struct config *c = t->agent->config;

	if (x->member >= c->canaries)
		return false;
	memcpy(msg->host, c->canary[x->member].host, sizeof msg->host);
	msg->port = c->canary[x->member].port;
	for (unsigned f = 0; f < FAMILIES; f++)
		msg->families[f] = true;
	msg->check = (struct check_spec){.name = "canary",
	    .kind = CHECK_TCP,
	    .every_ms = CANARY_EVERY_MS,
	    .timeout_ms = CANARY_TIMEOUT_MS,
	    .recheck_ms = CANARY_RECHECK_MS,
	    .fall = 1,
	    .rise = 1,
	    .clear = 1,
	    .tcp = {.port = msg->port}};
	return true;
}

static bool
fill(uint32_t id, struct prober_msg *msg, void *arg)
{
	struct targets *t = arg;
	const struct target *x = id < t->count ? &t->target[id] : NULL;

	if (x == NULL || !x->live)
		return false;
	if (x->service == NULL)
		return fill_canary(t, x, msg);
	memcpy(msg->host, endpoint_of(x)->host, sizeof msg->host);
	msg->port = endpoint_of(x)->port;
	memcpy(msg->families, x->service->conf->member[x->member].families,
	    sizeof msg->families);
	config_target(t->agent->config, service_index(x->service), x->member,
	    x->endpoint, &msg->check);
	return true;
}

static void
add(struct targets *t, struct agent_service *s, uint32_t member, uint32_t endpoint)
{
	if (t->count == t->room) {
		t->room = t->room == 0 ? 64 : t->room * 2;
		t->target = realloc(t->target, t->room * sizeof *t->target);
		if (t->target == NULL)
			abort();
	}
	struct target *x = &t->target[t->count];
	*x = (struct target){
	    .live = true, .service = s, .member = member, .endpoint = endpoint};
	memset(x->slot, NO_SLOT, sizeof x->slot);
	workers_target(t->agent->workers, t->count++);
}

static bool
has(const struct targets *t, const struct agent_service *s, uint32_t member,
    uint32_t endpoint)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct target *x = &t->target[i];

		if (x->live && x->service == s && x->member == member &&
		    x->endpoint == endpoint)
			return true;
	}
	return false;
}

void
targets_add(struct targets *t)
{
	struct agent *a = t->agent;

	for (uint32_t i = 0; i < a->config->canaries; i++)
		if (!has(t, NULL, i, 0))
			add(t, NULL, i, 0);
	for (uint32_t i = 0; i < a->services; i++) {
		struct agent_service *s = a->service[i];

		for (uint32_t m = 0; m < s->conf->rule.members; m++) {
			if (s->conf->rule.member[m].last_resort)
				continue;
			for (uint32_t e = 0; e < s->conf->member[m].endpoints; e++)
				if (!has(t, s, m, e))
					add(t, s, m, e);
		}
	}
}

/* May what it names have been renewed under the same name? */
static bool
names_files(const struct check_spec *check)
{
	const struct check_http *http = &check->http;

	return check->kind == CHECK_HTTP
	    ? http->ca[0] != '\0' || http->cert[0] != '\0' || http->key[0] != '\0'
	    : check->kind == CHECK_TCP && check->tcp.ca[0] != '\0';
}

void
targets_renew(struct targets *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct target *x = &t->target[i];
		struct check_spec check;

		if (!x->live || x->service == NULL)
			continue;
		config_target(t->agent->config, service_index(x->service), x->member,
		    x->endpoint, &check);
		if (names_files(&check))
			workers_target(t->agent->workers, i);
	}
}

/* ---- slots ---- */

static void
feed(struct target *x, enum engine_event event, uint32_t slot, struct engine_in *in)
{
	in->event = event;
	in->member = x->member;
	in->slot = slot;
	in->address = x->service->slot_address[x->member][slot];
	service_step(x->service, in);
}

#define LEFT_ANSWER "it left the answer for its name"

static void
retire(struct target *x, uint32_t slot, const char *why)
{
	struct engine_in in = {.text = why};

	if ((x->owned & UINT64_C(1) << slot) == 0)
		return;
	feed(x, ENGINE_RETIRED, slot, &in);
	x->owned &= ~(UINT64_C(1) << slot);
	x->orphaned &= ~(UINT64_C(1) << slot);
	x->service->slot_used[x->member][slot] = false;
	for (uint32_t i = 0; i < ADDRESSES_MAX; i++)
		if (x->slot[i] == slot)
			x->slot[i] = NO_SLOT;
}

/* One that a dead worker left with this address; else a free one; else NO_SLOT. */
static uint8_t
find_slot(struct target *x, const char *address, bool *is_known)
{
	struct agent_service *s = x->service;

	*is_known = true;
	for (uint8_t i = 0; i < ADDRESSES_MAX; i++)
		if ((x->orphaned & UINT64_C(1) << i) != 0 &&
		    strcmp(s->slot_address[x->member][i], address) == 0)
			return i;
	*is_known = false;
	for (uint8_t i = 0; i < ADDRESSES_MAX; i++)
		if (!s->slot_used[x->member][i])
			return i;
	return NO_SLOT;
}

static void
take_address(struct target *x, const struct probe_event *ev)
{
	struct agent_service *s = x->service;
	struct engine_in in = {.family = (enum family)ev->family, .text = ev->text};
	bool is_known;
	uint8_t slot = find_slot(x, ev->address, &is_known);

	if (slot == NO_SLOT) {
		service_say(s, FACT_RESOLVE, FACT_WARN, (int32_t)x->member,
		    "%s is left out: a member has at most %u addresses, with all of "
		    "its endpoints together",
		    ev->address, (unsigned)ADDRESSES_MAX);
		return;
	}
	x->slot[ev->slot] = slot;
	x->owned |= UINT64_C(1) << slot;
	x->orphaned &= ~(UINT64_C(1) << slot);
	if (is_known)
		return;
	s->slot_used[x->member][slot] = true;
	memcpy(s->slot_address[x->member][slot], ev->address, sizeof ev->address);
	feed(x, ENGINE_ADDRESS, slot, &in);
}

static void
take_sample(struct targets *t, struct target *x, const struct probe_event *ev)
{
	struct engine_in in = {.outcome = (enum outcome)ev->outcome,
	    .start_ms = ev->start_ms,
	    .text = ev->text};
	uint8_t slot = x->slot[ev->slot];

	metrics_probe(t->agent->metrics, service_index(x->service), x->member,
	    (enum outcome)ev->outcome, (enum probe_reason)ev->reason, ev->latency_us);
	if (slot != NO_SLOT)
		feed(x, ENGINE_SAMPLE, slot, &in);
}

/* Only what the configuration says is a program: workers are not believed more. */
static void
start_program(struct targets *t, const struct target *x, const struct probe_event *ev)
{
	const struct config_member *m = &x->service->conf->member[x->member];

	if (t->agent->config->check[m->check].kind == CHECK_EXEC)
		execs_due(
		    t->execs, ev, service_index(x->service), x->member, x->endpoint);
}

static void
say_names(struct target *x, const struct probe_event *ev)
{
	bool good = ev->kind == PROBE_RESOLVED;

	service_say(x->service, FACT_RESOLVE, good ? FACT_INFO : FACT_WARN,
	    (int32_t)x->member, "%.100s: %.120s", endpoint_of(x)->host,
	    ev->text[0] != '\0'             ? ev->text
		: good                      ? "its name resolves again"
		: ev->kind == PROBE_CROWDED ? "more addresses than can be probed"
					    : "its name does not resolve: the last "
					      "addresses stay in use");
}

static void
canary_event(struct targets *t, struct target *x, const struct probe_event *ev)
{
	uint64_t bit = UINT64_C(1) << ev->slot;

	if (ev->kind == PROBE_SAMPLE && ev->outcome == OUTCOME_PASS)
		x->owned |= bit;
	else if (ev->kind == PROBE_SAMPLE || ev->kind == PROBE_RETIRED)
		x->owned &= ~bit;
	else
		return;
	self_canary(t->agent->self, x->member, x->owned != 0);
}

static void
on_event(const struct probe_event *ev, void *arg)
{
	struct targets *t = arg;
	struct target *x = ev->id < t->count ? &t->target[ev->id] : NULL;

	if (x == NULL || !x->live)
		return;
	if (x->service == NULL) {
		canary_event(t, x, ev);
		return;
	}
	switch ((enum probe_event_kind)ev->kind) {
	case PROBE_ADDRESS:
		take_address(x, ev);
		return;
	case PROBE_RETIRED:
		execs_forget_slot(t->execs, ev->id, ev->slot);
		if (x->slot[ev->slot] != NO_SLOT)
			retire(x, x->slot[ev->slot], LEFT_ANSWER);
		return;
	case PROBE_SAMPLE:
		take_sample(t, x, ev);
		return;
	case PROBE_DUE:
		start_program(t, x, ev);
		return;
	case PROBE_RESOLVED:
	case PROBE_UNRESOLVED:
	case PROBE_CROWDED:
		say_names(x, ev);
		return;
	case PROBE_READY:
	case PROBE_LAG:
		return;
	}
}

/* ---- a worker's life ---- */

static void
on_started(uint32_t worker, void *arg)
{
	struct targets *t = arg;
	uint32_t workers = workers_count(t->agent->workers);

	for (uint32_t i = worker; i < t->count; i += workers) {
		t->target[i].orphaned_ms = now_boot_ms();
		if (t->target[i].live)
			workers_target(t->agent->workers, i);
	}
}

static void
orphan(struct targets *t, struct target *x)
{
	execs_forget(t->execs, (uint32_t)(x - t->target));
	memset(x->slot, NO_SLOT, sizeof x->slot);
	if (x->service == NULL) {
		x->owned = 0;
		self_canary(t->agent->self, x->member, false);
		return;
	}
	for (uint32_t i = 0; i < ADDRESSES_MAX; i++) {
		struct engine_in in = {.outcome = OUTCOME_UNKNOWN,
		    .start_ms = now_boot_ms(),
		    .text = "its prober worker died"};

		if ((x->owned & UINT64_C(1) << i) != 0)
			feed(x, ENGINE_SAMPLE, i, &in);
	}
	x->orphaned = x->owned;
	x->orphaned_ms = now_boot_ms();
}

static void
on_ended(uint32_t worker, const char *why, void *arg)
{
	struct targets *t = arg;
	uint32_t workers = workers_count(t->agent->workers);

	metrics_worker_restart(t->agent->metrics);
	facts_say(t->agent->facts, FACT_WORKER, FACT_ERROR, NULL, NULL,
	    "%s: its checks are UNKNOWN until another has started", why);
	for (uint32_t i = worker; i < t->count; i += workers)
		if (t->target[i].live)
			orphan(t, &t->target[i]);
}

static void
on_trouble(uint32_t worker, const char *why, void *arg)
{
	struct targets *t = arg;

	facts_say(t->agent->facts, FACT_WORKER, FACT_ERROR, NULL, NULL,
	    "prober worker %u: %.200s", (unsigned)worker, why);
}

void
targets_tick(struct targets *t)
{
	uint64_t now_ms = now_boot_ms();

	for (uint32_t i = 0; i < t->count; i++) {
		struct target *x = &t->target[i];

		if (!x->live || x->service == NULL || x->orphaned == 0 ||
		    now_ms - x->orphaned_ms < ORPHAN_MS)
			continue;
		for (uint32_t slot = 0; slot < ADDRESSES_MAX; slot++)
			if ((x->orphaned & UINT64_C(1) << slot) != 0)
				retire(x, slot, LEFT_ANSWER);
	}
}

void
targets_calls(struct targets *t, struct workers_calls *calls)
{
	*calls = (struct workers_calls){.fill = fill,
	    .event = on_event,
	    .started = on_started,
	    .ended = on_ended,
	    .trouble = on_trouble,
	    .arg = t};
}

/* ---- reload ---- */

static void
drop(struct targets *t, uint32_t id)
{
	struct target *x = &t->target[id];

	if (x->service != NULL)
		for (uint32_t slot = 0; slot < ADDRESSES_MAX; slot++)
			retire(x, slot, "it left the configuration");
	execs_forget(t->execs, id);
	x->live = false;
	workers_drop(t->agent->workers, id);
}

static bool
same_program(const struct config_exec *a, const struct config_exec *b)
{
	bool same = a->args == b->args;

	for (uint32_t i = 0; i < a->args && same; i++)
		same = strcmp(a->arg[i], b->arg[i]) == 0;
	return same;
}

static bool
same_question(const struct config *a, uint32_t as, uint32_t am, uint32_t ae,
    const struct config *b, uint32_t bs, uint32_t bm, uint32_t be)
{
	const struct config_member *x = &a->service[as].member[am];
	const struct config_member *y = &b->service[bs].member[bm];
	struct check_spec p, q;

	config_target(a, as, am, ae, &p);
	config_target(b, bs, bm, be, &q);
	/* The fields that the worker acts on; how they are named does not matter. */
	memset(p.name, 0, sizeof p.name);
	memset(q.name, 0, sizeof q.name);
	return strcmp(x->endpoint[ae].host, y->endpoint[be].host) == 0 &&
	    x->endpoint[ae].port == y->endpoint[be].port &&
	    memcmp(x->families, y->families, sizeof x->families) == 0 &&
	    memcmp(&p, &q, sizeof p) == 0 &&
	    same_program(&a->exec[x->check], &b->exec[y->check]);
}

static int32_t
service_in(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->services; i++)
		if (strcmp(c->service[i].rule.name, name) == 0)
			return (int32_t)i;
	return -1;
}

static int32_t
member_in(const struct rule_service *rule, const char *name)
{
	for (uint32_t i = 0; i < rule->members; i++)
		if (strcmp(rule->member[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

/* Where in `next` the same is asked; false: nowhere. */
static bool
find_again(struct targets *t, const struct target *x, const struct config *next,
    uint32_t *member, uint32_t *endpoint)
{
	int32_t s = service_in(next, x->service->conf->rule.name);
	int32_t m = s < 0 ? -1 : member_in(&next->service[s].rule, member_name(x));

	if (m < 0 || next->service[s].rule.member[m].last_resort)
		return false;
	for (uint32_t e = 0; e < next->service[s].member[m].endpoints; e++) {
		if (!same_question(t->agent->config, service_index(x->service),
			x->member, x->endpoint, next, (uint32_t)s, (uint32_t)m, e))
			continue;
		*member = (uint32_t)m;
		*endpoint = e;
		return true;
	}
	return false;
}

static bool
same_canary(const struct config *a, const struct config *b, uint32_t i)
{
	return i < a->canaries && i < b->canaries &&
	    strcmp(a->canary[i].host, b->canary[i].host) == 0 &&
	    a->canary[i].port == b->canary[i].port;
}

void
targets_keep(struct targets *t, const struct config *next)
{
	for (uint32_t i = 0; i < t->count; i++) {
		struct target *x = &t->target[i];
		uint32_t member, endpoint;

		if (!x->live)
			continue;
		if (x->service == NULL) {
			if (!same_canary(t->agent->config, next, x->member))
				drop(t, i);
			continue;
		}
		if (!find_again(t, x, next, &member, &endpoint))
			drop(t, i);
	}
	/* All slots of what is dropped are retired under the old indices first. */
	for (uint32_t i = 0; i < t->count; i++) {
		struct target *x = &t->target[i];
		uint32_t member, endpoint;

		if (!x->live || x->service == NULL ||
		    !find_again(t, x, next, &member, &endpoint))
			continue;
		x->member = member;
		x->endpoint = endpoint;
	}
}

void
targets_drop_service(struct targets *t, const struct agent_service *s)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->target[i].live && t->target[i].service == s)
			drop(t, i);
}

struct targets *
targets_new(struct agent *a, struct err *e)
{
	struct targets *t = calloc(1, sizeof *t);

	if (t == NULL) {
		(void)err_set(e, "cannot keep targets: out of memory");
		return NULL;
	}
	t->agent = a;
	t->execs = execs_new(a, on_event, t, e);
	if (t->execs == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

void
targets_free(struct targets *t)
{
	if (t == NULL)
		return;
	execs_free(t->execs);
	free(t->target);
	free(t);
}
