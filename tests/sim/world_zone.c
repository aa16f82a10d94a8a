/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The zone: exact deletes, atomic batches, PENDING ignored; and the hands, restores and
 * lost answers that trouble it. A record set is a name, a weight and the version of its
 * values; that is all that a digest or an exact delete can tell apart here.
 */
#include "tests/sim/world_parts.h"

/* ---- digests ---- */

static uint64_t
mix(const struct world_set *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (const char *c = s->name; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * 0x100000001b3u;
	h = (h ^ s->weight) * 0x9e3779b97f4a7c15u;
	h = (h ^ s->answers ^ h >> 31) * 0xd1342543de82ef95u;
	return h ^ h >> 29;
}

uint64_t
zone_digest(const struct world_zone *z)
{
	uint64_t sum = 1;

	for (uint32_t i = 0; i < z->sets; i++)
		sum += mix(&z->set[i]);
	return sum;
}

static void
want(const struct world_agent *a, const uint8_t *weight, struct world_zone *z)
{
	const struct world_file *f = &a->world->file[a->file];

	memset(z, 0, sizeof *z);
	z->sets = f->rule.members;
	for (uint32_t m = 0; m < f->rule.members; m++) {
		memcpy(z->set[m].name, f->rule.member[m].name, WORD_MAX);
		z->set[m].weight = weight[m];
		z->set[m].answers = f->answers;
	}
}

uint64_t
zone_digest_wanted(const uint8_t weight[MEMBERS_MAX], void *agent)
{
	struct world_zone z;

	want(agent, weight, &z);
	return zone_digest(&z);
}

void
zone_want(const struct world_agent *a, const struct ledger *l, struct world_zone *z)
{
	uint8_t weight[MEMBERS_MAX] = {0};

	for (uint32_t m = 0; m < l->members; m++)
		weight[m] = l->member[m].weight;
	want(a, weight, z);
	z->present = true;
	(void)ledger_format(l, z->text);
}

/* ---- compare and swap ---- */

static struct world_set *
find_set(struct world_zone *z, const char *name)
{
	for (uint32_t i = 0; i < z->sets; i++)
		if (strcmp(z->set[i].name, name) == 0)
			return &z->set[i];
	return NULL;
}

static bool
same_set(const struct world_set *a, const struct world_set *b)
{
	return a->weight == b->weight && a->answers == b->answers;
}

/* Edits from the agent's picture to what it wants, on the zone as it is. */
static bool
apply_sets(
    struct world_zone *zone, struct world_zone *picture, struct world_zone *wanted)
{
	for (uint32_t i = 0; i < picture->sets; i++) {
		struct world_set *old = &picture->set[i], *now, *to;

		to = find_set(wanted, old->name);
		if (to != NULL && same_set(old, to))
			continue;
		now = find_set(zone, old->name);
		if (now == NULL || !same_set(now, old))
			return false;
		if (to != NULL)
			*now = *to;
		else
			*now = zone->set[--zone->sets];
	}
	for (uint32_t i = 0; i < wanted->sets; i++) {
		if (find_set(picture, wanted->set[i].name) != NULL)
			continue;
		if (find_set(zone, wanted->set[i].name) != NULL)
			return false;
		zone->set[zone->sets++] = wanted->set[i];
	}
	return true;
}

bool
zone_apply(struct world *w, const struct late_change *c)
{
	struct world_zone next = w->zone;
	struct late_change work = *c;
	struct ledger old;
	bool had = world_ledger(w, &old);

	bool moved = c->create
	    ? w->zone.present
	    : !w->zone.present || strcmp(w->zone.text, c->picture.text) != 0;
	if (moved && !w->faults.no_compare)
		return false;
	if (c->release) {
		say_line(w, "COMMIT: the ledger is released");
		w->zone.present = false;
		w->zone.text[0] = '\0';
		w->restored = true;
		zone_keep(w);
		return true;
	}
	if (c->intent.records && !apply_sets(&next, &work.picture, &work.wanted) &&
	    !w->faults.no_compare)
		return false;
	next.present = true;
	memcpy(next.text, c->wanted.text, sizeof next.text);
	struct world_zone was = w->zone;
	w->zone = next;
	zone_keep(w);
	w->commits++;
	w->committed_ms = w->now_ms;
	law_committed(w, &was, had, &old, &c->next, c);
	w->disturbed = true; /* who must serve has changed, and DNS */
	return true;
}

void
zone_keep(struct world *w)
{
	w->applied_ms[w->versions % WORLD_KEPT] = w->now_ms;
	w->kept[w->versions++ % WORLD_KEPT] = w->zone;
}

static int64_t
zone_wall_s(const struct world *w)
{
	return WORLD_WALL + (int64_t)(w->now_ms / 1000);
}

static void
push_answer(struct world *w, struct world_agent *a, const struct late_change *c,
    enum change_result r, uint64_t ms)
{
	struct event e = {
	    .at_ms = w->now_ms + ms,
	    .kind = EVENT_CHANGED,
	    .agent = a->index,
	    .life = c->life,
	    .result = r,
	    .wall_s = r == CHANGE_UNKNOWN ? 0 : zone_wall_s(w),
	};

	world_push(w, &e);
}

static bool
spend(uint32_t *count)
{
	if (*count == 0)
		return false;
	--*count;
	return true;
}

void
zone_take_change(struct world *w, struct world_agent *a, struct late_change *c)
{
	struct world_faults *f = &w->faults;
	uint64_t call_ms = w->conf.api_ms + f->slow_ms;
	uint64_t back_ms = call_ms - call_ms / 2, kill_ms = 1;

	if (w->conf.kill_ms > call_ms / 2)
		kill_ms = w->conf.kill_ms - call_ms / 2;

	if (f->throttle && !a->cut && !f->out) {
		push_answer(w, a, c, CHANGE_BUSY, back_ms);
	} else if (a->cut || f->out || spend(&f->lose_changes)) {
		push_answer(w, a, c, CHANGE_UNKNOWN, kill_ms);
	} else if (spend(&f->late_changes)) {
		struct event e = {.at_ms = w->now_ms + f->late_ms, .kind = EVENT_LATE};

		e.late = c;
		world_push(w, &e);
		push_answer(w, a, c, CHANGE_UNKNOWN, kill_ms);
		return;
	} else if (spend(&f->lose_answers)) {
		(void)zone_apply(w, c);
		push_answer(w, a, c, CHANGE_UNKNOWN, kill_ms);
	} else {
		bool won = zone_apply(w, c);

		if (call_ms > w->conf.kill_ms) /* the answer comes after the deadline */
			push_answer(w, a, c, CHANGE_UNKNOWN, kill_ms);
		else
			push_answer(w, a, c, won ? CHANGE_OK : CHANGE_LOST, back_ms);
	}
	free(c);
}

/* ---- reading ---- */

void
zone_show(struct world *w, struct world_agent *a)
{
	const struct rule_service *rule = &w->file[a->file].rule;
	struct world_faults *f = &w->faults;
	uint64_t call_ms = w->conf.api_ms + f->slow_ms;
	struct event e = {
	    .at_ms = w->now_ms + call_ms - call_ms / 2,
	    .kind = EVENT_VIEW,
	    .agent = a->index,
	    .life = a->life,
	};

	memset(&a->view, 0, sizeof a->view);
	bool silent = a->cut || f->out || call_ms > w->conf.kill_ms;
	if (silent || f->throttle) {
		a->view.result = silent ? CHANGE_OUT : CHANGE_BUSY;
		a->view.error = silent ? "no answer" : "Rate exceeded";
		e.wall_s = silent ? 0 : zone_wall_s(w);
		if (silent)
			e.at_ms = w->now_ms + w->conf.kill_ms;
		world_push(w, &e);
		return;
	}
	e.wall_s = zone_wall_s(w);
	a->shown = w->zone;
	/* a change tears the read that it meets, not the next one too */
	bool torn = f->torn_reads > 0 && w->versions > 1 && a->torn_at != w->versions;
	a->torn_at = 0;
	if (f->stale_reads > 0 && w->versions > f->stale_by) {
		f->stale_reads--;
		a->shown = w->kept[(w->versions - 1 - f->stale_by) % WORLD_KEPT];
	} else if (torn) {
		const struct world_zone *was = &w->kept[(w->versions - 2) % WORLD_KEPT];

		f->torn_reads--;
		a->torn_at = w->versions;
		a->shown.sets = was->sets;
		memcpy(a->shown.set, was->set, sizeof was->set);
	}
	a->view = (struct engine_view){
	    .result = CHANGE_OK,
	    .ledger_present = a->shown.present,
	    .ledger = a->shown.text,
	    .sets = a->shown.sets,
	    .digest = zone_digest(&a->shown),
	};
	for (uint32_t m = 0; m < rule->members; m++) {
		const struct world_set *s = find_set(&a->shown, rule->member[m].name);

		a->view.weight[m] = s != NULL ? s->weight : -1;
	}
	world_push(w, &e);
}

int
world_weight(const struct world *w, char member)
{
	for (uint32_t i = 0; i < w->zone.sets; i++)
		if (w->zone.set[i].name[0] == member)
			return w->zone.set[i].weight;
	return -1;
}

bool
world_ledger(const struct world *w, struct ledger *l)
{
	struct err e;

	return w->zone.present && ledger_parse(w->zone.text, l, &e) == LEDGER_OK;
}

bool
world_is_out(const struct world *w, char member)
{
	struct ledger l;

	for (uint32_t m = 0; world_ledger(w, &l) && m < l.members; m++)
		if (l.member[m].name[0] == member)
			return l.member[m].out;
	return false;
}

/* ---- other hands ---- */

void
world_edit(struct world *w, char member, uint8_t weight)
{
	char name[WORD_MAX] = {member};
	struct world_set *s = find_set(&w->zone, name);
	struct ledger l;
	int32_t at = world_ledger(w, &l) ? ledger_find(&l, name) : -1;

	assert(s != NULL);
	s->weight = weight;
	/* a hand that sets what was written last leaves nothing to see */
	w->edited[member - 'a'] = at < 0 || l.member[at].weight != weight;
	say_line(w, "a hand sets %c to weight %u", member, (unsigned)weight);
}

void
world_restore(struct world *w, uint32_t versions_back)
{
	assert(versions_back < w->versions && versions_back < WORLD_KEPT);
	w->zone = w->kept[(w->versions - 1 - versions_back) % WORLD_KEPT];
	w->restored = true;
	memset(w->edited, 0, sizeof w->edited);
	say_line(w, "the zone is restored to %u versions ago", (unsigned)versions_back);
}

void
world_write_text(struct world *w, const char *text)
{
	w->zone.present = text != NULL;
	(void)snprintf(w->zone.text, sizeof w->zone.text, "%s", text ? text : "");
	say_line(w, "a hand %s the ledger", text ? "rewrites" : "deletes");
}

void
world_add_set(struct world *w, const char *name, uint8_t weight)
{
	struct world_set *s = &w->zone.set[w->zone.sets];

	assert(w->zone.sets <= MEMBERS_MAX && find_set(&w->zone, name) == NULL);
	memset(s, 0, sizeof *s);
	(void)snprintf(s->name, sizeof s->name, "%s", name);
	s->weight = weight;
	w->zone.sets++;
	say_line(w, "a hand adds the set %s", name);
}

/* ---- name servers ---- */

void
zone_dns_arm(struct world *w)
{
	struct ledger l;

	if (!world_ledger(w, &l))
		return;
	for (uint32_t i = 0; i < world_instances(w); i++) {
		struct world_agent *a = &w->agent[i];

		if (!a->running || a->dns_ms != UINT64_MAX ||
		    l.epoch <= a->g->watch.epoch)
			continue;
		a->dns_ms = a->settled_ms;
		if (a->dns_ms < w->now_ms)
			a->dns_ms +=
			    ((w->now_ms - a->dns_ms) / (10 * SECOND) + 1) * 10 * SECOND;
	}
}
