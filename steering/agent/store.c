/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that writes SQLite. SQLite, because a timeline that can be queried with
 * a tool that everybody has, and that survives kill -9, is not worth writing again;
 * WAL, because a reader (`pointsman history`) must not hold up the writer. The thread
 * around it, for its fsync can take seconds on a sick disk, is store_queue.c's; what
 * other processes read is store_read.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/logfmt.h"
#include "steering/agent/store_file.h"
#include "steering/agent/store_read.h"

#define FORMAT 1         /* PRAGMA user_version */
#define TRIM_EVERY 1024  /* rows written between trims */
#define OTHER_ROWS 10000 /* ledgers and changes kept */
#define STEP_ROWS 2000   /* of the journal */
#define INCIDENT_ROWS 1000
#define WAL_BYTES 16777216
#define WAL_BYTES_TEXT "16777216"

enum statement {
	PUT_FACT = 0,
	PUT_LEDGER,
	PUT_SENT,
	PUT_OUTCOME,
	PUT_STEP,
	PUT_INCIDENT,
	STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
    [PUT_FACT] = "INSERT INTO facts (wall_ms, at_wall_ms, level, fact, service, member,"
		 " value, address, epoch, nonce, text) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    [PUT_LEDGER] = "INSERT INTO ledgers (wall_ms, service, epoch, nonce, text)"
		   " VALUES (?,?,?,?,?)",
    [PUT_SENT] = "INSERT INTO changes (sent_wall_ms, service, epoch, nonce)"
		 " VALUES (?,?,?,?)",
    [PUT_OUTCOME] = "UPDATE changes SET outcome = ?3, outcome_wall_ms = ?4"
		    " WHERE service = ?1 AND nonce = ?2",
    [PUT_STEP] = "INSERT OR REPLACE INTO steps (service, run, fence, slot, way, tries,"
		 " from_site, to_site, site, asked_wall_ms, began_wall_ms, acted,"
		 " ended_wall_ms, text, tail) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [PUT_INCIDENT] = "INSERT INTO incidents (wall_ms, service, run, scenario, text)"
		     " VALUES (?,?,?,?,?) ON CONFLICT (service, run) DO UPDATE SET"
		     " wall_ms = excluded.wall_ms, scenario = excluded.scenario,"
		     " text = excluded.text",
};

static const char schema[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS facts (id INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL,"
    " at_wall_ms INTEGER NOT NULL, level TEXT NOT NULL, fact TEXT NOT NULL,"
    " service TEXT NOT NULL, member TEXT NOT NULL, value TEXT NOT NULL,"
    " address TEXT NOT NULL, epoch INTEGER NOT NULL, nonce TEXT NOT NULL,"
    " text TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS ledgers (id INTEGER PRIMARY KEY,"
    " wall_ms INTEGER NOT NULL, service TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " nonce TEXT NOT NULL, text TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS changes (id INTEGER PRIMARY KEY,"
    " sent_wall_ms INTEGER NOT NULL, service TEXT NOT NULL, epoch INTEGER NOT NULL,"
    " nonce TEXT NOT NULL, outcome TEXT, outcome_wall_ms INTEGER);"
    "CREATE INDEX IF NOT EXISTS changes_nonce ON changes (service, nonce);"
    "CREATE TABLE IF NOT EXISTS steps (id INTEGER PRIMARY KEY, service TEXT NOT NULL,"
    " run INTEGER NOT NULL, fence INTEGER NOT NULL, slot TEXT NOT NULL,"
    " way TEXT NOT NULL, tries INTEGER NOT NULL, from_site TEXT NOT NULL,"
    " to_site TEXT NOT NULL, site TEXT NOT NULL, asked_wall_ms INTEGER NOT NULL,"
    " began_wall_ms INTEGER NOT NULL, acted TEXT, ended_wall_ms INTEGER,"
    " text TEXT NOT NULL, tail TEXT NOT NULL, UNIQUE (service, run, fence));"
    "CREATE TABLE IF NOT EXISTS incidents (id INTEGER PRIMARY KEY,"
    " wall_ms INTEGER NOT NULL, service TEXT NOT NULL, run INTEGER NOT NULL,"
    " scenario TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (service, run));"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* The main file, and what SQLite keeps beside it. */
enum part { PART_MAIN = 0, PART_WAL, PART_SHM, PARTS };
static const char *const part_suffix[PARTS] = {"", "-wal", "-shm"};

struct store_file {
	char directory[512], path[640];
	uint32_t rows_max, days_max;
	sqlite3 *db; /* NULL: not open */
	sqlite3_stmt *statement[STATEMENTS];
	uint32_t rows; /* since the last trim */
	off_t bytes[PARTS];
	char why[200]; /* of what failed, before anything else was tried */
};

static int64_t
wall_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- opening ---- */

static void
close_file(struct store_file *f)
{
	for (unsigned i = 0; i < STATEMENTS; i++) {
		(void)sqlite3_finalize(f->statement[i]);
		f->statement[i] = NULL;
	}
	(void)sqlite3_close(f->db);
	f->db = NULL;
}

static bool
broken(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

/* One text column of one row, compared. */
static int
first_text(sqlite3 *db, const char *sql, char *out, size_t out_bytes)
{
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);

	out[0] = '\0';
	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		const unsigned char *text = sqlite3_column_text(q, 0);
		(void)snprintf(
		    out, out_bytes, "%s", text != NULL ? (const char *)text : "");
	}
	int end = sqlite3_finalize(q);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : end;
}

/* Sound, and of our format? A file that is neither is treated as broken. */
static int
judge_file(sqlite3 *db)
{
	char text[64];
	int rc = first_text(db, "PRAGMA quick_check(1)", text, sizeof text);

	if (rc == SQLITE_OK && strcmp(text, "ok") != 0)
		return SQLITE_CORRUPT;
	if (rc == SQLITE_OK)
		rc = first_text(db, "PRAGMA user_version", text, sizeof text);
	if (rc == SQLITE_OK && strcmp(text, "0") != 0 && atoi(text) != FORMAT)
		return SQLITE_CORRUPT;
	return rc;
}

static int
look_at(const struct store_file *f, enum part part, struct stat *st)
{
	char path[700];

	(void)snprintf(path, sizeof path, "%s%s", f->path, part_suffix[part]);
	return lstat(path, st);
}

/* A directory or a pipe in the place of one of them is nothing to wait for. */
static bool
in_the_way(const struct store_file *f)
{
	struct stat st;

	for (unsigned i = 0; i < PARTS; i++)
		if (look_at(f, (enum part)i, &st) == 0 && !S_ISREG(st.st_mode) &&
		    !S_ISLNK(st.st_mode))
			return true;
	return false;
}

/* SQLite goes on writing into a file that has no name any more, and into one that was
 * cut to nothing. Neither file gets shorter by itself (the log not below its limit). */
static bool
is_gone(struct store_file *f)
{
	struct stat st;
	int moved = 0;

	(void)sqlite3_file_control(f->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	for (unsigned i = PART_MAIN; i <= PART_WAL && moved == 0; i++) {
		bool there = look_at(f, (enum part)i, &st) == 0;
		off_t least = f->bytes[i] < WAL_BYTES ? f->bytes[i] : WAL_BYTES;

		moved = least > 0 && (!there || st.st_size < least);
	}
	return moved != 0;
}

static void
measure(struct store_file *f)
{
	struct stat st;

	for (unsigned i = PART_MAIN; i <= PART_WAL; i++)
		f->bytes[i] = look_at(f, (enum part)i, &st) == 0 ? st.st_size : 0;
}

static int
open_file(struct store_file *f)
{
	int rc;

	if (mkdir(f->directory, 0700) != 0 && errno != EEXIST)
		return SQLITE_CANTOPEN;
	if (in_the_way(f))
		return SQLITE_CORRUPT;
	/* SQLite gives the WAL the mode of the file: make that first. */
	int fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return SQLITE_CANTOPEN;
	(void)close(fd);
	rc = sqlite3_open_v2(f->path, &f->db, SQLITE_OPEN_READWRITE, NULL);
	if (rc != SQLITE_OK)
		return rc;
	(void)sqlite3_busy_timeout(f->db, STORE_BUSY_MS);
	if ((rc = judge_file(f->db)) != SQLITE_OK)
		return rc;
	rc = sqlite3_exec(f->db,
	    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
	    "PRAGMA journal_size_limit = " WAL_BYTES_TEXT,
	    NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(f->db, schema, NULL, NULL, NULL);
	for (unsigned i = 0; i < STATEMENTS && rc == SQLITE_OK; i++)
		rc = sqlite3_prepare_v2(
		    f->db, statement_sql[i], -1, &f->statement[i], NULL);
	return rc;
}

/* ---- writing ---- */

static void
bind_text(sqlite3_stmt *q, int i, const char *text)
{
	(void)sqlite3_bind_text(q, i, text, -1, SQLITE_TRANSIENT);
}

static void
bind_nonce(sqlite3_stmt *q, int i, uint64_t nonce)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%016" PRIx64, nonce);
	bind_text(q, i, text);
}

static void
bind_fact(sqlite3_stmt *q, const struct store_fact *r)
{
	(void)sqlite3_bind_int64(q, 1, r->wall_ms);
	(void)sqlite3_bind_int64(q, 2, r->at_wall_ms);
	bind_text(q, 3, logfmt_level(r->fact.level));
	bind_text(q, 4, fact_word(r->fact.kind));
	bind_text(q, 5, r->service);
	bind_text(q, 6, r->member);
	bind_text(q, 7, r->fact.value);
	bind_text(q, 8, r->fact.address);
	(void)sqlite3_bind_int64(q, 9, (int64_t)r->fact.epoch);
	bind_nonce(q, 10, r->fact.nonce);
	bind_text(q, 11, r->fact.text);
}

static void
bind_step(sqlite3_stmt *q, const struct store_step *r)
{
	bind_text(q, 1, r->service);
	(void)sqlite3_bind_int64(q, 2, (int64_t)r->run);
	(void)sqlite3_bind_int64(q, 3, (int64_t)r->fence);
	bind_text(q, 4, slot_word(r->slot));
	bind_text(q, 5, run_way_word(r->way));
	(void)sqlite3_bind_int64(q, 6, r->tries);
	bind_text(q, 7, r->from);
	bind_text(q, 8, r->to);
	bind_text(q, 9, r->site);
	(void)sqlite3_bind_int64(q, 10, r->asked_wall_ms);
	(void)sqlite3_bind_int64(q, 11, r->began_wall_ms);
	(void)sqlite3_bind_null(q, 12);
	(void)sqlite3_bind_null(q, 13);
	if (r->over) {
		bind_text(q, 12, acted_word(r->acted));
		(void)sqlite3_bind_int64(q, 13, r->ended_wall_ms);
	}
	bind_text(q, 14, r->text);
	bind_text(q, 15, r->tail);
}

static int
write_item(struct store_file *f, const struct store_item *item)
{
	static const enum statement by_kind[] = {
	    [STORE_FACT] = PUT_FACT,
	    [STORE_LEDGER] = PUT_LEDGER,
	    [STORE_SENT] = PUT_SENT,
	    [STORE_OUTCOME] = PUT_OUTCOME,
	    [STORE_STEP] = PUT_STEP,
	    [STORE_INCIDENT] = PUT_INCIDENT,
	};
	sqlite3_stmt *q = f->statement[by_kind[item->kind]];

	if (item->kind == STORE_FACT) {
		bind_fact(q, &item->row);
	} else if (item->kind == STORE_STEP) {
		bind_step(q, item->step);
	} else if (item->kind == STORE_INCIDENT) {
		(void)sqlite3_bind_int64(q, 1, item->wall_ms);
		bind_text(q, 2, item->service);
		(void)sqlite3_bind_int64(q, 3, (int64_t)item->epoch);
		bind_text(q, 4, item->word);
		bind_text(q, 5, item->text);
	} else if (item->kind == STORE_OUTCOME) {
		bind_text(q, 1, item->service);
		bind_nonce(q, 2, item->nonce);
		bind_text(q, 3, item->word);
		(void)sqlite3_bind_int64(q, 4, item->wall_ms);
	} else {
		(void)sqlite3_bind_int64(q, 1, item->wall_ms);
		bind_text(q, 2, item->service);
		(void)sqlite3_bind_int64(q, 3, (int64_t)item->epoch);
		bind_nonce(q, 4, item->nonce);
		if (item->kind == STORE_LEDGER)
			bind_text(q, 5, item->text != NULL ? item->text : "");
	}
	int rc = sqlite3_step(q);
	(void)sqlite3_reset(q);
	f->rows++;
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
trim(struct store_file *f)
{
	char sql[800];

	(void)snprintf(sql, sizeof sql,
	    "DELETE FROM facts WHERE id <= (SELECT max(id) FROM facts) - %u"
	    " OR wall_ms < %" PRId64 ";"
	    "DELETE FROM ledgers WHERE id <= (SELECT max(id) FROM ledgers) - %u"
	    " AND id NOT IN (SELECT max(id) FROM ledgers GROUP BY service);"
	    "DELETE FROM changes WHERE id <= (SELECT max(id) FROM changes) - %u;"
	    "DELETE FROM steps WHERE id <= (SELECT max(id) FROM steps) - %u"
	    " AND id NOT IN (SELECT max(id) FROM steps GROUP BY service);"
	    "DELETE FROM incidents WHERE id <= (SELECT max(id) FROM incidents) - %u;",
	    f->rows_max, wall_now_ms() - (int64_t)f->days_max * 86400000, OTHER_ROWS,
	    OTHER_ROWS, STEP_ROWS, INCIDENT_ROWS);
	f->rows = 0;
	return sqlite3_exec(f->db, sql, NULL, NULL, NULL);
}

/* All or nothing. With WAL, FULL is what makes a commit wait for the disk; it is read
 * when a transaction begins. */
static int
write_items(struct store_file *f, const struct store_item *items)
{
	bool full = items_journal(items);
	int rc = sqlite3_exec(f->db,
	    full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL,
	    NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(f->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (; rc == SQLITE_OK && items != NULL; items = items->next)
		rc = write_item(f, items);
	if (rc == SQLITE_OK && f->rows >= TRIM_EVERY)
		rc = trim(f);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(f->db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		(void)snprintf(f->why, sizeof f->why, "%s", sqlite3_errmsg(f->db));
	if (rc != SQLITE_OK)
		(void)sqlite3_exec(f->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

static void
load_row(struct store_knowledge *k, sqlite3_stmt *q, bool open)
{
	struct store_item item = {.kind = open ? STORE_SENT : STORE_LEDGER};
	const char *service = (const char *)sqlite3_column_text(q, 0);
	const char *nonce = (const char *)sqlite3_column_text(q, 2);

	if (service == NULL || nonce == NULL)
		return;
	(void)snprintf(item.service, sizeof item.service, "%s", service);
	item.epoch = (uint64_t)sqlite3_column_int64(q, 1);
	item.nonce = strtoull(nonce, NULL, 16);
	item.wall_ms = sqlite3_column_int64(q, 3);
	if (!open)
		item.text = (char *)(uintptr_t)sqlite3_column_text(q, 4);
	knowledge_learn(k, &item);
}

static void
load_step(struct store_knowledge *k, sqlite3_stmt *q)
{
	struct store_step row;
	struct store_item item = {.kind = STORE_STEP, .step = &row};

	store_take_step(q, &row);
	memcpy(item.service, row.service, sizeof item.service);
	knowledge_learn(k, &item);
}

static int
load(struct store_file *f, struct store_knowledge *k)
{
	static const char *const sql[] = {
	    "SELECT service, epoch, nonce, wall_ms, text FROM ledgers"
	    " WHERE id IN (SELECT max(id) FROM ledgers GROUP BY service)",
	    "SELECT service, epoch, nonce, sent_wall_ms FROM changes"
	    " WHERE id IN (SELECT max(id) FROM changes GROUP BY service)"
	    " AND (outcome IS NULL OR outcome = 'unknown')",
	    STORE_STEPS_SELECT
	    " WHERE id IN (SELECT max(id) FROM steps GROUP BY service)"
	    " OR id > (SELECT max(id) FROM steps) - 256 ORDER BY id",
	};
	int rc = SQLITE_OK;

	for (unsigned i = 0; i < sizeof sql / sizeof *sql && rc == SQLITE_OK; i++) {
		sqlite3_stmt *q;

		rc = sqlite3_prepare_v2(f->db, sql[i], -1, &q, NULL);
		while (rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) {
			if (i < 2)
				load_row(k, q, i == 1);
			else
				load_step(k, q);
		}
		if (rc == SQLITE_OK)
			rc = sqlite3_finalize(q);
	}
	return rc;
}

/* ---- the contract ---- */

static enum store_result
ended(struct store_file *f, int rc, struct err *e)
{
	if (rc == SQLITE_OK) {
		measure(f);
		return STORE_OK;
	}
	(void)err_set(e, "%s",
	    f->why[0] != '\0'   ? f->why
		: f->db != NULL ? sqlite3_errmsg(f->db)
				: strerror(errno));
	f->why[0] = '\0';
	close_file(f);
	return broken(rc) ? STORE_BROKEN : STORE_SICK;
}

struct store_file *
store_file_new(const char *directory, uint32_t rows_max, uint32_t days_max)
{
	struct store_file *f = calloc(1, sizeof *f);

	if (f == NULL)
		abort();
	f->rows_max = rows_max;
	f->days_max = days_max;
	(void)snprintf(f->directory, sizeof f->directory, "%s", directory);
	(void)snprintf(f->path, sizeof f->path, "%s/%s", f->directory, STORE_FILE_NAME);
	return f;
}

void
store_file_free(struct store_file *f)
{
	close_file(f);
	free(f);
}

enum store_result
store_file_load(struct store_file *f, struct store_knowledge *k, struct err *e)
{
	int rc = f->db != NULL ? SQLITE_OK : open_file(f);

	if (rc == SQLITE_OK)
		rc = load(f, k);
	if (rc == SQLITE_OK)
		rc = trim(f);
	return ended(f, rc, e);
}

enum store_result
store_file_write(struct store_file *f, const struct store_item *items, struct err *e)
{
	int rc;

	if (f->db != NULL && is_gone(f)) {
		close_file(f);
		(void)err_set(e,
		    "its file was deleted, replaced or cut while it was open: it is "
		    "begun anew");
		return STORE_GONE;
	}
	rc = f->db != NULL ? SQLITE_OK : open_file(f);
	if (rc == SQLITE_OK)
		rc = write_items(f, items);
	return ended(f, rc, e);
}

void
store_file_move_aside(struct store_file *f, char *name, size_t name_bytes)
{
	char stamp[32], from[700], to[768];
	time_t now = time(NULL);
	struct tm tm;

	close_file(f);
	(void)gmtime_r(&now, &tm);
	(void)strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm);
	(void)snprintf(name, name_bytes, "%s.broken-%s", STORE_FILE_NAME, stamp);
	for (unsigned i = 0; i < PARTS; i++) {
		(void)snprintf(from, sizeof from, "%s%s", f->path, part_suffix[i]);
		(void)snprintf(
		    to, sizeof to, "%s/%s%s", f->directory, name, part_suffix[i]);
		(void)rename(from, to);
	}
}
