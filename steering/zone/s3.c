/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As aws_query.c, and apart from it: other words, other answers, another signature, and
 * no budget, because S3 takes thousands of requests a second for each prefix and asks
 * nobody to hold back before it says SlowDown.
 */
#include "steering/zone/s3.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe/clock.h"
#include "steering/zone/credentials.h"
#include "steering/zone/partition.h"
#include "steering/zone/s3_listing.h"
#include "steering/zone/sign.h"

#define SERVICE "s3"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define CONNECT_MS 3000
#define LOOK_MS 500 /* for credentials: their files may be mended meanwhile */
#define URL_BYTES_MAX (16 * 1024)
#define PAGE_BYTES_MAX (2 * 1024 * 1024)
#define PAGE_KEYS "1000"
#define HEADERS_MAX 6
#define QUERIES_MAX 8

struct s3 {
	struct event_base *base;
	struct http *http;
	struct credentials_chain *credentials;
	struct partition_place place;
	char bucket[S3_BUCKET_MAX];
	bool in_path;   /* the bucket */
	int64_t skew_s; /* theirs minus ours, once a signature was refused */
	struct s3_call *calls;
};

struct s3_call {
	struct s3 *s;
	struct s3_call *next, **link;
	struct event *timer;
	struct http_call *http; /* in flight */
	const char *action;     /* "s3:ListBucket" */
	char what[128];         /* for sentences */
	char *key;              /* NULL: a listing */
	char *prefix, *token;
	size_t answer_max;
	uint64_t give_up_ms;
	bool resigned, decided;
	struct s3_answer answer;
	s3_cb cb;
	void *arg;
};

static void
wake_in(struct s3_call *c, uint64_t ms)
{
	struct timeval t = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(c->timer, &t) != 0)
		abort(); /* only when memory is gone for good */
}

static void
free_call(struct s3_call *c)
{
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	if (c->http != NULL)
		http_call_cancel(c->http);
	event_free(c->timer);
	free(c->key);
	free(c->prefix);
	free(c->token);
	free(c);
}

static void
decide(struct s3_call *c, enum aws_result result)
{
	c->decided = true;
	c->answer.result = result;
	wake_in(c, 0);
}

/* ---- the request ---- */

struct request {
	struct text authorization, path, query, url;
	char date[SIGN_DATE_MAX];
	struct text_pair header[HEADERS_MAX], pair[QUERIES_MAX];
	size_t pairs;
	struct http_request http;
};

static void
fini(struct request *m)
{
	text_fini(&m->authorization);
	text_fini(&m->path);
	text_fini(&m->query);
	text_fini(&m->url);
}

/* "/", "/bucket/", "/key", "/bucket/key" */
static void
put_address(struct request *m, const struct s3_call *c)
{
	const struct s3 *s = c->s;

	text_add_char(&m->path, '/');
	if (s->in_path)
		text_addf(&m->path, "%s/", s->bucket);
	if (c->key != NULL) {
		sign_encode(&m->path, c->key, true);
	} else {
		m->pair[m->pairs++] = (struct text_pair){"list-type", "2"};
		m->pair[m->pairs++] = (struct text_pair){"encoding-type", "url"};
		m->pair[m->pairs++] = (struct text_pair){"max-keys", PAGE_KEYS};
		m->pair[m->pairs++] = (struct text_pair){"prefix", c->prefix};
		if (c->token[0] != '\0')
			m->pair[m->pairs++] =
			    (struct text_pair){"continuation-token", c->token};
	}
	sign_query(&m->query, m->pair, m->pairs);
	text_addf(&m->url, "%s%s", s->place.endpoint, text_str(&m->path));
	if (m->pairs > 0)
		text_addf(&m->url, "?%s", text_str(&m->query));
}

static bool
make_request(struct request *m, struct s3_call *c, const struct credentials *who)
{
	struct s3 *s = c->s;
	struct sign_key key = {
	    who->access_key, who->secret_key, s->place.region, SERVICE};
	struct sign_request sign = {
	    .method = "GET", .path_as_is = true, .header = m->header};
	size_t n = 0;

	m->authorization = TEXT_INIT(HTTP_HEADER_MAX);
	m->path = m->query = m->url = TEXT_INIT(URL_BYTES_MAX);
	put_address(m, c);
	sign_date(m->date, (int64_t)time(NULL) + s->skew_s);
	m->header[n++] = (struct text_pair){"Host", s->place.host};
	m->header[n++] = (struct text_pair){"X-Amz-Date", m->date};
	m->header[n++] = (struct text_pair){"X-Amz-Content-Sha256", EMPTY_SHA256};
	if (who->session_token[0] != '\0')
		m->header[n++] =
		    (struct text_pair){"X-Amz-Security-Token", who->session_token};
	sign.path = text_str(&m->path);
	sign.query = m->pair;
	sign.queries = m->pairs;
	sign.headers = n;
	if (!text_ok(&m->url) || !text_ok(&m->path) || !text_ok(&m->query))
		return err_set(&c->answer.err, "%s: its address is too long", c->what);
	if (!sign_authorization(
		&m->authorization, &sign, &key, m->date, &c->answer.err))
		return false;
	m->header[n++] =
	    (struct text_pair){"Authorization", text_str(&m->authorization)};
	m->http = (struct http_request){.method = "GET",
	    .url = text_str(&m->url),
	    .header = m->header,
	    .headers = n,
	    .answer_max = c->answer_max};
	return true;
}

static void on_answer(const struct http_response *response, void *arg);

static void
send_call(struct s3_call *c, const struct credentials *who, uint64_t now_ms)
{
	struct request m = {0};

	if (make_request(&m, c, who)) {
		m.http.total_ms = c->give_up_ms - now_ms;
		m.http.connect_ms =
		    m.http.total_ms < CONNECT_MS ? m.http.total_ms : CONNECT_MS;
		c->http =
		    http_call_start(c->s->http, &m.http, on_answer, c, &c->answer.err);
	}
	fini(&m);
	if (c->http == NULL)
		decide(c, AWS_OUT);
}

/* ---- the answer ---- */

static void
deliver(struct s3_call *c, const struct s3_answer *answer)
{
	s3_cb cb = c->cb;
	void *arg = c->arg;

	free_call(c);
	cb(answer, arg);
}

static void
on_answer(const struct http_response *response, void *arg)
{
	struct s3_call *c = arg;
	struct s3_answer answer = {.body = ""};
	struct aws_verdict v;

	c->http = NULL;
	s3_judge(&v, c->action, c->what, response);
	if (v.rejected)
		credentials_reject(c->s->credentials);
	if (v.resign && !c->resigned && response->date_wall_s != 0 &&
	    now_boot_ms() < c->give_up_ms) {
		c->resigned = true;
		c->s->skew_s = response->date_wall_s - (int64_t)time(NULL);
		c->answer.err = v.err; /* should patience end first */
		c->answer.result = v.result;
		wake_in(c, 0);
		return;
	}
	answer.result = v.result;
	answer.err = v.err;
	memcpy(answer.code, v.code, sizeof answer.code);
	if (v.result == AWS_OK) {
		answer.body = response->body;
		answer.body_bytes = response->body_bytes;
	}
	deliver(c, &answer);
}

/* ---- waiting ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct s3_call *c = arg;
	uint64_t now_ms = now_boot_ms();
	const struct credentials *who;

	(void)fd;
	(void)what;
	if (c->decided) {
		struct s3_answer answer = c->answer;

		answer.body = "";
		deliver(c, &answer);
		return;
	}
	if (c->http != NULL)
		return;
	if (now_ms >= c->give_up_ms) {
		decide(c, c->answer.result != AWS_OK ? c->answer.result : AWS_OUT);
		return;
	}
	switch (credentials_get(c->s->credentials, &who, &c->answer.err)) {
	case CREDENTIALS_READY:
		send_call(c, who, now_ms);
		return;
	case CREDENTIALS_WAIT:
		c->answer.result = AWS_OUT; /* should patience end first */
		wake_in(c,
		    c->give_up_ms - now_ms < LOOK_MS ? c->give_up_ms - now_ms
						     : LOOK_MS);
		return;
	case CREDENTIALS_CANNOT:
		decide(c, AWS_OUT);
		return;
	}
}

static void
on_credentials(void *arg)
{
	struct s3 *s = arg;

	for (struct s3_call *c = s->calls; c != NULL; c = c->next)
		if (c->http == NULL)
			wake_in(c, 0);
}

/* ---- s3.h ---- */

static char *
copy(const char *text)
{
	char *out = strdup(text);

	if (out == NULL)
		abort();
	return out;
}

static struct s3_call *
start(struct s3 *s, uint64_t patience_ms, s3_cb cb, void *arg)
{
	struct s3_call *c = calloc(1, sizeof *c);

	assert(patience_ms > 0);
	if (c == NULL || (c->timer = evtimer_new(s->base, on_timer, c)) == NULL)
		abort();
	c->s = s;
	c->cb = cb;
	c->arg = arg;
	c->give_up_ms = now_boot_ms() + patience_ms;
	c->next = s->calls;
	c->link = &s->calls;
	if (s->calls != NULL)
		s->calls->link = &c->next;
	s->calls = c;
	wake_in(c, 0);
	return c;
}

struct s3_call *
s3_list_start(struct s3 *s, const char *prefix, const char *token, uint64_t patience_ms,
    s3_cb cb, void *arg)
{
	struct s3_call *c = start(s, patience_ms, cb, arg);

	c->action = "s3:ListBucket";
	(void)snprintf(c->what, sizeof c->what, "bucket %s", s->bucket);
	c->prefix = copy(prefix);
	c->token = copy(token);
	c->answer_max = PAGE_BYTES_MAX;
	return c;
}

struct s3_call *
s3_get_start(struct s3 *s, const char *key, size_t bytes_max, uint64_t patience_ms,
    s3_cb cb, void *arg)
{
	struct s3_call *c = start(s, patience_ms, cb, arg);

	c->action = "s3:GetObject";
	(void)snprintf(c->what, sizeof c->what, "s3://%s/%.50s", s->bucket, key);
	c->key = copy(key);
	c->answer_max = bytes_max;
	return c;
}

void
s3_cancel(struct s3_call *call)
{
	free_call(call);
}

const char *
s3_identity(const struct s3 *s)
{
	return credentials_identity(s->credentials);
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* Lowercase letters, digits, '-' and '.': so it needs no encoding anywhere. */
static bool
take_bucket(struct s3 *s, const char *bucket, struct err *e)
{
	size_t n = strlen(bucket);

	if (n < 3 || n >= sizeof s->bucket ||
	    strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-") != n ||
	    bucket[0] == '.' || bucket[0] == '-')
		return err_set(e, "'%.80s' is no name of a bucket", bucket);
	memcpy(s->bucket, bucket, n + 1);
	return true;
}

static bool
take_place(struct s3 *s, const struct s3_spec *spec, struct err *e)
{
	const char *endpoint = or_empty(spec->endpoint);
	struct partition_place own;

	s->in_path = endpoint[0] != '\0' || strchr(s->bucket, '.') != NULL;
	if (!partition_service(&s->place, SERVICE, or_empty(spec->region), endpoint, e))
		return false;
	if (s->in_path)
		return true;
	own = s->place;
	(void)snprintf(
	    s->place.host, sizeof s->place.host, "%s.%.180s", s->bucket, own.host);
	(void)snprintf(s->place.endpoint, sizeof s->place.endpoint, "https://%.240s",
	    s->place.host);
	return true;
}

struct s3 *
s3_new(struct event_base *base, const struct s3_spec *spec, struct err *e)
{
	struct credentials_spec who = {
	    .profile = spec->profile, .region = spec->region};
	struct s3 *s = calloc(1, sizeof *s);

	if (s == NULL) {
		(void)err_set(e, "S3: memory is short");
		return NULL;
	}
	s->base = base;
	if (take_bucket(s, or_empty(spec->bucket), e) && take_place(s, spec, e) &&
	    (s->credentials = credentials_new(base, &who, on_credentials, s, e)) !=
		NULL &&
	    (s->http = http_new(base, e)) != NULL)
		return s;
	s3_free(s);
	return NULL;
}

void
s3_free(struct s3 *s)
{
	if (s == NULL)
		return;
	while (s->calls != NULL)
		free_call(s->calls);
	if (s->http != NULL)
		http_free(s->http);
	if (s->credentials != NULL)
		credentials_free(s->credentials);
	free(s);
}
