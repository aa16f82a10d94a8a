/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act.h - one act of a scenario, performed: a program, a webhook, a call of AWS, a
 * check that must pass.
 *
 * Asynchronous on the agent's loop, never blocks. The words in braces are filled in here:
 * {from} {to} {site} {service} {scenario} {incident} {fence} {backup.id}
 * {backup.started_at} {backup.completed_at}. What cannot be filled in (no backup is
 * known) is a failure, and nothing was started. Other braces stay as they are.
 *
 * What it comes to:
 *  exec     exit 0 is DONE, any other FAILED; not started FAILED; its deadline, a signal,
 *           a kill, the runner's death UNKNOWN. In its environment are PATH, LANG=C,
 *           POINTSMAN_FROM, _TO, _SITE, _SERVICE, _SCENARIO, _INCIDENT, _FENCE, and of a
 *           backup that is known _BACKUP_ID, _BACKUP_STARTED_AT, _BACKUP_COMPLETED_AT;
 *           nothing else is.
 *  webhook  a status that is expected DONE, another FAILED, but 502 and 504 (a proxy had
 *           no answer) UNKNOWN, as no answer is; what never left FAILED. Redirects are not
 *           followed, https is verified; words in the url are %-encoded. Files of
 *           headers hold one line, and nobody but owner and group may read them.
 *  aws      AWS's yes is DONE, its no FAILED, no answer or its own trouble UNKNOWN. A call
 *           that was throttled was not carried out: it is sent again while there is
 *           time. With `until` the answer is looked at every every_ms
 *           (zone/aws_until.h) and must say so at two looks, or be seen to turn so: a
 *           state that stood before the call proves nothing. In time DONE, a final
 *           state FAILED, else UNKNOWN: AWS goes on with what it accepted.
 *  check    each address of {site}'s endpoints passed at its last probe: DONE; FAILED
 *           when its time is over.
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
 * the handle is dead from then on. Takes what it needs of `act`, words and
 * configuration; of the agent: base, jobs, config, and acts, which it makes. `service`:
 * where ACT_CHECK's endpoints are, index into the configuration. NULL: nothing was
 * started, and why. */
struct act *act_start(struct agent *a, const struct config_act *act, uint32_t service,
    const struct act_words *words, act_cb cb, void *arg, struct err *e);
/* Ends it: a program is killed with all that came of it; a call may have been carried
 * out. cb comes, with ACTED_UNKNOWN unless it had just ended. */
void act_kill(struct act *x);
/* … and cb does not come. Never from within a cb for the act that it is about. */
void act_forget(struct act *x);
/* Forgets all that is under way, and closes what acts share. Before jobs_free(). */
void acts_free(struct agent *a);

/* The finished text of one argument, for a dry run. False: a word is unknown, named in
 * e. */
bool act_fill(const char *text, const struct act_words *words, char *out,
    size_t out_bytes, struct err *e) MUST_CHECK;
/* What it would do, in one line: "exec /usr/local/sbin/promote iad 17"; its `dry_run`
 * where that is given. What is not known yet stays in its braces. */
void act_describe(const struct config_act *act, const struct act_words *words,
    char *text, size_t text_bytes);

#endif
