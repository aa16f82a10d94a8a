/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn is it to write? A rank by hash that every agent computes alike, the
 * failing site's own agent last; no election: should two write at once, the zone
 * lets one of them win.
 */
#include "steering/core/engine_parts.h"

static uint64_t
rank_hash(const struct rule_service *rule, uint32_t agent)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *s = rule->name; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	for (int i = 0; i < 4; i++)
		h = (h ^ (rule->agent[agent].number >> (8 * i) & 0xff)) *
		    0x100000001b3u;
	/* FNV leaves neighbours close: mix, so that ranks differ between services. */
	h ^= h >> 29;
	h *= 0xbf58476d1ce4e5b9u;
	return h ^ h >> 32;
}

static bool
before(const struct rule_service *rule, uint32_t a, uint32_t b, int32_t failing)
{
	bool last_a = failing >= 0 && rule->agent[a].member == failing;
	bool last_b = failing >= 0 && rule->agent[b].member == failing;
	uint64_t ha = rank_hash(rule, a), hb = rank_hash(rule, b);

	if (NEEDED(own_site_last, last_a != last_b))
		return last_b;
	return ha != hb ? ha < hb : a < b;
}

static bool
able(const struct engine *g, uint32_t agent, uint64_t now_ms)
{
	const struct ballot *b = &g->ballot[agent];

	bool silent = now_ms > b->sent_ms && now_ms - b->sent_ms > g->rule->silent_ms;
	/* Who holds the file that is to come into force can write that, and that alone. */
	bool writes = b->report.cannot == CANNOT_NOT ||
	    (g->intent.kind == INTENT_POLICY && b->report.cannot == CANNOT_POLICY &&
		b->report.policy_hash == g->rule->policy_hash);

	return b->heard && !NEEDED(cannot_skip, !writes) &&
	    !NEEDED(silence_skip, silent);
}

uint32_t
engine_writers(const struct engine *g, uint64_t now_ms, uint32_t agent[AGENTS_MAX],
    bool is_able[AGENTS_MAX])
{
	uint32_t n = 0;

	for (uint32_t a = 0; a < g->rule->agents; a++) {
		uint32_t at = n++;

		for (; at > 0 && before(g->rule, a, agent[at - 1], -1); at--)
			agent[at] = agent[at - 1];
		agent[at] = a;
	}
	for (uint32_t i = 0; i < n; i++)
		is_able[i] = able(g, agent[i], now_ms);
	return n;
}

uint32_t
turn_ahead(const struct engine *g, int32_t failing, uint64_t now_ms)
{
	uint32_t ahead = 0;

	for (uint32_t a = 0; a < g->rule->agents; a++)
		ahead += a != g->self && before(g->rule, a, g->self, failing) &&
		    able(g, a, now_ms);
	return ahead;
}
