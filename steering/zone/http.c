/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl's multi interface on libevent. Connections are kept for reads, which come
 * again and can be repeated. A change gets a fresh one (`once`): when a kept
 * connection dies before the first byte of an answer, curl quietly sends the request
 * again on a new one, and no option forbids it. The price is one handshake a change.
 *
 * HTTP/1.1 only: HTTP/2 streams that are refused are repeated by curl too.
 * "Never left" is curl's count of request bytes and, for https on a fresh connection,
 * an unfinished handshake: then whatever was sent went to a proxy.
 */
#include "steering/zone/http.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "probe/clock.h"

struct http {
	struct event_base *base;
	struct event *timer;
	CURLM *multi;
	struct http_call *calls;
	char ca_bundle[512];
	bool draining, gone; /* gone: freed in a callback, drain() ends it */
};

struct http_call {
	struct http *h;
	struct http_call *next, **link;
	CURL *easy;
	struct curl_slist *header, *connect_to;
	struct text body; /* of the answer */
	size_t answer_max;
	bool (*tls)(void *ssl_ctx, void *arg);
	void *tls_arg;
	void *sent; /* copy of the request's body: may hold a token */
	size_t sent_bytes;
	bool https, once, cut, was_cut;
	int64_t date_wall_s;
	uint64_t sent_ms;
	http_cb cb;
	void *arg;
	char why[CURL_ERROR_SIZE];
};

static void
free_call(struct http_call *c)
{
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	if (c->easy != NULL) {
		(void)curl_multi_remove_handle(c->h->multi, c->easy);
		curl_easy_cleanup(c->easy);
	}
	for (struct curl_slist *s = c->header; s != NULL; s = s->next)
		text_wipe(s->data, strlen(s->data));
	curl_slist_free_all(c->header);
	curl_slist_free_all(c->connect_to);
	text_fini(&c->body);
	text_wipe(c->sent, c->sent_bytes);
	free(c->sent);
	free(c);
}

/* ---- the end of a call ---- */

static bool
never_left(const struct http_call *c)
{
	long request_bytes = 0;
	curl_off_t handshake_us = 0;

	(void)curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
	if (request_bytes == 0)
		return true;
	(void)curl_easy_getinfo(c->easy, CURLINFO_APPCONNECT_TIME_T, &handshake_us);
	return c->https && c->once && handshake_us == 0;
}

static enum http_trouble
trouble_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return HTTP_TROUBLE_NOT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return HTTP_TROUBLE_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TROUBLE_TIME;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CLIENTCERT:
	case CURLE_PEER_FAILED_VERIFICATION:
		return HTTP_TROUBLE_TLS;
	default:
		return HTTP_TROUBLE_OTHER;
	}
}

static void
finish(struct http_call *c, CURLcode code)
{
	struct http_response r = {.sent_ms = c->sent_ms, .done_ms = now_boot_ms()};
	const char *why = c->why[0] != '\0' ? c->why : curl_easy_strerror(code);
	const char *host = "";
	struct http_call keep;

	(void)curl_easy_getinfo(c->easy, CURLINFO_EFFECTIVE_URL, &host);
	(void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &r.status);
	if (code == CURLE_WRITE_ERROR && c->was_cut)
		code = CURLE_OK;
	r.date_wall_s = c->date_wall_s;
	r.body = text_str(&c->body);
	r.body_bytes = c->body.n;
	r.trouble = trouble_of(code);
	/* curl writes a sentence of its own when a body is refused. */
	if (code == CURLE_WRITE_ERROR || code == CURLE_FILESIZE_EXCEEDED) {
		(void)snprintf(c->why, sizeof c->why,
		    "its answer is longer than %zu KiB, or memory is short",
		    c->answer_max / 1024);
		why = c->why;
	}
	if (code != CURLE_OK) {
		r.fate = never_left(c) ? HTTP_NEVER_LEFT : HTTP_NO_ANSWER;
		r.status = 0;
		(void)err_set(&r.err, "%.*s: %.300s%s", (int)strcspn(host, "?"), host,
		    why, r.fate == HTTP_NEVER_LEFT ? " (nothing was sent)" : "");
	}
	/* The caller may free everything in its callback: the body lives on here. */
	keep = *c;
	c->body = TEXT_INIT(0);
	free_call(c);
	keep.cb(&r, keep.arg);
	text_fini(&keep.body);
}

static void
really_free(struct http *h)
{
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	if (h->timer != NULL)
		event_free(h->timer);
	free(h);
}

/* Finished calls are taken one by one: a callback may start, cancel or end it all. */
static void
drain(struct http *h)
{
	CURLMsg *m;
	int left;

	assert(!h->draining); /* no callback runs the loop */
	h->draining = true;
	while (!h->gone && (m = curl_multi_info_read(h->multi, &left)) != NULL) {
		struct http_call *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		finish(c, m->data.result);
	}
	h->draining = false;
	if (h->gone)
		really_free(h);
}

/* ---- curl asks for sockets and time ---- */

static void
on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int running;
	int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

	(void)curl_multi_socket_action(h->multi, fd, flags, &running);
	drain(h);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	int running;

	(void)fd, (void)what;
	(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(h);
}

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *kept)
{
	struct http *h = arg;
	struct event *ev = kept;
	short wanted = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
	    (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

	(void)easy;
	if (ev != NULL)
		event_free(ev);
	ev = NULL;
	if (what != CURL_POLL_REMOVE) {
		ev = event_new(h->base, fd, wanted, on_socket, h);
		if (ev == NULL)
			return -1;
		if (event_add(ev, NULL) != 0) {
			event_free(ev);
			ev = NULL;
		}
	}
	(void)curl_multi_assign(h->multi, fd, ev);
	return 0;
}

static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct http *h = arg;
	struct timeval t = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

	(void)multi;
	if (timeout_ms < 0)
		return event_del(h->timer);
	return event_add(h->timer, &t);
}

struct http *
http_new(struct event_base *base, struct err *e)
{
	const char *ca_bundle = getenv("AWS_CA_BUNDLE");
	struct http *h = calloc(1, sizeof *h);

	if (h == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		goto bad;
	h->base = base;
	if (ca_bundle != NULL && strlen(ca_bundle) < sizeof h->ca_bundle)
		memcpy(h->ca_bundle, ca_bundle, strlen(ca_bundle) + 1);
	else if (ca_bundle != NULL) {
		free(h);
		(void)err_set(e, "AWS_CA_BUNDLE names too long a path");
		return NULL;
	}
	h->timer = evtimer_new(base, on_timer, h);
	h->multi = curl_multi_init();
	if (h->timer == NULL || h->multi == NULL)
		goto bad;
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	(void)curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	(void)curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 8L);
	(void)curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return h;
bad:
	(void)err_set(e, "HTTP client: memory is short");
	if (h != NULL)
		http_free(h);
	return NULL;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	while (h->calls != NULL)
		free_call(h->calls);
	h->gone = true;
	if (!h->draining)
		really_free(h);
}

/* ---- the beginning of a call ---- */

static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct http_call *c = arg;
	size_t room = c->answer_max - c->body.n;

	c->was_cut = c->cut && size * n > room;
	text_add(&c->body, bytes, c->was_cut ? room : size * n);
	return text_ok(&c->body) && !c->was_cut ? size * n : 0;
}

static size_t
take_header(char *bytes, size_t size, size_t n, void *arg)
{
	static const char name[] = "date:";
	struct http_call *c = arg;
	char date[64];
	size_t len = size * n, at = sizeof name - 1;

	if (len > at && strncasecmp(bytes, name, at) == 0 && len - at < sizeof date) {
		memcpy(date, bytes + at, len - at);
		date[len - at] = '\0';
		c->date_wall_s = curl_getdate(date, NULL);
		if (c->date_wall_s < 0)
			c->date_wall_s = 0;
	}
	return len;
}

static bool
add_header(struct http_call *c, const char *name, const char *value)
{
	char line[HTTP_HEADER_MAX];
	struct curl_slist *longer;
	int n = snprintf(line, sizeof line, "%s: %s", name, value);

	if (n < 0 || (size_t)n >= sizeof line || strpbrk(line, "\r\n") != NULL)
		return false;
	longer = curl_slist_append(c->header, line);
	text_wipe(line, sizeof line);
	if (longer == NULL)
		return false;
	c->header = longer;
	return true;
}

static bool
set_headers(struct http_call *c, const struct http_request *r)
{
	/* curl's own additions, taken away: what is sent is what was signed. */
	static const char *const none[] = {"Accept:", "Expect:", "Content-Type:"};

	for (size_t i = 0; i < r->headers; i++)
		if (!add_header(c, r->header[i].name, r->header[i].value))
			return false;
	for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
		struct curl_slist *longer;
		bool ours = false;

		for (size_t j = 0; j < r->headers; j++)
			ours |= strncasecmp(none[i], r->header[j].name,
				    strlen(none[i]) - 1) == 0;
		if (ours)
			continue;
		longer = curl_slist_append(c->header, none[i]);
		if (longer == NULL)
			return false;
		c->header = longer;
	}
	return curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->header) == CURLE_OK;
}

static bool
set_body(struct http_call *c, const struct http_request *r)
{
	if (r->body == NULL)
		return curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
		    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method) ==
		    CURLE_OK;
	c->sent = malloc(r->body_bytes + 1);
	if (c->sent == NULL)
		return false;
	memcpy(c->sent, r->body, r->body_bytes);
	c->sent_bytes = r->body_bytes;
	return curl_easy_setopt(c->easy, CURLOPT_POST, 1L) == CURLE_OK &&
	    curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, r->method) == CURLE_OK &&
	    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->sent) == CURLE_OK &&
	    curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)r->body_bytes) == CURLE_OK;
}

static CURLcode
on_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	const struct http_call *c = arg;

	(void)easy;
	return c->tls(ssl_ctx, c->tls_arg) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Whom the caller trusts, and nobody else. */
static bool
set_tls(struct http_call *c, const struct http_request *r)
{
	CURL *q = c->easy;
	bool ok = true;

	c->tls = r->tls;
	c->tls_arg = r->tls_arg;
	if (r->connect_to != NULL) {
		char line[HTTP_HEADER_MAX];

		(void)snprintf(line, sizeof line, "::%s", r->connect_to);
		c->connect_to = curl_slist_append(NULL, line);
		ok = c->connect_to != NULL &&
		    curl_easy_setopt(q, CURLOPT_CONNECT_TO, c->connect_to) == CURLE_OK;
	}
	if (r->tls == NULL)
		return ok;
	return ok && curl_easy_setopt(q, CURLOPT_CAINFO, NULL) == CURLE_OK &&
	    curl_easy_setopt(q, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	    curl_easy_setopt(q, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	    curl_easy_setopt(q, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3) ==
	    CURLE_OK &&
	    curl_easy_setopt(q, CURLOPT_SSL_CTX_FUNCTION, on_tls) == CURLE_OK &&
	    curl_easy_setopt(q, CURLOPT_SSL_CTX_DATA, c) == CURLE_OK;
}

static bool
set_options(struct http_call *c, const struct http_request *r)
{
	CURL *q = c->easy;
	bool ok = true;

#define SET(option, value) (ok = curl_easy_setopt(q, option, value) == CURLE_OK && ok)
	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_ms);
	SET(CURLOPT_TIMEOUT_MS, (long)r->total_ms);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)(r->cut ? 0 : c->answer_max));
	SET(CURLOPT_FRESH_CONNECT, r->once ? 1L : 0L);
	/* Or a look-up that hangs would be waited for, and the loop with it. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS,
	    1L); /* a proxy's Date is not the zone's */
	SET(CURLOPT_USERAGENT, "pointsman/" POINTSMAN_VERSION);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, c);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, c);
	SET(CURLOPT_ERRORBUFFER, c->why);
	SET(CURLOPT_PRIVATE, c);
	if (r->direct)
		SET(CURLOPT_PROXY, "");
	if (c->h->ca_bundle[0] != '\0')
		SET(CURLOPT_CAINFO, c->h->ca_bundle);
#undef SET
	return ok && set_tls(c, r) && set_headers(c, r) && set_body(c, r);
}

struct http_call *
http_call_start(
    struct http *h, const struct http_request *r, http_cb cb, void *arg, struct err *e)
{
	struct http_call *c = calloc(1, sizeof *c);

	assert(r->connect_ms > 0 && r->total_ms > 0);
	if (c == NULL) {
		(void)err_set(e, "HTTP request: memory is short");
		return NULL;
	}
	c->h = h;
	c->cb = cb;
	c->arg = arg;
	c->https = strncasecmp(r->url, "https:", 6) == 0;
	c->once = r->once;
	c->cut = r->cut;
	c->answer_max = r->answer_max != 0 ? r->answer_max : HTTP_BODY_MAX;
	c->body = TEXT_INIT(c->answer_max);
	c->sent_ms = now_boot_ms();
	c->next = h->calls;
	c->link = &h->calls;
	if (h->calls != NULL)
		h->calls->link = &c->next;
	h->calls = c;
	c->easy = curl_easy_init();
	if (c->easy == NULL || !set_options(c, r) ||
	    curl_multi_add_handle(h->multi, c->easy) != CURLM_OK) {
		(void)err_set(e, "HTTP request to %.200s: %s", r->url,
		    c->why[0] != '\0' ? c->why
				      : "not accepted by curl or memory is short");
		free_call(c);
		return NULL;
	}
	return c;
}

void
http_call_cancel(struct http_call *call)
{
	free_call(call);
}
