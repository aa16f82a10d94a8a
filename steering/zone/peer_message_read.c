/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is a table of keys for each kind of map and a function for each kind of
 * value. Whatever is not exactly as expected ends it with a sentence that names the
 * key; bytes of the message itself are never quoted, for the sentence goes to logs.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "steering/core/engine.h"
#include "steering/zone/json.h"
#include "steering/zone/peer_message.h"

#define NAMES_MAX_READ (SERVICES_MAX * MEMBERS_MAX)
#define LEFT_S_MAX ((int64_t)366 * 24 * 3600)

struct reading {
	bool newer; /* of the version after ours: what is unknown is ignored */
	const struct json *members;
	size_t names;
	struct err *e;
};

/* ---- values ---- */

static bool
fail(struct reading *r, const char *key, const char *what)
{
	return err_set(r->e, "%s: %s", key, what);
}

/* Every key is one of those; `from`: the first so many must be there. */
static bool
keys_are(struct reading *r, const struct json *map, const char *what,
    const char *const *known, size_t must, size_t n)
{
	const char *key;
	void *at = NULL;

	if (!json_is_map(map))
		return fail(r, what, "is no object");
	for (size_t i = 0; i < must; i++)
		if (json_get(map, known[i]) == NULL)
			return err_set(r->e, "%s: lacks %s", what, known[i]);
	while (!r->newer && (key = json_key_next(map, &at)) != NULL) {
		size_t i = 0;

		while (i < n && strcmp(known[i], key) != 0)
			i++;
		if (i == n)
			return err_set(r->e,
			    "%s: has a key that version %d does not know", what,
			    PEER_PROTOCOL);
	}
	return true;
}

static bool
read_list(struct reading *r, const struct json *map, const char *key, size_t max)
{
	const struct json *list = json_get(map, key);

	if (json_kind_of(list) != JSON_KIND_LIST)
		return fail(r, key, "is no list");
	return json_count(list) <= max || fail(r, key, "has too many entries");
}

static bool
read_int(struct reading *r, const struct json *map, const char *key, int64_t min,
    int64_t max, int64_t *out)
{
	if (json_kind_of(json_get(map, key)) != JSON_KIND_INT)
		return fail(r, key, "is no whole number");
	*out = json_int(map, key, 0);
	return (*out >= min && *out <= max) || fail(r, key, "is out of bounds");
}

static bool
read_id(struct reading *r, const struct json *map, const char *key, uint32_t *out)
{
	int64_t n;

	if (!read_int(r, map, key, 1, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static bool
read_hex(struct reading *r, const struct json *map, const char *key, uint64_t *out)
{
	const char *text = json_text(map, key, "");
	size_t n = strlen(text);

	if (n == 0 || n > 16 || strspn(text, "0123456789abcdef") != n)
		return fail(r, key, "is no string of 1 to 16 hexadecimal digits");
	*out = strtoull(text, NULL, 16);
	return true;
}

static bool
is_word(const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		bool inner = *p == '-' && p != text && p[1] != '\0';

		if (!inner && (*p < 'a' || *p > 'z') && (*p < '0' || *p > '9'))
			return false;
	}
	return text[0] != '\0' && strlen(text) < WORD_MAX;
}

static bool
read_word(struct reading *r, const struct json *map, const char *key, bool may_be_empty,
    char out[WORD_MAX])
{
	const char *text = json_text(map, key, NULL);

	if (text == NULL || (!is_word(text) && !(may_be_empty && text[0] == '\0')))
		return fail(r, key, "is no name");
	(void)snprintf(out, WORD_MAX, "%s", text);
	return true;
}

/* A sentence for people: bounded, and of one line. */
static bool
read_text(struct reading *r, const struct json *map, const char *key, char *out,
    size_t out_bytes)
{
	const char *text = json_text(map, key, NULL);

	if (text == NULL || strlen(text) >= out_bytes)
		return fail(r, key, text == NULL ? "is no text" : "is too long");
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return fail(r, key, "has control characters");
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool
read_stamp(struct reading *r, const struct json *map, struct peer_stamp *out)
{
	return read_hex(r, map, "boot", &out->boot) &&
	    read_hex(r, map, "seq", &out->seq) &&
	    ((out->boot != 0 && out->seq != 0) ||
		fail(r, "boot and seq", "must not be 0"));
}

/* ---- states ---- */

static bool
take_number(const char **p, unsigned long max, unsigned long *out)
{
	unsigned digits = 0;

	*out = 0;
	for (; **p >= '0' && **p <= '9' && digits < 6; (*p)++, digits++)
		*out = *out * 10 + (unsigned long)(**p - '0');
	return digits > 0 && *out <= max;
}

static bool
take_vote(const struct reading *r, const char **p, uint8_t *out)
{
	static const struct {
		char letter;
		uint8_t vote;
	} votes[] = {
	    {'A', VOTE_ABSTAIN},
	    {'U', VOTE_UP},
	    {'D', VOTE_DOWN},
	    {'R', VOTE_RECOVERING},
	};
	char c = **p;

	if (c < 'A' || c > 'Z')
		return false;
	(*p)++;
	*out = VOTE_ABSTAIN;
	for (size_t i = 0; i < sizeof votes / sizeof *votes; i++)
		if (votes[i].letter == c) {
			*out = votes[i].vote;
			return true;
		}
	return r->newer;
}

static bool
take_state(const struct reading *r, const char **p, struct peer_service *s)
{
	uint32_t m = s->report.members;
	struct report_member *x = &s->report.member[m];
	unsigned long name;

	if (m >= MEMBERS_MAX || r->names == 0 || !take_number(p, r->names - 1, &name) ||
	    !take_vote(r, p, &x->vote) || !take_vote(r, p, &x->raw) ||
	    (**p != 'f' && **p != '-'))
		return false;
	x->failing = **p == 'f';
	(*p)++;
	(void)snprintf(
	    s->member[m], WORD_MAX, "%s", json_string_of(json_at(r->members, name)));
	for (uint32_t i = 0; i < m; i++)
		if (strcmp(s->member[i], s->member[m]) == 0)
			return false;
	s->report.members++;
	return true;
}

static bool
read_states(struct reading *r, const struct json *map, struct peer_service *s)
{
	const char *p = json_text(map, "states", NULL);

	if (p == NULL)
		return fail(r, "states", "is no text");
	while (*p != '\0') {
		if (!take_state(r, &p, s) || (*p != '\0' && *p++ != ' ') ||
		    (*p == '\0' && p[-1] == ' '))
			return fail(r, "states",
			    "is not made of number, votes and f or -, or names a member "
			    "twice");
	}
	return true;
}

static bool
read_counts(struct reading *r, const struct json *map, struct peer_service *s)
{
	const char *p = json_text(map, "counts", NULL);
	unsigned long n[3];

	if (json_get(map, "counts") == NULL)
		return true;
	for (uint32_t m = 0; p != NULL && m < s->report.members; m++) {
		bool good = (m == 0 || *p++ == ' ') &&
		    take_number(&p, ADDRESSES_MAX, &n[0]) && *p++ == '/' &&
		    take_number(&p, ADDRESSES_MAX, &n[1]) && *p++ == '/' &&
		    take_number(&p, ADDRESSES_MAX, &n[2]);

		if (!good)
			return fail(r, "counts", "is not made of up/down/unknown");
		s->counts[m] = (struct peer_counts){
		    (uint16_t)n[0], (uint16_t)n[1], (uint16_t)n[2]};
	}
	s->counted = true;
	return (p != NULL && *p == '\0') ||
	    fail(r, "counts", "does not match the states");
}

/* ---- services ---- */

static bool
read_cannot(struct reading *r, const struct json *map, struct peer_service *s)
{
	const char *word = json_text(map, "cannot", NULL);

	if (json_get(map, "cannot") == NULL)
		return true;
	for (int c = CANNOT_NOT + 1; c < CANNOTS && word != NULL; c++)
		if (strcmp(word, cannot_word((enum cannot)c)) == 0)
			s->report.cannot = (enum cannot)c;
	if (s->report.cannot == CANNOT_NOT && word != NULL && r->newer)
		s->report.cannot = CANNOT_STARTING;
	return s->report.cannot != CANNOT_NOT ||
	    fail(r, "cannot", "is none of the words");
}

static bool
read_freeze(struct reading *r, const struct json *map, struct report *out)
{
	static const char *const keys[] = {"id", "for_s"};
	const struct json *freeze = json_get(map, "freeze");
	int64_t for_s;

	if (json_get(map, "thawed") != NULL && !read_id(r, map, "thawed", &out->thawed))
		return false;
	if (freeze == NULL)
		return true;
	if (!keys_are(r, freeze, "freeze", keys, 2, 2) ||
	    !read_id(r, freeze, "id", &out->freeze) ||
	    !read_int(r, freeze, "for_s", 0, LEFT_S_MAX, &for_s))
		return false;
	out->freeze_for_s = (uint64_t)for_s;
	return true;
}

static bool
read_lost(struct reading *r, const struct json *map, struct report *out)
{
	enum json_kind kind = json_kind_of(json_get(map, "holder_lost"));

	if (json_get(map, "holder_lost") != NULL && kind != JSON_KIND_BOOL)
		return fail(r, "holder_lost", "is neither true nor false");
	out->holder_lost = json_flag(map, "holder_lost");
	return true;
}

static bool
read_service(struct reading *r, const struct json *map, struct peer_service *s)
{
	static const char *const keys[] = {"name", "epoch", "nonce", "policy", "states",
	    "counts", "cannot", "why", "freeze", "thawed", "holder_lost"};

	memset(s, 0, sizeof *s);
	return keys_are(r, map, "a service", keys, 5, sizeof keys / sizeof *keys) &&
	    read_word(r, map, "name", false, s->name) &&
	    read_hex(r, map, "epoch", &s->report.epoch) &&
	    read_hex(r, map, "nonce", &s->report.nonce) &&
	    read_hex(r, map, "policy", &s->report.policy_hash) &&
	    read_states(r, map, s) && read_counts(r, map, s) &&
	    read_cannot(r, map, s) &&
	    (json_get(map, "why") == NULL ||
		read_text(r, map, "why", s->why, sizeof s->why)) &&
	    read_freeze(r, map, &s->report) && read_lost(r, map, &s->report);
}

static bool
read_services(struct reading *r, const struct json *map, struct peer_message *out)
{
	const struct json *list = json_get(map, "services");

	if (!read_list(r, map, "services", SERVICES_MAX))
		return false;
	out->services = (uint32_t)json_count(list);
	for (uint32_t i = 0; i < out->services; i++) {
		if (!read_service(r, json_at(list, i), &out->service[i]))
			return false;
		for (uint32_t k = 0; k < i; k++)
			if (strcmp(out->service[k].name, out->service[i].name) == 0)
				return fail(r, "services", "names one twice");
	}
	return true;
}

/* ---- orders ---- */

static bool
read_order(struct reading *r, const struct json *map, struct peer_order *o)
{
	static const char *const keys[] = {
	    "service", "kind", "member", "id", "agent", "uid", "reason", "left_s"};
	int64_t uid, left_s;
	bool known = false;

	memset(o, 0, sizeof *o);
	if (!keys_are(r, map, "an order", keys, 8, 8) ||
	    !read_word(r, map, "service", false, o->service) ||
	    !read_word(r, map, "member", true, o->member) ||
	    !read_word(r, map, "agent", false, o->agent) ||
	    !read_id(r, map, "id", &o->id) ||
	    !read_int(r, map, "uid", 0, UINT32_MAX, &uid) ||
	    !read_int(r, map, "left_s", 0, LEFT_S_MAX, &left_s) ||
	    !read_text(r, map, "reason", o->reason, sizeof o->reason) ||
	    !read_text(r, map, "kind", o->kind, sizeof o->kind))
		return false;
	o->uid = (uint32_t)uid;
	o->left_s = (uint64_t)left_s;
	for (int k = ORDER_NONE + 1; k < ORDERS; k++)
		known |= strcmp(o->kind, order_word((enum order_kind)k)) == 0;
	if (!known)
		o->id = 0;
	return known || r->newer || fail(r, "kind", "is none of the words");
}

static bool
read_orders(struct reading *r, const struct json *map, struct peer_message *out)
{
	const struct json *list = json_get(map, "orders");

	if (!read_list(r, map, "orders", PEER_ORDERS_MAX))
		return false;
	out->orders = 0;
	for (uint32_t i = 0; i < json_count(list); i++) {
		if (!read_order(r, json_at(list, i), &out->order[out->orders]))
			return false;
		/* A kind of the next version is not ours to tell on. */
		out->orders += out->order[out->orders].id != 0;
	}
	return true;
}

/* ---- the message ---- */

static bool
read_members(struct reading *r, const struct json *map)
{
	if (!read_list(r, map, "members", NAMES_MAX_READ))
		return false;
	r->members = json_get(map, "members");
	r->names = json_count(r->members);
	for (size_t i = 0; i < r->names; i++)
		if (!is_word(json_string_of(json_at(r->members, i))))
			return fail(r, "members", "has an entry that is no name");
	return true;
}

static bool
read_version(struct reading *r, const struct json *map, uint32_t *out)
{
	int64_t version;

	if (!json_is_map(map))
		return err_set(r->e, "the message is no object");
	if (!read_int(r, map, "pointsman", 1, UINT32_MAX, &version))
		return false;
	if (version < PEER_PROTOCOL_OLDEST || version > PEER_PROTOCOL + 1)
		return err_set(r->e,
		    "the message is of version %lld, and this agent speaks %d: only "
		    "adjacent versions work together",
		    (long long)version, PEER_PROTOCOL);
	*out = (uint32_t)version;
	r->newer = version > PEER_PROTOCOL;
	return true;
}

static bool
read_message(struct reading *r, const struct json *map, struct peer_message *out)
{
	static const char *const keys[] = {"pointsman", "cluster", "agent", "boot",
	    "seq", "members", "services", "orders", "heard"};
	static const char *const stamp[] = {"boot", "seq"};
	const struct json *heard = json_get(map, "heard");

	if (!read_version(r, map, &out->version) ||
	    !keys_are(r, map, "the message", keys, 8, 9) ||
	    !read_word(r, map, "cluster", false, out->cluster) ||
	    !read_word(r, map, "agent", false, out->agent) ||
	    !read_stamp(r, map, &out->envelope.stamp))
		return false;
	out->envelope.quoted = (struct peer_stamp){0};
	if (heard != NULL &&
	    (!keys_are(r, heard, "heard", stamp, 2, 2) ||
		!read_stamp(r, heard, &out->envelope.quoted)))
		return false;
	return read_members(r, map) && read_services(r, map, out) &&
	    read_orders(r, map, out);
}

bool
peer_message_read(
    const char *text, size_t bytes, struct peer_message *out, struct err *e)
{
	struct reading r = {.e = e};
	struct json *map;
	bool good;

	if (bytes > PEER_MESSAGE_MAX)
		return err_set(
		    e, "the message is longer than %d bytes", PEER_MESSAGE_MAX);
	map = json_read(text, bytes, e);
	if (map == NULL)
		return err_set(e, "the message is no JSON as agents write it");
	good = read_message(&r, map, out);
	json_free(map);
	return good;
}

void
peer_service_report(
    const struct peer_service *s, const struct rule_service *rule, struct report *out)
{
	*out = s->report;
	out->members = rule->members;
	memset(out->member, 0, sizeof out->member);
	for (uint32_t m = 0; m < rule->members; m++)
		for (uint32_t i = 0; i < s->report.members; i++)
			if (strcmp(rule->member[m].name, s->member[i]) == 0)
				out->member[m] = s->report.member[i];
}
