/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.c - the one file that knows libyaml.
 *
 * Built from libyaml's events rather than its document loader: an event carries the
 * same marks, and bounds hold while reading, before anything has grown. Aliases are
 * refused instead of followed: a few lines of them can name a billion nodes, and
 * templates say the same thing in words. Duplicate keys are errors because every
 * other tool silently picks one, and not the same one.
 */
#include "config/yaml.h"

#include <string.h>
#include <yaml.h>

struct reader {
	yaml_parser_t parser;
	struct region *region;
	struct config_notes *notes;
	struct ynode *root;
	struct ynode *open[YAML_DEPTH_MAX];
	/* The key that waits for its value, per depth; key NULL: none yet. */
	struct pending {
		const char *key;
		unsigned line, column;
		bool dropped; /* the value is read and left out */
	} pending[YAML_DEPTH_MAX];
	size_t depth, nodes, documents;
};

static unsigned
line_of(const yaml_mark_t *m)
{
	return (unsigned)m->line + 1;
}

static unsigned
column_of(const yaml_mark_t *m)
{
	return (unsigned)m->column + 1;
}

/* Reader errors carry an offset and no mark: count the lines up to it. */
static void
place_of_offset(const char *text, size_t offset, yaml_mark_t *m)
{
	m->line = m->column = 0;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			m->line++;
			m->column = 0;
		} else if (((unsigned char)text[i] & 0xC0) != 0x80) {
			m->column++;
		}
	}
}

static void
note_syntax(struct reader *r, const char *text, size_t n)
{
	yaml_mark_t mark = r->parser.problem_mark;
	const char *problem = r->parser.problem, *hint = "";

	if (r->parser.error == YAML_READER_ERROR) {
		size_t at = r->parser.problem_offset;
		place_of_offset(text, at < n ? at : n, &mark);
		hint = " (the file must be plain UTF-8 text)";
	} else if (mark.index < n && text[mark.index] == '\t') {
		hint = " (a tab cannot indent YAML: use spaces)";
	}
	note_error(r->notes, line_of(&mark), column_of(&mark), "not YAML: %s%s%s%s",
	    problem != NULL ? problem : "cannot be read",
	    r->parser.context != NULL ? " " : "",
	    r->parser.context != NULL ? r->parser.context : "", hint);
}

static struct ynode *
find(const struct ynode *map, const char *key)
{
	for (struct ynode *c = map->first; c != NULL; c = c->next)
		if (c->key != NULL && strcmp(c->key, key) == 0)
			return c;
	return NULL;
}

/* Names the key that the next value belongs to, or says why it is left out. */
static bool
take_key(struct reader *r, const yaml_event_t *ev)
{
	struct ynode *map = r->open[r->depth - 1];
	struct pending *p = &r->pending[r->depth - 1];
	const char *key = (const char *)ev->data.scalar.value;
	size_t bytes = ev->data.scalar.length;
	struct ynode *twin;

	p->line = line_of(&ev->start_mark);
	p->column = column_of(&ev->start_mark);
	p->dropped = false;
	p->key = region_copy(r->region, key, bytes);
	if (strlen(p->key) != bytes) {
		note_error(r->notes, p->line, p->column, "a key cannot hold a NUL");
		return false;
	}
	if (strcmp(key, "<<") == 0) {
		note_error(r->notes, p->line, p->column,
		    "merge keys (<<) are not used here: put what services share under "
		    "templates, and say template: NAME");
		p->dropped = true;
	} else if ((twin = find(map, key)) != NULL) {
		note_error(r->notes, p->line, p->column,
		    "'%.60s' stands already at line %u: keep one of the two", key,
		    twin->key_line);
		p->dropped = true;
	}
	return true;
}

static bool
append(struct reader *r, struct ynode *node)
{
	if (r->depth == 0) {
		r->root = node;
		return true;
	}
	struct ynode *parent = r->open[r->depth - 1];
	if (parent->kind == YNODE_MAP) {
		struct pending *p = &r->pending[r->depth - 1];

		node->key = p->key;
		node->key_line = p->line;
		node->key_column = p->column;
		p->key = NULL;
		if (p->dropped)
			return true;
	}
	if (parent->children == YAML_ENTRIES_MAX) {
		note_error(r->notes, node->key_line, node->key_column,
		    "more than %d entries in one block: no configuration needs so many",
		    YAML_ENTRIES_MAX);
		return false;
	}
	if (parent->last == NULL)
		parent->first = node;
	else
		parent->last->next = node;
	parent->last = node;
	parent->children++;
	return true;
}

static struct ynode *
node_new(struct reader *r, enum ynode_kind kind, const yaml_event_t *ev)
{
	if (++r->nodes > YAML_NODES_MAX) {
		note_error(r->notes, line_of(&ev->start_mark),
		    column_of(&ev->start_mark),
		    "more than %d values: no configuration needs so many",
		    YAML_NODES_MAX);
		return NULL;
	}
	struct ynode *node = region_alloc(r->region, sizeof *node);
	node->kind = kind;
	node->line = node->key_line = line_of(&ev->start_mark);
	node->column = node->key_column = column_of(&ev->start_mark);
	node->text = "";
	return node;
}

static void
refuse_extras(struct reader *r, const yaml_event_t *ev, const yaml_char_t *anchor,
    const yaml_char_t *tag)
{
	unsigned line = line_of(&ev->start_mark), column = column_of(&ev->start_mark);

	if (anchor != NULL)
		note_error(r->notes, line, column,
		    "anchors and aliases (& and *) are not used here: put what services "
		    "share under templates, and say template: NAME");
	if (tag != NULL)
		note_error(r->notes, line, column,
		    "tags (%.40s) are not used here: write the value alone",
		    (const char *)tag);
}

static bool
take_scalar(struct reader *r, const yaml_event_t *ev)
{
	struct ynode *parent = r->depth > 0 ? r->open[r->depth - 1] : NULL;

	refuse_extras(r, ev, ev->data.scalar.anchor, ev->data.scalar.tag);
	if (parent != NULL && parent->kind == YNODE_MAP &&
	    r->pending[r->depth - 1].key == NULL)
		return take_key(r, ev);

	struct ynode *node = node_new(r, YNODE_SCALAR, ev);
	if (node == NULL)
		return false;
	node->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = region_copy(
	    r->region, (const char *)ev->data.scalar.value, ev->data.scalar.length);
	if (strlen(node->text) != ev->data.scalar.length)
		note_error(
		    r->notes, node->line, node->column, "a value cannot hold a NUL");
	return append(r, node);
}

static bool
key_must_be_scalar(struct reader *r, const yaml_event_t *ev)
{
	if (r->depth == 0 || r->open[r->depth - 1]->kind != YNODE_MAP ||
	    r->pending[r->depth - 1].key != NULL)
		return true;
	note_error(r->notes, line_of(&ev->start_mark), column_of(&ev->start_mark),
	    "a key is a word, not a block");
	return false;
}

static bool
take_open(struct reader *r, const yaml_event_t *ev, enum ynode_kind kind)
{
	if (!key_must_be_scalar(r, ev))
		return false;
	struct ynode *node = node_new(r, kind, ev);
	if (node == NULL || !append(r, node))
		return false;
	if (r->depth == YAML_DEPTH_MAX) {
		note_error(r->notes, node->line, node->column,
		    "nested deeper than %d blocks", YAML_DEPTH_MAX);
		return false;
	}
	r->pending[r->depth].key = NULL;
	r->open[r->depth++] = node;
	return true;
}

static bool
take_document(struct reader *r, const yaml_event_t *ev)
{
	if (r->documents++ == 0)
		return true;
	note_error(r->notes, line_of(&ev->start_mark), column_of(&ev->start_mark),
	    "a second document begins here: one file is one configuration");
	return false;
}

static bool
take(struct reader *r, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return take_document(r, ev);
	case YAML_SCALAR_EVENT:
		return take_scalar(r, ev);
	case YAML_SEQUENCE_START_EVENT:
		refuse_extras(
		    r, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
		return take_open(r, ev, YNODE_LIST);
	case YAML_MAPPING_START_EVENT:
		refuse_extras(
		    r, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
		return take_open(r, ev, YNODE_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		return true;
	case YAML_ALIAS_EVENT:
		refuse_extras(r, ev, ev->data.alias.anchor, NULL);
		return false;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	}
	return true;
}

static bool
read_events(struct reader *r, const char *text, size_t n)
{
	for (bool more = true; more;) {
		yaml_event_t ev;

		if (!yaml_parser_parse(&r->parser, &ev)) {
			note_syntax(r, text, n);
			return false;
		}
		more = ev.type != YAML_STREAM_END_EVENT;
		bool ok = take(r, &ev);
		yaml_event_delete(&ev);
		if (!ok)
			return false;
	}
	return true;
}

struct ynode *
yaml_read(const char *text, size_t n, struct region *region, struct config_notes *notes)
{
	struct reader r = {.region = region, .notes = notes};

	if (n > YAML_BYTES_MAX) {
		note_error(notes, 1, 1,
		    "the file has %zu bytes, more than the %zu that a configuration may "
		    "have: is it the right file?",
		    n, YAML_BYTES_MAX);
		return NULL;
	}
	/* Some editors begin a UTF-8 file with a byte order mark: it says nothing. */
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		n -= 3;
	}
	if (!yaml_parser_initialize(&r.parser)) {
		note_error(notes, 1, 1, "out of memory while reading the file");
		return NULL;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, n);
	bool ok = read_events(&r, text, n);
	yaml_parser_delete(&r.parser);
	if (ok && r.root == NULL)
		note_error(
		    notes, 1, 1, "the file says nothing: it is blank, or all comments");
	return ok ? r.root : NULL;
}

const struct ynode *
ynode_get(const struct ynode *node, const char *key)
{
	if (node == NULL || node->kind != YNODE_MAP)
		return NULL;
	return find(node, key);
}

const struct ynode *
ynode_at(const struct ynode *node, const char *path)
{
	char key[64];

	while (node != NULL && *path != '\0') {
		size_t bytes = strcspn(path, ".");

		if (bytes >= sizeof key)
			return NULL;
		memcpy(key, path, bytes);
		key[bytes] = '\0';
		node = ynode_get(node, key);
		path += bytes + (path[bytes] == '.' ? 1 : 0);
	}
	return node;
}

bool
ynode_is_null(const struct ynode *node)
{
	return node->kind == YNODE_SCALAR && node->plain &&
	    (node->text[0] == '\0' || strcmp(node->text, "~") == 0 ||
		strcmp(node->text, "null") == 0);
}
