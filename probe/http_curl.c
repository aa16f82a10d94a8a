/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What made curl cheap here, and what was left out for it:
 *
 * - Easy handles are pooled, as many as there are exchanges at a time; a handle
 *   remembers the request that it was last set for and is set again only for another.
 * - Before curl 8.1.0 a handle that is used again writes into freed memory when the
 *   first header of an answer is a folded line: it appends to the last header of the
 *   answer before, which it has forgotten to forget (curl's pull request 11103). So from
 *   the status line until the first header is kept, CURLOPT_HEADER is on: then curl shows
 *   a line to the body's callback before it keeps it, and that refuses a continuation of
 *   nothing. (RFC 9112 §5.2 lets a client reject folded lines.)
 * - curl neither resolves nor connects: the open-socket callback hands it a connection
 *   that is up. The one CONNECT_TO entry is a constant that keeps curl from looking the
 *   name up. (curl 7.88 calls connect() all the same, with that address; Linux answers
 *   0, once, on a socket that was connected in the background.)
 * - No connection is kept or looked for (FORBID_REUSE, FRESH_CONNECT): with thousands
 *   of hosts curl's cache is what explodes.
 * - A connection comes watched (edge-triggered), and most answers come in one piece:
 *   only when curl wants more than that is the socket watched for what curl wants.
 */
#include "probe/http_curl.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe/http_request.h"
#include "probe/pool.h"

#define BUFFER_BYTES 8192
#define HEAD_BUFFER_BYTES 1024 /* where the body does not matter; curl's least */
#define IDLE_HANDLES_MAX 256
#define CONNECTS_MIN 64
#define LINE_BYTES_MAX 102400 /* curl allows one header line */

enum head { HEAD_BEGINS = 0, HEAD_WATCHED, HEAD_KEPT };

struct web_exchange { /* with its pooled handle */
	struct web *web;
	CURL *easy;
	const struct web_reader *reader; /* NULL: idle */
	void *arg;
	enum head head;
	bool included; /* CURLOPT_HEADER is on: on_body() sees the head's lines first */
	bool folded;   /* the head began with the continuation of nothing */
	bool enough;   /* the reader said so */
	bool judged;   /* the certificate's days were looked at */
	bool given;    /* curl has had the connection */
	uint64_t set_for; /* a request's serial; 0: none */
	const struct web_request *request;
	struct tls_seen seen;
	struct probe_result refused; /* of a certificate; outcome PASS: it was not */
	struct connect *connect;     /* the caller's; NULL: none */
	short wants;                 /* what curl waits for: EV_READ, EV_WRITE */
	bool level;                  /* the socket is watched level-triggered */
	struct web_exchange *next;   /* idle */
	char why[CURL_ERROR_SIZE];
};

struct web {
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	struct curl_slist *nowhere; /* CONNECT_TO */
	struct web_exchange *idle;
	long idles, handles, connects_max;
	bool watches_heads; /* curl is older than 8.1.0 */
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
watch_level(struct web_exchange *x)
{
	x->level = true;
	connect_watch(x->connect, x->wants);
}

static void
on_ready(void *arg, short what)
{
	struct web_exchange *x = arg;
	struct web *w = x->web;
	int mask = (what & x->wants & EV_READ ? CURL_CSELECT_IN : 0) |
	    (what & x->wants & EV_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	if (mask == 0)
		return;
	(void)curl_multi_socket_action(w->multi, x->connect->fd, mask, &running);
	if (x->wants != 0 && !x->level) /* it may not have taken all that there is */
		watch_level(x);
	reap(w);
}

static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *unused)
{
	static const short wanted[] = {
	    [CURL_POLL_IN] = EV_READ,
	    [CURL_POLL_OUT] = EV_WRITE,
	    [CURL_POLL_INOUT] = EV_READ | EV_WRITE,
	    [CURL_POLL_REMOVE] = 0,
	};
	struct web_exchange *x = NULL;

	(void)arg;
	(void)unused;
	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
	if (x == NULL || x->connect == NULL || x->connect->fd != fd ||
	    x->wants == wanted[what])
		return 0;
	x->wants = wanted[what];
	if (x->level ||
	    (x->wants != 0 && (x->wants != EV_READ || x->connect->readable)))
		watch_level(x);
	return 0;
}

static curl_socket_t
give_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct web_exchange *x = arg;

	(void)address;
	if (purpose != CURLSOCKTYPE_IPCXN || x->connect == NULL)
		return CURL_SOCKET_BAD;
	x->given = true;
	return x->connect->fd;
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
	if (x->connect != NULL)
		connect_cancel(x->connect);
	x->connect = NULL;
	x->wants = 0;
}

static int
close_socket(void *arg, curl_socket_t fd)
{
	struct web_exchange *x = arg;

	if (x->connect != NULL && fd == x->connect->fd)
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
	uint32_t min_days = x->request->https ? x->request->check->min_days : 0;

	if (x->judged || min_days == 0)
		return true;
	x->judged = true;
	(void)curl_easy_getinfo(x->easy, CURLINFO_TLS_SSL_PTR, &tls);
	return tls == NULL || tls->internals == NULL ||
	    tls_has_days(tls->internals, min_days, &x->refused);
}

static void
include_head(struct web_exchange *x, bool on)
{
	x->included = on;
	(void)curl_easy_setopt(x->easy, CURLOPT_HEADER, on ? 1L : 0L);
}

/* From the status line until curl has a header of this answer to append to. */
static void
watch_head(struct web_exchange *x, const char *line, long status)
{
	bool blank = line[0] == '\r' || line[0] == '\n';

	if (x->head == HEAD_KEPT || !x->web->watches_heads)
		return;
	if (x->head == HEAD_BEGINS) {
		x->head = HEAD_WATCHED;
		include_head(x, true);
	} else if (!blank || status >= 200 || status == 101) {
		x->head = HEAD_KEPT;
		include_head(x, false);
	} else {
		x->head = HEAD_BEGINS; /* that of the answer behind a 1xx one */
	}
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
	watch_head(x, line, status);
	x->enough = !x->reader->header(x->arg, line, bytes, (uint32_t)status);
	return x->enough ? 0 : bytes;
}

static size_t
on_body(char *data, size_t one, size_t bytes, void *arg)
{
	struct web_exchange *x = arg;

	(void)one;
	if (x->included) {
		x->folded = data[0] == ' ' || data[0] == '\t';
		return x->folded ? 0 : bytes;
	}
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
	SET(CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_PATH_AS_IS, 1L);
#undef SET
}

static struct web_exchange *
exchange_new(struct web *w)
{
	struct web_exchange *x = calloc(1, sizeof *x);

	if (x == NULL)
		return NULL;
	x->web = w;
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

static bool
set_request(struct web_exchange *x, struct web_request *q)
{
	const struct check_http *check = q->check;
	bool has_rule = check->contains[0] != '\0' || check->matches[0] != '\0';
	CURL *c = x->easy;

	if (x->set_for == q->serial)
		return true;
	if (!web_request_name(q, x->web->user_agent))
		return false;
	x->set_for = q->serial;
	(void)curl_easy_setopt(c, CURLOPT_HTTPGET, 1L); /* forgets NOBODY */
	(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, NULL);
	if (strcmp(check->method, "HEAD") == 0)
		(void)curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (strcmp(check->method, "GET") != 0)
		(void)curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, check->method);
	(void)curl_easy_setopt(c, CURLOPT_URL, q->url);
	(void)curl_easy_setopt(c, CURLOPT_CURLU, q->parsed);
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, q->headers);
	(void)curl_easy_setopt(
	    c, CURLOPT_BUFFERSIZE, (long)(has_rule ? BUFFER_BYTES : HEAD_BUFFER_BYTES));
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, check->verify ? 1L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, check->verify ? 2L : 0L);
	(void)curl_easy_setopt(c, CURLOPT_TCP_NODELAY, q->https ? 1L : 0L);
	return true;
}

struct web_exchange *
web_start(struct web *w, struct web_request *q, struct connect *c,
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
		connect_cancel(c);
		return NULL;
	}
	x->connect = c;
	x->reader = reader;
	x->arg = arg;
	x->enough = x->judged = x->folded = x->level = x->given = false;
	x->head = HEAD_BEGINS;
	if (x->included)
		include_head(x, false);
	x->request = q;
	x->seen.error = 0;
	x->refused.outcome = OUTCOME_PASS;
	x->why[0] = '\0';
	if (!set_request(x, q)) {
		web_cancel(x);
		return NULL;
	}
	connect_tell(c, on_ready, x);
	(void)curl_multi_add_handle(w->multi, x->easy);
	return x;
}

void
web_cancel(struct web_exchange *x)
{
	struct web *w = x->web;

	(void)curl_multi_remove_handle(w->multi, x->easy); /* also if it is not in */
	drop_socket(x);
	x->reader = NULL;
	if (w->idles >= IDLE_HANDLES_MAX) {
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

	if (x->request->https)
		(void)curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
	return x->request->https && tls_us == 0;
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
    {CURLE_BAD_FUNCTION_ARGUMENT, PROBE_GARBAGE, "not HTTP: "}, /* of such a head */
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

	if (x->folded) {
		result_fail(r, PROBE_GARBAGE,
		    "not HTTP: the head begins with the "
		    "continuation of a line that is not there");
		return;
	}
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

struct web *
web_new(struct event_base *base, const char *user_agent, struct err *e)
{
	struct web *w = calloc(1, sizeof *w);

	if (w == NULL ||
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, pool_malloc, pool_free,
		pool_realloc, pool_strdup, pool_calloc) != CURLE_OK)
		goto fail;
	w->base = base;
	(void)snprintf(w->user_agent, sizeof w->user_agent, "%s", user_agent);
	w->multi = curl_multi_init();
	w->timer = evtimer_new(base, on_timer, w);
	w->nowhere = curl_slist_append(NULL, "::127.0.0.1:9");
	if (w->multi == NULL || w->timer == NULL || w->nowhere == NULL)
		goto fail;
	w->watches_heads = curl_version_info(CURLVERSION_NOW)->version_num < 0x080100;
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

const char *
web_authorities(void)
{
	return curl_version_info(CURLVERSION_NOW)->cainfo;
}
