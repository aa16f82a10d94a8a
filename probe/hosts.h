/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - the hosts file (hosts(5)), held open: a confined worker cannot open it.
 *
 * What is written into the file is seen at the next question; a file that was put in
 * its place by rename is not, until whoever holds it starts anew.
 */
#ifndef PROBE_HOSTS_H
#define PROBE_HOSTS_H

#include "probe/address.h"

#define HOSTS_BYTES_MAX 65536 /* what is beyond is not looked at */

struct hosts;

/* A file that cannot be opened has no names. NULL: out of memory. */
struct hosts *hosts_new(const char *path);
void hosts_free(struct hosts *h);
/* The addresses of `name` in the order of the file, none twice; how many. */
uint32_t hosts_find(struct hosts *h, const char *name, enum family family,
    struct address *to, uint32_t room);

#endif
