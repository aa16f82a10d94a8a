/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_rule.h - what an answer must look like. Pure: it sees bytes, no sockets.
 */
#ifndef PROBE_HTTP_RULE_H
#define PROBE_HTTP_RULE_H

#include <stddef.h>

#include "probe/pattern.h"
#include "probe/result.h"

struct http_rule {
	const struct check_http *check; /* borrowed for the rule's life */
	struct pattern *pattern;        /* NULL: none */
};

enum http_judged {
	HTTP_DONE, /* *r is the verdict: read no further */
	HTTP_MORE, /* the verdict needs (more of) the body */
	HTTP_HOP,  /* a redirect to follow */
};

/* Fails on a regular expression that does not compile; then there is nothing to fini. */
bool http_rule_init(
    struct http_rule *rule, const struct check_http *check, struct err *e) MUST_CHECK;
void http_rule_fini(struct http_rule *rule);

/* After the last header line. hops: redirects followed so far. Sets r->http_status. */
enum http_judged http_rule_judge_head(const struct http_rule *rule, uint32_t status,
    bool has_location, uint32_t hops, struct probe_result *r);

/* body: its first bytes, at most CHECK_BODY_BYTES of them and a zero after; whole: no more will come.
 * Never returns HTTP_MORE when whole or when CHECK_BODY_BYTES are there. `contains` is
 * decided as soon as it is found; `matches` only at the end, because of `$`. */
enum http_judged http_rule_judge_body(const struct http_rule *rule, const char *body,
    size_t bytes, bool whole, struct probe_result *r);

#endif
