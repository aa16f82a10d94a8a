/* SPDX-License-Identifier: Apache-2.0 */
/* Three agents of one configuration, each with its wire, in one loop on loopback. */
#ifndef TESTS_UNIT_PEER_SIDE_H
#define TESTS_UNIT_PEER_SIDE_H

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "steering/agent/agent.h"
#include "steering/agent/facts.h"
#include "steering/agent/peer_tls.h"
#include "tests/unit/peer_kit.h"

#define PATIENCE_MS 20000
#define AGENTS 3 /* fra, iad, sin */

static const char *const names[AGENTS] = {"fra", "iad", "sin"};

struct side { /* one agent */
	struct peer_wire *wire;
	struct peer_wire_conf conf;
	unsigned messages, results;
	uint32_t from;
	char message[PEER_BODY_MAX + 1];
	size_t message_bytes;
	struct peer_reply reply;
	struct peer_result result;
	char body[PEER_BODY_MAX + 1], why[ERR_TEXT_MAX];
};

static struct event_base *base;
static struct side side[AGENTS];
static char folder[64];
static struct kit_authority authority;
static int pipes[2];
static struct facts *facts;
static char log_text[256 * 1024];

static void
on_message(uint32_t from, const char *body, size_t n, struct peer_reply *r, void *arg)
{
	struct side *s = arg;

	s->messages++;
	s->from = from;
	ck_assert_uint_le(n, PEER_BODY_MAX);
	memcpy(s->message, body, n + 1);
	s->message_bytes = n;
	*r = s->reply;
}

static void
on_result(uint32_t to, const struct peer_result *r, void *arg)
{
	struct side *s = arg;

	(void)to;
	s->results++;
	s->result = *r;
	memcpy(s->body, r->body, r->body_bytes);
	s->body[r->body_bytes] = '\0';
	(void)snprintf(s->why, sizeof s->why, "%s", r->why);
}

/* What was said so far. */
static const char *
said(void)
{
	size_t n = strlen(log_text);
	ssize_t got;

	while (n < sizeof log_text - 1 &&
	    (got = read(pipes[0], log_text + n, sizeof log_text - 1 - n)) > 0)
		n += (size_t)got;
	log_text[n] = '\0';
	return log_text;
}

static const struct peer_wire_calls *
calls_of(struct side *s)
{
	static struct peer_wire_calls calls;

	calls = (struct peer_wire_calls){on_message, on_result, s};
	return &calls;
}

static void
name_files(struct peer_wire_conf *c, const char *cert, const char *ca)
{
	(void)snprintf(c->cert, sizeof c->cert, "%s/%s.pem", folder, cert);
	(void)snprintf(c->key, sizeof c->key, "%s/%s.key", folder, cert);
	(void)snprintf(c->ca, sizeof c->ca, "%s/%s.pem", folder, ca);
}

static void
wish_conf(uint32_t i)
{
	struct peer_wire_conf *c = &side[i].conf;

	memset(&side[i], 0, sizeof side[i]);
	side[i].reply.status = 204;
	c->self = i;
	c->agents = AGENTS;
	c->deadline_ms = 5000;
	(void)snprintf(c->listen_host, sizeof c->listen_host, "127.0.0.1");
	for (uint32_t j = 0; j < AGENTS; j++) {
		(void)snprintf(c->agent[j].name, WORD_MAX, "%s", names[j]);
		(void)snprintf(c->agent[j].host, DNS_NAME_MAX, "127.0.0.1");
		c->agent[j].port = 1;
	}
	name_files(c, names[i], "ca");
}

static void
begin(void)
{
	(void)snprintf(folder, sizeof folder, "/tmp/peer_wire.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	authority = kit_authority("ours");
	kit_write_authority(folder, "ca", &authority);
	for (uint32_t i = 0; i < AGENTS; i++) {
		char san[40];

		(void)snprintf(san, sizeof san, "DNS:%s", names[i]);
		kit_write_cert(
		    folder, names[i], &authority, &(struct kit_wish){.san = san});
		wish_conf(i);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	base = event_base_new();
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	facts = facts_new(pipes[1], FACT_INFO, NULL);
	log_text[0] = '\0';
}

static void
end(void)
{
	char command[100];

	for (uint32_t i = 0; i < AGENTS; i++) {
		peer_wire_free(side[i].wire);
		side[i].wire = NULL;
	}
	event_base_free(base);
	facts_free(facts);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	kit_authority_free(&authority);
	(void)snprintf(command, sizeof command, "rm -r '%s'", folder);
	ck_assert_int_eq(system(command), 0);
}

static void
start(uint32_t i)
{
	struct err e = {""};

	side[i].wire =
	    peer_wire_new(base, &side[i].conf, calls_of(&side[i]), facts, &e);
	ck_assert_msg(side[i].wire != NULL, "%s", e.text);
	ck_assert_uint_ne(peer_wire_port(side[i].wire), 0);
}

/* Each learns where the others are. */
static void
meet(void)
{
	struct err e = {""};

	for (uint32_t i = 0; i < AGENTS; i++)
		for (uint32_t j = 0; j < AGENTS; j++)
			if (side[j].wire != NULL)
				side[i].conf.agent[j].port =
				    peer_wire_port(side[j].wire);
	for (uint32_t i = 0; i < AGENTS; i++)
		if (side[i].wire != NULL)
			ck_assert_msg(peer_wire_reload(side[i].wire, &side[i].conf, &e),
			    "%s", e.text);
}

static void
start_all(void)
{
	for (uint32_t i = 0; i < AGENTS; i++)
		start(i);
	meet();
}

static void
step(void)
{
	(void)event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	(void)usleep(200);
}

#define UNTIL(condition)                                                     \
	do {                                                                 \
		uint64_t began_ = now_boot_ms();                             \
		while (!(condition)) {                                       \
			ck_assert_msg(now_boot_ms() - began_ < PATIENCE_MS,  \
			    "waited for " #condition "; said:\n%s", said()); \
			step();                                              \
		}                                                            \
	} while (0)

static void
post(uint32_t from, uint32_t to, const char *text)
{
	struct err e;

	ck_assert(peer_wire_post(side[from].wire, to, text, strlen(text), &e));
}

/* Posts until it goes through; how it then went is in side[from]. */
static void
exchange(uint32_t from, uint32_t to, const char *text)
{
	unsigned before = side[from].results;

	post(from, to, text);
	UNTIL(side[from].results > before);
}

static void
must_pass(uint32_t from, uint32_t to)
{
	unsigned before = side[to].messages;

	exchange(from, to, "{}");
	ck_assert_msg(side[from].result.outcome == PEER_ANSWERED, "%s", side[from].why);
	ck_assert_uint_eq(side[to].messages, before + 1);
	ck_assert_uint_eq(side[to].from, from);
	ck_assert_str_eq(peer_wire_trouble(side[from].wire, to), "");
}

/* It ends in TLS, and the sentences say why: the asker's, and the log. */
static void
must_fail(uint32_t from, uint32_t to, const char *why, const char *log)
{
	unsigned before = side[to].messages;

	exchange(from, to, "{}");
	ck_assert_msg(side[from].result.outcome == PEER_TLS, "%d: %s",
	    (int)side[from].result.outcome, side[from].why);
	ck_assert_msg(strstr(side[from].why, why) != NULL, "%s", side[from].why);
	ck_assert_str_eq(peer_wire_trouble(side[from].wire, to), side[from].why);
	if (log != NULL)
		UNTIL(strstr(said(), log) != NULL);
	ck_assert_uint_eq(side[to].messages, before);
}

static int
run_sides(const char *name, void (*add_tests)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, begin, end);
	add_tests(t);
	suite_add_tcase(s, t);
	SRunner *runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
