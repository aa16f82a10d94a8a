/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything at once: for hours, endpoints, links, agents, operators, the API and other
 * hands do what seeded dice say, and the laws of world_laws.c are held against every
 * step. Then the faults end, an operator adopts if he is asked to, and all must agree.
 *
 * test_story_chaos --seed N --trace plays one run aloud; SEEDS=n in the environment
 * plays that many.
 */
#include "tests/sim/world.h"

static struct world *w;
/* Either disks are lost or hands are laid on the zone: who has lost his memory cannot
 * tell a restored zone. */
static bool hands_act;

static void
endpoints(void)
{
	static const enum world_kind kinds[] = {ENDPOINT_WELL, ENDPOINT_WELL,
	    ENDPOINT_WELL, ENDPOINT_REFUSED, ENDPOINT_SILENT, ENDPOINT_GREY,
	    ENDPOINT_ALTERNATING};
	uint32_t m = (uint32_t)world_roll(w, w->file[0].rule.members);

	world_endpoint(
	    w, (char)('a' + m), kinds[world_roll(w, sizeof kinds / sizeof *kinds)]);
	w->endpoint[m].p = (double)world_roll(w, 100) / 100;
	w->endpoint[m].period_ms = SECOND * (1 + world_roll(w, 600));
}

static void
agents(void)
{
	uint32_t i = (uint32_t)world_roll(w, w->agents);
	struct world_agent *a = &w->agent[i];

	switch (world_roll(w, 8)) {
	case 0:
	case 1:
		if (a->running)
			world_stop(w, i);
		else
			world_start(w, i);
		return;
	case 2:
		if (a->running && !a->paused)
			world_pause(w, i);
		else
			world_wake(w, i);
		return;
	case 3:
		a->blind = !a->blind;
		return;
	case 4:
		a->cut = !a->cut;
		return;
	case 5:
		a->doubt = a->doubt == DOUBT_NOT ? DOUBT_CANARIES : DOUBT_NOT;
		return;
	case 6:
		if (!a->running && !hands_act)
			world_wipe_store(w, i);
		return;
	case 7:
		w->link_cut[i][world_roll(w, w->agents)] = world_roll(w, 2);
		return;
	}
}

static void
api(void)
{
	struct world_faults *f = &w->faults;

	switch (world_roll(w, 8)) {
	case 0:
		f->lose_answers = 1;
		return;
	case 1:
		f->lose_changes = 1;
		return;
	case 2:
	case 3:
		f->late_changes = 1;
		f->late_ms = 1 + world_roll(w, 299 * SECOND);
		return;
	case 4:
		f->throttle = !f->throttle;
		return;
	case 5:
		f->out = !f->out;
		return;
	case 6:
		f->dns_silent = !f->dns_silent;
		return;
	case 7:
		f->out = f->throttle = false;
		return;
	}
}

static void
operators(void)
{
	static const enum order_kind kinds[] = {ORDER_DRAIN, ORDER_DRAIN, ORDER_UNDRAIN,
	    ORDER_FREEZE, ORDER_UNFREEZE, ORDER_UNFREEZE, ORDER_PIN, ORDER_UNPIN,
	    ORDER_ACK, ORDER_ADOPT};
	uint32_t i = (uint32_t)world_roll(w, w->agents);

	if (w->agent[i].running && !w->agent[i].paused)
		world_order(w, i, kinds[world_roll(w, sizeof kinds / sizeof *kinds)],
		    (char)('a' + world_roll(w, w->file[0].rule.members)),
		    world_roll(w, 1800));
}

static void
hands(void)
{
	if (w->versions < 5)
		return;
	switch (world_roll(w, 4)) {
	case 0:
		world_edit(w, 'a', (uint8_t)(1 + world_roll(w, 255)));
		return;
	case 1:
		world_restore(w, 1 + (uint32_t)world_roll(w, 3));
		return;
	case 2:
		world_write_text(w, NULL);
		return;
	case 3:
		world_write_text(w, "v=spf1 -all");
		return;
	}
}

static void
calm(void)
{
	memset(&w->faults, 0, sizeof w->faults);
	memset(w->link_cut, 0, sizeof w->link_cut);
	for (uint32_t m = 0; m < w->file[0].rule.members; m++)
		world_endpoint(w, (char)('a' + m), ENDPOINT_WELL);
	for (uint32_t i = 0; i < w->agents; i++) {
		struct world_agent *a = &w->agent[i];

		a->blind = a->cut = false;
		a->doubt = DOUBT_NOT;
		world_wake(w, i);
		if (!a->running)
			world_start(w, i);
	}
}

static bool
stuck(void)
{
	bool any = false;

	for (uint32_t i = 0; i < w->agents; i++) {
		enum cannot c = engine_report(w->agent[i].g)->cannot;

		any |= c == CANNOT_FROZEN || c == CANNOT_ADOPT || c == CANNOT_FOREIGN ||
		    w->agent[i].g->standing == WATCH_WAIT;
	}
	return any;
}

/* All agents hold the zone's ledger, and nothing is open. */
static void
agree(void)
{
	struct ledger l;

	world_run(w, 6 * MINUTE);
	for (int k = 0; k < 3 && stuck(); k++) {
		world_order(w, (uint32_t)world_roll(w, w->agents), ORDER_ADOPT, 'a', 0);
		world_run(w, MINUTE);
	}
	/* … and takes back a freeze that lives on among the agents alone */
	for (uint32_t i = 0; i < w->agents && stuck(); i++) {
		world_order(w, i, ORDER_UNFREEZE, 'a', 0);
		world_run(w, 10 * SECOND);
	}
	world_run(w, 2 * MINUTE);
	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t i = 0; i < w->agents; i++) {
		const struct engine *g = w->agent[i].g;

		if (g->ledger.epoch != l.epoch || g->watch.frozen != FROZEN_NOT ||
		    g->unknown || g->cannot != CANNOT_NOT)
			world_fail(w,
			    "agent %u does not agree: epoch %llu of %llu, %s, %s%s",
			    (unsigned)i, (unsigned long long)g->ledger.epoch,
			    (unsigned long long)l.epoch, frozen_word(g->watch.frozen),
			    cannot_word(g->cannot), g->unknown ? ", unknown" : "");
	}
	/* a return at most; then the records are what the ledger says */
	uint32_t sum = 0;
	for (uint32_t m = 0; m < w->zone.sets; m++)
		sum += w->zone.set[m].weight;
	WORLD_MUST(w, sum > 0 && w->zone.sets == w->file[0].rule.members);
}

static void
make_world(uint64_t seed)
{
	static const uint32_t agent_counts[] = {1, 1, 2, 3, 3, 3, 5};

	w = world_new(seed, 2, 1); /* dice first */
	uint32_t members = 2 + (uint32_t)world_roll(w, 4);
	uint32_t count = agent_counts[world_roll(w, 7)];
	world_end(w);
	w = world_new(seed, members, count);
	struct rule_service *r = &w->file[0].rule;
	(void)world_roll(w, 2);
	if (world_roll(w, 3) == 0)
		world_fast(w);
	if (world_roll(w, 3) == 0)
		r->policy = POLICY_FAILOVER;
	if (world_roll(w, 4) == 0) {
		r->stateful = true;
		r->hold_ms *= 20;
	}
	r->failback_auto = world_roll(w, 4) != 0;
	r->max_out = 1 + (uint32_t)world_roll(w, members - 1);
	for (uint32_t m = 0; m < members; m++)
		r->member[m].weight = (uint8_t)(1 + world_roll(w, 255));
	if (r->policy == POLICY_FAILOVER)
		for (uint32_t m = 0; m < members; m++)
			r->member[m].weight = 100;
	w->file[1] = w->file[0];
}

static void
live(uint64_t seed, uint64_t hours, uint64_t *commits, uint32_t *worst)
{
	make_world(seed);
	world_begin(w);
	world_run(w, world_roll(w, 2 * MINUTE));
	bool busy = world_roll(w, 2);
	hands_act = world_roll(w, 3) == 0;
	for (uint64_t end_ms = w->now_ms + hours * HOUR; w->now_ms < end_ms;) {
		world_run(w, world_roll(w, busy ? 20 * SECOND : 4 * MINUTE));
		uint64_t d = world_roll(w, 40);
		if (d < 20)
			endpoints();
		else if (d < 28)
			agents();
		else if (d < 36)
			api();
		else if (d < 38)
			operators();
		else if (d == 38 && hands_act && world_roll(w, 4) == 0)
			hands();
		else if (d == 39)
			calm();
	}
	calm();
	agree();
	*commits += w->commits;
	*worst = w->worst_hour > *worst ? w->worst_hour : *worst;
	world_end(w);
}

START_TEST(chaos)
{
	const char *text = getenv("SEEDS");
	uint64_t seeds = text ? strtoull(text, NULL, 0) : world_seeds(25);
	uint64_t commits = 0;
	uint32_t worst = 0;

	for (uint64_t i = 1; i <= seeds; i++)
		live(world_seed(i), 2, &commits, &worst);
	printf(
	    "chaos: %llu seeds of 2 h, %llu commits, most direction changes of a member "
	    "in an hour %u\n",
	    (unsigned long long)seeds, (unsigned long long)commits, (unsigned)worst);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("chaos");
	TCase *t = tcase_create("chaos");

	tcase_set_timeout(t, 3000);
	tcase_add_test(t, chaos);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
