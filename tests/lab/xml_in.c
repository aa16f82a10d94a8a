/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS validates requests against a schema in which the order of elements counts, so
 * the reader walks a schema too: a start tag may only name a child at or after the last
 * one seen. Depth and text are bounded by the schema; a DOCTYPE is refused, and with it
 * every entity trick.
 */
#include "tests/lab/xml_in.h"
#include "tests/lab/heap.h"
#include "tests/lab/xml_schema.h"

#include <assert.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"

struct level {
	const struct xml_element *element;
	size_t next; /* the first child that may still come */
	bool seen;   /* the child at next (it repeats) has come once */
};

struct reader {
	XML_Parser parser;
	struct level stack[XML_DEPTH_MAX];
	size_t depth;
	char text[XML_TEXT_MAX + 1];
	size_t text_n;
	bool failed;
	char *why;
	struct xml_build build;
};

static void
fail(struct reader *r, const char *what, const char *detail)
{
	if (r->failed)
		return;
	r->failed = true;
	snprintf(r->why, XML_WHY_BYTES,
	    "Invalid XML ; lineNumber: %lu; columnNumber: %lu; %s%s",
	    (unsigned long)XML_GetCurrentLineNumber(r->parser),
	    (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1, what, detail);
	XML_StopParser(r->parser, XML_FALSE);
}

/* The child of this name that may come now; NULL: none. Moves the level on to it. */
static const struct xml_element *
accept_child(struct level *at, const char *name)
{
	const struct xml_element *children = at->element->children;

	for (size_t i = at->next; children[i].name != NULL; i++) {
		const struct xml_element *child = &children[i];

		if (strcmp(child->name, name) == 0) {
			at->next = child->repeats ? i : i + 1;
			at->seen = child->repeats;
			return child;
		}
		if (child->required && !(i == at->next && at->seen && child->repeats))
			return NULL;
		at->seen = false;
	}
	return NULL;
}

/* The first required child that has not come; NULL: complete. */
static const char *
missing_child(const struct level *at)
{
	const struct xml_element *children = at->element->children;

	for (size_t i = at->next; children[i].name != NULL; i++)
		if (children[i].required &&
		    !(i == at->next && at->seen && children[i].repeats))
			return children[i].name;
	return NULL;
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct reader *r = arg;
	struct level *at = &r->stack[r->depth - 1];
	const char *bar = strchr(name, '|');
	const struct xml_element *child = NULL;

	if (r->failed)
		return;
	if (attributes[0] != NULL) {
		fail(r,
		    "cvc-complex-type.3.2.2: not allowed to appear here: attribute ",
		    attributes[0]);
		return;
	}
	if (bar != NULL && (size_t)(bar - name) == sizeof NAMESPACE - 1 &&
	    strncmp(name, NAMESPACE, sizeof NAMESPACE - 1) == 0 &&
	    at->element->children != NULL)
		child = accept_child(at, bar + 1);
	if (child == NULL) {
		fail(r,
		    "cvc-complex-type.2.4.a: Invalid content was found starting with "
		    "element ",
		    bar != NULL ? bar + 1 : name);
		return;
	}
	assert(r->depth < XML_DEPTH_MAX);
	r->stack[r->depth++] = (struct level){.element = child};
	r->text_n = 0;
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	struct reader *r = arg;
	const struct xml_element *at = r->stack[r->depth - 1].element;
	size_t n = (size_t)len;

	if (r->failed)
		return;
	if (at->children != NULL) {
		for (size_t i = 0; i < n; i++)
			if (strchr(" \t\r\n", text[i]) == NULL) {
				fail(r, "cvc-complex-type.2.3: text is not allowed in ",
				    at->name);
				return;
			}
		return;
	}
	if (r->text_n + n > at->text_max) {
		fail(r, "Member must have length less than or equal to its maximum: ",
		    at->name);
		return;
	}
	memcpy(r->text + r->text_n, text, n);
	r->text_n += n;
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct reader *r = arg;
	struct level *at = &r->stack[r->depth - 1];
	const char *problem = NULL;

	(void)name;
	if (r->failed)
		return;
	r->text[r->text_n] = '\0';
	if (at->element->children != NULL) {
		const char *missing = missing_child(at);

		if (missing != NULL) {
			fail(r,
			    "cvc-complex-type.2.4.b: content is not complete; expected ",
			    missing);
			return;
		}
	}
	if (at->element->take != NULL)
		problem = at->element->take(&r->build, r->text);
	if (problem != NULL) {
		char detail[XML_TEXT_MAX + 64];

		snprintf(detail, sizeof detail, "; value '%.200s' at '%s'", r->text,
		    at->element->name);
		fail(r, problem, detail);
		return;
	}
	r->depth--;
	r->text_n = 0;
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *system_id,
    const XML_Char *public_id, int has_internal_subset)
{
	(void)system_id, (void)public_id, (void)has_internal_subset;
	fail(arg, "DOCTYPE is not allowed: ", name);
}

static bool
read_document(
    struct reader *r, const struct xml_element *schema, const char *body, size_t bytes)
{
	r->parser = XML_ParserCreateNS(NULL, '|');
	if (r->parser == NULL)
		abort();
	r->stack[r->depth++] = (struct level){.element = schema};
	XML_SetUserData(r->parser, r);
	XML_SetElementHandler(r->parser, on_start, on_end);
	XML_SetCharacterDataHandler(r->parser, on_text);
	XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
	if (XML_Parse(r->parser, body, (int)bytes, 1) != XML_STATUS_OK)
		fail(r, "", XML_ErrorString(XML_GetErrorCode(r->parser)));
	rrset_unref(r->build.set);
	XML_ParserFree(r->parser);
	return !r->failed;
}

bool
xml_read_batch(const char *body, size_t bytes, struct batch *batch,
    struct messages *messages, char why[XML_WHY_BYTES])
{
	struct reader r = {.why = why, .build = {.batch = batch, .messages = messages}};

	return read_document(&r, &xml_schema, body, bytes);
}

bool
xml_read_check(
    const char *body, size_t bytes, struct check **check, char why[XML_WHY_BYTES])
{
	struct reader r = {.why = why, .build = {.check = heap_zero(sizeof **check)}};

	*check = r.build.check;
	return read_document(&r, &xml_check_schema, body, bytes);
}
