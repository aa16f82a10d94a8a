/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass: the stack of names that are open is compared with the path from its end, so
 * that nobody must know what an answer is wrapped in, which differs from service to
 * service. XPath or JMESPath were rejected: a plan is read on a bad day.
 *
 * Of joined names one thing is the element that they stand in: what it says is gathered
 * until it closes. A single name is a thing of its own, so that lists of plain texts
 * work too.
 */
#include "steering/zone/aws_until.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was written ---- */

/* The next piece of text up to one of `ends`; false: it is empty, or too long. */
static bool
take(const char **text, const char *ends, char *out, size_t out_bytes)
{
	size_t n = strcspn(*text, ends);

	if (n == 0 || n >= out_bytes)
		return false;
	memcpy(out, *text, n);
	out[n] = '\0';
	*text += n;
	return true;
}

static bool
parse_path(const char *path, struct aws_until *u, struct err *e)
{
	char word[XML_DEPTH_MAX][XML_NAME_MAX];
	const char *p = path;
	unsigned words = 0;

	for (;; p++) {
		if (words == XML_DEPTH_MAX ||
		    !take(&p, ".+", word[words], XML_NAME_MAX))
			return err_set(e, "path '%.80s' is no element's name", path);
		if (*p != '.')
			break;
		words++;
	}
	u->parents = words;
	for (unsigned i = 0; i < words; i++)
		memcpy(u->parent[i], word[words - 1 - i], XML_NAME_MAX);
	memcpy(u->name[u->names++], word[words], XML_NAME_MAX);
	while (*p == '+') {
		p++;
		if (u->names == AWS_UNTIL_NAMES_MAX ||
		    !take(&p, ".+", u->name[u->names++], XML_NAME_MAX))
			return err_set(
			    e, "path '%.80s' joins no names, or too many", path);
	}
	return *p == '\0' ||
	    err_set(e, "path '%.80s': only its last names are joined", path);
}

static bool
parse_number(const char **is, struct aws_until *u, struct err *e)
{
	const char *p = *is;
	unsigned long n;
	char *end = NULL;

	if (strncmp(p, ">=", 2) != 0 && *p != '=')
		return true;
	u->how = *p == '=' ? AWS_UNTIL_EXACTLY : AWS_UNTIL_AT_LEAST;
	p += *p == '=' ? 1 : 2;
	n = isdigit((unsigned char)*p) ? strtoul(p, &end, 10) : 100000;
	if (n >= 100000 || *end != ' ' || (n == 0 && u->how == AWS_UNTIL_AT_LEAST))
		return err_set(e,
		    "'%.80s' is no number of things and a word, as in >=6 InService",
		    *is);
	u->number = (uint32_t)n;
	*is = end + strspn(end, " ");
	return true;
}

bool
aws_until_parse(const char *path, const char *is, struct aws_until *u, struct err *e)
{
	const char *whole = is;

	memset(u, 0, sizeof *u);
	if (!parse_path(path, u, e) || !parse_number(&is, u, e))
		return false;
	for (unsigned i = 0; i < u->names; i++) {
		if (!take(&is, u->names > 1 ? "+" : "", u->word[i], AWS_UNTIL_WORD_MAX))
			return err_set(e,
			    "'%.80s' does not say one word for each name of '%.80s'",
			    whole, path);
		is += i + 1 < u->names && *is == '+';
	}
	return *is == '\0' ||
	    err_set(e, "'%.80s' says more words than '%.80s' has names", whole, path);
}

/* ---- what was answered ---- */

struct look {
	const struct aws_until *u;
	struct aws_until_seen *seen;
	char open[XML_DEPTH_MAX][XML_NAME_MAX];
	bool here[AWS_UNTIL_NAMES_MAX], said[AWS_UNTIL_NAMES_MAX];
	unsigned depth; /* of the names of the thing at hand; 0: there is none */
};

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct look *l = arg;

	(void)e;
	(void)snprintf(l->open[depth], XML_NAME_MAX, "%s", name);
	return true;
}

/* The element at `depth` is the innermost of the path's parents. */
static bool
is_inside(const struct look *l, unsigned depth)
{
	for (unsigned i = 0; i < l->u->parents; i++)
		if (i > depth || strcmp(l->open[depth - i], l->u->parent[i]) != 0)
			return false;
	return true;
}

/* Of RDS and its relatives: nothing but a new call leads out of these. */
static bool
is_final(const char *state)
{
	static const char *const final[] = {"failed", "restore-error",
	    "insufficient-capacity", "inaccessible-encryption-credentials",
	    "migration-failed", "deleting", "deleted"};

	for (size_t i = 0; i < sizeof final / sizeof final[0]; i++)
		if (strcmp(state, final[i]) == 0)
			return true;
	return strncmp(state, "incompatible-", 13) == 0;
}

static void
note(char out[64], const char *text)
{
	size_t i;

	if (out[0] != '\0')
		return;
	for (i = 0; text[i] != '\0' && i < 63; i++)
		out[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	out[i] = '\0';
}

static bool
says(const char *text, const char *word)
{
	size_t n;

	text += strspn(text, " \t\r\n");
	for (n = strlen(text); n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL;)
		n--;
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

static void
count(struct look *l)
{
	bool any = false, all = true;

	for (unsigned i = 0; i < l->u->names; i++) {
		any |= l->here[i];
		all &= l->here[i] && l->said[i];
		l->here[i] = l->said[i] = false;
	}
	l->seen->found += any;
	l->seen->said += any && all;
	l->depth = 0;
}

static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	static const char *const next[] = {
	    "NextToken", "nextToken", "Marker", "NextMarker"};
	struct look *l = arg;

	(void)parent;
	(void)e;
	for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
		l->seen->pages |= strcmp(name, next[i]) == 0 && text[0] != '\0';
	if (l->depth == depth + 1)
		count(l);
	if (depth == 0 || !is_inside(l, depth - 1))
		return true;
	for (unsigned i = 0; i < l->u->names; i++) {
		if (strcmp(name, l->u->name[i]) != 0)
			continue;
		l->here[i] = true;
		l->depth = depth;
		l->said[i] = says(text, l->u->word[i]);
		if (!l->said[i]) {
			note(l->seen->other, text);
			if (l->u->how == AWS_UNTIL_ALL && is_final(text))
				note(l->seen->ended, text);
		}
	}
	if (l->u->names == 1 && l->depth == depth)
		count(l);
	return true;
}

bool
aws_until_look(const struct aws_until *u, const char *body, size_t body_bytes,
    struct aws_until_seen *seen, struct err *e)
{
	static const struct xml_reader reader = {on_open, on_close};
	struct look *l = calloc(1, sizeof *l);
	bool ok;

	if (l == NULL)
		abort();
	memset(seen, 0, sizeof *seen);
	l->u = u;
	l->seen = seen;
	ok = xml_parse(body, body_bytes, &reader, l, e);
	free(l);
	return ok;
}

bool
aws_until_holds(const struct aws_until *u, const struct aws_until_seen *seen)
{
	switch (u->how) {
	case AWS_UNTIL_ALL:
		return seen->found > 0 && seen->said == seen->found && !seen->pages;
	case AWS_UNTIL_AT_LEAST:
		return seen->said >= u->number;
	case AWS_UNTIL_EXACTLY:
		return seen->said == u->number && !seen->pages;
	}
	assert(false);
	return false;
}

/* ---- in words ---- */

static void
join(const char *first, size_t stride, unsigned n, char *out, size_t out_bytes)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < n && used < out_bytes; i++)
		used += (size_t)snprintf(out + used, out_bytes - used, "%s%.60s",
		    i > 0 ? "+" : "", first + i * stride);
}

void
aws_until_say(const struct aws_until *u, const struct aws_until_seen *seen, char *text,
    size_t text_bytes)
{
	char name[132], word[132];

	join(u->name[0], XML_NAME_MAX, u->names, name, sizeof name);
	join(u->word[0], AWS_UNTIL_WORD_MAX, u->names, word, sizeof word);
	if (seen->found == 0 && u->how != AWS_UNTIL_EXACTLY)
		(void)snprintf(text, text_bytes, "there is no %s", name);
	else if (u->how != AWS_UNTIL_ALL)
		(void)snprintf(text, text_bytes, "%u of %u say %s, %s%u wanted",
		    (unsigned)seen->said, (unsigned)seen->found, word,
		    u->how == AWS_UNTIL_EXACTLY ? "" : "at least ",
		    (unsigned)u->number);
	else if (seen->other[0] == '\0' && seen->pages)
		(void)snprintf(text, text_bytes,
		    "the answer has further pages: name in params what is meant");
	else if (seen->found == 1 && u->names == 1)
		(void)snprintf(text, text_bytes, "%s says %s", name,
		    seen->other[0] != '\0' ? seen->other : word);
	else
		(void)snprintf(text, text_bytes, "%u of %u say %s, one says %s",
		    (unsigned)seen->said, (unsigned)seen->found, word,
		    seen->other[0] != '\0' ? seen->other : "nothing of it");
}
