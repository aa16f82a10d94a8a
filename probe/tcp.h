/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - the tcp check: a connection that comes about is a pass, unless the check says
 * more: TLS from the first byte, what to send, what the answer must hold.
 *
 * Reading stops when the verdict is known: at most CHECK_BODY_BYTES of the answer count.
 * There is no deadline in here: the caller cancels.
 */
#ifndef PROBE_TCP_H
#define PROBE_TCP_H

#include "probe/connect.h"
#include "probe/tls.h"

struct tcp_plan { /* a check made ready; in the caller's storage */
	const struct check_tcp *check;
	const struct connect_from *from;
	uint16_t port;
	struct tls_client *client; /* NULL: no TLS */
	struct tls_trust *trust;   /* the check's own; NULL: none */
};

typedef void tcp_done_fn(void *arg, const struct probe_result *r);

struct tcp_try; /* freed by itself when done, or by tcp_cancel */

/* check, from and system are borrowed for the plan's life. False: a file is not what it
 * should be; then there is nothing to fini. */
bool tcp_plan_init(struct tcp_plan *p, const struct check_tcp *check, uint16_t port,
    const struct connect_from *from, const struct prober_file file[PROBER_FILES],
    struct tls_system *system, struct err *e) MUST_CHECK;
void tcp_plan_fini(struct tcp_plan *p); /* also of one that is all zero */

/* NULL: it is over already and *r says how; done is then never called. Otherwise done is
 * called once, later, unless tcp_cancel() comes first. */
struct tcp_try *tcp_start(struct event_base *base, const struct tcp_plan *plan,
    const struct address *to, tcp_done_fn *done, void *arg, struct probe_result *r);
void tcp_cancel(struct tcp_try *t);
/* What it is at, for "no answer in time: …"; is it still without an answer? */
const char *tcp_phase(const struct tcp_try *t);
bool tcp_is_silent(const struct tcp_try *t);

#endif
