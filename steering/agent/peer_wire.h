/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_wire.h - bytes between agents who know each other by certificate.
 *
 * HTTPS, TLS 1.3 only, both sides show a certificate of the private authority. An agent
 * is who its certificate's subjectAltName says (DNS:<agent's name>); where it comes from
 * counts for nothing. What the bytes mean is not known here: POST /v1/report carries
 * them, GET /v1/hello says who answers, in which version, and what its clock says.
 *
 * One event_base, one thread; nothing waits. Agents are indexed as in the configuration
 * (conf.agent[], own place conf.self). Reports supersede: one exchange with a peer is
 * under way at a time, one more waits, and a newer one takes the place of the one that
 * waits. Callbacks are called from the loop, never from within a function of this file.
 */
#ifndef STEERING_AGENT_PEER_WIRE_H
#define STEERING_AGENT_PEER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/model.h"
#include "steering/zone/peer_message.h" /* PEER_PROTOCOL */

struct event_base;
struct facts;
struct peer_wire;

#define PEER_BODY_MAX 65536 /* bytes of a message, and of a reply */
#define PEER_DEADLINE_MS 1000
#define PEER_WARN_S (30 * 86400) /* expiry is warned of so long ahead */

struct peer_wire_conf {
	uint32_t self, agents;
	struct peer_wire_agent {
		char name[WORD_MAX];
		char host[DNS_NAME_MAX]; /* numeric (IPv6 without brackets) or a name */
		uint16_t port;
	} agent[AGENTS_MAX];
	/* Where to listen; host may be a name, resolved when it begins. "" nowhere: only
	 * asks (doctor). Port 0: any, see peer_wire_port(). */
	char listen_host[DNS_NAME_MAX];
	uint16_t listen_port;
	char cert[512], key[512], ca[512]; /* PEM files */
	uint32_t deadline_ms; /* of an exchange, with connecting; 0: PEER_DEADLINE_MS */
	/* Patience; 0: the values below. Tests are impatient. */
	uint32_t handshake_ms, idle_ms, look_ms;
};
#define PEER_HANDSHAKE_MS 3000
#define PEER_IDLE_MS 15000 /* within which a whole request must have come */
#define PEER_LOOK_MS 60000 /* at the certificates' files */

/* What stands in the configuration. False: an agent has no url, or there is no tls. */
bool peer_wire_conf_fill(const struct config *c, uint32_t self,
    struct peer_wire_conf *out, struct err *e) MUST_CHECK;

struct peer_reply {
	unsigned status; /* 204 (as it comes), 200, 400, 409, 503 */
	const char
	    *body; /* NULL or at most PEER_BODY_MAX; copied when on_message returns */
	size_t body_bytes;
};

enum peer_outcome {
	PEER_ANSWERED = 0, /* status and body are set, whatever the status */
	PEER_UNREACHED,    /* no connection: refused, no route, no such name */
	PEER_TIMEOUT,      /* the deadline passed, connecting or waiting */
	PEER_TLS,          /* the handshake failed, or they refused our certificate */
	PEER_BROKEN,       /* the connection broke, or what came is no answer */
};

struct peer_result {
	enum peer_outcome outcome;
	unsigned status;
	const char *body; /* valid during the callback, NUL-terminated */
	size_t body_bytes;
	int64_t date_wall_s;       /* their clock, in whole seconds; 0 not said */
	uint64_t sent_ms, done_ms; /* CLOCK_BOOTTIME; sent: handed to the connection */
	const char *why;           /* a sentence, unless ANSWERED; valid as the body */
};

struct peer_wire_calls {
	/* A configured peer, proven by its certificate, says this. Body NUL-terminated. */
	void (*on_message)(uint32_t from, const char *body, size_t body_bytes,
	    struct peer_reply *reply, void *arg);
	/* What became of a post or a hello; not called for one that was superseded. */
	void (*on_result)(uint32_t to, const struct peer_result *result, void *arg);
	void *arg;
};

/* Reads the certificates, binds, listens. facts may be NULL (borrowed; troubles, each
 * with its cure). NULL: a file is not right, or the address cannot be had. */
struct peer_wire *
peer_wire_new(struct event_base *base, const struct peer_wire_conf *conf,
    const struct peer_wire_calls *calls, struct facts *facts, struct err *e) MUST_CHECK;
/* Ends everything without a callback. Not from a callback. */
void peer_wire_free(struct peer_wire *w);

/* Copies the body. False: longer than PEER_BODY_MAX, or `to` is nobody else. */
bool peer_wire_post(struct peer_wire *w, uint32_t to, const char *body,
    size_t body_bytes, struct err *e) MUST_CHECK;
/* GET /v1/hello; the reply's body is JSON: agent, pointsman (its version), protocol and
 * protocol_oldest. */
bool peer_wire_hello(struct peer_wire *w, uint32_t to, struct err *e) MUST_CHECK;
/* Is an exchange with it under way? (Not: does one wait.) */
bool peer_wire_busy(const struct peer_wire *w, uint32_t to);

/* New peers, addresses, certificates. Exchanges under way end without a callback and
 * connections are made anew, unless nothing differs. On false all stays as it was. By
 * itself it looks once a minute whether the files changed, and takes them when they
 * are whole; until then the old ones serve, and a fact says what is wrong. */
bool peer_wire_reload(
    struct peer_wire *w, const struct peer_wire_conf *conf, struct err *e) MUST_CHECK;

/* The port that it listens on; 0 nowhere. */
uint16_t peer_wire_port(const struct peer_wire *w);

/* What is known of a certificate. For conf.self: of our own. */
struct peer_cert {
	int64_t from_wall_s, until_wall_s; /* notBefore, notAfter; 0: not seen yet */
};
struct peer_cert peer_wire_cert(const struct peer_wire *w, uint32_t agent);
/* Why the last exchange with it failed; "" it went well, or none was made. */
const char *peer_wire_trouble(const struct peer_wire *w, uint32_t agent);

#endif
