/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - the tcp check: a connection that comes about is a pass.
 */
#ifndef PROBE_TCP_H
#define PROBE_TCP_H

#include "probe/connect.h"

typedef void tcp_done_fn(void *arg, const struct probe_result *r);

struct tcp_try; /* freed by itself when done, or by tcp_cancel */

/* NULL: it is over already and *r says how; done is then never called. Otherwise done is
 * called once, later, unless tcp_cancel() comes first. */
struct tcp_try *tcp_start(struct event_base *base, const struct address *to,
    uint16_t port, const struct connect_from *from, tcp_done_fn *done, void *arg,
    struct probe_result *r);
void tcp_cancel(struct tcp_try *t);

#endif
