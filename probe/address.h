/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - numeric addresses, and which of them are never probed.
 */
#ifndef PROBE_ADDRESS_H
#define PROBE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "steering/core/sample.h"

#define ADDRESS_TEXT_MAX 64

struct address {        /* unused bytes are 0: memcmp compares */
	uint8_t family; /* enum family */
	uint8_t byte[16];
};

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; false: not numeric. No zone ids:
 * they belong to link-local addresses. */
bool address_parse(struct address *a, const char *text);
/* The numeric form, without brackets. */
void address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);
bool address_equal(const struct address *a, const struct address *b);
/* Returns the length of *to for connect() and bind(). */
socklen_t address_to_sockaddr(
    const struct address *a, uint16_t port, struct sockaddr_storage *to);

/* Why this address is never connected to, as words that follow "is"; NULL: it may be
 * probed. Link-local, metadata services, unspecified, multicast and broadcast are
 * refused, and so is IPv6 that only wraps such an IPv4 address (mapped, RFC 4291
 * §2.5.5; NAT64, RFC 6052). */
const char *address_forbidden(const struct address *a);

#endif
