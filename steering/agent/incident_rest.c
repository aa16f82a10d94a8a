/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second half of an incident's page: the numbers against their targets, the people
 * and what they said, what is missing, and what to do next.
 */
#include "steering/agent/incident_text.h"

#include <stdio.h>

#define ORDERS_SHOWN 5
#define LEFT_SHOWN 4

/* ---- what it comes to ---- */

static const char *
basis_text(enum incident_basis b)
{
	switch (b) {
	case BASIS_FAULT:
		return "from the first failed probe";
	case BASIS_FREEZE:
		return "planned: from the freeze";
	case BASIS_DECIDED:
		break;
	}
	return "nothing had failed: from the beginning";
}

static const char *
against(uint64_t ms, uint64_t target_ms, char out[96])
{
	char target[INCIDENT_SPAN_MAX], by[INCIDENT_SPAN_MAX];

	if (target_ms == 0)
		(void)snprintf(out, 96, "; there is no target");
	else if (ms <= target_ms)
		(void)snprintf(out, 96, " of %s: met, %s to spare",
		    incident_span(target_ms, target),
		    incident_span(target_ms - ms, by));
	else
		(void)snprintf(out, 96, " of %s: MISSED by %s",
		    incident_span(target_ms, target),
		    incident_span(ms - target_ms, by));
	return out;
}

static void
say_so_far(struct page_text *p, const struct incident *i, uint64_t ms, bool late)
{
	char span[INCIDENT_SPAN_MAX], target[INCIDENT_SPAN_MAX],
	    left[INCIDENT_SPAN_MAX];

	if (i->rto_ms == 0) {
		page_say(p, 2, "RTO", "not yet: %s so far", incident_span(ms, span));
		return;
	}
	page_say(p, 2, "RTO", "not yet: %s so far of %s, %s %s",
	    incident_span(ms, span), incident_span(i->rto_ms, target),
	    incident_span(late ? ms - i->rto_ms : i->rto_ms - ms, left),
	    late ? "too late" : "left");
}

static void
put_rto(struct page_text *p, const struct incident *i, const struct incident_sums *s,
    int64_t now_wall_ms)
{
	char span[INCIDENT_SPAN_MAX], text[96];
	bool runs = i->state == INCIDENT_RUNS ||
	    (i->state == INCIDENT_REACHED && now_wall_ms - i->last_wall_ms < 600000);

	if (s->rto_known)
		page_say(p, 3, "RTO", "%s%s (%s to every answer and the TTL)",
		    incident_span(s->rto_ms, span), against(s->rto_ms, i->rto_ms, text),
		    basis_text(s->basis));
	else if (i->state == INCIDENT_WITHDRAWN)
		page_say(p, 2, "RTO", "not measured: %s was well again after %s",
		    i->from,
		    incident_span(
			(uint64_t)(i->mark_wall_ms[MARK_ENDED] - s->basis_wall_ms),
			span));
	else if (i->state == INCIDENT_ABORTED)
		page_say(p, 2, "RTO", "not reached: the run was aborted");
	else if (runs && now_wall_ms > s->basis_wall_ms) {
		uint64_t ms = (uint64_t)(now_wall_ms - s->basis_wall_ms);
		bool late = i->rto_ms != 0 && ms > i->rto_ms;

		say_so_far(p, i, ms, late);
	} else
		page_say(p, 2, "RTO",
		    "not measured: that every name server answers was not "
		    "seen here");
	if (s->interrupted)
		page_say(p, 2, "Interrupted",
		    "%s, from the freeze to every answer and a side that writes",
		    incident_span(s->interruption_ms, span));
}

static void
put_rpo(struct page_text *p, const struct incident *i)
{
	char span[INCIDENT_SPAN_MAX], text[96];
	const char *of = i->way == RUN_DRILL ? "what would be lost when the drill began"
	    : i->way == RUN_FAILOVER         ? "the lag at the fault"
					     : "caught up fully after the freeze";

	if (i->way == RUN_NONE)
		return;
	if (!i->lag_asked && !i->lag_known)
		page_say(p, 2, "RPO", "not measured: the scenario names no lag");
	else if (!i->lag_known)
		page_say(p, 2, "RPO", "not measured: %s",
		    i->lag_why[0] != '\0' ? i->lag_why : "no lag was known here");
	else if (i->backup_id[0] != '\0')
		page_say(p, 3, "RPO", "%s%s (backup %s, whose work began at %s)",
		    incident_span(i->lag_ms, span), against(i->lag_ms, i->rpo_ms, text),
		    i->backup_id, i->backup_started_at);
	else
		page_say(p, 2, "RPO", "%s%s (%s)", incident_span(i->lag_ms, span),
		    against(i->lag_ms, i->rpo_ms, text), of);
}

static void
put_times(struct page_text *p, const struct incident *i, const struct incident_sums *s,
    int64_t now_wall_ms)
{
	char span[INCIDENT_SPAN_MAX], most[INCIDENT_SPAN_MAX];

	if (s->bottleneck >= 0)
		page_say(p, 2, "Bottleneck", "%s: %s of work",
		    slot_word(i->step[s->bottleneck].slot),
		    incident_span(s->bottleneck_ms, span));
	if (s->people_step >= 0)
		page_say(p, 2, "People",
		    "%s waiting for approvals and answers, most at %s (%s)",
		    incident_span(s->people_ms, span),
		    slot_word(i->step[s->people_step].slot),
		    incident_span(
			incident_people_ms(&i->step[s->people_step], now_wall_ms),
			most));
}

static void
put_orders(struct page_text *p, const struct incident *i)
{
	uint32_t from = i->orders > ORDERS_SHOWN ? i->orders - ORDERS_SHOWN : 0;
	char at[32];

	for (uint32_t n = 0; n < i->orders; n++) {
		const struct incident_order *o = &i->order[n];

		if (n > 0 && n <= from)
			continue; /* the first says who began it */
		page_say(p, 2, n == 0 ? "Operators" : "", "%s %s%s%s%s by %s%s%s",
		    page_offset(i, o->at_wall_ms, at), o->word,
		    o->slot != SLOT_NONE ? " " : "",
		    o->slot != SLOT_NONE ? slot_word(o->slot) : "",
		    o->refused ? " (refused)" : "", o->who,
		    o->reason[0] != '\0' ? ": " : ", no reason given", o->reason);
	}
	if (from > 0)
		page_say(p, 1, "", "… and %u more: see --json", (unsigned)from);
}

static void
put_left_out(struct page_text *p, const struct incident *i)
{
	for (uint32_t n = 0; n < i->left_outs && n < LEFT_SHOWN; n++) {
		const struct incident_left_out *l = &i->left_out[n];

		page_say(p, 2, n == 0 ? "Left out" : "", "%s: %s", slot_word(l->slot),
		    l->why[0] != '\0' ? l->why : "it is left out of drills");
	}
	if (i->left_outs > LEFT_SHOWN)
		page_say(p, 1, "", "… and %u more: see --json",
		    (unsigned)(i->left_outs - LEFT_SHOWN));
}

static void
put_notes(struct page_text *p, const struct incident *i, const struct incident_sums *s)
{
	char text[160] = "", at[32];
	size_t used = 0;

	for (uint32_t n = 1; n < i->runners; n++)
		page_say(p, 1, n == 1 ? "Runner" : "", "%s went on at %s with %s",
		    i->runner[n].agent, page_offset(i, i->runner[n].since_wall_ms, at),
		    slot_word(i->runner[n].slot));
	for (int m = 0; m < MARKS; m++)
		if ((s->missing & 1u << m) != 0)
			used += (size_t)snprintf(text + used, sizeof text - used,
			    "%s%s", used > 0 ? ", " : "",
			    incident_mark_word((enum incident_mark)m));
	if (used > 0)
		page_say(p, 2, "Not seen", "%s: by this agent", text);
	if (i->clock_stepped)
		page_say(p, 2, "Clock",
		    "this machine's clock was set back meanwhile: times "
		    "after that are held where it stood");
}

/* ---- where it stands ---- */

static void
put_running(struct page_text *p, const struct incident *i)
{
	const struct incident_step *s = i->steps > 0 ? &i->step[i->steps - 1] : NULL;
	const char *slot = s != NULL ? slot_word(s->slot) : "its first step";
	enum run_state state = s != NULL ? s->state : RUN_GATE;

	page_say(p, 2, "State", "%s: %s %s",
	    i->aborting ? "it is being undone" : "it runs", slot,
	    state == RUN_ASKS          ? "waits for an approval"
		: state == RUN_FAILED  ? "failed"
		: state == RUN_UNKNOWN ? "ended, and nobody knows how"
		: state == RUN_STARTED ? "is under way"
				       : "waits for its turn");
	if (state == RUN_ASKS)
		page_say(p, 2, "Next",
		    "pointsman approve %s --reason …, or pointsman abort %s",
		    i->scenario, i->scenario);
	else if (state == RUN_FAILED)
		page_say(p, 2, "Next",
		    "put it right, then pointsman retry %s; or skip or abort it, with "
		    "--reason …",
		    i->scenario);
	else
		page_say(p, 2, "Next",
		    "nothing: pointsman status %s says what it waits for", i->service);
}

static void
put_reached(struct page_text *p, const struct incident *i)
{
	if (i->way == RUN_NONE) {
		page_say(p, 2, "State", "%s is out, the others answer", i->from);
		page_say(p, 2, "Next",
		    "pointsman status %s says when it returns, or why not", i->service);
		return;
	}
	page_say(p, 2, "State", "%s is served from %s%s", i->service, i->to,
	    i->aborting ? "; the run was aborted after the records had moved" : "");
	page_say(p, 2, "Next", "when %s is repaired: pointsman failback %s", i->from,
	    i->scenario);
}

static void
put_aborted(struct page_text *p, const struct incident *i)
{
	const struct incident_step *at = NULL;

	for (uint32_t n = 0; n < i->steps; n++)
		if (i->step[n].outcome == ENDED_ABORTED)
			at = &i->step[n];
	page_say(p, 3, "State", "aborted%s%s%s%s", at != NULL ? " at " : "",
	    at != NULL ? slot_word(at->slot) : "", at != NULL ? ": " : "",
	    at != NULL ? scenario_abort_leaves(at->slot) : "");
	page_say(p, 2, "Next",
	    "pointsman status %s says which side answers and is open", i->service);
}

static void
put_state(struct page_text *p, const struct incident *i)
{
	switch (i->state) {
	case INCIDENT_FAULT:
	case INCIDENT_STATES:
		return;
	case INCIDENT_RUNS:
		put_running(p, i);
		return;
	case INCIDENT_REACHED:
		put_reached(p, i);
		return;
	case INCIDENT_ABORTED:
		put_aborted(p, i);
		return;
	case INCIDENT_WITHDRAWN:
		page_say(p, 2, "State",
		    "withdrawn: %s was well again before it was left", i->from);
		break;
	case INCIDENT_ABSORBED:
		page_say(p, 2, "State", "the scenario went on with it: %s/%llu",
		    i->scenario, (unsigned long long)i->into);
		break;
	case INCIDENT_OVER:
		if (i->into != 0)
			page_say(p, 2, "State",
			    "over: full service again by fail-back %s/%llu",
			    i->scenario, (unsigned long long)i->into);
		else
			page_say(p, 2, "State", "over%s",
			    i->way == RUN_DRILL ? ": the drill is done" : "");
		break;
	}
	if (i->state == INCIDENT_ABSORBED)
		page_say(p, 1, "Next", "pointsman history %s/%llu", i->scenario,
		    (unsigned long long)i->into);
	else
		page_say(p, 1, "Next", "nothing");
}

/* ---- all of it ---- */

void
page_rest(struct page_text *p, const struct incident *i, const struct incident_sums *s,
    int64_t now_wall_ms)
{
	put_rto(p, i, s, now_wall_ms);
	put_rpo(p, i);
	put_times(p, i, s, now_wall_ms);
	put_orders(p, i);
	put_left_out(p, i);
	put_notes(p, i, s);
	put_state(p, i);
}

/* ---- the table ---- */

const char *
incident_line(
    const struct incident *i, int64_t now_wall_ms, char out[INCIDENT_LINE_MAX])
{
	char name[INCIDENT_NAME_MAX], at[32], rto[INCIDENT_SPAN_MAX] = "-",
					      rpo[INCIDENT_SPAN_MAX] = "-";
	struct incident_sums s;

	if (i == NULL) {
		(void)snprintf(out, INCIDENT_LINE_MAX,
		    "%-28s %-19s  %-10s %-9s %8s %8s", "INCIDENT", "BEGAN", "WAY",
		    "STATE", "RTO", "RPO");
		return out;
	}
	incident_sum(i, now_wall_ms, &s);
	if (s.rto_known)
		(void)incident_span(s.rto_ms, rto);
	if (i->lag_known)
		(void)incident_span(i->lag_ms, rpo);
	(void)snprintf(out, INCIDENT_LINE_MAX, "%-28s %.19s  %-10s %-9s %8s %8s%s",
	    incident_name(i, name), page_clock(s.basis_wall_ms, at),
	    i->way == RUN_NONE ? "drain" : run_way_word(i->way),
	    incident_state_word(i->state), rto, rpo,
	    i->state == INCIDENT_RUNS || incident_judge(i, now_wall_ms) == 0
		? ""
		: "  MISSED");
	return out;
}
