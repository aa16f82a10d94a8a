/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would be lost now. While it is not known there is no pointsman_exposure_seconds,
 * because 0 would be a lie and an old number another: alert on
 * pointsman_exposure_known == 0 too. Names of scenarios need no escaping.
 */
#include "steering/agent/agent.h"
#include "steering/agent/lag.h"
#include "steering/agent/lag_source.h"
#include "steering/agent/metrics_counts.h"

static void
family(FILE *out, const char *name, const char *help)
{
	(void)fprintf(out, "# HELP pointsman_%s %s\n# TYPE pointsman_%s gauge\n", name,
	    help, name);
}

static void
sample(FILE *out, const char *name, const char *scenario, double value)
{
	(void)fprintf(
	    out, "pointsman_%s{scenario=\"%s\"} %.15g\n", name, scenario, value);
}

/* Its service is steered from here. */
static bool
is_here(const struct agent *a, const struct config_scenario *s)
{
	return agent_find_service(a, a->config->service[s->service].rule.name) != NULL;
}

void
metrics_write_lag(FILE *out, const struct agent *a)
{
	const struct config *c = a->config;
	uint64_t ms;

	if (c->scenarios == 0)
		return;
	family(out, "rpo_seconds", "Data loss that a scenario accepts, as time.");
	for (uint32_t i = 0; i < c->scenarios; i++)
		sample(out, "rpo_seconds", c->scenario[i].name,
		    (double)c->scenario[i].rpo_ms / 1000);
	family(out, "exposure_known",
	    "1 while it is known what a disaster would lose now.");
	for (uint32_t i = 0; i < c->scenarios; i++)
		if (lag_source_is(c, c->scenario[i].lag) && is_here(a, &c->scenario[i]))
			sample(out, "exposure_known", c->scenario[i].name,
			    lag_now(a->lag, i, &ms));
	family(out, "exposure_seconds",
	    "What a disaster would lose now, as time; absent while it is not known.");
	for (uint32_t i = 0; i < c->scenarios; i++)
		if (lag_now(a->lag, i, &ms))
			sample(out, "exposure_seconds", c->scenario[i].name,
			    (double)ms / 1000);
}
