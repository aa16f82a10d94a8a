/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - what a worker gives up before it reads the first byte.
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

#endif
