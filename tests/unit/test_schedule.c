/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule on a clock of the test's own: even, without drift, never twice at once. */
#include <check.h>
#include <stdlib.h>

#include "probe/schedule.h"

#define EVERY_US 2000000
#define RECHECK_US 500000
#define BEATS 1000

static struct beat beats[BEATS];

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void
fill(struct schedule *s, size_t n, uint64_t seed, uint64_t now_us)
{
	memset(beats, 0, sizeof beats);
	schedule_init(s, seed, false);
	for (size_t i = 0; i < n; i++)
		schedule_add(s, &beats[i], EVERY_US, RECHECK_US, now_us);
}

/* Runs in ticks of 10 ms; every probe takes probe_us. Returns the starts of beat 0. */
static size_t
run(struct schedule *s, uint64_t from_us, uint64_t to_us, uint64_t *starts, size_t room)
{
	size_t count = 0;

	for (uint64_t now_us = from_us; now_us < to_us; now_us += 10000) {
		struct beat *b;

		while ((b = schedule_due(s, now_us)) != NULL) {
			if (b == &beats[0] && count < room)
				starts[count++] = now_us;
			schedule_done(s, b, BEAT_GRID, now_us + 1000);
		}
	}
	return count;
}

START_TEST(starts_are_even)
{
	static const size_t sizes[] = {2, 3, 10, 64, 100, 999, 1000};
	struct schedule s;

	for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
		size_t n = sizes[k];
		uint64_t due_us[BEATS], worst_us;

		fill(&s, n, k, 77);
		for (size_t i = 0; i < n; i++)
			due_us[i] = beats[i].node.due_us;
		qsort(due_us, n, sizeof due_us[0], compare);
		ck_assert_uint_ge(due_us[0], 77);
		ck_assert_uint_lt(due_us[n - 1], 77 + EVERY_US);
		worst_us = due_us[0] + EVERY_US - due_us[n - 1];
		for (size_t i = 1; i < n; i++) {
			if (due_us[i] - due_us[i - 1] > worst_us)
				worst_us = due_us[i] - due_us[i - 1];
		}
		/* The golden ratio's promise: no gap above 1 + φ⁻¹ of the even one. */
		ck_assert_uint_le(worst_us, EVERY_US * 17 / 10 / n + 100);
		schedule_fini(&s);
	}
}
END_TEST

START_TEST(stays_even_for_an_hour)
{
	uint32_t in_slice[20] = {0};
	uint64_t hour_us = UINT64_C(3600000000);
	struct schedule s;
	struct beat *b;

	fill(&s, BEATS, 5, 0);
	(void)run(&s, 0, hour_us, NULL, 0);
	for (uint64_t now_us = hour_us; now_us < hour_us + 50 * EVERY_US;
	     now_us += 10000) {
		while ((b = schedule_due(&s, now_us)) != NULL) {
			in_slice[now_us % EVERY_US / (EVERY_US / 20)]++;
			schedule_done(&s, b, BEAT_GRID, now_us + 1000);
		}
	}
	for (size_t i = 0; i < 20; i++) {
		ck_assert_uint_ge(in_slice[i], 50 * BEATS / 20 * 9 / 10);
		ck_assert_uint_le(in_slice[i], 50 * BEATS / 20 * 11 / 10);
	}
	ck_assert_uint_le(schedule_take_late_us(&s), 10000);
	ck_assert_uint_eq(s.missed, 0);
	schedule_fini(&s);
}
END_TEST

START_TEST(no_drift_and_ten_percent)
{
	static uint64_t starts[2000];
	struct schedule s;
	uint64_t shortest_us = UINT64_MAX, longest_us = 0;
	size_t n;

	fill(&s, 1, 9, 0);
	n = run(&s, 0, UINT64_C(1999500000), starts, 2000);
	ck_assert_uint_eq(n, 1000);
	for (size_t i = 1; i < n; i++) {
		uint64_t gap_us = starts[i] - starts[i - 1];

		shortest_us = gap_us < shortest_us ? gap_us : shortest_us;
		longest_us = gap_us > longest_us ? gap_us : longest_us;
		/* Never further from the grid than the jitter and a tick. */
		ck_assert_uint_le(starts[i], i * EVERY_US + EVERY_US / 20 + 10000);
		ck_assert_uint_ge(starts[i] + EVERY_US / 20, i * EVERY_US);
	}
	ck_assert_uint_ge(shortest_us, EVERY_US * 9 / 10 - 10000);
	ck_assert_uint_le(longest_us, EVERY_US * 11 / 10 + 10000);
	/* And it does jitter. */
	ck_assert_uint_lt(shortest_us, EVERY_US * 93 / 100);
	ck_assert_uint_gt(longest_us, EVERY_US * 107 / 100);
	schedule_fini(&s);
}
END_TEST

START_TEST(same_seed_same_times)
{
	static uint64_t one[100], two[100], other[100];
	struct schedule s;

	fill(&s, 10, 42, 0);
	ck_assert_uint_ge(run(&s, 0, 100 * EVERY_US, one, 100), 99);
	schedule_fini(&s);
	fill(&s, 10, 42, 0);
	(void)run(&s, 0, 100 * EVERY_US, two, 100);
	schedule_fini(&s);
	fill(&s, 10, 43, 0);
	(void)run(&s, 0, 100 * EVERY_US, other, 100);
	schedule_fini(&s);
	ck_assert_int_eq(memcmp(one, two, sizeof one), 0);
	ck_assert_int_ne(memcmp(one, other, sizeof one), 0);
}
END_TEST

START_TEST(recheck_after_a_failure)
{
	struct schedule s;
	struct beat *b;
	uint64_t now_us = 1000, grid_us;

	fill(&s, 1, 1, 1000);
	b = schedule_due(&s, now_us);
	ck_assert_ptr_eq(b, &beats[0]);
	for (int i = 0; i < 3; i++) {
		now_us += 1500000; /* it timed out */
		schedule_done(&s, b, BEAT_RECHECK, now_us);
		ck_assert_uint_eq(schedule_next_us(&s), now_us + RECHECK_US);
		ck_assert_ptr_null(schedule_due(&s, now_us + RECHECK_US - 1));
		now_us += RECHECK_US;
		ck_assert_ptr_eq(schedule_due(&s, now_us), b);
	}
	/* Back to the grid: the next point, and never later than an interval. */
	schedule_done(&s, b, BEAT_GRID, now_us + 1000);
	grid_us = 1000 + ((now_us + 1000 - 1000) / EVERY_US + 1) * EVERY_US;
	ck_assert_uint_eq(b->grid_us, grid_us);
	ck_assert_uint_ge(schedule_next_us(&s), now_us + RECHECK_US / 2);
	ck_assert_uint_le(schedule_next_us(&s), now_us + EVERY_US * 11 / 10);
	schedule_fini(&s);
}
END_TEST

START_TEST(never_twice_at_once)
{
	struct schedule s;
	struct beat *b;

	fill(&s, 1, 1, 0);
	b = schedule_due(&s, 0);
	ck_assert_ptr_nonnull(b);
	/* It runs through three intervals: nothing is due, nothing is made up for. */
	ck_assert_ptr_null(schedule_due(&s, 7 * EVERY_US / 2));
	ck_assert_uint_eq(schedule_next_us(&s), UINT64_MAX);
	schedule_done(&s, b, BEAT_GRID, 7 * EVERY_US / 2);
	ck_assert_uint_ge(schedule_next_us(&s), 4 * EVERY_US - EVERY_US / 20);
	ck_assert_uint_le(schedule_next_us(&s), 4 * EVERY_US + EVERY_US / 20);
	schedule_fini(&s);
}
END_TEST

START_TEST(lateness_is_measured_and_does_not_burst)
{
	struct schedule s;
	struct beat *b;
	size_t started = 0;
	uint64_t late_us = 5 * EVERY_US; /* a suspended machine */

	fill(&s, 100, 1, 0);
	while ((b = schedule_due(&s, late_us)) != NULL) {
		started++;
		schedule_done(&s, b, BEAT_GRID, late_us);
	}
	ck_assert_uint_eq(started, 100);
	ck_assert_uint_ge(schedule_take_late_us(&s), 4 * EVERY_US);
	ck_assert_uint_eq(schedule_take_late_us(&s), 0);
	ck_assert_uint_ge(s.missed, 400);
	ck_assert_uint_gt(schedule_next_us(&s), late_us);
	schedule_fini(&s);
}
END_TEST

START_TEST(removed_never_comes)
{
	struct schedule s;
	struct beat *b;

	fill(&s, BEATS, 3, 0);
	for (size_t i = 0; i < BEATS; i += 2)
		schedule_remove(&s, &beats[i]);
	for (uint64_t now_us = 0; now_us < 3 * EVERY_US; now_us += 10000) {
		while ((b = schedule_due(&s, now_us)) != NULL) {
			ck_assert_uint_eq((size_t)(b - beats) % 2, 1);
			schedule_done(&s, b, BEAT_GRID, now_us);
		}
	}
	ck_assert_uint_eq(s.heap.count, BEATS / 2);
	/* One that runs can be removed too, and added again. */
	b = &beats[1];
	while (schedule_due(&s, 9 * EVERY_US) != b)
		;
	schedule_remove(&s, b);
	schedule_add(&s, b, EVERY_US, RECHECK_US, 9 * EVERY_US);
	ck_assert(!b->running);
	schedule_fini(&s);
}
END_TEST

START_TEST(once_is_once)
{
	struct schedule s;
	struct beat *b;
	size_t started = 0;

	memset(beats, 0, sizeof beats);
	schedule_init(&s, 1, true);
	for (size_t i = 0; i < BEATS; i++)
		schedule_add(&s, &beats[i], EVERY_US, RECHECK_US, 0);
	while ((b = schedule_due(&s, EVERY_US)) != NULL) {
		started++;
		schedule_done(&s, b, started % 2 ? BEAT_GRID : BEAT_RECHECK, EVERY_US);
	}
	ck_assert_uint_eq(started, BEATS);
	ck_assert_uint_eq(schedule_next_us(&s), UINT64_MAX);
	schedule_fini(&s);
}
END_TEST

START_TEST(heap_sorts_anything)
{
	static struct heap_node node[500];
	struct heap h = {0};
	uint64_t x = 88172645463325252, last = 0;

	memset(node, 0, sizeof node);
	for (size_t round = 0; round < 4000; round++) {
		size_t i;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		i = x % 500;
		if (x >> 40 & 1)
			heap_put(&h, &node[i], x >> 50);
		else
			heap_remove(&h, &node[i]);
	}
	ck_assert_uint_gt(h.count, 100);
	while (h.count > 0) {
		struct heap_node *n = heap_first(&h);

		ck_assert_uint_ge(n->due_us, last);
		last = n->due_us;
		heap_remove(&h, n);
		ck_assert_uint_eq(n->place, 0);
	}
	heap_fini(&h);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("schedule");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, starts_are_even);
	tcase_add_test(tcase, stays_even_for_an_hour);
	tcase_add_test(tcase, no_drift_and_ten_percent);
	tcase_add_test(tcase, same_seed_same_times);
	tcase_add_test(tcase, recheck_after_a_failure);
	tcase_add_test(tcase, never_twice_at_once);
	tcase_add_test(tcase, lateness_is_measured_and_does_not_burst);
	tcase_add_test(tcase, removed_never_comes);
	tcase_add_test(tcase, once_is_once);
	tcase_add_test(tcase, heap_sorts_anything);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
