/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_checks.c - one kind a check, and times that fit each other.
 *
 * A timeout beyond the interval is refused at usual speeds: two probes of one address
 * are never in flight, so the interval would be a lie. Below one second it may be up
 * to twice the interval: there the round trip, not the interval, sets what a fair
 * chance is, and a slow probe only delays the next.
 *
 * At such speed a lost packet is not repaired within the timeout (TCP waits 200 ms to
 * 1 s before it sends again): every loss is a failed try. With 5 % of packets lost,
 * three agents and the fast profile, a simulation drains a healthy site so often an
 * hour (four packets must arrive for http, seven or eight for https):
 *	tries in one probe	1	2	3
 *	http			232	0	0
 *	https			> 900	12-29	0
 * `hedge` opens a second connection and no third, so https is refused there, and http
 * without a hedge is warned of.
 */
#include "config/load.h"

#include <string.h>

#define FAST_MS 1000
#define TRIES_HTTPS_MIN 3

static const char *const kinds[CHECK_KINDS] = {
    [CHECK_HTTP] = "http",
    [CHECK_TCP] = "tcp",
    [CHECK_EXEC] = "exec",
    [CHECK_DNS] = "dns",
    [CHECK_ELB] = "elb",
    [CHECK_BACKUP] = "backup",
    [CHECK_CLOUDWATCH] = "cloudwatch",
};

static const struct ynode *
either(const struct ynode *node, const char *first, const char *second)
{
	const struct ynode *n = ynode_get(node, first);

	return n != NULL ? n : ynode_get(node, second);
}

/* An API that is shared with everything else in the account, and whose answers have been
 * through thresholds of their own. */
static void
elb_defaults(const struct ynode *node, struct check_spec *s)
{
	if (ynode_get(node, "every") == NULL)
		s->every_ms = 10000;
	if (ynode_get(node, "timeout") == NULL)
		s->timeout_ms = s->every_ms < 3000 ? s->every_ms : 3000;
	if (ynode_get(node, "recheck") == NULL)
		s->recheck_ms = s->every_ms < 2000 ? s->every_ms : 2000;
	if (ynode_get(node, "fall") == NULL)
		s->fall = 2;
	if (ynode_get(node, "rise") == NULL)
		s->rise = 2;
	if (ynode_get(node, "clear") == NULL)
		s->clear = 2;
}

static void
rule_elb(struct load *l, const struct block *b, const struct check_spec *s)
{
	static const char *const probes[] = {"hedge", "slow", "source"};
	const struct ynode *every = ynode_get(b->node, "every");
	const struct ynode *region = ynode_at(b->node, "elb.region");
	const char *in = strstr(s->elb.target_group, ":elasticloadbalancing:");
	size_t n = strlen(s->elb.region);

	if (s->kind != CHECK_ELB)
		return;
	for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
		const struct ynode *p = ynode_get(b->node, probes[i]);

		if (p != NULL)
			note_error(l->notes, p->key_line, p->key_column,
			    "'%s' is about probes: an elb check asks AWS", p->key);
	}
	if (every != NULL && s->every_ms < FAST_MS)
		note_error(l->notes, every->line, every->column,
		    "an elb check is made every 1s at most: AWS limits how often an "
		    "account may ask");
	if (in != NULL && region != NULL && n > 0 &&
	    (strncmp(in + 22, s->elb.region, n) != 0 || in[22 + n] != ':'))
		note_error(l->notes, region->line, region->column,
		    "the target group is in region %.*s, says its ARN",
		    (int)strcspn(in + 22, ":"), in + 22);
}

static void
rule_kind(struct load *l, const struct block *b)
{
	struct draft_check *d = b->data;
	const struct ynode *first = NULL;

	for (unsigned k = 0; k < CHECK_KINDS; k++) {
		const struct ynode *n = ynode_get(b->node, kinds[k]);

		if (n != NULL && first != NULL)
			note_error(l->notes, n->key_line, n->key_column,
			    "check '%.40s' is of one kind: %s stands beside %s",
			    b->name, n->key, first->key);
		if (n == NULL || first != NULL)
			continue;
		first = n;
		d->spec.kind = (enum check_kind)k;
		d->spec.tcp.tls = ynode_at(b->node, "tcp.tls") != NULL;
	}
	if (d->spec.kind == CHECK_ELB)
		elb_defaults(b->node, &d->spec);
	if (first == NULL)
		note_error(l->notes, b->node->key_line, b->node->key_column,
		    "check '%.40s' says no kind: one of http, tcp, exec, dns, elb, "
		    "backup, cloudwatch",
		    b->name);
}

/* The longer of two times, told at the key that says it. */
static void
note_longer(struct load *l, const struct block *b, const char *what, uint64_t what_ms,
    const char *than, uint64_t than_ms, const char *why)
{
	const struct ynode *n = either(b->node, what, than);
	bool said = ynode_get(b->node, what) != NULL;
	char longer[32], shorter[32];

	if (n == NULL)
		n = b->node;
	value_duration_format(what_ms, longer, sizeof longer);
	value_duration_format(than_ms, shorter, sizeof shorter);
	note_error(l->notes, n->line, n->column, "%s%s %s is longer than %s %s%s",
	    said ? "" : "the default ", what, longer, than, shorter, why);
}

static void
rule_times(struct load *l, const struct block *b, const struct check_spec *s)
{
	uint64_t most_ms = s->every_ms < FAST_MS ? 2 * s->every_ms : s->every_ms;

	if (s->timeout_ms > most_ms)
		note_longer(l, b, "timeout", s->timeout_ms, "every", s->every_ms,
		    s->every_ms < FAST_MS ? ", more than twice" : "");
	if (s->recheck_ms > s->every_ms)
		note_longer(l, b, "recheck", s->recheck_ms, "every", s->every_ms,
		    ": a failure is looked at again sooner, not later");
	if (s->hedge_ms >= s->timeout_ms && s->hedge_ms != 0)
		note_longer(l, b, "hedge", s->hedge_ms, "timeout", s->timeout_ms,
		    ": the second connection would never be opened");
	if (s->slow_ms > s->timeout_ms)
		note_longer(l, b, "slow", s->slow_ms, "timeout", s->timeout_ms,
		    ": it would never be reached");
}

bool
rules_https_is_too_fast(const struct check_spec *s)
{
	unsigned tries = s->hedge_ms > 0 ? 2 : 1;

	return s->kind == CHECK_HTTP && s->timeout_ms < FAST_MS &&
	    tries < TRIES_HTTPS_MIN;
}

static void
rule_fast(struct load *l, const struct block *b, const struct check_spec *s)
{
	const struct ynode *scheme = ynode_at(b->node, "http.scheme");
	const struct ynode *timeout = ynode_get(b->node, "timeout");

	if (scheme != NULL && s->http.https && rules_https_is_too_fast(s))
		note_error(
		    l->notes, scheme->line, scheme->column, RULES_HTTPS_TOO_FAST);
	else if (timeout != NULL && s->timeout_ms < FAST_MS && s->hedge_ms == 0 &&
	    s->kind == CHECK_HTTP)
		note_warning(l->notes, timeout->line, timeout->column,
		    "a timeout below 1s without hedge: each lost packet is a failure, and "
		    "5 %% loss would drain a healthy site many times an hour");
}

static void
rule_identity(struct load *l, const struct block *b)
{
	const struct ynode *cert = ynode_at(b->node, "http.cert");
	const struct ynode *key = ynode_at(b->node, "http.key");
	const struct ynode *one = cert != NULL ? cert : key;

	if ((cert == NULL) != (key == NULL))
		note_error(l->notes, one->key_line, one->key_column,
		    "'%s' needs '%s' beside it", one->key,
		    one == cert ? "key" : "cert");
}

/* An expected record as the prober spells it. */
static void
spell_answer(struct load *l, const struct ynode *node, uint32_t type, char *text,
    size_t text_bytes)
{
	char spelled[DNS_NAME_MAX > VALUE_IP_MAX ? DNS_NAME_MAX : VALUE_IP_MAX];
	enum value_ip kind = VALUE_IP_NONE;
	bool good = true;
	struct err e;

	if (text[0] == '\0' || type == CHECK_DNS_TXT)
		return;
	if (type == CHECK_DNS_CNAME)
		good = value_dns_name(text, spelled, &e);
	else if (!value_ip(text, spelled, &kind, &e) ||
	    kind != (type == CHECK_DNS_A ? VALUE_IP_V4 : VALUE_IP_V6))
		good = err_set(&e,
		    "is not an IPv%d address, which type %s answers with",
		    type == CHECK_DNS_A ? 4 : 6, type == CHECK_DNS_A ? "A" : "AAAA");
	if (good)
		(void)snprintf(text, text_bytes, "%s", spelled);
	else
		note_error(
		    l->notes, node->line, node->column, "'%.60s' %s", text, e.text);
}

static void
rule_dns(struct load *l, const struct block *b)
{
	struct check_dns *d = &((struct draft_check *)b->data)->spec.dns;
	const struct ynode *contains = ynode_at(b->node, "dns.contains");
	const struct ynode *answers = ynode_at(b->node, "dns.answers");
	const struct ynode *both = answers != NULL ? answers : contains;
	const struct ynode *at = answers != NULL ? answers->first : NULL;

	if (both == NULL)
		return;
	if (answers != NULL && contains != NULL)
		note_error(l->notes, answers->key_line, answers->key_column,
		    "'answers' says the whole answer: 'contains' beside it says nothing "
		    "more");
	if (d->rcode != 0)
		note_error(l->notes, both->key_line, both->key_column,
		    "'%s' asks for records, and only an answer with rcode NOERROR has "
		    "them",
		    both->key);
	if (contains != NULL)
		spell_answer(l, contains, d->type, d->contains, sizeof d->contains);
	for (uint32_t i = 0; i < d->answers && at != NULL; i++, at = at->next)
		spell_answer(l, at, d->type, d->answer[i], sizeof d->answer[i]);
}

/* A service's check that is given through a template counts: the tree is merged. */
static bool
says(const struct ynode *node, const char *key, const char *name)
{
	const struct ynode *ref = ynode_at(node, key);

	return ref != NULL && strcmp(ref->text, name) == 0;
}

static bool
used(const struct load *l, const char *name)
{
	const struct ynode *root = l->walk.root;
	const struct ynode *services = ynode_get(root, "services");
	const struct ynode *plans = ynode_get(root, "scenarios");

	for (const struct ynode *s = services != NULL ? services->first : NULL;
	     s != NULL; s = s->next) {
		const struct ynode *members = ynode_get(s, "members");

		if (says(s, "check", name))
			return true;
		for (const struct ynode *m = members != NULL ? members->first : NULL;
		     m != NULL; m = m->next)
			if (says(m, "check", name) || says(m, "targets", name))
				return true;
	}
	for (const struct ynode *p = plans != NULL ? plans->first : NULL; p != NULL;
	     p = p->next) {
		const struct ynode *steps = ynode_get(p, "steps");

		if (says(p, "lag", name))
			return true;
		for (const struct ynode *s = steps != NULL ? steps->first : NULL;
		     s != NULL; s = s->next)
			if (says(s, "wait.check", name))
				return true;
	}
	return false;
}

void
rules_checks(struct load *l)
{
	for (struct block *b = block_first(l->file, "checks.*"); b != NULL;
	     b = block_next(b)) {
		const struct draft_check *d = b->data;

		if (b->node->kind != YNODE_MAP)
			continue;
		rule_kind(l, b);
		rules_lag(l, b);
		rule_times(l, b, &d->spec);
		rule_fast(l, b, &d->spec);
		rule_identity(l, b);
		rules_exec(l, b);
		rule_dns(l, b);
		rule_elb(l, b, &d->spec);
		if (!used(l, b->name))
			note_warning(l->notes, b->node->key_line, b->node->key_column,
			    "check '%.40s' is used by no service and no scenario",
			    b->name);
	}
}
