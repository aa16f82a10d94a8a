/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_curl.h - HTTP spoken by curl on a connection that is already up; over TLS it is
 * HTTP/2 where the other side offers it. The only file of this floor that knows curl.
 *
 * One exchange is one request and its answer, told piece by piece to a reader who says
 * when it has seen enough. Nothing is decompressed, no redirect is followed, nothing is
 * connected or resolved here, and no connection outlives its exchange.
 */
#ifndef PROBE_HTTP_CURL_H
#define PROBE_HTTP_CURL_H

#include <event2/event.h>
#include <stddef.h>

#include "probe/connect.h"
#include "probe/tls.h"

#define WEB_URL_MAX 2048

struct web;         /* the engine: one a worker */
struct web_request; /* made once, sent often */
struct web_exchange;

struct web_side { /* borrowed; NULL: none */
	const struct tls_trust *trust;
	const struct tls_identity *identity;
};

struct web_reader {
	/* A header line with its line end; an empty one ends a head (also that of a
	 * 1xx answer or of a trailer). status: of the head it belongs to. */
	bool (*header)(void *arg, const char *line, size_t bytes, uint32_t status);
	bool (*body)(void *arg, const char *data, size_t bytes);
	/* Either returns false when it has seen enough. Then, and when the answer is
	 * whole (failure NULL) or cannot be (*failure says why), comes: */
	void (*end)(void *arg, const struct probe_result *failure);
};

struct web *
web_new(struct event_base *base, const char *user_agent, struct err *e) MUST_CHECK;
void web_free(struct web *w); /* every exchange must be over */

/* check and side's are borrowed for the request's life; the url is copied. secrets: with
 * the check's own headers and identity. NULL: out of memory. */
struct web_request *web_request_new(const struct check_http *check, const char *url,
    bool secrets, const struct web_side *side);
void web_request_free(struct web_request *q);

/* On a connection that is up and stays; the exchange closes it, also when it fails to
 * start. NULL: out of memory. The reader is called later only; after `end` the exchange
 * is gone. There is no deadline in here: the caller cancels. */
struct web_exchange *web_start(struct web *w, struct web_request *q, struct connect *c,
    const struct web_reader *reader, void *arg);
/* Closes; not from a reader's header or body. */
void web_cancel(struct web_exchange *x);
/* Where curl's build says that the system's authorities are; NULL: nowhere. */
const char *web_authorities(void);
bool web_in_handshake(const struct web_exchange *x);

struct web_url {
	bool https;
	uint16_t port;
	char host[DNS_NAME_MAX]; /* IPv6 in brackets */
	char text[WEB_URL_MAX];
};

/* Where a Location leads from `base`; false: not to http or https, or with a password
 * in it. */
bool web_url_join(struct web_url *to, const char *base, const char *location);

#endif
