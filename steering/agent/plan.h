/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - what a running agent would do with a zone as it is and probes as they are.
 *
 * No second opinion: the agent's own engine runs on a clock of its own, is shown this
 * zone and these probes again and again, and is stopped at the first change that it
 * asks for. So every rule counts but patience. Other agents, if the file has some, are
 * taken to see what this machine sees. Pure but for memory; nothing here can write.
 */
#ifndef STEERING_AGENT_PLAN_H
#define STEERING_AGENT_PLAN_H

#include "steering/agent/probe_once.h"
#include "steering/core/diff.h"
#include "steering/core/engine.h"
#include "steering/zone/provider.h"

enum plan_answer {
	PLAN_NOTHING = 0, /* the zone is as it should be */
	PLAN_CHANGE,      /* a running agent would write this */
	PLAN_STANDS,      /* it would not, until an operator orders what is shown */
	PLAN_CANNOT,      /* not enough is known */
};

struct plan {
	enum plan_answer answer;
	struct intent intent;    /* CHANGE, STANDS */
	enum order_kind order;   /* STANDS: which order is needed; as asked for */
	bool observe;            /* CHANGE: the service is in mode: observe */
	char text[ERR_TEXT_MAX]; /* a sentence: why */
	bool has_old;            /* a ledger of ours stands … */
	bool garbled;            /* … or a TXT that is none */
	struct ledger old_ledger, next;
	size_t edits;
	struct diff_edit *edit; /* into the view and into wanted */
	size_t wanteds;
	struct rrset *wanted;
};

struct plan_in {
	const struct config *config;
	uint32_t service, self; /* indices */
	const struct once *probes;
	const struct zone_view *view; /* sets sorted by key; must outlive the plan */
	int64_t now_wall_s;           /* the provider's clock; not 0 */
	enum order_kind
	    order; /* ORDER_ADOPT: what adopting would do; else ORDER_NONE */
};

/* Everything in *out is the caller's: plan_free(). */
void plan_make(const struct plan_in *in, struct plan *out);
void plan_free(struct plan *p);

#endif
