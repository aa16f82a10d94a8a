/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every agent knows when the last drill was, for each records the incidents that it sees;
 * none keeps an appointment. One that has lost its disk may think that a drill is due: it
 * is a rehearsal, so that one too many is no harm, and the rank lets only one begin it.
 * A drill that failed or was aborted is tried again after a seventh of the time.
 */
#include "steering/agent/drills.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "steering/agent/facts.h"
#include "steering/agent/incidents.h"
#include "steering/agent/peers.h"
#include "steering/agent/scenarios.h"
#include "steering/agent/service.h"

int64_t
drill_due_wall_ms(const char *scenario, uint64_t every_ms, int64_t last_wall_ms,
    int64_t start_wall_ms)
{
	char text[WORD_MAX + 24];
	uint64_t spread;

	(void)snprintf(text, sizeof text, "%s/%lld", scenario, (long long)last_wall_ms);
	spread = agent_number(text) % 1001; /* thousandths */
	if (last_wall_ms == 0)
		return start_wall_ms + (int64_t)(every_ms / 28 * spread / 1000);
	return last_wall_ms +
	    (int64_t)(every_ms - every_ms / 20 + every_ms / 10 * spread / 1000);
}

/* Why none can be begun now; NULL: nothing is in the way. */
static const char *
bar(const struct agent *a, const struct agent_service *s,
    const struct agent_service *shadow)
{
	const struct engine *g = s->engine;

	if (!g->has_ledger || !shadow->engine->has_ledger)
		return "it has no ledger yet";
	if (g->ledger.run.id != 0 || shadow->engine->ledger.run.id != 0)
		return "a run is under way";
	if (scenario_is_over(g->rule, &g->ledger))
		return "it has failed over";
	if (incidents_open(a->incidents, s->conf->rule.name) > 0)
		return "an incident is open";
	if (ledger_order_stands(&g->ledger.freeze, agent_now_wall_s(a)) ||
	    shadow->engine->cannot != CANNOT_NOT)
		return "nothing is written just now";
	for (uint32_t m = 0; m < g->rule->members; m++)
		if (!g->rule->member[m].last_resort &&
		    !scenario_cold(g->rule, &g->ledger, m) &&
		    g->quorum[m].verdict != VERDICT_UP)
			return "the service is not whole";
	return NULL;
}

static bool
first_in_rank(const struct agent_service *s)
{
	uint32_t agent[AGENTS_MAX];
	bool able[AGENTS_MAX];
	uint32_t n = engine_writers(s->engine, now_boot_ms(), agent, able);

	for (uint32_t i = 0; i < n; i++)
		if (able[i])
			return agent[i] == s->engine->self;
	return false;
}

static void
begin(struct agent *a, const struct config_scenario *c, struct agent_service *shadow)
{
	struct order order = {.kind = ORDER_DRILL, .step = UINT32_MAX};
	struct peer_order note = {.uid = (uint32_t)geteuid()};
	struct err e;

	if (!agent_order(shadow, &order, NULL, NULL, &e))
		return; /* another is on its way: the next second, then */
	service_say(shadow, FACT_ORDER, FACT_INFO, -1,
	    "a drill of %s is due: it is begun by schedule", c->name);
	note.id = shadow->order.order.id;
	(void)snprintf(
	    note.service, sizeof note.service, "%s", shadow->conf->rule.name);
	(void)snprintf(note.kind, sizeof note.kind, "%s", order_word(ORDER_DRILL));
	(void)snprintf(note.agent, sizeof note.agent, "%s", a->name);
	(void)snprintf(note.reason, sizeof note.reason, "by schedule");
	order_notes_add(&a->orders, &note, now_boot_ms());
	incidents_order(a->incidents, &note);
	peers_moved(a->peers);
}

static void
look(struct agent *a, uint32_t i)
{
	const struct config_scenario *c = &a->config->scenario[i];
	struct agent_service *s = scenarios_service(a, c, false);
	struct agent_service *shadow = scenarios_service(a, c, true);
	struct incident_brief last = {.began_wall_ms = 0};
	const char *why;

	if (c->drill_ms == 0 || s == NULL || shadow == NULL)
		return;
	(void)incidents_last_drill(a->incidents, c->name, &last);
	if (now_wall_ms() < drill_due_wall_ms(c->name, c->drill_ms, last.began_wall_ms,
				a->start_wall_s * 1000) ||
	    (shadow->drill.tried_ms != 0 &&
		now_boot_ms() - shadow->drill.tried_ms < c->drill_ms / 7) ||
	    !first_in_rank(shadow))
		return;
	why = bar(a, s, shadow);
	if (why == NULL) {
		shadow->drill.tried_ms = now_boot_ms();
		shadow->drill.put_off = NULL;
		begin(a, c, shadow);
	} else if (why != shadow->drill.put_off) {
		shadow->drill.put_off = why;
		service_say(shadow, FACT_RUN, FACT_INFO, -1,
		    "a drill of %s is due and put off: %s", c->name, why);
	}
}

void
drills_tick(struct agent *a)
{
	for (uint32_t i = 0; i < a->config->scenarios && !a->stopping; i++)
		look(a, i);
}
