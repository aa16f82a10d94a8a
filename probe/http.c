/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects are followed here and not by curl, because each hop's address must pass
 * address_forbidden() before anything is connected. A hop that stays on the check's
 * host stays on the probed address: it is this address that is being judged. A hop to
 * another host, or down from https, takes none of the check's headers along: they may
 * hold a secret.
 */
#include "probe/http.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#include "probe/http_rule.h"

#define HEADER_BYTES_MAX 16384
#define LOCATION_BYTES_MAX 1024

struct http_plan {
	struct http_rule rule;
	const struct connect_from *from;
	uint16_t port;
	char url[DNS_NAME_MAX + CHECK_PATH_MAX + 32];
	struct tls_trust *trust; /* the check's own; NULL: none */
	struct tls_identity *identity;
	struct web_side side;
	struct web_request *request;
};

struct http_hop { /* beyond the first request */
	uint32_t count;
	struct web_url at;
	struct web_request *request;
};

struct http_try {
	const struct http_tools *tools;
	const struct http_plan *plan;
	struct address to, first; /* of this hop, of the check */
	uint16_t port;
	bool heard;
	enum http_judged verdict;
	struct connect connect;
	struct resolve_query *query;
	struct web_exchange *exchange;
	struct http_hop *hop; /* NULL: none yet */
	size_t header_bytes, body_bytes;
	char *body;     /* NULL: none yet */
	char *location; /* NULL: none yet */
	struct probe_result result;
	http_done_fn *done;
	void *arg;
};

static void
hop_free(struct http_hop *hop)
{
	if (hop != NULL)
		web_request_free(hop->request);
	free(hop);
}

static void
try_free(struct http_try *t)
{
	resolver_cancel(t->query);
	if (t->exchange != NULL)
		web_cancel(t->exchange);
	connect_cancel(&t->connect);
	hop_free(t->hop);
	free(t->body);
	free(t->location);
	free(t);
}

static void
finish(struct http_try *t)
{
	struct probe_result r = t->result;
	http_done_fn *done = t->done;
	void *arg = t->arg;

	try_free(t);
	done(arg, &r);
}

static bool
memory_short(struct probe_result *r)
{
	result_local(r, "cannot probe from here: out of memory");
	return false;
}

static bool
keep_location(struct http_try *t, const char *line, size_t bytes)
{
	static const char name[] = "location:";
	size_t n = sizeof name - 1;

	if (bytes <= n || strncasecmp(line, name, n) != 0)
		return true;
	for (line += n, bytes -= n; bytes > 0 && (*line == ' ' || *line == '\t');
	     bytes--)
		line++;
	while (bytes > 0 && (unsigned char)line[bytes - 1] <= ' ')
		bytes--;
	free(t->location);
	t->location = strndup(line, bytes < LOCATION_BYTES_MAX ? bytes : 0);
	return t->location != NULL || memory_short(&t->result);
}

static bool
on_header(void *arg, const char *line, size_t bytes, uint32_t status)
{
	struct http_try *t = arg;

	t->heard = true;
	t->header_bytes += bytes;
	if (t->header_bytes > HEADER_BYTES_MAX) {
		result_fail(&t->result, PROBE_HEADERS, "more than %d bytes of header",
		    HEADER_BYTES_MAX);
		t->verdict = HTTP_DONE;
		return false;
	}
	if (t->plan->rule.check->redirects > 0 && !keep_location(t, line, bytes)) {
		t->verdict = HTTP_DONE;
		return false;
	}
	if (bytes > 2 || (line[0] != '\r' && line[0] != '\n'))
		return true;
	if (status < 200 && status != 101)
		return true; /* 100, 103: the head is still to come */
	if (t->result.http_status != 0)
		return true; /* a chunked body's trailer */
	t->verdict = http_rule_judge_head(&t->plan->rule, status,
	    t->location != NULL && t->location[0] != '\0',
	    t->hop == NULL ? 0 : t->hop->count, &t->result);
	return t->verdict == HTTP_MORE;
}

static bool
on_body(void *arg, const char *data, size_t bytes)
{
	struct http_try *t = arg;
	size_t room = CHECK_BODY_BYTES - t->body_bytes;

	t->heard = true;
	if (t->body == NULL)
		t->body = malloc(CHECK_BODY_BYTES + 1);
	if (t->body == NULL) {
		t->verdict = HTTP_DONE;
		return memory_short(&t->result);
	}
	memcpy(t->body + t->body_bytes, data, bytes < room ? bytes : room);
	t->body_bytes += bytes < room ? bytes : room;
	t->body[t->body_bytes] = '\0';
	t->verdict = http_rule_judge_body(
	    &t->plan->rule, t->body, t->body_bytes, false, &t->result);
	return t->verdict == HTTP_MORE;
}

static void start_hop(struct http_try *t);

static void
on_end(void *arg, const struct probe_result *failure)
{
	struct http_try *t = arg;

	t->exchange = NULL;
	if (failure != NULL) {
		t->result.outcome = failure->outcome;
		t->result.reason = failure->reason;
		memcpy(t->result.text, failure->text, sizeof t->result.text);
	} else if (t->verdict == HTTP_HOP) {
		start_hop(t);
		return;
	} else if (t->verdict == HTTP_MORE && t->result.http_status == 0) {
		result_fail(&t->result, PROBE_GARBAGE, "not HTTP: the head has no end");
	} else if (t->verdict == HTTP_MORE) {
		(void)http_rule_judge_body(&t->plan->rule,
		    t->body == NULL ? "" : t->body, t->body_bytes, true, &t->result);
	}
	finish(t);
}

static void
on_connect(void *arg, int fd, int error)
{
	static const struct web_reader reader = {
	    .header = on_header, .body = on_body, .end = on_end};
	struct http_try *t = arg;

	(void)fd;
	if (error != 0) {
		result_from_connect(&t->result, error, false);
		finish(t);
		return;
	}
	t->exchange = web_start(t->tools->web,
	    t->hop == NULL ? t->plan->request : t->hop->request, &t->connect, &reader,
	    t);
	if (t->exchange != NULL)
		return;
	(void)memory_short(&t->result);
	finish(t);
}

static bool
connect_to(struct http_try *t, struct probe_result *r)
{
	const char *never = address_forbidden(&t->to);

	if (never != NULL) {
		char text[ADDRESS_TEXT_MAX];

		address_format(&t->to, text);
		result_fail(r, PROBE_FORBIDDEN, "%s is %s: never probed", text, never);
		return false;
	}
	return connect_start(&t->connect, t->tools->base, &t->to, t->port,
	    t->plan->from, on_connect, t, r);
}

static void
on_hop_resolved(void *arg, const struct resolve_answer *a)
{
	struct http_try *t = arg;

	t->query = NULL;
	if (a->status != RESOLVE_FOUND) {
		result_fail(&t->result, PROBE_REDIRECTS,
		    "redirected to a name without an address: %s", a->why);
		finish(t);
		return;
	}
	t->to = a->address[0];
	if (!connect_to(t, &t->result))
		finish(t);
}

/* Points the try at where the hop leads. */
static bool
aim(struct http_try *t, const struct web_url *at, bool own_host)
{
	t->port = at->port;
	if (own_host) {
		t->to = t->first;
		return connect_to(t, &t->result);
	}
	if (address_parse(&t->to, at->host))
		return connect_to(t, &t->result);
	t->query = resolver_ask(t->tools->resolver, at->host,
	    (enum family)t->first.family, on_hop_resolved, t);
	return t->query != NULL || memory_short(&t->result);
}

static bool
next_hop(struct http_try *t)
{
	const struct check_http *check = t->plan->rule.check;
	struct http_hop *last = t->hop, *hop = calloc(1, sizeof *hop);
	bool own_host;

	if (hop == NULL)
		return memory_short(&t->result);
	hop->count = last == NULL ? 1 : last->count + 1;
	if (!web_url_join(
		&hop->at, last == NULL ? t->plan->url : last->at.text, t->location)) {
		result_fail(&t->result, PROBE_REDIRECTS,
		    "redirected to \"%.80s\", which is not followed", t->location);
		free(hop);
		return false;
	}
	own_host = strcasecmp(hop->at.host, check->host) == 0;
	hop->request = web_request_new(check, hop->at.text,
	    own_host && (hop->at.https || !check->https), &t->plan->side);
	t->hop = hop;
	hop_free(last);
	if (hop->request == NULL)
		return memory_short(&t->result);
	free(t->location);
	t->location = NULL;
	t->header_bytes = t->body_bytes = 0;
	t->result.http_status = 0;
	t->verdict = HTTP_MORE;
	return aim(t, &hop->at, own_host);
}

static void
start_hop(struct http_try *t)
{
	if (!next_hop(t))
		finish(t);
}

struct http_try *
http_start(const struct http_tools *tools, const struct http_plan *plan,
    const struct address *to, http_done_fn *done, void *arg, struct probe_result *r)
{
	struct http_try *t = calloc(1, sizeof *t);

	if (t == NULL) {
		(void)memory_short(r);
		return NULL;
	}
	t->tools = tools;
	t->plan = plan;
	t->to = t->first = *to;
	t->port = plan->port;
	t->connect.fd = -1;
	t->connect.stays = t->connect.speaks = true;
	t->verdict = HTTP_MORE;
	t->done = done;
	t->arg = arg;
	if (connect_to(t, r))
		return t;
	try_free(t);
	return NULL;
}

void
http_cancel(struct http_try *t)
{
	try_free(t);
}

bool
http_is_silent(const struct http_try *t)
{
	return !t->heard;
}

const char *
http_phase(const struct http_try *t)
{
	if (t->query != NULL)
		return "looking up a redirect's name";
	if (t->exchange == NULL)
		return "connecting";
	if (web_in_handshake(t->exchange))
		return "in the TLS handshake";
	return t->heard ? "reading the answer" : "waiting for the answer";
}

static void
format_url(struct http_plan *p)
{
	const struct check_http *check = p->rule.check;
	bool bare_v6 = strchr(check->host, ':') != NULL && check->host[0] != '[';
	char port[8] = "";

	if (p->port != (check->https ? 443 : 80))
		(void)snprintf(port, sizeof port, ":%u", p->port);
	(void)snprintf(p->url, sizeof p->url, "%s://%s%s%s%s%s%s",
	    check->https ? "https" : "http", bare_v6 ? "[" : "", check->host,
	    bare_v6 ? "]" : "", port, check->path[0] == '/' ? "" : "/", check->path);
}

/* Whom it trusts and who it says it is: of use to a redirect from http, too. */
static bool
read_files(struct http_plan *p, const struct prober_file file[PROBER_FILES],
    struct tls_system *system, struct err *e)
{
	const struct check_http *check = p->rule.check;

	if (!check->https && check->redirects == 0)
		return true;
	if (check->verify) {
		p->side.trust =
		    tls_trust_choose(check->ca, &file[PROBER_CA], system, &p->trust, e);
		if (p->side.trust == NULL && (check->https || check->ca[0] != '\0'))
			return false;
	}
	if (check->cert[0] == '\0')
		return true;
	if (!tls_file_came(check->cert, &file[PROBER_CERT], e) ||
	    !tls_file_came(check->key, &file[PROBER_KEY], e))
		return false;
	p->identity = tls_identity_read(
	    file[PROBER_CERT].fd, check->cert, file[PROBER_KEY].fd, check->key, e);
	p->side.identity = p->identity;
	return p->identity != NULL;
}

struct http_plan *
http_plan_new(const struct check_spec *check, uint16_t port,
    const struct connect_from *from, const struct prober_file file[PROBER_FILES],
    struct tls_system *system, struct err *e)
{
	struct http_plan *p = calloc(1, sizeof *p);

	if (p == NULL) {
		(void)err_set(e, "out of memory");
		return NULL;
	}
	if (!http_rule_init(&p->rule, &check->http, e)) {
		free(p);
		return NULL;
	}
	p->from = from;
	p->port = port;
	format_url(p);
	if (!read_files(p, file, system, e)) {
		http_plan_free(p);
		return NULL;
	}
	p->request = web_request_new(&check->http, p->url, true, &p->side);
	if (p->request != NULL)
		return p;
	(void)err_set(e, "out of memory");
	http_plan_free(p);
	return NULL;
}

void
http_plan_free(struct http_plan *p)
{
	if (p == NULL)
		return;
	http_rule_fini(&p->rule);
	web_request_free(p->request);
	tls_trust_free(p->trust);
	tls_identity_free(p->identity);
	free(p);
}
