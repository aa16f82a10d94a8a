/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page.h - the read-only HTTP page: /metrics and /healthz.
 *
 * /healthz answers 200 "ok" while the loop runs and every service's zone was read, 503
 * with a sentence for each that was not. GET and HEAD alone; anything else is 405, any
 * other path 404. Headers and bodies of requests are bounded, slow peers are cut off,
 * at most PAGE_CONNECTIONS_MAX at once.
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
