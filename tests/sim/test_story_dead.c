/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dead site: how long until its weight is 0 in the zone, at every phase of the
 * probes, with one agent and with three, with the dead site's agent and the first
 * writer dead too. DESIGN.md §4: refused ≤ 8 s, black hole ≤ 13 s; fast 1 s and 2 s.
 */
#include "tests/sim/world.h"

static const struct row {
	const char *name;
	uint32_t agents;
	bool fast;
	enum world_kind kind;
	enum { NOBODY, ITS_OWN, ANY, WRITER } dies;
	uint64_t goal_ms;
	uint32_t seeds;
} rows[] = {
    {"solo, refused", 1, false, ENDPOINT_REFUSED, NOBODY, 8000, 600},
    {"solo, black hole", 1, false, ENDPOINT_SILENT, NOBODY, 13000, 600},
    {"three agents, refused", 3, false, ENDPOINT_REFUSED, NOBODY, 8000, 500},
    {"three agents, black hole", 3, false, ENDPOINT_SILENT, NOBODY, 13000, 500},
    {"three agents, refused, its own agent dead too", 3, false, ENDPOINT_REFUSED,
	ITS_OWN, 8000, 500},
    {"three agents, black hole, its own agent dead too", 3, false, ENDPOINT_SILENT,
	ITS_OWN, 13000, 500},
    {"three agents, refused, any agent dead too", 3, false, ENDPOINT_REFUSED, ANY, 8000,
	500},
    {"three agents, black hole, any agent dead too", 3, false, ENDPOINT_SILENT, ANY,
	13000, 500},
    {"three agents, refused, the writer dies at its turn", 3, false, ENDPOINT_REFUSED,
	WRITER, 11000, 500},
    {"three agents, black hole, the writer dies at its turn", 3, false, ENDPOINT_SILENT,
	WRITER, 16000, 500},
    {"fast, solo, refused", 1, true, ENDPOINT_REFUSED, NOBODY, 1000, 600},
    {"fast, solo, black hole", 1, true, ENDPOINT_SILENT, NOBODY, 2000, 600},
    {"fast, three agents, refused", 3, true, ENDPOINT_REFUSED, NOBODY, 1000, 500},
    {"fast, three agents, black hole", 3, true, ENDPOINT_SILENT, NOBODY, 2000, 500},
    {"fast, three agents, refused, its own agent dead too", 3, true, ENDPOINT_REFUSED,
	ITS_OWN, 1000, 500},
    {"fast, three agents, black hole, its own agent dead too", 3, true, ENDPOINT_SILENT,
	ITS_OWN, 2000, 500},
    {"fast, three agents, refused, any agent dead too", 3, true, ENDPOINT_REFUSED, ANY,
	1000, 500},
    {"fast, three agents, black hole, any agent dead too", 3, true, ENDPOINT_SILENT,
	ANY, 2000, 500},
    {"fast, three agents, refused, the writer dies at its turn", 3, true,
	ENDPOINT_REFUSED, WRITER, 4000, 500},
    {"fast, three agents, black hole, the writer dies at its turn", 3, true,
	ENDPOINT_SILENT, WRITER, 5000, 500},
};

static uint64_t
one_death(const struct row *r, uint64_t seed, uint32_t *own)
{
	struct world *w = world_new(seed, 2, r->agents);

	if (r->fast)
		world_fast(w);
	world_begin(w);
	world_ready(w);
	world_run(w, world_roll(w, 5 * SECOND));
	char site = (char)('a' + world_roll(w, 2));
	uint64_t from_ms = w->now_ms;
	world_endpoint(w, site, r->kind);
	*own = (uint32_t)(site - 'a');
	if (r->dies == ITS_OWN)
		world_stop(w, *own);
	if (r->dies == ANY)
		world_stop(w, (uint32_t)world_roll(w, r->agents));
	w->kill_writer = r->dies == WRITER;
	if (!world_await_weight(w, site, 0, r->goal_ms))
		world_fail(w, "%s: %c is not out after %llu ms", r->name, site,
		    (unsigned long long)r->goal_ms);
	uint64_t took_ms = w->now_ms - from_ms;
	world_end(w);
	return took_ms;
}

START_TEST(dead_site)
{
	const struct row *r = &rows[_i];
	uint64_t worst_ms = 0, worst_seed = 0, sum_ms = 0;
	uint32_t n = world_seeds(r->dies == NOBODY ? r->seeds : 150), own;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t seed = world_seed(i + 1), ms = one_death(r, seed, &own);

		sum_ms += ms;
		if (ms > worst_ms) {
			worst_ms = ms;
			worst_seed = seed;
		}
	}
	printf("%-56s %u seeds: mean %.1f s, worst %.1f s (seed %llu), goal %.0f s\n",
	    r->name, (unsigned)n, (double)sum_ms / n / 1000, (double)worst_ms / 1000,
	    (unsigned long long)worst_seed, (double)r->goal_ms / 1000);
	ck_assert_uint_le(worst_ms, r->goal_ms);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("a dead site");
	TCase *t = tcase_create("dead");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, dead_site, 0, sizeof rows / sizeof *rows);
	suite_add_tcase(s, t);
	return world_main(argc, argv, s);
}
