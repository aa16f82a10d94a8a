/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The asking side, and what both sides share: certificates, renewal, expiry.
 *
 * A url names the agent (https://fra/v1/report) and is connected to where the agent is,
 * so that curl sends the name (SNI) and holds the certificate to it; peer_tls.c does
 * too, without wildcards and CN. Renewal makes a new curl handle: kept connections of
 * the old certificate end with the old one.
 *
 * One exchange with a peer at a time, because a report replaces the one before: a queue
 * would only deliver yesterday's votes. A peer that refuses connections is tried again
 * at most twice a second, and the report sent then is the newest.
 */
#include "steering/agent/peer_wire.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/value.h"
#include "steering/agent/agent.h"
#include "steering/agent/facts.h"
#include "steering/agent/peer_serve.h"
#include "steering/agent/peer_tls.h"
#include "steering/zone/http.h"

#define BACKOFF_MS 100
#define BACKOFF_MAX_MS 500
#define PORT_DEFAULT 443
#define REPORT_PATH "/v1/report"
#define HELLO_PATH "/v1/hello"
#define DAY_S 86400

struct ask { /* one peer, as we ask it */
	struct peer_wire *wire;
	uint32_t to;
	struct event *timer; /* begins what waits */
	struct http_call *call;
	bool hello, post; /* wait */
	char *body;       /* of the post that waits */
	size_t body_bytes;
	unsigned failures;
	uint64_t not_before_ms;
	struct peer_shown shown;
	char trouble[ERR_TEXT_MAX];
	int64_t warned_wall_s;
};

struct stamp { /* of a file: differs when it was written anew */
	struct timespec written;
	off_t bytes;
	ino_t inode;
};

struct peer_wire {
	struct event_base *base;
	struct peer_wire_conf conf;
	struct peer_wire_calls calls;
	struct facts *facts;
	struct peer_tls *tls;
	struct http *http;
	struct peer_serve *serve; /* NULL: only asks */
	struct event *look;
	struct stamp stamp[3];       /* as last looked at: cert, key, ca */
	int64_t warned_wall_s;       /* of our own expiry */
	struct ask *ask[AGENTS_MAX]; /* NULL for ourselves */
};

/* ---- the configuration ---- */

static bool
fill_place(const char *agent, const char *url, char host[DNS_NAME_MAX], uint16_t *port,
    struct err *e)
{
	struct value_url at;

	if (url[0] == '\0')
		return err_set(
		    e, "agent '%s' lacks a url: the others must reach it", agent);
	if (!value_url(url, &at, e))
		return err_wrap(e, url);
	memcpy(host, at.host, sizeof at.host);
	*port = at.port != 0 ? at.port : PORT_DEFAULT;
	return true;
}

bool
peer_wire_conf_fill(
    const struct config *c, uint32_t self, struct peer_wire_conf *out, struct err *e)
{
	struct value_url at;

	memset(out, 0, sizeof *out);
	if (c->tls_cert[0] == '\0')
		return err_set(e,
		    "no tls: agents know each other by certificates (tls: {cert: …, "
		    "key: …, ca: …})");
	out->self = self;
	out->agents = c->agents;
	for (uint32_t i = 0; i < c->agents; i++) {
		struct peer_wire_agent *a = &out->agent[i];

		memcpy(a->name, c->agent[i].name, sizeof a->name);
		if (!fill_place(a->name, c->agent[i].url, a->host, &a->port, e))
			return false;
	}
	memcpy(out->listen_host, out->agent[self].host, sizeof out->listen_host);
	out->listen_port = out->agent[self].port;
	if (c->agent[self].listen[0] != '\0') {
		if (!value_url(c->agent[self].listen, &at, e))
			return err_wrap(e, c->agent[self].listen);
		memcpy(out->listen_host, at.host, sizeof at.host);
		out->listen_port = at.port;
	}
	memcpy(out->cert, c->tls_cert, sizeof out->cert);
	memcpy(out->key, c->tls_key, sizeof out->key);
	memcpy(out->ca, c->tls_ca, sizeof out->ca);
	return true;
}

static void
set_defaults(struct peer_wire_conf *c)
{
	if (c->deadline_ms == 0)
		c->deadline_ms = PEER_DEADLINE_MS;
	if (c->handshake_ms == 0)
		c->handshake_ms = PEER_HANDSHAKE_MS;
	if (c->idle_ms == 0)
		c->idle_ms = PEER_IDLE_MS;
	if (c->look_ms == 0)
		c->look_ms = PEER_LOOK_MS;
}

static void
take_stamps(const struct peer_wire_conf *c, struct stamp out[3])
{
	const char *const path[3] = {c->cert, c->key, c->ca};

	memset(out, 0, 3 * sizeof *out);
	for (unsigned i = 0; i < 3; i++) {
		struct stat s;

		if (stat(path[i], &s) == 0)
			out[i] = (struct stamp){s.st_mtim, s.st_size, s.st_ino};
	}
}

static bool
same_stamps(const struct stamp a[3], const struct stamp b[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (a[i].written.tv_sec != b[i].written.tv_sec ||
		    a[i].written.tv_nsec != b[i].written.tv_nsec ||
		    a[i].bytes != b[i].bytes || a[i].inode != b[i].inode)
			return false;
	return true;
}

/* ---- asking ---- */

static void
kick(struct ask *a)
{
	uint64_t now = now_boot_ms();
	uint64_t wait = a->not_before_ms > now ? a->not_before_ms - now : 0;
	struct timeval t = {(time_t)(wait / 1000), (suseconds_t)(wait % 1000) * 1000};

	if (a->call == NULL && (a->hello || a->post))
		(void)event_add(a->timer, &t);
}

static enum peer_outcome
outcome_of(const struct ask *a, const struct http_response *r)
{
	switch (r->trouble) {
	case HTTP_TROUBLE_NOT:
		return PEER_ANSWERED;
	case HTTP_TROUBLE_CONNECT:
		return PEER_UNREACHED;
	case HTTP_TROUBLE_TIME:
		return PEER_TIMEOUT;
	case HTTP_TROUBLE_TLS:
		return PEER_TLS;
	case HTTP_TROUBLE_OTHER:
		break;
	}
	return a->shown.why[0] != '\0' ? PEER_TLS : PEER_BROKEN;
}

static void
put_trouble(struct ask *a, const struct peer_result *r, const struct http_response *h)
{
	const struct peer_wire_agent *to = &a->wire->conf.agent[a->to];
	const char *at = strchr(to->host, ':') != NULL ? "[" : "";
	struct err e;

	if (r->outcome == PEER_ANSWERED) {
		a->trouble[0] = '\0';
		return;
	}
	if (r->outcome == PEER_TLS && a->shown.why[0] != '\0')
		(void)err_set(&e, "%s", a->shown.why);
	else if (r->outcome == PEER_TIMEOUT)
		(void)err_set(&e, "no answer within %u ms", a->wire->conf.deadline_ms);
	else if (h->fate == HTTP_NEVER_LEFT && r->outcome == PEER_UNREACHED)
		(void)err_set(&e,
		    "cannot connect: is the agent running, is the port open?%.0s", "");
	else
		e = h->err;
	(void)snprintf(a->trouble, sizeof a->trouble, "%s (%s%.100s%s port %u): %.300s",
	    to->name, at, to->host, at[0] != '\0' ? "]" : "", to->port, e.text);
}

static void
settle(struct ask *a, const struct http_response *h)
{
	struct peer_wire *w = a->wire;
	struct peer_result r = {
	    .outcome = outcome_of(a, h),
	    .status = (unsigned)h->status,
	    .body = h->body,
	    .body_bytes = h->body_bytes,
	    .date_wall_s = h->date_wall_s,
	    .sent_ms = h->sent_ms,
	    .done_ms = h->done_ms,
	};

	put_trouble(a, &r, h);
	r.why = a->trouble;
	if (r.outcome == PEER_ANSWERED) {
		a->failures = 0;
		a->not_before_ms = 0;
	} else if (r.outcome != PEER_TIMEOUT) {
		uint64_t rest = (uint64_t)BACKOFF_MS
		    << (a->failures < 4 ? a->failures : 4);
		a->failures++;
		a->not_before_ms =
		    h->done_ms + (rest < BACKOFF_MAX_MS ? rest : BACKOFF_MAX_MS);
	}
	kick(a);
	w->calls.on_result(a->to, &r, w->calls.arg);
}

static void
on_response(const struct http_response *h, void *arg)
{
	struct ask *a = arg;

	a->call = NULL;
	settle(a, h);
}

static bool
on_context(void *ssl_ctx, void *arg)
{
	struct ask *a = arg;

	return peer_tls_ask(ssl_ctx, a->wire->tls, a->to, &a->shown);
}

static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	static const struct text_pair header[] = {{"Content-Type", "application/json"}};
	struct ask *a = arg;
	const struct peer_wire *w = a->wire;
	const struct peer_wire_agent *to = &w->conf.agent[a->to];
	bool hello = a->hello, six = strchr(to->host, ':') != NULL;
	char url[WORD_MAX + 40], at[DNS_NAME_MAX + 16];
	struct http_response failed = {.trouble = HTTP_TROUBLE_OTHER};

	(void)fd, (void)what;
	assert(a->call == NULL);
	(void)snprintf(url, sizeof url, "https://%s%s", to->name,
	    hello ? HELLO_PATH : REPORT_PATH);
	(void)snprintf(at, sizeof at, "%s%s%s:%u", six ? "[" : "", to->host,
	    six ? "]" : "", to->port);
	struct http_request r = {
	    .method = hello ? "GET" : "POST",
	    .url = url,
	    .header = header,
	    .headers = hello ? 0 : 1,
	    .body = hello ? NULL : a->body,
	    .body_bytes = hello ? 0 : a->body_bytes,
	    .connect_ms = w->conf.deadline_ms,
	    .total_ms = w->conf.deadline_ms,
	    .direct = true,
	    .answer_max = PEER_BODY_MAX,
	    .connect_to = at,
	    .tls = on_context,
	    .tls_arg = a,
	};
	*(hello ? &a->hello : &a->post) = false;
	a->shown.why[0] = '\0';
	a->call = http_call_start(w->http, &r, on_response, a, &failed.err);
	if (!hello) {
		free(a->body);
		a->body = NULL;
	}
	if (a->call == NULL) {
		failed.sent_ms = failed.done_ms = now_boot_ms();
		failed.body = "";
		settle(a, &failed);
	}
}

static void
stop_asking(struct ask *a)
{
	if (a == NULL)
		return;
	if (a->call != NULL)
		http_call_cancel(a->call);
	a->call = NULL;
	(void)event_del(a->timer);
	free(a->body);
	a->body = NULL;
	a->hello = a->post = false;
	a->failures = 0;
	a->not_before_ms = 0;
}

static void
free_ask(struct ask *a)
{
	if (a == NULL)
		return;
	stop_asking(a);
	event_free(a->timer);
	free(a);
}

static struct ask *
new_ask(struct peer_wire *w, uint32_t to)
{
	struct ask *a = calloc(1, sizeof *a);

	if (a == NULL || (a->timer = evtimer_new(w->base, on_begin, a)) == NULL)
		abort();
	a->wire = w;
	a->to = to;
	a->shown.agent = -1;
	return a;
}

static struct ask *
find_ask(const struct peer_wire *w, uint32_t to)
{
	return to < w->conf.agents ? w->ask[to] : NULL;
}

bool
peer_wire_post(struct peer_wire *w, uint32_t to, const char *body, size_t body_bytes,
    struct err *e)
{
	struct ask *a = find_ask(w, to);
	char *copy;

	if (a == NULL)
		return err_set(e, "agent %u is no peer of ours", to);
	if (body_bytes > PEER_BODY_MAX)
		return err_set(e, "a message of %zu bytes is longer than %d",
		    body_bytes, PEER_BODY_MAX);
	copy = malloc(body_bytes + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, body, body_bytes);
	free(a->body);
	a->body = copy;
	a->body_bytes = body_bytes;
	a->post = true;
	kick(a);
	return true;
}

bool
peer_wire_hello(struct peer_wire *w, uint32_t to, struct err *e)
{
	struct ask *a = find_ask(w, to);

	if (a == NULL)
		return err_set(e, "agent %u is no peer of ours", to);
	a->hello = true;
	kick(a);
	return true;
}

bool
peer_wire_busy(const struct peer_wire *w, uint32_t to)
{
	const struct ask *a = find_ask(w, to);

	return a != NULL && a->call != NULL;
}

/* ---- expiry ---- */

static void
warn_of(struct peer_wire *w, uint32_t agent, int64_t now_wall_s, int64_t *warned_wall_s)
{
	int64_t until = peer_wire_cert(w, agent).until_wall_s;
	const char *name = w->conf.agent[agent].name;
	char date[16];

	if (until == 0 || until - now_wall_s > PEER_WARN_S ||
	    now_wall_s - *warned_wall_s < DAY_S || w->facts == NULL)
		return;
	*warned_wall_s = now_wall_s;
	peer_tls_date(until, date);
	if (until <= now_wall_s)
		facts_say(w->facts, FACT_PEER, FACT_ERROR, NULL, NULL,
		    "peers: the certificate of '%s' expired on %s, nobody hears it: make "
		    "a new one (pointsman-ca agent DIR %s); no restart is needed",
		    name, date, name);
	else
		facts_say(w->facts, FACT_PEER, FACT_WARN, NULL, NULL,
		    "peers: the certificate of '%s' expires on %s, in %d days: make a new "
		    "one (pointsman-ca agent DIR %s); no restart is needed",
		    name, date, (int)((until - now_wall_s) / DAY_S), name);
}

static void
warn_of_all(struct peer_wire *w)
{
	int64_t now = now_wall_ms() / 1000;

	for (uint32_t i = 0; i < w->conf.agents; i++)
		warn_of(w, i, now,
		    w->ask[i] != NULL ? &w->ask[i]->warned_wall_s : &w->warned_wall_s);
}

/* ---- renewal ---- */

/* The new takes the place of the old, or all stays. Takes tls and http. */
static bool
change(struct peer_wire *w, const struct peer_wire_conf *conf, struct peer_tls *tls,
    struct http *http, struct err *e)
{
	if (w->serve != NULL && !peer_serve_renew(w->serve, conf, tls, e)) {
		http_free(http);
		peer_tls_free(tls);
		return false;
	}
	for (uint32_t i = 0; i < w->conf.agents; i++) {
		free_ask(w->ask[i]);
		w->ask[i] = NULL;
	}
	http_free(w->http);
	peer_tls_free(w->tls);
	w->conf = *conf;
	w->tls = tls;
	w->http = http;
	w->warned_wall_s = 0;
	for (uint32_t i = 0; i < conf->agents; i++)
		w->ask[i] = i != conf->self ? new_ask(w, i) : NULL;
	warn_of_all(w);
	return true;
}

bool
peer_wire_reload(
    struct peer_wire *w, const struct peer_wire_conf *wanted, struct err *e)
{
	struct peer_wire_conf conf = *wanted;
	struct stamp stamp[3];
	struct peer_tls *tls;
	struct http *http;

	set_defaults(&conf);
	if (w->serve == NULL)
		memcpy(conf.listen_host, w->conf.listen_host, sizeof conf.listen_host);
	take_stamps(&conf, stamp);
	if (memcmp(&conf, &w->conf, sizeof conf) == 0 && same_stamps(stamp, w->stamp))
		return true;
	tls = peer_tls_read(&conf, e);
	if (tls == NULL)
		return false;
	http = http_new(w->base, e);
	if (http == NULL) {
		peer_tls_free(tls);
		return false;
	}
	if (!change(w, &conf, tls, http, e))
		return false;
	memcpy(w->stamp, stamp, sizeof stamp);
	return true;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct peer_wire *w = arg;
	struct stamp stamp[3];
	struct err e;

	(void)fd, (void)what;
	warn_of_all(w);
	take_stamps(&w->conf, stamp);
	if (same_stamps(stamp, w->stamp))
		return;
	if (peer_wire_reload(w, &w->conf, &e)) {
		char date[16];

		peer_tls_date(peer_tls_cert(w->tls).until_wall_s, date);
		if (w->facts != NULL)
			facts_say(w->facts, FACT_PEER, FACT_INFO, NULL, NULL,
			    "peers: certificates read anew; ours is good until %s",
			    date);
	} else if (w->facts != NULL)
		facts_say(w->facts, FACT_PEER, FACT_ERROR, NULL, NULL,
		    "peers: the new certificates are not taken, the old ones serve: "
		    "%.380s",
		    e.text);
	memcpy(w->stamp, stamp, sizeof stamp); /* once for each change */
}

/* ---- begin and end ---- */

struct peer_wire *
peer_wire_new(struct event_base *base, const struct peer_wire_conf *conf,
    const struct peer_wire_calls *calls, struct facts *facts, struct err *e)
{
	struct peer_wire *w = calloc(1, sizeof *w);
	struct timeval t;

	if (w == NULL)
		abort();
	w->base = base;
	w->conf = *conf;
	w->calls = *calls;
	w->facts = facts;
	set_defaults(&w->conf);
	take_stamps(&w->conf, w->stamp);
	w->tls = peer_tls_read(&w->conf, e);
	if (w->tls == NULL || (w->http = http_new(base, e)) == NULL ||
	    (w->conf.listen_host[0] != '\0' &&
		(w->serve = peer_serve_new(base, &w->conf, w->tls, calls, facts, e)) ==
		    NULL)) {
		peer_wire_free(w);
		return NULL;
	}
	for (uint32_t i = 0; i < w->conf.agents; i++)
		w->ask[i] = i != w->conf.self ? new_ask(w, i) : NULL;
	w->look = event_new(base, -1, EV_PERSIST, on_look, w);
	if (w->look == NULL)
		abort();
	t = (struct timeval){
	    w->conf.look_ms / 1000, (suseconds_t)(w->conf.look_ms % 1000) * 1000};
	(void)event_add(w->look, &t);
	warn_of_all(w);
	return w;
}

void
peer_wire_free(struct peer_wire *w)
{
	if (w == NULL)
		return;
	for (uint32_t i = 0; i < w->conf.agents; i++)
		free_ask(w->ask[i]);
	if (w->look != NULL)
		event_free(w->look);
	http_free(w->http);
	peer_serve_free(w->serve);
	peer_tls_free(w->tls);
	free(w);
}

uint16_t
peer_wire_port(const struct peer_wire *w)
{
	return w->serve != NULL ? peer_serve_port(w->serve) : 0;
}

struct peer_cert
peer_wire_cert(const struct peer_wire *w, uint32_t agent)
{
	const struct ask *a = find_ask(w, agent);
	struct peer_cert cert = {0};

	if (agent == w->conf.self)
		return peer_tls_cert(w->tls);
	if (a != NULL)
		cert = a->shown.cert;
	if (cert.until_wall_s == 0 && w->serve != NULL)
		cert = peer_serve_cert(w->serve, agent);
	return cert;
}

const char *
peer_wire_trouble(const struct peer_wire *w, uint32_t agent)
{
	const struct ask *a = find_ask(w, agent);

	return a != NULL ? a->trouble : "";
}
