/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One plan at a time, played in silence; what breaks is told with its faults and last
 * facts, as short as it can be made.
 */
#include "tests/sim/seeds.h"

#include <string.h>
#include <time.h>

static struct plan plan;

uint64_t
seeds_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text != NULL && *text != '\0' ? strtoull(text, NULL, 0) : otherwise;
}

double
seeds_cpu_s(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

bool
seeds_play(
    const struct seeds *s, uint64_t seed, uint64_t hours, struct plan_score *score)
{
	char why[400];

	s->draw(&plan, seed, hours);
	world_carry = seed % s->carry_one_in == 0 ? s->carry : NULL;
	if (world_tracing()) {
		plan_describe(&plan, stdout);
		plan_play(&plan, false, score);
		return true;
	}
	world_hush(true);
	bool holds = plan_holds(&plan, score, why, sizeof why);
	world_hush(false);
	if (holds)
		return true;
	printf("seed %llu, %llu h: %s\n", (unsigned long long)seed,
	    (unsigned long long)hours, why);
	fflush(stdout);
	if (getenv("QUICK") != NULL)
		return false;
	plan_shrink(&plan, why);
	plan_describe(&plan, stdout);
	(void)plan_holds(&plan, NULL, why, sizeof why);
	world_tail(stdout);
	printf("shrunk: %s\n", why);
	return false;
}

uint64_t
seeds_kept(
    const struct seeds *s, const char *path, struct plan_score *score, uint64_t *broken)
{
	FILE *list = fopen(path, "r");
	char line[400];
	uint64_t n = 0;

	ck_assert_ptr_nonnull(list);
	*broken = 0;
	while (!world_one_seed() && fgets(line, sizeof line, list) != NULL) {
		unsigned long long seed, hours;

		if (line[0] == '#' || sscanf(line, "%llu %llu ", &seed, &hours) != 2)
			continue;
		n++;
		*broken += !seeds_play(s, seed, hours, score);
	}
	(void)fclose(list);
	return n;
}
