/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones.h - the zones of a running agent: a provider for each, and its name servers.
 */
#ifndef STEERING_AGENT_ZONES_H
#define STEERING_AGENT_ZONES_H

#include "steering/agent/agent.h"

/* Loads the credentials. NULL with a sentence. */
struct agent_zone *
zone_new(struct agent *a, const struct config_zone *conf, uint64_t seed, struct err *e);
/* The same zone in a new configuration. */
void zone_reload(struct agent_zone *z, const struct config_zone *conf);
/* Is it the same zone, by the same way? Name servers may differ. */
bool zone_is_same(const struct agent_zone *z, const struct config_zone *conf);
/* Every second: says what the provider warns of, once, and when it is over. */
void zone_tick(struct agent_zone *z);
void zone_free(struct agent_zone *z);

#endif
