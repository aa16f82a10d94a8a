/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RPO's side of an incident: what would have been lost, had the site gone at that
 * moment. A backup loses everything since its work began, and the page names it.
 */
#include "steering/agent/incidents_parts.h"
#include "steering/agent/lag.h"

void
incidents_lag(struct incidents *x, struct incident *i, int64_t at_wall_ms)
{
	const struct agent *a = x->agent;
	int32_t scenario = incidents_scenario(a, i->service);
	int64_t ago_ms = now_wall_ms() - at_wall_ms;
	const struct lag_sample *last;

	if (scenario < 0 || a->lag == NULL || a->config->scenario[scenario].lag < 0)
		return;
	uint64_t at_ms = now_boot_ms() - (uint64_t)(ago_ms > 0 ? ago_ms : 0);
	i->lag_known = lag_at(a->lag, (uint32_t)scenario, at_ms, &i->lag_ms);
	last = lag_last(a->lag, (uint32_t)scenario);
	if (last == NULL)
		return;
	if (!i->lag_known)
		(void)snprintf(i->lag_why, sizeof i->lag_why, "%.150s",
		    last->text[0] != '\0' ? last->text : "no lag was known then");
	(void)snprintf(i->backup_id, sizeof i->backup_id, "%s", last->backup_id);
	(void)snprintf(i->backup_started_at, sizeof i->backup_started_at, "%s",
	    last->backup_started_at);
}
