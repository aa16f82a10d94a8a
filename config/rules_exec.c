/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_exec.c - programs that are run: their arguments, and the words filled into them.
 *
 * What a shell would have done is the commonest slip: a relative name that it would
 * have looked for, a whole command line in one entry that it would have split.
 */
#include "config/load.h"

#include <string.h>

#include "config/words.h"

#define NOTE(l, node, ...) \
	note_error((l)->notes, (node)->line, (node)->column, __VA_ARGS__)

static const char *const check_words = "site service member host address port";
static const char *const lag_words = "from to";

void
rules_placeholders(struct load *l, const struct ynode *node, const char *known)
{
	char word[32];

	for (const char *p = node->text; (p = strchr(p, '{')) != NULL; p++) {
		size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_.");

		if (n == 0 || n >= sizeof word || p[1 + n] != '}')
			continue;
		memcpy(word, p + 1, n);
		word[n] = '\0';
		if (words_find(known, word, NULL))
			continue;
		struct nearest near = {.wrong = word};
		nearest_offer_list(&near, known);
		if (near.best != NULL)
			NOTE(l, node, "{%s} is not known: did you mean {%.*s}?", word,
			    (int)near.best_bytes, near.best);
		else
			NOTE(l, node, "{%s} is not known: there are %s", word, known);
	}
	for (const struct ynode *c = node->first; c != NULL; c = c->next)
		rules_placeholders(l, c, known);
}

bool
rules_exec_asks(const struct draft_check *c, const char *word)
{
	for (uint32_t i = 0; i < c->args; i++)
		if (strstr(c->arg[i], word) != NULL)
			return true;
	return false;
}

static void
rule_program(struct load *l, const struct ynode *argv, const struct ynode *program)
{
	if (program->text[0] != '/')
		NOTE(l, program,
		    "'%.60s' is not an absolute path: no shell looks for it",
		    program->text);
	else if (strchr(program->text, '{') != NULL)
		NOTE(l, program,
		    "'%.60s': the program itself is fixed: {words} are for its "
		    "arguments",
		    program->text);
	else if (argv->children == 1 && strchr(program->text, ' ') != NULL)
		note_warning(l->notes, program->line, program->column,
		    "one entry is one argument, and no shell splits it: write %s: "
		    "[program, argument, ...]",
		    argv->key);
}

void
rules_program(struct load *l, const struct ynode *argv)
{
	size_t bytes = 0;

	if (argv->kind != YNODE_LIST || argv->first == NULL ||
	    argv->first->kind != YNODE_SCALAR)
		return;
	rule_program(l, argv, argv->first);
	for (const struct ynode *c = argv->first; c != NULL; c = c->next)
		bytes += strlen(c->text) + 1;
	if (bytes > EXEC_ARGS_BYTES)
		NOTE(l, argv, "argv is too long: at most %d characters together",
		    EXEC_ARGS_BYTES);
}

static void
rule_no_connection(struct load *l, const struct block *b, const char *key)
{
	const struct ynode *n = ynode_get(b->node, key);

	if (n != NULL)
		note_error(l->notes, n->key_line, n->key_column,
		    "%s is about connections: an exec check opens none", key);
}

void
rules_exec(struct load *l, const struct block *b)
{
	const struct draft_check *d = b->data;
	const struct ynode *exec = ynode_get(b->node, "exec");
	const struct ynode *argv = exec != NULL ? ynode_get(exec, "argv") : NULL;

	if (exec == NULL || exec->kind != YNODE_MAP)
		return;
	rule_no_connection(l, b, "hedge");
	rule_no_connection(l, b, "source");
	if (argv == NULL)
		return;
	rules_program(l, argv);
	rules_placeholders(l, argv, d->seconds == 1 ? lag_words : check_words);
}
