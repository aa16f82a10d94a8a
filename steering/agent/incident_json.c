/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An incident as JSON: what the store keeps and --json shows. Keys are an interface:
 * add, never rename. Times are Unix milliseconds, 0 or absent where nothing was seen;
 * words are those of the configuration and the ledger. What does not add up to a sound
 * incident is refused, for the file may have been another hand's.
 */
#include "steering/agent/incident.h"

#include <stdio.h>
#include <string.h>

#include "steering/zone/json.h"

/* ---- words ---- */

/* Each word list as a function of a number, asked from 0 on. */
typedef const char *word_fn(int n);

static const char *
slot_of(int n)
{
	return slot_word((enum slot)n);
}

static const char *
way_of(int n)
{
	return run_way_word((enum run_way)n);
}

static const char *
run_state_of(int n)
{
	return run_state_word((enum run_state)n);
}

static const char *
kind_of(int n)
{
	return scenario_kind_word((enum scenario_kind)n);
}

static const char *
state_of(int n)
{
	return incident_state_word((enum incident_state)n);
}

static const char *
outcome_of(int n)
{
	return step_outcome_word((enum step_outcome)n);
}

static bool
find_word(const char *text, word_fn *word, int count, int *out)
{
	for (int n = 0; n < count; n++)
		if (strcmp(word(n), text) == 0) {
			*out = n;
			return true;
		}
	return false;
}

/* ---- writing ---- */

static void
put_time(struct json *j, const char *key, int64_t wall_ms)
{
	if (wall_ms != 0)
		json_put_int(j, key, wall_ms);
}

static void
put_flag(struct json *j, const char *key, bool b)
{
	if (b)
		json_put_bool(j, key, true);
}

static void
put_words(struct json *j, const char *key, const char *text)
{
	if (text[0] != '\0')
		json_put_text(j, key, text);
}

static struct json *
step_json(const struct incident_step *s)
{
	struct json *j = json_map_new();

	json_put_text(j, "slot", slot_word(s->slot));
	json_put_int(j, "index", s->index);
	put_flag(j, "undo", s->undo);
	json_put_text(j, "outcome", step_outcome_word(s->outcome));
	json_put_text(j, "state", run_state_word(s->state));
	put_time(j, "state_ms", s->state_wall_ms);
	put_time(j, "begun_ms", s->begun_wall_ms);
	put_time(j, "started_ms", s->started_wall_ms);
	put_time(j, "ended_ms", s->ended_wall_ms);
	json_put_int(j, "people_for_ms", (int64_t)s->people_ms);
	json_put_int(j, "tries", s->tries);
	json_put_int(j, "fence", (int64_t)s->fence);
	put_flag(j, "unknown", s->unknown);
	put_flag(j, "asked", s->asked);
	put_flag(j, "warned", s->warned);
	put_flag(j, "skip", s->skip);
	put_words(j, "text", s->text);
	return j;
}

static struct json *
steps_json(const struct incident *i)
{
	struct json *list = json_list_new();

	for (uint32_t n = 0; n < i->steps; n++)
		json_add(list, step_json(&i->step[n]));
	return list;
}

static struct json *
orders_json(const struct incident *i)
{
	struct json *list = json_list_new();

	for (uint32_t n = 0; n < i->orders; n++) {
		const struct incident_order *o = &i->order[n];
		struct json *j = json_map_new();

		json_put_text(j, "order", o->word);
		json_put_text(j, "slot", slot_word(o->slot));
		json_put_int(j, "at_ms", o->at_wall_ms);
		put_flag(j, "refused", o->refused);
		json_put_text(j, "who", o->who);
		json_put_text(j, "reason", o->reason);
		json_add(list, j);
	}
	return list;
}

static struct json *
runners_json(const struct incident *i)
{
	struct json *list = json_list_new();

	for (uint32_t n = 0; n < i->runners; n++) {
		struct json *j = json_map_new();

		json_put_text(j, "agent", i->runner[n].agent);
		json_put_text(j, "slot", slot_word(i->runner[n].slot));
		json_put_int(j, "since_ms", i->runner[n].since_wall_ms);
		json_add(list, j);
	}
	return list;
}

static struct json *
left_out_json(const struct incident *i)
{
	struct json *list = json_list_new();

	for (uint32_t n = 0; n < i->left_outs; n++) {
		struct json *j = json_map_new();

		json_put_text(j, "slot", slot_word(i->left_out[n].slot));
		json_put_text(j, "why", i->left_out[n].why);
		json_add(list, j);
	}
	return list;
}

static void
put_lists(struct json *j, const struct incident *i)
{
	struct json *plan = json_list_new(), *marks = json_map_new();

	for (uint32_t n = 0; n < i->plan_steps; n++)
		json_add_text(plan, slot_word((enum slot)i->plan[n]));
	for (int m = 0; m < MARKS; m++)
		put_time(marks, incident_mark_word((enum incident_mark)m),
		    i->mark_wall_ms[m]);
	json_put(j, "marks", marks);
	json_put(j, "plan", plan);
	json_put(j, "steps", steps_json(i));
	json_put(j, "orders", orders_json(i));
	json_put(j, "runners", runners_json(i));
	json_put(j, "left_out", left_out_json(i));
}

struct json *
incident_to_json(const struct incident *i)
{
	struct json *j = json_map_new();
	char name[INCIDENT_NAME_MAX];

	json_put_text(j, "incident", incident_name(i, name));
	json_put_text(j, "service", i->service);
	json_put_text(j, "scenario", i->scenario);
	json_put_text(j, "kind", scenario_kind_word(i->kind));
	json_put_text(j, "seen_by", i->seen_by);
	json_put_int(j, "id", (int64_t)i->id);
	json_put_text(j, "way", run_way_word(i->way));
	json_put_text(j, "from", i->from);
	json_put_text(j, "to", i->to);
	json_put_text(j, "state", incident_state_word(i->state));
	put_flag(j, "aborting", i->aborting);
	json_put_int(j, "into", (int64_t)i->into);
	json_put_int(j, "rto_target_ms", (int64_t)i->rto_ms);
	json_put_int(j, "rpo_target_ms", (int64_t)i->rpo_ms);
	json_put_int(j, "ttl_s", i->ttl_s);
	json_put_int(j, "committed_epoch", (int64_t)i->committed_epoch);
	json_put_int(j, "epoch", (int64_t)i->epoch);
	json_put_int(j, "last_ms", i->last_wall_ms);
	put_flag(j, "clock_stepped", i->clock_stepped);
	put_flag(j, "lag_asked", i->lag_asked);
	put_flag(j, "lag_known", i->lag_known);
	json_put_int(j, "lag_ms", (int64_t)i->lag_ms);
	put_words(j, "lag_why", i->lag_why);
	put_words(j, "backup_id", i->backup_id);
	put_words(j, "backup_started_at", i->backup_started_at);
	put_lists(j, i);
	return j;
}

struct json *
incident_report_json(const struct incident *i, int64_t now_wall_ms)
{
	struct json *j = incident_to_json(i);
	struct incident_sums s;

	incident_sum(i, now_wall_ms, &s);
	json_put_bool(j, "met", incident_judge(i, now_wall_ms) == 0);
	json_put_text(j, "counted_from",
	    s.basis == BASIS_FAULT        ? "fault"
		: s.basis == BASIS_FREEZE ? "freeze"
					  : "decided");
	put_time(j, "ttl_passed_ms", s.ttl_wall_ms);
	if (s.rto_known)
		json_put_int(j, "rto_ms", (int64_t)s.rto_ms);
	else
		json_put_null(j, "rto_ms");
	if (i->lag_known)
		json_put_int(j, "rpo_ms", (int64_t)i->lag_ms);
	else
		json_put_null(j, "rpo_ms");
	if (s.interrupted)
		json_put_int(j, "interruption_ms", (int64_t)s.interruption_ms);
	if (s.bottleneck >= 0) {
		json_put_text(j, "bottleneck", slot_word(i->step[s.bottleneck].slot));
		json_put_int(j, "bottleneck_for_ms", (int64_t)s.bottleneck_ms);
	}
	json_put_int(j, "people_for_ms", (int64_t)s.people_ms);
	return j;
}

/* ---- reading ---- */

static bool
take_word(const struct json *j, const char *key, word_fn *word, int count, int *out,
    struct err *e)
{
	return find_word(json_text(j, key, ""), word, count, out) ||
	    err_set(e, "its %s '%.40s' is not known", key, json_text(j, key, ""));
}

static void
take_text(const struct json *j, const char *key, char *out, size_t out_bytes)
{
	(void)snprintf(out, out_bytes, "%s", json_text(j, key, ""));
}
#define TAKE_TEXT(j, key, field) take_text(j, key, field, sizeof(field))

static uint64_t
take_count(const struct json *j, const char *key)
{
	int64_t n = json_int(j, key, 0);

	return n > 0 ? (uint64_t)n : 0;
}

static int64_t
take_time(const struct json *j, const char *key)
{
	return (int64_t)take_count(j, key);
}

static bool
take_list(const struct json *j, const char *key, size_t max, const struct json **list,
    uint32_t *count, struct err *e)
{
	*list = json_get(j, key);
	if (json_count(*list) > max)
		return err_set(e, "it has more %s than %zu", key, max);
	*count = (uint32_t)json_count(*list);
	return true;
}

static bool
take_step(const struct json *j, struct incident_step *s, struct err *e)
{
	int slot, outcome, state;

	if (!take_word(j, "slot", slot_of, SLOTS, &slot, e) ||
	    !take_word(j, "outcome", outcome_of, STEP_OUTCOMES, &outcome, e) ||
	    !take_word(j, "state", run_state_of, RUN_STATES, &state, e))
		return false;
	*s = (struct incident_step){.slot = (enum slot)slot,
	    .undo = json_flag(j, "undo"),
	    .index = (uint32_t)take_count(j, "index"),
	    .begun_wall_ms = take_time(j, "begun_ms"),
	    .ended_wall_ms = take_time(j, "ended_ms"),
	    .started_wall_ms = take_time(j, "started_ms"),
	    .people_ms = take_count(j, "people_for_ms"),
	    .tries = (uint32_t)take_count(j, "tries"),
	    .fence = take_count(j, "fence"),
	    .unknown = json_flag(j, "unknown"),
	    .asked = json_flag(j, "asked"),
	    .warned = json_flag(j, "warned"),
	    .skip = json_flag(j, "skip"),
	    .outcome = (enum step_outcome)outcome,
	    .state = (enum run_state)state,
	    .state_wall_ms = take_time(j, "state_ms")};
	TAKE_TEXT(j, "text", s->text);
	return true;
}

static bool
take_order(const struct json *j, struct incident_order *o, struct err *e)
{
	int slot;

	if (!take_word(j, "slot", slot_of, SLOTS, &slot, e))
		return false;
	*o = (struct incident_order){.slot = (enum slot)slot,
	    .at_wall_ms = take_time(j, "at_ms"),
	    .refused = json_flag(j, "refused")};
	TAKE_TEXT(j, "order", o->word);
	TAKE_TEXT(j, "who", o->who);
	TAKE_TEXT(j, "reason", o->reason);
	return true;
}

static bool
take_runner(const struct json *j, struct incident_runner *r, struct err *e)
{
	int slot;

	if (!take_word(j, "slot", slot_of, SLOTS, &slot, e))
		return false;
	*r = (struct incident_runner){
	    .slot = (enum slot)slot, .since_wall_ms = take_time(j, "since_ms")};
	TAKE_TEXT(j, "agent", r->agent);
	return true;
}

static bool
take_left_out(const struct json *j, struct incident_left_out *l, struct err *e)
{
	int slot;

	if (!take_word(j, "slot", slot_of, SLOTS, &slot, e))
		return false;
	*l = (struct incident_left_out){.slot = (enum slot)slot};
	TAKE_TEXT(j, "why", l->why);
	return true;
}

static bool
take_lists(const struct json *j, struct incident *i, struct err *e)
{
	const struct json *plan, *steps, *orders, *runners, *left;
	bool ok = true;

	if (!take_list(j, "plan", sizeof i->plan, &plan, &i->plan_steps, e) ||
	    !take_list(j, "steps", INCIDENT_STEPS_MAX, &steps, &i->steps, e) ||
	    !take_list(j, "orders", INCIDENT_ORDERS_MAX, &orders, &i->orders, e) ||
	    !take_list(j, "runners", INCIDENT_RUNNERS_MAX, &runners, &i->runners, e) ||
	    !take_list(j, "left_out", SLOTS, &left, &i->left_outs, e))
		return false;
	for (uint32_t n = 0; n < i->plan_steps && ok; n++) {
		int slot = 0;

		ok = find_word(
			 json_string_of(json_at(plan, n)), slot_of, SLOTS, &slot) ||
		    err_set(e, "its plan has a slot that is not known");
		i->plan[n] = (uint8_t)slot;
	}
	for (uint32_t n = 0; n < i->steps && ok; n++)
		ok = take_step(json_at(steps, n), &i->step[n], e);
	for (uint32_t n = 0; n < i->orders && ok; n++)
		ok = take_order(json_at(orders, n), &i->order[n], e);
	for (uint32_t n = 0; n < i->runners && ok; n++)
		ok = take_runner(json_at(runners, n), &i->runner[n], e);
	for (uint32_t n = 0; n < i->left_outs && ok; n++)
		ok = take_left_out(json_at(left, n), &i->left_out[n], e);
	return ok;
}

static void
take_rest(const struct json *j, struct incident *i)
{
	const struct json *marks = json_get(j, "marks");

	TAKE_TEXT(j, "service", i->service);
	TAKE_TEXT(j, "scenario", i->scenario);
	TAKE_TEXT(j, "seen_by", i->seen_by);
	TAKE_TEXT(j, "from", i->from);
	TAKE_TEXT(j, "to", i->to);
	TAKE_TEXT(j, "lag_why", i->lag_why);
	TAKE_TEXT(j, "backup_id", i->backup_id);
	TAKE_TEXT(j, "backup_started_at", i->backup_started_at);
	i->id = take_count(j, "id");
	i->aborting = json_flag(j, "aborting");
	i->into = take_count(j, "into");
	i->rto_ms = take_count(j, "rto_target_ms");
	i->rpo_ms = take_count(j, "rpo_target_ms");
	i->ttl_s = (uint32_t)take_count(j, "ttl_s");
	i->committed_epoch = take_count(j, "committed_epoch");
	i->epoch = take_count(j, "epoch");
	i->last_wall_ms = take_time(j, "last_ms");
	i->clock_stepped = json_flag(j, "clock_stepped");
	i->lag_asked = json_flag(j, "lag_asked");
	i->lag_known = json_flag(j, "lag_known");
	i->lag_ms = take_count(j, "lag_ms");
	for (int m = 0; m < MARKS; m++)
		i->mark_wall_ms[m] =
		    take_time(marks, incident_mark_word((enum incident_mark)m));
}

bool
incident_from_json(const struct json *j, struct incident *i, struct err *e)
{
	int kind, way, state;

	*i = (struct incident){0};
	if (!json_is_map(j))
		return err_set(e, "it is no incident");
	if (!take_word(j, "kind", kind_of, SCENARIO_KINDS, &kind, e) ||
	    !take_word(j, "way", way_of, RUN_WAYS, &way, e) ||
	    !take_word(j, "state", state_of, INCIDENT_STATES, &state, e))
		return false;
	i->kind = (enum scenario_kind)kind;
	i->way = (enum run_way)way;
	i->state = (enum incident_state)state;
	take_rest(j, i);
	return take_lists(j, i, e) && incident_sound(i, e);
}
