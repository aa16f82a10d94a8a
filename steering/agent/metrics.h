/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - what Prometheus reads: /metrics in its text format, version 0.0.4.
 *
 * Names are those of the field and are never renamed. Cardinality is bounded by the
 * configuration: labels are services, members, and words of closed sets; no address,
 * no reason in free text. Counters count from the agent's start and survive a reload
 * for services and members of the same name.
 */
#ifndef STEERING_AGENT_METRICS_H
#define STEERING_AGENT_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "probe/prober.h"
#include "config/model.h"
#include "steering/core/engine.h"

struct agent;
struct metrics;

enum metrics_api {
	METRICS_API_READ = 0,
	METRICS_API_CHANGE,
	METRICS_API_POLL,
	METRICS_API_NAMESERVERS,
	METRICS_API_TARGETS, /* not of the zone: elb checks */
	METRICS_APIS
};

struct metrics *metrics_new(const struct config *c);
void metrics_free(struct metrics *m);
/* After a reload: indices mean the new configuration from here on. */
void metrics_reload(struct metrics *m, const struct config *c);

/* One probe's result. service and member: indices into the configuration. */
void metrics_probe(struct metrics *m, uint32_t service, uint32_t member,
    enum outcome outcome, enum probe_reason reason, uint32_t latency_us);
/* One answer of the provider. sent_ms 0: it never left. */
void metrics_request(struct metrics *m, enum metrics_api call, enum zone_result result,
    uint64_t sent_ms, uint64_t done_ms);
/* A change's result, once for each change. */
void metrics_change(struct metrics *m, uint32_t service, enum change_result result);
/* A worker of ours died. */
void metrics_worker_restart(struct metrics *m);

/* The whole page. free() it; *n its length. Reads the agent between events. */
char *metrics_format(const struct metrics *m, const struct agent *a, size_t *n);

#endif
