/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table per document says which element goes where; what is not in a table and
 * stands inside a record set makes it foreign. Reading is by parent and name, not by
 * whole path: the documents are small and no name means two things under one parent.
 */
#include "steering/zone/route53_xml.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "steering/zone/spelling.h"
#include "steering/zone/xml.h"

#define VALUES_BYTES_MAX (64 * 1024)

/* False when it does not fit; then out is "". */
static bool
copy(char *out, size_t out_bytes, const char *text)
{
	size_t n = strlen(text);

	if (n >= out_bytes) {
		out[0] = '\0';
		return false;
	}
	memcpy(out, text, n + 1);
	return true;
}

/* Decimal, at most max; false when it is anything else. */
static bool
number(uint32_t *out, const char *text, uint32_t max)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool
open_any(void *arg, const char *name, unsigned depth, struct err *e)
{
	(void)arg, (void)name, (void)depth, (void)e;
	return true;
}

/* ---- a page of record sets ---- */

struct listing {
	struct route53_page *page;
	route53_item_cb cb;
	void *arg;
	struct route53_item item;
	struct text values;
	bool answered; /* the root was the right one */
	bool foreign;
};

static void
set_name(struct rrset *s, const char *text)
{
	s->truncated |= !spelling_name(s->name, text);
}

static void
set_weight(struct rrset *s, const char *text)
{
	uint32_t weight;

	s->policy = RR_WEIGHTED;
	if (number(&weight, text, 255))
		s->weight = (uint8_t)weight;
	else
		s->truncated = true; /* some stand-ins hold 256 */
}

static void
set_failover(struct rrset *s, const char *text)
{
	s->policy = strcmp(text, "PRIMARY") == 0 ? RR_PRIMARY
	    : strcmp(text, "SECONDARY") == 0     ? RR_SECONDARY
						 : RR_FOREIGN;
}

static void
set_ttl(struct rrset *s, const char *text)
{
	s->truncated |= !number(&s->ttl_s, text, UINT32_MAX);
}

static void
set_id(struct rrset *s, const char *text)
{
	s->truncated |= !copy(s->set_id, sizeof s->set_id, text);
}

static void
set_health(struct rrset *s, const char *text)
{
	s->truncated |= !copy(s->health_check, sizeof s->health_check, text);
}

static void
set_alias(struct rrset *s, const char *text)
{
	(void)text;
	s->alias = true;
}

static void
set_alias_zone(struct rrset *s, const char *text)
{
	s->truncated |= !copy(s->alias_zone, sizeof s->alias_zone, text);
}

static void
set_alias_name(struct rrset *s, const char *text)
{
	s->truncated |= !spelling_name(s->alias_name, text);
}

static void
set_evaluate(struct rrset *s, const char *text)
{
	s->alias_evaluate = strcmp(text, "true") == 0;
}

static void
set_nothing(struct rrset *s, const char *text)
{
	(void)s, (void)text;
}

static const struct {
	const char *parent, *name;
	void (*set)(struct rrset *s, const char *text);
} set_elements[] = {
    {"ResourceRecordSet", "Name", set_name},
    {"ResourceRecordSet", "SetIdentifier", set_id},
    {"ResourceRecordSet", "Weight", set_weight},
    {"ResourceRecordSet", "Failover", set_failover},
    {"ResourceRecordSet", "TTL", set_ttl},
    {"ResourceRecordSet", "HealthCheckId", set_health},
    {"ResourceRecordSet", "ResourceRecords", set_nothing},
    {"ResourceRecordSet", "AliasTarget", set_alias},
    {"ResourceRecords", "ResourceRecord", set_nothing},
    {"AliasTarget", "HostedZoneId", set_alias_zone},
    {"AliasTarget", "DNSName", set_alias_name},
    {"AliasTarget", "EvaluateTargetHealth", set_evaluate},
};

static enum rrtype
type_of(const char *text)
{
	for (enum rrtype t = RR_A; t <= RR_TXT; t++)
		if (strcmp(rrtype_text(t), text) == 0)
			return t;
	return RR_OTHER;
}

static void
set_element(struct listing *l, const char *parent, const char *name, const char *text)
{
	struct rrset *s = &l->item.set;

	if (strcmp(name, "Type") == 0 && strcmp(parent, "ResourceRecordSet") == 0) {
		s->type = type_of(text);
		s->truncated |= !copy(l->item.type, sizeof l->item.type, text);
		return;
	}
	if (strcmp(name, "Value") == 0 && strcmp(parent, "ResourceRecord") == 0) {
		if (s->values++ > 0)
			text_add_char(&l->values, '\n');
		text_add_str(&l->values, text);
		s->truncated |= strchr(text, '\n') != NULL;
		return;
	}
	for (size_t i = 0; i < sizeof set_elements / sizeof set_elements[0]; i++) {
		if (strcmp(set_elements[i].name, name) == 0 &&
		    strcmp(set_elements[i].parent, parent) == 0) {
			set_elements[i].set(s, text);
			return;
		}
	}
	s->policy = RR_FOREIGN; /* latency, geolocation, multivalue, or yet unknown */
}

/* Foreign wins over whatever came after it. */
static bool
finish_set(struct listing *l, bool foreign)
{
	struct rrset *s = &l->item.set;

	if (foreign)
		s->policy = RR_FOREIGN;
	if (!text_ok(&l->values) || s->values > VALUES_MAX ||
	    !copy(s->value, sizeof s->value, text_str(&l->values)))
		s->truncated = true;
	l->item.values = text_str(&l->values);
	return l->cb(&l->item, l->arg);
}

static bool
list_open(void *arg, const char *name, unsigned depth, struct err *e)
{
	struct listing *l = arg;

	if (depth == 0)
		l->answered = strcmp(name, "ListResourceRecordSetsResponse") == 0;
	if (depth == 2 && strcmp(name, "ResourceRecordSet") == 0) {
		memset(&l->item, 0, sizeof l->item);
		text_clear(&l->values);
		l->foreign = false;
	}
	return l->answered ||
	    err_set(e, "answer is a <%.60s>, not a list of record sets", name);
}

static bool
list_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct listing *l = arg;
	struct route53_page *p = l->page;
	bool good = true;

	if (depth == 2 && strcmp(name, "ResourceRecordSet") == 0) {
		good = finish_set(l, l->foreign);
		return good || err_set(e, "reading of record sets was ended");
	}
	if (depth >= 3) {
		bool foreign = l->foreign || l->item.set.policy == RR_FOREIGN;

		set_element(l, parent, name, text);
		l->foreign = foreign || l->item.set.policy == RR_FOREIGN;
		return true;
	}
	if (strcmp(name, "IsTruncated") == 0)
		p->truncated = strcmp(text, "true") == 0;
	else if (strcmp(name, "NextRecordName") == 0)
		good = spelling_name(p->next_name, text);
	else if (strcmp(name, "NextRecordType") == 0)
		good = copy(p->next_type, sizeof p->next_type, text);
	else if (strcmp(name, "NextRecordIdentifier") == 0)
		good = copy(p->next_id, sizeof p->next_id, text);
	return good || err_set(e, "answer's <%.60s> is too long or not a name", name);
}

bool
route53_parse_list(const char *bytes, size_t n, struct route53_page *page,
    route53_item_cb cb, void *arg, struct err *e)
{
	static const struct xml_reader reader = {list_open, list_close};
	struct listing l = {.page = page, .cb = cb, .arg = arg};
	bool good;

	*page = (struct route53_page){0};
	l.values = TEXT_INIT(VALUES_BYTES_MAX);
	good = xml_parse(bytes, n, &reader, &l, e);
	text_fini(&l.values);
	if (good && page->truncated && page->next_name[0] == '\0')
		return err_set(
		    e, "answer says that there is more but not where it starts");
	return good;
}

/* ---- an answer to a change ---- */

static bool
change_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct route53_change_info *info = arg;

	(void)depth;
	if (strcmp(parent, "ChangeInfo") != 0)
		return true;
	if (strcmp(name, "Status") == 0)
		info->insync = strcmp(text, "INSYNC") == 0;
	if (strcmp(name, "Id") != 0)
		return true;
	if (strncmp(text, "/change/", 8) == 0)
		text += 8;
	if (text[0] == '\0' ||
	    strspn(text,
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz_-") != strlen(text))
		return err_set(e, "answer's change id has odd characters");
	return copy(info->id, sizeof info->id, text) ||
	    err_set(e, "answer's change id is too long");
}

bool
route53_parse_change(
    const char *bytes, size_t n, struct route53_change_info *info, struct err *e)
{
	static const struct xml_reader reader = {open_any, change_close};

	*info = (struct route53_change_info){0};
	if (!xml_parse(bytes, n, &reader, info, e))
		return false;
	return info->id[0] != '\0' || err_set(e, "answer names no change");
}

/* ---- a refusal ---- */

static bool
says_lost(const char *message)
{
	return strstr(message, "do not match the current values") != NULL ||
	    strstr(message, "was not found") != NULL ||
	    strstr(message, "already exists") != NULL;
}

static void
add_message(struct route53_error *out, const char *text)
{
	size_t n = strlen(out->message);

	if (n > 0 && n + 3 < sizeof out->message) {
		memcpy(out->message + n, "; ", 3);
		n += 2;
	}
	for (; *text != '\0' && n + 1 < sizeof out->message; text++)
		out->message[n++] = *text >= 0x20 && *text < 0x7f ? *text : ' ';
	out->message[n] = '\0';
}

static bool
error_close(void *arg, const char *parent, const char *name, unsigned depth,
    const char *text, struct err *e)
{
	struct route53_error *out = arg;

	(void)e;
	/* <ErrorResponse><Error><Code>, and the root that is itself the code. */
	if (strcmp(name, "Code") == 0 && strcmp(parent, "Error") == 0) {
		if (!copy(out->code, sizeof out->code, text))
			(void)copy(out->code, sizeof out->code, "TooLongACode");
	} else if (strcmp(name, "Message") == 0) {
		out->lost |= says_lost(text);
		add_message(out, text);
	} else if (depth == 0 && out->code[0] == '\0' && out->message[0] != '\0' &&
	    strcmp(name, "ErrorResponse") != 0) {
		(void)copy(out->code, sizeof out->code, name);
	}
	return true;
}

bool
route53_parse_error(
    const char *bytes, size_t n, struct route53_error *out, struct err *e)
{
	static const struct xml_reader reader = {open_any, error_close};

	*out = (struct route53_error){0};
	if (!xml_parse(bytes, n, &reader, out, e))
		return false;
	return out->code[0] != '\0' || err_set(e, "answer is not one of AWS's errors");
}
