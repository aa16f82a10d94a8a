/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent's JSON of itself. Everything here is read between events from what the
 * parts hold anyway: status costs nothing until somebody asks.
 */
#include "steering/agent/status.h"

#include <string.h>

#include "steering/agent/facts.h"
#include "steering/agent/jobs.h"
#include "steering/agent/logfmt.h"
#include "steering/agent/status_peers.h"
#include "steering/agent/status_scenarios.h"
#include "steering/agent/store.h"

/* Wall times of the provider's clock, and of ours. */
static void
put_time(struct json *j, const char *key, int64_t wall_ms)
{
	char text[LOGFMT_TIME_MAX];

	if (wall_ms != 0)
		json_put_text(j, key, logfmt_time(wall_ms, text));
	else
		json_put_null(j, key);
}

static void
put_order(struct json *j, const char *key, const struct agent_service *s,
    const struct ledger_order *o, int64_t now_wall_s)
{
	if (o->id == 0 || !ledger_order_stands(o, now_wall_s)) {
		json_put_null(j, key);
		return;
	}
	struct json *order = json_map_new();
	json_put_int(order, "id", o->id);
	json_put_int(order, "agent", o->who);
	put_time(order, "until", o->expiry_wall_s * 1000);
	status_put_note(order, s, o->id);
	json_put(j, key, order);
}

/* ---- members ---- */

static const char *
state_word(const struct ledger_member *x)
{
	if (!x->out)
		return "in";
	if (x->latched)
		return "latched";
	return x->by_order ? "drained" : "out";
}

static struct json *
addresses_of(const struct agent_service *s, uint32_t m)
{
	struct json *list = json_list_new();
	uint64_t now_ms = now_boot_ms();
	static const char *const word[] = {
	    [DETECTOR_UNKNOWN] = "unknown",
	    [DETECTOR_UP] = "up",
	    [DETECTOR_DOWN] = "down",
	};

	for (uint32_t slot = 0; slot < ADDRESSES_MAX; slot++) {
		const struct detector *d = &s->engine->detector[m][slot];

		if (!s->slot_used[m][slot] || !d->present)
			continue;
		struct json *address = json_map_new();
		json_put_text(address, "address", s->slot_address[m][slot]);
		json_put_text(address, "state",
		    word[detector_now(
			d, vote_detector_rule(&s->conf->rule.member[m], d), now_ms)]);
		json_put_int(address, "fails", d->fails);
		json_put_int(address, "passes", d->passes);
		json_add(list, address);
	}
	return list;
}

static struct json *
votes_of(const struct engine *g, uint32_t m)
{
	const struct quorum_view *q = &g->quorum[m];
	struct json *votes = json_map_new();

	json_put_int(votes, "up", q->up);
	json_put_int(votes, "down", q->down);
	json_put_int(votes, "recovering", q->recovering);
	json_put_int(votes, "abstain", q->abstain);
	json_put_int(votes, "needed", rule_quorum(g->rule));
	return votes;
}

static struct json *
member_of(const struct agent_service *s, uint32_t m, int64_t now_wall_s)
{
	const struct engine *g = s->engine;
	const struct rule_member *rule = &s->conf->rule.member[m];
	const struct ledger_member *x = &g->ledger.member[m];
	uint64_t now_ms = now_boot_ms();
	struct json *j = json_map_new();
	char why[512];

	json_put_text(j, "name", rule->name);
	json_put_bool(j, "last_resort", rule->last_resort);
	json_put_text(j, "state", g->has_ledger ? state_word(x) : "unknown");
	if (g->has_ledger)
		json_put_int(j, "weight", x->weight);
	else
		json_put_null(j, "weight");
	json_put_int(j, "full_weight", rule->weight);
	json_put_text(j, "verdict", verdict_word(g->quorum[m].verdict));
	json_put_int(
	    j, "held_ms", (int64_t)hold_ms(&g->hold[m], g->quorum[m].verdict, now_ms));
	json_put_text(j, "vote", vote_word((enum vote)g->report.member[m].vote));
	json_put(j, "votes", votes_of(g, m));
	json_put_int(j, "up", g->vote[m].up);
	json_put_int(j, "down", g->vote[m].down);
	json_put_int(j, "unknown", g->vote[m].unknown);
	json_put(j, "addresses", addresses_of(s, m));
	json_put_text(j, "block", block_word(g->limiter.block[m]));
	engine_explain(g, m, now_wall_s, now_ms, why, sizeof why);
	json_put_text(j, "why", why);
	const struct ledger_order none = {0};
	put_order(j, "drain", s, g->has_ledger ? &x->drain : &none, now_wall_s);
	put_order(j, "pin", s, g->has_ledger ? &x->pin : &none, now_wall_s);
	return j;
}

/* ---- the zone ---- */

static struct json *
ledger_of(const struct agent_service *s, int64_t now_wall_s)
{
	const struct engine *g = s->engine;
	const struct ledger *l = &g->ledger;
	struct json *j = json_map_new();

	json_put_text(j, "name", s->conf->ledger_name);
	json_put_int(j, "epoch", (int64_t)l->epoch);
	json_put_int(j, "root", (int64_t)l->root);
	json_put_hex(j, "nonce", l->nonces > 0 ? l->nonce[0] : 0);
	put_time(j, "written", l->time_wall_s * 1000);
	json_put_int(j, "writer", l->writer);
	json_put_bool(
	    j, "policy_in_force", l->policy_hash == s->conf->rule.policy_hash);
	put_order(j, "freeze", s, &l->freeze, now_wall_s);
	return j;
}

/* Milliseconds from a to b; null when one of them is not known. */
static void
put_span(struct json *j, const char *key, uint64_t from_ms, uint64_t to_ms)
{
	if (from_ms != 0 && to_ms >= from_ms)
		json_put_int(j, key, (int64_t)(to_ms - from_ms));
	else
		json_put_null(j, key);
}

static void
put_moment(struct json *j, const char *key, uint64_t at_ms)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	int64_t now_wall_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
	put_time(
	    j, key, at_ms != 0 ? now_wall_ms - (int64_t)(now_boot_ms() - at_ms) : 0);
}

static struct json *
mark_of(const struct agent_marks *k)
{
	static const char *const result[] = {
	    [CHANGE_OK] = "committed",
	    [CHANGE_LOST] = "lost",
	    [CHANGE_UNKNOWN] = "unknown",
	    [CHANGE_BUSY] = "busy",
	    [CHANGE_REFUSED] = "refused",
	    [CHANGE_OUT] = "not-sent",
	    [CHANGE_STALE] = "not-sent",
	};
	bool committed = k->answered_by_api && k->result == CHANGE_OK;
	struct json *j = json_map_new();

	json_put_int(j, "epoch", (int64_t)k->epoch);
	json_put_text(j, "what",
	    k->intent == INTENT_ACTION ? action_word(k->action)
				       : intent_word(k->intent));
	json_put_text(j, "member", k->member_name);
	json_put_text(
	    j, "result", k->answered_by_api ? result[k->result] : "under-way");
	put_moment(j, "fault", k->fault_ms);
	put_moment(j, "verdict", k->verdict_ms);
	put_moment(j, "sent", k->sent_ms);
	put_moment(j, "done", k->done_ms);
	put_moment(j, "insync", k->insync_ms);
	put_moment(j, "answered", k->answered_ms);
	put_span(j, "fault_to_verdict_ms", k->fault_ms, k->verdict_ms);
	put_span(j, "fault_to_committed_ms", k->fault_ms, committed ? k->done_ms : 0);
	put_span(j, "fault_to_answered_ms", k->fault_ms, k->answered_ms);
	put_span(
	    j, "committed_to_answered_ms", committed ? k->done_ms : 0, k->answered_ms);
	return j;
}

static void
put_zone(struct json *j, const struct agent_service *s)
{
	struct json *servers = json_list_new();
	const struct agent_zone *z = s->zone;

	json_put_text(j, "zone", z->conf->route53.apex);
	for (uint32_t i = 0; i < z->nameservers; i++)
		json_add_text(servers, z->nameserver[i]);
	json_put(j, "nameservers", servers);
	json_put_bool(j, "nameservers_silent", s->dns_silent);
	json_put_int(j, "dns_epoch", (int64_t)s->dns_epoch);
	json_put_text(j, "read_error", s->read_error);
}

struct json *
status_of_service(const struct agent_service *s)
{
	const struct engine *g = s->engine;
	const struct rule_service *rule = &s->conf->rule;
	int64_t now_wall_s = agent_now_wall_s(s->agent);
	struct json *j = json_map_new(), *names = json_list_new();
	struct json *members = json_list_new(), *changes = json_list_new();

	json_put_text(j, "name", rule->name);
	for (uint32_t i = 0; i < s->conf->names; i++)
		json_add_text(names, s->conf->name[i]);
	json_put(j, "names", names);
	json_put_text(
	    j, "policy", rule->policy == POLICY_FAILOVER ? "failover" : "weighted");
	json_put_text(j, "mode", rule->observe ? "observe" : "steer");
	json_put_text(
	    j, "cannot", g->cannot != CANNOT_NOT ? cannot_word(g->cannot) : "");
	json_put_text(j, "frozen",
	    g->watch.frozen != FROZEN_NOT ? frozen_word(g->watch.frozen) : "");
	json_put_text(j, "frozen_why",
	    g->watch.frozen != FROZEN_NOT ? frozen_sentence(g->watch.frozen) : "");
	json_put_text(j, "intent", intent_word(g->intent.kind));
	json_put_bool(j, "unknown_outcome", g->unknown);
	if (g->believed)
		json_put(j, "ledger", ledger_of(s, now_wall_s));
	else
		json_put_null(j, "ledger");
	put_zone(j, s);
	status_put_agents(j, s);
	for (uint32_t m = 0; m < rule->members; m++)
		json_add(members, member_of(s, m, now_wall_s));
	json_put(j, "members", members);
	for (uint32_t i = 0; i < s->marks; i++)
		json_add(changes, mark_of(&s->mark[i]));
	json_put(j, "changes", changes);
	return j;
}

/* ---- the agent ---- */

static void
put_health(struct json *j, const struct agent *a)
{
	uint32_t alive, workers = agent_workers(a, &alive);
	struct json *loop = json_map_new(), *of_workers = json_map_new();
	struct json *store = json_map_new(), *runner = json_map_new();

	json_put_int(loop, "late_ms", (int64_t)agent_late_ms(a));
	json_put_int(loop, "late_max_ms", (int64_t)agent_late_max_ms(a));
	json_put(j, "loop", loop);
	json_put_int(of_workers, "configured", workers);
	json_put_int(of_workers, "alive", alive);
	json_put(j, "workers", of_workers);
	json_put_bool(runner, "alive", jobs_alive(a->jobs));
	json_put_int(runner, "running", jobs_running(a->jobs));
	json_put_int(runner, "restarts", (int64_t)jobs_restarts(a->jobs));
	json_put(j, "runner", runner);
	json_put_int(store, "queued", a->store != NULL ? store_queued(a->store) : 0);
	json_put_int(
	    store, "dropped", a->store != NULL ? (int64_t)store_dropped(a->store) : 0);
	json_put(j, "store", store);
	json_put_int(j, "log_lines_lost", (int64_t)facts_lines_lost(a->facts));
}

struct json *
status_of_agent(const struct agent *a, const char *service)
{
	struct json *j = json_map_new(), *services = json_list_new();
	bool found = service[0] == '\0';

	for (uint32_t i = 0; i < a->services; i++) {
		const struct agent_service *s = a->service[i];

		if (service[0] != '\0' && strcmp(s->conf->rule.name, service) != 0)
			continue;
		found = true;
		json_add(services, status_of_service(s));
	}
	if (!found) {
		json_free(services);
		json_free(j);
		return NULL;
	}
	json_put_text(j, "version", POINTSMAN_VERSION);
	json_put_text(j, "agent", a->name);
	json_put_text(j, "cluster", a->config->cluster);
	json_put_text(j, "config", a->config->path);
	json_put_bool(j, "solo", a->config->solo);
	put_time(j, "started", a->start_wall_s * 1000);
	json_put_int(j, "uptime_s", (int64_t)((now_boot_ms() - a->start_ms) / 1000));
	json_put_text(j, "abstains",
	    agent_doubt(a) != DOUBT_NOT ? doubt_word(agent_doubt(a)) : "");
	put_time(j, "provider_time", agent_now_wall_s(a) * 1000);
	json_put_int(j, "reloads", (int64_t)a->reloads);
	json_put_int(j, "reloads_failed", (int64_t)a->reloads_failed);
	put_health(j, a);
	status_put_peers(j, a);
	json_put(j, "services", services);
	status_put_scenarios(j, a, service);
	return j;
}
