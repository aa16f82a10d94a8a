/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words in braces are replaced once, from left to right; what was put in is not looked
 * at again, and braces around anything else are the operator's own. No shell sees the
 * result, so nothing is quoted.
 *
 * The last line of the output goes into the sentence, because it is where programs say
 * what is wrong: printable characters alone, and not many of them.
 */
#include "steering/agent/exec_check.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "probe/address.h"
#include "probe/result.h"

#define LATE_US UINT64_C(250000) /* as late as makes an agent abstain */
#define LINE_MAX_BYTES 81

struct words {
	const char *site, *service, *member, *host, *port, *address;
};

/* ---- the way there ---- */

static const char *
word_value(const struct exec_word *word, size_t words, const char *name, size_t bytes)
{
	for (size_t i = 0; i < words; i++)
		if (strlen(word[i].name) == bytes &&
		    memcmp(word[i].name, name, bytes) == 0)
			return word[i].value;
	return NULL;
}

bool
exec_fill_in(const struct exec_word *word, size_t words, const char *template,
    char *out, size_t bytes)
{
	size_t used = 0;

	while (*template != '\0') {
		size_t n = *template == '{' ? strcspn(template + 1, "{}") : 0;
		const char *value = *template == '{' && template[1 + n] == '}'
		    ? word_value(word, words, template + 1, n)
		    : NULL;
		const char *from = value != NULL ? value : template;
		size_t take = value != NULL ? strlen(value) : 1;

		if (used + take >= bytes)
			return false;
		memcpy(out + used, from, take);
		used += take;
		template += value != NULL ? n + 2 : 1;
	}
	out[used] = '\0';
	return true;
}

static bool
fill_environment(const struct words *w, const char *check, struct runner_msg *m)
{
	return runner_add_env(m, "PATH", EXEC_PATH) && runner_add_env(m, "LANG", "C") &&
	    runner_add_env(m, "POINTSMAN_CHECK", check) &&
	    runner_add_env(m, "POINTSMAN_SITE", w->site) &&
	    runner_add_env(m, "POINTSMAN_SERVICE", w->service) &&
	    runner_add_env(m, "POINTSMAN_MEMBER", w->member) &&
	    runner_add_env(m, "POINTSMAN_HOST", w->host) &&
	    runner_add_env(m, "POINTSMAN_ADDRESS", w->address) &&
	    (w->port[0] == '\0' || runner_add_env(m, "POINTSMAN_PORT", w->port));
}

bool
exec_fill(const struct config *c, uint32_t service, uint32_t member, uint32_t endpoint,
    const char *address, struct runner_msg *m, struct err *e)
{
	const struct config_service *s = &c->service[service];
	const struct config_endpoint *at = &s->member[member].endpoint[endpoint];
	const struct check_spec *check = &c->check[s->member[member].check];
	const struct config_exec *exec = &c->exec[s->member[member].check];
	struct words w = {.site = s->rule.member[member].name,
	    /* a shadow's members are asked as what they are */
	    .service =
		s->shadow_of >= 0 ? c->service[s->shadow_of].rule.name : s->rule.name,
	    .member = s->rule.member[member].name,
	    .host = at->host,
	    .address = address};
	char port[8] = "", arg[RUNNER_TEXT_BYTES];
	struct address parsed;
	bool fits = true;

	assert(check->kind == CHECK_EXEC && exec->args > 0);
	if (!address_parse(&parsed, address) || address_forbidden(&parsed) != NULL)
		return err_set(e, "\"%.60s\" is no address for a program", address);
	if (at->port != 0)
		(void)snprintf(port, sizeof port, "%u", (unsigned)at->port);
	w.port = port;
	*m = (struct runner_msg){.kind = RUNNER_START,
	    .timeout_ms = check->timeout_ms,
	    .grace_ms = EXEC_GRACE_MS};
	const struct exec_word word[] = {{"site", w.site}, {"service", w.service},
	    {"member", w.member}, {"host", w.host}, {"port", w.port},
	    {"address", w.address}};
	for (uint32_t i = 0; i < exec->args && fits; i++)
		fits = exec_fill_in(word, sizeof word / sizeof word[0], exec->arg[i],
			   arg, sizeof arg) &&
		    runner_add_arg(m, arg);
	if (fits && fill_environment(&w, check->name, m))
		return true;
	return err_set(e, "its arguments are longer than %d characters when filled in",
	    RUNNER_TEXT_BYTES);
}

/* ---- and back ---- */

/* ": " and the last line that is not empty; "" when there is none. */
static const char *
last_line(const struct runner_event *end, char text[LINE_MAX_BYTES + 3])
{
	size_t to = end->tail_bytes, from;
	char *out = text;

	while (to > 0 && !isgraph((unsigned char)end->tail[to - 1]))
		to--;
	for (from = to; from > 0 && end->tail[from - 1] != '\n';)
		from--;
	if (from == to)
		return "";
	*out++ = ':';
	*out++ = ' ';
	for (; from < to && out < text + LINE_MAX_BYTES + 2; from++)
		*out++ =
		    isprint((unsigned char)end->tail[from]) ? end->tail[from] : '?';
	*out = '\0';
	return text;
}

void
exec_result(const struct runner_event *end, const struct check_spec *check,
    struct probe_result *r)
{
	uint64_t timeout_us = check->timeout_ms * 1000;
	char line[LINE_MAX_BYTES + 3];

	switch ((enum runner_end)end->end) {
	case RUNNER_NOT_STARTED:
		result_local(r, "cannot be started: %s", strerror(end->status));
		r->reason = PROBE_NOT_STARTED;
		return;
	case RUNNER_BUSY:
		result_local(r, "%d programs run already", RUNNER_JOBS_MAX);
		return;
	case RUNNER_KILLED:
		result_local(r, "it was killed before it had ended");
		return;
	case RUNNER_LOST:
	case RUNNER_ENDS:
		result_local(r, "the runner died");
		return;
	case RUNNER_EXIT:
	case RUNNER_SIGNAL:
	case RUNNER_DEADLINE:
		break;
	}
	/* It may have had its time or not: a paused machine pauses both. */
	if (end->took_us > timeout_us + LATE_US)
		result_local(r, "the runner was held up for %llu ms",
		    (unsigned long long)(end->took_us - timeout_us) / 1000);
	else if (end->end == RUNNER_DEADLINE)
		result_fail(r, PROBE_TIMEOUT, "did not end within %llu ms%s",
		    (unsigned long long)check->timeout_ms, last_line(end, line));
	else if (end->end == RUNNER_SIGNAL)
		result_fail(r, PROBE_SIGNAL, "ended by signal %d%s", (int)end->status,
		    last_line(end, line));
	else if (end->status != 0)
		result_fail(r, PROBE_EXIT, "exit status %d%s", (int)end->status,
		    last_line(end, line));
	else if (check->slow_ms > 0 && end->took_us > check->slow_ms * 1000)
		result_fail(r, PROBE_SLOW, "took %llu ms, more than %llu",
		    (unsigned long long)end->took_us / 1000,
		    (unsigned long long)check->slow_ms);
	else
		result_pass(r);
}

static void
fill_sample(const struct probe_result *r, struct probe_event *sample)
{
	_Static_assert(sizeof sample->text >= sizeof r->text, "a sentence fits");
	sample->kind = PROBE_SAMPLE;
	sample->outcome = r->outcome;
	sample->reason = r->reason;
	sample->http_status = 0;
	memcpy(sample->text, r->text, sizeof r->text);
}

void
exec_judge(const struct runner_event *end, const struct check_spec *check,
    struct probe_event *sample)
{
	struct probe_result r = {0};

	exec_result(end, check, &r);
	fill_sample(&r, sample);
	sample->start_ms = end->start_ms != 0 ? end->start_ms : sample->start_ms;
	sample->latency_us =
	    end->took_us < UINT32_MAX ? (uint32_t)end->took_us : UINT32_MAX;
}

void
exec_judge_unstarted(const char *why, struct probe_event *sample)
{
	struct probe_result r = {0};

	result_local(&r, "%s", why);
	fill_sample(&r, sample);
	sample->latency_us = 0;
}
