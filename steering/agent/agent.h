/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent.h - one running agent: what its parts share.
 *
 * One thread, one event loop. run.c makes the struct and owns everything in it; the
 * voices (status, metrics, control, page) read it between events and change nothing
 * but by agent_order(). Pointers into `config` are good until the next reload: keep
 * none across events. Times are CLOCK_BOOTTIME milliseconds (now_boot_ms()).
 */
#ifndef STEERING_AGENT_AGENT_H
#define STEERING_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "steering/agent/order_notes.h"
#include "steering/core/engine.h"
#include "probe/clock.h"
#include "config/model.h"
#include "steering/zone/provider.h"

struct event;
struct event_base;
struct facts;
struct store;
struct metrics;
struct control;
struct page;
struct workers;
struct jobs;
struct acts;
struct targets;
struct elb_sense;
struct lag;
struct scenarios;
struct self;
struct peers;
struct reload;
struct verify;
struct incidents;
struct agent;

#define AGENT_TICK_MS 100
#define MARKS_MAX 16 /* changes remembered for status, by service */

/* When one change passed each point of its way; 0: not, or not known. */
struct agent_marks {
	uint64_t epoch, nonce;
	enum intent_kind intent;
	enum action_kind action;
	int32_t member;             /* that it is about, or -1 */
	char member_name[WORD_MAX]; /* "" none */
	bool drain;          /* takes weight away: fault and verdict are of a DOWN */
	uint64_t fault_ms;   /* start of the first failed probe */
	uint64_t verdict_ms; /* the verdict that the change acts on */
	uint64_t sent_ms;
	uint64_t done_ms;     /* the answer came, or its 10 s were over */
	bool answered_by_api; /* result is set */
	enum change_result result;
	char change_id[64];
	uint64_t insync_ms;
	uint64_t answered_ms; /* every authoritative server shows it, or a later one */
};

/* Called once, when the zone has the order or it is refused; `text` says which. */
typedef void (*agent_order_cb)(bool done, const char *text, void *arg);

struct agent_service {
	struct agent *agent;
	const struct config_service *conf;
	struct agent_zone *zone;
	struct engine *engine;
	struct event *timer; /* the next step */
	bool stopped;        /* left the configuration, or the agent stops */
	struct agent_service *leaving_next; /* on agent->leaving until pending is 0 */

	/* senses: which of the engine's slots are taken (targets.c) */
	bool slot_used[MEMBERS_MAX][ADDRESSES_MAX];
	char slot_address[MEMBERS_MAX][ADDRESSES_MAX][64];

	/* the zone as last read or written by us; NULL: not read yet (zone_io.c) */
	struct zone_view *view;
	uint64_t view_ms;     /* when that read was answered, or our change was */
	uint32_t pending;     /* calls of provider and name servers under way */
	bool changing;        /* one of them is a change */
	struct rrset *wanted; /* record sets of the change under way */
	size_t wanteds;
	struct ledger sent;
	bool releasing;                /* it takes the ledger away instead */
	char read_error[ERR_TEXT_MAX]; /* of the last read; "" it went well */

	/* marks, oldest first; the last is the newest */
	uint32_t marks;
	struct agent_marks mark[MARKS_MAX];
	uint64_t verdict_ms[MEMBERS_MAX];    /* of the verdict now in force */
	uint64_t down_fault_ms[MEMBERS_MAX]; /* fault of the verdict DOWN; 0 none */
	struct verify *verify;
	bool dns_silent;    /* no name server answered the last question */
	uint64_t dns_epoch; /* highest that one showed */

	/* the operator's word on its way */
	struct {
		bool pending, due; /* due: the engine has not seen it yet */
		struct order order;
		agent_order_cb cb; /* NULL: nobody waits */
		void *arg;
	} order;
	char order_text[224]; /* of the last fact about it */

	struct { /* a shadow's drills (drills.c) */
		uint64_t tried_ms;
		const char *put_off; /* why, as it was said last; NULL */
	} drill;
};

struct agent_zone {
	struct agent *agent;
	const struct config_zone *conf;
	struct provider *provider;
	uint32_t nameservers; /* 0: not known yet */
	char nameserver[NAMESERVERS_MAX][DNS_NAME_MAX];
	struct event *timer;        /* asks for them again */
	uint32_t failures;          /* of asking, in a row */
	uint32_t turn;              /* which is asked first next time */
	char warning[ERR_TEXT_MAX]; /* of the provider, as it was said last */
	char steady[RR_HEALTH_MAX]; /* the steady health check; "" not known */
};

struct agent {
	struct event_base *base;
	struct config *config;
	uint32_t self_index; /* into config->agent */
	char name[WORD_MAX];
	uint64_t start_ms;
	int64_t start_wall_s; /* this machine's clock */
	bool stopping;
	uint64_t reloads, reloads_failed;
	uint64_t seed; /* 0: the system's entropy */

	/* the provider's clock: Date of the last answer, and when it came; 0 unknown */
	int64_t date_wall_s;
	uint64_t date_ms;

	struct facts *facts;
	struct store *store; /* NULL: no `state` */
	struct incidents *incidents;
	struct metrics *metrics;
	struct control *control; /* NULL: no `control` */
	struct page *page;       /* NULL: no `page` */
	struct workers *workers;
	struct jobs *jobs; /* of the runner */
	struct acts *acts; /* of act.h; NULL: none yet */
	struct targets *targets;
	struct elb_sense *elb;
	struct lag *lag; /* what would be lost, of every scenario */
	struct scenarios *scenarios;
	struct self *self;
	struct dns_ask *dns;
	struct peers *peers; /* NULL: quorum: solo */
	struct order_notes orders;
	struct reload *reload; /* NULL: none under way */
	uint32_t zones;
	struct agent_zone *zone[ZONES_MAX];
	uint32_t services;
	struct agent_service *service[SERVICES_MAX];
	struct agent_service *leaving; /* left the configuration, calls under way */
};

struct run_options {
	uint32_t workers;        /* prober processes; 0: one */
	const char *worker_path; /* NULL: this binary (tests replace it) */
	uint64_t seed; /* of stagger, jitter, nonces; 0: the system's entropy */
	bool verbose;  /* facts of level debug are said and kept too */
};

/* The daemon, in the foreground, until SIGTERM or SIGINT. Takes the configuration
 * (checked by config_runnable()). Returns the exit status. */
int agent_run(struct config *config, uint32_t self, const struct run_options *options);

/* By name; NULL when there is none. */
struct agent_service *agent_find_service(const struct agent *a, const char *name);
/* Index of a member by name, or -1. */
int32_t agent_find_member(const struct agent_service *s, const char *name);

/* Gives the engine an operator's order; one at a time for a service. False, and cb is
 * never called, when another is on its way. order->id 0: one is drawn. cb may be NULL
 * and is never called before this returns. */
bool agent_order(struct agent_service *s, const struct order *order, agent_order_cb cb,
    void *arg, struct err *e) MUST_CHECK;
/* Whoever waited with this arg has gone: the order goes on, cb is not called. */
void agent_order_forget(struct agent_service *s, const void *arg);

/* The provider's clock now, in seconds; 0 while it has not spoken. */
int64_t agent_now_wall_s(const struct agent *a);
/* The shell's doubt of itself, as the engines are told it. */
enum doubt agent_doubt(const struct agent *a);
/* Worst lateness of the loop since the agent began, and of the last minute. */
uint64_t agent_late_max_ms(const struct agent *a);
uint64_t agent_worker_late_max_ms(const struct agent *a); /* a prober's own loop */
uint64_t agent_late_ms(const struct agent *a);
/* Prober workers: configured, and alive now. */
uint32_t agent_workers(const struct agent *a, uint32_t *alive);

/* This machine's own clock: for what is shown and kept, never for what is decided. */
static inline int64_t
now_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
