/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of an agent's ability is what its own report said and what the ranks make
 * of it here: the same words and the same order as where it is decided.
 */
#include "steering/agent/status_peers.h"

#include <inttypes.h>
#include <string.h>

#include "steering/agent/logfmt.h"
#include "steering/agent/peers.h"

/* ---- the agent's peers ---- */

static void
put_day(struct json *j, const char *key, int64_t wall_s)
{
	char text[LOGFMT_TIME_MAX];

	if (wall_s != 0)
		json_put_text(j, key, logfmt_time(wall_s * 1000, text));
	else
		json_put_null(j, key);
}

static void
put_age(struct json *j, uint64_t age_ms)
{
	if (age_ms <= INT64_MAX)
		json_put_int(j, "age_ms", (int64_t)age_ms);
	else
		json_put_null(j, "age_ms");
}

static struct json *
peer_of(const struct peers_view *v)
{
	struct json *j = json_map_new(), *results = json_map_new();

	json_put_text(j, "name", v->name);
	json_put_bool(j, "heard", v->heard);
	put_age(j, v->age_ms);
	if (v->version != 0)
		json_put_int(j, "protocol", v->version);
	else
		json_put_null(j, "protocol");
	json_put_bool(j, "cloned", v->cloned);
	json_put_text(j, "trouble", v->trouble);
	put_day(j, "certificate_until", v->cert_until_wall_s);
	for (int r = 0; r < PEERS_RESULTS; r++)
		json_put_int(results, peers_result_word((enum peers_result)r),
		    (int64_t)v->results[r]);
	json_put(j, "reports", results);
	return j;
}

void
status_put_peers(struct json *j, const struct agent *a)
{
	struct json *list = json_list_new();
	uint32_t of, heard = peers_heard(a->peers, &of);

	json_put_int(j, "agents_heard", heard);
	json_put_int(j, "agents", of);
	put_day(j, "certificate_until", peers_own_cert_until_s(a->peers));
	for (uint32_t i = 0; i < peers_count(a->peers); i++) {
		struct peers_view v = peers_look(a->peers, i);

		json_add(list, peer_of(&v));
	}
	json_put(j, "peers", list);
}

/* ---- a service's agents ---- */

/* The sentence that the agent itself gave. */
static const char *
why_of(const struct agent_service *s, const char *name)
{
	for (uint32_t i = 0; i < peers_count(s->agent->peers); i++) {
		struct peers_view v = peers_look(s->agent->peers, i);

		if (strcmp(v.name, name) != 0 || v.said == NULL)
			continue;
		for (uint32_t k = 0; k < v.said->services; k++)
			if (strcmp(v.said->service[k].name, s->conf->rule.name) == 0)
				return v.said->service[k].why;
	}
	return "";
}

static struct json *
agent_of(const struct agent_service *s, uint32_t agent, bool able, uint64_t now_ms)
{
	const struct engine *g = s->engine;
	const struct ballot *b = &g->ballot[agent];
	const char *name = g->rule->agent[agent].name;
	bool fresh = ballot_fresh(b, g->rule, now_ms);
	struct json *j = json_map_new();

	json_put_text(j, "name", name);
	json_put_bool(j, "self", agent == g->self);
	json_put_bool(j, "heard", fresh);
	put_age(j,
	    !b->heard                 ? UINT64_MAX
		: now_ms > b->sent_ms ? now_ms - b->sent_ms
				      : 0);
	json_put_bool(j, "able", able);
	json_put_text(j, "cannot",
	    fresh && b->report.cannot != CANNOT_NOT ? cannot_word(b->report.cannot)
						    : "");
	json_put_text(j, "why", fresh ? why_of(s, name) : "");
	json_put_int(j, "epoch", (int64_t)b->report.epoch);
	json_put_bool(
	    j, "same_policy", fresh && b->report.policy_hash == g->rule->policy_hash);
	return j;
}

void
status_put_agents(struct json *j, const struct agent_service *s)
{
	uint64_t now_ms = now_boot_ms();
	uint32_t agent[AGENTS_MAX];
	bool able[AGENTS_MAX];
	uint32_t n = engine_writers(s->engine, now_ms, agent, able);
	struct json *list = json_list_new();
	const char *next = "";

	for (uint32_t i = 0; i < n; i++) {
		if (able[i] && next[0] == '\0')
			next = s->engine->rule->agent[agent[i]].name;
		json_add(list, agent_of(s, agent[i], able[i], now_ms));
	}
	json_put_text(j, "writes_next", next);
	json_put_int(j, "quorum", rule_quorum(s->engine->rule));
	json_put(j, "agents", list);
}

void
status_put_note(struct json *order, const struct agent_service *s, uint32_t id)
{
	const struct peer_order *o =
	    order_notes_find(&s->agent->orders, s->conf->rule.name, id);

	if (o == NULL)
		return;
	json_put_text(order, "asked_at", o->agent);
	json_put_int(order, "asked_by_uid", o->uid);
	json_put_text(order, "reason", o->reason);
}

/* ---- for people ---- */

static void
print_age(const struct json *j, FILE *out)
{
	int64_t ms = json_int(j, "age_ms", -1);

	if (ms < 0)
		(void)fprintf(out, "never heard");
	else
		(void)fprintf(out, "%s %" PRId64 ".%01d s ago",
		    json_flag(j, "heard") ? "heard" : "silent, heard", ms / 1000,
		    (int)(ms % 1000 / 100));
}

void
status_print_peers(const struct json *status, FILE *out)
{
	const struct json *peers = json_get(status, "peers");
	const char *until = json_text(status, "certificate_until", "");

	if (json_count(peers) == 0)
		return;
	(void)fprintf(out, "hears %" PRId64 " of %" PRId64 " agents, itself included",
	    json_int(status, "agents_heard", 0), json_int(status, "agents", 0));
	(void)fprintf(out,
	    until[0] != '\0' ? "; its certificate is good until %.10s\n" : "\n", until);
	for (size_t i = 0; i < json_count(peers); i++) {
		const struct json *p = json_at(peers, i);
		const char *trouble = json_text(p, "trouble", "");

		(void)fprintf(out, "  %-12s ", json_text(p, "name", "?"));
		print_age(p, out);
		until = json_text(p, "certificate_until", "");
		if (json_int(p, "protocol", 0) != 0)
			(void)fprintf(
			    out, ", protocol %" PRId64, json_int(p, "protocol", 0));
		if (until[0] != '\0')
			(void)fprintf(out, ", certificate until %.10s", until);
		if (json_flag(p, "cloned"))
			(void)fprintf(out, "; RUNS TWICE: stop one");
		(void)fprintf(out, "%s%s\n", trouble[0] != '\0' ? "; " : "", trouble);
	}
}

void
status_print_agents(const struct json *service, FILE *out)
{
	const struct json *agents = json_get(service, "agents");
	const char *next = json_text(service, "writes_next", "");

	if (json_count(agents) < 2)
		return;
	(void)fprintf(
	    out, "  writes next: %s; ranked:", next[0] != '\0' ? next : "none");
	for (size_t i = 0; i < json_count(agents); i++) {
		const struct json *a = json_at(agents, i);
		const char *cannot = json_text(a, "cannot", "");
		const char *why = json_text(a, "why", "");

		(void)fprintf(
		    out, "%s %s", i > 0 ? "," : "", json_text(a, "name", "?"));
		if (!json_flag(a, "heard"))
			(void)fprintf(out, " (silent)");
		else if (cannot[0] != '\0')
			(void)fprintf(out, " (cannot: %s%s%s)", cannot,
			    why[0] != '\0' ? ", " : "", why);
	}
	(void)fputc('\n', out);
}
