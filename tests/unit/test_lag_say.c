/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of lags, and what is said of them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/lag_ring.h"
#include "steering/agent/lag_say.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define NOON INT64_C(1795521600000) /* 2026-11-24T12:00:00Z */

/* ---- what is remembered ---- */

static void
put(struct lag_ring *r, uint64_t began_ms, bool known, uint64_t lag_ms, bool grows)
{
	struct lag_point p = {
	    .began_ms = began_ms, .known = known, .lag_ms = lag_ms, .grows = grows};

	lag_ring_put(r, &p);
}

static void
at(const struct lag_ring *r, uint64_t at_ms, int64_t want_ms)
{
	uint64_t ms = 0;
	bool known = lag_ring_at(r, at_ms, 15000, &ms);

	ck_assert_msg(known == (want_ms >= 0), "at %llu", (unsigned long long)at_ms);
	if (known)
		ck_assert_msg(ms == (uint64_t)want_ms, "at %llu: %llu",
		    (unsigned long long)at_ms, (unsigned long long)ms);
}

START_TEST(the_past_is_kept)
{
	struct lag_ring *r = calloc(1, sizeof *r);

	at(r, 1000, -1);
	put(r, 10000, true, 300, false);
	put(r, 15000, true, 0, false);
	put(r, 20000, false, 0, false);
	put(r, 25000, false, 0, false);
	at(r, 9999, -1);
	at(r, 10000, 300);
	at(r, 14999, 300);
	at(r, 15001, 0);
	/* Unknown: the last known, and all that was written since. */
	at(r, 20000, 5000);
	at(r, 29000, 14000);
	at(r, 30001, -1);
	put(r, 30000, true, 70, false);
	at(r, 30001, 70);
	at(r, 90000, -1);
	free(r);
}
END_TEST

START_TEST(a_backup_grows)
{
	struct lag_ring *r = calloc(1, sizeof *r);

	put(r, 100000, true, 7200000, true);
	put(r, 160000, false, 0, false);
	at(r, 100000, 7200000);
	at(r, 130000, 7230000);
	at(r, 400000, 7500000);
	put(r, 220000, true, 5000, true);
	at(r, 221000, 6000);
	free(r);
}
END_TEST

/* A datapoint is read again and again, and began before what was not known. */
START_TEST(a_metric_comes_late)
{
	struct lag_ring *r = calloc(1, sizeof *r);

	put(r, 60000, true, 100, false);
	put(r, 200000, false, 0, false);
	put(r, 60000, true, 100, false);
	ck_assert_uint_eq(r->fine, 1);
	put(r, 120000, true, 200, false);
	put(r, 60000, true, 900, false);
	put(r, 120000, true, 250, false);
	ck_assert_uint_eq(r->fine, 2);
	at(r, 61000, 100);
	at(r, 121000, 250);
	free(r);
}
END_TEST

/* A day at a sample a second: to the minute a day ago, to the second now. */
START_TEST(a_day_is_kept)
{
	struct lag_ring *r = calloc(1, sizeof *r);
	uint64_t ms = 0, day = 86400;

	for (uint64_t s = 1; s <= day; s++)
		put(r, s * 1000, true, s, false);
	for (uint64_t s = day; s > day - LAG_RING_FINE; s--) {
		ck_assert(lag_ring_at(r, s * 1000 + 500, 15000, &ms));
		ck_assert_uint_eq(ms, s);
	}
	ck_assert(lag_ring_at(r, 120 * 1000, 60000, &ms));
	ck_assert_uint_eq(ms, 119);
	for (uint64_t s = 1; s <= 2 * day; s++)
		put(r, (day + s) * 1000, true, s, false);
	ck_assert(!lag_ring_at(r, 120 * 1000, 60000, &ms));
	ck_assert(lag_ring_at(r, 3 * day * 1000, 15000, &ms));
	ck_assert_uint_eq(ms, 2 * day);
	free(r);
}
END_TEST

/* ---- what is said ---- */

static struct config_lag lag;
static struct lag_view view;

static void
begin_view(void)
{
	lag = (struct config_lag){.measures = true};
	view = (struct lag_view){.scenario = "shop-dr",
	    .check = "lag",
	    .from = "fra",
	    .lag = &lag,
	    .rpo_ms = 300000,
	    .every_ms = 5000,
	    .turn = LAG_WITHIN,
	    .reading = {.known = true, .lag_ms = 2100, .began_ms = 1000000},
	    .sampled_ms = 1000000,
	    .now_ms = 1003000,
	    .now_wall_ms = NOON};
}

static void
backup_view(int64_t began_ago_ms, int64_t took_ms)
{
	begin_view();
	view.backups = view.reading.is_backup = true;
	view.reading.lag_ms = (uint64_t)began_ago_ms;
	view.reading.backup.started_wall_ms = NOON - began_ago_ms;
	view.reading.backup.completed_wall_ms = NOON - began_ago_ms + took_ms;
	strcpy(view.reading.backup.id, "b7");
	view.rpo_ms = 4 * 3600000;
}

static void
warned(uint32_t n, const char *says)
{
	char text[8][LAG_TEXT];
	uint32_t got = lag_say_warnings(&view, text, 8);
	bool found = false;

	for (uint32_t i = 0; i < got; i++)
		found |= strstr(text[i], says) != NULL;
	ck_assert_msg(got == n, "%u: %s", got, got > 0 ? text[0] : "");
	ck_assert_msg(n == 0 || found, "%s: %s", says, text[0]);
}

START_TEST(turns_are_said)
{
	char text[LAG_TEXT];

	begin_view();
	lag_say_turn(&view, LAG_NEVER, text);
	ck_assert_str_eq(text,
	    "shop-dr: 2.1 s would be lost now if fra were lost, within the RPO of 5 m");
	lag_say_turn(&view, LAG_BEYOND, text);
	ck_assert_ptr_nonnull(strstr(text, "within the RPO of 5 m again"));
	view.turn = LAG_BEYOND;
	view.reading.lag_ms = 750000;
	lag_say_turn(&view, LAG_WITHIN, text);
	ck_assert_str_eq(text,
	    "shop-dr: 12 m 30 s would be lost now if fra were lost, beyond the RPO of "
	    "5 m: see why the replication is behind");
	view.turn = LAG_UNKNOWN;
	strcpy(view.reading.text, "exit status 1");
	lag_say_turn(&view, LAG_WITHIN, text);
	ck_assert_str_eq(text,
	    "shop-dr: what would be lost now is not known: check lag: exit status 1");
	ck_assert(lag_turn_of(&view.reading, 0) == LAG_BEYOND);
	view.reading.known = false;
	ck_assert(lag_turn_of(&view.reading, 1) == LAG_UNKNOWN);
	view.reading = (struct lag_reading){.known = true};
	ck_assert(lag_turn_of(&view.reading, 0) == LAG_WITHIN);
}
END_TEST

START_TEST(a_line_tells_it)
{
	char text[LAG_TEXT];

	begin_view();
	lag_say_line(&view, text, sizeof text);
	ck_assert_str_eq(text,
	    "2.1 s would be lost now if fra were lost (RPO 5 m; check lag, 3 s ago)");
	view.reading.lag_ms = 300001;
	lag_say_line(&view, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "which is exceeded"));
	backup_view(3600000, 60000);
	lag_say_line(&view, text, sizeof text);
	ck_assert_str_eq(text,
	    "1 h 0 m would be lost now if fra were lost (RPO 4 h 0 m; check lag, 3 s "
	    "ago; backup b7)");
	view.turn = LAG_NEVER;
	lag_say_line(&view, text, sizeof text);
	ck_assert_ptr_nonnull(strstr(text, "not known yet"));
}
END_TEST

START_TEST(warnings_of_exposure)
{
	begin_view();
	warned(0, "");
	view.reading.lag_ms = 300001;
	view.turn = LAG_BEYOND;
	warned(1, "beyond the RPO of 5 m");
	/* Not known for three times `every`: before that it is one sample that failed. */
	view.turn = LAG_UNKNOWN;
	view.reading.known = false;
	strcpy(view.reading.text, "exit status 1");
	view.unknown_ms = view.now_ms - 15000;
	warned(0, "");
	view.unknown_ms--;
	warned(1, "not known for 15 s: check lag: exit status 1");
}
END_TEST

START_TEST(warnings_of_backups)
{
	backup_view(3600000, 60000);
	warned(0, "");
	lag.encrypted = true;
	warned(1, "does not say that it is encrypted");
	view.reading.backup.says_encrypted = true;
	warned(1, "is not encrypted");
	view.reading.backup.encrypted = true;
	warned(0, "");
	/* It ages between samples too. */
	lag.period_ms = 1800000;
	warned(1, "more than two periods of 30 m");
	backup_view(3600000 - 10000, 60000);
	lag.period_ms = 1800000;
	warned(0, "");
	view.now_ms += 10001;
	warned(1, "more than two periods");
	backup_view(3600000, 60000);
	lag.restored_ms = 30 * 24 * UINT64_C(3600000);
	warned(1, "never restored as a test");
	view.reading.backup.restored_wall_ms = NOON - 31 * 24 * HOUR_MS;
	warned(1, "31 d 0 h ago");
	view.reading.backup.restored_wall_ms = NOON - 29 * 24 * HOUR_MS;
	warned(0, "");
	strcpy(view.reading.note, "backup b8 is passed over: its size is 0");
	warned(1, "b8 is passed over");
	backup_view(5 * HOUR_MS, 60000);
	view.turn = LAG_BEYOND;
	warned(1, "the newest complete backup is b7");
}
END_TEST

START_TEST(warnings_of_plans)
{
	backup_view(HOUR_MS, HOUR_MS / 2);
	lag.period_ms = 3 * 3600000;
	warned(0, "");
	lag.period_ms = 4 * 3600000;
	warned(1, "that takes 30 m cannot keep an RPO of 4 h 0 m");
	lag.period_ms = 24 * 3600000;
	warned(1, "a backup every 1 d 0 h cannot keep an RPO of 4 h 0 m: make");
	lag.period_ms = 3 * 3600000;
	lag.retention_ms = 3 * 3600000;
	warned(1, "kept for 3 h 0 m, and the next is complete after 3 h 30 m");
	lag.retention_ms = 4 * 3600000;
	warned(0, "");
	lag.period_ms = 0;
	lag.retention_ms--;
	warned(1, "less than the RPO");
	/* The plan is judged before any sample. */
	view.reading = (struct lag_reading){0};
	view.turn = LAG_NEVER;
	warned(1, "less than the RPO");
	char text[1][LAG_TEXT];
	lag.period_ms = 24 * 3600000;
	ck_assert_uint_eq(lag_say_warnings(&view, text, 1), 1);
	ck_assert_uint_eq(lag_say_warnings(&view, text, 0), 0);
}
END_TEST

/* A metric has a period too, which promises nothing. */
START_TEST(a_metric_is_no_backup)
{
	begin_view();
	view.rpo_ms = 10000;
	lag.period_ms = 60000;
	warned(0, "");
}
END_TEST

START_TEST(an_hour_is_summed_up)
{
	struct lag_hour h = {0};
	struct lag_reading r = {.known = true, .lag_ms = 100};
	char text[LAG_TEXT] = "";
	uint64_t t = 5000;

	for (int i = 0; i < 60; i++, t += 60000) {
		r.lag_ms = i == 30 ? 4200 : 100;
		r.known = i < 50;
		ck_assert(!lag_hour_note(&h, &r, t, 300000, "shop-dr", text));
	}
	ck_assert(lag_hour_note(&h, &r, t, 300000, "shop-dr", text));
	ck_assert_str_eq(text,
	    "shop-dr: in the last hour at most 4.2 s would have been lost (RPO 5 m); 10 "
	    "of 60 samples were not known");
	/* An hour of which nothing is known has no worst. */
	for (int i = 0; i < 59; i++)
		ck_assert(!lag_hour_note(&h, &r, t += 60000, 1, "shop-dr", text));
	ck_assert(!lag_hour_note(&h, &r, t += 60000, 1, "shop-dr", text));
	r.known = true;
	ck_assert(!lag_hour_note(&h, &r, t + 3600000 - 1, 1, "shop-dr", text));
	ck_assert(lag_hour_note(&h, &r, t + 3600000, 1, "shop-dr", text));
}
END_TEST

/* {from} and {to} turn round with the side that is open. */
START_TEST(who_follows_whom)
{
	struct ledger l = {0};

	ck_assert(!lag_recovery_serves(&l));
	l.open = SIDE_RECOVERY; /* no run has ever been: nothing says this yet */
	ck_assert(!lag_recovery_serves(&l));
	l.fence = 7;
	ck_assert(lag_recovery_serves(&l));
	l.open = SIDE_PRIMARY;
	ck_assert(!lag_recovery_serves(&l));
	l.run.id = 3;
	for (l.open = 0; l.open <= 3; l.open += 3) {
		l.run.way = RUN_FAILBACK; /* frozen, and to be caught up with */
		ck_assert(lag_recovery_serves(&l));
		l.run.way = RUN_SWITCHOVER;
		ck_assert(!lag_recovery_serves(&l));
		l.run.way = RUN_FAILOVER;
		ck_assert(!lag_recovery_serves(&l));
	}
}
END_TEST

START_TEST(times_are_said)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} all[] = {{0, "0 s"}, {1, "0.001 s"}, {250, "0.25 s"}, {59999, "59.999 s"},
	    {60000, "1 m"}, {90000, "1 m 30 s"}, {3600000, "1 h 0 m"},
	    {90061000, "1 d 1 h"}};
	char text[LAG_TIME_MAX];

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		ck_assert_str_eq(lag_time_format(all[i].ms, text), all[i].text);
	lag_time_format(UINT64_MAX, text);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {the_past_is_kept, a_backup_grows,
	    a_metric_comes_late, a_day_is_kept, turns_are_said, a_line_tells_it,
	    warnings_of_exposure, warnings_of_backups, warnings_of_plans,
	    a_metric_is_no_backup, an_hour_is_summed_up, who_follows_whom,
	    times_are_said};
	Suite *suite = suite_create("lag_say");
	TCase *t = tcase_create("lag_say");

	for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(suite, t);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
