/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the operator's socket: one JSON line asks, one JSON line answers.
 *
 * A Unix stream socket, mode 0600; the peer must be root or the agent's own user
 * (SO_PEERCRED). A question is an object with "command" and, as the command needs,
 * "service", "member", "reason", "for_s", of scenarios "scenario", "step", "planned",
 * "drill"; at most 4 KiB. The answer is an object with
 * "ok" (the answer is yes), "text" (a sentence) and what the command adds. After it
 * the connection is closed. A peer that does not ask within 5 s is cut off.
 */
#ifndef STEERING_AGENT_CONTROL_H
#define STEERING_AGENT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "steering/zone/json.h"
#include "steering/core/bounds.h"
#include "steering/core/err.h"

#define CONTROL_QUESTION_MAX 4096
#define CONTROL_REASON_MAX 160

struct event_base;
struct facts;
struct control;
struct control_call; /* one question that waits for its answer */

struct control_request {
	char command[16];                         /* "status", "drain", … */
	char service[WORD_MAX], member[WORD_MAX]; /* "" not given */
	char scenario[WORD_MAX], step[WORD_MAX];  /* "" not given */
	bool planned, drill;
	char reason[CONTROL_REASON_MAX];
	uint64_t for_s; /* 0 not given */
	uid_t uid;      /* of the peer, as the kernel says */
};

/* Must lead to exactly one control_answer() for the call, now or later. */
typedef void (*control_handler)(
    struct control_call *call, const struct control_request *request, void *arg);

/* Removes a socket that nobody listens on; refuses one that is in use. facts: where it
 * says that it cannot take calls; NULL nowhere. */
struct control *control_new(struct event_base *base, const char *path,
    control_handler handler, void *arg, struct facts *facts, struct err *e);
/* Calls not answered yet are given up (control_on_gone) and void. Removes the socket. */
void control_free(struct control *c);
/* gone() is called, and the call is void after it, when the peer hangs up or the
 * control is freed before the answer. Once for a call, from the handler. */
void control_on_gone(struct control_call *call, void (*gone)(void *arg), void *arg);

/* Takes the answer; the call is void after it. */
void control_answer(struct control_call *call, struct json *answer);
/* {"ok": ok, "text": text} */
void control_answer_text(struct control_call *call, bool ok, const char *text);

/* The client, blocking: takes the question; the answer is the caller's. NULL with a
 * sentence when there is no agent, or none that answers within timeout_ms. */
struct json *control_ask(
    const char *path, struct json *question, uint64_t timeout_ms, struct err *e);

#endif
