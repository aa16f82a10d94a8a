/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quote does three jobs at once: it dates a message on our own clock, it makes a
 * link that carries one way only worth nothing, and it tells a message recorded in an
 * earlier life of ours from one that is meant for this. Round-trip measurement and
 * synchronised clocks were rejected: both trust what a paused machine says of itself.
 */
#include "steering/core/peer.h"

#include <assert.h>
#include <string.h>

#define BOOT_RANDOM_BITS 12

static int
compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

int
peer_stamp_compare(const struct peer_stamp *a, const struct peer_stamp *b)
{
	int boot = compare(a->boot, b->boot);

	return boot != 0 ? boot : compare(a->seq, b->seq);
}

uint64_t
peer_boot(uint64_t wall_ms, uint64_t random, uint64_t stored)
{
	uint64_t boot = wall_ms << BOOT_RANDOM_BITS |
	    (random & ((UINT64_C(1) << BOOT_RANDOM_BITS) - 1));

	return boot > stored ? boot : stored + 1;
}

/* ---- our own ---- */

void
peer_own_init(struct peer_own *own, uint64_t boot)
{
	assert(boot != 0);
	memset(own, 0, sizeof *own);
	own->last.boot = boot;
}

struct peer_stamp
peer_own_send(struct peer_own *own, uint64_t now_ms)
{
	own->last.seq++;
	own->sent_ms[own->last.seq % PEER_RING] = now_ms;
	return own->last;
}

bool
peer_own_sent(
    const struct peer_own *own, const struct peer_stamp *quoted, uint64_t *sent_ms)
{
	if (quoted->seq == 0 || quoted->boot != own->last.boot ||
	    quoted->seq > own->last.seq || own->last.seq - quoted->seq >= PEER_RING)
		return false;
	*sent_ms = own->sent_ms[quoted->seq % PEER_RING];
	return true;
}

/* ---- theirs ---- */

const char *
peer_take_word(enum peer_take t)
{
	static const char *const word[PEER_TAKES] = {
	    [PEER_TAKEN] = "taken",
	    [PEER_UNDATED] = "undated",
	    [PEER_REPLAYED] = "replayed",
	    [PEER_OUTLIVED] = "outlived",
	    [PEER_UNSOUND] = "unsound",
	};

	assert(t < PEER_TAKES);
	return word[t];
}

static bool
is_sound(const struct peer_own *own, const struct peer_envelope *m)
{
	const struct peer_stamp *q = &m->quoted;

	if (m->stamp.boot == 0 || m->stamp.seq == 0 || (q->boot == 0) != (q->seq == 0))
		return false;
	return q->boot != own->last.boot || q->seq <= own->last.seq;
}

/* One process quotes ever more of us: a refused message that quotes more than the one
 * it came behind was written by another. */
static bool
shows_clone(const struct peer *p, const struct peer_own *own,
    const struct peer_envelope *m, uint64_t fresh_ms, uint64_t now_ms)
{
	uint64_t sent_ms;

	if (m->stamp.boot < p->last.boot)
		return now_ms - p->boot_ms > fresh_ms ||
		    (peer_own_sent(own, &m->quoted, &sent_ms) && sent_ms > p->boot_ms);
	return m->quoted.boot == own->last.boot &&
	    peer_stamp_compare(&m->quoted, &p->quoted) > 0;
}

static enum peer_take
take_new(struct peer *p, const struct peer_own *own, const struct peer_envelope *m,
    uint64_t now_ms, uint64_t *sent_ms)
{
	if (m->stamp.boot != p->last.boot) {
		memset(p, 0, sizeof *p);
		p->boot_ms = now_ms;
	}
	p->last = m->stamp;
	p->quoted = m->quoted;
	p->taken_ms = now_ms;
	if (!peer_own_sent(own, &m->quoted, sent_ms)) {
		p->dated = false;
		return PEER_UNDATED;
	}
	if (!p->dated || *sent_ms > p->sent_ms)
		p->sent_ms = *sent_ms;
	p->dated = true;
	return PEER_TAKEN;
}

enum peer_take
peer_take(struct peer *p, const struct peer_own *own, const struct peer_envelope *m,
    uint64_t fresh_ms, uint64_t now_ms, uint64_t *sent_ms, bool *cloned)
{
	*cloned = false;
	*sent_ms = 0;
	if (!is_sound(own, m))
		return PEER_UNSOUND;
	if (p->last.boot != 0 && now_ms - p->taken_ms > fresh_ms)
		memset(p, 0, sizeof *p);
	if (peer_stamp_compare(&m->stamp, &p->last) > 0)
		return take_new(p, own, m, now_ms, sent_ms);
	*cloned = !p->cloned && shows_clone(p, own, m, fresh_ms, now_ms);
	p->cloned |= *cloned;
	return m->stamp.boot < p->last.boot ? PEER_OUTLIVED : PEER_REPLAYED;
}

bool
peer_heard(const struct peer *p, uint64_t fresh_ms, uint64_t now_ms)
{
	return p->dated && peer_age_ms(p, now_ms) <= fresh_ms;
}

uint64_t
peer_age_ms(const struct peer *p, uint64_t now_ms)
{
	if (!p->dated)
		return UINT64_MAX;
	return now_ms > p->sent_ms ? now_ms - p->sent_ms : 0;
}

struct peer_stamp
peer_quote(const struct peer *p)
{
	return p->last;
}
