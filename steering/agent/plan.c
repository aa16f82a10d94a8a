/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine, on a clock that runs as fast as it can. The provider's clock stands
 * still meanwhile: what counts by the hour counts as of now, only holds pass. When
 * nothing is asked for but an operator's order could change that (records without a
 * ledger, a hand edit), the run is made again with that order, to show its effect.
 */
#include "steering/agent/plan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/zone_sets.h"

#define STEP_MS_MAX 1000
#define STEP_MS_MIN 50
#define BEGIN_MS 1000
#define SLACK_MS (10 * 60 * 1000) /* warm-up, first creation, ranks, spacing */
#define ROWS_MAX 8                /* probes shown to the engine, of one member */
#define EXPLAIN_MS 90000          /* after so long, with nothing asked for, ask why */

struct run {
	const struct plan_in *in;
	struct plan *out;
	struct rule_service rule;
	struct engine *engine;
	struct engine_out *step;
	struct engine_view view;
	struct order order;
	uint32_t self; /* in the rule */
	uint64_t now_ms, random;
	uint32_t moved; /* changes of the ledger alone, taken as written */
	char ledger[LEDGER_TEXT_MAX]; /* by the last of them */
	bool asked;                   /* the engine asked for a change */
	bool refused;
	char last[224];    /* the last sentence that says why not */
	char decided[224]; /* … and what is due */
};

static const struct config_service *
conf_of(const struct plan_in *in)
{
	return &in->config->service[in->service];
}

static uint64_t
digest_of(const uint8_t weight[MEMBERS_MAX], void *arg)
{
	return sets_digest(arg, weight);
}

/* ---- one step ---- */

static bool
says_why(enum fact_kind kind)
{
	return kind == FACT_BLOCKED || kind == FACT_FROZEN ||
	    kind == FACT_NOT_ADOPTED || kind == FACT_FOREIGN || kind == FACT_POLICY ||
	    kind == FACT_ORDER_REFUSED || kind == FACT_DECIDED;
}

static void
feed(struct run *r, struct engine_in *in)
{
	in->now_ms = r->now_ms;
	in->now_wall_s = r->in->now_wall_s;
	in->random = ++r->random;
	engine_step(r->engine, in, r->step);
	for (uint32_t i = 0; i < r->step->facts; i++) {
		const struct fact *f = &r->step->fact[i];

		if (f->text[0] != '\0' && says_why(f->kind))
			memcpy(r->last, f->text, sizeof r->last);
		if (f->kind == FACT_DECIDED)
			memcpy(r->decided, f->text, sizeof r->decided);
	}
	r->refused |= r->step->order_refused;
	if (r->step->change) {
		r->asked = true;
		r->out->next = r->step->next;
		r->out->intent = r->step->intent;
	}
}

/* A new policy comes into force by a change of its own, of the ledger alone. What it
 * means for the records is what the operator wants to see: go on as if it stood. */
static void
pass_over(struct run *r)
{
	struct engine_in in = {.event = ENGINE_CHANGED, .result = CHANGE_OK};

	while (r->asked && r->out->intent.kind == INTENT_POLICY && r->moved < 2) {
		(void)ledger_format(&r->out->next, r->ledger);
		r->view.ledger = r->ledger;
		r->moved++;
		r->asked = false;
		feed(r, &in);
	}
}

/* A read is answered at once, and always with the same zone. */
static void
step(struct run *r, struct engine_in *in)
{
	feed(r, in);
	for (int i = 0; i < 4 && r->step->read && !r->asked; i++) {
		struct engine_in answer = {.event = ENGINE_VIEW, .view = &r->view};

		feed(r, &answer);
	}
	pass_over(r);
}

/* ---- the probes ---- */

static uint32_t
rows_of(const struct run *r, uint32_t member, const struct once_row *row[ROWS_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->in->probes->rows; i++) {
		const struct once_row *x = &r->in->probes->row[i];

		if (x->service != r->in->service || x->member != member ||
		    x->address[0] == '\0')
			continue;
		if (n < ROWS_MAX)
			row[n++] = x;
		else if (x->family == FAMILY_TARGETS) /* the last, and judged alone */
			row[n - 1] = x;
	}
	return n;
}

static void
show_addresses(struct run *r)
{
	const struct once_row *row[ROWS_MAX];

	for (uint32_t m = 0; m < r->rule.members; m++) {
		uint32_t n = rows_of(r, m, row);

		for (uint32_t i = 0; i < n; i++) {
			struct engine_in in = {.event = ENGINE_ADDRESS,
			    .member = m,
			    .slot = i,
			    .family = row[i]->family,
			    .address = row[i]->address};
			step(r, &in);
		}
	}
}

static void
show_samples(struct run *r)
{
	const struct once_row *row[ROWS_MAX];

	for (uint32_t m = 0; m < r->rule.members && !r->asked; m++) {
		uint32_t n = rows_of(r, m, row);

		for (uint32_t i = 0; i < n && !r->asked; i++) {
			struct engine_in in = {.event = ENGINE_SAMPLE,
			    .member = m,
			    .slot = i,
			    .outcome = row[i]->outcome,
			    .start_ms = r->now_ms,
			    .address = row[i]->address,
			    .text = row[i]->text};
			step(r, &in);
		}
	}
}

/* The others see what we see. */
static void
show_reports(struct run *r)
{
	for (uint32_t a = 0; a < r->rule.agents && !r->asked; a++) {
		struct report same = *engine_report(r->engine);
		struct engine_in in = {.event = ENGINE_REPORT,
		    .agent = a,
		    .report = &same,
		    .sent_ms = r->now_ms};

		if (a != r->self)
			step(r, &in);
	}
}

/* ---- one run ---- */

static uint64_t
patience_ms(const struct rule_service *rule)
{
	uint64_t drain_ms = rule->hold_ms * 10;
	uint64_t hold_ms =
	    drain_ms > rule->return_hold_ms_max ? drain_ms : rule->return_hold_ms_max;

	return hold_ms + rule->spacing_ms + rule->ramp_every_ms + rule->swap_after_ms +
	    SLACK_MS;
}

/* No sample may be stale when the next one comes. */
static uint64_t
pace_ms(const struct rule_service *rule)
{
	uint64_t ms = STEP_MS_MAX;

	for (uint32_t m = 0; m < rule->members; m++) {
		uint64_t half_ms = rule->member[m].detector.stale_ms / 2;

		if (!rule->member[m].last_resort && half_ms < ms)
			ms = half_ms;
	}
	return ms > STEP_MS_MIN ? ms : STEP_MS_MIN;
}

static void
run_engine(struct run *r, enum order_kind order)
{
	uint64_t end_ms = BEGIN_MS + patience_ms(&r->rule), step_ms = pace_ms(&r->rule);

	r->now_ms = BEGIN_MS;
	r->asked = r->refused = false;
	r->last[0] = '\0';
	r->order = (struct order){.kind = order, .id = 1};
	r->moved = 0;
	sets_view(conf_of(r->in), r->in->view, &r->view);
	engine_init(r->engine, &r->rule, r->self, digest_of,
	    (void *)(uintptr_t)conf_of(r->in), r->now_ms);
	show_addresses(r);
	while (!r->asked && !r->refused && r->now_ms < end_ms) {
		struct engine_in tick = {.event = ENGINE_TICK};

		show_samples(r);
		if (!r->asked)
			show_reports(r);
		if (!r->asked)
			step(r, &tick);
		/* An order is given when the verdicts stand: adopting asks for them. */
		if (order != ORDER_NONE && r->order.kind != ORDER_NONE &&
		    r->now_ms >= BEGIN_MS + EXPLAIN_MS && !r->asked) {
			struct order given = r->order;
			struct engine_in in = {.event = ENGINE_ORDER, .order = &given};

			r->order.kind = ORDER_NONE;
			step(r, &in);
		}
		r->now_ms += step_ms;
	}
}

/* ---- what it means ---- */

static bool
find_edits(struct run *r, enum order_kind order, struct err *e)
{
	struct plan *p = r->out;
	const struct zone_view *v = r->in->view;
	uint8_t weight[MEMBERS_MAX] = {0};

	if (!p->intent.records)
		return true;
	for (uint32_t m = 0; m < p->next.members; m++)
		weight[m] = p->next.member[m].weight;
	p->wanted = sets_wanted(conf_of(r->in), weight, &p->wanteds);
	p->edit = calloc(v->sets + p->wanteds + 1, sizeof *p->edit);
	if (p->edit == NULL)
		abort();
	return diff_plan(v->set, v->sets, p->wanted, p->wanteds,
	    sets_may_remove(&p->intent, order), p->edit, &p->edits, e);
}

static bool
undecided(const struct run *r)
{
	for (uint32_t m = 0; m < r->rule.members; m++)
		if (!r->rule.member[m].last_resort &&
		    r->engine->quorum[m].verdict == VERDICT_UNDECIDED)
			return true;
	return false;
}

static void
why_nothing(struct run *r)
{
	struct plan *p = r->out;

	p->answer = PLAN_NOTHING;
	if (r->last[0] != '\0')
		(void)snprintf(p->text, sizeof p->text, "%s", r->last);
	else if (!r->engine->believed)
		(void)snprintf(p->text, sizeof p->text,
		    "the names are empty, and no member is UP: they are created with the "
		    "first that is");
	else
		(void)snprintf(p->text, sizeof p->text,
		    "every member is where its verdict wants it");
	for (uint32_t m = 0; m < r->rule.members; m++) {
		enum block b = r->engine->limiter.block[m];

		if (b != BLOCK_NONE && b != BLOCK_ACT)
			(void)snprintf(p->text, sizeof p->text, "%s: %s",
			    r->rule.member[m].name, block_sentence(b));
	}
	if (!r->engine->read_once || undecided(r)) {
		p->answer = PLAN_CANNOT;
		(void)snprintf(p->text, sizeof p->text,
		    "some members could not be judged from here: see pointsman check");
	}
}

/* The engine stands until an operator speaks: which word, and what would it do? */
static void
try_order(struct run *r, enum order_kind order)
{
	struct plan *p = r->out;
	char why[sizeof r->last];
	struct err e;

	memcpy(why, r->last, sizeof why);
	run_engine(r, order);
	p->answer = r->asked ? PLAN_STANDS : PLAN_CANNOT;
	p->order = order;
	if (r->asked && !find_edits(r, order, &e)) {
		p->answer = PLAN_CANNOT;
		(void)snprintf(p->text, sizeof p->text, "%s", e.text);
	} else if (r->asked && why[0] != '\0') {
		(void)snprintf(p->text, sizeof p->text, "%s", why);
	} else {
		(void)snprintf(p->text, sizeof p->text, "%s", r->last);
	}
}

static void
judge(struct run *r)
{
	struct plan *p = r->out;
	struct err e = {""};

	if (r->asked || r->moved > 0) {
		p->answer = PLAN_CHANGE;
		if (p->intent.kind == INTENT_ACTION)
			(void)snprintf(p->text, sizeof p->text, "%s", r->decided);
		if (!find_edits(r, ORDER_NONE, &e)) {
			p->answer = PLAN_CANNOT;
			(void)snprintf(p->text, sizeof p->text, "%s", e.text);
		}
		return;
	}
	switch (r->engine->cannot) {
	case CANNOT_ADOPT:
		try_order(r, ORDER_ADOPT);
		return;
	case CANNOT_FROZEN:
		/* A freeze that an operator gave is no riddle. */
		if (r->engine->watch.frozen != FROZEN_NOT) {
			try_order(
			    r, r->engine->view_readable ? ORDER_UNFREEZE : ORDER_ADOPT);
			return;
		}
		break;
	case CANNOT_FOREIGN:
	case CANNOT_POLICY:
		p->answer = PLAN_CANNOT;
		(void)snprintf(p->text, sizeof p->text, "%s",
		    r->last[0] != '\0' ? r->last : cannot_word(r->engine->cannot));
		return;
	case CANNOT_NOT:
	case CANNOT_STARTING:
	case CANNOT_ABSTAIN:
	case CANNOT_LONELY:
	case CANNOT_API:
	case CANNOT_OBSERVE:
	case CANNOTS:
		break;
	}
	why_nothing(r);
}

static bool
find_self(struct run *r)
{
	const char *name = r->in->config->agent[r->in->self].name;

	for (r->self = 0; r->self < r->rule.agents; r->self++)
		if (strcmp(r->rule.agent[r->self].name, name) == 0)
			return true;
	(void)snprintf(r->out->text, sizeof r->out->text,
	    "agent %s has no vote on this service: plan with --agent of one that has",
	    name);
	return false;
}

static void
read_old(struct run *r)
{
	struct plan *p = r->out;
	const struct zone_view *v = r->in->view;
	struct err e;

	enum ledger_reading reading = LEDGER_GARBLED;
	if (v->ledger_present && !v->ledger_odd)
		reading = ledger_parse(v->ledger, &p->old_ledger, &e);
	p->has_old = reading == LEDGER_OK;
	p->garbled = v->ledger_present && !v->ledger_odd && reading == LEDGER_GARBLED;
}

void
plan_make(const struct plan_in *in, struct plan *out)
{
	struct run r = {.in = in, .out = out, .rule = conf_of(in)->rule};

	assert(in->now_wall_s != 0);
	memset(out, 0, sizeof *out);
	out->observe = r.rule.observe;
	r.rule.observe = false;
	r.engine = calloc(1, sizeof *r.engine);
	r.step = calloc(1, sizeof *r.step);
	if (r.engine == NULL || r.step == NULL)
		abort();
	read_old(&r);
	if (!find_self(&r)) {
		out->answer = PLAN_CANNOT;
	} else if (in->order == ORDER_ADOPT) {
		try_order(&r, ORDER_ADOPT);
	} else {
		run_engine(&r, ORDER_NONE);
		judge(&r);
	}
	free(r.engine);
	free(r.step);
}

void
plan_free(struct plan *p)
{
	free(p->edit);
	free(p->wanted);
	p->edit = NULL;
	p->wanted = NULL;
}
