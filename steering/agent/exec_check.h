/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_check.h - an exec check as a job of the runner, and its end as a sample.
 *
 * A program runs once for each address that an endpoint has, as every probe does. In
 * its arguments {site}, {service}, {member}, {host}, {port} and {address} are filled
 * in: host is the endpoint as configured, address the one that is probed, site the
 * member's. Each stands in the environment too (POINTSMAN_SITE …, POINTSMAN_CHECK),
 * beside PATH and LANG=C, and nothing else does; an endpoint without a port has no
 * POINTSMAN_PORT.
 */
#ifndef STEERING_AGENT_EXEC_CHECK_H
#define STEERING_AGENT_EXEC_CHECK_H

#include "config/model.h"
#include "probe/prober.h"
#include "probe/result.h"
#include "probe/runner.h"

#define EXEC_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define EXEC_GRACE_MS 100 /* to tidy up after SIGTERM; the verdict waits for it */

/* One word in braces, and what it stands for. */
struct exec_word {
	const char *name, *value;
};
/* Every known word is replaced, once. False: it does not fit. */
bool exec_fill_in(const struct exec_word *word, size_t words, const char *template,
    char *out, size_t out_bytes) MUST_CHECK;

/* The START for what a PROBE_DUE asks for; service, member and endpoint are indices. The
 * address comes from a worker, and is looked at. False: it cannot be run, and why. */
bool
exec_fill(const struct config *c, uint32_t service, uint32_t member, uint32_t endpoint,
    const char *address, struct runner_msg *m, struct err *e) MUST_CHECK;

/* What a job's end says, with a sentence unless it passed. */
void exec_result(const struct runner_event *end, const struct check_spec *check,
    struct probe_result *r);
/* The sample that a job's end is; id, slot and address are left as they are. */
void exec_judge(const struct runner_event *end, const struct check_spec *check,
    struct probe_event *sample);
/* The sample of a program that was not even begun. */
void exec_judge_unstarted(const char *why, struct probe_event *sample);

#endif
