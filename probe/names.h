/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - names that stay resolved.
 *
 * A name is asked again when its TTL is over (at least 1 s, at most 300 s), after
 * trouble with doubling rests of 1 to 30 s, and at once when one of its addresses
 * first fails (at most once a second). Trouble never takes addresses away: an error
 * keeps a family's last ones, and so does an answer that would leave none at all. An
 * empty family beside one that has addresses is believed.
 *
 * Users with the same host and families share one name and its queries.
 */
#ifndef PROBE_NAMES_H
#define PROBE_NAMES_H

#include "probe/loop.h"
#include "probe/resolve.h"

struct names;
struct name;

struct name_user { /* in the caller's storage */
	/* The addresses now; called only when they may have changed. None twice. */
	void (*changed)(struct name_user *u, const struct address *a, uint32_t n);
	/* Trouble began (a sentence) or is over (NULL). */
	void (*trouble)(struct name_user *u, const char *why);
	struct name *name; /* NULL: not joined */
	bool in_trouble;   /* as told */
	struct name_user *next, **back;
};

/* Both are borrowed for its life. */
struct names *names_new(struct loop *loop, struct resolver *resolver);
void names_free(struct names *n); /* every user must have left */
/* Callbacks come later, never from here. False: out of memory. */
bool names_join(struct names *n, struct name_user *u, const char *host,
    const bool families[FAMILIES]) MUST_CHECK;
/* Nothing happens when it has not joined. */
void names_leave(struct names *n, struct name_user *u);
/* An address of this name failed for the first time. */
void names_suspect(struct names *n, struct name *name);

#endif
