/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change on its way out: noted before it leaves, and never sent on a ledger that the
 * engine did not derive it from. The provider only writes down what it was
 * asked; the service has been stopped, so that no engine stands behind it.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steering/agent/store.h"
#include "steering/agent/zone_io.h"
#include "steering/zone/provider_ops.h"

static char directory[64];
static struct config config;
static struct agent agent;
static struct agent_zone zone;
static struct agent_service service;
static struct ledger stands;
static struct engine_out out;

static struct {
	uint32_t changes;
	bool noted; /* in the store when the request left */
	char ledger_old[LEDGER_TEXT_MAX], ledger_new[LEDGER_TEXT_MAX];
} asked;

static void
on_change(struct provider *p, const struct zone_change *c, zone_answer_cb cb, void *arg)
{
	uint64_t epoch = 0, nonce = 0;

	(void)p;
	(void)cb;
	(void)arg;
	asked.changes++;
	asked.noted = store_open_change(agent.store, "www", &epoch, &nonce) &&
	    epoch == out.next.epoch && nonce == out.next.nonce[0];
	(void)snprintf(asked.ledger_old, sizeof asked.ledger_old, "%s", c->ledger_old);
	(void)snprintf(asked.ledger_new, sizeof asked.ledger_new, "%s", c->ledger_new);
}

static const struct provider_ops ops = {.change = on_change};
static struct provider provider = {&ops};

static void
set_view(const struct ledger *l)
{
	service.view->ledger_present = true;
	service.view->ledger_ttl_s = LEDGER_TTL_S;
	(void)ledger_format(l, service.view->ledger);
}

static void
setup(void)
{
	(void)snprintf(directory, sizeof directory, "/tmp/pointsman-zone-io-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	memset(&asked, 0, sizeof asked);
	config.services = 1;
	config.service = calloc(1, sizeof *config.service);
	ck_assert_ptr_nonnull(config.service);
	(void)snprintf(config.service->rule.name, WORD_MAX, "www");
	agent = (struct agent){.config = &config, .name = "a"};
	agent.store = store_new(directory, NULL);
	zone = (struct agent_zone){.agent = &agent, .provider = &provider};
	service = (struct agent_service){
	    .agent = &agent, .conf = config.service, .zone = &zone, .stopped = true};
	service.engine = calloc(1, sizeof *service.engine);
	service.view = calloc(1, sizeof *service.view);
	ck_assert(service.engine != NULL && service.view != NULL);
	stands = (struct ledger){.cluster = "shop",
	    .epoch = 5,
	    .root = 1,
	    .nonces = 1,
	    .nonce = {0xaa},
	    .writer = 7,
	    .time_wall_s = 1790000000,
	    .quorum = 1,
	    .voters = 1,
	    .voter = {7},
	    .members = 1,
	    .member = {{.name = "fra", .weight = 1}}};
	set_view(&stands);
	out = (struct engine_out){.change = true, .next = stands};
	out.intent.kind = INTENT_ACTION;
	ledger_advance(&out.next, 0xbb, 7, 1790000001);
}

static void
teardown(void)
{
	char command[96];

	zone_io_fini(&service);
	free(service.engine);
	store_free(agent.store);
	free(config.service);
	(void)snprintf(command, sizeof command, "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_change_is_noted_before_it_leaves)
{
	char text[LEDGER_TEXT_MAX];

	ck_assert(!zone_io_holds_back(&service, &out));
	zone_io_change(&service, &out);
	ck_assert_uint_eq(asked.changes, 1);
	ck_assert(asked.noted);
	ck_assert(service.changing);
	(void)ledger_format(&stands, text);
	ck_assert_str_eq(asked.ledger_old, text);
	(void)ledger_format(&out.next, text);
	ck_assert_str_eq(asked.ledger_new, text);
}
END_TEST

static void
must_not_leave(void)
{
	uint64_t epoch, nonce;

	ck_assert(zone_io_holds_back(&service, &out));
	zone_io_change(&service, &out);
	ck_assert_uint_eq(asked.changes, 0);
	ck_assert(!service.changing);
	ck_assert(!store_open_change(agent.store, "www", &epoch, &nonce));
}

START_TEST(a_view_that_moved_in_between_stops_it)
{
	struct ledger other = stands;

	/* the same epoch by another hand, and then a later one */
	other.nonce[0] = 0xcc;
	set_view(&other);
	must_not_leave();
	other = stands;
	other.epoch = 6;
	set_view(&other);
	must_not_leave();
	service.view->ledger[0] = '?';
	must_not_leave();
	service.view->ledger_present = false;
	must_not_leave();
}
END_TEST

START_TEST(nothing_is_created_over_a_ledger)
{
	out.create = true;
	must_not_leave();
}
END_TEST

START_TEST(an_operators_root_replaces_what_stands)
{
	struct ledger other = stands;

	other.nonce[0] = 0xcc;
	set_view(&other);
	out.intent.kind = INTENT_ORDER;
	service.engine->order.kind = ORDER_ADOPT;
	zone_io_change(&service, &out);
	ck_assert_uint_eq(asked.changes, 1);
	ck_assert_str_eq(asked.ledger_old, service.view->ledger);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("zone_io");
	TCase *t = tcase_create("change");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_change_is_noted_before_it_leaves);
	tcase_add_test(t, a_view_that_moved_in_between_stops_it);
	tcase_add_test(t, nothing_is_created_over_a_ledger);
	tcase_add_test(t, an_operators_root_replaces_what_stands);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
