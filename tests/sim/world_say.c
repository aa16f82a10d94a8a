/* SPDX-License-Identifier: Apache-2.0 */
/* The world's words: facts are kept for the tests, and told when a run is traced. */
#include "tests/sim/world_parts.h"

#include <setjmp.h>
#include <stdarg.h>

static bool tracing, one_seed, hushed;
static uint64_t the_seed;
static jmp_buf *way_out;
static char *last_words;
static size_t last_words_bytes;

#define TAIL 60
#define LINE 400
static char tail[TAIL][LINE]; /* the last lines, told when a law is broken */
static uint64_t told;

static void
tell(struct world *w, const char *text)
{
	char *line = tail[told++ % TAIL];

	(void)snprintf(line, LINE, "%llu.%03llu %.360s",
	    (unsigned long long)(w->now_ms / 1000),
	    (unsigned long long)(w->now_ms % 1000), text);
	if (tracing)
		puts(line);
}

void
say_line(struct world *w, const char *what, ...)
{
	char text[LINE];
	va_list args;

	if (hushed)
		return;
	va_start(args, what);
	(void)vsnprintf(text, sizeof text, what, args);
	va_end(args);
	tell(w, text);
}

static void
keep_fact(struct world *w, uint32_t agent, const struct fact *f)
{
	if (w->facts == WORLD_FACTS)
		return;
	if (w->facts == w->facts_max) {
		w->facts_max = w->facts_max ? 2 * w->facts_max : 256;
		w->fact = realloc(w->fact, w->facts_max * sizeof *w->fact);
		assert(w->fact != NULL);
	}
	w->fact[w->facts++] = (struct world_fact){w->now_ms, agent, *f};
}

/* Equal runs have equal digests: of who said what when. */
static void
fold(struct world *w, uint32_t agent, const struct fact *f)
{
	uint64_t h = w->now_ms << 20 ^ (uint64_t)f->kind << 12 ^ (uint64_t)agent << 8 ^
	    (uint64_t)(f->member + 1) ^ f->epoch << 40;

	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	w->digest += h ^ h >> 31; /* the order within a millisecond is nobody's */
}

void
say_facts(struct world *w, uint32_t agent, const struct engine_out *out)
{
	for (uint32_t i = 0; i < out->facts; i++) {
		const struct fact *f = &out->fact[i];

		w->fact_count[f->kind]++;
		fold(w, agent, f);
		if (!w->conf.forgetful)
			keep_fact(w, agent, f);
		if (f->level == FACT_DEBUG && !tracing)
			continue;
		if (f->kind == FACT_FAULT && !tracing)
			continue;
		say_line(w, "%c %s%s%s %s %s", (int)('A' + agent), fact_word(f->kind),
		    f->member >= 0 ? " " : "",
		    f->member >= 0
			? w->file[w->agent[agent].file].rule.member[f->member].name
			: "",
		    f->value, f->text);
	}
}

const struct fact *
world_fact(
    const struct world *w, enum fact_kind kind, const char *value, uint64_t from_ms)
{
	for (uint32_t i = w->facts; i > 0; i--) {
		const struct world_fact *f = &w->fact[i - 1];

		if (f->at_ms < from_ms)
			return NULL;
		if (f->fact.kind == kind &&
		    (value == NULL || strcmp(f->fact.value, value) == 0))
			return &f->fact;
	}
	return NULL;
}

void
world_tail(FILE *to)
{
	for (uint64_t i = told > TAIL ? told - TAIL : 0; i < told; i++)
		fprintf(to, "%s\n", tail[i % TAIL]);
}

void (*world_on_broken)(struct world *w, int number, const char *text);

static void
end_of_it(struct world *w, int number, const char *text) __attribute__((noreturn));

static void
end_of_it(struct world *w, int number, const char *text)
{
	unsigned long long seed = w->conf.seed, now_ms = w->now_ms;
	char law[32] = "";

	if (number != 0)
		(void)snprintf(law, sizeof law, "invariant %d: ", number);
	say_line(w, "BROKEN %s%s", law, text);
	if (world_on_broken != NULL)
		world_on_broken(w, number, text);
	if (way_out != NULL) {
		jmp_buf *there = way_out;

		way_out = NULL;
		(void)snprintf(last_words, last_words_bytes, "%s%s", law, text);
		longjmp(*there, 1);
	}
	if (!tracing)
		world_tail(stdout);
	printf("seed %llu, %llu ms: %s%s (again: --seed %llu --trace)\n", seed, now_ms,
	    law, text, seed);
	fflush(stdout);
	ck_abort_msg("seed %llu: %s%s", seed, law, text);
	abort();
}

void
world_fail(struct world *w, const char *what, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, what);
	(void)vsnprintf(text, sizeof text, what, args);
	va_end(args);
	end_of_it(w, 0, text);
}

void
world_broken(struct world *w, int number, const char *what, ...)
{
	char text[LINE];
	va_list args;

	va_start(args, what);
	(void)vsnprintf(text, sizeof text, what, args);
	va_end(args);
	end_of_it(w, number, text);
}

void
world_trace(void)
{
	tracing = true;
}

bool
world_broke(void (*f)(void *), void *arg, char *why, size_t why_bytes)
{
	jmp_buf here;

	last_words = why;
	last_words_bytes = why_bytes;
	if (setjmp(here) != 0)
		return true;
	way_out = &here;
	f(arg);
	way_out = NULL;
	return false;
}

void
world_hush(bool hush)
{
	hushed = hush;
}

bool
world_tracing(void)
{
	return tracing;
}

uint64_t
world_seed(uint64_t seed)
{
	return one_seed ? the_seed : seed;
}

bool
world_one_seed(void)
{
	return one_seed;
}

uint32_t
world_seeds(uint32_t n)
{
	const char *all = getenv("POINTSMAN_ALL");

	if (one_seed)
		return 1;
	return all != NULL && all[0] != '\0' ? 10 * n : n;
}

int
world_main(int argc, char **argv, Suite *s)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--trace") == 0)
			tracing = true;
		if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
			one_seed = true;
			the_seed = strtoull(argv[++i], NULL, 0);
		}
	}
	SRunner *r = srunner_create(s);
	if (tracing)
		srunner_set_fork_status(r, CK_NOFORK);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
