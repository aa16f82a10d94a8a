/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - reading XML that somebody else wrote, within bounds.
 *
 * The one user of expat. Documents with a DOCTYPE (so: with entity declarations)
 * are refused, as is more than XML_DEPTH_MAX levels, a name longer than
 * XML_NAME_MAX, or an element's own text beyond XML_TEXT_MAX. Name space prefixes
 * are cut off; attributes are not read.
 */
#ifndef STEERING_ZONE_XML_H
#define STEERING_ZONE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "steering/core/err.h"
#include "steering/zone/text.h"

#define XML_DEPTH_MAX 16
#define XML_NAME_MAX 64
#define XML_TEXT_MAX (64 * 1024)

/* Both are called in document order; depth is 0 for the root. parent is "" there.
 * close: text is the element's own, with white space as it stood. Returning false
 * ends the reading, after e was set. e and arg are those of xml_parse(). */
struct xml_reader {
	bool (*open)(void *arg, const char *name, unsigned depth, struct err *e);
	bool (*close)(void *arg, const char *parent, const char *name, unsigned depth,
	    const char *text, struct err *e);
};

bool xml_parse(const char *bytes, size_t n, const struct xml_reader *r, void *arg,
    struct err *e) MUST_CHECK;

/* Adds s with & < > " ' escaped; a byte that XML 1.0 cannot carry makes `out` fail. */
void xml_add_escaped(struct text *out, const char *s);

#endif
