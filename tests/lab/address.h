/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - "127.0.0.1:8053" and "[::1]:8053" to socket addresses and back.
 */
#ifndef LAB_ADDRESS_H
#define LAB_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { ADDRESS_BYTES = 64 };

/* Numeric addresses only; port 0 is allowed. */
bool address_parse(const char *text, struct sockaddr_storage *at, socklen_t *len);
void address_format(const struct sockaddr_storage *at, char text[ADDRESS_BYTES]);

/* The host alone, without brackets. */
void address_host(const struct sockaddr_storage *at, char host[ADDRESS_BYTES]);
uint16_t address_port(const struct sockaddr_storage *at);

#endif
