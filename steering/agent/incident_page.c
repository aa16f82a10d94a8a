/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One page: what an operator shows to those who ask how long it took and what was
 * lost. The steps come last into the room that is left, so that a long list of them
 * gives way and not the numbers.
 */
#include "steering/agent/incident_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_LEAST 8 /* lines kept for them, whatever else there is to say */

/* ---- heading and marks ---- */

static const char *
way_text(const struct incident *i)
{
	switch (i->way) {
	case RUN_NONE:
		return "drain";
	case RUN_FAILOVER:
		return "fail-over";
	case RUN_SWITCHOVER:
		return "planned switch-over";
	case RUN_FAILBACK:
		return "fail-back";
	case RUN_DRILL:
		return "drill of the fail-over";
	case RUN_WAYS:
		break;
	}
	return "";
}

static void
put_heading(struct page_text *p, const struct incident *i)
{
	char name[INCIDENT_NAME_MAX], text[300];

	if (i->way == RUN_NONE)
		(void)snprintf(text, sizeof text, "Incident %s: drain of %s of %s",
		    incident_name(i, name), i->from, i->service);
	else
		(void)snprintf(text, sizeof text,
		    "Incident %s: %s of %s from %s to %s (%s)", incident_name(i, name),
		    way_text(i), i->service, i->from, i->to,
		    scenario_kind_word(i->kind));
	page_put(p, 0, 2, "", text);
	(void)snprintf(text, sizeof text,
	    "As agent %s saw it. Times are UTC; offsets are from %s.", i->seen_by,
	    i->mark_wall_ms[MARK_FAULT] != 0 ? "the fault" : "the beginning");
	page_put(p, 0, 2, "", text);
	page_put(p, 0, 1, "", "");
}

static void
put_mark(struct page_text *p, const struct incident *i, int64_t at, const char *what)
{
	char when[32], after[32], label[80];

	if (at == 0)
		return;
	(void)snprintf(label, sizeof label, "  %s %9s  ", page_clock(at, when),
	    page_offset(i, at, after));
	page_put(p, 37, 2, label, what);
}

static void
mark_text(const struct incident *i, enum incident_mark m, char text[160])
{
	static const char *const plain[MARKS] = {
	    [MARK_INSYNC] = "INSYNC at the provider",
	    [MARK_ANSWERED] = "answered by every name server",
	};
	const char *by = i->runners > 0 ? i->runner[0].agent : "";

	(void)snprintf(text, 160, "%s", plain[m] != NULL ? plain[m] : "");
	if (m == MARK_FAULT)
		(void)snprintf(text, 160, "fault: first failed probe of %s", i->from);
	else if (m == MARK_DETECTED)
		(void)snprintf(text, 160, "detected: %s DOWN by quorum", i->from);
	else if (m == MARK_DECIDED && i->way == RUN_NONE)
		(void)snprintf(text, 160, "decided: %s is taken out", i->from);
	else if (m == MARK_DECIDED)
		(void)snprintf(text, 160, "decided: the run begins%s%s",
		    by[0] != '\0' ? ", run by agent " : "", by);
	else if (m == MARK_COMMITTED && i->to[0] != '\0')
		(void)snprintf(text, 160, "committed: the records point to %s", i->to);
	else if (m == MARK_COMMITTED)
		(void)snprintf(text, 160, "committed: %s gets no traffic", i->from);
	else if (m == MARK_ENDED)
		(void)snprintf(text, 160, "ended: the run is over");
	else if (m == MARK_FULL)
		(void)snprintf(text, 160, "full service again");
}

struct passed { /* a line of the marks */
	int64_t at_wall_ms;
	char text[160];
};

static void
put_marks(struct page_text *p, const struct incident *i, const struct incident_sums *s)
{
	struct passed line[MARKS + 1] = {{0}};
	uint32_t n = 0;

	for (int m = 0; m < MARKS; m++) {
		if (m == MARK_ENDED && i->way == RUN_NONE)
			continue;
		line[n].at_wall_ms = i->mark_wall_ms[m];
		mark_text(i, (enum incident_mark)m, line[n++].text);
	}
	line[n].at_wall_ms = s->ttl_wall_ms;
	(void)snprintf(line[n].text, sizeof line[n].text,
	    "TTL passed: the last resolver has it (%u s)", (unsigned)i->ttl_s);
	n++;
	for (int64_t last = -1;;) {
		const struct passed *next = NULL;

		for (uint32_t k = 0; k < n; k++)
			if (line[k].at_wall_ms > last &&
			    (next == NULL || line[k].at_wall_ms < next->at_wall_ms))
				next = &line[k];
		if (next == NULL)
			break;
		last = next->at_wall_ms;
		for (uint32_t k = 0; k < n; k++)
			if (line[k].at_wall_ms == last)
				put_mark(p, i, last, line[k].text);
	}
	page_put(p, 0, 1, "", "");
}

/* ---- steps ---- */

static const char *
outcome_text(const struct incident_step *s)
{
	switch (s->outcome) {
	case ENDED_NOT:
		return s->state == RUN_ASKS                 ? "asks"
		    : s->state == RUN_GATE && s->tries == 0 ? "waits"
							    : run_state_word(s->state);
	case ENDED_DONE:
		return s->unknown ? "done (was unknown)" : "done";
	case ENDED_PASSED:
		return "passed, unseen";
	case ENDED_FAILED:
		return "failed, went on";
	case ENDED_SKIPPED:
		return "skipped";
	case ENDED_ABORTED:
		return "aborted";
	case STEP_OUTCOMES:
		break;
	}
	return "";
}

static void
put_step(struct page_text *p, const struct incident *i, const struct incident_step *s,
    int64_t now_wall_ms)
{
	char at[32] = "-", took[INCIDENT_SPAN_MAX] = "-",
	     waited[INCIDENT_SPAN_MAX] = "-";
	char tries[16] = "-", name[32], line[160];
	uint64_t people = incident_people_ms(s, now_wall_ms);

	if (s->begun_wall_ms != 0) {
		(void)page_offset(i, s->begun_wall_ms, at);
		(void)incident_span(incident_step_ms(s, now_wall_ms), took);
	}
	if (people > 0)
		(void)incident_span(people, waited);
	if (s->tries > 0)
		(void)snprintf(tries, sizeof tries, "%u", (unsigned)s->tries);
	(void)snprintf(
	    name, sizeof name, "%s%s", s->undo ? "undo: " : "", slot_word(s->slot));
	(void)snprintf(line, sizeof line, "  %-21s %9s %9s %9s %6s  %s", name, at, took,
	    waited, tries, outcome_text(s));
	page_put(p, 0, 1, "", line);
}

static bool
says_more(const struct incident_step *s)
{
	bool plain = s->outcome == ENDED_DONE || s->outcome == ENDED_PASSED;

	return s->text[0] != '\0' &&
	    (s->warned || s->unknown ||
		(!plain && (s->outcome != ENDED_NOT || s->state != RUN_GATE)));
}

/* In so many lines: what does not fit is the oldest but the first. */
static void
put_steps(
    struct page_text *p, const struct incident *i, uint32_t room, int64_t now_wall_ms)
{
	uint32_t used = 0, from = 0;
	char text[80];

	if (i->steps == 0)
		return;
	for (uint32_t n = i->steps; n-- > 0;) {
		used += 1 + says_more(&i->step[n]);
		if (used + 3 > room) {
			from = n + 1;
			break;
		}
	}
	(void)snprintf(text, sizeof text, "%-23s %9s %9s %9s %6s  %s", "Steps", "at",
	    "took", "people", "tries", "outcome");
	page_put(p, 0, 1, "", text);
	if (from > 0) {
		(void)snprintf(text, sizeof text, "  … %u steps before: see --json",
		    (unsigned)from);
		page_put(p, 0, 1, "", text);
	}
	for (uint32_t n = from; n < i->steps; n++) {
		put_step(p, i, &i->step[n], now_wall_ms);
		if (says_more(&i->step[n]))
			page_put(p, 6, 1, "", i->step[n].text);
	}
	page_put(p, 0, 1, "", "");
}

/* ---- the page ---- */

static void
append(struct page_text *to, const struct page_text *from, uint32_t room)
{
	for (uint32_t n = 0; n < from->lines && n < room; n++)
		memcpy(to->line[to->lines++], from->line[n], LINE_BYTES);
}

char *
incident_page(const struct incident *i, int64_t now_wall_ms)
{
	struct page_text *p = calloc(3, sizeof *p);
	struct incident_sums s;
	size_t used = 0;

	if (p == NULL)
		abort();
	struct page_text *all = &p[0], *steps = &p[1], *rest = &p[2];
	incident_sum(i, now_wall_ms, &s);
	put_heading(all, i);
	put_marks(all, i, &s);
	page_rest(rest, i, &s, now_wall_ms);
	uint32_t most = INCIDENT_LINES - all->lines - STEPS_LEAST;
	uint32_t tail = rest->lines < most ? rest->lines : most;
	put_steps(steps, i, INCIDENT_LINES - all->lines - tail, now_wall_ms);
	append(all, steps, INCIDENT_LINES - all->lines - tail);
	append(all, rest, tail);
	char *text = malloc((size_t)all->lines * (LINE_BYTES + 1) + 1);
	if (text == NULL)
		abort();
	text[0] = '\0';
	for (uint32_t n = 0; n < all->lines; n++) {
		size_t end = strlen(all->line[n]);

		while (end > 0 && all->line[n][end - 1] == ' ')
			end--;
		used += (size_t)sprintf(text + used, "%.*s\n", (int)end, all->line[n]);
	}
	free(p);
	return text;
}
