/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The c-ares adapter: one channel for the worker's life (2.5 µs a query where a fresh
 * channel costs 21). getaddrinfo() of c-ares instead of its raw queries, because it
 * follows CNAMEs and keeps each TTL; one family at a time, so that a broken AAAA does
 * not take the A with it. The hosts file is looked at here and not by c-ares, which
 * would open it each time: a confined worker may not.
 *
 * c-ares may answer from inside the call that asks. Every answer is therefore kept in
 * the query and told by an event of its own, in the next round of the loop.
 */
#include "probe/resolve.h"

#include <ares.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "probe/hosts.h"

#define HOSTS_PATH "/etc/hosts"
#define HOSTS_TTL_S 5
#define TRY_MS 1000
#define TRIES 2
#define EDNS_BYTES 1232 /* never fragmented, dnsflagday.net */

struct watch {
	struct event ev;
	ares_socket_t fd;
	struct resolver *resolver;
	struct watch *next;
};

struct resolver {
	struct event_base *base;
	struct event *timer;
	ares_channel channel;
	struct watch *watches;
	struct hosts *hosts; /* NULL: not looked at */
};

struct resolve_query {
	resolve_done_fn *done; /* NULL: cancelled */
	void *arg;
	enum family family;
	bool answered;
	struct event tell;
	struct resolve_answer answer;
};

static void
arm(struct resolver *r)
{
	struct timeval wait, *at = ares_timeout(r->channel, NULL, &wait);

	if (at == NULL)
		(void)evtimer_del(r->timer);
	else
		(void)evtimer_add(r->timer, at);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;

	(void)fd;
	(void)what;
	ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm(r);
}

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	struct resolver *r = w->resolver;

	/* Either may make c-ares close the socket, and w with it. */
	ares_process_fd(r->channel, what & EV_READ ? fd : ARES_SOCKET_BAD,
	    what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	arm(r);
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct watch **at = &r->watches, *w;
	short what = (short)((readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	w = *at;
	if (w != NULL)
		(void)event_del(&w->ev);
	if (what == 0) {
		if (w != NULL) {
			*at = w->next;
			free(w);
		}
		return;
	}
	if (w == NULL) {
		w = calloc(1, sizeof *w);
		if (w == NULL)
			return; /* its queries time out, which is told */
		w->fd = fd;
		w->resolver = r;
		w->next = r->watches;
		r->watches = w;
	}
	(void)event_assign(
	    &w->ev, r->base, fd, (short)(what | EV_PERSIST), on_socket, w);
	(void)event_add(&w->ev, NULL);
}

struct resolver *
resolver_new(struct event_base *base, const char *nameservers, struct err *e)
{
	struct resolver *r = calloc(1, sizeof *r);
	struct ares_options options = {
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS,
	    .timeout = TRY_MS,
	    .tries = TRIES,
	    .ednspsz = EDNS_BYTES,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = r,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
	    ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS;
	char dns_only[] = "b";
	bool system = nameservers[0] == '\0';
	int status;

	if (r == NULL) {
		(void)err_set(e, "cannot make a resolver: out of memory");
		return NULL;
	}
	options.lookups = dns_only;
	r->base = base;
	r->hosts = system ? hosts_new(HOSTS_PATH) : NULL;
	r->timer = evtimer_new(base, on_timer, r);
	status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status == ARES_SUCCESS)
		status = ares_init_options(&r->channel, &options, mask);
	if (status == ARES_SUCCESS && nameservers[0] != '\0')
		status = ares_set_servers_ports_csv(r->channel, nameservers);
	if (r->timer != NULL && status == ARES_SUCCESS && (r->hosts != NULL || !system))
		return r;
	(void)err_set(
	    e, "name servers \"%.200s\": %s", nameservers, ares_strerror(status));
	if (r->channel != NULL)
		ares_destroy(r->channel);
	if (r->timer != NULL)
		event_free(r->timer);
	hosts_free(r->hosts);
	free(r);
	return NULL;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	ares_destroy(r->channel);
	while (r->watches != NULL) {
		struct watch *w = r->watches;

		r->watches = w->next;
		(void)event_del(&w->ev);
		free(w);
	}
	event_free(r->timer);
	hosts_free(r->hosts);
	free(r);
	ares_library_cleanup();
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

static void
add_address(struct resolve_answer *a, const struct ares_addrinfo_node *node)
{
	struct address address = {0};

	if (node->ai_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)node->ai_addr;

		address.family = FAMILY_V4;
		memcpy(address.byte, &in->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *in6 = (const void *)node->ai_addr;

		address.family = FAMILY_V6;
		memcpy(address.byte, &in6->sin6_addr, 16);
	}
	for (uint32_t i = 0; i < a->addresses; i++) {
		if (address_equal(&a->address[i], &address))
			return;
	}
	if (a->addresses < RESOLVE_ADDRESSES_MAX)
		a->address[a->addresses++] = address;
}

static void
take_answer(struct resolve_query *q, const struct ares_addrinfo *info)
{
	struct resolve_answer *a = &q->answer;
	int ttl_s = INT32_MAX;
	int family = q->family == FAMILY_V4 ? AF_INET : AF_INET6;

	for (const struct ares_addrinfo_node *n = info->nodes; n != NULL;
	     n = n->ai_next) {
		if (n->ai_family != family)
			continue;
		add_address(a, n);
		if (n->ai_ttl < ttl_s)
			ttl_s = n->ai_ttl;
	}
	for (const struct ares_addrinfo_cname *c = info->cnames; c != NULL;
	     c = c->next) {
		if (c->ttl < ttl_s)
			ttl_s = c->ttl;
	}
	a->ttl_s = ttl_s > 0 ? (uint32_t)ttl_s : 0;
	a->status = a->addresses > 0 ? RESOLVE_FOUND : RESOLVE_EMPTY;
	qsort(a->address, a->addresses, sizeof a->address[0], compare);
}

static void
on_tell(evutil_socket_t fd, short what, void *arg)
{
	struct resolve_query *q = arg;

	(void)fd;
	(void)what;
	q->done(q->arg, &q->answer);
	free(q);
}

static void
on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolve_query *q = arg;
	struct resolve_answer *a = &q->answer;

	(void)timeouts;
	if (q->done != NULL && status == ARES_SUCCESS && info != NULL)
		take_answer(q, info);
	else
		a->status = status == ARES_ENODATA ? RESOLVE_EMPTY : RESOLVE_FAILED;
	if (info != NULL)
		ares_freeaddrinfo(info);
	if (a->status == RESOLVE_EMPTY)
		(void)snprintf(a->why, sizeof a->why, "the name has no %s record",
		    q->family == FAMILY_V4 ? "A" : "AAAA");
	else if (a->status == RESOLVE_FAILED)
		(void)snprintf(a->why, sizeof a->why, "%s", ares_strerror(status));
	if (q->done == NULL || status == ARES_EDESTRUCTION) {
		free(q);
		return;
	}
	q->answered = true;
	event_active(&q->tell, EV_TIMEOUT, 1);
}

static bool
is_in_hosts(struct resolver *r, const char *name, struct resolve_query *q)
{
	struct resolve_answer *a = &q->answer;

	if (r->hosts == NULL)
		return false;
	a->addresses =
	    hosts_find(r->hosts, name, q->family, a->address, RESOLVE_ADDRESSES_MAX);
	if (a->addresses == 0)
		return false;
	qsort(a->address, a->addresses, sizeof a->address[0], compare);
	a->status = RESOLVE_FOUND;
	a->ttl_s = HOSTS_TTL_S;
	q->answered = true;
	event_active(&q->tell, EV_TIMEOUT, 1);
	return true;
}

struct resolve_query *
resolver_ask(struct resolver *r, const char *name, enum family family,
    resolve_done_fn *done, void *arg)
{
	struct ares_addrinfo_hints hints = {
	    .ai_family = family == FAMILY_V4 ? AF_INET : AF_INET6,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = ARES_AI_NOSORT,
	};
	struct resolve_query *q = calloc(1, sizeof *q);

	if (q == NULL)
		return NULL;
	q->done = done;
	q->arg = arg;
	q->family = family;
	(void)evtimer_assign(&q->tell, r->base, on_tell, q);
	if (is_in_hosts(r, name, q))
		return q;
	ares_getaddrinfo(r->channel, name, NULL, &hints, on_answer, q);
	arm(r);
	return q;
}

/* ---- messages ---- */

void
resolve_spell(const char *name, char out[DNS_NAME_MAX + 1])
{
	bool wild = strncmp(name, "\\052.", 5) == 0;

	(void)snprintf(
	    out, DNS_NAME_MAX + 1, "%s%s", wild ? "*" : "", name + (wild ? 4 : 0));
}

size_t
resolve_question(const char *name, uint16_t type, uint8_t out[RESOLVE_QUESTION_MAX])
{
	char spelled[DNS_NAME_MAX + 1];
	unsigned char *bytes = NULL;
	int n = 0;

	resolve_spell(name, spelled);
	if (ares_create_query(spelled, 1 /* IN */, type, 0, 1, &bytes, &n, 0) !=
		ARES_SUCCESS ||
	    n > RESOLVE_QUESTION_MAX)
		n = 0;
	if (n > 0)
		memcpy(out, bytes, (size_t)n);
	if (bytes != NULL)
		ares_free_string(bytes);
	return (size_t)n;
}

size_t
resolve_expand(
    const uint8_t *message, size_t bytes, size_t at, char *out, size_t out_bytes)
{
	char *name = NULL;
	long taken = 0;
	size_t n;

	if (at >= bytes ||
	    ares_expand_name(message + at, message, (int)bytes, &name, &taken) !=
		ARES_SUCCESS)
		return 0;
	n = strlen(name);
	if (n >= out_bytes)
		taken = 0;
	else
		memcpy(out, name, n + 1);
	ares_free_string(name);
	return (size_t)taken;
}

void
resolver_cancel(struct resolve_query *q)
{
	if (q == NULL)
		return;
	if (q->answered) {
		(void)event_del(&q->tell);
		free(q);
		return;
	}
	q->done = NULL;
}
