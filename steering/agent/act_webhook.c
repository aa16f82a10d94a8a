/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on a connection of its own, because curl may send again what a kept one
 * lost. What was wrong before the first byte left (name, refusal, certificate) is a
 * failure; after it, only an answer says what became of it.
 *
 * The status is the answer's whole meaning, and its body is for people: so a body that
 * is too long is cut, not refused.
 */
#include "steering/agent/act_parts.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "steering/zone/http.h"

#define URL_BYTES_MAX 8192
#define BODY_BYTES_MAX 16384
#define ANSWER_BYTES_MAX (64 * 1024)
#define CONNECT_MS 5000

struct act_webhook {
	struct http_call *call;    /* NULL: it has ended */
	struct text method, place; /* place: the url without its query */
	uint32_t statuses;
	struct check_status_range status[CHECK_STATUS_RANGES];
};

/* Lives only while a request is made. */
struct request {
	struct text url, body, *value;
	struct text_pair *header;
};

/* ---- headers ---- */

/* Regular, and not for the whole world. Its text without the line's end. */
static bool
read_file(int fd, const char *path, struct text *out, struct err *e)
{
	char bytes[HTTP_HEADER_MAX];
	struct stat st;
	ssize_t n;
	bool ok;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(e, "%.200s is no regular file", path);
	if ((st.st_mode & 007) != 0)
		return err_set(e,
		    "%.200s is a secret that others may read (mode %03o): chmod o= it",
		    path, (unsigned)(st.st_mode & 0777));
	n = read(fd, bytes, sizeof bytes);
	if (n < 0)
		return err_set(e, "%.200s: %s", path, strerror(errno));
	while (n > 0 && isspace((unsigned char)bytes[n - 1]))
		n--;
	ok = n > 0 && (size_t)n < sizeof bytes;
	for (ssize_t i = 0; i < n; i++)
		ok = ok && (unsigned char)bytes[i] >= 0x20 && bytes[i] != 0x7f;
	if (ok)
		text_add(out, bytes, (size_t)n);
	text_wipe(bytes, sizeof bytes);
	return ok ||
	    err_set(e, "%.200s does not hold one line of less than %d characters", path,
		HTTP_HEADER_MAX);
}

static bool
read_secret(const char *path, struct text *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool ok;

	if (fd < 0)
		return err_set(e,
		    "%.200s: %s: put it there, readable by the agent's user", path,
		    strerror(errno));
	ok = read_file(fd, path, out, e);
	(void)close(fd);
	return ok;
}

static bool
put_header(struct request *m, uint32_t i, const struct config_header *h,
    const struct act_words *words, struct err *e)
{
	bool file = act_text(h->file)[0] != '\0';

	m->value[i] = TEXT_INIT(HTTP_HEADER_MAX);
	if (file ? !read_secret(h->file, &m->value[i], e)
		 : !act_fill_to(
		       &m->value[i], act_text(h->value), words, ACT_FILL_PLAIN, e))
		return false;
	m->header[i] = (struct text_pair){h->name, text_str(&m->value[i])};
	return true;
}

/* ---- the answer ---- */

static bool
is_expected(const struct act_webhook *w, long status)
{
	if (w->statuses == 0)
		return status >= 200 && status <= 299;
	for (uint32_t i = 0; i < w->statuses; i++)
		if (status >= w->status[i].low && status <= w->status[i].high)
			return true;
	return false;
}

static const char *
hint(long status)
{
	if (status >= 300 && status <= 399)
		return " (redirects are not followed: name the place it leads to)";
	if (status == 401 || status == 403)
		return " (look at its headers and their secret files)";
	return "";
}

static void
judge(struct act *x, const struct http_response *r)
{
	const char *method = text_str(&x->webhook->method);
	const char *place = text_str(&x->webhook->place);
	char line[ACT_LINE_BYTES];

	act_tail(x, r->body,
	    r->body_bytes < ACT_TAIL_BYTES ? r->body_bytes : ACT_TAIL_BYTES - 1);
	(void)act_first_line(x, line);
	if (is_expected(x->webhook, r->status))
		act_end(x, ACTED_DONE, "%s %.80s answered %ld%.60s", method, place,
		    r->status, line);
	else if (r->status == 502 || r->status == 504)
		act_end(x, ACTED_UNKNOWN,
		    "%s %.60s: a proxy had no answer (%ld): it may have been carried "
		    "out%.60s",
		    method, place, r->status, line);
	else
		act_end(x, ACTED_FAILED, "%s %.70s answered %ld%s%.70s", method, place,
		    r->status, hint(r->status), line);
}

static void
on_answer(const struct http_response *r, void *arg)
{
	struct act *x = arg;
	const char *method = text_str(&x->webhook->method);

	x->webhook->call = NULL;
	if (r->fate != HTTP_NEVER_LEFT)
		x->r.began_ms = r->sent_ms;
	switch (r->fate) {
	case HTTP_ANSWERED:
		judge(x, r);
		return;
	case HTTP_NEVER_LEFT:
		act_end(x, ACTED_FAILED, "%s %.200s", method, r->err.text);
		return;
	case HTTP_NO_ANSWER:
		act_end(x, ACTED_UNKNOWN,
		    "%s %.140s: it was sent, and may have been carried out", method,
		    r->err.text);
		return;
	}
}

/* ---- the request ---- */

/* A method that changes something says how long its body is, even when there is none. */
static bool
has_body(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 &&
	    strcmp(method, "DELETE") != 0;
}

static bool
fill_request(struct request *m, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	m->url = TEXT_INIT(URL_BYTES_MAX);
	m->body = TEXT_INIT(BODY_BYTES_MAX);
	m->value = calloc(act->webhook.headers + 1u, sizeof *m->value);
	m->header = calloc(act->webhook.headers + 1u, sizeof *m->header);
	if (m->value == NULL || m->header == NULL)
		abort();
	for (uint32_t i = 0; i < act->webhook.headers; i++)
		if (!put_header(m, i, &act->webhook.header[i], words, e))
			return false;
	return act_fill_to(&m->url, act->webhook.url, words, ACT_FILL_URL, e) &&
	    act_fill_to(&m->body, act_text(act->webhook.body), words, ACT_FILL_BODY, e);
}

static bool
send_request(
    struct act *x, const struct config_act *act, struct request *m, struct err *e)
{
	struct act_webhook *w = x->webhook;
	struct http *http = acts_http(x->all, e);
	struct http_request r = {.method = text_str(&w->method),
	    .url = text_str(&m->url),
	    .header = m->header,
	    .headers = act->webhook.headers,
	    .total_ms = act->timeout_ms,
	    .connect_ms = act->timeout_ms < CONNECT_MS ? act->timeout_ms : CONNECT_MS,
	    .once = true,
	    .answer_max = ANSWER_BYTES_MAX,
	    .cut = true};

	if (m->body.n > 0 || has_body(r.method)) {
		r.body = text_str(&m->body);
		r.body_bytes = m->body.n;
	}
	if (http != NULL)
		w->call = http_call_start(http, &r, on_answer, x, e);
	return w->call != NULL;
}

static void
free_request(struct request *m, uint32_t headers)
{
	for (uint32_t i = 0; i < headers && m->value != NULL; i++)
		text_fini(&m->value[i]);
	text_fini(&m->url);
	text_fini(&m->body);
	free(m->value);
	free(m->header);
}

bool
act_webhook_start(struct act *x, const struct config_act *act,
    const struct act_words *words, struct err *e)
{
	struct act_webhook *w = calloc(1, sizeof *w);
	const char *method = act_text(act->webhook.method);
	struct request m = {0};
	bool ok;

	if (w == NULL)
		abort();
	x->webhook = w;
	w->method = TEXT_INIT(16);
	w->place = TEXT_INIT(URL_BYTES_MAX);
	w->statuses = act->webhook.statuses;
	memcpy(w->status, act->webhook.status, sizeof w->status);
	text_add_str(&w->method, method[0] != '\0' ? method : "POST");
	ok = fill_request(&m, act, words, e);
	text_add(&w->place, text_str(&m.url), strcspn(text_str(&m.url), "?"));
	ok = ok && send_request(x, act, &m, e);
	free_request(&m, act->webhook.headers);
	return ok || err_wrap(e, "webhook");
}

void
act_webhook_stop(struct act *x)
{
	if (x->webhook->call != NULL)
		http_call_cancel(x->webhook->call);
	text_fini(&x->webhook->method);
	text_fini(&x->webhook->place);
	free(x->webhook);
}
