/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolve.h - one name and one family, asked without waiting.
 *
 * The name is absolute: no search list. With name servers of our own only they are
 * asked; with the system's, /etc/hosts is honoured too (held open: hosts.h).
 */
#ifndef PROBE_RESOLVE_H
#define PROBE_RESOLVE_H

#include <event2/event.h>

#include "probe/address.h"
#include "steering/core/bounds.h"
#include "steering/core/err.h"

/* More than a target can hold, so that a target whose name has too many keeps those
 * that it has when the servers turn the answer round. */
#define RESOLVE_ADDRESSES_MAX 256

enum resolve_status {
	RESOLVE_FAILED = 0, /* no answer, an error, or no such name: `why` says it */
	RESOLVE_EMPTY,      /* the name exists without an address of this family */
	RESOLVE_FOUND,
};

struct resolve_answer {
	enum resolve_status status;
	uint32_t ttl_s;     /* FOUND: the least of the chain */
	uint32_t addresses; /* what is beyond the maximum is left out */
	struct address address[RESOLVE_ADDRESSES_MAX]; /* sorted, none twice */
	char why[96];                                  /* "" when found */
};

typedef void resolve_done_fn(void *arg, const struct resolve_answer *a);

struct resolver;
struct resolve_query;

/* nameservers: "ip[:port],…"; "" the system's. */
struct resolver *resolver_new(
    struct event_base *base, const char *nameservers, struct err *e) MUST_CHECK;
/* Every query must have been told or cancelled before. */
void resolver_free(struct resolver *r);

/* done is called once, never before this returns, unless it is cancelled first.
 * NULL: out of memory. */
struct resolve_query *resolver_ask(struct resolver *r, const char *name,
    enum family family, resolve_done_fn *done, void *arg);
void resolver_cancel(struct resolve_query *q);

/* ---- messages: what c-ares makes and unfolds, for questions that others send ---- */

#define RESOLVE_NAME_MAX 1024    /* 255 bytes, each perhaps written as \DDD */
#define RESOLVE_QUESTION_MAX 320 /* header, name, type, class */

/* A configured name as c-ares spells it: \052 of a wildcard is *. */
void resolve_spell(const char *name, char out[DNS_NAME_MAX + 1]);
/* A question of class IN, transaction 0, recursion wanted, no EDNS. The name is as in
 * the configuration (\052 for a wildcard's star). Returns its bytes; 0: no such name. */
size_t
resolve_question(const char *name, uint16_t type, uint8_t out[RESOLVE_QUESTION_MAX]);
/* The name that stands at `at` in a message, without its last dot. Returns how many
 * bytes it takes up there; 0: it is broken, or longer than out. */
size_t resolve_expand(
    const uint8_t *message, size_t bytes, size_t at, char *out, size_t out_bytes);

#endif
