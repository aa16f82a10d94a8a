/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why our own signer: curl's signs what curl thinks the canonical request is, and
 * the two versions that matter disagree on unsorted queries and on escapes. Here
 * canonical and wire text have one origin. Why sorting indices and not pairs: the
 * caller's arrays are const, and headers of one name keep their order.
 *
 * The path is encoded once more than on the wire, as every service but S3 wants.
 */
#include "steering/zone/sign.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HASH_BYTES 32
#define ALGORITHM "AWS4-HMAC-SHA256"

struct digest {
	unsigned char byte[HASH_BYTES];
};

void
sign_date(char out[SIGN_DATE_MAX], int64_t wall_s)
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, SIGN_DATE_MAX, "%Y%m%dT%H%M%SZ", &tm) != 16)
		memcpy(out, "19700101T000000Z", SIGN_DATE_MAX);
}

static bool
unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

void
sign_encode(struct text *out, const char *in, bool keep_slash)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *)in; *p != '\0'; p++) {
		if (unreserved(*p) || (keep_slash && *p == '/')) {
			text_add_char(out, (char)*p);
			continue;
		}
		text_add(out, (char[3]){'%', hex[*p >> 4], hex[*p & 15]}, 3);
	}
}

/* ---- the query ---- */

/* Sorted by encoded name, then encoded value: '%' sorts before letters, so it is the
 * encoded text that must be compared. */
static int
compare_text(const void *a, const void *b)
{
	const struct text *x = a, *y = b;

	return strcmp(text_str(x), text_str(y));
}

void
sign_query(struct text *out, const struct text_pair *query, size_t queries)
{
	struct text part[SIGN_PAIRS_MAX];

	assert(queries <= SIGN_PAIRS_MAX);
	for (size_t i = 0; i < queries; i++) {
		part[i] = TEXT_INIT(out->bytes_max);
		sign_encode(&part[i], query[i].name, false);
		/* \1 sorts before every byte that encoding leaves: "a" before "a-b". */
		text_add_char(&part[i], '\1');
		sign_encode(&part[i], query[i].value, false);
	}
	if (queries > 0)
		qsort(part, queries, sizeof part[0], compare_text);
	for (size_t i = 0; i < queries; i++) {
		char *mark = part[i].data != NULL ? strchr(part[i].data, '\1') : NULL;

		if (!text_ok(&part[i]) || mark == NULL) {
			out->failed = true;
		} else {
			*mark = '=';
			if (i > 0)
				text_add_char(out, '&');
			text_add_str(out, part[i].data);
		}
		text_fini(&part[i]);
	}
}

/* ---- the path ---- */

/* RFC 3986 §5.2.4 plus "//" as one slash, then encoded. */
static void
add_path(struct text *out, const char *path)
{
	struct text clean = TEXT_INIT(out->bytes_max);
	size_t n = strlen(path);

	for (size_t i = 0; i < n;) {
		size_t len = strcspn(path + i, "/");
		const char *segment = path + i;
		bool more = i + len < n;

		i += len + 1;
		if (len == 0 || (len == 1 && segment[0] == '.'))
			continue;
		if (len == 2 && segment[0] == '.' && segment[1] == '.') {
			char *last;

			if (clean.n == 0)
				continue;
			clean.data[clean.n - 1] = '\0'; /* its slash */
			last = strrchr(clean.data, '/');
			clean.n = last != NULL ? (size_t)(last - clean.data) + 1 : 0;
			clean.data[clean.n] = '\0';
			continue;
		}
		text_add(&clean, segment, len);
		if (more)
			text_add_char(&clean, '/');
		if (!text_ok(&clean))
			break;
	}
	text_add_char(out, '/');
	sign_encode(out, text_str(&clean), true);
	out->failed = out->failed || !text_ok(&clean);
	text_fini(&clean);
}

/* ---- the headers ---- */

struct order {
	const struct text_pair *pair;
	size_t at;
};

static int
compare_header(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int c = strcasecmp(x->pair->name, y->pair->name);

	return c != 0 ? c : (x->at > y->at) - (x->at < y->at);
}

static void
add_lower(struct text *out, const char *name)
{
	for (; *name != '\0'; name++)
		text_add_char(
		    out, *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name);
}

/* Trimmed, and each run of white space inside is one blank. */
static void
add_value(struct text *out, const char *value)
{
	static const char blank[] = " \t\r\n";

	value += strspn(value, blank);
	while (*value != '\0') {
		size_t n = strcspn(value, blank);

		text_add(out, value, n);
		value += n;
		value += strspn(value, blank);
		if (*value != '\0')
			text_add_char(out, ' ');
	}
}

/* Fields: "name:value\n…"; names alone: "a;b". One name twice is one line. */
static void
add_headers(struct text *out, const struct sign_request *r, bool names_alone)
{
	struct order order[SIGN_PAIRS_MAX];

	assert(r->headers <= SIGN_PAIRS_MAX);
	for (size_t i = 0; i < r->headers; i++)
		order[i] = (struct order){&r->header[i], i};
	if (r->headers > 0)
		qsort(order, r->headers, sizeof order[0], compare_header);
	for (size_t i = 0; i < r->headers; i++) {
		const char *name = order[i].pair->name;
		bool again = i > 0 && strcasecmp(order[i - 1].pair->name, name) == 0;
		bool last = i + 1 == r->headers ||
		    strcasecmp(order[i + 1].pair->name, name) != 0;

		if (names_alone && again)
			continue;
		if (names_alone && i > 0)
			text_add_char(out, ';');
		if (!again)
			add_lower(out, name);
		if (names_alone)
			continue;
		text_add_char(out, again ? ',' : ':');
		add_value(out, order[i].pair->value);
		if (last)
			text_add_char(out, '\n');
	}
}

/* ---- hashes ---- */

static bool
hash(struct digest *out, const void *bytes, size_t n)
{
	unsigned int got = 0;

	return EVP_Digest(bytes, n, out->byte, &got, EVP_sha256(), NULL) == 1 &&
	    got == HASH_BYTES;
}

static bool
mac(struct digest *out, const void *key, size_t key_bytes, const char *text)
{
	size_t got = 0;

	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_bytes,
		   (const unsigned char *)text, strlen(text), out->byte, HASH_BYTES,
		   &got) != NULL &&
	    got == HASH_BYTES;
}

static void
add_hex(struct text *out, const struct digest *d)
{
	for (size_t i = 0; i < HASH_BYTES; i++)
		text_addf(out, "%02x", d->byte[i]);
}

/* ---- the parts of the recipe, in its order ---- */

bool
sign_canonical(struct text *out, const struct sign_request *r, struct err *e)
{
	struct digest body;

	text_addf(out, "%s\n", r->method);
	if (r->path_as_is)
		text_add_str(out, r->path);
	else
		add_path(out, r->path);
	text_add_char(out, '\n');
	sign_query(out, r->query, r->queries);
	text_add_char(out, '\n');
	add_headers(out, r, false);
	text_add_char(out, '\n');
	add_headers(out, r, true);
	text_add_char(out, '\n');
	if (!hash(&body, r->body != NULL ? r->body : "", r->body_bytes))
		return err_set(e, "signing: OpenSSL gave no SHA-256");
	add_hex(out, &body);
	if (!text_ok(out))
		return err_set(
		    e, "signing: the request is too long or memory is short");
	return true;
}

static void
add_scope(struct text *out, const struct sign_key *k, const char *date)
{
	text_addf(out, "%.8s/%s/%s/aws4_request", date, k->region, k->service);
}

bool
sign_string(struct text *out, const struct sign_request *r, const struct sign_key *k,
    const char date[SIGN_DATE_MAX], struct err *e)
{
	struct text canonical = TEXT_INIT(64 * 1024);
	struct digest d;
	bool good = false;

	if (!sign_canonical(&canonical, r, e))
		goto out;
	if (!hash(&d, text_str(&canonical), canonical.n)) {
		(void)err_set(e, "signing: OpenSSL gave no SHA-256");
		goto out;
	}
	text_addf(out, ALGORITHM "\n%s\n", date);
	add_scope(out, k, date);
	text_add_char(out, '\n');
	add_hex(out, &d);
	good = text_ok(out) || err_set(e, "signing: memory is short");
out:
	text_fini(&canonical);
	return good;
}

/* HMAC chain: "AWS4"+secret → date → region → service → "aws4_request". */
static bool
derive(struct digest *key, const struct sign_key *k, const char *date)
{
	struct text secret = TEXT_INIT(1024);
	char day[9];
	bool good;

	memcpy(day, date, 8);
	day[8] = '\0';
	text_addf(&secret, "AWS4%s", k->secret_key);
	good = text_ok(&secret) && mac(key, text_str(&secret), secret.n, day) &&
	    mac(key, key->byte, HASH_BYTES, k->region) &&
	    mac(key, key->byte, HASH_BYTES, k->service) &&
	    mac(key, key->byte, HASH_BYTES, "aws4_request");
	text_fini(&secret);
	return good;
}

bool
sign_authorization(struct text *out, const struct sign_request *r,
    const struct sign_key *k, const char date[SIGN_DATE_MAX], struct err *e)
{
	struct text to_sign = TEXT_INIT(4096);
	struct digest key, signature;
	bool good = false;

	if (!sign_string(&to_sign, r, k, date, e))
		goto out;
	if (!derive(&key, k, date) ||
	    !mac(&signature, key.byte, HASH_BYTES, text_str(&to_sign))) {
		(void)err_set(e, "signing: OpenSSL gave no HMAC-SHA-256");
		goto out;
	}
	text_addf(out, ALGORITHM " Credential=%s/", k->access_key);
	add_scope(out, k, date);
	text_add_str(out, ", SignedHeaders=");
	add_headers(out, r, true);
	text_add_str(out, ", Signature=");
	add_hex(out, &signature);
	good = text_ok(out) || err_set(e, "signing: memory is short");
out:
	OPENSSL_cleanse(&key, sizeof key);
	text_fini(&to_sign);
	return good;
}
