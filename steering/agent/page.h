/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the read-only HTTP page: /metrics, /healthz and /incidents.
 *
 * /healthz is 200 while the loop runs and a prober worker lives, 503 otherwise; its
 * lines name what is wrong with each service for people. A zone that cannot be read is
 * no reason for 503: whoever restarts an agent on that makes an outage worse. /incidents
 * is the table of the last of them, in text. GET and
 * HEAD alone (else 405), HTTP/1.x, one request a connection, at most 8 KiB and 5 s, at
 * most PAGE_CONNECTIONS_MAX at once.
 */
#ifndef STEERING_AGENT_PAGE_H
#define STEERING_AGENT_PAGE_H

#include "steering/core/err.h"

#define PAGE_CONNECTIONS_MAX 64

struct agent;
struct event_base;
struct page;

/* address: "ip:port" or "[ip]:port". NULL with a sentence. */
struct page *page_new(struct event_base *base, const char *address,
    const struct agent *agent, struct err *e);
void page_free(struct page *p);

#endif
