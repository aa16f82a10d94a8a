/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - one HTTP request and what became of it.
 *
 * Asynchronous on one event_base. TLS is verified, redirects are not followed,
 * HTTPS_PROXY and NO_PROXY are honoured, AWS_CA_BUNDLE replaces the system's
 * authorities, and a request may bring whom it trusts itself. The answer says how far
 * the request came, because a caller that changes things must know: a request that never
 * left can be forgotten, one without an answer may have been carried out.
 */
#ifndef STEERING_ZONE_HTTP_H
#define STEERING_ZONE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"
#include "steering/zone/text.h"

struct event_base;
struct http;
struct http_call;

#define HTTP_BODY_MAX (4 * 1024 * 1024)
#define HTTP_HEADER_MAX 8192 /* one field of a request */

struct http_request {
	const char *method; /* "GET", "POST", "PUT" */
	const char *url;    /* whole; goes out byte for byte */
	const struct text_pair *header;
	size_t headers;
	const void *body; /* NULL: none */
	size_t body_bytes;
	uint64_t connect_ms, total_ms; /* patience; both > 0 */
	bool once;         /* a change: on a connection of its own, because a
					* reused one that breaks makes curl send again */
	bool direct;       /* past every proxy: link-local services, peers */
	size_t answer_max; /* bytes of body taken; 0: HTTP_BODY_MAX */
	bool cut;          /* a longer body is cut there; else it is no answer */
	/* "host:port" to connect to instead of the url's, whose host is still what the
	 * certificate must name; IPv6 in brackets. NULL: the url's. */
	const char *connect_to;
	/* Not NULL: TLS 1.3 only, and this sets up each connection's SSL_CTX, with the
	 * authorities, which are then nobody else's. What it puts there must live as
	 * long as h: the connection is kept longer than the call. */
	bool (*tls)(void *ssl_ctx, void *arg);
	void *tls_arg;
};

enum http_fate {
	HTTP_ANSWERED = 0, /* a whole answer, whatever its status */
	HTTP_NEVER_LEFT,   /* no byte of the request was sent */
	HTTP_NO_ANSWER,    /* sent in part or whole; no answer, or a broken one */
};

enum http_trouble { /* what was in the way, as far as curl can tell */
	HTTP_TROUBLE_NOT = 0,
	HTTP_TROUBLE_CONNECT, /* name, route, refusal */
	HTTP_TROUBLE_TIME,
	HTTP_TROUBLE_TLS,
	HTTP_TROUBLE_OTHER,
};

struct http_response {
	enum http_fate fate;
	enum http_trouble trouble;
	long status;               /* 0 without an answer */
	const char *body;          /* valid during the callback; NUL-terminated */
	size_t body_bytes;         /* at most HTTP_BODY_MAX */
	int64_t date_wall_s;       /* the Date field; 0 none */
	uint64_t sent_ms, done_ms; /* CLOCK_BOOTTIME */
	struct err err;            /* unless ANSWERED */
};

typedef void (*http_cb)(const struct http_response *response, void *arg);

struct http *http_new(struct event_base *base, struct err *e);
/* Ends all calls without a callback. May be called from a callback. */
void http_free(struct http *h);

/* Copies what it needs. The callback fires exactly once, after this returned, unless
 * the call is cancelled; the handle is dead from then on. NULL: nothing was begun. */
struct http_call *http_call_start(struct http *h, const struct http_request *request,
    http_cb cb, void *arg, struct err *e) MUST_CHECK;
void http_call_cancel(struct http_call *call);

#endif
