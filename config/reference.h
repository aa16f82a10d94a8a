/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reference.h - the page of reference, made from the schema table.
 *
 * config/REFERENCE.md is what reference_write() writes; a test compares the two, so
 * the page cannot grow old.
 */
#ifndef CONFIG_REFERENCE_H
#define CONFIG_REFERENCE_H

#include <stdio.h>

#include "config/schema.h"

/* What an operator could write for a row, as the parser takes it (so without quotes);
 * "" for blocks and lists. Lives as long as the program. */
const char *reference_example(const struct schema_key *row);

/* The whole page, in Markdown. Write errors are the stream's. */
void reference_write(FILE *out);

#endif
