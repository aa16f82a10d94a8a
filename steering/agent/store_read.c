/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as another process reads it: by a connection of its own that can only
 * read, so that a question asked while an agent runs, or while its disk is full, can
 * do no harm. WAL lets the agent write meanwhile.
 */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/logfmt.h"
#include "steering/agent/store_file.h"
#include "steering/agent/store_read.h"

static void
take_text(sqlite3_stmt *q, int column, char *out, size_t out_bytes)
{
	const unsigned char *text = sqlite3_column_text(q, column);

	(void)snprintf(out, out_bytes, "%s", text != NULL ? (const char *)text : "");
}

/* A word that this version does not know is FACT_NONE: it came from a newer one. */
static void
take_fact(sqlite3_stmt *q, struct store_fact *r)
{
	char word[32];

	*r = (struct store_fact){.wall_ms = sqlite3_column_int64(q, 0),
	    .at_wall_ms = sqlite3_column_int64(q, 1)};
	take_text(q, 2, word, sizeof word);
	for (int l = FACT_DEBUG; l <= FACT_ERROR; l++)
		if (strcmp(word, logfmt_level((enum fact_level)l)) == 0)
			r->fact.level = (enum fact_level)l;
	take_text(q, 3, word, sizeof word);
	for (int k = FACT_NONE; k < FACT_KINDS; k++)
		if (strcmp(word, fact_word((enum fact_kind)k)) == 0)
			r->fact.kind = (enum fact_kind)k;
	take_text(q, 4, r->service, sizeof r->service);
	take_text(q, 5, r->member, sizeof r->member);
	take_text(q, 6, r->fact.value, sizeof r->fact.value);
	take_text(q, 7, r->fact.address, sizeof r->fact.address);
	r->fact.epoch = (uint64_t)sqlite3_column_int64(q, 8);
	take_text(q, 9, word, sizeof word);
	r->fact.nonce = strtoull(word, NULL, 16);
	take_text(q, 10, r->fact.text, sizeof r->fact.text);
}

static enum slot
slot_of(const char *word)
{
	for (int i = SLOT_NONE; i < SLOTS; i++)
		if (strcmp(word, slot_word((enum slot)i)) == 0)
			return (enum slot)i;
	return SLOT_NONE;
}

static enum run_way
way_of(const char *word)
{
	for (int i = RUN_NONE; i < RUN_WAYS; i++)
		if (strcmp(word, run_way_word((enum run_way)i)) == 0)
			return (enum run_way)i;
	return RUN_NONE;
}

void
store_take_step(struct sqlite3_stmt *q, struct store_step *r)
{
	char word[32];

	memset(r, 0, sizeof *r);
	take_text(q, 0, r->service, sizeof r->service);
	r->run = (uint64_t)sqlite3_column_int64(q, 1);
	r->fence = (uint64_t)sqlite3_column_int64(q, 2);
	take_text(q, 3, word, sizeof word);
	r->slot = slot_of(word);
	take_text(q, 4, word, sizeof word);
	r->way = way_of(word);
	r->tries = (uint32_t)sqlite3_column_int64(q, 5);
	take_text(q, 6, r->from, sizeof r->from);
	take_text(q, 7, r->to, sizeof r->to);
	take_text(q, 8, r->site, sizeof r->site);
	r->asked_wall_ms = sqlite3_column_int64(q, 9);
	r->began_wall_ms = sqlite3_column_int64(q, 10);
	r->over = sqlite3_column_type(q, 11) != SQLITE_NULL;
	take_text(q, 11, word, sizeof word);
	r->acted = ACTED_UNKNOWN;
	for (int i = ACTED_DONE; r->over && i <= ACTED_UNKNOWN; i++)
		if (strcmp(word, acted_word((enum acted)i)) == 0)
			r->acted = (enum acted)i;
	r->ended_wall_ms = sqlite3_column_int64(q, 12);
	take_text(q, 13, r->text, sizeof r->text);
	take_text(q, 14, r->tail, sizeof r->tail);
}

/* Opens the file and prepares the question; false with a sentence. */
static bool
begin(const char *directory, const char *sql, sqlite3 **db, sqlite3_stmt **q,
    struct err *e)
{
	char path[640];

	*q = NULL;
	(void)snprintf(path, sizeof path, "%.512s/%s", directory, STORE_FILE_NAME);
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL);
	if (rc == SQLITE_OK)
		(void)sqlite3_busy_timeout(*db, STORE_BUSY_MS);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(*db, sql, -1, q, NULL);
	return rc == SQLITE_OK ||
	    err_set(e, "%.300s cannot be read: %.150s", path, sqlite3_errmsg(*db));
}

/* rc: of the last step. Closes both. */
static bool
end(const char *directory, int rc, sqlite3 *db, sqlite3_stmt *q, struct err *e)
{
	bool ok = rc == SQLITE_DONE;

	if (!ok)
		(void)err_set(e, "%.300s/%s cannot be read: %.150s", directory,
		    STORE_FILE_NAME, sqlite3_errmsg(db));
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	return ok;
}

/* The file is of an agent that knew no such table, or was never begun. */
static bool
has_table(const char *directory, const char *name)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	struct err ignored;
	bool has = false;

	if (begin(directory,
		"SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", &db,
		&q, &ignored)) {
		(void)sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
		has = sqlite3_step(q) == SQLITE_ROW;
	}
	(void)sqlite3_finalize(q);
	(void)sqlite3_close(db);
	return has;
}

bool
store_timeline(const char *directory, const char *service, uint32_t n,
    void (*fn)(const struct store_fact *f, void *arg), void *arg, struct err *e)
{
	static const char sql[] =
	    "SELECT * FROM (SELECT wall_ms, at_wall_ms, level, fact, service, member, value,"
	    " address, epoch, nonce, text, id FROM facts WHERE ?1 = '' OR service = ?1"
	    " ORDER BY id DESC LIMIT ?2) ORDER BY id";
	sqlite3 *db;
	sqlite3_stmt *q;
	struct store_fact row;
	int rc = SQLITE_DONE;

	if (!begin(directory, sql, &db, &q, e)) {
		(void)sqlite3_close(db);
		return false;
	}
	(void)sqlite3_bind_text(q, 1, service, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(q, 2, n);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		take_fact(q, &row);
		fn(&row, arg);
	}
	return end(directory, rc, db, q, e);
}

bool
store_incidents(const char *directory, const char *name, uint64_t run, uint32_t n,
    void (*fn)(const char *text, void *arg), void *arg, struct err *e)
{
	static const char sql[] =
	    "SELECT * FROM (SELECT text, id FROM incidents WHERE (?1 = '' OR"
	    " service = ?1 OR scenario = ?1) AND (?2 = 0 OR run = ?2) AND text != ''"
	    " ORDER BY id DESC LIMIT ?3) ORDER BY id";
	sqlite3 *db;
	sqlite3_stmt *q;
	int rc;

	if (!has_table(directory, "incidents"))
		return true;
	if (!begin(directory, sql, &db, &q, e)) {
		(void)sqlite3_close(db);
		return false;
	}
	(void)sqlite3_bind_text(q, 1, name, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(q, 2, (int64_t)run);
	(void)sqlite3_bind_int64(q, 3, n);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		fn((const char *)sqlite3_column_text(q, 0), arg);
	return end(directory, rc, db, q, e);
}

bool
store_steps(const char *directory, const char *service, uint64_t run,
    void (*fn)(const struct store_step *row, void *arg), void *arg, struct err *e)
{
	static const char sql[] = STORE_STEPS_SELECT
	    " WHERE (?1 = '' OR service = ?1) AND (?2 = 0 OR run = ?2) ORDER BY id";
	sqlite3 *db;
	sqlite3_stmt *q;
	struct store_step row;
	int rc;

	if (!has_table(directory, "steps"))
		return true;
	if (!begin(directory, sql, &db, &q, e)) {
		(void)sqlite3_close(db);
		return false;
	}
	(void)sqlite3_bind_text(q, 1, service, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(q, 2, (int64_t)run);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		store_take_step(q, &row);
		fn(&row, arg);
	}
	return end(directory, rc, db, q, e);
}
