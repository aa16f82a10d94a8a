/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hand is one attempt of one step, from the engine's START to its answer. It goes
 * through few states, each with one way out when nothing comes: the journal has 5 s, the
 * act its timeout, an answer the next turn of the loop. Whatever way it takes, hand_end()
 * is passed once, and that is the only place that answers.
 *
 * A machine that was paused while the journal wrote does not begin the act when it wakes:
 * others may have gone on since.
 */
#include "steering/agent/scenarios.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/act.h"
#include "steering/agent/facts.h"
#include "steering/agent/lag.h"
#include "steering/agent/service.h"
#include "steering/agent/store.h"

#define JOURNAL_MS 5000
#define BACKUP_LOOK_MS 500

enum hand_state {
	HAND_BACKUP = 0, /* waits for the backup that this run made */
	HAND_JOURNAL,    /* … for the disk */
	HAND_ACT,        /* … for the act */
	HAND_TOLD,       /* it is over: the loop tells the engine */
};

struct hand {
	struct scenarios *all;
	struct hand *next;
	struct agent_service *service;
	enum hand_state state;
	struct scenario_act what;
	struct store_step row;
	struct act *act;
	struct event *timer;
	uint64_t asked_ms, until_ms; /* until: HAND_BACKUP */
	int64_t backup_wall_s;       /* HAND_BACKUP: begun then or later */
};

struct scenarios {
	struct agent *agent;
	struct event *answers; /* of the journal; NULL: there is none */
	struct hand *hands;
};

int32_t
scenarios_index(const struct agent *a, const struct agent_service *s)
{
	int32_t index = (int32_t)service_index(s);

	for (uint32_t i = 0; i < a->config->scenarios; i++) {
		const struct config_scenario *c = &a->config->scenario[i];

		if ((int32_t)c->service == index || c->shadow == index)
			return (int32_t)i;
	}
	return -1;
}

struct agent_service *
scenarios_service(const struct agent *a, const struct config_scenario *c, bool shadow)
{
	int32_t index = shadow ? c->shadow : (int32_t)c->service;

	return index < 0 ? NULL
			 : agent_find_service(a, a->config->service[index].rule.name);
}

static struct hand *
hand_of(const struct scenarios *x, const struct agent_service *s)
{
	struct hand *h = x->hands;

	while (h != NULL && h->service != s)
		h = h->next;
	return h;
}

static void
arm(struct hand *h, uint64_t in_ms)
{
	struct timeval t = {.tv_sec = (time_t)(in_ms / 1000),
	    .tv_usec = (suseconds_t)(in_ms % 1000) * 1000};

	(void)event_add(h->timer, &t);
}

/* ---- the end of an attempt ---- */

static void
hand_end(struct hand *h, enum acted acted, const char *text, const char *tail)
{
	struct store *store = h->all->agent->store;

	assert(h->state != HAND_TOLD);
	h->state = HAND_TOLD;
	h->act = NULL;
	h->row.over = true;
	h->row.acted = acted;
	h->row.ended_wall_ms = now_wall_ms();
	(void)snprintf(h->row.text, sizeof h->row.text, "%s", text);
	(void)snprintf(h->row.tail, sizeof h->row.tail, "%s", tail);
	if (store != NULL)
		store_put_step(store, &h->row);
	arm(h, 0);
}

static void
hand_free(struct hand *h)
{
	struct hand **at = &h->all->hands;

	while (*at != h)
		at = &(*at)->next;
	*at = h->next;
	event_free(h->timer);
	free(h);
}

static void
tell(struct hand *h)
{
	struct agent_service *s = h->service;
	char text[sizeof h->row.text];
	struct engine_in in = {.event = ENGINE_ACTED,
	    .fence = h->row.fence,
	    .acted = h->row.acted,
	    .text = text};

	memcpy(text, h->row.text, sizeof text);
	hand_free(h);
	service_step(s, &in);
	service_release(s);
}

/* ---- the act ---- */

static void
on_acted(const struct act_result *r, void *arg)
{
	struct hand *h = arg;

	if (r->began_ms == 0)
		h->row.began_wall_ms = 0;
	hand_end(h, r->acted, r->text, r->tail);
}

static const char *
member_name(const struct hand *h, uint32_t m)
{
	const struct rule_service *rule = &h->service->conf->rule;

	return m < rule->members ? rule->member[m].name : "";
}

static void
begin_act(struct hand *h)
{
	struct agent *a = h->all->agent;
	int32_t i = scenarios_index(a, h->service);
	const struct config_scenario *c = i >= 0 ? &a->config->scenario[i] : NULL;
	const struct lag_sample *lag =
	    i >= 0 && a->lag != NULL ? lag_last(a->lag, (uint32_t)i) : NULL;
	struct act_words words = {
	    .from = h->row.from,
	    .to = h->row.to,
	    .site = h->row.site,
	    .service = h->row.service,
	    .scenario = c != NULL ? c->name : "",
	    .incident = h->row.run,
	    .fence = h->row.fence,
	    .backup_id = lag != NULL ? lag->backup_id : "",
	    .backup_started_at = lag != NULL ? lag->backup_started_at : "",
	    .backup_completed_at = lag != NULL ? lag->backup_completed_at : "",
	};
	struct err e = {"the step left the configuration: nothing was started"};

	if (c != NULL)
		h->act = act_start(a, &c->act[h->what.slot], service_index(h->service),
		    &words, on_acted, h, &e);
	if (h->act == NULL) {
		hand_end(h, ACTED_FAILED, e.text, "");
		return;
	}
	h->state = HAND_ACT;
	h->row.began_wall_ms = now_wall_ms();
}

/* ---- the journal ---- */

static void
journal(struct hand *h)
{
	struct store *store = h->all->agent->store;

	h->asked_ms = now_boot_ms();
	h->row.asked_wall_ms = now_wall_ms();
	if (store == NULL) {
		hand_end(h, ACTED_FAILED,
		    "not started: the configuration names no state directory, so that "
		    "nothing can be journaled: add  state: DIRECTORY",
		    "");
		return;
	}
	h->state = HAND_JOURNAL;
	store_put_step(store, &h->row);
	arm(h, JOURNAL_MS);
}

static bool
too_late(struct hand *h)
{
	if (now_boot_ms() - h->asked_ms < JOURNAL_MS)
		return false;
	hand_end(h, ACTED_FAILED,
	    "not started: the journal did not have it on the disk within 5 s: is the disk "
	    "of the state directory sick?",
	    "");
	return true;
}

static void
take_answer(struct scenarios *x, const struct store_answer *answer)
{
	char text[sizeof((struct store_step *)0)->text];
	struct hand *h = x->hands;

	while (h != NULL &&
	    (h->state != HAND_JOURNAL || h->row.fence != answer->fence ||
		strcmp(h->row.service, answer->service) != 0))
		h = h->next;
	if (h == NULL || too_late(h))
		return; /* it was killed, or answered, meanwhile */
	(void)event_del(h->timer);
	if (answer->written) {
		begin_act(h);
		return;
	}
	(void)snprintf(text, sizeof text,
	    "not started: the journal cannot be written: %.120s", answer->why);
	hand_end(h, ACTED_FAILED, text, "");
}

static void
on_answers(evutil_socket_t fd, short what, void *arg)
{
	struct scenarios *x = arg;
	struct store_answer answer;

	(void)fd;
	(void)what;
	while (store_next_answer(x->agent->store, &answer))
		take_answer(x, &answer);
}

/* ---- a backup of this very run ---- */

/* A side that was frozen is restored elsewhere from what was saved after the freeze, and
 * the newest backup that is known may still be an older one. */
static bool
wants_backup(struct hand *h)
{
	const struct agent *a = h->all->agent;
	int32_t i = scenarios_index(a, h->service);
	const struct config_lag *source;
	struct store_step row;

	if (h->what.slot != SLOT_RESTORE || h->what.way == RUN_FAILOVER ||
	    h->what.way == RUN_DRILL || i < 0 || a->config->scenario[i].lag < 0)
		return false;
	source = &a->config->lag[a->config->scenario[i].lag];
	if (source->manifest[0] == '\0' && source->bucket[0] == '\0')
		return false;
	h->backup_wall_s = h->service->engine->ledger.run.begun_wall_s;
	if (a->store != NULL &&
	    store_find_step(a->store, h->row.service, h->row.run, SLOT_BACKUP, &row) &&
	    row.began_wall_ms != 0)
		h->backup_wall_s = row.began_wall_ms / 1000;
	h->until_ms =
	    now_boot_ms() + a->config->scenario[i].act[SLOT_RESTORE].timeout_ms;
	return true;
}

static void
look_for_backup(struct hand *h)
{
	const struct agent *a = h->all->agent;
	int32_t i = scenarios_index(a, h->service);
	const struct lag_sample *lag =
	    i >= 0 && a->lag != NULL ? lag_last(a->lag, (uint32_t)i) : NULL;

	if (lag != NULL && lag->known && lag->backup_started_wall_s >= h->backup_wall_s)
		journal(h);
	else if (now_boot_ms() < h->until_ms)
		arm(h, BACKUP_LOOK_MS);
	else
		hand_end(h, ACTED_FAILED,
		    "not started: no complete backup is known that was begun after the "
		    "freeze: what is older would lose what was written since",
		    "");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hand *h = arg;

	(void)fd;
	(void)what;
	switch (h->state) {
	case HAND_BACKUP:
		look_for_backup(h);
		break;
	case HAND_JOURNAL:
		(void)too_late(h);
		break;
	case HAND_ACT:
		break;
	case HAND_TOLD:
		tell(h);
		break;
	}
}

/* ---- what the engine asks for ---- */

static void
start(struct agent_service *s, const struct scenario_act *what)
{
	struct scenarios *x = s->agent->scenarios;
	struct hand *h = calloc(1, sizeof *h);

	assert(hand_of(x, s) == NULL);
	if (h == NULL || (h->timer = evtimer_new(s->agent->base, on_timer, h)) == NULL)
		abort();
	h->all = x;
	h->service = s;
	h->what = *what;
	h->next = x->hands;
	x->hands = h;
	s->pending++;
	h->row = (struct store_step){.run = what->run,
	    .fence = what->fence,
	    .slot = what->slot,
	    .way = what->way,
	    .tries = what->tries};
	(void)snprintf(h->row.service, sizeof h->row.service, "%s", s->conf->rule.name);
	(void)snprintf(
	    h->row.from, sizeof h->row.from, "%s", member_name(h, what->from));
	(void)snprintf(h->row.to, sizeof h->row.to, "%s", member_name(h, what->to));
	(void)snprintf(
	    h->row.site, sizeof h->row.site, "%s", member_name(h, what->site));
	if (wants_backup(h))
		look_for_backup(h);
	else
		journal(h);
}

static void
kill_hand(struct hand *h)
{
	switch (h->state) {
	case HAND_BACKUP:
	case HAND_JOURNAL:
		hand_end(h, ACTED_FAILED, "called off before it was started", "");
		break;
	case HAND_ACT:
		act_kill(h->act);
		break;
	case HAND_TOLD:
		break;
	}
}

void
scenarios_act(struct agent_service *s, const struct engine_out *out)
{
	struct hand *h;

	switch (out->act) {
	case ENGINE_ACT_NONE:
		break;
	case ENGINE_ACT_START:
		start(s, &out->scenario_act);
		break;
	case ENGINE_ACT_KILL:
		h = hand_of(s->agent->scenarios, s);
		if (h != NULL && h->row.fence == out->scenario_act.fence)
			kill_hand(h);
		break;
	}
}

void
scenarios_resume(struct agent_service *s)
{
	struct store *store = s->agent->store;
	struct store_step row;
	struct engine_in in = {.event = ENGINE_ACTED, .text = row.text};

	if (!s->conf->rule.scenario || store == NULL ||
	    !store_last_step(store, s->conf->rule.name, &row))
		return;
	if (!row.over) {
		row.over = true;
		row.acted = ACTED_UNKNOWN;
		row.ended_wall_ms = now_wall_ms();
		(void)snprintf(row.text, sizeof row.text,
		    "agent %s ended while it was under way: how it went is not known",
		    s->agent->name);
		store_put_step(store, &row);
	}
	in.fence = row.fence;
	in.acted = row.acted;
	service_step(s, &in);
}

/* ---- begin and end ---- */

void
scenarios_kill(struct agent_service *s)
{
	struct hand *h =
	    s->agent->scenarios != NULL ? hand_of(s->agent->scenarios, s) : NULL;

	if (h != NULL)
		kill_hand(h);
}

void
scenarios_stop(struct scenarios *x)
{
	for (struct hand *h = x->hands; h != NULL; h = h->next)
		kill_hand(h);
}

bool
scenarios_busy(const struct scenarios *x)
{
	return x != NULL && x->hands != NULL;
}

struct scenarios *
scenarios_new(struct agent *a, struct err *e)
{
	struct scenarios *x = calloc(1, sizeof *x);

	if (x == NULL)
		abort();
	x->agent = a;
	if (a->store == NULL)
		return x;
	x->answers = event_new(
	    a->base, store_answer_fd(a->store), EV_READ | EV_PERSIST, on_answers, x);
	if (x->answers == NULL || event_add(x->answers, NULL) != 0) {
		(void)err_set(e, "cannot listen to the journal: out of memory");
		scenarios_free(x);
		return NULL;
	}
	return x;
}

void
scenarios_free(struct scenarios *x)
{
	if (x == NULL)
		return;
	while (x->hands != NULL) {
		if (x->hands->act != NULL)
			act_forget(x->hands->act);
		hand_free(x->hands);
	}
	if (x->answers != NULL)
		event_free(x->answers);
	free(x);
}
