/* SPDX-License-Identifier: Apache-2.0 */
/* Agents in one loop, on loopback: what is carried, who is let in, who is put out. */
#include "tests/unit/peer_side.h"

static unsigned
open_files(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* ---- what is carried ---- */

START_TEST(carries_both_ways)
{
	start_all();
	side[1].reply = (struct peer_reply){200, "[1,2]", 5};
	exchange(0, 1, "{\"hello\":1}");
	ck_assert_int_eq(side[0].result.outcome, PEER_ANSWERED);
	ck_assert_uint_eq(side[0].result.status, 200);
	ck_assert_str_eq(side[0].body, "[1,2]");
	ck_assert_uint_eq(side[1].from, 0);
	ck_assert_str_eq(side[1].message, "{\"hello\":1}");
	ck_assert_int_gt(side[0].result.date_wall_s, 1700000000);
	ck_assert_uint_ge(side[0].result.done_ms, side[0].result.sent_ms);
	side[2].reply.status = 409;
	exchange(1, 2, "x");
	ck_assert_uint_eq(side[1].result.status, 409);
	ck_assert_int_eq(side[1].result.outcome, PEER_ANSWERED);
	must_pass(2, 0);
}
END_TEST

START_TEST(keeps_its_connection)
{
	start_all();
	must_pass(0, 1);
	unsigned files = open_files();
	for (unsigned i = 0; i < 20; i++)
		must_pass(0, 1);
	ck_assert_uint_eq(open_files(), files);
}
END_TEST

START_TEST(the_newest_report_counts)
{
	start_all();
	must_pass(0, 1);
	unsigned before = side[1].messages, results = side[0].results;
	post(0, 1, "one");
	UNTIL(peer_wire_busy(side[0].wire, 1));
	post(0, 1, "two");
	post(0, 1, "three");
	UNTIL(side[0].results == results + 2);
	ck_assert_uint_eq(side[1].messages, before + 2);
	ck_assert_str_eq(side[1].message, "three");
}
END_TEST

START_TEST(long_ones_pass_longer_ones_do_not)
{
	static char text[PEER_BODY_MAX + 2];
	struct err e;

	start_all();
	memset(text, 'x', sizeof text - 1);
	ck_assert(!peer_wire_post(side[0].wire, 1, text, PEER_BODY_MAX + 1, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "longer than 65536"));
	side[1].reply = (struct peer_reply){200, text, PEER_BODY_MAX};
	text[PEER_BODY_MAX] = '\0';
	exchange(0, 1, text);
	ck_assert_msg(side[0].result.outcome == PEER_ANSWERED, "%s", side[0].why);
	ck_assert_uint_eq(side[1].message_bytes, PEER_BODY_MAX);
	ck_assert_uint_eq(side[0].result.body_bytes, PEER_BODY_MAX);
	ck_assert(!peer_wire_post(side[0].wire, 0, "x", 1, &e));
	ck_assert(!peer_wire_post(side[0].wire, AGENTS, "x", 1, &e));
}
END_TEST

START_TEST(says_who_it_is)
{
	struct err e;

	start_all();
	ck_assert(peer_wire_hello(side[0].wire, 2, &e));
	UNTIL(side[0].results == 1);
	ck_assert_uint_eq(side[0].result.status, 200);
	ck_assert_ptr_nonnull(
	    strstr(side[0].body, "{\"agent\":\"sin\",\"pointsman\":\""));
	ck_assert_ptr_nonnull(
	    strstr(side[0].body, "\"protocol\":2,\"protocol_oldest\":1}"));
	ck_assert_uint_eq(side[2].messages, 0);
}
END_TEST

START_TEST(nobody_there)
{
	start(0);
	exchange(0, 1, "{}");
	ck_assert_int_eq(side[0].result.outcome, PEER_UNREACHED);
	ck_assert_msg(
	    strstr(side[0].why, "iad (127.0.0.1 port 1): cannot connect") != NULL, "%s",
	    side[0].why);
	/* Refused at once, and yet not tried as often as the loop turns. */
	uint64_t began = now_boot_ms();
	for (unsigned i = 0; i < 4; i++)
		exchange(0, 1, "{}");
	ck_assert_uint_ge(now_boot_ms() - began, 900);
}
END_TEST

START_TEST(a_black_hole_costs_the_deadline)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t n = sizeof at;
	int hole = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(hole, (struct sockaddr *)&at, n), 0);
	ck_assert_int_eq(listen(hole, 4), 0);
	ck_assert_int_eq(getsockname(hole, (struct sockaddr *)&at, &n), 0);
	side[0].conf.deadline_ms = 300;
	side[0].conf.agent[1].port = ntohs(at.sin_port);
	start(0);
	exchange(0, 1, "{}");
	ck_assert_int_eq(side[0].result.outcome, PEER_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(side[0].why, "no answer within 300 ms"));
	(void)close(hole);
}
END_TEST

/* ---- who is let in ---- */

START_TEST(another_authority)
{
	struct kit_authority other = kit_authority("theirs");

	kit_write_authority(folder, "other", &other);
	kit_write_cert(
	    folder, "spy", &other, &(struct kit_wish){.san = "DNS:fra", .cn = "rude"});
	name_files(&side[0].conf, "spy", "other");
	start_all();
	must_fail(0, 1, "our authority (tls.ca) did not sign",
	    "the other side refused our certificate");
	must_fail(1, 0, "our authority (tls.ca) did not sign", NULL);
	must_pass(1, 2);
	/* One who trusts us, and whom we do not trust. */
	name_files(&side[0].conf, "spy", "both");
	FILE *both = kit_open(folder, "both", "pem");
	ck_assert_int_eq(PEM_write_X509(both, other.cert), 1);
	ck_assert_int_eq(PEM_write_X509(both, authority.cert), 1);
	ck_assert_int_eq(fclose(both), 0);
	meet();
	must_fail(0, 1, "the other side refused our certificate",
	    "no connection for 127.0.0.1: a certificate that our authority");
	ck_assert_ptr_null(strstr(said(), "rude"));
	kit_authority_free(&other);
}
END_TEST

START_TEST(another_name)
{
	start_all();
	side[0].conf.agent[1].port = peer_wire_port(side[2].wire);
	struct err e;
	ck_assert(peer_wire_reload(side[0].wire, &side[0].conf, &e));
	must_fail(0, 1, "names 'sin', not 'iad': does the url lead to the right agent?",
	    NULL);
	side[0].conf.agent[1].port = peer_wire_port(side[0].wire);
	ck_assert(peer_wire_reload(side[0].wire, &side[0].conf, &e));
	must_fail(0, 1, "'fra', which is us", NULL);
}
END_TEST

/* Somebody whom the authority knows and the configuration does not. */
START_TEST(a_name_of_nobody)
{
	kit_write_cert(folder, "old", &authority, &(struct kit_wish){.san = "DNS:old"});
	start(1);
	start(2);
	name_files(&side[0].conf, "old", "ca");
	(void)snprintf(side[0].conf.agent[0].name, WORD_MAX, "old");
	start(0);
	meet();
	must_fail(0, 1, "refused our certificate",
	    "the certificate names 'old', who is no agent of this configuration");
}
END_TEST

START_TEST(two_of_one_name)
{
	for (uint32_t i = 0; i < 2; i++) {
		name_files(&side[i].conf, "fra", "ca");
		side[i].conf.self = 0;
		start(i);
	}
	side[0].conf.agent[1].port = peer_wire_port(side[1].wire);
	struct err e;
	ck_assert(peer_wire_reload(side[0].wire, &side[0].conf, &e));
	must_fail(0, 1, "do two agents run as one", NULL);
}
END_TEST

START_TEST(out_of_date)
{
	kit_write_cert(folder, "iad", &authority,
	    &(struct kit_wish){.san = "DNS:iad", .from_days = -9, .until_days = -1});
	kit_write_cert(folder, "sin", &authority,
	    &(struct kit_wish){.san = "DNS:sin", .from_days = 3, .until_days = 9});
	start_all();
	ck_assert_ptr_nonnull(strstr(said(), "the certificate of 'iad' expired on "));
	must_fail(0, 1, "the certificate of 'iad' expired on ", NULL);
	must_fail(
	    1, 0, "refused our certificate", "the certificate of 'iad' expired on");
	must_fail(0, 2, "is not valid before ", NULL);
}
END_TEST

START_TEST(more_names_do_no_harm)
{
	kit_write_cert(folder, "iad", &authority,
	    &(struct kit_wish){
		.san = "DNS:web.example,DNS:IAD,IP:192.0.2.1,email:a@example.com",
		.cn = "sin",
		.use = "serverAuth,clientAuth,emailProtection"});
	start_all();
	must_pass(0, 1);
	must_pass(1, 2);
}
END_TEST

/* ---- strangers ---- */

static int
stranger(void)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_port = htons(peer_wire_port(side[1].wire))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		ck_assert_int_eq(errno, EINPROGRESS);
	return fd;
}

static bool
is_closed(int fd)
{
	char byte[256];
	ssize_t n;

	while ((n = recv(fd, byte, sizeof byte, 0)) > 0)
		continue;
	return n == 0 || (errno != EAGAIN && errno != ENOTCONN);
}

START_TEST(who_says_nothing_is_closed)
{
	side[1].conf.handshake_ms = 200;
	start_all();
	int fd = stranger();
	UNTIL(is_closed(fd));
	(void)close(fd);
	must_pass(0, 1);
}
END_TEST

START_TEST(a_crowd_does_not_keep_peers_out)
{
	int fd[150];

	side[1].conf.handshake_ms = 60000;
	start_all();
	for (unsigned i = 0; i < 150; i++) {
		fd[i] = stranger();
		step();
	}
	must_pass(0, 1);
	/* The oldest had to go, and only so many are held. */
	UNTIL(is_closed(fd[0]));
	unsigned open = 0;
	for (unsigned i = 0; i < 150; i++)
		open += !is_closed(fd[i]);
	ck_assert_uint_le(open, 65);
	for (unsigned i = 0; i < 150; i++)
		(void)close(fd[i]);
	must_pass(2, 1);
}
END_TEST

START_TEST(an_idle_peer_is_closed_and_comes_again)
{
	side[1].conf.idle_ms = 200;
	start_all();
	unsigned files = open_files();
	must_pass(0, 1);
	ck_assert_uint_gt(open_files(), files);
	UNTIL(open_files() <= files + 1); /* curl's end of it may linger */
	must_pass(0, 1);
}
END_TEST

START_TEST(out_of_files)
{
	struct rlimit was, few;
	int held[64];
	unsigned n = 0;

	start_all();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	int fd = stranger();
	few = (struct rlimit){open_files() + 1, was.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < 64 && (held[n] = dup(pipes[0])) >= 0)
		n++;
	UNTIL(strstr(said(), "the peers' door cannot take a connection") != NULL);
	while (n > 0)
		(void)close(held[--n]);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	(void)close(fd);
	must_pass(0, 1);
}
END_TEST

static void
add_tests(TCase *t)
{
	tcase_add_test(t, carries_both_ways);
	tcase_add_test(t, keeps_its_connection);
	tcase_add_test(t, the_newest_report_counts);
	tcase_add_test(t, long_ones_pass_longer_ones_do_not);
	tcase_add_test(t, says_who_it_is);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, a_black_hole_costs_the_deadline);
	tcase_add_test(t, another_authority);
	tcase_add_test(t, another_name);
	tcase_add_test(t, a_name_of_nobody);
	tcase_add_test(t, two_of_one_name);
	tcase_add_test(t, out_of_date);
	tcase_add_test(t, more_names_do_no_harm);
	tcase_add_test(t, who_says_nothing_is_closed);
	tcase_add_test(t, a_crowd_does_not_keep_peers_out);
	tcase_add_test(t, an_idle_peer_is_closed_and_comes_again);
	tcase_add_test(t, out_of_files);
}

int
main(void)
{
	return run_sides("peer_wire", add_tests);
}
