/* SPDX-License-Identifier: Apache-2.0 */
/* The files that make an agent: which are refused, and how they are renewed. */
#include "tests/unit/peer_side.h"

/* ---- our own files ---- */

static void
refuses(const char *san, const char *use, const char *cn, const char *why)
{
	struct err e = {""};

	kit_write_cert(folder, "fra", &authority,
	    &(struct kit_wish){.san = san, .use = use, .cn = cn});
	ck_assert_ptr_null(
	    peer_wire_new(base, &side[0].conf, calls_of(&side[0]), facts, &e));
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
}

START_TEST(certificates_that_are_not_ours)
{
	refuses("DNS:iad", NULL, NULL,
	    "fra.pem is the certificate of 'iad': agent 'fra' needs one with the "
	    "subjectAltName DNS:fra");
	refuses("DNS:fra,DNS:iad", NULL, NULL, "names two agents, 'fra' and 'iad'");
	refuses(NULL, NULL, "fra", "is the certificate of nobody");
	refuses("DNS:*", NULL, "fra", "is the certificate of '*'");
	refuses("DNS:fra", "serverAuth", NULL, "may not be used as a client");
	refuses("DNS:fra", "clientAuth", NULL, "may not be used as a server");
	kit_write_cert(folder, "fra", &authority, &(struct kit_wish){.san = "DNS:fra"});
	start(0);
}
END_TEST

static void
refuses_files(const char *why)
{
	struct err e = {""};

	ck_assert_ptr_null(
	    peer_wire_new(base, &side[0].conf, calls_of(&side[0]), facts, &e));
	ck_assert_msg(strstr(e.text, why) != NULL, "%s", e.text);
}

START_TEST(files_that_do_not_fit)
{
	struct kit_authority other = kit_authority("theirs");
	char path[300];

	(void)snprintf(side[0].conf.key, sizeof side[0].conf.key, "%s/iad.key", folder);
	refuses_files("iad.key is not the key of ");
	(void)snprintf(side[0].conf.key, sizeof side[0].conf.key, "%s/fra.key", folder);
	ck_assert_int_eq(chmod(side[0].conf.key, 0640), 0);
	refuses_files("fra.key can be read by others (mode 640)");
	ck_assert_int_eq(chmod(side[0].conf.key, 0600), 0);
	kit_write_authority(folder, "ca", &other);
	refuses_files("was not signed by an authority in ");
	(void)snprintf(path, sizeof path, "%s/ca.pem", folder);
	ck_assert_int_eq(truncate(path, 0), 0);
	refuses_files("ca.pem holds no certificate (PEM)");
	ck_assert_int_eq(unlink(path), 0);
	refuses_files("ca.pem: No such file or directory");
	ck_assert_int_eq(mkfifo(path, 0600), 0); /* and it does not wait */
	refuses_files("is no regular file");
	(void)snprintf(side[0].conf.cert, sizeof side[0].conf.cert, "%s", folder);
	refuses_files("is no regular file");
	kit_authority_free(&other);
}
END_TEST

START_TEST(an_address_that_is_taken)
{
	struct err e = {""};

	start(0);
	side[1].conf.listen_port = peer_wire_port(side[0].wire);
	ck_assert_ptr_null(
	    peer_wire_new(base, &side[1].conf, calls_of(&side[1]), facts, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "cannot listen on 127.0.0.1"));
}
END_TEST

/* ---- renewal ---- */

START_TEST(renewed_without_a_restart)
{
	struct peer_cert before;

	for (uint32_t i = 0; i < AGENTS; i++)
		side[i].conf.look_ms = 50;
	start_all();
	must_pass(0, 1);
	must_pass(1, 0);
	before = peer_wire_cert(side[1].wire, 0);
	ck_assert_int_gt(before.until_wall_s, now_wall_ms() / 1000);
	kit_write_cert(folder, "fra", &authority,
	    &(struct kit_wish){.san = "DNS:fra", .from_days = -1, .until_days = 700});
	UNTIL(peer_wire_cert(side[0].wire, 0).until_wall_s > before.until_wall_s);
	UNTIL(strstr(said(), "certificates read anew") != NULL);
	must_pass(0, 1);
	must_pass(1, 0);
	UNTIL(peer_wire_cert(side[1].wire, 0).until_wall_s > before.until_wall_s);
}
END_TEST

START_TEST(half_written_files_are_not_taken)
{
	side[0].conf.look_ms = 50;
	start_all();
	FILE *half = kit_open(folder, "fra", "key");
	ck_assert_int_ge(fputs("-----BEGIN PRIVATE KEY-----\n", half), 0);
	ck_assert_int_eq(fclose(half), 0);
	UNTIL(strstr(said(), "the new certificates are not taken") != NULL);
	must_pass(0, 1);
	must_pass(1, 0);
	kit_write_cert(folder, "fra", &authority, &(struct kit_wish){.san = "DNS:fra"});
	UNTIL(strstr(said(), "certificates read anew") != NULL);
	must_pass(0, 1);
}
END_TEST

/* An authority that is no longer named lets nobody in, on old connections either. */
START_TEST(a_new_authority)
{
	struct kit_authority other = kit_authority("next");

	start_all();
	must_pass(0, 1);
	kit_write_authority(folder, "next", &other);
	kit_write_cert(
	    folder, "next-iad", &other, &(struct kit_wish){.san = "DNS:iad"});
	struct peer_wire_conf conf = side[1].conf;
	name_files(&conf, "next-iad", "next");
	struct err e;
	ck_assert(peer_wire_reload(side[1].wire, &conf, &e));
	must_fail(0, 1, "did not sign", NULL);
	kit_authority_free(&other);
}
END_TEST

START_TEST(a_peer_that_left)
{
	struct err e;

	start_all();
	must_pass(2, 0);
	side[0].conf.agents = 2;
	ck_assert(peer_wire_reload(side[0].wire, &side[0].conf, &e));
	must_fail(2, 0, "refused our certificate", "names 'sin', who is no agent");
	must_pass(1, 0);
	ck_assert(!peer_wire_post(side[0].wire, 2, "x", 1, &e));
}
END_TEST

START_TEST(another_address)
{
	struct err e;

	start_all();
	(void)snprintf(side[1].conf.listen_host, DNS_NAME_MAX, "127.0.0.2");
	ck_assert_msg(peer_wire_reload(side[1].wire, &side[1].conf, &e), "%s", e.text);
must_fail_or_refuse:
	exchange(0, 1, "{}");
	if (side[0].result.outcome == PEER_BROKEN) /* the kept connection */
		goto must_fail_or_refuse;
	ck_assert_int_eq(side[0].result.outcome, PEER_UNREACHED);
	(void)snprintf(side[0].conf.agent[1].host, DNS_NAME_MAX, "127.0.0.2");
	meet();
	must_pass(0, 1);
	(void)snprintf(side[1].conf.listen_host, DNS_NAME_MAX, "203.0.113.1");
	ck_assert(!peer_wire_reload(side[1].wire, &side[1].conf, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "cannot listen on 203.0.113.1"));
	must_pass(0, 1);
}
END_TEST

START_TEST(expiry_is_said_ahead)
{
	kit_write_cert(folder, "fra", &authority,
	    &(struct kit_wish){.san = "DNS:fra", .from_days = -1, .until_days = 29});
	kit_write_cert(folder, "sin", &authority,
	    &(struct kit_wish){.san = "DNS:sin", .from_days = -1, .until_days = 31});
	side[1].conf.look_ms = 50;
	start(1);
	start(0);
	start(2);
	meet();
	ck_assert_ptr_nonnull(strstr(said(), "the certificate of 'fra' expires on "));
	log_text[0] = '\0';
	must_pass(0, 1);
	must_pass(2, 1);
	UNTIL(strstr(said(), "the certificate of 'fra' expires on ") != NULL ||
	    facts_count(facts, "", FACT_PEER) >= 2);
	ck_assert_ptr_null(strstr(said(), "'sin' expires"));
}
END_TEST

static void
add_tests(TCase *t)
{
	tcase_add_test(t, certificates_that_are_not_ours);
	tcase_add_test(t, files_that_do_not_fit);
	tcase_add_test(t, an_address_that_is_taken);
	tcase_add_test(t, renewed_without_a_restart);
	tcase_add_test(t, half_written_files_are_not_taken);
	tcase_add_test(t, a_new_authority);
	tcase_add_test(t, a_peer_that_left);
	tcase_add_test(t, another_address);
	tcase_add_test(t, expiry_is_said_ahead);
}

int
main(void)
{
	return run_sides("peer_cert", add_tests);
}
