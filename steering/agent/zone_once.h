/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_once.h - one read of a service's records and ledger, for commands; blocking.
 *
 * It can read and nothing else: no change, no poll. A service with health_check: steady
 * has its `steady` filled in on the way; that there is none is no success.
 */
#ifndef STEERING_AGENT_ZONE_ONCE_H
#define STEERING_AGENT_ZONE_ONCE_H

#include "config/model.h"

/* On success *view is the caller's (zone_view_free()), its sets sorted by key, and
 * *date_wall_s the provider's clock (ours when it did not say). */
bool zone_read_once(struct config *c, uint32_t service, struct zone_view **view,
    int64_t *date_wall_s, struct err *e) MUST_CHECK;

#endif
