/* SPDX-License-Identifier: Apache-2.0 */
/* peer: dating by quotes, replay, restarts, forgetting, two under one name. */
#include <check.h>
#include <stdlib.h>

#include "steering/core/peer.h"

#define FRESH 15000
#define BOOT_A UINT64_C(1000)
#define BOOT_B UINT64_C(2000)

static struct peer_own own;
static struct peer p;
static uint64_t sent_ms;
static bool cloned;

static void
begin(void)
{
	peer_own_init(&own, 77);
	p = (struct peer){0};
}

/* quoted: a sequence of ours, in this boot; 0 none. */
static enum peer_take
take(uint64_t boot, uint64_t seq, uint64_t quoted, uint64_t now_ms)
{
	struct peer_envelope m = {
	    .stamp = {boot, seq}, .quoted = {quoted != 0 ? 77 : 0, quoted}};

	return peer_take(&p, &own, &m, FRESH, now_ms, &sent_ms, &cloned);
}

START_TEST(age_runs_from_when_the_quoted_one_was_sent)
{
	begin();
	ck_assert_uint_eq(peer_age_ms(&p, 5), UINT64_MAX);
	(void)peer_own_send(&own, 1000);
	(void)peer_own_send(&own, 2000);
	/* it quotes our first, and comes late: as old as our first */
	ck_assert_int_eq(take(BOOT_A, 1, 1, 9000), PEER_TAKEN);
	ck_assert_uint_eq(sent_ms, 1000);
	ck_assert_uint_eq(peer_age_ms(&p, 9000), 8000);
	ck_assert(peer_heard(&p, FRESH, 16000));
	ck_assert(!peer_heard(&p, FRESH, 16001));
	ck_assert_int_eq(take(BOOT_A, 2, 2, 9001), PEER_TAKEN);
	ck_assert_uint_eq(sent_ms, 2000);
	/* a lower quote later does not make what is known older */
	ck_assert_int_eq(take(BOOT_A, 3, 1, 9002), PEER_TAKEN);
	ck_assert_uint_eq(sent_ms, 1000);
	ck_assert_uint_eq(peer_age_ms(&p, 9002), 7002);
}
END_TEST

/* A link that carries their words and not ours is down. */
START_TEST(one_way_is_down)
{
	begin();
	(void)peer_own_send(&own, 1000);
	for (uint64_t i = 1; i <= 30; i++) {
		ck_assert_int_eq(take(BOOT_A, i, 0, 1000 * i), PEER_UNDATED);
		ck_assert(!peer_heard(&p, FRESH, 1000 * i));
	}
	/* the other way: ours arrives no more, and it quotes the last that did */
	begin();
	(void)peer_own_send(&own, 1000);
	for (uint64_t i = 1; i <= 30; i++) {
		ck_assert_int_eq(take(BOOT_A, i, 1, 1000 * i), PEER_TAKEN);
		ck_assert_int_eq(peer_heard(&p, FRESH, 1000 * i), i <= 16);
	}
}
END_TEST

START_TEST(replayed_and_unsound)
{
	begin();
	(void)peer_own_send(&own, 1000);
	ck_assert_int_eq(take(BOOT_A, 5, 1, 1000), PEER_TAKEN);
	ck_assert_int_eq(take(BOOT_A, 5, 1, 1000), PEER_REPLAYED);
	ck_assert_int_eq(take(BOOT_A, 4, 1, 1000), PEER_REPLAYED);
	ck_assert(!cloned);
	ck_assert_int_eq(take(BOOT_A, 6, 2, 1000), PEER_UNSOUND); /* never sent */
	ck_assert_int_eq(take(BOOT_A, 0, 1, 1000), PEER_UNSOUND);
	ck_assert_int_eq(take(0, 6, 1, 1000), PEER_UNSOUND);
	ck_assert_uint_eq(p.last.seq, 5);
	/* recorded in an earlier life of ours */
	struct peer_envelope old = {.stamp = {BOOT_A, 7}, .quoted = {76, 1}};
	ck_assert_int_eq(
	    peer_take(&p, &own, &old, FRESH, 1000, &sent_ms, &cloned), PEER_UNDATED);
}
END_TEST

START_TEST(a_restart_has_a_higher_boot)
{
	begin();
	(void)peer_own_send(&own, 1000);
	ck_assert_int_eq(take(BOOT_A, 900, 1, 1000), PEER_TAKEN);
	/* the new one has not heard us yet: what the old one said is no longer its word */
	ck_assert_int_eq(take(BOOT_B, 1, 0, 2000), PEER_UNDATED);
	ck_assert(!peer_heard(&p, FRESH, 2000));
	(void)peer_own_send(&own, 2100);
	ck_assert_int_eq(take(BOOT_B, 2, 2, 2200), PEER_TAKEN);
	/* what the old one left on the way is refused, and proves nothing */
	ck_assert_int_eq(take(BOOT_A, 901, 1, 2300), PEER_OUTLIVED);
	ck_assert(!cloned && !p.cloned);
	ck_assert_uint_eq(peer_quote(&p).boot, BOOT_B);
	ck_assert_uint_eq(peer_quote(&p).seq, 2);
}
END_TEST

/* Its clock was set back, its disk lost: after a silence it is heard all the same. */
START_TEST(forgotten_after_silence)
{
	begin();
	(void)peer_own_send(&own, 1000);
	ck_assert_int_eq(take(BOOT_B, 9, 1, 1000), PEER_TAKEN);
	(void)peer_own_send(&own, 10000);
	ck_assert_int_eq(take(BOOT_A, 1, 0, 11000), PEER_OUTLIVED);
	ck_assert_int_eq(take(BOOT_A, 2, 0, 16000), PEER_OUTLIVED);
	ck_assert_int_eq(take(BOOT_A, 3, 2, 16001), PEER_TAKEN);
	ck_assert_uint_eq(sent_ms, 10000);
}
END_TEST

START_TEST(two_under_one_name)
{
	begin();
	(void)peer_own_send(&own, 1000);
	ck_assert_int_eq(take(BOOT_A, 1, 1, 1100), PEER_TAKEN);
	ck_assert_int_eq(take(BOOT_B, 1, 1, 1200), PEER_TAKEN);
	(void)peer_own_send(&own, 2000);
	ck_assert_int_eq(take(BOOT_B, 2, 2, 2100), PEER_TAKEN);
	/* the first heard what we sent after the second began: it lives */
	ck_assert_int_eq(take(BOOT_A, 2, 2, 2200), PEER_OUTLIVED);
	ck_assert(cloned);
	ck_assert_int_eq(take(BOOT_A, 3, 2, 2300), PEER_OUTLIVED);
	ck_assert(!cloned && p.cloned); /* said once */
	ck_assert_int_eq(take(BOOT_B, 3, 2, 2400), PEER_TAKEN);
	ck_assert(p.cloned);
	ck_assert_uint_eq(p.last.boot, BOOT_B);
}
END_TEST

/* The copy is where we do not send to: it quotes nothing new, but goes on speaking. */
START_TEST(a_deaf_clone)
{
	begin();
	for (uint64_t now = 1000; now <= 17000; now += 1000) {
		uint64_t seq = peer_own_send(&own, now).seq;

		ck_assert_int_eq(take(BOOT_B, seq, seq, now), PEER_TAKEN);
		ck_assert_int_eq(take(BOOT_A, seq, 0, now + 1), PEER_OUTLIVED);
		ck_assert_int_eq(cloned, now == 16000);
	}
}
END_TEST

/* A copied machine, memory and all: one boot, two sequences. */
START_TEST(a_clone_of_the_memory)
{
	begin();
	(void)peer_own_send(&own, 1000);
	ck_assert_int_eq(take(BOOT_A, 10, 1, 1100), PEER_TAKEN);
	(void)peer_own_send(&own, 2000);
	ck_assert_int_eq(take(BOOT_A, 11, 1, 2050), PEER_TAKEN);
	ck_assert_int_eq(take(BOOT_A, 11, 2, 2100), PEER_REPLAYED);
	ck_assert(cloned);
}
END_TEST

START_TEST(the_ring_forgets)
{
	begin();
	for (uint64_t i = 1; i <= PEER_RING + 1; i++)
		ck_assert_uint_eq(peer_own_send(&own, i).seq, i);
	ck_assert_int_eq(take(BOOT_A, 1, 1, 5000), PEER_UNDATED);
	ck_assert_int_eq(take(BOOT_A, 2, 2, 5000), PEER_TAKEN);
	ck_assert_uint_eq(sent_ms, 2);
}
END_TEST

START_TEST(boots_rise)
{
	uint64_t wall_ms = UINT64_C(1790000000000);
	uint64_t first = peer_boot(wall_ms, UINT64_MAX, 0);

	ck_assert_uint_gt(peer_boot(wall_ms + 1, 0, 0), first); /* disk lost */
	ck_assert_uint_eq(peer_boot(wall_ms - 3600000, 5, first), first + 1);
	ck_assert_uint_eq(peer_boot(0, 0, 0), 1);
	ck_assert_uint_ne(peer_boot(wall_ms, 1, 0), peer_boot(wall_ms, 2, 0));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer");
	TCase *t = tcase_create("peer");

	tcase_add_test(t, age_runs_from_when_the_quoted_one_was_sent);
	tcase_add_test(t, one_way_is_down);
	tcase_add_test(t, replayed_and_unsound);
	tcase_add_test(t, a_restart_has_a_higher_boot);
	tcase_add_test(t, forgotten_after_silence);
	tcase_add_test(t, two_under_one_name);
	tcase_add_test(t, a_deaf_clone);
	tcase_add_test(t, a_clone_of_the_memory);
	tcase_add_test(t, the_ring_forgets);
	tcase_add_test(t, boots_rise);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
