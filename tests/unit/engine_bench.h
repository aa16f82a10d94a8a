/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_bench.h - one engine on a bench: its peers are words of letters, its zone
 * answers at once and compares and swaps. Time moves only by bench_run().
 */
#ifndef TESTS_UNIT_ENGINE_BENCH_H
#define TESTS_UNIT_ENGINE_BENCH_H

#include <check.h>
#include <stdlib.h>

#include "steering/core/engine.h"
#include "tests/unit/rule_make.h"

#define BENCH_WALL INT64_C(1790000000)
#define BENCH_FACTS 4096
/* ck_assert notes each success in a file: too slow for every step. */
#define BENCH_MUST(ok)                           \
	do {                                     \
		if (!(ok))                       \
			ck_abort_msg("%s", #ok); \
	} while (0)

struct bench {
	struct rule_service rule;
	struct engine *g;
	uint64_t now_ms, random;
	enum doubt doubt;
	char health[MEMBERS_MAX + 1]; /* our own probes: P F U, '-' no probe */
	char peer[AGENTS_MAX][MEMBERS_MAX + 1]; /* U D d R A; "" silent */
	enum cannot peer_cannot[AGENTS_MAX];
	uint64_t peer_hash[AGENTS_MAX];                            /* 0: ours */
	uint32_t peer_freeze[AGENTS_MAX], peer_thawed[AGENTS_MAX]; /* ids */
	bool peer_lags; /* they do not quote the zone's epoch */
	bool peer_lost; /* they have not heard who runs the scenario */

	bool present;
	bool odd; /* what stands there is no plain TXT of one value */
	char text[LEDGER_TEXT_MAX];
	struct ledger ledger; /* parsed */
	int16_t weight[MEMBERS_MAX];
	uint32_t sets;
	uint64_t answers; /* version of the answers in the zone's records */
	uint64_t conf_answers;

	enum change_result read_result, change_result;
	bool swallow;                /* changes are answered change_result unapplied */
	bool mute_read, mute_change; /* no answer yet */
	bool reading, writing;
	struct engine_view held_view;
	char held_text[LEDGER_TEXT_MAX];
	struct engine_out sent;

	struct scenario_act act; /* started last */
	uint32_t starts, kills;
	uint32_t reads, changes; /* asked for */
	enum intent_kind intent; /* of the last change */
	uint32_t facts;
	struct fact *fact;
	bool order_done, order_refused;
};

static inline uint64_t
bench_digest_of(const int16_t *weight, uint32_t n, uint64_t answers)
{
	uint64_t h = 0xcbf29ce484222325u ^ answers;

	for (uint32_t i = 0; i < n; i++)
		h = (h ^ (uint64_t)(weight[i] + 1)) * 0x100000001b3u;
	return h;
}

static inline uint64_t
bench_digest(const uint8_t weight[MEMBERS_MAX], void *arg)
{
	const struct bench *b = arg;
	int16_t w[MEMBERS_MAX];

	for (uint32_t m = 0; m < b->rule.members; m++)
		w[m] = weight[m];
	return bench_digest_of(w, b->rule.members, b->conf_answers);
}

static inline void
bench_make(struct bench *b, uint32_t members, uint32_t agents)
{
	memset(b, 0, sizeof *b);
	rule_make(&b->rule, members, agents);
	b->g = malloc(sizeof *b->g);
	b->fact = calloc(BENCH_FACTS, sizeof *b->fact);
	ck_assert(b->g != NULL && b->fact != NULL);
	b->now_ms = 5000000;
	b->random = 1;
	memset(b->health, 'P', members);
	for (uint32_t a = 1; a < agents; a++)
		memset(b->peer[a], 'U', members);
	for (uint32_t m = 0; m < MEMBERS_MAX; m++)
		b->weight[m] = -1;
}

static inline void
bench_free(struct bench *b)
{
	free(b->g);
	free(b->fact);
	b->g = NULL;
	b->fact = NULL;
}

static inline struct engine_in
bench_in(struct bench *b, enum engine_event event)
{
	b->random = b->random * 6364136223846793005u + 1442695040888963407u;
	return (struct engine_in){
	    .event = event,
	    .now_ms = b->now_ms,
	    .now_wall_s = BENCH_WALL + (int64_t)(b->now_ms / 1000),
	    .random = b->random ^ b->random >> 33,
	    .doubt = b->doubt,
	};
}

static inline void
bench_apply(struct bench *b, const struct ledger *next, bool records)
{
	b->present = true;
	b->ledger = *next;
	(void)ledger_format(next, b->text);
	if (!records)
		return;
	b->sets = next->members;
	b->answers = b->conf_answers;
	for (uint32_t m = 0; m < next->members; m++)
		b->weight[m] = next->member[m].weight;
}

static inline void bench_step(struct bench *b, const struct engine_in *in);

static inline void
bench_answer_change(struct bench *b)
{
	struct engine_in in = bench_in(b, ENGINE_CHANGED);
	uint64_t stood = b->present ? b->ledger.epoch : 0;
	bool won = b->sent.create ? !b->present
				  : b->present && b->sent.next.epoch > stood &&
		(b->sent.next.root == b->sent.next.epoch ||
		    (b->sent.next.epoch == stood + 1 &&
			b->sent.next.nonce[1] == b->ledger.nonce[0]));

	b->writing = false;
	in.result = b->swallow ? b->change_result : won ? CHANGE_OK : CHANGE_LOST;
	in.text = "bench";
	if (!b->swallow && won && b->sent.release)
		b->present = false;
	else if (!b->swallow && won)
		bench_apply(b, &b->sent.next, b->sent.intent.records);
	bench_step(b, &in);
}

static inline void
bench_look(struct bench *b)
{
	memcpy(b->held_text, b->text, sizeof b->held_text);
	b->held_view = (struct engine_view){
	    .result = b->read_result,
	    .error = "bench",
	    .ledger_present = b->present,
	    .ledger = b->odd ? "" : b->held_text,
	    .ledger_odd = b->odd,
	    .sets = b->sets,
	    .digest = bench_digest_of(b->weight, b->rule.members, b->answers),
	};
	memcpy(b->held_view.weight, b->weight, sizeof b->held_view.weight);
}

static inline void
bench_answer_read(struct bench *b)
{
	struct engine_in in = bench_in(b, ENGINE_VIEW);
	struct engine_view v = b->held_view;

	b->reading = false;
	in.view = &v;
	bench_step(b, &in);
}

static inline void
bench_step(struct bench *b, const struct engine_in *in)
{
	static struct engine_out out;

	engine_step(b->g, in, &out);
	for (uint32_t i = 0; i < out.facts && b->facts < BENCH_FACTS; i++)
		b->fact[b->facts++] = out.fact[i];
	b->order_done |= out.order_done;
	b->order_refused |= out.order_refused;
	if (out.act == ENGINE_ACT_START) {
		BENCH_MUST(out.scenario_act.fence > b->act.fence);
		b->act = out.scenario_act;
		b->starts++;
	}
	b->kills += out.act == ENGINE_ACT_KILL;
	if (out.read) {
		BENCH_MUST(!b->reading);
		b->reading = true;
		b->reads++;
		bench_look(b);
	}
	if (out.change) {
		BENCH_MUST(!b->writing);
		BENCH_MUST(!b->rule.observe);
		b->writing = true;
		b->changes++;
		b->intent = out.intent.kind;
		b->sent = out;
	}
	if (b->writing && !b->mute_change)
		bench_answer_change(b);
	if (b->reading && !b->mute_read)
		bench_answer_read(b);
}

static inline void
bench_begin(struct bench *b)
{
	engine_init(b->g, &b->rule, 0, bench_digest, b, b->now_ms);
	for (uint32_t m = 0; m < b->rule.members; m++) {
		struct engine_in in = bench_in(b, ENGINE_ADDRESS);

		if (b->rule.member[m].last_resort)
			continue;
		in.member = m;
		bench_step(b, &in);
	}
}

static inline void
bench_report(struct bench *b, uint32_t agent)
{
	struct engine_in in = bench_in(b, ENGINE_REPORT);
	struct report r = {.members = b->rule.members};

	r.policy_hash =
	    b->peer_hash[agent] != 0 ? b->peer_hash[agent] : b->rule.policy_hash;
	r.cannot = b->peer_cannot[agent];
	r.freeze = b->peer_freeze[agent];
	r.freeze_for_s = 600;
	r.thawed = b->peer_thawed[agent];
	r.holder_lost = b->peer_lost;
	if (b->present && !b->peer_lags) {
		r.epoch = b->ledger.epoch;
		r.nonce = b->ledger.nonce[0];
	}
	for (uint32_t m = 0; m < b->rule.members; m++) {
		char c = b->peer[agent][m];
		enum vote v = c == 'U'     ? VOTE_UP
		    : c == 'D' || c == 'd' ? VOTE_DOWN
		    : c == 'R'             ? VOTE_RECOVERING
					   : VOTE_ABSTAIN;

		r.member[m].vote = r.member[m].raw = (uint8_t)v;
		r.member[m].failing = c == 'D';
	}
	in.agent = agent;
	in.report = &r;
	in.sent_ms = b->now_ms;
	bench_step(b, &in);
}

/* Moves time by steps of 100 ms; a probe each 500 ms, reports each second. */
static inline void
bench_run(struct bench *b, uint64_t ms)
{
	for (uint64_t end_ms = b->now_ms + ms; b->now_ms < end_ms;) {
		b->now_ms += 100;
		for (uint32_t m = 0; m < b->rule.members && b->now_ms % 500 == 0; m++) {
			struct engine_in in = bench_in(b, ENGINE_SAMPLE);

			if (b->rule.member[m].last_resort || b->health[m] == '-')
				continue;
			in.member = m;
			in.outcome = b->health[m] == 'P' ? OUTCOME_PASS
			    : b->health[m] == 'F'        ? OUTCOME_FAIL
							 : OUTCOME_UNKNOWN;
			in.start_ms = b->now_ms - 10;
			bench_step(b, &in);
		}
		for (uint32_t a = 1; a < b->rule.agents && b->now_ms % 1000 == 0; a++)
			if (b->peer[a][0] != '\0')
				bench_report(b, a);
		struct engine_in in = bench_in(b, ENGINE_TICK);
		bench_step(b, &in);
	}
}

static inline void
bench_order(struct bench *b, enum order_kind kind, uint32_t member, uint64_t for_s)
{
	struct engine_in in = bench_in(b, ENGINE_ORDER);
	struct order o = {.kind = kind,
	    .id = kind == ORDER_DRAIN ? 76 : 77,
	    .member = member,
	    .for_s = for_s};

	b->order_done = b->order_refused = false;
	in.order = &o;
	bench_step(b, &in);
}

static inline const struct fact *
bench_fact(const struct bench *b, enum fact_kind kind, const char *value)
{
	for (uint32_t i = b->facts; i > 0; i--)
		if (b->fact[i - 1].kind == kind &&
		    (value == NULL || strcmp(b->fact[i - 1].value, value) == 0))
			return &b->fact[i - 1];
	return NULL;
}

/* A service in force, all members in. */
static inline void
bench_ready(struct bench *b, uint32_t members, uint32_t agents)
{
	bench_make(b, members, agents);
	bench_begin(b);
	bench_run(b, 10000);
	ck_assert(b->present);
	for (uint32_t m = 0; m < members; m++)
		ck_assert(!b->ledger.member[m].out);
}

#endif
