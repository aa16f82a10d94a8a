/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Progress is read from the ledger's versions and not from what the runner says of
 * itself, because a runner may die: what two agents saw of one run then differs by what
 * each could know, and never by what happened.
 *
 * Every time goes through stamp(), so that marks are in order whatever the wall clock
 * does (invariant 15). Rejected: boot-time clocks in here, which mean nothing after a
 * restart and nothing to another agent.
 */
#include "steering/agent/incident.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define STEPPED_MS 5000 /* less is the provider's clock, which has whole seconds */

static int64_t
stamp(struct incident *i, int64_t at_wall_ms)
{
	if (at_wall_ms < i->last_wall_ms - STEPPED_MS)
		i->clock_stepped = true;
	if (at_wall_ms > i->last_wall_ms)
		i->last_wall_ms = at_wall_ms;
	return i->last_wall_ms;
}

static void
copy_text(char *out, size_t out_bytes, const char *text)
{
	(void)snprintf(out, out_bytes, "%s", text);
}

void
incident_mark(struct incident *i, enum incident_mark m, int64_t at_wall_ms)
{
	if (i->mark_wall_ms[m] == 0)
		i->mark_wall_ms[m] = stamp(i, at_wall_ms);
}

void
incident_fault(struct incident *i, int64_t fault_wall_ms, int64_t verdict_wall_ms)
{
	if (fault_wall_ms != 0 && i->mark_wall_ms[MARK_DETECTED] == 0)
		incident_mark(i, MARK_FAULT, fault_wall_ms);
	if (verdict_wall_ms != 0)
		incident_mark(i, MARK_DETECTED, verdict_wall_ms);
}

/* ---- steps ---- */

static struct incident_step *
newest(struct incident *i)
{
	return i->steps > 0 ? &i->step[i->steps - 1] : NULL;
}

static struct incident_step *
newest_of(struct incident *i, enum slot s)
{
	for (uint32_t n = i->steps; n-- > 0;)
		if (i->step[n].slot == s)
			return &i->step[n];
	return NULL;
}

/* Full: the second one leaves, so that the first and the newest can be read. */
static struct incident_step *
push_step(struct incident *i, enum slot slot, uint32_t index, bool undo)
{
	if (i->steps == INCIDENT_STEPS_MAX) {
		memmove(i->step + 1, i->step + 2,
		    (INCIDENT_STEPS_MAX - 2) * sizeof i->step[0]);
		i->steps--;
	}
	struct incident_step *s = &i->step[i->steps++];
	*s = (struct incident_step){.slot = slot, .index = index, .undo = undo};
	return s;
}

static bool
is_planned(const struct incident *i)
{
	return i->way == RUN_SWITCHOVER || i->way == RUN_FAILBACK;
}

static bool
is_people(enum run_state s)
{
	return s == RUN_ASKS || s == RUN_FAILED;
}

static void
count_people(struct incident_step *s, int64_t at_wall_ms)
{
	if (is_people(s->state) && s->state_wall_ms != 0)
		s->people_ms += (uint64_t)(at_wall_ms - s->state_wall_ms);
}

/* What passing a step means for the whole. */
static void
passed(struct incident *i, const struct incident_step *s, uint64_t epoch, int64_t at)
{
	if (s->undo || s->outcome == ENDED_SKIPPED || s->outcome == ENDED_ABORTED)
		return;
	if (s->slot == SLOT_REPOINT && i->mark_wall_ms[MARK_COMMITTED] == 0) {
		incident_mark(i, MARK_COMMITTED, at);
		i->committed_epoch = epoch;
	}
	if (s->slot != SLOT_CAUGHT_UP_FULLY || !is_planned(i))
		return;
	i->lag_known = !s->asked;
	i->lag_ms = 0;
	copy_text(i->lag_why, sizeof i->lag_why,
	    s->asked ? "that all was caught up is an operator's word" : "");
}

/* How the newest step ended, now that the run has gone on. Between the version in which
 * it was seen last and this one others may have come that were not read here. */
static enum step_outcome
judge_step(const struct incident *i, const struct incident_step *s,
    const struct incident_version *v)
{
	bool goes_on = v->rule->plan.step[s->slot].go_on;
	bool next = v->ledger->epoch == i->epoch + 1;

	if (s->skip || (next && s->state == RUN_ASKS))
		return ENDED_SKIPPED;
	if (s->state == RUN_FAILED)
		return goes_on ? ENDED_FAILED : ENDED_PASSED;
	return next || !goes_on ? ENDED_DONE : ENDED_PASSED;
}

static void
close_step(struct incident *i, enum step_outcome outcome, uint64_t epoch, int64_t at)
{
	struct incident_step *s = newest(i);

	if (s == NULL || s->outcome != ENDED_NOT)
		return;
	count_people(s, at);
	s->outcome = outcome;
	s->ended_wall_ms = at;
	s->state_wall_ms = at;
	passed(i, s, epoch, at);
}

/* Steps that came and went between two versions that were read here. */
static void
add_unseen(struct incident *i, uint32_t from, uint32_t to, bool undo, uint64_t epoch,
    int64_t at)
{
	for (uint32_t k = from; k < to && k < i->plan_steps; k++) {
		struct incident_step *s = push_step(i, (enum slot)i->plan[k], k, undo);

		s->outcome = ENDED_PASSED;
		passed(i, s, epoch, at);
	}
}

static void
note_state(struct incident_step *s, const struct ledger *l, int64_t at)
{
	const struct ledger_run *r = &l->run;

	if (s->state_wall_ms != 0 && s->state == r->state && s->tries == r->tries)
		return;
	count_people(s, at);
	if (r->state == RUN_STARTED) {
		if (s->started_wall_ms == 0)
			s->started_wall_ms = at;
		s->fence = l->fence;
		s->skip = false;
	}
	s->asked |= r->state == RUN_ASKS ||
	    (r->state == RUN_APPROVED && s->state != RUN_FAILED);
	s->unknown |= r->state == RUN_UNKNOWN;
	s->tries = r->tries > s->tries ? r->tries : s->tries;
	s->state = r->state;
	s->state_wall_ms = at;
}

static void
note_runner(struct incident *i, const struct incident_version *v, int64_t at)
{
	const struct rule_service *rule = v->rule;
	const char *name = NULL;

	for (uint32_t a = 0; a < rule->agents; a++)
		if (rule->agent[a].number == v->ledger->lock_holder)
			name = rule->agent[a].name;
	if (name == NULL ||
	    (i->runners > 0 && strcmp(i->runner[i->runners - 1].agent, name) == 0))
		return;
	if (i->runners == INCIDENT_RUNNERS_MAX) {
		memmove(i->runner + 1, i->runner + 2,
		    (INCIDENT_RUNNERS_MAX - 2) * sizeof i->runner[0]);
		i->runners--;
	}
	struct incident_runner *r = &i->runner[i->runners++];
	*r = (struct incident_runner){.since_wall_ms = at};
	copy_text(r->agent, sizeof r->agent, name);
	if (v->ledger->run.step < i->plan_steps)
		r->slot = (enum slot)i->plan[v->ledger->run.step];
}

static void
keep_plan(struct incident *i, const struct scenario_plan *plan)
{
	assert(plan->steps <= sizeof i->plan);
	i->plan_steps = plan->steps;
	memcpy(i->plan, plan->slot, plan->steps);
}

/* ---- the run ---- */

void
incident_begin(
    struct incident *i, const struct incident_version *v, const struct incident *fault)
{
	const struct ledger_run *r = &v->ledger->run;

	assert(r->id != 0 && r->way != RUN_NONE);
	i->id = r->id;
	i->way = r->way;
	i->state = INCIDENT_RUNS;
	if (fault != NULL && r->way == RUN_FAILOVER) {
		incident_fault(i, fault->mark_wall_ms[MARK_FAULT],
		    fault->mark_wall_ms[MARK_DETECTED]);
		i->lag_known = fault->lag_known;
		i->lag_ms = fault->lag_ms;
		memcpy(i->lag_why, fault->lag_why, sizeof i->lag_why);
		memcpy(i->backup_id, fault->backup_id, sizeof i->backup_id);
		memcpy(i->backup_started_at, fault->backup_started_at,
		    sizeof i->backup_started_at);
	}
	incident_mark(i, MARK_DECIDED, v->begun_wall_ms);
	incident_version(i, v);
}

void
incident_version(struct incident *i, const struct incident_version *v)
{
	const struct ledger_run *r = &v->ledger->run;
	uint64_t epoch = v->ledger->epoch;
	int64_t at = stamp(i, v->at_wall_ms);
	const struct incident_step *was = newest(i);
	bool turned = r->aborting && !i->aborting;

	assert(r->id == i->id && v->plan != NULL);
	if (was != NULL &&
	    (turned || was->undo != r->aborting || was->index != r->step)) {
		bool on = !turned && was->undo == r->aborting && r->step > was->index;
		uint32_t next = on ? was->index + 1 : 0;

		close_step(
		    i, turned ? ENDED_ABORTED : judge_step(i, was, v), epoch, at);
		keep_plan(i, v->plan);
		add_unseen(i, next, r->step, r->aborting, epoch, at);
		was = NULL;
	} else if (was == NULL) {
		keep_plan(i, v->plan);
		add_unseen(i, 0, r->step, r->aborting, epoch, at);
	}
	i->aborting |= r->aborting;
	i->epoch = epoch;
	note_runner(i, v, at);
	if (was == NULL && r->step < i->plan_steps)
		push_step(i, (enum slot)i->plan[r->step], r->step, r->aborting)
		    ->begun_wall_ms = at;
	if (i->steps > 0 && r->step < i->plan_steps)
		note_state(newest(i), v->ledger, at);
}

static bool
abort_was_asked(const struct incident *i)
{
	for (uint32_t n = 0; n < i->orders; n++)
		if (strcmp(i->order[n].word, "abort") == 0 && !i->order[n].refused)
			return true;
	return false;
}

static enum incident_state
end_state(const struct incident *i, bool reached)
{
	if (i->way == RUN_DRILL)
		return i->aborting ? INCIDENT_ABORTED : INCIDENT_OVER;
	if (!reached)
		return i->aborting ? INCIDENT_ABORTED : INCIDENT_WITHDRAWN;
	return i->way == RUN_FAILBACK ? INCIDENT_OVER : INCIDENT_REACHED;
}

void
incident_end(struct incident *i, const struct incident_version *v)
{
	int64_t at = stamp(i, v->at_wall_ms);
	const struct incident_step *last = newest(i);
	uint64_t epoch = v->ledger->epoch;

	assert(i->state == INCIDENT_RUNS);
	if (last != NULL && last->index + 1 < i->plan_steps && abort_was_asked(i))
		i->aborting = true;
	if (last != NULL) {
		uint32_t next = last->index + 1;
		bool whole =
		    last->undo || (!i->aborting && (v->reached || i->way == RUN_DRILL));
		bool undo = last->undo;

		close_step(
		    i, whole ? judge_step(i, last, v) : ENDED_ABORTED, epoch, at);
		if (whole)
			add_unseen(i, next, i->plan_steps, undo, epoch, at);
	}
	incident_mark(i, MARK_ENDED, at);
	i->state = end_state(i, v->reached);
}

void
incident_drain(struct incident *i, uint64_t epoch, int64_t sent_wall_ms,
    int64_t at_wall_ms, const struct incident *fault)
{
	i->id = epoch;
	i->way = RUN_NONE;
	i->state = INCIDENT_REACHED;
	if (fault != NULL)
		incident_fault(i, fault->mark_wall_ms[MARK_FAULT],
		    fault->mark_wall_ms[MARK_DETECTED]);
	incident_mark(i, MARK_DECIDED, sent_wall_ms != 0 ? sent_wall_ms : at_wall_ms);
	incident_mark(i, MARK_COMMITTED, at_wall_ms);
	i->committed_epoch = epoch;
	incident_mark(i, MARK_ENDED, at_wall_ms);
}

void
incident_full(struct incident *i, uint64_t into, int64_t at_wall_ms)
{
	assert(i->state == INCIDENT_REACHED);
	incident_mark(i, MARK_FULL, at_wall_ms);
	i->into = into;
	i->state = INCIDENT_OVER;
}

void
incident_absorb(struct incident *run, struct incident *drain)
{
	assert(run->way != RUN_NONE && drain->state == INCIDENT_REACHED);
	drain->state = INCIDENT_ABSORBED;
	drain->into = run->id;
	for (int m = MARK_FAULT; m <= MARK_ANSWERED; m++)
		if (drain->mark_wall_ms[m] != 0)
			run->mark_wall_ms[m] = drain->mark_wall_ms[m];
	run->committed_epoch = drain->committed_epoch;
	if (drain->last_wall_ms > run->last_wall_ms)
		run->last_wall_ms = drain->last_wall_ms;
}

/* ---- what people and facts add ---- */

void
incident_say(struct incident *i, enum slot slot, const char *text, bool wrong)
{
	struct incident_step *s = newest_of(i, slot);

	if (s == NULL || (s->warned && !wrong))
		return;
	copy_text(s->text, sizeof s->text, text);
	s->warned |= wrong;
}

#define LATE_MS 5000

static struct incident_step *
newest_asked(struct incident *i)
{
	for (uint32_t n = i->steps; n-- > 0;)
		if (i->step[n].asked)
			return &i->step[n];
	return newest(i);
}

/* The step that a word is about. A peer's may come a second after the version that it
 * led to: then the step before, which waited for somebody, is meant. */
static struct incident_step *
meant(struct incident *i, const char *word, int64_t at)
{
	struct incident_step *s = newest(i);

	if (strcmp(word, "approve") == 0)
		return newest_asked(i);
	if (strcmp(word, "abort") == 0)
		return s;
	if (strcmp(word, "skip") != 0 && strcmp(word, "retry") != 0)
		return NULL;
	if (i->steps > 1 && is_people(s[-1].state) && s[-1].outcome != ENDED_ABORTED &&
	    at - s[-1].ended_wall_ms < LATE_MS)
		return s - 1;
	return s;
}

void
incident_order(struct incident *i, const struct incident_order *o)
{
	/* What began it was said before. */
	bool before = o->at_wall_ms <= i->mark_wall_ms[MARK_DECIDED];
	int64_t at = before ? i->last_wall_ms : stamp(i, o->at_wall_ms);
	struct incident_step *s = meant(i, o->word, at);

	if (i->orders == INCIDENT_ORDERS_MAX) {
		memmove(i->order + 1, i->order + 2,
		    (INCIDENT_ORDERS_MAX - 2) * sizeof i->order[0]);
		i->orders--;
	}
	struct incident_order *mine = &i->order[i->orders++];
	*mine = *o;
	mine->at_wall_ms = before ? o->at_wall_ms : at;
	if (s == NULL)
		return;
	mine->slot = s->slot;
	if (strcmp(o->word, "skip") != 0)
		return;
	s->skip = true;
	if (s->outcome == ENDED_PASSED || s->outcome == ENDED_DONE)
		s->outcome = ENDED_SKIPPED;
}

void
incident_refused(struct incident *i)
{
	struct incident_step *s = newest(i);

	if (i->orders == 0)
		return;
	i->order[i->orders - 1].refused = true;
	if (s != NULL && strcmp(i->order[i->orders - 1].word, "skip") == 0)
		s->skip = false;
}
