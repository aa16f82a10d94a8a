/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger can make this server do little: a datagram is read into a fixed buffer, a
 * connection may be idle for ten seconds, at most 64 are open, and one that does not
 * read its answers is not read from.
 */
#include "tests/lab/dns.h"
#include "tests/lab/address.h"
#include "tests/lab/answer.h"
#include "tests/lab/heap.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 64, /* datagrams in one go, so that TCP and HTTP get their turn */
	CONNECTIONS_MAX = 64,
	IDLE_S = 10,
	BACKLOG_BYTES = 256 * 1024,
	PORT_TRIES = 20,
};

struct dns {
	struct lab *lab;
	size_t server;
	struct event_base *base;
	int udp;
	struct event *udp_event;
	struct evconnlistener *tcp;
	struct connection *connections;
	size_t connections_n;
	char address[ADDRESS_BYTES];
};

struct connection {
	struct dns *dns;
	struct bufferevent *bev;
	struct connection *next, **at; /* in the list of its server */
};

static void
on_datagram(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t query[ANSWER_QUERY_MAX + 1], out[ANSWER_BYTES];
	struct dns *d = arg;
	struct sockaddr_storage from;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		socklen_t from_len = sizeof from;
		ssize_t got = recvfrom(
		    fd, query, sizeof query, 0, (struct sockaddr *)&from, &from_len);

		if (got < 0)
			return;
		if (got > ANSWER_QUERY_MAX)
			continue;
		size_t n =
		    answer_query(d->lab, d->server, query, (size_t)got, false, out);
		if (n > 0)
			(void)sendto(fd, out, n, 0, (struct sockaddr *)&from, from_len);
	}
}

static void
connection_free(struct connection *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	c->dns->connections_n--;
	bufferevent_free(c->bev);
	free(c);
}

/* Takes one whole message; 1: answered, 0: not all there yet, -1: close. */
static int
serve_message(struct connection *c)
{
	static uint8_t query[2 + ANSWER_QUERY_MAX], out[2 + ANSWER_BYTES];
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t bytes, n;

	if (evbuffer_copyout(in, query, 2) < 2)
		return 0;
	bytes = (size_t)query[0] << 8 | query[1];
	if (bytes == 0 || bytes > ANSWER_QUERY_MAX)
		return -1;
	if (evbuffer_get_length(in) < bytes + 2)
		return 0;
	evbuffer_remove(in, query, bytes + 2);
	n = answer_query(c->dns->lab, c->dns->server, query + 2, bytes, true, out + 2);
	if (n == 0)
		return -1;
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	bufferevent_write(c->bev, out, n + 2);
	return 1;
}

static void
on_readable(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	int served = 1;

	while (served > 0) {
		if (evbuffer_get_length(bufferevent_get_output(bev)) > BACKLOG_BYTES) {
			bufferevent_disable(bev, EV_READ);
			return;
		}
		served = serve_message(c);
	}
	if (served < 0)
		connection_free(c);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	if ((bufferevent_get_enabled(bev) & EV_READ) != 0)
		return;
	bufferevent_enable(bev, EV_READ);
	on_readable(bev, arg);
}

static void
on_connection_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)what; /* closed, failed, or idle for too long */
	connection_free(arg);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
    int from_len, void *arg)
{
	struct timeval idle = {.tv_sec = IDLE_S};
	struct dns *d = arg;
	struct connection *c;

	(void)listener, (void)from, (void)from_len;
	if (d->connections_n == CONNECTIONS_MAX ||
	    d->lab->faults.servers[d->server].mode == SERVER_OFF) {
		close(fd);
		return;
	}
	c = heap_zero(sizeof *c);
	c->dns = d;
	c->bev = bufferevent_socket_new(d->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		abort();
	c->next = d->connections;
	c->at = &d->connections;
	if (c->next != NULL)
		c->next->at = &c->next;
	d->connections = c;
	d->connections_n++;
	bufferevent_setcb(c->bev, on_readable, on_written, on_connection_event, c);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 + ANSWER_QUERY_MAX);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static int
bound_socket(int type, struct sockaddr *at, socklen_t len)
{
	int fd = socket(at->sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -1;
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, at, len) != 0 || (type == SOCK_STREAM && listen(fd, 64) != 0)) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

/* Binds UDP and then TCP to the same port; *tcp is -1 when that port is taken. */
static bool
bind_pair(const struct sockaddr_storage *want, socklen_t len, int *udp, int *tcp,
    struct sockaddr_storage *got)
{
	socklen_t got_len = sizeof *got;

	memcpy(got, want, sizeof *got);
	*udp = bound_socket(SOCK_DGRAM, (struct sockaddr *)got, len);
	if (*udp < 0)
		return false;
	*tcp = getsockname(*udp, (struct sockaddr *)got, &got_len) == 0
	    ? bound_socket(SOCK_STREAM, (struct sockaddr *)got, len)
	    : -1;
	if (*tcp >= 0)
		return true;
	int saved = errno;
	close(*udp);
	errno = saved;
	return false;
}

static bool
open_sockets(struct dns *d, const char *address, int *tcp, char why[DNS_WHY_BYTES])
{
	struct sockaddr_storage want, got;
	socklen_t len;
	bool bound = false;

	if (!address_parse(address, &want, &len)) {
		snprintf(why, DNS_WHY_BYTES, "\"%.60s\" is not an address and port",
		    address);
		return false;
	}
	/* A free UDP port may be taken for TCP: with port 0, try another. */
	for (int i = 0; i < PORT_TRIES && !bound; i++)
		bound = bind_pair(&want, len, &d->udp, tcp, &got);
	if (!bound) {
		snprintf(why, DNS_WHY_BYTES, "cannot bind %.60s: %s", address,
		    strerror(errno));
		return false;
	}
	address_format(&got, d->address);
	return true;
}

struct dns *
dns_new(struct event_base *base, struct lab *lab, size_t server, const char *address,
    char why[DNS_WHY_BYTES])
{
	struct dns *d = heap_zero(sizeof *d);
	int tcp = -1;

	d->lab = lab;
	d->server = server;
	d->base = base;
	if (!open_sockets(d, address, &tcp, why)) {
		free(d);
		return NULL;
	}
	d->udp_event = event_new(base, d->udp, EV_READ | EV_PERSIST, on_datagram, d);
	d->tcp = evconnlistener_new(
	    base, on_accept, d, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, tcp);
	if (d->udp_event == NULL || d->tcp == NULL ||
	    event_add(d->udp_event, NULL) != 0)
		abort();
	return d;
}

void
dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	while (d->connections != NULL)
		connection_free(d->connections);
	event_free(d->udp_event);
	evconnlistener_free(d->tcp);
	close(d->udp);
	free(d);
}

const char *
dns_address(const struct dns *d)
{
	return d->address;
}
