/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - the runner: a process of its own that runs the operator's programs.
 *
 * Started as a prober worker is (prober.h: a fresh exec with an empty environment and
 * dropped privileges, one SOCK_SEQPACKET socketpair, fixed-size structs), but with no
 * system-call filter, because programs do what they like. It knows nothing of checks or
 * steps: whoever asks gives the finished arguments, the whole environment and a
 * deadline, and is told once how it ended, with the last of what it printed.
 *
 * A job is a program and everything that came of it. It has stdin from /dev/null, a
 * session of its own, the directory /, umask 077, no other descriptor, default signals,
 * 1,024 files and no core file, and can gain no privilege (no setuid program). At its
 * deadline, or when it is killed, its process group gets SIGTERM, and after grace_ms
 * every process that came of it SIGKILL, daemons that left the group too. So does what
 * outlives the program: when a job is told as ended, nothing of it runs. All jobs end
 * so when the runner does, and the runner ends with its socket.
 *
 * Order on the wire: agent → runner: RUNNER_HELLO, then START and KILL; runner → agent:
 * RUNNER_READY first, then exactly one RUNNER_ENDED for each START, and RUNNER_BEAT
 * every second: its absence means a runner that is stuck or stopped.
 */
#ifndef PROBE_RUNNER_H
#define PROBE_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "steering/core/err.h"

#define RUNNER_PROTOCOL 1
#define RUNNER_JOBS_MAX 64 /* at once; one more is told as RUNNER_BUSY */
#define RUNNER_ARGS_MAX 32
#define RUNNER_ENVS_MAX 32
#define RUNNER_TEXT_BYTES 12288
#define RUNNER_TAIL_BYTES 4096
#define RUNNER_STDOUT_BYTES 256
#define RUNNER_TIMEOUT_MS_MAX (UINT64_C(8) * 24 * 3600 * 1000)

enum runner_msg_kind { RUNNER_HELLO = 1, RUNNER_START, RUNNER_KILL };

struct runner_msg { /* all zero before it is filled */
	uint32_t kind;
	uint32_t protocol;            /* HELLO */
	uint64_t job;                 /* START: its name from here on; KILL: whose */
	uint64_t timeout_ms;          /* START: 1 … RUNNER_TIMEOUT_MS_MAX */
	uint32_t grace_ms;            /* START: from SIGTERM to SIGKILL */
	uint32_t args, envs;          /* START: at least one argument */
	uint32_t used;                /* START: of text */
	char text[RUNNER_TEXT_BYTES]; /* args strings, then envs of "NAME=value", each
				       * with its 0 */
};

/* Adds to text; all arguments come before the first variable. False: no room. */
bool runner_add_arg(struct runner_msg *m, const char *arg) MUST_CHECK;
bool
runner_add_env(struct runner_msg *m, const char *name, const char *value) MUST_CHECK;

enum runner_event_kind { RUNNER_READY = 1, RUNNER_ENDED, RUNNER_BEAT };

enum runner_end {
	RUNNER_NOT_STARTED = 0, /* status: errno */
	RUNNER_BUSY,            /* RUNNER_JOBS_MAX run already: not started */
	RUNNER_EXIT,            /* status: its exit status */
	RUNNER_SIGNAL,          /* status: the signal that ended it, not ours */
	RUNNER_DEADLINE,        /* killed for its timeout */
	RUNNER_KILLED,          /* killed because KILL said so */
	RUNNER_LOST, /* what watched it died; it was killed. How it went: unknown */
	RUNNER_ENDS
};

struct runner_event {
	uint32_t kind;
	uint32_t end;   /* ENDED: enum runner_end */
	uint64_t job;   /* ENDED */
	int32_t status; /* ENDED */
	uint32_t tail_bytes, stdout_bytes;
	uint64_t start_ms; /* ENDED: CLOCK_BOOTTIME when it was started */
	uint64_t took_us;  /* ENDED: until the program itself was seen to have ended */
	uint64_t output_bytes;                 /* ENDED: all that it printed */
	char tail[RUNNER_TAIL_BYTES];          /* the last of stdout and stderr; no 0 */
	char stdout_tail[RUNNER_STDOUT_BYTES]; /* the last of stdout alone; no 0 */
};

enum runner_exit {
	RUNNER_EXIT_CLOSED = 0,
	RUNNER_EXIT_SANDBOX,  /* privileges could not be dropped */
	RUNNER_EXIT_PROTOCOL, /* a message that this build does not understand */
	RUNNER_EXIT_START,    /* out of memory */
};

/* The runner's whole life on an inherited socket. Returns the exit status. */
int runner_main(int fd);

/* As prober_spawn(), with argv {"pointsman", "runner", "3"}. */
bool runner_spawn(const char *argv0, int *fd, pid_t *pid, struct err *e) MUST_CHECK;

#endif
