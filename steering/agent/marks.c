/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short ring and linear searches: changes are rare by rule, and a mark that fell out
 * of the ring is still in the log and the store. Rejected: marks kept by the engine,
 * which would then remember things that it never decides on.
 */
#include "steering/agent/marks.h"

#include <string.h>

struct agent_marks *
marks_find(struct agent_service *s, uint64_t nonce)
{
	for (uint32_t i = s->marks; i-- > 0;)
		if (s->mark[i].nonce == nonce)
			return &s->mark[i];
	return NULL;
}

/* The fault that a verdict DOWN goes back to: the earliest of its addresses. */
static uint64_t
fault_ms(const struct engine *g, uint32_t member)
{
	uint64_t first_ms = 0;

	for (uint32_t i = 0; i < ADDRESSES_MAX; i++) {
		uint64_t ms = g->detector[member][i].fault_ms;

		if (ms != 0 && (first_ms == 0 || ms < first_ms))
			first_ms = ms;
	}
	return first_ms;
}

static void
note_verdict(struct agent_service *s, const struct fact *f)
{
	uint32_t m = (uint32_t)f->member;
	bool down = strcmp(f->value, verdict_word(VERDICT_DOWN)) == 0;

	s->verdict_ms[m] = f->at_ms;
	s->down_fault_ms[m] = down ? fault_ms(s->engine, m) : 0;
}

static struct agent_marks *
push(struct agent_service *s)
{
	if (s->marks == MARKS_MAX) {
		memmove(s->mark, s->mark + 1, (MARKS_MAX - 1) * sizeof *s->mark);
		s->marks--;
	}
	s->mark[s->marks] = (struct agent_marks){.member = -1};
	return &s->mark[s->marks++];
}

static void
note_sent(struct agent_service *s, const struct engine_out *out, const struct fact *f)
{
	const struct action *act = &out->intent.action;
	struct agent_marks *m = push(s);

	m->epoch = f->epoch;
	m->nonce = f->nonce;
	m->intent = out->intent.kind;
	m->sent_ms = f->at_ms;
	if (out->intent.kind != INTENT_ACTION)
		return;
	m->action = act->kind;
	m->member = (int32_t)act->member;
	(void)snprintf(m->member_name, sizeof m->member_name, "%s",
	    s->conf->rule.member[act->member].name);
	m->drain = act->kind == ACTION_DRAIN || act->kind == ACTION_SWAP ||
	    out->next.member[act->member].weight == 0;
	m->verdict_ms = s->verdict_ms[act->member];
	m->fault_ms = m->drain ? s->down_fault_ms[act->member] : 0;
}

void
marks_fact(struct agent_service *s, const struct engine_out *out, const struct fact *f)
{
	if (f->kind == FACT_VERDICT && f->member >= 0)
		note_verdict(s, f);
	else if (f->kind == FACT_SENT && out->change)
		note_sent(s, out, f);
	else if (f->kind == FACT_COMMITTED)
		/* Also one whose own answer never came and which a read found. */
		marks_answer(s, f->nonce, CHANGE_OK, "");
}

void
marks_answer(struct agent_service *s, uint64_t nonce, enum change_result result,
    const char *change_id)
{
	struct agent_marks *m = marks_find(s, nonce);

	if (m == NULL)
		return;
	if (!m->answered_by_api || m->result != result)
		m->done_ms = now_boot_ms();
	m->answered_by_api = true;
	m->result = result;
	if (change_id[0] != '\0')
		(void)snprintf(m->change_id, sizeof m->change_id, "%s", change_id);
}

static bool
is_committed(const struct agent_marks *m)
{
	return m->answered_by_api && m->result == CHANGE_OK;
}

void
marks_insync(struct agent_service *s, uint64_t epoch, uint64_t now_ms)
{
	for (uint32_t i = 0; i < s->marks; i++)
		if (is_committed(&s->mark[i]) && s->mark[i].epoch <= epoch &&
		    s->mark[i].insync_ms == 0)
			s->mark[i].insync_ms = now_ms;
}

void
marks_answered(struct agent_service *s, uint64_t epoch, uint64_t now_ms)
{
	for (uint32_t i = 0; i < s->marks; i++)
		if (is_committed(&s->mark[i]) && s->mark[i].epoch <= epoch &&
		    s->mark[i].answered_ms == 0)
			s->mark[i].answered_ms = now_ms;
}
