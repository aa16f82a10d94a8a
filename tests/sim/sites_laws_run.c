/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 16 at each commit: what a run's next version may be. See sites_laws.c. */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

#define SLACK_MS (2 * SECOND)

static const struct rule_scenario *
plan_of(const struct world *w)
{
	return &w->file[0].rule.plan;
}

static bool
is_database(const struct world *w)
{
	return w->sites->database && !plan_of(w)->shadow;
}

static uint32_t
bit_of(const struct world *w, uint32_t m)
{
	return m == plan_of(w)->primary ? SIDE_PRIMARY
	    : m == plan_of(w)->recovery ? SIDE_RECOVERY
					: 0;
}

/* ---- commits ---- */

/* Did this attempt, or an earlier one of the step, end well, as its shell told? */
static bool
was_done(const struct world *w, uint64_t run, enum slot slot)
{
	const struct sites *s = w->sites;

	for (uint32_t i = s->acts; i > 0; i--) {
		const struct site_act *x = &s->act[i - 1];

		if (x->act.run != run)
			return false;
		if (x->act.slot == slot && x->answered && x->acted == ACTED_DONE)
			return true;
	}
	return false;
}

static uint32_t
told_up(const struct world *w, uint32_t m)
{
	/* a report may be as old as it may be, and a change takes its time */
	uint64_t age_ms =
	    w->file[0].rule.fresh_ms + w->conf.kill_ms + w->faults.slow_ms + SLACK_MS;
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->agents; i++)
		n += w->sites->told_up_ms[i][m] != 0 &&
		    w->sites->told_up_ms[i][m] + age_ms >= w->now_ms;
	return n;
}

/* An operator says that he has done it. At a lost site nothing opens: later runs take him
 * by his word that it may be open, whatever is closed there. */
static void
by_hand(struct world *w, const struct scenario_plan *plan, enum slot slot)
{
	uint32_t site = scenario_site(plan, slot);
	struct site_side *side = &w->sites->side[site];

	if (!side->dead || scenario_closes(slot))
		sites_perform(w, slot, plan->from, plan->to, site);
	else if (scenario_opens(slot))
		side->owed = !side->open;
}

static void
check_passed(struct world *w, const struct ledger *old, enum slot slot,
    const struct scenario_plan *plan)
{
	const struct rule_step *step = &plan_of(w)->step[slot];

	if (slot == SLOT_READY && step->fill != FILL_ACT &&
	    told_up(w, plan->to) < law_quorum(&w->file[0].rule))
		world_broken(w, 16, "%s is held for ready on the word of %u",
		    w->file[0].rule.member[plan->to].name,
		    (unsigned)told_up(w, plan->to));
	if (step->fill == FILL_ACT && !step->go_on && !was_done(w, old->run.id, slot))
		world_broken(w, 16, "the step %s is passed over (%s)", slot_word(slot),
		    run_state_word(old->run.state));
	if (step->fill == FILL_APPROVE && old->run.state == RUN_APPROVED)
		by_hand(w, plan, slot);
}

/* It may end before its last step when it was withdrawn: nothing was opened or closed. */
static void
check_withdrawn(struct world *w, const struct ledger *old)
{
	const struct sites *s = w->sites;

	for (uint32_t i = s->acts; i > 0; i--) {
		const struct site_act *x = &s->act[i - 1];

		if (x->act.run == old->run.id &&
		    (scenario_opens(x->act.slot) || scenario_closes(x->act.slot)))
			world_broken(w, 16, "the run ends at step %u, after %s",
			    (unsigned)old->run.step, slot_word(x->act.slot));
	}
	say_line(w, "the run is withdrawn");
}

/* From one version of a run to the next. */
static void
check_progress(struct world *w, const struct ledger *old, const struct ledger *next,
    const struct intent *intent)
{
	struct scenario_plan plan;

	if (next->fence < old->fence)
		world_broken(w, 16, "the ledger's fence sinks");
	bool goes_on = next->run.id == old->run.id;
	if (old->run.id == 0 || intent->kind == INTENT_ORDER ||
	    (goes_on && next->run.aborting != old->run.aborting))
		return;
	if (intent->kind != INTENT_SCENARIO) {
		if (memcmp(&old->run, &next->run, sizeof old->run) != 0)
			world_broken(
			    w, 16, "a %s moves the run", intent_word(intent->kind));
		return;
	}
	if (next->writer != (goes_on ? next->lock_holder : old->lock_holder))
		world_broken(w, 16, "a run is moved by who does not hold the lock");
	scenario_plan(plan_of(w), &old->run, &plan);
	if (goes_on && next->run.step < old->run.step)
		world_broken(w, 16, "the run goes back from step %u to %u",
		    (unsigned)old->run.step, (unsigned)next->run.step);
	if (!goes_on && old->run.step + 1 < plan.steps) {
		check_withdrawn(w, old);
		return;
	}
	uint32_t upto = goes_on ? next->run.step : plan.steps;
	for (uint32_t i = old->run.step; i < upto; i++)
		check_passed(w, old, (enum slot)plan.slot[i], &plan);
}

static void
check_takeover(struct world *w, const struct ledger *old, const struct ledger *next)
{
	const struct rule_scenario *rule = plan_of(w);
	uint64_t age_ms = w->file[0].rule.fresh_ms + 2 * w->conf.kill_ms + SLACK_MS;
	struct scenario_plan plan;
	uint32_t n = 0;

	if (old->lock_holder == 0 || next->lock_holder == 0 ||
	    old->lock_holder == next->lock_holder || old->run.id != next->run.id)
		return;
	w->sites->taken_over++;
	if (next->lock_holder != next->writer)
		world_broken(w, 16, "a lock is given away");
	for (uint32_t i = 0; i < w->agents; i++)
		n += w->sites->told_lost_ms[i] != 0 &&
		    w->now_ms - w->sites->told_lost_ms[i] <= age_ms;
	if (n < law_quorum(&w->file[0].rule))
		world_broken(w, 16, "the lock is taken over, and %u say it is lost",
		    (unsigned)n);
	scenario_plan(rule, &old->run, &plan);
	if (old->run.state != RUN_STARTED || old->run.step >= plan.steps)
		return;
	uint64_t need_ms = rule->step[plan.slot[old->run.step]].timeout_ms;
	uint64_t since_ms = (uint64_t)(old->run.since_wall_s - WORLD_WALL) * 1000;
	if (w->now_ms + 2 * SLACK_MS < since_ms + need_ms)
		world_broken(w, 16, "the lock is taken over while %s may be under way",
		    slot_word((enum slot)plan.slot[old->run.step]));
	if (next->run.state == RUN_STARTED)
		world_broken(w, 16, "who takes over cannot know that it was started");
}

static void
check_repoint(struct world *w, const struct ledger *old, const struct ledger *next,
    const struct intent *intent)
{
	struct scenario_plan plan;

	if (intent->kind != INTENT_SCENARIO || !intent->records || old->run.id == 0)
		return;
	scenario_plan(plan_of(w), &old->run, &plan);
	uint32_t to = old->run.step == plan.back ? plan.from : plan.to;
	w->sites->repoints++;
	say_line(w, "REPOINT to %s", w->file[0].rule.member[to].name);
	if (told_up(w, to) < law_quorum(&w->file[0].rule))
		world_broken(w, 16, "repointed to %s on the word of %u",
		    w->file[0].rule.member[to].name, (unsigned)told_up(w, to));
	if (!w->sites->excused && is_database(w) && !w->sites->blurred &&
	    old->run.way == RUN_FAILOVER && plan.slot[old->run.step] == SLOT_REPOINT &&
	    !(ledger_sides(next) & bit_of(w, to)))
		world_broken(w, 16, "repointed to %s, which was never opened",
		    w->file[0].rule.member[to].name);
}

static void
check_mover(struct world *w, const struct ledger *old, const struct intent *intent)
{
	if (intent->kind == INTENT_ACTION && scenario_moves(&w->file[0].rule, old))
		world_broken(w, 16, "a %s of a service that its scenario alone moves",
		    action_word(intent->action.kind));
}

/* The run is over: which side is open now? */
static void
check_end(struct world *w, const struct ledger *old)
{
	struct sites *s = w->sites;
	uint32_t p = plan_of(w)->primary, r = plan_of(w)->recovery;

	s->runs_ended++;
	s->runs_aborted += old->run.aborting;
	s->drills += old->run.way == RUN_DRILL;
	say_line(w, "RUN %llu (%s%s) is over", (unsigned long long)old->run.id,
	    run_way_word(old->run.way), old->run.aborting ? ", aborted" : "");
	if (is_database(w) && !s->side[p].open && !s->side[r].open && !s->excused &&
	    !s->side[p].owed && !s->side[r].owed && !s->blurred)
		world_broken(w, 16,
		    "the run is over, both sides are closed, and "
		    "nobody was asked");
	bool cold = plan_of(w)->kind == SCENARIO_BACKUP_RESTORE ||
	    plan_of(w)->kind == SCENARIO_PILOT_LIGHT;
	if (cold && world_weight(w, (char)('a' + r)) == 0) {
		s->side[r].serves = false;
		w->disturbed = true;
	}
}

/* An operator who was asked has looked: nothing late comes of what has no fence, nor of
 * anything where he saw to it that nothing opens a side. */
static void
note_word(struct world *w, const struct ledger *old, enum order_kind kind)
{
	struct sites *s = w->sites;
	struct scenario_plan plan;

	scenario_plan(plan_of(w), &old->run, &plan);
	if (old->run.id == 0 || old->run.step >= plan.steps)
		return;
	enum slot slot = (enum slot)plan.slot[old->run.step];
	if (slot == SLOT_BEGIN ||
	    (kind != ORDER_APPROVE && kind != ORDER_RETRY && kind != ORDER_SKIP))
		return;
	say_line(w, "an operator has spoken of %s (%s)", slot_word(slot),
	    run_state_word(old->run.state));
	s->excused = true;
	for (uint32_t i = 0; i < s->acts; i++)
		s->act[i].over |=
		    !s->act[i].in_hand && (!s->act[i].step.fenced || old->run.aborting);
	uint32_t site = scenario_site(&plan, slot);
	if (scenario_opens(slot) &&
	    (ledger_sides(old) & bit_of(w, site == plan.from ? plan.to : plan.from)))
		s->both_allowed = true;
	/* what is passed over is done by hand, as the refusal of an abort says */
	if (scenario_opens(slot) && kind == ORDER_SKIP)
		by_hand(w, &plan, slot);
}

void
law_run_committed(struct world *w, const struct ledger *old, const struct ledger *next,
    const struct late_change *c)
{
	struct sites *s = w->sites;

	s->sent_ms = c->sent_ms;
	s->sent_by = c->by;
	if (memcmp(&old->run, &next->run, sizeof old->run) != 0)
		s->moved_ms = w->now_ms;
	check_mover(w, old, &c->intent);
	check_progress(w, old, next, &c->intent);
	check_takeover(w, old, next);
	check_repoint(w, old, next, &c->intent);
	if (next->run.id != 0 && next->run.id != old->run.id) {
		if (w->conf.blips_only)
			world_broken(w, 12,
			    "a run begins, though a site fails for less "
			    "than its hold");
		s->excused = false;
		s->both_allowed &= ledger_sides(next) == (SIDE_PRIMARY | SIDE_RECOVERY);
	}
	note_word(w, old, c->order);
	if (old->run.id != 0 && next->run.id == 0)
		check_end(w, old);
	law_sides(w, "a commit");
}

void
law_run_ends(struct world *w, uint64_t limit_ms)
{
	uint64_t end_ms = w->now_ms + limit_ms;
	struct scenario_plan plan;
	struct ledger l;

	while (sites_run(w, &l, &plan) && w->now_ms < end_ms)
		world_run(w, MINUTE);
	if (sites_run(w, &l, &plan))
		world_broken(w, 16,
		    "the run (%s%s) hangs at step %u of %u, %s, %s, since %llu s",
		    run_way_word(l.run.way), l.run.aborting ? ", aborting" : "",
		    (unsigned)l.run.step, (unsigned)plan.steps,
		    l.run.step < plan.steps
			? slot_word((enum slot)plan.slot[l.run.step])
			: "past its end",
		    run_state_word(l.run.state),
		    (unsigned long long)(w->now_ms - w->sites->moved_ms) / 1000);
}
