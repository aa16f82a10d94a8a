/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tool_prober - drives one prober worker from lines on standard input and prints its
 * events as lines; the worker is this program again (argv[1] "prober").
 *
 *   hello [seed=N] [once=1] [ns=ip:port] [protocol=N]
 *   target id=N host=H port=N [kind=tcp] [every=MS] [timeout=MS] [recheck=MS] …
 *   result id=N slot=N ticket=N outcome=N (0 unknown, 1 pass, 2 fail)
 *   drop id=N · go · pause (read no events) · resume · quit
 *   count (from now on samples are counted, not printed) · counted (how many since)
 *
 * Values end at a space; %HH in them is decoded.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe/prober.h"

static bool counting;
static unsigned long long counted[3]; /* by outcome */

static void
decode(char *text)
{
	char *to = text;

	for (; *text != '\0'; text++) {
		unsigned byte;

		if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static void
put(char *to, size_t room, const char *text)
{
	(void)snprintf(to, room, "%s", text);
}

static void
set_http(struct check_http *h, const char *key, const char *value)
{
	unsigned low, high;

	if (strcmp(key, "https") == 0)
		h->https = atoi(value);
	else if (strcmp(key, "method") == 0)
		put(h->method, sizeof h->method, value);
	else if (strcmp(key, "path") == 0)
		put(h->path, sizeof h->path, value);
	else if (strcmp(key, "vhost") == 0)
		put(h->host, sizeof h->host, value);
	else if (strcmp(key, "headers") == 0)
		put(h->headers, sizeof h->headers, value);
	else if (strcmp(key, "contains") == 0)
		put(h->contains, sizeof h->contains, value);
	else if (strcmp(key, "matches") == 0)
		put(h->matches, sizeof h->matches, value);
	else if (strcmp(key, "verify") == 0)
		h->verify = atoi(value);
	else if (strcmp(key, "ca") == 0)
		put(h->ca, sizeof h->ca, value);
	else if (strcmp(key, "cert") == 0)
		put(h->cert, sizeof h->cert, value);
	else if (strcmp(key, "key") == 0)
		put(h->key, sizeof h->key, value);
	else if (strcmp(key, "min_days") == 0)
		h->min_days = (uint32_t)atoi(value);
	else if (strcmp(key, "redirects") == 0)
		h->redirects = (uint32_t)atoi(value);
	else if (strcmp(key, "status") == 0 && sscanf(value, "%u-%u", &low, &high) == 2)
		h->status[0] =
		    (struct check_status_range){(uint16_t)low, (uint16_t)high};
	else
		fprintf(stderr, "tool_prober: unknown key %s\n", key), exit(64);
}

/* False: it is none of its keys. */
static bool
set_dns(struct check_dns *d, const char *key, const char *value)
{
	if (strcmp(key, "name") == 0)
		put(d->name, sizeof d->name, value);
	else if (strcmp(key, "type") == 0)
		d->type = (uint32_t)atoi(value);
	else if (strcmp(key, "rcode") == 0)
		d->rcode = (uint32_t)atoi(value);
	else if (strcmp(key, "holds") == 0)
		put(d->contains, sizeof d->contains, value);
	else if (strcmp(key, "answer") == 0)
		put(d->answer[d->answers++], CHECK_TEXT_MAX, value);
	else
		return false;
	return true;
}

static void
set(struct prober_msg *m, const char *key, const char *value)
{
	struct check_spec *c = &m->check;
	uint64_t number = strtoull(value, NULL, 10);

	if (strcmp(key, "id") == 0)
		m->id = (uint32_t)number;
	else if (strcmp(key, "seed") == 0)
		m->seed = number;
	else if (strcmp(key, "once") == 0)
		m->once = number != 0;
	else if (strcmp(key, "protocol") == 0)
		m->protocol = (uint32_t)number;
	else if (strcmp(key, "ns") == 0)
		put(m->nameservers, sizeof m->nameservers, value);
	else if (strcmp(key, "host") == 0)
		put(m->host, sizeof m->host, value);
	else if (strcmp(key, "port") == 0)
		m->port = (uint16_t)number;
	else if (strcmp(key, "families") == 0) {
		m->families[FAMILY_V4] = strchr(value, '4') != NULL;
		m->families[FAMILY_V6] = strchr(value, '6') != NULL;
	} else if (strcmp(key, "kind") == 0)
		c->kind = strcmp(value, "tcp") == 0 ? CHECK_TCP
		    : strcmp(value, "dns") == 0     ? CHECK_DNS
		    : strcmp(value, "exec") == 0    ? CHECK_EXEC
						    : CHECK_HTTP;
	else if (strcmp(key, "slot") == 0)
		m->slot = (uint32_t)number;
	else if (strcmp(key, "ticket") == 0)
		m->ticket = number;
	else if (strcmp(key, "outcome") == 0)
		m->outcome = (uint32_t)number;
	else if (strcmp(key, "every") == 0)
		c->every_ms = number;
	else if (strcmp(key, "timeout") == 0)
		c->timeout_ms = number;
	else if (strcmp(key, "recheck") == 0)
		c->recheck_ms = number;
	else if (strcmp(key, "hedge") == 0)
		c->hedge_ms = number;
	else if (strcmp(key, "slow") == 0)
		c->slow_ms = number;
	else if (strcmp(key, "tls") == 0)
		c->tcp.tls = number != 0;
	else if (strcmp(key, "send") == 0)
		put(c->tcp.send, sizeof c->tcp.send, value);
	else if (strcmp(key, "expect") == 0)
		put(c->tcp.expect, sizeof c->tcp.expect, value);
	else if (strcmp(key, "source") == 0)
		put(c->source, sizeof c->source, value);
	else if (!set_dns(&c->dns, key, value))
		set_http(&c->http, key, value);
}

static void
defaults(struct prober_msg *m, uint32_t kind)
{
	memset(m, 0, sizeof *m);
	m->kind = kind;
	m->seed = 1;
	m->protocol = PROBER_PROTOCOL;
	put(m->user_agent, sizeof m->user_agent, "pointsman/test (here)");
	m->families[FAMILY_V4] = true;
	put(m->check.name, sizeof m->check.name, "web");
	m->check.every_ms = 2000;
	m->check.timeout_ms = 1500;
	m->check.recheck_ms = 500;
	put(m->check.http.method, sizeof m->check.http.method, "GET");
	put(m->check.http.path, sizeof m->check.http.path, "/");
	put(m->check.http.host, sizeof m->check.http.host, "www.example.test");
	m->check.http.statuses = 1;
	m->check.http.status[0] = (struct check_status_range){200, 299};
	m->check.http.verify = true;
}

static void
send_message(int fd, const struct prober_msg *m)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};

	while (!prober_send(fd, m)) {
		if (errno != EAGAIN)
			return; /* the worker's end is told by its events */
		(void)poll(&wait, 1, -1);
	}
}

/* True: the word is for this program alone. */
static bool
is_own(const char *word, bool *paused)
{
	if (strcmp(word, "pause") == 0 || strcmp(word, "resume") == 0) {
		*paused = word[0] == 'p';
	} else if (strcmp(word, "count") == 0) {
		counting = true;
	} else if (strcmp(word, "counted") == 0) {
		printf("counted unknown=%llu pass=%llu fail=%llu\n", counted[0],
		    counted[1], counted[2]);
		memset(counted, 0, sizeof counted);
		(void)fflush(stdout);
	} else {
		return false;
	}
	return true;
}

/* False: the line asks to stop. */
static bool
obey(char *line, int fd, bool *paused)
{
	static const char *const words[] = {
	    [PROBER_HELLO] = "hello",
	    [PROBER_TARGET] = "target",
	    [PROBER_DROP] = "drop",
	    [PROBER_GO] = "go",
	    [PROBER_RESULT] = "result",
	};
	char *save, *word = strtok_r(line, " \n", &save);
	struct prober_msg m;
	uint32_t kind = 0;

	if (word == NULL || strcmp(word, "quit") == 0)
		return word == NULL;
	if (is_own(word, paused))
		return true;
	for (uint32_t i = PROBER_HELLO; i <= PROBER_RESULT; i++) {
		if (strcmp(word, words[i]) == 0)
			kind = i;
	}
	if (kind == 0)
		fprintf(stderr, "tool_prober: unknown word %s\n", word), exit(64);
	defaults(&m, kind);
	while ((word = strtok_r(NULL, " \n", &save)) != NULL) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		decode(value);
		set(&m, word, value);
	}
	put(m.check.tcp.ca, sizeof m.check.tcp.ca, m.check.http.ca);
	put(m.check.tcp.server_name, DNS_NAME_MAX, m.check.http.host);
	m.check.tcp.verify = m.check.http.verify;
	m.check.tcp.min_days = m.check.http.min_days;
	send_message(fd, &m);
	return true;
}

static void
print(const struct probe_event *ev)
{
	static const char *const kinds[] = {
	    [PROBE_READY] = "ready",
	    [PROBE_ADDRESS] = "address",
	    [PROBE_RETIRED] = "retired",
	    [PROBE_SAMPLE] = "sample",
	    [PROBE_RESOLVED] = "resolved",
	    [PROBE_UNRESOLVED] = "unresolved",
	    [PROBE_CROWDED] = "crowded",
	    [PROBE_DUE] = "due",
	    [PROBE_LAG] = "lag",
	};
	static const char *const outcomes[] = {"unknown", "pass", "fail"};

	if (counting && ev->kind == PROBE_SAMPLE && ev->outcome < 3) {
		counted[ev->outcome]++;
		return;
	}
	printf(
	    "%s id=%u slot=%u outcome=%s reason=%s status=%u start_ms=%llu latency_us=%u "
	    "family=%u address=%s ticket=%llu text=%s\n",
	    ev->kind < sizeof kinds / sizeof kinds[0] ? kinds[ev->kind] : "?", ev->id,
	    ev->slot, ev->outcome < 3 ? outcomes[ev->outcome] : "?",
	    probe_reason_word((enum probe_reason)ev->reason), ev->http_status,
	    (unsigned long long)ev->start_ms, ev->latency_us, ev->family, ev->address,
	    (unsigned long long)ev->ticket, ev->text);
}

/* False: the worker closed its end. */
static bool
print_events(int fd)
{
	struct probe_event ev[PROBE_EVENTS_MAX];
	int n = 1;

	for (int i = 0; i < 256 && (n = prober_receive(fd, ev)) > 0; i++) {
		for (int j = 0; j < n; j++)
			print(&ev[j]);
	}
	(void)fflush(stdout);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
drive(int fd)
{
	static char buffer[8192];
	size_t have = 0;
	bool paused = false;

	for (;;) {
		struct pollfd wait[2] = {
		    {.fd = 0, .events = POLLIN},
		    {.fd = paused ? -1 : fd, .events = POLLIN},
		};
		char *end;
		ssize_t n;

		(void)poll(wait, 2, -1);
		if (wait[1].revents != 0 && !print_events(fd))
			return;
		if (wait[0].revents == 0)
			continue;
		n = read(0, buffer + have, sizeof buffer - have - 1);
		if (n <= 0)
			return;
		have += (size_t)n;
		buffer[have] = '\0';
		while ((end = strchr(buffer, '\n')) != NULL) {
			size_t used = (size_t)(end - buffer) + 1;

			*end = '\0';
			if (!obey(buffer, fd, &paused))
				return;
			memmove(buffer, buffer + used, have - used + 1);
			have -= used;
		}
	}
}

int
main(int argc, char **argv)
{
	struct err e;
	int fd, status = 0;
	pid_t pid;

	if (argc == 3 && strcmp(argv[1], "prober") == 0)
		return prober_main(atoi(argv[2]));
	if (!prober_spawn(NULL, &fd, &pid, &e)) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	printf("pid %d\n", (int)pid);
	(void)fflush(stdout);
	drive(fd);
	(void)close(fd);
	(void)waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("ended signal=%d\n", WTERMSIG(status));
	else
		printf("ended exit=%d\n", WEXITSTATUS(status));
	return 0;
}
