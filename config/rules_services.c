/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_services.c - a service as a whole: names, numbers, voters, record style.
 */
#include "config/load.h"

#include <inttypes.h>
#include <string.h>

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)
#define NOTE_KEY(l, node, ...) \
	note_error((l)->notes, (node)->key_line, (node)->key_column, __VA_ARGS__)

#define LEDGER_NAME_CHARS_MAX 253

/* Route 53's limits of one change batch, and the ledger's share, old and new. */
#define BATCH_VALUES_MAX 1000
#define BATCH_CHARS_MAX 32000
#define BATCH_LEDGER_CHARS (2 * (LEDGER_TEXT_MAX + 40))

/* The value's node, or the block's when the key was left out. */
static const struct ynode *
place(const struct block *b, const char *path)
{
	const struct ynode *n = ynode_at(b->node, path);

	return n != NULL ? n : b->node;
}

static const struct ynode *
item(const struct ynode *list, uint32_t i)
{
	const struct ynode *n = list->first;

	while (i-- > 0 && n->next != NULL)
		n = n->next;
	return n;
}

static const char *
apex_of(const struct load *l, const struct draft_service *d)
{
	const struct block *zone = block_at(l->file, "zones.*", d->service.zone);

	return zone != NULL ? ((struct draft_zone *)zone->data)->zone.route53.apex : "";
}

static void
rule_name_twins(
    struct load *l, const struct block *b, const char *name, const struct ynode *at)
{
	const struct draft_service *mine = b->data;

	for (struct block *o = block_first(l->file, "services.*"); o != b;
	     o = block_next(o)) {
		const struct draft_service *other = o->data;

		if (other->service.zone != mine->service.zone)
			continue;
		for (uint32_t i = 0; i < other->service.names; i++)
			if (strcmp(other->service.name[i], name) == 0)
				NOTE(l, at,
				    "%.100s belongs to service '%.40s' already: a name is "
				    "moved by one service",
				    name, o->name);
	}
}

static void
rule_names(struct load *l, const struct block *b)
{
	const struct draft_service *d = b->data;
	const struct ynode *list = ynode_get(b->node, "names");
	const char *apex = apex_of(l, d);

	for (uint32_t i = 0; i < d->service.names; i++) {
		const char *name = d->service.name[i];
		const struct ynode *at = item(list, i);

		if (name[0] == '\0')
			continue; /* not a name: noted already */
		if (apex[0] != '\0' && !value_name_inside(name, apex))
			NOTE(l, at, "%.100s is outside the zone %.100s", name, apex);
		if (strncmp(name, "_pointsman.", 11) == 0)
			NOTE(l, at, "names under _pointsman are kept for ledgers");
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(name, d->service.name[k]) == 0)
				NOTE(l, at, "%.100s is named twice", name);
		rule_name_twins(l, b, name, at);
	}
	if (apex[0] != '\0' &&
	    strlen("_pointsman.") + strlen(b->name) + 1 + strlen(apex) >
		LEDGER_NAME_CHARS_MAX)
		NOTE_KEY(l, b->node,
		    "the ledger's name, _pointsman.%.40s.%.40s…, is longer than DNS "
		    "allows: shorten the service's name",
		    b->name, apex);
}

static void
rule_ramp(struct load *l, const struct block *b)
{
	const struct rule_service *r = &((struct draft_service *)b->data)->service.rule;
	const struct ynode *steps = ynode_at(b->node, "ramp.steps");

	if (steps == NULL || steps->first == NULL)
		return;
	for (uint32_t i = 1; i < r->ramp_steps; i++)
		if (r->ramp_pct[i] <= r->ramp_pct[i - 1]) {
			NOTE(l, item(steps, i),
			    "ramp steps must rise: %u%% does not exceed %u%%",
			    r->ramp_pct[i], r->ramp_pct[i - 1]);
			return;
		}
	if (r->ramp_pct[r->ramp_steps - 1] != 100)
		NOTE(l, steps->last,
		    "the last ramp step must be 100%%: the member would never have its "
		    "whole weight");
}

static void
rule_numbers(struct load *l, const struct block *b, uint32_t members)
{
	const struct rule_service *r = &((struct draft_service *)b->data)->service.rule;

	if (r->down_below_pct > r->up_above_pct)
		NOTE(l,
		    ynode_get(b->node, "down_below") != NULL ? place(b, "down_below")
							     : place(b, "up_above"),
		    "down_below %u%% is more than up_above %u%%: a share between them "
		    "would be both",
		    r->down_below_pct, r->up_above_pct);
	if (r->max_out >= members && r->max_out > 0 && members > 1)
		NOTE(l, place(b, "max_out"),
		    "max_out %u would leave none of %u members: at most %u", r->max_out,
		    members, members - 1);
	if (r->return_hold_ms > r->return_hold_ms_max)
		NOTE(l,
		    ynode_at(b->node, "return.hold") != NULL
			? place(b, "return.hold")
			: place(b, "return.hold_max"),
		    "return.hold is longer than return.hold_max");
	if (l->draft->quorum != 1 && r->return_hold_ms < l->draft->fresh_ms)
		NOTE(l,
		    ynode_at(b->node, "return.hold") != NULL ? place(b, "return.hold")
							     : b->node,
		    "return.hold is shorter than timing.fresh: votes from before a "
		    "drain would bring the member back");
	if (r->stateful && ynode_get(b->node, "swap") != NULL)
		note_warning(l->notes, place(b, "swap")->key_line,
		    place(b, "swap")->key_column,
		    "a stateful service is never swapped: swap has no effect");
	rule_ramp(l, b);
}

static const char *
domain_of(const struct block *agent)
{
	const struct config_agent *a = &((struct draft_agent *)agent->data)->agent;

	return a->domain[0] != '\0' ? a->domain
	    : a->site[0] != '\0'    ? a->site
				    : agent->name;
}

static void
rule_voters(struct load *l, const struct block *b)
{
	const struct draft_service *d = b->data;
	const struct ynode *from = ynode_get(b->node, "from");
	const char *domain = NULL;
	uint32_t voters = 0, domains = 0;

	for (uint32_t i = 0; i < d->from; i++)
		for (uint32_t k = 0; k < i; k++)
			if (d->voter[i] == d->voter[k]) {
				NOTE(l, item(from, i), "'%.40s' is named twice",
				    item(from, i)->text);
				return;
			}
	for (struct block *a = block_first(l->file, "agents.*"); a != NULL;
	     a = block_next(a)) {
		bool in = d->from == 0;

		for (uint32_t k = 0; k < d->from; k++)
			in = in || d->voter[k] == a->index;
		if (!in)
			continue;
		voters++;
		if (domain == NULL || strcmp(domain, domain_of(a)) != 0)
			domains++;
		domain = domain_of(a);
	}
	/* Counting changes of domain is enough: one means all are the same. */
	if (l->draft->quorum == 1 || domains != 1 || (voters == 1 && from == NULL))
		return;
	note_error(l->notes, from != NULL ? from->line : b->node->key_line,
	    from != NULL ? from->column : b->node->key_column,
	    "the agents that vote on '%.40s' are all in domain '%.40s': a quorum must not "
	    "come from one domain, so nothing would ever be decided",
	    b->name, domain);
}

static void
rule_records(struct load *l, const struct block *b, uint32_t members)
{
	const struct draft_service *d = b->data;
	const struct ynode *records = ynode_get(b->node, "records");

	if (records == NULL)
		return;
	if (d->policy != 1)
		NOTE(l, records,
		    "records says how a failover is written: it needs policy: failover");
	else if (d->records == 1 && members != 2)
		NOTE(l, records,
		    "records: failover is for exactly two members, PRIMARY and SECONDARY; "
		    "'%.40s' has %u (records: weighted takes any number)",
		    b->name, members);
}

static void
rule_weights(struct load *l, const struct block *b)
{
	const struct draft_service *d = b->data;
	const struct ynode *members = ynode_get(b->node, "members");
	uint32_t sum = 0, least = UINT32_MAX, with = 0;

	if (members == NULL || d->policy != 0)
		return;
	for (struct block *m = block_first(b, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		uint32_t w = ((struct draft_member *)m->data)->weight;

		sum += w;
		least = w < least ? w : least;
		with += w > 0;
	}
	if (members->children >= 2 && sum == 0)
		NOTE_KEY(l, members,
		    "every weight of '%.40s' is 0: Route 53 answers such a group with "
		    "everything; give at least two members a weight",
		    b->name);
	else if (members->children >= 2 && with == 1)
		note_warning(l->notes, members->key_line, members->key_column,
		    "only one member of '%.40s' has a weight: nothing could take over for "
		    "it",
		    b->name);
	uint32_t pct = d->service.rule.min_capacity_pct;
	if (sum > 0 && with > 1 && (sum - least) * 100 < sum * pct)
		note_warning(l->notes, place(b, "min_capacity")->line,
		    place(b, "min_capacity")->column,
		    "min_capacity %u%% forbids every drain: without its smallest member "
		    "'%.40s' has %u%%",
		    pct, b->name, (sum - least) * 100 / sum);
}

static void
rule_members_count(struct load *l, const struct block *b, uint32_t members)
{
	const struct ynode *node = ynode_get(b->node, "members");
	uint32_t last = 0;

	if (node == NULL || node->kind != YNODE_MAP)
		return;
	if (members < 2)
		NOTE_KEY(l, node,
		    "service '%.40s' has %s member: without a second one there is nowhere "
		    "to steer to",
		    b->name, members == 0 ? "no" : "one");
	for (struct block *m = block_first(b, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		if (!((struct draft_member *)m->data)->last_resort)
			continue;
		if (++last == 2)
			NOTE_KEY(l, m->node,
			    "'%.40s' is a second last resort: a service has one",
			    m->name);
	}
	if (last > 0 && last == members)
		NOTE_KEY(
		    l, node, "service '%.40s' has no member that is probed", b->name);
}

/* A change is never split, so the largest one must fit: every record set of the
 * service deleted and created again, and the ledger beside them. */
static void
rule_batch(struct load *l, const struct block *b)
{
	uint32_t names = ((struct draft_service *)b->data)->service.names;
	size_t values = 0, chars = 0;

	for (struct block *m = block_first(b, "services.*.members.*"); m != NULL;
	     m = block_next(m)) {
		const struct draft_member *d = m->data;

		for (uint32_t i = 0; i < d->a; i++)
			chars += strlen(d->a_value[i]);
		for (uint32_t i = 0; i < d->aaaa; i++)
			chars += strlen(d->aaaa_value[i]);
		chars += strlen(d->cname);
		values += d->a + d->aaaa + (d->cname[0] != '\0') +
		    (d->alias_name[0] != '\0' ? d->types : 0);
	}
	values = 2 * names * values + 2;
	chars = 2 * names * chars + BATCH_LEDGER_CHARS;
	if (values > BATCH_VALUES_MAX || chars > BATCH_CHARS_MAX)
		NOTE_KEY(l, b->node,
		    "'%.40s' is too large for one change: all its record sets come to %zu "
		    "values and %zu characters, old and new, and Route 53 takes %d and "
		    "%d in a batch; make two services of it",
		    b->name, values, chars, BATCH_VALUES_MAX, BATCH_CHARS_MAX);
}

void
rules_services(struct load *l)
{
	for (struct block *b = block_first(l->file, "services.*"); b != NULL;
	     b = block_next(b)) {
		uint32_t members = 0;

		if (b->node->kind != YNODE_MAP)
			continue;
		for (struct block *m = block_first(b, "services.*.members.*");
		     m != NULL; m = block_next(m))
			members++;
		rule_names(l, b);
		rule_numbers(l, b, members);
		rule_voters(l, b);
		rule_records(l, b, members);
		rule_weights(l, b);
		rule_members_count(l, b, members);
		rules_members(l, b);
		rule_batch(l, b);
	}
}
