/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table from errno to blame. The same number means different things before and
 * after a packet has left: ENETUNREACH from connect() itself is our own routing table,
 * the same from a pending connection is a router that answered with ICMP.
 */
#include "probe/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
probe_reason_word(enum probe_reason r)
{
	static const char *const word[PROBE_REASONS] = {
	    [PROBE_OK] = "ok",
	    [PROBE_REFUSED] = "refused",
	    [PROBE_UNREACHABLE] = "unreachable",
	    [PROBE_TIMEOUT] = "timeout",
	    [PROBE_RESET] = "reset",
	    [PROBE_STATUS] = "http-status",
	    [PROBE_BODY] = "body",
	    [PROBE_GARBAGE] = "garbage",
	    [PROBE_HEADERS] = "headers",
	    [PROBE_REDIRECTS] = "redirects",
	    [PROBE_SLOW] = "slow",
	    [PROBE_TLS] = "tls",
	    [PROBE_TLS_EXPIRED] = "tls-expired",
	    [PROBE_TLS_EARLY] = "tls-not-yet-valid",
	    [PROBE_TLS_EXPIRING] = "tls-expiring",
	    [PROBE_TLS_NAME] = "tls-name",
	    [PROBE_TLS_SELF_SIGNED] = "tls-self-signed",
	    [PROBE_TLS_ISSUER] = "tls-issuer",
	    [PROBE_RCODE] = "rcode",
	    [PROBE_ANSWER] = "answer",
	    [PROBE_TARGETS] = "targets",
	    [PROBE_API] = "api",
	    [PROBE_FORBIDDEN] = "forbidden",
	    [PROBE_EXIT] = "exit",
	    [PROBE_SIGNAL] = "signal",
	    [PROBE_NOT_STARTED] = "not-started",
	    [PROBE_LOCAL] = "local",
	};

	return (unsigned)r < PROBE_REASONS ? word[r] : "unknown";
}

void
result_pass(struct probe_result *r)
{
	r->outcome = OUTCOME_PASS;
	r->reason = PROBE_OK;
	r->text[0] = '\0';
}

void
result_fail(struct probe_result *r, enum probe_reason reason, const char *format, ...)
{
	va_list args;

	r->outcome = OUTCOME_FAIL;
	r->reason = reason;
	va_start(args, format);
	(void)vsnprintf(r->text, sizeof r->text, format, args);
	va_end(args);
}

void
result_local(struct probe_result *r, const char *format, ...)
{
	va_list args;

	r->outcome = OUTCOME_UNKNOWN;
	r->reason = PROBE_LOCAL;
	va_start(args, format);
	(void)vsnprintf(r->text, sizeof r->text, format, args);
	va_end(args);
}

static bool
is_local(int error, bool at_once)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case EADDRNOTAVAIL:
	case EADDRINUSE:
	case ENETDOWN:
	case ENODEV:
	case EAGAIN: /* no free local port, unix(7)'s cousin */
		return true;
	case ENETUNREACH:
	case EHOSTDOWN:
	case EACCES: /* our own firewall or a prohibit route */
	case EPERM:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case EINVAL:
		return at_once;
	default:
		return false;
	}
}

void
result_from_connect(struct probe_result *r, int error, bool at_once)
{
	if (is_local(error, at_once)) {
		result_local(r, "cannot probe from here: %s", strerror(error));
		return;
	}
	switch (error) {
	case ECONNREFUSED:
		result_fail(r, PROBE_REFUSED, "connection refused");
		return;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		result_fail(r, PROBE_REFUSED, "connection reset while connecting");
		return;
	case ETIMEDOUT:
		result_fail(r, PROBE_TIMEOUT, "no answer to connection attempts");
		return;
	default:
		result_fail(r, PROBE_UNREACHABLE, "unreachable: %s", strerror(error));
		return;
	}
}

void
result_from_http2(struct probe_result *r, const char *why)
{
	const char *number = strstr(why, "returned -");
	const char *words = strrchr(why, ':');

	if (number != NULL && strncmp(number, "returned -902:", 14) == 0)
		result_fail(r, PROBE_HEADERS, "more header than curl keeps (HTTP/2)");
	else
		result_fail(r, PROBE_GARBAGE, "not HTTP: broken HTTP/2: %.100s",
		    words != NULL ? words + 1 : why);
}

bool
result_memory_is_short(size_t bytes)
{
	void *volatile room = malloc(bytes);
	bool none = room == NULL;

	free(room);
	return none;
}
