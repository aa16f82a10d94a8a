/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Authorization header is taken apart strictly (three parts, five scope fields,
 * signed headers lowercase and sorted), because a client that gets away with a sloppy
 * header here would fail in the real cloud.
 */
#include "tests/lab/auth.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <time.h>

enum { WINDOW_S = 300, PART_BYTES = 1024, AUTHORIZATION_MAX = 4000 };

static const char service[] = "route53";

struct credential {
	char scope[PART_BYTES]; /* cut up in place */
	const char *key_id, *date, *region, *service, *last;
	char signed_headers[PART_BYTES];
	char signature[PART_BYTES];
};

__attribute__((format(printf, 4, 5))) static bool
refuse(struct auth_refusal *no, int status, const char *code, const char *format, ...)
{
	va_list args;

	no->status = status;
	no->code = code;
	va_start(args, format);
	vsnprintf(no->message, sizeof no->message, format, args);
	va_end(args);
	return false;
}

bool
auth_set_key(struct auth *a, const char *key)
{
	const char *colon = strchr(key, ':');
	size_t id_n = colon != NULL ? (size_t)(colon - key) : 0;

	if (id_n == 0 || id_n >= sizeof a->key_id || colon[1] == '\0' ||
	    strlen(colon + 1) >= sizeof a->secret)
		return false;
	memcpy(a->key_id, key, id_n);
	a->key_id[id_n] = '\0';
	snprintf(a->secret, sizeof a->secret, "%s", colon + 1);
	return true;
}

/* Copies what follows "Name=" up to a comma or blank; false: there is no such part. */
static bool
take_part(const char *text, const char *name, char out[PART_BYTES])
{
	size_t name_n = strlen(name);

	while (*text != '\0') {
		size_t n;

		text += strspn(text, ", ");
		n = strcspn(text, ", ");
		if (n > name_n + 1 && strncmp(text, name, name_n) == 0 &&
		    text[name_n] == '=' && n - name_n - 1 < PART_BYTES) {
			memcpy(out, text + name_n + 1, n - name_n - 1);
			out[n - name_n - 1] = '\0';
			return true;
		}
		text += n;
	}
	return false;
}

static bool
split_scope(struct credential *c)
{
	const char **fields[] = {
	    &c->key_id, &c->date, &c->region, &c->service, &c->last};
	char *at = c->scope;

	for (size_t i = 0; i < 5; i++) {
		if (at == NULL)
			return false;
		*fields[i] = at;
		at = strchr(at, '/');
		if (at != NULL)
			*at++ = '\0';
	}
	return at == NULL;
}

static bool
read_credential(const char *text, struct credential *c, struct auth_refusal *no)
{
	static const char scheme[] = "AWS4-HMAC-SHA256 ";

	if (strlen(text) > AUTHORIZATION_MAX ||
	    strncmp(text, scheme, sizeof scheme - 1) != 0)
		return refuse(no, 400, "IncompleteSignature",
		    "Authorization header must begin with AWS4-HMAC-SHA256.");
	text += sizeof scheme - 1;
	if (!take_part(text, "Credential", c->scope))
		return refuse(no, 400, "IncompleteSignature",
		    "Authorization header requires 'Credential' parameter.");
	if (!take_part(text, "SignedHeaders", c->signed_headers))
		return refuse(no, 400, "IncompleteSignature",
		    "Authorization header requires 'SignedHeaders' parameter.");
	if (!take_part(text, "Signature", c->signature))
		return refuse(no, 400, "IncompleteSignature",
		    "Authorization header requires 'Signature' parameter.");
	if (!split_scope(c))
		return refuse(no, 400, "IncompleteSignature",
		    "Credential must have exactly 5 slash-delimited elements.");
	return true;
}

static bool
is_signed(const char *names, const char *header)
{
	size_t n = strlen(header);

	for (const char *at = names; *at != '\0';) {
		size_t len = strcspn(at, ";");

		if (len == n && strncasecmp(at, header, n) == 0)
			return true;
		at += len + (at[len] == ';');
	}
	return false;
}

static bool
is_sorted(const char *names)
{
	const char *at = names;

	for (const char *c = names; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			return false;
	for (const char *semi = strchr(at, ';'); semi != NULL; semi = strchr(at, ';')) {
		size_t n = (size_t)(semi - at), next_n = strcspn(semi + 1, ";");
		int order = strncmp(at, semi + 1, n < next_n ? n : next_n);

		if (order > 0 || (order == 0 && n >= next_n))
			return false;
		at = semi + 1;
	}
	return true;
}

static bool
check_signed_headers(const struct credential *c, const struct sigv4_request *req,
    struct auth_refusal *no)
{
	const struct evkeyval *header;

	if (!is_sorted(c->signed_headers))
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "SignedHeaders must be lowercase, sorted and without repetition.");
	if (!is_signed(c->signed_headers, "host"))
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "'Host' must be a 'SignedHeader' in the AWS Authorization.");
	if (!is_signed(c->signed_headers, "x-amz-date"))
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization.");
	TAILQ_FOREACH(header, req->headers, next)
	if (strncasecmp(header->key, "x-amz-", 6) == 0 &&
	    !is_signed(c->signed_headers, header->key))
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Header '%.100s' must be a 'SignedHeader' in the AWS "
		    "Authorization.",
		    header->key);
	return true;
}

static bool
check_scope(const struct auth *a, const struct credential *c, struct auth_refusal *no)
{
	if (strcmp(c->key_id, a->key_id) != 0)
		return refuse(no, 403, "InvalidClientTokenId",
		    "The security token included in the request is invalid.");
	if (strcmp(c->region, a->region) != 0)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Credential should be scoped to a valid region, not '%.60s'.",
		    c->region);
	if (strcmp(c->service, service) != 0)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Credential should be scoped to correct service: '%s'.", service);
	if (strcmp(c->last, "aws4_request") != 0)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Credential should be scoped with a valid terminator: 'aws4_request'.");
	return true;
}

static bool
check_date(const struct credential *c, const char *timestamp, int64_t wall_s,
    struct auth_refusal *no)
{
	struct tm tm = {0};
	const char *end =
	    timestamp != NULL ? strptime(timestamp, "%Y%m%dT%H%M%SZ", &tm) : NULL;

	if (end == NULL || *end != '\0' || strlen(timestamp) != 16)
		return refuse(no, 400, "IncompleteSignature",
		    "Date must be in ISO-8601 'basic format'.");
	if (strncmp(timestamp, c->date, 8) != 0 || strlen(c->date) != 8)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
		    "of date from HTTP: '%.20s' != '%.20s'.",
		    c->date, timestamp);
	int64_t at = (int64_t)timegm(&tm);
	if (at < wall_s - WINDOW_S)
		return refuse(no, 403, "RequestExpired",
		    "Request has expired: it was signed at %s.", timestamp);
	if (at > wall_s + WINDOW_S)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "Signature not yet current: %s is still later than 5 min. from now.",
		    timestamp);
	return true;
}

static bool
check_token(const struct auth *a, const char *token, struct auth_refusal *no)
{
	if (strcmp(token != NULL ? token : "", a->token) == 0)
		return true;
	return refuse(no, 403, "InvalidClientTokenId",
	    "The security token included in the request is invalid.");
}

bool
auth_check(const struct auth *a, const struct sigv4_request *req, int64_t wall_s,
    struct auth_refusal *no)
{
	const char *text = evhttp_find_header(req->headers, "Authorization");
	const char *timestamp = evhttp_find_header(req->headers, "X-Amz-Date");
	const char *token = evhttp_find_header(req->headers, "X-Amz-Security-Token");
	char right[SIGV4_HEX_BYTES];
	struct credential c;

	if (a->off)
		return true;
	if (text == NULL)
		return refuse(no, 403, "MissingAuthenticationToken",
		    "Missing Authentication Token");
	if (!read_credential(text, &c, no) || !check_scope(a, &c, no) ||
	    !check_date(&c, timestamp, wall_s, no) ||
	    !check_signed_headers(&c, req, no) || !check_token(a, token, no))
		return false;
	struct sigv4_scope scope = {
	    .secret = a->secret,
	    .date = c.date,
	    .region = c.region,
	    .service = c.service,
	    .timestamp = timestamp,
	    .signed_headers = c.signed_headers,
	};
	sigv4_sign(req, &scope, right);
	if (strlen(c.signature) != strlen(right) ||
	    CRYPTO_memcmp(c.signature, right, strlen(right)) != 0)
		return refuse(no, 403, "SignatureDoesNotMatch",
		    "The request signature we calculated does not match the signature you "
		    "provided. Check your AWS Secret Access Key and signing method. Consult "
		    "the service documentation for details.");
	return true;
}
