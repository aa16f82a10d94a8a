/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_read.h - rows of the store's file taken apart: for store.c and store_read.c, the
 * two files that know SQLite.
 */
#ifndef STEERING_AGENT_STORE_READ_H
#define STEERING_AGENT_STORE_READ_H

#include "steering/agent/store.h"

#define STORE_BUSY_MS 2000

#define STORE_STEPS_SELECT                                                        \
	"SELECT service, run, fence, slot, way, tries, from_site, to_site, site," \
	" asked_wall_ms, began_wall_ms, acted, ended_wall_ms, text, tail FROM steps"

struct sqlite3_stmt;

/* A row of STORE_STEPS_SELECT. Words that this version does not know are NONE. */
void store_take_step(struct sqlite3_stmt *q, struct store_step *row);

#endif
