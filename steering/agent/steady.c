/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look-up is part of a read: while it fails, the read fails, and the engine, which
 * never acts without a read, needs no state of its own for it. No copy is kept on disk:
 * the check lives in the account that the records live in, and whoever can read these
 * can ask for that.
 */
#include "steering/agent/steady.h"

#include <string.h>

#include "steering/agent/metrics.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"
#include "steering/agent/zone_io.h"

void
steady_reference(
    const struct config *c, uint32_t number, char text[ROUTE53_REFERENCE_MAX])
{
	if (number > 1)
		(void)snprintf(text, ROUTE53_REFERENCE_MAX, "pointsman-steady/%s/%u",
		    c->cluster, (unsigned)number);
	else
		(void)snprintf(
		    text, ROUTE53_REFERENCE_MAX, "pointsman-steady/%s", c->cluster);
}

bool
steady_known(struct agent_service *s)
{
	struct config_service *conf = &s->agent->config->service[service_index(s)];

	if (!config_needs_steady(conf))
		return true;
	memcpy(conf->steady, s->zone->steady, sizeof conf->steady);
	return conf->steady[0] != '\0';
}

static void
on_found(struct zone_answer *answer, void *arg)
{
	struct agent_service *s = arg;
	struct agent *a = s->agent;
	char text[ERR_TEXT_MAX] = "";

	metrics_request(a->metrics, METRICS_API_READ, answer->result, answer->sent_ms,
	    answer->done_ms);
	self_date(a->self, answer->date_wall_s, answer->sent_ms, answer->done_ms);
	if (s->stopped) {
		service_release(s);
		return;
	}
	if (answer->result != ZONE_OK)
		(void)snprintf(text, sizeof text,
		    "the steady health check cannot be looked for: %.400s",
		    answer->err.text);
	else if (answer->check_id[0] == '\0')
		(void)snprintf(text, sizeof text,
		    "there is no steady health check yet: run pointsman bootstrap");
	if (text[0] == '\0') {
		memcpy(s->zone->steady, answer->check_id, sizeof s->zone->steady);
		zone_io_read(s);
	} else {
		zone_io_unread(s, answer->result, text);
	}
	service_release(s);
}

void
steady_find(struct agent_service *s)
{
	char reference[ROUTE53_REFERENCE_MAX];

	steady_reference(s->agent->config, 1, reference);
	s->pending++;
	provider_check_find(s->zone->provider, reference, on_found, s);
}

void
steady_doubt(struct agent_service *s)
{
	if (config_needs_steady(s->conf))
		s->zone->steady[0] = '\0';
}
