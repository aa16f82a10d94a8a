/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act.h - one act of a scenario, performed: a program, a webhook, a call of AWS, a
 * check that must pass.
 *
 * Asynchronous on the agent's loop, never blocks. The words in braces are filled in here:
 * {from} {to} {site} {service} {scenario} {incident} {fence} {backup.id}
 * {backup.started_at} {backup.completed_at}. What cannot be filled in (no backup is
 * known) is a failure, and nothing was started.
 */
#ifndef STEERING_AGENT_ACT_H
#define STEERING_AGENT_ACT_H

#include "config/model.h"
#include "steering/core/engine.h"

struct agent;
struct act;

struct act_words { /* copied; "" where unknown */
	const char *from, *to, *site, *service, *scenario;
	uint64_t incident, fence;
	const char *backup_id, *backup_started_at, *backup_completed_at;
};

#define ACT_TAIL_BYTES 4096

struct act_result {
	enum acted acted;
	char text[224]; /* a sentence: what it came to, and what to do */
	char
	    tail[ACT_TAIL_BYTES]; /* the last that it printed or answered; "" nothing */
	uint64_t began_ms, ended_ms; /* boot-time clock; began 0: it never left */
};
typedef void (*act_cb)(const struct act_result *r, void *arg);

/* Performs it within act->timeout_ms. cb comes exactly once, never before this returns;
 * the handle is dead from then on. `act` must live as long. `service`: where ACT_CHECK's
 * endpoints are, index into the configuration. NULL: nothing was started, and why. */
struct act *act_start(struct agent *a, const struct config_act *act, uint32_t service,
    const struct act_words *words, act_cb cb, void *arg, struct err *e);
/* Ends it: a program is killed with all that came of it; a call may have been carried
 * out. cb comes, with ACTED_UNKNOWN unless it had just ended. */
void act_kill(struct act *x);
/* … and cb does not come. */
void act_forget(struct act *x);

/* The finished text of one argument, for a dry run. False: a word is unknown, named in
 * e. */
bool act_fill(const char *text, const struct act_words *words, char *out,
    size_t out_bytes, struct err *e) MUST_CHECK;
/* What it would do, in one line: "exec /usr/local/sbin/promote iad 17". */
void act_describe(const struct config_act *act, const struct act_words *words,
    char *text, size_t text_bytes);

#endif
