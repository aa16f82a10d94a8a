/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_orders.h - an operator's word about a scenario, as the service's engine is
 * told it: which service, which run, which step.
 */
#ifndef STEERING_AGENT_SCENARIO_ORDERS_H
#define STEERING_AGENT_SCENARIO_ORDERS_H

#include "steering/agent/agent.h"
#include "steering/agent/control.h"

/* kind: of order_word(). The service that is meant, the main one or the shadow, is named
 * in service; run and step are those that this agent sees now. */
bool scenario_order(const struct agent *a, const struct control_request *r,
    enum order_kind kind, char service[WORD_MAX], struct order *order,
    struct err *e) MUST_CHECK;

/* What became of it, once it is in the ledger. */
void scenario_order_done(
    const struct agent_service *s, enum order_kind kind, char *text, size_t text_bytes);

/* "root (uid 0)"; of a user that the machine's own file does not name: "uid 1000". Never
 * asks a directory service: that could take its time. */
const char *user_name(uid_t uid, char *text, size_t text_bytes);

#endif
