/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The families of a name are asked side by side and judged together, when the last of
 * them has answered: only then is it known whether an empty family is a fact about the
 * name or a part of a larger trouble. The price is that a family whose servers are
 * silent holds the other back for the 3 s of its time-outs.
 */
#include "probe/names.h"

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

#define BUCKETS 1024
#define TTL_US_MIN UINT64_C(1000000)
#define TTL_US_MAX UINT64_C(300000000)
#define REST_US_MIN UINT64_C(1000000)
#define REST_US_MAX UINT64_C(30000000)
#define AGAIN_US_MIN UINT64_C(1000000)
#define BUSY_US UINT64_C(20000)
#define ASKING_MAX 128 /* names asked at once: a burst of datagrams gets lost */

struct name_family {
	struct resolve_query *query;
	struct name *name;
	enum resolve_status status; /* of the last answer */
	uint32_t addresses;
	struct address *address;
	char why[96];
};

struct name {
	struct timer timer;
	struct names *names;
	struct name_user *users;
	struct name *next; /* in the bucket */
	struct name_family family[FAMILIES];
	bool wanted[FAMILIES];
	uint32_t pending;
	uint32_t ttl_s; /* the least of this round's answers */
	bool answered;  /* ever */
	bool in_trouble;
	uint64_t asked_us, rest_us;
	char why[160];
	char host[DNS_NAME_MAX];
};

struct names {
	struct loop *loop;
	struct resolver *resolver;
	uint32_t asking;
	struct name *bucket[BUCKETS];
};

static struct name **
bucket_of(struct names *n, const char *host)
{
	uint32_t hash = 2166136261U;

	for (const char *p = host; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)(*p | 0x20)) * 16777619U;
	return &n->bucket[hash % BUCKETS];
}

static uint32_t
gather(const struct name *name, struct address *to)
{
	uint32_t count = 0;

	for (uint32_t f = 0; f < FAMILIES; f++) {
		for (uint32_t i = 0; i < name->family[f].addresses; i++)
			to[count++] = name->family[f].address[i];
	}
	return count;
}

static void
tell_users(struct name *name)
{
	struct address all[FAMILIES * RESOLVE_ADDRESSES_MAX];
	uint32_t count = gather(name, all);

	for (struct name_user *u = name->users, *next; u != NULL; u = next) {
		next = u->next;
		u->changed(u, all, count);
		if (u->in_trouble == name->in_trouble)
			continue;
		u->in_trouble = name->in_trouble;
		u->trouble(u, name->in_trouble ? name->why : NULL);
	}
}

/* Takes over what this round said; returns true when the name is in trouble. */
static bool
judge(struct name *name)
{
	const struct name_family *bad = NULL;
	bool found = false;

	for (uint32_t f = 0; f < FAMILIES; f++)
		found |= name->wanted[f] && name->family[f].status == RESOLVE_FOUND;
	for (uint32_t f = 0; f < FAMILIES; f++) {
		struct name_family *x = &name->family[f];

		if (!name->wanted[f] || x->status == RESOLVE_FOUND)
			continue;
		if (x->status == RESOLVE_EMPTY && found)
			x->addresses = 0;
		else if (bad == NULL || x->status == RESOLVE_FAILED)
			bad = x;
	}
	if (bad != NULL)
		(void)snprintf(name->why, sizeof name->why, "%.50s: %.60s%s",
		    name->host, bad->why,
		    name->answered ? "; its last addresses stay in use" : "");
	return bad != NULL;
}

static void
conclude(struct name *name)
{
	uint64_t now_us = loop_now_us(), wait_us = (uint64_t)name->ttl_s * 1000000;
	bool trouble = judge(name);

	name->names->asking--;
	if (wait_us < TTL_US_MIN)
		wait_us = TTL_US_MIN;
	if (wait_us > TTL_US_MAX)
		wait_us = TTL_US_MAX;
	if (trouble) {
		name->rest_us = name->rest_us == 0 ? REST_US_MIN : name->rest_us * 2;
		if (name->rest_us > REST_US_MAX)
			name->rest_us = REST_US_MAX;
		if (wait_us > name->rest_us)
			wait_us = name->rest_us;
	} else {
		name->rest_us = 0;
	}
	loop_set(name->names->loop, &name->timer, now_us + wait_us);
	name->in_trouble = trouble;
	tell_users(name);
}

static void
on_answer(void *arg, const struct resolve_answer *a)
{
	struct name_family *f = arg;
	struct name *name = f->name;

	f->query = NULL;
	f->status = a->status;
	(void)snprintf(f->why, sizeof f->why, "%s", a->why);
	if (a->status == RESOLVE_FOUND) {
		struct address *grown =
		    realloc(f->address, a->addresses * sizeof a->address[0]);

		if (grown == NULL)
			abort();
		memcpy(grown, a->address, a->addresses * sizeof a->address[0]);
		f->address = grown;
		f->addresses = a->addresses;
		name->answered = true;
		if (a->ttl_s < name->ttl_s)
			name->ttl_s = a->ttl_s;
	}
	if (--name->pending == 0)
		conclude(name);
}

static void
ask(struct timer *t, uint64_t now_us)
{
	struct name *name = heap_entry(t, struct name, timer);
	struct names *n = name->names;

	assert(name->pending == 0);
	if (n->asking >= ASKING_MAX) {
		loop_set(n->loop, t, now_us + BUSY_US);
		return;
	}
	n->asking++;
	name->asked_us = now_us;
	name->ttl_s = UINT32_MAX;
	for (uint32_t f = 0; f < FAMILIES; f++)
		name->pending += name->wanted[f];
	for (uint32_t f = 0; f < FAMILIES; f++) {
		struct name_family *x = &name->family[f];

		if (!name->wanted[f])
			continue;
		x->query =
		    resolver_ask(n->resolver, name->host, (enum family)f, on_answer, x);
		if (x->query == NULL)
			abort();
	}
}

struct names *
names_new(struct loop *loop, struct resolver *resolver)
{
	struct names *n = calloc(1, sizeof *n);

	if (n == NULL)
		return NULL;
	n->loop = loop;
	n->resolver = resolver;
	return n;
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		assert(n->bucket[i] == NULL);
	free(n);
}

static struct name *
name_new(struct names *n, const char *host, const bool families[FAMILIES])
{
	struct name *name = calloc(1, sizeof *name);

	if (name == NULL)
		return NULL;
	(void)snprintf(name->host, sizeof name->host, "%s", host);
	name->names = n;
	name->timer.fire = ask;
	for (uint32_t f = 0; f < FAMILIES; f++) {
		name->wanted[f] = families[f];
		name->family[f].name = name;
	}
	return name;
}

bool
names_join(struct names *n, struct name_user *u, const char *host,
    const bool families[FAMILIES])
{
	struct name **bucket = bucket_of(n, host), *name = *bucket;

	assert(families[FAMILY_V4] || families[FAMILY_V6]);
	while (name != NULL &&
	    (strcasecmp(name->host, host) != 0 ||
		memcmp(name->wanted, families, sizeof name->wanted) != 0))
		name = name->next;
	if (name == NULL) {
		name = name_new(n, host, families);
		if (name == NULL)
			return false;
		name->next = *bucket;
		*bucket = name;
	}
	u->name = name;
	u->in_trouble = false;
	u->next = name->users;
	u->back = &name->users;
	if (u->next != NULL)
		u->next->back = &u->next;
	name->users = u;
	/* A newcomer learns what is known when the name is next answered: now. */
	if (name->pending == 0)
		loop_set(n->loop, &name->timer, loop_now_us());
	return true;
}

void
names_leave(struct names *n, struct name_user *u)
{
	struct name *name = u->name, **at;

	if (name == NULL)
		return;
	u->name = NULL;
	*u->back = u->next;
	if (u->next != NULL)
		u->next->back = u->back;
	if (name->users != NULL)
		return;
	for (uint32_t f = 0; f < FAMILIES; f++) {
		resolver_cancel(name->family[f].query);
		free(name->family[f].address);
	}
	if (name->pending > 0)
		n->asking--;
	loop_unset(n->loop, &name->timer);
	for (at = bucket_of(n, name->host); *at != name; at = &(*at)->next)
		;
	*at = name->next;
	free(name);
}

void
names_suspect(struct names *n, struct name *name)
{
	uint64_t now_us = loop_now_us(), at_us = name->asked_us + AGAIN_US_MIN;

	if (name->pending > 0)
		return;
	if (at_us < now_us)
		at_us = now_us;
	if (name->timer.node.place == 0 || name->timer.node.due_us > at_us)
		loop_set(n->loop, &name->timer, at_us);
}
