/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fewer jobs at once than the runner has places; what does not fit into the socket stays
 * with the caller. Nothing of the agent's queues (jobs.c) is needed.
 */
#include "steering/agent/exec_once.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT_ONCE 32

bool
exec_once_open(struct exec_once *x, struct err *e)
{
	struct runner_msg hello = {.kind = RUNNER_HELLO, .protocol = RUNNER_PROTOCOL};

	*x = (struct exec_once){.fd = -1};
	if (!runner_spawn(NULL, &x->fd, &x->pid, e)) {
		x->fd = -1;
		return false;
	}
	if (send(x->fd, &hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello)
		return true;
	exec_once_close(x);
	return err_set(e, "the runner ended: it could not drop its privileges");
}

void
exec_once_close(struct exec_once *x)
{
	if (x->fd < 0)
		return;
	(void)close(x->fd);
	x->fd = -1;
	while (waitpid(x->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool
exec_once_has_room(const struct exec_once *x)
{
	return x->ready && !x->full && x->running < AT_ONCE;
}

bool
exec_once_start(struct exec_once *x, const struct runner_msg *m)
{
	x->full = send(x->fd, m, sizeof *m, MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)sizeof *m;
	if (x->full)
		return false;
	x->running++;
	return true;
}

bool
exec_once_hear(struct exec_once *x, struct runner_event *ev, bool *gone)
{
	for (;;) {
		ssize_t n = recv(x->fd, ev, sizeof *ev, MSG_DONTWAIT);

		*gone = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
		if (n != (ssize_t)sizeof *ev)
			return false;
		x->ready = true;
		if (ev->kind != RUNNER_ENDED)
			continue;
		x->running--;
		return true;
	}
}
