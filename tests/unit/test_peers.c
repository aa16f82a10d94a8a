/* SPDX-License-Identifier: Apache-2.0 */
/* peers: what is told when, and what becomes of what comes in. The wire, the engine's
 * step and the agent's look at itself are doubles of this file; the rest is real. */
#include <event2/event.h>
#include <fcntl.h>
#include <unistd.h>

#include "steering/agent/incidents.h"
#include "steering/agent/facts.h"
#include "steering/agent/peer_wire.h"
#include "steering/agent/peers.h"
#include "steering/agent/self.h"
#include "steering/agent/service.h"
#include "steering/agent/state.h"
#include "tests/unit/config_kit.h"

/* ---- doubles ---- */

struct peer_wire {
	struct peer_wire_conf conf;
	struct peer_wire_calls calls;
};
static struct peer_wire wire;
static unsigned posts[AGENTS_MAX];
static struct peer_message told[AGENTS_MAX]; /* the last to each */
static bool reload_fails;

bool
peer_wire_conf_fill(
    const struct config *conf, uint32_t self, struct peer_wire_conf *out, struct err *e)
{
	(void)e;
	memset(out, 0, sizeof *out);
	out->self = self;
	out->agents = conf->agents;
	for (uint32_t i = 0; i < conf->agents; i++)
		(void)snprintf(out->agent[i].name, WORD_MAX, "%s", conf->agent[i].name);
	return true;
}

struct peer_wire *
peer_wire_new(struct event_base *base, const struct peer_wire_conf *conf,
    const struct peer_wire_calls *calls, struct facts *facts, struct err *e)
{
	(void)base;
	(void)facts;
	(void)e;
	wire = (struct peer_wire){*conf, *calls};
	return &wire;
}

void
peer_wire_free(struct peer_wire *w)
{
	ck_assert_ptr_eq(w, &wire);
}

bool
peer_wire_post(
    struct peer_wire *w, uint32_t to, const char *body, size_t bytes, struct err *e)
{
	ck_assert(w == &wire && to != w->conf.self);
	posts[to]++;
	ck_assert_msg(peer_message_read(body, bytes, &told[to], e), "%s", e->text);
	return true;
}

bool
peer_wire_reload(struct peer_wire *w, const struct peer_wire_conf *conf, struct err *e)
{
	if (reload_fails)
		return err_set(e, "no such file");
	w->conf = *conf;
	return true;
}

struct peer_cert
peer_wire_cert(const struct peer_wire *w, uint32_t agent)
{
	(void)w;
	return (struct peer_cert){.until_wall_s = 1000 + agent};
}

const char *
peer_wire_trouble(const struct peer_wire *w, uint32_t agent)
{
	(void)w;
	(void)agent;
	return "";
}

static struct agent agent;
static struct agent_service www;
static enum engine_event stepped[16];
static uint32_t steps;
static struct engine_in last;
static struct report last_report;

void
self_look(struct self *s)
{
	(void)s;
}

void
service_step(struct agent_service *s, struct engine_in *in)
{
	ck_assert_ptr_eq(s, &www);
	ck_assert(steps < 16);
	stepped[steps++] = in->event;
	last = *in;
	if (in->report != NULL)
		last_report = *in->report;
}

struct agent_service *
agent_find_service(const struct agent *a, const char *name)
{
	(void)a;
	return strcmp(name, www.conf->rule.name) == 0 ? &www : NULL;
}

static uint32_t recorded; /* orders that the recorder was told of */

void
incidents_order(struct incidents *x, const struct peer_order *o)
{
	(void)x;
	(void)o;
	recorded++;
}

/* ---- the bench ---- */

static struct peers *peers;
static struct peer_message said; /* as `iad`, which is 1; we are `fra`, which is 0 */
static struct peer_reply reply;

static uint64_t
digest(const uint8_t weight[MEMBERS_MAX], void *arg)
{
	(void)weight;
	(void)arg;
	return 0;
}

static void
run(unsigned ms)
{
	struct timeval t = {.tv_usec = (suseconds_t)ms * 1000};

	(void)event_base_loopexit(agent.base, &t);
	(void)event_base_dispatch(agent.base);
}

static void
begin(void)
{
	struct err e = {""};
	int null = open("/dev/null", O_WRONLY);

	/* No second beat within a test, however slow the machine. */
	parse_with("{report: 1s}", "{report: 10s, fresh: 60s, silent: 20s}");
	config_notes_free(&notes);
	memset(&agent, 0, sizeof agent);
	memset(&www, 0, sizeof www);
	memset(posts, 0, sizeof posts);
	steps = 0;
	agent.base = event_base_new();
	agent.config = c;
	agent.facts = facts_new(null, FACT_INFO, NULL);
	(void)snprintf(agent.name, sizeof agent.name, "fra");
	c->state[0] = '\0';
	www.agent = &agent;
	www.conf = &c->service[0];
	www.engine = calloc(1, sizeof *www.engine);
	engine_init(www.engine, &c->service[0].rule, 0, digest, NULL, 1);
	agent.services = 1;
	agent.service[0] = &www;
	peers = agent.peers = peers_new(&agent, &e);
	ck_assert_msg(peers != NULL, "%s", e.text);
	memset(&said, 0, sizeof said);
	(void)snprintf(said.cluster, WORD_MAX, "test");
	(void)snprintf(said.agent, WORD_MAX, "iad");
	said.envelope.stamp = (struct peer_stamp){77, 0};
	said.services = 1;
	struct report r = {.epoch = 9, .members = 2};
	r.member[1].vote = VOTE_DOWN;
	peer_service_fill(&said.service[0], &c->service[0].rule, &r);
}

static void
end(void)
{
	peers_free(peers);
	facts_free(agent.facts);
	event_base_free(agent.base);
	free(www.engine);
	fini();
}

/* iad says it, with the next sequence; the status that is answered. */
static unsigned
hear(uint32_t from)
{
	size_t bytes;

	said.envelope.stamp.seq++;
	char *text = peer_message_write(&said, &bytes);
	reply = (struct peer_reply){.status = 204};
	steps = 0;
	wire.calls.on_message(from, text, bytes, &reply, wire.calls.arg);
	free(text);
	return reply.status;
}

/* ---- tests ---- */

START_TEST(a_report_goes_to_all_and_again_when_something_moves)
{
	begin();
	peers_begin(peers);
	run(20);
	ck_assert_uint_eq(posts[1], 1);
	ck_assert_uint_eq(posts[2], 1);
	ck_assert_str_eq(told[1].agent, "fra");
	ck_assert_uint_eq(told[1].services, 1);
	ck_assert_uint_eq(told[1].envelope.stamp.seq, 1);
	ck_assert_uint_eq(told[1].envelope.quoted.seq, 0);
	run(40);
	for (int i = 0; i < 5; i++)
		peers_moved(peers); /* five services at once */
	run(100);
	ck_assert_uint_eq(posts[1], 2);
	ck_assert_uint_eq(told[2].envelope.stamp.seq, 2);
	end();
}
END_TEST

START_TEST(a_dated_message_is_a_vote_an_undated_one_voids_it)
{
	uint32_t of;

	begin();
	peers_begin(peers);
	run(20);
	ck_assert(peers_alone(peers));
	ck_assert_uint_eq(hear(1), 204);
	ck_assert_uint_eq(steps, 2);
	ck_assert_int_eq(stepped[0], ENGINE_UNHEARD);
	ck_assert_int_eq(stepped[1], ENGINE_HEARD);
	ck_assert_uint_eq(last.epoch, 9);
	ck_assert(peers_alone(peers));
	run(60);
	ck_assert_uint_eq(posts[1], 2); /* it is told at once that it was heard */
	ck_assert_uint_eq(told[1].envelope.quoted.boot, 77);
	ck_assert_uint_eq(told[1].envelope.quoted.seq, 1);
	ck_assert_uint_eq(told[2].envelope.quoted.seq, 0);
	said.envelope.quoted = told[1].envelope.stamp;
	ck_assert_uint_eq(hear(1), 204);
	ck_assert_uint_eq(steps, 1);
	ck_assert_int_eq(stepped[0], ENGINE_REPORT);
	ck_assert_uint_eq(last.agent, 1);
	ck_assert(last.sent_ms <= now_boot_ms());
	ck_assert_int_eq(last_report.member[1].vote, VOTE_DOWN);
	ck_assert(!peers_alone(peers));
	ck_assert_uint_eq(peers_heard(peers, &of), 2);
	ck_assert_uint_eq(of, 3);
	end();
}
END_TEST

/* It heard us before it spoke, so that its first word is dated: what it said in its last
 * life, a freeze perhaps, is its last life's all the same. */
START_TEST(a_new_life_voids_the_last_also_when_dated)
{
	begin();
	peers_begin(peers);
	run(20);
	ck_assert_uint_eq(hear(1), 204);
	run(60);
	said.envelope.quoted = told[1].envelope.stamp;
	ck_assert_uint_eq(hear(1), 204);
	said.envelope.stamp = (struct peer_stamp){78, 0};
	ck_assert_uint_eq(hear(1), 204);
	ck_assert_uint_eq(steps, 2);
	ck_assert_int_eq(stepped[0], ENGINE_UNHEARD);
	ck_assert_int_eq(stepped[1], ENGINE_REPORT);
	ck_assert_uint_eq(hear(1), 204);
	ck_assert_uint_eq(steps, 1);
	end();
}
END_TEST

START_TEST(what_is_refused_is_told_why)
{
	begin();
	peers_begin(peers);
	run(20);
	said.envelope.quoted = told[1].envelope.stamp;
	ck_assert_uint_eq(hear(1), 204);
	/* in another's name */
	ck_assert_uint_eq(hear(2), 409);
	ck_assert_ptr_nonnull(strstr(reply.body, "certificate is wit's"));
	(void)snprintf(said.cluster, WORD_MAX, "other");
	ck_assert_uint_eq(hear(1), 409);
	ck_assert_ptr_nonnull(strstr(reply.body, "cluster other"));
	(void)snprintf(said.cluster, WORD_MAX, "test");
	said.envelope.stamp.seq = 0;
	ck_assert_uint_eq(hear(1), 409); /* replayed */
	said.envelope.stamp = (struct peer_stamp){76, 100};
	ck_assert_uint_eq(hear(1), 409); /* of an earlier boot */
	ck_assert_ptr_nonnull(strstr(reply.body, "began later"));
	ck_assert_uint_eq(steps, 0);
	said.envelope.stamp = (struct peer_stamp){77, 100};
	said.envelope.quoted.seq = 1000;
	ck_assert_uint_eq(hear(1), 409); /* unsound */
	reply = (struct peer_reply){.status = 204};
	wire.calls.on_message(1, "{}", 2, &reply, wire.calls.arg);
	ck_assert_uint_eq(reply.status, 400);
	struct peers_view v = peers_look(peers, 0);
	ck_assert_str_eq(v.name, "iad");
	ck_assert_uint_eq(v.results[PEERS_TAKEN], 1);
	ck_assert_uint_eq(v.results[PEERS_FOREIGN], 1);
	ck_assert_uint_eq(v.results[PEERS_REPLAYED], 1);
	ck_assert_uint_eq(v.results[PEERS_OUTLIVED], 1);
	ck_assert_uint_eq(v.results[PEERS_UNSOUND], 1);
	ck_assert_uint_eq(v.results[PEERS_GARBLED], 1);
	ck_assert_int_eq(v.cert_until_wall_s, 1001);
	ck_assert_str_eq(peers_look(peers, 1).name, "wit");
	end();
}
END_TEST

/* What was said to us before a pause is void: it quotes a boot that is over. */
START_TEST(a_pause_begins_a_new_boot)
{
	begin();
	peers_begin(peers);
	run(20);
	said.envelope.quoted = told[1].envelope.stamp;
	(void)hear(1);
	ck_assert_int_eq(stepped[0], ENGINE_REPORT);
	uint64_t boot = told[1].envelope.stamp.boot;
	peers_paused(peers);
	(void)hear(1);
	ck_assert_int_eq(stepped[0], ENGINE_UNHEARD);
	run(60);
	ck_assert_uint_gt(told[1].envelope.stamp.boot, boot);
	end();
}
END_TEST

START_TEST(orders_travel)
{
	begin();
	peers_begin(peers);
	run(20);
	said.orders = 1;
	said.order[0] = (struct peer_order){.service = "www",
	    .kind = "drain",
	    .member = "iad",
	    .agent = "wit",
	    .id = 5,
	    .left_s = 100,
	    .reason = "racks"};
	(void)hear(1);
	const struct peer_order *o = order_notes_find(&agent.orders, "www", 5);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(o->reason, "racks");
	ck_assert_uint_eq(facts_count(agent.facts, "www", FACT_ORDER), 1);
	(void)hear(1);
	ck_assert_uint_eq(facts_count(agent.facts, "www", FACT_ORDER), 1);
	/* … and on, with what is left of its time */
	run(60);
	ck_assert_uint_eq(told[2].orders, 1);
	ck_assert_uint_eq(recorded, 1); /* once, however often it is told */
	ck_assert_uint_le(told[2].order[0].left_s, 100);
	ck_assert_ptr_null(order_notes_find(&agent.orders, "www", 6));
	ck_assert_ptr_null(order_notes_find(&agent.orders, "pair", 5));
	end();
}
END_TEST

START_TEST(old_notes_go)
{
	struct order_notes n = {0};
	struct peer_order o = {.service = "www"}, out[PEER_ORDERS_MAX];

	for (o.id = 1; o.id <= PEER_ORDERS_MAX + 1; o.id++)
		order_notes_add(&n, &o, 1000);
	ck_assert_uint_eq(n.count, PEER_ORDERS_MAX);
	ck_assert_ptr_null(order_notes_find(&n, "www", 1));
	o = (struct peer_order){.service = "www", .id = 99, .left_s = 7};
	ck_assert(order_notes_hear(&n, &o, 1000));
	ck_assert(!order_notes_hear(&n, &o, 1000));
	ck_assert_uint_eq(order_notes_tell(&n, out, 7999), PEER_ORDERS_MAX);
	ck_assert_uint_eq(out[PEER_ORDERS_MAX - 1].left_s, 0);
	ck_assert_uint_eq(order_notes_tell(&n, out, 8000), PEER_ORDERS_MAX - 1);
	ck_assert_uint_eq(order_notes_tell(&n, out, 1000 + ORDER_NOTE_S * 1000), 0);
}
END_TEST

/* Agents of the same name keep what is known of them; a file that cannot be taken
 * leaves all as it was. */
START_TEST(a_reload)
{
	struct config_agent was;

	begin();
	peers_begin(peers);
	run(20);
	said.envelope.quoted = told[1].envelope.stamp;
	(void)hear(1);
	was = c->agent[1];
	c->agent[1] = c->agent[2];
	c->agent[2] = was;
	reload_fails = true;
	peers_reload(peers);
	ck_assert_str_eq(peers_look(peers, 0).name, "iad");
	reload_fails = false;
	peers_reload(peers);
	ck_assert_str_eq(peers_look(peers, 0).name, "wit");
	ck_assert(!peers_look(peers, 0).heard);
	ck_assert(peers_look(peers, 1).heard);
	ck_assert_uint_eq(hear(2), 204);
	c->agents = 2;
	peers_reload(peers);
	ck_assert_uint_eq(peers_count(peers), 1);
	ck_assert(peers_alone(peers)); /* whom it heard has left */
	end();
}
END_TEST

START_TEST(boots_rise_with_and_without_a_disk)
{
	char folder[] = "/tmp/boot-XXXXXX", path[64];
	uint64_t wall_ms = UINT64_C(1790000000000);
	struct err e = {""};

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/boot", folder);
	uint64_t first = state_next_boot(folder, wall_ms, 1, &e);
	/* its clock was set back by an hour, its disk is there */
	uint64_t second = state_next_boot(folder, wall_ms - 3600000, 2, &e);
	ck_assert_uint_eq(second, first + 1);
	/* the disk is lost, the clock is right */
	ck_assert_int_eq(unlink(path), 0);
	uint64_t third = state_next_boot(folder, wall_ms + 1, 0, &e);
	ck_assert_uint_gt(third, second);
	ck_assert_str_eq(e.text, "");
	/* what cannot be read is nothing, what cannot be written is said */
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	(void)fprintf(f, "garbage");
	(void)fclose(f);
	ck_assert_uint_gt(state_next_boot(folder, wall_ms + 2, 0, &e), third);
	(void)unlink(path);
	(void)rmdir(folder);
	ck_assert_uint_gt(state_next_boot(folder, wall_ms + 3, 0, &e), third);
	ck_assert_ptr_nonnull(strstr(e.text, "cannot write"));
}
END_TEST

START_TEST(solo_has_none)
{
	uint32_t of;

	ck_assert(!peers_alone(NULL));
	ck_assert_uint_eq(peers_heard(NULL, &of), 1);
	ck_assert_uint_eq(of, 1);
	ck_assert_uint_eq(peers_count(NULL), 0);
	peers_moved(NULL);
	peers_paused(NULL);
	peers_begin(NULL);
	peers_reload(NULL);
	peers_free(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peers");
	TCase *t = tcase_create("peers");

	tcase_add_test(t, a_report_goes_to_all_and_again_when_something_moves);
	tcase_add_test(t, a_dated_message_is_a_vote_an_undated_one_voids_it);
	tcase_add_test(t, what_is_refused_is_told_why);
	tcase_add_test(t, a_new_life_voids_the_last_also_when_dated);
	tcase_add_test(t, a_pause_begins_a_new_boot);
	tcase_add_test(t, orders_travel);
	tcase_add_test(t, old_notes_go);
	tcase_add_test(t, a_reload);
	tcase_add_test(t, boots_rise_with_and_without_a_disk);
	tcase_add_test(t, solo_has_none);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
