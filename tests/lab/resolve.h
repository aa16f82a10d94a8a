/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - from a question to record sets: what an authoritative server answers.
 *
 * RFC 1034 4.3.2 with Route 53's routing policies and aliases; no wire format here.
 */
#ifndef LAB_RESOLVE_H
#define LAB_RESOLVE_H

#include "tests/lab/name.h"
#include "tests/lab/pick.h"

enum { RESOLVE_ENTRIES_MAX = 24 };

enum resolve_rcode { /* the numbers of the DNS */
	RESOLVE_NOERROR = 0,
	RESOLVE_SERVFAIL = 2,
	RESOLVE_NXDOMAIN = 3,
	RESOLVE_REFUSED = 5,
};

struct resolve_entry {
	char owner[NAME_TEXT_BYTES];
	const struct rrset *set; /* borrowed until the next change */
};

struct resolve_answer {
	enum resolve_rcode rcode;
	bool authoritative;
	struct resolve_entry entries[RESOLVE_ENTRIES_MAX];
	size_t n;
	const struct rrset *soa;      /* of a negative answer, or NULL */
	const struct rrset *referral; /* NS of a zone cut, or NULL */
};

/* name in text form; type 255 is ANY, answered with one set (RFC 8482). */
void resolve_question(
    const struct view *view, const char *name, uint16_t type, struct resolve_answer *a);

#endif
