/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the lab's own paths, for tests and demos. Unsigned; loopback only.
 *
 *   POST /lab/fault?KEY=VALUE&...        see faults.h
 *   GET  /lab/state                      counters, zones and record sets, tab-separated
 *   POST /lab/snapshot?name=X[&zone=Z]   keeps the zone as it is now
 *   POST /lab/restore?name=X[&zone=Z]    puts it back (a change like any other)
 *   POST /lab/bulk?n=10000[&zone=Z]      adds so many record sets of other people
 *   POST /lab/edit[?zone=Z]              body: a change batch; somebody's hand edit
 *   POST /lab/health?id=X&state=unhealthy|healthy
 *   POST /lab/target?name=N[&A=IP,..][&AAAA=IP,..]   an alias target outside
 *
 * Settings may stand in the query or, if there is none, in a form body. Without zone=
 * the first zone is meant. Answers are plain text: 200, or 400 and a sentence.
 *
 * Lines of /lab/state:
 *   counter NAME NUMBER
 *   zone ID NAME COMMITS
 *   set ZONE NAME TYPE SETID|- POLICY TTL|- HEALTH|- VALUE...
 * where POLICY is simple, weighted=N, failover=ROLE, latency=REGION, geolocation or
 * multivalue, and an alias has the one value "alias ZONE NAME true|false".
 */
#ifndef LAB_CONTROL_H
#define LAB_CONTROL_H

#include "tests/lab/api.h"

/* The above for people who have no source at hand: printed by --help. */
extern const char control_usage[];

/* call->query holds the settings; path begins with "/lab/". r becomes plain text. */
void control_run(struct lab *lab, const struct api_call *call, const char *method,
    const char *path, struct api_reply *r);

#endif
