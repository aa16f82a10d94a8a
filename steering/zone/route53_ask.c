/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are kept as pairs until sign_query() makes the one text that is signed
 * and sent. A listing has no slash after rrset, a change has one: the two are
 * different operations to AWS.
 */
#include "steering/zone/route53_ask.h"

#include <assert.h>
#include <string.h>

#define URL_MAX 8192

static void
add_parameter(struct route53_request *q, size_t *n, const char *name, const char *value)
{
	if (value[0] != '\0')
		q->parameter[(*n)++] = (struct text_pair){name, value};
}

static size_t
list_parameters(struct route53_request *q, const struct walk_cursor *c)
{
	size_t n = 0;
	int len = snprintf(q->name, sizeof q->name, "%s.", c->name);

	assert(len > 1 && (size_t)len < sizeof q->name);
	(void)snprintf(q->items, sizeof q->items, "%u", c->items_max);
	add_parameter(q, &n, "name", q->name);
	add_parameter(q, &n, "type", c->type);
	add_parameter(q, &n, "identifier", c->id);
	add_parameter(q, &n, "maxitems", q->items);
	return n;
}

static void
add_path(struct text *path, const char *zone_id, const struct route53_what *what)
{
	text_add_str(path, "/2013-04-01/");
	switch (what->ask) {
	case ROUTE53_LIST:
		text_addf(path, "hostedzone/%s/rrset", zone_id);
		break;
	case ROUTE53_CHANGE:
		text_addf(path, "hostedzone/%s/rrset/", zone_id);
		break;
	case ROUTE53_GET_CHANGE:
		text_addf(path, "change/%s", what->change_id);
		break;
	case ROUTE53_LIST_CHECKS:
	case ROUTE53_CREATE_CHECK:
		text_add_str(path, "healthcheck");
		break;
	}
}

static bool
sign(struct route53_request *q, const struct route53_where *where, size_t parameters,
    const struct credentials *who, struct err *e)
{
	struct http_request *h = &q->http;
	struct sign_key key = {
	    who->access_key, who->secret_key, where->place.region, "route53"};
	struct sign_request r = {.method = h->method,
	    .path = text_str(&q->path),
	    .query = q->parameter,
	    .queries = parameters,
	    .header = q->header,
	    .headers = h->headers,
	    .body = h->body,
	    .body_bytes = h->body_bytes};

	if (!sign_authorization(&q->authorization, &r, &key, q->date, e))
		return false;
	q->header[h->headers++] =
	    (struct text_pair){"Authorization", text_str(&q->authorization)};
	return true;
}

bool
route53_request_init(struct route53_request *q, const struct route53_where *where,
    const struct route53_what *what, const struct credentials *who, int64_t sign_wall_s,
    struct err *e)
{
	bool change = what->ask == ROUTE53_CHANGE || what->ask == ROUTE53_CREATE_CHECK;
	struct http_request *h = &q->http;
	size_t parameters = 0;

	memset(q, 0, sizeof *q);
	q->path = q->query = q->url = q->authorization = TEXT_INIT(URL_MAX);
	if (what->ask == ROUTE53_LIST)
		parameters = list_parameters(q, &what->cursor);
	if (what->ask == ROUTE53_LIST_CHECKS) {
		add_parameter(q, &parameters, "marker", what->marker);
		add_parameter(q, &parameters, "maxitems", "100");
	}
	add_path(&q->path, where->zone_id, what);
	sign_query(&q->query, q->parameter, parameters);
	text_addf(&q->url, "%s%s%s%s", where->place.endpoint, text_str(&q->path),
	    parameters > 0 ? "?" : "", text_str(&q->query));
	if (!text_ok(&q->url) || !text_ok(&q->query))
		return err_set(e, "request to zone %s does not fit", where->zone_id);
	sign_date(q->date, sign_wall_s);
	q->header[h->headers++] = (struct text_pair){"Host", where->place.host};
	q->header[h->headers++] = (struct text_pair){"X-Amz-Date", q->date};
	if (who->session_token[0] != '\0')
		q->header[h->headers++] =
		    (struct text_pair){"X-Amz-Security-Token", who->session_token};
	if (change)
		q->header[h->headers++] =
		    (struct text_pair){"Content-Type", "application/xml"};
	h->method = change ? "POST" : "GET";
	h->url = text_str(&q->url);
	h->header = q->header;
	h->body = change ? text_str(what->body) : NULL;
	h->body_bytes = change ? what->body->n : 0;
	h->total_ms = where->total_ms;
	h->connect_ms =
	    where->total_ms < ROUTE53_CONNECT_MS ? where->total_ms : ROUTE53_CONNECT_MS;
	h->once = change;
	return sign(q, where, parameters, who, e);
}

void
route53_request_fini(struct route53_request *q)
{
	text_fini(&q->path);
	text_fini(&q->query);
	text_fini(&q->url);
	text_fini(&q->authorization);
}
