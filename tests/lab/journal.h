/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - the log of requests: one JSON object a line, flushed at once.
 *
 *   time            wall clock, seconds with milliseconds (never shifted by a fault)
 *   method, path, query, request_id
 *   actions         of a change: "DELETE www.example.test. A fra" in order
 *   status          sent; 0 when nothing was
 *   code            of an error, else ""
 *   fault           what was done to the request on purpose, else ""
 */
#ifndef LAB_JOURNAL_H
#define LAB_JOURNAL_H

#include "tests/lab/batch.h"

#include <stdio.h>

struct journal_entry {
	const char *method, *path, *query; /* query may be NULL */
	const char *request_id;
	const struct batch *batch; /* NULL: no change */
	int status;
	const char *code, *fault;
};

void journal_write(FILE *log, const struct journal_entry *entry); /* log may be NULL */

#endif
