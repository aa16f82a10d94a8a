/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - what a worker gives up before it reads the first hostile byte.
 */
#ifndef PROBE_SANDBOX_H
#define PROBE_SANDBOX_H

#include "steering/core/err.h"

/* Irrevocable, for the whole process: uid, gid and groups of `nobody` when root, no
 * capabilities, no_new_privs, no core file, not dumpable (so no ptrace and no reading of
 * /proc/PID/mem by the same uid), no child processes, as many descriptors as allowed up
 * to SANDBOX_FILES_MAX, SIGKILL when the parent ends. Terminal signals are ignored: the
 * agent ends its workers by closing their sockets, after it has finished with them. */
#define SANDBOX_FILES_MAX 65536
bool sandbox_enter(struct err *e) MUST_CHECK;

/* The same for the runner, which must be able to start processes: those are not
 * limited, and descriptors as low as programs expect. */
#define SANDBOX_RUNNER_FILES 1024
bool sandbox_enter_runner(struct err *e) MUST_CHECK;

/* Irrevocable too, and last, when every file is open: a system-call filter (seccomp).
 * From here on no file is opened, no process made, no program executed, and no socket
 * but IPv4 and IPv6 ones; what is not on the list fails with EPERM, and execve() and
 * ptrace() kill. Fails where the kernel has no seccomp. */
bool sandbox_close(struct err *e) MUST_CHECK;

/* Sanitizers fork, trace and read files: their builds are confined less. */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_RELAXED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_RELAXED 1
#endif
#endif
#ifndef SANDBOX_RELAXED
#define SANDBOX_RELAXED 0
#endif

#endif
