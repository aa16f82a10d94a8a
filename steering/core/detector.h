/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detector.h - is one address up, from here?
 *
 * Failures add up across interleaved passes: `fall` is not "in a row". `clear`
 * passes in a row wipe the failures, `rise` passes in a row make it up. UNKNOWN
 * samples (local trouble) move no counter, but an address whose last sample is
 * UNKNOWN, or that has had none for stale_ms, is unknown for the vote.
 * All zero: nothing known.
 */
#ifndef STEERING_CORE_DETECTOR_H
#define STEERING_CORE_DETECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/rule.h"
#include "steering/core/sample.h"

enum detector_state { DETECTOR_UNKNOWN = 0, DETECTOR_UP, DETECTOR_DOWN };

struct detector {
	bool present;       /* the slot stands for an address */
	uint8_t family;     /* enum family */
	uint8_t state;      /* enum detector_state, by the counters alone */
	uint8_t last;       /* enum outcome of the last sample */
	uint32_t fails;     /* since the last wipe */
	uint32_t passes;    /* in a row */
	uint32_t risen;     /* samples ever, up to UINT32_MAX: for the warm-up */
	uint64_t sample_ms; /* when the last sample was fed; 0 never */
	uint64_t fault_ms; /* start of the first failure since it was last up; 0 none */
};

/* An address takes the slot; nothing is known of it. */
void detector_init(struct detector *d, enum family family);
/* Evidence is thrown away; the address stays. */
void detector_forget(struct detector *d);
/* True when the state changed. start_ms: when the probe began. */
bool detector_feed(struct detector *d, const struct rule_detector *rule,
    enum outcome outcome, uint64_t start_ms, uint64_t now_ms);
/* Does its last sample say anything now: neither local trouble nor too old? */
bool detector_last_stands(
    const struct detector *d, const struct rule_detector *rule, uint64_t now_ms);
/* The state for the vote: unknown after local trouble or silence. */
enum detector_state detector_now(
    const struct detector *d, const struct rule_detector *rule, uint64_t now_ms);
/* Down, but its last two probes passed. */
bool detector_recovering(const struct detector *d);

#endif
