/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route53_parts.h - what route53.c (jobs go out) and route53_answers.c (answers come
 * in) share. Nobody else includes it: the outside is provider.h.
 */
#ifndef STEERING_ZONE_ROUTE53_PARTS_H
#define STEERING_ZONE_ROUTE53_PARTS_H

#include "probe/clock.h"
#include "steering/zone/credentials.h"
#include "steering/zone/provider_ops.h"
#include "steering/zone/route53_ask.h"
#include "steering/zone/route53_checks.h"
#include "steering/zone/route53_verdict.h"
#include "steering/zone/route53_walk.h"

#define ROUTE53_CHANGE_WAIT_MS 3000

/* FIND and MAKE are about health checks, and stand last. */
enum job_kind { JOB_READ, JOB_CHANGE, JOB_POLL, JOB_NAMESERVERS, JOB_FIND, JOB_MAKE };

struct job {
	struct route53 *r;
	struct job *next;
	enum job_kind kind;
	char key[DNS_NAME_MAX]; /* one at a time of (kind, key) */
	zone_answer_cb cb;
	void *arg;
	struct http_call *call; /* in flight */
	bool decided;           /* answer stands; the pump delivers it */
	struct zone_answer answer;
	uint64_t not_before_ms, give_up_ms;
	uint32_t tries;
	bool resigned;
	struct walk *walk;   /* READ */
	struct job *carrier; /* READ: its page, which left later than we came, may hold
			      * all that we want */
	bool was_carried; /* once is enough: where names lie far apart it is in vain */
	struct route53_checks checks; /* FIND, MAKE */
	struct text body;             /* CHANGE, MAKE; of an answer: NAMESERVERS */
};

struct route53 {
	struct provider provider; /* first */
	struct event_base *base;
	struct event *wake;
	struct http *http;
	struct credentials_chain *credentials;
	struct budget budget;
	struct route53_where where;
	char apex[DNS_NAME_MAX];
	int64_t skew_s; /* theirs minus ours, once a signature was refused */
	struct job *jobs;
	struct ledger_spelling *spelling;
};

/* route53.c */
void route53_wake_in(struct route53 *r, uint64_t ms);
void route53_decide(struct job *j, enum zone_result result);
enum route53_ask route53_ask_of(const struct job *j);
enum budget_kind route53_budget_of(const struct job *j);
/* Whoever it carries goes by itself from now on. */
void route53_carry_no_more(struct job *j);

/* route53_answers.c: an http_done_fn; arg is the job. */
void route53_answered(const struct http_response *response, void *arg);

#endif
