/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incident_kit.h - an incident and the ledger that it is made from, for tests of both:
 * versions written by hand, at times written by hand. After each the incident is sound.
 */
#ifndef TESTS_UNIT_INCIDENT_KIT_H
#define TESTS_UNIT_INCIDENT_KIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steering/agent/incident.h"
#include "steering/zone/json.h"

#define T0 INT64_C(1795514400000) /* 2026-11-24 10:00:00 UTC */
#define FRA 0
#define IAD 1
#define AGENT_IAD 11
#define AGENT_WIT 12

static struct rule_service rule;
static struct ledger ledger;
static struct scenario_plan plan;
static struct incident in;
static struct err e;

static const uint8_t warm[] = {SLOT_BEGIN, SLOT_FENCE, SLOT_SCALE_OUT, SLOT_SCALE_UP,
    SLOT_PROMOTE, SLOT_READY, SLOT_REPOINT};
static const uint8_t back[] = {SLOT_REVERSE, SLOT_CAUGHT_UP, SLOT_FREEZE,
    SLOT_CAUGHT_UP_FULLY, SLOT_REPOINT, SLOT_UNFREEZE, SLOT_SCALE_IN};
static const uint8_t drill[] = {
    SLOT_SCALE_OUT, SLOT_SCALE_UP, SLOT_READY, SLOT_REPOINT, SLOT_REPOINT};
static const uint8_t undo[] = {SLOT_FREEZE, SLOT_UNFREEZE};

static void
use_plan(const uint8_t *slots, size_t n)
{
	memset(&plan, 0, sizeof plan);
	plan.from = FRA;
	plan.to = IAD;
	plan.steps = (uint32_t)n;
	memcpy(plan.slot, slots, n);
}
#define USE_PLAN(row) use_plan(row, sizeof row)

static void
word(char *out, const char *text)
{
	(void)snprintf(out, WORD_MAX, "%s", text);
}

static void
fresh(void)
{
	memset(&rule, 0, sizeof rule);
	memset(&ledger, 0, sizeof ledger);
	memset(&in, 0, sizeof in);
	rule.scenario = true;
	rule.plan.kind = SCENARIO_WARM_STANDBY;
	rule.agents = 2;
	word(rule.agent[0].name, "iad");
	rule.agent[0].number = AGENT_IAD;
	word(rule.agent[1].name, "wit");
	rule.agent[1].number = AGENT_WIT;
	word(in.service, "www");
	word(in.scenario, "shop-dr");
	word(in.seen_by, "iad");
	word(in.from, "fra");
	word(in.to, "iad");
	in.kind = SCENARIO_WARM_STANDBY;
	in.rto_ms = 15 * 60000;
	in.rpo_ms = 5 * 60000;
	in.ttl_s = 30;
	in.lag_asked = true;
	ledger.epoch = 16;
	USE_PLAN(warm);
}

/* ---- what happens ---- */

static struct incident_version
version(int64_t at_ms, bool ours)
{
	ledger.epoch++;
	return (struct incident_version){.rule = &rule,
	    .ledger = &ledger,
	    .plan = &plan,
	    .ours = ours,
	    .at_wall_ms = T0 + at_ms,
	    .begun_wall_ms = T0 + at_ms};
}

static void
begins(int64_t at_ms, enum run_way way, const struct incident *fault)
{
	ledger.run = (struct ledger_run){.id = ledger.epoch + 1, .way = way};
	ledger.lock_holder = AGENT_IAD;
	struct incident_version v = version(at_ms, true);
	incident_begin(&in, &v, fault);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
}

static void
sees(int64_t at_ms, bool ours)
{
	struct incident_version v = version(at_ms, ours);

	incident_version(&in, &v);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
}

static void
state(int64_t at_ms, enum run_state s)
{
	if (s == RUN_STARTED) {
		ledger.run.tries++;
		ledger.fence = ledger.epoch + 1;
	}
	ledger.run.state = s;
	sees(at_ms, true);
}

static void
step(int64_t at_ms, uint32_t index)
{
	ledger.run.step = index;
	ledger.run.state = RUN_GATE;
	ledger.run.tries = 0;
	sees(at_ms, true);
}

static void
ends(int64_t at_ms, bool reached)
{
	struct incident_version v = version(at_ms, true);

	v.plan = NULL;
	v.reached = reached;
	ledger.run = (struct ledger_run){0};
	incident_end(&in, &v);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
}

static void
orders(int64_t at_ms, const char *what, const char *reason)
{
	struct incident_order o = {.at_wall_ms = T0 + at_ms};

	(void)snprintf(o.word, sizeof o.word, "%s", what);
	(void)snprintf(o.who, sizeof o.who, "uid 1000 at agent wit");
	(void)snprintf(o.reason, sizeof o.reason, "%s", reason);
	incident_order(&in, &o);
}

static void
marks(int64_t at_ms, enum incident_mark m)
{
	incident_mark(&in, m, T0 + at_ms);
	ck_assert_msg(incident_sound(&in, &e), "%s", e.text);
}

static struct incident
fault(void)
{
	struct incident f = {.lag_known = true, .lag_ms = 3200};

	incident_fault(&f, T0 + 120, T0 + 3300);
	ck_assert_msg(incident_sound(&f, &e), "%s", e.text);
	return f;
}

/* Kept and loaded again, as over a restart. */
static void
restart(void)
{
	struct json *j = incident_to_json(&in);
	char *text = json_write(j, false);
	struct json *again = json_read(text, strlen(text), &e);
	struct incident was = in;

	ck_assert_ptr_nonnull(again);
	ck_assert_msg(incident_from_json(again, &in, &e), "%s", e.text);
	ck_assert_mem_eq(in.mark_wall_ms, was.mark_wall_ms, sizeof in.mark_wall_ms);
	ck_assert_mem_eq(in.step, was.step, sizeof in.step);
	ck_assert_mem_eq(in.order, was.order, sizeof in.order);
	ck_assert_mem_eq(&in.runner, &was.runner, sizeof in.runner);
	ck_assert_uint_eq(in.lag_ms, was.lag_ms);
	free(text);
	json_free(j);
	json_free(again);
}

static void
check_shape(const char *page)
{
	unsigned lines = 0, columns = 0;

	for (const char *c = page; *c != '\0'; c++) {
		if (*c == '\n') {
			lines++;
			columns = 0;
			continue;
		}
		ck_assert_msg((unsigned char)*c >= 0x20, "a control character");
		columns += ((unsigned char)*c & 0xc0) != 0x80;
		ck_assert_msg(columns <= INCIDENT_COLUMNS, "too long:\n%s", page);
	}
	ck_assert_msg(lines <= INCIDENT_LINES, "%u lines:\n%s", lines, page);
}

static void
says(const char *part, int64_t now_ms)
{
	char *page = incident_page(&in, T0 + now_ms);

	check_shape(page);
	ck_assert_msg(strstr(page, part) != NULL, "no '%s' in:\n%s", part, page);
	free(page);
}

/* ---- a fail-over ---- */

/* Approval given after four minutes; scale_out needs a second attempt. */
static void
fail_over(void)
{
	struct incident f = fault();

	begins(63400, RUN_FAILOVER, &f);
	state(63600, RUN_ASKS);
	orders(313000, "approve", "confirmed by phone with the data centre");
	state(313400, RUN_APPROVED);
	step(313700, 1);
	state(314000, RUN_STARTED);
	step(318000, 2);
	state(318300, RUN_STARTED);
	incident_say(&in, SLOT_SCALE_OUT,
	    "scale_out at iad: attempt 1 failed: Throttling", true);
	state(320000, RUN_GATE);
	state(323000, RUN_STARTED);
	step(341000, 3);
	state(341300, RUN_STARTED);
	step(372000, 4);
	state(372300, RUN_STARTED);
	step(495000, 5);
	step(518000, 6);
	ck_assert_int_eq(in.mark_wall_ms[MARK_COMMITTED], 0);
	ends(519200, true);
	marks(524300, MARK_INSYNC);
	marks(525100, MARK_ANSWERED);
}

#endif
