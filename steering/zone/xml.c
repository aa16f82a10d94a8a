/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push parser and a stack of names, because nobody above needs a tree: every
 * answer of Route 53 is read in one pass. The stack holds one text buffer a level,
 * kept from element to element, so that a page of 300 sets allocates a few times.
 */
#include "steering/zone/xml.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

struct level {
	char name[XML_NAME_MAX];
	struct text text;
};

struct reading {
	XML_Parser parser;
	const struct xml_reader *reader;
	void *arg;
	struct err *e;
	bool failed;
	unsigned depth; /* open elements */
	struct level level[XML_DEPTH_MAX];
};

static void
fail(struct reading *x)
{
	x->failed = true;
	(void)XML_StopParser(x->parser, XML_FALSE);
}

static void
on_open(void *user, const XML_Char *name, const XML_Char **attributes)
{
	struct reading *x = user;
	const char *colon = strrchr(name, ':');
	struct level *l;

	(void)attributes;
	if (x->failed)
		return;
	if (colon != NULL)
		name = colon + 1;
	if (x->depth == XML_DEPTH_MAX || strlen(name) >= XML_NAME_MAX) {
		(void)err_set(
		    x->e, "XML answer is nested too deep or has too long a name");
		fail(x);
		return;
	}
	l = &x->level[x->depth];
	memcpy(l->name, name, strlen(name) + 1);
	text_clear(&l->text);
	l->text.bytes_max = XML_TEXT_MAX;
	if (!x->reader->open(x->arg, l->name, x->depth, x->e))
		fail(x);
	x->depth++;
}

static void
on_text(void *user, const XML_Char *s, int n)
{
	struct reading *x = user;
	struct text *t;

	if (x->failed || x->depth == 0)
		return;
	t = &x->level[x->depth - 1].text;
	text_add(t, s, (size_t)n);
	if (!text_ok(t)) {
		(void)err_set(x->e, "XML answer has too long a text in <%s>",
		    x->level[x->depth - 1].name);
		fail(x);
	}
}

static void
on_close(void *user, const XML_Char *name)
{
	struct reading *x = user;
	struct level *l;

	(void)name;
	if (x->failed || x->depth == 0)
		return;
	l = &x->level[--x->depth];
	if (!x->reader->close(x->arg, x->depth > 0 ? l[-1].name : "", l->name, x->depth,
		l->text.n > 0 ? text_str(&l->text) : "", x->e))
		fail(x);
}

static void
on_doctype(void *user, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int internal)
{
	struct reading *x = user;

	(void)name, (void)system_id, (void)public_id, (void)internal;
	(void)err_set(x->e, "XML answer declares a document type: not read");
	fail(x);
}

bool
xml_parse(
    const char *bytes, size_t n, const struct xml_reader *r, void *arg, struct err *e)
{
	struct reading x = {.reader = r, .arg = arg, .e = e};
	bool good = false;

	if (n > INT_MAX)
		return err_set(e, "XML answer is too long");
	x.parser = XML_ParserCreate("UTF-8");
	if (x.parser == NULL)
		return err_set(e, "XML: memory is short");
	XML_SetUserData(x.parser, &x);
	XML_SetElementHandler(x.parser, on_open, on_close);
	XML_SetCharacterDataHandler(x.parser, on_text);
	XML_SetStartDoctypeDeclHandler(x.parser, on_doctype);
	if (XML_Parse(x.parser, bytes, (int)n, 1) == XML_STATUS_OK && !x.failed)
		good = true;
	else if (!x.failed)
		(void)err_set(e, "answer is not whole XML: %s, line %lu",
		    XML_ErrorString(XML_GetErrorCode(x.parser)),
		    XML_GetCurrentLineNumber(x.parser));
	XML_ParserFree(x.parser);
	for (unsigned i = 0; i < XML_DEPTH_MAX; i++)
		text_fini(&x.level[i].text);
	return good;
}

void
xml_add_escaped(struct text *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			text_add_str(out, "&amp;");
			break;
		case '<':
			text_add_str(out, "&lt;");
			break;
		case '>':
			text_add_str(out, "&gt;");
			break;
		case '"':
			text_add_str(out, "&quot;");
			break;
		case '\'':
			text_add_str(out, "&apos;");
			break;
		default:
			if ((unsigned char)*s < 0x20)
				out->failed = true;
			text_add_char(out, *s);
		}
	}
}
