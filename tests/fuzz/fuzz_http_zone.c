/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP answer to a call of an API, through the zone floor's own adapter of curl,
 * from a server on loopback in the same process. Every call has a connection of its
 * own; the server says the input and closes. No proxy is asked: the environment that
 * could name one is emptied first.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "steering/zone/http.h"
#include "tests/fuzz/fuzz.h"

#define ANSWER_MAX (128 * 1024)

static struct event_base *base;
static struct http *http;
static char url[64];
static const uint8_t *answer;
static size_t answer_bytes;
static bool over;

/* Answers when the request is there: closing on unread bytes would reset. */
static void
on_request(evutil_socket_t peer, short what, void *arg)
{
	char request[4096];

	(void)what;
	(void)arg;
	(void)!read(peer, request, sizeof request);
	for (size_t at = 0; at < answer_bytes;) {
		ssize_t n = send(peer, answer + at, answer_bytes - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	(void)close(peer);
}

static void
on_connection(evutil_socket_t fd, short what, void *arg)
{
	int peer = accept(fd, NULL, NULL);

	(void)what;
	(void)arg;
	if (peer >= 0 &&
	    event_base_once(base, peer, EV_READ, on_request, NULL, NULL) < 0)
		abort();
}

static void
begin(void)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "AWS_CA_BUNDLE"};
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_bytes = sizeof at;
	int room = ANSWER_MAX * 4, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct err e;

	for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
		(void)unsetenv(proxies[i]);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) < 0 ||
	    bind(fd, (void *)&at, sizeof at) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (void *)&at, &at_bytes) < 0)
		abort();
	(void)snprintf(
	    url, sizeof url, "http://127.0.0.1:%u/2013-04-01/", ntohs(at.sin_port));
	base = event_base_new();
	http = http_new(base, &e);
	struct event *ev =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_connection, NULL);
	if (http == NULL || event_add(ev, NULL) < 0)
		abort();
}

static void
on_response(const struct http_response *r, void *arg)
{
	(void)arg;
	if (r->body_bytes > HTTP_BODY_MAX ||
	    (r->fate == HTTP_ANSWERED &&
		(r->body == NULL || r->body[r->body_bytes] != '\0')) ||
	    (r->fate != HTTP_ANSWERED && r->err.text[0] == '\0'))
		abort();
	over = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct http_request request = {.method = "GET",
	    .url = url,
	    .connect_ms = 1000,
	    .total_ms = 2000,
	    .once = true,
	    .direct = true};
	struct err e;

	if (n > ANSWER_MAX)
		return 0;
	if (base == NULL)
		begin();
	answer = data;
	answer_bytes = n;
	over = false;
	if (http_call_start(http, &request, on_response, NULL, &e) == NULL)
		abort();
	while (!over)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			abort();
	return 0;
}
