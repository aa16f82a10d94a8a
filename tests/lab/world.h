/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - what lies outside the zones: other people's names.
 *
 * Alias targets outside the lab's zones (load balancers) have the addresses they were
 * given, or none; one that nobody called unhealthy is healthy.
 */
#ifndef LAB_WORLD_H
#define LAB_WORLD_H

#include "tests/lab/rrset.h"

enum { WORLD_UNHEALTHY_MAX = 256, WORLD_TARGETS_MAX = 64 };

struct world { /* all zero: everybody is well, nothing outside is known */
	char *unhealthy[WORLD_UNHEALTHY_MAX];
	size_t unhealthy_n;
	struct rrset *targets[WORLD_TARGETS_MAX]; /* A or AAAA sets */
	size_t targets_n;
};

void world_fini(struct world *w);

/* What an evaluated alias is told of a target; name in text form. False: too many. */
bool world_set_health(struct world *w, const char *name, bool healthy);
bool world_is_healthy(const struct world *w, const char *name);

/*
 * Gives name (any form) these addresses of this type, "192.0.2.1,192.0.2.2"; an empty
 * list forgets them. False: why.
 */
bool world_set_target(struct world *w, const char *name, const char *type,
    const char *addresses, char why[200]);
const struct rrset *
world_find_target(const struct world *w, const char *name, const struct rrtype *type);

#endif
