/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - one recursion over nodes and rows together.
 *
 * Depth is bounded by the table, not by the file: below a scalar's row nothing is
 * entered. Defaults are put when a named block is opened, from the same text that
 * the reference shows, so that what is documented is what happens.
 */
#include "config/walk.h"

#include <assert.h>
#include <string.h>

#include "config/draft.h"
#include "config/forms.h"
#include "config/put.h"
#include "config/words.h"

static void
walk_node(struct walk *w, const struct schema_key *row, const struct ynode *node);

/* ---- rows ---- */

static bool
under(const struct schema_key *row, const struct schema_key *parent)
{
	size_t bytes = strlen(parent->path);

	return strncmp(row->path, parent->path, bytes) == 0 && row->path[bytes] == '.';
}

/* The next row directly below parent, after `row` (NULL: the first). Children follow
 * their parent in the table, so the search ends where its prefix does. */
static const struct schema_key *
child_next(const struct schema_key *parent, const struct schema_key *row)
{
	size_t count;
	const struct schema_key *all = schema_keys(&count), *end = all + count;

	row = row != NULL ? row + 1 : parent != NULL ? parent + 1 : all;
	for (; row < end && (parent == NULL || under(row, parent)); row++)
		if (schema_is_below(row, parent))
			return row;
	return NULL;
}

static const struct schema_key *
child_named(const struct schema_key *parent, const char *word)
{
	const struct schema_key *row = NULL;

	while ((row = child_next(parent, row)) != NULL)
		if (strcmp(schema_last(row), word) == 0)
			return row;
	return NULL;
}

/* ---- blocks ---- */

struct block *
block_first(const struct block *parent, const char *path)
{
	for (struct block *b = parent->first; b != NULL; b = b->next)
		if (strcmp(b->row->path, path) == 0)
			return b;
	return NULL;
}

struct block *
block_next(const struct block *b)
{
	for (struct block *n = b->next; n != NULL; n = n->next)
		if (n->row == b->row)
			return n;
	return NULL;
}

struct block *
block_at(const struct block *parent, const char *path, uint32_t index)
{
	struct block *b = block_first(parent, path);

	while (b != NULL && b->index != index)
		b = block_next(b);
	return b;
}

uint32_t
walk_index(const struct ynode *root, const char *key, const char *name)
{
	const struct ynode *group = ynode_get(root, key);
	uint32_t i = 0;

	if (group == NULL || group->kind == YNODE_SCALAR)
		return UINT32_MAX;
	for (const struct ynode *c = group->first; c != NULL; c = c->next, i++)
		if (strcmp(c->key != NULL ? c->key : c->text, name) == 0)
			return i;
	return UINT32_MAX;
}

/* ---- defaults ---- */

static void
put_preset_list(struct walk *w, const struct schema_key *row, unsigned char *data)
{
	const struct schema_key *item = child_next(row, NULL);
	char words[128], *save = NULL;
	uint32_t n = 0;
	struct err e;

	(void)snprintf(words, sizeof words, "%s", row->preset);
	for (char *t = strtok_r(words, " ", &save); t != NULL;
	     t = strtok_r(NULL, " ", &save), n++) {
		bool ok = put_value(w, item, t,
		    data + row->place.offset + n * row->place.bytes, row->place.bytes,
		    &e);
		assert(ok);
	}
	memcpy(data + row->place.count_offset, &n, sizeof n);
}

static void
put_preset(struct walk *w, const struct schema_key *row, unsigned char *data)
{
	static const uint32_t none = DRAFT_NONE;
	struct err e;

	if (row->place.bytes == 0)
		return;
	if (row->type == T_REF && row->place.bytes == sizeof none)
		memcpy(data + row->place.offset, &none, sizeof none);
	if (row->preset == NULL)
		return;
	if (row->type == T_LIST) {
		put_preset_list(w, row, data);
		return;
	}
	bool ok = put_value(
	    w, row, row->preset, data + row->place.offset, row->place.bytes, &e);
	assert(ok);
}

/* All rows of this block, not those of named blocks inside it. */
static void
put_presets(struct walk *w, const struct schema_key *owner, unsigned char *data)
{
	size_t count, skip = owner != NULL ? strlen(owner->path) : 0;
	const struct schema_key *all = schema_keys(&count), *end = all + count;
	const struct schema_key *row = owner != NULL ? owner + 1 : all;

	for (; row < end && (owner == NULL || under(row, owner)); row++)
		if (strchr(row->path + skip, '*') == NULL && row->type != T_BLOCK)
			put_preset(w, row, data);
}

/* ---- what does not fit ---- */

static void
note_unknown(struct walk *w, const struct schema_key *parent, const struct ynode *node)
{
	struct nearest near = {.wrong = node->key};
	const struct schema_key *row = NULL;
	char known[200] = "";
	size_t count, used = 0;

	while ((row = child_next(parent, row)) != NULL) {
		const char *word = schema_last(row);

		nearest_offer(&near, word, strlen(word));
		if (used + strlen(word) + 3 < sizeof known)
			used += (size_t)snprintf(known + used, sizeof known - used,
			    "%s%s", used > 0 ? ", " : "", word);
	}
	if (near.best != NULL) {
		note_error(w->notes, node->key_line, node->key_column,
		    "unknown key '%.60s': did you mean '%s'?", node->key, near.best);
		return;
	}
	const struct schema_key *all = schema_keys(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(schema_last(&all[i]), node->key) != 0)
			continue;
		note_error(w->notes, node->key_line, node->key_column,
		    "'%s' does not belong here: it is a key elsewhere (%s: %s)",
		    node->key, all[i].path, all[i].doc);
		return;
	}
	note_error(w->notes, node->key_line, node->key_column,
	    "unknown key '%.60s': known here are %s", node->key, known);
}

static void
note_missing(struct walk *w, const struct schema_key *parent, const struct ynode *node)
{
	const struct schema_key *row = NULL;

	if (w->partial)
		return;
	while ((row = child_next(parent, row)) != NULL) {
		if (!row->required || ynode_get(node, schema_last(row)) != NULL)
			continue;
		note_error(w->notes, node->key_line, node->key_column,
		    "%s%.60s%s lacks the key '%s': %s", node->key != NULL ? "'" : "",
		    node->key != NULL ? node->key : "the file",
		    node->key != NULL ? "'" : "", schema_last(row), row->doc);
	}
}

/* How a block begins that cannot do without some key; "" for others. */
static const char *
hint_of_block(const struct schema_key *row, char *text, size_t bytes)
{
	const struct schema_key *child = NULL;

	text[0] = '\0';
	while (row->type == T_BLOCK && (child = child_next(row, child)) != NULL) {
		if (!child->required || strchr(schema_last(row), '*') != NULL)
			continue;
		(void)snprintf(text, bytes, ": write %s: {%s: %s}", schema_last(row),
		    schema_last(child), child->type == T_LIST ? "[...]" : "...");
		break;
	}
	return text;
}

static bool
kind_fits(struct walk *w, const struct schema_key *row, const struct ynode *node,
    enum ynode_kind kind)
{
	const char *key = node->key != NULL ? node->key : "this";
	char hint[96];

	if (node->kind == kind && !ynode_is_null(node))
		return true;
	if (ynode_is_null(node))
		note_error(w->notes, node->key_line, node->key_column,
		    "%.60s has no value: it is %s (%s)", key,
		    schema_type_text(row->type), row->doc);
	else
		note_error(w->notes, node->line, node->column, "%.60s is %s (%s)%s",
		    key, schema_type_text(row->type), row->doc,
		    row->type == T_LIST ? ": write it in [ ]"
					: hint_of_block(row, hint, sizeof hint));
	return false;
}

static bool
count_fits(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	if (node->children < row->min) {
		note_error(w->notes, node->line, node->column, "%.60s is empty: %s",
		    node->key, row->doc);
		return false;
	}
	if (row->max == 0 || node->children <= row->max)
		return true;
	note_error(w->notes, node->line, node->column,
	    "%.60s has %zu entries: at most %zu are possible", node->key,
	    node->children, (size_t)row->max);
	return false;
}

/* ---- nodes ---- */

static void
walk_scalar(struct walk *w, const struct schema_key *row, const struct ynode *node,
    const char *key, void *dest, size_t bytes)
{
	struct err e;

	if (!kind_fits(w, row, node, YNODE_SCALAR))
		return;
	if (!put_value(w, row, node->text, dest, bytes, &e))
		note_error(w->notes, node->line, node->column, "%.60s '%.80s' %s", key,
		    node->text, e.text);
}

static void
walk_list(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	const struct schema_key *item = child_next(row, NULL);
	unsigned char *data = w->block->data;
	uint32_t n = 0;

	if (!kind_fits(w, row, node, YNODE_LIST) || !count_fits(w, row, node))
		return;
	for (const struct ynode *c = node->first; c != NULL; c = c->next, n++)
		walk_scalar(w, item, c, node->key,
		    data + row->place.offset + n * row->place.bytes, row->place.bytes);
	if (row->place.bytes > 0)
		memcpy(data + row->place.count_offset, &n, sizeof n);
}

static void
walk_keys(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	for (const struct ynode *c = node->first; c != NULL; c = c->next) {
		const struct schema_key *child = child_named(row, c->key);

		if (child != NULL && strcmp(c->key, "*") != 0)
			walk_node(w, child, c);
		else
			note_unknown(w, row, c);
	}
	note_missing(w, row, node);
}

static void
walk_named_block(struct walk *w, const struct schema_key *row, const struct ynode *node,
    uint32_t index)
{
	struct block *b = region_alloc(w->region, sizeof *b), *outer = w->block;
	struct err e;

	b->row = row;
	b->node = node;
	b->name = node->key;
	b->index = index;
	b->parent = outer;
	b->data = region_alloc(w->region, row->place.bytes);
	put_presets(w, row, b->data);
	if (outer->last == NULL)
		outer->first = b;
	else
		outer->last->next = b;
	outer->last = b;

	if (!(row->check != NULL ? row->check(node->key, &e)
				 : value_word(node->key, &e)))
		note_error(w->notes, node->key_line, node->key_column, "'%.60s' %s",
		    node->key, e.text);
	if (!kind_fits(w, row, node, YNODE_MAP))
		return;
	w->block = b;
	walk_keys(w, row, node);
	w->block = outer;
}

static void
walk_named(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	const struct schema_key *inner = child_next(row, NULL);
	uint32_t i = 0;

	if (!kind_fits(w, row, node, YNODE_MAP) || !count_fits(w, row, node) ||
	    inner == NULL)
		return;
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		walk_named_block(w, inner, c, i++);
}

static bool
one_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7F)
			return false;
	return true;
}

static void
walk_params(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	if (!kind_fits(w, row, node, YNODE_MAP) || !count_fits(w, row, node))
		return;
	for (const struct ynode *c = node->first; c != NULL; c = c->next) {
		if (c->kind != YNODE_SCALAR || ynode_is_null(c))
			note_error(w->notes, c->line, c->column,
			    "%.60s must be one value: in %s keys are literal", c->key,
			    node->key);
		else if (c->key[0] == '\0' || !one_line(c->key) || !one_line(c->text))
			note_error(w->notes, c->key_line, c->key_column,
			    "a key is empty, or holds a control character");
	}
}

/* {file: PATH}, where the row allows it. */
static void
walk_header_file(struct walk *w, const struct ynode *node)
{
	const struct ynode *file = ynode_get(node, "file");
	char path[512];
	struct err e;

	if (node->children != 1 || file == NULL || file->kind != YNODE_SCALAR ||
	    ynode_is_null(file) || !one_line(file->text))
		note_error(w->notes, node->line, node->column,
		    "%.60s is text, or {file: PATH} with the file that holds it",
		    node->key);
	else if (!put_path(w, file->text, path, sizeof path, &e))
		note_error(w->notes, file->line, file->column, "file '%.80s' %s",
		    file->text, e.text);
}

static void
walk_headers(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	char *dest = (char *)w->block->data + row->place.offset;
	size_t used = 0;
	struct err e;

	if (!kind_fits(w, row, node, YNODE_MAP) || !count_fits(w, row, node))
		return;
	for (const struct ynode *c = node->first; c != NULL; c = c->next) {
		if (!form_header_name(c->key, &e))
			note_error(w->notes, c->key_line, c->key_column, "'%.60s' %s",
			    c->key, e.text);
		else if (strcasecmp(c->key, "host") == 0)
			note_error(w->notes, c->key_line, c->key_column,
			    "the Host header is set by %s",
			    row->words != NULL ? "the url" : "the key host");
		else if (row->words != NULL && c->kind == YNODE_MAP)
			walk_header_file(w, c);
		else if (c->kind != YNODE_SCALAR || !one_line(c->text))
			note_error(w->notes, c->line, c->column,
			    "%.60s must be text of one line", c->key);
		else if (row->place.bytes > 0)
			used += (size_t)snprintf(
			    used < row->place.bytes ? dest + used : NULL,
			    used < row->place.bytes ? row->place.bytes - used : 0,
			    "%s: %s\n", c->key, c->text);
	}
	if (row->place.bytes > 0 && used >= row->place.bytes)
		note_error(w->notes, node->line, node->column,
		    "%.60s are too long: at most %zu characters together", node->key,
		    row->place.bytes - 1);
}

static void
walk_node(struct walk *w, const struct schema_key *row, const struct ynode *node)
{
	unsigned char *data = w->block->data;

	if (row->type == T_BLOCK || (row->type == T_WAIT && node->kind == YNODE_MAP)) {
		if (kind_fits(w, row, node, YNODE_MAP))
			walk_keys(w, row, node);
	} else if (row->type == T_NAMED) {
		walk_named(w, row, node);
	} else if (row->type == T_LIST) {
		walk_list(w, row, node);
	} else if (row->type == T_PARAMS) {
		walk_params(w, row, node);
	} else if (row->type == T_HEADERS) {
		walk_headers(w, row, node);
	} else {
		walk_scalar(w, row, node, node->key, data + row->place.offset,
		    row->place.bytes);
	}
}

struct block *
walk_file(struct walk *w, void *data)
{
	struct block *b = region_alloc(w->region, sizeof *b);

	b->node = w->root;
	b->data = data;
	put_presets(w, NULL, data);
	w->block = b;
	walk_keys(w, NULL, w->root);
	return b;
}

void
walk_template(struct walk *w, const struct ynode *template)
{
	struct block scrap = {.node = template}, *outer = w->block;

	w->block = &scrap;
	w->partial = true;
	walk_named_block(w, schema_find("services.*"), template, 0);
	w->partial = false;
	w->block = outer;
}
