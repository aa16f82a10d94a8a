/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_once.h - a runner for who waits for it: the programs of `check` and `plan`.
 */
#ifndef STEERING_AGENT_EXEC_ONCE_H
#define STEERING_AGENT_EXEC_ONCE_H

#include "probe/runner.h"

struct exec_once {
	int fd; /* -1: closed; readable when exec_once_hear() has something */
	pid_t pid;
	bool ready, full; /* full: wait until it is writable */
	uint32_t running;
};

/* False: it could not start, or not confine itself. */
bool exec_once_open(struct exec_once *x, struct err *e) MUST_CHECK;
/* Ends it and what it runs. */
void exec_once_close(struct exec_once *x);
bool exec_once_has_room(const struct exec_once *x);
/* m: a RUNNER_START with a job of the caller's. False: try again later, or it is gone. */
bool exec_once_start(struct exec_once *x, const struct runner_msg *m) MUST_CHECK;
/* A RUNNER_ENDED that has come. False: none now; *gone: nor ever. */
bool
exec_once_hear(struct exec_once *x, struct runner_event *ev, bool *gone) MUST_CHECK;

#endif
