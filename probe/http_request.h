/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_request.h - a request as curl wants it, made once and shared by the handles that
 * send it. For http_curl.c alone; what others may do with one is in http_curl.h.
 */
#ifndef PROBE_HTTP_REQUEST_H
#define PROBE_HTTP_REQUEST_H

#include "probe/http_curl.h"

struct curl_slist;

struct web_request {
	const struct check_http *check;
	struct web_side side;
	uint64_t serial; /* never used twice, unlike an address in memory */
	bool https;
	bool named; /* says who asks */
	char *url;
	void *parsed; /* CURLU: the same; NULL: it does not parse */
	struct curl_slist *headers;
};

/* Adds the User-Agent, unless the check has one; done once. False: out of memory. */
bool web_request_name(struct web_request *q, const char *user_agent) MUST_CHECK;

#endif
