/* SPDX-License-Identifier: Apache-2.0 */
/* Passes travel together, nothing else waits, and nothing is lost that may not be. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/outbox.h"

static struct loop loop;
static struct outbox box;
static int agent; /* its end */

static void
begin(void)
{
	struct err e;
	int pair[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	agent = pair[0];
	ck_assert(loop_init(&loop, &e));
	ck_assert(outbox_init(&box, &loop, pair[1], &e));
}

static void
end(void)
{
	(void)close(box.fd);
	(void)close(agent);
	outbox_fini(&box);
	loop_fini(&loop);
}

static void
sample(uint32_t id, enum outcome outcome, struct outbox_entry **queued)
{
	struct probe_event ev = {.kind = PROBE_SAMPLE, .id = id, .outcome = outcome};

	outbox_sample(&box, &ev, queued);
}

/* The next message's ids as digits; "": there is none. */
static const char *
next(void)
{
	static char ids[PROBE_EVENTS_MAX + 1];
	struct probe_event ev[PROBE_EVENTS_MAX];
	int n = prober_receive(agent, ev);

	ck_assert(n > 0 || (n < 0 && errno == EAGAIN));
	for (int i = 0; i < n; i++)
		ids[i] = (char)('0' + ev[i].id % 10);
	ids[n > 0 ? n : 0] = '\0';
	return ids;
}

START_TEST(a_pass_waits_for_company)
{
	struct outbox_entry *queued[4] = {NULL};

	sample(1, OUTCOME_PASS, &queued[1]);
	sample(2, OUTCOME_PASS, &queued[2]);
	ck_assert_str_eq(next(), "");
	sample(3, OUTCOME_FAIL, &queued[3]);
	ck_assert_str_eq(next(), "123");
	for (uint32_t i = 0; i < PROBE_EVENTS_MAX; i++)
		sample(5, OUTCOME_PASS, &queued[1]);
	ck_assert_uint_eq(strlen(next()), PROBE_EVENTS_MAX);
	ck_assert_str_eq(next(), "");
}
END_TEST

START_TEST(a_pass_waits_no_longer_than_a_tick)
{
	struct outbox_entry *queued = NULL;

	sample(1, OUTCOME_PASS, &queued);
	ck_assert_int_eq(event_base_loop(loop.base, EVLOOP_ONCE), 0);
	ck_assert_str_eq(next(), "1");
}
END_TEST

START_TEST(what_comes_behind_a_pass_comes_behind_it)
{
	struct probe_event ev = {.kind = PROBE_RETIRED, .id = 2};
	struct outbox_entry *queued = NULL;

	sample(1, OUTCOME_PASS, &queued);
	outbox_tell(&box, &ev);
	ck_assert_str_eq(next(), "12");
}
END_TEST

/* A socket that takes nothing: the newest sample of each address stays, in its place;
 * what was forgotten is not told. */
START_TEST(a_full_socket_keeps_the_newest)
{
	struct outbox_entry *queued[4] = {NULL};
	struct probe_event ev = {.kind = PROBE_RETIRED, .id = 9};
	uint32_t told = 0;

	while (box.first == NULL) {
		outbox_tell(&box, &ev);
		told++;
	}
	sample(1, OUTCOME_PASS, &queued[1]);
	sample(2, OUTCOME_PASS, &queued[2]);
	sample(3, OUTCOME_PASS, &queued[3]);
	sample(1, OUTCOME_FAIL, &queued[1]);
	outbox_forget(&box, &queued[2]);
	ck_assert_ptr_null(queued[2]);
	for (uint32_t i = 0; i < told; i++) {
		(void)event_base_loop(loop.base, EVLOOP_NONBLOCK);
		ck_assert_str_eq(next(), "9");
	}
	(void)event_base_loop(loop.base, EVLOOP_NONBLOCK);
	ck_assert_str_eq(next(), "1");
	ck_assert_str_eq(next(), "3");
	ck_assert_str_eq(next(), "");
	ck_assert(queued[1] == NULL && queued[3] == NULL && !box.deaf);
}
END_TEST

/* … also those that had been waiting for company when it filled up. */
START_TEST(a_batch_that_is_not_taken_queues)
{
	struct outbox_entry *queued[4] = {NULL};
	struct probe_event ev = {.kind = PROBE_LAG, .id = 9};

	while (send(box.fd, &ev, sizeof ev, MSG_DONTWAIT) > 0)
		;
	sample(1, OUTCOME_PASS, &queued[1]);
	sample(2, OUTCOME_PASS, &queued[2]);
	outbox_forget(&box, &queued[1]);
	sample(3, OUTCOME_FAIL, &queued[3]);
	ck_assert(queued[1] == NULL && queued[2] != NULL && queued[3] != NULL);
	sample(2, OUTCOME_FAIL, &queued[2]);
	while (strcmp(next(), "9") == 0)
		;
	(void)event_base_loop(loop.base, EVLOOP_NONBLOCK);
	ck_assert_str_eq(next(), "1");
	ck_assert_str_eq(next(), "2");
	ck_assert_str_eq(next(), "3");
	ck_assert_str_eq(next(), "");
	ck_assert(queued[2] == NULL && queued[3] == NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("outbox");
	TCase *t = tcase_create("outbox");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_pass_waits_for_company);
	tcase_add_test(t, a_pass_waits_no_longer_than_a_tick);
	tcase_add_test(t, what_comes_behind_a_pass_comes_behind_it);
	tcase_add_test(t, a_full_socket_keeps_the_newest);
	tcase_add_test(t, a_batch_that_is_not_taken_queues);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
