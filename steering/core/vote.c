/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each address family is judged alone, on the share of its known addresses that
 * are up, with a band so that one address more or less does not swing the vote.
 * A family in which nothing is known (no route from here, nothing probed yet) is
 * left out. One family DOWN makes the member DOWN: half of its users see that. What is
 * said of the targets behind it is judged like a family of its own, at its own pace.
 */
#include "steering/core/vote.h"

#include <assert.h>
#include <string.h>

#include "steering/core/needed.h"

const char *
vote_word(enum vote v)
{
	static const char *const word[] = {
	    [VOTE_ABSTAIN] = "ABSTAIN",
	    [VOTE_UP] = "UP",
	    [VOTE_DOWN] = "DOWN",
	    [VOTE_RECOVERING] = "RECOVERING",
	};

	assert((unsigned)v < sizeof word / sizeof *word);
	return word[v];
}

const struct rule_detector *
vote_detector_rule(const struct rule_member *member, const struct detector *d)
{
	return d->family == FAMILY_TARGETS ? &member->targets : &member->detector;
}

struct tally {
	uint32_t up, known;
	uint32_t up_if_recovered;
	uint32_t last_pass, last_known;
};

static struct tally
count(const struct rule_member *member, const struct detector *d, uint32_t n,
    enum family family, uint64_t now_ms)
{
	struct tally t = {0};

	for (uint32_t i = 0; i < n; i++) {
		const struct rule_detector *rule = vote_detector_rule(member, &d[i]);

		if (!d[i].present || d[i].family != family)
			continue;
		if (detector_last_stands(&d[i], rule, now_ms)) {
			t.last_known++;
			t.last_pass += d[i].last == OUTCOME_PASS;
		}
		enum detector_state s = detector_now(&d[i], rule, now_ms);
		if (s == DETECTOR_UNKNOWN)
			continue;
		t.known++;
		t.up += s == DETECTOR_UP;
		t.up_if_recovered += s == DETECTOR_UP || detector_recovering(&d[i]);
	}
	return t;
}

static bool
below(uint32_t up, uint32_t known, uint32_t pct)
{
	return (uint64_t)up * 100 < (uint64_t)known * pct;
}

static enum vote
judge_band(
    enum vote before, uint32_t up, uint32_t known, const struct rule_service *rule)
{
	if (below(up, known, rule->down_below_pct))
		return VOTE_DOWN;
	if ((uint64_t)up * 100 > (uint64_t)known * rule->up_above_pct)
		return VOTE_UP;
	return before;
}

/* DOWN only through addresses that are recovering: were they up, the share would not
 * be below the band, or would leave it above. */
static bool
only_recovering(const struct tally *t, const struct rule_service *rule)
{
	if (t->up_if_recovered == t->up)
		return false;
	if (below(t->up, t->known, rule->down_below_pct))
		return !below(t->up_if_recovered, t->known, rule->down_below_pct);
	return judge_band(VOTE_DOWN, t->up_if_recovered, t->known, rule) == VOTE_UP;
}

static enum vote
judge_family(uint8_t *band, const struct rule_service *rule, const struct tally *t)
{
	enum vote v = judge_band((enum vote) * band, t->up, t->known, rule);

	*band = (uint8_t)v;
	return NEEDED(recovering, v == VOTE_DOWN && only_recovering(t, rule))
	    ? VOTE_RECOVERING
	    : v;
}

/* The worse of two families; ABSTAIN is "left out". */
static enum vote
worse(enum vote a, enum vote b)
{
	static const uint8_t rank[] = {
	    [VOTE_ABSTAIN] = 0,
	    [VOTE_UP] = 1,
	    [VOTE_RECOVERING] = 2,
	    [VOTE_DOWN] = 3,
	};

	return rank[a] >= rank[b] ? a : b;
}

void
vote_judge(struct vote_band *band, const struct rule_service *rule,
    const struct rule_member *member, const struct detector *d, uint32_t n,
    uint64_t now_ms, struct vote_view *out)
{
	memset(out, 0, sizeof *out);
	for (int f = 0; f < FAMILIES_JUDGED; f++) {
		struct tally t = count(member, d, n, (enum family)f, now_ms);
		if (t.known == 0)
			continue;
		out->vote = worse(out->vote, judge_family(&band->family[f], rule, &t));
		out->failing |= below(t.last_pass, t.last_known, rule->down_below_pct);
		out->up += t.up;
		out->down += t.known - t.up;
	}
	for (uint32_t i = 0; i < n; i++)
		out->unknown += d[i].present &&
		    detector_now(&d[i], vote_detector_rule(member, &d[i]), now_ms) ==
			DETECTOR_UNKNOWN;
}
