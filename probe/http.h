/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the http check: connect, ask, judge, follow redirects where asked to.
 *
 * A fresh connection for each hop. Reading stops as soon as the verdict is known: at
 * most 16 KiB of header and CHECK_BODY_BYTES of body count (one buffer more may leave
 * the socket). There is no deadline in here: the caller cancels.
 */
#ifndef PROBE_HTTP_H
#define PROBE_HTTP_H

#include "probe/connect.h"
#include "probe/http_curl.h"
#include "probe/resolve.h"

struct http_plan; /* a check made ready; lives longer than its tries */
struct http_try;  /* freed by itself when done, or by http_cancel */

struct http_tools { /* borrowed by every try */
	struct event_base *base;
	struct web *web;
	struct resolver *resolver; /* for redirects to other names */
};

typedef void http_done_fn(void *arg, const struct probe_result *r);

/* check, from and system are borrowed for the plan's life; the files are read here.
 * NULL: a rule does not compile, or a file is not what it should be. */
struct http_plan *http_plan_new(const struct check_spec *check, uint16_t port,
    const struct connect_from *from, const struct prober_file file[PROBER_FILES],
    struct tls_system *system, struct err *e) MUST_CHECK;
void http_plan_free(struct http_plan *p);

/* NULL: it is over already and *r says how; done is then never called. Otherwise done is
 * called once, later, unless http_cancel() comes first. */
struct http_try *
http_start(const struct http_tools *tools, const struct http_plan *plan,
    const struct address *to, http_done_fn *done, void *arg, struct probe_result *r);
void http_cancel(struct http_try *t);
/* Has a single line of an answer come yet? */
bool http_is_silent(const struct http_try *t);
/* What it is at, for "no answer in time: …". */
const char *http_phase(const struct http_try *t);

#endif
