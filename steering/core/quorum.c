/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting, and nothing but counting: ballots come in with the moment from which
 * their age runs, and the verdict is a function of them and of now. A verdict is
 * never remembered here; what has been true for how long is hold.h's business.
 */
#include "steering/core/quorum.h"

#include <assert.h>
#include <string.h>

#include "steering/core/needed.h"

const char *
verdict_word(enum verdict v)
{
	static const char *const word[] = {
	    [VERDICT_UNDECIDED] = "UNDECIDED",
	    [VERDICT_UP] = "UP",
	    [VERDICT_DOWN] = "DOWN",
	};

	assert((unsigned)v < sizeof word / sizeof *word);
	return word[v];
}

const char *
cannot_word(enum cannot c)
{
	static const char *const word[CANNOTS] = {
	    [CANNOT_NOT] = "can",
	    [CANNOT_STARTING] = "starting",
	    [CANNOT_ABSTAIN] = "abstaining",
	    [CANNOT_LONELY] = "lonely",
	    [CANNOT_FROZEN] = "frozen",
	    [CANNOT_API] = "api",
	    [CANNOT_POLICY] = "policy",
	    [CANNOT_FOREIGN] = "foreign-ledger",
	    [CANNOT_ADOPT] = "not-adopted",
	    [CANNOT_OBSERVE] = "observe",
	};

	assert(c < CANNOTS);
	return word[c];
}

static bool
older(const struct ballot *b, uint64_t age_ms_max, uint64_t now_ms)
{
	return now_ms > b->sent_ms && now_ms - b->sent_ms > age_ms_max;
}

bool
ballot_fresh(const struct ballot *b, const struct rule_service *rule, uint64_t now_ms)
{
	return b->heard && !NEEDED(freshness, older(b, rule->fresh_ms, now_ms));
}

uint32_t
quorum_heard(const struct rule_service *rule, const struct ballot *b, uint64_t now_ms)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rule->agents; i++)
		n += ballot_fresh(&b[i], rule, now_ms);
	return n;
}

/* Who said the same: how many, and whether more than one domain. */
struct choir {
	uint32_t voices;
	uint32_t domain;
	bool mixed;
};

static void
choir_join(struct choir *c, uint32_t domain)
{
	if (c->voices++ == 0)
		c->domain = domain;
	else if (c->domain != domain)
		c->mixed = true;
}

static bool
choir_carries(const struct choir *c, const struct rule_service *rule)
{
	return c->voices >= rule_quorum(rule) &&
	    !NEEDED(domains, !rule->solo && !c->mixed);
}

void
quorum_judge(const struct rule_service *rule, const struct ballot *b, uint32_t member,
    uint64_t hash, uint64_t now_ms, struct quorum_view *out)
{
	struct choir up = {0}, down = {0}, failing = {0};

	assert(member < rule->members);
	memset(out, 0, sizeof *out);
	for (uint32_t i = 0; i < rule->agents; i++) {
		if (!ballot_fresh(&b[i], rule, now_ms) ||
		    NEEDED(policy_hash, b[i].report.policy_hash != hash))
			continue;
		const struct report_member *m = &b[i].report.member[member];
		switch ((enum vote)m->vote) {
		case VOTE_ABSTAIN:
			out->abstain++;
			break;
		case VOTE_RECOVERING:
			out->recovering++;
			break;
		case VOTE_UP:
			choir_join(&up, rule->agent[i].domain);
			break;
		case VOTE_DOWN:
			choir_join(&down, rule->agent[i].domain);
			if (m->failing &&
			    !NEEDED(evidence_age,
				older(&b[i], EVIDENCE_AGE_MS_MAX, now_ms)))
				choir_join(&failing, rule->agent[i].domain);
			break;
		}
	}
	out->up = up.voices;
	out->down = down.voices;
	out->failing = failing.voices;
	out->evidence = choir_carries(&failing, rule);
	if (choir_carries(&down, rule))
		out->verdict = VERDICT_DOWN;
	else if (choir_carries(&up, rule))
		out->verdict = VERDICT_UP;
}

static bool
sees_all_down(const struct rule_service *rule, const struct report *r)
{
	bool any = false;

	for (uint32_t m = 0; m < rule->members; m++) {
		if (rule->member[m].last_resort)
			continue;
		if (r->member[m].raw != VOTE_DOWN)
			return false;
		any = true;
	}
	return any;
}

uint32_t
quorum_all_down(
    const struct rule_service *rule, const struct ballot *b, uint64_t now_ms)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rule->agents; i++)
		n += ballot_fresh(&b[i], rule, now_ms) &&
		    sees_all_down(rule, &b[i].report);
	return n;
}
