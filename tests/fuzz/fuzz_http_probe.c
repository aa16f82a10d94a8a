/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An HTTP answer to a probe, through the real adapter of curl and the real rules, on
 * a connection of its own: no Location is followed, so nothing leaves the machine.
 *
 * The first byte chooses the check: HEAD or GET, with `contains`, `matches`, or
 * redirects allowed. The server's side is closed behind the last byte.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/http_curl.h"
#include "probe/http_rule.h"
#include "tests/fuzz/fuzz.h"

#define ANSWER_MAX (128 * 1024) /* what a connection holds without a reader */

struct answer {
	struct http_rule rule;
	struct probe_result result;
	char body[CHECK_BODY_BYTES];
	size_t body_bytes, header_bytes;
	bool located, judged, over;
	struct connect connect;
	struct web_request *request;
	struct web_exchange *exchange;
};

static int listener = -1;
static struct event_base *base;
static struct web *web;

static bool
on_header(void *arg, const char *line, size_t bytes, uint32_t status)
{
	struct answer *a = arg;
	struct web_url url;
	char text[512];

	a->header_bytes += bytes;
	if (bytes > 10 && strncmp(line, "Location: ", 10) == 0) {
		size_t n = bytes - 10 < sizeof text ? bytes - 10 : sizeof text - 1;

		memcpy(text, line + 10, n);
		text[n] = '\0';
		text[strcspn(text, "\r\n")] = '\0';
		a->located = true;
		if (web_url_join(&url, "http://www.example.com:8080/a/b?c", text) &&
		    (url.port == 0 || url.host[0] == '\0' ||
			strlen(url.text) >= sizeof url.text))
			abort();
	}
	if (bytes <= 2 && status >= 200 && !a->judged) {
		a->judged = true;
		return http_rule_judge_head(
			   &a->rule, status, a->located, 0, &a->result) == HTTP_MORE;
	}
	return a->header_bytes < 16384;
}

static bool
on_body(void *arg, const char *data, size_t bytes)
{
	struct answer *a = arg;
	size_t room = sizeof a->body - a->body_bytes;

	memcpy(a->body + a->body_bytes, data, bytes < room ? bytes : room);
	a->body_bytes += bytes < room ? bytes : room;
	return http_rule_judge_body(
		   &a->rule, a->body, a->body_bytes, false, &a->result) == HTTP_MORE;
}

static void
on_end(void *arg, const struct probe_result *failure)
{
	struct answer *a = arg;

	if (failure == NULL &&
	    http_rule_judge_body(&a->rule, a->body, a->body_bytes, true, &a->result) ==
		HTTP_MORE)
		abort();
	if (failure != NULL && failure->outcome == OUTCOME_PASS)
		abort();
	a->over = true;
}

static const struct web_reader reader = {on_header, on_body, on_end};

static void
begin(void)
{
	struct err e;

	base = event_base_new();
	web = web_new(base, "pointsman/fuzz", &e);
	if (web == NULL)
		abort();
}

static void
on_connect(void *arg, int fd, int error)
{
	struct answer *a = arg;

	(void)fd;
	if (error != 0)
		abort();
	a->exchange = web_start(web, a->request, &a->connect, &reader, a);
	if (a->exchange == NULL)
		abort();
}

static uint16_t
listen_once(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_bytes = sizeof at;
	int room = ANSWER_MAX * 4;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0) {
		listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (listener < 0 ||
		    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) <
			0 ||
		    bind(listener, (void *)&at, sizeof at) < 0 ||
		    listen(listener, 16) < 0)
			abort();
	}
	if (getsockname(listener, (void *)&at, &at_bytes) < 0)
		abort();
	return ntohs(at.sin_port);
}

/* Two ends of a connection on loopback, ours as the prober's own are. */
static int
connect_pair(struct answer *a)
{
	static const struct connect_from anywhere = {.any = true};
	struct address to;
	struct probe_result r;
	int theirs;

	a->connect.stays = true;
	if (!address_parse(&to, "127.0.0.1") ||
	    !connect_start(
		&a->connect, base, &to, listen_once(), &anywhere, on_connect, a, &r))
		abort();
	theirs = accept(listener, NULL, NULL);
	if (theirs < 0)
		abort();
	return theirs;
}

/* The far end: all is said at once, and then it is closed for writing. */
static void
say(int fd, const uint8_t *data, size_t n)
{
	(void)!send(fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct check_http check = {.path = "/healthz",
	    .method = "GET",
	    .host = "www.example.com",
	    .headers = "X-Probe: fuzz\n",
	    .statuses = 1,
	    .status = {{200, 299}}};
	static const struct web_side nothing;
	static struct answer a;
	struct err e;

	if (n < 1 || n > ANSWER_MAX)
		return 0;
	if (base == NULL)
		begin();
	if (data[0] & 1)
		strcpy(check.method, "HEAD");
	if (data[0] & 2)
		strcpy(check.contains, "ready");
	if (data[0] & 4)
		strcpy(check.matches, "^(ok|ready)$");
	check.redirects = (data[0] & 8) ? 2 : 0;
	memset(&a, 0, sizeof a);
	if (!http_rule_init(&a.rule, &check, &e))
		abort();
	a.request =
	    web_request_new(&check, "http://www.example.com/healthz", true, &nothing);
	if (a.request == NULL)
		abort();
	int theirs = connect_pair(&a);
	say(theirs, data + 1, n - 1);
	while (!a.over)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			abort();
	(void)close(theirs);
	web_request_free(a.request);
	http_rule_fini(&a.rule);
	return 0;
}
