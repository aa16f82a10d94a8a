/* SPDX-License-Identifier: Apache-2.0 */
/* The pool promises what malloc() promises, and keeps no more than it says. */
#include <check.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "probe/pool.h"
#include "probe/sandbox.h"

#define BLOCKS 20000

START_TEST(blocks_are_aligned_and_whole)
{
	char *block[64];

	for (size_t i = 0; i < 64; i++) {
		size_t bytes = i * i * 17;

		block[i] = pool_malloc(bytes);
		ck_assert_ptr_nonnull(block[i]);
		ck_assert_uint_eq((uintptr_t)block[i] % _Alignof(max_align_t), 0);
		memset(block[i], (int)i, bytes);
	}
	for (size_t i = 0; i < 64; i++) {
		for (size_t j = 0; j < i * i * 17; j += 1 + i * 7)
			ck_assert_int_eq(block[i][j], (char)i);
		pool_free(block[i]);
	}
	pool_free(NULL);
}
END_TEST

START_TEST(zeroes_are_zeroes_also_the_second_time)
{
	for (int round = 0; round < 3; round++) {
		char *block = pool_calloc(10, 10);

		for (int i = 0; i < 100; i++)
			ck_assert_int_eq(block[i], 0);
		memset(block, 0xff, 100);
		pool_free(block);
	}
	ck_assert_ptr_null(pool_calloc(SIZE_MAX / 2, 3));
	ck_assert_ptr_null(pool_malloc(SIZE_MAX));
}
END_TEST

START_TEST(growing_and_shrinking_keep_what_was_there)
{
	static const size_t sizes[] = {1, 64, 65, 4096, 40000, 100000, 3, 20000, 10};
	char *block = pool_realloc(NULL, 1);

	block[0] = 'x';
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		block = pool_realloc(block, sizes[i]);
		ck_assert_int_eq(block[0], 'x');
		block[sizes[i] - 1] = 'x';
	}
	pool_free(block);
	block = pool_strdup("a name");
	ck_assert_str_eq(block, "a name");
	pool_free(block);
}
END_TEST

/* 20,000 blocks at a time are given back: a bounded part of them is kept. */
START_TEST(what_is_kept_is_bounded)
{
	static void *block[BLOCKS];
	size_t before, after;

	if (SANDBOX_RELAXED)
		return; /* sanitizers have a malloc() without mallinfo2() */
	before = mallinfo2().uordblks;
	for (size_t i = 0; i < BLOCKS; i++)
		block[i] = pool_malloc(1000);
	for (size_t i = 0; i < BLOCKS; i++)
		pool_free(block[i]);
	after = mallinfo2().uordblks;
	ck_assert_uint_le(after - before, POOL_KEPT_BYTES_MAX + 64 * 1024);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pool");
	TCase *t = tcase_create("pool");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_test(t, blocks_are_aligned_and_whole);
	tcase_add_test(t, zeroes_are_zeroes_also_the_second_time);
	tcase_add_test(t, growing_and_shrinking_keep_what_was_there);
	tcase_add_test(t, what_is_kept_is_bounded);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed > 0;
}
