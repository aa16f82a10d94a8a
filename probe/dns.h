/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.h - the dns check: one question to one name server, by UDP, and by TCP when its
 * answer was cut.
 *
 * Recursion is asked for, EDNS is not used: what does not fit into 512 bytes comes by
 * TCP. Only an answer from the server's own address and port, to this transaction and
 * this question, is one. Silence is asked again, at a third and two thirds of the
 * check's timeout: a lost packet is no failure. There is no deadline in here: the
 * caller cancels.
 */
#ifndef PROBE_DNS_H
#define PROBE_DNS_H

#include "probe/connect.h"
#include "probe/dns_message.h"

struct dns_plan { /* a check made ready; in the caller's storage */
	const struct check_dns *check;
	const struct connect_from *from;
	uint64_t again_ms;
	uint16_t port;
	uint8_t question[DNS_QUESTION_MAX]; /* its transaction is each try's own */
	size_t question_bytes;
};

typedef void dns_done_fn(void *arg, const struct probe_result *r);

struct dns_try; /* freed by itself when done, or by dns_cancel */

/* check and from are borrowed for the plan's life. False: it cannot be asked. */
bool dns_plan_init(struct dns_plan *p, const struct check_spec *check, uint16_t port,
    const struct connect_from *from, struct err *e) MUST_CHECK;

/* NULL: it is over already and *r says how; done is then never called. Otherwise done is
 * called once, later, unless dns_cancel() comes first. */
struct dns_try *dns_start(struct event_base *base, const struct dns_plan *plan,
    const struct address *to, dns_done_fn *done, void *arg, struct probe_result *r);
void dns_cancel(struct dns_try *t);
/* What it is at, for "no answer in time: …"; is it still without an answer? */
const char *dns_phase(const struct dns_try *t);
bool dns_is_silent(const struct dns_try *t);

/* The verdict on an answer to the plan's question; public for the tests. */
void dns_judge(const struct dns_plan *plan, const uint8_t *byte, size_t bytes,
    struct probe_result *r);

#endif
