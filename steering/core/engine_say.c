/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's words: facts, and the chain of one decision as a sentence. */
#include <assert.h>

#include "steering/core/engine_parts.h"

struct fact *
say(struct engine_out *out, enum fact_kind kind, enum fact_level level, int32_t member,
    uint64_t at_ms)
{
	uint32_t i =
	    out->facts < ENGINE_FACTS_MAX ? out->facts++ : ENGINE_FACTS_MAX - 1;
	struct fact *f = &out->fact[i];

	memset(f, 0, sizeof *f);
	f->kind = kind;
	f->level = level;
	f->member = member;
	f->at_ms = at_ms;
	return f;
}

const char *
doubt_word(enum doubt d)
{
	static const char *const word[DOUBTS] = {
	    [DOUBT_NOT] = "none",
	    [DOUBT_CANARIES] = "canaries",
	    [DOUBT_ALONE] = "alone",
	    [DOUBT_LATE] = "late",
	    [DOUBT_GAP] = "gap",
	    [DOUBT_DATE] = "date",
	    [DOUBT_STARTING] = "starting",
	};

	assert(d < DOUBTS);
	return word[d];
}

const char *
intent_word(enum intent_kind k)
{
	static const char *const word[INTENTS] = {
	    [INTENT_SCENARIO] = "scenario",
	    [INTENT_NONE] = "none",
	    [INTENT_CREATE] = "create",
	    [INTENT_ACTION] = "action",
	    [INTENT_ORDER] = "order",
	    [INTENT_CLOSE] = "close",
	    [INTENT_VOID] = "void",
	    [INTENT_POLICY] = "policy",
	    [INTENT_RECORDS] = "records",
	};

	assert(k < INTENTS);
	return word[k];
}

struct pen {
	char *text;
	size_t bytes, len;
};

#define put(p, ...)                                     \
	((p)->len = (p)->len >= (p)->bytes ? (p)->len   \
					   : (p)->len + \
		    (size_t)snprintf(                   \
			(p)->text + (p)->len, (p)->bytes - (p)->len, __VA_ARGS__))

static void
put_senses(struct pen *p, const struct engine *g, uint32_t m)
{
	const struct vote_view *v = &g->vote[m];
	const struct quorum_view *q = &g->quorum[m];

	if (g->rule->member[m].last_resort) {
		put(p, "last resort, not probed");
		return;
	}
	put(p, "here %u of %u known addresses up (%u unknown), vote %s%s",
	    (unsigned)v->up, (unsigned)(v->up + v->down), (unsigned)v->unknown,
	    vote_word((enum vote)g->report.member[m].vote),
	    v->failing ? ", last probes failing" : "");
	if (g->doubt != DOUBT_NOT)
		put(p, " (doubts itself: %s)", doubt_word(g->doubt));
	put(p, "; quorum %s (%u UP, %u DOWN of %u, %u needed)",
	    verdict_word(q->verdict), (unsigned)q->up, (unsigned)q->down,
	    (unsigned)g->rule->agents, (unsigned)rule_quorum(g->rule));
}

/* A time; in milliseconds where seconds would hide what it is. */
static void
put_span(struct pen *p, const char *before, uint64_t ms)
{
	if (ms < 10000 && ms % 1000 != 0)
		put(p, "%s%llu ms", before, (unsigned long long)ms);
	else
		put(p, "%s%llu s", before, (unsigned long long)(ms / 1000));
}

static void
put_ledger(struct pen *p, const struct engine *g, uint32_t m, int64_t now_wall_s,
    uint64_t now_ms)
{
	const struct ledger_member *l = &g->ledger.member[m];
	enum verdict v = g->quorum[m].verdict;
	struct limiter_in lim;

	if (!g->has_ledger) {
		put(p, "; no ledger in force yet%s",
		    g->standing == WATCH_EMPTY && g->read_once && g->first_up_ms == 0
			? ": the names are empty, and no member was UP"
			: "");
		return;
	}
	decide_limiter_in(g, now_wall_s, now_ms, &lim);
	if (v != VERDICT_UNDECIDED)
		put_span(p, ", held ", hold_ms(&g->hold[m], v, now_ms));
	/* How long it must be held is of interest where the verdict asks for a move. */
	if (l->out && v == VERDICT_UP)
		put_span(p, " of ", limiter_return_hold_ms(g->rule, l, now_wall_s));
	else if (!l->out && v == VERDICT_DOWN)
		put_span(p, " of ", limiter_drain_hold_ms(&lim, m));
	put(p, "; %s, weight %u of %u, %u drains in 24 h", l->out ? "out" : "in",
	    (unsigned)l->weight, (unsigned)g->rule->member[m].weight,
	    (unsigned)ledger_count_since(
		l->drain_wall_s, l->drains, now_wall_s, WINDOW_DAY_S));
}

/* What stands in the way among the agents. */
static void
put_company(struct pen *p, const struct engine *g, uint64_t now_ms)
{
	uint32_t heard = engine_hears(g, now_ms);

	if (heard < rule_quorum(g->rule))
		put(p, "; hears %u of %u agents, itself included", (unsigned)heard,
		    (unsigned)g->rule->agents);
	for (uint32_t a = 0; a < g->rule->agents; a++)
		if (g->heard_freeze[a].id != 0)
			put(p, "; %s heard a freeze that is not in the ledger yet",
			    g->rule->agent[a].name);
}

/* What the service's scenario is at. */
static void
put_run(struct pen *p, const struct engine *g, int64_t now_wall_s, uint64_t now_ms)
{
	struct engine_run_view v;

	engine_run(g, now_wall_s, now_ms, &v);
	if (!v.running) {
		put(p, "%s%s", v.waits[0] != '\0' ? "; " : "", v.waits);
		return;
	}
	put(p, "; %s of %s (run %llu) %s at %s (%s), run by %s%s%s",
	    run_way_word(v.run.way), g->rule->plan.name, (unsigned long long)v.run.id,
	    v.run.aborting ? "is aborted," : "is",
	    slot_word((enum slot)v.plan.slot[v.run.step]), run_state_word(v.run.state),
	    v.holder >= 0 ? g->rule->agent[v.holder].name : "no agent",
	    v.waits[0] != '\0' ? ": " : "", v.waits);
}

void
engine_explain(const struct engine *g, uint32_t member, int64_t now_wall_s,
    uint64_t now_ms, char *text, size_t text_bytes)
{
	struct pen p = {text, text_bytes, 0};
	enum block b = g->limiter.block[member];

	assert(member < g->rule->members && text_bytes > 0);
	text[0] = '\0';
	put(&p, "%s: ", g->rule->member[member].name);
	put_senses(&p, g, member);
	put_ledger(&p, g, member, now_wall_s, now_ms);
	if (b != BLOCK_NONE)
		put(&p, "; %s", block_sentence(b));
	if (g->watch.frozen != FROZEN_NOT)
		put(&p, "; frozen: %s", frozen_sentence(g->watch.frozen));
	else if (g->cannot != CANNOT_NOT)
		put(&p, "; this agent writes nothing now (%s)", cannot_word(g->cannot));
	put_run(&p, g, now_wall_s, now_ms);
	put_company(&p, g, now_ms);
}
