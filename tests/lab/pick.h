/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pick.h - which of several record sets a query gets, by routing policy and health.
 */
#ifndef LAB_PICK_H
#define LAB_PICK_H

#include "tests/lab/lab.h"

/* The lab as one name server sees it at one moment. */
struct view {
	struct lab *lab;
	uint64_t delay_ms;
	uint64_t now_ms;
	bool resolver; /* of a VPC: it sees private zones too */
};

/* All sets of one name and type. */
struct group {
	struct rrset *const *sets;
	size_t n;
};

enum { PICK_MAX = 8, ALIAS_DEPTH_MAX = 8 };

struct version *view_version(const struct view *view, const struct zone *z);

struct group group_find(const struct version *v, const char *name, const char *type);

/*
 * Chooses from a group that is not empty; returns how many (1, or up to PICK_MAX of a
 * multivalue group). Weighted: one set at random by weight among the healthy; zero
 * weights only when nothing else is left, then in equal shares; when all are unhealthy,
 * as if all were healthy.
 */
size_t pick_sets(
    const struct view *view, struct group group, const struct rrset *picked[PICK_MAX]);

#endif
