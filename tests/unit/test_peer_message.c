/* SPDX-License-Identifier: Apache-2.0 */
/* peer_message: what is written is read; what is not as it should be is refused with a
 * sentence; the largest configuration fits; adjacent versions. */
#include <check.h>
#include <stdlib.h>

#include "steering/core/engine.h"
#include "steering/zone/peer_message.h"
#include "tests/unit/rule_make.h"

static struct peer_message m, got;

static void
sample(void)
{
	struct rule_service rule;
	struct report r = {.epoch = UINT64_MAX,
	    .nonce = UINT64_C(0xfedcba9876543210),
	    .policy_hash = 7,
	    .cannot = CANNOT_API,
	    .freeze = UINT32_MAX,
	    .freeze_for_s = 600,
	    .thawed = 12,
	    .holder_lost = true};

	memset(&m, 0, sizeof m);
	(void)snprintf(m.cluster, WORD_MAX, "test");
	(void)snprintf(m.agent, WORD_MAX, "agent-a");
	m.envelope = (struct peer_envelope){{UINT64_MAX, 2}, {3, 4}};
	rule_make(&rule, 3, 3);
	rule.member[1].last_resort = true;
	r.members = 3;
	r.member[0] = (struct report_member){VOTE_ABSTAIN, VOTE_DOWN, true};
	r.member[2] = (struct report_member){VOTE_RECOVERING, VOTE_UP, false};
	m.services = 2;
	peer_service_fill(&m.service[0], &rule, &r);
	m.service[0].counted = true;
	m.service[0].counts[0] = (struct peer_counts){64, 1, 2};
	(void)snprintf(m.service[0].why, PEER_WHY_MAX, "a \"why\"\nof two lines");
	(void)snprintf(rule.name, WORD_MAX, "api");
	r = (struct report){.members = 3};
	peer_service_fill(&m.service[1], &rule, &r);
	m.orders = 1;
	m.order[0] = (struct peer_order){.service = "www",
	    .kind = "drain",
	    .member = "a",
	    .agent = "agent-b",
	    .id = 5,
	    .uid = 1000,
	    .left_s = 59,
	    .reason = "racks are moved"};
}

static bool
reads(const char *text)
{
	struct err e = {""};
	bool good = peer_message_read(text, strlen(text), &got, &e);

	ck_assert_msg(good == (e.text[0] == '\0'), "%s", e.text);
	return good;
}

START_TEST(written_is_read)
{
	size_t n;

	sample();
	char *text = peer_message_write(&m, &n);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_msg(reads(text), "%s", text);
	ck_assert_uint_eq(got.version, PEER_PROTOCOL);
	ck_assert_str_eq(got.agent, "agent-a");
	ck_assert(peer_stamp_compare(&got.envelope.stamp, &m.envelope.stamp) == 0);
	ck_assert(peer_stamp_compare(&got.envelope.quoted, &m.envelope.quoted) == 0);
	ck_assert_uint_eq(got.services, 2);
	const struct report *r = &got.service[0].report;
	ck_assert_uint_eq(r->epoch, UINT64_MAX);
	ck_assert_uint_eq(r->nonce, UINT64_C(0xfedcba9876543210));
	ck_assert_uint_eq(r->freeze, UINT32_MAX);
	ck_assert_uint_eq(r->freeze_for_s, 600);
	ck_assert_uint_eq(r->thawed, 12);
	ck_assert(r->holder_lost);
	ck_assert(!got.service[1].report.holder_lost);
	ck_assert_int_eq(r->cannot, CANNOT_API);
	ck_assert_uint_eq(r->members, 2); /* without the last resort */
	ck_assert_int_eq(r->member[0].raw, VOTE_DOWN);
	ck_assert(r->member[0].failing);
	ck_assert_int_eq(r->member[1].vote, VOTE_RECOVERING);
	ck_assert_str_eq(got.service[0].member[1], "c");
	ck_assert_uint_eq(got.service[0].counts[0].up, 64);
	ck_assert_str_eq(got.service[0].why, "a \"why\" of two lines");
	ck_assert_int_eq(got.service[1].report.cannot, CANNOT_NOT);
	ck_assert_str_eq(got.order[0].reason, "racks are moved");
	ck_assert_uint_eq(got.order[0].uid, 1000);
	free(text);
}
END_TEST

/* By name, in our own order; what only one side has is nobody's business. */
START_TEST(members_are_matched_by_name)
{
	struct rule_service rule;
	struct report r;

	sample();
	rule_make(&rule, 3, 3);
	(void)snprintf(rule.member[0].name, WORD_MAX, "c");
	(void)snprintf(rule.member[1].name, WORD_MAX, "a");
	(void)snprintf(rule.member[2].name, WORD_MAX, "new");
	peer_service_report(&m.service[0], &rule, &r);
	ck_assert_uint_eq(r.members, 3);
	ck_assert_int_eq(r.member[0].vote, VOTE_RECOVERING);
	ck_assert_int_eq(r.member[1].raw, VOTE_DOWN);
	ck_assert_int_eq(r.member[2].vote, VOTE_ABSTAIN);
	ck_assert_uint_eq(r.policy_hash, 7);
}
END_TEST

START_TEST(the_largest_fits)
{
	size_t n;

	memset(&m, 0, sizeof m);
	memset(m.cluster, 'c', WORD_MAX - 1);
	memset(m.agent, 'a', WORD_MAX - 1);
	m.envelope.stamp = m.envelope.quoted =
	    (struct peer_stamp){UINT64_MAX, UINT64_MAX};
	m.services = SERVICES_MAX;
	for (uint32_t i = 0; i < SERVICES_MAX; i++) {
		struct peer_service *s = &m.service[i];

		(void)snprintf(s->name, WORD_MAX, "service-%015u", i);
		s->report = (struct report){.epoch = UINT64_MAX,
		    .nonce = UINT64_MAX,
		    .policy_hash = UINT64_MAX,
		    .cannot = CANNOT_FOREIGN,
		    .holder_lost = true,
		    .members = MEMBERS_MAX};
		s->counted = true;
		memset(s->why, 'w', PEER_WHY_MAX - 1);
		for (uint32_t k = 0; k < MEMBERS_MAX; k++)
			(void)snprintf(s->member[k], WORD_MAX, "site-%018u",
			    (i * MEMBERS_MAX + k) % 64);
	}
	char *text = peer_message_write(&m, &n);
	ck_assert_uint_le(n, PEER_MESSAGE_MAX);
	ck_assert(reads(text));
	ck_assert_uint_eq(got.services, SERVICES_MAX);
	ck_assert(!got.service[0].counted); /* what only informs went first */
	ck_assert_str_eq(got.service[255].member[11], m.service[255].member[11]);
	free(text);
}
END_TEST

#define HEAD "{\"pointsman\":1,\"cluster\":\"c\",\"agent\":\"a\","
#define STAMP "\"boot\":\"1\",\"seq\":\"2\","
#define WWW \
	"{\"name\":\"www\",\"epoch\":\"1\",\"nonce\":\"2\",\"policy\":\"3\",\"states\":"
#define LISTS(services) \
	"\"members\":[\"fra\",\"iad\"],\"services\":[" services "],\"orders\":[]}"

START_TEST(the_least_is_read)
{
	ck_assert(reads(HEAD STAMP LISTS("")));
	ck_assert_uint_eq(got.services, 0);
	ck_assert_uint_eq(got.envelope.quoted.seq, 0);
	ck_assert(reads(HEAD STAMP LISTS(WWW "\"\"}")));
	ck_assert(reads(HEAD STAMP LISTS(WWW "\"1UU- 0ADf\"}")));
	ck_assert_str_eq(got.service[0].member[0], "iad");
}
END_TEST

static const char *const refused[] = {
    "",
    "x",
    "[]",
    "{}",
    "{\"pointsman\":3}",
    "{\"pointsman\":0}",
    "{\"pointsman\":\"1\"}",
    "{\"pointsman\":1.0}",
    HEAD STAMP LISTS("") "x",
    HEAD STAMP "\"seq\":\"3\"," LISTS(""), /* twice */
    HEAD STAMP "\"more\":1," LISTS(""),
    HEAD "\"boot\":\"1\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":2," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"0\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"A\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"-1\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"0x1\"," LISTS(""),
    HEAD "\"boot\":\"1\",\"seq\":\"11112222333344445\"," LISTS(""),
    "{\"pointsman\":1,\"cluster\":\"C\",\"agent\":\"a\"," STAMP LISTS(""),
    "{\"pointsman\":1,\"cluster\":\"c\",\"agent\":\"\"," STAMP LISTS(""),
    "{\"pointsman\":1,\"cluster\":\"c\",\"agent\":\"a-\"," STAMP LISTS(""),
    "{\"pointsman\":1,\"cluster\":\"c\",\"agent\":\"a234567890123456789012345\"," STAMP
	LISTS(""),
    HEAD STAMP "\"heard\":{\"boot\":\"1\"}," LISTS(""),
    HEAD STAMP "\"heard\":{\"boot\":\"1\",\"seq\":\"0\"}," LISTS(""),
    HEAD STAMP "\"heard\":[]," LISTS(""),
    HEAD STAMP LISTS("1"),
    HEAD STAMP LISTS("{}"),
    HEAD STAMP LISTS(WWW "\"\"}," WWW "\"\"}"),
    HEAD STAMP LISTS(WWW "[]}"),
    HEAD STAMP LISTS(WWW "\"2UU-\"}"),
    HEAD STAMP LISTS(WWW "\"UU-\"}"),
    HEAD STAMP LISTS(WWW "\"0UU\"}"),
    HEAD STAMP LISTS(WWW "\"0UX-\"}"),
    HEAD STAMP LISTS(WWW "\"0UUF\"}"),
    HEAD STAMP LISTS(WWW "\"0UU- \"}"),
    HEAD STAMP LISTS(WWW "\" 0UU-\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-  1UU-\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-1UU-\"}"),
    HEAD STAMP LISTS(WWW "\"0UU- 0UU-\"}"), /* a member twice */
    HEAD STAMP LISTS(WWW "\"0UU-\",\"counts\":\"1/2\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"counts\":\"1/2/65\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"counts\":\"1/2/3 1/2/3\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"counts\":1}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"cannot\":\"can\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"cannot\":\"will-not\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"cannot\":null}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"why\":\"a\\nb\"}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"freeze\":{\"id\":0,\"for_s\":1}}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"freeze\":{\"id\":1,\"for_s\":-1}}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"freeze\":{\"id\":4294967296,\"for_s\":1}}"),
    HEAD STAMP LISTS(WWW "\"0UU-\",\"thawed\":true}"),
    HEAD STAMP "\"members\":[1],\"services\":[],\"orders\":[]}",
    HEAD STAMP "\"members\":{},\"services\":[],\"orders\":[]}",
    HEAD STAMP "\"members\":[],\"services\":[],\"orders\":[{}]}",
    HEAD STAMP "\"members\":[],\"services\":[]}",
    HEAD STAMP "\"members\":[],\"services\":[],\"orders\":[[[[[[[[[[[[[[[[[[[[]]]]]]]]",
};

START_TEST(refused_with_a_sentence)
{
	ck_assert_msg(!reads(refused[_i]), "%s", refused[_i]);
}
END_TEST

START_TEST(too_long)
{
	char *text = malloc(PEER_MESSAGE_MAX + 1);
	struct err e = {""};

	memset(text, ' ', PEER_MESSAGE_MAX + 1);
	memcpy(text, "{}", 2);
	ck_assert(!peer_message_read(text, PEER_MESSAGE_MAX + 1, &got, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "longer"));
	free(text);
}
END_TEST

#define NEXT "{\"pointsman\":3,\"cluster\":\"c\",\"agent\":\"a\",\"new\":{},"

/* An agent of the version before says less: it loses nobody. */
START_TEST(the_version_before)
{
	ck_assert(reads(HEAD STAMP LISTS(WWW "\"0UU- 1DDf\"}")));
	ck_assert_uint_eq(got.version, 1);
	ck_assert(!got.service[0].report.holder_lost);
	ck_assert(!reads(HEAD STAMP LISTS(WWW "\"0UU- 1DDf\",\"holder_lost\":1}")));
}
END_TEST

/* An agent of the next version says more; what we know of it counts. */
START_TEST(the_next_version)
{
	ck_assert(reads(NEXT STAMP LISTS(
	    WWW "\"0UX- 1DDf\",\"cannot\":\"will-not\",\"more\":[]}")));
	ck_assert_uint_eq(got.version, 3);
	ck_assert_int_eq(got.service[0].report.member[0].vote, VOTE_UP);
	ck_assert_int_eq(got.service[0].report.member[0].raw, VOTE_ABSTAIN);
	ck_assert_int_eq(got.service[0].report.member[1].vote, VOTE_DOWN);
	ck_assert_int_ne(got.service[0].report.cannot, CANNOT_NOT);
	/* … and what it must say it must */
	ck_assert(!reads(NEXT LISTS("")));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer message");
	TCase *t = tcase_create("peer message");

	tcase_add_test(t, written_is_read);
	tcase_add_test(t, members_are_matched_by_name);
	tcase_add_test(t, the_largest_fits);
	tcase_add_test(t, the_least_is_read);
	tcase_add_loop_test(
	    t, refused_with_a_sentence, 0, sizeof refused / sizeof *refused);
	tcase_add_test(t, too_long);
	tcase_add_test(t, the_version_before);
	tcase_add_test(t, the_next_version);
	suite_add_tcase(s, t);
	SRunner *r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
