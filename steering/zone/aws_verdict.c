/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services agree on the shape of a refusal (ErrorResponse/Error/Code, in EC2
 * Response/Errors/Error/Code) and not on its words or status: EC2 throttles with 503.
 * So the code decides (aws_codes.h), and the status only where there is no code.
 */
#include "steering/zone/aws_verdict.h"

#include <assert.h>
#include <string.h>

#include "steering/zone/aws_codes.h"
#include "steering/zone/route53_xml.h"
#include "steering/zone/xml.h"

const char *
aws_result_word(enum aws_result r)
{
	static const char *const word[] = {
	    [AWS_OK] = "ok",
	    [AWS_BUSY] = "busy",
	    [AWS_DENIED] = "denied",
	    [AWS_REFUSED] = "refused",
	    [AWS_OUT] = "out",
	    [AWS_UNKNOWN] = "unknown",
	};

	assert(r < AWS_RESULTS);
	return word[r];
}

/* CloudWatch signs as one and is permitted as the other. */
static const char *
iam_word(const char *service)
{
	return strcmp(service, "monitoring") == 0 ? "cloudwatch" : service;
}

static void
refuse(struct aws_verdict *v, const char *service, const char *action,
    const struct route53_error *error)
{
	memcpy(v->code, error->code, sizeof v->code);
	switch (aws_meaning_of(error->code)) {
	case AWS_MEANS_THROTTLED:
		v->result = AWS_BUSY;
		(void)err_set(&v->err, "%.60s is busy (%s): %.300s", service,
		    error->code, error->message);
		return;
	case AWS_MEANS_TROUBLE:
		v->result = AWS_UNKNOWN;
		(void)err_set(&v->err, "%.60s is in trouble (%s): %.300s", service,
		    error->code, error->message);
		return;
	case AWS_MEANS_PERMISSION:
		v->result = AWS_DENIED;
		(void)err_set(&v->err,
		    "%.60s is not permitted (%s): allow %.60s:%.60s in the IAM policy "
		    "of these credentials: %.160s",
		    action, error->code, iam_word(service), action, error->message);
		return;
	case AWS_MEANS_CREDENTIALS:
		v->result = AWS_DENIED;
		v->rejected = true;
		(void)err_set(&v->err,
		    "%.60s: AWS does not accept the credentials (%s): %.240s", action,
		    error->code, error->message);
		return;
	case AWS_MEANS_SIGNATURE:
		v->result = AWS_DENIED;
		v->resign = true;
		(void)err_set(&v->err,
		    "%.60s: AWS does not accept the signature (%s): look at the secret "
		    "key and at this machine's clock: %.200s",
		    action, error->code, error->message);
		return;
	case AWS_MEANS_NO:
		v->result = AWS_REFUSED;
		(void)err_set(&v->err, "%.60s refused (%s): %.300s", action,
		    error->code, error->message);
		return;
	}
}

/* ---- reading ---- */

struct search {
	const char *path; /* what is still to come; NULL: found */
	unsigned deep;    /* elements of the path that are open */
	const char *root; /* the first element's name that is expected; NULL any */
	char *out;
	size_t out_bytes;
};

static bool
is_word(const char *path, const char *name)
{
	size_t n = strcspn(path, "/");

	return strlen(name) == n && strncmp(path, name, n) == 0;
}

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct search *s = arg;

	if (depth == 0)
		return s->root == NULL || strcmp(s->root, name) == 0 ||
		    err_set(e, "it is a <%.64s>", name);
	if (s->path == NULL || depth != s->deep + 1 || !is_word(s->path, name) ||
	    s->path[strcspn(s->path, "/")] == '\0')
		return true;
	s->path += strcspn(s->path, "/") + 1;
	s->deep++;
	return true;
}

/* The way back to the word before. */
static const char *
step_back(const char *begin, const char *path)
{
	path--;
	while (path > begin && path[-1] != '/')
		path--;
	return path;
}

struct field {
	struct search search; /* first */
	const char *begin;
};

static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct field *f = arg;
	struct search *s = &f->search;

	(void)parent;
	(void)e;
	if (s->path == NULL || s->out == NULL)
		return true;
	if (depth == s->deep + 1 && s->path[strcspn(s->path, "/")] == '\0' &&
	    is_word(s->path, name)) {
		if (strlen(text) < s->out_bytes) {
			memcpy(s->out, text, strlen(text) + 1);
			s->path = NULL;
		}
	} else if (depth == s->deep && depth > 0) {
		s->deep--;
		s->path = step_back(f->begin, s->path);
	}
	return true;
}

static const struct xml_reader reader = {on_open, on_close};

bool
aws_field(
    const char *body, size_t body_bytes, const char *path, char *out, size_t out_bytes)
{
	struct field f = {.search = {.path = path, .out = out, .out_bytes = out_bytes},
	    .begin = path};
	struct err e;

	return xml_parse(body, body_bytes, &reader, &f, &e) && f.search.path == NULL;
}

void
aws_judge(struct aws_verdict *v, const char *service, const char *action,
    const struct http_response *r)
{
	struct route53_error error;
	struct field whole = {{0}, NULL};
	char root[XML_NAME_MAX + 16];
	struct err e;

	memset(v, 0, sizeof *v);
	if (r->fate != HTTP_ANSWERED) {
		v->err = r->err;
		v->result = r->fate == HTTP_NEVER_LEFT ? AWS_OUT : AWS_UNKNOWN;
		return;
	}
	(void)snprintf(root, sizeof root, "%.64sResponse", action);
	whole.search.root = root;
	if (r->status == 200 && xml_parse(r->body, r->body_bytes, &reader, &whole, &e))
		return;
	if (r->status >= 400 &&
	    route53_parse_error(r->body, r->body_bytes, &error, &e)) {
		refuse(v, service, action, &error);
		return;
	}
	v->result = AWS_UNKNOWN;
	if (r->status == 200)
		(void)err_set(&v->err,
		    "%.60s: what came back is no answer to it: %.300s", action, e.text);
	else
		(void)err_set(&v->err, "%.60s: HTTP status %ld %s", action, r->status,
		    r->status >= 500 ? "from the service"
				     : "and not an answer of AWS's");
}
