/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_file.c - what the whole file must agree on: sites, agents, quorum, timing.
 */
#include "config/load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/put.h"

static void
note_at(struct load *l, const struct ynode *node, const char *text)
{
	note_error(l->notes, node->line, node->column, "%s", text);
}

/* One that is absent is doctor's business. */
void
rules_secret(struct load *l, const struct ynode *node)
{
	char path[512];
	struct stat st;
	struct err e;

	if (node == NULL || node->kind != YNODE_SCALAR ||
	    !put_path(&l->walk, node->text, path, sizeof path, &e) ||
	    stat(path, &st) != 0)
		return;
	if ((st.st_mode & 077) != 0)
		note_error(l->notes, node->line, node->column,
		    "%.200s is readable by others (mode %03o): chmod 600 it, and replace "
		    "the key if anyone may have seen it",
		    path, (unsigned)(st.st_mode & 0777));
}

static void
rule_sites(struct load *l)
{
	const struct ynode *sites = ynode_get(l->walk.root, "sites");

	if (sites == NULL)
		return;
	for (const struct ynode *a = sites->first; a != NULL; a = a->next)
		for (const struct ynode *b = sites->first; b != a; b = b->next)
			if (strcmp(a->text, b->text) == 0)
				note_error(l->notes, a->line, a->column,
				    "site '%.40s' is named twice", a->text);
}

static void
rule_agent_twins(struct load *l, const struct block *b)
{
	for (struct block *o = block_first(l->file, "agents.*"); o != b;
	     o = block_next(o)) {
		const struct draft_agent *mine = b->data, *other = o->data;

		if (strcmp(b->name, o->name) != 0 &&
		    agent_number(b->name) == agent_number(o->name))
			note_error(l->notes, b->node->key_line, b->node->key_column,
			    "agents '%.40s' and '%.40s' have the same number in the public "
			    "ledger (%08x): rename one",
			    o->name, b->name, agent_number(b->name));
		if (mine->agent.url[0] != '\0' &&
		    strcmp(mine->agent.url, other->agent.url) == 0)
			note_error(l->notes, b->node->key_line, b->node->key_column,
			    "agents '%.40s' and '%.40s' have one url: each has its own",
			    o->name, b->name);
	}
}

static void
rule_agents(struct load *l, bool solo)
{
	uint32_t agents = 0;
	char *rest;

	for (struct block *b = block_first(l->file, "agents.*"); b != NULL;
	     b = block_next(b), agents++) {
		rule_agent_twins(l, b);
		if (!solo && ynode_get(b->node, "url") == NULL)
			note_error(l->notes, b->node->key_line, b->node->key_column,
			    "agent '%.40s' lacks a url: the others must reach it "
			    "(quorum: solo needs none)",
			    b->name);
		/* What reads as a number is no host's name to those who check it. */
		(void)strtoul(b->name, &rest, 0);
		if (!solo && *rest == '\0')
			note_error(l->notes, b->node->key_line, b->node->key_column,
			    "agent '%.40s' would be taken for an address where its "
			    "certificate names it: a name needs a letter, as in a%.40s",
			    b->name, b->name);
	}
	const struct ynode *node = ynode_get(l->walk.root, "agents");
	if (agents == 1 && !solo)
		note_error(l->notes, node->key_line, node->key_column,
		    "one agent is no quorum: add agents at other places, or say "
		    "quorum: solo and let one observer decide");
	if (agents > 1 && solo)
		note_warning(l->notes, node->key_line, node->key_column,
		    "with quorum: solo each of %u agents decides alone", agents);
}

static void
rule_tls(struct load *l, bool solo)
{
	const struct ynode *tls = ynode_get(l->walk.root, "tls");

	if (tls == NULL && !solo)
		note_error(l->notes, l->walk.root->line, l->walk.root->column,
		    "the file lacks the key 'tls': agents know each other by "
		    "certificates (tls: {cert: …, key: …, ca: …})");
	rules_secret(l, ynode_get(tls, "key"));
}

static void
rule_canaries(struct load *l)
{
	const struct ynode *canaries = ynode_get(l->walk.root, "canaries");
	size_t n = canaries != NULL ? canaries->children : 0;

	if (n == 0)
		note_warning(l->notes, l->walk.root->line, l->walk.root->column,
		    "no canaries: an agent that lost its own uplink cannot tell, and will "
		    "see every site down; name three addresses outside (canaries: "
		    "[\"tcp://…:443\", …])");
	else if (n < 3)
		note_warning(l->notes, canaries->line, canaries->column,
		    "%zu canar%s: an agent abstains when fewer than two of three pass, so "
		    "name three",
		    n, n == 1 ? "y" : "ies");
}

static void
rule_timing(struct load *l)
{
	const struct draft *d = l->draft;
	const struct ynode *timing = ynode_get(l->walk.root, "timing");

	if (timing == NULL || timing->kind != YNODE_MAP)
		return;
	if (d->fresh_ms < 3 * d->report_ms) {
		const struct ynode *fresh = ynode_get(timing, "fresh");

		note_at(l, fresh != NULL ? fresh : timing,
		    "fresh is less than three times report: a report or two that get lost "
		    "would silence an agent");
	}
	if (d->silent_ms < 2 * d->report_ms) {
		const struct ynode *silent = ynode_get(timing, "silent");

		note_at(l, silent != NULL ? silent : timing,
		    "silent is less than twice report: one late report would skip a "
		    "writer");
	}
	if (d->takeover_ms < d->fresh_ms) {
		const struct ynode *takeover = ynode_get(timing, "takeover");

		note_at(l, takeover != NULL ? takeover : timing,
		    "takeover is shorter than fresh: whoever carries out a scenario would "
		    "be replaced while what it said still counts");
	}
	if (d->silent_ms > d->fresh_ms) {
		const struct ynode *silent = ynode_get(timing, "silent");

		note_at(l, silent != NULL ? silent : timing,
		    "silent is longer than fresh: a dead writer would be waited for after "
		    "its votes have lapsed");
	}
}

void
rules_file(struct load *l)
{
	bool solo = l->draft->quorum == 1;

	rule_sites(l);
	rule_agents(l, solo);
	rule_tls(l, solo);
	rule_canaries(l);
	rule_timing(l);
	for (struct block *b = block_first(l->file, "checks.*"); b != NULL;
	     b = block_next(b))
		rules_secret(l, ynode_at(b->node, "http.key"));
}
