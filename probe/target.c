/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address keeps its slot for as long as it lives, whatever else comes and goes: the
 * agent's detector for it hangs on the slot's number. Freed numbers are used again,
 * lowest first, so that they stay below ADDRESSES_MAX.
 *
 * A reload that changes only a check keeps the slots and starts their beats anew; one
 * that changes nothing does nothing.
 */
#include "probe/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#define INTERVAL_US_MIN UINT64_C(10000) /* a tick: less cannot be kept */

static uint64_t
interval_us(uint64_t ms)
{
	return ms * 1000 < INTERVAL_US_MIN ? INTERVAL_US_MIN : ms * 1000;
}

static void
tell(struct target *t, enum probe_event_kind kind, const struct slot *s,
    const char *text)
{
	struct probe_event ev = {.kind = kind, .id = t->id};

	if (s != NULL) {
		ev.slot = s->number;
		ev.family = s->address.family;
		address_format(&s->address, ev.address);
	}
	(void)snprintf(ev.text, sizeof ev.text, "%s", text);
	outbox_tell(&t->worker->outbox, &ev);
}

static void
schedule_slot(struct slot *s)
{
	struct worker *w = s->target->worker;
	const struct check_spec *check = &s->target->plan->check;

	if (!w->going)
		return;
	schedule_add(&w->schedule, &s->beat, interval_us(check->every_ms),
	    interval_us(check->recheck_ms), loop_now_us());
	worker_reschedule(w);
}

static void
stop_slot(struct slot *s)
{
	if (s->flight != NULL)
		flight_cancel(s->flight);
	s->ticket = 0;
	schedule_remove(&s->target->worker->schedule, &s->beat);
}

static void
slot_free(struct slot *s)
{
	struct target *t = s->target;

	stop_slot(s);
	outbox_forget(&t->worker->outbox, &s->queued);
	t->slot[s->number] = NULL;
	free(s);
}

static uint32_t
free_number(struct target *t)
{
	uint32_t i = 0;

	while (i < t->slots && t->slot[i] != NULL)
		i++;
	return i;
}

/* False: no room. */
static bool
add_address(struct target *t, const struct address *a)
{
	uint32_t number = free_number(t);
	struct slot *s;

	if (number >= ADDRESSES_MAX)
		return false;
	if (number == t->slots) {
		uint32_t slots = t->slots == 0 ? 1 : t->slots * 2;
		struct slot **grown = realloc(t->slot, slots * sizeof(struct slot *));

		if (grown == NULL)
			abort();
		memset(grown + t->slots, 0, (slots - t->slots) * sizeof(struct slot *));
		t->slot = grown;
		t->slots = slots;
	}
	s = calloc(1, sizeof *s);
	if (s == NULL)
		abort();
	s->target = t;
	s->address = *a;
	s->number = (uint8_t)number;
	s->forbidden = address_forbidden(a);
	t->slot[number] = s;
	tell(t, PROBE_ADDRESS, s, "");
	schedule_slot(s);
	return true;
}

static bool
is_among(const struct address *a, const struct address *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (address_equal(a, &list[i]))
			return true;
	}
	return false;
}

static bool
has_slot(const struct target *t, const struct address *a)
{
	for (uint32_t i = 0; i < t->slots; i++) {
		if (t->slot[i] != NULL && address_equal(&t->slot[i]->address, a))
			return true;
	}
	return false;
}

static void
on_changed(struct name_user *u, const struct address *a, uint32_t n)
{
	struct target *t = heap_entry(u, struct target, user);
	bool crowded = false;

	for (uint32_t i = 0; i < t->slots; i++) {
		struct slot *s = t->slot[i];

		if (s == NULL || is_among(&s->address, a, n))
			continue;
		tell(t, PROBE_RETIRED, s, "");
		slot_free(s);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!has_slot(t, &a[i]) && !add_address(t, &a[i]))
			crowded = true;
	}
	if (crowded && !t->crowded) {
		char text[160];

		(void)snprintf(text, sizeof text,
		    "%.80s has %u addresses: only %d are probed", t->host, n,
		    ADDRESSES_MAX);
		tell(t, PROBE_CROWDED, NULL, text);
	}
	t->crowded = crowded;
}

static void
on_trouble(struct name_user *u, const char *why)
{
	struct target *t = heap_entry(u, struct target, user);

	if (why != NULL)
		tell(t, PROBE_UNRESOLVED, NULL, why);
	else
		tell(t, PROBE_RESOLVED, NULL, "");
}

static struct target **
bucket_of(struct worker *w, uint32_t id)
{
	return &w->targets.bucket[id % TARGET_BUCKETS];
}

static struct target *
find(struct worker *w, uint32_t id)
{
	struct target *t = *bucket_of(w, id);

	while (t != NULL && t->id != id)
		t = t->next_same;
	return t;
}

static void
target_free(struct target *t)
{
	struct worker *w = t->worker;
	struct target **at = bucket_of(w, t->id);

	for (uint32_t i = 0; i < t->slots; i++) {
		if (t->slot[i] != NULL)
			slot_free(t->slot[i]);
	}
	names_leave(w->names, &t->user);
	while (*at != t)
		at = &(*at)->next_same;
	*at = t->next_same;
	*t->back = t->next;
	if (t->next != NULL)
		t->next->back = t->back;
	else
		w->targets.end = t->back;
	plan_give_back(&w->plans, t->plan);
	free(t->slot);
	free(t->host);
	free(t);
}

static void
link_target(struct worker *w, struct target *t)
{
	struct target **bucket = bucket_of(w, t->id);

	t->next_same = *bucket;
	*bucket = t;
	t->back = w->targets.end;
	*w->targets.end = t;
	w->targets.end = &t->next;
}

static bool
target_new(struct worker *w, const struct prober_msg *m, struct plan *plan)
{
	struct target *t = calloc(1, sizeof *t);
	struct address address;

	if (t != NULL)
		t->host = strdup(m->host);
	if (t == NULL || t->host == NULL) {
		free(t);
		plan_give_back(&w->plans, plan);
		return false;
	}
	t->id = m->id;
	t->worker = w;
	t->plan = plan;
	t->user.changed = on_changed;
	t->user.trouble = on_trouble;
	memcpy(t->families, m->families, sizeof t->families);
	link_target(w, t);
	t->numeric = address_parse(&address, m->host);
	if (t->numeric)
		return add_address(t, &address);
	if (!t->families[FAMILY_V4] && !t->families[FAMILY_V6])
		t->families[FAMILY_V4] = t->families[FAMILY_V6] = true;
	return names_join(w->names, &t->user, t->host, t->families);
}

static void
change_plan(struct target *t, struct plan *plan)
{
	for (uint32_t i = 0; i < t->slots; i++) {
		if (t->slot[i] != NULL)
			stop_slot(t->slot[i]);
	}
	plan_give_back(&t->worker->plans, t->plan);
	t->plan = plan;
	for (uint32_t i = 0; i < t->slots; i++) {
		if (t->slot[i] != NULL)
			schedule_slot(t->slot[i]);
	}
}

bool
target_put(struct worker *w, const struct prober_msg *m)
{
	struct target *old = find(w, m->id);
	struct plan *plan = plan_take(&w->plans, m, &w->authorities);

	if (plan == NULL)
		return false;
	if (old == NULL)
		return target_new(w, m, plan);
	if (strcasecmp(old->host, m->host) != 0 ||
	    (!old->numeric &&
		memcmp(old->families, m->families, sizeof old->families) != 0)) {
		target_free(old);
		return target_new(w, m, plan);
	}
	if (old->plan == plan)
		plan_give_back(&w->plans, plan);
	else
		change_plan(old, plan);
	return true;
}

void
target_drop(struct worker *w, uint32_t id)
{
	struct target *t = find(w, id);

	if (t != NULL)
		target_free(t);
}

void
target_result(struct worker *w, const struct prober_msg *m)
{
	struct target *t = find(w, m->id);
	struct slot *s = t != NULL && m->slot < t->slots ? t->slot[m->slot] : NULL;

	if (s == NULL || m->ticket == 0 || s->ticket != m->ticket)
		return;
	flight_result(w, s,
	    m->outcome <= OUTCOME_FAIL ? (enum outcome)m->outcome : OUTCOME_UNKNOWN);
}

void
targets_go(struct worker *w)
{
	w->going = true;
	for (struct target *t = w->targets.first; t != NULL; t = t->next) {
		for (uint32_t i = 0; i < t->slots; i++) {
			if (t->slot[i] != NULL)
				schedule_slot(t->slot[i]);
		}
	}
}

void
targets_drop_all(struct worker *w)
{
	while (w->targets.first != NULL)
		target_free(w->targets.first);
}
