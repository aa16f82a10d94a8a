/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents are small and their shape is fixed, so they are printed, not built: one
 * function per shape, one place that escapes text.
 */
#include "tests/lab/xml_out.h"

#include <event2/buffer.h>
#include <string.h>
#include <time.h>

#define NAMESPACE "https://route53.amazonaws.com/doc/2013-04-01/"
#define PROLOGUE "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
write_escaped(struct evbuffer *out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++) {
		switch (*c) {
		case '<':
			evbuffer_add(out, "&lt;", 4);
			break;
		case '>':
			evbuffer_add(out, "&gt;", 4);
			break;
		case '&':
			evbuffer_add(out, "&amp;", 5);
			break;
		case '"':
			evbuffer_add(out, "&quot;", 6);
			break;
		case '\r':
			evbuffer_add(out, "&#13;", 5);
			break;
		default:
			if ((unsigned char)*c >= ' ' || *c == '\t' || *c == '\n')
				evbuffer_add(out, c, 1);
			else
				evbuffer_add(
				    out, "?", 1); /* XML 1.0 has no such char */
		}
	}
}

static void
write_leaf(struct evbuffer *out, const char *element, const char *text)
{
	evbuffer_add_printf(out, "<%s>", element);
	write_escaped(out, text);
	evbuffer_add_printf(out, "</%s>", element);
}

static void
write_leaf_if(struct evbuffer *out, const char *element, const char *text)
{
	if (text != NULL)
		write_leaf(out, element, text);
}

static void
write_number(struct evbuffer *out, const char *element, unsigned long long n)
{
	evbuffer_add_printf(out, "<%s>%llu</%s>", element, n, element);
}

void
xml_write_error(struct evbuffer *out, const char *code, const char *message,
    bool sender, const char *request_id)
{
	evbuffer_add_printf(
	    out, PROLOGUE "<ErrorResponse xmlns=\"" NAMESPACE "\"><Error>");
	write_leaf(out, "Type", sender ? "Sender" : "Receiver");
	write_leaf(out, "Code", code);
	write_leaf(out, "Message", message);
	evbuffer_add_printf(out, "</Error>");
	write_leaf(out, "RequestId", request_id);
	evbuffer_add_printf(out, "</ErrorResponse>");
}

void
xml_write_refusal(struct evbuffer *out, const struct messages *messages, bool old_shape,
    const char *request_id)
{
	const char *root = old_shape ? "InvalidChangeBatch" : "ErrorResponse";

	evbuffer_add_printf(out, PROLOGUE "<%s xmlns=\"" NAMESPACE "\">", root);
	if (old_shape) {
		evbuffer_add_printf(out, "<Messages>");
		for (size_t i = 0; i < messages->n; i++)
			write_leaf(out, "Message", messages->lines[i]);
		evbuffer_add_printf(out, "</Messages>");
	} else {
		evbuffer_add_printf(out,
		    "<Error><Type>Sender</Type>"
		    "<Code>InvalidChangeBatch</Code><Message>[");
		for (size_t i = 0; i < messages->n; i++) {
			if (i > 0)
				evbuffer_add_printf(out, ", ");
			write_escaped(out, messages->lines[i]);
		}
		evbuffer_add_printf(out, "]</Message></Error>");
	}
	write_leaf(out, "RequestId", request_id);
	evbuffer_add_printf(out, "</%s>", root);
}

void
xml_write_change(
    struct evbuffer *out, const char *root, const struct change *c, bool insync)
{
	time_t at = (time_t)(c->submitted_wall_ms / 1000);
	char date[40];
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
	evbuffer_add_printf(out,
	    PROLOGUE "<%s xmlns=\"" NAMESPACE "\"><ChangeInfo><Id>/change/%s</Id>"
		     "<Status>%s</Status><SubmittedAt>%s.%03dZ</SubmittedAt>",
	    root, c->id, insync ? "INSYNC" : "PENDING", date,
	    (int)(c->submitted_wall_ms % 1000));
	if (c->comment[0] != '\0')
		write_leaf(out, "Comment", c->comment);
	evbuffer_add_printf(out, "</ChangeInfo></%s>", root);
}

static void
write_contents(struct evbuffer *out, const struct rrset *set)
{
	if (set->has_ttl)
		write_number(out, "TTL", set->ttl_s);
	if (set->values_n > 0) {
		evbuffer_add_printf(out, "<ResourceRecords>");
		for (size_t i = 0; i < set->values_n; i++) {
			evbuffer_add_printf(out, "<ResourceRecord>");
			write_leaf(out, "Value", set->values[i]);
			evbuffer_add_printf(out, "</ResourceRecord>");
		}
		evbuffer_add_printf(out, "</ResourceRecords>");
	}
	if (set->alias_zone == NULL)
		return;
	evbuffer_add_printf(out, "<AliasTarget>");
	write_leaf(out, "HostedZoneId", set->alias_zone);
	write_leaf(out, "DNSName", set->alias_name);
	write_leaf(out, "EvaluateTargetHealth", set->alias_evaluate ? "true" : "false");
	evbuffer_add_printf(out, "</AliasTarget>");
}

static void
write_set(struct evbuffer *out, const struct rrset *set)
{
	evbuffer_add_printf(out, "<ResourceRecordSet>");
	write_leaf(out, "Name", set->name);
	write_leaf(out, "Type", set->type->name);
	write_leaf_if(out, "SetIdentifier", set->set_id);
	if (set->has_weight)
		write_number(out, "Weight", set->weight);
	write_leaf_if(out, "Region", set->region);
	if (rrset_policy(set) == POLICY_GEO) {
		evbuffer_add_printf(out, "<GeoLocation>");
		write_leaf_if(out, "ContinentCode", set->continent);
		write_leaf_if(out, "CountryCode", set->country);
		write_leaf_if(out, "SubdivisionCode", set->subdivision);
		evbuffer_add_printf(out, "</GeoLocation>");
	}
	if (set->failover != FAILOVER_NONE)
		write_leaf(out, "Failover", failover_name(set->failover));
	if (set->multivalue)
		write_leaf(out, "MultiValueAnswer", "true");
	write_contents(out, set);
	write_leaf_if(out, "HealthCheckId", set->health);
	evbuffer_add_printf(out, "</ResourceRecordSet>");
}

void
xml_write_page(struct evbuffer *out, const struct page *page)
{
	const struct version *v = page->version;
	bool more = page->end < v->n;

	evbuffer_add_printf(out,
	    PROLOGUE "<ListResourceRecordSetsResponse xmlns=\"" NAMESPACE
		     "\"><ResourceRecordSets>");
	for (size_t i = page->first; i < page->end; i++)
		write_set(out, v->sets[i]);
	evbuffer_add_printf(out, "</ResourceRecordSets><IsTruncated>%s</IsTruncated>",
	    more ? "true" : "false");
	if (more) {
		const struct rrset *next = v->sets[page->end];

		write_leaf(out, "NextRecordName", next->name);
		write_leaf(out, "NextRecordType", next->type->name);
		write_leaf_if(out, "NextRecordIdentifier", next->set_id);
	}
	write_number(out, "MaxItems", page->max_items);
	evbuffer_add_printf(out, "</ListResourceRecordSetsResponse>");
}

static void
write_zone(struct evbuffer *out, const struct zone *z)
{
	evbuffer_add_printf(out, "<HostedZone><Id>/hostedzone/%s</Id>", z->id);
	write_leaf(out, "Name", z->name);
	evbuffer_add_printf(out,
	    "<CallerReference>pointsman-lab-%s</CallerReference>"
	    "<Config><PrivateZone>%s</PrivateZone></Config>"
	    "<ResourceRecordSetCount>%zu</ResourceRecordSetCount></HostedZone>",
	    z->id, z->is_private ? "true" : "false", z->now->n);
}

void
xml_write_zone(struct evbuffer *out, const struct zone *z, size_t servers)
{
	char name[ZONE_SERVER_BYTES];

	evbuffer_add_printf(
	    out, PROLOGUE "<GetHostedZoneResponse xmlns=\"" NAMESPACE "\">");
	write_zone(out, z);
	if (z->is_private) {
		evbuffer_add_printf(out,
		    "<VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1ab</VPCId>"
		    "</VPC></VPCs></GetHostedZoneResponse>");
		return;
	}
	evbuffer_add_printf(out, "<DelegationSet><NameServers>");
	for (size_t i = 0; i < servers; i++) {
		zone_server_name(i, name);
		name[strlen(name) - 1] = '\0'; /* AWS shows these without the dot */
		write_leaf(out, "NameServer", name);
	}
	evbuffer_add_printf(
	    out, "</NameServers></DelegationSet></GetHostedZoneResponse>");
}

static void
write_next_zone(struct evbuffer *out, const struct zone_page *page)
{
	if (page->next == NULL)
		return;
	if (!page->by_name) {
		write_leaf(out, "NextMarker", page->next->id);
		return;
	}
	write_leaf(out, "NextDNSName", page->next->name);
	write_leaf(out, "NextHostedZoneId", page->next->id);
}

void
xml_write_zones(struct evbuffer *out, const struct zone_page *page)
{
	evbuffer_add_printf(
	    out, PROLOGUE "<%s xmlns=\"" NAMESPACE "\"><HostedZones>", page->root);
	for (size_t i = 0; i < page->n; i++)
		write_zone(out, page->zones[i]);
	evbuffer_add_printf(out, "</HostedZones>");
	if (!page->by_name)
		write_leaf(out, "Marker", page->marker);
	else if (page->marker[0] != '\0')
		write_leaf(out, "DNSName", page->marker);
	write_leaf(out, "IsTruncated", page->next != NULL ? "true" : "false");
	write_next_zone(out, page);
	write_number(out, "MaxItems", page->max_items);
	evbuffer_add_printf(out, "</%s>", page->root);
}

static void
write_check(struct evbuffer *out, const struct check *one)
{
	evbuffer_add_printf(out, "<HealthCheck>");
	write_leaf(out, "Id", one->id);
	write_leaf(out, "CallerReference", one->reference);
	evbuffer_add_printf(out, "<HealthCheckConfig>%s", one->settings);
	if (strcmp(one->kind, "CALCULATED") == 0) {
		evbuffer_add_printf(out, "<ChildHealthChecks>");
		for (size_t i = 0; i < one->children_n; i++)
			write_leaf(out, "ChildHealthCheck", one->children[i]);
		evbuffer_add_printf(out, "</ChildHealthChecks>");
	}
	evbuffer_add_printf(out,
	    "</HealthCheckConfig><HealthCheckVersion>1</HealthCheckVersion>"
	    "</HealthCheck>");
}

void
xml_write_check(struct evbuffer *out, const char *root, const struct check *one)
{
	evbuffer_add_printf(out, PROLOGUE "<%s xmlns=\"" NAMESPACE "\">", root);
	write_check(out, one);
	evbuffer_add_printf(out, "</%s>", root);
}

void
xml_write_check_deleted(struct evbuffer *out)
{
	evbuffer_add_printf(
	    out, PROLOGUE "<DeleteHealthCheckResponse xmlns=\"" NAMESPACE "\"/>");
}

void
xml_write_checks(struct evbuffer *out, const struct check_page *page)
{
	bool more = page->end < page->checks->n;

	evbuffer_add_printf(out,
	    PROLOGUE "<ListHealthChecksResponse xmlns=\"" NAMESPACE
		     "\"><HealthChecks>");
	for (size_t i = page->first; i < page->end; i++)
		write_check(out, page->checks->list[i]);
	evbuffer_add_printf(out, "</HealthChecks>");
	write_leaf(out, "Marker", page->marker);
	write_leaf(out, "IsTruncated", more ? "true" : "false");
	if (more)
		write_leaf(out, "NextMarker", page->checks->list[page->end]->id);
	write_number(out, "MaxItems", page->max_items);
	evbuffer_add_printf(out, "</ListHealthChecksResponse>");
}
