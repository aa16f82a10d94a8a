/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing happens when a change becomes INSYNC: its time is written beside its version,
 * and whoever asks compares it with the clock. So there is no timer that could fire in
 * the wrong order, and a server's delay may be changed at any moment. History that no
 * server can show any more is dropped with the next commit, and so is the oldest when
 * more than MOMENTS_MAX changes are under way: servers show those early.
 */
#include "tests/lab/zone.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENTS_MAX = 1024, NS_TTL_S = 172800, SOA_TTL_S = 900 };

void
store_init(struct store *s)
{
	memset(s, 0, sizeof *s);
	s->changes = heap_zero(CHANGES_KEPT * sizeof *s->changes);
}

static void
zone_fini(struct zone *z)
{
	for (size_t i = 0; i < z->moments_n; i++)
		version_unref(z->moments[i].version);
	for (size_t i = 0; i < z->snapshots_n; i++) {
		free(z->snapshots[i].name);
		version_unref(z->snapshots[i].version);
	}
	free(z->moments);
	version_unref(z->now);
	version_unref(z->before);
	free(z->name);
}

void
store_fini(struct store *s)
{
	for (size_t i = 0; i < s->zones_n; i++)
		zone_fini(&s->zones[i]);
	free(s->changes);
}

void
zone_server_name(size_t index, char name[ZONE_SERVER_BYTES])
{
	snprintf(name, ZONE_SERVER_BYTES, "ns-%zu.awsdns-lab.test.", index + 1);
}

static struct rrset *
apex_set(const struct zone *z, const char *type, uint32_t ttl_s)
{
	struct rrset *set = rrset_new();

	rrset_set_name(set, z->name);
	set->type = rrtype_find(type);
	set->has_ttl = true;
	set->ttl_s = ttl_s;
	return set;
}

static struct version *
first_version(const struct zone *z, size_t servers)
{
	struct version *v = version_new();
	struct rrset *ns = apex_set(z, "NS", NS_TTL_S);
	struct rrset *soa = apex_set(z, "SOA", SOA_TTL_S);
	char name[ZONE_SERVER_BYTES], text[160];

	for (size_t i = 0; i < servers; i++) {
		zone_server_name(i, name);
		rrset_add_value(ns, name);
	}
	zone_server_name(0, name);
	snprintf(text, sizeof text,
	    "%s awsdns-hostmaster.awsdns-lab.test. 1 7200 900 1209600 86400", name);
	rrset_add_value(soa, text);
	version_add(v, ns);
	version_add(v, soa);
	rrset_unref(ns);
	rrset_unref(soa);
	return v;
}

static bool
is_zone_id(const char *id)
{
	size_t n = strlen(id);

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)id[i]))
			return false;
	return n > 0 && n < ZONE_ID_BYTES;
}

static void
push_moment(struct zone *z, struct version *v, uint64_t insync_at_ms)
{
	z->moments = heap_grow(
	    z->moments, z->moments_n + 1, sizeof *z->moments, &z->moments_cap);
	z->moments[z->moments_n].version = version_ref(v);
	z->moments[z->moments_n].insync_at_ms = insync_at_ms;
	z->moments_n++;
}

bool
store_add_zone(
    struct store *s, const char *name, const char *id, size_t servers, char why[200])
{
	char text[NAME_TEXT_BYTES];

	if (s->zones_n == ZONES_MAX)
		snprintf(why, 200, "at most %d zones", ZONES_MAX);
	else if (!name_parse(name, text) || strcmp(text, ".") == 0)
		snprintf(why, 200, "zone \"%.100s\" is not a domain name", name);
	else if (!is_zone_id(id))
		snprintf(why, 200,
		    "zone id \"%.60s\" is not 1 to 32 letters and digits", id);
	else if (store_find_zone(s, id) != NULL)
		snprintf(why, 200, "zone id \"%s\" is given twice", id);
	else {
		struct zone *z = &s->zones[s->zones_n++];

		snprintf(z->id, sizeof z->id, "%s", id);
		z->name = heap_string(text);
		z->now = first_version(z, servers);
		z->before = version_ref(z->now);
		push_moment(z, z->now, 0);
		return true;
	}
	return false;
}

struct zone *
store_find_zone(struct store *s, const char *id)
{
	for (size_t i = 0; i < s->zones_n; i++)
		if (strcmp(s->zones[i].id, id) == 0)
			return &s->zones[i];
	return NULL;
}

struct zone *
store_zone_of(struct store *s, const char *name, bool with_private)
{
	struct zone *best = NULL;

	for (size_t i = 0; i < s->zones_n; i++) {
		struct zone *z = &s->zones[i];

		if ((with_private || !z->is_private) && name_within(name, z->name) &&
		    (best == NULL || strlen(z->name) > strlen(best->name)))
			best = z;
	}
	return best;
}

const struct change *
store_find_change(const struct store *s, const char *id)
{
	/* The sequence number is the id's tail, so the ring is never searched. */
	const char *tail = strlen(id) > 13 && id[0] == 'C' ? id + 13 : "";
	char *end;
	unsigned long long sequence = strtoull(tail, &end, 10);

	if (*tail == '\0' || *end != '\0' || sequence >= s->changes_made)
		return NULL;
	const struct change *c = &s->changes[sequence % CHANGES_KEPT];
	return strcmp(c->id, id) == 0 ? c : NULL;
}

static struct change *
new_change(struct store *s)
{
	struct change *c = &s->changes[s->changes_made % CHANGES_KEPT];

	c->id[0] = 'C';
	for (int i = 1; i <= 12; i++)
		c->id[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[arc4random_uniform(32)];
	snprintf(c->id + 13, sizeof c->id - 13, "%06llu",
	    (unsigned long long)s->changes_made % 1000000000ULL);
	s->changes_made++;
	return c;
}

/* The newest moment that such a server shows; the oldest one kept if none is due. */
static size_t
visible_index(const struct zone *z, uint64_t delay_ms, uint64_t now_ms)
{
	size_t i = z->moments_n - 1;

	while (i > 0 && z->moments[i].insync_at_ms + delay_ms > now_ms)
		i--;
	return i;
}

static void
drop_history(struct zone *z, uint64_t delay_ms_max, uint64_t now_ms)
{
	size_t gone = visible_index(z, delay_ms_max, now_ms);

	if (z->moments_n - gone > MOMENTS_MAX)
		gone = z->moments_n - MOMENTS_MAX;
	for (size_t i = 0; i < gone; i++)
		version_unref(z->moments[i].version);
	z->moments_n -= gone;
	memmove(z->moments, z->moments + gone, z->moments_n * sizeof *z->moments);
}

const struct change *
zone_commit(struct store *s, struct zone *z, struct version *v, uint64_t insync_in_ms,
    uint64_t now_ms, int64_t wall_ms, const char *comment)
{
	struct change *c = new_change(s);

	c->submitted_wall_ms = wall_ms;
	c->insync_at_ms = now_ms + insync_in_ms;
	snprintf(c->comment, sizeof c->comment, "%s", comment != NULL ? comment : "");
	version_unref(z->before);
	z->before = z->now;
	z->now = v;
	push_moment(z, v, c->insync_at_ms);
	drop_history(z, s->server_delay_ms_max, now_ms);
	z->commits++;
	return c;
}

struct version *
zone_visible(const struct zone *z, uint64_t delay_ms, uint64_t now_ms)
{
	return z->moments[visible_index(z, delay_ms, now_ms)].version;
}

bool
zone_snapshot(struct zone *z, const char *name)
{
	struct snapshot *snap = NULL;

	for (size_t i = 0; i < z->snapshots_n; i++)
		if (strcmp(z->snapshots[i].name, name) == 0)
			snap = &z->snapshots[i];
	if (snap == NULL) {
		if (z->snapshots_n == ZONE_SNAPSHOTS_MAX)
			return false;
		snap = &z->snapshots[z->snapshots_n++];
		snap->name = heap_string(name);
		snap->version = NULL;
	}
	version_unref(snap->version);
	snap->version = version_ref(z->now);
	return true;
}

struct version *
zone_find_snapshot(const struct zone *z, const char *name)
{
	for (size_t i = 0; i < z->snapshots_n; i++)
		if (strcmp(z->snapshots[i].name, name) == 0)
			return z->snapshots[i].version;
	return NULL;
}
