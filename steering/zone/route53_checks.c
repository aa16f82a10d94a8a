/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that bears our reference but is not always healthy (somebody updated it) is
 * not taken: a PRIMARY under it would be moved behind the quorum.
 */
#include "steering/zone/route53_checks.h"

#include <string.h>

#include "steering/zone/xml.h"

#define NUMBER_MAX 999

struct reading {
	const char *reference;
	struct route53_checks *checks;
	char id[RR_HEALTH_MAX], its[ROUTE53_REFERENCE_MAX];
	bool calculated, zero, altered;
	bool answered, more;
	char next[RR_HEALTH_MAX];
};

static void
copy(char *out, size_t out_bytes, const char *text)
{
	size_t n = strlen(text);

	if (n >= out_bytes)
		n = 0; /* too long to be one of ours */
	memcpy(out, text, n);
	out[n] = '\0';
}

/* Which of our checks the reference names, from 1; 0: it is none. */
static uint32_t
number_of(const char *reference, const char *its)
{
	size_t n = strlen(reference);
	uint32_t number = 0;

	if (strncmp(its, reference, n) != 0)
		return 0;
	if (its[n] == '\0')
		return 1;
	if (its[n++] != '/')
		return 0;
	for (; its[n] >= '0' && its[n] <= '9' && number <= NUMBER_MAX; n++)
		number = number * 10 + (uint32_t)(its[n] - '0');
	return its[n] == '\0' && number > 1 && number <= NUMBER_MAX ? number : 0;
}

static void
end_check(struct reading *r)
{
	struct route53_checks *c = r->checks;
	uint32_t number = number_of(r->reference, r->its);

	if (number == 0 || r->id[0] == '\0' || !r->calculated || !r->zero || r->altered)
		return;
	if (c->found[0] != '\0' && c->number <= number)
		return;
	memcpy(c->found, r->id, sizeof c->found);
	c->number = number;
}

static bool
on_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct reading *r = arg;

	if (depth == 0)
		r->answered = strcmp(name, "ListHealthChecksResponse") == 0 ||
		    strcmp(name, "CreateHealthCheckResponse") == 0;
	if (strcmp(name, "HealthCheck") == 0) {
		r->id[0] = r->its[0] = '\0';
		r->calculated = r->zero = r->altered = false;
	}
	return r->answered ||
	    err_set(e, "answer is a <%.60s>, not about health checks", name);
}

static void
take_setting(struct reading *r, const char *name, const char *text)
{
	if (strcmp(name, "Type") == 0)
		r->calculated = strcmp(text, "CALCULATED") == 0;
	else if (strcmp(name, "HealthThreshold") == 0)
		r->zero = strcmp(text, "0") == 0;
	else if (strcmp(name, "Inverted") == 0)
		r->altered |= strcmp(text, "true") == 0;
}

static bool
on_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	if (strcmp(name, "HealthCheck") == 0) {
		end_check(r);
	} else if (strcmp(parent, "HealthCheck") == 0) {
		if (strcmp(name, "Id") == 0)
			copy(r->id, sizeof r->id, text);
		else if (strcmp(name, "CallerReference") == 0)
			copy(r->its, sizeof r->its, text);
	} else if (strcmp(parent, "HealthCheckConfig") == 0) {
		take_setting(r, name, text);
	} else if (depth == 1 && strcmp(name, "IsTruncated") == 0) {
		r->more = strcmp(text, "true") == 0;
	} else if (depth == 1 && strcmp(name, "NextMarker") == 0) {
		copy(r->next, sizeof r->next, text);
	}
	return true;
}

bool
route53_parse_checks(const char *bytes, size_t n, const char *reference,
    struct route53_checks *checks, struct err *e)
{
	static const struct xml_reader reader = {on_open, on_close};
	struct reading r = {.reference = reference, .checks = checks};

	if (!xml_parse(bytes, n, &reader, &r, e))
		return false;
	if (r.more && (r.next[0] == '\0' || strcmp(r.next, checks->marker) == 0))
		return err_set(
		    e, "answer says that there is more but not where it starts");
	memcpy(checks->marker, r.next, sizeof checks->marker);
	if (!r.more)
		checks->marker[0] = '\0';
	return true;
}

void
route53_format_check(struct text *out, const char *reference)
{
	text_add_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<CreateHealthCheckRequest "
	    "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
	    "<CallerReference>");
	xml_add_escaped(out, reference);
	text_add_str(out,
	    "</CallerReference><HealthCheckConfig><Type>CALCULATED</Type>"
	    "<HealthThreshold>0</HealthThreshold><ChildHealthChecks></ChildHealthChecks>"
	    "</HealthCheckConfig></CreateHealthCheckRequest>");
}
