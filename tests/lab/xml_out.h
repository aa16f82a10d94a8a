/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_out.h - the answers of the API, as text in an evbuffer.
 *
 * Each writes one whole document.
 */
#ifndef LAB_XML_OUT_H
#define LAB_XML_OUT_H

#include "tests/lab/check.h"
#include "tests/lab/messages.h"
#include "tests/lab/zone.h"

struct evbuffer;

/* The shape of today: one Error with a Code and one Message. */
void xml_write_error(struct evbuffer *out, const char *code, const char *message,
    bool sender, const char *request_id);

/* A refused batch, in today's shape (all lines in one bracket) or the older. */
void xml_write_refusal(struct evbuffer *out, const struct messages *messages,
    bool old_shape, const char *request_id);

/* root is ChangeResourceRecordSetsResponse or GetChangeResponse. */
void xml_write_change(
    struct evbuffer *out, const char *root, const struct change *c, bool insync);

struct page {
	const struct version *version;
	size_t first, end; /* of the sets in this page */
	size_t max_items;
};

void xml_write_page(struct evbuffer *out, const struct page *page);

/* servers: how many name servers the delegation set has. */
void xml_write_zone(struct evbuffer *out, const struct zone *z, size_t servers);

struct zone_page {
	const char *root;                    /* ListHostedZones[ByName]Response */
	const struct zone *zones[ZONES_MAX]; /* the page */
	size_t n;
	const struct zone *next; /* NULL: the last page */
	const char *marker;      /* as asked; "" when not */
	size_t max_items;
	bool by_name;
};

void xml_write_zones(struct evbuffer *out, const struct zone_page *page);

/* root is CreateHealthCheckResponse or GetHealthCheckResponse. */
void xml_write_check(struct evbuffer *out, const char *root, const struct check *one);
void xml_write_check_deleted(struct evbuffer *out);

struct check_page {
	const struct checks *checks;
	size_t first, end;
	size_t max_items;
	const char *marker; /* as asked; "" when not */
};

void xml_write_checks(struct evbuffer *out, const struct check_page *page);

#endif
