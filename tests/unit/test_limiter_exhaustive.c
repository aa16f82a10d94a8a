/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All sequences of at most eight events through limiter and ledger, for several rules.
 *
 * Each event changes what the two members' verdicts are, moves time, restarts the
 * agent, speaks for the operator, or lets an answer be lost; after each, the limiter
 * judges and what it wants is carried out. Nodes that are equal in all that later
 * decides (times as ages, beyond the windows "old") are visited once, with the number
 * of sequences that reach them: the count printed is of sequences, not of nodes.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "steering/core/limiter.h"
#include "tests/unit/rule_make.h"

#define DEPTH 8
#define WALL INT64_C(1790000000)
#define MINUTE_S 60

/* Long enough for every hold (return_hold_ms_max is 30 min): verdicts are held for as
 * long as time has passed since they began. */
enum step {
	A_DOWN,
	A_UP,
	B_DOWN,
	B_UP,
	MINUTES,  /* 31 minutes pass: every hold, half of the hour */
	LATER,    /* 66 minutes pass: every window of an hour is over */
	RESTART,  /* holds, spacing and ramp clocks begin anew */
	LOST,     /* the next change is not applied: decided again */
	OPERATOR, /* drain a; if it is out by order, undrain; if latched, acknowledge */
	STEPS
};

struct node { /* what differs between ledgers, and what the agent saw itself */
	struct ledger_member member[2];
	char spaced;
	int64_t spaced_wall_s;
	int64_t now_s; /* since WALL */
	enum verdict verdict[2];
	int64_t since_s[2], spaced_s, ramp_s[2]; /* when this agent first saw them */
	bool lose;
};

static struct rule_service rule;
static struct ledger open; /* the node's, unpacked */
static uint64_t sequences, nodes, changes, swaps, latches, refused;

/* ck_assert notes each success in a file: too slow for millions. */
#define MUST(ok)                                 \
	do {                                     \
		if (!(ok))                       \
			ck_abort_msg("%s", #ok); \
	} while (0)
#define MUST_CMP(op, a, b) MUST((a)op(b))

/* ---- one event ---- */

static void
unpack(const struct node *n)
{
	memcpy(open.member, n->member, sizeof n->member);
	open.spaced[0] = n->spaced;
	open.spaced_wall_s = n->spaced_wall_s;
}

static void
look(const struct node *n, struct limiter_in *in)
{
	memset(in, 0, sizeof *in);
	in->rule = &rule;
	unpack(n);
	in->ledger = &open;
	in->now_wall_s = WALL + n->now_s;
	in->spaced = n->spaced != '\0';
	in->spaced_ms = (uint64_t)(n->now_s - n->spaced_s) * 1000;
	for (int m = 0; m < 2; m++) {
		uint64_t held_ms = (uint64_t)(n->now_s - n->since_s[m]) * 1000;

		in->member[m] = (struct limiter_member){
		    .verdict = n->verdict[m],
		    .evidence = n->verdict[m] == VERDICT_DOWN,
		    .down_ms = n->verdict[m] == VERDICT_DOWN ? held_ms : 0,
		    .up_ms = n->verdict[m] == VERDICT_UP ? held_ms : 0,
		    .ramp_ms = (uint64_t)(n->now_s - n->ramp_s[m]) * 1000,
		};
	}
}

static void
check_ledger(const struct node *n, const struct ledger *l)
{
	char text[LEDGER_TEXT_MAX];
	struct ledger back;
	struct err e;
	uint32_t sum = 0, out = 0;

	(void)ledger_format(l, text);
	MUST_CMP(==, ledger_parse(text, &back, &e), LEDGER_OK);
	MUST(memcmp(&back, l, sizeof back) == 0);
	for (int m = 0; m < 2; m++) {
		const struct ledger_member *x = &l->member[m];

		sum += x->weight;
		out += x->out;
		MUST_CMP(<=, x->drains, LEDGER_DRAINS);
		MUST(!x->latched || x->out);
		MUST(!x->by_order || x->out);
		MUST_CMP(<=,
		    ledger_count_since(
			x->return_wall_s, x->returns, WALL + n->now_s, WINDOW_HOUR_S),
		    rule.return_per_hour);
		MUST_CMP(<=,
		    ledger_count_since(
			x->swap_wall_s, x->swaps, WALL + n->now_s, WINDOW_HOUR_S),
		    rule.swap_per_hour);
		if (rule.policy == POLICY_FAILOVER)
			MUST_CMP(==, x->weight, policy_chosen(&rule, l) == m ? 100 : 0);
		else
			MUST_CMP(==, x->weight,
			    x->out ? 0 : policy_ramped(&rule, (uint32_t)m, x->ramp));
	}
	MUST_CMP(>, sum, 0);
	MUST_CMP(<=, out, rule.max_out);
}

/* What a change may do, given what stood before it. */
static void
check_change(const struct node *n, const struct limiter_in *in, const struct ledger *to,
    const struct action *a)
{
	const struct ledger *from = &open;
	bool floor = false;

	for (int m = 0; m < 2; m++) {
		bool drained = to->member[m].out && !from->member[m].out;
		bool returned = !to->member[m].out && from->member[m].out;

		floor |= !to->member[m].out && n->verdict[m] != VERDICT_DOWN;
		if (drained) {
			MUST_CMP(==, n->verdict[m], VERDICT_DOWN);
			MUST_CMP(>=, in->member[m].down_ms,
			    policy_ramp_done(&rule, &from->member[m]) ? rule.hold_ms
								      : 0);
			/* …, of another site, that moved an answer */
			if (in->spaced &&
			    policy_moves_answers(&rule, from, (uint32_t)m) &&
			    strcmp(from->spaced, rule.member[m].name) != 0)
				MUST_CMP(>=, in->spaced_ms, rule.spacing_ms);
		}
		if (returned) {
			MUST_CMP(==, n->verdict[m], VERDICT_UP);
			MUST(!ledger_order_stands(
			    &from->member[m].drain, in->now_wall_s));
			MUST(!from->member[m].latched || a->kind == ACTION_SWAP);
			MUST(rule.failback_auto || from->member[m].by_order ||
			    a->kind == ACTION_SWAP);
			MUST(!rule.stateful || a->kind != ACTION_SWAP);
		}
		if (drained)
			latches += to->member[m].latched;
	}
	if (a->kind == ACTION_DRAIN || a->kind == ACTION_SWAP)
		MUST(floor);
	MUST_CMP(==, to->epoch, from->epoch);
}

static void
commit(struct node *n, const struct ledger *next)
{
	for (int m = 0; m < 2; m++)
		if (next->member[m].out != n->member[m].out ||
		    next->member[m].ramp != n->member[m].ramp)
			n->ramp_s[m] = n->now_s;
	if (next->spaced[0] != n->spaced || next->spaced_wall_s != n->spaced_wall_s)
		n->spaced_s = n->now_s;
	memcpy(n->member, next->member, sizeof n->member);
	n->spaced = next->spaced[0];
	n->spaced_wall_s = next->spaced_wall_s;
	changes++;
}

/* Everything that is due now, one change after another. */
static void
settle(struct node *n)
{
	for (int i = 0; i < 12; i++) {
		struct limiter_in in;
		struct limiter_out out;

		look(n, &in);
		limiter_judge(&in, &out);
		if (out.action.kind == ACTION_NONE)
			return;
		struct ledger next = open;
		limiter_apply(&rule, &next, &out.action, in.now_wall_s);
		check_change(n, &in, &next, &out.action);
		check_ledger(n, &next);
		if (n->lose) {
			n->lose = false;
			return;
		}
		swaps += out.action.kind == ACTION_SWAP;
		commit(n, &next);
	}
	ck_abort_msg("it never comes to rest");
}

static void
operate(struct node *n)
{
	struct limiter_in in;

	look(n, &in);
	struct ledger next = open;
	struct ledger_member *x = &next.member[0];
	if (x->latched) {
		x->latched = false;
		x->drains = 0;
		memset(x->drain_wall_s, 0, sizeof x->drain_wall_s);
	} else if (x->out) {
		limiter_in_member(&rule, &next, 0);
	} else if (limiter_floor(&in, 0) == BLOCK_NONE) {
		limiter_out_member(&rule, &next, 0);
		x->by_order = true;
		x->drain = (struct ledger_order){1, 1, in.now_wall_s + 40 * MINUTE_S};
	} else {
		refused++;
		return;
	}
	check_ledger(n, &next);
	commit(n, &next);
}

static void
turn(struct node *n, int m, enum verdict v)
{
	if (n->verdict[m] != v)
		n->since_s[m] = n->now_s;
	n->verdict[m] = v;
	n->now_s += (int64_t)(rule.hold_ms / 1000) * 10 + 1; /* the drain's hold */
}

static void
step(struct node *n, enum step s)
{
	switch (s) {
	case A_DOWN:
		turn(n, 0, VERDICT_DOWN);
		break;
	case A_UP:
		turn(n, 0, VERDICT_UP);
		break;
	case B_DOWN:
		turn(n, 1, VERDICT_DOWN);
		break;
	case B_UP:
		turn(n, 1, VERDICT_UP);
		break;
	case MINUTES:
		n->now_s += 31 * MINUTE_S;
		break;
	case LATER:
		n->now_s += 66 * MINUTE_S;
		break;
	case RESTART:
		n->verdict[0] = n->verdict[1] = VERDICT_UNDECIDED;
		n->since_s[0] = n->since_s[1] = n->now_s;
		n->ramp_s[0] = n->ramp_s[1] = n->spaced_s = n->now_s;
		break;
	case LOST:
		n->lose = true;
		return;
	case OPERATOR:
		operate(n);
		break;
	case STEPS:
		break;
	}
	settle(n);
}

/* ---- all sequences, equal nodes once ---- */

struct seat {
	uint64_t key;
	uint32_t at; /* in kept[] */
};

struct kept {
	uint64_t paths;
	struct node node;
};

struct level {
	struct seat *slot;
	struct kept *kept;
	uint32_t used, size;
};

static uint64_t
feed(uint64_t h, int64_t v)
{
	h ^= (uint64_t)v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
	return h * 0xff51afd7ed558ccdu;
}

static int64_t
age(const struct node *n, int64_t at_s)
{
	int64_t a = n->now_s - at_s;

	return a > WINDOW_DAY_S ? WINDOW_DAY_S + 1 : a;
}

static uint64_t
key_of(const struct node *n)
{
	uint64_t h = 1;

	h = feed(h, n->lose);
	h = feed(h, n->spaced);
	h = feed(h, n->spaced != '\0' ? age(n, n->spaced_s) : 0);
	for (int m = 0; m < 2; m++) {
		const struct ledger_member *x = &n->member[m];

		h = feed(h, n->verdict[m]);
		h = feed(h, age(n, n->since_s[m]));
		h = feed(h, age(n, n->ramp_s[m]));
		h = feed(h, x->out | x->latched << 1 | x->by_order << 2 | x->ramp << 3);
		h = feed(h, x->drain.id);
		h = feed(h, x->drain.expiry_wall_s - WALL - n->now_s);
		for (uint32_t i = 0; i < x->drains; i++)
			h = feed(h, age(n, x->drain_wall_s[i] - WALL));
		h = feed(h, -1);
		for (uint32_t i = 0; i < x->returns; i++)
			h = feed(h, age(n, x->return_wall_s[i] - WALL));
		h = feed(h, -2);
		for (uint32_t i = 0; i < x->swaps; i++)
			h = feed(h, age(n, x->swap_wall_s[i] - WALL));
	}
	return h == 0 ? 1 : h;
}

static void
level_init(struct level *l, uint32_t size)
{
	l->slot = calloc(size, sizeof *l->slot);
	l->kept = malloc(size / 2 * sizeof *l->kept);
	MUST(l->slot != NULL && l->kept != NULL);
	l->used = 0;
	l->size = size;
}

static void
level_free(struct level *l)
{
	free(l->slot);
	free(l->kept);
}

static struct seat *
level_find(struct level *l, uint64_t key)
{
	uint32_t i = (uint32_t)(key & (l->size - 1));

	while (l->slot[i].key != 0 && l->slot[i].key != key)
		i = (i + 1) & (l->size - 1);
	return &l->slot[i];
}

static void
level_grow(struct level *l)
{
	struct seat *was = l->slot;
	uint32_t size = l->size;

	l->size *= 2;
	l->slot = calloc(l->size, sizeof *l->slot);
	l->kept = realloc(l->kept, l->size / 2 * sizeof *l->kept);
	MUST(l->slot != NULL && l->kept != NULL);
	for (uint32_t i = 0; i < size; i++)
		if (was[i].key != 0)
			*level_find(l, was[i].key) = was[i];
	free(was);
}

static void
level_put(struct level *l, const struct node *n, uint64_t paths)
{
	uint64_t key = key_of(n);
	struct seat *s;

	if (l->used == l->size / 2)
		level_grow(l);
	s = level_find(l, key);
	if (s->key == 0) {
		*s = (struct seat){key, l->used};
		l->kept[l->used++] = (struct kept){0, *n};
	}
	l->kept[s->at].paths += paths;
}

static void
first_node(struct node *n)
{
	memset(n, 0, sizeof *n);
	memset(&open, 0, sizeof open);
	n->now_s = 100000;
	(void)snprintf(open.cluster, WORD_MAX, "test");
	open.epoch = 1;
	open.nonces = 1;
	open.nonce[0] = 7;
	open.quorum = open.voters = 1;
	open.members = 2;
	for (int m = 0; m < 2; m++) {
		memcpy(open.member[m].name, rule.member[m].name, WORD_MAX);
		open.member[m].ramp = (uint8_t)(rule.ramp_steps - 1);
		n->verdict[m] = VERDICT_UP;
	}
	policy_weigh(&rule, &open);
	memcpy(n->member, open.member, sizeof n->member);
}

static void
walk(void)
{
	struct level here, next;
	struct node n;

	level_init(&here, 64);
	first_node(&n);
	level_put(&here, &n, 1);
	for (int d = 0; d < DEPTH; d++) {
		level_init(&next, 64);
		for (uint32_t i = 0; i < here.used; i++) {
			const struct kept *s = &here.kept[i];

			for (int e = 0; e < STEPS; e++) {
				n = s->node;
				step(&n, (enum step)e);
				if (d + 1 < DEPTH)
					level_put(&next, &n, s->paths);
				sequences += s->paths;
			}
			nodes++;
		}
		level_free(&here);
		here = next;
	}
	level_free(&here);
}

static const struct variant {
	const char *name;
	bool stateful, manual, failover;
	uint32_t latch_after, return_per_hour, ramp_steps, max_out;
	uint64_t hold_ms;
} variants[] = {
    {"weighted", false, false, false, 3, 2, 4, 1, 3000},
    {"stateful, manual", true, true, false, 6, 2, 1, 2, 60000},
    {"failover", false, false, true, 6, 1, 4, 1, 3000},
};

START_TEST(all_sequences)
{
	const struct variant *v = &variants[_i];

	rule_make(&rule, 2, 1);
	rule.stateful = v->stateful;
	rule.failback_auto = !v->manual;
	rule.policy = v->failover ? POLICY_FAILOVER : POLICY_WEIGHTED;
	rule.latch_after = v->latch_after;
	rule.return_per_hour = v->return_per_hour;
	rule.hold_ms = v->hold_ms;
	rule.max_out = v->max_out; /* 2 of 2: the floor alone must hold */
	if (v->ramp_steps == 1) {
		rule.ramp_steps = 1;
		rule.ramp_pct[0] = 100;
	}
	sequences = nodes = changes = swaps = latches = refused = 0;
	walk();
	printf("%-18s %llu sequences of 1 to %d events (%d kinds), %llu different "
	       "nodes, %llu changes, %llu swaps, %llu latches, %llu orders refused\n",
	    v->name, (unsigned long long)sequences, DEPTH, (int)STEPS,
	    (unsigned long long)nodes, (unsigned long long)changes,
	    (unsigned long long)swaps, (unsigned long long)latches,
	    (unsigned long long)refused);
	ck_assert_uint_eq(sequences, 48427560); /* 9 + 9² + … + 9⁸ */
	ck_assert_uint_gt(changes, 1000);
	ck_assert(v->stateful == (swaps == 0));
	ck_assert(v->latch_after > 3 || latches > 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("limiter, exhaustively");
	TCase *t = tcase_create("sequences");

	setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, all_sequences, 0, sizeof variants / sizeof *variants);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
