/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - how often we may call the zone's API, and how long to rest.
 *
 * One bucket a provider, because the account's own bucket is shared with everything
 * else in it. Pure: time is a parameter (monotonic), chance comes from a seed. A read
 * leaves the last token to changes, a status poll half of the bucket to both. Rests
 * double and are jittered between a half and the whole, so that agents that were
 * refused together do not come back together.
 */
#ifndef STEERING_ZONE_BUDGET_H
#define STEERING_ZONE_BUDGET_H

#include <stdint.h>

#define BUDGET_THROTTLE_FIRST_MS 500
#define BUDGET_THROTTLE_MAX_MS 30000
#define BUDGET_PRIOR_FIRST_MS 250
#define BUDGET_PRIOR_MAX_MS 8000
#define BUDGET_RETRY_FIRST_MS 200
#define BUDGET_RETRY_MAX_MS 2000

enum budget_kind { BUDGET_READ = 0, BUDGET_CHANGE, BUDGET_POLL };

enum budget_news {
	BUDGET_FINE = 0,  /* an answer that was neither of the others */
	BUDGET_THROTTLED, /* the account's bucket is empty: everything rests */
	BUDGET_PRIOR,     /* PriorRequestNotComplete: changes rest */
};

struct budget {
	uint64_t per_s_milli; /* thousandths of a request */
	uint64_t burst_micro, level_micro;
	uint64_t filled_ms; /* level_micro holds for this time */
	uint64_t rest_until_ms, change_rest_until_ms;
	uint32_t throttled, prior; /* in a row, less one for each fine answer */
	uint64_t chance;
};

/* per_s > 0, burst ≥ 1. */
void budget_init(
    struct budget *b, double per_s, uint32_t burst, uint64_t seed, uint64_t now_ms);
/* When the next request of this kind may start, if nothing else starts before it;
 * now_ms when at once. */
uint64_t budget_due_ms(struct budget *b, enum budget_kind kind, uint64_t now_ms);
/* One request starts now, at or after budget_due_ms(). */
void budget_take(struct budget *b, enum budget_kind kind, uint64_t now_ms);
void budget_feed(
    struct budget *b, enum budget_kind kind, enum budget_news news, uint64_t now_ms);
/* How long to wait before try number `attempt` (1: the first repeat) of a read. */
uint64_t budget_retry_ms(struct budget *b, uint32_t attempt);

#endif
