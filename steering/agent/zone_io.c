/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view is what the provider said, to the letter, because a delete must repeat it
 * exactly; after our own commit it is moved on by our own edits, so that the next
 * change needs no read. Whether it may be believed is the engine's business.
 *
 * One guard is here: the ledger that a change deletes must be the version that the
 * engine derived the next one from. A view that moved in between (a read answered
 * late) would make the compare pass on a world that was never judged.
 */
#include "steering/agent/zone_io.h"

#include <assert.h>
#include <stdlib.h>

#include "steering/agent/facts.h"
#include "steering/agent/metrics.h"
#include "steering/agent/marks.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"
#include "steering/agent/steady.h"
#include "steering/agent/store.h"
#include "steering/agent/zone_sets.h"
#include "steering/core/diff.h"

uint64_t
zone_io_digest(const uint8_t weight[MEMBERS_MAX], void *arg)
{
	const struct agent_service *s = arg;

	return sets_digest(s->conf, weight);
}

/* ---- reading ---- */

static enum change_result
result_of(enum zone_result r)
{
	switch (r) {
	case ZONE_OK:
		return CHANGE_OK;
	case ZONE_LOST:
		return CHANGE_LOST;
	case ZONE_UNKNOWN:
		return CHANGE_UNKNOWN;
	case ZONE_BUSY:
		return CHANGE_BUSY;
	case ZONE_REFUSED:
		return CHANGE_REFUSED;
	case ZONE_OUT:
		return CHANGE_OUT;
	}
	return CHANGE_UNKNOWN;
}

static void
note_answer(
    struct agent_service *s, enum metrics_api call, const struct zone_answer *answer)
{
	struct agent *a = s->agent;

	metrics_request(
	    a->metrics, call, answer->result, answer->sent_ms, answer->done_ms);
	self_date(a->self, answer->date_wall_s, answer->sent_ms, answer->done_ms);
}

static void
on_read(struct zone_answer *answer, void *arg)
{
	struct agent_service *s = arg;
	struct engine_view view = {
	    .result = result_of(answer->result), .error = answer->err.text};
	struct engine_in in = {.event = ENGINE_VIEW, .view = &view};

	note_answer(s, METRICS_API_READ, answer);
	s->read_error[0] = '\0';
	if (answer->result == ZONE_OK) {
		zone_view_free(s->view);
		s->view = answer->view;
		answer->view = NULL;
		s->view_ms = now_boot_ms();
		sets_view(s->conf, s->view, &view);
	} else {
		(void)snprintf(
		    s->read_error, sizeof s->read_error, "%s", answer->err.text);
	}
	service_step(s, &in);
	service_release(s);
}

void
zone_io_unread(struct agent_service *s, enum zone_result result, const char *why)
{
	struct engine_view view = {
	    .result = result == ZONE_OK ? CHANGE_REFUSED : result_of(result),
	    .error = why};
	struct engine_in in = {.event = ENGINE_VIEW, .view = &view};

	(void)snprintf(s->read_error, sizeof s->read_error, "%s", why);
	service_step(s, &in);
}

void
zone_io_read(struct agent_service *s)
{
	if (!steady_known(s)) {
		steady_find(s);
		return;
	}
	s->pending++;
	provider_read(s->zone->provider, s->conf->ledger_name,
	    (const char(*)[DNS_NAME_MAX])s->conf->name, s->conf->names, on_read, s);
}

/* ---- changing ---- */

static void
free_wanted(struct agent_service *s)
{
	free(s->wanted);
	s->wanted = NULL;
	s->wanteds = 0;
}

/* The view after our own commit: what the plan replaced is replaced. */
static void
move_view(struct agent_service *s)
{
	struct zone_view *v = s->view;
	char text[LEDGER_TEXT_MAX] = "";

	if (v == NULL)
		return;
	(void)ledger_format(&s->sent, text);
	if (s->releasing)
		text[0] = '\0';
	memcpy(v->ledger, text, sizeof v->ledger);
	v->ledger_present = !s->releasing;
	v->ledger_odd = false;
	v->ledger_ttl_s = LEDGER_TTL_S;
	s->view_ms = now_boot_ms();
	if (s->wanted == NULL)
		return;
	/* Sets that were equal keep the spelling that the zone gave them. */
	for (size_t i = 0; i < s->wanteds; i++) {
		const struct rrset *old_set = sets_find(v, &s->wanted[i]);

		if (old_set != NULL && rrset_equal(old_set, &s->wanted[i]))
			s->wanted[i] = *old_set;
	}
	struct rrset *sets = calloc(s->wanteds + 1, sizeof *sets);
	if (sets == NULL)
		abort();
	memcpy(sets, s->wanted, s->wanteds * sizeof *sets);
	free(v->set);
	v->set = sets;
	v->sets = s->wanteds;
}

static const char *
outcome_word(enum change_result r)
{
	switch (r) {
	case CHANGE_OK:
		return "committed";
	case CHANGE_LOST:
		return "lost";
	case CHANGE_UNKNOWN:
		return "unknown";
	case CHANGE_BUSY:
		return "busy";
	case CHANGE_REFUSED:
		return "refused";
	case CHANGE_OUT:
	case CHANGE_STALE:
		return "not sent";
	}
	return "unknown";
}

static void
finish(struct agent_service *s, enum change_result result, const char *change_id,
    const char *text)
{
	struct agent *a = s->agent;
	struct engine_in in = {.event = ENGINE_CHANGED, .result = result, .text = text};
	uint64_t nonce = s->sent.nonce[0];

	if (a->store != NULL && result != CHANGE_STALE)
		store_put_outcome(a->store, s->conf->rule.name, nonce,
		    outcome_word(result), now_wall_ms());
	if (!s->stopped)
		metrics_change(a->metrics, service_index(s),
		    result == CHANGE_STALE ? CHANGE_OUT : result);
	marks_answer(s, nonce, result, change_id);
	if (result == CHANGE_OK)
		move_view(s);
	else if (result == CHANGE_REFUSED)
		steady_doubt(s);
	free_wanted(s);
	s->changing = false;
	service_step(s, &in);
}

static void
on_changed(struct zone_answer *answer, void *arg)
{
	struct agent_service *s = arg;

	note_answer(s, METRICS_API_CHANGE, answer);
	finish(s, result_of(answer->result), answer->change_id, answer->err.text);
	service_release(s);
}

/* Does the version in the view precede the one to be written? */
static bool
precedes(const struct agent_service *s, const struct ledger *next)
{
	struct ledger seen;
	struct err e;

	if (s->view == NULL || !s->view->ledger_present ||
	    ledger_parse(s->view->ledger, &seen, &e) != LEDGER_OK)
		return false;
	return next->nonces >= 2 && next->nonce[1] == seen.nonce[0] &&
	    next->epoch == seen.epoch + 1;
}

/* An operator names what stands, or what we write, the truth. */
static bool
is_root(const struct agent_service *s, const struct intent *i)
{
	enum order_kind k = s->engine->order.kind;

	return i->kind == INTENT_ORDER &&
	    (k == ORDER_ADOPT || k == ORDER_UNFREEZE || k == ORDER_RELEASE);
}

static void
comment(const struct agent_service *s, const struct engine_out *out, char *text,
    size_t bytes)
{
	const struct intent *i = &out->intent;

	if (i->kind == INTENT_ACTION)
		(void)snprintf(text, bytes, "pointsman %s: %s %s/%s, epoch %llu",
		    s->agent->name, action_word(i->action.kind), s->conf->rule.name,
		    s->conf->rule.member[i->action.member].name,
		    (unsigned long long)out->next.epoch);
	else
		(void)snprintf(text, bytes, "pointsman %s: %s %s, epoch %llu",
		    s->agent->name, intent_word(i->kind), s->conf->rule.name,
		    (unsigned long long)out->next.epoch);
}

static bool
plan(struct agent_service *s, const struct engine_out *out, struct diff_edit *edit,
    size_t *edits, struct err *e)
{
	uint8_t weight[MEMBERS_MAX] = {0};

	*edits = 0;
	if (!out->intent.records)
		return true;
	for (uint32_t m = 0; m < out->next.members; m++)
		weight[m] = out->next.member[m].weight;
	s->wanted = sets_wanted(s->conf, weight, &s->wanteds);
	return diff_plan(s->view->set, s->view->sets, s->wanted, s->wanteds,
	    sets_may_remove(&out->intent, s->engine->order.kind), edit, edits, e);
}

/*
 * The store learns of the change before the request leaves, in order, but writes in
 * its own thread: a kill between the two may lose the note. That is accepted: the
 * compare-and-swap, not the note, keeps a forgotten change from doing harm; the note
 * only lets a restarted agent close it at once.
 */
static void
send_change(struct agent_service *s, const struct engine_out *out,
    const struct diff_edit *edit, size_t edits)
{
	struct zone_edit *zone_edit = calloc(edits + 1, sizeof *zone_edit);
	char ledger_new[LEDGER_TEXT_MAX] = "", text[200];

	if (zone_edit == NULL)
		abort();
	for (size_t i = 0; i < edits; i++)
		zone_edit[i] = (struct zone_edit){edit[i].old_set, edit[i].new_set};
	(void)ledger_format(&out->next, ledger_new);
	if (out->release)
		ledger_new[0] = '\0';
	comment(s, out, text, sizeof text);
	struct zone_change change = {
	    .ledger_name = s->conf->ledger_name,
	    .ledger_old = out->create ? "" : s->view->ledger,
	    .ledger_new = ledger_new,
	    .ledger_old_ttl_s = s->view->ledger_ttl_s,
	    .ledger_ttl_s = LEDGER_TTL_S,
	    .edits = edits,
	    .edit = zone_edit,
	    .comment = text,
	};
	if (s->agent->store != NULL)
		store_put_sent(s->agent->store, s->conf->rule.name, out->next.epoch,
		    out->next.nonce[0], now_wall_ms());
	s->pending++;
	provider_change(s->zone->provider, &change, on_changed, s);
	free(zone_edit);
}

/* Is the view another one than the engine decided on? */
static bool
is_stale(const struct agent_service *s, const struct engine_out *out)
{
	return s->view->ledger_present == out->create ||
	    (!out->create && !is_root(s, &out->intent) && !precedes(s, &out->next));
}

bool
zone_io_holds_back(struct agent_service *s, const struct engine_out *out)
{
	assert(out->change && s->view != NULL);
	return !steady_known(s) || is_stale(s, out);
}

void
zone_io_change(struct agent_service *s, const struct engine_out *out)
{
	struct diff_edit *edit;
	struct err e = {""};
	size_t edits;

	assert(!s->changing && s->view != NULL);
	s->changing = true;
	s->sent = out->next;
	s->releasing = out->release;
	free_wanted(s);
	if (!steady_known(s)) {
		finish(s, CHANGE_OUT, "", "the steady health check is not known yet");
		return;
	}
	if (is_stale(s, out)) {
		finish(s, CHANGE_STALE, "",
		    "not sent: the zone was read anew while this was being decided");
		return;
	}
	edit = calloc(s->view->sets + RRSETS_MAX + 1, sizeof *edit);
	if (edit == NULL)
		abort();
	if (plan(s, out, edit, &edits, &e))
		send_change(s, out, edit, edits);
	else
		finish(s, CHANGE_REFUSED, "", e.text);
	free(edit);
}

void
zone_io_fini(struct agent_service *s)
{
	free_wanted(s);
	zone_view_free(s->view);
	s->view = NULL;
}
