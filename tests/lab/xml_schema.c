/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables are at the end: read them first. The functions before them each take one
 * element's text into the change being built. The sentences are AWS's where known.
 */
#include "tests/lab/xml_schema.h"
#include "tests/lab/heap.h"
#include "tests/lab/name.h"

#include <stdlib.h>
#include <string.h>

enum { SET_ID_MAX = 128 };

static const char *
take_comment(struct xml_build *b, const char *text)
{
	free(b->batch->comment);
	b->batch->comment = heap_string(text);
	return NULL;
}

static const char *
take_action(struct xml_build *b, const char *text)
{
	for (enum action a = ACTION_CREATE; a <= ACTION_UPSERT; a++) {
		if (strcmp(text, action_name(a)) != 0)
			continue;
		b->action = a;
		b->set = rrset_new();
		return NULL;
	}
	return "Member must satisfy enum value set: [CREATE, DELETE, UPSERT]";
}

static const char *
take_name(struct xml_build *b, const char *text)
{
	char name[NAME_TEXT_BYTES];

	if (!name_parse(text, name)) {
		messages_add(b->messages,
		    "FATAL problem: InvalidDomainName (Value is not a valid domain name) "
		    "encountered with '%.1100s'",
		    text);
		return NULL;
	}
	rrset_set_name(b->set, name);
	return NULL;
}

static const char *
take_type(struct xml_build *b, const char *text)
{
	b->set->type = rrtype_find(text);
	if (b->set->type == NULL)
		return "Member must satisfy enum value set: [SOA, A, TXT, NS, CNAME, MX, "
		       "NAPTR, PTR, SRV, SPF, AAAA, CAA, DS]";
	return NULL;
}

static const char *
take_set_id(struct xml_build *b, const char *text)
{
	if (text[0] == '\0')
		return "Member must have length greater than or equal to 1";
	b->set->set_id = heap_string(text);
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
take_weight(struct xml_build *b, const char *text)
{
	unsigned long long n = 0;
	const char *problem = read_number(text, 255, &n);

	b->set->has_weight = true;
	b->set->weight = (uint8_t)n;
	return problem != NULL ? "Weight: Member must have value between 0 and 255"
			       : NULL;
}

static const char *
take_region(struct xml_build *b, const char *text)
{
	if (text[0] == '\0')
		return "Region: Member must have length greater than or equal to 1";
	b->set->region = heap_string(text);
	return NULL;
}

static const char *
take_continent(struct xml_build *b, const char *text)
{
	b->set->continent = heap_string(text);
	return NULL;
}

static const char *
take_country(struct xml_build *b, const char *text)
{
	b->set->country = heap_string(text);
	return NULL;
}

static const char *
take_subdivision(struct xml_build *b, const char *text)
{
	b->set->subdivision = heap_string(text);
	return NULL;
}

static const char *
take_geo(struct xml_build *b, const char *text)
{
	(void)text;
	if (b->set->continent == NULL && b->set->country == NULL)
		return "GeoLocation: ContinentCode or CountryCode is required";
	return NULL;
}

static const char *
take_failover(struct xml_build *b, const char *text)
{
	if (strcmp(text, "PRIMARY") == 0)
		b->set->failover = FAILOVER_PRIMARY;
	else if (strcmp(text, "SECONDARY") == 0)
		b->set->failover = FAILOVER_SECONDARY;
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
take_multivalue(struct xml_build *b, const char *text)
{
	return read_boolean(text, &b->set->multivalue);
}

static const char *
take_ttl(struct xml_build *b, const char *text)
{
	unsigned long long n = 0;
	const char *problem = read_number(text, 2147483647, &n);

	b->set->has_ttl = true;
	b->set->ttl_s = (uint32_t)n;
	return problem != NULL ? "TTL: Member must have value between 0 and 2147483647"
			       : NULL;
}

static const char *
take_value(struct xml_build *b, const char *text)
{
	if (text[0] == '\0')
		return "Value: Member must have length greater than or equal to 1";
	rrset_add_value(b->set, text);
	return NULL;
}

static const char *
take_alias_zone(struct xml_build *b, const char *text)
{
	static const char prefix[] = "/hostedzone/";

	if (strncmp(text, prefix, sizeof prefix - 1) == 0)
		text += sizeof prefix - 1;
	if (text[0] == '\0' || strlen(text) > 32)
		return "HostedZoneId: Member must have length between 1 and 32";
	b->set->alias_zone = heap_string(text);
	return NULL;
}

static const char *
take_alias_name(struct xml_build *b, const char *text)
{
	char name[NAME_TEXT_BYTES];

	if (!name_parse(text, name)) {
		messages_add(b->messages,
		    "FATAL problem: InvalidDomainName (Value is not a valid domain name) "
		    "encountered with '%.1100s'",
		    text);
		return NULL;
	}
	b->set->alias_name = heap_string(name);
	return NULL;
}

static const char *
take_evaluate(struct xml_build *b, const char *text)
{
	return read_boolean(text, &b->set->alias_evaluate);
}

static const char *
take_health(struct xml_build *b, const char *text)
{
	if (text[0] == '\0')
		return "HealthCheckId: Member must have length greater than or equal to 1";
	b->set->health = heap_string(text);
	return NULL;
}

static const char *
take_change(struct xml_build *b, const char *text)
{
	(void)text;
	batch_add(b->batch, b->action, b->set);
	b->set = NULL;
	return NULL;
}

static const struct xml_element geo[] = {
    {.name = "ContinentCode", .text_max = 2, .take = take_continent},
    {.name = "CountryCode", .text_max = 2, .take = take_country},
    {.name = "SubdivisionCode", .text_max = 3, .take = take_subdivision},
    {.name = NULL},
};
static const struct xml_element record[] = {
    {.name = "Value", .required = true, .text_max = XML_TEXT_MAX, .take = take_value},
    {.name = NULL},
};
static const struct xml_element records[] = {
    {.name = "ResourceRecord", .required = true, .repeats = true, .children = record},
    {.name = NULL},
};
static const struct xml_element alias[] = {
    {.name = "HostedZoneId", .required = true, .text_max = 64, .take = take_alias_zone},
    {.name = "DNSName", .required = true, .text_max = 1024, .take = take_alias_name},
    {.name = "EvaluateTargetHealth",
	.required = true,
	.text_max = 5,
	.take = take_evaluate},
    {.name = NULL},
};
static const struct xml_element record_set[] = {
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
static const struct xml_element change[] = {
    {.name = "Action", .required = true, .text_max = 16, .take = take_action},
    {.name = "ResourceRecordSet", .required = true, .children = record_set},
    {.name = NULL},
};
static const struct xml_element changes[] = {
    {.name = "Change",
	.required = true,
	.repeats = true,
	.children = change,
	.take = take_change},
    {.name = NULL},
};
static const struct xml_element batch_parts[] = {
    {.name = "Comment", .text_max = COMMENT_MAX, .take = take_comment},
    {.name = "Changes", .required = true, .children = changes},
    {.name = NULL},
};
static const struct xml_element request[] = {
    {.name = "ChangeBatch", .required = true, .children = batch_parts},
    {.name = NULL},
};
static const struct xml_element document[] = {
    {.name = "ChangeResourceRecordSetsRequest", .required = true, .children = request},
    {.name = NULL},
};
const struct xml_element xml_schema = {.name = "document", .children = document};
