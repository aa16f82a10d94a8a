/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine: one look at the ledger and the world, one thing to do.
 *
 * Nothing is remembered here. What the run has done stands in the ledger; what this
 * agent has in hand comes in with the question. So a takeover, a restart and an ordinary
 * step are one and the same: look, and do what is next. Doubt is dear: what is not known
 * to have failed counts as done where that closes a door, and as not done where it would
 * open one.
 */
#include "steering/core/scenario_parts.h"

#define UNKNOWN_EXTRA 3 /* attempts beyond the retries, after unknown outcomes */
#define REST_S_MAX 30

const char *
look_name(const struct look *k, uint32_t member)
{
	return k->in->rule->member[member].name;
}

static uint32_t
side_of(const struct look *k, uint32_t member)
{
	return member == k->rule->primary ? SIDE_PRIMARY : SIDE_RECOVERY;
}

enum verdict
look_verdict(const struct look *k, uint32_t member)
{
	return k->in->quorum[member].verdict;
}

static void
wait_verdict(struct look *k, uint32_t member)
{
	const struct quorum_view *q = &k->in->quorum[member];

	wait_for(k, WAIT_VERDICT,
	    "waits until %s is UP: it is %s by quorum (%u UP, %u DOWN of %u)",
	    look_name(k, member), verdict_word(q->verdict), (unsigned)q->up,
	    (unsigned)q->down, (unsigned)k->in->rule->agents);
}

/* ---- writes ---- */

struct ledger_run *
look_write(struct look *k, enum run_state state)
{
	struct ledger_run *r = &k->move->run;

	k->move->what = SCENARIO_WRITE;
	k->move->wait = WAIT_NOTHING;
	r->state = state;
	r->since_wall_s = k->in->now_wall_s;
	return r;
}

static void
write_end(struct look *k)
{
	bool undone = k->run->aborting && k->run->way == RUN_FAILOVER &&
	    look_verdict(k, k->rule->primary) != VERDICT_UP;

	k->move->what = SCENARIO_WRITE;
	k->move->wait = WAIT_NOTHING;
	k->move->rests = undone;
	k->move->undone = k->run->aborting;
	k->move->holder = 0;
	k->move->run = (struct ledger_run){0};
}

/* Where no slot opens {to}: once the other is closed, it is what is open. */
static void
opens_itself(struct look *k)
{
	for (uint32_t i = 0; i < k->plan.steps; i++)
		if (scenario_opens((enum slot)k->plan.slot[i]))
			return;
	if (!k->run->aborting && (k->move->open & side_of(k, k->plan.from)) == 0)
		k->move->open |= side_of(k, k->plan.to);
}

static void
write_next(struct look *k)
{
	struct ledger_run *r = look_write(k, RUN_GATE);

	r->tries = 0;
	r->step++;
	if (r->step < k->plan.steps)
		return;
	opens_itself(k);
	write_end(k);
}

/* The step has done its work. */
static void
write_done(struct look *k)
{
	if (scenario_closes(k->slot))
		k->move->open &= ~side_of(k, k->plan.from);
	if (scenario_opens(k->slot))
		k->move->open |= side_of(k, k->plan.to);
	write_next(k);
}

static void
write_points(struct look *k, enum scenario_points points)
{
	if (points == POINTS_MOVE)
		opens_itself(k);
	k->move->points = points;
	k->move->fence = scenario_next_fence(k->in->ledger);
	write_next(k);
}

/* ---- attempts ---- */

static bool
rests(struct look *k)
{
	int64_t rest_s = 0;

	for (uint32_t i = 1; i < k->run->tries && rest_s < REST_S_MAX; i++)
		rest_s = rest_s * 2 + 2;
	if (rest_s > REST_S_MAX)
		rest_s = REST_S_MAX;
	if (k->run->state == RUN_APPROVED ||
	    k->in->now_wall_s - k->run->since_wall_s >= rest_s)
		return false;
	wait_for(k, WAIT_REST, "attempt %u failed: the next is made in %lld s",
	    (unsigned)k->run->tries,
	    (long long)(k->run->since_wall_s + rest_s - k->in->now_wall_s));
	return true;
}

/* Multi-site: the first act that cannot be taken back. Is {from} still out? */
static bool
came_back(struct look *k)
{
	bool first = k->rule->kind == SCENARIO_MULTI_SITE &&
	    k->run->way == RUN_FAILOVER && !k->run->aborting &&
	    !scenario_moves(k->in->rule, k->in->ledger);

	if (!first || k->in->ledger->member[k->plan.from].out)
		return false;
	if (look_verdict(k, k->plan.from) == VERDICT_UP) {
		write_end(k);
		return true;
	}
	wait_for(k, WAIT_STEERING,
	    "waits until steering has taken %s out: it is %s and in",
	    look_name(k, k->plan.from), verdict_word(look_verdict(k, k->plan.from)));
	return true;
}

static void
start(struct look *k)
{
	struct ledger_run *r;
	bool opens = scenario_opens(k->slot);
	bool other = (ledger_sides(k->in->ledger) & side_of(k, k->plan.from)) != 0;

	if ((opens || scenario_closes(k->slot)) && k->run->tries == 0 && came_back(k))
		return;
	if (NEEDED(gate_side, opens && other) && k->run->tries == 0 &&
	    k->run->state != RUN_APPROVED) {
		(void)look_write(k, RUN_ASKS);
		return;
	}
	if (k->in->frozen) {
		wait_for(k, WAIT_FREEZE,
		    "an operator froze the service: waits for unfreeze");
		return;
	}
	if (rests(k))
		return;
	r = look_write(k, RUN_STARTED);
	r->tries++;
	k->move->arms = true;
	k->move->fence = scenario_next_fence(k->in->ledger);
	if (opens)
		k->move->open |= side_of(k, k->plan.to);
}

/* ---- gates ---- */

/* A gate that is not passed in its time fails. */
static void
give_up(struct look *k)
{
	int64_t limit_s = (int64_t)((k->step->timeout_ms + 999) / 1000);

	if (limit_s != 0 && k->in->now_wall_s - k->run->since_wall_s > limit_s)
		(void)look_write(k, RUN_FAILED);
}

static void
gate_verdict(struct look *k, uint32_t member)
{
	if (NEEDED(gate_ready, look_verdict(k, member) != VERDICT_UP)) {
		wait_verdict(k, member);
		give_up(k);
		return;
	}
	write_next(k);
}

static void
gate_lag(struct look *k, uint64_t limit_ms, bool fully)
{
	const struct scenario_in *in = k->in;
	bool behind = fully ? NEEDED(gate_lag_fully, in->lag_ms > limit_ms)
			    : NEEDED(gate_lag, in->lag_ms > limit_ms);

	if (!k->rule->has_lag) {
		(void)look_write(k, RUN_ASKS);
		return;
	}
	if (!in->lag_known) {
		wait_for(k, WAIT_LAG_UNKNOWN,
		    "waits for a lag that is measured from now on: none is known yet");
		give_up(k);
	} else if (behind) {
		wait_for(k, WAIT_LAG,
		    "waits until %s has caught up: the lag is %llu.%03llu s, "
		    "and %llu.%03llu s is the limit",
		    look_name(k, k->plan.to), (unsigned long long)in->lag_ms / 1000,
		    (unsigned long long)in->lag_ms % 1000,
		    (unsigned long long)limit_ms / 1000,
		    (unsigned long long)limit_ms % 1000);
		give_up(k);
	} else {
		write_next(k);
	}
}

static void
gate_time(struct look *k)
{
	int64_t wait_s = (int64_t)((k->step->wait_ms + 999) / 1000);
	int64_t gone_s = k->in->now_wall_s - k->run->since_wall_s;

	if (gone_s >= wait_s)
		write_next(k);
	else
		wait_for(k, WAIT_TIME, "waits for %lld s more",
		    (long long)(wait_s - gone_s));
}

/* Whatever its verdict, is there a reason that it cannot answer? */
static bool
is_barred(struct look *k, uint32_t target)
{
	const struct scenario_in *in = k->in;

	if (!policy_can_answer(in->rule, target))
		wait_for(k, WAIT_STEERING,
		    "%s has the weight 0: it would answer nobody; give it one",
		    look_name(k, target));
	else if (target == k->rule->recovery &&
	    scenario_held_out(in->rule, in->ledger, in->now_wall_s))
		wait_for(k, WAIT_STEERING, "an operator holds %s out: undrain it",
		    look_name(k, target));
	else
		return false;
	return true;
}

static void
gate_repoint(struct look *k)
{
	bool back = k->run->step == k->plan.back;
	uint32_t target = back ? k->plan.from : k->plan.to;

	if (is_barred(k, target)) {
		give_up(k);
		return;
	}
	if (NEEDED(gate_ready, look_verdict(k, target) != VERDICT_UP)) {
		wait_verdict(k, target);
		give_up(k);
		return;
	}
	write_points(k, back ? POINTS_BACK : POINTS_MOVE);
}

/* Steering takes a site out that is down; one that is not is taken out by the run. */
static void
gate_reweight(struct look *k)
{
	if (k->in->ledger->member[k->plan.from].out)
		write_next(k);
	else if (look_verdict(k, k->plan.from) == VERDICT_DOWN &&
	    !scenario_moves(k->in->rule, k->in->ledger))
		wait_for(k, WAIT_STEERING,
		    "waits until steering has taken %s out: it is DOWN and in",
		    look_name(k, k->plan.from));
	else if (is_barred(k, k->plan.to))
		return;
	else if (NEEDED(gate_ready, look_verdict(k, k->plan.to) != VERDICT_UP))
		wait_verdict(k, k->plan.to);
	else
		write_points(k, POINTS_REWEIGHT);
}

static void
gate_filled(struct look *k)
{
	switch (k->step->fill) {
	case FILL_ACT:
		start(k);
		return;
	case FILL_HEALTHY:
		gate_verdict(k, scenario_site(&k->plan, k->slot));
		return;
	case FILL_LAG:
		gate_lag(k, k->step->wait_ms, false);
		return;
	case FILL_TIME:
		gate_time(k);
		return;
	case FILL_EMPTY:
	case FILL_NOTHING:
		if (k->slot == SLOT_READY) {
			gate_verdict(k, k->plan.to);
			return;
		}
		break;
	case FILL_APPROVE:
		break;
	}
	(void)look_write(k, RUN_ASKS);
}

static void
at_gate(struct look *k)
{
	if (k->in->frozen && k->slot != SLOT_BEGIN) {
		wait_for(k, WAIT_FREEZE,
		    "an operator froze the service: waits for unfreeze");
		return;
	}
	if (k->slot == SLOT_BEGIN)
		(void)look_write(k, RUN_ASKS);
	else if (k->slot == SLOT_REWEIGHT)
		gate_reweight(k);
	else if (k->slot == SLOT_REPOINT)
		gate_repoint(k);
	else if (k->slot == SLOT_CAUGHT_UP)
		gate_lag(k, k->rule->catch_up_ms, false);
	else if (k->slot == SLOT_CAUGHT_UP_FULLY)
		gate_lag(k, 0, true);
	else
		gate_filled(k);
}

/* ---- asked, and answered ---- */

static void
asks(struct look *k)
{
	char question[152];

	if (k->slot == SLOT_BEGIN && look_verdict(k, k->plan.from) == VERDICT_UP) {
		write_end(k); /* withdrawn: it is well again */
		return;
	}
	scenario_question(k->in->rule, k->in->ledger, question, sizeof question);
	wait_for(k, WAIT_OPERATOR, "asks: %s", question);
}

static void
approved(struct look *k)
{
	if (k->slot == SLOT_BEGIN || k->slot == SLOT_CAUGHT_UP ||
	    k->slot == SLOT_CAUGHT_UP_FULLY)
		write_next(k);
	else if (k->step->fill != FILL_ACT)
		write_done(k);
	else
		start(k);
}

/* ---- under way, and over ---- */

static void
outcome(struct look *k)
{
	switch (k->in->acted) {
	case ACTED_DONE:
		write_done(k);
		return;
	case ACTED_FAILED:
		(void)look_write(
		    k, k->run->tries <= k->step->retries ? RUN_GATE : RUN_FAILED);
		return;
	case ACTED_UNKNOWN:
		(void)look_write(k, RUN_UNKNOWN);
		return;
	}
}

static void
started(struct look *k)
{
	const struct scenario_in *in = k->in;
	uint64_t fence = in->ledger->fence;

	if (in->acting == fence) {
		wait_for(k, WAIT_ACT, "under way (attempt %u, fence %llu)",
		    (unsigned)k->run->tries, (unsigned long long)fence);
	} else if (in->acted_fence == fence) {
		outcome(k);
	} else if (in->armed != fence) {
		(void)look_write(k, RUN_UNKNOWN);
	} else if (NEEDED(scenario_gap, in->armed_old)) {
		(void)look_write(k, RUN_GATE); /* nothing was started */
	} else {
		k->move->what = SCENARIO_START;
	}
}

/* The step whose act may still be under way: the one in hand, or that of the run which is
 * undone. */
static const struct rule_step *
late_step(const struct look *k)
{
	struct ledger_run was = *k->run;
	struct scenario_plan plan;

	if (!k->run->aborting || k->run->tries > 0)
		return k->step;
	was.aborting = false;
	scenario_plan(k->rule, &was, &plan);
	if (was.aborted < 1 || was.aborted > plan.steps)
		return k->step; /* nothing of ours wrote that */
	return &k->rule->step[plan.slot[was.aborted - 1]];
}

static void
unknown(struct look *k)
{
	const struct rule_step *late = late_step(k);
	int64_t gone_s = k->in->now_wall_s - k->run->since_wall_s;
	bool undoes = k->run->aborting && k->run->tries == 0;
	bool opens = scenario_opens(k->slot) && !k->step->fenced;

	if ((undoes || opens) && !late->aws) {
		(void)look_write(k, RUN_ASKS);
	} else if ((undoes || opens) &&
	    NEEDED(scenario_late, gone_s < SCENARIO_LATE_S)) {
		wait_for(k, WAIT_LATE,
		    "the outcome is unknown, and a late copy of the call may arrive for %lld s "
		    "more: waits",
		    (long long)(SCENARIO_LATE_S - gone_s));
	} else if (undoes) {
		(void)look_write(k, RUN_GATE);
	} else if (k->slot != SLOT_FREEZE &&
	    (k->step->once || k->run->tries > k->step->retries + UNKNOWN_EXTRA)) {
		(void)look_write(k, RUN_FAILED);
	} else {
		start(k);
	}
}

static void
failed(struct look *k)
{
	if (k->step->go_on && !scenario_opens(k->slot) && !scenario_closes(k->slot)) {
		write_next(k);
		return;
	}
	if (k->run->tries == 0)
		wait_for(k, WAIT_OPERATOR,
		    "was not passed in its time, say: pointsman retry, skip or abort %s",
		    k->rule->name);
	else
		wait_for(k, WAIT_OPERATOR,
		    "failed after %u attempts, say: pointsman retry, skip or abort %s",
		    (unsigned)k->run->tries, k->rule->name);
}

void
look_step(struct look *k)
{
	bool old = k->in->acting != 0 &&
	    (k->run->state != RUN_STARTED || k->in->acting != k->in->ledger->fence);

	if (old) {
		wait_for(k, WAIT_OLD_ACT,
		    "waits until the act with fence %llu has ended",
		    (unsigned long long)k->in->acting);
		return;
	}
	if (k->slot == SLOT_NONE) {
		write_end(k);
		return;
	}
	switch (k->run->state) {
	case RUN_GATE:
		at_gate(k);
		return;
	case RUN_ASKS:
		asks(k);
		return;
	case RUN_APPROVED:
		approved(k);
		return;
	case RUN_STARTED:
		started(k);
		return;
	case RUN_UNKNOWN:
		unknown(k);
		return;
	case RUN_FAILED:
		failed(k);
		return;
	case RUN_STATES:
		break;
	}
}
