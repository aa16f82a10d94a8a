/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One door for every fact. Counting, folding, the line, and the row are four short
 * steps of facts_emit(); nobody else prints in a running agent.
 *
 * Folding keeps a small table of what was said in the last minute. When it is full the
 * oldest entry is said and leaves: under a storm of different facts lines grow, memory
 * does not. Marks of an incident are never folded: RTO is measured on them, and the
 * rules of steering/core bound how often they can come.
 *
 * A line is written only while the log takes it at once: a journal that hangs must not
 * make the loop late, for a late loop abstains from steering.
 */
#include "steering/agent/facts.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "steering/agent/logfmt.h"
#include "steering/agent/store.h"

#define FOLD_MS 60000
#define FOLD_ENTRIES 256
#define TALLIES_MAX (SERVICES_MAX + 1)

struct fold {
	bool used;
	uint64_t began_ms; /* boot-time clock */
	uint64_t repeats;  /* beyond the one that was said */
	char service[WORD_MAX], member[WORD_MAX];
	struct fact fact; /* the last of them */
};

struct tally {
	char service[WORD_MAX]; /* "" those of no service */
	uint64_t count[FACT_KINDS];
};

struct facts {
	int fd;
	enum fact_level least;
	struct store *store;
	struct fold fold[FOLD_ENTRIES];
	uint32_t tallies;
	struct tally tally[TALLIES_MAX];
	uint64_t lines_lost, lines_lost_said;
	bool cut; /* a line was taken in part: begin the next on a new one */
	void (*watch)(const char *service, const struct fact *fact, void *arg);
	void *watch_arg;
};

static int64_t
clock_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
copy_word(char out[WORD_MAX], const char *word)
{
	(void)snprintf(out, WORD_MAX, "%s", word != NULL ? word : "");
}

struct facts *
facts_new(int fd, enum fact_level least, struct store *store)
{
	struct facts *f = calloc(1, sizeof *f);

	if (f == NULL)
		abort();
	f->fd = fd;
	f->least = least;
	f->store = store;
	f->tallies = 1;
	return f;
}

/* ---- counts ---- */

static struct tally *
tally_of(struct facts *f, const char *service)
{
	for (uint32_t i = 0; i < f->tallies; i++)
		if (strcmp(f->tally[i].service, service) == 0)
			return &f->tally[i];
	/* Services that come and go over many reloads share the nameless one. */
	if (f->tallies == TALLIES_MAX)
		return &f->tally[0];
	struct tally *t = &f->tally[f->tallies++];
	copy_word(t->service, service);
	return t;
}

uint64_t
facts_count(const struct facts *f, const char *service, enum fact_kind kind)
{
	for (uint32_t i = 0; i < f->tallies; i++)
		if (strcmp(f->tally[i].service, service != NULL ? service : "") == 0)
			return f->tally[i].count[kind];
	return 0;
}

void
facts_each(const struct facts *f,
    void (*fn)(const char *service, enum fact_kind kind, uint64_t count, void *arg),
    void *arg)
{
	for (uint32_t i = 0; i < f->tallies; i++)
		for (unsigned k = 0; k < FACT_KINDS; k++)
			if (f->tally[i].count[k] > 0)
				fn(f->tally[i].service, (enum fact_kind)k,
				    f->tally[i].count[k], arg);
}

uint64_t
facts_lines_lost(const struct facts *f)
{
	return f->lines_lost;
}

/* ---- the line and the row ---- */

static void
write_line(struct facts *f, const char *line, size_t n)
{
	struct pollfd ready = {.fd = f->fd, .events = POLLOUT};
	char again[LOGFMT_LINE_MAX + 1] = "\n";
	ssize_t done = -1;

	if (f->cut) {
		memcpy(again + 1, line, n);
		line = again;
		n++;
	}
	if (poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0)
		done = write(f->fd, line, n);
	if (done != (ssize_t)n)
		f->lines_lost++;
	if (done > 0)
		f->cut = done != (ssize_t)n;
}

static void
say(struct facts *f, const char *service, const char *member, const struct fact *fact,
    uint64_t repeated)
{
	int64_t wall_ms = clock_ms(CLOCK_REALTIME);
	int64_t ago_ms = 0;
	char line[LOGFMT_LINE_MAX];

	if (fact->at_ms != 0)
		ago_ms = clock_ms(CLOCK_BOOTTIME) - (int64_t)fact->at_ms;
	struct logfmt_line l = {
	    .wall_ms = wall_ms,
	    .at_wall_ms = wall_ms - ago_ms,
	    .service = service,
	    .member = member,
	    .fact = fact,
	    .repeated = repeated,
	};
	write_line(f, line, logfmt_format(&l, line));
	if (f->store == NULL)
		return;
	struct store_fact row = {
	    .wall_ms = wall_ms, .at_wall_ms = wall_ms - ago_ms, .fact = *fact};
	copy_word(row.service, service);
	copy_word(row.member, member);
	store_put_fact(f->store, &row);
}

/* ---- folding ---- */

static bool
never_folded(enum fact_kind kind)
{
	static const bool mark[FACT_KINDS] = {
	    [FACT_FAULT] = true,
	    [FACT_VERDICT] = true,
	    [FACT_LEDGER_TAKEN] = true,
	    [FACT_DECIDED] = true,
	    [FACT_SENT] = true,
	    [FACT_COMMITTED] = true,
	    [FACT_UNKNOWN] = true,
	    [FACT_CLOSED] = true,
	    [FACT_FROZEN] = true,
	    [FACT_THAWED] = true,
	    [FACT_INSYNC] = true,
	    [FACT_ANSWERED] = true,
	    [FACT_ORDER] = true,
	    [FACT_RUN] = true,
	    [FACT_STEP] = true,
	    [FACT_STARTED] = true,
	    [FACT_STOPPED] = true,
	};

	return mark[kind];
}

static bool
same(const struct fold *e, const char *service, const char *member,
    const struct fact *fact)
{
	return e->used && e->fact.kind == fact->kind &&
	    strcmp(e->service, service) == 0 && strcmp(e->member, member) == 0 &&
	    strcmp(e->fact.text, fact->text) == 0 &&
	    strcmp(e->fact.value, fact->value) == 0 &&
	    strcmp(e->fact.address, fact->address) == 0;
}

static void
fold_end(struct facts *f, struct fold *e)
{
	if (e->repeats > 0)
		say(f, e->service, e->member, &e->fact, e->repeats);
	e->used = false;
}

/* A free entry, or the oldest one after it had its say. */
static struct fold *
fold_take(struct facts *f)
{
	struct fold *oldest = &f->fold[0];

	for (uint32_t i = 0; i < FOLD_ENTRIES; i++) {
		if (!f->fold[i].used)
			return &f->fold[i];
		if (f->fold[i].began_ms < oldest->began_ms)
			oldest = &f->fold[i];
	}
	fold_end(f, oldest);
	return oldest;
}

/* True: it is a repeat, and was counted. */
static bool
folded(
    struct facts *f, const char *service, const char *member, const struct fact *fact)
{
	uint64_t now_ms = (uint64_t)clock_ms(CLOCK_BOOTTIME);

	if (never_folded(fact->kind))
		return false;
	for (uint32_t i = 0; i < FOLD_ENTRIES; i++) {
		struct fold *e = &f->fold[i];

		if (!same(e, service, member, fact))
			continue;
		if (now_ms - e->began_ms >= FOLD_MS) {
			fold_end(f, e);
			break;
		}
		e->repeats++;
		e->fact = *fact;
		return true;
	}
	struct fold *e = fold_take(f);
	*e = (struct fold){.used = true, .began_ms = now_ms, .fact = *fact};
	copy_word(e->service, service);
	copy_word(e->member, member);
	return false;
}

/* ---- the door ---- */

void
facts_emit(
    struct facts *f, const char *service, const char *member, const struct fact *fact)
{
	const char *of = service != NULL ? service : "";
	const char *about = member != NULL ? member : "";

	assert(fact->kind > FACT_NONE && fact->kind < FACT_KINDS);
	tally_of(f, of)->count[fact->kind]++;
	if (f->watch != NULL)
		f->watch(of, fact, f->watch_arg);
	if (fact->level < f->least || folded(f, of, about, fact))
		return;
	say(f, of, about, fact, 0);
}

void
facts_watch(struct facts *f,
    void (*fn)(const char *service, const struct fact *fact, void *arg), void *arg)
{
	f->watch = fn;
	f->watch_arg = arg;
}

void
facts_say(struct facts *f, enum fact_kind kind, enum fact_level level,
    const char *service, const char *member, const char *format, ...)
{
	struct fact fact = {.kind = kind, .level = level, .member = -1};
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(fact.text, sizeof fact.text, format, ap);
	va_end(ap);
	facts_emit(f, service, member, &fact);
}

static void
say_lost_lines(struct facts *f)
{
	uint64_t lost = f->lines_lost - f->lines_lost_said;

	if (lost == 0)
		return;
	uint64_t before = f->lines_lost;
	f->lines_lost_said = before;
	facts_say(f, FACT_TROUBLE, FACT_WARN, NULL, NULL,
	    "the log did not take %llu lines: whoever reads it is too slow",
	    (unsigned long long)lost);
	if (f->lines_lost != before) /* neither this one: later, then */
		f->lines_lost_said = before - lost;
}

void
facts_tick(struct facts *f)
{
	uint64_t now_ms = (uint64_t)clock_ms(CLOCK_BOOTTIME);
	struct store_trouble t;

	for (uint32_t i = 0; i < FOLD_ENTRIES; i++)
		if (f->fold[i].used && now_ms - f->fold[i].began_ms >= FOLD_MS)
			fold_end(f, &f->fold[i]);
	while (f->store != NULL && store_next_trouble(f->store, &t))
		facts_say(f, FACT_TROUBLE, t.level, NULL, NULL, "%s", t.text);
	say_lost_lines(f);
}

void
facts_free(struct facts *f)
{
	if (f == NULL)
		return;
	for (uint32_t i = 0; i < FOLD_ENTRIES; i++)
		if (f->fold[i].used)
			fold_end(f, &f->fold[i]);
	free(f);
}
