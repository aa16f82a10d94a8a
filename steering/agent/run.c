/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's life, in the order that keeps its secrets: no core files, workers and
 * runner forked, and only then the store's thread and the credentials. Every part is made in
 * begin() and unmade in end(), in the opposite order; a part that could not be made is
 * NULL and its free() takes that.
 */
#include "steering/agent/agent.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/agent/act.h"
#include "steering/agent/control.h"
#include "steering/agent/door.h"
#include "steering/agent/drills.h"
#include "steering/agent/elb_sense.h"
#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/jobs.h"
#include "steering/agent/lag.h"
#include "steering/agent/metrics.h"
#include "steering/agent/notify.h"
#include "steering/agent/orders.h"
#include "steering/agent/page.h"
#include "steering/agent/peers.h"
#include "steering/agent/reload.h"
#include "steering/agent/scenarios.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"
#include "steering/agent/state.h"
#include "steering/agent/store.h"
#include "steering/agent/targets.h"
#include "steering/agent/workers.h"
#include "steering/agent/zones.h"

#define TICK_MS 1000
#define STOP_MS 50
#define STOP_MS_MAX 12000 /* a change has 10 s, and its answer a moment */

struct life {
	struct agent agent;
	struct event *on_term, *on_int, *on_hup, *tick, *stop;
	int lock[2]; /* of the state directory; -1: none */
	uint64_t tick_ms, watchdog_ms;
	uint64_t stop_ms; /* when the stop began */
};

/* ---- before anything else ---- */

static void
harden(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is a full disk */
}

/* A signal that comes while the agent begins waits until there is a loop to take it;
 * the store's thread, begun in between, never takes one. */
static void
mask_signals(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(how, &set, NULL);
}

static bool
lock_state(struct life *l, const char *directory, struct err *e)
{
	return directory[0] == '\0' ||
	    (state_open(directory, e) && state_lock(directory, l->lock, e));
}

/* ---- what others ask of the agent ---- */

struct agent_service *
agent_find_service(const struct agent *a, const char *name)
{
	for (uint32_t i = 0; i < a->services; i++)
		if (strcmp(a->service[i]->conf->rule.name, name) == 0)
			return a->service[i];
	return NULL;
}

int32_t
agent_find_member(const struct agent_service *s, const char *name)
{
	for (uint32_t i = 0; i < s->conf->rule.members; i++)
		if (strcmp(s->conf->rule.member[i].name, name) == 0)
			return (int32_t)i;
	return -1;
}

int64_t
agent_now_wall_s(const struct agent *a)
{
	if (a->date_wall_s == 0)
		return 0;
	return a->date_wall_s + (int64_t)((now_boot_ms() - a->date_ms) / 1000);
}

enum doubt
agent_doubt(const struct agent *a)
{
	enum doubt d = self_doubt(a->self);

	return d == DOUBT_NOT && peers_alone(a->peers) ? DOUBT_ALONE : d;
}

uint64_t
agent_late_max_ms(const struct agent *a)
{
	return self_late_max_ms(a->self);
}

uint64_t
agent_worker_late_max_ms(const struct agent *a)
{
	return self_worker_late_max_ms(a->self);
}

uint64_t
agent_late_ms(const struct agent *a)
{
	return self_late_minute_ms(a->self);
}

uint32_t
agent_workers(const struct agent *a, uint32_t *alive)
{
	*alive = workers_alive(a->workers);
	return workers_count(a->workers);
}

/* ---- the loop's own events ---- */

static void
say_status(struct agent *a)
{
	char text[200];
	uint32_t down = 0, out = 0, members = 0;

	for (uint32_t i = 0; i < a->services; i++) {
		const struct engine *g = a->service[i]->engine;

		for (uint32_t m = 0; m < g->rule->members; m++) {
			members++;
			down += g->quorum[m].verdict == VERDICT_DOWN;
			out += g->has_ledger && g->ledger.member[m].out;
		}
	}
	(void)snprintf(text, sizeof text,
	    "STATUS=%u services, %u members: %u DOWN, %u out%s\nWATCHDOG=1",
	    (unsigned)a->services, (unsigned)members, (unsigned)down, (unsigned)out,
	    agent_doubt(a) != DOUBT_NOT ? "; doubts itself" : "");
	(void)notify_send(text);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	(void)fd;
	(void)what;
	facts_tick(l->agent.facts);
	targets_tick(l->agent.targets);
	reload_tick(&l->agent);
	drills_tick(&l->agent);
	for (uint32_t i = 0; i < l->agent.zones; i++)
		zone_tick(l->agent.zone[i]);
	say_status(&l->agent);
}

static void
on_hup(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;

	(void)fd;
	(void)what;
	if (!l->agent.stopping)
		reload_start(&l->agent);
}

/* ---- the end ---- */

static bool
is_changing(const struct agent *a)
{
	for (uint32_t i = 0; i < a->services; i++)
		if (a->service[i]->changing)
			return true;
	for (const struct agent_service *s = a->leaving; s != NULL; s = s->leaving_next)
		if (s->changing)
			return true;
	return false;
}

static void
on_stop(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;
	struct timeval t = {.tv_usec = STOP_MS * 1000};

	(void)fd;
	(void)what;
	if ((is_changing(&l->agent) || scenarios_busy(l->agent.scenarios)) &&
	    now_boot_ms() - l->stop_ms < STOP_MS_MAX)
		(void)event_add(l->stop, &t);
	else
		(void)event_base_loopbreak(l->agent.base);
}

static void
on_term(evutil_socket_t fd, short what, void *arg)
{
	struct life *l = arg;
	struct agent *a = &l->agent;

	(void)what;
	if (a->stopping)
		return;
	a->stopping = true;
	l->stop_ms = now_boot_ms();
	(void)notify_send("STOPPING=1");
	facts_say(a->facts, FACT_STOPPED, FACT_INFO, NULL, NULL, "stopping on %s%s",
	    fd == SIGTERM ? "SIGTERM" : "SIGINT",
	    is_changing(a) ? ": a change is under way, its answer is awaited" : "");
	scenarios_stop(a->scenarios);
	on_stop(-1, 0, l);
}

/* ---- begin ---- */

static bool
begin_process(struct life *l, const struct run_options *o, struct err *e)
{
	struct agent *a = &l->agent;
	struct workers_options w = {.count = o->workers != 0 ? o->workers : 1,
	    .path = o->worker_path,
	    .seed = o->seed != 0 ? o->seed : now_boot_ms() * 2654435761u};

	harden();
	mask_signals(SIG_BLOCK);
	if (!lock_state(l, a->config->state, e))
		return false;
	(void)snprintf(w.user_agent, sizeof w.user_agent,
	    "pointsman/" POINTSMAN_VERSION " (%s)", a->name);
	a->workers = workers_new(&w, e);
	if (a->workers == NULL)
		return false;
	a->jobs = jobs_new(o->worker_path, e);
	if (a->jobs == NULL)
		return false;
	if (a->config->state[0] != '\0')
		a->store = store_new(a->config->state, NULL);
	a->facts =
	    facts_new(STDERR_FILENO, o->verbose ? FACT_DEBUG : FACT_INFO, a->store);
	a->incidents = incidents_new(a);
	a->metrics = metrics_new(a->config);
	a->base = event_base_new();
	if (a->base == NULL)
		return err_set(e, "cannot make the event loop: %s", strerror(errno));
	return true;
}

static void
on_runner_ended(const char *why, void *arg)
{
	const struct agent *a = arg;

	facts_say(a->facts, FACT_WORKER, FACT_ERROR, NULL, NULL,
	    "%s: exec checks are UNKNOWN until another has started", why);
}

static void
on_runner_trouble(const char *why, void *arg)
{
	const struct agent *a = arg;

	facts_say(
	    a->facts, FACT_WORKER, FACT_ERROR, NULL, NULL, "the runner: %.200s", why);
}

static bool
begin_steering(struct agent *a, struct err *e)
{
	struct workers_calls calls;
	struct jobs_calls of_jobs = {
	    .ended = on_runner_ended, .trouble = on_runner_trouble, .arg = a};

	a->self = self_new(a, e);
	a->targets = targets_new(a, e);
	a->elb = elb_sense_new(a, e);
	a->lag = lag_new(a, e);
	a->dns = dns_ask_new(a->base, e);
	a->scenarios = scenarios_new(a, e);
	if (a->self == NULL || a->targets == NULL || a->elb == NULL || a->lag == NULL ||
	    a->dns == NULL || a->scenarios == NULL)
		return false;
	if (!a->config->solo) {
		a->peers = peers_new(a, e);
		if (a->peers == NULL)
			return false;
	}
	for (uint32_t i = 0; i < a->config->zones; i++) {
		a->zone[i] = zone_new(a, &a->config->zone[i], a->seed, e);
		if (a->zone[i] == NULL)
			return false;
		a->zones++;
	}
	for (uint32_t i = 0; i < a->config->services; i++) {
		const struct config_service *c = &a->config->service[i];

		if (!service_votes(a, c))
			continue;
		a->service[a->services] = service_new(a, c, a->zone[c->zone], e);
		if (a->service[a->services] == NULL)
			return false;
		a->services++;
	}
	targets_add(a->targets);
	targets_calls(a->targets, &calls);
	if (!jobs_begin(a->jobs, a->base, &of_jobs, e))
		return false;
	return workers_start(a->workers, a->base, &calls, e);
}

static bool
begin_voices(struct agent *a, struct err *e)
{
	const struct config *c = a->config;

	if (c->control[0] != '\0') {
		a->control =
		    control_new(a->base, c->control, orders_answer, a, a->facts, e);
		if (a->control == NULL)
			return false;
	}
	if (c->page[0] != '\0') {
		a->page = page_new(a->base, c->page, a, e);
		if (a->page == NULL)
			return false;
	}
	return true;
}

static bool
begin_events(struct life *l, struct err *e)
{
	struct event_base *base = l->agent.base;

	l->watchdog_ms = notify_watchdog_ms();
	l->tick_ms = TICK_MS;
	if (l->watchdog_ms != 0 && l->watchdog_ms / 3 < l->tick_ms)
		l->tick_ms = l->watchdog_ms / 3;
	struct timeval t = {.tv_sec = (time_t)(l->tick_ms / 1000),
	    .tv_usec = (suseconds_t)(l->tick_ms % 1000) * 1000};
	l->on_term = evsignal_new(base, SIGTERM, on_term, l);
	l->on_int = evsignal_new(base, SIGINT, on_term, l);
	l->on_hup = evsignal_new(base, SIGHUP, on_hup, l);
	l->tick = event_new(base, -1, EV_PERSIST, on_tick, l);
	l->stop = evtimer_new(base, on_stop, l);
	if (l->on_term == NULL || l->on_int == NULL || l->on_hup == NULL ||
	    l->tick == NULL || l->stop == NULL || event_add(l->on_term, NULL) != 0 ||
	    event_add(l->on_int, NULL) != 0 || event_add(l->on_hup, NULL) != 0 ||
	    event_add(l->tick, &t) != 0)
		return err_set(e, "cannot listen to signals: out of memory");
	mask_signals(SIG_UNBLOCK);
	return true;
}

static void
say_begun(struct agent *a)
{
	facts_say(a->facts, FACT_STARTED, FACT_INFO, NULL, NULL,
	    "pointsman " POINTSMAN_VERSION ": agent %s of cluster %s, %u services",
	    a->name, a->config->cluster, (unsigned)a->services);
	if (a->config->solo)
		facts_say(a->facts, FACT_STARTED, FACT_WARN, NULL, NULL,
		    "quorum: solo: this one agent decides alone; what it sees wrong, "
		    "it does wrong");
	if (door_files() < DOOR_FILES_LOW)
		facts_say(a->facts, FACT_TROUBLE, FACT_WARN, NULL, NULL,
		    "at most %lu files may be open: the zone may become out of reach "
		    "when many ask at once: raise LimitNOFILE to %d",
		    door_files(), DOOR_FILES_LOW);
	(void)notify_send("READY=1");
	for (uint32_t i = 0; i < a->services; i++)
		service_begin(a->service[i]);
	elb_sense_add(a->elb);
	lag_add(a->lag);
	peers_begin(a->peers);
}

/* ---- end ---- */

static void
free_event(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

static void
end(struct life *l)
{
	struct agent *a = &l->agent;

	if (a->control != NULL)
		control_free(a->control);
	if (a->page != NULL)
		page_free(a->page);
	if (a->base != NULL)
		reload_cancel(a);
	peers_free(a->peers);
	a->peers = NULL;
	/* No call answers after these; then nothing holds a service any more. */
	for (uint32_t i = 0; i < a->zones; i++)
		zone_free(a->zone[i]);
	elb_sense_free(a->elb);
	lag_free(a->lag);
	if (a->dns != NULL)
		dns_ask_free(a->dns);
	scenarios_free(a->scenarios);
	a->scenarios = NULL;
	for (uint32_t i = 0; i < a->services; i++)
		service_free(a->service[i]);
	while (a->leaving != NULL) {
		struct agent_service *s = a->leaving;

		a->leaving = s->leaving_next;
		service_free(s);
	}
	workers_free(a->workers);
	targets_free(a->targets);
	acts_free(a);
	jobs_free(a->jobs);
	self_free(a->self);
	incidents_free(a->incidents);
	if (a->metrics != NULL)
		metrics_free(a->metrics);
	if (a->facts != NULL)
		facts_free(a->facts);
	if (a->store != NULL)
		store_free(a->store);
	free_event(l->on_term);
	free_event(l->on_int);
	free_event(l->on_hup);
	free_event(l->tick);
	free_event(l->stop);
	if (a->base != NULL) {
		/* Connections are let go of by the loop: see peer_serve_free(). */
		(void)event_base_loop(a->base, EVLOOP_NONBLOCK);
		event_base_free(a->base);
	}
	state_unlock(l->lock);
	config_free(a->config);
	free(l);
}

int
agent_run(struct config *config, uint32_t self, const struct run_options *options)
{
	struct life *l = calloc(1, sizeof *l);
	struct err e = {""};

	if (l == NULL)
		abort();
	l->lock[0] = l->lock[1] = -1;
	l->agent.config = config;
	l->agent.self_index = self;
	l->agent.seed = options->seed;
	l->agent.start_ms = now_boot_ms();
	l->agent.start_wall_s = now_wall_ms() / 1000;
	(void)snprintf(
	    l->agent.name, sizeof l->agent.name, "%s", config->agent[self].name);
	if (!begin_process(l, options, &e) || !begin_steering(&l->agent, &e) ||
	    !begin_voices(&l->agent, &e) || !begin_events(l, &e)) {
		(void)fprintf(stderr, "pointsman: %s\n", e.text);
		end(l);
		return 1;
	}
	say_begun(&l->agent);
	(void)event_base_dispatch(l->agent.base);
	bool clean = l->agent.stopping;
	facts_say(l->agent.facts, FACT_STOPPED, clean ? FACT_INFO : FACT_ERROR, NULL,
	    NULL, clean ? "stopped" : "the event loop ended by itself");
	end(l);
	return clean ? 0 : 1;
}
