/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list and a table. The table is what a restart needs (last ledger, open change, the
 * end of the journal): it answers without a disk, and begins a new file when the old one
 * is broken.
 */
#include "steering/agent/store_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- the queue ---- */

static void
item_free(struct store_item *item)
{
	free(item->text);
	free(item->step);
	free(item);
}

void
queue_free_items(struct store_item *items)
{
	while (items != NULL) {
		struct store_item *next = items->next;

		item_free(items);
		items = next;
	}
}

static bool
drop_one(struct store_queue *q)
{
	struct store_item **at = &q->first, *before = NULL;

	while (*at != NULL &&
	    (q->facts > 0 ? (*at)->kind != STORE_FACT : (*at)->kind == STORE_STEP)) {
		before = *at;
		at = &(*at)->next;
	}
	struct store_item *gone = *at;
	if (gone == NULL)
		return false;
	*at = gone->next;
	if (q->last == gone)
		q->last = before;
	q->count--;
	q->facts -= gone->kind == STORE_FACT;
	q->dropped++;
	item_free(gone);
	return true;
}

static void
make_room(struct store_queue *q)
{
	while (q->count > q->count_max && drop_one(q))
		continue;
}

void
queue_put(struct store_queue *q, struct store_item *item)
{
	item->next = NULL;
	if (q->last != NULL)
		q->last->next = item;
	else
		q->first = item;
	q->last = item;
	q->count++;
	q->facts += item->kind == STORE_FACT;
	make_room(q);
}

struct store_item *
items_take_asked(struct store_item **items)
{
	struct store_item *asked = NULL, **end = &asked;

	for (struct store_item **at = items; *at != NULL;) {
		struct store_item *i = *at;

		if (i->kind != STORE_STEP || i->step->over) {
			at = &i->next;
			continue;
		}
		*at = i->next;
		i->next = NULL;
		*end = i;
		end = &i->next;
	}
	return asked;
}

bool
items_journal(const struct store_item *items)
{
	while (items != NULL && items->kind != STORE_STEP)
		items = items->next;
	return items != NULL;
}

bool
items_asked(const struct store_item *items)
{
	while (items != NULL && (items->kind != STORE_STEP || items->step->over))
		items = items->next;
	return items != NULL;
}

struct store_item *
queue_take(struct store_queue *q)
{
	struct store_item *items = q->first;

	q->first = q->last = NULL;
	q->count = q->facts = 0;
	return items;
}

void
queue_put_back(struct store_queue *q, struct store_item *items)
{
	struct store_item *last = NULL;

	for (struct store_item *i = items; i != NULL; i = i->next) {
		q->count++;
		q->facts += i->kind == STORE_FACT;
		last = i;
	}
	if (last == NULL)
		return;
	last->next = q->first;
	if (q->last == NULL)
		q->last = last;
	q->first = items;
	make_room(q);
}

/* ---- the last of each service ---- */

struct store_known *
knowledge_of(struct store_knowledge *k, const char *service)
{
	for (uint32_t i = 0; i < k->count; i++)
		if (strcmp(k->known[i].service, service) == 0)
			return &k->known[i];
	if (k->count == STORE_KNOWN_MAX)
		return NULL;
	struct store_known *n = &k->known[k->count++];
	*n = (struct store_known){0};
	(void)snprintf(n->service, sizeof n->service, "%s", service);
	return n;
}

static void
learn_outcome(struct store_known *n, const struct store_item *item)
{
	if (n->open_nonce == item->nonce && strcmp(item->word, "unknown") != 0)
		n->open_nonce = n->open_epoch = 0;
}

/* ---- the journal ---- */

static void
drop_step(struct store_knowledge *k, uint32_t i)
{
	free(k->step[i]);
	k->steps--;
	memmove(&k->step[i], &k->step[i + 1], (k->steps - i) * sizeof *k->step);
}

void
knowledge_forget_step(
    struct store_knowledge *k, const char *service, uint64_t run, uint64_t fence)
{
	for (uint32_t i = k->steps; i-- > 0;)
		if (k->step[i]->run == run && k->step[i]->fence == fence &&
		    strcmp(k->step[i]->service, service) == 0)
			drop_step(k, i);
}

const struct store_step *
knowledge_step(
    const struct store_knowledge *k, const char *service, uint64_t run, enum slot slot)
{
	for (uint32_t i = k->steps; i-- > 0;)
		if (strcmp(k->step[i]->service, service) == 0 &&
		    (run == 0 || (k->step[i]->run == run && k->step[i]->slot == slot)))
			return k->step[i];
	return NULL;
}

/* The oldest goes that is not the last word of its service. */
static void
learn_step(struct store_knowledge *k, const struct store_step *row)
{
	struct store_step *copy = malloc(sizeof *copy);
	uint32_t oldest = 0;

	if (copy == NULL)
		abort();
	*copy = *row;
	knowledge_forget_step(k, row->service, row->run, row->fence);
	while (k->steps == STORE_STEPS_MAX && oldest + 1 < k->steps &&
	    knowledge_step(k, k->step[oldest]->service, 0, SLOT_NONE) ==
		k->step[oldest])
		oldest++;
	if (k->steps == STORE_STEPS_MAX)
		drop_step(k, oldest);
	k->step[k->steps++] = copy;
}

void
knowledge_learn(struct store_knowledge *k, const struct store_item *item)
{
	struct store_known *n;

	if (item->kind == STORE_FACT || item->kind == STORE_INCIDENT ||
	    (n = knowledge_of(k, item->service)) == NULL)
		return;
	switch (item->kind) {
	case STORE_FACT:
	case STORE_KINDS:
	case STORE_INCIDENT:
		break;
	case STORE_STEP:
		learn_step(k, item->step);
		break;
	case STORE_LEDGER:
		n->epoch = item->epoch;
		n->nonce = item->nonce;
		n->wall_ms = item->wall_ms;
		free(n->text);
		n->text = item->text != NULL ? strdup(item->text) : NULL;
		break;
	case STORE_SENT:
		n->open_epoch = item->epoch;
		n->open_nonce = item->nonce;
		n->open_wall_ms = item->wall_ms;
		break;
	case STORE_OUTCOME:
		learn_outcome(n, item);
		break;
	}
}

static struct store_item *
item_again(const struct store_known *n, enum store_kind kind, struct store_item *next)
{
	struct store_item *item = calloc(1, sizeof *item);

	if (item == NULL)
		abort();
	bool sent = kind == STORE_SENT;
	item->next = next;
	item->kind = kind;
	memcpy(item->service, n->service, sizeof item->service);
	item->epoch = sent ? n->open_epoch : n->epoch;
	item->nonce = sent ? n->open_nonce : n->nonce;
	item->wall_ms = sent ? n->open_wall_ms : n->wall_ms;
	if (kind == STORE_LEDGER && n->text != NULL)
		item->text = strdup(n->text);
	return item;
}

static struct store_item *
step_again(const struct store_step *row, struct store_item *next)
{
	struct store_item *item = calloc(1, sizeof *item);
	struct store_step *copy = malloc(sizeof *copy);

	if (item == NULL || copy == NULL)
		abort();
	*copy = *row;
	item->next = next;
	item->kind = STORE_STEP;
	item->step = copy;
	memcpy(item->service, row->service, sizeof item->service);
	return item;
}

struct store_item *
knowledge_items(const struct store_knowledge *k)
{
	struct store_item *items = NULL;

	for (uint32_t i = 0; i < k->count; i++) {
		const struct store_known *n = &k->known[i];

		if (n->open_nonce != 0)
			items = item_again(n, STORE_SENT, items);
		if (n->nonce != 0)
			items = item_again(n, STORE_LEDGER, items);
	}
	for (uint32_t i = k->steps; i-- > 0;)
		items = step_again(k->step[i], items);
	return items;
}

void
knowledge_free(struct store_knowledge *k)
{
	for (uint32_t i = 0; i < k->count; i++)
		free(k->known[i].text);
	k->count = 0;
	while (k->steps > 0)
		drop_step(k, k->steps - 1);
}
