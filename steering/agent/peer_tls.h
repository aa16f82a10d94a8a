/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_tls.h - who an agent is, by certificate: TLS 1.3, both sides, one authority.
 *
 * A certificate is an agent's when the private authority signed it, today lies between
 * its dates, it may serve and ask as far as it says what it may (extendedKeyUsage), and
 * exactly one configured agent's name is among its subjectAltNames (DNS). Other names
 * beside it do no harm, two agents' names do: then it is nobody's. CN is not looked at.
 */
#ifndef STEERING_AGENT_PEER_TLS_H
#define STEERING_AGENT_PEER_TLS_H

#include "steering/agent/peer_wire.h"

struct bufferevent;
struct peer_tls;

/* Reads certificate, key and authorities and sees that they fit together and to our
 * name. Dates are not judged: see peer_tls_cert(). NULL: which file, and what to do. */
struct peer_tls *
peer_tls_read(const struct peer_wire_conf *conf, struct err *e) MUST_CHECK;
/* Connections that were made with it go on to hold it. NULL is nothing. */
void peer_tls_free(struct peer_tls *t);
/* Our own. */
struct peer_cert peer_tls_cert(const struct peer_tls *t);
/* "2026-11-24" */
void peer_tls_date(int64_t wall_s, char out[16]);

/* What the other side of a connection showed. */
struct peer_shown {
	int32_t agent; /* -1: nobody that we know, yet or at all */
	struct peer_cert cert;
	char why[256]; /* "" or what was wrong: theirs, or what they say of ours */
};

/* Sets up an SSL_CTX (curl's) to ask this agent. *shown and t must live as long. */
bool peer_tls_ask(void *ssl_ctx, const struct peer_tls *t, uint32_t agent,
    struct peer_shown *shown) MUST_CHECK;

enum peer_tls_event {
	PEER_TLS_BEGUN,   /* it has a socket */
	PEER_TLS_SHAKEN,  /* shown->agent is who it is */
	PEER_TLS_REFUSED, /* shown->why says it; the connection ends by itself */
	PEER_TLS_GONE,    /* the last that is heard of it */
};
typedef void (*peer_tls_cb)(
    enum peer_tls_event what, const struct peer_shown *shown, void *arg);

/* A connection to be served, without a socket yet. Called back from within OpenSSL:
 * nothing may be freed there. Aborts when memory is short. */
struct bufferevent *peer_tls_accept(
    struct peer_tls *t, struct event_base *base, peer_tls_cb cb, void *arg) MUST_CHECK;
/* What was given to peer_tls_accept(). */
void *peer_tls_arg(struct bufferevent *peer);

#endif
