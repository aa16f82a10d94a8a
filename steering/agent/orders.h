/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders.h - what the running agent answers on its control socket.
 *
 * Wiring, by run.c:  a->control = control_new(base, path, orders_answer, a, facts, &e);
 * Commands: status, drain, undrain, freeze, unfreeze, pin, unpin, ack, adopt, release,
 * and of scenarios failover, failback, drill, approve, retry, skip, abort. An order
 * is answered when the zone has it or it is refused; after ORDERS_WAIT_MS the answer
 * says that it goes on by itself. A service that is "" means every service.
 */
#ifndef STEERING_AGENT_ORDERS_H
#define STEERING_AGENT_ORDERS_H

#include "steering/agent/control.h"

#define ORDERS_WAIT_MS 15000

/* A control_handler; arg is the struct agent. */
void orders_answer(
    struct control_call *call, const struct control_request *request, void *arg);

#endif
