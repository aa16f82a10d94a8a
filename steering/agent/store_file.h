/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_file.h - the store's file, without its thread: open, write, trim, move aside.
 *
 * One thread at a time. After any result but OK the file is closed; the next call opens
 * it anew, for the disk may have been mounted again meanwhile. e says why.
 */
#ifndef STEERING_AGENT_STORE_FILE_H
#define STEERING_AGENT_STORE_FILE_H

#include "steering/agent/store_memory.h"

#define STORE_FILE_NAME "pointsman.db"

struct store_file;

enum store_result {
	STORE_OK = 0,
	STORE_SICK,   /* full, read-only, absent …: try again later */
	STORE_BROKEN, /* not a database, damaged, or of another format */
	STORE_GONE,   /* deleted, replaced or cut by somebody while it was open */
};

struct store_file *
store_file_new(const char *directory, uint32_t rows_max, uint32_t days_max);
void store_file_free(struct store_file *f);

/* What the file knows of each service. */
enum store_result
store_file_load(struct store_file *f, struct store_knowledge *k, struct err *e);
/* All of them or none. */
enum store_result
store_file_write(struct store_file *f, const struct store_item *items, struct err *e);
/* The next call begins a new file; name: what the old one is called now. */
void store_file_move_aside(struct store_file *f, char *name, size_t name_bytes);

#endif
