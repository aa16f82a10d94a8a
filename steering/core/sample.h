/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample.h - one probe's result, as the rules see it.
 *
 * UNKNOWN is local trouble (no file descriptor, no route from here, a dead
 * worker): it counts for nothing and moves no counter.
 */
#ifndef STEERING_CORE_SAMPLE_H
#define STEERING_CORE_SAMPLE_H

enum outcome { OUTCOME_UNKNOWN = 0, OUTCOME_PASS, OUTCOME_FAIL };

/* Published address families, and beside them what a load balancer says of the targets
 * behind it, which stands for no address; each is judged alone. */
enum family {
	FAMILY_V4 = 0,
	FAMILY_V6,
	FAMILIES,
	FAMILY_TARGETS = FAMILIES,
	FAMILIES_JUDGED,
};

#endif
