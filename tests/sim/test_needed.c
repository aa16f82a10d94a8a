/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule is needed: each is taken away in turn, and the invariant that its row names
 * must break in the row's story, which keeps all of them while every rule stands.
 *
 * Linked with a second compilation of the core (POINTSMAN_MUTATIONS; steering/core/
 * needed.h). Each world lives in a process of its own, for a broken one must end where
 * it broke: its last words come back through shared memory.
 * `sim_test_needed RULE SEED [--all-rules]` plays one world aloud.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sim/needed/needed.h"

#define WORLD_S_MAX 60

static const struct needed_row *const tables[] = {needed_votes, needed_holds,
    needed_limits, needed_writers, needed_zone, needed_recovery};

static const char *off; /* the rule that is taken away; NULL: none */
static struct last_words {
	bool asked, ended; /* the rule was asked for; the story came to its end */
	int invariant;     /* that broke; 0 none */
	char text[300];
} * last;

bool
needed_stands(const char *rule)
{
	if (off == NULL || strcmp(off, rule) != 0)
		return true;
	last->asked = true;
	return false;
}

bool
needed_off(const char *rule)
{
	return !needed_stands(rule);
}

static void
broken(struct world *w, int number, const char *text)
{
	last->invariant = number; /* 0: the story itself fell apart */
	(void)snprintf(last->text, sizeof last->text, "%llu.%03llu s: %s",
	    (unsigned long long)(w->now_ms / 1000),
	    (unsigned long long)(w->now_ms % 1000), text);
	_exit(0);
}

/* What became of it is in *last. */
static void
play(const struct needed_row *row, uint64_t seed, bool without)
{
	int status;

	memset(last, 0, sizeof *last);
	fflush(stdout);
	pid_t child = fork();
	ck_assert(child >= 0);
	if (child == 0) {
		alarm(WORLD_S_MAX);
		world_on_broken = broken;
		off = without ? row->rule : NULL;
		row->story(seed);
		last->ended = true;
		_exit(0);
	}
	ck_assert(waitpid(child, &status, 0) == child);
	if (status != 0)
		(void)snprintf(last->text, sizeof last->text, "the story fell apart");
}

enum finding { SHOWN, NOT_SHOWN, WRONG };

/* What the worlds of a row came to. */
struct tally {
	uint32_t right, other, unharmed; /* without the rule */
	bool asked;
	char first[360]; /* how the first right one ended */
};

static bool hushed;

static void
print_row(const struct needed_row *row, const struct tally *t, const char *verdict)
{
	char found[40];

	if (hushed)
		return;
	(void)snprintf(found, sizeof found, "%u of %u", (unsigned)t->right,
	    (unsigned)(t->right + t->other + t->unharmed));
	printf("%-19s %5.*d   %-9s %-17s %s\n", row->rule, row->invariant != 0,
	    row->invariant, row->story != NULL ? found : "-", verdict, row->why);
	if (t->other > 0)
		printf("%39s in %u another invariant broke first: not counted\n", "",
		    (unsigned)t->other);
	if (t->first[0] != '\0')
		printf("%39s %s\n", "", t->first);
}

static bool
tally_seed(const struct needed_row *row, uint64_t seed, struct tally *t)
{
	play(row, seed, false);
	if (!last->ended) {
		(void)snprintf(t->first, sizeof t->first,
		    "seed %llu breaks %d while every rule stands: %s",
		    (unsigned long long)seed, last->invariant, last->text);
		return false;
	}
	play(row, seed, true);
	t->asked |= last->asked;
	if (last->ended) {
		t->unharmed++;
	} else if (last->invariant != row->invariant) {
		t->other++;
		if (last->invariant == 0)
			(void)snprintf(t->first, sizeof t->first, "seed %llu: %s",
			    (unsigned long long)seed, last->text);
	} else if (t->right++ == 0) {
		(void)snprintf(t->first, sizeof t->first, "seed %llu, %s",
		    (unsigned long long)seed, last->text);
	}
	return true;
}

static enum finding
judge(const struct needed_row *row)
{
	struct tally t = {0};

	if (row->story == NULL) {
		print_row(row, &t, "NOT SHOWN NEEDED");
		return NOT_SHOWN;
	}
	for (uint64_t seed = 1; seed <= row->seeds; seed++)
		if (!tally_seed(row, seed, &t)) {
			print_row(row, &t, "WRONG STORY");
			return WRONG;
		}
	print_row(row, &t, t.right > 0 ? "needed" : t.asked ? "WRONG" : "NO SUCH RULE");
	return t.right > 0 ? SHOWN : WRONG;
}

static const char *only; /* a rule, or NULL for all */

START_TEST(every_rule)
{
	uint32_t count[3] = {0};

	printf("%-19s %-7s %-9s %-17s %s\n", "rule", "breaks", "in worlds", "so it is",
	    "without it");
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (const struct needed_row *r = tables[t]; r->rule != NULL; r++)
			if (only == NULL || strcmp(only, r->rule) == 0)
				count[judge(r)]++;
	printf("%u rules: %u shown needed, %u not shown needed, %u wrong\n",
	    (unsigned)(count[SHOWN] + count[NOT_SHOWN] + count[WRONG]),
	    (unsigned)count[SHOWN], (unsigned)count[NOT_SHOWN], (unsigned)count[WRONG]);
	ck_assert_uint_eq(count[WRONG], 0);
	ck_assert_uint_gt(count[SHOWN], 0);
}
END_TEST

/* ---- the judge itself ---- */

static void
spaced(uint64_t seed)
{
	struct world *w = needed_world(seed, 4, 1);

	world_endpoint(w, 'b', ENDPOINT_REFUSED);
	world_endpoint(w, 'c', ENDPOINT_REFUSED);
	world_run(w, MINUTE);
	world_end(w);
}

static void
wrong_from_the_beginning(uint64_t seed)
{
	struct world *w = needed_world(seed, 4, 1);

	world_broken(w, 5, "whatever the rules are");
}

static void
falls_apart(uint64_t seed)
{
	struct world *w = needed_world(seed, 4, 1);

	WORLD_MUST(w, !needed_off("spacing"));
	world_end(w);
}

START_TEST(only_what_is_expected_counts)
{
	static const struct {
		struct needed_row row;
		enum finding finding;
	} judged[] = {
	    {{"spacing", 5, 2, spaced, ""}, SHOWN},
	    {{"spacing", 4, 2, spaced, ""}, WRONG},  /* another one breaks */
	    {{"max_out", 5, 2, spaced, ""}, WRONG},  /* nothing breaks */
	    {{"spaceing", 5, 2, spaced, ""}, WRONG}, /* no such rule */
	    {{"spacing", 5, 2, wrong_from_the_beginning, ""}, WRONG},
	    {{"spacing", 5, 2, falls_apart, ""}, WRONG},
	    {{"spacing", 0, 0, NULL, ""}, NOT_SHOWN},
	};

	hushed = true;
	for (size_t i = 0; i < sizeof judged / sizeof *judged; i++)
		ck_assert_int_eq(judge(&judged[i].row), judged[i].finding);
}
END_TEST

/* One world aloud; a broken invariant ends it as it ends any test. */
static int
aloud(const char *rule, uint64_t seed, bool all_rules)
{
	for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
		for (const struct needed_row *r = tables[t]; r->rule != NULL; r++) {
			if (strcmp(r->rule, rule) != 0 || r->story == NULL)
				continue;
			off = all_rules ? NULL : r->rule;
			world_trace();
			r->story(seed);
			return EXIT_SUCCESS;
		}
	printf("there is no story of %s\n", rule);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	Suite *s = suite_create("every rule is needed");
	TCase *t = tcase_create("needed");

	last = mmap(NULL, sizeof *last, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert(last != MAP_FAILED);
	if (argc > 2) /* RULE SEED */
		return aloud(argv[1], strtoull(argv[2], NULL, 0), argc > 3);
	if (argc > 1)
		only = argv[1];
	tcase_set_timeout(t, 1200); /* ctest has its own */
	tcase_add_test(t, only_what_is_expected_counts);
	tcase_add_test(t, every_rule);
	suite_add_tcase(s, t);
	return world_main(1, argv, s);
}
