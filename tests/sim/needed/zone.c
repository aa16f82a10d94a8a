/* SPDX-License-Identifier: Apache-2.0 */
/* What the zone shows, and whether it can be believed. */
#include "tests/sim/needed/needed.h"

/* ---- somebody else's text ---- */

/* A ledger that descends from nothing that was known, some epochs ahead. */
static void
forge(struct world *w, uint64_t ahead, const char *cluster, bool fork)
{
	struct ledger l;
	char text[LEDGER_TEXT_MAX];

	WORLD_MUST(w, world_ledger(w, &l));
	for (uint32_t i = 0; i < l.nonces && fork; i++)
		l.nonce[i] ^= 0x5555;
	l.epoch += ahead;
	(void)snprintf(l.cluster, sizeof l.cluster, "%s", cluster);
	(void)ledger_format(&l, text);
	world_write_text(w, text);
}

static void
then_a_site_dies(struct world *w)
{
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_run(w, 5 * MINUTE);
	world_end(w);
}

static void
forked(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	forge(w, 2, "test", true);
	then_a_site_dies(w);
}

static void
far_ahead(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	forge(w, 20, "test", true);
	then_a_site_dies(w);
}

static void
of_another_cluster(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	forge(w, 0, "theirs", false);
	then_a_site_dies(w);
}

/* ---- the zone goes back ---- */

static void
some_history(struct world *w)
{
	needed_drain(w, 'c', 13 * SECOND);
	world_endpoint(w, 'c', ENDPOINT_WELL);
	WORLD_MUST(w, world_await_weight(w, 'c', 100, 10 * MINUTE));
	world_run(w, 30 * SECOND);
}

/* The hosting's backup is played back; nobody tells the world's laws of it. */
static void
restored(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	some_history(w);
	w->zone = w->kept[(w->versions - 3) % WORLD_KEPT];
	then_a_site_dies(w);
}

/* ---- records by hand ---- */

static void
edited(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	world_edit(w, 'b', 7);
	then_a_site_dies(w);
}

static void
torn(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 1);

	some_history(w);
	w->faults.torn_reads = 1;
	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	needed_out(w, 'b', 13 * SECOND);
	world_end(w);
}

/* An operator takes b out for a minute, and the agent that wrote it dies. */
static void
an_order_by_the_dead(uint64_t seed)
{
	struct world *w = needed_world(seed, 3, 3);

	world_run(w, 3 * MINUTE);
	world_order(w, 0, ORDER_DRAIN, 'b', 60);
	WORLD_MUST(w, world_await_weight(w, 'b', 0, 5 * SECOND));
	world_run(w, SECOND);
	world_stop(w, 0);
	needed_back(w, 'b', 80 * SECOND);
	world_end(w);
}

/* ---- the first ledger ---- */

static void
never_adopted(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);

	for (int m = 0; m < 3; m++) {
		w->zone.set[m] = (struct world_set){
		    .name = {(char)('a' + m)}, .weight = 50, .answers = 9};
		w->zone.sets++;
	}
	world_begin(w);
	world_run(w, 3 * MINUTE);
	world_end(w);
}

/* The first probes of c are lost: its verdict is a moment later than the others'. */
static void
an_empty_zone(uint64_t seed)
{
	struct world *w = world_new(seed, 3, 3);

	for (uint32_t a = 0; a < 3; a++)
		world_way(w, a, 'c', WAY_LOST);
	world_begin(w);
	world_run(w, 2 * SECOND);
	for (uint32_t a = 0; a < 3; a++)
		world_way(w, a, 'c', WAY_OPEN);
	for (char c = 'a'; c <= 'c'; c++)
		needed_back(w, c, MINUTE);
	world_end(w);
}

const struct needed_row needed_zone[] = {
    {"nonce_history", 1, 20, forked, "a ledger that descends from nothing is taken on"},
    {"vouching", 1, 20, far_ahead, "a ledger that nobody knows is taken on"},
    {"restored_freezes", 1, 20, restored, "epochs that were used are used again"},
    {"foreign_ledger", 10, 20, of_another_cluster,
	"another cluster's ledger is overwritten"},
    {"edit_freezes", 10, 20, edited, "what a hand wrote is overwritten"},
    {"second_look", 12, 20, torn, "one torn read stops the steering"},
    {"hearing", 12, 20, an_order_by_the_dead,
	"what the others wrote is noticed minutes later: nobody returns b"},
    {"adoption", 10, 20, never_adopted, "records that nobody adopted are overwritten"},
    {"first_creation", 12, 20, an_empty_zone,
	"members that were judged a moment later begin outside"},
    {"lost_freezes", 0, 0, NULL,
	"records without their ledger are adopted by hand in any case"},
    {0},
};
