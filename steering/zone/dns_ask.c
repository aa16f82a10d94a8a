/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One c-ares channel for one question: the servers belong to a channel, each question
 * here has a server of its own, and a fresh channel costs microseconds and brings a
 * fresh source port. Host names of servers go through probe/'s resolver, the system's
 * way. c-ares calls back from inside its own functions, where a channel may not be
 * destroyed: what it says is kept, and told by a timer of zero.
 *
 * Two tries in the time allowed, then TCP when the answer was cut; nothing repeats
 * beyond that. Questions ask for recursion, because for a private zone the server is
 * a resolver; a zone's own server ignores the wish.
 */
#include "steering/zone/provider.h"

#include <ares.h>
#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "probe/resolve.h"

#define EDNS_BYTES 1232 /* never fragmented */
#define TRIES 2
#define SERVERS_MAX 4 /* addresses of one host name */
#define HEADER_BYTES 12

struct question;

struct watch {
	struct watch *next;
	struct event *event;
	ares_socket_t fd;
};

struct dns_ask {
	struct event_base *base;
	struct resolver *resolver; /* made when a host name is first asked */
	struct question *questions;
};

struct question {
	struct dns_ask *d;
	struct question *next, **link;
	ares_channel channel;
	struct event *tick;     /* c-ares's own timeouts */
	struct event *deadline; /* the whole patience; then at once, to tell */
	struct watch *watches;
	struct resolve_query *lookup[FAMILIES];
	uint64_t timeout_ms;
	char host[DNS_NAME_MAX], name[DNS_NAME_MAX];
	unsigned port;
	char servers[SERVERS_MAX * 72];
	unsigned server_count;
	bool done;
	struct dns_ask_answer answer;
	dns_ask_cb cb;
	void *arg;
};

static void
free_watches(struct question *q)
{
	while (q->watches != NULL) {
		struct watch *w = q->watches;

		q->watches = w->next;
		event_free(w->event);
		free(w);
	}
}

static void
free_question(struct question *q)
{
	*q->link = q->next;
	if (q->next != NULL)
		q->next->link = q->link;
	q->done = true; /* whatever c-ares still says is void */
	for (int f = 0; f < FAMILIES; f++)
		if (q->lookup[f] != NULL)
			resolver_cancel(q->lookup[f]);
	if (q->channel != NULL)
		ares_destroy(q->channel);
	free_watches(q);
	if (q->tick != NULL)
		event_free(q->tick);
	if (q->deadline != NULL)
		event_free(q->deadline);
	free(q);
}

static void
wait_ms(struct event *timer, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(timer, &t) != 0)
		abort();
}

/* The answer stands; it is told in the next round of the loop. */
static void
settle(struct question *q)
{
	q->done = true;
	wait_ms(q->deadline, 0);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;
	struct dns_ask_answer answer;
	dns_ask_cb cb = q->cb;
	void *cb_arg = q->arg;

	(void)fd, (void)what;
	if (!q->done)
		(void)err_set(&q->answer.err,
		    "name server %.200s did not answer within %llu ms", q->host,
		    (unsigned long long)q->timeout_ms);
	answer = q->answer;
	free_question(q);
	cb(&answer, cb_arg);
}

/* ---- the answer ---- */

static void
join(struct question *q, const unsigned char *bytes, int n)
{
	struct ares_txt_ext *list = NULL;
	struct dns_ask_answer *a = &q->answer;
	size_t at = 0;
	unsigned records = 0;

	if (ares_parse_txt_reply_ext(bytes, n, &list) != ARES_SUCCESS) {
		(void)err_set(
		    &a->err, "name server %.200s: its answer cannot be read", q->host);
		return;
	}
	for (struct ares_txt_ext *t = list; t != NULL; t = t->next) {
		records += t->record_start;
		if (records > 1)
			break; /* a ledger is one record; of others the first */
		if (at + t->length >= sizeof a->text ||
		    memchr(t->txt, 0, t->length) != NULL) {
			(void)err_set(&a->err,
			    "name server %.200s: TXT %.200s is no text of "
			    "at most %zu characters",
			    q->host, q->name, sizeof a->text - 1);
			at = 0;
			break;
		}
		memcpy(a->text + at, t->txt, t->length);
		at += t->length;
	}
	a->text[at] = '\0';
	a->answered = a->err.text[0] == '\0';
	a->exists = a->answered && records > 0;
	ares_free_data(list);
}

static void
on_reply(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct question *q = arg;
	struct err *e = &q->answer.err;
	bool authority;

	(void)timeouts;
	if (q->done || status == ARES_EDESTRUCTION)
		return;
	/* Authoritative, or of a server that offers recursion; a referral is neither. */
	authority = bytes != NULL && n >= HEADER_BYTES &&
	    ((bytes[2] & 0x04) != 0 || (bytes[3] & 0x80) != 0);
	if (status != ARES_SUCCESS && status != ARES_ENODATA &&
	    status != ARES_ENOTFOUND)
		(void)err_set(
		    e, "name server %.200s: %s", q->host, ares_strerror(status));
	else if (!authority)
		(void)err_set(e, "name server %.200s has no authority for %.200s",
		    q->host, q->name);
	else if (status == ARES_SUCCESS)
		join(q, bytes, n);
	else
		q->answer.answered = true; /* and the name has no TXT */
	settle(q);
}

/* ---- c-ares asks for sockets and time ---- */

static void
arm(struct question *q)
{
	struct timeval t, *at = ares_timeout(q->channel, NULL, &t);

	if (at == NULL)
		(void)event_del(q->tick);
	else
		(void)event_add(q->tick, at);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;

	(void)fd, (void)what;
	ares_process_fd(q->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(q);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct question *q = arg;

	ares_process_fd(q->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(q);
}

static void
watch_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct question *q = arg;
	struct watch **link = &q->watches, *w;
	short wanted =
	    (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0) | EV_PERSIST);

	while (*link != NULL && (*link)->fd != fd)
		link = &(*link)->next;
	w = *link;
	if (w != NULL) {
		*link = w->next;
		event_free(w->event);
		free(w);
	}
	if (!readable && !writable)
		return;
	w = calloc(1, sizeof *w);
	if (w == NULL ||
	    (w->event = event_new(q->d->base, fd, wanted, on_socket, q)) == NULL ||
	    event_add(w->event, NULL) != 0)
		abort();
	w->fd = fd;
	w->next = q->watches;
	q->watches = w;
}

static bool
open_channel(struct question *q)
{
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
	    /* The second try waits twice as long: together, the whole patience. */
	    .timeout = (int)(q->timeout_ms / 3 > 20 ? q->timeout_ms / 3 : 20),
	    .tries = TRIES,
	    .lookups = "b",
	    .sock_state_cb = watch_socket,
	    .sock_state_cb_data = q,
	    .ednspsz = EDNS_BYTES,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ |
	    ARES_OPT_DOMAINS | ARES_OPT_NOROTATE;
	int status = ares_init_options(&q->channel, &options, mask);

	if (status == ARES_SUCCESS)
		status = ares_set_servers_ports_csv(q->channel, q->servers);
	if (status != ARES_SUCCESS)
		return err_set(&q->answer.err, "name server %.200s: %s", q->host,
		    ares_strerror(status));
	return true;
}

static void
ask_servers(struct question *q)
{
	q->answer.err.text[0] = '\0'; /* of a family that has no address */
	if (!open_channel(q)) {
		settle(q);
		return;
	}
	ares_query(q->channel, q->name, 1 /* IN */, 16 /* TXT */, on_reply, q);
	arm(q);
}

/* ---- whom to ask ---- */

static void
add_server(struct question *q, const char *ip)
{
	size_t at = strlen(q->servers);

	if (q->server_count == SERVERS_MAX)
		return;
	(void)snprintf(q->servers + at, sizeof q->servers - at,
	    strchr(ip, ':') != NULL ? "%s[%s]:%u" : "%s%s:%u", at > 0 ? "," : "", ip,
	    q->port);
	q->server_count++;
}

static void
looked_up(struct question *q)
{
	if (q->lookup[FAMILY_V4] != NULL || q->lookup[FAMILY_V6] != NULL)
		return;
	if (q->server_count > 0) {
		ask_servers(q);
		return;
	}
	if (q->answer.err.text[0] == '\0')
		(void)err_set(
		    &q->answer.err, "name server %.200s has no address", q->host);
	settle(q);
}

static void
on_lookup(struct question *q, enum family f, const struct resolve_answer *a)
{
	q->lookup[f] = NULL;
	for (uint32_t i = 0; a->status == RESOLVE_FOUND && i < a->addresses; i++) {
		char text[ADDRESS_TEXT_MAX];

		address_format(&a->address[i], text);
		add_server(q, text);
	}
	if (a->status == RESOLVE_FAILED)
		(void)err_set(
		    &q->answer.err, "name server %.200s: %s", q->host, a->why);
	looked_up(q);
}

static void
on_lookup_a(void *arg, const struct resolve_answer *a)
{
	on_lookup(arg, FAMILY_V4, a);
}

static void
on_lookup_aaaa(void *arg, const struct resolve_answer *a)
{
	on_lookup(arg, FAMILY_V6, a);
}

static void
look_up(struct question *q)
{
	struct dns_ask *d = q->d;

	if (d->resolver == NULL)
		d->resolver = resolver_new(d->base, "", &q->answer.err);
	if (d->resolver == NULL) {
		settle(q);
		return;
	}
	q->lookup[FAMILY_V4] =
	    resolver_ask(d->resolver, q->host, FAMILY_V4, on_lookup_a, q);
	q->lookup[FAMILY_V6] =
	    resolver_ask(d->resolver, q->host, FAMILY_V6, on_lookup_aaaa, q);
	looked_up(q);
}

static bool
numeric(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 ||
	    inet_pton(AF_INET6, host, &any) == 1;
}

/* "ip", "ip:port", "[ip]:port", "host", "host:port" → host and port. */
static bool
split(struct question *q, const char *server)
{
	const char *host = server, *end, *port = NULL;
	char *rest;
	unsigned long v = 53;

	if (server[0] == '[') {
		host++;
		end = strchr(host, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		end = strchr(host, ':');
		if (end == NULL || strchr(end + 1, ':') != NULL)
			end = host + strlen(host); /* none, or a bare IPv6 address */
		else
			port = end + 1;
	}
	if (port != NULL) {
		v = strtoul(port, &rest, 10);
		if (port[0] < '0' || port[0] > '9' || *rest != '\0' || v == 0 ||
		    v > 65535)
			return false;
	}
	if (end == host || (size_t)(end - host) >= sizeof q->host)
		return false;
	memcpy(q->host, host, (size_t)(end - host));
	q->host[end - host] = '\0';
	q->port = (unsigned)v;
	return true;
}

/* ---- provider.h ---- */

struct dns_ask *
dns_ask_new(struct event_base *base, struct err *e)
{
	struct dns_ask *d = calloc(1, sizeof *d);

	if (d == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
		(void)err_set(e, "DNS client: memory is short");
		free(d);
		return NULL;
	}
	d->base = base;
	return d;
}

void
dns_ask_txt(struct dns_ask *d, const char *server, const char *name,
    uint64_t timeout_ms, dns_ask_cb cb, void *arg)
{
	struct question *q = calloc(1, sizeof *q);

	if (q == NULL || (q->tick = evtimer_new(d->base, on_tick, q)) == NULL ||
	    (q->deadline = evtimer_new(d->base, on_deadline, q)) == NULL)
		abort();
	q->d = d;
	q->cb = cb;
	q->arg = arg;
	q->timeout_ms = timeout_ms;
	q->next = d->questions;
	q->link = &d->questions;
	if (d->questions != NULL)
		d->questions->link = &q->next;
	d->questions = q;
	wait_ms(q->deadline, timeout_ms);
	if (strlen(name) >= sizeof q->name || !split(q, server)) {
		(void)err_set(&q->answer.err,
		    "%.200s is not \"ip\", \"ip:port\" or a host "
		    "name, or %.200s is not a name",
		    server, name);
		settle(q);
		return;
	}
	memcpy(q->name, name, strlen(name) + 1);
	/* RFC 6761 §6.3; and c-ares 1.18 loses 10 bytes each time it looks it up. */
	if (strcasecmp(q->host, "localhost") == 0) {
		add_server(q, "127.0.0.1");
		ask_servers(q);
	} else if (numeric(q->host)) {
		add_server(q, q->host);
		ask_servers(q);
	} else {
		look_up(q);
	}
}

void
dns_ask_free(struct dns_ask *d)
{
	if (d == NULL)
		return;
	while (d->questions != NULL)
		free_question(d->questions);
	if (d->resolver != NULL)
		resolver_free(d->resolver);
	ares_library_cleanup();
	free(d);
}
