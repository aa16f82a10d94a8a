/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A searching adversary against the bound: automatic direction changes of a member in
 * any hour ≤ 2(K+E)+1.
 *
 * It plays against the real engine. Each move sets what every member's probe says (one
 * probe makes a verdict here), lets time jump, restarts the agent, makes it doubt
 * itself, or lets the next change be applied late or its answer be lost. A beam of the
 * most agitated worlds is grown move by move, with seeded noise; the worst is printed
 * with the moves that led there. Operators are no part of the game.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/core/engine.h"
#include "tests/unit/rule_make.h"

#define WALL INT64_C(1790000000)
#define HOUR_MS UINT64_C(3600000)
#define MEMBERS 3
#define TURNS_MAX 256

enum mishap { FINE = 0, ANSWER_LOST, APPLIED_LATE, RESTART, DOUBT, MISHAPS };

struct move {
	uint8_t health[MEMBERS]; /* enum outcome */
	uint8_t mishap;
	uint32_t wait_ms;
};

/* A whole world, copied by value. */
struct life {
	struct engine g;
	struct ledger zone;
	bool present;
	bool late; /* a change is under way to the zone */
	struct ledger late_next;
	uint64_t late_ms;
	uint64_t now_ms, random;
	uint32_t turns[MEMBERS];
	uint64_t turn_ms[MEMBERS][TURNS_MAX]; /* as the zone was changed */
	uint32_t worst;
	double score;
	uint32_t trace; /* index of the last move in moves[] */
};

struct trace {
	uint32_t before;
	struct move move;
};

static struct rule_service rule;
static struct trace *traces;
static uint32_t traced;
static uint64_t dice;

static uint64_t
roll(uint64_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice % n;
}

static uint64_t
digest(const uint8_t weight[MEMBERS_MAX], void *arg)
{
	uint64_t h = 1;

	(void)arg;
	for (uint32_t m = 0; m < rule.members; m++)
		h = h * 1000003 + weight[m];
	return h;
}

/* ---- the zone ---- */

static uint32_t
in_window(const struct life *w, uint32_t m)
{
	uint32_t n = 0;

	for (uint32_t i = w->turns[m]; i > 0; i--) {
		if (w->now_ms - w->turn_ms[m][i - 1] >= HOUR_MS)
			break;
		n++;
	}
	return n;
}

static bool
zone_swap(struct life *w, const struct ledger *next)
{
	bool first = next->nonces == 1;

	if (w->present ? first || next->nonce[1] != w->zone.nonce[0] : !first)
		return false;
	for (uint32_t m = 0; m < rule.members && w->present; m++) {
		if (next->member[m].out == w->zone.member[m].out)
			continue;
		if (w->turns[m] == TURNS_MAX) {
			memmove(&w->turn_ms[m][0], &w->turn_ms[m][1],
			    (TURNS_MAX - 1) * sizeof w->turn_ms[m][0]);
			w->turns[m]--;
		}
		w->turn_ms[m][w->turns[m]++] = w->now_ms;
		uint32_t n = in_window(w, m);
		if (n > w->worst)
			w->worst = n;
	}
	w->zone = *next;
	w->present = true;
	return true;
}

/* ---- one step of the engine, with what it asks for ---- */

static void play(struct life *w, struct engine_in *in, enum mishap mishap);

static struct engine_in
input(struct life *w, enum engine_event event, bool doubt)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (struct engine_in){
	    .event = event,
	    .now_ms = w->now_ms,
	    .now_wall_s = WALL + (int64_t)(w->now_ms / 1000),
	    .random = (w->random ^ w->random >> 29) | 1,
	    .doubt = doubt ? DOUBT_CANARIES : DOUBT_NOT,
	};
}

static void
answer_read(struct life *w, bool doubt)
{
	static char text[LEDGER_TEXT_MAX];
	struct engine_in in = input(w, ENGINE_VIEW, doubt);
	struct engine_view v = {
	    .result = CHANGE_OK,
	    .ledger_present = w->present,
	    .ledger = text,
	    .sets = w->present ? rule.members : 0,
	};
	uint8_t weight[MEMBERS_MAX] = {0};

	(void)ledger_format(&w->zone, text);
	for (uint32_t m = 0; m < rule.members; m++) {
		weight[m] = w->zone.member[m].weight;
		v.weight[m] = weight[m];
	}
	v.digest = digest(weight, NULL);
	in.view = &v;
	play(w, &in, doubt ? DOUBT : FINE);
}

static void
answer_change(struct life *w, const struct ledger *next, enum mishap mishap)
{
	struct engine_in in = input(w, ENGINE_CHANGED, mishap == DOUBT);

	if (mishap == APPLIED_LATE && !w->late) {
		w->late = true;
		w->late_next = *next;
		w->late_ms =
		    w->now_ms + 1000 * (1 + roll(299)); /* a signature's life */
		in.result = CHANGE_UNKNOWN;
	} else {
		in.result = zone_swap(w, next) ? CHANGE_OK : CHANGE_LOST;
		if (mishap == ANSWER_LOST)
			in.result = CHANGE_UNKNOWN;
	}
	play(w, &in, FINE);
}

static void
play(struct life *w, struct engine_in *in, enum mishap mishap)
{
	struct engine_out out; /* on the stack: play is called from within */

	engine_step(&w->g, in, &out);
	if (out.change)
		answer_change(w, &out.next, mishap);
	if (out.read)
		answer_read(w, mishap == DOUBT);
}

static void
begin(struct life *w, bool again)
{
	uint64_t epoch = w->zone.epoch, nonce = w->zone.nonce[0];

	engine_init(&w->g, &rule, 0, digest, NULL, w->now_ms);
	if (again && w->present && roll(2)) /* with its disk, or without */
		engine_resume(&w->g, epoch, nonce, 0, 0);
	for (uint32_t m = 0; m < rule.members; m++) {
		struct engine_in in = input(w, ENGINE_ADDRESS, false);

		in.member = m;
		play(w, &in, FINE);
	}
}

static void
probe(struct life *w, const struct move *move, bool doubt)
{
	for (uint32_t m = 0; m < rule.members; m++) {
		struct engine_in in = input(w, ENGINE_SAMPLE, doubt);

		in.member = m;
		in.outcome = (enum outcome)move->health[m];
		in.start_ms = w->now_ms;
		play(w, &in, (enum mishap)move->mishap);
	}
}

static void
make(struct life *w, const struct move *move)
{
	bool doubt = move->mishap == DOUBT;
	uint64_t end_ms = w->now_ms + move->wait_ms;

	if (move->mishap == RESTART)
		begin(w, true);
	probe(w, move, doubt);
	while (w->now_ms < end_ms) {
		w->now_ms = w->late && w->late_ms > w->now_ms && w->late_ms < end_ms
		    ? w->late_ms
		    : end_ms;
		if (w->late && w->late_ms <= w->now_ms) {
			w->late = false;
			(void)zone_swap(w, &w->late_next);
		}
		struct engine_in in = input(w, ENGINE_TICK, doubt);
		play(w, &in, (enum mishap)move->mishap);
	}
}

/* ---- the search ---- */

static struct move
random_move(void)
{
	static const uint32_t wait_ms[] = {100, 500, 1000, 3000, 5000, 10000, 30000,
	    31000, 60000, 61000, 120000, 121000, 240000, 241000, 300000, 480000,
	    900000};
	struct move m;

	for (int i = 0; i < MEMBERS; i++)
		m.health[i] = (uint8_t)(roll(8) == 0 ? OUTCOME_UNKNOWN
			: roll(2)                    ? OUTCOME_PASS
						     : OUTCOME_FAIL);
	m.wait_ms = wait_ms[roll(sizeof wait_ms / sizeof *wait_ms)];
	if (rule.return_hold_ms < 60000)
		m.wait_ms /= 10;
	m.mishap = (uint8_t)(roll(6) == 0 ? roll(MISHAPS) : FINE);
	return m;
}

static double
score(const struct life *w)
{
	double s = 0;

	for (uint32_t m = 0; m < rule.members; m++) {
		uint32_t n = in_window(w, m);

		s = n > s ? n : s;
	}
	return s + (double)w->worst * 0.5 + (double)roll(1000) / 800;
}

static int
by_score(const void *a, const void *b)
{
	double x = (*(struct life *const *)a)->score,
	       y = (*(struct life *const *)b)->score;

	return (x < y) - (x > y);
}

static void
print_moves(uint32_t t)
{
	static const char *const mishap[] = {
	    "", " answer lost", " applied late", " restart", " doubt"};

	if (t == 0)
		return;
	print_moves(traces[t].before);
	const struct move *m = &traces[t].move;
	printf("  ");
	for (uint32_t i = 0; i < rule.members; i++)
		putchar("?PF"[m->health[i]]);
	printf(" wait %u ms%s\n", (unsigned)m->wait_ms, mishap[m->mishap]);
}

#define BEAM 48
#define CHILDREN 8
#define MOVES 70

/* The best of one game; traces hold how it came. */
static uint32_t
game(uint64_t seed, uint32_t *worst_trace)
{
	struct life *pool = calloc(BEAM * (CHILDREN + 1), sizeof *pool);
	struct life **live = calloc(BEAM * (CHILDREN + 1), sizeof *live);
	uint32_t alive = 1, worst = 0;

	ck_assert(pool != NULL && live != NULL);
	dice = seed * 2654435761u + 88172645463325252u;
	traced = 1;
	for (uint32_t i = 0; i < BEAM * (CHILDREN + 1); i++)
		live[i] = &pool[i];
	live[0]->now_ms = 1000000;
	live[0]->random = seed;
	begin(live[0], false);
	struct move well = {{OUTCOME_PASS, OUTCOME_PASS, OUTCOME_PASS}, FINE, 61000};
	make(live[0], &well);
	ck_assert(live[0]->present);
	for (int depth = 0; depth < MOVES; depth++) {
		uint32_t n = alive;

		for (uint32_t i = 0; i < alive; i++)
			for (int c = 0; c < CHILDREN; c++) {
				struct life *w = live[n++];
				struct move move = random_move();

				memcpy(w, live[i], sizeof *w);
				make(w, &move);
				traces[traced] = (struct trace){w->trace, move};
				w->trace = traced++;
				w->score = score(w);
				if (w->worst > worst) {
					worst = w->worst;
					*worst_trace = w->trace;
				}
			}
		qsort(live, n, sizeof *live, by_score);
		alive = n < BEAM ? n : BEAM;
	}
	free(pool);
	free(live);
	return worst;
}

static const struct set {
	const char *name;
	uint32_t members, games;
	bool stateful, manual, failover, fast;
	uint32_t per_hour, swaps;
} sets[] = {
    {"two members", 2, 4, false, false, false, false, 2, 1},
    {"three members", 3, 3, false, false, false, false, 2, 1},
    {"stateful", 2, 2, true, false, false, false, 2, 1},
    {"fast", 2, 4, false, false, false, true, 2, 1},
    {"fast, three members", 3, 2, false, false, false, true, 2, 1},
    {"fast failover", 2, 2, false, false, true, true, 2, 1},
    {"fast, manual", 2, 2, false, true, false, true, 2, 1},
    {"fast, K = 4, E = 2", 2, 2, false, false, false, true, 4, 2},
};

static void
take_set(const struct set *s)
{
	rule_make(&rule, s->members, 1);
	for (uint32_t m = 0; m < s->members; m++)
		rule.member[m].detector = (struct rule_detector){
		    .fall = 1, .clear = 1, .rise = 1, .stale_ms = UINT64_MAX / 2};
	rule.stateful = s->stateful;
	rule.hold_ms = s->stateful ? 60000 : rule.hold_ms;
	rule.failback_auto = !s->manual;
	rule.policy = s->failover ? POLICY_FAILOVER : POLICY_WEIGHTED;
	rule.return_per_hour = s->per_hour;
	rule.swap_per_hour = s->swaps;
	if (!s->fast)
		return;
	rule.hold_ms = 100;
	rule.spacing_ms = 3000;
	rule.return_hold_ms = 10000;
	rule.return_hold_ms_max = 120000;
	rule.ramp_every_ms = 5000;
	rule.swap_after_ms = 3000;
	rule.latch_after = LEDGER_DRAINS;
}

START_TEST(search)
{
	const struct set *s = &sets[_i];
	uint32_t worst = 0, bound = 2 * (s->per_hour + s->swaps) + 1;

	traces = calloc(1 + BEAM * CHILDREN * MOVES + CHILDREN, sizeof *traces);
	ck_assert(traces != NULL);
	take_set(s);
	for (uint32_t seed = 1; seed <= s->games; seed++) {
		uint32_t trace = 0, n = game(seed, &trace);

		if (n > worst)
			worst = n;
		if (n <= bound)
			continue;
		printf("seed %u:\n", (unsigned)seed);
		print_moves(trace);
		break;
	}
	printf(
	    "%-20s worst found %u direction changes of a member in an hour, bound %u\n",
	    s->name, (unsigned)worst, (unsigned)bound);
	free(traces);
	ck_assert_uint_le(worst, bound);
	ck_assert_uint_ge(worst, s->manual || s->stateful ? 2 : 4); /* it does try */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("adversary");
	TCase *t = tcase_create("search");

	setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, search, 0, sizeof sets / sizeof *sets);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
