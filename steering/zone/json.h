/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - JSON for --json, the control socket and what sources of credentials answer.
 *
 * A struct json is a node of a tree. Whoever gives a node to json_put() or json_add()
 * gives it away; json_get() and json_at() lend. Functions that read take NULL and
 * wrong kinds for absent. Out of memory ends the process (these trees are small).
 * Bytes that are not UTF-8 become '?'. What a tree held is wiped when it is freed.
 */
#ifndef STEERING_ZONE_JSON_H
#define STEERING_ZONE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"

struct json;

struct json *json_map_new(void);
struct json *json_list_new(void);
void json_free(struct json *j);

/* A key that stands already is replaced. */
void json_put(struct json *map, const char *key, struct json *value);
void json_put_text(struct json *map, const char *key, const char *text);
void json_put_int(struct json *map, const char *key, int64_t n);
void json_put_number(struct json *map, const char *key, double n);
void json_put_bool(struct json *map, const char *key, bool b);
void json_put_null(struct json *map, const char *key);
/* "0123456789abcdef": a 64-bit number that JSON readers would round. */
void json_put_hex(struct json *map, const char *key, uint64_t n);
void json_add(struct json *list, struct json *value);
void json_add_text(struct json *list, const char *text);

const struct json *json_get(const struct json *map, const char *key);
size_t json_count(const struct json *list);
const struct json *json_at(const struct json *list, size_t i);
/* The entry's text; `otherwise` when it is absent or no string. */
const char *json_text(const struct json *map, const char *key, const char *otherwise);
int64_t json_int(const struct json *map, const char *key, int64_t otherwise);
bool json_flag(const struct json *map, const char *key);
/* Of a string itself; "" when it is none. */
const char *json_string_of(const struct json *j);
bool json_is_map(const struct json *j);
/* Of an INT or a NUMBER itself; 0 when it is neither. */
double json_number_of(const struct json *j);
enum json_kind {
	JSON_KIND_NONE = 0, /* absent */
	JSON_KIND_NULL,
	JSON_KIND_BOOL,
	JSON_KIND_INT,
	JSON_KIND_NUMBER, /* with a point or an exponent */
	JSON_KIND_TEXT,
	JSON_KIND_LIST,
	JSON_KIND_MAP,
};
enum json_kind json_kind_of(const struct json *j);
/* Walks over the keys of a map: *at is NULL at first. NULL at the end. */
const char *json_key_next(const struct json *map, void **at);
/* A copy that shares nothing. */
struct json *json_clone(const struct json *j);

/* Exactly one value, an object or a list, duplicate keys refused. NULL with a sentence,
 * which quotes what it stumbled over: never show it of a text that may be a secret. */
struct json *json_read(const char *text, size_t n, struct err *e);
/* One line, or indented for people; without a newline at the end. free() it. */
char *json_write(const struct json *j, bool indented);

#endif
