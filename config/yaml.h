/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a YAML file as a tree that remembers where everything stood.
 *
 * The subset that a configuration needs: one document of maps with plain keys, lists
 * and scalars. Refused, each with a sentence and its place: duplicate keys, merge
 * keys (<<), anchors and aliases, tags, a second document, nesting beyond 32, more
 * than YAML_NODES_MAX nodes. So the tree is never larger than the text deserves.
 */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "config/notes.h"
#include "config/region.h"

#define YAML_BYTES_MAX ((size_t)1024 * 1024)
#define YAML_NODES_MAX 200000
#define YAML_ENTRIES_MAX 1024 /* of one map or list */
#define YAML_DEPTH_MAX 32

enum ynode_kind { YNODE_SCALAR = 0, YNODE_LIST, YNODE_MAP };

struct ynode {
	enum ynode_kind kind;
	unsigned line, column;         /* of the value, from 1 */
	unsigned key_line, key_column; /* of its key; without one: of the value */
	const char *key;               /* NULL outside a map */
	const char *text;              /* of a scalar: no NUL inside; else "" */
	bool plain;                    /* a scalar without quotes */
	size_t children;
	struct ynode *first, *last, *next;
};

/* The whole text; NULL when it cannot be read. Notes say why; a tree may come with
 * errors noted (a duplicate key is left out and named). Lives in the region. */
struct ynode *
yaml_read(const char *text, size_t n, struct region *r, struct config_notes *notes);

/* The entry of a map; NULL when there is none (or node is NULL, or no map). */
const struct ynode *ynode_get(const struct ynode *node, const char *key);
/* The same down a path: "answers.alias.name". */
const struct ynode *ynode_at(const struct ynode *node, const char *path);
/* An empty value, "~" or "null": a key without anything behind it. */
bool ynode_is_null(const struct ynode *node);

#endif
