/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The elements of a CreateHealthCheckRequest, in AWS's order; the tables are at the
 * end. Each setting is a range or a list of words, and is kept as it came.
 */
#include "tests/lab/check.h"
#include "tests/lab/heap.h"
#include "tests/lab/value.h"
#include "tests/lab/xml_schema.h"

#include <stdlib.h>
#include <string.h>

static bool
one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, text) == 0)
			return true;
	return false;
}

/* NULL: a whole number from low to high, which *n is. */
static const char *
number(const char *text, unsigned low, unsigned high, unsigned *n)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return "cvc-datatype-valid.1.2.1: not a valid value for 'integer'";
	value = strtoul(text, &end, 10);
	if (*end != '\0')
		return "cvc-datatype-valid.1.2.1: not a valid value for 'integer'";
	if (value < low || value > high)
		return "Member must have value between its minimum and its maximum";
	*n = (unsigned)value;
	return NULL;
}

static const char *
ranged(struct xml_build *b, const char *element, const char *text, unsigned low,
    unsigned high)
{
	unsigned n;
	const char *problem = number(text, low, high, &n);

	if (problem == NULL)
		check_add_setting(b->check, element, text);
	return problem;
}

static const char *
boolean(struct xml_build *b, const char *element, const char *text, bool *out)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;

	if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return "cvc-datatype-valid.1.2.1: not a valid value for 'boolean'";
	if (out != NULL)
		*out = yes;
	check_add_setting(b->check, element, yes ? "true" : "false");
	return NULL;
}

static const char *
take_reference(struct xml_build *b, const char *text)
{
	if (text[0] == '\0')
		return "CallerReference: Member must have length between 1 and 64";
	free(b->check->reference);
	b->check->reference = heap_string(text);
	return NULL;
}

static const char *
take_address(struct xml_build *b, const char *text)
{
	uint8_t wire[VALUE_WIRE_MAX];
	char why[800];
	size_t len;

	if (!value_to_wire(rrtype_find("A"), text, wire, &len, why, sizeof why) &&
	    !value_to_wire(rrtype_find("AAAA"), text, wire, &len, why, sizeof why))
		return "IPAddress: not an IP address";
	b->check->has_address = true;
	check_add_setting(b->check, "IPAddress", text);
	return NULL;
}

static const char *
take_port(struct xml_build *b, const char *text)
{
	return ranged(b, "Port", text, 1, 65535);
}

static const char *
take_kind(struct xml_build *b, const char *text)
{
	static const char *const kinds[] = {"HTTP", "HTTPS", "HTTP_STR_MATCH",
	    "HTTPS_STR_MATCH", "TCP", "CALCULATED", NULL};

	if (!one_of(text, kinds))
		return "Type: Member must satisfy enum value set (CLOUDWATCH_METRIC and "
		       "RECOVERY_CONTROL are not in this lab)";
	free(b->check->kind);
	b->check->kind = heap_string(text);
	check_add_setting(b->check, "Type", text);
	return NULL;
}

static const char *
take_path(struct xml_build *b, const char *text)
{
	if (text[0] != '\0' && text[0] != '/')
		return "ResourcePath: begins with /";
	check_add_setting(b->check, "ResourcePath", text);
	return NULL;
}

static const char *
take_name(struct xml_build *b, const char *text)
{
	b->check->has_name = true;
	check_add_setting(b->check, "FullyQualifiedDomainName", text);
	return NULL;
}

static const char *
take_search(struct xml_build *b, const char *text)
{
	b->check->has_search = true;
	check_add_setting(b->check, "SearchString", text);
	return NULL;
}

static const char *
take_interval(struct xml_build *b, const char *text)
{
	if (strcmp(text, "10") != 0 && strcmp(text, "30") != 0)
		return "RequestInterval: Member must be 10 or 30";
	check_add_setting(b->check, "RequestInterval", text);
	return NULL;
}

static const char *
take_failures(struct xml_build *b, const char *text)
{
	return ranged(b, "FailureThreshold", text, 1, 10);
}

static const char *
take_latency(struct xml_build *b, const char *text)
{
	return boolean(b, "MeasureLatency", text, NULL);
}

static const char *
take_inverted(struct xml_build *b, const char *text)
{
	return boolean(b, "Inverted", text, &b->check->inverted);
}

static const char *
take_disabled(struct xml_build *b, const char *text)
{
	return boolean(b, "Disabled", text, &b->check->disabled);
}

static const char *
take_threshold(struct xml_build *b, const char *text)
{
	const char *problem = number(text, 0, 256, &b->check->threshold);

	b->check->has_threshold = true;
	if (problem == NULL)
		check_add_setting(b->check, "HealthThreshold", text);
	return problem;
}

static const char *
take_child(struct xml_build *b, const char *text)
{
	check_add_child(b->check, text);
	return NULL;
}

static const char *
take_sni(struct xml_build *b, const char *text)
{
	return boolean(b, "EnableSNI", text, NULL);
}

static const struct xml_element children[] = {
    {.name = "ChildHealthCheck", .repeats = true, .text_max = 64, .take = take_child},
    {.name = NULL},
};
static const struct xml_element settings[] = {
    {.name = "IPAddress", .text_max = 45, .take = take_address},
    {.name = "Port", .text_max = 5, .take = take_port},
    {.name = "Type", .required = true, .text_max = 32, .take = take_kind},
    {.name = "ResourcePath", .text_max = 255, .take = take_path},
    {.name = "FullyQualifiedDomainName", .text_max = 255, .take = take_name},
    {.name = "SearchString", .text_max = 255, .take = take_search},
    {.name = "RequestInterval", .text_max = 5, .take = take_interval},
    {.name = "FailureThreshold", .text_max = 5, .take = take_failures},
    {.name = "MeasureLatency", .text_max = 5, .take = take_latency},
    {.name = "Inverted", .text_max = 5, .take = take_inverted},
    {.name = "Disabled", .text_max = 5, .take = take_disabled},
    {.name = "HealthThreshold", .text_max = 5, .take = take_threshold},
    {.name = "ChildHealthChecks", .children = children},
    {.name = "EnableSNI", .text_max = 5, .take = take_sni},
    {.name = NULL},
};
static const struct xml_element request[] = {
    {.name = "CallerReference",
	.required = true,
	.text_max = 64,
	.take = take_reference},
    {.name = "HealthCheckConfig", .required = true, .children = settings},
    {.name = NULL},
};
static const struct xml_element document[] = {
    {.name = "CreateHealthCheckRequest", .required = true, .children = request},
    {.name = NULL},
};
const struct xml_element xml_check_schema = {.name = "document", .children = document};
