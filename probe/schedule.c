/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stagger is the golden-ratio sequence: the n-th beat starts at frac(n·φ) of its
 * interval, which is even for every n, so that beats may come one by one (a name
 * resolves late, a reload adds targets) and nobody has to be moved. Spreading N known
 * beats at N equal steps was rejected because N is not known.
 *
 * Jitter is around a fixed grid and not from probe to probe: summed jitter is a random
 * walk, and after an hour the even stagger would be gone.
 */
#include "probe/schedule.h"

#include <assert.h>

/* frac(φ) as a fraction of 2^64: multiplication wraps, which is the frac(). */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define ONCE_STEP_US 200 /* one-shot starts: 5,000 a second */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
draw(struct schedule *s)
{
	uint64_t z = s->state += GOLDEN;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* part / 2^32 of whole; whole is an interval, far below 2^32 milliseconds. */
static uint64_t
share(uint64_t whole, uint64_t part)
{
	return (whole >> 16) * (part >> 16) + (((whole & 0xffff) * (part >> 16)) >> 16);
}

static uint64_t
jittered(struct schedule *s, const struct beat *b)
{
	uint64_t span_us = b->every_us / 10;

	return b->grid_us - span_us / 2 + share(span_us, draw(s) >> 32);
}

void
schedule_init(struct schedule *s, uint64_t seed, bool once)
{
	*s = (struct schedule){.state = seed, .once = once};
}

void
schedule_fini(struct schedule *s)
{
	heap_fini(&s->heap);
}

void
schedule_add(struct schedule *s, struct beat *b, uint64_t every_us, uint64_t recheck_us,
    uint64_t now_us)
{
	uint64_t n = s->added++;

	assert(every_us > 0 && b->node.place == 0);
	b->every_us = every_us;
	b->recheck_us = recheck_us;
	b->running = false;
	if (s->once)
		b->grid_us = now_us + n * ONCE_STEP_US;
	else
		b->grid_us = now_us + share(every_us, (n * GOLDEN) >> 32);
	/* The first start has no jitter: it must not lie in the past. */
	heap_put(&s->heap, &b->node, b->grid_us);
}

void
schedule_remove(struct schedule *s, struct beat *b)
{
	heap_remove(&s->heap, &b->node);
	b->running = false;
}

struct beat *
schedule_due(struct schedule *s, uint64_t now_us)
{
	struct heap_node *n = heap_first(&s->heap);
	struct beat *b;

	if (n == NULL || n->due_us > now_us)
		return NULL;
	b = heap_entry(n, struct beat, node);
	heap_remove(&s->heap, n);
	assert(!b->running);
	b->running = true;
	if (now_us - n->due_us > s->late_us)
		s->late_us = now_us - n->due_us;
	if (!s->once)
		s->missed += (now_us - n->due_us) / b->every_us;
	return b;
}

void
schedule_done(struct schedule *s, struct beat *b, enum beat_next next, uint64_t now_us)
{
	uint64_t gap_us = b->recheck_us < b->every_us ? b->recheck_us : b->every_us;
	uint64_t due_us;

	assert(b->running);
	b->running = false;
	if (s->once)
		return;
	if (next == BEAT_RECHECK) {
		heap_put(&s->heap, &b->node, now_us + b->recheck_us);
		return;
	}
	b->grid_us += b->every_us;
	if (b->grid_us <= now_us)
		b->grid_us += ((now_us - b->grid_us) / b->every_us + 1) * b->every_us;
	due_us = jittered(s, b);
	/* Coming back from rechecks just before a grid point: keep some distance. */
	if (due_us < now_us + gap_us / 2)
		due_us = now_us + gap_us / 2;
	heap_put(&s->heap, &b->node, due_us);
}

uint64_t
schedule_next_us(const struct schedule *s)
{
	const struct heap_node *n = heap_first(&s->heap);

	return n == NULL ? UINT64_MAX : n->due_us;
}

uint64_t
schedule_take_late_us(struct schedule *s)
{
	uint64_t late_us = s->late_us;

	s->late_us = 0;
	return late_us;
}
