/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sources of credentials answer, through the sources themselves. The first byte
 * of an input chooses the source, the rest is what it answers:
 *
 *   w, r  STS, for web identity and for a role: an XML body, with status 200
 *   W, R  the same with status 403
 *   c     the container's endpoint: a JSON body
 *   i     the instance's metadata: three bodies (token, name of a role, JSON) with the
 *         byte 0x1e between them
 *   p     a credential_process: what it prints, through a real process (slow)
 *   j     the same text to the parser alone (fast)
 *
 * A server in this process answers on loopback, each call on a connection of its own.
 * What is found must be whole; what is bad must have a sentence; and no sentence may
 * hold MARK, which stands where the corpus has its secrets.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "steering/zone/credentials_source.h"
#include "steering/zone/http.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX (96 * 1024)
#define PATIENCE_MS 2000
#define BETWEEN 0x1e
#define MARK "MARKED0SECRET"
#define ROLE "arn:aws:iam::123456789012:role/steer"

static struct event_base *base;
static struct http *http;
static int printed = -1; /* what the process prints, in memory */
static char command[64];
static const uint8_t *answer, *end;
static const char *status_line;
static bool over;
static char mode;

/* The next body: up to BETWEEN where there are several, else all. */
static size_t
body_bytes(void)
{
	const uint8_t *between =
	    mode == 'i' ? memchr(answer, BETWEEN, (size_t)(end - answer)) : NULL;

	return (size_t)((between != NULL ? between : end) - answer);
}

static void
send_all(int peer, const void *data, size_t n)
{
	for (const char *at = data; n > 0;) {
		ssize_t sent = send(peer, at, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		at += sent;
		n -= (size_t)sent;
	}
}

/* Answers when the request is there: closing on unread bytes would reset. */
static void
on_request(evutil_socket_t peer, short what, void *arg)
{
	char request[8192], head[160];
	size_t n = body_bytes();

	(void)what;
	(void)arg;
	(void)!read(peer, request, sizeof request);
	int head_bytes = snprintf(head, sizeof head,
	    "HTTP/1.1 %s\r\nDate: Tue, 24 Nov 2026 10:00:00 GMT\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    status_line, n);
	send_all(peer, head, (size_t)head_bytes);
	send_all(peer, answer, n);
	answer += n;
	answer += answer < end; /* over BETWEEN */
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

static uint16_t
listen_on_loopback(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t at_bytes = sizeof at;
	int room = INPUT_BYTES_MAX * 4;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room) < 0 ||
	    bind(fd, (void *)&at, sizeof at) < 0 || listen(fd, 16) < 0 ||
	    getsockname(fd, (void *)&at, &at_bytes) < 0)
		abort();
	struct event *ev =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_connection, NULL);
	if (ev == NULL || event_add(ev, NULL) < 0)
		abort();
	return ntohs(at.sin_port);
}

static void
point(const char *name, const char *format, unsigned number)
{
	char value[128];

	/* Formats are this file's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(value, sizeof value, format, number);
#pragma GCC diagnostic pop
	if (setenv(name, value, 1) != 0)
		abort();
}

static void
begin(void)
{
	static const char *const proxies[] = {"http_proxy", "https_proxy",
	    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "all_proxy", "AWS_CA_BUNDLE",
	    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"};
	int token = memfd_create("token", MFD_CLOEXEC);
	struct err e;

	for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++)
		(void)unsetenv(proxies[i]);
	base = event_base_new();
	http = http_new(base, &e);
	printed = memfd_create("printed", MFD_CLOEXEC);
	if (http == NULL || token < 0 || printed < 0 || write(token, "t", 1) != 1)
		abort();
	unsigned port = listen_on_loopback();
	point("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:%u", port);
	point("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:%u", port);
	point("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:%u/v2", port);
	point("AWS_WEB_IDENTITY_TOKEN_FILE", "/proc/self/fd/%u", (unsigned)token);
	point("AWS_ROLE_ARN", ROLE, 0);
	(void)snprintf(
	    command, sizeof command, "/bin/cat /proc/%d/fd/%d", (int)getpid(), printed);
}

static bool
is_whole(const char *value, size_t room)
{
	size_t n = strnlen(value, room);

	for (size_t i = 0; i < n; i++)
		if (value[i] <= ' ' || value[i] > '~')
			return false;
	return n > 0 && n < room;
}

static void
check_found(const struct credentials_got *got)
{
	const struct credentials *w = &got->who;

	if (!is_whole(w->access_key, sizeof w->access_key) ||
	    !is_whole(w->secret_key, sizeof w->secret_key) ||
	    (w->session_token[0] != '\0' &&
		!is_whole(w->session_token, sizeof w->session_token)) ||
	    w->source[0] == '\0' || strstr(w->source, MARK) != NULL)
		abort();
	/* Only a process may give what never ends. */
	if (strchr("wrci", mode) != NULL &&
	    (got->expires_wall_s == 0 || got->now_wall_s == 0))
		abort();
	if (strchr("wr", mode) != NULL && w->session_token[0] == '\0')
		abort();
}

static void
on_got(struct credentials_got *got, void *arg)
{
	(void)arg;
	if (got->found == CREDENTIALS_FOUND)
		check_found(got);
	else if (got->err.text[0] == '\0')
		abort();
	/* STS's own errors and the role that it answered for are quoted. */
	if (strchr("cipj", mode) != NULL && strstr(got->err.text, MARK) != NULL)
		abort();
	over = true;
}

static void
parse_alone(const uint8_t *data, size_t n)
{
	struct credentials_got got = {.found = CREDENTIALS_FOUND};

	if (!credentials_reply_json(
		&got, (const char *)data, n, "SessionToken", "it", &got.err))
		got.found = CREDENTIALS_BAD;
	on_got(&got, NULL);
}

static struct credentials_fetch *
start(const uint8_t *data, size_t n, struct err *e)
{
	const struct credentials_help help = {
	    .base = base, .http = http, .patience_ms = PATIENCE_MS, .region = ""};
	const struct credentials signer = {
	    .access_key = "AKID", .secret_key = "secret", .source = "test"};

	switch (mode) {
	case 'r':
	case 'R':
		return credentials_role_start(
		    &help, &signer, ROLE, "", on_got, NULL, e);
	case 'c':
		return credentials_container_start(&help, on_got, NULL, e);
	case 'i':
		return credentials_instance_start(&help, on_got, NULL, e);
	case 'p':
		if (ftruncate(printed, 0) < 0 ||
		    pwrite(printed, data, n, 0) != (ssize_t)n)
			abort();
		return credentials_process_start(
		    &help, command, "credential_process", on_got, NULL, e);
	default:
		return credentials_web_start(&help, on_got, NULL, e);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = {""};

	if (n == 0 || n > INPUT_BYTES_MAX || strchr("wWrRcipj", data[0]) == NULL ||
	    data[0] == '\0')
		return 0;
	if (base == NULL)
		begin();
	mode = (char)data[0];
	answer = data + 1;
	end = data + n;
	status_line = mode == 'W' || mode == 'R' ? "403 Forbidden" : "200 OK";
	over = false;
	if (mode == 'j')
		parse_alone(data + 1, n - 1);
	else if (start(data + 1, n - 1, &e) == NULL)
		abort();
	while (!over)
		if (event_base_loop(base, EVLOOP_ONCE) != 0)
			abort();
	return 0;
}
