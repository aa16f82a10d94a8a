/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put.h - one scalar into its place, by the type of its row.
 */
#ifndef CONFIG_PUT_H
#define CONFIG_PUT_H

#include "config/walk.h"

/* Parses text as the row says and stores it at dest, of `bytes` (0: only checks). On
 * false the error is the rest of a sentence that begins with key and value. */
bool put_value(const struct walk *w, const struct schema_key *row, const char *text,
    void *dest, size_t bytes, struct err *e) MUST_CHECK;

/* A path as the operator wrote it, made absolute; false: too long. */
bool put_path(const struct walk *w, const char *text, char *out, size_t bytes,
    struct err *e) MUST_CHECK;

#endif
