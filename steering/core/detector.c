/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two counters and a state. A leaky count was chosen over "n failures in a row"
 * because a half-dead server that passes every other probe would never fall; a
 * sliding window would need memory per sample and a second number to tune.
 */
#include "steering/core/detector.h"

#include <assert.h>
#include <string.h>

#include "steering/core/needed.h"

void
detector_init(struct detector *d, enum family family)
{
	assert(family < FAMILIES_JUDGED);
	memset(d, 0, sizeof *d);
	d->present = true;
	d->family = (uint8_t)family;
}

void
detector_forget(struct detector *d)
{
	if (d->present)
		detector_init(d, (enum family)d->family);
}

static bool
enter(struct detector *d, enum detector_state to)
{
	bool moved = d->state != to;

	d->state = (uint8_t)to;
	return moved;
}

static bool
feed_pass(struct detector *d, const struct rule_detector *rule)
{
	if (d->passes < UINT32_MAX)
		d->passes++;
	if (d->passes >= rule->clear) {
		d->fails = 0;
		if (d->state != DETECTOR_DOWN)
			d->fault_ms = 0;
	}
	if (d->state == DETECTOR_UP || d->passes < rule->rise)
		return false;
	d->fails = 0;
	d->fault_ms = 0;
	return enter(d, DETECTOR_UP);
}

static bool
feed_fail(struct detector *d, const struct rule_detector *rule, uint64_t start_ms)
{
	d->passes = 0;
	if (d->fails < UINT32_MAX)
		d->fails++;
	if (d->fault_ms == 0)
		d->fault_ms = start_ms;
	return d->fails >= rule->fall && enter(d, DETECTOR_DOWN);
}

bool
detector_feed(struct detector *d, const struct rule_detector *rule,
    enum outcome outcome, uint64_t start_ms, uint64_t now_ms)
{
	assert(d->present);
	assert(rule->fall > 0 && rule->clear > 0 && rule->rise > 0);
	d->last = (uint8_t)outcome;
	d->sample_ms = now_ms;
	if (outcome != OUTCOME_UNKNOWN && d->risen < UINT32_MAX)
		d->risen++;
	if (NEEDED(local_trouble, outcome == OUTCOME_UNKNOWN))
		return false;
	return outcome == OUTCOME_PASS ? feed_pass(d, rule)
				       : feed_fail(d, rule, start_ms);
}

bool
detector_last_stands(
    const struct detector *d, const struct rule_detector *rule, uint64_t now_ms)
{
	bool old = now_ms > d->sample_ms && now_ms - d->sample_ms > rule->stale_ms;

	return d->present && !NEEDED(sample_age, old) &&
	    !NEEDED(local_trouble, d->last == OUTCOME_UNKNOWN);
}

enum detector_state
detector_now(
    const struct detector *d, const struct rule_detector *rule, uint64_t now_ms)
{
	return detector_last_stands(d, rule, now_ms) ? (enum detector_state)d->state
						     : DETECTOR_UNKNOWN;
}

bool
detector_recovering(const struct detector *d)
{
	return d->state == DETECTOR_DOWN && d->last == OUTCOME_PASS && d->passes >= 2;
}
