/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_serve.h - the door at which peers knock: evhttp under TLS, bounded.
 *
 * Part of peer_wire. At most 64 connections in handshake (an eighth of the open files,
 * if that is less), each for 3 s; 4 of each peer, of which the oldest makes room;
 * headers up to 16 KiB, bodies up to 64 KiB; a connection that brings no whole request
 * within 15 s is closed, however slowly it goes on talking.
 */
#ifndef STEERING_AGENT_PEER_SERVE_H
#define STEERING_AGENT_PEER_SERVE_H

#include "steering/agent/peer_tls.h"

struct peer_serve;

/* Listens. conf is copied; tls is borrowed until peer_serve_renew(). NULL: why. */
struct peer_serve *peer_serve_new(struct event_base *base,
    const struct peer_wire_conf *conf, struct peer_tls *tls,
    const struct peer_wire_calls *calls, struct facts *facts, struct err *e) MUST_CHECK;
/* Not from a callback. NULL is nothing. */
void peer_serve_free(struct peer_serve *s);
/* Other names, certificates, address: connections end. False: nothing has changed. */
bool peer_serve_renew(struct peer_serve *s, const struct peer_wire_conf *conf,
    struct peer_tls *tls, struct err *e) MUST_CHECK;
uint16_t peer_serve_port(const struct peer_serve *s);
/* Of what this agent showed when it connected; zeroes: it did not. */
struct peer_cert peer_serve_cert(const struct peer_serve *s, uint32_t agent);

#endif
