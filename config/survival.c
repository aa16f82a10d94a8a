/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survival.c - which losses end steering.
 *
 * What fails together is a domain, so the losses are sets of domains: at most 2^9.
 * Steering goes on while those left are Q and come from more than one domain. Told
 * are the smallest sets that end it; advice is tried, not guessed: how many
 * witnesses, each in a domain of its own, until one loss more is survived.
 */
#include "config/model.h"

#include <stdarg.h>
#include <string.h>

struct domains {
	uint32_t count;
	uint32_t agents[AGENTS_MAX];  /* in each */
	const char *name[AGENTS_MAX]; /* of the agent; of the domain when it has more */
	uint32_t voters;
	bool solo;
};

static const char *
domain_name(const struct config *c, const struct rule_agent *v)
{
	for (uint32_t i = 0; i < c->agents; i++)
		if (strcmp(c->agent[i].name, v->name) == 0)
			return c->agent[i].domain;
	return v->name;
}

static void
domains_of(const struct config *c, const struct rule_service *r, struct domains *d)
{
	uint32_t number[AGENTS_MAX];

	memset(d, 0, sizeof *d);
	d->voters = r->agents;
	d->solo = r->solo;
	for (uint32_t v = 0; v < r->agents; v++) {
		uint32_t i = 0;

		while (i < d->count && number[i] != r->agent[v].domain)
			i++;
		if (i == d->count) {
			number[i] = r->agent[v].domain;
			d->name[d->count++] = r->agent[v].name;
		}
		if (++d->agents[i] == 2)
			d->name[i] = domain_name(c, &r->agent[v]);
	}
}

static bool
survives(const struct domains *d, uint32_t lost)
{
	uint32_t agents = 0, domains = 0;
	uint32_t quorum = d->solo ? 1 : d->voters / 2 + 1;

	for (uint32_t i = 0; i < d->count; i++) {
		if ((lost & (1u << i)) != 0)
			continue;
		agents += d->agents[i];
		domains++;
	}
	return agents >= quorum && (d->solo || domains >= 2);
}

static uint32_t
bits(uint32_t set)
{
	uint32_t n = 0;

	for (; set != 0; set &= set - 1)
		n++;
	return n;
}

/* The size of the smallest loss that ends it, and how many of that size do. */
static uint32_t
smallest_loss(const struct domains *d, uint32_t *how_many)
{
	uint32_t least = d->count + 1;

	*how_many = 0;
	for (uint32_t lost = 1; lost < (1u << d->count); lost++) {
		uint32_t n = bits(lost);

		if (n > least || survives(d, lost))
			continue;
		*how_many = n < least ? 1 : *how_many + 1;
		least = n;
	}
	return least;
}

static uint32_t
choose(uint32_t n, uint32_t k)
{
	uint32_t c = 1;

	for (uint32_t i = 1; i <= k; i++)
		c = c * (n - k + i) / i;
	return c;
}

static uint32_t
witnesses_needed(const struct domains *d, uint32_t least)
{
	struct domains more = *d;
	uint32_t ignored;

	for (uint32_t w = 1; w <= 2 && more.count < AGENTS_MAX; w++) {
		more.agents[more.count++] = 1;
		more.voters++;
		if (smallest_loss(&more, &ignored) > least)
			return w;
	}
	return 0;
}

struct out {
	char *text;
	size_t bytes, used;
};

__attribute__((format(printf, 2, 3))) static void
say(struct out *o, const char *format, ...)
{
	va_list args;

	if (o->used >= o->bytes)
		return;
	va_start(args, format);
	int n = vsnprintf(o->text + o->used, o->bytes - o->used, format, args);
	va_end(args);
	o->used += n > 0 ? (size_t)n : 0;
}

static void
say_set(struct out *o, const struct domains *d, uint32_t set)
{
	uint32_t left = bits(set);

	for (uint32_t i = 0; i < d->count; i++) {
		if ((set & (1u << i)) == 0)
			continue;
		left--;
		say(o, "%s%s", d->name[i], left == 0 ? "" : left == 1 ? " and " : ", ");
	}
}

static void
say_losses(struct out *o, const struct domains *d, uint32_t least, uint32_t how_many)
{
	if (how_many > 4 && how_many == choose(d->count, least)) {
		say(o, "any %u of %u domains together end steering", least, d->count);
		return;
	}
	bool first = true;
	for (uint32_t lost = 1; lost < (1u << d->count); lost++) {
		if (bits(lost) != least || survives(d, lost))
			continue;
		say(o, "%s", first ? "" : ", or ");
		say_set(o, d, lost);
		first = false;
	}
	if (least == 1)
		say(o, " alone ends steering");
	else
		say(o, " together end steering");
}

void
config_survival(const struct config *c, uint32_t service, char *text, size_t text_bytes)
{
	const struct rule_service *r = &c->service[service].rule;
	struct out o = {text, text_bytes, 0};
	struct domains d;
	uint32_t how_many;

	domains_of(c, r, &d);
	if (r->solo && r->agents == 1) {
		say(&o,
		    "%s: one observer decides (quorum: solo); without %s nothing steers, "
		    "and its own trouble can look like a site's",
		    r->name, r->agent[0].name);
		return;
	}
	uint32_t least = smallest_loss(&d, &how_many);
	say(&o, "%s: %u of %u agents must agree; ", r->name, rule_quorum(r), r->agents);
	if (least > 1 && d.count > 1)
		say(&o, "survives the loss of any %s; ",
		    least == 2       ? "one of them"
			: least == 3 ? "two"
			: least == 4 ? "three"
				     : "four");
	say_losses(&o, &d, least, how_many);
	uint32_t add = r->solo ? 0 : witnesses_needed(&d, least);
	if (add > 0 && least <= 2)
		say(&o, ": add %s", add == 1 ? "a witness" : "two witnesses");
}
