/* SPDX-License-Identifier: Apache-2.0 */
/* What Route 53 answers, by each of the three readers; and other services of AWS. */
#include <stdlib.h>
#include <string.h>

#include "steering/zone/elb.h"
#include "steering/zone/route53_xml.h"
#include "tests/fuzz/fuzz.h"

static bool
on_item(const struct route53_item *item, void *arg)
{
	size_t *items = arg;

	/* Strings within their bounds, and values as many as are said. */
	if (strlen(item->set.name) >= sizeof item->set.name ||
	    strlen(item->set.value) >= sizeof item->set.value || item->values == NULL)
		abort();
	if (!rrset_equal(&item->set, &item->set))
		abort();
	return ++*items < 500;
}

static void
others(const char *bytes, size_t n)
{
	struct http_response r = {.status = 200, .body = bytes, .body_bytes = n};
	struct aws_verdict v;
	struct elb_count count;
	struct err e = {{0}};
	char text[24];

	if (aws_field(bytes, n, "ListResult/Sets/member/Id", text, sizeof text) &&
	    strnlen(text, sizeof text) == sizeof text)
		abort();
	(void)!elb_parse(bytes, n, &count, &e);
	aws_judge(&v, ELB_SERVICE, ELB_ACTION, &r);
	r.status = 400;
	aws_judge(&v, ELB_SERVICE, ELB_ACTION, &r);
	if (v.result == AWS_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *bytes = (const char *)data;
	struct route53_page page;
	struct route53_change_info info;
	struct route53_error error;
	struct err e = {{0}};
	size_t items = 0;

	(void)!route53_parse_list(bytes, n, &page, on_item, &items, &e);
	(void)!route53_parse_change(bytes, n, &info, &e);
	(void)!route53_parse_error(bytes, n, &error, &e);
	others(bytes, n);
	return 0;
}
