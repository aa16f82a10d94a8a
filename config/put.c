/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put.c - one function a type.
 *
 * The size of the place says how a number is stored, so that the model may use the
 * width that fits it and the table needs no second type. What does not fit is a
 * programmer's error: bounds in the table keep values within their places.
 */
#include "config/put.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "config/draft.h"
#include "config/forms.h"
#include "config/words.h"

static void
store_number(uint64_t n, void *dest, size_t bytes)
{
	uint8_t n8 = (uint8_t)n;
	uint16_t n16 = (uint16_t)n;
	uint32_t n32 = (uint32_t)n;

	switch (bytes) {
	case 0:
		return;
	case 1:
		assert(n8 == n);
		memcpy(dest, &n8, bytes);
		return;
	case 2:
		assert(n16 == n);
		memcpy(dest, &n16, bytes);
		return;
	case 4:
		assert(n32 == n);
		memcpy(dest, &n32, bytes);
		return;
	default:
		assert(bytes == sizeof n);
		memcpy(dest, &n, bytes);
	}
}

static bool
store_text(const char *text, void *dest, size_t bytes, struct err *e)
{
	size_t n = strlen(text);

	if (bytes == 0)
		return true;
	if (n >= bytes)
		return err_set(e, "is too long: at most %zu characters", bytes - 1);
	memcpy(dest, text, n + 1);
	return true;
}

static bool
in_range(const struct schema_key *row, uint64_t n, struct err *e)
{
	char least[32], most[32];
	uint64_t unit = row->words != NULL ? 1000 : 1;

	if (n >= row->min && (row->max == 0 || n <= row->max))
		return true;
	if (row->type == T_DURATION) {
		value_duration_format(row->min * unit, least, sizeof least);
		value_duration_format(row->max * unit, most, sizeof most);
		return err_set(e, "is out of range: %s to %s", least, most);
	}
	return err_set(e, "is out of range: %" PRIu64 "%s to %" PRIu64 "%s", row->min,
	    row->type == T_PERCENT ? "%" : "", row->max,
	    row->type == T_PERCENT ? "%" : "");
}

static bool
put_number(const struct schema_key *row, const char *text, void *dest, size_t bytes,
    struct err *e)
{
	uint64_t n = 0;
	bool ok = row->type == T_COUNT ? value_count(text, &n, e)
	    : row->type == T_PERCENT   ? value_percent(text, &n, e)
				       : value_duration(text, &n, e);

	if (!ok)
		return false;
	if (row->type == T_DURATION && row->words != NULL) {
		if (n % 1000 != 0)
			return err_set(e, "is not a whole number of seconds");
		n /= 1000;
	}
	if (!in_range(row, n, e))
		return false;
	store_number(n, dest, bytes);
	return true;
}

static bool
put_enum(const struct schema_key *row, const char *text, void *dest, size_t bytes,
    struct err *e)
{
	struct nearest near = {.wrong = text};
	unsigned index;

	if (!words_find(row->words, text, &index)) {
		nearest_offer_list(&near, row->words);
		if (near.best != NULL)
			return err_set(e, "is not known: did you mean '%.*s'?",
			    (int)near.best_bytes, near.best);
		return err_set(e, "is not known: it is one of %s", row->words);
	}
	if (bytes > 4)
		return store_text(text, dest, bytes, e);
	store_number(index, dest, bytes);
	return true;
}

static void
offer_names(struct nearest *near, const struct ynode *group)
{
	for (const struct ynode *c = group->first; c != NULL; c = c->next) {
		const char *name = c->key != NULL ? c->key : c->text;

		nearest_offer(near, name, strlen(name));
	}
}

static bool
put_ref(const struct walk *w, const struct schema_key *row, const char *text,
    void *dest, size_t bytes, struct err *e)
{
	const struct ynode *group = ynode_get(w->root, row->words);
	struct nearest near = {.wrong = text};
	uint32_t index = walk_index(w->root, row->words, text);

	if (index == UINT32_MAX) {
		if (group != NULL)
			offer_names(&near, group);
		if (near.best != NULL)
			return err_set(e, "is not among the %s: did you mean '%s'?",
			    row->words, near.best);
		return err_set(e, "is not among the %s%s", row->words,
		    group == NULL ? ": the file has none" : "");
	}
	if (bytes > 4)
		return store_text(text, dest, bytes, e);
	store_number(index, dest, bytes);
	return true;
}

static bool
put_text(const struct schema_key *row, const char *text, void *dest, size_t bytes,
    struct err *e)
{
	size_t n = strlen(text);

	for (const char *p = text; *p != '\0'; p++)
		if (((unsigned char)*p < ' ' || *p == 0x7F) &&
		    !(row->lines && strchr("\t\r\n", *p) != NULL))
			return err_set(e, "holds a control character");
	if (n < (row->min > 0 ? row->min : 1))
		return err_set(e, n == 0 ? "is empty" : "is too short");
	if (row->max > 0 && n > row->max)
		return err_set(
		    e, "is too long: at most %" PRIu64 " characters", row->max);
	if (row->check != NULL && !row->check(text, e))
		return false;
	return store_text(text, dest, bytes, e);
}

static bool
put_ip(const struct schema_key *row, const char *text, void *dest, size_t bytes,
    struct err *e)
{
	char ip[VALUE_IP_MAX];
	enum value_ip kind;

	if (!value_ip(text, ip, &kind, e))
		return false;
	if (row->type == T_IP4 && kind != VALUE_IP_V4)
		return err_set(e, "is an IPv6 address: it belongs under AAAA");
	if (row->type == T_IP6 && kind != VALUE_IP_V6)
		return err_set(e, "is an IPv4 address: it belongs under A");
	return store_text(ip, dest, bytes, e);
}

/* With something plain in the place of each {word}. */
static void
fill_words(const char *text, char *out, size_t bytes)
{
	size_t used = 0;

	while (*text != '\0' && used + 1 < bytes) {
		size_t n =
		    strspn(text + (*text == '{'), "abcdefghijklmnopqrstuvwxyz_.");

		if (*text == '{' && text[1 + n] == '}') {
			out[used++] = 'x';
			text += n + 2;
		} else {
			out[used++] = *text++;
		}
	}
	out[used] = '\0';
}

/* Rows with `words` may have {words} anywhere, in the host too. */
static bool
put_url(const struct schema_key *row, const char *text, void *dest, size_t bytes,
    struct err *e)
{
	struct value_url url;
	char filled[1024];

	fill_words(text, filled, sizeof filled);
	if (!value_url(row->words != NULL ? filled : text, &url, e))
		return false;
	if (row->type == T_HTTPS_URL && strcmp(url.scheme, "https") != 0)
		return err_set(e, "does not begin with https://");
	if (strcmp(url.scheme, "http") != 0 && strcmp(url.scheme, "https") != 0)
		return err_set(e, "begins with neither http:// nor https://");
	return put_text(row, text, dest, bytes, e);
}

static bool
put_canary(const char *text, void *dest, size_t bytes, struct err *e)
{
	struct value_url url;
	struct config_canary canary;

	if (!value_url(text, &url, e))
		return false;
	if (strcmp(url.scheme, "tcp") != 0 || url.path[0] != '\0')
		return err_set(e, "is not written as tcp://address:port");
	if (url.port == 0)
		return err_set(e, "has no port: write it as in tcp://192.0.2.1:443");
	memset(&canary, 0, sizeof canary);
	memcpy(canary.host, url.host, sizeof canary.host);
	canary.port = url.port;
	assert(bytes == sizeof canary);
	memcpy(dest, &canary, sizeof canary);
	return true;
}

static bool
put_endpoint(const char *text, void *dest, size_t bytes, struct err *e)
{
	struct value_url url;

	if (!value_url(text, &url, e))
		return false;
	if (url.scheme[0] != '\0' && !words_find("http https tcp", url.scheme, NULL))
		return err_set(e, "has the scheme '%s': known are http, https and tcp",
		    url.scheme);
	if (url.path[0] != '\0' && strcmp(url.path, "/") != 0)
		return err_set(e, "has a path: that belongs to the check");
	assert(bytes == sizeof url);
	memcpy(dest, &url, sizeof url);
	return true;
}

static bool
put_status(const char *text, void *dest, size_t bytes, struct err *e)
{
	struct check_status_range range;

	if (!value_status(text, &range.low, &range.high, e))
		return false;
	assert(bytes == sizeof range);
	memcpy(dest, &range, sizeof range);
	return true;
}

bool
put_path(const struct walk *w, const char *text, char *out, size_t bytes, struct err *e)
{
	int n = text[0] == '/' ? snprintf(out, bytes, "%s", text)
	    : strncmp(text, "./", 2) == 0
	    ? snprintf(out, bytes, "%s/%s", w->folder, text + 2)
	    : snprintf(out, bytes, "%s/%s", w->folder, text);

	if (n >= 0 && (size_t)n < bytes)
		return true;
	return err_set(e, "is too long: as an absolute path it may have %zu characters",
	    bytes - 1);
}

static bool
put_file(const struct walk *w, const struct schema_key *row, const char *text,
    void *dest, size_t bytes, struct err *e)
{
	char absolute[512];

	if (!put_text(row, text, NULL, 0, e))
		return false;
	return put_path(w, text, absolute,
		   bytes > 0 && bytes < sizeof absolute ? bytes : sizeof absolute, e) &&
	    store_text(absolute, dest, bytes, e);
}

bool
put_value(const struct walk *w, const struct schema_key *row, const char *text,
    void *dest, size_t bytes, struct err *e)
{
	char name[DNS_NAME_MAX], address[VALUE_ADDRESS_MAX];
	bool truth;

	switch (row->type) {
	case T_WORD:
		return value_word(text, e) && store_text(text, dest, bytes, e);
	case T_TEXT:
		return put_text(row, text, dest, bytes, e);
	case T_BOOL:
		if (!value_bool(text, &truth, e))
			return false;
		store_number(truth, dest, bytes);
		return true;
	case T_COUNT:
	case T_PERCENT:
	case T_DURATION:
		return put_number(row, text, dest, bytes, e);
	case T_ENUM:
		return put_enum(row, text, dest, bytes, e);
	case T_REF:
		return put_ref(w, row, text, dest, bytes, e);
	case T_NAME:
		return value_dns_name(text, name, e) &&
		    store_text(name, dest, bytes, e);
	case T_IP4:
	case T_IP6:
	case T_IP:
		return put_ip(row, text, dest, bytes, e);
	case T_ADDRESS:
	case T_SERVER:
		return value_address(
			   text, row->type == T_SERVER ? 53 : 0, address, e) &&
		    store_text(address, dest, bytes, e);
	case T_HTTP_URL:
	case T_HTTPS_URL:
		return put_url(row, text, dest, bytes, e);
	case T_CANARY:
		return put_canary(text, dest, bytes, e);
	case T_ENDPOINT:
		return put_endpoint(text, dest, bytes, e);
	case T_STATUS:
		return put_status(text, dest, bytes, e);
	case T_PATH:
		return put_file(w, row, text, dest, bytes, e);
	case T_WAIT:
		if (strcmp(text, "healthy") == 0)
			return true;
		return err_set(
		    e, "is neither healthy nor a block with check, lag or time");
	case T_BLOCK:
	case T_NAMED:
	case T_PARAMS:
	case T_LIST:
	case T_HEADERS:
	case SCHEMA_TYPES:
		break;
	}
	assert(false && "a block is no value");
	return false;
}
