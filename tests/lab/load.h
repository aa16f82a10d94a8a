/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.h - record sets from a file, before anything else happens.
 *
 *   # comment
 *   www.example.test.  A    30  192.0.2.1 | 192.0.2.2
 *   app.example.test.  A    30  set=fra weight=100  198.51.100.1
 *   note.example.test. TXT  60  "one string" "another"
 *
 * A line is a name, a type, a TTL in seconds, set=, weight=, failover= and health= if
 * there are any, and values parted by " | ". The rules of change batches hold.
 */
#ifndef LAB_LOAD_H
#define LAB_LOAD_H

#include "tests/lab/lab.h"

enum { LOAD_WHY_BYTES = 1000 };

/* False: why is "FILE:LINE: sentence". */
bool load_file(struct lab *lab, const char *path, char why[LOAD_WHY_BYTES]);

#endif
