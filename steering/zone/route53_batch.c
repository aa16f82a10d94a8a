/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Written with plain appends in the one order that Route 53 accepts, not with an XML
 * library: the order of elements is the whole difficulty, and here it can be read
 * from top to bottom. There is no way to say UPSERT.
 */
#include "steering/zone/route53_xml.h"

#include <assert.h>
#include <string.h>

#include "steering/zone/spelling.h"
#include "steering/zone/xml.h"

#define COMMENT_MAX 256
#define VALUE_MAX 4000

struct batch {
	struct text *out;
	size_t records, characters; /* towards AWS's limits */
};

static void
element(struct text *out, const char *name, const char *value)
{
	text_addf(out, "<%s>", name);
	xml_add_escaped(out, value);
	text_addf(out, "</%s>", name);
}

static void
open_change(struct text *out, const char *action, const char *name, const char *type)
{
	text_addf(out, "<Change><Action>%s</Action><ResourceRecordSet><Name>", action);
	xml_add_escaped(out, name);
	text_addf(out, ".</Name><Type>%s</Type>", type);
}

static void
close_change(struct text *out)
{
	text_add_str(out, "</ResourceRecordSet></Change>");
}

static void
add_value(struct batch *b, const char *value)
{
	b->records++;
	b->characters += strlen(value);
	text_add_str(b->out, "<ResourceRecord>");
	element(b->out, "Value", value);
	text_add_str(b->out, "</ResourceRecord>");
}

static void
add_policy(struct text *out, const struct rrset *s)
{
	if (s->policy == RR_SIMPLE)
		return;
	element(out, "SetIdentifier", s->set_id);
	if (s->policy == RR_WEIGHTED)
		text_addf(out, "<Weight>%u</Weight>", (unsigned)s->weight);
	else
		element(
		    out, "Failover", s->policy == RR_PRIMARY ? "PRIMARY" : "SECONDARY");
}

static void
add_alias(struct text *out, const struct rrset *s)
{
	text_add_str(out, "<AliasTarget>");
	element(out, "HostedZoneId", s->alias_zone);
	text_add_str(out, "<DNSName>");
	xml_add_escaped(out, s->alias_name);
	text_addf(out, ".</DNSName><EvaluateTargetHealth>%s</EvaluateTargetHealth>",
	    s->alias_evaluate ? "true" : "false");
	text_add_str(out, "</AliasTarget>");
}

static void
add_values(struct batch *b, const struct rrset *s)
{
	const char *at = s->value;
	char value[RR_VALUES_BYTES];

	text_addf(b->out, "<TTL>%u</TTL><ResourceRecords>", (unsigned)s->ttl_s);
	while (*at != '\0') {
		size_t n = strcspn(at, "\n");

		memcpy(value, at, n);
		value[n] = '\0';
		add_value(b, value);
		at += n + (at[n] == '\n');
	}
	text_add_str(b->out, "</ResourceRecords>");
}

static bool
add_set(struct batch *b, const char *action, const struct rrset *s, struct err *e)
{
	if (s->policy == RR_FOREIGN || s->truncated || s->type == RR_OTHER)
		return err_set(e,
		    "record set %s %s \"%s\" is of a kind that Pointsman "
		    "cannot write: it is left alone",
		    s->name, rrtype_text(s->type), s->set_id);
	open_change(b->out, action, s->name, rrtype_text(s->type));
	add_policy(b->out, s);
	if (s->alias)
		add_alias(b->out, s);
	else
		add_values(b, s);
	if (s->health_check[0] != '\0')
		element(b->out, "HealthCheckId", s->health_check);
	close_change(b->out);
	return true;
}

static void
add_ledger(struct batch *b, const char *action, const char *name, uint32_t ttl_s,
    const char *raw)
{
	open_change(b->out, action, name, "TXT");
	text_addf(b->out, "<TTL>%u</TTL><ResourceRecords>", (unsigned)ttl_s);
	add_value(b, raw);
	text_add_str(b->out, "</ResourceRecords>");
	close_change(b->out);
}

static bool
add_ledger_quoted(struct batch *b, const char *action, const char *name, uint32_t ttl_s,
    const char *text, struct err *e)
{
	struct text raw = TEXT_INIT(VALUE_MAX * 5);
	bool good = false;

	spelling_quote(&raw, text);
	if (!text_ok(&raw))
		(void)err_set(e, "ledger %s: memory is short", name);
	else if (strlen(text) > VALUE_MAX)
		(void)err_set(e,
		    "ledger %s: longer than the 4,000 characters of a TXT value", name);
	else
		good = true;
	if (good)
		add_ledger(b, action, name, ttl_s, text_str(&raw));
	text_fini(&raw);
	return good;
}

/* What CloudTrail shows: printable ASCII, so that 256 bytes are 256 characters. */
static void
add_comment(struct text *out, const char *comment)
{
	char clean[COMMENT_MAX + 1];
	size_t n = 0;

	if (comment == NULL || comment[0] == '\0')
		return;
	for (; *comment != '\0' && n < COMMENT_MAX; comment++)
		clean[n++] = *comment >= 0x20 && *comment < 0x7f ? *comment : '?';
	clean[n] = '\0';
	element(out, "Comment", clean);
}

static bool
add_changes(struct batch *b, const struct zone_change *c, const char *ledger_old_raw,
    struct err *e)
{
	if (c->ledger_old[0] != '\0' && ledger_old_raw != NULL)
		add_ledger(
		    b, "DELETE", c->ledger_name, c->ledger_old_ttl_s, ledger_old_raw);
	else if (c->ledger_old[0] != '\0' &&
	    !add_ledger_quoted(
		b, "DELETE", c->ledger_name, c->ledger_old_ttl_s, c->ledger_old, e))
		return false;
	for (size_t i = 0; i < c->edits; i++)
		if (c->edit[i].old_set != NULL &&
		    !add_set(b, "DELETE", c->edit[i].old_set, e))
			return false;
	if (c->ledger_new[0] != '\0' &&
	    !add_ledger_quoted(
		b, "CREATE", c->ledger_name, c->ledger_ttl_s, c->ledger_new, e))
		return false;
	for (size_t i = 0; i < c->edits; i++)
		if (c->edit[i].new_set != NULL &&
		    !add_set(b, "CREATE", c->edit[i].new_set, e))
			return false;
	return true;
}

bool
route53_format_change(struct text *out, const struct zone_change *c,
    const char *ledger_old_raw, struct err *e)
{
	struct batch b = {.out = out};

	assert(c->ledger_old[0] != '\0' || c->ledger_new[0] != '\0');
	text_add_str(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<ChangeResourceRecordSetsRequest "
	    "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\">"
	    "<ChangeBatch>");
	add_comment(out, c->comment);
	text_add_str(out, "<Changes>");
	if (!add_changes(&b, c, ledger_old_raw, e))
		return false;
	text_add_str(out, "</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>");
	if (b.records > ROUTE53_RECORDS_MAX || b.characters > ROUTE53_VALUES_MAX)
		return err_set(e,
		    "change of %s has %zu records and %zu characters of values: "
		    "Route 53 takes %d and %d in one batch",
		    c->ledger_name, b.records, b.characters, ROUTE53_RECORDS_MAX,
		    ROUTE53_VALUES_MAX);
	if (!text_ok(out))
		return err_set(
		    e, "change of %s cannot be written as XML", c->ledger_name);
	return true;
}
