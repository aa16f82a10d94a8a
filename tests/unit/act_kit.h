/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of acts share: an agent that is no more than a loop, a runner and a
 * configuration, and one act at a time in it. */
#ifndef TESTS_UNIT_ACT_KIT_H
#define TESTS_UNIT_ACT_KIT_H

#include <check.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/prober.h"
#include "probe/runner.h"
#include "steering/agent/act.h"
#include "steering/agent/agent.h"
#include "steering/agent/jobs.h"

#define KIT_PATIENCE_S 30

static struct agent kit;
static struct config kit_config;
static struct act_result kit_result;
static uint32_t kit_ended;

static const struct act_words kit_words = {.from = "fra",
    .to = "iad",
    .site = "iad",
    .service = "www",
    .scenario = "shop-dr",
    .incident = 17,
    .fence = 19,
    .backup_id = "b 7/&",
    .backup_started_at = "2026-11-24T01:00:00Z",
    .backup_completed_at = "2026-11-24T01:10:00Z"};

static void
kit_quiet(const char *why, void *arg)
{
	(void)why;
	(void)arg;
}

static void
kit_begin(void)
{
	struct jobs_calls calls = {.ended = kit_quiet, .trouble = kit_quiet};
	struct err e = {""};

	memset(&kit, 0, sizeof kit);
	kit.base = event_base_new();
	kit.config = &kit_config;
	kit.jobs = jobs_new(NULL, &e);
	ck_assert_msg(kit.jobs != NULL, "%s", e.text);
	ck_assert_msg(jobs_begin(kit.jobs, kit.base, &calls, &e), "%s", e.text);
	for (int i = 0; i < KIT_PATIENCE_S * 1000 && !jobs_alive(kit.jobs); i++) {
		(void)event_base_loop(kit.base, EVLOOP_NONBLOCK);
		(void)usleep(1000);
	}
	ck_assert(jobs_alive(kit.jobs));
}

static void
kit_end(void)
{
	acts_free(&kit);
	jobs_free(kit.jobs);
	event_base_free(kit.base);
}

static void
kit_on_result(const struct act_result *r, void *arg)
{
	(void)arg;
	kit_result = *r;
	kit_ended++;
	(void)event_base_loopbreak(kit.base);
}

static struct act *
kit_start(const struct config_act *act, struct err *e)
{
	kit_ended = 0;
	return act_start(&kit, act, 0, &kit_words, kit_on_result, NULL, e);
}

static void
kit_wait(void)
{
	struct timeval deadline = {.tv_sec = KIT_PATIENCE_S};

	ck_assert_uint_eq(kit_ended, 0); /* never before it returned */
	(void)event_base_loopexit(kit.base, &deadline);
	while (kit_ended == 0 && !event_base_got_exit(kit.base))
		(void)event_base_dispatch(kit.base);
	ck_assert_uint_eq(kit_ended, 1);
}

static const struct act_result *
kit_perform(const struct config_act *act)
{
	struct err e = {""};

	ck_assert_msg(kit_start(act, &e) != NULL, "%s", e.text);
	kit_wait();
	return &kit_result;
}

/* It is not even started. */
static const char *
kit_refused(const struct config_act *act)
{
	static struct err e;

	e.text[0] = '\0';
	ck_assert_ptr_null(kit_start(act, &e));
	ck_assert_str_ne(e.text, "");
	return e.text;
}

static void
kit_says(const char *part)
{
	ck_assert_msg(strstr(kit_result.text, part) != NULL, "'%s' does not say '%s'",
	    kit_result.text, part);
}

/* The processes of an agent, which this program is too. True: status is its exit's. */
static bool
kit_is_process(int argc, char **argv, int *status)
{
	if (argc != 3)
		return false;
	if (strcmp(argv[1], "runner") == 0)
		*status = runner_main(atoi(argv[2]));
	else if (strcmp(argv[1], "prober") == 0)
		*status = prober_main(atoi(argv[2]));
	else
		return false;
	return true;
}

#endif
