/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every second, to every peer, all services: so states are words of letters, and names
 * of members stand once in a message. What only informs people comes last and goes
 * first: a message that is too long is written again without it. The rest fits for the
 * largest configuration (unit.test_peer_message writes it).
 */
#include "steering/zone/peer_message.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "steering/zone/json.h"

#define STATES_TEXT_MAX (MEMBERS_MAX * 20)

struct names {
	uint32_t n;
	const char *name[SERVICES_MAX * MEMBERS_MAX];
};

static void
put_hex(struct json *map, const char *key, uint64_t n)
{
	char text[20];

	(void)snprintf(text, sizeof text, "%" PRIx64, n);
	json_put_text(map, key, text);
}

/* One line, whatever it was. */
static void
put_line(struct json *map, const char *key, const char *text)
{
	char line[PEER_REASON_MAX];

	(void)snprintf(line, sizeof line, "%s", text);
	for (char *p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	json_put_text(map, key, line);
}

static unsigned
number_of(struct names *names, const char *name)
{
	for (uint32_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return i;
	assert(names->n < SERVICES_MAX * MEMBERS_MAX);
	names->name[names->n] = name;
	return names->n++;
}

static char
vote_letter(uint8_t vote)
{
	static const char letter[] = {
	    [VOTE_ABSTAIN] = 'A',
	    [VOTE_UP] = 'U',
	    [VOTE_DOWN] = 'D',
	    [VOTE_RECOVERING] = 'R',
	};

	assert(vote < sizeof letter);
	return letter[vote];
}

static void
put_states(struct json *map, const struct peer_service *s, struct names *names)
{
	char text[STATES_TEXT_MAX] = "";
	size_t len = 0;

	for (uint32_t m = 0; m < s->report.members; m++) {
		const struct report_member *x = &s->report.member[m];

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u%c%c%c",
		    m > 0 ? " " : "", number_of(names, s->member[m]),
		    vote_letter(x->vote), vote_letter(x->raw), x->failing ? 'f' : '-');
		assert(len < sizeof text);
	}
	json_put_text(map, "states", text);
}

static void
put_counts(struct json *map, const struct peer_service *s)
{
	char text[STATES_TEXT_MAX] = "";
	size_t len = 0;

	for (uint32_t m = 0; m < s->report.members; m++) {
		const struct peer_counts *c = &s->counts[m];

		len += (size_t)snprintf(text + len, sizeof text - len, "%s%u/%u/%u",
		    m > 0 ? " " : "", (unsigned)c->up, (unsigned)c->down,
		    (unsigned)c->unknown);
		assert(len < sizeof text);
	}
	json_put_text(map, "counts", text);
}

static struct json *
service_json(const struct peer_service *s, struct names *names, bool whole)
{
	const struct report *r = &s->report;
	struct json *map = json_map_new();

	json_put_text(map, "name", s->name);
	put_hex(map, "epoch", r->epoch);
	put_hex(map, "nonce", r->nonce);
	put_hex(map, "policy", r->policy_hash);
	put_states(map, s, names);
	if (r->cannot != CANNOT_NOT)
		json_put_text(map, "cannot", cannot_word(r->cannot));
	if (r->freeze != 0) {
		struct json *freeze = json_map_new();

		json_put_int(freeze, "id", r->freeze);
		json_put_int(freeze, "for_s", (int64_t)r->freeze_for_s);
		json_put(map, "freeze", freeze);
	}
	if (r->thawed != 0)
		json_put_int(map, "thawed", r->thawed);
	if (r->holder_lost)
		json_put_bool(map, "holder_lost", true);
	if (whole && s->counted)
		put_counts(map, s);
	if (whole && r->cannot != CANNOT_NOT && s->why[0] != '\0')
		put_line(map, "why", s->why);
	return map;
}

static struct json *
order_json(const struct peer_order *o)
{
	struct json *map = json_map_new();

	json_put_text(map, "service", o->service);
	json_put_text(map, "kind", o->kind);
	json_put_text(map, "member", o->member);
	json_put_int(map, "id", o->id);
	json_put_text(map, "agent", o->agent);
	json_put_int(map, "uid", o->uid);
	put_line(map, "reason", o->reason);
	json_put_int(map, "left_s", (int64_t)o->left_s);
	return map;
}

static struct json *
stamp_json(const struct peer_stamp *s)
{
	struct json *map = json_map_new();

	put_hex(map, "boot", s->boot);
	put_hex(map, "seq", s->seq);
	return map;
}

static char *
write_once(const struct peer_message *m, struct names *names, bool whole)
{
	struct json *map = json_map_new(), *services = json_list_new();
	struct json *members = json_list_new(), *orders = json_list_new();

	names->n = 0;
	for (uint32_t i = 0; i < m->services; i++)
		json_add(services, service_json(&m->service[i], names, whole));
	for (uint32_t i = 0; i < names->n; i++)
		json_add_text(members, names->name[i]);
	for (uint32_t i = 0; i < m->orders && whole; i++)
		json_add(orders, order_json(&m->order[i]));
	json_put_int(map, "pointsman", PEER_PROTOCOL);
	json_put_text(map, "cluster", m->cluster);
	json_put_text(map, "agent", m->agent);
	put_hex(map, "boot", m->envelope.stamp.boot);
	put_hex(map, "seq", m->envelope.stamp.seq);
	if (m->envelope.quoted.seq != 0)
		json_put(map, "heard", stamp_json(&m->envelope.quoted));
	json_put(map, "members", members);
	json_put(map, "services", services);
	json_put(map, "orders", orders);
	char *text = json_write(map, false);
	json_free(map);
	return text;
}

char *
peer_message_write(const struct peer_message *m, size_t *bytes)
{
	struct names names;
	char *text = write_once(m, &names, true);

	*bytes = strlen(text);
	if (*bytes > PEER_MESSAGE_MAX) {
		free(text);
		text = write_once(m, &names, false);
		*bytes = strlen(text);
	}
	assert(*bytes <= PEER_MESSAGE_MAX);
	return text;
}

void
peer_service_fill(
    struct peer_service *s, const struct rule_service *rule, const struct report *r)
{
	uint32_t n = 0;

	memset(s, 0, sizeof *s);
	memcpy(s->name, rule->name, sizeof s->name);
	s->report = *r;
	memset(s->report.member, 0, sizeof s->report.member);
	for (uint32_t m = 0; m < rule->members; m++) {
		if (rule->member[m].last_resort)
			continue;
		memcpy(s->member[n], rule->member[m].name, WORD_MAX);
		s->report.member[n++] = r->member[m];
	}
	s->report.members = n;
}
