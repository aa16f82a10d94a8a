/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values keep the zone's own spelling, because a DELETE must repeat it; sameness is
 * judged on a canonical form made here and thrown away: an IPv6 address as its 16
 * bytes, a host name in lower case without its last dot. A reader that normalised
 * instead would leave records that were written by hand impossible to delete.
 *
 * The digest is FNV-1a over each set, finished with a mixer and summed: a sum does
 * not see order, and the mixer keeps small differences from cancelling. It guards
 * against edits by hand, not against forgery.
 */
#include "steering/core/records.h"

#include <assert.h>
#include <string.h>

const char *
rrtype_text(enum rrtype t)
{
	switch (t) {
	case RR_A:
		return "A";
	case RR_AAAA:
		return "AAAA";
	case RR_CNAME:
		return "CNAME";
	case RR_TXT:
		return "TXT";
	case RR_OTHER:
		break;
	}
	return "?";
}

int
rrset_compare_key(const struct rrset *a, const struct rrset *b)
{
	int c = strcmp(a->name, b->name);

	if (c == 0)
		c = (a->type > b->type) - (a->type < b->type);
	return c != 0 ? c : strcmp(a->set_id, b->set_id);
}

/* ---- canonical values ---- */

struct canonical {
	size_t n;
	unsigned char byte[DNS_NAME_MAX];
	bool spelled; /* byte[] holds another form than the text itself */
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* "192.0.2.1" at the end of an IPv6 address. */
static bool
parse_quad(const char *s, size_t n, unsigned char out[4])
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		unsigned v = 0;
		size_t digits = 0;

		for (; i < n && s[i] >= '0' && s[i] <= '9' && digits < 3; i++, digits++)
			v = v * 10 + (unsigned)(s[i] - '0');
		if (digits == 0 || v > 255)
			return false;
		out[part] = (unsigned char)v;
		if (part < 3 && (i >= n || s[i++] != '.'))
			return false;
	}
	return i == n;
}

/* RFC 4291 §2.2, all three forms. */
static bool
parse_ipv6(const char *s, size_t n, unsigned char out[16])
{
	unsigned char front[16];
	size_t at = 0, gap = SIZE_MAX, i = 0;

	if (n >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		i = 2;
	}
	while (i < n) {
		size_t start = i;
		unsigned v = 0;

		if (at >= 16)
			return false;
		for (; i < n && hex_digit(s[i]) >= 0 && i - start < 4; i++)
			v = v << 4 | (unsigned)hex_digit(s[i]);
		if (i < n && s[i] == '.') {
			if (at > 12 || !parse_quad(s + start, n - start, front + at))
				return false;
			at += 4;
			i = n;
			break;
		}
		if (i == start)
			return false;
		front[at++] = (unsigned char)(v >> 8);
		front[at++] = (unsigned char)(v & 255);
		if (i == n)
			break;
		if (s[i++] != ':' || i == n)
			return false;
		if (s[i] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = at;
			i++;
		}
	}
	if (gap == SIZE_MAX ? at != 16 : at > 14)
		return false;
	if (gap == SIZE_MAX)
		gap = at;
	memset(out, 0, 16);
	memcpy(out, front, gap);
	memcpy(out + 16 - (at - gap), front + gap, at - gap);
	return true;
}

static void
lower_name(struct canonical *c, const char *s, size_t n)
{
	if (n > 1 && s[n - 1] == '.')
		n--;
	assert(n <= sizeof c->byte);
	for (size_t i = 0; i < n; i++)
		c->byte[i] =
		    (unsigned char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + 32 : s[i]);
	c->n = n;
	c->spelled = true;
}

static void
canonical_of(struct canonical *c, enum rrtype type, const char *s, size_t n)
{
	c->n = n;
	c->spelled = false;
	if (type == RR_AAAA && parse_ipv6(s, n, c->byte)) {
		c->n = 16;
		c->spelled = true;
	} else if (type == RR_CNAME && n <= sizeof c->byte) {
		lower_name(c, s, n);
	}
}

static const unsigned char *
canonical_bytes(const struct canonical *c, const char *s)
{
	return c->spelled ? c->byte : (const unsigned char *)s;
}

/* The next line of `value`; false after the last. */
static bool
next_value(const char **at, const char **s, size_t *n)
{
	const char *end;

	if (*at == NULL || **at == '\0')
		return false;
	*s = *at;
	end = strchr(*at, '\n');
	*n = end != NULL ? (size_t)(end - *at) : strlen(*at);
	*at = end != NULL ? end + 1 : NULL;
	return true;
}

static bool
same_value(enum rrtype type, const char *a, size_t an, const char *b, size_t bn)
{
	struct canonical x, y;

	canonical_of(&x, type, a, an);
	canonical_of(&y, type, b, bn);
	return x.n == y.n &&
	    memcmp(canonical_bytes(&x, a), canonical_bytes(&y, b), x.n) == 0;
}

/* Values are at most a few lines: counting both ways is cheap and needs no sort. */
static unsigned
count_value(const struct rrset *in, const char *s, size_t n)
{
	const char *at = in->value, *v;
	unsigned count = 0;
	size_t vn;

	while (next_value(&at, &v, &vn))
		count += same_value(in->type, s, n, v, vn);
	return count;
}

static bool
same_values(const struct rrset *a, const struct rrset *b)
{
	const char *at = a->value, *v;
	size_t n;

	if (a->values != b->values)
		return false;
	while (next_value(&at, &v, &n))
		if (count_value(a, v, n) != count_value(b, v, n))
			return false;
	return true;
}

static bool
same_name(const char *a, const char *b)
{
	return same_value(RR_CNAME, a, strlen(a), b, strlen(b));
}

bool
rrset_equal(const struct rrset *a, const struct rrset *b)
{
	if (rrset_compare_key(a, b) != 0 || a->policy != b->policy ||
	    a->alias != b->alias || a->truncated != b->truncated ||
	    strcmp(a->health_check, b->health_check) != 0)
		return false;
	if (a->policy == RR_WEIGHTED && a->weight != b->weight)
		return false;
	if (a->alias)
		return a->alias_evaluate == b->alias_evaluate &&
		    strcmp(a->alias_zone, b->alias_zone) == 0 &&
		    same_name(a->alias_name, b->alias_name);
	return a->ttl_s == b->ttl_s && same_values(a, b);
}

/* ---- digest ---- */

static uint64_t
feed(uint64_t h, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

static uint64_t
feed_text(uint64_t h, const char *s)
{
	return feed(h, s, strlen(s) + 1); /* the 0 keeps "a","bc" from "ab","c" */
}

static uint64_t
feed_number(uint64_t h, uint64_t v)
{
	unsigned char byte[8];

	for (int i = 0; i < 8; i++)
		byte[i] = (unsigned char)(v >> (8 * i) & 255);
	return feed(h, byte, sizeof byte);
}

/* Every bit of h moves about half of the bits of the result. */
static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ULL;
	h ^= h >> 29;
	h *= 0xd1342543de82ef95ULL;
	return h ^ h >> 32;
}

static const uint64_t fnv_start = 0xcbf29ce484222325ULL;

static uint64_t
value_digest(enum rrtype type, const char *s, size_t n)
{
	struct canonical c;

	canonical_of(&c, type, s, n);
	return mix(feed(fnv_start, canonical_bytes(&c, s), c.n));
}

static uint64_t
set_digest(const struct rrset *s)
{
	const char *at = s->value, *v;
	uint64_t h = feed_text(fnv_start, s->name), values = 0;
	size_t n;

	h = feed_text(h, s->set_id);
	h = feed_text(h, s->health_check);
	h = feed_number(h, (uint64_t)s->type << 8 | (uint64_t)s->policy);
	h = feed_number(h, s->policy == RR_WEIGHTED ? s->weight : 0);
	h = feed_number(h, (uint64_t)s->alias << 1 | (uint64_t)s->truncated);
	if (s->alias) {
		h = feed_number(h, s->alias_evaluate);
		h = feed_text(h, s->alias_zone);
		h = feed_number(
		    h, value_digest(RR_CNAME, s->alias_name, strlen(s->alias_name)));
		return mix(h);
	}
	while (next_value(&at, &v, &n))
		values += value_digest(s->type, v, n);
	h = feed_number(h, s->ttl_s);
	h = feed_number(h, s->values);
	return mix(feed_number(h, values));
}

uint64_t
rrset_digest(const struct rrset *sets, size_t n)
{
	uint64_t sum = mix(fnv_start ^ n);

	for (size_t i = 0; i < n; i++)
		sum += set_digest(&sets[i]);
	return sum;
}
