/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns.h - one name server's sockets, UDP and TCP on the same port.
 */
#ifndef LAB_DNS_H
#define LAB_DNS_H

#include "tests/lab/lab.h"

struct dns;
struct event_base;

enum { DNS_WHY_BYTES = 200 };

/* address "127.0.0.1:0": port 0 picks one. NULL: why. The lab must outlive it. */
struct dns *dns_new(struct event_base *base, struct lab *lab, size_t server,
    const char *address, char why[DNS_WHY_BYTES]);
void dns_free(struct dns *d);

/* "127.0.0.1:41837" */
const char *dns_address(const struct dns *d);

#endif
