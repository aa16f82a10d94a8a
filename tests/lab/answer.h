/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - one DNS message in, one out (RFC 1035, EDNS of RFC 6891).
 */
#ifndef LAB_ANSWER_H
#define LAB_ANSWER_H

#include "tests/lab/lab.h"

enum { ANSWER_QUERY_MAX = 4096, ANSWER_BYTES = 65535 };

/*
 * Answers as name server number `server`. Returns the bytes written to out; 0: no
 * answer is due (no DNS query at all, an answer, or the server is off). Over UDP an
 * answer beyond 512 bytes, or what EDNS allows up to 4,096, is truncated.
 */
size_t answer_query(struct lab *lab, size_t server, const uint8_t *query, size_t bytes,
    bool tcp, uint8_t out[ANSWER_BYTES]);

#endif
