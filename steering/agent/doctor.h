/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor.h - what `pointsman doctor` looks at, and how it tells.
 *
 * Every look ends in one finding or more: a place, how it is, and a sentence that ends
 * with the cure when there is something to cure. Looks are bounded in time, block, and
 * change nothing: not the zone, not this machine.
 */
#ifndef STEERING_AGENT_DOCTOR_H
#define STEERING_AGENT_DOCTOR_H

#include "config/model.h"
#include "steering/zone/json.h"

enum doctor_level {
	DOCTOR_GOOD = 0,
	DOCTOR_WARN,    /* works, and should be otherwise */
	DOCTOR_UNKNOWN, /* could not be seen from here */
	DOCTOR_WRONG,
	DOCTOR_LEVELS
};

struct doctor {
	const struct config *config;
	uint32_t self;
	struct json *findings; /* NULL: findings are printed as they come */
	uint32_t count[DOCTOR_LEVELS];
	bool running; /* an agent of this configuration runs here (doctor_here) */
};

__attribute__((format(printf, 4, 5))) void doctor_say(struct doctor *d,
    enum doctor_level level, const char *what, const char *format, ...);

/* State directory, files that the configuration names, control socket and page. */
void doctor_here(struct doctor *d);
/* The prober's sandbox, and the canaries. */
void doctor_senses(struct doctor *d);
/* The agents among each other: certificates, where we listen, who answers. */
void doctor_peers(struct doctor *d);
/* Per zone: credentials, permissions, clock, name servers. */
void doctor_zones(struct doctor *d);
/* The target groups of elb checks. */
void doctor_targets(struct doctor *d);
/* What measures what would be lost: one sample each. */
void doctor_lags(struct doctor *d);

#endif
