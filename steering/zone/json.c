/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one file that knows jansson. A struct json is a json_t by another name: the
 * library counts references, our callers need not know that it does.
 */
#include "steering/zone/json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/text.h"

#define JSON_DEPTH_MAX 16

static json_t *
in(struct json *j)
{
	return (json_t *)(void *)j;
}

static const json_t *
in_const(const struct json *j)
{
	return (const json_t *)(const void *)j;
}

/* No memory for a few hundred bytes: nothing sensible is left to do. */
static struct json *
made(json_t *t)
{
	if (t == NULL)
		abort();
	return (struct json *)(void *)t;
}

static const struct json *
lent(const json_t *t)
{
	return (const struct json *)(const void *)t;
}

struct json *
json_map_new(void)
{
	return made(json_object());
}

struct json *
json_list_new(void)
{
	return made(json_array());
}

void
json_free(struct json *j)
{
	json_decref(in(j));
}

void
json_put(struct json *map, const char *key, struct json *value)
{
	if (json_object_set_new(in(map), key, in(value)) != 0)
		abort();
}

/* Length of the UTF-8 character at p, 0 when it is none. Jansson judges the rest. */
static size_t
utf8_length(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1
	    : p[0] < 0xc2      ? 0
	    : p[0] < 0xe0      ? 2
	    : p[0] < 0xf0      ? 3
	    : p[0] < 0xf5      ? 4
			       : 0;

	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static json_t *
text_node(const char *text)
{
	json_t *t = json_string(text);

	if (t != NULL)
		return t;
	char *clean = strdup(text);
	if (clean == NULL)
		abort();
	for (unsigned char *p = (unsigned char *)clean; *p != '\0';) {
		size_t n = utf8_length(p);
		if (n == 0)
			*p = '?';
		p += n > 0 ? n : 1;
	}
	t = json_string(clean);
	/* Surrogates and the like pass the count above: then ASCII it is. */
	for (unsigned char *p = (unsigned char *)clean; t == NULL && *p != '\0'; p++)
		if (*p >= 0x80)
			*p = '?';
	if (t == NULL)
		t = json_string(clean);
	free(clean);
	return t;
}

void
json_put_text(struct json *map, const char *key, const char *text)
{
	json_put(map, key, made(text_node(text)));
}

void
json_put_int(struct json *map, const char *key, int64_t n)
{
	json_put(map, key, made(json_integer(n)));
}

void
json_put_number(struct json *map, const char *key, double n)
{
	json_put(map, key, isfinite(n) ? made(json_real(n)) : made(json_null()));
}

void
json_put_bool(struct json *map, const char *key, bool b)
{
	json_put(map, key, made(json_boolean(b)));
}

void
json_put_null(struct json *map, const char *key)
{
	json_put(map, key, made(json_null()));
}

void
json_put_hex(struct json *map, const char *key, uint64_t n)
{
	char text[24];

	(void)snprintf(text, sizeof text, "%016" PRIx64, n);
	json_put_text(map, key, text);
}

void
json_add(struct json *list, struct json *value)
{
	if (json_array_append_new(in(list), in(value)) != 0)
		abort();
}

void
json_add_text(struct json *list, const char *text)
{
	json_add(list, made(text_node(text)));
}

const struct json *
json_get(const struct json *map, const char *key)
{
	return lent(json_object_get(in_const(map), key));
}

size_t
json_count(const struct json *list)
{
	return json_array_size(in_const(list));
}

const struct json *
json_at(const struct json *list, size_t i)
{
	return lent(json_array_get(in_const(list), i));
}

const char *
json_text(const struct json *map, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(in_const(map), key));

	return text != NULL ? text : otherwise;
}

int64_t
json_int(const struct json *map, const char *key, int64_t otherwise)
{
	const json_t *t = json_object_get(in_const(map), key);

	return json_is_integer(t) ? (int64_t)json_integer_value(t) : otherwise;
}

bool
json_flag(const struct json *map, const char *key)
{
	const json_t *t = json_object_get(in_const(map), key);

	return t != NULL && json_typeof(t) == JSON_TRUE;
}

const char *
json_string_of(const struct json *j)
{
	const char *text = json_string_value(in_const(j));

	return text != NULL ? text : "";
}

bool
json_is_map(const struct json *j)
{
	return json_is_object(in_const(j));
}

double
json_number_of(const struct json *j)
{
	return json_number_value(in_const(j));
}

enum json_kind
json_kind_of(const struct json *j)
{
	if (j == NULL)
		return JSON_KIND_NONE;
	switch (json_typeof(in_const(j))) {
	case JSON_NULL:
		return JSON_KIND_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_KIND_BOOL;
	case JSON_INTEGER:
		return JSON_KIND_INT;
	case JSON_REAL:
		return JSON_KIND_NUMBER;
	case JSON_STRING:
		return JSON_KIND_TEXT;
	case JSON_ARRAY:
		return JSON_KIND_LIST;
	case JSON_OBJECT:
		return JSON_KIND_MAP;
	}
	return JSON_KIND_NONE;
}

const char *
json_key_next(const struct json *map, void **at)
{
	json_t *t = (json_t *)(uintptr_t)map; /* the library's walk takes no const */

	*at = *at == NULL ? json_object_iter(t) : json_object_iter_next(t, *at);
	return *at != NULL ? json_object_iter_key(*at) : NULL;
}

struct json *
json_clone(const struct json *j)
{
	return made(json_deep_copy(in_const(j)));
}

/* Refuses what would make our own readers recurse without end. */
static bool
nested_too_deep(const char *text, size_t n)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < n; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!quoted && (text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (depth > JSON_DEPTH_MAX)
			return true;
	}
	return false;
}

/* Credentials pass through here: the library frees its strings as they are. */
static void
wipe_and_free(void *p)
{
	if (p != NULL)
		text_wipe(p, malloc_usable_size(p));
	free(p);
}

struct json *
json_read(const char *text, size_t n, struct err *e)
{
	json_error_t why;

	json_set_alloc_funcs(malloc, wipe_and_free);
	if (nested_too_deep(text, n)) {
		(void)err_set(e, "JSON is nested deeper than %d", JSON_DEPTH_MAX);
		return NULL;
	}
	json_t *t = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (t == NULL)
		(void)err_set(e, "not JSON: %s at byte %d", why.text, why.position);
	return (struct json *)(void *)t;
}

char *
json_write(const struct json *j, bool indented)
{
	size_t flags = indented ? JSON_INDENT(2) : JSON_COMPACT;
	char *text = json_dumps(in_const(j), flags);

	if (text == NULL)
		abort();
	return text;
}
