/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - one change batch: all of it or nothing, in order, on a working copy.
 */
#ifndef LAB_BATCH_H
#define LAB_BATCH_H

#include "tests/lab/messages.h"
#include "tests/lab/zone.h"

enum action { ACTION_CREATE = 0, ACTION_DELETE, ACTION_UPSERT };

struct batch_item {
	enum action action;
	struct rrset *set;
};

struct batch { /* all zero is empty */
	struct batch_item *items;
	size_t n, cap;
	char *comment; /* NULL: none */
};

/* Takes over the caller's reference to the set. */
void batch_add(struct batch *b, enum action action, struct rrset *set);
void batch_fini(struct batch *b);

const char *action_name(enum action action);

/*
 * Applies the batch to the zone as it is now. NULL: refused, and messages says why
 * (InvalidChangeBatch); otherwise a version to commit, owned by the caller. The zone
 * itself is not touched. The store is asked about alias targets in other zones.
 */
struct version *batch_apply(const struct batch *b, struct store *s,
    const struct zone *z, struct messages *messages);

#endif
