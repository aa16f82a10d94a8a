/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - what one probe came to.
 *
 * The rule behind every classification: what the other side did is FAIL, what we
 * could not do is UNKNOWN. A remote must never be blamed for a full descriptor table
 * or a cable that is out here.
 */
#ifndef PROBE_RESULT_H
#define PROBE_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include "probe/prober.h"
#include "steering/core/sample.h"

#define RESULT_TEXT_MAX 160

struct probe_result {
	enum outcome outcome;
	enum probe_reason reason;
	uint32_t http_status;       /* 0: there was none */
	char text[RESULT_TEXT_MAX]; /* a sentence; "" on a pass */
};

/* Each sets everything but http_status, which it leaves as it is. */
void result_pass(struct probe_result *r);
void result_fail(struct probe_result *r, enum probe_reason reason, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
/* UNKNOWN, PROBE_LOCAL. */
void result_local(struct probe_result *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A connection that did not come about. at_once: the system call itself said so (no
 * packet was sent), not an answer or a time-out of the network. */
void result_from_connect(struct probe_result *r, int error, bool at_once);

/* Of an HTTP/2 answer that nghttp2 refused, by curl's sentence about it: "…
 * nghttp2_session_mem_recv() returned NUMBER:WORDS". −902 is curl's own refusal to keep
 * more header. */
void result_from_http2(struct probe_result *r, const char *why);
/* Would so many bytes be too many now? */
bool result_memory_is_short(size_t bytes) MUST_CHECK;

#endif
