/* SPDX-License-Identifier: Apache-2.0 */
/*
 * c-ares 1.18 reads whole answers too, a function for each type, but it says neither
 * whose records they are nor what a CNAME pointed to, and a record that it dislikes
 * takes all others with it. What it is good at, unfolding a name from hostile bytes,
 * is its own here (resolve.c).
 *
 * Records may come in any order, so the chain is followed by reading the section again
 * for each name: answers have a handful of records, chains one or two links.
 */
#include "probe/dns_message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "probe/resolve.h"

#define TYPE_CNAME 5
#define CLASS_IN 1
#define QUESTION_TAIL 4 /* type and class */

static const struct {
	const char *word;
	uint16_t number;
} types[] = {
    [CHECK_DNS_A] = {"A", 1},
    [CHECK_DNS_AAAA] = {"AAAA", 28},
    [CHECK_DNS_CNAME] = {"CNAME", TYPE_CNAME},
    [CHECK_DNS_TXT] = {"TXT", 16},
};

const char *
dns_type_word(enum check_dns_type type)
{
	return types[type].word;
}

uint16_t
dns_type_number(enum check_dns_type type)
{
	return types[type].number;
}

const char *
dns_rcode_word(unsigned rcode, char text[16])
{
	static const char *const words[] = {
	    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

	if (rcode < sizeof words / sizeof words[0])
		return words[rcode];
	(void)snprintf(text, 16, "RCODE%u", rcode);
	return text;
}

static unsigned
two(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool
dns_message_answers(
    const uint8_t *byte, size_t bytes, const uint8_t *question, size_t question_bytes)
{
	/* Transaction; an answer, of the same opcode; one question, repeated in any case
	 * of letters. A server that cannot read the question may leave it out. */
	if (bytes < DNS_HEADER_BYTES || memcmp(byte, question, 2) != 0 ||
	    (byte[2] & 0xf8) != 0x80)
		return false;
	if (two(byte + 4) == 0)
		return bytes == DNS_HEADER_BYTES && (byte[3] & 15) != 0;
	if (two(byte + 4) != 1 || bytes < question_bytes)
		return false;
	for (size_t i = DNS_HEADER_BYTES; i < question_bytes; i++)
		if (lower(byte[i]) != lower(question[i]))
			return false;
	return true;
}

struct cursor {
	const uint8_t *byte;
	size_t bytes, at;
};

struct found {
	char owner[RESOLVE_NAME_MAX];
	unsigned type, class;
	size_t data_at, data_bytes;
};

static bool
next_record(struct cursor *c, struct found *f, struct err *e)
{
	size_t name_bytes =
	    resolve_expand(c->byte, c->bytes, c->at, f->owner, sizeof f->owner);
	size_t head = c->at + name_bytes;

	if (name_bytes == 0 || c->bytes - head < 10)
		return err_set(e, "a record's name or head is broken");
	f->type = two(c->byte + head);
	f->class = two(c->byte + head + 2);
	f->data_bytes = two(c->byte + head + 8);
	f->data_at = head + 10;
	if (c->bytes - f->data_at < f->data_bytes)
		return err_set(e, "a record is longer than the answer");
	c->at = f->data_at + f->data_bytes;
	return true;
}

static bool
is_whole(const struct dns_message *m, const struct found *f, enum check_dns_type type)
{
	char name[RESOLVE_NAME_MAX];

	switch (type) {
	case CHECK_DNS_A:
		return f->data_bytes == 4;
	case CHECK_DNS_AAAA:
		return f->data_bytes == 16;
	case CHECK_DNS_CNAME:
		return resolve_expand(m->byte, m->bytes, f->data_at, name,
			   sizeof name) == f->data_bytes;
	case CHECK_DNS_TXT:
		for (size_t i = 0; i < f->data_bytes; i += m->byte[f->data_at + i] + 1U)
			if (f->data_bytes - i < m->byte[f->data_at + i] + 1U)
				return false;
		return f->data_bytes > 0;
	}
	assert(false && "no such type");
	return false;
}

/* One pass over the section: records of `name`, or where its CNAME leads. */
static bool
look(struct dns_message *m, size_t begin, unsigned count, const char *name,
    enum check_dns_type type, char next[RESOLVE_NAME_MAX], struct err *e)
{
	struct cursor c = {m->byte, m->bytes, begin};
	struct found f;

	next[0] = '\0';
	for (unsigned i = 0; i < count; i++) {
		if (!next_record(&c, &f, e))
			return false;
		if (f.class != CLASS_IN || strcasecmp(f.owner, name) != 0)
			continue;
		if (f.type == types[type].number) {
			if (!is_whole(m, &f, type))
				return err_set(e, "a record of type %s is broken",
				    types[type].word);
			if (m->records < DNS_RECORDS_MAX)
				m->record[m->records++] =
				    (struct dns_record){f.data_at, f.data_bytes};
		} else if (f.type == TYPE_CNAME &&
		    resolve_expand(m->byte, m->bytes, f.data_at, next,
			RESOLVE_NAME_MAX) != f.data_bytes) {
			return err_set(e, "a CNAME is broken");
		}
	}
	return true;
}

bool
dns_message_read(struct dns_message *m, const uint8_t *byte, size_t bytes,
    const char *name, enum check_dns_type type, struct err *e)
{
	char at[RESOLVE_NAME_MAX], next[RESOLVE_NAME_MAX];
	size_t begin = DNS_HEADER_BYTES;

	assert(bytes >= DNS_HEADER_BYTES);
	*m = (struct dns_message){.byte = byte, .bytes = bytes};
	m->rcode = byte[3] & 15;
	m->truncated = (byte[2] & 2) != 0;
	if (m->rcode != 0)
		return true;
	begin += resolve_expand(byte, bytes, begin, next, sizeof next) + QUESTION_TAIL;
	if (begin == DNS_HEADER_BYTES + QUESTION_TAIL || begin > bytes)
		return err_set(e, "its question is broken");
	resolve_spell(name, next);
	for (int links = 0; next[0] != '\0' && m->records == 0; links++) {
		if (links == DNS_CHAIN_MAX)
			return err_set(e, "its CNAMEs have no end");
		memcpy(at, next, sizeof at);
		if (!look(m, begin, two(byte + 6), at, type, next, e))
			return false;
	}
	return true;
}

static void
join_text(const uint8_t *data, size_t bytes, char text[DNS_RECORD_TEXT_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < bytes; i += data[i] + 1U) {
		for (size_t k = 1; k <= data[i]; k++) {
			uint8_t c = data[i + k];

			if (n + 5 > DNS_RECORD_TEXT_MAX)
				break;
			if (c >= ' ' && c < 0x7f)
				text[n++] = (char)c;
			else
				n += (size_t)snprintf(text + n, 5, "\\%03u", c);
		}
	}
	text[n] = '\0';
}

void
dns_message_record(const struct dns_message *m, unsigned i, enum check_dns_type type,
    char text[DNS_RECORD_TEXT_MAX])
{
	const struct dns_record *r = &m->record[i];
	char name[RESOLVE_NAME_MAX] = "";
	const char *done;

	assert(i < m->records);
	switch (type) {
	case CHECK_DNS_A:
	case CHECK_DNS_AAAA:
		done = inet_ntop(type == CHECK_DNS_A ? AF_INET : AF_INET6,
		    m->byte + r->at, text, DNS_RECORD_TEXT_MAX);
		assert(done != NULL);
		return;
	case CHECK_DNS_CNAME:
		(void)resolve_expand(m->byte, m->bytes, r->at, name, sizeof name);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)lower((uint8_t)*c);
		(void)snprintf(
		    text, DNS_RECORD_TEXT_MAX, "%.*s", DNS_RECORD_TEXT_MAX - 1, name);
		return;
	case CHECK_DNS_TXT:
		join_text(m->byte + r->at, r->bytes, text);
		return;
	}
}
