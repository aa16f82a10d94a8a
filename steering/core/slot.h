/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slot.h - a disaster-recovery plan as the rules read it: its kind, its slots, and what
 * fills them.
 *
 * The kind fixes the order of the slots (scenario.h: scenario_plan()); the operator
 * fills them with actions. What an action is made of (argv, url, parameters) is the
 * shell's; the core knows how it is judged. Filled by config/ or by a test.
 */
#ifndef STEERING_CORE_SLOT_H
#define STEERING_CORE_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "steering/core/bounds.h"

enum scenario_kind {
	SCENARIO_BACKUP_RESTORE = 0,
	SCENARIO_PILOT_LIGHT,
	SCENARIO_WARM_STANDBY,
	SCENARIO_MULTI_SITE,
	SCENARIO_KINDS
};
const char *scenario_kind_word(enum scenario_kind k); /* "warm-standby" */

/* Slots, gates and what is built in, of all kinds. {site} is where the act works. */
enum slot {
	SLOT_NONE = 0,
	SLOT_BEGIN,     /* built in: an operator's approval, with `trigger: approval` */
	SLOT_FENCE,     /* {from}: shuts the old primary, should it come back */
	SLOT_RESTORE,   /* {to}: the newest complete backup; opens {to} */
	SLOT_PROVISION, /* {to} */
	SLOT_PROMOTE,   /* {to}: opens it */
	SLOT_ATTACH,    /* {to}: elastic IP, network interface */
	SLOT_SCALE_OUT, /* {to}: more of them */
	SLOT_SCALE_UP,  /* {to}: larger ones */
	SLOT_READY,     /* gate: {to} is UP by quorum; built in, may be filled too */
	SLOT_REWEIGHT,  /* gate: steering has taken {from} out (multi-site) */
	SLOT_REPOINT,   /* built in: the records move from {from} to {to} */
	SLOT_REVERSE,   /* {to}: follows {from} */
	SLOT_CAUGHT_UP, /* gate: lag <= catch_up_ms */
	SLOT_FREEZE,    /* {from}: closes it */
	SLOT_CAUGHT_UP_FULLY, /* gate: lag 0, sampled after the freeze */
	SLOT_BACKUP,          /* {from}, frozen */
	SLOT_UNFREEZE,        /* {to}: opens it */
	SLOT_SCALE_IN,        /* {from}: a smaller copy again */
	SLOTS
};
const char *slot_word(enum slot s); /* the key in the file: "scale_out" */

#define SCENARIO_STEPS_MAX (SLOTS + 8) /* of a plan */

/* How what fills a slot is judged. */
enum slot_fill {
	FILL_EMPTY = 0, /* not in the file: passed over, or the built-in gate alone */
	FILL_NOTHING,   /* none: "why" */
	FILL_ACT,       /* exec, webhook, aws, wait: {check}: the shell performs it */
	FILL_HEALTHY,   /* wait: healthy */
	FILL_LAG,       /* wait: {lag}: wait_ms at most */
	FILL_TIME,      /* wait: {time}: wait_ms */
	FILL_APPROVE,   /* approve: "question" */
};

struct rule_step {
	enum slot_fill fill;
	bool fenced;         /* its arguments hold {fence}: a late copy is void */
	bool aws;            /* a late copy is void when its signature is */
	bool go_on;          /* on_failure: continue */
	bool once;           /* idempotent: false: an unknown outcome is asked about */
	bool drill;          /* done in a drill too */
	uint64_t timeout_ms; /* of one attempt, or of the gate */
	uint64_t wait_ms;
	uint32_t retries; /* further attempts after a failure */
};

enum trigger { TRIGGER_AUTOMATIC = 0, TRIGGER_APPROVAL, TRIGGER_COMMAND };

struct rule_scenario {
	char name[WORD_MAX];
	enum scenario_kind kind;
	enum trigger trigger;
	uint32_t primary, recovery; /* members */
	bool has_lag;
	uint64_t catch_up_ms; /* lag at which a fail-back may freeze */
	bool shadow;          /* this service is the shadow that drills run on */
	struct rule_step step[SLOTS];
};

#endif
