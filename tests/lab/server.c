/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded: headers 16 kB, bodies 1 MiB, 30 s of silence, and accepting pauses while too
 * many files are open. (libevent's own callback for a failed accept comes too late, and
 * under evhttp with the wrong argument.)
 */
#include "tests/lab/server.h"
#include "tests/lab/address.h"
#include "tests/lab/heap.h"
#include "tests/lab/visit.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	HEADERS_BYTES = 16 * 1024,
	BODY_BYTES = 1024 * 1024,
	IDLE_S = 30,
	PAUSE_MS = 100, /* before accepting, or binding, is tried again */
};

struct server {
	struct front front;
	struct evhttp *http;
	struct evhttp_bound_socket *bound; /* NULL while connections are refused */
	struct event *listen_timer;
	int files_max; /* accepting pauses when so many are open */
	char host[ADDRESS_BYTES];
	uint16_t port;
	char address[ADDRESS_BYTES];
};

static void
wait_ms(struct server *s, uint64_t ms)
{
	struct timeval wait = {
	    .tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	event_add(s->listen_timer, &wait);
}

/* Stops listening for a while; what is connected already meets an outage. */
static void
begin_refusing(struct server *s)
{
	struct faults *f = &s->front.lab->faults;
	uint64_t ms = f->refuse_ms;

	f->refuse_ms = 0;
	if (s->bound != NULL)
		evhttp_del_accept_socket(s->http, s->bound);
	s->bound = NULL;
	f->outage = true;
	f->outage_until_ms = lab_now_ms() + ms;
	wait_ms(s, ms);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct server *s = arg;

	visit_serve(&s->front, req);
	if (s->front.lab->faults.refuse_ms > 0)
		begin_refusing(s);
}

/* The lowest free descriptor tells how many are open. */
static bool
has_room(const struct server *s)
{
	int next = dup(evhttp_bound_socket_get_fd(s->bound));

	if (next < 0)
		return false;
	close(next);
	return next < s->files_max;
}

/* Called for each new connection; libevent makes the bufferevent itself. */
static struct bufferevent *
on_accepted(struct event_base *base, void *arg)
{
	struct server *s = arg;

	(void)base;
	if (s->bound != NULL && !has_room(s)) {
		evconnlistener_disable(evhttp_bound_socket_get_listener(s->bound));
		wait_ms(s, PAUSE_MS);
	}
	return NULL;
}

/* False: the port cannot be bound. */
static bool
start_listening(struct server *s)
{
	s->bound = evhttp_bind_socket_with_handle(s->http, s->host, s->port);
	return s->bound != NULL;
}

static void
listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd, (void)what;
	if (s->bound == NULL ? start_listening(s) : has_room(s))
		evconnlistener_enable(evhttp_bound_socket_get_listener(s->bound));
	else
		wait_ms(s, PAUSE_MS); /* somebody took the port, or there is no room */
}

/* Keeps the port that was picked, so that refusing can come back to it. */
static void
note_port(struct server *s)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof at;

	if (getsockname(evhttp_bound_socket_get_fd(s->bound), (struct sockaddr *)&at,
		&len) != 0)
		abort();
	s->port = address_port(&at);
	address_format(&at, s->address);
}

struct server *
server_new(struct event_base *base, struct lab *lab, const char *address, int files_max,
    char why[SERVER_WHY_BYTES])
{
	struct server *s = heap_zero(sizeof *s);
	struct sockaddr_storage at;
	socklen_t len;

	s->front.lab = lab;
	s->front.base = base;
	s->files_max = files_max;
	if (!address_parse(address, &at, &len)) {
		snprintf(why, SERVER_WHY_BYTES, "\"%.60s\" is not an address and port",
		    address);
		free(s);
		return NULL;
	}
	address_host(&at, s->host);
	s->port = address_port(&at);
	s->http = evhttp_new(base);
	s->listen_timer = evtimer_new(base, listen_again, s);
	if (s->http == NULL || s->listen_timer == NULL)
		abort();
	evhttp_set_max_headers_size(s->http, HEADERS_BYTES);
	evhttp_set_max_body_size(s->http, BODY_BYTES);
	evhttp_set_timeout(s->http, IDLE_S);
	evhttp_set_bevcb(s->http, on_accepted, s);
	evhttp_set_gencb(s->http, on_request, s);
	if (!start_listening(s)) {
		snprintf(why, SERVER_WHY_BYTES, "cannot bind %.60s: %s", address,
		    strerror(errno));
		server_free(s);
		return NULL;
	}
	note_port(s);
	return s;
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	held_clear(&s->front.held);
	evhttp_free(s->http);
	event_free(s->listen_timer);
	free(s);
}

const char *
server_address(const struct server *s)
{
	return s->address;
}
