/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - the HTTP side: what stands between a socket and the API.
 */
#ifndef LAB_SERVER_H
#define LAB_SERVER_H

#include "tests/lab/lab.h"

struct server;
struct event_base;

enum { SERVER_WHY_BYTES = 200 };

/*
 * address "127.0.0.1:0": port 0 picks one. files_max: accepts no more connections while
 * the process has so many files open. NULL: why. The lab must outlive it.
 */
struct server *server_new(struct event_base *base, struct lab *lab, const char *address,
    int files_max, char why[SERVER_WHY_BYTES]);
void server_free(struct server *s);

/* "127.0.0.1:41837" */
const char *server_address(const struct server *s);

#endif
