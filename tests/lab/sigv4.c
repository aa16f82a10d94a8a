/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The canonical request is rebuilt from what arrived, never from what a client says
 * it signed: the path's segments are encoded once more (all services but S3 do so),
 * the query is decoded, encoded and sorted, and each signed header is looked up.
 */
#include "tests/lab/sigv4.h"
#include "tests/lab/heap.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

enum { DIGEST_BYTES = 32, PAIRS_MAX = 256, SEGMENTS_MAX = 256 };

static void
to_hex(const uint8_t digest[DIGEST_BYTES], char hex[SIGV4_HEX_BYTES])
{
	for (size_t i = 0; i < DIGEST_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static void
hash_hex(const void *bytes, size_t n, char hex[SIGV4_HEX_BYTES])
{
	uint8_t digest[DIGEST_BYTES];

	if (EVP_Digest(bytes, n, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
	to_hex(digest, hex);
}

static void
hmac(const void *key, size_t key_bytes, const void *data, size_t data_bytes,
    uint8_t out[DIGEST_BYTES])
{
	size_t n = 0;

	if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_bytes, data,
		data_bytes, out, DIGEST_BYTES, &n) == NULL ||
	    n != DIGEST_BYTES)
		abort();
}

static bool
is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || (c != '\0' && strchr("-_.~", c) != NULL);
}

static void
add_encoded(struct evbuffer *out, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_unreserved(text[i]))
			evbuffer_add(out, text + i, 1);
		else
			evbuffer_add_printf(out, "%%%02X", (unsigned char)text[i]);
	}
}

/* Drops "." and empty segments, takes ".." back, keeps a slash at the end. */
static void
add_path(struct evbuffer *out, const char *path)
{
	struct {
		const char *at;
		size_t n;
	} kept[SEGMENTS_MAX];
	size_t count = 0;

	for (const char *c = path; *c != '\0';) {
		size_t n = strcspn(c, "/");

		if (n == 2 && strncmp(c, "..", 2) == 0) {
			count -= count > 0;
		} else if (n > 0 && !(n == 1 && *c == '.') && count < SEGMENTS_MAX) {
			kept[count].at = c;
			kept[count++].n = n;
		}
		c += n + (c[n] == '/');
	}
	for (size_t i = 0; i < count; i++) {
		evbuffer_add(out, "/", 1);
		add_encoded(out, kept[i].at, kept[i].n);
	}
	if (count == 0 || path[strlen(path) - 1] == '/')
		evbuffer_add(out, "/", 1);
}

struct pair {
	char *key, *value; /* encoded */
};

static int
cmp_pairs(const void *a, const void *b)
{
	const struct pair *left = a, *right = b;
	int order = strcmp(left->key, right->key);

	return order != 0 ? order : strcmp(left->value, right->value);
}

static char *
recode(const char *text, size_t n)
{
	struct evbuffer *out = evbuffer_new();
	char *raw = heap_zero(n + 1);
	size_t decoded_n = 0;
	char *decoded, *encoded;

	memcpy(raw, text, n);
	decoded = evhttp_uridecode(raw, 1, &decoded_n);
	if (out == NULL || decoded == NULL)
		abort();
	add_encoded(out, decoded, decoded_n);
	evbuffer_add(out, "", 1);
	encoded = heap_string((const char *)evbuffer_pullup(out, -1));
	evbuffer_free(out);
	free(decoded);
	free(raw);
	return encoded;
}

static void
add_query(struct evbuffer *out, const char *query)
{
	struct pair pairs[PAIRS_MAX];
	size_t count = 0;

	for (const char *c = query; c != NULL && *c != '\0' && count < PAIRS_MAX;) {
		size_t n = strcspn(c, "&");
		const char *equals = memchr(c, '=', n);
		size_t key_n = equals != NULL ? (size_t)(equals - c) : n;

		if (n > 0) {
			pairs[count].key = recode(c, key_n);
			pairs[count].value = equals != NULL
			    ? recode(equals + 1, n - key_n - 1)
			    : heap_string("");
			count++;
		}
		c += n + (c[n] == '&');
	}
	qsort(pairs, count, sizeof *pairs, cmp_pairs);
	for (size_t i = 0; i < count; i++) {
		evbuffer_add_printf(
		    out, "%s%s=%s", i > 0 ? "&" : "", pairs[i].key, pairs[i].value);
		free(pairs[i].key);
		free(pairs[i].value);
	}
}

/* Trimmed, and runs of blanks made one. */
static void
add_header_value(struct evbuffer *out, const char *value)
{
	const char *c = value + strspn(value, " \t\r\n");

	while (*c != '\0') {
		size_t word = strcspn(c, " \t\r\n");

		evbuffer_add(out, c, word);
		c += word;
		c += strspn(c, " \t\r\n");
		if (*c != '\0')
			evbuffer_add(out, " ", 1);
	}
}

static void
add_headers(struct evbuffer *out, const struct sigv4_request *req, const char *names)
{
	for (const char *name = names; *name != '\0';) {
		size_t n = strcspn(name, ";");
		const struct evkeyval *header;
		bool first = true;

		evbuffer_add(out, name, n);
		evbuffer_add(out, ":", 1);
		TAILQ_FOREACH(header, req->headers, next)
		{
			if (strlen(header->key) != n ||
			    strncasecmp(header->key, name, n) != 0)
				continue;
			if (!first)
				evbuffer_add(out, ",", 1);
			add_header_value(out, header->value);
			first = false;
		}
		evbuffer_add(out, "\n", 1);
		name += n + (name[n] == ';');
	}
}

static void
canonical_hash(const struct sigv4_request *req, const char *signed_headers,
    char hex[SIGV4_HEX_BYTES])
{
	struct evbuffer *out = evbuffer_new();
	char payload[SIGV4_HEX_BYTES];

	if (out == NULL)
		abort();
	evbuffer_add_printf(out, "%s\n", req->method);
	add_path(out, req->path);
	evbuffer_add(out, "\n", 1);
	add_query(out, req->query);
	evbuffer_add(out, "\n", 1);
	add_headers(out, req, signed_headers);
	hash_hex(req->body_bytes > 0 ? req->body : "", req->body_bytes, payload);
	evbuffer_add_printf(out, "\n%s\n%s", signed_headers, payload);
	hash_hex(evbuffer_pullup(out, -1), evbuffer_get_length(out), hex);
	evbuffer_free(out);
}

void
sigv4_sign(const struct sigv4_request *req, const struct sigv4_scope *scope,
    char hex[SIGV4_HEX_BYTES])
{
	static const char last[] = "aws4_request";
	uint8_t key[DIGEST_BYTES];
	char text[600], secret[300], canonical[SIGV4_HEX_BYTES];

	canonical_hash(req, scope->signed_headers, canonical);
	int secret_n = snprintf(secret, sizeof secret, "AWS4%s", scope->secret);
	int text_n = snprintf(text, sizeof text,
	    "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/%s\n%s", scope->timestamp, scope->date,
	    scope->region, scope->service, last, canonical);
	hmac(secret, (size_t)secret_n, scope->date, strlen(scope->date), key);
	hmac(key, sizeof key, scope->region, strlen(scope->region), key);
	hmac(key, sizeof key, scope->service, strlen(scope->service), key);
	hmac(key, sizeof key, last, sizeof last - 1, key);
	hmac(key, sizeof key, text, (size_t)text_n, key);
	to_hex(key, hex);
}
