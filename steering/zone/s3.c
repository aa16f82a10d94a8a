/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is S3's own: addresses, a listing's words, the sentence of an answer. No budget,
 * because S3 takes thousands of requests a second for each prefix and asks nobody to hold
 * back before it says SlowDown. How a request is signed, sent and waited for is
 * aws_flight.c's.
 */
#include "steering/zone/s3.h"

#include <stdlib.h>
#include <string.h>

#include "steering/zone/aws_flight.h"
#include "steering/zone/s3_listing.h"
#include "steering/zone/sign.h"

#define SERVICE "s3"
#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define URL_BYTES_MAX (16 * 1024)
#define PAGE_BYTES_MAX (2 * 1024 * 1024)
#define PAGE_KEYS "1000"
#define QUERIES_MAX 8

struct s3 {
	struct aws_line line; /* first */
	char bucket[S3_BUCKET_MAX];
	bool in_path; /* the bucket */
};

struct s3_call {
	struct aws_flight flight; /* first */
	const char *action;       /* "s3:ListBucket" */
	char what[128];           /* for sentences */
	char *key;                /* NULL: a listing */
	char *prefix, *token;
	size_t answer_max;
	s3_cb cb;
	void *arg;
};

static struct s3_call *
call_of(struct aws_flight *f)
{
	return (struct s3_call *)f;
}

static void
drop(struct aws_flight *f)
{
	struct s3_call *c = call_of(f);

	aws_flight_fini(f);
	free(c->key);
	free(c->prefix);
	free(c->token);
	free(c);
}

/* ---- the request ---- */

struct address {
	struct text path, query, url;
	struct text_pair pair[QUERIES_MAX];
	size_t pairs;
};

/* "/", "/bucket/", "/key", "/bucket/key" */
static void
put_address(struct address *m, const struct s3 *s, const struct s3_call *c)
{
	m->path = m->query = m->url = TEXT_INIT(URL_BYTES_MAX);
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
	text_addf(&m->url, "%s%s", s->line.place.endpoint, text_str(&m->path));
	if (m->pairs > 0)
		text_addf(&m->url, "?%s", text_str(&m->query));
}

static void
send_call(struct aws_flight *f, const struct credentials *who, uint64_t now_ms)
{
	struct s3_call *c = call_of(f);
	struct address m = {0};

	put_address(&m, (const struct s3 *)f->line, c);
	const struct aws_request r = {.method = "GET",
	    .url = text_str(&m.url),
	    .path = text_str(&m.path),
	    .path_as_is = true,
	    .query = m.pair,
	    .queries = m.pairs,
	    .header = {"X-Amz-Content-Sha256", EMPTY_SHA256},
	    .answer_max = c->answer_max};
	if (text_ok(&m.url) && text_ok(&m.path) && text_ok(&m.query)) {
		(void)aws_flight_send(f, &r, who, now_ms);
	} else {
		(void)err_set(&f->err, "%s: its address is too long", c->what);
		aws_flight_decide(f, AWS_OUT);
	}
	text_fini(&m.path);
	text_fini(&m.query);
	text_fini(&m.url);
}

/* ---- the answer ---- */

static void
judge(struct aws_flight *f, const struct http_response *response, struct aws_verdict *v)
{
	s3_judge(v, call_of(f)->action, call_of(f)->what, response);
}

static void
deliver(struct aws_flight *f, const struct s3_answer *answer)
{
	s3_cb cb = call_of(f)->cb;
	void *arg = call_of(f)->arg;

	drop(f);
	cb(answer, arg);
}

static void
told(struct aws_flight *f)
{
	struct s3_answer answer = {.result = f->result, .err = f->err, .body = ""};

	deliver(f, &answer);
}

static void
answered(struct aws_flight *f, const struct http_response *response,
    const struct aws_verdict *v)
{
	struct s3_answer answer = {.result = v->result, .err = v->err, .body = ""};

	memcpy(answer.code, v->code, sizeof answer.code);
	if (v->result == AWS_OK) {
		answer.body = response->body;
		answer.body_bytes = response->body_bytes;
	}
	deliver(f, &answer);
}

static const struct aws_flight_does does = {
    .send = send_call,
    .judge = judge,
    .answered = answered,
    .told = told,
    .drop = drop,
};

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

	if (c == NULL)
		abort();
	c->cb = cb;
	c->arg = arg;
	aws_flight_begin(&c->flight, &s->line, patience_ms);
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
	drop(&call->flight);
}

const char *
s3_identity(const struct s3 *s)
{
	return credentials_identity(s->line.credentials);
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
	if (!partition_service(
		&s->line.place, SERVICE, or_empty(spec->region), endpoint, e))
		return false;
	if (s->in_path)
		return true;
	own = s->line.place;
	(void)snprintf(s->line.place.host, sizeof s->line.place.host, "%s.%.180s",
	    s->bucket, own.host);
	(void)snprintf(s->line.place.endpoint, sizeof s->line.place.endpoint,
	    "https://%.240s", s->line.place.host);
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
	s->line.does = &does;
	s->line.service = SERVICE;
	if (take_bucket(s, or_empty(spec->bucket), e) && take_place(s, spec, e) &&
	    aws_line_init(&s->line, base, &who, e))
		return s;
	s3_free(s);
	return NULL;
}

void
s3_free(struct s3 *s)
{
	if (s == NULL)
		return;
	aws_line_fini(&s->line);
	free(s);
}
