/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - the tree read by the table.
 *
 * Checks every node against its row, puts values and defaults where the row says,
 * and leaves a tree of named blocks: services with their members inside, and so on,
 * in the order of the file. A mistake is noted and reading goes on.
 */
#ifndef CONFIG_WALK_H
#define CONFIG_WALK_H

#include "config/notes.h"
#include "config/region.h"
#include "config/schema.h"
#include "config/yaml.h"

struct block {
	const struct schema_key *row; /* ends in ".*"; NULL: the whole file */
	const struct ynode *node;
	const char *name;
	void *data;     /* the row's struct, zeroed, defaults filled */
	uint32_t index; /* among the blocks of its row in this parent */
	struct block *parent, *first, *last, *next;
};

struct walk {
	struct region *region;
	struct config_notes *notes;
	const struct ynode
	    *root;           /* of the whole file: references are looked up in it */
	const char *folder;  /* absolute; relative paths start there */
	struct block *block; /* the innermost named block */
	bool partial;        /* a template: what it lacks its services may say */
};

/* The whole file into a block whose data is `data` (a struct draft). */
struct block *walk_file(struct walk *w, void *data);
/* A template's keys, checked by the services' rows; nothing is kept. */
void walk_template(struct walk *w, const struct ynode *template);

/* The first (next) block of a row's path inside parent; NULL when there is none. */
struct block *block_first(const struct block *parent, const char *path);
struct block *block_next(const struct block *b);
/* By index among its siblings; NULL when out of range. */
struct block *block_at(const struct block *parent, const char *path, uint32_t index);

/* Where a name stands in a top-level list or map; UINT32_MAX: nowhere. */
uint32_t walk_index(const struct ynode *root, const char *key, const char *name);

#endif
