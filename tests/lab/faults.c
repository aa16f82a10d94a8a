/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of keywords. A form is read into a copy, so that a request with a mistake
 * in it changes nothing. Counters are spent where the fault happens; this file knows no
 * sockets.
 */
#include "tests/lab/faults.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

enum { COUNT_MAX = 1000000, MS_MAX = 86400000 };

struct form {
	const struct evkeyvalq *pairs;
	struct faults *f;
	size_t servers;
	uint64_t now_ms;
	char *why;
};

void
faults_init(struct faults *f, uint64_t insync_ms, bool old_errors)
{
	memset(f, 0, sizeof *f);
	f->insync_ms = f->insync_first_ms = insync_ms;
	f->old_errors = f->old_errors_first = old_errors;
}

static bool
read_count(struct form *form, const char *text, uint64_t max, uint64_t *n)
{
	char *end;

	if (*text >= '0' && *text <= '9') {
		*n = strtoull(text, &end, 10);
		if (*end == '\0' && *n <= max)
			return true;
	}
	snprintf(form->why, FAULTS_WHY_BYTES,
	    "\"%.60s\" is not a number from 0 to %llu", text, (unsigned long long)max);
	return false;
}

static bool
complain(struct form *form, const char *text, const char *wanted)
{
	snprintf(form->why, FAULTS_WHY_BYTES, "\"%.60s\" is none of %s", text, wanted);
	return false;
}

/* count=N beside another keyword; 1 when it is not given. */
static bool
read_times(struct form *form, uint64_t *n)
{
	const char *text = evhttp_find_header(form->pairs, "count");

	*n = 1;
	return text == NULL || read_count(form, text, COUNT_MAX, n);
}

static bool
is_given(const struct form *form, const char *key)
{
	const char *text = evhttp_find_header(form->pairs, key);

	return text != NULL && (strcmp(text, "1") == 0 || strcmp(text, "on") == 0);
}

static bool
set_lose(struct form *form, const char *text)
{
	return read_count(form, text, COUNT_MAX, &form->f->lose_answers);
}

static bool
set_late(struct form *form, const char *text)
{
	form->f->late_close = is_given(form, "close");
	form->f->late_answer = is_given(form, "answer");
	return read_count(form, text, MS_MAX, &form->f->late_ms) &&
	    read_times(form, &form->f->late_count);
}

static bool
set_throttle(struct form *form, const char *text)
{
	return read_count(form, text, COUNT_MAX, &form->f->throttle);
}

static bool
set_prior(struct form *form, const char *text)
{
	return read_count(form, text, COUNT_MAX, &form->f->prior);
}

static bool
set_error(struct form *form, const char *text)
{
	const char *on = evhttp_find_header(form->pairs, "on");
	uint64_t status;

	if (!read_count(form, text, 599, &status) ||
	    !read_times(form, &form->f->error_count))
		return false;
	if (status < 500)
		return complain(form, text, "500, 502, 503, 504");
	form->f->error_status = (int)status;
	form->f->error_applied = is_given(form, "applied");
	form->f->error_scope = FAULT_ANY;
	if (on == NULL || strcmp(on, "any") == 0)
		return true;
	form->f->error_scope = strcmp(on, "change") == 0 ? FAULT_CHANGE : FAULT_READ;
	if (form->f->error_scope == FAULT_READ && strcmp(on, "read") != 0)
		return complain(form, on, "any, change, read");
	return true;
}

static bool
set_outage(struct form *form, const char *text)
{
	uint64_t ms = 0;

	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0 &&
	    !read_count(form, text, MS_MAX, &ms))
		return complain(form, text, "on, off, milliseconds");
	form->f->outage = strcmp(text, "off") != 0;
	form->f->outage_until_ms = ms > 0 ? form->now_ms + ms : 0;
	return true;
}

static bool
set_refuse(struct form *form, const char *text)
{
	return read_count(form, text, MS_MAX, &form->f->refuse_ms);
}

static bool
set_slow(struct form *form, const char *text)
{
	return read_count(form, text, MS_MAX, &form->f->slow_ms);
}

static bool
set_insync(struct form *form, const char *text)
{
	return read_count(form, text, MS_MAX, &form->f->insync_ms);
}

/* Which servers are meant: [*first, *end). */
static bool
read_servers(struct form *form, size_t *first, size_t *end)
{
	const char *text = evhttp_find_header(form->pairs, "server");
	uint64_t i;

	*first = 0;
	*end = form->servers;
	if (text == NULL)
		return true;
	if (!read_count(form, text, FAULTS_SERVERS_MAX - 1, &i))
		return false;
	if (i >= form->servers)
		return complain(form, text, "the name servers that there are");
	*first = (size_t)i;
	*end = (size_t)i + 1;
	return true;
}

static bool
set_dns(struct form *form, const char *text)
{
	static const char *const modes[] = {
	    [SERVER_ON] = "on",
	    [SERVER_OFF] = "off",
	    [SERVER_SERVFAIL] = "servfail",
	};
	size_t first, end;

	if (!read_servers(form, &first, &end))
		return false;
	for (size_t mode = 0; mode < 3; mode++) {
		if (strcmp(text, modes[mode]) != 0)
			continue;
		for (size_t i = first; i < end; i++)
			form->f->servers[i].mode = (enum server_mode)mode;
		return true;
	}
	return complain(form, text, "on, off, servfail");
}

static bool
set_dns_delay(struct form *form, const char *text)
{
	size_t first, end;
	uint64_t ms;

	if (!read_servers(form, &first, &end) || !read_count(form, text, MS_MAX, &ms))
		return false;
	for (size_t i = first; i < end; i++)
		form->f->servers[i].delay_ms = ms;
	return true;
}

static bool
set_clock(struct form *form, const char *text)
{
	char *end;
	long long s = strtoll(text, &end, 10);

	if (*text == '\0' || *end != '\0' || s > MS_MAX || s < -MS_MAX)
		return complain(form, text, "seconds, like +400 or -400");
	form->f->clock_s = s;
	return true;
}

static bool
set_stale(struct form *form, const char *text)
{
	return read_count(form, text, COUNT_MAX, &form->f->stale_lists);
}

static bool
set_old_errors(struct form *form, const char *text)
{
	form->f->old_errors = strcmp(text, "on") == 0;
	if (!form->f->old_errors && strcmp(text, "off") != 0)
		return complain(form, text, "on, off");
	return true;
}

static bool
set_clear(struct form *form, const char *text)
{
	(void)text;
	faults_init(form->f, form->f->insync_first_ms, form->f->old_errors_first);
	return true;
}

static bool
set_beside(struct form *form, const char *text)
{
	(void)form, (void)text; /* read by the keyword it stands beside */
	return true;
}

static const struct {
	const char *key;
	bool (*set)(struct form *form, const char *text);
} keywords[] = {
    {"clear", set_clear},
    {"lose-answer", set_lose},
    {"late", set_late},
    {"throttle", set_throttle},
    {"prior", set_prior},
    {"error", set_error},
    {"outage", set_outage},
    {"refuse", set_refuse},
    {"slow", set_slow},
    {"insync-ms", set_insync},
    {"dns", set_dns},
    {"dns-delay", set_dns_delay},
    {"clock", set_clock},
    {"stale-list", set_stale},
    {"old-errors", set_old_errors},
    {"count", set_beside},
    {"close", set_beside},
    {"answer", set_beside},
    {"on", set_beside},
    {"applied", set_beside},
    {"server", set_beside},
};

enum { KEYWORDS = sizeof keywords / sizeof *keywords };

static bool
set_one(struct form *form, const struct evkeyval *pair)
{
	for (size_t i = 0; i < KEYWORDS; i++)
		if (strcmp(keywords[i].key, pair->key) == 0)
			return keywords[i].set(form, pair->value);
	snprintf(form->why, FAULTS_WHY_BYTES, "there is no fault \"%.60s\"", pair->key);
	return false;
}

bool
faults_set(struct faults *f, const struct evkeyvalq *form, size_t servers,
    uint64_t now_ms, char why[FAULTS_WHY_BYTES])
{
	struct faults next = *f;
	struct form in = {form, &next, servers, now_ms, why};
	const struct evkeyval *pair;

	TAILQ_FOREACH(pair, form, next)
	if (!set_one(&in, pair))
		return false;
	*f = next;
	return true;
}

bool
faults_is_out(struct faults *f, uint64_t now_ms)
{
	if (f->outage && f->outage_until_ms != 0 && now_ms >= f->outage_until_ms)
		f->outage = false;
	return f->outage;
}

bool
faults_spend(uint64_t *count)
{
	if (*count == 0)
		return false;
	--*count;
	return true;
}

bool
faults_spend_error(struct faults *f, bool is_change)
{
	if (f->error_scope == FAULT_CHANGE && !is_change)
		return false;
	if (f->error_scope == FAULT_READ && is_change)
		return false;
	return faults_spend(&f->error_count);
}

uint64_t
faults_delay_max_ms(const struct faults *f)
{
	uint64_t max = 0;

	for (size_t i = 0; i < FAULTS_SERVERS_MAX; i++)
		if (f->servers[i].delay_ms > max)
			max = f->servers[i].delay_ms;
	return max;
}

void
bucket_init(struct bucket *b, double rate, double burst, uint64_t now_ms)
{
	b->rate = rate;
	b->burst = burst;
	b->tokens = burst;
	b->at_ms = now_ms;
}

bool
bucket_take(struct bucket *b, uint64_t now_ms)
{
	if (b->rate <= 0)
		return true;
	b->tokens += b->rate * (double)(now_ms - b->at_ms) / 1000.0;
	if (b->tokens > b->burst)
		b->tokens = b->burst;
	b->at_ms = now_ms;
	if (b->tokens < 1)
		return false;
	b->tokens -= 1;
	return true;
}
