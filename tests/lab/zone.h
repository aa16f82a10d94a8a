/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone.h - the hosted zones, their history, and the changes made to them.
 *
 * Each commit publishes a new version. The API shows the newest at once; a name server
 * shows it once its change is INSYNC and the server's own delay is over. Times are
 * monotonic milliseconds, given by the caller.
 */
#ifndef LAB_ZONE_H
#define LAB_ZONE_H

#include "tests/lab/version.h"

enum {
	ZONES_MAX = 16,
	ZONE_ID_BYTES = 33,
	ZONE_SNAPSHOTS_MAX = 32,
	ZONE_SERVER_BYTES = 48,
	CHANGE_ID_BYTES = 24,
	CHANGES_KEPT = 8192, /* older ones are NoSuchChange */
	COMMENT_MAX = 256,
};

struct moment {
	struct version *version;
	uint64_t insync_at_ms;
};

struct snapshot {
	char *name;
	struct version *version;
};

struct zone {
	char id[ZONE_ID_BYTES];
	char *name;      /* text form */
	bool is_private; /* shown by the VPC's resolver alone */
	struct version *now;
	struct version *before; /* as it was one change ago */
	struct moment *moments; /* oldest first; the last is now */
	size_t moments_n, moments_cap;
	struct snapshot snapshots[ZONE_SNAPSHOTS_MAX];
	size_t snapshots_n;
	uint64_t commits;
};

struct change {
	char id[CHANGE_ID_BYTES];
	int64_t submitted_wall_ms;
	uint64_t insync_at_ms;
	char comment[COMMENT_MAX * 4 + 1];
};

struct store {
	struct zone zones[ZONES_MAX];
	size_t zones_n;
	struct change *changes; /* a ring */
	uint64_t changes_made;
	uint64_t server_delay_ms_max; /* how much history the slowest server needs */
};

void store_init(struct store *s);
void store_fini(struct store *s);

/* False: too many zones, a bad name or id, or one that is there already. */
bool store_add_zone(
    struct store *s, const char *name, const char *id, size_t servers, char why[200]);

struct zone *store_find_zone(struct store *s, const char *id);

/* The zone that a name lies in, the deepest one; NULL: none. Private zones are looked at
 * only when asked for. */
struct zone *store_zone_of(struct store *s, const char *name, bool with_private);

/* NULL: unknown, or so old that it is forgotten. */
const struct change *store_find_change(const struct store *s, const char *id);

/* Takes the version. The change stays valid until CHANGES_KEPT later ones were made. */
const struct change *zone_commit(struct store *s, struct zone *z, struct version *v,
    uint64_t insync_in_ms, uint64_t now_ms, int64_t wall_ms, const char *comment);

/* What a name server with this delay of its own shows. Borrowed. */
struct version *zone_visible(const struct zone *z, uint64_t delay_ms, uint64_t now_ms);

/* A snapshot of the same name is replaced; false: too many. */
bool zone_snapshot(struct zone *z, const char *name);
struct version *zone_find_snapshot(const struct zone *z, const char *name);

/* The name of one of the zone's own servers, from 0. Text form. */
void zone_server_name(size_t index, char name[ZONE_SERVER_BYTES]);

#endif
