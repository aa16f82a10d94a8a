/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store keeps what it was given over restarts and kills, and takes a broken file
 * or a full disk as its own trouble, never as the caller's.
 */
#include <check.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/store.h"

static char directory[64];
static const struct store_options quick = {.retry_ms = 20};

static void
make_directory(void)
{
	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-store-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
remove_directory(void)
{
	char command[96];

	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static const char *
file_path(void)
{
	static char path[96];

	(void)snprintf(path, sizeof path, "%s/pointsman.db", directory);
	return path;
}

static void
put_fact(struct store *s, const char *service, unsigned i)
{
	struct store_fact f = {.wall_ms = time(NULL) * 1000,
	    .at_wall_ms = 77 + i,
	    .fact = {.kind = FACT_VERDICT,
		.level = FACT_WARN,
		.epoch = i,
		.nonce = ~0ULL,
		.value = "DOWN",
		.address = "192.0.2.1"}};

	(void)snprintf(f.service, sizeof f.service, "%s", service);
	(void)snprintf(f.member, sizeof f.member, "fra");
	(void)snprintf(f.fact.text, sizeof f.fact.text, "fact %u", i);
	store_put_fact(s, &f);
}

static struct ledger
ledger_at(uint64_t epoch, uint64_t nonce)
{
	struct ledger l = {.cluster = "shop",
	    .epoch = epoch,
	    .nonces = 1,
	    .nonce = {nonce},
	    .writer = 1,
	    .time_wall_s = 1000,
	    .quorum = 1,
	    .voters = 1,
	    .voter = {1},
	    .members = 1,
	    .member = {{.name = "fra", .weight = 100}}};

	return l;
}

static void
put_ledger(struct store *s, const char *service, uint64_t epoch, uint64_t nonce)
{
	struct ledger l = ledger_at(epoch, nonce);

	store_put_ledger(s, service, &l, 5000);
}

/* Waits for a sentence with the word in it; generous, for slow machines. */
static enum fact_level
wait_for_trouble(struct store *s, const char *word)
{
	struct timespec pause = {.tv_nsec = 5000000};
	struct store_trouble t;

	for (int i = 0; i < 4000; i++) {
		while (store_next_trouble(s, &t))
			if (strstr(t.text, word) != NULL)
				return t.level;
		(void)nanosleep(&pause, NULL);
	}
	ck_abort_msg("no trouble says '%s'", word);
}

static void
wait_written(struct store *s)
{
	struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 4000 && store_queued(s) > 0; i++)
		(void)nanosleep(&pause, NULL);
	ck_assert_uint_eq(store_queued(s), 0);
}

struct seen {
	unsigned count, epoch[64];
	struct store_fact last;
};

static void
see(const struct store_fact *f, void *arg)
{
	struct seen *s = arg;

	if (s->count < 64)
		s->epoch[s->count] = (unsigned)f->fact.epoch;
	s->count++;
	s->last = *f;
}

static struct seen
timeline(const char *service, uint32_t n)
{
	struct seen seen = {0};
	struct err e = {""};

	ck_assert_msg(
	    store_timeline(directory, service, n, see, &seen, &e), "%s", e.text);
	return seen;
}

START_TEST(facts_come_back_whole)
{
	struct store *s = store_new(directory, NULL);
	struct seen seen;
	struct stat st;

	for (unsigned i = 1; i <= 5; i++)
		put_fact(s, i == 3 ? "api" : "www", i);
	store_free(s);
	seen = timeline("", 3);
	ck_assert_uint_eq(seen.count, 3);
	ck_assert_uint_eq(seen.epoch[0], 3);
	ck_assert_uint_eq(seen.epoch[2], 5);
	seen = timeline("api", 10);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_int_eq(seen.last.fact.kind, FACT_VERDICT);
	ck_assert_int_eq(seen.last.fact.level, FACT_WARN);
	ck_assert_int_eq(seen.last.at_wall_ms, 80);
	ck_assert_uint_eq(seen.last.fact.nonce, ~0ULL);
	ck_assert_str_eq(seen.last.member, "fra");
	ck_assert_str_eq(seen.last.fact.value, "DOWN");
	ck_assert_str_eq(seen.last.fact.address, "192.0.2.1");
	ck_assert_str_eq(seen.last.fact.text, "fact 3");
	ck_assert_int_eq(stat(file_path(), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(the_directory_is_made)
{
	struct stat st;

	ck_assert_int_eq(rmdir(directory), 0);
	store_free(store_new(directory, NULL));
	ck_assert_int_eq(stat(directory, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
}
END_TEST

START_TEST(ledgers_and_open_changes_outlive_a_restart)
{
	struct store *s = store_new(directory, NULL);
	uint64_t epoch, nonce;

	ck_assert(!store_last_ledger(s, "www", &epoch, &nonce));
	put_ledger(s, "www", 16, 0xfedcba9876543210);
	put_ledger(s, "www", 17, 0xf000000000000001);
	put_ledger(s, "api", 3, 3);
	store_put_sent(s, "www", 18, 0xa, 1);
	store_put_sent(s, "api", 4, 0xb, 1);
	store_put_outcome(s, "www", 0xa, "unknown", 2);
	store_put_outcome(s, "api", 0xb, "lost", 2);
	for (int again = 0; again < 2; again++) {
		ck_assert(store_last_ledger(s, "www", &epoch, &nonce));
		ck_assert_uint_eq(epoch, 17);
		ck_assert_uint_eq(nonce, 0xf000000000000001);
		ck_assert(store_open_change(s, "www", &epoch, &nonce));
		ck_assert_uint_eq(epoch, 18);
		ck_assert_uint_eq(nonce, 0xa);
		ck_assert(!store_open_change(s, "api", &epoch, &nonce));
		store_free(s);
		s = store_new(directory, NULL);
	}
	/* An outcome of another change closes nothing; its own does, also after a restart. */
	store_put_outcome(s, "www", 0xb, "committed", 3);
	ck_assert(store_open_change(s, "www", &epoch, &nonce));
	store_put_outcome(s, "www", 0xa, "lost", 3);
	ck_assert(!store_open_change(s, "www", &epoch, &nonce));
	store_free(s);
	s = store_new(directory, NULL);
	ck_assert(!store_open_change(s, "www", &epoch, &nonce));
	store_free(s);
}
END_TEST

static void
spoil_file(const char *with)
{
	FILE *f = fopen(file_path(), "w");

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 100; i++)
		(void)fputs(with, f);
	(void)fclose(f);
}

static size_t
files_aside(void)
{
	char pattern[128];
	glob_t found;

	(void)snprintf(pattern, sizeof pattern, "%s.broken-*Z", file_path());
	int rc = glob(pattern, 0, NULL, &found);
	size_t n = rc == 0 ? found.gl_pathc : 0;
	globfree(&found);
	return n;
}

START_TEST(a_broken_file_is_moved_aside)
{
	spoil_file("this is no database; ");
	struct store *s = store_new(directory, &quick);

	ck_assert_int_eq(wait_for_trouble(s, "pointsman.db.broken-"), FACT_ERROR);
	put_fact(s, "www", 1);
	store_free(s);
	ck_assert_uint_eq(files_aside(), 1);
	ck_assert_uint_eq(timeline("", 10).count, 1);
}
END_TEST

/* A sound file that another program, or a later version, made. */
START_TEST(a_strange_file_is_moved_aside)
{
	char command[256];

	store_free(store_new(directory, NULL));
	(void)snprintf(command, sizeof command,
	    "/usr/bin/python3 -c \"import sqlite3; c = sqlite3.connect('%s');"
	    "c.execute('PRAGMA user_version = 99')\"",
	    file_path());
	ck_assert_int_eq(system(command), 0);
	struct store *s = store_new(directory, &quick);
	ck_assert_int_eq(wait_for_trouble(s, "broken"), FACT_ERROR);
	store_free(s);
}
END_TEST

static void
limit_files(rlim_t bytes)
{
	struct rlimit l;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes < l.rlim_max ? bytes : l.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* It breaks while the agent runs (found when it is opened again after a full disk):
 * the new file is told what a restart needs. */
START_TEST(a_file_that_breaks_is_begun_again)
{
	struct store *s = store_new(directory, &quick);
	char wal[128];
	uint64_t epoch, nonce;

	put_ledger(s, "www", 17, 0xabc);
	store_put_sent(s, "www", 18, 0xdef, 1);
	wait_written(s);
	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(4096);
	put_fact(s, "www", 1);
	(void)wait_for_trouble(s, "cannot be written");
	/* Before it may grow again, lest a try in between finds it sound. */
	spoil_file("spoilt ");
	(void)snprintf(wal, sizeof wal, "%s-wal", file_path());
	ck_assert(truncate(wal, 0) == 0 || access(wal, F_OK) != 0);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(wait_for_trouble(s, "broken"), FACT_ERROR);
	wait_written(s);
	store_free(s);
	ck_assert_uint_eq(files_aside(), 1);
	s = store_new(directory, NULL);
	ck_assert(store_last_ledger(s, "www", &epoch, &nonce));
	ck_assert_uint_eq(nonce, 0xabc);
	ck_assert(store_open_change(s, "www", &epoch, &nonce));
	ck_assert_uint_eq(nonce, 0xdef);
	store_free(s);
	ck_assert_uint_eq(timeline("", 100).count, 1);
}
END_TEST

/* Somebody tidies up, or cuts a file to nothing, while it is open. SQLite would go on
 * writing where nobody can read it. */
START_TEST(a_file_that_is_taken_away_is_begun_again)
{
	static const char *const deed[] = {"rm %s", "rm %s %s-wal %s-shm",
	    "truncate -s 0 %s", "truncate -s 0 %s-wal", "rm %s-wal",
	    "cp %s %s.copy && mv %s.copy %s", "D=$(dirname %s) && rm -r $D"};
	struct store *s = store_new(directory, &quick);
	const char *f = file_path();
	uint64_t epoch, nonce;
	char command[512];

	put_ledger(s, "www", 17, 0xabc);
	put_fact(s, "www", 1);
	wait_written(s);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(command, sizeof command, deed[_i], f, f, f, f);
#pragma GCC diagnostic pop
	ck_assert_int_eq(system(command), 0);
	put_fact(s, "www", 2);
	ck_assert_int_eq(wait_for_trouble(s, "begun anew"), FACT_ERROR);
	wait_written(s);
	/* Who looks now, and the next agent, find what is said from here on. */
	ck_assert_uint_ge(timeline("", 10).count, 1);
	store_free(s);
	s = store_new(directory, NULL);
	ck_assert(store_last_ledger(s, "www", &epoch, &nonce));
	ck_assert_uint_eq(nonce, 0xabc);
	store_free(s);
}
END_TEST

START_TEST(what_is_in_the_way_is_moved_aside)
{
	static const char *const deed[] = {
	    "mkdir %s", "mkfifo %s", "mkdir %s-wal", "mkdir %s-shm"};
	char command[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	(void)snprintf(command, sizeof command, deed[_i], file_path());
#pragma GCC diagnostic pop
	ck_assert_int_eq(system(command), 0);
	struct store *s = store_new(directory, &quick);
	ck_assert_int_eq(wait_for_trouble(s, "pointsman.db.broken-"), FACT_ERROR);
	put_fact(s, "www", 1);
	store_free(s);
	ck_assert_uint_eq(timeline("", 10).count, 1);
}
END_TEST

/* No file may grow: what a full disk is to SQLite. */
START_TEST(a_full_disk_is_said_once_and_waited_for)
{
	struct store_options small = {.retry_ms = 20, .queue_max = 100};
	struct store_trouble t;
	uint64_t epoch, nonce;

	(void)signal(SIGXFSZ, SIG_IGN);
	struct store *s = store_new(directory, &small);
	put_fact(s, "www", 0);
	wait_written(s);
	limit_files(4096);
	put_ledger(s, "www", 17, 0xabc);
	for (unsigned i = 1; i <= 500; i++)
		put_fact(s, "www", i);
	/* The cause, and not what its undoing came to. */
	ck_assert_int_eq(
	    wait_for_trouble(s, "wait in memory: disk I/O error"), FACT_ERROR);
	for (unsigned i = 501; i <= 1000; i++)
		put_fact(s, "www", i);
	ck_assert_uint_le(store_queued(s), 2 * 100);
	struct timespec several_tries = {.tv_nsec = 200000000};
	(void)nanosleep(&several_tries, NULL);
	ck_assert(!store_next_trouble(s, &t));
	ck_assert_uint_ge(store_dropped(s), 800);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(wait_for_trouble(s, "again"), FACT_INFO);
	wait_written(s);
	store_free(s);
	/* The newest facts are there, and the ledger, which was older than all of them. */
	ck_assert_uint_eq(timeline("", 1).epoch[0], 1000);
	s = store_new(directory, NULL);
	ck_assert(store_last_ledger(s, "www", &epoch, &nonce));
	ck_assert_uint_eq(epoch, 17);
	store_free(s);
}
END_TEST

START_TEST(an_impossible_directory_stops_nothing)
{
	struct store *s = store_new("/dev/null/state", &quick);
	uint64_t epoch, nonce;

	ck_assert_int_eq(wait_for_trouble(s, "cannot be written"), FACT_ERROR);
	put_ledger(s, "www", 2, 2);
	put_fact(s, "www", 1);
	ck_assert(store_last_ledger(s, "www", &epoch, &nonce));
	store_free(s);
}
END_TEST

START_TEST(retention_is_bounded)
{
	struct store_options few = {.rows_max = 50};
	struct store *s = store_new(directory, &few);

	for (unsigned i = 1; i <= 3000; i++) {
		put_fact(s, "www", i);
		if (i % 500 == 0)
			wait_written(s);
	}
	wait_written(s);
	/* Trimmed on the way, not only at the next start. */
	ck_assert_uint_lt(timeline("", 10000).count, 50 + 2 * 1024);
	store_free(s);
	store_free(store_new(directory, &few));
	struct seen seen = timeline("", 10000);
	ck_assert_uint_eq(seen.count, 50);
	ck_assert_uint_eq(seen.last.fact.epoch, 3000);
}
END_TEST

START_TEST(old_days_go)
{
	struct store *s = store_new(directory, NULL);
	struct store_fact old = {.wall_ms = (time(NULL) - 91 * 86400) * INT64_C(1000),
	    .fact = {.kind = FACT_STARTED}};

	store_put_fact(s, &old);
	put_fact(s, "www", 2);
	store_free(s);
	ck_assert_uint_eq(timeline("", 10).count, 2);
	store_free(store_new(directory, NULL));
	ck_assert_uint_eq(timeline("", 10).count, 1);
}
END_TEST

START_TEST(kill_leaves_a_sound_file)
{
	struct store_trouble t;

	for (int round = 0; round < 5; round++) {
		struct timespec life = {.tv_nsec = 20000000 + round * 7000000};
		pid_t pid = fork();

		if (pid == 0) {
			struct store *s = store_new(directory, NULL);
			for (unsigned i = 0;; i++) {
				put_fact(s, "www", i);
				put_ledger(s, "www", i + 1, i + 1);
			}
		}
		(void)nanosleep(&life, NULL);
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		struct store *s = store_new(directory, NULL);
		ck_assert(!store_next_trouble(s, &t));
		store_free(s);
	}
	ck_assert_uint_eq(files_aside(), 0);
}
END_TEST

START_TEST(no_file_is_a_sentence)
{
	struct seen seen = {0};
	struct err e = {""};

	ck_assert(!store_timeline(directory, "", 5, see, &seen, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "pointsman.db"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *c = tcase_create("store");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, make_directory, remove_directory);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, facts_come_back_whole);
	tcase_add_test(c, the_directory_is_made);
	tcase_add_test(c, ledgers_and_open_changes_outlive_a_restart);
	tcase_add_test(c, a_broken_file_is_moved_aside);
	tcase_add_test(c, a_strange_file_is_moved_aside);
	tcase_add_test(c, a_file_that_breaks_is_begun_again);
	tcase_add_loop_test(c, a_file_that_is_taken_away_is_begun_again, 0, 7);
	tcase_add_loop_test(c, what_is_in_the_way_is_moved_aside, 0, 4);
	tcase_add_test(c, a_full_disk_is_said_once_and_waited_for);
	tcase_add_test(c, an_impossible_directory_stops_nothing);
	tcase_add_test(c, retention_is_bounded);
	tcase_add_test(c, old_days_go);
	tcase_add_test(c, kill_leaves_a_sound_file);
	tcase_add_test(c, no_file_is_a_sentence);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
