/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS validates requests against a schema in which the order of elements counts, so
 * the reader is a schema too: a table of elements, each with its children in order. A
 * start tag may only name a child at or after the last one seen. Depth and text are
 * bounded by the table; a DOCTYPE is refused, and with it every entity trick.
 */
#include "tests/lab/xml_in.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <assert.h>
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"

enum { DEPTH_MAX = 10, TEXT_MAX = 4000, SET_ID_MAX = 128 };

struct reader;

struct element {
	const char *name;
	bool required, repeats;
	const struct element
	    *children;   /* ends with a row without a name; NULL: a leaf */
	size_t text_max; /* of a leaf */
	/* A leaf's text, or (text NULL) an element that ended. NULL is good. */
	const char *(*take)(struct reader *r, const char *text);
};

struct level {
	const struct element *element;
	size_t next; /* the first child that may still come */
	bool seen;   /* the child at next (it repeats) has come once */
};

struct reader {
	XML_Parser parser;
	struct level stack[DEPTH_MAX];
	size_t depth;
	char text[TEXT_MAX + 1];
	size_t text_n;
	bool failed;
	char *why;
	struct batch *batch;
	struct messages *messages;
	enum action action;
	struct rrset *set; /* of the change being read */
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

static const char *
take_comment(struct reader *r, const char *text)
{
	free(r->batch->comment);
	r->batch->comment = heap_string(text);
	return NULL;
}

static const char *
take_action(struct reader *r, const char *text)
{
	for (enum action a = ACTION_CREATE; a <= ACTION_UPSERT; a++) {
		if (strcmp(text, action_name(a)) != 0)
			continue;
		r->action = a;
		r->set = rrset_new();
		return NULL;
	}
	return "Member must satisfy enum value set: [CREATE, DELETE, UPSERT]";
}

static const char *
take_name(struct reader *r, const char *text)
{
	char name[NAME_TEXT_BYTES];

	if (!name_parse(text, name)) {
		messages_add(r->messages,
		    "FATAL problem: InvalidDomainName (Value is not a valid domain name) "
		    "encountered with '%.1100s'",
		    text);
		return NULL;
	}
	rrset_set_name(r->set, name);
	return NULL;
}

static const char *
take_type(struct reader *r, const char *text)
{
	r->set->type = rrtype_find(text);
	if (r->set->type == NULL)
		return "Member must satisfy enum value set: [SOA, A, TXT, NS, CNAME, MX, "
		       "NAPTR, PTR, SRV, SPF, AAAA, CAA, DS]";
	return NULL;
}

static const char *
take_set_id(struct reader *r, const char *text)
{
	if (text[0] == '\0')
		return "Member must have length greater than or equal to 1";
	r->set->set_id = heap_string(text);
	return NULL;
}

static const char *
read_number(const char *text, unsigned long long max, unsigned long long *n)
{
	char *end;

	text += strspn(text, " \t\r\n");
	if (*text < '0' || *text > '9')
		return "cvc-datatype-valid.1.2.1: not a valid value for 'integer' from 0";
	*n = strtoull(text, &end, 10);
	if (end[strspn(end, " \t\r\n")] != '\0')
		return "cvc-datatype-valid.1.2.1: not a valid value for 'integer'";
	return *n > max ? "Member must have value less than or equal to the maximum"
			: NULL;
}

static const char *
take_weight(struct reader *r, const char *text)
{
	unsigned long long n = 0;
	const char *problem = read_number(text, 255, &n);

	r->set->has_weight = true;
	r->set->weight = (uint8_t)n;
	return problem != NULL ? "Weight: Member must have value between 0 and 255"
			       : NULL;
}

static const char *
take_region(struct reader *r, const char *text)
{
	if (text[0] == '\0')
		return "Region: Member must have length greater than or equal to 1";
	r->set->region = heap_string(text);
	return NULL;
}

static const char *
take_continent(struct reader *r, const char *text)
{
	r->set->continent = heap_string(text);
	return NULL;
}

static const char *
take_country(struct reader *r, const char *text)
{
	r->set->country = heap_string(text);
	return NULL;
}

static const char *
take_subdivision(struct reader *r, const char *text)
{
	r->set->subdivision = heap_string(text);
	return NULL;
}

static const char *
take_geo(struct reader *r, const char *text)
{
	(void)text;
	if (r->set->continent == NULL && r->set->country == NULL)
		return "GeoLocation: ContinentCode or CountryCode is required";
	return NULL;
}

static const char *
take_failover(struct reader *r, const char *text)
{
	if (strcmp(text, "PRIMARY") == 0)
		r->set->failover = FAILOVER_PRIMARY;
	else if (strcmp(text, "SECONDARY") == 0)
		r->set->failover = FAILOVER_SECONDARY;
	else
		return "Failover: Member must satisfy enum value set: [PRIMARY, SECONDARY]";
	return NULL;
}

static const char *
read_boolean(const char *text, bool *out)
{
	*out = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	if (!*out && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return "cvc-datatype-valid.1.2.1: not a valid value for 'boolean'";
	return NULL;
}

static const char *
take_multivalue(struct reader *r, const char *text)
{
	return read_boolean(text, &r->set->multivalue);
}

static const char *
take_ttl(struct reader *r, const char *text)
{
	unsigned long long n = 0;
	const char *problem = read_number(text, 2147483647, &n);

	r->set->has_ttl = true;
	r->set->ttl_s = (uint32_t)n;
	return problem != NULL ? "TTL: Member must have value between 0 and 2147483647"
			       : NULL;
}

static const char *
take_value(struct reader *r, const char *text)
{
	if (text[0] == '\0')
		return "Value: Member must have length greater than or equal to 1";
	rrset_add_value(r->set, text);
	return NULL;
}

static const char *
take_alias_zone(struct reader *r, const char *text)
{
	static const char prefix[] = "/hostedzone/";

	if (strncmp(text, prefix, sizeof prefix - 1) == 0)
		text += sizeof prefix - 1;
	if (text[0] == '\0' || strlen(text) > 32)
		return "HostedZoneId: Member must have length between 1 and 32";
	r->set->alias_zone = heap_string(text);
	return NULL;
}

static const char *
take_alias_name(struct reader *r, const char *text)
{
	char name[NAME_TEXT_BYTES];

	if (!name_parse(text, name)) {
		messages_add(r->messages,
		    "FATAL problem: InvalidDomainName (Value is not a valid domain name) "
		    "encountered with '%.1100s'",
		    text);
		return NULL;
	}
	r->set->alias_name = heap_string(name);
	return NULL;
}

static const char *
take_evaluate(struct reader *r, const char *text)
{
	return read_boolean(text, &r->set->alias_evaluate);
}

static const char *
take_health(struct reader *r, const char *text)
{
	if (text[0] == '\0')
		return "HealthCheckId: Member must have length greater than or equal to 1";
	r->set->health = heap_string(text);
	return NULL;
}

static const char *
take_change(struct reader *r, const char *text)
{
	(void)text;
	batch_add(r->batch, r->action, r->set);
	r->set = NULL;
	return NULL;
}

static const struct element geo[] = {
    {.name = "ContinentCode", .text_max = 2, .take = take_continent},
    {.name = "CountryCode", .text_max = 2, .take = take_country},
    {.name = "SubdivisionCode", .text_max = 3, .take = take_subdivision},
    {.name = NULL},
};
static const struct element record[] = {
    {.name = "Value", .required = true, .text_max = TEXT_MAX, .take = take_value},
    {.name = NULL},
};
static const struct element records[] = {
    {.name = "ResourceRecord", .required = true, .repeats = true, .children = record},
    {.name = NULL},
};
static const struct element alias[] = {
    {.name = "HostedZoneId", .required = true, .text_max = 64, .take = take_alias_zone},
    {.name = "DNSName", .required = true, .text_max = 1024, .take = take_alias_name},
    {.name = "EvaluateTargetHealth",
	.required = true,
	.text_max = 5,
	.take = take_evaluate},
    {.name = NULL},
};
static const struct element record_set[] = {
    {.name = "Name", .required = true, .text_max = 1024, .take = take_name},
    {.name = "Type", .required = true, .text_max = 16, .take = take_type},
    {.name = "SetIdentifier", .text_max = SET_ID_MAX, .take = take_set_id},
    {.name = "Weight", .text_max = 20, .take = take_weight},
    {.name = "Region", .text_max = 64, .take = take_region},
    {.name = "GeoLocation", .children = geo, .take = take_geo},
    {.name = "Failover", .text_max = 16, .take = take_failover},
    {.name = "MultiValueAnswer", .text_max = 5, .take = take_multivalue},
    {.name = "TTL", .text_max = 20, .take = take_ttl},
    {.name = "ResourceRecords", .children = records},
    {.name = "AliasTarget", .children = alias},
    {.name = "HealthCheckId", .text_max = 64, .take = take_health},
    {.name = NULL},
};
static const struct element change[] = {
    {.name = "Action", .required = true, .text_max = 16, .take = take_action},
    {.name = "ResourceRecordSet", .required = true, .children = record_set},
    {.name = NULL},
};
static const struct element changes[] = {
    {.name = "Change",
	.required = true,
	.repeats = true,
	.children = change,
	.take = take_change},
    {.name = NULL},
};
static const struct element batch_parts[] = {
    {.name = "Comment", .text_max = COMMENT_MAX, .take = take_comment},
    {.name = "Changes", .required = true, .children = changes},
    {.name = NULL},
};
static const struct element request[] = {
    {.name = "ChangeBatch", .required = true, .children = batch_parts},
    {.name = NULL},
};
static const struct element document[] = {
    {.name = "ChangeResourceRecordSetsRequest", .required = true, .children = request},
    {.name = NULL},
};
static const struct element root = {.name = "document", .children = document};

/* The child of this name that may come now; NULL: none. Moves the level on to it. */
static const struct element *
accept_child(struct level *at, const char *name)
{
	const struct element *children = at->element->children;

	for (size_t i = at->next; children[i].name != NULL; i++) {
		const struct element *child = &children[i];

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
	const struct element *children = at->element->children;

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
	const struct element *child = NULL;

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
	assert(r->depth < DEPTH_MAX);
	r->stack[r->depth++] = (struct level){.element = child};
	r->text_n = 0;
}

static void XMLCALL
on_text(void *arg, const XML_Char *text, int len)
{
	struct reader *r = arg;
	const struct element *at = r->stack[r->depth - 1].element;
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
		problem = at->element->take(r, r->text);
	if (problem != NULL) {
		char detail[TEXT_MAX + 64];

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

bool
xml_read_batch(const char *body, size_t bytes, struct batch *batch,
    struct messages *messages, char why[XML_WHY_BYTES])
{
	struct reader r = {.why = why, .batch = batch, .messages = messages};

	r.parser = XML_ParserCreateNS(NULL, '|');
	if (r.parser == NULL)
		abort();
	r.stack[r.depth++] = (struct level){.element = &root};
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, body, (int)bytes, 1) != XML_STATUS_OK)
		fail(&r, "", XML_ErrorString(XML_GetErrorCode(r.parser)));
	rrset_unref(r.set);
	XML_ParserFree(r.parser);
	return !r.failed;
}
