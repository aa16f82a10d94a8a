/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agents among each other: our three files, the address that we listen on, and each
 * peer, who is asked who it is. It is asked as the agent itself would ask it, with its
 * certificate and on its way (peer_wire.h), but by a question that changes nothing
 * there; the agent that runs here goes on meanwhile.
 */
#include "steering/agent/doctor.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/agent.h"
#include "steering/agent/peer_tls.h"
#include "steering/agent/peer_wire.h"

#define ASK_MS 3000
#define SKEW_MIND_S 5
#define DAY_S 86400

struct round { /* of questions */
	struct doctor *d;
	const struct peer_wire_conf *conf;
	struct peer_wire *wire;
	struct event_base *base;
	uint32_t open;
};

/* ---- what stands here ---- */

static void
look_at_expiry(struct doctor *d, const char *what, int64_t until_wall_s)
{
	int64_t left = until_wall_s - now_wall_ms() / 1000;
	char date[16];

	if (until_wall_s == 0)
		return;
	peer_tls_date(until_wall_s, date);
	if (left <= 0)
		doctor_say(d, DOCTOR_WRONG, what,
		    "the certificate expired on %s: make a new one ('pointsman-ca agent "
		    "DIR NAME --renew'); no restart is needed",
		    date);
	else if (left <= PEER_WARN_S)
		doctor_say(d, DOCTOR_WARN, what,
		    "the certificate expires on %s, in %d days: make a new one "
		    "('pointsman-ca agent DIR NAME --renew'); no restart is needed",
		    date, (int)(left / DAY_S));
}

static void
look_at_own(struct round *r)
{
	struct peer_cert own = peer_wire_cert(r->wire, r->conf->self);
	char date[16];

	look_at_expiry(r->d, "tls.cert", own.until_wall_s);
	peer_tls_date(own.from_wall_s, date);
	if (own.from_wall_s > now_wall_ms() / 1000)
		doctor_say(r->d, DOCTOR_WRONG, "tls.cert",
		    "the certificate is not valid before %s: is this machine's clock "
		    "right?",
		    date);
	peer_tls_date(own.until_wall_s, date);
	doctor_say(r->d, DOCTOR_GOOD, "tls",
	    "key, authority and name fit together; good until %s", date);
}

static void
look_at_listen(struct doctor *d, const struct peer_wire_conf *c)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	char port[8];
	int fd, one = 1;

	(void)snprintf(port, sizeof port, "%u", c->listen_port);
	if (getaddrinfo(c->listen_host, port, &hints, &found) != 0) {
		doctor_say(d, DOCTOR_WRONG, "listen",
		    "%.200s cannot be looked up: say listen: IP:PORT", c->listen_host);
		return;
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) == 0)
		doctor_say(d, DOCTOR_GOOD, "listen", "%.200s port %s is free",
		    c->listen_host, port);
	else if (errno == EADDRINUSE && d->running)
		doctor_say(d, DOCTOR_GOOD, "listen",
		    "%.200s port %s is held; an agent runs here", c->listen_host, port);
	else if (errno == EADDRINUSE)
		doctor_say(d, DOCTOR_WRONG, "listen",
		    "%.200s port %s is taken by another program: stop it ('ss -ltnp' "
		    "names it), or take another port",
		    c->listen_host, port);
	else
		doctor_say(d, DOCTOR_WRONG, "listen",
		    "%.200s port %s cannot be listened on (%s): it must be an address of "
		    "this machine; behind NAT say listen: IP:PORT",
		    c->listen_host, port, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	freeaddrinfo(found);
}

/* ---- the others ---- */

static bool
speaks_ours(const struct json *hello)
{
	int64_t newest = json_int(hello, "protocol", 0);

	return newest >= PEER_PROTOCOL_OLDEST &&
	    json_int(hello, "protocol_oldest", newest) <= PEER_PROTOCOL;
}

static void
judge_clock(struct doctor *d, const char *what, const struct peer_result *r)
{
	int64_t skew = r->date_wall_s - now_wall_ms() / 1000;

	if (r->date_wall_s != 0 && llabs(skew) > SKEW_MIND_S)
		doctor_say(d, DOCTOR_WARN, what,
		    "its clock is %lld s %s ours: certificates are judged by the clock, so "
		    "let both follow a time server",
		    (long long)llabs(skew), skew > 0 ? "ahead of" : "behind");
}

static void
judge_hello(struct doctor *d, const char *what, const struct peer_result *r)
{
	struct err e;
	struct json *hello = json_read(r->body, r->body_bytes, &e);
	const char *version = json_text(hello, "pointsman", NULL);

	if (r->status != 200 || version == NULL)
		doctor_say(d, DOCTOR_WRONG, what,
		    "who answers there (%u) is no agent: does the url lead to one?",
		    r->status);
	else if (!speaks_ours(hello))
		doctor_say(d, DOCTOR_WRONG, what,
		    "it runs pointsman %.30s, whose reports this one (%s) cannot read: "
		    "agents of two neighbouring versions work together, so bring the older "
		    "one up",
		    version, POINTSMAN_VERSION);
	else
		doctor_say(d, DOCTOR_GOOD, what, "answers in %llu ms, pointsman %.30s",
		    (unsigned long long)(r->done_ms - r->sent_ms), version);
	json_free(hello);
}

static void
on_result(uint32_t to, const struct peer_result *result, void *arg)
{
	struct round *r = arg;
	char what[WORD_MAX + 16];

	r->open--;
	(void)snprintf(what, sizeof what, "peer %s", r->conf->agent[to].name);
	switch (result->outcome) {
	case PEER_ANSWERED:
		judge_hello(r->d, what, result);
		judge_clock(r->d, what, result);
		look_at_expiry(r->d, what, peer_wire_cert(r->wire, to).until_wall_s);
		return;
	case PEER_TIMEOUT:
		doctor_say(r->d, DOCTOR_WRONG, what,
		    "%.400s: is the way there open both ways (firewall, route), and its "
		    "agent not stopped?",
		    result->why);
		return;
	case PEER_UNREACHED:
	case PEER_TLS:
	case PEER_BROKEN:
		doctor_say(r->d, DOCTOR_WRONG, what, "%s", result->why);
		return;
	}
}

static void
on_message(
    uint32_t from, const char *body, size_t n, struct peer_reply *reply, void *arg)
{
	(void)from, (void)body, (void)n, (void)reply, (void)arg;
	abort(); /* it does not listen */
}

static void
ask_all(struct round *r)
{
	struct err e;

	for (uint32_t i = 0; i < r->conf->agents; i++)
		if (i != r->conf->self && peer_wire_hello(r->wire, i, &e))
			r->open++;
	while (r->open > 0) /* each has its deadline */
		(void)event_base_loop(r->base, EVLOOP_ONCE);
}

void
doctor_peers(struct doctor *d)
{
	struct peer_wire_conf *conf = calloc(1, sizeof *conf);
	struct peer_wire_conf asks;
	struct round r = {.d = d, .conf = conf, .base = event_base_new()};
	const struct peer_wire_calls calls = {on_message, on_result, &r};
	struct err e;

	if (conf == NULL || r.base == NULL)
		abort();
	if (d->config->solo || d->config->agents < 2)
		goto out;
	if (!peer_wire_conf_fill(d->config, d->self, conf, &e)) {
		doctor_say(d, DOCTOR_WRONG, "peers", "%s", e.text);
		goto out;
	}
	look_at_listen(d, conf);
	asks = *conf;
	asks.listen_host[0] = '\0';
	asks.deadline_ms = ASK_MS;
	r.wire = peer_wire_new(r.base, &asks, &calls, NULL, &e);
	if (r.wire == NULL) {
		doctor_say(d, DOCTOR_WRONG, "tls", "%s", e.text);
		goto out;
	}
	look_at_own(&r);
	ask_all(&r);
	peer_wire_free(r.wire);
out:
	event_base_free(r.base);
	free(conf);
}
