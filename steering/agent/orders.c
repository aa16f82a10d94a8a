/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders are checked here for what the words mean (is there such a member?), and by
 * the engine for what the rules allow. An answer waits for the ledger, because an
 * operator who reads "done" walks away.
 *
 * One question may order many services (--site, --all): each gets its own order, the
 * answer comes when all are over. Services may leave by a reload meanwhile: they are
 * found by name again, never kept.
 */
#include "steering/agent/orders.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/peers.h"
#include "steering/agent/scenario_orders.h"
#include "steering/agent/status.h"

#define FOR_S_USUAL (24 * 3600)
#define FOR_S_MAX (366 * 24 * 3600)

struct waiting;

struct part { /* of the answer: one service */
	struct waiting *waiting;
	char service[WORD_MAX];
	bool over, done;
	char text[256];
};

struct waiting {
	struct agent *agent;
	struct control_call *call;
	struct event *patience;
	unsigned parts, open;
	struct part part[];
};

static const struct order_row {
	const char *command;
	enum order_kind kind;
	bool member;   /* is about one */
	bool lasts;    /* takes for_s */
	bool scenario; /* is about one */
} rows[] = {
    {"drain", ORDER_DRAIN, true, true, false},
    {"undrain", ORDER_UNDRAIN, true, false, false},
    {"freeze", ORDER_FREEZE, false, true, false},
    {"unfreeze", ORDER_UNFREEZE, false, false, false},
    {"pin", ORDER_PIN, true, true, false},
    {"unpin", ORDER_UNPIN, true, false, false},
    {"ack", ORDER_ACK, true, false, false},
    {"adopt", ORDER_ADOPT, false, false, false},
    {"release", ORDER_RELEASE, false, false, false},
    {"failover", ORDER_FAILOVER, false, false, true},
    {"switchover", ORDER_SWITCHOVER, false, false, true},
    {"failback", ORDER_FAILBACK, false, false, true},
    {"drill", ORDER_DRILL, false, false, true},
    {"approve", ORDER_APPROVE, false, false, true},
    {"retry", ORDER_RETRY, false, false, true},
    {"skip", ORDER_SKIP, false, false, true},
    {"abort", ORDER_ABORT, false, false, true},
};

/* ---- the answer ---- */

static struct json *
part_json(const struct part *p)
{
	struct json *j = json_map_new();

	json_put_text(j, "service", p->service);
	json_put_bool(j, "ok", p->done);
	json_put_bool(j, "pending", !p->over);
	json_put_text(j, "text", p->text);
	return j;
}

static void
waiting_free(struct waiting *w)
{
	for (unsigned i = 0; i < w->parts; i++) {
		struct agent_service *s =
		    agent_find_service(w->agent, w->part[i].service);

		if (!w->part[i].over && s != NULL)
			agent_order_forget(s, &w->part[i]);
	}
	event_free(w->patience);
	free(w);
}

static void
conclude(struct waiting *w)
{
	struct json *answer = json_map_new(), *list = json_list_new();
	bool ok = true, pending = false;

	for (unsigned i = 0; i < w->parts; i++) {
		ok &= w->part[i].done;
		pending |= !w->part[i].over;
		json_add(list, part_json(&w->part[i]));
	}
	json_put_bool(answer, "ok", ok);
	json_put_bool(answer, "pending", pending);
	json_put_text(answer, "text",
	    w->parts == 1 ? w->part[0].text
		: ok      ? "done for every service"
		: pending ? "not over for every service"
			  : "refused for some services");
	json_put(answer, "services", list);
	control_answer(w->call, answer);
	waiting_free(w);
}

static void
on_gone(void *arg)
{
	waiting_free(arg);
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conclude(arg);
}

static void
on_order(bool done, const char *text, void *arg)
{
	struct part *p = arg;
	struct waiting *w = p->waiting;

	assert(!p->over && w->open > 0);
	p->over = true;
	p->done = done;
	(void)snprintf(p->text, sizeof p->text, "%s", text);
	if (--w->open == 0)
		conclude(w);
}

/* ---- the order ---- */

/* Who, for how long, and why; the engine says what becomes of it. */
static void
say_order(struct agent *a, const struct control_request *r, const struct order_row *row,
    const struct agent_service *s, uint64_t for_s)
{
	struct fact f = {.kind = FACT_ORDER, .level = FACT_INFO, .member = -1};
	char until[48] = "", who[64];

	if (row->lasts)
		(void)snprintf(
		    until, sizeof until, " for %llu s", (unsigned long long)for_s);
	(void)snprintf(f.value, sizeof f.value, "%s", row->command);
	(void)snprintf(f.text, sizeof f.text, "asked by %s%s%s%s%s%s",
	    user_name(r->uid, who, sizeof who), r->step[0] != '\0' ? " for step " : "",
	    r->step, until, r->reason[0] != '\0' ? ", because: " : "", r->reason);
	facts_emit(a->facts, s->conf->rule.name, r->member, &f);
}

/* For the others, and for status: what must not stand in DNS. */
static void
note_order(struct agent *a, const struct control_request *r,
    const struct order_row *row, const struct agent_service *s)
{
	struct peer_order o = {.id = s->order.order.id,
	    .uid = r->uid,
	    .left_s = row->lasts ? s->order.order.for_s : 0};

	(void)snprintf(o.service, sizeof o.service, "%s", s->conf->rule.name);
	(void)snprintf(o.kind, sizeof o.kind, "%s", row->command);
	(void)snprintf(o.member, sizeof o.member, "%s", row->member ? r->member : "");
	(void)snprintf(o.agent, sizeof o.agent, "%s", a->name);
	(void)snprintf(o.reason, sizeof o.reason, "%s", r->reason);
	order_notes_add(&a->orders, &o, now_boot_ms());
	incidents_order(a->incidents, &o);
	peers_moved(a->peers);
}

static void
order_one(struct waiting *w, struct part *p, const struct control_request *r,
    const struct order_row *row)
{
	struct agent_service *s = agent_find_service(w->agent, p->service);
	int32_t m = row->member ? agent_find_member(s, r->member) : 0;
	uint64_t for_s = r->for_s != 0 ? r->for_s : FOR_S_USUAL;
	struct order order = {
	    .kind = row->kind, .member = (uint32_t)m, .for_s = row->lasts ? for_s : 0};
	struct err e;

	assert(m >= 0);
	if (row->scenario &&
	    !scenario_order(w->agent, r, row->kind, p->service, &order, &e)) {
		p->over = true;
		(void)snprintf(p->text, sizeof p->text, "%.250s", e.text);
		return;
	}
	(void)snprintf(p->text, sizeof p->text,
	    "%s not in the zone after %d s; it goes on by itself: see pointsman status",
	    row->kind == ORDER_FREEZE ? "this agent stands still, but that is"
				      : "it is",
	    ORDERS_WAIT_MS / 1000);
	say_order(w->agent, r, row, s, for_s);
	if (agent_order(s, &order, on_order, p, &e)) {
		note_order(w->agent, r, row, s);
		w->open++;
		return;
	}
	p->over = true;
	(void)snprintf(p->text, sizeof p->text, "%.250s", e.text);
}

/* Is the service meant? A site is of those services that have it; a shadow's members
 * carry no traffic that an operator could mean. */
static bool
meant(const struct agent_service *s, const struct control_request *r,
    const struct order_row *row)
{
	if (r->service[0] != '\0')
		return strcmp(s->conf->rule.name, r->service) == 0;
	return !row->member ||
	    (s->conf->shadow_of < 0 && agent_find_member(s, r->member) >= 0);
}

static bool
judge_words(const struct agent *a, const struct control_request *r,
    const struct order_row *row, struct err *e)
{
	const struct agent_service *s =
	    r->service[0] != '\0' ? agent_find_service(a, r->service) : NULL;

	if (r->service[0] != '\0' && s == NULL)
		return err_set(e, "there is no service '%s'", r->service);
	if (row->scenario && r->scenario[0] == '\0')
		return err_set(e, "%s needs a scenario", row->command);
	if (!row->scenario && r->scenario[0] != '\0')
		return err_set(e, "%s is about no scenario", row->command);
	if (row->member && r->member[0] == '\0')
		return err_set(e, "%s needs a member", row->command);
	if (!row->member && r->member[0] != '\0')
		return err_set(e, "%s is about a service, not a member", row->command);
	if (row->member && s != NULL && agent_find_member(s, r->member) < 0)
		return err_set(
		    e, "service '%s' has no member '%s'", r->service, r->member);
	if ((row->kind == ORDER_ADOPT || row->kind == ORDER_RELEASE) && s == NULL)
		return err_set(e, "%s needs a service", row->command);
	if (!row->lasts && r->for_s != 0)
		return err_set(e, "%s takes no time", row->command);
	if (r->for_s > FOR_S_MAX)
		return err_set(e, "an order stands for a year at most");
	return true;
}

static void
take_order(struct control_call *call, const struct control_request *asked,
    const struct order_row *row, struct agent *a)
{
	struct timeval patience = {.tv_sec = ORDERS_WAIT_MS / 1000};
	struct control_request of_scenario = *asked;
	const struct control_request *r = asked;
	struct order ignored;
	struct err e;
	unsigned n = 0;

	if (!judge_words(a, r, row, &e) ||
	    (row->scenario &&
		!scenario_order(a, r, row->kind, of_scenario.service, &ignored, &e))) {
		control_answer_text(call, false, e.text);
		return;
	}
	if (row->scenario)
		r = &of_scenario;
	struct waiting *w =
	    calloc(1, sizeof *w + (a->services + 1u) * sizeof(struct part));
	if (w == NULL)
		abort();
	w->agent = a;
	w->call = call;
	w->patience = evtimer_new(a->base, on_patience, w);
	if (w->patience == NULL)
		abort();
	for (uint32_t i = 0; i < a->services; i++)
		if (meant(a->service[i], r, row)) {
			w->part[n].waiting = w;
			(void)snprintf(w->part[n++].service, WORD_MAX, "%s",
			    a->service[i]->conf->rule.name);
		}
	w->parts = n;
	for (unsigned i = 0; i < n; i++)
		order_one(w, &w->part[i], r, row);
	if (n == 0) {
		(void)err_set(&e, "no service has a member '%s'", r->member);
		control_answer_text(call, false, e.text);
		waiting_free(w);
	} else if (w->open == 0) {
		conclude(w);
	} else {
		control_on_gone(call, on_gone, w);
		(void)event_add(w->patience, &patience);
	}
}

void
orders_answer(
    struct control_call *call, const struct control_request *request, void *arg)
{
	struct agent *a = arg;

	if (strcmp(request->command, "status") == 0) {
		struct json *status = status_of_agent(a, request->service);

		if (status == NULL) {
			control_answer_text(call, false, "there is no such service");
			return;
		}
		json_put_bool(status, "ok", true);
		control_answer(call, status);
		return;
	}
	const char *command = request->command;
	if (strcmp(command, "failover") == 0 && request->planned)
		command = order_word(ORDER_SWITCHOVER);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(command, rows[i].command) == 0) {
			take_order(call, request, &rows[i], a);
			return;
		}
	control_answer_text(call, false, "there is no such command here");
}
