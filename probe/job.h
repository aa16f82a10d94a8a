/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - one program from its start to the last process that came of it.
 *
 * For the runner alone, in a child that it forked for this job.
 */
#ifndef PROBE_JOB_H
#define PROBE_JOB_H

#include "probe/runner.h"

/* Minds the job of a RUNNER_START (whose shape was checked) and never returns. fd: a
 * SOCK_SEQPACKET to the runner; a RUNNER_KILL that comes there, or its end, kills the
 * job. One RUNNER_ENDED is sent, when nothing of the job runs any more. Whatever
 * descriptors and memory the runner has are closed or left alone. */
void job_mind(int fd, const struct runner_msg *m) __attribute__((noreturn));

/* SIGKILL to every child of this process but `n` of them; the dead are reaped. Returns
 * how many others there are still. -1: the system does not tell (no CONFIG_PROC_CHILDREN). */
int job_kill_children(const pid_t *but, size_t n);

#endif
