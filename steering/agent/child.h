/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - what the agent does alike with every process that it starts. */
#ifndef STEERING_AGENT_CHILD_H
#define STEERING_AGENT_CHILD_H

#include <stdint.h>
#include <sys/types.h>

/* Alive, but silent for so long: it is stuck, and killed. It speaks every second. */
#define CHILD_STUCK_MS 5000
#define CHILD_SETTLED_MS 10000 /* lived so long: its next death is a first one */
#define CHILD_KILLED_MS 20     /* for one that was killed to be gone */

/* Reaps it; it gets wait_ms to end by itself, and is killed then. Returns its wait
 * status. One that even SIGKILL does not end at once (it waits for a disk) is left to a
 * later call: the loop does not wait for it. */
int child_reap(pid_t pid, uint64_t wait_ms);

/* How long to wait before it is started again after so many deaths in a row. */
uint64_t child_rest_ms(uint32_t deaths);

#endif
