/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unbuilt.c - what a file may say and `run` cannot do.
 *
 * `validate` accepts the whole language; an agent that would silently leave out half
 * of it is worse than one that does not start. One row a block, found by its path in
 * the merged tree; whoever builds it deletes the row.
 */
#include "config/load.h"

#include <string.h>

#include "config/notes.h"

static const struct unbuilt {
	const char *path;
	bool (*when)(const struct ynode *node); /* NULL: whenever it is there */
	const char *what;
} rows[] = {
    /* Nothing: all that can be written runs. */
    {NULL, NULL, NULL},
};

static void
find(const struct ynode *node, const char *path, const struct unbuilt *row,
    struct config_notes *notes)
{
	char key[64];
	size_t bytes = strcspn(path, ".");
	const char *rest = path + bytes + (path[bytes] == '.' ? 1 : 0);

	if (*path == '\0') {
		if (row->when == NULL || row->when(node))
			note_error(notes, node->key_line, node->key_column,
			    "%s%s%s: run cannot %s", node->key != NULL ? "'" : "",
			    node->key != NULL ? node->key : "the file",
			    node->key != NULL ? "'" : "", row->what);
		return;
	}
	(void)snprintf(key, sizeof key, "%.*s", (int)bytes, path);
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		if (c->key != NULL && (*path == '*' || strcmp(c->key, key) == 0))
			find(c, rest, row, notes);
}

void
unbuilt_collect(const struct ynode *root, struct region *r, struct config *c)
{
	struct config_notes notes = {0};

	for (const struct unbuilt *row = rows; row->path != NULL; row++)
		find(root, row->path, row, &notes);
	notes_sort(&notes);
	c->unbuilt = (uint32_t)notes.count;
	c->unbuilt_note = region_alloc(r, notes.count * sizeof *notes.note);
	if (notes.count > 0)
		memcpy(c->unbuilt_note, notes.note, notes.count * sizeof *notes.note);
	config_notes_free(&notes);
}

bool
config_runnable(const struct config *c, struct config_notes *notes)
{
	memset(notes, 0, sizeof *notes);
	for (uint32_t i = 0; i < c->unbuilt; i++) {
		const struct config_note *n = &c->unbuilt_note[i];

		note_error(notes, n->line, n->column, "%s", n->text);
	}
	return notes->errors == 0;
}
