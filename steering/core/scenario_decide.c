/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs it, and when does it begin by itself? A run begins as a drain would: the same
 * conditions, the same turn to write; but its consequences are larger, so that the site
 * it leaves has no say in running it, and an operator's abort is not undone by the next
 * look at the same dead site.
 */
#include "steering/core/scenario_parts.h"

#include <string.h>

/* ---- the lock ---- */

/* Never one at the failed site. */
static bool
may_hold(const struct look *k, enum run_way way)
{
	return way != RUN_FAILOVER || k->in->site != (int32_t)k->rule->primary;
}

static void
take(struct look *k)
{
	int64_t limit_s = (int64_t)((k->step->timeout_ms + 999) / 1000);
	bool in_hand = k->run->state == RUN_STARTED &&
	    k->in->now_wall_s - k->run->since_wall_s <= limit_s;
	bool held = k->in->ledger->lock_holder != 0;

	if (!may_hold(k, k->run->way)) {
		wait_for(k, held ? WAIT_HOLDER : WAIT_NO_HOLDER,
		    held ? "another agent runs it"
			 : "waits for an agent that does not stand at %s to run it",
		    look_name(k, k->rule->primary));
		return;
	}
	if (held && NEEDED(scenario_takeover, !k->in->holder_gone || in_hand)) {
		wait_for(k, WAIT_HOLDER, "%s",
		    k->in->holder_gone
			? "the agent that runs it is silent: its step's time runs out first"
			: "another agent runs it");
		return;
	}
	k->move->ranked = true;
	k->move->holder = k->in->self;
	/* What it started may be done, or still be under way. */
	if (k->run->state == RUN_STARTED)
		(void)look_write(k, RUN_UNKNOWN);
	else
		k->move->what = SCENARIO_WRITE;
}

/* ---- the beginning ---- */

static void
write_begin(struct look *k)
{
	k->move->what = SCENARIO_WRITE;
	k->move->wait = WAIT_NOTHING;
	k->move->ranked = true;
	k->move->holder = k->in->self;
	k->move->run = (struct ledger_run){
	    .id = k->in->ledger->epoch + 1,
	    .way = RUN_FAILOVER,
	    .state = k->rule->trigger == TRIGGER_APPROVAL ? RUN_ASKS : RUN_GATE,
	    .begun_wall_s = k->in->now_wall_s,
	    .since_wall_s = k->in->now_wall_s,
	};
}

/* May a fail-over begin where the primary is? Multi-site: once steering took it out. */
static bool
stands_right(const struct look *k)
{
	bool out = k->in->ledger->member[k->rule->primary].out;

	if (k->rule->kind != SCENARIO_MULTI_SITE)
		return !out;
	return out && ledger_sides(k->in->ledger) == SIDE_PRIMARY &&
	    (scenario_filled(k->rule, SLOT_FENCE) ||
		scenario_filled(k->rule, SLOT_PROMOTE));
}

static void
begin(struct look *k)
{
	const struct scenario_in *in = k->in;
	uint32_t primary = k->rule->primary, recovery = k->rule->recovery;
	const char *name = look_name(k, primary);

	if (in->ledger->rests && look_verdict(k, primary) == VERDICT_UP) {
		k->move->what = SCENARIO_WRITE;
		k->move->ranked = true;
		k->move->rests = false;
		return;
	}
	if (k->rule->shadow || look_verdict(k, primary) != VERDICT_DOWN ||
	    !stands_right(k))
		return;
	if (in->ledger->rests)
		wait_for(k, WAIT_RESTS,
		    "%s is DOWN and a fail-over was aborted: none begins by itself before %s "
		    "was UP; say: pointsman failover %s",
		    name, name, k->rule->name);
	else if (in->down != BLOCK_NONE)
		wait_for(
		    k, WAIT_BARRED, "%s is DOWN: %s", name, block_sentence(in->down));
	else if (in->frozen)
		wait_for(
		    k, WAIT_FREEZE, "%s is DOWN: an operator froze the service", name);
	else if (k->rule->trigger == TRIGGER_COMMAND)
		wait_for(k, WAIT_COMMAND,
		    "%s is DOWN, and the scenario waits for a command; say: pointsman failover "
		    "%s",
		    name, k->rule->name);
	else if (!scenario_cold(in->rule, in->ledger, recovery) &&
	    look_verdict(k, recovery) == VERDICT_DOWN)
		wait_for(k, WAIT_RECOVERY,
		    "%s is DOWN, and %s too: there is nowhere to fail over to", name,
		    look_name(k, recovery));
	else if (scenario_held_out(in->rule, in->ledger, in->now_wall_s))
		wait_for(k, WAIT_RECOVERY,
		    "%s is DOWN, and an operator holds %s out: undrain it", name,
		    look_name(k, recovery));
	else if (!may_hold(k, RUN_FAILOVER))
		wait_for(k, WAIT_HOLDER, "an agent that does not stand at %s begins it",
		    name);
	else
		write_begin(k);
}

void
scenario_decide(const struct scenario_in *in, struct scenario_move *move)
{
	const struct ledger *l = in->ledger;
	struct look k = {
	    .in = in, .rule = &in->rule->plan, .run = &l->run, .move = move};

	memset(move, 0, sizeof *move);
	move->holder = l->lock_holder;
	move->fence = l->fence;
	move->open = ledger_sides(l);
	move->rests = l->rests;
	move->run = l->run;
	if (!scenario_is(in->rule))
		return;
	scenario_plan(k.rule, k.run, &k.plan);
	k.slot = l->run.step < k.plan.steps ? (enum slot)k.plan.slot[l->run.step]
					    : SLOT_NONE;
	k.step = &k.rule->step[k.slot];
	if (l->run.id == 0)
		begin(&k);
	else if (NEEDED(scenario_lock, l->lock_holder != in->self))
		take(&k);
	else
		look_step(&k);
}
