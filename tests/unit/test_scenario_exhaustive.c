/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario, exhaustively: from the beginning, every sequence of so many events over the
 * machine, two agents that may run it, and a world in which acts end well, badly, unknown
 * or late, agents crash before and after each write and each act, and the operator says
 * anything at any time. States that were seen are not walked again. Held at every state:
 *  - both sides accept writes only where an operator approved just that;
 *  - a side that accepts writes is one that the ledger says may;
 *  - the records move only to a side that is UP, and nothing passes a lag;
 *  - an attempt has a fence that is above every one that was used before;
 *  - one agent at most has an act in hand under the ledger's fence.
 */
#include "tests/unit/scenario_world.h"

#define SEEN_BITS 23
#define NODES_MAX 3000000

static uint64_t *seen_hash;
static struct walk {
	struct node node;
	uint32_t parent;
	uint8_t event;
} * walk;
static uint32_t nodes, walking;
static uint64_t events;

static const char *
trail(void)
{
	static char text[4000];
	uint32_t row[64], n = 0;
	size_t len = 0;

	for (uint32_t i = walking; i != 0 && n < 64; i = walk[i].parent)
		row[n++] = i;
	while (n > 0 && len < sizeof text - 160) {
		const struct node *x = &walk[row[--n]].node;

		len += (size_t)snprintf(text + len, sizeof text - len,
		    "event %u: on %u way %u%s step %u %s tries %u holder %u fence %u open "
		    "%u real %u%u\n",
		    walk[row[n]].event, x->on, x->way, x->aborting ? " aborting" : "",
		    x->step, run_state_word((enum run_state)x->state), x->tries,
		    x->holder, x->fence, x->open, x->real[0], x->real[1]);
	}
	return text;
}

static bool
is_new(const struct node *n)
{
	uint64_t h = 0xcbf29ce484222325u;
	const unsigned char *p = (const unsigned char *)n;

	for (size_t i = 0; i < sizeof *n; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	h ^= h >> 32;
	h = h == 0 ? 1 : h;
	for (uint64_t at = h >> (64 - SEEN_BITS);;
	     at = (at + 1) & ((1u << SEEN_BITS) - 1)) {
		if (seen_hash[at] == h)
			return false;
		if (seen_hash[at] == 0) {
			seen_hash[at] = h;
			return true;
		}
	}
}

static void
add_node(const struct node *n, uint32_t parent, uint32_t event)
{
	if (!is_new(n) || nodes == NODES_MAX)
		return;
	walk[nodes].node = *n;
	walk[nodes].parent = parent;
	walk[nodes++].event = (uint8_t)event;
}

/* Every sequence of up to `depth` events, or of as many as there is room for. */
static uint32_t
walk_all(const struct node *first, uint32_t depth)
{
	uint32_t done = 0, d;

	nodes = 0;
	memset(seen_hash, 0, sizeof *seen_hash << SEEN_BITS);
	add_node(first, 0, 0);
	for (d = 0; d < depth && done < nodes && nodes < NODES_MAX; d++)
		for (uint32_t end = nodes; done < end; done++)
			for (uint32_t e = 0; e < EVENTS; e++) {
				struct node n = walk[done].node;

				walking = done;
				if (!happens(&n, e))
					continue;
				events++;
				forget(&n);
				renumber(&n);
				hold_laws(&n);
				add_node(&n, done, e);
			}
	return d;
}

static const struct shape {
	const char *name;
	enum scenario_kind kind;
	bool fenced, aws, fence, hands; /* hands: freeze and unfreeze are filled */
	uint32_t depth;
} shapes[] = {
    {"all fenced", SCENARIO_WARM_STANDBY, true, false, true, true, 13},
    {"calls of aws", SCENARIO_WARM_STANDBY, false, true, true, true, 13},
    {"no fences", SCENARIO_WARM_STANDBY, false, false, true, true, 13},
    {"nothing shuts the primary", SCENARIO_PILOT_LIGHT, true, false, false, true, 13},
    {"by hand", SCENARIO_PILOT_LIGHT, true, false, true, false, 13},
    {"restored", SCENARIO_BACKUP_RESTORE, true, false, true, true, 13},
};

static void
shape_make(const struct shape *x)
{
	static const enum slot kept[] = {
	    SLOT_FENCE, SLOT_RESTORE, SLOT_PROMOTE, SLOT_FREEZE, SLOT_UNFREEZE};
	struct rule_step full;

	rule_make(&rule, 2, 3);
	plan_make(&rule, x->kind, TRIGGER_AUTOMATIC);
	full = rule.plan.step[SLOT_FENCE];
	full.fenced = x->fenced;
	full.aws = x->aws;
	memset(rule.plan.step, 0, sizeof rule.plan.step);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		rule.plan.step[kept[i]] = full;
	if (!x->fence)
		rule.plan.step[SLOT_FENCE].fill = FILL_NOTHING;
	if (!x->hands)
		rule.plan.step[SLOT_FREEZE].fill = rule.plan.step[SLOT_UNFREEZE].fill =
		    FILL_NOTHING;
}

START_TEST(every_sequence)
{
	const struct shape *x = &shapes[_i];
	struct node first;

	seen_hash = calloc((size_t)1 << SEEN_BITS, sizeof *seen_hash);
	walk = calloc(NODES_MAX, sizeof *walk);
	ck_assert(seen_hash != NULL && walk != NULL);
	shape_make(x);
	memset(&first, 0, sizeof first);
	first.real[0] = first.up[1] = 1;
	first.out[1] = x->kind != SCENARIO_WARM_STANDBY;
	uint32_t depth = walk_all(&first, x->depth);
	printf("%s: %u states, %llu transitions, all sequences of %u events\n", x->name,
	    nodes, (unsigned long long)events, depth);
	ck_assert_uint_ge(nodes, 1000);
	free(walk);
	free(seen_hash);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("scenario, exhaustively");
	TCase *t = tcase_create("scenario, exhaustively");

	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, every_sequence, 0, sizeof shapes / sizeof *shapes);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
