/* SPDX-License-Identifier: Apache-2.0 */
/*
 * demo-relay.c - a wire between two agents of the demo, so that it can be cut.
 *
 * Passes TCP on, byte by byte, and looks at none: the agents' TLS is end to end. To cut
 * the wire is to stop this process (SIGSTOP): the kernel goes on taking connections and
 * bytes, nothing comes out at the other end, and nobody is told, as when a switch dies.
 * SIGCONT mends it. So it needs no root and knows no command. It ends on SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WIRES_MAX = 8, ENDS_MAX = 128, BUFFER_BYTES = 16384 };

struct wire {
	struct sockaddr_in from, to;
	int listener;
};

struct end {    /* one socket; what it said waits for its other end in held */
	int fd; /* -1: free */
	unsigned other;
	uint8_t held[BUFFER_BYTES];
	size_t held_bytes;
};

static struct wire wire[WIRES_MAX];
static unsigned wires;
static struct end end[ENDS_MAX];

/* "IP:PORT" up to `until` or the end. */
static bool
address_parse(const char *text, char until, struct sockaddr_in *out)
{
	size_t bytes = strcspn(text, ":");
	char host[32], *rest;

	if (bytes >= sizeof host || text[bytes] != ':')
		return false;
	memcpy(host, text, bytes);
	host[bytes] = '\0';
	memset(out, 0, sizeof *out);
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)strtoul(text + bytes + 1, &rest, 10));
	return *rest == until && inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static bool
wire_open(const char *text)
{
	struct wire *w = &wire[wires];
	const char *equals = strchr(text, '=');
	int on = 1;

	if (wires == WIRES_MAX || equals == NULL ||
	    !address_parse(text, '=', &w->from) ||
	    !address_parse(equals + 1, '\0', &w->to))
		return false;
	w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->listener < 0 ||
	    setsockopt(w->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    bind(w->listener, (struct sockaddr *)&w->from, sizeof w->from) != 0 ||
	    listen(w->listener, 16) != 0)
		return false;
	wires++;
	return true;
}

static unsigned
end_free(unsigned from)
{
	while (from < ENDS_MAX && end[from].fd >= 0)
		from++;
	return from;
}

/* Both ends at once: agents keep a connection or leave it, none is half open. */
static void
pair_close(unsigned i)
{
	unsigned other = end[i].other;

	(void)close(end[i].fd);
	(void)close(end[other].fd);
	end[i].fd = end[other].fd = -1;
}

static void
pair_open(const struct wire *w)
{
	int near = accept4(w->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), far;
	unsigned a = end_free(0), b = end_free(a + 1);

	if (near < 0)
		return;
	far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (far < 0 || b >= ENDS_MAX ||
	    (connect(far, (const struct sockaddr *)&w->to, sizeof w->to) != 0 &&
		errno != EINPROGRESS)) {
		(void)close(near);
		if (far >= 0)
			(void)close(far);
		return;
	}
	end[a].fd = near;
	end[b].fd = far;
	end[a].other = b;
	end[b].other = a;
	end[a].held_bytes = end[b].held_bytes = 0;
}

/* false: the pair is over. */
static bool
end_read(unsigned i)
{
	ssize_t n = recv(end[i].fd, end[i].held, sizeof end[i].held, 0);

	if (n > 0)
		end[i].held_bytes = (size_t)n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* Writes to end i what its other end holds. */
static bool
end_write(unsigned i)
{
	struct end *other = &end[end[i].other];
	ssize_t n = send(end[i].fd, other->held, other->held_bytes, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	other->held_bytes -= (size_t)n;
	memmove(other->held, other->held + n, other->held_bytes);
	return true;
}

static short
end_wishes(const struct end *e)
{
	bool reads = e->held_bytes == 0, writes = end[e->other].held_bytes > 0;

	return (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

static void
turn(void)
{
	struct pollfd p[WIRES_MAX + ENDS_MAX];

	for (unsigned i = 0; i < wires; i++)
		p[i] = (struct pollfd){.fd = wire[i].listener, .events = POLLIN};
	for (unsigned i = 0; i < ENDS_MAX; i++)
		p[wires + i] = (struct pollfd){.fd = end[i].fd,
		    .events = end[i].fd >= 0 ? end_wishes(&end[i]) : (short)0};
	if (poll(p, wires + ENDS_MAX, -1) < 0)
		return;
	for (unsigned i = 0; i < ENDS_MAX; i++) {
		short what = p[wires + i].revents;

		if (what == 0 || end[i].fd < 0)
			continue;
		if (((what & POLLOUT) != 0 && !end_write(i)) ||
		    ((what & POLLIN) != 0 && !end_read(i)) ||
		    ((what & (POLLERR | POLLHUP)) != 0 && (what & POLLIN) == 0))
			pair_close(i);
	}
	for (unsigned i = 0; i < wires; i++)
		if (p[i].revents != 0)
			pair_open(&wire[i]);
}

int
main(int argc, char **argv)
{
	for (unsigned i = 0; i < ENDS_MAX; i++)
		end[i].fd = -1;
	for (int i = 1; i < argc; i++)
		if (!wire_open(argv[i])) {
			(void)fprintf(stderr,
			    "%s: '%s' is no wire that can be laid: %s\n", argv[0],
			    argv[i], strerror(errno));
			return 1;
		}
	if (wires == 0) {
		(void)fprintf(stderr, "usage: %s IP:PORT=IP:PORT...\n", argv[0]);
		return 2;
	}
	for (;;)
		turn();
}
