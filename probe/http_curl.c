/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What made curl cheap here, and what was left out for it:
 *
 * - Easy handles are pooled, as many as there are exchanges at a time; a handle
 *   remembers the request that it was last set for and is set again only for another.
 *   Before curl 8.1.0 a handle serves once: used again, it writes into freed memory when
 *   the first header of an answer is a folded line (curl's pull request 11103).
 * - curl neither resolves nor connects: the open-socket callback hands it a connection
 *   that is up. The one CONNECT_TO entry is a constant that keeps curl from looking the
 *   name up. (curl 7.88 calls connect() all the same, with that address; Linux answers
 *   0, once, on a socket that was connected in the background.)
 * - No connection is kept or looked for (FORBID_REUSE, FRESH_CONNECT): with thousands
 *   of hosts curl's cache is what explodes.
 * - Sockets are watched level-triggered, through one event a handle that is touched
 *   only when curl's wish differs from what is watched already.
 */
#include "probe/http_curl.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <unistd.h>

#define BUFFER_BYTES 8192
#define IDLE_HANDLES_MAX 256
#define CONNECTS_MIN 64
#define BELT_MS 1000 /* beyond the deadline of the caller, should that not come */
#define LINE_BYTES_MAX 102400 /* curl allows one header line */

struct web_request {
	const struct check_http *check;
	struct web_side side;
	uint64_t serial; /* never used twice, unlike an address in memory */
	uint64_t timeout_ms;
	char *url;
	struct curl_slist *headers;
};

struct web_exchange { /* with its pooled handle */
	struct web *web;
	CURL *easy;
	const struct web_reader *reader; /* NULL: idle */
	void *arg;
	bool enough; /* the reader said so */
	bool https;
	bool judged;      /* the certificate's days were looked at */
	bool given;       /* curl has had the connection */
	uint64_t set_for; /* a request's serial; 0: none */
	const struct web_request *request;
	struct tls_seen seen;
	struct probe_result refused; /* of a certificate; outcome PASS: it was not */
	struct event ev;
	short watched;
	int fd;                    /* -1: none */
	struct web_exchange *next; /* idle */
	char why[CURL_ERROR_SIZE];
};

struct web {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct curl_slist *nowhere; /* CONNECT_TO */
	struct web_exchange *idle;
	long idles, idles_max, handles, connects_max;
	char user_agent[128];
};

static void reap(struct web *w);

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	int running;

	(void)fd, (void)what;
	(void)curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(w);
}

static int
want_timer(CURLM *multi, long wait_ms, void *arg)
{
	struct web *w = arg;
	struct timeval wait = {
	    .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};

	(void)multi;
	if (wait_ms < 0)
		(void)evtimer_del(w->timer);
	else
		(void)evtimer_add(w->timer, &wait);
	return 0;
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct web *w = arg;
	int mask = (what & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	(void)curl_multi_socket_action(w->multi, fd, mask, &running);
	reap(w);
}

static void
watch(struct web_exchange *x, short what)
{
	if (x->watched == what)
		return;
	if (x->watched != 0)
		(void)event_del(&x->ev);
	x->watched = what;
	if (what == 0)
		return;
	(void)event_assign(
	    &x->ev, x->web->base, x->fd, (short)(what | EV_PERSIST), on_ready, x->web);
	(void)event_add(&x->ev, NULL);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	static const short watched[] = {
	    [CURL_POLL_IN] = EV_READ,
	    [CURL_POLL_OUT] = EV_WRITE,
	    [CURL_POLL_INOUT] = EV_READ | EV_WRITE,
	    [CURL_POLL_REMOVE] = 0,
	};
	struct web_exchange *x = NULL;

	(void)arg;
	(void)unused;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	if (x != NULL && x->fd == fd)
		watch(x, watched[what]);
	return 0;
}

static curl_socket_t
give_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct web_exchange *x = arg;

	(void)address;
	if (purpose != CURLSOCKTYPE_IPCXN || x->fd < 0)
		return CURL_SOCKET_BAD;
	x->given = true;
	return x->fd;
}

static int
say_connected(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg, (void)fd, (void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

static void
drop_socket(struct web_exchange *x)
{
	if (x->fd < 0)
		return;
	watch(x, 0);
	(void)close(x->fd);
	x->fd = -1;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	struct web_exchange *x = arg;

	if (fd == x->fd)
		drop_socket(x);
	else
		(void)close(fd);
	return 0;
}

static CURLcode
set_tls(CURL *easy, void *context, void *arg)
{
	struct web_exchange *x = arg;

	(void)easy;
	return tls_apply(
		   context, x->request->side.trust, x->request->side.identity, &x->seen)
	    ? CURLE_OK
	    : CURLE_SSL_CERTPROBLEM;
}

/* With the first line, while the connection is there to be asked. */
static bool
has_days(struct web_exchange *x)
{
	const struct curl_tlssessioninfo *tls = NULL;
	uint32_t min_days = x->https ? x->request->check->min_days : 0;

	if (x->judged || min_days == 0)
		return true;
	x->judged = true;
	(void)curl_easy_getinfo(x->easy, CURLINFO_TLS_SSL_PTR, &tls);
	return tls == NULL || tls->internals == NULL ||
	    tls_has_days(tls->internals, min_days, &x->refused);
}

static size_t
on_header(char *line, size_t one, size_t bytes, void *arg)
{
	struct web_exchange *x = arg;
	long status = 0;

	(void)one;
	if (!has_days(x))
		return 0;
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->enough = !x->reader->header(x->arg, line, bytes, (uint32_t)status);
	return x->enough ? 0 : bytes;
}

static size_t
on_body(char *data, size_t one, size_t bytes, void *arg)
{
	struct web_exchange *x = arg;

	(void)one;
	x->enough = !x->reader->body(x->arg, data, bytes);
	return x->enough ? 0 : bytes;
}

static void
set_forever(struct web_exchange *x)
{
	CURL *c = x->easy;

#define SET(option, value) (void)curl_easy_setopt(c, option, value)
	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->why);
	SET(CURLOPT_CONNECT_TO, x->web->nowhere);
	SET(CURLOPT_OPENSOCKETFUNCTION, give_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	SET(CURLOPT_SOCKOPTFUNCTION, say_connected);
	SET(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	SET(CURLOPT_CLOSESOCKETDATA, x);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, x);
	SET(CURLOPT_USERAGENT, x->web->user_agent);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	SET(CURLOPT_CAINFO, NULL);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_CA_CACHE_TIMEOUT, 0L); /* or it shares the first check's trust */
	SET(CURLOPT_SSL_CTX_FUNCTION, set_tls);
	SET(CURLOPT_SSL_CTX_DATA, x);
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
#undef SET
}

static struct web_exchange *
exchange_new(struct web *w)
{
	struct web_exchange *x = calloc(1, sizeof *x);

	if (x == NULL)
		return NULL;
	x->web = w;
	x->fd = -1;
	x->easy = curl_easy_init();
	if (x->easy == NULL) {
		free(x);
		return NULL;
	}
	set_forever(x);
	if (++w->handles > w->connects_max) {
		w->connects_max = w->handles * 2;
		(void)curl_multi_setopt(
		    w->multi, CURLMOPT_MAXCONNECTS, w->connects_max);
	}
	return x;
}

static void
exchange_free(struct web_exchange *x)
{
	x->web->handles--;
	curl_easy_cleanup(x->easy);
	free(x);
}

static void
set_request(struct web_exchange *x, const struct web_request *q)
{
	const struct check_http *check = q->check;
	CURL *c = x->easy;

	if (x->set_for == q->serial)
		return;
	x->set_for = q->serial;
	x->https = strncmp(q->url, "https:", 6) == 0;
	(void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L); /* forgets NOBODY */
	(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
	if (strcmp(check->method, "HEAD") == 0)
		(void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (strcmp(check->method, "GET") != 0)
		(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, check->method);
	(void)curl_easy_setopt(c, CURLOPT_URL, q->url);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, q->headers);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)q->timeout_ms + BELT_MS);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, check->verify ? 1L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, check->verify ? 2L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_TCP_NODELAY, x->https ? 1L : 0L);
}

struct web_exchange *
web_start(struct web *w, const struct web_request *q, int fd,
    const struct web_reader *reader, void *arg)
{
	struct web_exchange *x = w->idle;

	if (x != NULL) {
		w->idle = x->next;
		w->idles--;
	} else {
		x = exchange_new(w);
	}
	if (x == NULL) {
		(void)close(fd);
		return NULL;
	}
	x->fd = fd;
	x->reader = reader;
	x->arg = arg;
	x->enough = x->judged = x->given = false;
	x->request = q;
	x->seen.error = 0;
	x->refused.outcome = OUTCOME_PASS;
	x->why[0] = '\0';
	set_request(x, q);
	(void)curl_multi_add_handle(w->multi, x->easy);
	return x;
}

void
web_cancel(struct web_exchange *x)
{
	struct web *w = x->web;

	(void)curl_multi_remove_handle(w->multi, x->easy);
	drop_socket(x);
	x->reader = NULL;
	if (w->idles >= w->idles_max) {
		exchange_free(x);
		return;
	}
	x->next = w->idle;
	w->idle = x;
	w->idles++;
}

bool
web_in_handshake(const struct web_exchange *x)
{
	curl_off_t tls_us = 0;

	if (x->https)
		(void)curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	return x->https && tls_us == 0;
}

static const struct { /* text ends in ": ": curl's own words follow */
	CURLcode code;
	enum probe_reason reason;
	const char *text;
} plainly[] = {
    {CURLE_GOT_NOTHING, PROBE_RESET, "closed without an answer"},
    {CURLE_PARTIAL_FILE, PROBE_RESET, "closed before the answer was whole"},
    {CURLE_HTTP2_STREAM, PROBE_RESET, "the HTTP/2 stream was reset"},
    {CURLE_SSL_CONNECT_ERROR, PROBE_TLS, "tls: "},
    {CURLE_SSL_CIPHER, PROBE_TLS, "tls: "},
    {CURLE_SSL_CLIENTCERT, PROBE_TLS, "tls: "},
    {CURLE_UNSUPPORTED_PROTOCOL, PROBE_GARBAGE, "not HTTP: "}, /* no status line */
    {CURLE_WEIRD_SERVER_REPLY, PROBE_GARBAGE, "not HTTP: "},
    {CURLE_BAD_CONTENT_ENCODING, PROBE_GARBAGE, "not HTTP: "},
    {CURLE_FILESIZE_EXCEEDED, PROBE_GARBAGE, "not HTTP: "},
    {CURLE_HTTP2, PROBE_GARBAGE, "not HTTP: "},
    {CURLE_OPERATION_TIMEDOUT, PROBE_TIMEOUT, "no whole answer in time"},
};

static void
blame(const struct web_exchange *x, CURLcode code, struct probe_result *r)
{
	const char *why = x->why[0] != '\0' ? x->why : curl_easy_strerror(code);
	bool cut = code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR;
	long error = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &error);
	for (size_t i = 0; i < sizeof plainly / sizeof plainly[0]; i++) {
		const char *text = plainly[i].text;

		if (plainly[i].code != code)
			continue;
		result_fail(r, plainly[i].reason, "%s%.130s", text,
		    text[strlen(text) - 1] == ' ' ? why : "");
		return;
	}
	if (code == CURLE_PEER_FAILED_VERIFICATION)
		tls_blame(&x->seen, x->request->side.trust, x->request->url, r);
	else if (cut && strstr(why, "nghttp2") != NULL)
		result_from_http2(r, why);
	else if (code == CURLE_COULDNT_CONNECT && x->given)
		/* curl asks for a second connection when a server refuses a stream. */
		result_fail(r, PROBE_RESET, "the HTTP/2 stream was refused");
	else if (cut && strstr(why, "chunk") != NULL)
		result_fail(r, PROBE_GARBAGE, "not HTTP: %.120s", why);
	else if (cut && strstr(why, " alert ") != NULL) /* TLS 1.3: late */
		result_fail(r, PROBE_TLS, "tls: refused us: %.120s", why);
	else if (cut)
		result_fail(r, PROBE_RESET, "%s before the answer was whole",
		    error == 0 || error == ECONNRESET ? "reset" : strerror((int)error));
	else if (code != CURLE_OUT_OF_MEMORY)
		result_local(r, "cannot probe from here: %.120s", why);
	/* curl calls a header line that never ends "out of memory". */
	else if (result_memory_is_short((size_t)2 * LINE_BYTES_MAX))
		result_local(r, "cannot probe from here: out of memory");
	else
		result_fail(r, PROBE_HEADERS, "a header line of more than %d bytes",
		    LINE_BYTES_MAX);
}

static void
reap(struct web *w)
{
	struct CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(w->multi, &left)) != NULL) {
		CURLcode code = msg->data.result;
		struct probe_result failure = {0};
		struct web_exchange *x = NULL;
		const struct web_reader *reader;
		void *arg;
		bool whole;

		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &x);
		whole = x->enough || code == CURLE_OK;
		if (x->refused.outcome == OUTCOME_FAIL)
			failure = x->refused;
		else if (!whole)
			blame(x, code, &failure);
		reader = x->reader;
		arg = x->arg;
		web_cancel(x);
		reader->end(arg, whole ? NULL : &failure);
	}
}

struct web_request *
web_request_new(const struct check_http *check, const char *url, bool secrets,
    const struct web_side *side, uint64_t timeout_ms)
{
	static uint64_t serial;
	struct web_request *q = calloc(1, sizeof *q);
	const char *line = secrets ? check->headers : "", *end;
	char text[CHECK_HEADERS_BYTES];

	if (q == NULL)
		return NULL;
	q->check = check;
	q->side.trust = side->trust;
	q->side.identity = secrets ? side->identity : NULL;
	q->serial = ++serial;
	q->timeout_ms = timeout_ms;
	q->url = strdup(url);
	q->headers = curl_slist_append(NULL, "Connection: close");
	if (strcmp(check->method, "POST") == 0 || strcmp(check->method, "PUT") == 0 ||
	    strcmp(check->method, "PATCH") == 0)
		q->headers = curl_slist_append(q->headers, "Content-Length: 0");
	for (; *line != '\0'; line = *end == '\0' ? end : end + 1) {
		end = strchrnul(line, '\n');
		(void)snprintf(text, sizeof text, "%.*s", (int)(end - line), line);
		if (text[0] != '\0')
			q->headers = curl_slist_append(q->headers, text);
	}
	if (q->url != NULL && q->headers != NULL)
		return q;
	web_request_free(q);
	return NULL;
}

void
web_request_free(struct web_request *q)
{
	if (q == NULL)
		return;
	curl_slist_free_all(q->headers);
	free(q->url);
	free(q);
}

struct web *
web_new(struct event_base *base, const char *user_agent, struct err *e)
{
	struct web *w = calloc(1, sizeof *w);

	if (w == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		goto fail;
	w->base = base;
	(void)snprintf(w->user_agent, sizeof w->user_agent, "%s", user_agent);
	w->multi = curl_multi_init();
	w->timer = evtimer_new(base, on_timer, w);
	w->nowhere = curl_slist_append(NULL, "::127.0.0.1:9");
	if (w->multi == NULL || w->timer == NULL || w->nowhere == NULL)
		goto fail;
	if (curl_version_info(CURLVERSION_NOW)->version_num >= 0x080100)
		w->idles_max = IDLE_HANDLES_MAX;
	w->connects_max = CONNECTS_MIN;
	(void)curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, w->connects_max);
	(void)curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	(void)curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	(void)curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	return w;
fail:
	(void)err_set(e, "cannot start the http prober: out of memory");
	free(w);
	return NULL;
}

void
web_free(struct web *w)
{
	if (w == NULL)
		return;
	while (w->idle != NULL) {
		struct web_exchange *x = w->idle;
		w->idle = x->next;
		exchange_free(x);
	}
	assert(w->handles == 0);
	(void)curl_multi_cleanup(w->multi);
	event_free(w->timer);
	curl_slist_free_all(w->nowhere);
	free(w);
	curl_global_cleanup();
}

static bool
take_part(CURLU *u, CURLUPart part, unsigned flags, char *to, size_t room)
{
	char *text = NULL;
	bool fits =
	    curl_url_get(u, part, &text, flags) == CURLUE_OK && strlen(text) < room;

	if (fits)
		memcpy(to, text, strlen(text) + 1);
	curl_free(text);
	return fits;
}

bool
web_url_join(struct web_url *to, const char *base, const char *location)
{
	CURLU *u = curl_url();
	char scheme[8], port[8];
	bool ok = u != NULL && curl_url_set(u, CURLUPART_URL, base, 0) == CURLUE_OK &&
	    curl_url_set(u, CURLUPART_URL, location, CURLU_DISALLOW_USER) ==
		CURLUE_OK &&
	    take_part(u, CURLUPART_SCHEME, 0, scheme, sizeof scheme) &&
	    take_part(u, CURLUPART_HOST, 0, to->host, sizeof to->host) &&
	    take_part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof port) &&
	    take_part(u, CURLUPART_URL, 0, to->text, sizeof to->text) &&
	    (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
	curl_url_cleanup(u);
	to->https = ok && scheme[4] == 's';
	to->port = ok ? (uint16_t)strtoul(port, NULL, 10) : 0;
	return to->port != 0;
}

const char *
web_authorities(void)
{
	return curl_version_info(CURLVERSION_NOW)->cainfo;
}
