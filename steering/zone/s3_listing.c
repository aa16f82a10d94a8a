/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether keys are encoded is known only when EncodingType was read, which may stand
 * after them: a page is read twice, first for what it says of itself.
 */
#include "steering/zone/s3_listing.h"

#include <string.h>

#include "steering/zone/stamp.h"
#include "steering/zone/xml.h"

#define ROOT "ListBucketResult"

struct reading {
	struct s3_page *page;
	s3_object_cb cb; /* NULL: the first time */
	void *arg;
	bool root, encoded, says_truncated;
	/* the object that is open */
	struct s3_object object;
	bool has_key, has_time;
};

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As in a form: "+" is a blank. False: it is no such text, or too long. */
static bool
take_key(const char *text, bool encoded, char out[S3_KEY_MAX])
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		char c = *text;

		if (encoded && c == '+') {
			c = ' ';
		} else if (encoded && c == '%') {
			int high = hex(text[1]);
			int low = high < 0 ? -1 : hex(text[2]);

			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			text += 2;
		}
		if (c == '\0' || n + 1 >= S3_KEY_MAX)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	if (depth == 0)
		r->root = strcmp(name, ROOT) == 0;
	if (depth == 1 && strcmp(name, "Contents") == 0)
		r->has_key = r->has_time = false;
	return true;
}

static bool
close_page(struct reading *r, const char *name, const char *text, struct err *e)
{
	if (strcmp(name, "IsTruncated") == 0) {
		r->says_truncated = true;
		r->page->truncated = strcmp(text, "true") == 0;
		return r->page->truncated || strcmp(text, "false") == 0 ||
		    err_set(e, "its IsTruncated is neither true nor false");
	}
	if (strcmp(name, "NextContinuationToken") == 0) {
		if (strlen(text) >= sizeof r->page->next)
			return err_set(e, "its NextContinuationToken is too long");
		(void)snprintf(r->page->next, sizeof r->page->next, "%s", text);
	}
	if (strcmp(name, "EncodingType") == 0)
		r->encoded = strcmp(text, "url") == 0;
	return true;
}

static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct reading *r = arg;
	bool object = depth == 2 && strcmp(parent, "Contents") == 0;

	if (r->cb == NULL)
		return depth != 1 || close_page(r, name, text, e);
	if (object && strcmp(name, "Key") == 0)
		r->has_key = take_key(text, r->encoded, r->object.key);
	if (object && strcmp(name, "LastModified") == 0)
		r->has_time = stamp_parse(text, &r->object.modified_wall_ms);
	if (depth != 1 || strcmp(name, "Contents") != 0 || !r->has_key)
		return true;
	if (!r->has_time)
		return err_set(e, "one of its keys has no LastModified that is a time");
	r->page->objects++;
	r->cb(&r->object, r->arg);
	return true;
}

bool
s3_parse_page(const char *bytes, size_t n, struct s3_page *page, s3_object_cb cb,
    void *arg, struct err *e)
{
	static const struct xml_reader reader = {on_open, on_close};
	struct reading r = {.page = page, .arg = arg};

	*page = (struct s3_page){0};
	if (!xml_parse(bytes, n, &reader, &r, e))
		return false;
	if (!r.root || !r.says_truncated)
		return err_set(e, "it is no listing of a bucket");
	if (page->truncated != (page->next[0] != '\0'))
		return err_set(e, "its IsTruncated and NextContinuationToken disagree");
	r.cb = cb;
	return xml_parse(bytes, n, &reader, &r, e);
}

/* ---- refusals ---- */

static const struct {
	const char *code;
	enum aws_result result;
	bool resign, rejected;
} codes[] = {
    {"AccessDenied", AWS_DENIED, false, false},
    {"AllAccessDisabled", AWS_DENIED, false, false},
    {"RequestTimeTooSkewed", AWS_DENIED, true, false},
    {"SignatureDoesNotMatch", AWS_DENIED, true, false},
    {"InvalidAccessKeyId", AWS_DENIED, false, true},
    {"InvalidToken", AWS_DENIED, false, true},
    {"ExpiredToken", AWS_DENIED, false, true},
    {"SlowDown", AWS_BUSY, false, false},
    {"ServiceUnavailable", AWS_BUSY, false, false},
    {"InternalError", AWS_UNKNOWN, false, false},
};

static void
refuse(struct aws_verdict *v, const char *action, const char *what, const char *text)
{
	v->result = AWS_REFUSED;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		if (strcmp(codes[i].code, v->code) != 0)
			continue;
		v->result = codes[i].result;
		v->resign = codes[i].resign;
		v->rejected = codes[i].rejected;
	}
	if (strcmp(v->code, "AccessDenied") == 0)
		(void)err_set(&v->err,
		    "%.100s is not permitted (AccessDenied): allow %.40s there in the IAM "
		    "policy of these credentials",
		    what, action);
	else if (strcmp(v->code, "NoSuchBucket") == 0)
		(void)err_set(&v->err, "there is no bucket %.100s: correct it", what);
	else if (strcmp(v->code, "PermanentRedirect") == 0 ||
	    strcmp(v->code, "AuthorizationHeaderMalformed") == 0)
		(void)err_set(&v->err,
		    "%.100s is in another region (%.40s): correct region: %.200s", what,
		    v->code, text);
	else
		(void)err_set(&v->err, "%.100s: %.60s: %.240s", what, v->code, text);
}

static bool
is_printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return false;
	return true;
}

void
s3_judge(struct aws_verdict *v, const char *action, const char *what,
    const struct http_response *r)
{
	char text[256] = "";

	memset(v, 0, sizeof *v);
	if (r->fate != HTTP_ANSWERED) {
		v->err = r->err;
		v->result = r->fate == HTTP_NEVER_LEFT ? AWS_OUT : AWS_UNKNOWN;
		return;
	}
	if (r->status == 200)
		return;
	if (!aws_field(r->body, r->body_bytes, "Code", v->code, sizeof v->code) ||
	    !is_printable(v->code)) {
		v->code[0] = '\0';
		v->result = AWS_UNKNOWN;
		(void)err_set(&v->err, "%.100s: HTTP status %ld, and not in S3's words",
		    what, r->status);
		return;
	}
	if (!aws_field(r->body, r->body_bytes, "Message", text, sizeof text) ||
	    !is_printable(text))
		text[0] = '\0';
	refuse(v, action, what, text);
}
