/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shells: they perform what an engine asks for, one act at a time, journal it, and
 * die of it now and then; and they sample the lag.
 *
 * What becomes of an act is drawn from its fence, so that it does not depend on what
 * else happens. A deadline is the shell's: at it the engine is told "unknown", and what
 * the act does afterwards is nobody's to know.
 */
#include "tests/sim/sites.h"
#include "tests/sim/world_parts.h"

#define LAG_EVERY_MS (10 * SECOND)
#define LAG_TAKES_MS (3 * SECOND) /* at most */

static void
push(struct world *w, enum event_kind kind, const struct world_agent *a, uint64_t in_ms,
    uint64_t act)
{
	struct event e = {
	    .at_ms = w->now_ms + in_ms,
	    .kind = kind,
	    .agent = a != NULL ? a->index : 0,
	    .life = a != NULL ? a->life : 0,
	    .epoch = act,
	};

	world_push(w, &e);
}

/* ---- dying of it ---- */

static void
rise_in(struct world *w, uint32_t agent, uint64_t in_ms)
{
	struct event e = {
	    .at_ms = w->now_ms + in_ms,
	    .kind = EVENT_LIFE,
	    .agent = agent,
	    .slot = 1,
	};

	world_push(w, &e);
}

static void
die(struct world_agent *a)
{
	struct world *w = a->world;
	uint64_t h = world_hash(w, 40, a->index, w->now_ms, 0);
	/* from at once to long after another has taken over */
	uint64_t in_ms = h % 3 == 0 ? h % (5 * SECOND) : h % (20 * MINUTE);

	w->sites->deaths++;
	if (a->running)
		world_stop(w, a->index);
	rise_in(w, a->index, 1 + (w->sites->revive_ms ? w->sites->revive_ms : in_ms));
}

static enum act_death
draw_death(struct world *w, const struct scenario_act *act)
{
	struct sites *s = w->sites;
	uint64_t h = world_hash(w, 41, act->fence, act->slot, 0);

	if (s->death != DEATH_NOT &&
	    (s->death_slot == SLOT_NONE || s->death_slot == act->slot)) {
		enum act_death d = s->death;

		s->death = DEATH_NOT;
		return d;
	}
	if (h % 100 >= s->odds.dies)
		return DEATH_NOT;
	return (enum act_death)(1 + (h >> 20) % (DEATHS - 1));
}

/* ---- beginning ---- */

static enum act_fate
draw_fate(struct world *w, const struct scenario_act *act)
{
	struct sites *s = w->sites;
	uint64_t h = world_hash(w, 42, act->fence, act->slot, 0) % 100;

	if (s->fate_set && (s->fate_slot == SLOT_NONE || s->fate_slot == act->slot)) {
		s->fate_set = false;
		return s->fate;
	}
	for (int f = 0; f < ACT_FATES; f++) {
		if (h < s->odds.of[f])
			return (enum act_fate)f;
		h -= s->odds.of[f];
	}
	return ACT_WORKS;
}

static uint64_t
timeout_ms(const struct site_act *x)
{
	return x->step.timeout_ms != 0 ? x->step.timeout_ms : MINUTE;
}

/* Within its time, mostly short. */
static uint64_t
draw_took(struct world *w, const struct site_act *x)
{
	uint64_t t_ms = timeout_ms(x), most_ms = t_ms > MINUTE ? MINUTE : t_ms;
	uint64_t h = world_hash(w, 43, x->act.fence, 0, 0);

	if (h % 8 == 0)
		most_ms = t_ms;
	return 100 + (h >> 8) % (most_ms > 200 ? most_ms - 200 : 1);
}

/* After its agent has given it up: seconds, or hours. */
static uint64_t
draw_late(struct world *w, const struct site_act *x)
{
	uint64_t h = world_hash(w, 44, x->act.fence, 0, 0);
	uint64_t span_ms = h % 3 == 0 ? 10 * SECOND
	    : h % 3 == 1              ? 10 * MINUTE
				      : 2 * HOUR;
	uint64_t at_ms = timeout_ms(x) + 1 + (h >> 8) % span_ms;

	if (w->sites->late_ms != 0)
		at_ms = timeout_ms(x) + w->sites->late_ms;
	if (x->step.aws && at_ms >= SITE_SIGNED_MS)
		at_ms = SITE_SIGNED_MS - 1 - (h >> 8) % SECOND;
	return at_ms;
}

/* Is there anything to void a late copy of what ended well? Its fence, if what closes
 * the side has one too. */
static bool
is_void_late(const struct world *w, const struct site_act *x)
{
	const struct rule_step *step = w->file[0].rule.plan.step;

	if (!scenario_opens(x->act.slot))
		return true;
	return x->step.fenced && step[SLOT_FREEZE].fill == FILL_ACT &&
	    step[SLOT_FREEZE].fenced && step[SLOT_FENCE].fill == FILL_ACT &&
	    step[SLOT_FENCE].fenced;
}

static void
set_going(struct world *w, struct world_agent *a, struct site_act *x, uint64_t i)
{
	uint64_t took_ms = draw_took(w, x), t_ms = timeout_ms(x);

	switch (x->fate) {
	case ACT_WORKS:
	case ACT_WORKS_FAILS:
		push(w, EVENT_EFFECT, a, took_ms - took_ms / 5, i);
		push(w, EVENT_ACTED, a, took_ms, i);
		break;
	case ACT_FAILS:
		push(w, EVENT_ACTED, a, took_ms, i);
		break;
	case ACT_HANGS:
		push(w, EVENT_ACTED, a, t_ms, i);
		break;
	case ACT_GETS_LOST:
		push(w, EVENT_EFFECT, a, took_ms - took_ms / 5, i);
		push(w, EVENT_ACTED, a, t_ms, i);
		break;
	case ACT_COMES_LATE:
		push(w, EVENT_EFFECT, a, draw_late(w, x), i);
		push(w, EVENT_ACTED, a, t_ms, i);
		break;
	case ACT_COMES_TWICE:
		push(w, EVENT_EFFECT, a, took_ms - took_ms / 5, i);
		push(w, EVENT_ACTED, a, took_ms, i);
		push(w, EVENT_EFFECT, a,
		    is_void_late(w, x) ? draw_late(w, x) : took_ms - took_ms / 6, i);
		break;
	case ACT_FATES:
		break;
	}
}

static void
begin(struct world_agent *a, const struct scenario_act *act)
{
	struct world *w = a->world;
	struct sites *s = w->sites;
	static const char *const word[] = {"it works", "it fails",
	    "it works and says that it failed", "it hangs", "nobody hears of it",
	    "it comes late", "it comes twice"};
	enum act_death death = draw_death(w, act);

	if (s->acts == SITE_ACTS)
		world_fail(w, "%u acts in all", (unsigned)s->acts);
	law_starting(a, act);
	if (death == DEATH_COMMITTED) {
		die(a);
		return;
	}
	uint64_t i = s->acts++;
	struct site_act *x = &s->act[i];
	*x = (struct site_act){
	    .act = *act,
	    .step = w->file[a->file].rule.plan.step[act->slot],
	    .agent = a->index,
	    .life = a->life,
	    .fate = draw_fate(w, act),
	    .begun_ms = w->now_ms,
	    .in_hand = true,
	};
	s->acts_begun++;
	s->journal[a->index] = (struct site_journal){.fence = act->fence};
	say_line(w, "%c begins %s (run %llu, fence %llu, at %c, try %u): %s",
	    (int)('A' + a->index), slot_word(act->slot), (unsigned long long)act->run,
	    (unsigned long long)act->fence, (int)('a' + act->site),
	    (unsigned)act->tries, word[x->fate]);
	if (death == DEATH_BEFORE) {
		x->over = true;
		die(a);
		return;
	}
	set_going(w, a, x, i);
	if (death == DEATH_DURING)
		push(w, EVENT_LIFE, a, draw_took(w, x) / 2, 0);
	x->death = death;
}

/* ---- ending ---- */

static struct site_act *
in_hand_of(struct sites *s, uint32_t agent)
{
	for (uint32_t i = s->acts; i > 0; i--)
		if (s->act[i - 1].agent == agent && s->act[i - 1].in_hand)
			return &s->act[i - 1];
	return NULL;
}

static void
kill_it(struct world_agent *a, uint64_t fence)
{
	struct world *w = a->world;
	struct site_act *x = in_hand_of(w->sites, a->index);

	if (x == NULL || x->act.fence != fence) {
		say_line(w, "%c kills what it has not in hand (fence %llu)",
		    (int)('A' + a->index), (unsigned long long)fence);
		return;
	}
	if (x->killed)
		return;
	say_line(w, "%c kills its %s (fence %llu)", (int)('A' + a->index),
	    slot_word(x->act.slot), (unsigned long long)fence);
	x->killed = true;
	if (!x->worked && world_hash(w, 45, fence, 0, 0) % 2 == 0)
		x->over = true; /* a program; a call may be carried out all the same */
	push(w, EVENT_ACTED, a, 50, (uint64_t)(x - w->sites->act));
}

static enum acted
outcome(const struct site_act *x, uint64_t now_ms)
{
	if (x->killed || now_ms - x->begun_ms >= timeout_ms(x))
		return ACTED_UNKNOWN;
	if (x->fate == ACT_FAILS || x->fate == ACT_WORKS_FAILS)
		return ACTED_FAILED;
	return x->worked ? ACTED_DONE : ACTED_FAILED;
}

static void
tell(struct world_agent *a, uint64_t fence, enum acted acted)
{
	struct world *w = a->world;
	struct engine_in in = world_input(a, ENGINE_ACTED);

	for (uint32_t i = 0; i < w->sites->acts; i++) {
		struct site_act *x = &w->sites->act[i];

		if (x->act.fence != fence || x->agent != a->index)
			continue;
		x->answered = true;
		x->acted = acted;
		if (acted == ACTED_DONE && x->act.slot == SLOT_FREEZE)
			w->sites->frozen_ms = w->now_ms;
	}
	in.fence = fence;
	in.acted = acted;
	in.text = "simulated";
	say_line(w, "%c is told: fence %llu %s", (int)('A' + a->index),
	    (unsigned long long)fence, acted_word(acted));
	world_step(a, &in);
}

static void
acted(struct world *w, struct world_agent *a, struct site_act *x)
{
	if (!x->in_hand || x->life != a->life)
		return;
	enum acted how = outcome(x, w->now_ms);
	enum act_death death = x->death;
	x->in_hand = false;
	w->sites->journal[a->index] =
	    (struct site_journal){.fence = x->act.fence, .ended = true, .acted = how};
	if (death == DEATH_AFTER) {
		die(a);
		return;
	}
	w->kill_writer |= death == DEATH_TOLD;
	tell(a, x->act.fence, how);
	if (death == DEATH_TOLD) {
		w->kill_writer = false;
		die(a);
	}
}

/* ---- lives ---- */

void
sites_stopped(struct world_agent *a)
{
	struct world *w = a->world;
	struct site_act *x = in_hand_of(w->sites, a->index);

	w->sites->lonely_ms[a->index] = 0;
	if (x == NULL)
		return;
	x->in_hand = false;
	if (!x->worked && world_hash(w, 46, x->act.fence, 0, 0) % 2 == 0)
		x->over = true; /* it dies with its runner; or it does not */
}

void
sites_started(struct world_agent *a)
{
	const struct site_journal *j = &a->world->sites->journal[a->index];

	if (j->fence != 0)
		tell(a, j->fence, j->ended ? j->acted : ACTED_UNKNOWN);
	push(a->world, EVENT_LAG, a,
	    world_hash(a->world, 47, a->index, a->life, 0) % LAG_EVERY_MS, 0);
}

void
sites_stepped(struct world_agent *a, const struct engine_out *out)
{
	if (!a->running)
		return;
	if (out->act == ENGINE_ACT_KILL)
		kill_it(a, out->scenario_act.fence);
	if (out->act == ENGINE_ACT_START)
		begin(a, &out->scenario_act);
	if (a->running)
		law_act_stepped(a);
}

/* ---- lag ---- */

static bool
measure(struct world *w, uint64_t *lag_ms)
{
	struct sites *s = w->sites;
	const struct rule_scenario *plan = &w->file[0].rule.plan;

	if (s->lag_unknown)
		return false;
	if (plan->kind == SCENARIO_BACKUP_RESTORE) {
		*lag_ms = s->backup ? w->now_ms - s->backup_began_ms : 0;
		return s->backup;
	}
	sites_settle(w);
	for (uint32_t m = 0; m < w->file[0].rule.members; m++) {
		const struct site_side *x = &s->side[m];

		if (x->follows < 0 || x->dead || s->side[x->follows].dead)
			continue;
		bool same = x->rows == s->side[x->follows].rows;
		*lag_ms = same ? 0 : s->lag_ms > 0 ? s->lag_ms : 1;
		return true;
	}
	return false;
}

/* Measured when it begins, known when it ends. */
void
sites_lag_event(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];
	struct sites *s = w->sites;
	uint64_t h = world_hash(w, 48, e->agent, w->now_ms, 0);

	if (!a->running || a->life != e->life)
		return;
	if (e->slot == 0) {
		struct event done = *e;

		push(w, EVENT_LAG, a, LAG_EVERY_MS, 0);
		done.lag.known = measure(w, &done.lag.lag_ms);
		done.lag.began_ms = world_boot_ms(a, w->now_ms);
		done.slot = 1;
		done.at_ms = w->now_ms + 20 + h % (h % 4 == 0 ? LAG_TAKES_MS : 200);
		if (!s->lag_silent && !a->paused)
			world_push(w, &done);
		return;
	}
	if (a->paused)
		return;
	struct engine_in in = world_input(a, ENGINE_LAG);
	in.lag = &e->lag;
	s->lag[a->index] = e->lag;
	s->lag_at_ms[a->index] = w->now_ms;
	world_step(a, &in);
}

/* ---- events ---- */

static void
life_event(struct world *w, const struct event *e)
{
	struct world_agent *a = &w->agent[e->agent];

	if (e->slot == 1) {
		if (!a->running && !w->sites->grounded[e->agent])
			world_start(w, e->agent);
	} else if (a->running && a->life == e->life) {
		die(a);
	}
}

static void
back_up(struct world *w)
{
	char open = sites_open(w);

	if (open == 'a' || open == 'b')
		sites_perform(w, SLOT_BACKUP, 0, 1, (uint32_t)(open - 'a'));
	struct event e = {.at_ms = w->now_ms + w->sites->backup_every_ms,
	    .kind = EVENT_OPERATOR,
	    .slot = 1};
	world_push(w, &e);
}

void
sites_begin(struct world *w)
{
	struct event e = {.at_ms = w->now_ms + SECOND, .kind = EVENT_OPERATOR};

	world_push(w, &e);
	e.slot = 1;
	if (w->file[0].rule.plan.kind == SCENARIO_BACKUP_RESTORE)
		world_push(w, &e);
}

void
sites_event(struct world *w, const struct event *e)
{
	struct sites *s = w->sites;

	switch (e->kind) {
	case EVENT_EFFECT:
		sites_work(w, &s->act[e->epoch]);
		return;
	case EVENT_ACTED:
		acted(w, &w->agent[e->agent], &s->act[e->epoch]);
		return;
	case EVENT_LAG:
		sites_lag_event(w, e);
		return;
	case EVENT_LIFE:
		life_event(w, e);
		return;
	case EVENT_OPERATOR:
		if (e->slot == 1)
			back_up(w);
		else
			sites_operator_event(w);
		return;
	default:
		return;
	}
}
