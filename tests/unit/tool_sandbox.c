/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_sandbox - tries, as a worker that was taken over would, one forbidden thing.
 *
 *   tool_sandbox none|filter|worker THING
 *
 * none: not confined; filter: behind the system-call filter alone; worker: confined as
 * a worker is. Prints "done" when it got what it wanted, "refused" with the error when
 * it did not, and dies when that is the price. Things are the keys of `things`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/sandbox.h"

static bool
open_file(void)
{
	return open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
create_file(void)
{
	return open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600) >= 0;
}

static bool
make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

static bool
run_program(void)
{
	return execl("/bin/true", "true", (char *)NULL) == 0;
}

static bool
make_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
make_pair(void)
{
	int pair[2];

	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
}

static bool
make_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0;
}

static bool
make_raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 1) >= 0;
}

static bool
make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
signal_parent(void)
{
	return kill(getppid(), 0) == 0;
}

static bool
look_at_file(void)
{
	struct stat st;

	return stat("/etc/hostname", &st) == 0;
}

/* What a worker may: it must not be refused. */
static bool
make_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) >= 0 &&
	    socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
fail_assertion(void)
{
	abort();
}

static const struct thing {
	const char *name;
	bool (*try)(void);
} things[] = {
    {"open", open_file},
    {"create", create_file},
    {"stat", look_at_file},
    {"fork", make_process},
    {"exec", run_program},
    {"unix", make_unix_socket},
    {"pair", make_pair},
    {"netlink", make_netlink_socket},
    {"raw", make_raw_socket},
    {"code", make_code},
    {"ptrace", trace},
    {"kill", signal_parent},
    {"tcp", make_tcp_socket},
    {"abort", fail_assertion},
};

static bool
confine(const char *how, struct err *e)
{
	if (strcmp(how, "worker") == 0 && !sandbox_enter(e))
		return false;
	return strcmp(how, "none") == 0 || sandbox_close(e);
}

int
main(int argc, char **argv)
{
	struct err e;

	if (argc == 2 && strcmp(argv[1], "relaxed") == 0)
		return SANDBOX_RELAXED ? 0 : 1;
	if (argc != 3)
		return 64;
	if (!confine(argv[1], &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
		if (strcmp(things[i].name, argv[2]) != 0)
			continue;
		if (things[i].try())
			printf("done\n");
		else
			printf("refused: %s\n", strerror(errno));
		return 0;
	}
	return 64;
}
