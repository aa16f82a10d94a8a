/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.h - programs that the runner process runs for the agent: started, killed, ended.
 *
 * The runner (probe/runner.h) is spawned, watched and, when it dies, started again,
 * after a rest that grows. Each job that was accepted ends exactly once, or was
 * forgotten: when the runner dies, its jobs (it takes them with it) end as RUNNER_LOST.
 * One loop, no waiting; whoever asks keeps no pointer but the job's number.
 */
#ifndef STEERING_AGENT_JOBS_H
#define STEERING_AGENT_JOBS_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/runner.h"

struct event_base;
struct jobs;

/* Fewer than the runner's places: one is free there only a moment after it was told. */
#define JOBS_MAX (RUNNER_JOBS_MAX - 16)

struct jobs_calls {
	/* The runner died or was stuck, and is started again by and by. */
	void (*ended)(const char *why, void *arg);
	/* It could not be started again, which is tried once more later. */
	void (*trouble)(const char *why, void *arg);
	void *arg;
};

typedef void (*jobs_cb)(const struct runner_event *ev, void *arg);

/* Spawns the runner at once: no memory of the agent is in it, because it is a fresh
 * exec. path: of the binary; NULL: this one. NULL: it could not start. */
struct jobs *jobs_new(const char *path, struct err *e);
/* From here on there are events. Copies the calls. */
bool jobs_begin(struct jobs *j, struct event_base *base, const struct jobs_calls *calls,
    struct err *e) MUST_CHECK;
/* Closes the socket, which ends the runner and what it runs, and waits for it (at most
 * 4 s, then kills it; what it ran is killed then too). No call after this. */
void jobs_free(struct jobs *j);

/* m: a RUNNER_START without its job, which is returned; 0: not now, and why. cb comes
 * once, later, never before this returns. */
uint64_t jobs_start(struct jobs *j, struct runner_msg *m, jobs_cb cb, void *arg,
    struct err *e) MUST_CHECK;
/* It ends as RUNNER_KILLED, unless it was just ending. Unknown ones are no mistake. */
void jobs_kill(struct jobs *j, uint64_t job);
/* The same, and cb is not called any more. */
void jobs_forget(struct jobs *j, uint64_t job);

bool jobs_alive(const struct jobs *j);
uint32_t jobs_running(const struct jobs *j);
uint64_t jobs_restarts(const struct jobs *j); /* deaths of the runner so far */

#endif
