/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_walk.h - reading a service's own names out of a zone of any size.
 *
 * Pure: the walk says where the next page starts, is fed that page, and in the end
 * holds the view. It starts at each wanted name and never at the top of the zone; a
 * ledger that follows its service's name in the zone's order comes with the same
 * page. What a read costs depends on the service alone.
 *
 * Pages that need more than one request are not one moment of the zone. That is safe:
 * a change made of such a view is refused by the comparison.
 * API_ListResourceRecordSets.html
 */
#ifndef STEERING_ZONE_ROUTE53_WALK_H
#define STEERING_ZONE_ROUTE53_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/err.h"
#include "steering/zone/provider.h"

struct walk;

struct walk_cursor {
	char name[DNS_NAME_MAX];
	char type[16];          /* "" from the name's first set */
	char id[RR_SET_ID_MAX]; /* "" none */
	unsigned items_max;     /* what to ask for */
};

/* NULL: memory is short. */
struct walk *
walk_new(const char *ledger_name, const char (*names)[DNS_NAME_MAX], size_t n);
void walk_free(struct walk *w);

/* Where the next page starts; false when the walk is done. */
bool walk_next(const struct walk *w, struct walk_cursor *out);
/* The page that was asked for by walk_next(). */
bool walk_feed(struct walk *w, const char *bytes, size_t n, struct err *e) MUST_CHECK;
/* Was a page fed to it? It is neither widened nor shared with from then on. */
bool walk_begun(const struct walk *w);
/* Before the first page: let it be a large one, for others to share. */
void walk_widen(struct walk *w);
/* Before the first page of its own: the first page of another walk, which was asked for
 * since this one began. What it does not show is asked for as ever. */
bool walk_share(struct walk *w, const char *bytes, size_t n, struct err *e) MUST_CHECK;

/* After the last page: the view, which the caller takes; once. */
struct zone_view *walk_take(struct walk *w);
/* The ledger's value as the zone spells it; "" when absent or odd. */
const char *walk_ledger_raw(const struct walk *w);

#endif
