/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of scenarios: a row is on the disk before it is answered, what cannot be
 * written is answered so and never comes later, and a restart reads the end of it.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/store.h"

static char directory[64];
static const struct store_options quick = {.retry_ms = 20};

static void
make_directory(void)
{
	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-journal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
remove_directory(void)
{
	char command[96];

	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static struct store_step
step(const char *service, uint64_t run, uint64_t fence, enum slot slot)
{
	struct store_step row = {.run = run,
	    .fence = fence,
	    .slot = slot,
	    .way = RUN_FAILOVER,
	    .tries = 1,
	    .from = "fra",
	    .to = "iad",
	    .site = "iad",
	    .asked_wall_ms = 1000 + (int64_t)fence};

	(void)snprintf(row.service, sizeof row.service, "%s", service);
	return row;
}

/* The next answer; generous, for slow machines. */
static struct store_answer
wait_answer(struct store *s)
{
	struct pollfd ready = {.fd = store_answer_fd(s), .events = POLLIN};
	struct store_answer a;

	ck_assert_int_eq(poll(&ready, 1, 30000), 1);
	ck_assert(store_next_answer(s, &a));
	return a;
}

static void
put_over(struct store *s, struct store_step row, enum acted acted, const char *text)
{
	row.over = true;
	row.acted = acted;
	row.began_wall_ms = row.asked_wall_ms + 1;
	row.ended_wall_ms = row.asked_wall_ms + 9;
	(void)snprintf(row.text, sizeof row.text, "%s", text);
	(void)snprintf(row.tail, sizeof row.tail, "line 1\nline 2\n");
	store_put_step(s, &row);
}

struct read {
	unsigned count;
	struct store_step last;
};

static void
take(const struct store_step *row, void *arg)
{
	struct read *r = arg;

	r->count++;
	r->last = *row;
}

static struct read
rows(const char *service, uint64_t run)
{
	struct read r = {0};
	struct err e = {""};

	ck_assert_msg(store_steps(directory, service, run, take, &r, &e), "%s", e.text);
	return r;
}

/* Another process sees it as soon as it is answered, and so does the next agent. */
START_TEST(a_row_is_there_when_it_is_answered)
{
	struct store *s = store_new(directory, NULL);
	struct store_step row = step("www", 17, 18, SLOT_PROMOTE), back;
	struct store_answer a;

	ck_assert(!store_next_answer(s, &a));
	store_put_step(s, &row);
	a = wait_answer(s);
	ck_assert(a.written);
	ck_assert_uint_eq(a.fence, 18);
	ck_assert_str_eq(a.service, "www");
	ck_assert(!store_next_answer(s, &a));
	struct read r = rows("www", 17);
	ck_assert_uint_eq(r.count, 1);
	ck_assert(!r.last.over);
	ck_assert_int_eq(r.last.slot, SLOT_PROMOTE);
	ck_assert_int_eq(r.last.way, RUN_FAILOVER);
	ck_assert_str_eq(r.last.site, "iad");
	put_over(s, row, ACTED_FAILED, "exit 3");
	store_free(s);
	s = store_new(directory, NULL);
	ck_assert(store_last_step(s, "www", &back));
	ck_assert(back.over);
	ck_assert_int_eq(back.acted, ACTED_FAILED);
	ck_assert_str_eq(back.text, "exit 3");
	ck_assert_str_eq(back.tail, "line 1\nline 2\n");
	ck_assert_int_eq(back.began_wall_ms, 1019);
	ck_assert_int_eq(back.ended_wall_ms, 1027);
	ck_assert(!store_last_step(s, "api", &back));
	store_free(s);
}
END_TEST

START_TEST(the_newest_of_each_is_found)
{
	struct store *s = store_new(directory, NULL);
	struct store_step back;

	put_over(s, step("www", 17, 18, SLOT_FENCE), ACTED_DONE, "a");
	put_over(s, step("www", 17, 19, SLOT_PROMOTE), ACTED_FAILED, "b");
	put_over(s, step("api", 17, 40, SLOT_PROMOTE), ACTED_DONE, "c");
	put_over(s, step("www", 17, 20, SLOT_PROMOTE), ACTED_UNKNOWN, "d");
	for (int again = 0; again < 2; again++) {
		ck_assert(store_last_step(s, "www", &back));
		ck_assert_uint_eq(back.fence, 20);
		ck_assert_int_eq(back.acted, ACTED_UNKNOWN);
		ck_assert(store_find_step(s, "www", 17, SLOT_FENCE, &back));
		ck_assert_str_eq(back.text, "a");
		ck_assert(store_find_step(s, "www", 17, SLOT_PROMOTE, &back));
		ck_assert_str_eq(back.text, "d");
		ck_assert(!store_find_step(s, "www", 18, SLOT_PROMOTE, &back));
		ck_assert(!store_find_step(s, "www", 17, SLOT_READY, &back));
		store_free(s);
		s = store_new(directory, NULL);
	}
	store_free(s);
	ck_assert_uint_eq(rows("", 0).count, 4);
	ck_assert_uint_eq(rows("www", 17).count, 3);
	ck_assert_str_eq(rows("api", 0).last.text, "c");
	ck_assert_uint_eq(rows("api", 18).count, 0);
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

/* A full disk: the answer comes at once, also while the thread rests between tries, and
 * what was refused is not written when there is room again. */
START_TEST(a_full_disk_is_answered)
{
	struct store_options slow = {.retry_ms = 60000};
	struct store *s = store_new(directory, &slow);
	struct store_step row = step("www", 17, 18, SLOT_PROMOTE), back;

	(void)signal(SIGXFSZ, SIG_IGN);
	put_over(s, step("www", 17, 17, SLOT_FENCE), ACTED_DONE, "a");
	while (store_queued(s) > 0)
		(void)usleep(1000);
	limit_files(4096);
	for (uint64_t fence = 18; fence < 21; fence++) {
		row.fence = fence;
		store_put_step(s, &row);
		struct store_answer a = wait_answer(s);
		ck_assert(!a.written);
		ck_assert_uint_eq(a.fence, fence);
		ck_assert_str_ne(a.why, "");
	}
	ck_assert(store_last_step(s, "www", &back));
	ck_assert_uint_eq(back.fence, 17);
	limit_files(RLIM_INFINITY);
	row.fence = 21; /* an act waits: the thread does not rest first */
	store_put_step(s, &row);
	ck_assert(wait_answer(s).written);
	store_free(s);
	ck_assert_uint_eq(rows("", 0).count, 2);
}
END_TEST

/* Killed at once after an answer: the row is there. */
START_TEST(a_row_outlives_a_kill)
{
	struct store_step back;
	int status, ready[2];
	char word;

	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *s = store_new(directory, &quick);
		struct store_step row = step("www", 17, 18, SLOT_PROMOTE);

		store_put_step(s, &row);
		if (wait_answer(s).written)
			(void)!write(ready[1], "y", 1);
		(void)pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &word, 1), 1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	struct store *s = store_new(directory, NULL);
	ck_assert(store_last_step(s, "www", &back));
	ck_assert_uint_eq(back.fence, 18);
	ck_assert(!back.over);
	store_free(s);
}
END_TEST

/* A new file, in the place of one that was taken away, knows the end of the journal. */
START_TEST(a_new_file_is_told)
{
	struct store *s = store_new(directory, &quick);
	struct store_step row = step("www", 17, 18, SLOT_FENCE), back;
	char path[128];

	put_over(s, row, ACTED_DONE, "shut");
	while (store_queued(s) > 0)
		(void)usleep(1000);
	(void)snprintf(path, sizeof path, "%s/pointsman.db", directory);
	ck_assert_int_eq(unlink(path), 0);
	row.fence = 19;
	store_put_step(s, &row);
	ck_assert(wait_answer(s).written);
	store_free(s);
	ck_assert_uint_eq(rows("www", 17).count, 2);
	s = store_new(directory, NULL);
	ck_assert(store_last_step(s, "www", &back));
	ck_assert_uint_eq(back.fence, 19);
	store_free(s);
}
END_TEST

/* Facts are dropped when the queue is full; the journal never is. */
START_TEST(a_full_queue_keeps_the_journal)
{
	struct store_options small = {.retry_ms = 60000, .queue_max = 20};
	struct store *s = store_new(directory, &small);
	struct store_fact f = {.wall_ms = 1, .fact = {.kind = FACT_VERDICT}};

	(void)signal(SIGXFSZ, SIG_IGN);
	limit_files(4096);
	for (uint64_t fence = 1; fence <= 30; fence++)
		put_over(s, step("www", 1, fence, SLOT_FENCE), ACTED_DONE, "a");
	for (unsigned i = 0; i < 100; i++)
		store_put_fact(s, &f);
	limit_files(RLIM_INFINITY);
	store_free(s);
	ck_assert_uint_eq(rows("www", 1).count, 30);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("journal");
	TCase *c = tcase_create("journal");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(c, make_directory, remove_directory);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_row_is_there_when_it_is_answered);
	tcase_add_test(c, the_newest_of_each_is_found);
	tcase_add_test(c, a_full_disk_is_answered);
	tcase_add_test(c, a_row_outlives_a_kill);
	tcase_add_test(c, a_new_file_is_told);
	tcase_add_test(c, a_full_queue_keeps_the_journal);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
