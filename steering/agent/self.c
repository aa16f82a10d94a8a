/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tick every 100 ms on CLOCK_BOOTTIME, which goes on while the machine sleeps, is
 * compared with when it should have come. libevent's own clock stands still then.
 *
 * A Date was stamped between sending and answer, so two of them may differ by as much
 * as our clock ran from the first's sending to the second's answer: a slow answer alone
 * is never a doubt.
 */
#include "steering/agent/self.h"

#include <event2/event.h>
#include <stdlib.h>

#include "steering/agent/facts.h"
#include "steering/agent/peers.h"
#include "steering/agent/service.h"
#include "steering/agent/workers.h"

#define TICK_MS 100
#define LATE_MS 250
#define GAP_MS 2000
#define DATE_S 5
#define SETTLE_MS 1000
#define MINUTE 60 /* slots of a second */

struct self {
	struct agent *agent;
	struct event *tick;
	uint64_t due_ms, ticked_ms;
	enum doubt shaken;  /* late, gap or date; NOT: none */
	uint64_t shaken_ms; /* last time */
	bool canary[CANARIES_MAX];
	bool canaries_doubt;
	enum doubt said;
	uint64_t late_max_ms, worker_late_max_ms;
	uint64_t minute_ms[MINUTE], minute_s; /* worst of each second */
	int64_t date_s;                       /* last, and when its request was sent */
	uint64_t date_sent_ms;
};

enum doubt
self_doubt(const struct self *s)
{
	if (s->shaken != DOUBT_NOT)
		return s->shaken;
	return s->canaries_doubt ? DOUBT_CANARIES : DOUBT_NOT;
}

static void
say(struct self *s, const char *text)
{
	enum doubt d = self_doubt(s);
	struct fact f = {.kind = FACT_DOUBT,
	    .level = d == DOUBT_NOT ? FACT_INFO : FACT_WARN,
	    .member = -1,
	    .at_ms = now_boot_ms()};

	if (d == s->said)
		return;
	s->said = d;
	(void)snprintf(
	    f.value, sizeof f.value, "%s", d == DOUBT_NOT ? "no" : doubt_word(d));
	(void)snprintf(f.text, sizeof f.text, "%s", text);
	facts_emit(s->agent->facts, NULL, NULL, &f);
}

static void
shake(struct self *s, enum doubt d, const char *text)
{
	s->shaken = d;
	s->shaken_ms = now_boot_ms();
	say(s, text);
	for (uint32_t i = 0; i < s->agent->services; i++)
		service_forget(s->agent->service[i]);
}

static void
settle(struct self *s, uint64_t now_ms)
{
	if (s->shaken == DOUBT_NOT || now_ms - s->shaken_ms < SETTLE_MS)
		return;
	s->shaken = DOUBT_NOT;
	say(s, "the loop runs well again: probes count from now on");
}

static void
note_late(struct self *s, uint64_t late_ms, uint64_t now_ms)
{
	uint64_t second = now_ms / 1000;

	if (late_ms > s->late_max_ms)
		s->late_max_ms = late_ms;
	for (uint64_t n = 0; s->minute_s < second && n < MINUTE; n++)
		s->minute_ms[++s->minute_s % MINUTE] = 0;
	s->minute_s = second;
	if (late_ms > s->minute_ms[second % MINUTE])
		s->minute_ms[second % MINUTE] = late_ms;
}

static void
judge_tick(struct self *s, uint64_t now_ms)
{
	uint64_t late_ms = now_ms > s->due_ms ? now_ms - s->due_ms : 0;
	uint64_t gap_ms = now_ms - s->ticked_ms;
	uint64_t worker_ms = workers_late_ms(s->agent->workers);
	char text[160];

	/* First: throwing evidence away is a step of every engine, and asks us again. */
	s->ticked_ms = now_ms;
	s->due_ms = now_ms + TICK_MS;
	note_late(s, late_ms, now_ms);
	if (worker_ms > s->worker_late_max_ms)
		s->worker_late_max_ms = worker_ms;
	if (gap_ms > GAP_MS) {
		(void)snprintf(text, sizeof text,
		    "nothing ran for %llu ms: was this machine paused? What the probes "
		    "said before is thrown away",
		    (unsigned long long)gap_ms);
		peers_paused(s->agent->peers);
		shake(s, DOUBT_GAP, text);
	} else if (late_ms > LATE_MS || worker_ms > LATE_MS) {
		(void)snprintf(text, sizeof text,
		    "the %s loop was late by %llu ms: too busy to trust its own "
		    "probes, which are thrown away",
		    late_ms > LATE_MS ? "agent's" : "prober's",
		    (unsigned long long)(late_ms > LATE_MS ? late_ms : worker_ms));
		shake(s, DOUBT_LATE, text);
	} else {
		settle(s, now_ms);
	}
}

void
self_look(struct self *s)
{
	uint64_t now_ms = now_boot_ms();

	if (now_ms > s->due_ms + LATE_MS)
		judge_tick(s, now_ms);
}

static void
arm(struct self *s)
{
	struct timeval t = {.tv_usec = TICK_MS * 1000};

	s->ticked_ms = now_boot_ms();
	s->due_ms = s->ticked_ms + TICK_MS;
	(void)event_add(s->tick, &t);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct self *s = arg;

	(void)fd;
	(void)what;
	judge_tick(s, now_boot_ms());
	arm(s);
}

void
self_canary(struct self *s, uint32_t canary, bool passes)
{
	uint32_t n = s->agent->config->canaries, pass = 0;
	char text[96];

	if (canary >= n)
		return;
	s->canary[canary] = passes;
	for (uint32_t i = 0; i < n; i++)
		pass += s->canary[i];
	s->canaries_doubt = pass * 3 < n * 2;
	(void)snprintf(
	    text, sizeof text, "%u of %u canaries pass", (unsigned)pass, (unsigned)n);
	say(s, text);
}

void
self_date(struct self *s, int64_t date_wall_s, uint64_t sent_ms, uint64_t done_ms)
{
	struct agent *a = s->agent;
	int64_t ours_s = (int64_t)((done_ms - s->date_sent_ms) / 1000);
	int64_t ahead_s = date_wall_s - s->date_s - ours_s;
	int64_t expected_s = agent_now_wall_s(a);
	char text[160];

	if (date_wall_s == 0)
		return;
	if (s->date_s != 0 && ahead_s > DATE_S) {
		(void)snprintf(text, sizeof text,
		    "the provider's clock ran %lld s ahead of this machine's: was it "
		    "paused? What the probes said before is thrown away",
		    (long long)ahead_s);
		shake(s, DOUBT_DATE, text);
	}
	s->date_s = date_wall_s;
	s->date_sent_ms = sent_ms;
	/* A late answer must not turn the clock back by its lateness. */
	if (expected_s != 0 && date_wall_s < expected_s &&
	    expected_s - date_wall_s < 10)
		return;
	a->date_wall_s = date_wall_s;
	a->date_ms = done_ms;
}

uint64_t
self_late_max_ms(const struct self *s)
{
	return s->late_max_ms;
}

uint64_t
self_worker_late_max_ms(const struct self *s)
{
	return s->worker_late_max_ms;
}

uint64_t
self_late_minute_ms(const struct self *s)
{
	uint64_t worst_ms = 0;

	for (unsigned i = 0; i < MINUTE; i++)
		if (s->minute_ms[i] > worst_ms)
			worst_ms = s->minute_ms[i];
	return worst_ms;
}

struct self *
self_new(struct agent *a, struct err *e)
{
	struct self *s = calloc(1, sizeof *s);

	if (s != NULL) {
		s->agent = a;
		/* Until a canary has spoken the warm-up holds everything anyway. */
		for (unsigned i = 0; i < CANARIES_MAX; i++)
			s->canary[i] = true;
		s->minute_s = now_boot_ms() / 1000;
		s->tick = evtimer_new(a->base, on_tick, s);
	}
	if (s == NULL || s->tick == NULL) {
		free(s);
		(void)err_set(e, "cannot watch the loop: out of memory");
		return NULL;
	}
	arm(s);
	return s;
}

void
self_free(struct self *s)
{
	if (s == NULL)
		return;
	event_free(s->tick);
	free(s);
}
