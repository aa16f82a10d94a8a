/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - a file in, a model or notes out.
 *
 * Two regions: one for what loading needs and throws away, one for the model. A file
 * that is absent, unreadable, blank or absurdly large gets a sentence like any other
 * mistake, at 1:1.
 */
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The absolute folder of a file, for relative paths; "." stays when all fails. */
static void
folder_of(const char *path, char *out, size_t bytes)
{
	char folder[512], *slash, *real;

	(void)snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		(void)snprintf(folder, sizeof folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	real = realpath(folder, NULL);
	(void)snprintf(out, bytes, "%s", real != NULL ? real : folder);
	free(real);
	if (strcmp(out, "/") == 0) /* put_path() adds the slash */
		out[0] = '\0';
}

static void
note_unused(struct load *l, const char *group, const char *key)
{
	const struct ynode *names = ynode_get(l->walk.root, group);
	const struct ynode *services = ynode_get(l->walk.root, "services");

	if (names == NULL || names->kind != YNODE_MAP || services == NULL)
		return;
	for (const struct ynode *n = names->first; n != NULL; n = n->next) {
		bool used = false;

		for (const struct ynode *s = services->first; s != NULL; s = s->next) {
			const struct ynode *ref = ynode_get(s, key);

			used = used || (ref != NULL && strcmp(ref->text, n->key) == 0);
		}
		if (!used)
			note_warning(l->notes, n->key_line, n->key_column,
			    "%s '%.60s' is used by no service", key, n->key);
	}
}

static void
check_templates(struct load *l)
{
	const struct ynode *templates = ynode_get(l->walk.root, "templates");

	if (templates == NULL || templates->kind != YNODE_MAP)
		return;
	for (const struct ynode *t = templates->first; t != NULL; t = t->next) {
		const struct ynode *inner = ynode_get(t, "template");

		if (inner != NULL)
			note_error(l->notes, inner->key_line, inner->key_column,
			    "a template cannot use another one: templates do not nest");
		walk_template(&l->walk, t);
	}
	note_unused(l, "templates", "template");
}

static bool
root_is_map(const struct ynode *root, struct config_notes *notes)
{
	if (root->kind == YNODE_MAP && root->children > 0)
		return true;
	note_error(notes, root->line, root->column, "%s",
	    ynode_is_null(root) || root->kind == YNODE_MAP
		? "the file says nothing: it is blank, or all comments"
		: "a configuration is a block of keys, beginning with cluster: NAME");
	return false;
}

static struct config *
load_tree(struct ynode *root, const char *path, struct region *scratch,
    struct config_notes *notes)
{
	char folder[512];
	struct load l = {
	    .notes = notes,
	    .draft = region_alloc(scratch, sizeof(struct draft)),
	    .walk = {.region = scratch, .notes = notes, .root = root, .folder = folder},
	};

	if (!root_is_map(root, notes) || !merge_templates(root, scratch, notes))
		return NULL;
	folder_of(path, folder, sizeof folder);
	l.file = walk_file(&l.walk, l.draft);
	check_templates(&l);
	rules_file(&l);
	rules_checks(&l);
	rules_zones(&l);
	rules_services(&l);
	rules_scenarios(&l);
	note_unused(&l, "zones", "zone");
	return notes->errors == 0 ? build_config(&l, path) : NULL;
}

bool
config_parse(const char *text, size_t n, const char *path, struct config **out,
    struct config_notes *notes)
{
	struct region *scratch = region_new();
	struct ynode *root;

	memset(notes, 0, sizeof *notes);
	root = yaml_read(text, n, scratch, notes);
	*out = root != NULL ? load_tree(root, path, scratch, notes) : NULL;
	region_free(scratch);
	if (notes->errors > 0) { /* of the tree, beside a model that looked well */
		config_free(*out);
		*out = NULL;
	}
	notes_sort(notes);
	return *out != NULL;
}

/* The whole file; NULL with a note. What is larger than may be is not read in. */
static char *
read_file(const char *path, size_t *n, struct config_notes *notes)
{
	char *text = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		note_error(notes, 1, 1, "cannot be read: %s", strerror(errno));
	} else if (S_ISDIR(st.st_mode)) {
		note_error(notes, 1, 1, "is a folder, not a file");
	} else if (st.st_size > (off_t)YAML_BYTES_MAX) {
		note_error(notes, 1, 1,
		    "the file has %lld bytes, more than the %zu that a configuration may "
		    "have: is it the right file?",
		    (long long)st.st_size, YAML_BYTES_MAX);
	} else if ((text = malloc(YAML_BYTES_MAX + 1)) == NULL) {
		note_error(notes, 1, 1, "out of memory while reading the file");
	} else {
		ssize_t got;

		*n = 0;
		while ((got = read(fd, text + *n, YAML_BYTES_MAX + 1 - *n)) > 0)
			*n += (size_t)got;
		if (got < 0) {
			note_error(notes, 1, 1, "cannot be read: %s", strerror(errno));
			free(text);
			text = NULL;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return text;
}

bool
config_load(const char *path, struct config **out, struct config_notes *notes)
{
	size_t n = 0;

	memset(notes, 0, sizeof *notes);
	*out = NULL;
	char *text = read_file(path, &n, notes);
	if (text == NULL)
		return false;
	bool ok = config_parse(text, n, path, out, notes);
	free(text);
	return ok;
}

void
config_free(struct config *c)
{
	if (c != NULL)
		region_free(c->region);
}
