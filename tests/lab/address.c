/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By hand, because libevent's own parser refuses port 0, with which tests ask for any
 * free port.
 */
#include "tests/lab/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
parse_port(const char *text, in_port_t *port)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	unsigned long n = strtoul(text, &end, 10);
	if (*end != '\0' || n > 65535)
		return false;
	*port = htons((uint16_t)n);
	return true;
}

bool
address_parse(const char *text, struct sockaddr_storage *at, socklen_t *len)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
	const char *colon = strrchr(text, ':');
	char host[ADDRESS_BYTES];
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;

	memset(at, 0, sizeof *at);
	if (n == 0 || n >= sizeof host)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		at->ss_family = AF_INET6;
		*len = sizeof *v6;
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1 &&
		    parse_port(colon + 1, &v6->sin6_port);
	}
	at->ss_family = AF_INET;
	*len = sizeof *v4;
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1 &&
	    parse_port(colon + 1, &v4->sin_port);
}

void
address_host(const struct sockaddr_storage *at, char host[ADDRESS_BYTES])
{
	const void *addr = &((const struct sockaddr_in *)at)->sin_addr;

	if (at->ss_family == AF_INET6)
		addr = &((const struct sockaddr_in6 *)at)->sin6_addr;
	if (inet_ntop(at->ss_family, addr, host, ADDRESS_BYTES) == NULL)
		host[0] = '\0';
}

uint16_t
address_port(const struct sockaddr_storage *at)
{
	if (at->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)at)->sin6_port);
	return ntohs(((const struct sockaddr_in *)at)->sin_port);
}

void
address_format(const struct sockaddr_storage *at, char text[ADDRESS_BYTES])
{
	bool v6 = at->ss_family == AF_INET6;
	char host[ADDRESS_BYTES];

	address_host(at, host);
	snprintf(text, ADDRESS_BYTES, "%s%.45s%s:%u", v6 ? "[" : "", host,
	    v6 ? "]" : "", (unsigned)address_port(at));
}
