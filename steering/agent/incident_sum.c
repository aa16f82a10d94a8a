/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an incident comes to: its recovery time and loss, where the time went, and
 * whether its marks can be believed at all.
 *
 * The recovery time ends when every name server answers and the TTL has passed, for
 * before that some resolver may still send people to the old site; without a repoint
 * (multi-site) also not before the run is over, for then the writer is cut over last.
 */
#include "steering/agent/incident.h"

#include <stdio.h>
#include <string.h>

const char *
incident_state_word(enum incident_state s)
{
	static const char *const word[INCIDENT_STATES] = {
	    [INCIDENT_FAULT] = "fault",
	    [INCIDENT_RUNS] = "runs",
	    [INCIDENT_REACHED] = "reached",
	    [INCIDENT_OVER] = "over",
	    [INCIDENT_ABORTED] = "aborted",
	    [INCIDENT_WITHDRAWN] = "withdrawn",
	    [INCIDENT_ABSORBED] = "absorbed",
	};

	return word[s];
}

const char *
incident_mark_word(enum incident_mark m)
{
	static const char *const word[MARKS] = {
	    [MARK_FAULT] = "fault",
	    [MARK_DETECTED] = "detected",
	    [MARK_DECIDED] = "decided",
	    [MARK_COMMITTED] = "committed",
	    [MARK_INSYNC] = "insync",
	    [MARK_ANSWERED] = "answered",
	    [MARK_ENDED] = "ended",
	    [MARK_FULL] = "full_service",
	};

	return word[m];
}

const char *
step_outcome_word(enum step_outcome o)
{
	static const char *const word[STEP_OUTCOMES] = {
	    [ENDED_NOT] = "begun",
	    [ENDED_DONE] = "done",
	    [ENDED_PASSED] = "passed",
	    [ENDED_FAILED] = "failed",
	    [ENDED_SKIPPED] = "skipped",
	    [ENDED_ABORTED] = "aborted",
	};

	return word[o];
}

const char *
incident_name(const struct incident *i, char out[INCIDENT_NAME_MAX])
{
	const char *of =
	    i->scenario[0] != '\0' && i->way != RUN_NONE ? i->scenario : i->service;

	(void)snprintf(out, INCIDENT_NAME_MAX, "%s%s/%llu", of,
	    i->way == RUN_DRILL ? "-drill" : "", (unsigned long long)i->id);
	return out;
}

const char *
incident_span(uint64_t ms, char out[INCIDENT_SPAN_MAX])
{
	unsigned long long s = ms / 1000, m = s / 60, h = m / 60;

	if (ms < 60000)
		(void)snprintf(
		    out, INCIDENT_SPAN_MAX, "%llu.%us", s, (unsigned)(ms % 1000 / 100));
	else if (m < 60)
		(void)snprintf(out, INCIDENT_SPAN_MAX, "%llum%02llus", m, s % 60);
	else if (h < 48)
		(void)snprintf(out, INCIDENT_SPAN_MAX, "%lluh%02llum", h, m % 60);
	else
		(void)snprintf(out, INCIDENT_SPAN_MAX, "%llud%02lluh", h / 24, h % 24);
	return out;
}

/* ---- is it sound? ---- */

/* Each of a chain that was passed not before the one in front of it. */
static bool
in_order(
    const struct incident *i, const enum incident_mark *chain, size_t n, struct err *e)
{
	int64_t before = 0;

	for (size_t k = 0; k < n; k++) {
		int64_t at = i->mark_wall_ms[chain[k]];

		if (at == 0)
			continue;
		if (at < before || at > i->last_wall_ms)
			return err_set(e, "its mark %s is out of order",
			    incident_mark_word(chain[k]));
		before = at;
	}
	return true;
}

static bool
needs(const struct incident *i, enum incident_mark m, enum incident_mark first,
    struct err *e)
{
	return i->mark_wall_ms[m] == 0 || i->mark_wall_ms[first] != 0 ||
	    err_set(e, "it has a mark %s and none %s", incident_mark_word(m),
		incident_mark_word(first));
}

static bool
has_repoint(const struct incident *i)
{
	for (uint32_t n = 0; n < i->plan_steps; n++)
		if (i->plan[n] == SLOT_REPOINT)
			return true;
	return i->way == RUN_NONE;
}

static bool
marks_sound(const struct incident *i, struct err *e)
{
	static const enum incident_mark way[] = {MARK_FAULT, MARK_DETECTED,
	    MARK_DECIDED, MARK_COMMITTED, MARK_INSYNC, MARK_ANSWERED};
	static const enum incident_mark end[] = {MARK_DECIDED, MARK_ENDED, MARK_FULL};
	static const enum incident_mark full[] = {MARK_COMMITTED, MARK_FULL};
	bool ended = i->state != INCIDENT_FAULT && i->state != INCIDENT_RUNS;

	if (!in_order(i, way, 6, e) || !in_order(i, end, 3, e) ||
	    !in_order(i, full, 2, e) || !needs(i, MARK_COMMITTED, MARK_DECIDED, e) ||
	    !needs(i, MARK_INSYNC, MARK_COMMITTED, e) ||
	    !needs(i, MARK_ANSWERED, MARK_COMMITTED, e) ||
	    !needs(i, MARK_FULL, MARK_ENDED, e))
		return false;
	if ((i->id != 0) != (i->state != INCIDENT_FAULT) ||
	    (i->id != 0) != (i->mark_wall_ms[MARK_DECIDED] != 0))
		return err_set(e, "its number, its state and its beginning disagree");
	if (ended != (i->mark_wall_ms[MARK_ENDED] != 0))
		return err_set(e, "it is %s, and its mark ended says otherwise",
		    incident_state_word(i->state));
	if (i->state == INCIDENT_REACHED && has_repoint(i) &&
	    i->mark_wall_ms[MARK_COMMITTED] == 0)
		return err_set(e, "it is reached without a mark committed");
	return true;
}

static bool
step_sound(const struct incident *i, uint32_t n, int64_t *before, struct err *e)
{
	const struct incident_step *s = &i->step[n];
	bool open = s->outcome == ENDED_NOT;
	const int64_t at[] = {s->begun_wall_ms, s->started_wall_ms, s->ended_wall_ms};

	if (open && (n + 1 < i->steps || i->state != INCIDENT_RUNS))
		return err_set(e, "its step %s never ended", slot_word(s->slot));
	for (size_t k = 0; k < 3; k++) {
		if (at[k] != 0 && (at[k] < *before || at[k] > i->last_wall_ms))
			return err_set(
			    e, "its step %s is out of order", slot_word(s->slot));
		if (at[k] != 0)
			*before = at[k];
	}
	return true;
}

bool
incident_sound(const struct incident *i, struct err *e)
{
	int64_t before = 0;

	if (!marks_sound(i, e))
		return false;
	for (uint32_t n = 0; n < i->steps; n++)
		if (!step_sound(i, n, &before, e))
			return false;
	return true;
}

/* ---- sums ---- */

uint64_t
incident_step_ms(const struct incident_step *s, int64_t now_wall_ms)
{
	int64_t end = s->ended_wall_ms;
	uint64_t people = s->people_ms;

	if (s->begun_wall_ms == 0)
		return 0;
	if (s->outcome == ENDED_NOT) {
		end = now_wall_ms;
		if (s->state == RUN_ASKS || s->state == RUN_FAILED)
			end = s->state_wall_ms;
	}
	int64_t all = end - s->begun_wall_ms;
	return all > (int64_t)people ? (uint64_t)all - people : 0;
}

uint64_t
incident_people_ms(const struct incident_step *s, int64_t now_wall_ms)
{
	bool waits = s->outcome == ENDED_NOT &&
	    (s->state == RUN_ASKS || s->state == RUN_FAILED) &&
	    now_wall_ms > s->state_wall_ms;

	return s->people_ms + (waits ? (uint64_t)(now_wall_ms - s->state_wall_ms) : 0);
}

static void
sum_steps(const struct incident *i, int64_t now_wall_ms, struct incident_sums *s)
{
	uint64_t most = 0;

	for (uint32_t n = 0; n < i->steps; n++) {
		uint64_t works = incident_step_ms(&i->step[n], now_wall_ms);
		uint64_t waits = incident_people_ms(&i->step[n], now_wall_ms);

		if (works > s->bottleneck_ms && i->step[n].slot != SLOT_BEGIN) {
			s->bottleneck_ms = works;
			s->bottleneck = (int32_t)n;
		}
		s->people_ms += waits;
		if (waits > most) {
			most = waits;
			s->people_step = (int32_t)n;
		}
	}
}

/* When writing was stopped at the side that was left: its last attempt began. */
static int64_t
frozen_wall_ms(const struct incident *i)
{
	for (uint32_t n = 0; n < i->steps; n++)
		if (i->step[n].slot == SLOT_FREEZE && !i->step[n].undo)
			return i->step[n].started_wall_ms;
	return 0;
}

/* When the other side accepted writes again; 0: nothing of the plan opens one. False:
 * not yet, or not seen here. */
static bool
opened_wall_ms(const struct incident *i, int64_t *at)
{
	*at = 0;
	for (uint32_t n = 0; n < i->plan_steps; n++)
		if (scenario_opens((enum slot)i->plan[n]))
			*at = -1;
	for (uint32_t n = 0; n < i->steps; n++)
		if (scenario_opens(i->step[n].slot) && !i->step[n].undo &&
		    i->step[n].ended_wall_ms != 0)
			*at = i->step[n].ended_wall_ms;
	return *at >= 0;
}

static void
sum_basis(const struct incident *i, int64_t frozen, struct incident_sums *s)
{
	s->basis = BASIS_DECIDED;
	s->basis_wall_ms = i->mark_wall_ms[MARK_DECIDED];
	if (i->mark_wall_ms[MARK_FAULT] != 0) {
		s->basis = BASIS_FAULT;
		s->basis_wall_ms = i->mark_wall_ms[MARK_FAULT];
	} else if (frozen != 0) {
		s->basis = BASIS_FREEZE;
		s->basis_wall_ms = frozen;
	}
}

static uint32_t
missing(const struct incident *i)
{
	static const enum incident_mark must[] = {MARK_INSYNC, MARK_COMMITTED};
	uint32_t bits = 0;
	bool drain = i->way == RUN_NONE;

	for (size_t k = 0; k < 2; k++)
		if (i->mark_wall_ms[must[k]] == 0 &&
		    i->mark_wall_ms[MARK_ANSWERED] != 0)
			bits |= 1u << must[k];
	if (i->mark_wall_ms[MARK_DETECTED] != 0 && i->mark_wall_ms[MARK_FAULT] == 0)
		bits |= 1u << MARK_FAULT;
	if (i->mark_wall_ms[MARK_ENDED] != 0 && has_repoint(i) && !drain &&
	    i->state != INCIDENT_ABORTED && i->state != INCIDENT_WITHDRAWN &&
	    i->mark_wall_ms[MARK_COMMITTED] == 0)
		bits |= 1u << MARK_COMMITTED;
	if (i->mark_wall_ms[MARK_ENDED] != 0 && i->mark_wall_ms[MARK_COMMITTED] != 0 &&
	    i->mark_wall_ms[MARK_ANSWERED] == 0)
		bits |= 1u << MARK_ANSWERED;
	return bits;
}

void
incident_sum(const struct incident *i, int64_t now_wall_ms, struct incident_sums *s)
{
	int64_t frozen = i->way == RUN_FAILOVER ? 0 : frozen_wall_ms(i);
	int64_t answered = i->mark_wall_ms[MARK_ANSWERED], end = 0, opened;

	*s = (struct incident_sums){.bottleneck = -1, .people_step = -1};
	sum_steps(i, now_wall_ms, s);
	sum_basis(i, frozen, s);
	s->missing = missing(i);
	if (answered == 0)
		return;
	s->ttl_wall_ms = end = answered + (int64_t)i->ttl_s * 1000;
	if (frozen != 0 && opened_wall_ms(i, &opened)) {
		s->interrupted = true;
		s->interruption_ms =
		    (uint64_t)((opened > answered ? opened : answered) - frozen);
	}
	if (!has_repoint(i)) {
		int64_t ended = i->mark_wall_ms[MARK_ENDED];

		if (ended == 0)
			return;
		end = ended > end ? ended : end;
	}
	s->rto_known = s->basis_wall_ms != 0 && end >= s->basis_wall_ms;
	s->rto_ms = s->rto_known ? (uint64_t)(end - s->basis_wall_ms) : 0;
}

bool
incident_open(const struct incident *i)
{
	return i->state == INCIDENT_RUNS || i->state == INCIDENT_REACHED;
}

int
incident_judge(const struct incident *i, int64_t now_wall_ms)
{
	struct incident_sums s;

	incident_sum(i, now_wall_ms, &s);
	if (i->state == INCIDENT_FAULT || i->state == INCIDENT_RUNS ||
	    i->state == INCIDENT_ABORTED)
		return 1;
	if (i->state == INCIDENT_WITHDRAWN)
		return i->rto_ms != 0 &&
		    i->mark_wall_ms[MARK_ENDED] - s.basis_wall_ms > (int64_t)i->rto_ms;
	if (i->rto_ms != 0 && (!s.rto_known || s.rto_ms > i->rto_ms))
		return 1;
	if (i->rpo_ms != 0 && i->lag_asked && (!i->lag_known || i->lag_ms > i->rpo_ms))
		return 1;
	return 0;
}
