/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function per operation. A change is judged in AWS's order: the zone, the XML, the
 * form of each change (InvalidInput), and only then the zone's contents
 * (InvalidChangeBatch).
 */
#include "tests/lab/api.h"
#include "tests/lab/check_api.h"
#include "tests/lab/form.h"
#include "tests/lab/name.h"
#include "tests/lab/xml_in.h"
#include "tests/lab/xml_out.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_MAX = 300, ZONES_PAGE_MAX = 100 };

void
api_reply_init(struct api_reply *r)
{
	memset(r, 0, sizeof *r);
	r->status = 200;
	r->code = "";
	r->body = evbuffer_new();
	if (r->body == NULL)
		abort();
}

void
api_reply_fini(struct api_reply *r)
{
	evbuffer_free(r->body);
	batch_fini(&r->batch);
}

void
api_reply_error(struct api_reply *r, const struct api_call *call, int status,
    const char *code, const char *message)
{
	r->status = status;
	r->code = code;
	evbuffer_drain(r->body, evbuffer_get_length(r->body));
	xml_write_error(r->body, code, message, status < 500, call->request_id);
}

/* Copies one path segment; returns what follows it, NULL if it does not fit. */
static const char *
take_segment(const char *path, char id[API_ID_BYTES])
{
	size_t n = strcspn(path, "/");

	if (n == 0 || n >= API_ID_BYTES)
		return NULL;
	memcpy(id, path, n);
	id[n] = '\0';
	return path + n;
}

static const char *
after(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(path, prefix, n) == 0 ? path + n : NULL;
}

static enum api_op
route_zone(struct api_call *call, const char *rest, bool get, bool post)
{
	if (*rest == '\0')
		return get ? API_LIST_ZONES : API_UNKNOWN;
	rest = take_segment(rest + 1, call->id);
	if (rest == NULL)
		return API_UNKNOWN;
	if (*rest == '\0')
		return get ? API_GET_ZONE : API_UNKNOWN;
	if (strcmp(rest, "/rrset") != 0 && strcmp(rest, "/rrset/") != 0)
		return API_UNKNOWN;
	return post ? API_CHANGE : get ? API_LIST : API_UNKNOWN;
}

static enum api_op
route_check(struct api_call *call, const char *rest, const char *method)
{
	bool get = strcmp(method, "GET") == 0;

	if (*rest == '\0')
		return get                        ? API_LIST_CHECKS
		    : strcmp(method, "POST") == 0 ? API_CREATE_CHECK
						  : API_UNKNOWN;
	rest = take_segment(rest + 1, call->id);
	if (rest == NULL || *rest != '\0')
		return API_UNKNOWN;
	return get                          ? API_GET_CHECK
	    : strcmp(method, "DELETE") == 0 ? API_DELETE_CHECK
					    : API_UNKNOWN;
}

void
api_route(struct api_call *call, const char *method, const char *path)
{
	bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;
	const char *rest;

	call->op = API_UNKNOWN;
	call->id[0] = '\0';
	if (get && strcmp(path, "/2013-04-01/hostedzonesbyname") == 0) {
		call->op = API_LIST_ZONES_BY_NAME;
	} else if ((rest = after(path, "/2013-04-01/change/")) != NULL) {
		rest = take_segment(rest, call->id);
		if (get && rest != NULL && *rest == '\0')
			call->op = API_GET_CHANGE;
	} else if ((rest = after(path, "/2013-04-01/hostedzone")) != NULL &&
	    (*rest == '\0' || *rest == '/')) {
		call->op = route_zone(call, rest, get, post);
	} else if ((rest = after(path, "/2013-04-01/healthcheck")) != NULL &&
	    (*rest == '\0' || *rest == '/')) {
		call->op = route_check(call, rest, method);
	}
}

static struct zone *
find_zone(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct zone *z = store_find_zone(&lab->store, call->id);
	char text[API_ID_BYTES + 64];

	if (z == NULL) {
		snprintf(
		    text, sizeof text, "No hosted zone found with ID: %s", call->id);
		api_reply_error(r, call, 404, "NoSuchHostedZone", text);
	}
	return z;
}

/* Every health check that a new set names is there; false: r is the refusal. */
static bool
has_checks(const struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	char text[API_ID_BYTES + 80];

	for (size_t i = 0; i < r->batch.n; i++) {
		const char *id = r->batch.items[i].set->health;

		if (r->batch.items[i].action == ACTION_DELETE || id == NULL ||
		    checks_find(&lab->checks, id) != NULL)
			continue;
		snprintf(text, sizeof text,
		    "No health check exists with the specified ID: %s", id);
		api_reply_error(r, call, 404, "NoSuchHealthCheck", text);
		return false;
	}
	return true;
}

/* False: r is the refusal. */
static bool
read_change(const struct lab *lab, const struct api_call *call, struct api_reply *r,
    struct messages *messages)
{
	char why[XML_WHY_BYTES];

	if (call->content_type != NULL &&
	    strstr(call->content_type, "x-www-form-urlencoded") != NULL) {
		api_reply_error(r, call, 400, "InvalidInput",
		    "Content-Type must be application/xml or text/xml");
		return false;
	}
	if (!xml_read_batch(call->body, call->body_bytes, &r->batch, messages, why)) {
		api_reply_error(r, call, 400, "InvalidInput", why);
		return false;
	}
	if (messages->n == 0 && !form_check_batch(&r->batch, why)) {
		api_reply_error(r, call, 400, "InvalidInput", why);
		return false;
	}
	return messages->n > 0 || has_checks(lab, call, r);
}

static void
run_change(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct zone *z = find_zone(lab, call, r);
	struct messages messages = {0};
	struct version *v = NULL;

	lab->counters.changes++;
	if (z == NULL || !read_change(lab, call, r, &messages)) {
		lab->counters.refused++;
		messages_fini(&messages);
		return;
	}
	if (messages.n == 0)
		v = batch_apply(&r->batch, &lab->store, z, &messages);
	if (v == NULL) {
		lab->counters.refused++;
		r->status = 400;
		r->code = "InvalidChangeBatch";
		xml_write_refusal(
		    r->body, &messages, lab->faults.old_errors, call->request_id);
	} else {
		const struct change *c = lab_commit(lab, z, v, r->batch.comment);

		lab->counters.applied++;
		xml_write_change(r->body, "ChangeResourceRecordSetsResponse", c, false);
	}
	messages_fini(&messages);
}

bool
api_read_max_items(
    const struct api_call *call, struct api_reply *r, size_t most, size_t *max)
{
	const char *text = evhttp_find_header(call->query, "maxitems");
	char *end;

	*max = most;
	if (text == NULL)
		return true;
	unsigned long n = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (n == 0 || *end != '\0') {
		api_reply_error(
		    r, call, 400, "InvalidInput", "maxitems must be a positive number");
		return false;
	}
	*max = n < most ? n : most;
	return true;
}

/* Where a list begins; false: r is the refusal. */
static bool
find_start(const struct api_call *call, struct api_reply *r, const struct version *v,
    size_t *start)
{
	const char *name = evhttp_find_header(call->query, "name");
	const char *type = evhttp_find_header(call->query, "type");
	const char *set_id = evhttp_find_header(call->query, "identifier");
	char text[NAME_TEXT_BYTES], key[NAME_TEXT_BYTES];
	const char *problem = NULL;

	*start = 0;
	if (type != NULL && name == NULL)
		problem = "The input is not valid: type is given without name";
	else if (set_id != NULL && type == NULL)
		problem = "The input is not valid: identifier is given without type";
	else if (type != NULL && rrtype_find(type) == NULL)
		problem = "The input is not valid: type is unknown";
	else if (name != NULL && !name_parse(name, text))
		problem = "The input is not valid: name is not a domain name";
	if (problem != NULL) {
		api_reply_error(r, call, 400, "InvalidInput", problem);
		return false;
	}
	if (name != NULL) {
		name_key(text, key);
		*start = version_lower(v, key, type != NULL ? type : "", set_id);
	}
	return true;
}

static void
run_list(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct zone *z = find_zone(lab, call, r);
	struct page page;

	lab->counters.lists++;
	if (z == NULL || !api_read_max_items(call, r, PAGE_MAX, &page.max_items))
		return;
	page.version = faults_spend(&lab->faults.stale_lists) ? z->before : z->now;
	if (!find_start(call, r, page.version, &page.first))
		return;
	page.end = page.first + page.max_items;
	if (page.end > page.version->n)
		page.end = page.version->n;
	xml_write_page(r->body, &page);
}

static void
run_get_change(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	const struct change *c = store_find_change(&lab->store, call->id);
	char text[API_ID_BYTES + 64];

	lab->counters.get_changes++;
	if (c == NULL) {
		snprintf(
		    text, sizeof text, "Could not find resource with ID: %s", call->id);
		api_reply_error(r, call, 404, "NoSuchChange", text);
		return;
	}
	xml_write_change(
	    r->body, "GetChangeResponse", c, lab_now_ms() >= c->insync_at_ms);
}

static void
run_get_zone(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct zone *z = find_zone(lab, call, r);

	lab->counters.zone_reads++;
	if (z != NULL)
		xml_write_zone(r->body, z, lab->servers);
}

static int
cmp_zones(const void *a, const void *b)
{
	const struct zone *left = *(const struct zone *const *)a;
	const struct zone *right = *(const struct zone *const *)b;
	char left_key[NAME_TEXT_BYTES], right_key[NAME_TEXT_BYTES];

	name_key(left->name, left_key);
	name_key(right->name, right_key);
	int order = strcmp(left_key, right_key);
	return order != 0 ? order : strcmp(left->id, right->id);
}

/* All zones from the marker on: an id in the order of ids, or a name. */
static void
run_list_zones(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	bool by_name = call->op == API_LIST_ZONES_BY_NAME;
	const char *marker =
	    evhttp_find_header(call->query, by_name ? "dnsname" : "marker");
	struct zone_page page = {
	    .root =
		by_name ? "ListHostedZonesByNameResponse" : "ListHostedZonesResponse",
	    .marker = marker != NULL ? marker : "",
	    .by_name = by_name,
	};
	const struct zone *all[ZONES_MAX];
	char text[NAME_TEXT_BYTES], key[NAME_TEXT_BYTES] = "",
				    zone_key[NAME_TEXT_BYTES];
	size_t n = lab->store.zones_n;
	bool started = by_name || marker == NULL;

	lab->counters.zone_reads++;
	if (!api_read_max_items(call, r, ZONES_PAGE_MAX, &page.max_items))
		return;
	if (by_name && marker != NULL) {
		if (!name_parse(marker, text)) {
			api_reply_error(r, call, 400, "InvalidDomainName",
			    "The specified domain name is not valid.");
			return;
		}
		name_key(text, key);
	}
	for (size_t i = 0; i < n; i++)
		all[i] = &lab->store.zones[i];
	if (by_name)
		qsort(all, n, sizeof *all, cmp_zones);
	for (size_t i = 0; i < n && page.next == NULL; i++) {
		name_key(all[i]->name, zone_key);
		started = started || strcmp(all[i]->id, marker) == 0;
		if (!started || (by_name && strcmp(zone_key, key) < 0))
			continue;
		if (page.n < page.max_items)
			page.zones[page.n++] = all[i];
		else
			page.next = all[i];
	}
	xml_write_zones(r->body, &page);
}

void
api_run(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	switch (call->op) {
	case API_CHANGE:
		run_change(lab, call, r);
		break;
	case API_LIST:
		run_list(lab, call, r);
		break;
	case API_GET_CHANGE:
		run_get_change(lab, call, r);
		break;
	case API_GET_ZONE:
		run_get_zone(lab, call, r);
		break;
	case API_LIST_ZONES:
	case API_LIST_ZONES_BY_NAME:
		run_list_zones(lab, call, r);
		break;
	case API_CREATE_CHECK:
		check_api_create(lab, call, r);
		break;
	case API_GET_CHECK:
		check_api_get(lab, call, r);
		break;
	case API_LIST_CHECKS:
		check_api_list(lab, call, r);
		break;
	case API_DELETE_CHECK:
		check_api_delete(lab, call, r);
		break;
	case API_UNKNOWN:
		api_reply_error(r, call, 404, "UnknownOperationException",
		    "This lab does not know such a request.");
		break;
	}
}
