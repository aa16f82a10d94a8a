/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - may a directory that stands already be an agent's state directory?
 *
 * One that the agent made itself is 0700. One that somebody else made keeps its mode;
 * what others can write to, and what belongs to another user, is refused.
 */
#ifndef STEERING_AGENT_STATE_H
#define STEERING_AGENT_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "steering/core/err.h"

/* Made, or fit as it stands. Blocks for a moment; at the start alone. */
bool state_open(const char *directory, struct err *e) MUST_CHECK;
/* st: of the directory, symbolic links followed. The sentence says the cure. */
bool state_fits(
    const char *directory, const struct stat *st, uid_t uid, struct err *e) MUST_CHECK;

/* Two agents on one state directory would be one agent to the zone, twice. lock: what
 * holds it until state_unlock() or the process's end; −1 where nothing does. */
bool state_lock(const char *directory, int lock[2], struct err *e) MUST_CHECK;
void state_unlock(int lock[2]);

/* The number of this start of the agent: higher than that of every start before (see
 * peer_boot() in steering/core/peer.h), and remembered in the directory ("" nowhere).
 * A file that cannot be read or written is no obstacle: then e has a sentence. */
uint64_t state_next_boot(
    const char *directory, uint64_t wall_ms, uint64_t random, struct err *e);

#endif
