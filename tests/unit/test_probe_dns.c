/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dns check: what an answer's bytes come to, and what the configuration makes of it.
 * Sockets and silence are e2e.test_probe_dns.
 */
#include "probe/dns.h"
#include "probe/resolve.h"
#include "tests/unit/config_kit.h"

#define ID "\x12\x34"
#define WWW "\3www\7example\4test\0"

static struct check_spec spec;
static struct dns_plan plan;
static uint8_t byte[2048];
static size_t bytes;

static void
put(const void *what, size_t n)
{
	ck_assert_uint_le(bytes + n, sizeof byte);
	memcpy(byte + bytes, what, n);
	bytes += n;
}
#define PUT(literal) put(literal, sizeof(literal) - 1)

static void
ask(enum check_dns_type type)
{
	static const struct connect_from anywhere = {.any = true};
	struct err e;

	memset(&spec, 0, sizeof spec);
	spec.timeout_ms = 1500;
	spec.dns.type = type;
	strcpy(spec.dns.name, "www.example.test");
	ck_assert(dns_plan_init(&plan, &spec, 53, &anywhere, &e));
	ck_assert_uint_eq(plan.again_ms, 500);
	memcpy(plan.question, ID, 2);
	/* The answer's head and question; records come behind. */
	bytes = 0;
	PUT(ID "\x84\x00\0\1\0\0\0\0\0\0" WWW);
	put(plan.question + bytes, 4);
	ck_assert_uint_eq(bytes, plan.question_bytes);
}

/* A record of the name that was asked for, unless `owner` says another. */
static void
record(const char *owner, size_t owner_bytes, uint8_t type, const void *data, uint8_t n)
{
	const uint8_t head[] = {0, type, 0, 1, 0, 0, 0, 60, 0, n};

	put(owner != NULL ? owner : "\xc0\x0c", owner != NULL ? owner_bytes : 2);
	put(head, sizeof head);
	put(data, n);
	byte[7]++;
}

static const char *
judge(enum outcome outcome, enum probe_reason reason)
{
	static struct probe_result r;

	memset(&r, 0, sizeof r);
	ck_assert(dns_message_answers(byte, bytes, plan.question, plan.question_bytes));
	dns_judge(&plan, byte, bytes, &r);
	ck_assert_msg(r.outcome == outcome && r.reason == reason, "%s: %s",
	    probe_reason_word(r.reason), r.text);
	return r.text;
}

static const uint8_t one[] = {192, 0, 2, 1}, two[] = {192, 0, 2, 2};

START_TEST(addresses)
{
	ask(CHECK_DNS_A);
	ck_assert_str_eq(judge(OUTCOME_FAIL, PROBE_ANSWER),
	    "no A of www.example.test in the answer");
	record(NULL, 0, 1, one, 4);
	record(NULL, 0, 1, two, 4);
	record(NULL, 0, 46, "signature", 9);
	judge(OUTCOME_PASS, PROBE_OK);
	strcpy(spec.dns.contains, "192.0.2.2");
	judge(OUTCOME_PASS, PROBE_OK);
	strcpy(spec.dns.contains, "192.0.2.20");
	ck_assert_str_eq(judge(OUTCOME_FAIL, PROBE_ANSWER),
	    "A is 192.0.2.1, 192.0.2.2: not 192.0.2.20");
	spec.dns.contains[0] = '\0';
	spec.dns.answers = 2;
	strcpy(spec.dns.answer[0], "192.0.2.2");
	strcpy(spec.dns.answer[1], "192.0.2.1");
	judge(OUTCOME_PASS, PROBE_OK);
	strcpy(spec.dns.answer[0], "192.0.2.1");
	judge(OUTCOME_FAIL, PROBE_ANSWER); /* one of two is missing */
	spec.dns.answers = 1;
	judge(OUTCOME_FAIL, PROBE_ANSWER); /* one is too many */
}
END_TEST

START_TEST(codes)
{
	ask(CHECK_DNS_A);
	record(NULL, 0, 1, one, 4);
	spec.dns.rcode = 3;
	ck_assert_str_eq(
	    judge(OUTCOME_FAIL, PROBE_RCODE), "answered NOERROR, not NXDOMAIN");
	byte[3] = 3;
	judge(OUTCOME_PASS, PROBE_OK);
	spec.dns.rcode = 0;
	ck_assert_str_eq(
	    judge(OUTCOME_FAIL, PROBE_RCODE), "answered NXDOMAIN, not NOERROR");
	byte[3] = 11;
	ck_assert_str_eq(
	    judge(OUTCOME_FAIL, PROBE_RCODE), "answered RCODE11, not NOERROR");
	/* A server that could not read the question leaves it out. */
	byte[3] = 1;
	byte[5] = byte[7] = 0;
	bytes = 12;
	ck_assert_str_eq(
	    judge(OUTCOME_FAIL, PROBE_RCODE), "answered FORMERR, not NOERROR");
}
END_TEST

START_TEST(chains_in_any_order)
{
	ask(CHECK_DNS_A);
	record("\1b\4test\0", 8, 1, one, 4);
	record("\1a\4test\0", 8, 5, "\1B\4test\0", 8);
	record(NULL, 0, 5, "\1a\4TEST\0", 8);
	strcpy(spec.dns.contains, "192.0.2.1");
	judge(OUTCOME_PASS, PROBE_OK);
	ask(CHECK_DNS_A); /* somebody else's address */
	record("\1b\4test\0", 8, 1, one, 4);
	judge(OUTCOME_FAIL, PROBE_ANSWER);
	ask(CHECK_DNS_A); /* a to b to a */
	record("\1b\4test\0", 8, 5, "\xc0\x0c", 2);
	record(NULL, 0, 5, "\1b\4test\0", 8);
	ck_assert_ptr_nonnull(strstr(judge(OUTCOME_FAIL, PROBE_GARBAGE), "no end"));
	ask(CHECK_DNS_CNAME); /* the CNAME itself is what was asked for */
	record(NULL, 0, 5, "\1A\4Test\0", 8);
	strcpy(spec.dns.contains, "a.test");
	judge(OUTCOME_PASS, PROBE_OK);
}
END_TEST

START_TEST(texts)
{
	ask(CHECK_DNS_TXT);
	record(NULL, 0, 16, "\3one\4 two\2\n\xff", 12);
	strcpy(spec.dns.contains, "one two");
	judge(OUTCOME_PASS, PROBE_OK);
	strcpy(spec.dns.contains, "two one");
	ck_assert_str_eq(
	    judge(OUTCOME_FAIL, PROBE_ANSWER), "TXT is one two\\010\\255: not two one");
	ask(CHECK_DNS_TXT);
	record(NULL, 0, 16, "\3one\4two", 8); /* the last string lacks a byte */
	judge(OUTCOME_FAIL, PROBE_GARBAGE);
}
END_TEST

START_TEST(broken)
{
	static const size_t cuts[] = {1, 4, 5, 13, 15};

	for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
		ask(CHECK_DNS_A);
		record(NULL, 0, 1, one, 4);
		bytes -= cuts[i];
		judge(OUTCOME_FAIL, PROBE_GARBAGE);
	}
	ask(CHECK_DNS_A);
	record("\xc0\x21", 2, 1, one, 4); /* a name that points to itself, nearly */
	record("\xff\xff", 2, 1, one, 4);
	judge(OUTCOME_FAIL, PROBE_GARBAGE);
	ask(CHECK_DNS_A);
	record(NULL, 0, 1, one, 3);
	judge(OUTCOME_FAIL, PROBE_GARBAGE);
}
END_TEST

START_TEST(others_are_passed_over)
{
	struct {
		size_t at;
		uint8_t flip;
	} wrong[] = {{0, 1}, {1, 0x80}, {2, 0x80}, {2, 0x08}, {5, 3}, {13, 1},
	    {30, 0x10}, {31, 2}, {33, 2}};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		ask(CHECK_DNS_A);
		byte[wrong[i].at] ^= wrong[i].flip;
		ck_assert_msg(!dns_message_answers(
				  byte, bytes, plan.question, plan.question_bytes),
		    "byte %zu", wrong[i].at);
	}
	ask(CHECK_DNS_A);
	byte[13] ^= 0x20; /* the case of a letter is nobody's business */
	ck_assert(dns_message_answers(byte, bytes, plan.question, plan.question_bytes));
	for (size_t n = 0; n < bytes; n++)
		ck_assert(
		    !dns_message_answers(byte, n, plan.question, plan.question_bytes));
}
END_TEST

START_TEST(questions)
{
	uint8_t out[RESOLVE_QUESTION_MAX];
	char long_name[DNS_NAME_MAX];

	ck_assert_uint_eq(resolve_question("\\052.example.test", 1, out), 32);
	ck_assert_mem_eq(out + 2, "\1\0\0\1\0\0\0\0\0\0\1*\7example", 20);
	memset(long_name, 'a', sizeof long_name);
	long_name[sizeof long_name - 1] = '\0';
	ck_assert_uint_eq(resolve_question(long_name, 1, out), 0);
}
END_TEST

START_TEST(configured)
{
	struct check_spec s;

	parse_with("db: {tcp: {port: 5432}}",
	    "db: {dns: {name: WWW.example.com., type: AAAA, answers: "
	    "[\"2001:DB8:0::1\"]}}");
	config_target(c, 1, 0, 0, &s);
	ck_assert_int_eq(s.kind, CHECK_DNS);
	ck_assert_str_eq(s.dns.name, "www.example.com");
	ck_assert_uint_eq(s.dns.type, CHECK_DNS_AAAA);
	ck_assert_uint_eq(s.dns.port, 53);
	ck_assert_uint_eq(s.dns.rcode, 0);
	ck_assert_uint_eq(s.dns.answers, 1);
	ck_assert_str_eq(s.dns.answer[0], "2001:db8::1");
	uint64_t hash = service("pair")->rule.policy_hash;
	fini();
	parse_with("db: {tcp: {port: 5432}}",
	    "db: {dns: {name: WWW.example.com., type: AAAA, rcode: NXDOMAIN, port: "
	    "5353}}");
	config_target(c, 1, 0, 0, &s);
	ck_assert_uint_eq(s.dns.rcode, 3);
	ck_assert_uint_eq(s.dns.port, 5353);
	ck_assert(service("pair")->rule.policy_hash != hash);
	fini();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {addresses, codes, chains_in_any_order, texts,
	    broken, others_are_passed_over, questions, configured};

	return run_tests("probe_dns", tests, sizeof tests / sizeof *tests);
}
