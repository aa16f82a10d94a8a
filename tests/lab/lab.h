/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab.h - the one lab that a process runs: zones, faults, world, counters.
 *
 * Everything happens on one event loop, so nothing is locked.
 */
#ifndef LAB_LAB_H
#define LAB_LAB_H

#include "tests/lab/auth.h"
#include "tests/lab/check.h"
#include "tests/lab/faults.h"
#include "tests/lab/world.h"
#include "tests/lab/zone.h"

#include <stdio.h>

struct counters {
	uint64_t requests; /* of the API, whatever became of them */
	uint64_t changes, lists, get_changes, zone_reads;
	uint64_t applied, refused;  /* changes */
	uint64_t denied, throttled; /* signatures, rate */
	uint64_t edits;             /* by hand, on the control path */
	uint64_t dns_queries;
};

struct lab {
	struct store store;
	struct world world;
	struct checks checks;
	struct faults faults;
	struct bucket bucket;
	struct auth auth;
	struct counters counters;
	size_t servers;    /* name servers of the zones */
	bool has_resolver; /* one more, after them: the VPC's resolver */
	FILE *log;         /* NULL: none */
};

uint64_t lab_now_ms(void);                  /* monotonic */
int64_t lab_wall_ms(const struct lab *lab); /* with the clock fault */

/* Commits a version as a change of its own, with the lab's clocks and delays. */
const struct change *
lab_commit(struct lab *lab, struct zone *z, struct version *v, const char *comment);

#endif
