/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_spawn and not fork: the agent has threads, and between fork and exec a child of
 * threads may call next to nothing. The exec is what matters: a forked child would hold
 * a copy of the agent's memory, credentials included.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/prober.h"
#include "probe/runner.h"

#define WORKER_FD 3

static int
set_files(posix_spawn_file_actions_t *files, int fd)
{
	int error =
	    posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

	/* dup2 of a descriptor to itself clears its close-on-exec here. */
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(files, fd, WORKER_FD);
	if (error == 0)
		error = posix_spawn_file_actions_addopen(
		    files, 1, "/dev/null", O_WRONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(files, WORKER_FD + 1);
	return error;
}

static int
set_signals(posix_spawnattr_t *attr)
{
	sigset_t all, none;
	int error;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	error = posix_spawnattr_setsigdefault(attr, &all);
	if (error == 0)
		error = posix_spawnattr_setsigmask(attr, &none);
	if (error == 0)
		error = posix_spawnattr_setflags(
		    attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	return error;
}

static int
spawn(const char *file, char *command, int fd, pid_t *pid)
{
	static char name[] = "pointsman", number[] = "3";
	char *const argv[] = {name, command, number, NULL};
	char *const environment[] = {NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error = posix_spawn_file_actions_init(&files);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attr);
	if (error == 0) {
		error = set_files(&files, fd);
		if (error == 0)
			error = set_signals(&attr);
		if (error == 0)
			error =
			    posix_spawn(pid, file, &files, &attr, argv, environment);
		(void)posix_spawnattr_destroy(&attr);
	}
	(void)posix_spawn_file_actions_destroy(&files);
	return error;
}

static bool
spawn_with_socket(const char *argv0, char *command, int *fd, pid_t *pid, struct err *e)
{
	const char *file = argv0 == NULL ? "/proc/self/exe" : argv0;
	int pair[2], error;

	if (socketpair(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_set(
		    e, "cannot start a %s: socketpair: %s", command, strerror(errno));
	/* Descriptors 0–3 are set one after the other: keep ours out of their way. */
	if (pair[1] < WORKER_FD) {
		int high = fcntl(pair[1], F_DUPFD_CLOEXEC, WORKER_FD);

		(void)close(pair[1]);
		pair[1] = high;
	}
	error = pair[1] < 0 ? EMFILE : spawn(file, command, pair[1], pid);
	if (pair[1] >= 0)
		(void)close(pair[1]);
	if (error == 0) {
		*fd = pair[0];
		return true;
	}
	(void)close(pair[0]);
	return err_set(e, "cannot start a %s: %s: %s", command, file, strerror(error));
}

bool
prober_spawn(const char *argv0, int *fd, pid_t *pid, struct err *e)
{
	static char command[] = "prober";

	return spawn_with_socket(argv0, command, fd, pid, e);
}

bool
runner_spawn(const char *argv0, int *fd, pid_t *pid, struct err *e)
{
	static char command[] = "runner";

	return spawn_with_socket(argv0, command, fd, pid, e);
}
