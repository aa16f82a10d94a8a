/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only file that knows ldns. A query is looked at by hand before ldns may parse it:
 * exactly one question and at most one other record, so that a hostile packet has
 * nothing to unfold.
 */
#include "tests/lab/answer.h"
#include "tests/lab/resolve.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEADER_BYTES = 12,
	UDP_BYTES = 512,
	EDNS_BYTES_MAX = 4096,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NOTIMP = 4,
};

static unsigned
read_16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* An answer of nothing but a header. */
static size_t
bare_answer(const uint8_t *query, unsigned rcode, uint8_t *out)
{
	memset(out, 0, HEADER_BYTES);
	memcpy(out, query, 2);
	out[2] = (uint8_t)(0x80 | (query[2] & 0x79)); /* opcode and RD are echoed */
	out[3] = (uint8_t)rcode;
	return HEADER_BYTES;
}

static void
push_value(ldns_rr_list *list, const char *owner, const struct rrset *set,
    const char *value, uint32_t ttl_s)
{
	uint8_t name[NAME_WIRE_BYTES], wire[2 + VALUE_WIRE_MAX];
	size_t name_n = name_to_wire(owner, name), len, at = 0;
	char why[800];
	ldns_rr *rr;

	if (!value_to_wire(set->type, value, wire + 2, &len, why, sizeof why))
		return; /* cannot be: values are checked before they are stored */
	wire[0] = (uint8_t)(len >> 8);
	wire[1] = (uint8_t)len;
	rr = ldns_rr_new();
	if (rr == NULL)
		abort();
	ldns_rr_set_owner(rr, ldns_dname_new_frm_data((uint16_t)name_n, name));
	ldns_rr_set_ttl(rr, ttl_s);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_type(rr, (ldns_rr_type)set->type->number);
	if (ldns_wire2rdf(rr, wire, len + 2, &at) != LDNS_STATUS_OK ||
	    !ldns_rr_list_push_rr(list, rr))
		ldns_rr_free(rr);
}

/* All values of a set, beginning anywhere: Route 53 shuffles them too. */
static void
push_set(ldns_rr_list *list, const char *owner, const struct rrset *set)
{
	size_t n = set->values_n;
	size_t first = n > 1 ? arc4random_uniform((uint32_t)n) : 0;

	for (size_t i = 0; i < n; i++)
		push_value(list, owner, set, set->values[(first + i) % n], set->ttl_s);
}

/* A negative answer is kept for the smaller of the SOA's TTL and minimum (RFC 2308). */
static void
push_soa(ldns_rr_list *list, const struct rrset *soa)
{
	const char *last = strrchr(soa->values[0], ' ');
	unsigned long minimum = last != NULL ? strtoul(last, NULL, 10) : 0;
	uint32_t ttl_s = minimum < soa->ttl_s ? (uint32_t)minimum : soa->ttl_s;

	push_value(list, soa->name, soa, soa->values[0], ttl_s);
}

static ldns_pkt *
new_packet(const ldns_pkt *query)
{
	ldns_pkt *p = ldns_pkt_new();

	if (p == NULL)
		abort();
	ldns_pkt_set_id(p, ldns_pkt_id(query));
	ldns_pkt_set_qr(p, true);
	ldns_pkt_set_rd(p, ldns_pkt_rd(query));
	ldns_pkt_push_rr(p, LDNS_SECTION_QUESTION,
	    ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(query), 0)));
	if (ldns_pkt_edns(query))
		ldns_pkt_set_edns_udp_size(p, EDNS_BYTES_MAX);
	return p;
}

static size_t
write_packet(const ldns_pkt *p, uint8_t out[ANSWER_BYTES])
{
	uint8_t *wire = NULL;
	size_t n = 0;

	if (ldns_pkt2wire(&wire, p, &n) != LDNS_STATUS_OK || n > ANSWER_BYTES)
		n = 0;
	if (n > 0)
		memcpy(out, wire, n);
	free(wire);
	return n;
}

static void
push_list(ldns_pkt *p, ldns_pkt_section section, ldns_rr_list *list)
{
	ldns_pkt_push_rr_list(p, section, list);
	ldns_rr_list_free(list); /* the records now belong to the packet */
}

static void
fill_packet(ldns_pkt *p, const struct resolve_answer *a)
{
	ldns_rr_list *answer = ldns_rr_list_new(), *authority = ldns_rr_list_new();

	for (size_t i = 0; i < a->n; i++)
		push_set(answer, a->entries[i].owner, a->entries[i].set);
	if (a->soa != NULL)
		push_soa(authority, a->soa);
	if (a->referral != NULL)
		push_set(authority, a->referral->name, a->referral);
	push_list(p, LDNS_SECTION_ANSWER, answer);
	push_list(p, LDNS_SECTION_AUTHORITY, authority);
}

static size_t
answer_resolved(const struct view *view, const ldns_pkt *query, size_t max,
    uint8_t out[ANSWER_BYTES])
{
	static struct resolve_answer a; /* large; the loop is single */
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(query), 0);
	const ldns_rdf *owner = ldns_rr_owner(question);
	char name[NAME_TEXT_BYTES];
	ldns_pkt *p = new_packet(query);
	size_t n;

	if (ldns_rr_get_class(question) != LDNS_RR_CLASS_IN ||
	    (view->resolver && !ldns_pkt_rd(query)) ||
	    !name_from_wire(ldns_rdf_data(owner), ldns_rdf_size(owner), name)) {
		ldns_pkt_set_rcode(p, LDNS_RCODE_REFUSED);
	} else {
		resolve_question(view, name, (uint16_t)ldns_rr_get_type(question), &a);
		ldns_pkt_set_rcode(p, (uint8_t)a.rcode);
		/* A resolver has no authority, and offers recursion. */
		ldns_pkt_set_aa(p, a.authoritative && !view->resolver);
		ldns_pkt_set_ra(p, view->resolver);
		fill_packet(p, &a);
	}
	n = write_packet(p, out);
	if (n == 0 || n > max) {
		bool aa = ldns_pkt_aa(p);

		ldns_pkt_free(p);
		p = new_packet(query);
		ldns_pkt_set_aa(p, aa);
		ldns_pkt_set_tc(p, true);
		n = write_packet(p, out);
	}
	ldns_pkt_free(p);
	return n;
}

static size_t
answer_parsed(
    const struct view *view, const ldns_pkt *query, bool tcp, uint8_t out[ANSWER_BYTES])
{
	size_t max = tcp ? ANSWER_BYTES : UDP_BYTES;

	if (ldns_pkt_edns(query) && ldns_pkt_edns_version(query) != 0) {
		ldns_pkt *p = new_packet(query);

		ldns_pkt_set_edns_extended_rcode(p, 1); /* BADVERS is 16 */
		size_t n = write_packet(p, out);
		ldns_pkt_free(p);
		return n;
	}
	if (!tcp && ldns_pkt_edns(query) && ldns_pkt_edns_udp_size(query) > UDP_BYTES)
		max = ldns_pkt_edns_udp_size(query);
	if (!tcp && max > EDNS_BYTES_MAX)
		max = EDNS_BYTES_MAX;
	return answer_resolved(view, query, max, out);
}

size_t
answer_query(struct lab *lab, size_t server, const uint8_t *query, size_t bytes,
    bool tcp, uint8_t out[ANSWER_BYTES])
{
	const struct server_fault *fault = &lab->faults.servers[server];
	struct view view = {lab, fault->delay_ms, lab_now_ms(), server == lab->servers};
	ldns_pkt *parsed = NULL;
	size_t n;

	if (bytes < HEADER_BYTES || (query[2] & 0x80) != 0 || fault->mode == SERVER_OFF)
		return 0;
	lab->counters.dns_queries++;
	if (fault->mode == SERVER_SERVFAIL)
		return bare_answer(query, RCODE_SERVFAIL, out);
	if ((query[2] & 0x78) != 0)
		return bare_answer(query, RCODE_NOTIMP, out);
	if (read_16(query + 4) != 1 || read_16(query + 6) != 0 ||
	    read_16(query + 8) != 0 || read_16(query + 10) > 1 ||
	    ldns_wire2pkt(&parsed, query, bytes) != LDNS_STATUS_OK)
		return bare_answer(query, RCODE_FORMERR, out);
	n = answer_parsed(&view, parsed, tcp, out);
	ldns_pkt_free(parsed);
	return n;
}
