/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_schema.h - the elements of a ChangeResourceRecordSetsRequest, in AWS's order.
 *
 * https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
 */
#ifndef LAB_XML_SCHEMA_H
#define LAB_XML_SCHEMA_H

#include "tests/lab/batch.h"

struct check;

enum { XML_DEPTH_MAX = 10, XML_TEXT_MAX = 4000 };

/* What is being built while a document is read. */
struct xml_build {
	struct batch *batch;
	struct messages *messages; /* complaints that do not end the reading */
	enum action action;
	struct rrset *set;   /* of the change being read; NULL between changes */
	struct check *check; /* of a CreateHealthCheckRequest */
};

struct xml_element {
	const char *name;
	bool required, repeats;
	const struct xml_element
	    *children;   /* ends with a row without a name; NULL: leaf */
	size_t text_max; /* bytes, of a leaf */
	/* Takes a leaf's text, or notes the end of an element. Returns what is wrong. */
	const char *(*take)(struct xml_build *b, const char *text);
};

/* Stands for the document itself: its only child is the document's element. */
extern const struct xml_element xml_schema;
extern const struct xml_element xml_check_schema; /* CreateHealthCheckRequest */

#endif
