/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_sets.h - between the engine's weights and the zone's record sets.
 *
 * Pure but for memory. Sets are sorted by rrset_compare_key(), as diff_plan() needs.
 */
#ifndef STEERING_AGENT_ZONE_SETS_H
#define STEERING_AGENT_ZONE_SETS_H

#include "config/model.h"
#include "steering/core/engine.h"

/* The sets that these weights mean; free() them. */
struct rrset *sets_wanted(
    const struct config_service *conf, const uint8_t weight[MEMBERS_MAX], size_t *n);
uint64_t
sets_digest(const struct config_service *conf, const uint8_t weight[MEMBERS_MAX]);
/* The set of the same key, or NULL. */
const struct rrset *sets_find(const struct zone_view *v, const struct rrset *like);
/* A whole read as the engine sees it; borrows the ledger's text from the view. */
void sets_view(const struct config_service *conf, const struct zone_view *v,
    struct engine_view *out);
/* May a change of this intent (and order) take sets away? */
bool sets_may_remove(const struct intent *i, enum order_kind order);

#endif
