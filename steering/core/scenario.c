/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plans. A kind is a row of slots for the way over and one for the way back; what
 * is empty is passed over. A planned switch-over is the way over with the old side
 * drained of its data in the place of the fence; a drill is the way over without what
 * opens or closes a side, and then the name is pointed back; an abort is made of the two
 * things that can have happened: a side was opened, a side was closed.
 */
#include "steering/core/scenario.h"

#include <assert.h>
#include <string.h>

#define ROW 8

static const uint8_t way_over[SCENARIO_KINDS][ROW] = {
    [SCENARIO_BACKUP_RESTORE] = {SLOT_FENCE, SLOT_RESTORE, SLOT_PROVISION, SLOT_READY,
	SLOT_REPOINT},
    [SCENARIO_PILOT_LIGHT] = {SLOT_FENCE, SLOT_PROMOTE, SLOT_PROVISION, SLOT_ATTACH,
	SLOT_READY, SLOT_REPOINT},
    [SCENARIO_WARM_STANDBY] = {SLOT_FENCE, SLOT_SCALE_OUT, SLOT_SCALE_UP, SLOT_PROMOTE,
	SLOT_READY, SLOT_REPOINT},
    [SCENARIO_MULTI_SITE] = {SLOT_REWEIGHT, SLOT_SCALE_OUT, SLOT_FENCE, SLOT_PROMOTE,
	SLOT_READY},
};

static const uint8_t back_restored[ROW] = {
    SLOT_FREEZE, SLOT_BACKUP, SLOT_RESTORE, SLOT_READY, SLOT_REPOINT, SLOT_UNFREEZE};
static const uint8_t back_replicated[ROW] = {SLOT_REVERSE, SLOT_CAUGHT_UP, SLOT_FREEZE,
    SLOT_CAUGHT_UP_FULLY, SLOT_REPOINT, SLOT_UNFREEZE, SLOT_SCALE_IN};
static const uint8_t drained_restored[ROW] = {SLOT_FREEZE, SLOT_BACKUP};
static const uint8_t drained_replicated[ROW] = {
    SLOT_CAUGHT_UP, SLOT_FREEZE, SLOT_CAUGHT_UP_FULLY};

bool
scenario_opens(enum slot s)
{
	return s == SLOT_PROMOTE || s == SLOT_RESTORE || s == SLOT_UNFREEZE;
}

bool
scenario_closes(enum slot s)
{
	return s == SLOT_FENCE || s == SLOT_FREEZE;
}

bool
scenario_filled(const struct rule_scenario *rule, enum slot s)
{
	return rule->step[s].fill != FILL_EMPTY && rule->step[s].fill != FILL_NOTHING;
}

static bool
measures(const struct rule_scenario *rule)
{
	return rule->has_lag || scenario_filled(rule, SLOT_FREEZE) ||
	    scenario_filled(rule, SLOT_REVERSE);
}

/* Is the slot in the plan of this way? */
static bool
is_part(const struct rule_scenario *rule, enum run_way way, enum slot s)
{
	switch (s) {
	case SLOT_REPOINT:
	case SLOT_REWEIGHT:
		return true;
	case SLOT_READY:
		return rule->kind != SCENARIO_MULTI_SITE || scenario_filled(rule, s);
	case SLOT_CAUGHT_UP:
		return measures(rule);
	case SLOT_CAUGHT_UP_FULLY:
		return measures(rule) && scenario_filled(rule, SLOT_FREEZE);
	case SLOT_NONE:
		return false;
	case SLOT_BEGIN:
	case SLOT_FENCE:
	case SLOT_RESTORE:
	case SLOT_PROVISION:
	case SLOT_PROMOTE:
	case SLOT_ATTACH:
	case SLOT_SCALE_OUT:
	case SLOT_SCALE_UP:
	case SLOT_REVERSE:
	case SLOT_FREEZE:
	case SLOT_BACKUP:
	case SLOT_UNFREEZE:
	case SLOT_SCALE_IN:
	case SLOTS:
		break;
	}
	return scenario_filled(rule, s) && (way != RUN_DRILL || rule->step[s].drill);
}

static void
add(struct scenario_plan *plan, enum slot s)
{
	assert(plan->steps < SCENARIO_STEPS_MAX);
	plan->slot[plan->steps++] = (uint8_t)s;
}

static void
add_row(const struct rule_scenario *rule, enum run_way way, const uint8_t row[ROW],
    struct scenario_plan *plan)
{
	for (uint32_t i = 0; i < ROW; i++)
		if (is_part(rule, way, (enum slot)row[i]))
			add(plan, (enum slot)row[i]);
}

static bool
holds(const struct scenario_plan *plan, enum slot s)
{
	return memchr(plan->slot, (int)s, plan->steps) != NULL;
}

static void
plan_over(
    const struct rule_scenario *rule, enum run_way way, struct scenario_plan *plan)
{
	const uint8_t *row = way_over[rule->kind];
	const uint8_t *drained = rule->kind == SCENARIO_BACKUP_RESTORE
	    ? drained_restored
	    : drained_replicated;

	if (way == RUN_FAILOVER && rule->trigger == TRIGGER_APPROVAL)
		add(plan, SLOT_BEGIN);
	for (uint32_t i = 0; i < ROW; i++) {
		enum slot s = (enum slot)row[i];

		if (way == RUN_SWITCHOVER && s == SLOT_FENCE)
			add_row(rule, way, drained, plan);
		else if (is_part(rule, way, s))
			add(plan, s);
	}
	if (way == RUN_SWITCHOVER && !holds(plan, SLOT_PROMOTE) &&
	    !holds(plan, SLOT_RESTORE) && scenario_filled(rule, SLOT_UNFREEZE))
		add(plan, SLOT_UNFREEZE);
	if (way == RUN_DRILL) {
		plan->back = plan->steps;
		add(plan, SLOT_REPOINT);
	}
}

/* From what was begun, what is to be undone. */
static void
plan_undo(const struct ledger_run *run, struct scenario_plan *plan)
{
	struct scenario_plan done = *plan;
	bool opened = false, closed = false, pointed = false;

	for (uint32_t i = 0; i < run->aborted && i < done.steps; i++) {
		enum slot s = (enum slot)done.slot[i];

		opened |= scenario_opens(s);
		closed |= scenario_closes(s);
		pointed |= s == SLOT_REPOINT || s == SLOT_REWEIGHT;
	}
	memset(plan, 0, sizeof *plan);
	plan->back = UINT32_MAX;
	plan->from = done.to;
	plan->to = done.from;
	if (opened)
		add(plan, SLOT_FREEZE);
	if (closed)
		add(plan, SLOT_UNFREEZE);
	if (pointed && run->way == RUN_DRILL)
		add(plan, SLOT_REPOINT);
}

void
scenario_plan(const struct rule_scenario *rule, const struct ledger_run *run,
    struct scenario_plan *plan)
{
	memset(plan, 0, sizeof *plan);
	plan->back = UINT32_MAX;
	plan->from = rule->primary;
	plan->to = rule->recovery;
	switch (run->way) {
	case RUN_FAILOVER:
	case RUN_SWITCHOVER:
	case RUN_DRILL:
		plan_over(rule, run->way, plan);
		break;
	case RUN_FAILBACK:
		plan->from = rule->recovery;
		plan->to = rule->primary;
		add_row(rule, run->way,
		    rule->kind == SCENARIO_BACKUP_RESTORE ? back_restored
							  : back_replicated,
		    plan);
		break;
	case RUN_NONE:
	case RUN_WAYS:
		return;
	}
	if (run->aborting)
		plan_undo(run, plan);
}

uint32_t
scenario_site(const struct scenario_plan *plan, enum slot s)
{
	switch (s) {
	case SLOT_FENCE:
	case SLOT_FREEZE:
	case SLOT_BACKUP:
	case SLOT_SCALE_IN:
	case SLOT_REWEIGHT:
		return plan->from;
	case SLOT_NONE:
	case SLOT_BEGIN:
	case SLOT_RESTORE:
	case SLOT_PROVISION:
	case SLOT_PROMOTE:
	case SLOT_ATTACH:
	case SLOT_SCALE_OUT:
	case SLOT_SCALE_UP:
	case SLOT_READY:
	case SLOT_REPOINT:
	case SLOT_REVERSE:
	case SLOT_CAUGHT_UP:
	case SLOT_CAUGHT_UP_FULLY:
	case SLOT_UNFREEZE:
	case SLOTS:
		break;
	}
	return plan->to;
}

/* ---- who moves the service ---- */

bool
scenario_is(const struct rule_service *rule)
{
	return rule->scenario && rule->plan.primary != rule->plan.recovery &&
	    rule->plan.primary < rule->members && rule->plan.recovery < rule->members;
}

/* Has the run of a multi-site scenario begun to cut the writer over? */
static bool
cuts_over(const struct rule_scenario *rule, const struct ledger_run *run)
{
	struct scenario_plan plan;

	if (run->id == 0)
		return false;
	if (run->aborting || run->way != RUN_FAILOVER)
		return true;
	scenario_plan(rule, run, &plan);
	for (uint32_t i = 0; i < plan.steps && i <= run->step; i++) {
		enum slot s = (enum slot)plan.slot[i];

		if ((scenario_opens(s) || scenario_closes(s)) &&
		    (i < run->step || run->tries > 0 || run->state != RUN_GATE))
			return true;
	}
	return false;
}

bool
scenario_moves(const struct rule_service *rule, const struct ledger *l)
{
	if (!rule->scenario)
		return false;
	if (rule->plan.kind != SCENARIO_MULTI_SITE)
		return true;
	return ledger_sides(l) != SIDE_PRIMARY || cuts_over(&rule->plan, &l->run);
}

bool
scenario_cold(const struct rule_service *rule, const struct ledger *l, uint32_t member)
{
	bool kept = rule->plan.kind == SCENARIO_BACKUP_RESTORE ||
	    rule->plan.kind == SCENARIO_PILOT_LIGHT;

	return scenario_is(rule) && kept && member == rule->plan.recovery &&
	    (member >= l->members || l->member[member].out);
}

bool
scenario_held_out(
    const struct rule_service *rule, const struct ledger *l, int64_t now_wall_s)
{
	const struct ledger_member *m = &l->member[rule->plan.recovery];

	return m->out && ledger_order_stands(&m->drain, now_wall_s);
}

bool
scenario_is_over(const struct rule_service *rule, const struct ledger *l)
{
	uint32_t sides = ledger_sides(l);
	bool opened = (sides & SIDE_RECOVERY) != 0;
	bool away = l->member[rule->plan.primary].out &&
	    (!l->member[rule->plan.recovery].out || opened);

	/* There steering moves the records; a writer that was opened is what tells. */
	if (rule->plan.kind == SCENARIO_MULTI_SITE)
		return opened;
	return away || (sides & SIDE_PRIMARY) == 0;
}

/* ---- words ---- */

const char *
scenario_kind_word(enum scenario_kind k)
{
	static const char *const word[SCENARIO_KINDS] = {
	    [SCENARIO_BACKUP_RESTORE] = "backup-restore",
	    [SCENARIO_PILOT_LIGHT] = "pilot-light",
	    [SCENARIO_WARM_STANDBY] = "warm-standby",
	    [SCENARIO_MULTI_SITE] = "multi-site",
	};

	assert(k < SCENARIO_KINDS);
	return word[k];
}

struct slot_name {
	const char *word, *leaves;
};

static const struct slot_name slot_name[SLOTS] = {
    [SLOT_NONE] = {"none", "nothing was begun"},
    [SLOT_BEGIN] = {"begin", "nothing was done: all is as it was"},
    [SLOT_FENCE] = {"fence", "the old primary may be shut: it is opened again"},
    [SLOT_RESTORE] = {"restore",
	"what was restored may accept writes: it is closed with a new fence, and then the "
	"side that still answers is opened again"},
    [SLOT_PROVISION] = {"provision",
	"what was provisioned stays, and costs; what was opened is closed, and then the "
	"side that still answers is opened again"},
    [SLOT_PROMOTE] = {"promote",
	"the promoted side may accept writes: it is closed with a new fence, and then the "
	"side that still answers is opened again"},
    [SLOT_ATTACH] = {"attach",
	"an address may have moved: move it back by hand; what was opened is closed, and "
	"then the side that still answers is opened again"},
    [SLOT_SCALE_OUT] = {"scale_out",
	"what was added stays, and costs; a side that was shut is opened again"},
    [SLOT_SCALE_UP] = {"scale_up",
	"what was enlarged stays, and costs; a side that was shut is opened again"},
    [SLOT_READY] = {"ready",
	"what was opened is closed with a new fence, and then the side that still answers "
	"is opened again"},
    [SLOT_REWEIGHT] = {"reweight", "nothing was closed: steering goes on by itself"},
    [SLOT_REPOINT] = {"repoint",
	"the records still point where they did: what was opened is closed with a new "
	"fence, and then that side is opened again"},
    [SLOT_REVERSE] = {"reverse",
	"the other side may follow, or half so; the side that answers stays open"},
    [SLOT_CAUGHT_UP] = {"caught_up", "the side that answers stays open"},
    [SLOT_FREEZE] = {"freeze",
	"the side that answers may be closed: it is opened again"},
    [SLOT_CAUGHT_UP_FULLY] = {"caught_up_fully",
	"the side that answers is closed: it is opened again"},
    [SLOT_BACKUP] = {"backup",
	"a backup may be half made; the side that answers is opened again"},
    [SLOT_UNFREEZE] = {"unfreeze",
	"the records point here already and this side may still be closed: an abort is "
	"refused until it is open"},
    [SLOT_SCALE_IN] = {"scale_in", "what was added may stay, and cost"},
};

const char *
slot_word(enum slot s)
{
	assert(s < SLOTS);
	return slot_name[s].word;
}

const char *
scenario_abort_leaves(enum slot s)
{
	assert(s < SLOTS);
	return slot_name[s].leaves;
}

const char *
run_way_word(enum run_way w)
{
	static const char *const word[RUN_WAYS] = {
	    [RUN_NONE] = "none",
	    [RUN_FAILOVER] = "failover",
	    [RUN_SWITCHOVER] = "switchover",
	    [RUN_FAILBACK] = "failback",
	    [RUN_DRILL] = "drill",
	};

	assert(w < RUN_WAYS);
	return word[w];
}

const char *
run_state_word(enum run_state s)
{
	static const char *const word[RUN_STATES] = {
	    [RUN_GATE] = "gate",
	    [RUN_ASKS] = "asks",
	    [RUN_APPROVED] = "approved",
	    [RUN_STARTED] = "started",
	    [RUN_UNKNOWN] = "unknown",
	    [RUN_FAILED] = "failed",
	};

	assert(s < RUN_STATES);
	return word[s];
}

const char *
acted_word(enum acted a)
{
	static const char *const word[] = {
	    [ACTED_DONE] = "done",
	    [ACTED_FAILED] = "failed",
	    [ACTED_UNKNOWN] = "unknown",
	};

	assert((unsigned)a < sizeof word / sizeof *word);
	return word[a];
}
