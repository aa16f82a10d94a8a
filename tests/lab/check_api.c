/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A creation is named by its caller reference: the same one with the same settings
 * answers with what is there, with others, or of a check since deleted, it is refused.
 */
#include "tests/lab/check_api.h"
#include "tests/lab/xml_in.h"
#include "tests/lab/xml_out.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

enum { CHECKS_PAGE_MAX = 100 };

static void
refuse_absent(const struct api_call *call, struct api_reply *r, const char *id)
{
	char text[API_ID_BYTES + 80];

	snprintf(
	    text, sizeof text, "No health check exists with the specified ID: %s", id);
	api_reply_error(r, call, 404, "NoSuchHealthCheck", text);
}

static void
answer_created(struct api_reply *r, const struct check *one)
{
	r->status = 201;
	snprintf(r->location, sizeof r->location,
	    "https://route53.amazonaws.com/2013-04-01/healthcheck/%s", one->id);
	xml_write_check(r->body, "CreateHealthCheckResponse", one);
}

static bool
same_settings(const struct check *a, const struct check *b)
{
	if (strcmp(a->settings, b->settings) != 0 || a->children_n != b->children_n)
		return false;
	for (size_t i = 0; i < a->children_n; i++)
		if (strcmp(a->children[i], b->children[i]) != 0)
			return false;
	return true;
}

/* What is there under the reference answers; true: r is filled in. */
static bool
meet_reference(struct lab *lab, const struct api_call *call, struct api_reply *r,
    const struct check *asked)
{
	const struct check *there =
	    checks_find_reference(&lab->checks, asked->reference);

	if (there != NULL && same_settings(there, asked)) {
		answer_created(r, there);
		return true;
	}
	if (there == NULL && !checks_is_spent(&lab->checks, asked->reference))
		return false;
	api_reply_error(r, call, 409, "HealthCheckAlreadyExists",
	    there != NULL
		? "A health check with this caller reference and other settings exists."
		: "A health check with this caller reference was created and deleted.");
	return true;
}

void
check_api_create(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct check *asked = NULL;
	char why[XML_WHY_BYTES];
	const char *problem;

	if (!xml_read_check(call->body, call->body_bytes, &asked, why)) {
		api_reply_error(r, call, 400, "InvalidInput", why);
		check_free(asked);
		return;
	}
	problem = check_problem(&lab->checks, asked);
	if (problem != NULL) {
		api_reply_error(r, call, 400, "InvalidInput", problem);
	} else if (meet_reference(lab, call, r, asked)) {
		/* answered */
	} else if (lab->checks.n >= CHECKS_MAX) {
		api_reply_error(r, call, 400, "TooManyHealthChecks",
		    "The limit of 200 health checks is reached.");
	} else {
		checks_add(&lab->checks, asked);
		answer_created(r, asked);
		asked = NULL;
	}
	check_free(asked);
}

void
check_api_get(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	const struct check *one = checks_find(&lab->checks, call->id);

	if (one == NULL)
		refuse_absent(call, r, call->id);
	else
		xml_write_check(r->body, "GetHealthCheckResponse", one);
}

void
check_api_list(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	const char *marker = evhttp_find_header(call->query, "marker");
	struct check_page page = {.checks = &lab->checks,
	    .marker = marker != NULL ? marker : "",
	    .end = lab->checks.n};

	if (!api_read_max_items(call, r, CHECKS_PAGE_MAX, &page.max_items))
		return;
	while (marker != NULL && page.first < lab->checks.n &&
	    strcmp(lab->checks.list[page.first]->id, marker) != 0)
		page.first++;
	if (marker != NULL && page.first == lab->checks.n) {
		refuse_absent(call, r, marker);
		return;
	}
	if (page.end - page.first > page.max_items)
		page.end = page.first + page.max_items;
	xml_write_checks(r->body, &page);
}

void
check_api_delete(struct lab *lab, const struct api_call *call, struct api_reply *r)
{
	struct check *one = checks_find(&lab->checks, call->id);

	if (one == NULL) {
		refuse_absent(call, r, call->id);
		return;
	}
	checks_remove(&lab->checks, one);
	xml_write_check_deleted(r->body);
}
