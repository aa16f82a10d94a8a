/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h - everything that a zone holds at one moment.
 *
 * A sorted array of shared record sets. Only its maker changes a version, before it is
 * published; whoever needs an older picture of the zone (a name server that lags, a
 * snapshot, a stale list) holds a reference.
 */
#ifndef LAB_VERSION_H
#define LAB_VERSION_H

#include "tests/lab/rrset.h"

struct version {
	unsigned refs;
	struct rrset **sets; /* in the order of rrset_cmp() */
	size_t n, cap;
};

struct version *version_new(void); /* empty, one reference */
struct version *version_copy(const struct version *from);
struct version *version_ref(struct version *v);
void version_unref(struct version *v); /* NULL is allowed */

/* The first set at or after this place in the order; v->n when there is none. */
size_t version_lower(
    const struct version *v, const char *key, const char *type, const char *set_id);

/* The set with the same identity as the given one; NULL: none. */
struct rrset *version_find(const struct version *v, const struct rrset *like);

/* Takes its own reference. The identity must be new to the version. */
void version_add(struct version *v, struct rrset *set);
void version_remove(struct version *v, const struct rrset *like); /* must be there */

/* Many at once: append in any order, then sort once. */
void version_append(struct version *v, struct rrset *set);
void version_sort(struct version *v);

#endif
