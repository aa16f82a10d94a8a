/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system-call filter: what a worker does from its first probe on, and nothing else.
 *
 * The rest is refused with EPERM and does not kill: the next version of a library may
 * try something new and go on without it, and a site must not go blind over that. What
 * no library tries, and only whoever took the worker over would (becoming another
 * program, reaching into another process), kills it, which the agent tells of.
 *
 * Nothing is opened by name: name servers, the hosts file and the system's authorities
 * are opened before; a check's own files come from the agent as descriptors. Arguments
 * behind pointers cannot be seen here, so that connect() is bounded by the kind of
 * socket: only IPv4 and IPv6 ones can be made. No memory becomes executable.
 *
 * A sanitizer needs files, threads and traces of its own at any time: its builds have
 * no filter, and say so.
 */
#include "probe/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define WHOLE UINT32_MAX     /* such arguments are ints: the kernel sees no more */
#define SOCKET_TYPE_MASK 0xf /* without SOCK_NONBLOCK and SOCK_CLOEXEC */

static const int allowed[] = {
    /* waiting */
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_pwait2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(restart_syscall),
    /* sockets that are open, and other descriptors */
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(shutdown),
    SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    /* time and chance */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    /* itself */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_yield),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

static const int deadly[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
};

#define RULES(list) (sizeof(list) / sizeof(list)[0])

static int
add_plain(scmp_filter_ctx ctx)
{
	int error = 0;

	for (size_t i = 0; i < RULES(allowed) && error == 0; i++)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < RULES(deadly) && error == 0; i++)
		error = seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	return error;
}

/* That an argument is this value, in the bits of the mask. */
static struct scmp_arg_cmp
is(unsigned argument, scmp_datum_t mask, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){.arg = argument,
	    .op = SCMP_CMP_MASKED_EQ,
	    .datum_a = mask,
	    .datum_b = value};
}

static int
add_bound(scmp_filter_ctx ctx, int call, struct scmp_arg_cmp bound)
{
	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, call, 1, &bound);
}

static int
add_sockets(scmp_filter_ctx ctx)
{
	static const unsigned domain[] = {AF_INET, AF_INET6};
	static const unsigned type[] = {SOCK_STREAM, SOCK_DGRAM};
	int error = 0;

	for (unsigned i = 0; i < 4 && error == 0; i++) {
		const struct scmp_arg_cmp bound[] = {
		    is(0, WHOLE, domain[i / 2]), is(1, SOCKET_TYPE_MASK, type[i % 2])};

		error = seccomp_rule_add_array(
		    ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2, bound);
	}
	return error;
}

static int
add_bounded(scmp_filter_ctx ctx)
{
	static const unsigned fcntls[] = {
	    F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC};
	static const unsigned ioctls[] = {FIONBIO, FIONREAD};
	static const int maps[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	int error = 0;

	for (size_t i = 0; i < RULES(fcntls) && error == 0; i++)
		error = add_bound(ctx, SCMP_SYS(fcntl), is(1, WHOLE, fcntls[i]));
	for (size_t i = 0; i < RULES(ioctls) && error == 0; i++)
		error = add_bound(ctx, SCMP_SYS(ioctl), is(1, WHOLE, ioctls[i]));
	for (size_t i = 0; i < RULES(maps) && error == 0; i++)
		error = add_bound(ctx, maps[i], is(2, PROT_EXEC, 0));
	/* abort() of a failed assertion, to itself and nobody else */
	if (error == 0)
		error = add_bound(
		    ctx, SCMP_SYS(tgkill), is(0, WHOLE, (scmp_datum_t)getpid()));
	return error;
}

bool
sandbox_close(struct err *e)
{
	scmp_filter_ctx ctx;
	int error;

	if (SANDBOX_RELAXED)
		return true;
	ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (ctx == NULL)
		return err_set(e, "system-call filter: out of memory");
	error = add_plain(ctx);
	if (error == 0)
		error = add_sockets(ctx);
	if (error == 0)
		error = add_bounded(ctx);
	if (error == 0)
		error = seccomp_load(ctx);
	seccomp_release(ctx);
	return error == 0 || err_set(e, "system-call filter: %s", strerror(-error));
}
