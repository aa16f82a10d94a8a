/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine.h - one service, as one agent runs it: samples and reports in, changes out.
 *
 * The agent and the simulator both call engine_step(), and nothing else composes the
 * rules. The caller performs what *out asks for and comes back with the answers; at
 * most one read and one change are out at a time (the engine never asks for a second).
 * No clock, no I/O, no allocation: the caller owns the struct (large: put it on the
 * heap), the rule, and the digest function, which must outlive it.
 */
#ifndef STEERING_CORE_ENGINE_H
#define STEERING_CORE_ENGINE_H

#include "steering/core/fact.h"
#include "steering/core/hold.h"
#include "steering/core/limiter.h"
#include "steering/core/scenario.h"
#include "steering/core/watch.h"

/* Why an agent doubts itself, as its shell knows it. */
enum doubt {
	DOUBT_NOT = 0,
	DOUBT_CANARIES, /* fewer than two thirds of the canaries pass */
	DOUBT_ALONE,    /* no peer heard (not with quorum: solo) */
	DOUBT_LATE,     /* the event loop was late by more than 250 ms */
	DOUBT_GAP,      /* a gap between ticks: paused or suspended */
	DOUBT_DATE,     /* the provider's clock ran ahead of ours: paused machine */
	DOUBT_STARTING, /* set by the engine itself: warm-up */
	DOUBTS
};
const char *doubt_word(enum doubt d);

enum order_kind {
	ORDER_NONE = 0,
	ORDER_DRAIN,
	ORDER_UNDRAIN,
	ORDER_FREEZE,
	ORDER_UNFREEZE, /* also: write our records again after a hand edit */
	ORDER_PIN,
	ORDER_UNPIN,
	ORDER_ACK,
	ORDER_ADOPT,   /* what the zone shows is the truth */
	ORDER_RELEASE, /* the ledger goes, the records stay, steering ends */
	/* of the service's scenario */
	ORDER_FAILOVER,
	ORDER_SWITCHOVER,
	ORDER_FAILBACK,
	ORDER_DRILL,
	ORDER_APPROVE, /* the step that asks */
	ORDER_RETRY,   /* the step that failed, once more */
	ORDER_SKIP,    /* … or go on without it */
	ORDER_ABORT,
	ORDERS
};
const char *order_word(enum order_kind k);

struct order {
	enum order_kind kind;
	uint32_t id;     /* not 0 */
	uint32_t member; /* DRAIN, UNDRAIN, PIN, UNPIN, ACK */
	uint64_t for_s;  /* DRAIN, FREEZE, PIN: how long it stands; a year at most. A
			  * freeze from when it is taken, in the ledger or not: it works
			  * at once; the others from when they are in the ledger. */
	uint64_t run;    /* APPROVE, RETRY, SKIP, ABORT: the run that is meant; 0 any */
	uint32_t step;   /* … and the step as the operator saw it; UINT32_MAX any */
};

/* A freeze waits for nothing: an order that is not in the ledger yet is dropped for it
 * (what was sent of it may still be applied); and unfreeze takes back a freeze that has
 * not got there. Any other order waits its turn. */
bool order_gives_way(const struct order *waiting, const struct order *next);

enum change_result { /* what became of a change, or of a read */
	CHANGE_OK = 0,
	CHANGE_LOST,
	CHANGE_UNKNOWN,
	CHANGE_BUSY,
	CHANGE_REFUSED,
	CHANGE_OUT,   /* never left this machine */
	CHANGE_STALE, /* nor did this: the zone moved on while it was decided */
};

/* What an API read found. */
struct engine_view {
	enum change_result
	    result;        /* OK, or OUT / BUSY / REFUSED and nothing below holds */
	const char *error; /* a sentence unless OK */
	bool ledger_present;
	const char *ledger; /* text */
	bool ledger_odd; /* a set of another shape stands there: nothing deletes it */
	uint32_t sets;   /* at the service's names, ledger not counted */
	uint64_t digest; /* rrset_digest() of them */
	/* Written weight found for each member (its set id); -1: no set of its own. */
	int16_t weight[MEMBERS_MAX];
};

enum engine_event {
	ENGINE_TICK = 0,
	ENGINE_ADDRESS, /* member, slot, family, address */
	ENGINE_RETIRED, /* member, slot */
	ENGINE_SAMPLE,  /* member, slot, outcome, start_ms, address, text */
	ENGINE_FORGET,  /* evidence is thrown away (late, gap, date) */
	ENGINE_REPORT,  /* agent, report, sent_ms */
	ENGINE_UNHEARD, /* agent: it speaks, but cannot be dated: its vote is void */
	ENGINE_VIEW,    /* answer to out->read */
	ENGINE_HEARD,   /* epoch as a name server or peer shows it */
	ENGINE_CHANGED, /* answer to out->change: result, text */
	ENGINE_ORDER,   /* order */
	ENGINE_ACTED,   /* answer to out->act START: fence, acted, text */
	ENGINE_LAG,     /* lag: a sample of what would be lost */
};

enum engine_act { ENGINE_ACT_NONE = 0, ENGINE_ACT_START, ENGINE_ACT_KILL };

/* One act of a scenario, for the shell. The fence is its name: the shell journals it
 * before it starts it and answers ENGINE_ACTED with it exactly once, also after KILL. */
struct scenario_act {
	enum slot slot;
	enum run_way way;
	uint64_t run, fence;
	uint32_t from, to, site; /* members */
	uint32_t tries;          /* this attempt's number, from 1 */
};

/* What would be lost now, as this agent sampled it. */
struct engine_lag {
	bool known;
	uint64_t lag_ms;
	uint64_t began_ms; /* boot-time clock: when the sampling began */
};

struct engine_in {
	enum engine_event event;
	uint64_t now_ms;    /* boot-time clock */
	int64_t now_wall_s; /* provider's clock, carried forward; 0 unknown */
	uint64_t random;    /* fresh for each step; nonces come from here */
	enum doubt doubt;   /* the shell's, at every step */
	bool dns_silent;    /* no name server answers: read the API more often */

	uint32_t member, slot;
	enum family family;
	enum outcome outcome;
	uint64_t start_ms;
	const char *address, *text; /* for facts; may be NULL */
	uint32_t agent;
	const struct report *report;
	uint64_t sent_ms;
	const struct engine_view *view;
	uint64_t epoch;
	enum change_result result;
	const struct order *order;
	uint64_t fence;
	enum acted acted;
	const struct engine_lag *lag;
};

enum intent_kind {
	INTENT_NONE = 0,
	INTENT_CREATE,   /* first ledger and records */
	INTENT_ACTION,   /* the limiter's: drain, return, swap, ramp */
	INTENT_ORDER,    /* an operator's */
	INTENT_CLOSE,    /* ledger alone: closes an unknown outcome */
	INTENT_VOID,     /* ledger alone: voids what may be under way */
	INTENT_POLICY,   /* ledger alone: our file becomes the policy in force */
	INTENT_RECORDS,  /* records rewritten to the policy: answers, ttl, members */
	INTENT_SCENARIO, /* a run: begun, taken over, a step's outcome, repoint, ended */
	INTENTS
};
const char *intent_word(enum intent_kind k);

struct intent {
	enum intent_kind kind;
	struct action action;
	uint32_t turn; /* INTENT_SCENARIO: which of the run's */
	bool records;  /* record sets change too, not the ledger alone */
};

#define ENGINE_FACTS_MAX 64 /* vote, verdict and block of each member, and the rest */

struct engine_out {
	bool read;    /* read the API now; answer with ENGINE_VIEW */
	bool change;  /* compare-and-swap to `next`; answer with ENGINE_CHANGED */
	bool create;  /* … where nothing stood: no old ledger to delete */
	bool release; /* … to nothing: the ledger alone is deleted */
	struct intent intent; /* what the change is for */
	struct ledger next;
	enum engine_act act; /* START scenario_act, or KILL the one of its fence */
	struct scenario_act scenario_act;
	bool report_moved;              /* engine_report() differs: push it */
	bool order_done, order_refused; /* the pending order is over */
	uint64_t wake_ms;               /* step again then at the latest */
	uint32_t facts;
	struct fact fact[ENGINE_FACTS_MAX];
};

/* The digest of the record sets that these written weights mean (config_records() and
 * rrset_digest()); a pure function of the configuration. */
typedef uint64_t engine_digest_fn(const uint8_t weight[MEMBERS_MAX], void *arg);

struct engine {
	const struct rule_service *rule;
	uint32_t self; /* index into rule->agent */
	engine_digest_fn *digest;
	void *digest_arg;
	uint64_t start_ms;

	/* senses and opinions */
	struct detector detector[MEMBERS_MAX][ADDRESSES_MAX];
	uint32_t slots[MEMBERS_MAX]; /* one more than the highest ever present */
	struct vote_band band[MEMBERS_MAX];
	struct vote_view vote[MEMBERS_MAX]; /* raw */
	bool warm;
	enum doubt doubt;
	struct report report; /* ours, as last told */
	struct ballot ballot[AGENTS_MAX];
	struct quorum_view quorum[MEMBERS_MAX];
	struct hold hold[MEMBERS_MAX];
	uint64_t first_up_ms; /* for the first creation; 0 none yet */

	/* the zone */
	struct watch watch;
	enum watch_act standing; /* of the last read */
	bool read_once;          /* a read was answered */
	bool released;   /* by our own hand: nothing is begun before an adoption */
	bool believed;   /* `ledger` is the version in force … */
	bool has_ledger; /* … and its members are those of our rule */
	struct ledger ledger;
	uint64_t observed_nonce; /* mode: observe: the version pretended upon */
	bool view_present;       /* the last read showed a ledger … */
	bool view_garbled;       /* … that is none */
	bool view_odd;           /* … nor a set that a change of ours could delete */
	bool view_readable;      /* … of ours, parsed: view_ledger */
	struct ledger view_ledger;
	int16_t view_weight[MEMBERS_MAX];
	bool dirty; /* write nothing before a read that began after dirty_ms */
	uint64_t dirty_ms;
	bool reading;
	uint64_t read_began_ms, read_epoch;
	uint64_t read_next_ms;  /* not before, while it fails */
	uint64_t read_dirty_ms; /* … and not before, while it is dirty */
	uint64_t read_done_ms;  /* the last that was answered */
	uint32_t read_failures;
	uint64_t spaced_seen_ms; /* when ledger.spaced was first seen; 0 none */
	uint64_t ramp_seen_ms[MEMBERS_MAX];

	/* the change in hand */
	bool writing;
	struct intent sent_intent;
	struct ledger sent;
	uint32_t sent_order_id; /* the order that it carries; 0 none */
	bool unknown;           /* an outcome is open: sent_epoch, sent_nonce */
	uint64_t unknown_epoch, unknown_nonce;
	uint64_t write_next_ms;
	uint32_t write_failures;
	bool api_trouble; /* the last change was refused or got nowhere */

	/* deciding */
	struct limiter_out limiter;
	struct intent intent;
	uint64_t intent_ms;     /* since when the present intent stands */
	bool intent_said;       /* decided, as a fact */
	bool ripe[MEMBERS_MAX]; /* a hold has passed, the ledger unmoved … */
	uint8_t ripe_verdict[MEMBERS_MAX];
	uint64_t ripe_epoch[MEMBERS_MAX];
	bool void_due;
	uint64_t records_checked; /* nonce of the version that records_due speaks of */
	bool records_due;
	struct order order;       /* pending; ORDER_NONE none */
	bool local_freeze;        /* works at once, before the zone knows … */
	uint64_t freeze_until_ms; /* … until then, whether that ever knows or not */
	uint32_t thawed; /* id of the last freeze that is over, or the ledger's now */
	struct heard_freeze { /* one that a peer tells of works too; id 0: none */
		uint32_t id;
		uint64_t until_ms;
		bool orphan; /* the peer may have forgotten it: a restart */
	} heard_freeze[AGENTS_MAX];
	enum cannot cannot;

	/* the scenario: what this agent has in hand of a run, and what is next */
	struct engine_hand {
		uint64_t armed_fence,
		    armed_ms;         /* of the attempt written last; 0 none */
		uint64_t armed_nonce; /* … the version that has it, … */
		bool armed_again; /* sent before under the same fence, in this life */
		struct scenario_act act; /* under way; fence 0: none */
		bool killed;
		uint64_t acted_fence; /* of the last that ended; 0 none */
		enum acted acted;
		char acted_text[160];
		uint64_t alone_ms;       /* since when fewer than Q are heard; 0 not */
		uint32_t holder;         /* of the lock, as … */
		uint64_t holder_seen_ms; /* … this agent saw a sign of it last */
		uint64_t step_seen_ms;   /* since when the step in hand is seen */
		struct engine_lag lag;   /* the newest sample */
		uint64_t said;           /* what is waited for, as it was said last */
	} hand;
	struct scenario_move move;

	/* what was said last, so that each is said once */
	enum block said_block[MEMBERS_MAX];
	enum cannot said_cannot;
	enum doubt said_doubt;
	enum verdict said_verdict[MEMBERS_MAX];
	enum vote said_vote[MEMBERS_MAX];
};

void engine_init(struct engine *g, const struct rule_service *rule, uint32_t self,
    engine_digest_fn *digest, void *digest_arg, uint64_t now_ms);
/* What the store remembers of the ledger: epoch 0 for nothing. open_nonce: a change
 * was sent at epoch open_epoch and its outcome never recorded (0: none). */
void engine_resume(struct engine *g, uint64_t epoch, uint64_t nonce,
    uint64_t open_epoch, uint64_t open_nonce);
/* A new rule after a reload: health is kept for members of the same name; slots of
 * members whose place changed are moved. Verdict holds are kept where names match.
 * *scratch: the caller's, of the same size, overwritten. */
void engine_reload(struct engine *g, const struct rule_service *rule, uint32_t self,
    struct engine *scratch);
void engine_step(struct engine *g, const struct engine_in *in, struct engine_out *out);
const struct report *engine_report(const struct engine *g);
/* Who writes next: the agents (indices into the rule) as they are ranked, and whether
 * each is able now; no member's own agent is put last. Returns how many. */
uint32_t engine_writers(const struct engine *g, uint64_t now_ms,
    uint32_t agent[AGENTS_MAX], bool able[AGENTS_MAX]);
/* Fresh agents, this one included. */
uint32_t engine_hears(const struct engine *g, uint64_t now_ms);
/* The scenario's run, for people: what it is at, and what it waits for. */
struct engine_run_view {
	bool is;        /* the service has a scenario … */
	bool running;   /* … and it runs; else only over, sides and waits hold */
	bool over;      /* failed over: the recovery site answers */
	uint32_t sides; /* SIDE_…: may accept writes */
	struct ledger_run run;
	struct scenario_plan plan;
	uint64_t fence;
	int32_t holder;  /* agent, index into the rule; -1 none, or none of ours */
	bool ours;       /* this agent runs it */
	char waits[256]; /* a sentence; "" */
	struct engine_run_step {
		enum slot slot;
		uint32_t site;
		enum { STEP_PASSED = 0, STEP_IN_HAND, STEP_AHEAD } where;
		enum run_state state; /* of the one in hand */
	} step[SCENARIO_STEPS_MAX];
};
void engine_run(const struct engine *g, int64_t now_wall_s, uint64_t now_ms,
    struct engine_run_view *out);
/* The whole chain for one member, in one sentence: samples → votes → quorum → limiter →
 * policy. */
void engine_explain(const struct engine *g, uint32_t member, int64_t now_wall_s,
    uint64_t now_ms, char *text, size_t text_bytes);

#endif
