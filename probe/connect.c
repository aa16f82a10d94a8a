/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own connect() under both kinds of check, also under curl: the errno arrives
 * untouched, so that blame is exact; a black-holed address costs one small struct and
 * no curl handle; and the connection costs what the bare system calls cost.
 *
 * Every probe socket has SO_LINGER {1, 0}: close() answers with RST. Whoever closes a
 * connection first keeps it for a minute in TIME_WAIT; at 5,000 probes a second that
 * would be 300,000 dead connections in the kernel, and local ports that run out. We
 * close only when all that we wanted has been read, so that the reset loses nothing.
 * (Health checkers commonly do this; shutdown() first would bring the state back.)
 *
 * Where we speak first, the handshake's last ACK is held back until we do (TCP_QUICKACK
 * off; within 40 ms it goes alone): a packet less, and the other side is woken once, with
 * something to read. A check that only connects finishes its handshake: half of one is
 * what port scanners do.
 *
 * A connection that stays is put into epoll once, for both directions and
 * edge-triggered: most answers come in one piece, so that "connected", "the answer is
 * there" and the close need no other call.
 */
#include "probe/connect.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#define WHILE_IT_STAYS (EV_READ | EV_WRITE | EV_ET | EV_PERSIST)

static void
on_event(evutil_socket_t sock, short what, void *arg)
{
	struct connect *c = arg;
	int fd = c->fd, error = 0;
	socklen_t size = sizeof error;

	(void)sock;
	c->readable = c->readable || (what & EV_READ) != 0;
	if (c->up) {
		c->ready(c->ready_arg, what);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	c->up = error == 0 && c->stays;
	if (!c->up) {
		if (c->stays)
			(void)event_del(&c->ev);
		c->fd = -1;
	}
	if (error != 0) {
		(void)close(fd);
		fd = -1;
	}
	c->done(c->arg, fd, error);
}

bool
connect_bind(
    int fd, const struct connect_from *from, uint8_t family, struct probe_result *r)
{
	struct sockaddr_storage local;
	socklen_t size;
	int yes = 1;

	if (from->any)
		return true;
	if (from->address.family != family) {
		result_local(r, "the check's source is IPv%d, the address is not",
		    from->address.family == FAMILY_V4 ? 4 : 6);
		return false;
	}
	/* Without this, bind() takes a port for itself whatever the other end is. */
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
	size = address_to_sockaddr(&from->address, 0, &local);
	if (bind(fd, (struct sockaddr *)&local, size) == 0)
		return true;
	result_from_connect(r, errno, true);
	return false;
}

bool
connect_start(struct connect *c, struct event_base *base, const struct address *to,
    uint16_t port, const struct connect_from *from, connect_done_fn *done, void *arg,
    struct probe_result *r)
{
	static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	static const int no = 0;
	struct sockaddr_storage remote;
	socklen_t size = address_to_sockaddr(to, port, &remote);
	int fd;

	assert(port != 0);
	c->fd = -1;
	fd = socket(remote.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		result_from_connect(r, errno, true);
		return false;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	if (c->speaks)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &no, sizeof no);
	if (!connect_bind(fd, from, to->family, r))
		goto out;
	if (connect(fd, (struct sockaddr *)&remote, size) < 0 && errno != EINPROGRESS) {
		result_from_connect(r, errno, true);
		goto out;
	}
	c->fd = fd;
	c->up = c->readable = false;
	c->done = done;
	c->arg = arg;
	/* Also a connection that is up already is told later, in its turn. */
	(void)event_assign(
	    &c->ev, base, fd, c->stays ? WHILE_IT_STAYS : EV_WRITE, on_event, c);
	if (event_add(&c->ev, NULL) == 0)
		return true;
	c->fd = -1;
	result_local(r, "cannot watch a socket: out of memory");
out:
	(void)close(fd);
	return false;
}

void
connect_tell(struct connect *c, connect_ready_fn *ready, void *arg)
{
	assert(c->stays && c->up);
	c->ready = ready;
	c->ready_arg = arg;
}

void
connect_watch(struct connect *c, short what)
{
	struct event_base *base = event_get_base(&c->ev);

	(void)event_del(&c->ev);
	if (what == 0)
		return;
	(void)event_assign(
	    &c->ev, base, c->fd, (short)(what | EV_PERSIST), on_event, c);
	(void)event_add(&c->ev, NULL);
}

void
connect_cancel(struct connect *c)
{
	if (c->fd < 0)
		return;
	(void)event_del(&c->ev);
	(void)close(c->fd);
	c->fd = -1;
}
