/* SPDX-License-Identifier: Apache-2.0 */
/*
 * act_parts.h - what the kinds of act share; act.h is for everybody else.
 *
 * A kind's start takes all that it needs of configuration and words, begins, and tells
 * its end by act_end(), exactly once; its stop lets go of everything it holds, at any
 * time, and is called once. act_end() only notes the result: it is told from the loop,
 * after the kind was stopped, so a kind may call it from within a callback of what it
 * holds.
 */
#ifndef STEERING_AGENT_ACT_PARTS_H
#define STEERING_AGENT_ACT_PARTS_H

#include "steering/agent/act.h"
#include "steering/zone/text.h"

struct act_aws;
struct act_check;
struct act_exec;
struct act_webhook;
struct acts;
struct event;
struct event_base;
struct http;
struct jobs;

struct act {
	struct acts *all;
	struct event_base *base;
	struct jobs *jobs;
	struct act *next, **link;
	struct event *done; /* tells the result */
	act_cb cb;
	void *arg;
	uint64_t begin_ms, give_up_ms; /* now and its deadline, as it was started */
	bool ended;
	struct act_result r;
	/* one of them */
	struct act_exec *exec;
	struct act_webhook *webhook;
	struct act_aws *aws;
	struct act_check *check;
};

/* ---- act.c ---- */

void act_end(struct act *x, enum acted acted, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The last of what came back, as it may be shown to people: control characters but line
 * ends and tabs become '?'. */
void act_tail(struct act *x, const char *bytes, size_t n);
/* The last line of the tail that says something, with ": " in front; "" none. */
#define ACT_LINE_BYTES 100
const char *act_last_line(const struct act *x, char line[ACT_LINE_BYTES]);
const char *act_first_line(const struct act *x, char line[ACT_LINE_BYTES]);
/* "1.2 s", "15 min" */
#define ACT_SPAN_BYTES 32
const char *act_span(uint64_t ms, char text[ACT_SPAN_BYTES]);
/* Milliseconds that are left; 0: none. */
uint64_t act_left_ms(const struct act *x);
/* Connections that webhooks share; NULL: e says why. */
struct http *acts_http(struct acts *all, struct err *e);
/* Its text, or "" where a configuration leaves it out. */
static inline const char *
act_text(const char *text)
{
	return text != NULL ? text : "";
}

/* ---- act_words.c ---- */

enum act_filling {
	ACT_FILL_PLAIN = 0,
	ACT_FILL_URL,     /* %-encoded */
	ACT_FILL_BODY,    /* nothing that ends a quoted text */
	ACT_FILL_LENIENT, /* what is not known stays in its braces */
};
/* Adds the finished text; false: e says why. */
bool act_fill_to(struct text *out, const char *text, const struct act_words *w,
    enum act_filling how, struct err *e) MUST_CHECK;
/* A word's value by its name; NULL: there is no such word; "": it is not known. */
#define ACT_NUMBER_BYTES 24
const char *act_word(const struct act_words *w, const char *name, size_t bytes,
    char number[ACT_NUMBER_BYTES]);

/* ---- the kinds ---- */

bool act_exec_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e) MUST_CHECK;
void act_exec_kill(struct act *x); /* its end comes by itself */
void act_exec_stop(struct act *x);

bool act_webhook_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e) MUST_CHECK;
void act_webhook_stop(struct act *x);

bool act_aws_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e) MUST_CHECK;
void act_aws_stop(struct act *x);
/* Was the call accepted, so that only its end is waited for? For the sentence. */
bool act_aws_accepted(const struct act *x);

bool
act_check_start(struct act *x, const struct config_act *act, const struct config *c,
    uint32_t service, const struct act_words *words, struct err *e) MUST_CHECK;
void act_check_stop(struct act *x);

/* ---- act_places.c ---- */

struct aws_query;
struct act_places; /* AWS services, each in its region by its identity */

struct act_places *act_places_new(struct event_base *base);
void act_places_free(struct act_places *p);
/* The one for this act, made if there is none; it stays. NULL: e says why. */
struct aws_query *
act_places_find(struct act_places *p, const struct config_act *act, struct err *e);
struct act_places *acts_places(struct acts *all);

#endif
