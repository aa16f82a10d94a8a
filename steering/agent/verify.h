/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h - did the change arrive? And what does DNS show when nothing happens?
 *
 * After a commit: the provider is polled until INSYNC, then every authoritative server
 * is asked until each shows that epoch or a later one. This makes marks and facts, and
 * no decision waits for it. Idle: every 10 s a name server is asked for the ledger; a
 * newer epoch makes the engine read, and silence of all makes it read more often.
 */
#ifndef STEERING_AGENT_VERIFY_H
#define STEERING_AGENT_VERIFY_H

#include "steering/agent/agent.h"

struct verify *verify_new(struct agent_service *s, struct err *e);
/* A version was committed. change_id "": not known (found by a read). A newer commit
 * takes the place of one that is still being verified: its epoch covers both. */
void verify_commit(struct verify *v, uint64_t epoch, const char *change_id);
/* No more questions; calls under way still hold the service. */
void verify_stop(struct verify *v);
void verify_free(struct verify *v);

#endif
