/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two rings and no thinning of one: what is asked for is nearly always seconds old, and
 * the fine ring answers that exactly; a day of samples every second would be megabytes
 * for each plan.
 */
#include "steering/agent/lag_ring.h"

#include <stddef.h>

#define MINUTE_MS 60000

static struct lag_point *
last(struct lag_point *points, uint64_t n, uint64_t room)
{
	return n > 0 ? &points[(n - 1) % room] : NULL;
}

static void
put_coarse(struct lag_ring *r, const struct lag_point *p)
{
	const struct lag_point *l = last(r->coarse_at, r->coarse, LAG_RING_COARSE);
	uint64_t minute = p->began_ms / MINUTE_MS;

	if (l != NULL && l->began_ms / MINUTE_MS > minute)
		return;
	if (l != NULL && l->began_ms / MINUTE_MS == minute)
		r->coarse--;
	r->coarse_at[r->coarse++ % LAG_RING_COARSE] = *p;
}

void
lag_ring_put(struct lag_ring *r, const struct lag_point *p)
{
	const struct lag_point *l = last(r->fine_at, r->fine, LAG_RING_FINE);

	while (l != NULL && l->began_ms >= p->began_ms && (!l->known || p->known)) {
		if (l->known && l->began_ms > p->began_ms)
			return;
		r->fine--;
		l = last(r->fine_at, r->fine, LAG_RING_FINE);
	}
	if (l != NULL && l->began_ms >= p->began_ms)
		return;
	r->fine_at[r->fine++ % LAG_RING_FINE] = *p;
	put_coarse(r, p);
}

/* The newest that began at at_ms or before, and is known if `known`; NULL none. */
static const struct lag_point *
newest(const struct lag_point *points, uint64_t n, uint64_t room, uint64_t at_ms,
    bool known)
{
	for (uint64_t i = 0; i < n && i < room; i++) {
		const struct lag_point *p = &points[(n - 1 - i) % room];

		if (p->began_ms <= at_ms && (p->known || !known))
			return p;
	}
	return NULL;
}

static const struct lag_point *
find(const struct lag_ring *r, uint64_t at_ms, bool known)
{
	const struct lag_point *p =
	    newest(r->fine_at, r->fine, LAG_RING_FINE, at_ms, known);

	return p != NULL
	    ? p
	    : newest(r->coarse_at, r->coarse, LAG_RING_COARSE, at_ms, known);
}

bool
lag_ring_at(
    const struct lag_ring *r, uint64_t at_ms, uint64_t since_ms, uint64_t *lag_ms)
{
	const struct lag_point *p = find(r, at_ms, false);
	bool measured = p != NULL && p->known;

	if (!measured)
		p = find(r, at_ms, true);
	if (p == NULL || (!p->grows && at_ms - p->began_ms > since_ms))
		return false;
	*lag_ms = p->lag_ms + (measured && !p->grows ? 0 : at_ms - p->began_ms);
	return true;
}
