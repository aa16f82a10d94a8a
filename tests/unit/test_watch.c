/* SPDX-License-Identifier: Apache-2.0 */
/* watch: what a reading of the zone means to one who knew an earlier version. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/watch.h"

#define OUR_EPOCH 20
#define OUR_NONCE 0x20

/* Version `epoch`; nonces are the epochs, as far as eight reach. */
static struct ledger
version(uint64_t epoch)
{
	struct ledger l;

	memset(&l, 0, sizeof l);
	l.epoch = epoch;
	l.digest = 7;
	for (uint32_t i = 0; i < LEDGER_NONCES && epoch > i; i++)
		l.nonce[l.nonces++] = 0xc + epoch - i; /* 20 → 0x20 */
	return l;
}

static struct watch
knowing(void)
{
	return (struct watch){
	    .known = true,
	    .epoch = OUR_EPOCH,
	    .epoch_max = OUR_EPOCH,
	    .nonce = OUR_NONCE,
	};
}

static struct watch_view
view_of(const struct ledger *l)
{
	return (struct watch_view){
	    .present = true,
	    .reading = LEDGER_OK,
	    .ledger = l,
	    .ours = true,
	    .sets = 2,
	    .digest = 7,
	    .epoch_at_begin = OUR_EPOCH,
	};
}

START_TEST(nothing_known)
{
	struct watch w = {0};
	struct watch_view v = {0};
	bool thawed;

	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_EMPTY);
	v.sets = 1;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_ADOPT);
	v.present = true;
	v.reading = LEDGER_GARBLED;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FOREIGN);
	struct ledger l = version(3);
	v = view_of(&l);
	v.epoch_at_begin = 0;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_TAKE);
	ck_assert_uint_eq(w.epoch, 3);
	ck_assert(!thawed);
}
END_TEST

static const struct row {
	const char *what;
	uint64_t epoch, at_begin;
	bool vouched;
	uint64_t digest;
	uint64_t root;
	bool stranger; /* nonces of another line */
	enum watch_act act;
	enum frozen frozen;
} rows[] = {
    {"the same again", 20, 20, false, 7, 0, false, WATCH_TAKE, FROZEN_NOT},
    {"one on", 21, 20, false, 7, 0, false, WATCH_TAKE, FROZEN_NOT},
    {"seven on", 27, 20, false, 7, 0, false, WATCH_TAKE, FROZEN_NOT},
    {"eight on: further behind", 28, 20, false, 7, 0, false, WATCH_WAIT, FROZEN_NOT},
    {"eight on, vouched for", 28, 20, true, 7, 0, false, WATCH_TAKE, FROZEN_NOT},
    {"less than known when the read began", 19, 20, false, 7, 0, false, WATCH_FREEZE,
	FROZEN_BACK},
    {"less, but the read began before", 19, 19, false, 7, 0, false, WATCH_READ_AGAIN,
	FROZEN_NOT},
    {"the same epoch, not mine", 20, 20, false, 7, 0, true, WATCH_FREEZE,
	FROZEN_FORKED},
    {"on, and mine is not among them", 25, 20, false, 7, 0, true, WATCH_FREEZE,
	FROZEN_FORKED},
    {"records differ: once", 20, 20, false, 8, 0, false, WATCH_READ_AGAIN, FROZEN_NOT},
    {"an old root changes nothing", 19, 20, false, 7, 19, false, WATCH_FREEZE,
	FROZEN_BACK},
    {"my own root is no new one", 21, 20, false, 7, 20, true, WATCH_FREEZE,
	FROZEN_FORKED},
    {"a new root is the truth", 30, 20, false, 7, 30, true, WATCH_TAKE, FROZEN_NOT},
};

START_TEST(descent)
{
	const struct row *r = &rows[_i];
	struct watch w = knowing();
	struct ledger l = version(r->epoch);
	struct watch_view v;
	bool thawed;

	l.root = r->root;
	for (uint32_t i = 0; i < l.nonces && r->stranger; i++)
		l.nonce[i] += 0x1000;
	v = view_of(&l);
	v.epoch_at_begin = r->at_begin;
	v.vouched = r->vouched;
	v.digest = r->digest;
	enum watch_act act = watch_step(&w, &v, &thawed);
	ck_assert_msg(act == r->act, "%s: act %d", r->what, (int)act);
	ck_assert_msg(w.frozen == r->frozen, "%s: %s", r->what, frozen_word(w.frozen));
	ck_assert_uint_eq(w.epoch, r->act == WATCH_TAKE ? r->epoch : OUR_EPOCH);
	ck_assert(!thawed);
}
END_TEST

START_TEST(edited_by_hand)
{
	struct watch w = knowing();
	struct ledger l = version(20), next = version(21);
	struct watch_view v = view_of(&l);
	bool thawed;

	/* a torn read, then a good one */
	v.digest = 8;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_READ_AGAIN);
	v.digest = 7;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_TAKE);
	/* mismatches at two versions are not "two reads with one nonce" */
	v.digest = 8;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_READ_AGAIN);
	v.ledger = &next;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_READ_AGAIN);
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FREEZE);
	ck_assert_int_eq(w.frozen, FROZEN_EDITED);
	/* mended by hand: frozen until an operator speaks */
	v.digest = 7;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FREEZE);
	/* a new root thaws */
	l = version(22);
	l.root = 22;
	v.ledger = &l;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_TAKE);
	ck_assert(thawed);
	ck_assert_int_eq(w.frozen, FROZEN_NOT);
}
END_TEST

START_TEST(lost_and_garbled)
{
	struct watch w = knowing();
	struct watch_view v = {.epoch_at_begin = OUR_EPOCH, .sets = 2};
	bool thawed;

	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FREEZE);
	ck_assert_int_eq(w.frozen, FROZEN_LOST);
	w = knowing();
	v.present = true;
	v.reading = LEDGER_GARBLED;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FREEZE);
	ck_assert_int_eq(w.frozen, FROZEN_GARBLED);
}
END_TEST

/* A read that began before our own first ledger was there says nothing of it now. */
START_TEST(absent_in_a_read_that_began_before)
{
	struct watch w = {0};
	struct ledger l = version(1);
	struct watch_view v = {.epoch_at_begin = 0};
	bool thawed;

	watch_commit(&w, &l);
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_READ_AGAIN);
	ck_assert_int_eq(w.frozen, FROZEN_NOT);
	v.epoch_at_begin = 1;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FREEZE);
}
END_TEST

START_TEST(foreign)
{
	struct watch w = knowing();
	struct ledger l = version(25);
	struct watch_view v = view_of(&l);
	bool thawed;

	v.ours = false;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FOREIGN);
	v = view_of(&l);
	v.reading = LEDGER_NEWER;
	ck_assert_int_eq(watch_step(&w, &v, &thawed), WATCH_FOREIGN);
	ck_assert_uint_eq(w.epoch, OUR_EPOCH);
	ck_assert_uint_eq(w.epoch_max, OUR_EPOCH);
}
END_TEST

START_TEST(hearing)
{
	struct watch w = knowing();

	ck_assert(!watch_hear(&w, 19));
	ck_assert(!watch_hear(&w, 20));
	ck_assert(watch_hear(&w, 21));
	ck_assert_uint_eq(w.epoch, 20);
	ck_assert_uint_eq(w.epoch_max, 21);
	ck_assert_int_eq(w.frozen, FROZEN_NOT);
	/* a liar's word moves neither us nor the next root */
	ck_assert(!watch_hear(&w, UINT64_MAX));
	ck_assert(!watch_hear(&w, (UINT64_C(1) << 32) + 21));
	ck_assert_uint_eq(w.epoch_max, 21);
	ck_assert(watch_hear(&w, (UINT64_C(1) << 32) + 20));
}
END_TEST

START_TEST(own_commit)
{
	struct watch w = knowing();
	struct ledger l = version(21);

	w.frozen = FROZEN_EDITED;
	w.suspect = true;
	watch_commit(&w, &l);
	ck_assert_uint_eq(w.epoch, 21);
	ck_assert_uint_eq(w.epoch_max, 21);
	ck_assert_uint_eq(w.nonce, l.nonce[0]);
	ck_assert_int_eq(w.frozen, FROZEN_EDITED); /* only a new root thaws */
	l = version(22);
	l.root = 22;
	watch_commit(&w, &l);
	ck_assert_int_eq(w.frozen, FROZEN_NOT);
	ck_assert(!w.suspect);
	/* the answer comes after a read that showed a later version */
	l = version(21);
	watch_commit(&w, &l);
	ck_assert_uint_eq(w.epoch, 22);
}
END_TEST

START_TEST(words)
{
	for (int f = 0; f < FROZENS; f++) {
		ck_assert_uint_gt(strlen(frozen_word((enum frozen)f)), 0);
		ck_assert_uint_lt(strlen(frozen_word((enum frozen)f)), WORD_MAX);
		ck_assert_uint_gt(strlen(frozen_sentence((enum frozen)f)), 10);
		ck_assert(f == FROZEN_NOT ||
		    strstr(frozen_sentence((enum frozen)f), "run adopt") != NULL);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watch");
	TCase *t = tcase_create("watch");

	tcase_add_test(t, nothing_known);
	tcase_add_loop_test(t, descent, 0, sizeof rows / sizeof *rows);
	tcase_add_test(t, edited_by_hand);
	tcase_add_test(t, lost_and_garbled);
	tcase_add_test(t, absent_in_a_read_that_began_before);
	tcase_add_test(t, foreign);
	tcase_add_test(t, hearing);
	tcase_add_test(t, own_commit);
	tcase_add_test(t, words);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
