/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An act is taken whole at its start (words filled in, secrets read, addresses copied),
 * so that a reload in the middle changes nothing of it. Its end is noted and told one
 * turn of the loop later: whoever is told may start the next act, or end the agent, and
 * no callback of curl or of a process is below it on the stack.
 *
 * Nothing is repeated here but what was certainly not carried out: repeating is the
 * scenario's, with a new fence.
 */
#include "steering/agent/act.h"

#include <assert.h>
#include <ctype.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "probe/clock.h"
#include "steering/agent/act_parts.h"
#include "steering/agent/agent.h"
#include "steering/zone/http.h"

struct acts {
	struct event_base *base;
	struct http *http; /* NULL: no webhook yet */
	struct act_places *places;
	struct act *first;
};

/* ---- what acts share ---- */

static struct acts *
acts_of(struct agent *a)
{
	if (a->acts == NULL) {
		a->acts = calloc(1, sizeof *a->acts);
		if (a->acts == NULL)
			abort();
		a->acts->base = a->base;
	}
	return a->acts;
}

struct http *
acts_http(struct acts *all, struct err *e)
{
	if (all->http == NULL)
		all->http = http_new(all->base, e);
	return all->http;
}

struct act_places *
acts_places(struct acts *all)
{
	if (all->places == NULL)
		all->places = act_places_new(all->base);
	return all->places;
}

/* ---- words about it ---- */

uint64_t
act_left_ms(const struct act *x)
{
	uint64_t now_ms = now_boot_ms();

	return now_ms < x->give_up_ms ? x->give_up_ms - now_ms : 0;
}

const char *
act_span(uint64_t ms, char text[ACT_SPAN_BYTES])
{
	if (ms < 1000)
		(void)snprintf(text, ACT_SPAN_BYTES, "%u ms", (unsigned)ms);
	else if (ms < 10000)
		(void)snprintf(text, ACT_SPAN_BYTES, "%u.%u s", (unsigned)(ms / 1000),
		    (unsigned)(ms % 1000 / 100));
	else if (ms < 120000)
		(void)snprintf(text, ACT_SPAN_BYTES, "%u s", (unsigned)(ms / 1000));
	else
		(void)snprintf(
		    text, ACT_SPAN_BYTES, "%llu min", (unsigned long long)(ms / 60000));
	return text;
}

void
act_tail(struct act *x, const char *bytes, size_t n)
{
	char *out = x->r.tail;
	size_t from = n < ACT_TAIL_BYTES ? 0 : n - (ACT_TAIL_BYTES - 1);

	for (size_t i = from; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];
		/* C1 control characters too, as UTF-8 writes them. */
		bool c1 = c == 0xc2 && i + 1 < n &&
		    (unsigned char)bytes[i + 1] >= 0x80 &&
		    (unsigned char)bytes[i + 1] < 0xa0;
		bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || c1;

		*out++ = control ? '?' : (char)c;
		i += c1;
	}
	*out = '\0';
}

/* ": " and what stands in [from, to), as far as there is room; "" for nothing. */
static const char *
quote(const char *from, const char *to, char line[ACT_LINE_BYTES])
{
	char *out = line;

	while (from < to && !isgraph((unsigned char)*from))
		from++;
	if (from < to) {
		*out++ = ':';
		*out++ = ' ';
	}
	for (; from < to && out < line + ACT_LINE_BYTES - 1; from++)
		*out++ = isprint((unsigned char)*from) ? *from : '?';
	*out = '\0';
	return line;
}

const char *
act_last_line(const struct act *x, char line[ACT_LINE_BYTES])
{
	const char *tail = x->r.tail, *to = tail + strlen(tail), *from;

	while (to > tail && !isgraph((unsigned char)to[-1]))
		to--;
	for (from = to; from > tail && from[-1] != '\n';)
		from--;
	return quote(from, to, line);
}

const char *
act_first_line(const struct act *x, char line[ACT_LINE_BYTES])
{
	const char *from = x->r.tail;

	while (*from != '\0' && !isgraph((unsigned char)*from))
		from++;
	return quote(from, from + strcspn(from, "\n"), line);
}

/* ---- life ---- */

static void
stop(struct act *x)
{
	if (x->exec != NULL)
		act_exec_stop(x);
	if (x->webhook != NULL)
		act_webhook_stop(x);
	if (x->aws != NULL)
		act_aws_stop(x);
	if (x->check != NULL)
		act_check_stop(x);
	if (x->done != NULL)
		event_free(x->done);
	*x->link = x->next;
	if (x->next != NULL)
		x->next->link = x->link;
	free(x);
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct act *x = arg;
	struct act_result r = x->r;
	act_cb cb = x->cb;
	void *cb_arg = x->arg;

	(void)fd;
	(void)what;
	stop(x);
	cb(&r, cb_arg);
}

void
act_end(struct act *x, enum acted acted, const char *format, ...)
{
	struct timeval now = {0};
	va_list args;

	if (x->ended)
		return;
	x->ended = true;
	x->r.acted = acted;
	x->r.ended_ms = now_boot_ms();
	va_start(args, format);
	(void)vsnprintf(x->r.text, sizeof x->r.text, format, args);
	va_end(args);
	if (event_add(x->done, &now) != 0)
		abort(); /* only when memory is gone for good */
}

static bool
begin(struct act *x, const struct config *c, const struct config_act *act,
    uint32_t service, const struct act_words *words, struct err *e)
{
	switch (act->kind) {
	case ACT_EXEC:
		return act_exec_start(x, act, words, e);
	case ACT_WEBHOOK:
		return act_webhook_start(x, act, words, e);
	case ACT_AWS:
		return act_aws_start(x, act, words, e);
	case ACT_CHECK:
		return act_check_start(x, act, c, service, words, e);
	case ACT_NONE:
		break;
	}
	return err_set(e, "there is nothing to perform in this slot");
}

struct act *
act_start(struct agent *a, const struct config_act *act, uint32_t service,
    const struct act_words *words, act_cb cb, void *arg, struct err *e)
{
	struct act *x = calloc(1, sizeof *x);

	assert(act->timeout_ms > 0);
	if (x == NULL)
		abort();
	x->all = acts_of(a);
	x->base = a->base;
	x->jobs = a->jobs;
	x->cb = cb;
	x->arg = arg;
	x->begin_ms = now_boot_ms();
	x->give_up_ms = x->begin_ms + act->timeout_ms;
	x->next = x->all->first;
	x->link = &x->all->first;
	if (x->next != NULL)
		x->next->link = &x->next;
	x->all->first = x;
	x->done = evtimer_new(x->base, on_done, x);
	if (x->done == NULL)
		abort();
	if (begin(x, a->config, act, service, words, e))
		return x;
	stop(x);
	return NULL;
}

void
act_kill(struct act *x)
{
	if (x->ended)
		return;
	if (x->exec != NULL)
		act_exec_kill(x);
	else if (x->check != NULL)
		act_end(x, ACTED_UNKNOWN, "the check was no longer waited for");
	else if (x->aws != NULL && act_aws_accepted(x))
		act_end(x, ACTED_UNKNOWN,
		    "AWS had accepted the call; its end was no longer waited for");
	else
		act_end(x, ACTED_UNKNOWN,
		    "the call was given up under way: it may have been carried out, "
		    "and may still be");
}

void
act_forget(struct act *x)
{
	stop(x);
}

void
acts_free(struct agent *a)
{
	struct acts *all = a->acts;

	if (all == NULL)
		return;
	while (all->first != NULL)
		stop(all->first);
	http_free(all->http);
	act_places_free(all->places);
	free(all);
	a->acts = NULL;
}
