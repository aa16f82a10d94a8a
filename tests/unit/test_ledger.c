/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: one text, one meaning; the fullest one fits; history is bounded. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/ledger.h"

#define TIME_MAX ((int64_t)0xfffffffff)

/* Equal ledgers have equal bytes when both began as zeros. */
static void
round_trip(const struct ledger *l)
{
	char text[LEDGER_TEXT_MAX], again[LEDGER_TEXT_MAX];
	struct ledger back;
	struct err e;

	size_t n = ledger_format(l, text);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_msg(
	    ledger_parse(text, &back, &e) == LEDGER_OK, "%s: %s", e.text, text);
	ck_assert_mem_eq(&back, l, sizeof back);
	(void)ledger_format(&back, again);
	ck_assert_str_eq(text, again);
}

static struct ledger
small(void)
{
	struct ledger l;

	memset(&l, 0, sizeof l);
	(void)snprintf(l.cluster, sizeof l.cluster, "acme");
	l.epoch = 17;
	l.nonces = 1;
	l.nonce[0] = 0xabcdef;
	l.writer = 7;
	l.time_wall_s = 1790000000;
	l.policy_hash = 0x77;
	l.quorum = 1;
	l.voters = 1;
	l.voter[0] = 7;
	l.digest = 5;
	l.members = 2;
	(void)snprintf(l.member[0].name, WORD_MAX, "fra");
	l.member[0].weight = 100;
	l.member[0].ramp = 3;
	(void)snprintf(l.member[1].name, WORD_MAX, "iad");
	l.member[1].out = true;
	return l;
}

static struct ledger
fullest(void)
{
	struct ledger l;

	memset(&l, 0, sizeof l);
	memset(l.cluster, 'c', WORD_MAX - 1);
	l.epoch = l.root = LEDGER_EPOCH_MAX;
	l.nonces = LEDGER_NONCES;
	for (int i = 0; i < LEDGER_NONCES; i++)
		l.nonce[i] = UINT64_MAX - (uint64_t)i;
	l.writer = UINT32_MAX;
	l.time_wall_s = TIME_MAX;
	l.policy_hash = l.digest = l.fence = UINT64_MAX;
	l.quorum = l.voters = AGENTS_MAX;
	for (int i = 0; i < AGENTS_MAX; i++)
		l.voter[i] = UINT32_MAX;
	memset(l.spaced, 's', WORD_MAX - 1);
	l.spaced_wall_s = TIME_MAX;
	l.freeze = (struct ledger_order){UINT32_MAX, UINT32_MAX, TIME_MAX};
	l.lock_holder = UINT32_MAX;
	l.open = SIDE_PRIMARY | SIDE_RECOVERY;
	l.rests = true;
	l.run = (struct ledger_run){.id = LEDGER_EPOCH_MAX,
	    .way = RUN_DRILL,
	    .aborting = true,
	    .aborted = SCENARIO_STEPS_MAX,
	    .step = SCENARIO_STEPS_MAX - 1,
	    .state = RUN_FAILED,
	    .tries = UINT32_MAX,
	    .begun_wall_s = TIME_MAX,
	    .since_wall_s = TIME_MAX};
	l.members = MEMBERS_MAX;
	for (int i = 0; i < MEMBERS_MAX; i++) {
		struct ledger_member *m = &l.member[i];

		memset(m->name, 'a' + i, WORD_MAX - 1);
		m->out = m->latched = m->by_order = true;
		m->weight = 255;
		m->ramp = RAMP_STEPS_MAX - 1;
		for (int k = 0; k < 2 * LEDGER_DRAINS; k++) {
			ledger_note_drain(m, TIME_MAX - k);
			ledger_note_return(m, TIME_MAX - k);
			ledger_note_swap(m, TIME_MAX - k);
		}
		m->drain = m->pin = l.freeze;
	}
	return l;
}

START_TEST(text_is_stable)
{
	struct ledger l = small();
	char text[LEDGER_TEXT_MAX];

	(void)ledger_format(&l, text);
	/* A contract with running agents of other versions: never change it. */
	ck_assert_str_eq(text,
	    "pointsman/1 c=acme e=11 r=0 n=abcdef w=7 t=6ab13b80 p=77:1:7 d=5 "
	    "m=fra:i:64:3::::: m=iad:o:0:0:::::");
}
END_TEST

START_TEST(small_and_fullest)
{
	struct ledger l = small();
	char text[LEDGER_TEXT_MAX];

	round_trip(&l);
	l = fullest();
	round_trip(&l);
	size_t n = ledger_format(&l, text);
	printf("the fullest ledger takes %zu of 4000 characters\n", n);
	ck_assert_uint_le(n, 4000);
}
END_TEST

START_TEST(every_state_letter)
{
	for (unsigned bits = 0; bits < 8; bits++) {
		struct ledger l = small();
		struct ledger_member *m = &l.member[1];

		m->out = bits & 1;
		m->latched = m->out && (bits & 2);
		m->by_order = m->out && (bits & 4);
		round_trip(&l);
	}
}
END_TEST

static uint64_t dice = 88172645463325252u;

static uint32_t
roll(uint32_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice % n);
}

static struct ledger_run
random_run(void)
{
	struct ledger_run r;

	memset(&r, 0, sizeof r);
	r.id = 1 + roll(1000);
	r.way = (enum run_way)(RUN_FAILOVER + roll(RUN_WAYS - 1));
	r.aborting = roll(2);
	r.aborted = roll(SCENARIO_STEPS_MAX);
	r.step = roll(SCENARIO_STEPS_MAX);
	r.state = (enum run_state)roll(RUN_STATES);
	r.tries = roll(UINT32_MAX);
	r.begun_wall_s = roll(UINT32_MAX);
	r.since_wall_s = roll(UINT32_MAX);
	return r;
}

START_TEST(random_ledgers)
{
	for (int i = 0; i < 20000; i++) {
		struct ledger l = small();

		l.epoch = dice >> 3;
		l.root = roll(2) ? 0 : dice >> 3 >> roll(61);
		l.fence = roll(3);
		l.lock_holder = roll(2);
		l.open = roll(4);
		l.rests = roll(2);
		if (roll(2))
			l.run = random_run();
		l.nonces = 1 + roll(LEDGER_NONCES);
		for (uint32_t k = 0; k < l.nonces; k++)
			l.nonce[k] = dice >> roll(64);
		memset(l.member, 0, sizeof l.member);
		l.members = 1 + roll(MEMBERS_MAX);
		for (uint32_t m = 0; m < l.members; m++) {
			struct ledger_member *y = &l.member[m];

			memset(y, 0, sizeof *y);
			(void)snprintf(
			    y->name, WORD_MAX, "m%u-%x", (unsigned)m, roll(999));
			y->out = roll(2);
			y->latched = y->out && roll(2);
			y->by_order = y->out && roll(2);
			y->weight = (uint8_t)roll(256);
			y->ramp = (uint8_t)roll(RAMP_STEPS_MAX);
			for (uint32_t k = roll(10); k > 0; k--)
				ledger_note_drain(y, roll(UINT32_MAX));
			for (uint32_t k = roll(6); k > 0; k--)
				ledger_note_return(y, roll(UINT32_MAX));
			for (uint32_t k = roll(6); k > 0; k--)
				ledger_note_swap(y, roll(UINT32_MAX));
			if (roll(2))
				y->drain =
				    (struct ledger_order){1 + roll(9), roll(9), 5};
			if (roll(2))
				y->pin = (struct ledger_order){1 + roll(9), roll(9), 5};
		}
		if (roll(2))
			l.freeze = (struct ledger_order){1 + roll(9), roll(9), 7};
		if (roll(2)) {
			memcpy(l.spaced, l.member[0].name, WORD_MAX);
			l.spaced_wall_s = roll(UINT32_MAX);
		}
		round_trip(&l);
	}
}
END_TEST

#define HEAD "pointsman/1 c=acme e=11 r=0 n=abcdef w=7 t=6ab12780 p=77:1:7 d=5"
#define FRA " m=fra:i:64:3:::::"

static const struct spelling {
	const char *text;
	enum ledger_reading reading;
} spellings[] = {
    {HEAD FRA, LEDGER_OK},
    {HEAD " s=fra:1" FRA, LEDGER_OK},
    {HEAD " s=fra:1 f=1.2.3 k=0:1" FRA, LEDGER_OK},
    {HEAD " k=7:11:3" FRA, LEDGER_OK},
    {HEAD " k=0:0:4" FRA, LEDGER_OK},
    {HEAD " k=7:11:0:e:o:2:s:1:0:6ab12780:6ab12781" FRA, LEDGER_OK},
    {HEAD " k=7:11:2:e:O:2:s:1:3:6ab12780:6ab12781" FRA, LEDGER_OK},
    {HEAD " k=7:11:0" FRA, LEDGER_GARBLED}, /* no side, no run: another spelling */
    {HEAD " k=7:11:8" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:0:o:2:s:1:0:1:1" FRA, LEDGER_GARBLED}, /* no run has the id 0 */
    {HEAD " k=7:11:0:e:-:2:s:1:0:1:1" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:e:x:2:s:1:0:1:1" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:e:o:1b:s:1:0:1:1" FRA, LEDGER_GARBLED}, /* beyond any plan */
    {HEAD " k=7:11:0:e:o:2:z:1:0:1:1" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:e:o:2:s:1:0:1" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:e:o:2:s:1:0:1:1:1" FRA, LEDGER_GARBLED},
    {HEAD " k=7:11:0:4000000000000001:o:2:s:1:0:1:1" FRA, LEDGER_GARBLED},
    {"", LEDGER_GARBLED},
    {"v=spf1 -all", LEDGER_GARBLED},
    {"pointsman/", LEDGER_NEWER},
    {"pointsman/2 anything at all", LEDGER_NEWER},
    {"pointsman/11" FRA, LEDGER_NEWER},
    {"pointsman/1", LEDGER_NEWER},
    {"pointsman/1 ", LEDGER_GARBLED},
    {HEAD, LEDGER_GARBLED},         /* no member */
    {HEAD FRA FRA, LEDGER_GARBLED}, /* twice the same */
    {HEAD FRA " ", LEDGER_GARBLED}, /* a word too many */
    {HEAD FRA " x=1", LEDGER_GARBLED},
    {" " HEAD FRA, LEDGER_GARBLED},
    {HEAD " m=fra:i:064:3:::::", LEDGER_GARBLED}, /* another spelling */
    {HEAD " m=fra:i:100:3:::::", LEDGER_GARBLED}, /* 0x100 > 255 */
    {HEAD " m=fra:i:64:8:::::", LEDGER_GARBLED},
    {HEAD " m=fra:I:64:3:::::", LEDGER_GARBLED},
    {HEAD " m=fra:i:64:3::::", LEDGER_GARBLED},
    {HEAD " m=fra:i:6G:3:::::", LEDGER_GARBLED},
    {HEAD " m=fra:i:C4:3:::::", LEDGER_GARBLED}, /* capital hex */
    {HEAD " m=:i:64:3:::::", LEDGER_GARBLED},
    {HEAD " m=fra:i:64:3:1,2,::::", LEDGER_GARBLED},
    {HEAD " m=fra:i:64:3:1,2,3,4,5,6,7,8:1:1:1.2.3:4.5.6", LEDGER_OK},
    {HEAD " m=fra:i:64:3:1,2,3,4,5,6,7,8,9:1:1::", LEDGER_GARBLED},
    {HEAD " m=fra:i:64:3:1:1,2,3,4,5:1::", LEDGER_GARBLED},
    {HEAD " m=fra:i:64:3:::::0.1.2", LEDGER_GARBLED}, /* id 0 is none */
    {HEAD " f=0.1.2" FRA, LEDGER_GARBLED},
    {HEAD " k=0:0" FRA, LEDGER_GARBLED},
    {HEAD " f=1.2.3 s=fra:1" FRA, LEDGER_GARBLED}, /* order of the words */
    {HEAD " m=abcdefghijklmnopqrstuvw:i:64:3:::::", LEDGER_OK},
    {HEAD " m=abcdefghijklmnopqrstuvwx:i:64:3:::::", LEDGER_GARBLED},
    {"pointsman/1 c=acme e=00 r=0 n=1 w=7 t=1 p=77:1:7 d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n= w=7 t=1 p=77:1:7 d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1,2,3,4,5,6,7,8,9 w=7 t=1 p=77:1:7 d=5" FRA,
	LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1 w=7 t=1 p=77:2:7 d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1 w=7 t=1 p=77:0:7 d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1 w=7 t=1 p=77:1: d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=4000000000000000 r=4000000000000000 n=1 w=7 t=1 p=77:1:7 d=5" FRA,
	LEDGER_OK},
    /* nobody counted so far: the next root would be 0 */
    {"pointsman/1 c=acme e=4000000000000001 r=0 n=1 w=7 t=1 p=77:1:7 d=5" FRA,
	LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=ffffffffffffffff n=1 w=7 t=1 p=77:1:7 d=5" FRA,
	LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1ffffffffffffffff r=0 n=1 w=7 t=1 p=77:1:7 d=5" FRA,
	LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1 w=100000000 t=1 p=77:1:7 d=5" FRA, LEDGER_GARBLED},
    {"pointsman/1 c=acme e=1 r=0 n=1 w=7 t=1000000000 p=77:1:7 d=5" FRA,
	LEDGER_GARBLED},
};

START_TEST(strict_reader)
{
	struct ledger l;
	struct err e = {""};
	enum ledger_reading is = ledger_parse(spellings[_i].text, &l, &e);

	ck_assert_msg(
	    is == spellings[_i].reading, "%s: %d %s", spellings[_i].text, is, e.text);
	ck_assert((is == LEDGER_OK) == (e.text[0] == '\0'));
}
END_TEST

/* Hostile text: every prefix, and every byte changed, never crashes the reader and
 * never reads as something that would be spelled otherwise. */
START_TEST(mutations)
{
	struct ledger l = fullest(), back;
	char text[LEDGER_TEXT_MAX], bad[LEDGER_TEXT_MAX], again[LEDGER_TEXT_MAX];
	struct err e;
	size_t n = ledger_format(&l, text);

	for (size_t i = 0; i < n; i++) {
		memcpy(bad, text, n + 1);
		for (int k = 0; k < 6; k++) {
			memcpy(bad, text, n + 1);
			bad[i] = " :,f.\0"[k];
			if (ledger_parse(bad, &back, &e) != LEDGER_OK)
				continue;
			(void)ledger_format(&back, again);
			ck_assert_str_eq(bad, again);
		}
	}
}
END_TEST

START_TEST(too_long_text)
{
	static char huge[20000];
	struct ledger l;
	struct err e;
	size_t n = (size_t)snprintf(huge, sizeof huge, "%s", HEAD);

	while (n < sizeof huge - 64)
		n += (size_t)snprintf(
		    huge + n, sizeof huge - n, " m=m%zu:i:64:3:::::", n);
	ck_assert_int_eq(ledger_parse(huge, &l, &e), LEDGER_GARBLED);
	memset(huge, 'e', sizeof huge - 1);
	memcpy(huge, "pointsman/1 c=", 14);
	ck_assert_int_eq(ledger_parse(huge, &l, &e), LEDGER_GARBLED);
}
END_TEST

START_TEST(advancing)
{
	struct ledger l = small();

	for (uint64_t i = 1; i <= 20; i++) {
		ledger_advance(&l, 1000 + i, 3, 1790000000 + (int64_t)i);
		ck_assert_uint_eq(l.epoch, 17 + i);
		ck_assert_uint_eq(l.nonce[0], 1000 + i);
		ck_assert_uint_le(l.nonces, LEDGER_NONCES);
		ck_assert_uint_eq(l.writer, 3);
		for (uint64_t k = 0; k < LEDGER_NONCES && k < i; k++)
			ck_assert(ledger_knows_nonce(&l, 1000 + i - k));
		ck_assert(i < LEDGER_NONCES || !ledger_knows_nonce(&l, 1000 + i - 8));
		round_trip(&l);
	}
}
END_TEST

START_TEST(histories)
{
	struct ledger_member m = {0};

	for (int i = 1; i <= 20; i++) {
		ledger_note_drain(&m, i);
		ledger_note_return(&m, i);
		ledger_note_swap(&m, i);
	}
	ck_assert_uint_eq(m.drains, LEDGER_DRAINS);
	ck_assert_uint_eq(m.returns, LEDGER_RETURNS);
	ck_assert_uint_eq(m.swaps, LEDGER_SWAPS);
	ck_assert_int_eq(m.drain_wall_s[0], 13);
	ck_assert_int_eq(m.drain_wall_s[7], 20);
	ck_assert_int_eq(m.return_wall_s[0], 17);
	/* the window is closed, and what comes from the future counts */
	ck_assert_uint_eq(ledger_count_since(m.drain_wall_s, m.drains, 30, 14), 5);
	ck_assert_uint_eq(ledger_count_since(m.drain_wall_s, m.drains, 10, 5), 8);
	ck_assert_uint_eq(ledger_count_since(m.drain_wall_s, m.drains, 1000, 5), 0);
}
END_TEST

START_TEST(orders)
{
	struct ledger_order o = {0, 0, 100};

	ck_assert(!ledger_order_stands(&o, 50));
	o.id = 1;
	ck_assert(ledger_order_stands(&o, 99));
	ck_assert(!ledger_order_stands(&o, 100));
	ck_assert(ledger_order_stands(&o, 0)); /* without a clock it stands */
}
END_TEST

START_TEST(finding)
{
	struct ledger l = small();

	ck_assert_int_eq(ledger_find(&l, "fra"), 0);
	ck_assert_int_eq(ledger_find(&l, "iad"), 1);
	ck_assert_int_eq(ledger_find(&l, "ia"), -1);
	ck_assert_int_eq(ledger_find(&l, ""), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ledger");
	TCase *t = tcase_create("ledger");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, text_is_stable);
	tcase_add_test(t, small_and_fullest);
	tcase_add_test(t, every_state_letter);
	tcase_add_test(t, random_ledgers);
	tcase_add_loop_test(t, strict_reader, 0, sizeof spellings / sizeof *spellings);
	tcase_add_test(t, mutations);
	tcase_add_test(t, too_long_text);
	tcase_add_test(t, advancing);
	tcase_add_test(t, histories);
	tcase_add_test(t, orders);
	tcase_add_test(t, finding);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
