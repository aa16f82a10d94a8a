/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lab's clocks in one place: PENDING and delays run on the monotonic clock, and
 * only what AWS would stamp (Date, SubmittedAt, signatures) on the shifted wall clock.
 */
#include "tests/lab/lab.h"

#include <time.h>

uint64_t
lab_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int64_t
lab_wall_ms(const struct lab *lab)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t)now.tv_sec + lab->faults.clock_s) * 1000 +
	    (int64_t)now.tv_nsec / 1000000;
}

const struct change *
lab_commit(struct lab *lab, struct zone *z, struct version *v, const char *comment)
{
	lab->store.server_delay_ms_max = faults_delay_max_ms(&lab->faults);
	return zone_commit(&lab->store, z, v, lab->faults.insync_ms, lab_now_ms(),
	    lab_wall_ms(lab), comment);
}
