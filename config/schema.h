/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the configuration language as one table.
 *
 * A row is a key: where it stands, what it is, its bounds and default, what it means
 * in one sentence, and where its value goes. The parser, the hints for unknown keys,
 * the page of reference and shell completion all read these rows; to add a key is to
 * add one. In a path '*' is a name that the operator chooses and '-' a list's item.
 */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "steering/core/err.h"

enum schema_type {
	T_BLOCK = 0, /* a map with the keys of the rows below it */
	T_NAMED,     /* a map of blocks, each under a name; the row below is PATH.* */
	T_PARAMS,    /* a map of any keys to scalars */
	T_LIST,      /* the row below is PATH.- */
	T_WORD,      /* a name: a-z, 0-9, '-' */
	T_TEXT,      /* one line */
	T_BOOL,
	T_COUNT,
	T_PERCENT,  /* "25%" */
	T_DURATION, /* "2s"; stored as ms, in whole seconds when its unit is "s" */
	T_ENUM,     /* one of words; stored as its index */
	T_REF,      /* a name under the top-level key in words; its index or its text */
	T_NAME,     /* a DNS name */
	T_IP4,
	T_IP6,
	T_IP,
	T_ADDRESS,  /* "ip:port" */
	T_SERVER,   /* "ip" or "ip:port", port 53 */
	T_HTTP_URL, /* http:// or https:// */
	T_HTTPS_URL,
	T_CANARY,   /* tcp://ip:port */
	T_ENDPOINT, /* [scheme://]host[:port] */
	T_STATUS,   /* 200 or 200-299 */
	T_PATH,     /* a file or folder; made absolute from the file's folder */
	T_HEADERS,  /* a map of header names to values */
	T_WAIT,     /* healthy, or a block of its own */
	SCHEMA_TYPES
};

struct schema_place {
	size_t offset,
	    bytes; /* in the struct of the innermost named block; 0: nowhere */
	size_t count_offset; /* lists: of a uint32_t */
};

struct schema_key {
	const char *path;
	enum schema_type type;
	bool required;
	uint64_t min, max; /* of the value in its unit; of a list's or map's entries; of
				 * a text's characters. max 0: as the type allows */
	const char *preset; /* the default, as an operator would write it */
	const char *words;  /* T_ENUM: the words; T_REF: the key; T_DURATION: "s";
			    * T_HTTP_URL: it may hold {words}; T_HEADERS: {file: PATH} too */
	const char *doc;
	const char *example; /* for the page; NULL: the default, or its type's */
	struct schema_place place;
	bool lines; /* T_TEXT: tabs and line ends are allowed */
	bool (*check)(const char *text, struct err *e); /* beyond the type */
};

/* The table, in the order of a file; parents before their children. */
const struct schema_key *schema_keys(size_t *count);
/* What a type is called in sentences and in the reference: "a list", "a time". */
const char *schema_type_text(enum schema_type t);
/* The row of a path; NULL when there is none. */
const struct schema_key *schema_find(const char *path);
/* Is `row` directly below `parent`? NULL: the top. */
bool schema_is_below(const struct schema_key *row, const struct schema_key *parent);
/* The last word of a row's path. */
const char *schema_last(const struct schema_key *row);

#endif
